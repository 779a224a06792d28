# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that only look and predict: the worker and main() say the same, and neither writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import survey, variables
from harness.play import Player, Run, player_of
from harness.tenant import Sandbox

from .test_paths import bare, probed

__all__ = ["probed"]
SECONDS = re.compile(r'"seconds": [\d.]+')
MARK = re.compile(r"[0-9a-f]{16,}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")


def options(folder: Path, **more: Any) -> dict[str, Any]:
    known = {"mx": {"example.com": "source"}}
    files = {"source_file": str(folder / "source.csv"), "waves_file": str(folder / "waves.csv")}
    return {"domains": ["example.com"], "smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"], "known": known, **files, **more}


def steady(result: dict[str, Any]) -> Any:
    """A result without what no two runs share: times, marks of messages, and the seconds of a rehearsal."""
    known = {name: value for name, value in bare(result).items() if name not in {"line", "screen"} or "states" not in result}
    return json.loads(TIME.sub("<time>", SECONDS.sub('"seconds": 0', MARK.sub("<mark>", json.dumps(known)))))


OUT = {"sender": "someone@outside.example.org", "recipient": "user0002@example.com"}
COEXISTENCE: list[tuple[str, dict[str, Any]]] = [
    ("coexistence_snapshot_info", {}),
    ("mail_route_info", {"addresses": ["user0002@example.com"]}),
    ("mail_route_info", {"all": True, "origin": "tenant"}),
    ("mail_route_info", {"addresses": ["no address"]}),
    ("coexistence_check_info", {"step": "mx"}),
    ("rehearsal_info", {}),
    ("rehearsal_info", {"known": "no mapping"}),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("message_trace_info", {"recipient": "*@example.com", "detail": True}),
    ("message_trace_info", {"start": "yesterday"}),
    ("mail_probe", {"origin": "tenant", **OUT}),
    ("mail_probe", {"origin": "tenant", **OUT, "recipient": "no address"}),
]


BOTH = [*COEXISTENCE, *OTHERS]


@pytest.fixture(scope="module")
def said(shared_sandbox: Sandbox, probed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By number and check mode what the worker and main() said of each case, in one run."""
    shared_sandbox.reset()
    player = player_of(shared_sandbox, probed, tmp_path_factory.mktemp("both"))
    tasks = []
    for number, (module, more) in enumerate(BOTH):
        arguments = options(shared_sandbox.folders[0], **more) if (module, more) in COEXISTENCE else more
        task = {"mailops.exchange.both_paths": {"module": module, "arguments": arguments}}
        tasks += [{**task, "name": f"{number} {check}", "check_mode": check} for check in (False, True)]
    run = player.run(player.tasks(tasks))
    assert run.code == 0, run.output
    assert shared_sandbox.writes() == []
    return {event["task"]: event["result"] for event in run.results}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("number", range(len(BOTH)), ids=[f"{module}-{number}" for number, (module, _more) in enumerate(BOTH)])
def test_worker_and_main_say_the_same(said: dict[str, dict[str, Any]], number: int, check: bool) -> None:
    worker, main = (said[f"{number} {check}"][path] for path in ("worker", "main"))
    assert steady(worker) == steady(main)
    assert bare(worker)["failed"] is any(word in str(BOTH[number][1]) for word in ("no address", "yesterday", "no mapping"))


def rehearsal(run: Run) -> dict[str, Any]:
    """What the module returned."""
    assert run.code == 0, run.output
    (found,) = (event["result"] for event in run.results if "states" in event["result"])
    return dict(found)


@pytest.fixture
def plan(sandbox: Sandbox) -> dict[str, Any]:
    """The variables of a plan for the generated tenant, whose forwards a provider switches."""
    return variables(sandbox.folders[0]) | {"coexistence_forwarding_backend": "csv", "coexistence_known": {"mx": {"example.com": "source"}}}


def untouched(sandbox: Sandbox) -> None:
    """Neither a write nor a message went out."""
    assert sandbox.writes() == []
    assert sandbox.control("GET", "/messages")["messages"] == []


@pytest.mark.parametrize("order", ["documented", "loop_free"])
@pytest.mark.parametrize("mx", ["last", "first"])
def test_the_rehearsal_of_every_order(player: Player, sandbox: Sandbox, plan: dict[str, Any], mx: str, order: str) -> None:
    run = player.run("mailops.exchange.rehearse", plan | {"coexistence_mx": mx, "coexistence_teardown_order": order})
    found = rehearsal(run)
    steps = [state["step"] for state in found["states"]]
    assert steps[0] == "now"
    assert (steps.index("mx") < steps.index("cutover")) == (mx == "first")
    assert [state["order"] for state in found["states"] if state["order"]][-1] == order
    assert found["summary"]["newly_hurt"]["split"] == 0
    assert sum(state["newly_hurt"] for state in found["states"] if state["step"] in {"cutover", "forward"}) == 0
    assert all(len(line) <= 260 for line in found["screen"])
    assert len(found["screen"]) <= 60
    assert found["line"] in run.output, "the figures are shown"
    assert list(run.custom["_run"]["coexistence_rehearsal"].values()) == [found["summary"]]
    untouched(sandbox)


def test_the_rehearsal_names_whom_a_fault_of_the_plan_hurts(player: Player, sandbox: Sandbox, plan: dict[str, Any]) -> None:
    users = [line.partition(",")[0] for line in (sandbox.folders[0] / "waves.csv").read_text().splitlines() if line.endswith("wave1")]
    run = player.run("mailops.exchange.rehearse", plan | {"coexistence_forwarding_backend": "none"})
    state = next(state for state in rehearsal(run)["states"] if state["wave"] == "wave1" and state["fresh"])
    assert state["state"] == f"last sync done before the {len(users)} forwards that no back end switches are on"
    assert set(state["fresh"]) == {"split"}
    hurt = [one for one in state["who"] if one["fresh"]]
    assert {origin for one in hurt for origin in one["origins"]} == {"internet", "source", "program"}
    assert set(users) & {address for one in hurt for address in one["first"]}
    assert any("leaves by the MX of example.com, which is the source" in one["why"] for one in hurt)
    assert f"newly hurt {state['fresh']['split']} split" in run.output
    untouched(sandbox)


def test_the_rehearsal_reads_the_tenant_once_and_a_kept_snapshot_serves_as_well(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], tmp_path: Path
) -> None:
    real = player.run("mailops.exchange.rehearse", plan)
    assert real.code == 0, real.output
    untouched(sandbox)
    reads = len(sandbox.calls())
    assert reads < 25
    assert "1. now: as it is: nobody newly hurt" in real.output
    typed = player.run("mailops.exchange.rehearse", survey(plan) | {"coexistence_known": json.dumps(plan["coexistence_known"])})
    assert [state["counts"] for state in rehearsal(typed)["states"]] == [state["counts"] for state in rehearsal(real)["states"]]
    file = str(tmp_path / "snapshot.json")
    options = {"domain": "example.com", "source_file": plan["coexistence_source_file"], "dest": file}
    kept = player.run(player.tasks([{"mailops.exchange.coexistence_snapshot_info": options}]))
    assert kept.code == 0, kept.output
    before = len(sandbox.calls())
    given = player.run("mailops.exchange.rehearse", {**plan, "coexistence_snapshot": file}, "--check")
    assert [state["counts"] for state in rehearsal(given)["states"]] == [state["counts"] for state in rehearsal(real)["states"]]
    assert len(sandbox.calls()) == before
