# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's wait is real: at the clock's normal speed and a latency of 5 s it lasts at least that, and no longer than allowed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from harness.coexistence import people, variables
from harness.play import Player, Run, host, inventory, outside
from harness.tenant import Sandbox, generate

LATENCY, LONGEST = 5, 30  # seconds
WAIT = "mailops.exchange.coexistence_wait"


def moments(sandbox: Sandbox, cmdlet: str) -> list[float]:
    """When a cmdlet was called, in seconds of the service's clock."""
    calls = sandbox.control("GET", f"/calls?cmdlet={cmdlet}")
    return [datetime.fromisoformat(str(call["time"])[:26] + "+00:00").timestamp() for call in calls]


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


@pytest.mark.timeout(200)
def test_a_wait_lasts_as_long_as_the_service_needs(tree: Path, tmp_path: Path) -> None:
    folder = generate(tmp_path / "tenant", kinds={"stub": 1, "noobj": 1, "pilot": 1})
    (tmp_path / "play").mkdir()
    latencies = [f"--parameter={name}={LATENCY}" for name in ("rule_latency", "membership_latency")]
    with Sandbox([folder], "--mail", *latencies) as sandbox:
        entry = sandbox.tenants[0]
        player = Player(
            tree, tmp_path / "play", inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"], **outside(sandbox.ready))})
        )
        quick = {"coexistence_rule_latency": LATENCY, "coexistence_effect_timeout": LONGEST}
        extra = variables(folder) | quick | {"coexistence_accept_risks": ["U2", "U3"]}
        good(player.run("mailops.exchange.setup", extra))
        good(player.run("mailops.exchange.cutover", extra | {"coexistence_users": people(folder, "stub")}))
        good(player.run("mailops.exchange.teardown", extra))
        (stopped,), removed = moments(sandbox, "Disable-TransportRule"), moments(sandbox, "Remove-TransportRule")
    assert LATENCY <= min(removed) - stopped <= LONGEST
