# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST transport against the sandbox, which shares no code with it: where the two agree, the reference was read alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport
from harness.tenant import Sandbox, generate

MANY = 2500
GET = Cmdlet("Get-AcceptedDomain", {"Identity": "example.com"})
SET = Cmdlet("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the file."""
    with Sandbox([generate(tmp_path_factory.mktemp("tenant") / "tenant", users=6)]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(one: Sandbox) -> Sandbox:
    """The sandbox as it was at its start."""
    one.reset()
    return one


@pytest.fixture
def transport(sandbox: Sandbox) -> Iterator[RestTransport]:
    """A transport that does not wait."""
    entry = sandbox.tenants[0]
    options = {name: entry[name] for name in ("organization", "endpoint", "authority", "client_id", "client_secret")}
    more = {"ca_cert": sandbox.ready["ca_cert"], "timeout": 30, "max_attempts": 3, "concurrency": 4}
    with closing(RestTransport({**options, **more}, sleep=lambda _seconds: None)) as transport:
        yield transport


def ask(transport: RestTransport, cmdlet: Cmdlet) -> Reply | ExchangeError:
    (result,) = transport.call_many([cmdlet])
    return result


def rows(result: Reply | ExchangeError) -> list[dict[str, Any]]:
    assert isinstance(result, Reply), result
    return result.rows


def failure(result: Reply | ExchangeError) -> ExchangeError:
    assert isinstance(result, ExchangeError)
    assert "\n" not in str(result)
    return result


def fault(sandbox: Sandbox, action: dict[str, Any], times: int = 1, **match: Any) -> None:
    sandbox.control("PUT", "/faults", [{"match": match, "action": action, "times": times}])


def many(sandbox: Sandbox) -> None:
    objects = [{"Name": f"partner {number}", "DomainName": f"partner{number}.example"} for number in range(MANY)]
    sandbox.control("PUT", "/state", {"noun": "RemoteDomain", "objects": objects})


def test_rows_come_without_side_keys_and_with_the_services_time(transport: RestTransport, sandbox: Sandbox) -> None:
    sandbox.control("PUT", "/clock", {"set": "2026-02-01T10:00:00Z"})
    result = ask(transport, GET)
    (row,) = rows(result)
    assert row["DomainType"]
    assert [name for name in row if "@" in name] == []
    assert isinstance(result, Reply)
    assert result.date.startswith("2026-02-01T10:00:0")


def test_a_write_and_the_warning_of_one_that_changes_nothing(transport: RestTransport) -> None:
    first, second = ask(transport, SET), ask(transport, SET)
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.warnings, len(second.warnings)) == ([], 1)
    assert rows(ask(transport, GET))[0]["DomainType"] == "InternalRelay"


def test_all_pages(transport: RestTransport, sandbox: Sandbox) -> None:
    many(sandbox)
    found = rows(ask(transport, Cmdlet("Get-RemoteDomain", {"ResultSize": "Unlimited"})))
    assert len({row["Name"] for row in found}) == len(found) == MANY
    assert [call["page"] for call in sandbox.calls()] == [False, True, True]


def test_stale_pages_are_read_afresh_or_are_an_error(transport: RestTransport, sandbox: Sandbox) -> None:
    many(sandbox)
    whole = Cmdlet("Get-RemoteDomain", {"ResultSize": "Unlimited"})
    fault(sandbox, {"error": "stale_page"}, nth=2)
    assert len(rows(ask(transport, whole))) == MANY
    sandbox.control("PUT", "/parameters", {"page_expiry": 0})
    error = failure(ask(transport, whole))
    assert (error.kind, "incomplete" in error.text) == ("failed", True)


def test_selected_properties(transport: RestTransport) -> None:
    (row,) = rows(ask(transport, Cmdlet("Get-AcceptedDomain", {"Identity": "example.com"}, ("DomainName", "DomainType"))))
    assert set(row) >= {"DomainName", "DomainType"}
    assert "MatchSubDomains" not in row


def test_a_batch_of_everything(transport: RestTransport, sandbox: Sandbox) -> None:
    many(sandbox)
    cmdlets = [
        Cmdlet("Get-RemoteDomain", {"ResultSize": "Unlimited"}),
        Cmdlet("Get-RemoteDomain", {"Identity": "nowhere"}),
        *[Cmdlet("Get-RemoteDomain", {"Identity": f"partner {number}"}) for number in range(21)],
        Cmdlet("Get-TransportRule", {"NoSuchParameter": True}),
    ]
    whole, missing, *found, wrong = transport.call_many(cmdlets)
    assert len(rows(whole)) == MANY
    assert failure(missing).kind == "not_found"
    assert [rows(result)[0]["Name"] for result in found] == [f"partner {number}" for number in range(21)]
    assert failure(wrong).kind == "invalid_parameter"
    assert "NoSuchParameter" in str(wrong)


@pytest.mark.parametrize(
    "parameters",
    [
        {"not_found_status": 400},
        {"not_found_status": 500},
        {"culture": "de"},
        {"error_ids": False},
        {"culture": "de", "error_ids": False, "not_found_status": 400},
    ],
)
def test_missing_in_every_form(transport: RestTransport, sandbox: Sandbox, parameters: dict[str, Any]) -> None:
    sandbox.control("PUT", "/parameters", parameters)
    assert failure(ask(transport, Cmdlet("Get-TransportRule", {"Identity": "gone"}))).kind == "not_found"


@pytest.mark.parametrize("culture", ["en", "de"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("not_found", "not_found"),
        ("no_mailbox", "not_found"),
        ("ambiguous", "ambiguous"),
        ("exists", "exists"),
        ("address_used", "exists"),
        ("unknown_parameter", "invalid_parameter"),
        ("missing_parameter", "invalid_parameter"),
        ("parameter_set", "invalid_parameter"),
        ("transformation", "invalid_parameter"),
    ],
)
def test_kinds_of_errors(transport: RestTransport, sandbox: Sandbox, culture: str, error: str, kind: str) -> None:
    sandbox.control("PUT", "/parameters", {"culture": culture})
    fault(sandbox, {"error": error})
    assert failure(ask(transport, GET)).kind == kind


@pytest.mark.parametrize("form", ["ManagementObjectAmbiguousException", "ManagementObjectNotFoundException"])
def test_ambiguous_is_never_absent(transport: RestTransport, sandbox: Sandbox, form: str) -> None:
    sandbox.control("PUT", "/parameters", {"ambiguous_type": form})
    fault(sandbox, {"error": "ambiguous"})
    assert failure(ask(transport, GET)).kind == "ambiguous"


@pytest.mark.parametrize("diagnostics", [True, False])
def test_forbidden(transport: RestTransport, sandbox: Sandbox, diagnostics: bool) -> None:
    sandbox.control("PUT", "/parameters", {"role": "app_role_only", "forbidden_diagnostics": diagnostics})
    error = failure(ask(transport, GET))
    assert error.kind == "forbidden"
    assert "Exchange" in error.remedy


def test_an_unknown_cmdlet(transport: RestTransport) -> None:
    assert failure(ask(transport, Cmdlet("Get-NoSuchThing"))).kind == "forbidden"


def test_an_empty_body_is_no_rows(transport: RestTransport, sandbox: Sandbox) -> None:
    sandbox.control("PUT", "/parameters", {"empty_body": True})
    assert rows(ask(transport, SET)) == []


@pytest.mark.parametrize(
    "action", [{"status": 429, "retry_after": 1}, {"form": "concurrency", "status": 400}, {"status": 503, "retry_after": 1}]
)
@pytest.mark.parametrize("cmdlet", [GET, SET])
def test_throttling_passes(transport: RestTransport, sandbox: Sandbox, action: dict[str, Any], cmdlet: Cmdlet) -> None:
    fault(sandbox, action, times=2)
    assert isinstance(ask(transport, cmdlet), Reply)
    fault(sandbox, action, times=0)
    error = failure(ask(transport, cmdlet))
    assert (error.kind in {"throttled", "unavailable"}, error.uncertain) == (True, False)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_dropped_connection(transport: RestTransport, sandbox: Sandbox, phase: str) -> None:
    fault(sandbox, {"drop": True}, phase=phase)
    assert isinstance(ask(transport, GET), Reply)
    fault(sandbox, {"drop": True}, phase=phase)
    error = failure(ask(transport, SET))
    assert (error.kind, error.uncertain) == ("unavailable", True)
    applied = rows(ask(transport, GET))[0]["DomainType"] == "InternalRelay"
    assert applied == (phase == "after")
    assert len(sandbox.writes()) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_write_that_failed_inside_the_service_is_in_doubt(transport: RestTransport, sandbox: Sandbox, status: int) -> None:
    fault(sandbox, {"status": status, "text": "<html><body>Gateway</body></html>"})
    error = failure(ask(transport, SET))
    assert error.uncertain
    assert len(sandbox.writes()) == 1


def test_a_dehydrated_tenant(transport: RestTransport, sandbox: Sandbox) -> None:
    fault(sandbox, {"error": "dehydrated"})
    assert "Enable-OrganizationCustomization" in str(failure(ask(transport, SET)))


def test_no_more_at_once_than_allowed(transport: RestTransport, sandbox: Sandbox) -> None:
    many(sandbox)
    sandbox.control("PUT", "/parameters", {"max_concurrency": transport.settings.concurrency, "latency": 0.05})
    cmdlets = [Cmdlet("Get-RemoteDomain", {"Identity": f"partner {number}"}) for number in range(80)]
    assert [len(rows(result)) for result in transport.call_many(cmdlets)] == [1] * 80
