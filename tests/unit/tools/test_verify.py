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

ALONE = (verify.GROWTH, verify.KILLED)
TIMED = (verify.RATIO, *verify.REHEARSED, *ALONE)


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
        assert running == [paths] or paths[0] not in ALONE, "what wants the whole machine runs alone"
        assert all(one[0] in TIMED for one in running) or paths[0] not in TIMED, "and what is timed beside nothing else"
        running.remove(paths)
        return suite.Outcome(core, len(paths), 0, 0, 0.0)

    running: list[tuple[str, ...]] = []
    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(environments, "ready_all", lambda _cores: None)
    outcomes = verify.both([])
    assert sum(outcome.passed for outcome in outcomes) == runs.total()
    return runs


def test_each_proof_is_played_by_one_core_and_everything_else_by_both(played: Counter[str]) -> None:
    timed = {path: times for path, times in played.items() if path in TIMED}
    others = {path: times for path, times in played.items() if path not in TIMED}
    assert {path for path, times in others.items() if times == 1} == {*verify.PROOFS, *verify.WAITING}
    assert set(others.values()) == {1, 2}
    assert timed == {verify.RATIO: 2, **dict.fromkeys((*verify.REHEARSED, *ALONE), 1)}


def test_no_file_is_left_out(played: Counter[str], checkout: Path) -> None:
    files = {path for folder in suite.folders() for path in (checkout / folder).rglob("test_*.py")}
    assert files
    assert [path for path in sorted(files) if not any(path.is_relative_to(checkout / one) for one in played)] == []
    assert all((checkout / one).exists() for one in played)
