# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table can say beyond properties: halves that belong together, what needs what, what follows a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _kinds as k
from ansible_collections.mailops.exchange.plugins.module_utils._engine import Info, Managed
from ansible_collections.mailops.exchange.plugins.module_utils._resource import NEW, SET, Plan, Property, Resource, absent, present
from ansible_collections.mailops.exchange.plugins.module_utils._runner import execute, validate
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    NOW,
    Cmdlet,
    Failed,
    Forbidden,
    Reply,
    Row,
    TimedOut,
)

from .fakes import FakeSession, context

PROPERTIES = (
    Property("Name", k.NAME, on=SET),
    Property("Header", k.NAME),
    Property("HeaderWords", k.many(k.NAME)),
    Property("UseMX", k.BOOL),
    Property("Hosts", k.many(k.HOST, edits=True)),
    Property("Emptied", k.many(k.HOST, edits=True, null=True)),
    Property("Kind", k.NAME, choices=("Partner", "OnPremises")),
    Property("Rewrites", k.BOOL, where=("Kind", "OnPremises")),
    Property("Owners", k.many(k.RECIPIENT, edits=True), read="OwnersWithNames", read_with="IncludeOwners"),
    Property("Addresses", k.many(k.PROXY, edits=True), on=SET),
    Property("Hidden", k.BOOL, on=SET),
    Property("Shy", k.BOOL, on=SET),
    Property("Type", k.GROUP_TYPE, on=NEW, read="GroupType"),
    Property("Checked", k.BOOL, on=SET),
    Property("Stamp", k.DATE, on=SET),
    Property("Scope", k.NAME, choices=("In", "Out"), clears=True),
)
THING = Resource(
    "Thing",
    PROPERTIES,
    together=(("Header", "HeaderWords"),),
    needs=(("UseMX", False, "Hosts"),),
    defaults={"Hidden": False, "Kind": "Partner"},
    on_remove=(),
)
OLD: Row = {"Identity": "t", "Name": "t", "Kind": "Partner", "Hosts": ["192.0.2.1"], "UseMX": True}


def plan(row: Row | None, resource: Resource = THING, directory: Mapping[str, str] | None = None, **wanted: Any) -> Plan:
    return present(resource, "t", wanted, row, directory)


def sent(found: Plan) -> list[tuple[str, dict[str, Any]]]:
    assert not found.faults, found.faults
    return [(call.name, {k: value for k, value in call.parameters.items() if k not in {"Identity", "Name"}}) for call in found.calls]


@pytest.mark.parametrize("row", [None, OLD], ids=["new", "old"])
def test_half_a_pair_is_refused_and_the_other_half_is_named(row: Row | None) -> None:
    found = plan(row, header="X")
    assert found.calls == ()
    assert found.faults == ("Thing 't': header, header_words are set together or not at all: also give header_words, or clear them all.",)


def test_a_pair_is_set_and_cleared_in_one_command() -> None:
    assert sent(plan(OLD, header="X", header_words=["a"])) == [("Set-Thing", {"Header": "X", "HeaderWords": ["a"]})]
    both = {**OLD, "Header": "X", "HeaderWords": ["a"]}
    assert sent(plan(both, header_words=["b"])) == [("Set-Thing", {"Header": "X", "HeaderWords": ["b"]})]
    assert sent(plan(both, header="", header_words=[])) == [("Set-Thing", {"Header": None, "HeaderWords": None})]
    assert plan(both, header_words=[]).faults, "one half alone cannot go"


def test_a_value_that_needs_a_partner_takes_it_along_or_is_refused() -> None:
    assert sent(plan(OLD, use_mx=False)) == [("Set-Thing", {"UseMX": False, "Hosts": ["192.0.2.1"]})]
    assert plan({**OLD, "Hosts": []}, use_mx=False).faults == ("Thing 't': use_mx false needs hosts: give it as well.",)
    assert sent(plan({**OLD, "UseMX": False}, use_mx=True)) == [("Set-Thing", {"UseMX": True})]


def test_what_only_some_objects_take_is_refused_or_not_sent_to_the_others() -> None:
    assert sent(plan(None, rewrites=False)) == [("New-Thing", {})]
    assert sent(plan(None, rewrites=False, kind="OnPremises")) == [("New-Thing", {"Kind": "OnPremises", "Rewrites": False})]
    assert plan(None, rewrites=True).faults == ("Thing 't': rewrites needs kind: OnPremises; give that, or leave rewrites out.",)
    assert plan(OLD, rewrites=True).faults
    assert sent(plan(OLD, rewrites=True, kind="onpremises")) == [("Set-Thing", {"Kind": "onpremises", "Rewrites": True})]


def test_a_new_object_is_not_set_to_what_it_is_by_default() -> None:
    assert [call.name for call in plan(None, hidden=False).calls] == ["New-Thing"]
    assert [call.name for call in plan(None, hidden=True).calls] == ["New-Thing", "Set-Thing"]
    assert [call.name for call in plan(None, shy=False).calls] == ["New-Thing", "Set-Thing"], "an unknown default is set"


def test_lists_are_emptied_as_their_cmdlet_takes_it() -> None:
    full = {**OLD, "Emptied": ["192.0.2.9"]}
    assert sent(plan(full, hosts=[], emptied=[])) == [("Set-Thing", {"Hosts": [], "Emptied": None})]


def test_a_choice_can_be_cleared_where_the_table_says_so() -> None:
    assert PROPERTIES[-1].spec()["choices"] == ["In", "Out", ""]
    assert sent(plan({**OLD, "Scope": "In"}, scope="")) == [("Set-Thing", {"Scope": None})]


def test_the_plain_property_stands_in_where_the_switch_filled_nothing() -> None:
    row = {**OLD, "OwnersWithNames": [], "Owners": ["11111111-2222-3333-4444-555555555555"]}
    known = {"o@a.example": "x", "11111111-2222-3333-4444-555555555555": "x"}
    assert plan(row, directory=known, owners=["o@a.example"]).calls == ()
    shown = plan(row, owners=["p@a.example"]).row or {}
    assert shown["Owners"] == shown["OwnersWithNames"] == ["p@a.example"], "the planned object shows it both ways"


def test_an_edit_finds_the_object_behind_another_spelling() -> None:
    guid = "11111111-2222-3333-4444-555555555555"
    row = {**OLD, "Owners": [guid]}
    known = {"o@a.example": "x", guid: "x"}
    assert plan(row, directory=known, owners={"add": ["o@a.example"]}).calls == ()
    assert sent(plan(row, directory=known, owners={"remove": ["o@a.example"]})) == [("Set-Thing", {"Owners": {"Remove": [guid]}})]


def test_a_removal_sends_the_address_and_not_the_display_form() -> None:
    row = {**OLD, "OwnersWithNames": ["(o@a.example,Owner, The)"]}
    assert sent(plan(row, owners={"remove": ["O@a.example"]})) == [("Set-Thing", {"Owners": {"Remove": ["o@a.example"]}})]


def test_a_list_of_addresses_keeps_those_of_other_types() -> None:
    row = {**OLD, "Addresses": ["SMTP:a@a.example", "smtp:b@a.example", "X500:/o=x", "SPO:1"]}
    wanted = ["SMTP:a@a.example", "smtp:c@a.example"]
    assert sent(plan(row, addresses=wanted)) == [("Set-Thing", {"Addresses": [*wanted, "X500:/o=x", "SPO:1"]})]
    assert plan({**row, "Addresses": [*wanted, "X500:/o=x"]}, addresses=wanted).calls == ()


def test_a_planned_type_reads_as_the_service_shows_it() -> None:
    assert (plan(None, type="Security").row or {})["GroupType"] == "Universal, SecurityEnabled"


def test_a_check_forbids_changes_and_removals_but_not_rest() -> None:
    def check(_wanted: Mapping[str, Any], before: Row | None, after: Row | None) -> list[str]:
        return [f"{before is not None} {after is not None}"]

    strict = Resource("Thing", PROPERTIES, check=check)
    assert plan(OLD, strict, kind="Partner").faults == ()
    assert plan(OLD, strict, kind="OnPremises").faults == ("Thing 't': True True",)
    assert plan(None, strict, kind="OnPremises").faults == ("Thing 't': False True",)
    assert absent(strict, "t", {}, OLD).faults == ("Thing 't': True False",)
    assert absent(strict, "t", {}, None).faults == ()


def finish(changed: bool, row: Row, _wanted: Mapping[str, Any]) -> tuple[Cmdlet, ...]:
    if row.get("Checked") is True and not changed:
        return ()
    return Cmdlet("Validate-Thing", {"Identity": "t"}), Cmdlet("Set-Thing", {"Identity": "t", "Checked": True, "Stamp": NOW})


def judge(call: Cmdlet, reply: Reply) -> tuple[str, str]:
    return ("it is broken." if call.verb == "Validate" and reply.rows else "", "it said nothing." if call.verb == "Validate" else "")


FINISHED = Managed(Resource("Thing", PROPERTIES, finish=finish, judge=judge))


class Things(FakeSession):
    """A service whose Validate- answers what it is told to and changes nothing."""

    verdict: tuple[Row, ...] = ()

    def _one(self, cmdlet: Cmdlet) -> Reply:
        reply = super()._one(cmdlet)
        return Reply(list(self.verdict), date=reply.date) if cmdlet.verb == "Validate" else reply

    def _write(self, cmdlet: Cmdlet) -> None:
        if cmdlet.verb != "Validate":
            super()._write(cmdlet)


def task(session: FakeSession, spec: Managed = FINISHED, **wanted: Any) -> dict[str, Any]:
    made, _clock, warnings = context(session, patience=10.0)
    result = execute(spec, validate(spec, {"identity": "t", **wanted}).params, made)
    return {**result, "told": warnings}


def names(result: dict[str, Any]) -> list[str]:
    return [call["cmdlet"] for call in result["calls"]]


def test_what_follows_a_change_is_done_judged_and_read_back() -> None:
    session = Things({"Thing": [OLD]}, lag=2)
    result = task(session, kind="OnPremises")
    assert names(result) == ["Set-Thing", "Validate-Thing", "Set-Thing"]
    assert result["object"]["Checked"] is True
    assert result["told"] == ["Validate-Thing 't': it said nothing."]
    assert session.sent[-1].name == "Get-Thing"
    assert names(task(session, kind="OnPremises")) == []


def test_a_bad_verdict_is_an_error_and_what_was_done_is_told() -> None:
    session = Things({"Thing": [OLD]})
    session.verdict = ({"Status": "x"},)
    result = task(session, kind="OnPremises")
    assert result["failed"]
    assert "Validate-Thing 't': it is broken." in result["msg"]
    assert names(result) == ["Set-Thing", "Validate-Thing"]
    assert result["changed"]
    assert "Checked" not in session.rows["Thing"][0]


@pytest.mark.parametrize("applied", [True, False])
def test_a_finishing_write_of_unknown_fate_is_settled_and_told_once(applied: bool) -> None:
    session = Things({"Thing": [{**OLD, "Checked": True}]})
    session.fail["Validate-Thing"] = [(TimedOut("cut", cmdlet="Validate-Thing", uncertain=True), applied)]
    result = task(session, kind="OnPremises")
    assert not result.get("failed"), result["msg"]
    assert names(result) == ["Set-Thing", "Validate-Thing", "Set-Thing"]


@pytest.mark.parametrize("checked", [True, False])
def test_a_change_of_unknown_fate_is_told_beside_a_finish_by_the_same_cmdlet(checked: bool) -> None:
    session = Things({"Thing": [{**OLD, "Checked": checked}]})
    session.fail["Set-Thing"] = [(TimedOut("cut", cmdlet="Set-Thing", uncertain=True), True)]
    result = task(session, kind="OnPremises")
    assert not result.get("failed"), result["msg"]
    assert names(result) == ["Set-Thing", "Validate-Thing", "Set-Thing"]


def test_check_mode_shows_the_finished_object_to_the_rest_of_the_play() -> None:
    session = Things({"Thing": [OLD]}, check_mode=True)
    result = task(session, kind="OnPremises")
    (row,) = session.overlays[0][2]
    assert (row["Checked"], row["Stamp"]) == (True, NOW)
    assert names(result) == ["Set-Thing", "Validate-Thing", "Set-Thing"]


def test_a_finish_that_never_shows_is_an_error() -> None:
    session = Things({"Thing": [OLD]})
    session.ignored = {"Checked"}
    assert "checked: wanted 'True', read 'None'" in task(session, kind="OnPremises")["msg"]


def test_a_failure_tells_what_was_written_before_it() -> None:
    session = FakeSession()
    session.fail["Set-Thing"] = [(Forbidden("not allowed", cmdlet="Set-Thing"), False)]
    result = task(session, Managed(THING), hidden=True)
    assert result["failed"]
    assert result["changed"]
    assert names(result) == ["New-Thing"]


def test_parts_of_a_planned_object_are_planned_to_be_none() -> None:
    session = FakeSession(check_mode=True)
    task(session, Managed(Resource("Thing", PROPERTIES, parts="ThingPart")), kind="Partner")
    assert session.overlays[1][::2] == ("ThingPart", [])


def test_an_owner_who_is_no_recipient_is_looked_up_as_a_user() -> None:
    guid = "11111111-2222-3333-4444-555555555555"
    user = {"Identity": "plain", "WindowsLiveID": "plain@a.example", "ExternalDirectoryObjectId": guid}
    session = FakeSession({"Thing": [{**OLD, "Owners": [guid]}], "User": [user]})
    assert not task(session, Managed(THING), owners=["plain@a.example"])["changed"]
    assert [call.name for call in session.sent].count("Get-User") == 2


def test_a_look_up_that_fails_is_an_error() -> None:
    session = FakeSession({"Thing": [{**OLD, "Owners": ["x"]}]})
    session.fail["Get-Recipient"] = [(Failed("broken", cmdlet="Get-Recipient"), False)]
    assert "broken" in task(session, Managed(THING), owners=["plain@a.example"])["msg"]
    assert session.writes == []


def test_info_reads_both_ways_once_each_and_all_parts_of_an_object() -> None:
    session = FakeSession({"Thing": [OLD, {**OLD, "Name": "u", "Identity": "u"}]})
    made = context(session)[0]
    both = Info("Thing", (Property("Extra", k.BOOL),), reads=({}, {"Extra": True}))
    assert len(execute(both, validate(both, {}).params, made)["objects"]) == 2
    assert len(session.sent) == 2
    execute(both, validate(both, {"extra": True}).params, made)
    assert len(session.sent) == 3, "asked for one way, it is read that way once"
    parts = Info("Thing", required=True)
    execute(parts, validate(parts, {"identity": "t"}).params, made)
    assert session.sent[-1].parameters == {"Identity": "t", "ResultSize": "Unlimited"}
