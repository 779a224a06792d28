# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconcile where a forward is not known: it is neither on nor off, and who may be forwarded is named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _upkeep as upkeep
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full

from . import tenant
from .test_upkeep import BARE, HOSTED, MOVED, READ, WAVES, homes
from .worlds import SHARED, source, world


@pytest.mark.parametrize("named", [None, [f"migrated@{SHARED}"]])
def test_nobody_whose_forward_is_not_known_is_told_to_have_been_added(named: Any) -> None:
    rows = tenant.standing(members=[MOVED], recipients=[MOVED])
    moment = tenant.case("reconcile", options={"waves_file": "waves.csv", "users": named}, files=WAVES, **rows)
    made = upkeep.reconcile(Full(moment, BARE, Evidence()))
    assert (made["added_members"], made["unknown_forwards"]) == ([], [f"migrated@{SHARED}"])


STUB = tenant.mailbox(f"stub@{SHARED}")
PAIR = f"user,wave\nmigrated@{SHARED},1\nstub@{SHARED},%s\n"


@pytest.mark.parametrize(
    ("wave", "evidence", "options", "list_", "doubtful", "lost"),
    [
        ("1", Evidence(), {}, (), True, False),
        ("1", Evidence(), {"reconcile_fix": "members,forwards", **HOSTED}, (), True, False),
        ("2", Evidence(), {}, (), False, False),
        ("1", Evidence(), {}, ("stub",), False, True),
        ("1", Evidence(), {"membership": "pending"}, (), False, False),
        ("1", Evidence(forwards_off=frozenset({f"stub@{SHARED}"})), {}, (), False, False),
        ("1", READ, {}, (), False, False),
    ],
)
def test_who_is_missing_beside_a_wave_that_moved_is_named_where_the_forward_is_not_known_and_never_mended(
    wave: str, evidence: Evidence, options: dict[str, Any], list_: tuple[str, ...], doubtful: bool, lost: bool
) -> None:
    files = {**WAVES, "waves.csv": PAIR % wave}
    rows = tenant.standing(members=[MOVED], recipients=[MOVED, STUB])
    moment = tenant.case("reconcile", options={"waves_file": "waves.csv", **options}, files=files, **rows)
    seen = Full(moment, world(sources=(source(addresses=homes(*list_)),)), evidence)
    made = upkeep.reconcile(seen)
    assert made["unknown_members"] == ([f"stub@{SHARED}"] if doubtful else [])
    assert made["found"]["unknown_members"] == int(doubtful)
    assert (made["lost_members"], made["members"]) == ([f"stub@{SHARED}"] if lost else [], [])
    assert any("their mail loops" in line and f"stub@{SHARED}" in line for line in upkeep.lines(seen, made)) == doubtful
