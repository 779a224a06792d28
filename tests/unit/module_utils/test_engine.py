# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as a table, and what the engine does when the service is slow, forgetful or cut off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _kinds as k
from ansible_collections.mailops.exchange.plugins.module_utils._engine import Info, Managed
from ansible_collections.mailops.exchange.plugins.module_utils._resource import NEW, SET, Property, Resource, present
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError, execute, validate
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    NOW,
    Ambiguous,
    Cmdlet,
    Exists,
    Failed,
    Forbidden,
    NotFound,
    Row,
    TimedOut,
)

from .fakes import FakeSession, context


def finish(changed: bool, row: Row, wanted: Any) -> tuple[Cmdlet, ...]:
    """Validates a widget that changed."""
    if not changed or not wanted.get("colour"):
        return ()
    stamp = Cmdlet("Set-Widget", {"Identity": row["Name"], "Stamp": NOW})
    return (Cmdlet("Set-Widget", {"Identity": row["Name"], "Checked": True}), stamp)


PROPERTIES = (
    Property("Name", k.NAME, on=SET, limit=8),
    Property("Colour", k.NAME, choices=("Red", "Green")),
    Property("Size", k.SIZE, verified=False),
    Property("Domains", k.many(k.DOMAIN, edits=True)),
    Property("Owners", k.many(k.RECIPIENT, edits=True)),
    Property("Type", k.GROUP_TYPE, on=NEW, read="Kind"),
    Property("Later", k.TEXT, on=SET),
    Property("Force", k.BOOL, read=None),
    Property("Enabled", k.BOOL, on=NEW, read="State", pair=("Enable-Widget", "Disable-Widget")),
    Property("Header"),
    Property("HeaderValue"),
)
WIDGET = Resource("Widget", PROPERTIES, together=(("Header", "HeaderValue"),), create_needs=("Colour",))
OLD: Row = {
    "Identity": "w",
    "Name": "w",
    "Guid": "11111111-2222-3333-4444-555555555555",
    "Colour": "Red",
    "Size": "10 MB (10,485,760 bytes)",
    "Domains": ["a.example", "b.example"],
    "Owners": ["0b6c7f3a-8a74-4dd0-a3f5-2f0f5a5d8f00"],
    "Kind": "Universal",
    "State": "Enabled",
    "Header": "X-A",
    "HeaderValue": "1",
}


def run(session: FakeSession, wanted: dict[str, Any], resource: Resource = WIDGET, **more: Any) -> dict[str, Any]:
    """One task over the fake, through validation as a module would run it."""
    spec = Managed(resource)
    valid = validate(spec, {"identity": "w", **wanted})
    assert not valid.errors, valid.errors
    ctx = context(session, **more)[0]
    return execute(spec, valid.params, ctx)


def calls(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(call["cmdlet"], call["parameters"]) for call in result["calls"]]


PLANS: list[tuple[str, Row | None, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    ("nothing to do", OLD, {"colour": "Red", "size": "10MB", "domains": ["B.example", "a.example"]}, []),
    ("one change", OLD, {"colour": "Green"}, [("Set-Widget", {"Identity": "w", "Colour": "Green"})]),
    ("a list replaces", OLD, {"domains": ["c.example"]}, [("Set-Widget", {"Identity": "w", "Domains": ["c.example"]})]),
    ("a list is cleared", OLD, {"domains": []}, [("Set-Widget", {"Identity": "w", "Domains": []})]),
    (
        "an edit sends only what is missing",
        OLD,
        {"domains": {"add": ["A.example", "c.example"], "remove": ["b.example", "zzz.example"]}},
        [("Set-Widget", {"Identity": "w", "Domains": {"Add": ["c.example"], "Remove": ["b.example"]}})],
    ),
    ("an edit that changes nothing", OLD, {"domains": {"add": ["a.example"], "remove": ["z.example"]}}, []),
    ("a modifier alone is no change", OLD, {"force": True}, []),
    (
        "a modifier rides on a change",
        OLD,
        {"colour": "Green", "force": True},
        [("Set-Widget", {"Identity": "w", "Colour": "Green", "Force": True})],
    ),
    (
        "partners travel together",
        OLD,
        {"header_value": "2"},
        [("Set-Widget", {"Identity": "w", "HeaderValue": "2", "Header": "X-A"})],
    ),
    ("switched off by its own cmdlet", OLD, {"enabled": False}, [("Disable-Widget", {"Identity": "w", "Confirm": False})]),
    (
        "switched off before a change",
        OLD,
        {"enabled": False, "colour": "Green"},
        [("Disable-Widget", {"Identity": "w", "Confirm": False}), ("Set-Widget", {"Identity": "w", "Colour": "Green"})],
    ),
    (
        "switched on after a change",
        {**OLD, "State": "Disabled"},
        {"enabled": True, "colour": "Green"},
        [("Set-Widget", {"Identity": "w", "Colour": "Green"}), ("Enable-Widget", {"Identity": "w"})],
    ),
    (
        "created, with a list",
        None,
        {"colour": "Red", "domains": ["a.example"], "enabled": False},
        [("New-Widget", {"Name": "w", "Colour": "Red", "Domains": ["a.example"], "Enabled": False})],
    ),
    (
        "created, then set",
        None,
        {"colour": "Red", "later": "x", "force": True},
        [("New-Widget", {"Name": "w", "Colour": "Red", "Force": True}), ("Set-Widget", {"Identity": "w", "Later": "x"})],
    ),
    ("removed", OLD, {"state": "absent"}, [("Remove-Widget", {"Identity": "w", "Confirm": False})]),
    ("gone already", None, {"state": "absent"}, []),
    ("renamed", OLD, {"name": "v"}, [("Set-Widget", {"Identity": "w", "Name": "v"})]),
]


@pytest.mark.parametrize(("row", "wanted", "expected"), [entry[1:] for entry in PLANS], ids=[entry[0] for entry in PLANS])
def test_plan_and_second_run_and_check_mode(row: Row | None, wanted: dict[str, Any], expected: Any) -> None:
    rows = {"Widget": [row] if row else []}
    checked = FakeSession(rows, check_mode=True)
    announced = run(checked, wanted)
    session = FakeSession(rows)
    result = run(session, wanted)
    assert calls(result) == expected
    assert [(call.name, call.parameters) for call in session.writes] == expected
    assert result["changed"] == bool(expected)
    assert calls(announced) == expected, "check mode announces what the run does"
    assert announced["diff"] == result["diff"]
    assert bool(checked.overlays) == bool(expected)
    again = run(session, wanted)
    assert not again["changed"]
    assert len(session.writes) == len(expected), "the second run writes nothing"


def test_a_renamed_object_is_found_by_its_new_name() -> None:
    session = FakeSession({"Widget": [OLD]})
    run(session, {"name": "v"})
    result = run(session, {"name": "v", "colour": "Green"})
    assert calls(result) == [("Set-Widget", {"Identity": "v", "Colour": "Green"})]


def test_a_converged_object_costs_one_read() -> None:
    session = FakeSession({"Widget": [OLD]})
    run(session, {"colour": "Red", "size": "10MB"})
    assert session.trips == 1


def test_a_change_costs_a_read_a_write_and_a_read_back() -> None:
    session = FakeSession({"Widget": [OLD]})
    run(session, {"colour": "Green"})
    assert [call.name for call in session.sent] == ["Get-Widget", "Set-Widget", "Get-Widget"]


def test_owners_named_by_address_are_compared_by_their_ids_in_one_more_trip() -> None:
    guid = "0b6c7f3a-8a74-4dd0-a3f5-2f0f5a5d8f00"
    person = {"Identity": "o", "PrimarySmtpAddress": "o@a.example", "ExternalDirectoryObjectId": guid}
    session = FakeSession({"Widget": [OLD], "Recipient": [person]})
    assert not run(session, {"owners": ["o@a.example"]})["changed"]
    assert session.trips == 2


def test_a_failed_read_is_an_error_and_never_absent() -> None:
    session = FakeSession({"Widget": [OLD]})
    session.fail["Get-Widget"] = [(TimedOut("no answer", cmdlet="Get-Widget"), False)]
    result = run(session, {"state": "absent"})
    assert result["failed"]
    assert "no answer" in result["msg"]
    assert session.writes == []


def test_rows_that_do_not_bear_the_identity_are_not_the_object() -> None:
    class Everything(FakeSession):
        def _read(self, cmdlet: Cmdlet) -> list[Row]:
            return [dict(row) for row in self.rows[cmdlet.noun]]

    session = Everything({"Widget": [{**OLD, "Identity": "x", "Name": "x"}]})
    assert not run(session, {"state": "absent"})["changed"]


def test_an_ambiguous_identity_is_an_error() -> None:
    twins = [{**OLD, "Guid": str(n), "Name": f"n{n}", "Identity": f"n{n}", "Alias": "w"} for n in range(2)]
    result = run(FakeSession({"Widget": twins}), {"colour": "Green"})
    assert result["failed"]
    assert result["error"]["kind"] == Ambiguous.kind


def test_a_write_of_unknown_fate_that_was_applied_is_not_repeated() -> None:
    session = FakeSession()
    session.fail["New-Widget"] = [(TimedOut("cut", cmdlet="New-Widget", uncertain=True), True)]
    result = run(session, {"colour": "Red"})
    assert not result.get("failed")
    assert len(session.writes) == 1
    assert result["changed"] is True, "the object is there because of this task"
    assert calls(result) == [("New-Widget", {"Name": "w", "Colour": "Red"})]


def test_a_write_of_unknown_fate_that_was_not_applied_is_planned_again() -> None:
    session = FakeSession()
    session.fail["New-Widget"] = [(TimedOut("cut", cmdlet="New-Widget", uncertain=True), False)]
    result = run(session, {"colour": "Red"})
    assert result["changed"]
    assert [call.name for call in session.writes] == ["New-Widget", "New-Widget"]
    assert len(session.rows["Widget"]) == 1


def test_an_object_made_by_another_hand_meanwhile_is_changed_instead() -> None:
    session = FakeSession({"Widget": [OLD]})
    session.fail["Get-Widget"] = [(NotFound("couldn't be found"), False)]
    result = run(session, {"colour": "Green"})
    assert calls(result) == [("Set-Widget", {"Identity": "w", "Colour": "Green"})]
    assert session.fail["Get-Widget"] == []


def test_a_new_object_that_is_not_found_yet_is_waited_for() -> None:
    session = FakeSession()
    session.fail["Set-Widget"] = [(NotFound("couldn't be found", cmdlet="Set-Widget"), False)] * 2
    result = run(session, {"colour": "Red", "later": "x"})
    assert [call[0] for call in calls(result)] == ["New-Widget", "Set-Widget"]
    assert session.rows["Widget"][0]["Later"] == "x"


def test_a_read_back_that_lags_is_waited_for() -> None:
    session = FakeSession({"Widget": [OLD]}, lag=3)
    spec, (ctx, clock, warnings) = Managed(WIDGET), context(session)
    result = execute(spec, validate(spec, {"identity": "w", "colour": "Green"}).params, ctx)
    assert result["object"]["Colour"] == "Green"
    assert len(clock.slept) == 3
    assert warnings == []


def test_a_verified_form_that_never_shows_is_an_error() -> None:
    session = FakeSession({"Widget": [OLD]})
    session.ignored = {"Colour"}
    result = run(session, {"colour": "Green"})
    assert result["failed"]
    assert "colour: wanted 'Green', read 'Red'" in result["msg"]


def test_an_unverified_form_that_never_shows_is_a_warning_that_names_both() -> None:
    session = FakeSession({"Widget": [OLD]})
    session.ignored = {"Size"}
    spec, (ctx, _clock, warnings) = Managed(WIDGET), context(session)
    result = execute(spec, validate(spec, {"identity": "w", "size": "20MB"}).params, ctx)
    assert result["changed"]
    assert len(warnings) == 1
    assert "size: wanted '20MB', read '10 MB (10,485,760 bytes)'" in warnings[0]


def test_an_object_that_never_appears_is_an_error() -> None:
    class Black(FakeSession):
        def _write(self, cmdlet: Cmdlet) -> None:
            """Take the call and keep nothing."""

    result = run(Black(), {"colour": "Red"})
    assert result["failed"]
    assert result["error"]["kind"] == Failed.kind
    assert "does not appear" in result["msg"]


def test_what_can_only_be_given_at_creation_is_refused_with_a_remedy() -> None:
    session = FakeSession({"Widget": [OLD]})
    result = run(session, {"type": "Security", "colour": "Green"})
    assert result["failed"]
    assert "Remove the object first" in result["msg"]
    assert session.writes == []


def test_what_creation_needs_is_named() -> None:
    result = run(FakeSession(), {"domains": ["a.example"]})
    assert "to create it, give colour" in result["msg"]


def test_all_problems_of_the_options_are_reported_at_once_and_nothing_is_sent() -> None:
    session = FakeSession()
    result = run(session, {"name": "much too long", "size": "ten", "domains": {"ad": ["x"]}})
    assert len(result["problems"]) == 3
    assert session.sent == []


def test_a_refused_write_is_reported_and_not_repeated() -> None:
    session = FakeSession({"Widget": [OLD]})
    session.fail["Set-Widget"] = [(Forbidden("not allowed", cmdlet="Set-Widget", identity="w"), False)] * 3
    result = run(session, {"colour": "Green"})
    assert result["failed"]
    assert "Set-Widget 'w': not allowed" in result["msg"]
    assert len(session.writes) == 1


def test_finishing_calls_follow_a_change_with_the_services_time_and_are_announced_in_check_mode() -> None:
    resource = Resource("Widget", PROPERTIES, finish=finish)
    session, checked = FakeSession({"Widget": [OLD]}), FakeSession({"Widget": [OLD]}, check_mode=True)
    result, announced = run(session, {"colour": "Green"}, resource), run(checked, {"colour": "Green"}, resource)
    assert calls(result) == calls(announced)
    assert calls(result)[-1] == ("Set-Widget", {"Identity": "w", "Stamp": NOW})
    assert session.writes[-1].parameters["Stamp"] == "2026-01-31T12:00:00Z"


def test_a_noun_that_cannot_be_created_names_the_remedy() -> None:
    resource = Resource("Widget", PROPERTIES, verbs=frozenset({"Set"}), missing="Verify it first.")
    result = run(FakeSession(), {"colour": "Red"}, resource)
    assert result["msg"] == "Widget 'w' does not exist. Verify it first."


def test_an_exists_answer_that_a_fresh_read_does_not_explain_is_reported() -> None:
    session = FakeSession()
    session.fail["New-Widget"] = [(Exists("is taken by a contact", cmdlet="New-Widget", identity="w"), False)] * 9
    result = run(session, {"colour": "Red"})
    assert result["failed"]
    assert "is taken by a contact" in result["msg"]
    assert len(session.writes) <= 4


def test_info_reads_one_all_and_nothing() -> None:
    session = FakeSession({"Widget": [OLD, {**OLD, "Identity": "x", "Name": "x", "Guid": "g"}]})
    spec = Info("Widget")
    ctx = context(session)[0]
    assert len(spec.run({}, ctx)["objects"]) == 2
    assert session.sent[-1].parameters == {"ResultSize": "Unlimited"}
    assert [row["Name"] for row in spec.run({"identity": "x"}, ctx)["objects"]] == ["x"]
    assert spec.run({"identity": "nobody"}, ctx)["objects"] == []


def test_plans_are_pure() -> None:
    row = dict(OLD)
    present(WIDGET, "w", {"domains": {"add": ["c.example"]}}, row)
    assert row == OLD
    with pytest.raises(InputError):
        raise InputError(["a"])


def test_a_read_that_fails_after_a_write_of_unknown_fate_says_that_it_is_not_known() -> None:
    session = FakeSession({"Widget": [dict(OLD)]})
    session.fail["Set-Widget"] = [(TimedOut("cut", cmdlet="Set-Widget", uncertain=True), False)]
    session.fail["Get-Widget"] = [(None, True), (TimedOut("no answer", cmdlet="Get-Widget"), False)]
    result = run(session, {"colour": "Green"})
    assert result["failed"]
    assert result["error"]["uncertain"] is True
    assert "whether Set-Widget before it was applied is not known" in result["msg"]


def test_a_write_whose_fate_stays_unknown_is_not_sent_for_minutes() -> None:
    session = FakeSession({"Widget": [dict(OLD)]})
    session.fail["Set-Widget"] = [(TimedOut("cut", cmdlet="Set-Widget", uncertain=True), False)] * 40
    result = run(session, {"colour": "Green"})
    assert result["failed"]
    assert result["error"]["uncertain"] is True
    assert len(session.writes) == 4
