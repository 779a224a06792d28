# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook is killed at each write, before and after it is applied, with mail in flight; the next run ends in the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness.coexistence import STEPS, people, variables
from harness.crash import LETTERS, Crowd, Worker, shared
from harness.play import Player, host, inventory
from harness.tenant import Sandbox, copy, generate

# A small tenant: every write is killed twice, and one member more is a write more.
KINDS = {"stub": 4, "noobj": 1, "pilot": 1, "migrated": 1, "nobody": 1}
WORKERS = 2
BOUND = 300  # seconds
# The tenant's front door is closed while a playbook is killed, so nothing can be probed: the waits are those by time.
# The letters are for people who have not moved, which a teardown sees in the trace.
UNPROBED = [(name, {**more, "coexistence_accept_risks": [*more.get("coexistence_accept_risks", []), "U12", "U25"]}) for name, more in STEPS]


@pytest.fixture
def workers(tree: Path, tmp_path: Path) -> Iterator[list[Worker]]:
    """Each with a sandbox of its own of the same tenant."""
    made, first = [], generate(tmp_path / "tenant", kinds=KINDS)
    with ExitStack() as stack:
        for number in range(WORKERS):
            folder = copy(first, tmp_path / f"tenant{number}")
            sandbox = stack.enter_context(Sandbox([folder], "--mail"))
            entry, place = sandbox.tenants[0], tmp_path / f"play{number}"
            place.mkdir()
            player = Player(tree, place, inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"])}))
            everybody = people(folder, "stub", "noobj", "pilot", "migrated")
            crowd = Crowd(everybody, *people(folder, "nobody"), *people(folder, "pilot"), *people(folder, "noobj"))
            made.append(Worker(sandbox, player, crowd, variables(folder), number, WORKERS))
        yield made


@pytest.mark.timeout(600)
def test_killed_at_each_write_and_run_again(workers: list[Worker], record_property: Callable[[str, object], None]) -> None:
    figures, seconds = shared(workers, UNPROBED)
    assert set(figures.writes) == {name for name, _unused in STEPS}
    assert figures.kills == 2 * sum(figures.writes.values())
    assert figures.messages == LETTERS * figures.kills
    assert seconds < BOUND
    record_property("figure", f"crash: {figures.line}, {seconds:.0f} s")
