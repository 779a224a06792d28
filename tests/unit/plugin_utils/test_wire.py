# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of calls and answers on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports import rest_wire as wire

BASE = "https://service.example/adminapi/beta/contoso.example"


def test_a_table_names_its_type_at_every_depth() -> None:
    value = {"Add": ["a@x.example"], "Remove": [], "Deep": [{"Key": None}]}
    assert wire.encode(value) == {
        "@odata.type": "#Exchange.GenericHashTable",
        "Add": ["a@x.example"],
        "Remove": [],
        "Deep": [{"@odata.type": "#Exchange.GenericHashTable", "Key": None}],
    }


@pytest.mark.parametrize("value", [None, True, 0, "", "text", [], ["a", 1]])
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert wire.encode(value) == value


def test_a_call_without_parameters_sends_an_empty_table() -> None:
    assert wire.body_of(Cmdlet("Get-AcceptedDomain")) == {"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {}}}


def test_selected_properties_stand_in_the_address() -> None:
    assert wire.url_of(BASE, Cmdlet("Get-Recipient", {}, ("Name", "Guid"))) == f"{BASE}/InvokeCommand?$select=Name,Guid"
    assert wire.url_of(BASE, Cmdlet("Get-Recipient")) == f"{BASE}/InvokeCommand"


@pytest.mark.parametrize(
    ("cmdlet", "delegated", "expected"),
    [
        ("Get-Mailbox", False, "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@t"),
        ("Get-Mailbox", True, "UPN:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@t"),
        ("set-AdminAuditLogConfig", False, "APP:SystemMailbox{8cc370d3-822a-4ab8-a926-bb94bd0641a9}@t"),
    ],
)
def test_the_anchor_names_the_arbitration_mailbox(cmdlet: str, delegated: bool, expected: str) -> None:
    assert wire.anchor(cmdlet, "t", delegated) == expected


def test_two_requests_differ_only_in_their_own_id() -> None:
    first, second = (wire.headers_of("Get-Mailbox", "secret", "anchor", "connection") for _unused in range(2))
    assert {name for name in first if first[name] != second[name]} == {"client-request-id"}
    assert first["Prefer"] == "odata.maxpagesize=1000"
    assert first["Authorization"] == "Bearer secret"


def test_side_keys_are_stripped_at_every_depth() -> None:
    body = {
        "@odata.context": "x",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": ["careful"],
        "value": [{"Guid": "g", "Guid@data.type": "System.Guid", "Deep": [{"A@odata.type": "x", "A": 15394007230974001153}]}],
    }
    headers = {"date": "Sat, 31 Jan 2026 12:00:00 GMT", "request-id": "r"}
    reply, link = wire.reply_of(wire.Response(200, headers, json.dumps(body)))
    assert reply.rows == [{"Guid": "g", "Deep": [{"A": 15394007230974001153}]}]
    assert (reply.warnings, reply.date, reply.request_id, link) == (["careful"], "2026-01-31T12:00:00Z", "r", "")


@pytest.mark.parametrize("text", ["", "  ", '{"value": null}', '{"value": []}', "{}"])
def test_no_rows_in_any_form(text: str) -> None:
    assert wire.reply_of(wire.Response(200, {}, text))[0].rows == []


@pytest.mark.parametrize("text", ["<html>proxy</html>", "[]", '"text"', "\x00\x00"])
def test_what_is_no_envelope_is_an_error(text: str) -> None:
    with pytest.raises(wire.NotAnEnvelope):
        wire.reply_of(wire.Response(200, {}, text))


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"responses": [{"id": "0", "status": 200}]}', '{"responses": [{"status": 200}]}'])
def test_a_batch_without_every_answer_is_an_error(text: str) -> None:
    with pytest.raises(wire.NotAnEnvelope):
        wire.split_batch(wire.Response(200, {}, text), 2)


def test_batch_answers_are_put_in_order() -> None:
    items = [{"id": "1", "status": 404, "body": "plain"}, {"id": "0", "status": 200, "headers": {"Retry-After": 3}, "body": {"value": []}}]
    first, second = wire.split_batch(wire.Response(200, {"date": "d"}, json.dumps({"responses": items})), 2)
    assert (first.status, first.text, first.headers) == (200, '{"value": []}', {"date": "d", "retry-after": "3"})
    assert (second.status, second.text) == (404, "plain")


@pytest.mark.parametrize(
    ("date", "expected"),
    [("Sat, 31 Jan 2026 12:00:00 GMT", "2026-01-31T12:00:00Z"), ("Sat, 31 Jan 2026 12:00:00 +0100", "2026-01-31T11:00:00Z"), ("soon", "")],
)
def test_the_services_clock(date: str, expected: str) -> None:
    assert wire.service_date({"date": date}) == expected
    assert wire.service_date({}) == ""
