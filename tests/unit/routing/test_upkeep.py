# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify and reconcile: who would be hurt, who has slipped, what is mended by name alone, and what is noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _upkeep as upkeep
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, read_line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import plan
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Forward, World

from . import tenant, worlds
from .worlds import RULE, SHARED, source, world

READ = Evidence(forwards_read=True)
MOVED = tenant.mailbox(f"migrated@{SHARED}")


def full(step: str, found: World, evidence: Evidence = READ, *, options: Mapping[str, Any] | None = None, **rows: Any) -> Full:
    """A moment of a finished set-up with a world."""
    return Full(tenant.case(step, options=options or {}, **tenant.standing(**rows)), found, evidence)


def test_verify_counts_by_origin_and_names_who_is_hurt_how_and_why() -> None:
    made = upkeep.verify(full("verify", world()), 1)
    assert set(made["counts"]) == {"internet", "tenant", "source"}
    everyone = len(upkeep.people(full("verify", world())))
    assert all(sum(counts.values()) == everyone for counts in made["counts"].values())
    assert made["hurt"] == []
    broken = upkeep.verify(full("verify", change.rules_off(world(), [RULE])), 1)
    (split,) = [one for one in broken["hurt"] if one["outcome"] == "split"]
    assert (split["who"], split["from"], split["count"]) == (f"stub@{SHARED}", "tenant", 1)
    assert split["why"]


def test_a_bounce_is_listed_apart_because_its_sender_hears_of_it() -> None:
    made = upkeep.verify(full("verify", world()), 1)
    assert made["bounced"], "the room is not known at the source"
    assert {one["outcome"] for one in made["bounced"]} == {"bounced"}
    assert upkeep.lines(full("verify", world()), made)[0].startswith("from internet: ")


@pytest.mark.parametrize(("sample", "least"), [(1, 1), (0, 2)])
def test_verify_probes_some_of_each_class_or_all_for_the_place_that_was_predicted(sample: int, least: int) -> None:
    (wait,) = upkeep.verify(full("verify", world()), sample)["waits"]
    assert wait["patient"] is False
    at_source = [one for one in wait["probes"] if one["origin"] == "internet" and one["place"] == "source"]
    assert len(at_source) >= least
    assert {one["place"] for one in wait["probes"]} <= {"source", "tenant"}
    assert not any("list@" in one["recipient"] for one in wait["probes"]), "a list is read by others"


def test_without_known_forwards_the_sources_list_says_who_is_forwarded() -> None:
    homes = {
        address: replace(one, home="tenant") if address.startswith("migrated") else one
        for address, one in (source().addresses or {}).items()
    }
    bare = world(sources=(source(addresses=homes),))
    kept = upkeep.verify(full("verify", bare, Evidence()), 1)
    assert not any("migrated" in one["who"] for one in kept["hurt"])


# Reconcile.
FORWARDED = source(forwards=worlds.forward("stub"))


@pytest.mark.parametrize(("fix", "members", "ways"), [(None, 0, 0), (["members"], 1, 0), (["forwards"], 0, 1), ("members,forwards", 1, 1)])
def test_only_what_is_named_is_mended(fix: Any, members: int, ways: int) -> None:
    hosted = {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example", "reconcile_fix": fix}
    made = upkeep.reconcile(full("reconcile", world(sources=(FORWARDED,)), options=hosted, members=[MOVED], recipients=[MOVED]))
    assert made["lost_members"] == [f"stub@{SHARED}"]
    assert [one["address"] for one in made["missing_forwards"]] == [f"migrated@{SHARED}"]
    assert (len(made["members"]), len(made["ways"])) == (members, ways)
    text = "\n".join(upkeep.lines(full("reconcile", world()), made))
    assert text.count("mended now") == members + ways
    assert text.count("coexistence_reconcile_fix") == 2 - members - ways


def test_nobody_is_missed_where_the_forwards_were_not_read_or_everybody_has_one() -> None:
    unread = upkeep.reconcile(full("reconcile", world(sources=(source(),)), Evidence(), members=[MOVED], recipients=[MOVED]))
    assert unread["missing_forwards"] == []
    fine = full("reconcile", world(), members=[MOVED], recipients=[MOVED])
    made = upkeep.reconcile(fine)
    assert (made["lost_members"], made["missing_forwards"], made["groups"]) == ([], [], [])
    assert upkeep.lines(fine, made) == [f"everybody is where {RULE} expects them"]


HOSTED = {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}


def test_a_named_user_who_was_never_moved_is_not_lost() -> None:
    named = {"users": [f"stub@{SHARED}"]}
    rows: dict[str, Any] = {"members": [MOVED], "recipients": [MOVED, tenant.mailbox(f"stub@{SHARED}")]}
    for evidence in (READ, Evidence(), Evidence(forwards_off=frozenset({f"stub@{SHARED}"}))):
        made = upkeep.reconcile(full("reconcile", world(), evidence, options=named, **rows))
        assert made["lost_members"] == [], evidence


def homes(*names: str) -> dict[str, Any]:
    """The source's list, in which these live in the tenant."""
    entries = (source().addresses or {}).items()
    return {address: replace(one, home="tenant") if address.partition("@")[0] in names else one for address, one in entries}


@pytest.mark.parametrize(
    ("evidence", "lost"),
    [(Evidence(), True), (READ, False), (Evidence(forwards_off=frozenset({f"stub@{SHARED}"})), False)],
)
def test_who_lives_in_the_tenant_by_the_list_is_lost_unless_the_forward_was_seen_to_be_off(evidence: Evidence, lost: bool) -> None:
    found = world(sources=(source(addresses=homes("stub", "migrated"), forwards=worlds.forward("migrated")),))
    made = upkeep.reconcile(full("reconcile", found, evidence, members=[MOVED], recipients=[MOVED]))
    assert made["lost_members"] == ([f"stub@{SHARED}"] if lost else [])


def test_only_what_was_read_is_known_to_be_off() -> None:
    bare = world(sources=(source(),))
    rows: dict[str, Any] = {"members": [MOVED], "recipients": [MOVED]}
    unread = upkeep.reconcile(full("reconcile", bare, Evidence(), **rows))
    assert (unread["missing_forwards"], unread["unknown_forwards"]) == ([], [f"migrated@{SHARED}"])
    assert "is not known" in upkeep.lines(full("reconcile", bare), unread)[0]
    off = Evidence(forwards_off=frozenset({f"migrated@{SHARED}"}))
    read = upkeep.reconcile(full("reconcile", bare, off, **rows))
    assert ([one["address"] for one in read["missing_forwards"]], read["unknown_forwards"]) == ([f"migrated@{SHARED}"], [])


def test_a_forward_that_leads_elsewhere_is_named_and_never_mended() -> None:
    elsewhere = source(forwards={f"migrated@{SHARED}": Forward("somebody@elsewhere.example")})
    options = {"reconcile_fix": "members,forwards", **HOSTED}
    seen = full("reconcile", world(sources=(elsewhere,)), options=options, members=[MOVED], recipients=[MOVED])
    made = upkeep.reconcile(seen)
    assert made["strange_forwards"] == [{"address": f"migrated@{SHARED}", "routing_address": "somebody@elsewhere.example"}]
    assert (made["ways"], made["missing_forwards"]) == ([], [])
    assert "by hand" in "\n".join(upkeep.lines(seen, made))


WAVES = {"waves.csv": f"user,wave\nsomebody@{SHARED},1\n", "source.csv": tenant.FILES["source.csv"]}


@pytest.mark.parametrize(
    ("waves", "named", "list_", "added"),
    [
        (True, None, (), True),
        (True, [f"migrated@{SHARED}"], (), False),
        (True, None, ("migrated",), False),
        (False, None, (), False),
    ],
)
def test_who_was_added_by_hand_is_told_and_never_forwarded(waves: bool, named: Any, list_: tuple[str, ...], added: bool) -> None:
    options = {"waves_file": "waves.csv" if waves else None, "users": named, "reconcile_fix": ["forwards"], **HOSTED}
    rows = tenant.standing(members=[MOVED], recipients=[MOVED])
    moment = tenant.case("reconcile", options=options, files=WAVES, **rows)
    seen = Full(moment, world(sources=(source(addresses=homes(*list_)),)), READ)
    made = upkeep.reconcile(seen)
    assert made["added_members"] == ([f"migrated@{SHARED}"] if added else [])
    assert bool(made["ways"]) == bool(made["missing_forwards"]) == (not added)
    assert ("somebody else added" in "\n".join(upkeep.lines(seen, made))) == added


def test_the_forwards_of_everybody_who_may_have_moved_are_asked_for() -> None:
    people = [MOVED, *(tenant.mailbox(f"{name}@{SHARED}") for name in ("stub", "pilot"))]
    options = {"forwarding_backend": "zimbra", "forwarding_host": "mail.old.example", "users": [f"stub@{SHARED}"]}
    (one,) = upkeep.reconcile(full("reconcile", world(), options=options, members=[MOVED], recipients=people))["asked"]
    (way,) = one["ways"]
    assert (way["state"], way["backend"], way["host"]) == ("read", "zimbra", "mail.old.example")
    assert sorted(row["address"] for row in way["forwards"]) == [f"migrated@{SHARED}", f"stub@{SHARED}"]
    assert upkeep.reconcile(full("reconcile", world(), members=[MOVED], recipients=people))["asked"] == []
    pending = full("reconcile", world(pending=True), options={**options, "membership": "pending"}, members=[MOVED], recipients=people)
    assert upkeep.reconcile(pending)["asked"] == []


def test_a_group_of_those_not_moved_yet_has_no_lost_members() -> None:
    found = world(sources=(FORWARDED,), pending=True)
    pending = full("reconcile", found, options={"membership": "pending"})
    assert upkeep.reconcile(pending)["lost_members"] == []


# The MX in the group's line.
NOTE = {SHARED: "tenant 3600 2026-03-01T12:00:00Z"}
KEPT = Line({SHARED: "Authoritative"}, moved="2026-02-01T00:00:00Z")


def noted(made: Mapping[str, Any]) -> Line:
    (one,) = made["groups"]
    found = read_line(one["description"])
    assert found is not None
    return found


def test_a_change_is_noted_beside_what_the_line_holds() -> None:
    seen = full("reconcile", world(), groups=[tenant.group(KEPT)])
    seen = replace(seen, situation=replace(seen.situation, mx=NOTE))
    assert noted(upkeep.reconcile(seen)) == replace(KEPT, mx=NOTE)
    assert upkeep.reconcile(full("reconcile", world(), groups=[]))["groups"] == []


@pytest.mark.parametrize("step", ["setup", "teardown"])
def test_steps_that_write_the_line_note_it_in_the_same_write(step: str) -> None:
    seen = replace(tenant.case(step, **tenant.standing(groups=[tenant.group(KEPT)])), mx=NOTE)
    found = noted(plan(seen))
    assert (found.mx, found.moved, found.former) == (NOTE, KEPT.moved, KEPT.former)
    assert bool(found.stops) == (step == "teardown")


def test_a_teardown_that_had_noted_its_stops_writes_again_for_a_change_alone() -> None:
    stopped = Line({SHARED: "Authoritative"}, stops={tenant.RULE: "2026-03-01T08:00:00Z"})
    rows = tenant.standing(groups=[tenant.group(stopped)], rules=[tenant.rule(State="Disabled")])
    assert plan(tenant.case("teardown", **rows))["groups"] == []
    assert noted(plan(replace(tenant.case("teardown", **rows), mx=NOTE))) == replace(stopped, mx=NOTE)
