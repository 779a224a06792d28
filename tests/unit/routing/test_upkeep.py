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
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards_mail import u28
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, read_line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import AUTHORITATIVE, Accepted, Forward, Mx, World

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


def test_a_group_of_ours_that_is_still_empty_hurts_nobody() -> None:
    seen = full("verify", world(members=()))
    assert worlds.GROUP not in upkeep.people(seen)
    assert not any(worlds.GROUP in one["who"] for one in upkeep.verify(seen, 1)["hurt"])


def test_a_bounce_is_listed_apart_because_its_sender_hears_of_it() -> None:
    made = upkeep.verify(full("verify", world()), 1)
    assert made["bounced"], "the room is not known at the source"
    assert {one["outcome"] for one in made["bounced"]} == {"bounced"}
    assert upkeep.lines(full("verify", world()), made)[0].startswith("from internet: ")


BLIND = source(addresses=None, forwards=worlds.forward("migrated"))
NO_MX = "ns1.example.com did not answer"


def test_verify_names_whose_end_is_unknown_and_what_it_takes_to_know_it() -> None:
    seen = full("verify", world(sources=(BLIND,), mx={}), Evidence(forwards_read=True, unread={f"mx {SHARED}": NO_MX}))
    made = upkeep.verify(seen, 1)
    assert made["hurt"] == []
    for origin, counts in made["counts"].items():
        assert sum(one["count"] for one in made["unknown"] if one["from"] == origin) == counts["unknown"]
    outside = [one for one in made["unknown"] if one["from"] == "internet"]
    assert any(f"the MX of {SHARED} is not known" in one["why"] for one in outside)
    assert any("coexistence_source_file" in one["why"] for one in made["unknown"] if one["from"] == "tenant")
    listless, blind = made["unproven"]
    assert "coexistence_source_file" in listless
    assert NO_MX in blind
    assert "coexistence_name_servers" in blind
    text = upkeep.lines(seen, made)
    assert any(line.startswith("not proven: ") and NO_MX in line for line in text)
    assert any(" unknown from internet: " in line for line in text)


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (world(sources=(BLIND,)), ["coexistence_source_file"]),
        (world(mx={}), [f"the MX of {SHARED}"]),
        (world(), []),
    ],
)
def test_only_an_input_that_leaves_somebody_unknown_is_missed(found: World, names: list[str]) -> None:
    made = upkeep.verify(full("verify", found), 1)
    assert len(made["unproven"]) == len(names)
    assert all(name in line and line.endswith(".") for name, line in zip(names, made["unproven"], strict=True))
    assert bool(made["unknown"]) == bool(names)


def test_an_unknown_that_no_input_settles_is_told_and_nothing_is_missed() -> None:
    odd = worlds.party("odd", "somethingnew")
    made = upkeep.verify(full("verify", world(members=("migrated", "odd"), parties=(*worlds.parties(("migrated", "odd")), odd))), 1)
    assert [one["who"] for one in made["unknown"] if one["from"] == "tenant"] == [f"odd@{SHARED}"]
    assert all("nobody knows what the tenant does with a somethingnew" in one["why"] for one in made["unknown"])
    assert made["unproven"] == []


def test_an_input_is_missed_too_where_a_worse_reading_hides_the_unknown() -> None:
    undecided = replace(worlds.at_tenant(world()), mx={SHARED: Mx("tenant", worlds.OLD)}, sources=(BLIND,))
    hidden = {**undecided.domains, SHARED: Accepted(SHARED, AUTHORITATIVE)}
    made = upkeep.verify(full("verify", replace(undecided, domains=hidden)), 1)
    assert any("coexistence_source_file" in line for line in made["unproven"])


def test_a_verification_of_nobody_says_so() -> None:
    nobody = world(parties=(), sources=(source(addresses={}),))
    seen = full("verify", nobody)
    assert upkeep.lines(seen, upkeep.verify(seen, 1))[0] == "from internet: nobody has an address in a shared domain"


def test_everybody_who_is_not_probed_is_counted_with_the_reason() -> None:
    moving = world(rules=(worlds.rule(was=worlds.rule(enabled=False)),))
    made = upkeep.verify(full("verify", moving), 1)
    everyone = len(upkeep.people(full("verify", moving)))
    probes = [probe for wait in made["waits"] for probe in wait["probes"]]
    for origin in made["counts"]:
        own = [probe for probe in probes if probe["origin"] == origin]
        assert len(own) + sum(made["unprobed"][origin].values()) == everyone
    assert made["unprobed"]["tenant"]["several places are possible"] >= 1
    assert {"lists, which others read", "by prediction it ends in no mailbox"} <= set(made["unprobed"]["source"])
    assert any("sample" in reason for reason in made["unprobed"]["source"])
    text = "\n".join(upkeep.lines(full("verify", moving), made))
    assert "probes from internet: " in text
    assert "several places are possible" in text


def test_with_all_everybody_with_a_mailbox_and_one_end_is_probed() -> None:
    seen = full("verify", world())
    made = upkeep.verify(seen, 0)
    inside = {probe["recipient"]: probe["place"] for wait in made["waits"] for probe in wait["probes"] if probe["origin"] == "internet"}
    at_source = {f"{name}@{SHARED}" for name in ("stub", "noobj", "mailuser", "colleague")}
    assert {address for address, place in inside.items() if place == "source"} == at_source
    assert inside[f"migrated@{SHARED}"] == "tenant"
    assert not any("sample" in reason for reasons in made["unprobed"].values() for reason in reasons)


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
    assert made["found"] == {**dict.fromkeys(made["found"], 0), "lost_members": 1, "missing_forwards": 1}
    assert made["mended"] == {"lost_members": members, "missing_forwards": ways}
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
MENDED = {**HOSTED, "reconcile_fix": "members,forwards"}
BARE = world(sources=(source(),))


NOTE = {SHARED: "tenant 3600 2026-03-01T12:00:00Z"}
KEPT = Line({SHARED: "Authoritative"}, moved="2026-02-01T00:00:00Z")
NOTED_MX = {SHARED: "tenant 3600 2026-03-01T11:50:00Z"}


def noted(made: Mapping[str, Any]) -> Line:
    (one,) = made["groups"]
    found = read_line(one["description"])
    assert found is not None
    return found


def moved(when: str, **more: Any) -> dict[str, Any]:
    """A finished set-up in which the membership of `migrated` changed at this time."""
    line = Line({SHARED: "Authoritative"}, moved=when)
    return {"groups": [tenant.group(line)], "members": [MOVED], "recipients": [MOVED], **more}


@pytest.mark.parametrize(
    ("rows", "until"),
    [
        (moved("2026-03-01T11:30:00Z"), "2026-03-01T12:30:00Z"),
        (moved("<now>"), "2026-03-01T13:00:00Z"),
        (moved("2026-03-01T10:59:00Z"), ""),
        (moved(""), ""),
        (moved("", rules=[tenant.rule(WhenChanged="2026-03-01T11:45:00.0000000")]), "2026-03-01T12:45:00Z"),
        # Members that were changed by hand: nothing notes it but the group's own time.
        (moved("", groups=[tenant.group(WhenChanged="2026-03-01T11:50:00")]), "2026-03-01T12:50:00Z"),
        (moved("", groups=[tenant.group(WhenChanged="2026-03-01T10:50:00")]), ""),
        # The line was written, and says why.
        (moved("", groups=[tenant.group(replace(KEPT, mx=NOTED_MX), WhenChanged="2026-03-01T11:50:30")]), ""),
        (
            moved(
                "", groups=[tenant.group(replace(KEPT, stops={"Coexistence": "2026-03-01T11:50:00Z"}), WhenChanged="2026-03-01T11:50:30")]
            ),
            "",
        ),
        (moved("", groups=[tenant.group(replace(KEPT, mx=NOTED_MX), WhenChanged="2026-03-01T11:56:00")]), "2026-03-01T12:56:00Z"),
    ],
)
def test_no_forward_is_switched_on_while_the_membership_may_not_act_yet(rows: dict[str, Any], until: str) -> None:
    seen = full("reconcile", BARE, options=MENDED, **rows)
    made = upkeep.reconcile(seen)
    assert [one["address"] for one in made["missing_forwards"]] == [f"migrated@{SHARED}"]
    assert bool(made["ways"]) == (not until)
    assert (made["found"]["missing_forwards"], made["mended"]["missing_forwards"]) == (1, 0 if until else 1)
    (line,) = [line for line in upkeep.lines(seen, made) if "not forwarded" in line]
    assert ("mended now" in line) == (not until)
    assert (f"until {until}, when the membership acts: run again then" in line) == bool(until)


def test_who_is_put_back_is_noted_before_and_waits_for_the_forward() -> None:
    rows = moved("2026-02-01T00:00:00Z")
    kept = Line({SHARED: "Authoritative"}, moved="2026-02-01T00:00:00Z")
    for check_mode, moment in ((False, tenant.NOW), (True, "<now>")):
        seen = full("reconcile", world(sources=(FORWARDED,)), options=MENDED, check_mode=check_mode, **rows)
        made = upkeep.reconcile(replace(seen, situation=replace(seen.situation, mx=NOTE)))
        assert made["members"] == [{"identity": tenant.GROUP, "members": [f"stub@{SHARED}"]}]
        assert noted(made) == replace(kept, moved=moment, mx=NOTE)
        (way,) = made["ways"]
        assert [one["address"] for one in way["forwards"]] == [f"migrated@{SHARED}"], "only of members who act already"
    told = full("reconcile", world(sources=(FORWARDED,)), **rows)
    assert (upkeep.reconcile(told)["groups"], upkeep.reconcile(told)["mended"]["lost_members"]) == ([], 0)
    back = [MOVED, tenant.mailbox(f"stub@{SHARED}")]
    later = full("reconcile", BARE, options=MENDED, **moved(tenant.NOW, members=back, recipients=back))
    made = upkeep.reconcile(later)
    assert (len(made["missing_forwards"]), made["ways"]) == (2, []), "the next run waits for all of them"
    both = world(members=("migrated", "stub"), sources=(source(),))
    at_once = full("reconcile", both, options={**MENDED, "rule_latency": 0}, **moved(tenant.NOW, members=back, recipients=back))
    assert upkeep.reconcile(at_once)["mended"]["missing_forwards"] == 2


def test_a_line_that_was_cut_is_left_alone_and_no_forward_is_switched_by_it() -> None:
    cut = tenant.group(Description=['[mailops.exchange example.com] {"former":{"exam'])
    seen = full("reconcile", world(sources=(FORWARDED,)), options=MENDED, groups=[cut], members=[MOVED], recipients=[MOVED])
    made = upkeep.reconcile(seen)
    assert (made["groups"], made["ways"], len(made["members"])) == ([], [], 1)
    assert "was cut or edited" in "\n".join(upkeep.lines(seen, made))


def test_a_group_that_is_not_ours_is_not_mended() -> None:
    theirs = tenant.group(Description=["by hand"])
    seen = full("reconcile", world(sources=(FORWARDED,)), options=MENDED, groups=[theirs], members=[MOVED], recipients=[MOVED])
    made = upkeep.reconcile(seen)
    assert (made["groups"], made["members"], made["ways"]) == ([], [], [])
    assert (made["found"]["lost_members"], made["mended"]["lost_members"]) == (1, 0)
    assert "bears no mark" in "\n".join(upkeep.lines(seen, made))


DEAD = tenant.mailbox(f"left@{SHARED}", "MailUser")
NEW = tenant.mailbox(f"hire@{SHARED}")


def test_who_lost_the_mailbox_and_who_is_new_stand_on_the_screen_and_nothing_says_that_all_is_well() -> None:
    rows: dict[str, Any] = {"members": [MOVED, DEAD], "recipients": [MOVED, DEAD, NEW, tenant.mailbox(f"room@{SHARED}", "RoomMailbox")]}
    seen = full("reconcile", world(), **rows)
    made = upkeep.reconcile(seen)
    text = upkeep.lines(seen, made)
    (dead,) = [line for line in text if line.startswith("U27 ")]
    assert f"left@{SHARED}" in dead
    assert dead.endswith(".")
    assert [line for line in text if line.startswith("U28 ") and f"hire@{SHARED}" in line]
    assert not any("everybody is where" in line for line in text)
    assert (made["found"]["dead_members"], made["found"]["new_recipients"]) == (1, 2)
    assert made["new_recipients"] == [f"hire@{SHARED}", f"room@{SHARED}"]
    assert sum(int(one.why.split()[0]) for one in u28(seen)) == 2, "the guard counts the same"


def test_without_a_list_nobody_says_that_all_is_well() -> None:
    options = {"source_file": None}
    seen = full("reconcile", world(sources=(BLIND,)), options=options, members=[MOVED], recipients=[MOVED])
    text = upkeep.lines(seen, upkeep.reconcile(seen))
    assert any("coexistence_source_file" in line for line in text)
    assert not any("everybody is where" in line for line in text)


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
    made = upkeep.reconcile(pending)
    assert made["lost_members"] == []
    (line,) = upkeep.lines(pending, made)
    assert "not examined" in line
    assert "everybody is where" not in line
