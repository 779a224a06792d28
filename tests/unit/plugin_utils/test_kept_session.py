# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one session of the keeper does with check mode, overlays and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply, Throttled
from ansible_collections.mailops.exchange.plugins.plugin_utils._keeper import KeptSession, answer, make_transport

GET = {"name": "Get-TransportRule", "parameters": {}}
SET = {"name": "Set-TransportRule", "parameters": {"Identity": "A", "Priority": 1}}
MISSING = {"name": "Get-TransportRule", "parameters": {"Identity": "gone"}}


class FakeTransport:
    """Answers every call with one rule, and keeps what was sent."""

    last_date = "2026-01-31T12:00:00Z"

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.closed = False

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        self.sent.append([cmdlet.name for cmdlet in cmdlets])
        return [Reply([{"Name": "A"}], ["careful"], self.last_date, "r") for _unused in cmdlets]

    def close(self) -> None:
        self.closed = True


def make() -> tuple[KeptSession, FakeTransport]:
    transport = FakeTransport()
    return KeptSession(transport), transport


def test_a_run_sends_everything_in_one_go() -> None:
    session, transport = make()
    results = session.call({"cmdlets": [GET, SET], "check": False})
    assert transport.sent == [["Get-TransportRule", "Set-TransportRule"]]
    assert results[0]["reply"] == {"rows": [{"Name": "A"}], "warnings": ["careful"], "date": "2026-01-31T12:00:00Z", "request_id": "r"}


def test_check_mode_sends_reads_only() -> None:
    session, transport = make()
    results = session.call({"cmdlets": [SET, GET], "check": True})
    assert transport.sent == [["Get-TransportRule"]]
    assert "check mode" in results[0]["error"]["text"]
    assert "reply" in results[1]


def test_overlays_belong_to_check_mode_alone() -> None:
    session, transport = make()
    session.overlay({"noun": "TransportRule", "identities": ["gone"], "rows": []})
    session.overlay({"noun": "TransportRule", "identities": ["new"], "rows": [{"Name": "new"}]})
    checked = session.call({"cmdlets": [MISSING, {"name": "Get-TransportRule", "parameters": {"Identity": "new"}}, GET], "check": True})
    assert checked[0]["error"]["kind"] == "not_found"
    assert checked[1]["reply"]["rows"] == [{"Name": "new"}]
    assert checked[1]["reply"]["date"] == transport.last_date
    assert checked[2]["reply"]["rows"] == [{"Name": "A"}, {"Name": "new"}]
    assert transport.sent == [["Get-TransportRule"]]
    real = session.call({"cmdlets": [MISSING, GET], "check": False})
    assert [item["reply"]["rows"] for item in real] == [[{"Name": "A"}], [{"Name": "A"}]]


def test_a_real_write_ends_the_plan_of_its_noun() -> None:
    session, _unused = make()
    session.overlay({"noun": "TransportRule", "identities": ["gone"], "rows": []})
    session.overlay({"noun": "RemoteDomain", "identities": ["gone"], "rows": []})
    session.call({"cmdlets": [SET], "check": False})
    assert "reply" in session.call({"cmdlets": [MISSING], "check": True})[0]
    assert "error" in session.call({"cmdlets": [{"name": "Get-RemoteDomain", "parameters": {"Identity": "gone"}}], "check": True})[0]


def test_a_fault_of_ours_becomes_an_answer_without_parameters() -> None:
    def broken(_method: str, _params: Mapping[str, Any]) -> Any:
        raise KeyError("cmdlets")

    told = answer({"id": 7, "method": "call", "params": [[{"cmdlets": "a-secret-value"}], {}]}, broken)
    assert told["id"] == 7
    assert "KeyError" in told["error"]["message"]
    assert "a-secret-value" not in str(told)


def test_a_typed_error_keeps_its_line() -> None:
    def throttled(_method: str, _params: Mapping[str, Any]) -> Any:
        raise Throttled("busy", cmdlet="Get-Mailbox")

    told = answer({"id": 7, "method": "open", "params": [[], {}]}, throttled)
    assert told["error"]["message"].startswith("Get-Mailbox: busy")


def test_an_unknown_transport_is_named() -> None:
    with pytest.raises(KeyError, match=r"mailops\.exchange\.none"):
        make_transport("mailops.exchange.none", {})
