# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever shape a failed validation has, it is heard; a good one is not taken for a bad one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._nouns import judge_validation, validation
from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW, Cmdlet, Reply
from ansible_collections.mailops.exchange.plugins.module_utils._validation import failures

FAILED: list[tuple[dict[str, Any], str]] = [
    (
        {"SmartHost": "mail.foreign.example", "Status": "Failed", "Detail": "450 4.4.316 refused"},
        "mail.foreign.example: 450 4.4.316 refused",
    ),
    (
        {"TaskName": "Check connectivity to '192.0.2.1'", "IsTaskSuccessful": False},
        "Check connectivity to '192.0.2.1': the service gave no reason",
    ),
    ({"Target": "a@b.example", "Result": "Failure", "ErrorMessage": "550 no such user."}, "a@b.example: 550 no such user"),
    ({"Name": "Send test email", "Success": "False", "Message": "timed  out"}, "Send test email: timed out"),
    ({"Task": "x", "Succeeded": "no", "IsValid": False}, "x: the service gave no reason"),
    ({"Errors": ["refused", "by peer"]}, "the connector: refused, by peer"),
    ({"SmartHost": "h", "Tasks": [{"Status": "Succeeded"}, {"Task_Status": "not successful", "Reason": "TLS"}]}, "h: TLS"),
    ({"Status": "Failed", "Details": [{"Host": "h", "Status": "Failed", "Error": "down"}]}, "h: down"),
]
PASSED: list[dict[str, Any]] = [
    {},
    {"SmartHost": "mail.foreign.example", "Status": "Succeeded", "Detail": "connected"},
    {"TaskName": "Send test email", "IsTaskSuccessful": True, "ErrorMessage": ""},
    {"Result": "Success", "Errors": [], "Message": "no error"},
    {"Status": "Passed", "Error": None},
    {"Anything": "else", "Error": False},
]


@pytest.mark.parametrize(("row", "phrase"), FAILED)
def test_a_failure_is_heard(row: dict[str, Any], phrase: str) -> None:
    assert failures([{"Status": "Succeeded"}, row]) == [phrase]


@pytest.mark.parametrize("row", PASSED)
def test_a_success_is_no_failure(row: dict[str, Any]) -> None:
    assert failures([row, row]) == []


def test_each_failure_is_told_once() -> None:
    row = {"SmartHost": "h", "Status": "Failed", "Detail": "down"}
    assert failures([row, dict(row), {**row, "SmartHost": "other"}]) == ["h: down", "other: down"]


def test_the_verdict_names_host_reason_and_remedy_in_one_line() -> None:
    call = Cmdlet("Validate-OutboundConnector", {"Identity": "c"})
    line, doubt = judge_validation(call, Reply([{"SmartHost": "h", "Status": "Failed", "Detail": "down"}]))
    assert doubt == ""
    assert line.startswith("the validation failed: h: down. The connector stands as it was written and does not count as validated;")
    assert "port 25" in line
    assert "\n" not in line
    assert judge_validation(Cmdlet("Set-OutboundConnector"), Reply([{"Status": "Failed"}])) == ("", "")


@pytest.mark.parametrize(
    ("rows", "doubted"),
    [
        ([], True),
        ([{}], True),
        ([{"Status": "NotStarted"}], True),
        ([{"Status": "Réussi", "SmartHost": "h"}], True),
        ([{"Anything": "success"}], True),
        ([{"Status": "Succeeded"}], False),
        ([{"IsTaskSuccessful": True}], False),
        ([{"SmartHost": "h", "Tasks": [{"Task_Status": "Passed"}]}], False),
    ],
)
def test_an_answer_that_says_nothing_known_is_doubted_aloud(rows: list[dict[str, Any]], doubted: bool) -> None:
    fault, doubt = judge_validation(Cmdlet("Validate-OutboundConnector", {"Identity": "c"}), Reply(rows))
    assert fault == ""
    assert bool(doubt) == doubted
    assert ("probe" in doubt) == doubted


ROW = {"Identity": "c", "IsValidated": True}
WANTED = {"validation_recipients": ["a@b.example"]}


@pytest.mark.parametrize(
    ("changed", "row", "wanted", "runs"),
    [
        (True, ROW, WANTED, True),
        (False, {**ROW, "IsValidated": False}, WANTED, True),
        (False, {"Identity": "c"}, WANTED, True),
        (False, ROW, WANTED, False),
        (True, ROW, {}, False),
        (True, ROW, {"validation_recipients": []}, False),
        (True, ROW, {**WANTED, "is_validated": False}, False),
        (True, ROW, {**WANTED, "last_validation_timestamp": "2026-01-31T12:00:00Z"}, False),
    ],
)
def test_when_a_connector_is_validated(changed: bool, row: dict[str, Any], wanted: dict[str, Any], runs: bool) -> None:
    calls = validation(changed, row, wanted)
    expected = (
        Cmdlet("Validate-OutboundConnector", {"Identity": "c", "Recipients": ["a@b.example"]}),
        Cmdlet("Set-OutboundConnector", {"Identity": "c", "IsValidated": True, "LastValidationTimestamp": NOW}),
    )
    assert calls == (expected if runs else ())
