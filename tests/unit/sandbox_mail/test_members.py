# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every member of a group or a list has a place, an end or a queue entry; a copy that leaves one without is lost."""

from __future__ import annotations

import pytest
from sandbox.mail.members import Members, Needs
from sandbox.mail.model import GROUP, MAIL_USER, MAILBOX, Directory, Entry
from sandbox.mail.outcomes import Copy, End, Place, outcome

from .test_parts import SHARED, state

TWO: Needs = {"all": ("anna", "ben")}


def box(person: str) -> Place:
    return Place("source", "node", person, person, "source", "t", person=person)


def end(outcome_: str, *people: str) -> End:
    return End(outcome_, "n", "", "", "t", list(people))


@pytest.mark.parametrize(
    ("needs", "places", "ends", "live", "result"),
    [
        (TWO, ["anna", "ben"], [], 0, "delivered"),
        (TWO, ["anna"], [], 0, "lost"),
        (TWO, ["anna"], [end("bounced", "ben")], 0, "bounced"),
        (TWO, ["anna"], [end("bounced", "anna")], 0, "lost"),
        (TWO, ["anna"], [], 1, "delayed"),
        (TWO, [], [], 1, "lost"),
        (TWO, [], [end("bounced", "all")], 0, "bounced"),
        (TWO, [], [end("loop", "anna", "ben")], 0, "loop"),
        (TWO, ["anna", ""], [], 0, "delivered"),
        ({"all": ("anna", "team"), "team": ("ben", "cleo")}, ["anna", "ben"], [], 0, "lost"),
        ({"all": ("anna", "team"), "team": ("ben", "cleo")}, ["anna"], [end("bounced", "team")], 0, "bounced"),
        ({"all": ("anna",), "anna": ("ben",)}, ["ben"], [], 0, "delivered"),
        ({"all": ("anna",), "anna": ("ben",)}, ["anna"], [], 0, "delivered"),
        ({"all": ("team",), "team": ("all", "ben")}, [""], [], 0, "delivered"),
        ({"all": ("team",), "team": ("all", "ben")}, ["x"], [], 0, "lost"),
        ({"all": ()}, ["catch-all"], [], 0, "delivered"),
        ({}, ["anna"], [], 0, "delivered"),
    ],
)
def test_a_member_without_a_trace_is_a_loss(needs: Needs, places: list[str], ends: list[End], live: int, result: str) -> None:
    assert outcome(Copy("all", [], [box(one) for one in places], ends, live, needs=needs)) == result


def test_whom_groups_and_lists_lead_to() -> None:
    host = state()
    host.lists[f"all@{SHARED}"] = [f"second@{SHARED}", f"moved@{SHARED}", "away@elsewhere.example"]
    entries = [
        Entry("1", MAILBOX, f"moved@{SHARED}", frozenset({f"moved@{SHARED}", "moved@routing.example"})),
        Entry("2", MAIL_USER, "list@routing.example", frozenset({"list@routing.example"}), external=f"all@{SHARED}"),
        Entry("3", MAILBOX, "keeper@routing.example", frozenset({"keeper@routing.example"}), forward_smtp="x@away.example", keep_copy=True),
        Entry("4", MAILBOX, "giver@routing.example", frozenset({"giver@routing.example"}), forward_to="1"),
        Entry("5", GROUP, "team@routing.example", frozenset({"team@routing.example"}), members=("1", "6")),
        Entry("6", GROUP, "every@routing.example", frozenset({"every@routing.example"}), members=("2", "3", "4", "5", "gone")),
    ]
    directory = Directory("routing.example", entries={entry.key: entry for entry in entries})
    members = Members(lambda: [directory], lambda: [host], lambda: lambda entry: entry.primary)
    forwarded = {f"moved@{SHARED}": ("moved@t.example",)}
    listed = (f"stub@{SHARED}", f"moved@{SHARED}", "away@elsewhere.example")
    assert members.behind(f"all@{SHARED}", tenant=False) == {f"all@{SHARED}": listed, **forwarded}
    assert members.behind("every@routing.example", tenant=True) == {
        "every@routing.example": (
            "list@routing.example",
            "keeper@routing.example",
            "x@away.example",
            "giver@routing.example",
            "team@routing.example",
        ),
        "list@routing.example": (f"all@{SHARED}",),
        f"all@{SHARED}": listed,
        **forwarded,
        "giver@routing.example": (f"moved@{SHARED}",),
        "team@routing.example": (f"moved@{SHARED}", "every@routing.example"),
    }
    assert members.behind(f"stub@{SHARED}", tenant=False) == members.behind(f"moved@{SHARED}", tenant=True) == {}
