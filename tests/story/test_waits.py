# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's waits are real, each alone: at the clock's normal speed and a latency of 5 s, at least that long and no longer than allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import people, variables
from harness.play import Player, Run, host, inventory, outside
from harness.tenant import Sandbox, generate

LATENCY, LONGEST = 5, 60  # seconds
# Of a rule that is new when the first wave moves: the membership acts long before, and nothing but a probe to who stays tells of the rule.
YOUNG = 20
ACCEPTED = ["U2", "U3"]
# Each wait by what ends it: the role knows the time that the service needs and can probe nothing; or it knows a time that is far too short,
# and only its probes tell it.
BY_TIME: dict[str, Any] = {"coexistence_rule_latency": LATENCY, "coexistence_accept_risks": [*ACCEPTED, "U25"]}
BY_PROBE: dict[str, Any] = {"coexistence_rule_latency": 1, "coexistence_accept_risks": ACCEPTED}


def moments(sandbox: Sandbox, cmdlet: str = "") -> list[float]:
    """When a cmdlet was called, or any, in seconds of the service's clock."""
    calls = sandbox.control("GET", f"/calls?cmdlet={cmdlet}" if cmdlet else "/calls")
    return [datetime.fromisoformat(str(call["time"])[:26] + "+00:00").timestamp() for call in calls]


def wait_after(sandbox: Sandbox, change: str, following: str) -> float:
    """Seconds from the last call that a role waits for to the first one of what it does next."""
    changed = moments(sandbox, change)[-1]
    return min(moment for moment in moments(sandbox, following) if moment > changed) - changed


def probes(run: Run) -> list[str]:
    """What became of the probes that a run waited for."""
    waits = [event["result"] for event in run.results if event["action"] == "mailops.exchange.coexistence_wait"]
    rounds = [one for result in waits for one in result.get("results") or ()]
    return [str(probe["result"]) for one in rounds for probe in one["probes"]]


def runner(tree: Path, place: Path, sandbox: Sandbox, extra: dict[str, Any], *, seeing: bool) -> Callable[..., Run]:
    """Runs playbooks, which must not fail, on the sandbox's tenant. seeing: whether they can probe."""
    entry = sandbox.tenants[0]
    sight = outside(sandbox.ready) if seeing else {}
    player = Player(tree, place, inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"], **sight)}))

    def run(playbook: str, **more: Any) -> Run:
        done = player.run(f"mailops.exchange.{playbook}", extra | more)
        assert done.code == 0, done.output
        return done

    return run


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("more", "seeing"), [pytest.param(BY_TIME, False, id="time"), pytest.param(BY_PROBE, True, id="probe")])
def test_a_wait_lasts_as_long_as_the_service_needs(tree: Path, tmp_path: Path, more: dict[str, Any], seeing: bool) -> None:
    folder = generate(tmp_path / "tenant", kinds={"stub": 2, "noobj": 1, "pilot": 1})
    latencies = [f"--parameter={name}={LATENCY}" for name in ("rule_latency", "membership_latency")]
    with Sandbox([folder], "--mail", *latencies) as sandbox:
        extra = variables(folder) | {"coexistence_effect_timeout": LONGEST} | more
        run = runner(tree, tmp_path, sandbox, extra, seeing=seeing)
        if seeing:
            sandbox.control("PUT", "/parameters", {"rule_latency": YOUNG})
        run("setup")
        # The second one stays: where nothing but probes tells of time, that one's shows that the rule acts.
        users = people(folder, "stub")[:1]
        moved = run("cutover", coexistence_users=users)
        joined = wait_after(sandbox, "Add-DistributionGroupMember", "Get-TransportRule")
        acted = max(moments(sandbox)) - moments(sandbox, "New-TransportRule")[-1]
        sandbox.control("PUT", "/parameters", {"rule_latency": LATENCY})
        # What shows that the forwards are off is a probe from outside.
        run("rollback", coexistence_users=users, coexistence_accept_risks=[*extra["coexistence_accept_risks"], *([] if seeing else ["U8"])])
        left = max(moments(sandbox)) - moments(sandbox, "Remove-DistributionGroupMember")[-1]
        ended = run("teardown")
        stopped = wait_after(sandbox, "Disable-TransportRule", "Remove-TransportRule")
    assert LATENCY <= joined <= LONGEST
    assert LATENCY <= left <= LONGEST
    assert LATENCY <= stopped <= LONGEST
    assert acted >= (YOUNG if seeing else LATENCY)
    assert ("arrived" in probes(moved)) == seeing
    assert bool(set(probes(ended)) - {"not probed"}) == seeing
