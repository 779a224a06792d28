# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No file of tests is left out of `make test-all`."""

from __future__ import annotations

from pathlib import Path

from tools import suite, verify
from tools.environments import NEWEST, OLDEST


def test_each_proof_is_played_by_one_core() -> None:
    played = [folder for chosen in verify.PROOFS.values() for folder in chosen]
    assert len(played) == len(set(played)) > 0
    assert set(played) <= set(suite.folders())
    assert set(verify.PROOFS) == {OLDEST, NEWEST}


def test_what_needs_the_machine_to_itself_runs_on_one_core_at_least(checkout: Path) -> None:
    assert set(verify.TIMED) <= set(suite.folders())
    named = {path for chosen in verify.ALONE.values() for path in chosen}
    files = {path for folder in verify.TIMED for path in (checkout / folder).glob("test_*.py")}
    assert files
    assert [path for path in files if not any(path.is_relative_to(checkout / one) for one in named)] == []
    assert all((checkout / one).exists() for one in named)
    assert set(verify.ALONE) == {OLDEST, NEWEST}
