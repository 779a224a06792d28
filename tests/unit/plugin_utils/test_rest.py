# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST transport against a service that answers what the test scripts."""

from __future__ import annotations

import http.client
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3.exceptions
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Reply, Unavailable
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports import rest_http
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport

from .service import TENANT, Answer, Request, Service, refused, rows
from .transports import GET, SET, answers, failure, one, transport


def test_one_call(folder: Path) -> None:
    with transport(answers(rows({"DomainName": "example.com", "Guid@data.type": "System.Guid"})), folder) as (made, service, _unused):
        assert one(made, GET) == Reply([{"DomainName": "example.com"}], [], "2026-01-31T12:00:00Z", "request-1")
        assert made.last_date == "2026-01-31T12:00:00Z"
    (request,) = service.requests
    assert request.path == f"/adminapi/beta/{TENANT}/InvokeCommand"
    assert request.body == {"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {"Identity": "example.com"}}}
    assert request.headers["x-cmdletname"] == "Get-AcceptedDomain"
    assert request.headers["x-anchormailbox"] == f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"
    assert request.headers["prefer"] == "odata.maxpagesize=1000"


def test_one_token_for_many_calls_at_once(folder: Path) -> None:
    with transport(answers(rows()), folder) as (made, service, _unused):
        threads = [threading.Thread(target=one, args=(made, GET)) for _unused in range(8)]
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

    with transport(script, folder, concurrency=2) as (made, *_unused):
        threads = [threading.Thread(target=one, args=(made, GET)) for _unused in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [2]


def test_a_refused_token_is_renewed_once(folder: Path) -> None:
    with transport(answers(Answer(401), rows({"A": 1})), folder) as (made, service, _unused):
        result = one(made, SET)
        assert isinstance(result, Reply)
    assert len(service.sign_ins) == 2
    assert service.requests[0].headers["authorization"] != service.requests[1].headers["authorization"]
    with transport(answers(Answer(401)), folder) as (made, service, _unused):
        assert failure(made, SET).kind == "unauthorised"
    assert (len(service.sign_ins), len(service.requests)) == (2, 2)


@pytest.mark.parametrize("cmdlet", [GET, SET])
def test_retry_after_is_honoured(folder: Path, cmdlet: Cmdlet) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "7"}), rows()), folder) as (made, service, pauses):
        assert isinstance(one(made, cmdlet), Reply)
    assert pauses == [7]
    assert len(service.requests) == 2


def test_attempts_are_capped(folder: Path) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "1"})), folder, max_attempts=3) as (made, service, _unused):
        error = failure(made, SET)
    assert (error.kind, error.uncertain, len(service.requests)) == ("throttled", False, 3)
    assert "(3 of 3 attempts, asked to wait 1 s)" in error.text


def test_the_total_time_is_capped(folder: Path) -> None:
    with transport(answers(Answer(429, headers={"Retry-After": "60"})), folder, timeout=20) as (made, service, pauses):
        error = failure(made, GET)
    assert (error.kind, len(service.requests), pauses) == ("throttled", 1, [])


@pytest.mark.parametrize("fault", [Answer(503), Answer(504), Answer(408), Answer(drop=True), Answer(drop=True, rude=True)])
def test_reads_are_repeated_and_doubtful_writes_are_not(folder: Path, fault: Answer) -> None:
    with transport(answers(fault, rows()), folder) as (made, service, _unused):
        assert isinstance(one(made, GET), Reply)
    assert len(service.requests) == 2
    with transport(answers(fault, rows()), folder) as (made, service, _unused):
        error = failure(made, SET)
    assert (error.uncertain, len(service.requests)) == (True, 1)
    assert "not known whether" in str(error)


def test_a_silent_service(folder: Path) -> None:
    with transport(answers(Answer(delay=3)), folder, timeout=1) as (made, *_unused):
        error = failure(made, SET)
    assert (error.kind, error.uncertain) == ("timed_out", True)
    assert "did not answer within 1 s" in error.text


def test_nobody_listens(folder: Path) -> None:
    with transport(answers(rows()), folder, endpoint="https://127.0.0.1:9") as (made, _unused, pauses):
        error = failure(made, SET)
    assert (error.kind, error.uncertain, len(pauses)) == ("unavailable", False, 3)
    assert "127.0.0.1:9 cannot be reached: Connection refused" in error.text
    assert "ansible_exchange_endpoint" in error.remedy


def test_a_name_that_does_not_exist(folder: Path) -> None:
    with transport(answers(rows()), folder, endpoint="https://nowhere.invalid", max_attempts=1) as (made, *_unused):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert "nowhere.invalid" in error.text


def test_a_strange_certificate_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    with Service(answers(rows()), tmp_path) as other, transport(answers(rows()), folder, endpoint=other.url) as (made, _unused, pauses):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert "certificate" in error.text.lower()
    assert pauses == []
    assert "\n" not in str(error)


def test_no_checks_on_demand(folder: Path) -> None:
    with transport(answers(rows()), folder, validate_certs=False, ca_cert=None) as (made, *_unused):
        assert isinstance(one(made, GET), Reply)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_option_wins_over_the_environments_authorities(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, str(folder / "missing.pem"))
    with transport(answers(rows()), folder) as (made, service, _unused):
        assert isinstance(one(made, GET), Reply)
    assert len(service.sign_ins) == 1


def test_the_environments_authorities_serve_without_the_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transport(answers(rows()), folder, ca_cert=None) as (made, service, _unused):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", service.ca_cert)
        assert isinstance(one(made, GET), Reply)


def test_a_missing_authority_file(folder: Path) -> None:
    with transport(answers(rows()), folder, ca_cert=str(folder / "missing.pem")) as (made, *_unused):
        assert "missing.pem" in str(failure(made, GET))


def test_a_netrc_file_does_not_replace_the_token(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with transport(answers(rows()), folder) as (made, service, _unused):
        one(made, GET)
    assert service.requests[0].headers["authorization"].startswith("Bearer ")


def test_a_proxy_that_is_not_there(folder: Path) -> None:
    with transport(answers(rows()), folder, proxy="http://user:secret-word@127.0.0.1:9", max_attempts=1) as (made, service, _unused):
        error = failure(made, GET)
    assert error.kind == "unavailable"
    assert service.requests == []
    assert "through the proxy 127.0.0.1:9: Connection refused" in error.text
    assert "secret-word" not in str(error)


def test_a_redirect_is_not_followed(folder: Path) -> None:
    with transport(answers(Answer(302, headers={"Location": "https://elsewhere.example/x"})), folder) as (made, *_unused):
        error = failure(made, GET)
    assert (error.kind, "elsewhere.example" in error.text) == ("unavailable", True)


def test_a_proxys_page_is_no_answer(folder: Path) -> None:
    with transport(answers(Answer(body="<html>Please sign in</html>")), folder) as (made, *_unused):
        error = failure(made, SET)
    assert (error.kind, error.uncertain) == ("unavailable", True)


def test_an_empty_success(folder: Path) -> None:
    for answer in (Answer(body=""), Answer(204, body="")):
        with transport(answers(answer), folder) as (made, *_unused):
            result = one(made, SET)
        assert isinstance(result, Reply)
        assert result.rows == []


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_read_that_was_only_accepted_is_no_empty_list(folder: Path, status: int) -> None:
    """An object that is there must not count as absent because somebody in between answered."""
    with transport(answers(Answer(status, body="" if status == 204 else {"value": []})), folder) as (made, *_unused):
        error = failure(made, GET)
    assert str(status) in str(error)
    with transport(answers(Answer(status, body="" if status == 204 else {"value": []})), folder) as (made, *_unused):
        assert isinstance(one(made, SET), Reply)


@pytest.mark.parametrize(
    ("answer", "uncertain"),
    [
        (refused(500, "Ex1|Microsoft.Exchange.Configuration.Tasks.InvalidParameterException|no"), True),
        (refused(500, "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|gone"), False),
        (refused(500, "Ex1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException|several"), False),
        (refused(500, "Ex1|X.ObjectAlreadyExistsException|is there"), False),
        (Answer(500), True),
        (Answer(502), True),
    ],
)
def test_a_write_that_the_service_refused_by_name_was_surely_not_applied(folder: Path, answer: Answer, uncertain: bool) -> None:
    with transport(answers(answer), folder, max_attempts=1) as (made, *_unused):
        error = failure(made, SET)
    assert error.uncertain is uncertain, error.kind


def test_a_service_without_tls_is_told_at_once(folder: Path) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.StreamRequestHandler) as plain:

        def talk() -> None:
            connection, _unused = plain.get_request()
            with connection:
                connection.recv(10)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        talker = threading.Thread(target=talk)
        talker.start()
        with transport(answers(rows()), folder, endpoint=f"https://127.0.0.1:{plain.server_address[1]}") as (made, _unused, pauses):
            error = failure(made, SET)
        talker.join()
    assert (error.kind, error.uncertain, pauses) == ("unavailable", False, [])


def test_a_missing_package_is_named_with_its_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transport(answers(rows()), folder) as (made, service, _unused):
        monkeypatch.setitem(sys.modules, "azure.core.exceptions", None)
        assert "Install azure-identity and requests" in failure(made, GET).remedy
        assert service.requests == []
        monkeypatch.setattr(rest_http, "MISSING", "No module named 'requests'")
        with pytest.raises(Unavailable, match="No module named 'requests'"):
            RestTransport(service.options())


def test_a_refusal_without_a_reason_lets_the_next_call_sign_in_again(folder: Path) -> None:
    """The role may have been given after the token was made."""
    with transport(answers(Answer(403, body="\x00"), rows({"A": 1}), rows({"A": 2})), folder) as (made, service, _unused):
        assert failure(made, GET).kind == "forbidden"
        assert isinstance(one(made, GET), Reply)
        assert isinstance(one(made, GET), Reply)
    assert len(service.sign_ins) == 2


@pytest.mark.parametrize("body", [{"error": {"code": "BadRequest"}}, {"message": "blocked by policy"}, {"status": "ok", "rows": []}])
@pytest.mark.parametrize("cmdlet", [GET, SET])
def test_a_filters_words_are_not_the_absence_of_an_object(folder: Path, body: dict[str, Any], cmdlet: Cmdlet) -> None:
    with transport(answers(Answer(body=body)), folder) as (made, _service, _unused):
        error = failure(made, cmdlet)
    assert (error.kind, error.uncertain) == ("unavailable", cmdlet is SET)
    assert "neither rows nor the service's own marks" in error.text


def test_connections_notice_a_silent_other_side() -> None:
    told = {(level, name): value for level, name, value in rest_http.socket_options()}
    assert told[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    assert told[socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT] == 60_000
    adapter = rest_http.Adapter()
    assert adapter.poolmanager.connection_pool_kw["socket_options"] == rest_http.socket_options()
    assert adapter.proxy_manager_for("http://proxy.example:3128").connection_pool_kw["socket_options"] == rest_http.socket_options()


@pytest.mark.parametrize(
    ("inner", "sent"),
    [
        (http.client.RemoteDisconnected("closed"), True),
        (ConnectionResetError(104, "reset"), True),
        (ConnectionRefusedError(111, "refused"), False),
        (OSError("Tunnel connection failed: 407"), False),
    ],
)
def test_a_connection_that_is_cut_behind_a_proxy_may_have_carried_the_request(inner: Exception, sent: bool) -> None:
    """urllib3 calls both a proxy's fault; a write that may have arrived must not be sent again."""
    found = requests.exceptions.ProxyError(urllib3.exceptions.ProxyError("Unable to connect to proxy", inner))
    assert rest_http.unanswered(found).sent is sent


def test_refusals_without_a_reason_ask_for_one_new_token_only(folder: Path) -> None:
    with transport(answers(Answer(403, body="\x00")), folder) as (made, service, _unused):
        for _number in range(6):
            assert failure(made, GET).kind == "forbidden"
    assert len(service.sign_ins) == 2
