# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook is killed at each write, before and after it is applied, with mail in flight; the next run ends in the same state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.coexistence import STEPS
from harness.crash import LETTERS, shared
from harness.crew import brief, crew

BOUND = 300  # seconds


@pytest.mark.timeout(600)
def test_killed_at_each_write_and_run_again(tree: Path, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    with crew(tree, tmp_path, acts=("writes",)) as workers:
        figures, seconds = shared(workers, brief())
    writes = figures.acts["writes"]
    assert len(writes) == len(STEPS)
    assert all(writes.values()), "every playbook writes something"
    assert figures.kills == 2 * sum(writes.values())
    assert figures.messages == LETTERS * figures.kills
    assert seconds < BOUND
    record_property("figure", f"crash: {figures.line}, {seconds:.0f} s")
