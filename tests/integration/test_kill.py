# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook is killed at each write, before and after it is applied; the next run ends in the same state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, STEPS, variables
from harness.compare import differences
from harness.play import Player
from harness.tenant import Sandbox, generate

# A kill between the first two steps leaves InternalRelay without a note of what it was before.
FORMER = ('"former":{"example.com":"Authoritative"}', '"former":{"example.com":"unknown"}')


def end(sandbox: Sandbox) -> Any:
    """The tenants' state, with a former type that reads `unknown` taken as the known one."""
    return _known(sandbox.objects())


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value.replace(FORMER[1], FORMER[0]) if isinstance(value, str) else value


def killed(player: Player, sandbox: Sandbox, playbook: str, extra: dict[str, Any], nth: int, phase: str) -> int:
    """Run a playbook that is killed at its nth write; the exit code."""
    process = player.start(playbook, extra)
    fault = {"match": {"writes": True, "nth": nth, "phase": phase}, "action": {"kill": -process.pid}}
    sandbox.faults(fault)
    code = process.wait(120)
    assert sandbox.control("GET", "/faults")[0]["fired"] == 1, f"write {nth} of {playbook} was not reached: {code}"
    return code


@pytest.fixture(scope="session")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tenant: every write is killed twice, and one member more is a write more."""
    return generate(tmp_path_factory.mktemp("small") / "tenant", kinds={"stub": 4, "noobj": 1, "pilot": 1, "migrated": 1})


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for name, _unused in STEPS])
def test_killed_at_each_write_and_run_again(player: Player, sandbox: Sandbox, tenant_folder: Path, step: int) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    for name, more in STEPS[:step]:
        assert player.run(f"mailops.exchange.{name}", variables(tenant_folder) | more).code == 0
    name, more = STEPS[step]
    playbook, extra = f"mailops.exchange.{name}", variables(tenant_folder) | more
    sandbox.keep()
    sandbox.control("DELETE", "/calls")
    assert player.run(playbook, extra).code == 0
    wanted, count = end(sandbox), len(sandbox.writes())
    assert count
    for nth in range(1, count + 1):
        for phase in ("before", "after"):
            sandbox.back()
            assert killed(player, sandbox, playbook, extra, nth, phase) != 0
            sandbox.faults()
            again = player.run(playbook, extra)
            assert again.code == 0, f"{name}, write {nth}, {phase}: {again.output}"
            assert differences(wanted, end(sandbox)) == [], f"{name}, write {nth}, {phase}"
            sandbox.control("DELETE", "/calls")
            third = player.run(playbook, extra)
            assert third.changed == 0, third.output
            assert sandbox.writes() == [], "the third run writes nothing"
