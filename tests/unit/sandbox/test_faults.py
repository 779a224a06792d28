# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: statuses, dropped connections, delays, held calls, killed processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sandbox import ControlError

if TYPE_CHECKING:
    from .conftest import Client

WRITE = ("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})


def type_(tenant: Client) -> str:
    """The domain's type, as control sees it."""
    rows = tenant.sandbox.state()["objects"]["AcceptedDomain"]
    return str(next(row["DomainType"] for row in rows if row["Name"] == "example.com"))


@pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
def test_statuses(tenant: Client, status: int) -> None:
    """A status with Retry-After, once; nothing was applied."""
    tenant.sandbox.faults({"match": {"writes": True}, "action": {"status": status, "retry_after": 7}})
    answer = tenant.post(*WRITE)
    assert (answer.status_code, answer.headers["Retry-After"], answer.content) == (status, "7", b"")
    assert type_(tenant) == "Authoritative"
    assert tenant.post(*WRITE).status_code == 200
    assert type_(tenant) == "InternalRelay"


@pytest.mark.parametrize(("phase", "result"), [("before", "Authoritative"), ("after", "InternalRelay")])
def test_drops(tenant: Client, phase: str, result: str) -> None:
    """A connection dropped before or after the write is applied looks the same to the client."""
    tenant.sandbox.faults({"match": {"cmdlet": "Set-*", "phase": phase}, "action": {"drop": True}})
    with pytest.raises(requests.exceptions.ConnectionError):
        tenant.post(*WRITE)
    assert type_(tenant) == result
    (call,) = tenant.sandbox.calls(writes=1)
    assert (call["status"], call["applied"]) == ("dropped", phase == "after")


def test_drop_in_a_batch(tenant: Client) -> None:
    """A drop takes the whole batch with it; what was applied before stays applied."""
    tenant.sandbox.faults({"match": {"cmdlet": "Get-EtrLimits"}, "action": {"drop": True}})
    with pytest.raises(requests.exceptions.ConnectionError):
        tenant.batch(WRITE, ("Get-EtrLimits", {}))
    assert type_(tenant) == "InternalRelay"


def test_nth_and_times(tenant: Client) -> None:
    """From the nth on, so many times; 0 is always."""
    tenant.sandbox.faults({"match": {"nth": 2}, "action": {"status": 503}, "times": 2})
    assert [tenant.post("Get-EtrLimits").status_code for _unused in range(5)] == [200, 503, 503, 200, 200]
    tenant.sandbox.faults({"action": {"status": 503}, "times": 0})
    assert [tenant.post("Get-EtrLimits").status_code for _unused in range(3)] == [503] * 3
    (rule,) = tenant.sandbox.ask("GET", "/faults")
    assert (rule["seen"], rule["fired"]) == (3, 3)


def test_matches(tenant: Client, other: Client) -> None:
    """A fault can be for one tenant, one client, one object."""
    tenant.sandbox.faults({"match": {"tenant": other.organization}, "action": {"status": 503}, "times": 0})
    assert tenant.post("Get-EtrLimits").status_code == 200
    assert other.post("Get-EtrLimits").status_code == 503
    tenant.sandbox.faults(
        {"match": {"client_id": other.entry["client_id"], "identity": "EXAMPLE.com"}, "action": {"status": 503}, "times": 0}
    )
    assert [
        client.post("Get-AcceptedDomain", {"Identity": name}).status_code
        for client, name in ((tenant, "example.com"), (other, "subdomain.example.com"), (other, "example.com"))
    ] == [200, 200, 503]


@pytest.mark.parametrize(
    ("action", "status", "text"),
    [
        ({"status": 401}, 401, ""),
        ({"status": 403}, 403, "\0"),
        ({"status": 429, "form": "concurrency"}, 429, "You have reached the maximum number"),
        ({"status": 502, "text": "<html>Bad gateway</html>"}, 502, "<html>"),
        ({"status": 400, "body": {"error": {"code": "x"}}}, 400, '{"error"'),
        ({"error": "server_side"}, 500, "A server side error has occurred"),
        ({"error": "write_to_directory"}, 500, "UnableToWriteToAadException"),
        ({"error": "parameter_set", "form": "bare"}, 400, '"message":"||Parameter set'),
        ({"error": "not_found", "text": "it"}, 404, "'it'"),
        (
            {"error": "member_exists", "form": "idless"},
            400,
            '"message":"|Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException|',
        ),
    ],
)
def test_bodies(tenant: Client, action: dict[str, Any], status: int, text: str) -> None:
    """Any form of answer can be asked for."""
    tenant.sandbox.faults({"action": action})
    answer = tenant.post("Get-EtrLimits")
    assert answer.status_code == status
    assert text in answer.text
    assert tenant.post("Get-EtrLimits").status_code == 200


def test_delay(tenant: Client) -> None:
    """A delay holds up one call and goes on to the next rule."""
    tenant.sandbox.faults({"action": {"delay": 0.2}}, {"action": {"status": 503}})
    start = time.monotonic()
    assert tenant.post("Get-EtrLimits").status_code == 503
    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize(
    ("phase", "then", "result"),
    [("before", "continue", "InternalRelay"), ("before", "drop", "Authoritative"), ("after", "drop", "InternalRelay")],
)
def test_hold(tenant: Client, phase: str, then: str, result: str) -> None:
    """A held call waits until it is released; others go on meanwhile."""
    tenant.sandbox.faults({"match": {"writes": True, "phase": phase}, "action": {"hold": True}})
    ends: list[Any] = []

    def write() -> None:
        with requests.Session() as session:
            session.trust_env = False
            try:
                ends.append(
                    session.post(
                        f"{tenant.base}/InvokeCommand",
                        verify=tenant.sandbox.ready["ca_cert"],
                        timeout=30,
                        headers={"Authorization": str(tenant.session.headers["Authorization"])},
                        json={"CmdletInput": {"CmdletName": WRITE[0], "Parameters": WRITE[1]}},
                    ).status_code
                )
            except requests.exceptions.ConnectionError:
                ends.append("dropped")

    thread = threading.Thread(target=write)
    thread.start()
    while not tenant.sandbox.ask("GET", "/faults")[0]["holding"]:
        time.sleep(0.005)
    assert tenant.post("Get-EtrLimits").status_code == 200
    assert ends == []
    assert type_(tenant) == ("Authoritative" if phase == "before" else "InternalRelay")
    assert tenant.sandbox.ask("POST", "/release", {"then": then}) == {"released": 1}
    thread.join(timeout=10)
    assert ends == ["dropped" if then == "drop" else 200]
    assert type_(tenant) == result


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process to be killed, in a group of its own."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("phase", "result"), [("before", "Authoritative"), ("after", "InternalRelay")])
def test_kill(tenant: Client, victim: subprocess.Popen[bytes], phase: str, result: str, sign: int) -> None:
    """A process (or its group) is killed at the nth write, before or after it is applied."""
    tenant.sandbox.faults({"match": {"writes": True, "nth": 2, "phase": phase}, "action": {"kill": sign * victim.pid, "signal": "SIGTERM"}})
    tenant.rows("Disable-IPv6ForAcceptedDomain", Domain="example.com")
    assert victim.poll() is None
    with pytest.raises(requests.exceptions.ConnectionError):
        tenant.post(*WRITE)
    assert victim.wait(timeout=10) == -signal.SIGTERM
    assert type_(tenant) == result


@pytest.mark.parametrize(
    "rule",
    [
        {"match": {"foo": 1}, "action": {"drop": True}},
        {"match": {}},
        {"action": {"explode": True}},
        {"match": {"phase": "during"}, "action": {"drop": True}},
    ],
)
def test_malformed(tenant: Client, rule: dict[str, Any]) -> None:
    """A fault that means nothing is refused, so that no test waits for it in vain."""
    with pytest.raises(ControlError, match="fault 1"):
        tenant.sandbox.faults(rule)


def test_latency(tenant: Client) -> None:
    """Every request can take its time."""
    tenant.sandbox.parameters(latency=0.15)
    start = time.monotonic()
    tenant.rows("Get-EtrLimits")
    assert time.monotonic() - start >= 0.15
