# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was rehearsed is what comes: after each real step a prediction from the tenant counts what the rehearsal counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from harness.coexistence import ABANDONED, CLOCK_RATE, variables
from harness.play import Player, Run
from harness.tenant import Sandbox

WAVES = ("wave1", "wave2", "wave3")
BEFORE = {"mx": {"example.com": "source"}}


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


def counts(player: Player, sandbox: Sandbox, known: Mapping[str, Any] | None = None, forwards: Sequence[Any] = ()) -> dict[str, int]:
    """Pairs of recipient and origin by outcome, predicted from the tenant as it is now."""
    options = {
        "all": True,
        "known": BEFORE if known is None else known,
        "forwards": forwards,
        "domains": ["example.com"],
        "smart_hosts": ["192.0.2.10"],
        "source_ip_ranges": ["192.0.2.10"],
        "source_file": str(sandbox.folders[0] / "source.csv"),
    }
    (found,) = good(player.run(player.tasks([{"mailops.exchange.mail_route_info": options}]))).results
    return dict(found["result"]["counts"])


def rehearsed(player: Player, plan: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The same counts of every state, by wave, title and order."""
    run = good(player.run("mailops.exchange.rehearse", {**plan, "coexistence_known": BEFORE}))
    (states,) = (event["result"]["states"] for event in run.results if "states" in event["result"])
    return {" ".join(part for part in (state["wave"], state["state"], state["order"]) if part): state["counts"] for state in states}


def test_what_was_rehearsed_is_what_comes(player: Player, sandbox: Sandbox) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    plan = variables(sandbox.folders[0])
    foretold = rehearsed(player, plan)
    seen = [counts(player, sandbox)]
    assert seen[-1] == foretold["as it is"]
    good(player.run("mailops.exchange.setup", plan))
    sandbox.control("PUT", "/clock", {"advance": 7200})
    seen.append(counts(player, sandbox))
    assert seen[-1] == foretold["rules on and acting"]
    forwards: list[Any] = []
    for wave in WAVES:
        moved = good(player.run("mailops.exchange.cutover", {**plan, "coexistence_wave": wave}))
        if wave == WAVES[0]:
            seen.append(counts(player, sandbox))
            assert seen[-1] == foretold["wave1 in the group and effective, no forward yet"]
        (own,) = (event["result"]["plan"]["forwards"] for event in moved.results if event["result"].get("step") == "forward")
        forwards += own
        if wave == WAVES[0]:
            seen.append(counts(player, sandbox, forwards=forwards))
            assert seen[-1] == foretold["wave1 forwards on, last sync to come"]
    known = {"mx": {"example.com": "tenant"}, "synced": [forward["address"] for forward in forwards]}
    seen.append(counts(player, sandbox, known, forwards))
    assert seen[-1] == foretold["MX at the tenant"]
    good(player.run("mailops.exchange.teardown", plan | ABANDONED))
    seen.append(counts(player, sandbox, known, forwards))
    assert seen[-1] == foretold["domains are Authoritative documented"]
    assert all(one != following for one, following in pairwise(seen)), "every step moves somebody's mail"
