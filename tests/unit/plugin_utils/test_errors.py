# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every known form of an error becomes the right member of the family, whatever the language of its text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_errors import error_of
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_wire import Response

CALL = Cmdlet("Get-Recipient", {"Identity": "user0001@example.com"})
TASKS = "Microsoft.Exchange.Configuration.Tasks."


def body(message: str, inner: dict[str, Any] | None = None, key: str = "innererror", code: str = "Client") -> str:
    error = {"code": "BadRequest", "message": "Invalid Operation", "details": [{"code": code, "target": "", "message": message}]}
    return json.dumps({"error": {**error, key: {"message": "Invalid Operation", "internalexception": inner or {}}}})


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("text", ["The operation couldn't be performed", "Der Vorgang konnte nicht ausgeführt werden"])
def test_missing_is_known_by_type_or_id(status: int, text: str) -> None:
    for message in (f"Ex6F9304|{TASKS}ManagementObjectNotFoundException|{text}", f"|{TASKS}ManagementObjectNotFoundException|{text}"):
        error = error_of(CALL, Response(status, {"request-id": "r-1"}, body(message, code="Context")))
        assert (error.kind, error.text, error.request_id) == ("not_found", text, "r-1")
        assert error.error_type == f"{TASKS}ManagementObjectNotFoundException"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"Ex9E65A2|{TASKS}ManagementObjectAmbiguousException|mehrere", "ambiguous"),
        (f"Ex9E65A2|{TASKS}ManagementObjectNotFoundException|mehrere", "ambiguous"),
        (f"|{TASKS}ManagementObjectNotFoundException|The name 'x' matches multiple entries.", "ambiguous"),
        ("Ex41BAF5||mailbox", "not_found"),
        ("Ex94914C||graph only", "not_found"),
        ("|Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException|x", "exists"),
        ("|Microsoft.Exchange.Management.Tasks.MemberNotFoundException|x", "not_found"),
        ("|Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException|x", "exists"),
        ("|Microsoft.Exchange.AdminApi.CommandInvocation.AmbiguousParameterSetException|x", "invalid_parameter"),
        ("|Microsoft.Exchange.AdminApi.CommandInvocation.ParameterTransformationException|x", "invalid_parameter"),
        ("|System.Management.Automation.ParameterBindingException|x", "invalid_parameter"),
        ("|Microsoft.Exchange.Management.Tasks.ValidationException|x", "invalid_parameter"),
        ("||Parameter set cannot be resolved using the specified named parameters.", "invalid_parameter"),
        ("|System.Management.Automation.CommandNotFoundException|x", "forbidden"),
        ("ExABCDEF|Microsoft.Exchange.Never.HeardOfException|x", "failed"),
        ("words without bars", "failed"),
    ],
)
def test_kinds_by_id_and_type(message: str, kind: str) -> None:
    assert error_of(CALL, Response(400, {}, body(message))).kind == kind


def test_the_inner_exception_speaks_first_in_either_spelling() -> None:
    inner = {"message": "Invalid cmdlet parameters specified. Foo", "type": "A.B.AmbiguousParameterSetException"}
    for key in ("innererror", "innerError"):
        error = error_of(CALL, Response(400, {}, body("hash|A.B.AmbiguousParameterSetException|other words", inner, key)))
        assert (error.kind, error.text) == ("invalid_parameter", "Invalid cmdlet parameters specified. Foo")


def test_the_constant_text_is_shown_only_when_there_is_no_better() -> None:
    error = error_of(CALL, Response(500, {}, json.dumps({"error": {"code": "x", "message": "Invalid Operation"}})))
    assert (error.kind, error.text) == ("failed", "Invalid Operation")


def test_the_type_may_stand_in_a_header() -> None:
    error = error_of(CALL, Response(400, {"x-exceptiontype": f"{TASKS}ManagementObjectNotFoundException"}, "plain"))
    assert error.kind == "not_found"


@pytest.mark.parametrize(
    "text", ["", "<html><body>Not here</body></html>", "plain", json.dumps({"error": {"code": "NotFound", "message": "x"}})]
)
def test_a_404_that_names_no_object_is_never_absent(text: str) -> None:
    assert error_of(CALL, Response(404, {}, text)).kind == "failed"


def test_the_403_of_nul_bytes() -> None:
    told = error_of(CALL, Response(403, {"x-ms-diagnostics": '2000003;reason="The role is missing.";error_category="x"'}, "\x00" * 40))
    assert (told.kind, told.text) == ("forbidden", "the service refuses this cmdlet: The role is missing.")
    assert "Exchange Administrator" in told.remedy
    silent = error_of(CALL, Response(403, {}, "\x00" * 40))
    assert "may not act yet" in silent.remedy
    assert "\x00" not in str(silent)


def test_a_refused_token() -> None:
    error = error_of(CALL, Response(401, {"www-authenticate": 'Bearer error="invalid_token"'}, ""))
    assert error.kind == "unauthorised"
    assert "invalid_token" in error.text
    assert "Exchange.ManageAsApp" in error.remedy


@pytest.mark.parametrize(
    ("status", "kind"), [(408, "timed_out"), (429, "throttled"), (502, "unavailable"), (503, "unavailable"), (504, "timed_out")]
)
def test_kinds_by_status(status: int, kind: str) -> None:
    assert error_of(CALL, Response(status, {}, "<h1>Busy</h1>")).kind == kind


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_the_limit_on_concurrent_requests_is_plain_text(status: int) -> None:
    text = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
    assert error_of(CALL, Response(status, {}, text)).kind == "throttled"


def test_remedies_of_two_types() -> None:
    dehydrated = f"|{TASKS}InvalidOperationInDehydratedContextException|nicht erlaubt"
    assert "Enable-OrganizationCustomization" in str(error_of(CALL, Response(400, {}, body(dehydrated))))
    directory = "|Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException|x"
    assert "on-premises" in str(error_of(CALL, Response(400, {}, body(directory))))


def test_an_html_page_becomes_one_line() -> None:
    page = "<html><head><style>p {}</style><title>Proxy</title></head>\n<body><p>Access &amp; more\ndenied</p></body></html>"
    assert error_of(CALL, Response(500, {}, page)).text == "Proxy Access & more denied"


def test_the_line_names_everything() -> None:
    line = str(error_of(CALL, Response(404, {"request-id": "r-1"}, body(f"Ex6F9304|{TASKS}ManagementObjectNotFoundException|gone"))))
    assert line == f"Get-Recipient 'user0001@example.com': gone [Ex6F9304, {TASKS}ManagementObjectNotFoundException, request r-1]"
