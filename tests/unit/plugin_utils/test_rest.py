# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST transport against a service that answers what the test scripts."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport

from .service import TENANT, Answer, Request, Script, Service, refused, rows

GET = Cmdlet("Get-AcceptedDomain", {"Identity": "example.com"})
SET = Cmdlet("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})
STALE = "|Microsoft.Exchange.Admin.OData.Core.ODataServiceException|Expired or Invalid pagination request."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service's certificates lie."""
    return tmp_path_factory.mktemp("service")


@contextmanager
def transport(script: Script, folder: Path, **options: Any) -> Iterator[tuple[RestTransport, Service, list[float]]]:
    """A transport, its service, and the pauses that it made instead of sleeping."""
    pauses: list[float] = []
    with Service(script, folder) as service, closing(RestTransport(service.options(**options), sleep=pauses.append)) as made:
        yield made, service, pauses


def one(made: RestTransport, cmdlet: Cmdlet) -> Reply | ExchangeError:
    (result,) = made.call_many([cmdlet])
    return result


def failure(made: RestTransport, cmdlet: Cmdlet) -> ExchangeError:
    result = one(made, cmdlet)
    assert isinstance(result, ExchangeError)
    return result


def answers(*found: Answer) -> Script:
    """Answer these in turn, the last one for ever."""
    left = list(found)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


def batch(script: Script) -> Script:
    """A service that answers each call of a batch by the script, and single calls too."""

    def answer(request: Request) -> Answer:
        if not request.path.endswith("$batch"):
            return script(request)
        parts = []
        for item in request.body["requests"]:
            lowered = {name.lower(): value for name, value in item["headers"].items()}
            inner = script(Request(item["url"], lowered, item["body"]))
            parts.append({"id": item["id"], "status": inner.status, "headers": inner.headers, "body": inner.body})
        return Answer(body={"responses": list(reversed(parts))})

    return answer


def test_one_call(folder: Path) -> None:
    with transport(answers(rows({"DomainName": "example.com", "Guid@data.type": "System.Guid"})), folder) as (made, service, _):
        assert one(made, GET) == Reply([{"DomainName": "example.com"}], [], "2026-01-31T12:00:00Z", "request-1")
        assert made.last_date == "2026-01-31T12:00:00Z"
    (request,) = service.requests
    assert request.path == f"/adminapi/beta/{TENANT}/InvokeCommand"
    assert request.body == {"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {"Identity": "example.com"}}}
    assert request.headers["x-cmdletname"] == "Get-AcceptedDomain"
    assert request.headers["x-anchormailbox"] == f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"
    assert request.headers["prefer"] == "odata.maxpagesize=1000"


def test_one_token_for_many_calls_at_once(folder: Path) -> None:
    with transport(answers(rows()), folder) as (made, service, _):
        threads = [threading.Thread(target=one, args=(made, GET)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(service.requests) == 8
    assert len(service.sign_ins) == 1


def test_no_more_requests_at_once_than_allowed(folder: Path) -> None:
    under_way: list[int] = []
    most, lock = [0], threading.Lock()

    def script(_request: Request) -> Answer:
        with lock:
            under_way.append(1)
            most[0] = max(most[0], len(under_way))
        time.sleep(0.05)
        with lock:
            under_way.pop()
        return rows()

    with transport(script, folder, concurrency=2) as (made, _, _):
        threads = [threading.Thread(target=one, args=(made, GET)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [2]


def test_a_refused_token_is_renewed_once(folder: Path) -> None:
    with transport(answers(Answer(401), rows({"A": 1})), folder) as (made, service, _):
        result = one(made, SET)
        assert isinstance(result, Reply)
    assert len(service.sign_ins) == 2
    assert service.requests[0].headers["authorization"] != service.requests[1].headers["authorization"]
    with transport(answers(Answer(401)), folder) as (made, service, _):
        assert failure(made, SET).kind == "unauthorised"
    assert (len(service.sign_ins), len(service.requests)) == (2, 2)


@pytest.mark.parametrize("cmdlet", [GET, SET])
def test_retry_after_is_honoured(folder: Path, cmdlet: Cmdlet) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "7"}), rows()), folder) as (made, service, pauses):
        assert isinstance(one(made, cmdlet), Reply)
    assert pauses == [7]
    assert len(service.requests) == 2


def test_attempts_are_capped(folder: Path) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "1"})), folder, max_attempts=3) as (made, service, _):
        error = failure(made, SET)
    assert (error.kind, error.uncertain, len(service.requests)) == ("throttled", False, 3)
    assert "(3 of 3 attempts, asked to wait 1 s)" in error.text


def test_the_total_time_is_capped(folder: Path) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "60"})), folder, timeout=20) as (made, service, pauses):
        error = failure(made, GET)
    assert (error.kind, len(service.requests), pauses) == ("throttled", 1, [])


@pytest.mark.parametrize("fault", [Answer(503), Answer(504), Answer(408), Answer(drop=True), Answer(drop=True, rude=True)])
def test_reads_are_repeated_and_doubtful_writes_are_not(folder: Path, fault: Answer) -> None:
    with transport(answers(fault, rows()), folder) as (made, service, _):
        assert isinstance(one(made, GET), Reply)
    assert len(service.requests) == 2
    with transport(answers(fault, rows()), folder) as (made, service, _):
        error = failure(made, SET)
    assert (error.uncertain, len(service.requests)) == (True, 1)
    assert "not known whether" in str(error)


def test_a_silent_service(folder: Path) -> None:
    with transport(answers(Answer(delay=3)), folder, timeout=1) as (made, _, _):
        error = failure(made, SET)
    assert (error.kind, error.uncertain) == ("timed_out", True)
    assert "did not answer within 1 s" in error.text


def test_nobody_listens(folder: Path) -> None:
    with transport(answers(rows()), folder, endpoint="https://127.0.0.1:9") as (made, _, pauses):
        error = failure(made, SET)
    assert (error.kind, error.uncertain, len(pauses)) == ("unavailable", False, 3)
    assert "127.0.0.1:9 cannot be reached: Connection refused" in error.text
    assert "ansible_exchange_endpoint" in error.remedy


def test_a_name_that_does_not_exist(folder: Path) -> None:
    with transport(answers(rows()), folder, endpoint="https://nowhere.invalid", max_attempts=1) as (made, _, _):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert "nowhere.invalid" in error.text


def test_a_strange_certificate_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    with Service(answers(rows()), tmp_path) as other, transport(answers(rows()), folder, endpoint=other.url) as (made, _, pauses):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert "certificate" in error.text.lower()
    assert pauses == []
    assert "\n" not in str(error)


def test_no_checks_on_demand(folder: Path) -> None:
    with transport(answers(rows()), folder, validate_certs=False, ca_cert=None) as (made, _, _):
        assert isinstance(one(made, GET), Reply)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_option_wins_over_the_environments_authorities(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, str(folder / "missing.pem"))
    with transport(answers(rows()), folder) as (made, service, _):
        assert isinstance(one(made, GET), Reply)
    assert len(service.sign_ins) == 1


def test_the_environments_authorities_serve_without_the_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transport(answers(rows()), folder, ca_cert=None) as (made, service, _):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", service.ca_cert)
        assert isinstance(one(made, GET), Reply)


def test_a_missing_authority_file(folder: Path) -> None:
    with transport(answers(rows()), folder, ca_cert=str(folder / "missing.pem")) as (made, _, _):
        assert "missing.pem" in str(failure(made, GET))


def test_a_netrc_file_does_not_replace_the_token(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with transport(answers(rows()), folder) as (made, service, _):
        one(made, GET)
    assert service.requests[0].headers["authorization"].startswith("Bearer ")


def test_a_proxy_that_is_not_there(folder: Path) -> None:
    with transport(answers(rows()), folder, proxy="http://user:secret-word@127.0.0.1:9", max_attempts=1) as (made, service, _):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert service.requests == []
    assert "through the proxy 127.0.0.1:9: Connection refused" in error.text
    assert "secret-word" not in str(error)


def test_a_redirect_is_not_followed(folder: Path) -> None:
    with transport(answers(Answer(302, headers={"Location": "https://elsewhere.example/x"})), folder) as (made, _, _):
        error = failure(made, GET)
    assert (error.kind, "elsewhere.example" in error.text) == ("unavailable", True)


def test_a_proxys_page_is_no_answer(folder: Path) -> None:
    with transport(answers(Answer(body="<html>Please sign in</html>")), folder) as (made, _, _):
        error = failure(made, SET)
    assert (error.kind, error.uncertain) == ("unavailable", True)


def test_an_empty_success(folder: Path) -> None:
    for answer in (Answer(body=""), Answer(204, body="")):
        with transport(answers(answer), folder) as (made, _, _):
            result = one(made, SET)
        assert isinstance(result, Reply)
        assert result.rows == []


def paged(request: Request, url: str) -> Answer:
    if "skiptoken" not in request.path:
        link = f"{url}/adminapi/beta/{TENANT}/InvokeCommand?$skiptoken=2"
        return rows({"Name": "a"}, **{"@odata.nextLink": link, "@adminapi.warnings": ["more"]})
    return rows({"Name": "b"}, **{"@adminapi.warnings": ["more", "end"]})


def test_pages_repeat_body_and_headers(folder: Path) -> None:
    holder: list[Service] = []
    with transport(lambda request: paged(request, holder[0].url), folder) as (made, service, _):
        holder.append(service)
        result = one(made, GET)
    assert isinstance(result, Reply)
    assert ([row["Name"] for row in result.rows], result.warnings) == (["a", "b"], ["more", "end"])
    first, second = service.requests
    assert first.body == second.body
    assert {name for name in first.headers if first.headers[name] != second.headers[name]} == {"client-request-id"}


def test_a_stale_page_is_read_afresh_once(folder: Path) -> None:
    holder: list[Service] = []
    seen: list[str] = []

    def script(request: Request) -> Answer:
        seen.append(request.path)
        return refused(400, STALE) if "skiptoken" in request.path and len(seen) == 2 else paged(request, holder[0].url)

    with transport(script, folder) as (made, service, _):
        holder.append(service)
        result = one(made, GET)
    assert isinstance(result, Reply)
    assert [row["Name"] for row in result.rows] == ["a", "b"]
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (refused(400, STALE), "failed"),
        (refused(404, "Ex6F9304|X.ManagementObjectNotFoundException|gone"), "failed"),
        (Answer(body=""), "failed"),
        (Answer(403, body=b"\x00" * 20), "forbidden"),
        (Answer(500), "unavailable"),
    ],
)
def test_a_later_page_that_fails_is_an_error_and_never_absence(folder: Path, fault: Answer, kind: str) -> None:
    holder: list[Service] = []
    with transport(lambda r: fault if "skiptoken" in r.path else paged(r, holder[0].url), folder) as (made, service, _):
        holder.append(service)
        error = failure(made, GET)
    assert error.kind == kind
    assert "page 2" in error.text


def test_a_later_page_is_retried(folder: Path) -> None:
    holder: list[Service] = []
    faults = [Answer(503), Answer(401)]

    def script(request: Request) -> Answer:
        return faults.pop() if "skiptoken" in request.path and faults else paged(request, holder[0].url)

    with transport(script, folder) as (made, service, pauses):
        holder.append(service)
        assert isinstance(one(made, GET), Reply)
    assert len(pauses) == 1
    assert len(service.sign_ins) == 2


def test_a_page_elsewhere_is_not_shown_the_token(folder: Path) -> None:
    link = {"@odata.nextLink": "https://elsewhere.example/page"}
    with transport(answers(rows({"Name": "a"}, **link)), folder) as (made, service, _):
        assert "elsewhere.example" in failure(made, GET).text
    assert len(service.requests) == 1


def reads(count: int) -> list[Cmdlet]:
    return [Cmdlet("Get-Recipient", {"Identity": f"user{number}@example.com"}) for number in range(count)]


def by_identity(request: Request) -> Answer:
    identity = request.body["CmdletInput"]["Parameters"]["Identity"]
    if identity.startswith("user3@"):
        return refused(404, "Ex6F9304|X.ManagementObjectNotFoundException|gone")
    return rows({"Identity": identity})


def test_many_calls_are_batches_of_ten_in_order(folder: Path) -> None:
    with transport(batch(by_identity), folder) as (made, service, _):
        results = made.call_many(reads(23))
    assert sorted(len(request.body["requests"]) for request in service.requests) == [3, 10, 10]
    assert isinstance(results[3], ExchangeError)
    assert results[3].kind == "not_found"
    found = [result.rows[0]["Identity"] for result in results if isinstance(result, Reply)]
    assert found == [f"user{number}@example.com" for number in range(23) if number != 3]
    request = service.requests[0]
    assert request.headers["prefer"] == "odata.continue-on-error"
    inner = request.body["requests"][0]["headers"]
    assert inner["X-AnchorMailbox"] == request.headers["x-anchormailbox"]
    assert inner["X-CmdletName"] == "Get-Recipient"


def test_nothing_to_do_asks_nothing(folder: Path) -> None:
    with transport(answers(rows()), folder) as (made, service, _):
        assert made.call_many([]) == []
    assert service.sign_ins == []


def test_writes_of_several_batches_keep_their_order(folder: Path) -> None:
    order: list[str] = []

    def script(request: Request) -> Answer:
        order.append(request.body["CmdletInput"]["Parameters"]["Identity"])
        return rows()

    cmdlets = [Cmdlet("Set-Mailbox", {"Identity": str(number)}) for number in range(25)]
    with transport(batch(script), folder) as (made, _, _):
        made.call_many(cmdlets)
    assert order == [str(number) for number in range(25)]


def test_only_the_throttled_calls_of_a_batch_are_repeated(folder: Path) -> None:
    throttled = {"user1@example.com": 2, "user4@example.com": 1}
    seen: list[str] = []

    def script(request: Request) -> Answer:
        identity = request.body["CmdletInput"]["Parameters"]["Identity"]
        seen.append(identity)
        if throttled.get(identity, 0) > 0:
            throttled[identity] -= 1
            return Answer(429, body="slow", headers={"Retry-After": "2"})
        return rows({"Identity": identity})

    with transport(batch(script), folder) as (made, _, pauses):
        results = made.call_many(reads(6))
    assert all(isinstance(result, Reply) for result in results)
    assert len(seen) == 6 + 2 + 1
    assert pauses == [2, 2]


def test_a_batch_without_an_answer_is_each_calls_own_fate(folder: Path) -> None:
    with transport(answers(Answer(drop=True)), folder, max_attempts=1) as (made, _, _):
        read, write = made.call_many([GET, SET])
    assert isinstance(read, ExchangeError)
    assert isinstance(write, ExchangeError)
    assert (read.uncertain, write.uncertain) == (False, True)


def test_pages_of_a_batched_call(folder: Path) -> None:
    holder: list[Service] = []
    with transport(batch(lambda request: paged(request, holder[0].url)), folder) as (made, service, _):
        holder.append(service)
        results = made.call_many([GET, GET])
    assert [len(result.rows) for result in results if isinstance(result, Reply)] == [2, 2]


def test_a_service_without_tls_is_told_at_once(folder: Path) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.StreamRequestHandler) as plain:

        def talk() -> None:
            connection, _ = plain.get_request()
            with connection:
                connection.recv(10)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        talker = threading.Thread(target=talk)
        talker.start()
        with transport(answers(rows()), folder, endpoint=f"https://127.0.0.1:{plain.server_address[1]}") as (made, _, pauses):
            error = failure(made, SET)
        talker.join()
    assert (error.kind, error.uncertain, pauses) == ("unavailable", False, [])
