# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a group as tasks: against the sandbox, and against a service that stumbles."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _membership
from ansible_collections.mailops.exchange.plugins.module_utils._runner import execute, validate
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Exists,
    Failed,
    NotFound,
    Row,
    TimedOut,
)
from unit.module_utils.fakes import FakeSession, context

from .bench import Bench, spec_of

NAME = "distribution_group_member"
GROUP = "migrated@example.com"


@pytest.fixture
def group(bench: Bench) -> Bench:
    """A group with no members."""
    bench.done("distribution_group", identity="Migrated Users", primary_smtp_address=GROUP, managed_by=["user0001@example.com"])
    return bench


def people(bench: Bench, number: int) -> list[str]:
    """Addresses of mailboxes."""
    rows = bench.sandbox.state()["objects"]["Mailbox"]
    return sorted(row["PrimarySmtpAddress"] for row in rows)[:number]


def members(bench: Bench) -> list[str]:
    return sorted(row["PrimarySmtpAddress"] for row in bench.done(f"{NAME}_info", identity=GROUP)["objects"])


def test_add_remove_exact_each_with_check_mode_and_a_second_run(group: Bench) -> None:
    one, two, three = people(group, 3)
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({"members": [one, two]}, [one, two]),
        ({"members": [two, three], "state": "exact"}, [two, three]),
        ({"members": [one, two], "state": "absent"}, [three]),
        ({"members": [], "state": "exact"}, []),
    ]
    for task, expected in steps:
        before = len(group.writes())
        announced = group.done(NAME, check=True, identity=GROUP, **task)
        assert len(group.writes()) == before
        assert not group.done(NAME, check=True, identity="Migrated Users", **task)["changed"], "the rest of the check sees it"
        result = group.done(NAME, identity=GROUP, **task)
        assert result["calls"] == announced["calls"]
        assert [(call["cmdlet"], call["parameters"]) for call in result["calls"]] == group.writes()[before:]
        assert result["changed"]
        assert members(group) == expected
        assert result["count"] == len(expected)
        assert result["diff"]["after"]["members"] == expected
        assert not group.done(NAME, identity=GROUP, **task)["changed"]
        assert len(group.writes()) == before + len(result["calls"])


def test_many_members_take_few_trips(group: Bench) -> None:
    wanted = people(group, 25)
    group.done(NAME, identity=GROUP, members=wanted)
    reads = [call["cmdlet"] for call in group.sandbox.calls() if call["cmdlet"].startswith("Get-Distribution")]
    assert members(group) == wanted
    before = len(group.sandbox.calls())
    assert not group.done(NAME, identity=GROUP, members=wanted)["changed"]
    assert len(group.sandbox.calls()) == before + 2, "the members and the group, in one trip, and nobody is looked up"
    assert reads.count("Get-DistributionGroupMember") == 2


def test_the_calls_stand_in_the_order_of_the_wire(group: Bench) -> None:
    wanted = people(group, 25)[::-1]
    result = group.done(NAME, identity=GROUP, members=wanted)
    assert [call["parameters"]["Member"] for call in result["calls"]] == wanted
    assert [parameters["Member"] for cmdlet, parameters in group.writes() if cmdlet.startswith("Add-")] == wanted


def test_a_member_by_alias_name_or_guid_is_the_same_member(group: Bench) -> None:
    (one,) = people(group, 1)
    row = group.row("Recipient", one)
    group.done(NAME, identity=GROUP, members=[one])
    for name in (row["Alias"], row["Name"], row["Guid"], row["ExternalDirectoryObjectId"], one.upper()):
        assert not group.done(NAME, identity=GROUP, members=[name])["changed"], name
        assert not group.done(NAME, identity=GROUP, members=[name], state="exact")["changed"], name
    result = group.done(NAME, identity=GROUP, members=[row["Alias"]], state="absent")
    assert result["removed"] == [one]


def test_every_bad_member_is_named_at_once_and_nothing_is_written(group: Bench) -> None:
    state = group.sandbox.state()["objects"]
    unified, folder = state["UnifiedGroup"][0]["PrimarySmtpAddress"], state["MailPublicFolder"][0]["PrimarySmtpAddress"]
    (one,) = people(group, 1)
    before = len(group.writes())
    result = group.run(NAME, identity=GROUP, members=[one, "nobody@example.com", unified, "no.one@example.com", folder])
    assert result["failed"]
    assert len(result["problems"]) == 4
    assert "member 'nobody@example.com' is no recipient of this organization" in result["msg"]
    assert f"member '{unified}' is a Microsoft 365 group" in result["msg"]
    assert f"member '{folder}' is a public folder" in result["msg"]
    assert len(group.writes()) == before
    assert members(group) == []


def test_an_unknown_member_is_no_member(group: Bench) -> None:
    assert not group.done(NAME, identity=GROUP, members=["nobody@example.com"], state="absent")["changed"]


@pytest.mark.parametrize("state", ["present", "exact"])
def test_a_group_that_does_not_exist_is_an_error(bench: Bench, state: str) -> None:
    result = bench.run(NAME, identity="gone@example.com", members=["user0001@example.com"], state=state)
    assert result["failed"]
    assert "the group does not exist. Create it first" in result["msg"].replace(" [", ". [").replace("..", ".")


def test_a_group_without_a_name_is_refused(bench: Bench) -> None:
    result = bench.run(NAME, identity=" ", members=["user0001@example.com"])
    assert "identity is empty" in result["msg"]
    assert bench.sandbox.calls() == []


def test_nobody_is_a_member_of_a_group_that_does_not_exist(bench: Bench) -> None:
    assert not bench.done(NAME, identity="gone@example.com", members=["user0001@example.com"], state="absent")["changed"]


def test_a_group_that_is_only_planned_can_be_filled_in_check_mode(bench: Bench) -> None:
    bench.done("distribution_group", check=True, identity="Migrated Users", primary_smtp_address=GROUP)
    result = bench.done(NAME, check=True, identity=GROUP, members=people(bench, 2))
    assert len(result["calls"]) == 2
    assert not bench.done(NAME, check=True, identity="Migrated Users", members=people(bench, 2))["changed"]
    assert bench.writes() == []


ROW = {"Identity": "g", "Name": "g"}
USERS: list[Row] = [
    {"Identity": f"u{index}", "Name": f"u{index}", "PrimarySmtpAddress": f"u{index}@a.example", "RecipientTypeDetails": "UserMailbox"}
    for index in range(4)
]


class Group(FakeSession):
    """One group. Its members are plain rows; its other objects are those of the fake."""

    def __init__(self, inside: list[int], **more: Any) -> None:
        super().__init__({"DistributionGroup": [ROW], "Recipient": USERS, "DistributionGroupMember": [USERS[i] for i in inside]}, **more)

    def _read(self, cmdlet: Cmdlet) -> list[Row]:
        if cmdlet.noun != "DistributionGroupMember":
            return super()._read(cmdlet)
        return super()._read(Cmdlet(cmdlet.name, {}))

    def _write(self, cmdlet: Cmdlet) -> None:
        rows = self.rows["DistributionGroupMember"]
        person = next(row for row in USERS if row["PrimarySmtpAddress"] == cmdlet.parameters["Member"])
        if cmdlet.verb == "Add":
            if person in rows:
                raise Exists("is already a member", cmdlet=cmdlet.name)
            rows.append(dict(person))
        else:
            if person not in rows:
                raise NotFound(
                    "isn't a member", cmdlet=cmdlet.name, error_type="Microsoft.Exchange.Management.Tasks.MemberNotFoundException"
                )
            rows.remove(person)


def task(session: FakeSession, numbers: list[int], state: str = "present", **more: Any) -> dict[str, Any]:
    spec = spec_of(NAME)
    names = [USERS[index]["PrimarySmtpAddress"] for index in numbers]
    checked = validate(spec, {"identity": "g", "members": names, "state": state})
    made = context(session, **more)[0]
    return execute(spec, checked.params, made)


def cut(applied: bool) -> tuple[ExchangeError, bool]:
    return TimedOut("no answer", cmdlet="Add-DistributionGroupMember", uncertain=True), applied


@pytest.mark.parametrize("applied", [True, False])
def test_a_write_of_unknown_fate_is_sent_again_and_counts_once(applied: bool) -> None:
    session = Group([])
    session.fail["Add-DistributionGroupMember"] = [cut(applied)]
    result = task(session, [0, 1])
    assert not result.get("failed"), result["msg"]
    assert [row["Name"] for row in session.rows["DistributionGroupMember"]].count("u0") == 1
    assert len(result["calls"]) == 2
    assert len(session.writes) == 3


@pytest.mark.parametrize("applied", [True, False])
def test_so_is_a_removal(applied: bool) -> None:
    session = Group([0, 1])
    session.fail["Remove-DistributionGroupMember"] = [cut(applied)]
    result = task(session, [0], "absent")
    assert not result.get("failed"), result["msg"]
    assert [row["Name"] for row in session.rows["DistributionGroupMember"]] == ["u1"]


def test_a_write_that_never_gets_an_answer_is_an_error_and_not_dropped() -> None:
    session = Group([])
    session.fail["Add-DistributionGroupMember"] = [cut(False)] * 20
    result = task(session, [0])
    assert result["failed"]
    assert "u0@a.example: no answer" in result["msg"]
    assert len(session.writes) == _membership.ATTEMPTS


def test_refused_members_are_named_and_what_was_done_is_told() -> None:
    session = Group([])
    session.fail["Add-DistributionGroupMember"] = [(Failed("the mailbox is locked", remedy="Wait."), False)]
    result = task(session, [0, 1])
    assert result["failed"]
    assert result["changed"]
    assert "1 of 2 changes of membership failed: u0@a.example: the mailbox is locked" in result["msg"]
    assert [call["parameters"]["Member"] for call in result["calls"]] == ["u1@a.example"]


def test_somebody_elses_hand_was_faster() -> None:
    session = Group([])
    session.fail["Add-DistributionGroupMember"] = [(Exists("is already a member"), True)]
    assert not task(session, [0]).get("failed")


def test_a_reader_that_lags_is_waited_for() -> None:
    session = Group([], lag=3)
    assert task(session, [0])["changed"]
    assert [call.name for call in session.sent].count("Get-DistributionGroupMember") == 5


def test_a_membership_that_never_shows_is_an_error_that_names_who() -> None:
    class Black(Group):
        def _write(self, cmdlet: Cmdlet) -> None:
            """Take the call and keep nothing."""

    result = task(Black([]), [2], patience=30.0)
    assert result["failed"]
    assert "u2@a.example does not show after 30 s" in result["msg"]


def test_a_failed_lookup_is_an_error_and_never_an_unknown_member() -> None:
    session = Group([])
    session.fail["Get-Recipient"] = [(TimedOut("no answer", cmdlet="Get-Recipient"), False)]
    result = task(session, [0])
    assert result["error"]["kind"] == "timed_out"
    assert session.writes == []


def test_large_changes_go_in_chunks_and_tell_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_membership, "CHUNK", 2)
    told: list[str] = []
    session = Group([])
    assert not task(session, [0, 1, 2], progress=told.append).get("failed")
    assert told == ["g: 0 of 3 changes of membership sent", "g: 2 of 3 changes of membership sent"]
    assert session.trips == 5, "members, look-up, two chunks, members"


@pytest.mark.parametrize("empty", ["", [""], [None], ["user0001@example.com", " "]])
@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_an_empty_variable_empties_no_group(group: Bench, empty: Any, state: str) -> None:
    group.done(NAME, identity=GROUP, members=people(group, 2))
    before = len(group.writes())
    # Core 2.16 refuses a null by itself; later ones hand it on.
    checked = validate(spec_of(NAME), {"identity": GROUP, "members": empty, "state": state})
    if not checked.errors:
        result = group.run(NAME, identity=GROUP, members=empty, state=state)
        assert result["failed"]
        assert "members has an empty entry" in result["msg"]
    assert not checked.errors or empty == [None], checked.errors
    assert len(group.writes()) == before


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_a_recipient_that_does_not_bear_the_name_is_not_the_one_that_was_meant(state: str) -> None:
    """An unknown identity can return somebody else, who must neither join nor leave."""
    session = Group([0])
    session.rows["Recipient"] = [{**USERS[0], "Remark": "nobody@example.com"}]
    checked = validate(spec_of(NAME), {"identity": "g", "members": ["nobody@example.com"], "state": state})
    result = execute(spec_of(NAME), checked.params, context(session)[0])
    assert bool(result.get("failed")) == (state != "absent"), result
    assert "is no recipient of this organization" in result.get("msg", "is no recipient of this organization")
    assert session.writes == []


@pytest.mark.parametrize("check", [True, False])
def test_a_group_of_another_directory_is_refused_before_anything_is_written(group: Bench, check: bool) -> None:
    group.sandbox.put("DistributionGroup", identity="Migrated Users", set={"IsDirSynced": True})
    before = len(group.writes())
    result = group.run(NAME, check=check, identity=GROUP, members=people(group, 1))
    assert result["failed"]
    assert "synchronised from an on-premises directory" in result["msg"]
    assert len(group.writes()) == before
    assert not group.done(NAME, check=check, identity=GROUP, members=people(group, 1), state="absent")["changed"]


def test_the_rest_of_a_check_sees_the_members_of_a_new_group_and_none_of_a_removed_one(bench: Bench) -> None:
    one, two = people(bench, 2)
    new: dict[str, Any] = {"identity": "Team", "primary_smtp_address": "team@example.com", "members": [one], "managed_by": [two]}
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("distribution_group", {**new, "copy_owner_to_member": True}),
        (NAME, {"identity": "team@example.com", "members": [one, two]}),
        (NAME, {"identity": "Team", "members": [one], "state": "exact"}),
        ("distribution_group", {"identity": "Team", "state": "absent"}),
        (NAME, {"identity": "Team", "members": [one], "state": "absent"}),
    ]
    announced = [bench.done(name, check=True, **task)["calls"] for name, task in tasks]
    assert bench.writes() == []
    assert [bench.done(name, **task)["calls"] for name, task in tasks] == announced
    assert [len(calls) for calls in announced] == [1, 0, 1, 1, 0]


def test_an_error_of_the_read_back_tells_what_was_written() -> None:
    session = Group([])
    session.fail["Get-DistributionGroupMember"] = [(None, True), (TimedOut("no answer", cmdlet="Get-DistributionGroupMember"), False)]
    result = task(session, [0, 1])
    assert result["failed"]
    assert result["changed"] is True
    assert [call["cmdlet"] for call in result["calls"]] == ["Add-DistributionGroupMember"] * 2
