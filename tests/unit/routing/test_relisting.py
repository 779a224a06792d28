# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot is one picture: what changed behind the reader's back is found by listing everything once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._foresight import Sight, look_ahead
from ansible_collections.mailops.exchange.plugins.module_utils._foretell import snapshot_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._sight import DIRECTORY, STAMPS
from ansible_collections.mailops.exchange.plugins.module_utils._session import Row

from .tenant import group, mailbox, rule, stranger
from .test_foresight import EARLIER, LATER, LIST, Moving, options
from .test_tools import PEOPLE, context, tenant


def stamped(row: Row, when: str = EARLIER, **more: Any) -> Row:
    """An object that says when it changed."""
    return {**row, "WhenChangedUTC": when, **more}


BEFORE: Mapping[str, list[Row]] = {
    "TransportRule": [rule(WhenChanged=EARLIER)],
    "Recipient": [stamped(row) for row in PEOPLE],
    "DistributionGroupMember": [stamped(PEOPLE[0])],
    "DistributionGroup": [stamped(group())],
}


def look(later: Mapping[int, dict[str, list[Row]]], **more: list[Row]) -> tuple[Moving, Sight, list[str]]:
    """A snapshot of a tenant in which objects change after so many round trips."""
    session = Moving({**tenant().rows, **BEFORE, **more}, later=dict(later))
    heard: list[str] = []
    return session, look_ahead(options(), context(session, warn=heard.append), "snapshot"), heard


def test_a_quiet_tenant_costs_one_round_trip_more_and_its_people_are_listed_by_their_stamps() -> None:
    session, found, heard = look({})
    assert session.trips == 2, "everything once, and the list of it"
    assert (found.reading.unsettled, heard) == ((), [])
    again = session.sent[len(session.sent) // 2 :]
    nouns = {"recipients": "Get-Recipient", "mailboxes": "Get-Mailbox", "groups": "Get-DistributionGroup"}
    nouns["dynamic_groups"] = "Get-DynamicDistributionGroup"
    for name in DIRECTORY:
        listed = [call for call in again if call.name == nouns[name] and "Identity" not in call.parameters]
        assert [set(STAMPS) < set(call.select) and len(call.select) < 8 for call in listed] == [True], name


def test_a_rule_that_was_disabled_behind_the_readers_back_is_noticed() -> None:
    session, found, _heard = look({1: {"TransportRule": [rule(State="Disabled", WhenChanged=LATER)]}})
    assert [one.enabled for one in found.situation.snapshot.rules] == [False]
    assert session.trips == 3, "everything, a list that differs, a list that does not"
    assert found.reading.unsettled == ()


@pytest.mark.parametrize(
    ("shown", "members"),
    [
        ({"DistributionGroupMember": [stamped(PEOPLE[1])]}, ["bert@example.com"]),
        ({"DistributionGroupMember": []}, []),
        ({"DistributionGroup": []}, []),
    ],
)
def test_a_membership_that_changed_is_noticed_although_no_stamp_tells(shown: dict[str, list[Row]], members: list[str]) -> None:
    _session, found, _heard = look({1: shown})
    assert [member.primary for member in found.situation.snapshot.members] == members


def test_a_recipient_that_changed_came_or_went_is_read_by_itself() -> None:
    fresh = stamped(mailbox("dora@example.com"), LATER)
    changed = stamped({**PEOPLE[0], "DisplayName": "Anna the Second"}, LATER)
    session, found, _heard = look({1: {"Recipient": [changed, stamped(PEOPLE[1]), fresh]}})
    shown = {one.primary: one.name for one in found.situation.snapshot.recipients}
    assert shown == {"anna@example.com": "Anna the Second", "bert@example.com": "bert", "dora@example.com": "dora"}
    asked = [str(call.parameters["Identity"]) for call in session.sent if call.name == "Get-Recipient" and "Identity" in call.parameters]
    assert sorted(asked) == ["guid-anna@example.com", "guid-dora@example.com"]
    assert session.trips == 4, "everything, a list that differs, the two, a list that does not"


def test_many_changed_recipients_are_read_as_a_whole() -> None:
    many = [stamped(mailbox(f"p{number}@example.com"), LATER) for number in range(60)]
    session, found, _heard = look({1: {"Recipient": many}})
    assert len(found.situation.snapshot.recipients) == 60
    assert not [call for call in session.sent if call.name == "Get-Recipient" and "Identity" in call.parameters]


def test_a_group_that_decides_since_is_read_with_its_members() -> None:
    named = stranger("theirs", SentToMemberOf=["everyone@example.com"], StopRuleProcessing=True)
    later = {"TransportRule": [rule(WhenChanged=EARLIER), named], "DistributionGroup": [stamped(group()), LIST]}
    _session, found, _heard = look({1: later})
    assert "everyone@example.com" in found.reading.members


def test_what_never_stands_still_is_told() -> None:
    later = {number: {"TransportRule": [rule(WhenChanged=f"2026-03-01T11:00:0{number}Z")]} for number in range(1, 9)}
    session, found, heard = look(later)
    assert found.reading.unsettled == ("Coexistence",)
    assert session.trips == 4, "everything, and three lists"
    assert any("Coexistence" in line for line in heard)


def test_a_snapshot_says_what_did_not_stand_still() -> None:
    later = {number: {"TransportRule": [rule(WhenChanged=f"2026-03-01T11:00:0{number}Z")]} for number in range(1, 9)}
    session = Moving({**tenant().rows, **BEFORE}, later=dict(later))
    assert snapshot_info(options(dest=None), context(session))["unsettled"] == ["Coexistence"]
