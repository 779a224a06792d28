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


GROUPLESS = tenant.rule(ExceptIfSentToMemberOf=None)
MENDING = {"reconcile_fix": ["forwards"], **HOSTED}


def test_a_forward_that_the_guards_of_its_step_refuse_is_not_switched_on() -> None:
    rows = tenant.standing(members=[MOVED, STUB], recipients=[MOVED, STUB], rules=[GROUPLESS])
    seen = Full(tenant.case("reconcile", options=MENDING, **rows), BARE, READ)
    made = upkeep.reconcile(seen)
    assert (len(made["missing_forwards"]), made["ways"], made["mended"]["missing_forwards"]) == (2, [], 0)
    text = upkeep.lines(seen, made)
    assert any("not forwarded" in line and "left as they are: the guards of a forward that goes on refuse it" in line for line in text)
    assert any(line.startswith("U9 Coexistence: ") for line in text)


def test_who_cannot_be_forwarded_keeps_nobody_else_waiting() -> None:
    bare = tenant.mailbox(f"stub@{SHARED}", routing=True, also=[f"migrated@{tenant.ROUTING}"])
    rows = tenant.standing(members=[MOVED, bare], recipients=[MOVED, bare])
    doubled = Full(tenant.case("reconcile", options=MENDING, **rows), BARE, READ)
    assert upkeep.reconcile(doubled)["ways"] == [], "both hold the address that the forward leads to"
    dead = tenant.mailbox(f"other@{SHARED}", "MailUser")
    twin = tenant.mailbox(f"third@{SHARED}", also=[f"stub@{tenant.ROUTING}"])
    rows = tenant.standing(members=[MOVED, STUB, dead], recipients=[MOVED, STUB, twin, dead])
    seen = Full(tenant.case("reconcile", options=MENDING, **rows), world(members=("migrated", "stub"), sources=(source(),)), READ)
    made = upkeep.reconcile(seen)
    (way,) = made["ways"]
    assert [one["address"] for one in way["forwards"]] == [f"migrated@{SHARED}"]
    text = upkeep.lines(seen, made)
    assert any("1 mended now (1 are refused, as told below)" in line for line in text)
    assert any(line.startswith(f"U7 stub@{SHARED}: ") for line in text)


def test_without_the_sources_list_the_waves_say_whose_forwards_are_looked_at() -> None:
    files = {"waves.csv": PAIR % "1"}
    options = {"waves_file": "waves.csv", "source_file": None, **MENDING}
    other = tenant.mailbox(f"pilot@{SHARED}")
    rows = tenant.standing(members=[MOVED, other], recipients=[MOVED, STUB, other])
    moment = tenant.case("reconcile", options=options, files=files, **rows)
    listless = world(sources=(source(addresses=None),))
    unread = upkeep.reconcile(Full(moment, listless, Evidence()))
    assert (unread["unknown_forwards"], unread["unknown_members"]) == ([f"migrated@{SHARED}"], [f"stub@{SHARED}"])
    (asked,) = [way for one in unread["asked"] for way in one["ways"]]
    assert [one["address"] for one in asked["forwards"]] == [f"migrated@{SHARED}", f"stub@{SHARED}"]
    seen = Full(moment, listless, Evidence(forwards_off=frozenset({f"migrated@{SHARED}"})))
    read = upkeep.reconcile(seen)
    assert [one["address"] for one in read["missing_forwards"]] == [f"migrated@{SHARED}"]
    (line,) = [line for line in upkeep.lines(seen, read) if "were not examined" in line]
    assert line.startswith(f"1 are in the group and stand in no wave (pilot@{SHARED})")


@pytest.mark.parametrize(
    ("membership", "step", "asked"), [("migrated", "dismantle", 2), ("pending", "dismantle", 1), ("pending", "reconcile", 0)]
)
def test_a_teardown_reads_the_forwards_whatever_the_group_means(membership: str, step: str, asked: int) -> None:
    rows = tenant.standing(members=[STUB], recipients=[MOVED, STUB])
    moment = tenant.case(step, options={"membership": membership, **HOSTED}, **rows)
    ways = upkeep.asked(Full(moment, world(sources=(source(addresses=homes("migrated")),)), Evidence()))
    assert sum(len(way["forwards"]) for one in ways for way in one["ways"]) == asked
