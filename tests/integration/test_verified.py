# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify by real playbooks: green only when it knows, red for who is hurt and for mail that ends elsewhere; what was not probed is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, people
from harness.play import Player, Run
from harness.tenant import Sandbox, generate

SHARED = "example.com"
KINDS = {"pilot": 1, "stub": 2, "noobj": 1, "migrated": 1, "list": 1}
VERIFY = "mailops.exchange.verify"


@pytest.fixture(scope="module")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant in which a set-up hurts nobody."""
    return generate(tmp_path_factory.mktemp("sound") / "tenant", kinds=KINDS)


@pytest.fixture(scope="module")
def shared_sandbox(tenant_folder: Path) -> Iterator[Sandbox]:
    """A sandbox of its own for it."""
    with Sandbox([tenant_folder], "--mail") as sandbox:
        yield sandbox


@pytest.fixture
def plan(sandbox: Sandbox, standing: dict[str, Any]) -> dict[str, Any]:
    """A set-up that acts, and its variables."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    sandbox.control("PUT", "/clock", {"advance": 2 * 3600})
    return standing


def host_variables(player: Player) -> dict[str, Any]:
    """The variables of the only host, to be changed in place."""
    hosts: dict[str, dict[str, Any]] = player.inventory["all"]["children"]["exchange_tenants"]["hosts"]
    return next(iter(hosts.values()))


def told(run: Run) -> str:
    """What the assertions said, whether they held or not."""
    said = [event["result"].get("msg", "") for event in run.results if event["action"].endswith("assert")]
    return "\n".join(line for text in said for line in (text if isinstance(text, list) else [str(text)]))


def figures(run: Run) -> dict[str, Any]:
    """What it left for the next job."""
    (found,) = run.custom["_run"]["coexistence_verify"].values()
    return dict(found)


def test_a_sound_state_is_proven_by_prediction_and_by_mail(player: Player, plan: dict[str, Any]) -> None:
    run = player.run(VERIFY, plan | {"coexistence_probe_sample": 0})
    assert run.code == 0, run.output
    found = figures(run)
    assert (found["hurt"], found["unknown"], found["probes"]["wrong"], found["probes"]["not_probed"]) == (0, 0, 0, 0)
    assert found["probes"]["arrived"] >= 12
    assert set(found["counts"]) == {"internet", "tenant", "source"}
    assert f"{found['probes']['arrived']} of {found['probes']['arrived']} probes arrived where it was predicted" in told(run)
    assert "lists, which others read: 1" in told(run)
    dry = player.run(VERIFY, plan, "--check")
    assert dry.code == 0, dry.output
    assert "in check mode none is sent" in told(dry)
    assert figures(dry)["probes"] == {"arrived": 0, "not_probed": 0, "wrong": 0}


def test_somebody_split_by_prediction_fails_it(player: Player, sandbox: Sandbox, plan: dict[str, Any], tenant_folder: Path) -> None:
    sandbox.control("PUT", "/state", {"noun": "TransportRule", "identity": "Coexistence", "set": {"State": "Disabled"}})
    sandbox.control("PUT", "/clock", {"advance": 2 * 3600})
    run = player.run(VERIFY, plan)
    assert run.code != 0
    assert "2 split from tenant: " in str(run.failures[0])
    assert all(stub in str(run.failures[0]) for stub in people(tenant_folder, "stub"))
    assert figures(run)["hurt"] == 2


def test_a_probe_that_ends_elsewhere_than_predicted_fails_it(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], tenant_folder: Path
) -> None:
    (moved,) = people(tenant_folder, "migrated")
    sandbox.control("PUT", "/state", {"foreign": {"forwards": {moved: None}}})
    run = player.run(VERIFY, plan)
    assert run.code != 0
    assert f"predicted at the tenant: mail from internet to {moved}: arrived at the source, " in told(run)
    found = figures(run)
    assert (found["hurt"], found["unknown"]) == (0, 0)
    assert found["probes"]["wrong"] >= 1
    assert found["probes"]["arrived"] >= 1
    assert f"{found['probes']['wrong']} ended elsewhere" in told(run)


def test_it_is_red_where_nothing_is_known_and_names_what_is_missing(player: Player, plan: dict[str, Any]) -> None:
    host_variables(player)["coexistence_name_servers"] = ["127.0.0.1:1"]
    del plan["coexistence_source_file"]
    run = player.run(VERIFY, plan)
    assert run.code != 0
    (failed,) = run.failures
    assert "not proven: coexistence_source_file is not given" in failed
    assert f"not proven: the MX of {SHARED} is not known (127.0.0.1:1" in failed
    assert "coexistence_name_servers" in failed
    found = figures(run)
    assert (found["hurt"], found["counts"]["internet"].keys()) == (0, {"unknown"})
    assert found["unknown"] >= sum(found["counts"]["internet"].values())


def test_probes_that_nobody_can_make_are_told_with_their_reasons_and_read_as_no_success(player: Player, plan: dict[str, Any]) -> None:
    host = host_variables(player)
    for name in ("ansible_exchange_submission_user", "ansible_exchange_submission_password"):
        del host[name]
    host["coexistence_probe_outside_sender"] = host["coexistence_probe_sender"] = ""
    run = player.run(VERIFY, plan)
    assert run.code == 0, run.output
    found = figures(run)
    assert found["probes"]["arrived"] == found["probes"]["wrong"] == 0
    assert found["probes"]["not_probed"] > 0
    assert "Nothing is proven by mail: none of" in told(run)
    assert "probes arrived where it was predicted" not in told(run)
    assert "not probed from tenant: there is no submission account" in told(run)
    assert "not probed from internet: no sender is named for it" in told(run)
