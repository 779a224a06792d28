# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who joins and who leaves, as pure plans."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _members as m
from hypothesis import given
from hypothesis import strategies as st

ANNA = {"Name": "anna", "PrimarySmtpAddress": "anna@a.example", "ExternalDirectoryObjectId": "11111111-0000-0000-0000-000000000001"}
BOB = {"Name": "bob", "PrimarySmtpAddress": "bob@a.example", "Guid": "11111111-0000-0000-0000-000000000002"}
PLAIN = {"Name": "cleo", "PrimarySmtpAddress": "", "WindowsLiveID": "cleo@a.example", "RecipientType": "User"}
BARE = {"Name": "dan", "PrimarySmtpAddress": "", "ExternalDirectoryObjectId": "11111111-0000-0000-0000-000000000004"}

CASES: list[tuple[str, list[str], dict[str, Any], list[Any], str, list[str], list[str]]] = [
    ("nobody is asked for", [], {}, [ANNA], "present", [], []),
    ("a member by primary address, whatever its case", ["ANNA@a.example"], {}, [ANNA], "present", [], []),
    ("a member by GUID", ["{11111111-0000-0000-0000-000000000002}"], {}, [BOB], "present", [], []),
    ("a plain user by sign-in name", ["cleo@a.example"], {}, [PLAIN], "present", [], []),
    ("a member by an alias that was resolved", ["a.smith@a.example"], {"a.smith@a.example": ANNA}, [ANNA], "present", [], []),
    ("somebody new", ["bob@a.example"], {"bob@a.example": BOB}, [ANNA], "present", ["bob@a.example"], []),
    (
        "two names of one newcomer",
        ["bob@a.example", "robert@a.example"],
        {"bob@a.example": BOB, "robert@a.example": BOB},
        [],
        "present",
        ["bob@a.example"],
        [],
    ),
    ("somebody leaves", ["anna@a.example"], {}, [ANNA, BOB], "absent", [], ["anna@a.example"]),
    ("somebody leaves by an alias", ["a.smith@a.example"], {"a.smith@a.example": ANNA}, [ANNA, BOB], "absent", [], ["anna@a.example"]),
    ("somebody unknown leaves", ["zoe@a.example"], {}, [ANNA], "absent", [], []),
    (
        "exactly those",
        ["bob@a.example"],
        {"bob@a.example": BOB},
        [ANNA, PLAIN],
        "exact",
        ["bob@a.example"],
        ["anna@a.example", "cleo@a.example"],
    ),
    ("exactly those already", ["anna@a.example"], {}, [ANNA], "exact", [], []),
    ("nobody at all", [], {}, [ANNA, BARE], "exact", [], ["anna@a.example", "11111111-0000-0000-0000-000000000004"]),
]


@pytest.mark.parametrize(
    ("wanted", "found", "rows", "state", "add", "remove"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_who_joins_and_who_leaves(
    wanted: list[str], found: dict[str, Any], rows: list[Any], state: str, add: list[str], remove: list[str]
) -> None:
    todo = m.change(wanted, found, rows, state)
    assert (list(todo.add), list(todo.remove)) == (add, remove)
    assert m.missing(todo, todo.final) == [], "the planned rows show the change"
    assert sorted(m.missing(todo, rows)) == sorted([*add, *remove]), "and the old ones show none of it"


def test_what_must_be_looked_up_is_what_no_member_bears_for_sure() -> None:
    asked = ["anna@a.example", "anna", "cleo@a.example", "11111111-0000-0000-0000-000000000002", "bob"]
    assert m.unlisted(asked, [ANNA, BOB, PLAIN]) == ["anna", "bob"]


def test_doubles_and_blanks_do_not_count() -> None:
    assert m.distinct([" a@b.c", "A@B.c", "", "smtp:a@b.c", "x"]) == ["a@b.c", "x"]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"RecipientTypeDetails": "GroupMailbox", "RecipientType": "MailUniversalDistributionGroup"}, "Microsoft 365 group"),
        ({"RecipientTypeDetails": "PublicFolder", "RecipientType": "PublicFolder"}, "public folder"),
        ({"RecipientTypeDetails": "UserMailbox", "RecipientType": "UserMailbox"}, ""),
        ({"RecipientTypeDetails": "MailUniversalSecurityGroup"}, ""),
    ],
)
def test_who_cannot_be_a_member(row: dict[str, Any], word: str) -> None:
    assert word in m.unsuitable(row)
    assert bool(m.unsuitable(row)) == bool(word)


def test_calls_in_order() -> None:
    todo = m.Change(add=("a", "b"), remove=("c",))
    assert [(call.name, dict(call.parameters)) for call in m.calls("g", todo, bypass=True)] == [
        ("Add-DistributionGroupMember", {"Identity": "g", "Member": "a", "BypassSecurityGroupManagerCheck": True}),
        ("Add-DistributionGroupMember", {"Identity": "g", "Member": "b", "BypassSecurityGroupManagerCheck": True}),
        (
            "Remove-DistributionGroupMember",
            {"Identity": "g", "Member": "c", "BypassSecurityGroupManagerCheck": True, "Confirm": False},
        ),
    ]


@pytest.mark.parametrize(("number", "verb"), [(1, "Update"), (m.MOST_AT_ONCE, "Update"), (m.MOST_AT_ONCE + 1, "Add")])
def test_exact_is_one_call_as_long_as_the_service_takes_that(number: int, verb: str) -> None:
    names = tuple(f"user{index}" for index in range(number))
    calls = m.calls("g", m.Change(add=names[:1], wanted=names), bypass=False)
    assert [call.verb for call in calls] == [verb]


def test_nothing_to_do_is_no_call() -> None:
    assert m.calls("g", m.Change(wanted=("a",)), bypass=False) == []


PEOPLE = [{"PrimarySmtpAddress": f"u{index}@a.example", "Guid": f"00000000-0000-0000-0000-00000000000{index}"} for index in range(8)]


@given(st.sets(st.integers(0, 7)), st.lists(st.integers(0, 7)), st.sampled_from(["present", "absent", "exact"]))
def test_a_plan_reaches_its_state_and_a_second_plan_is_empty(inside: set[int], asked: list[int], state: str) -> None:
    rows = [PEOPLE[index] for index in sorted(inside)]
    wanted = m.distinct(PEOPLE[index]["PrimarySmtpAddress"] for index in asked)
    found = {row["PrimarySmtpAddress"]: row for row in PEOPLE}
    todo = m.change(wanted, found, rows, state)
    after = {PEOPLE.index(row) for row in todo.final}
    assert after == {"present": inside | set(asked), "absent": inside - set(asked), "exact": set(asked)}[state]
    again = m.change(wanted, found, todo.final, state)
    assert (again.add, again.remove) == ((), ())
