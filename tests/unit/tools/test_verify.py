# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No file of tests is left out of `make test-all`."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tools import environments, suite, verify
from tools.environments import Environment


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each path is played by `make test-all`, without playing it."""
    runs: Counter[str] = Counter()
    free = threading.Lock()

    def run(core: Environment, paths: tuple[str, ...], arguments: list[str], lanes: int = 1, workers: int = 1) -> suite.Outcome:
        assert arguments == []
        with free:
            runs.update(paths)
        running.append(paths)
        time.sleep(0.01)
        assert running == [paths] or not paths[0].startswith(verify.TIMED), "what is timed runs alone"
        running.remove(paths)
        return suite.Outcome(core, len(paths), 0, 0, 0.0)

    running: list[tuple[str, ...]] = []
    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(environments, "ready_all", lambda _cores: None)
    outcomes = verify.both([])
    assert sum(outcome.passed for outcome in outcomes) == runs.total()
    return runs


def test_each_proof_is_played_by_one_core_and_everything_else_by_both(played: Counter[str]) -> None:
    counts = {path: times for path, times in played.items() if not path.startswith(verify.TIMED)}
    assert set(counts) == set(suite.folders()) - set(verify.TIMED)
    assert {folder for folder, times in counts.items() if times == 1} == set(verify.PROOFS)
    assert set(counts.values()) == {1, 2}


def test_what_needs_the_machine_to_itself_runs_on_one_core_at_least(played: Counter[str], checkout: Path) -> None:
    assert set(verify.TIMED) <= set(suite.folders())
    named = {path: times for path, times in played.items() if path.startswith(verify.TIMED)}
    files = {path for folder in verify.TIMED for path in (checkout / folder).glob("test_*.py")}
    assert files
    assert [path for path in files if not any(path.is_relative_to(checkout / one) for one in named)] == []
    assert all((checkout / one).exists() for one in named)
    assert {core for core, _paths in verify.ALONE} == set(verify.CORES)
