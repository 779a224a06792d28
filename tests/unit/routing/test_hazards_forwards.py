# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""U8: a forward and a membership out of step, ahead and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full, Probe
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    World,
)

from . import tenant, worlds
from .test_hazards_order import NOOBJ, ONE_WAVE, full, refuses, said
from .worlds import OUTSIDER, RULE, SHARED, rule, source, world


@pytest.mark.parametrize(
    ("changed", "moved", "told"),
    [
        ("2026-03-01T11:59:00", "2026-02-20T08:00:00Z", True),
        ("2026-03-01T11:59:00", "", True),
        ("2026-03-01T11:59:00", "2026-03-01T11:57:00Z", False),  # the wave that noted it wrote its members
        ("2026-03-01T10:59:00", "", False),  # long enough ago
        ("2026-03-01T14:00:00", "", False),  # another zone's time
        (None, "", False),
    ],
)
def test_u8_tells_of_a_group_that_was_changed_later_than_it_notes(changed: str | None, moved: str, told: bool) -> None:
    groups = [tenant.group(Line({SHARED: "Authoritative"}, moved=moved), WhenChanged=changed)]
    case = full("forward", world(members=("stub",)), options=ONE_WAVE, groups=groups)
    found = [finding for finding in said("U8", case) if "the group was changed at 2026-03-01T11:59:00Z" in finding.why]
    assert [(finding.who, finding.blocks) for finding in found] == ([(STUB, False)] if told else [])
    assert all("before 2026-03-01T12:59:00Z" in finding.why for finding in found)
    arrived = Evidence(probes=(Probe("tenant", f"a@{SHARED}", STUB, "arrived", "tenant"),))
    assert not said("U8", replace(case, evidence=arrived)), "a probe shows that the membership acts"
    assert not said("U8", replace(case, situation=replace(case.situation, check_mode=True)))


def test_u8_waits_for_membership_and_rule() -> None:
    out = full("forward", world(), options=ONE_WAVE)
    assert refuses("U8", out)
    member = world(members=("stub",))
    assert [finding.blocks for finding in said("U8", full("forward", member, options=ONE_WAVE))] == [False]
    waiting = replace(member, moving={("group movers", "stub"): "13:00"})
    assert "until 13:00" in said("U8", full("forward", waiting, options=ONE_WAVE))[0].why
    changed = replace(member, rules=(rule(was=rule(), until="13:00"),))
    assert said("U8", full("forward", changed, options=ONE_WAVE))[0].who == RULE
    assert refuses("U8", full("forward", change.without_group(member), options=ONE_WAVE))
    turned = replace(member, pending=True)
    assert refuses("U8", full("forward", turned, options=ONE_WAVE))


@pytest.mark.parametrize(
    ("result", "place", "told_by", "blocked"),
    [
        ("arrived", "tenant", "trace", False),
        ("arrived", "tenant", "filter", True),  # held before anything showed where it would have gone
        ("arrived", "source", "trace", True),
        ("missing", "", "", True),
        ("refused", "", "trace", True),
    ],
)
def test_u8_a_probe_must_have_arrived_in_the_tenant(result: str, place: str, told_by: str, blocked: bool) -> None:
    seen = Evidence(probes=(Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", result, place, told_by=told_by),))
    case = full("forward", world(members=("stub",)), seen, options=ONE_WAVE)
    assert refuses("U8", case) == blocked
    assert bool(said("U8", case)) == blocked
    assert not said("U8", replace(case, situation=replace(case.situation, check_mode=True)))


STUB = f"stub@{SHARED}"
MAILUSER = f"mailuser@{SHARED}"
SEVERAL = {"users": [STUB, MAILUSER, NOOBJ]}
CLOUD_ONLY = f"pilot@{SHARED}"


def stayed(recipient: str, **more: Any) -> Probe:
    """A probe from outside that stayed at the source."""
    return replace(Probe("internet", OUTSIDER, recipient, "arrived", "source"), **more)


def back(*probes: Probe, found: World | None = None, options: dict[str, Any] | None = None, **evidence: Any) -> Full:
    """A rollback of one user."""
    return full("rollback", found or world(), Evidence(probes=probes, **evidence), options={**ONE_WAVE, **(options or {})})


def test_u8_back_refuses_while_a_forward_is_on_by_what_was_read_or_probed() -> None:
    standing = back(found=world(sources=(source(forwards=worlds.forward("stub")),)))
    assert refuses("U8", standing)
    assert f"is still forwarded at the source to {worlds.forward('stub')[STUB].target}" in said("U8", standing)[0].why
    reached = Probe("internet", OUTSIDER, STUB, "arrived", "tenant", forwarded=True)
    assert "a probe from outside reached the tenant" in said("U8", back(reached))[0].why
    assert refuses("U8", back(reached, options={"forwarding_backend": "postfix", "forwarding_host": "mail.example.com"}))


@pytest.mark.parametrize(
    ("case", "blocked"),
    [
        (back(), True),  # nobody looked
        (back(Probe("internet", "", STUB, "not probed", "")), True),
        (back(Probe("tenant", f"a@{SHARED}", STUB, "arrived", "source")), True),  # mail from inside meets no forward
        (back(options={"forwarding_backend": "csv"}), True),  # a file that was written tells nothing of its effect
        (back(stayed(STUB)), False),
        (back(stayed(STUB, told_by="silence")), False),
        (back(stayed(f"another@{SHARED}")), True),  # somebody who never moved has no forward
        (back(stayed(f"another@{SHARED}"), stayed(STUB, result="missing", place="")), True),
        (back(stayed("another@other.example")), True),
        (back(stayed(MAILUSER), options=SEVERAL), True),  # of the other nothing is shown
        (back(stayed(MAILUSER), stayed(NOOBJ), options=SEVERAL), True),
        (back(stayed(MAILUSER), stayed(NOOBJ), stayed(STUB), options=SEVERAL), False),
        (back(stayed(MAILUSER), stayed(NOOBJ, result="missing", place=""), options=SEVERAL), True),  # held back, or forwarded
        (back(stayed(MAILUSER), stayed(NOOBJ, result="not probed", place=""), options=SEVERAL), True),
        (back(stayed(CLOUD_ONLY), options={"users": [STUB, CLOUD_ONLY]}), True),  # who has no address there shows nothing
        (back(forwards_read=True), False),
        (back(forwards_off=frozenset({STUB})), False),
        (back(options={"forwarding_backend": "postfix", "forwarding_host": "mail.example.com"}), True),  # the role reads back, and says so
        (back(found=world(sources=(source(addresses={}),))), True),  # a list that lacks somebody may be an old one
        (back(found=world(sources=(source(addresses={}, forwards=worlds.forward("stub")),))), True),
        # An entry that is gone from Google's map still acts for up to a day.
        (back(forwards_off=frozenset({STUB}), options={"forwarding_backend": "google"}), True),
        (back(stayed(STUB), forwards_off=frozenset({STUB}), options={"forwarding_backend": "google"}), False),
    ],
)
def test_u8_back_wants_to_see_the_forward_off(case: Full, blocked: bool) -> None:
    assert refuses("U8", case) == blocked


@pytest.mark.parametrize(
    ("case", "blocked"),
    [
        (back(stayed(STUB, result="announced", place="")), False),  # a real run probes
        (back(options={"forwarding_backend": "postfix", "forwarding_host": "mail.example.com"}), False),  # a real run reads back
        (back(), True),  # nothing will show it
        (back(options={"forwarding_backend": "csv"}), True),
        (back(stayed(STUB, result="not probed", place=""), options={"forwarding_backend": "csv"}), True),
        (back(forwards_off=frozenset({STUB}), options={"forwarding_backend": "csv"}), False),
        (back(stayed(STUB, result="announced", place=""), options=SEVERAL), True),  # of the others nothing will
        (back(found=world(sources=(source(forwards=worlds.forward("stub")),)), options={"forwarding_backend": "csv"}), True),  # a dump's
    ],
)
def test_u8_back_refuses_in_check_mode_what_a_real_run_would(case: Full, blocked: bool) -> None:
    assert refuses("U8", replace(case, situation=replace(case.situation, check_mode=True))) == blocked


def test_u8_back_tells_of_whom_silence_alone_shows_it_and_names_who_was_not_probed() -> None:
    (told,) = said("U8", back(stayed(STUB, told_by="silence")))
    assert (told.who, told.blocks) == (STUB, False)
    assert "only silence shows that the forwards of 1 users are off" in told.why
    assert not said("U8", back(stayed(STUB, told_by="trace")))
    (left,) = said("U8", back(stayed(MAILUSER), stayed(NOOBJ), options=SEVERAL))
    assert (left.who, left.blocks) == (STUB, True)


@pytest.mark.parametrize(
    ("backend", "outside", "blocked"),
    [
        ("none", "", True),
        ("none", None, True),  # as the roles leave it
        ("none", OUTSIDER, None),
        ("csv", None, False),
        ("csv", OUTSIDER, None),
        ("google", None, False),
        ("google", OUTSIDER, None),
        ("postfix", None, None),
    ],
)
def test_u8_says_before_any_forward_goes_off_that_nothing_will_show_it(backend: str, outside: str | None, blocked: bool | None) -> None:
    own = {"forwarding_backend": backend, "forwarding_host": "mail.example.com", "probe_outside_sender": outside}
    case = full("unforward", world(), options={**ONE_WAVE, **own})
    for moment in (case, replace(case, situation=replace(case.situation, check_mode=True))):
        assert [(one.who, one.blocks) for one in said("U8", moment)] == ([] if blocked is None else [(STUB, blocked)])
