# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and batches of the REST transport."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply

from .service import TENANT, Answer, Request, Service, refused, rows
from .transports import GET, SET, answers, batch, failure, one, transport

STALE = "|Microsoft.Exchange.Admin.OData.Core.ODataServiceException|Expired or Invalid pagination request."


def paged(request: Request, url: str) -> Answer:
    if "skiptoken" not in request.path:
        link = f"{url}/adminapi/beta/{TENANT}/InvokeCommand?$skiptoken=2"
        return rows({"Name": "a"}, **{"@odata.nextLink": link, "@adminapi.warnings": ["more"]})
    return rows({"Name": "b"}, **{"@adminapi.warnings": ["more", "end"]})


def test_pages_repeat_body_and_headers(folder: Path) -> None:
    holder: list[Service] = []
    with transport(lambda request: paged(request, holder[0].url), folder) as (made, service, _unused):
        holder.append(service)
        result = one(made, GET)
    assert isinstance(result, Reply)
    assert ([row["Name"] for row in result.rows], result.warnings) == (["a", "b"], ["more", "end"])
    first, second = service.requests
    assert first.body == second.body
    assert {name for name in first.headers if first.headers[name] != second.headers[name]} == {"client-request-id"}


def test_a_link_that_leads_back_is_an_error_and_not_followed_for_ever(folder: Path) -> None:
    holder: list[Service] = []

    def script(request: Request) -> Answer:
        place = "2" if request.path.endswith("skiptoken=3") else "3"
        link = f"{holder[0].url}/adminapi/beta/{TENANT}/InvokeCommand?$skiptoken={place}"
        return rows({"Name": "a"}, **{"@odata.nextLink": link})

    with transport(script, folder) as (made, service, _unused):
        holder.append(service)
        error = failure(made, GET)
    assert "the same page again" in str(error)
    assert len(service.requests) == 3


def test_a_stale_page_is_read_afresh_once(folder: Path) -> None:
    holder: list[Service] = []
    seen: list[str] = []

    def script(request: Request) -> Answer:
        seen.append(request.path)
        return refused(400, STALE) if "skiptoken" in request.path and len(seen) == 2 else paged(request, holder[0].url)

    with transport(script, folder) as (made, service, _unused):
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
    with transport(lambda r: fault if "skiptoken" in r.path else paged(r, holder[0].url), folder) as (made, service, _unused):
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
    with transport(answers(rows({"Name": "a"}, **link)), folder) as (made, service, _unused):
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
    with transport(batch(by_identity), folder) as (made, service, _unused):
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


def test_each_batch_has_its_own_time(folder: Path) -> None:
    """Two hundred writes take twenty trips one after the other; the time that one call may take is not the time of all."""

    def slow(request: Request) -> Answer:
        return replace(batch(lambda _inner: rows())(request), delay=0.2)

    writes = [Cmdlet("Add-DistributionGroupMember", {"Identity": "g", "Member": f"user{number}@example.com"}) for number in range(80)]
    with transport(slow, folder, timeout=1) as (made, service, _unused):
        results = made.call_many(writes)
    assert all(isinstance(result, Reply) for result in results)
    assert len(service.requests) == 8


def test_nothing_to_do_asks_nothing(folder: Path) -> None:
    with transport(answers(rows()), folder) as (made, service, _unused):
        assert made.call_many([]) == []
    assert service.sign_ins == []


def test_writes_of_several_batches_keep_their_order(folder: Path) -> None:
    order: list[str] = []

    def script(request: Request) -> Answer:
        order.append(request.body["CmdletInput"]["Parameters"]["Identity"])
        return rows()

    cmdlets = [Cmdlet("Set-Mailbox", {"Identity": str(number)}) for number in range(25)]
    with transport(batch(script), folder) as (made, *_unused):
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

    with transport(batch(script), folder) as (made, _unused, pauses):
        results = made.call_many(reads(6))
    assert all(isinstance(result, Reply) for result in results)
    assert len(seen) == 6 + 2 + 1
    assert pauses == [2, 2]


def test_a_batch_without_an_answer_is_each_calls_own_fate(folder: Path) -> None:
    with transport(answers(Answer(drop=True)), folder, max_attempts=1) as (made, *_unused):
        read, write = made.call_many([GET, SET])
    assert isinstance(read, ExchangeError)
    assert isinstance(write, ExchangeError)
    assert (read.uncertain, write.uncertain) == (False, True)


def test_pages_of_a_batched_call(folder: Path) -> None:
    holder: list[Service] = []
    with transport(batch(lambda request: paged(request, holder[0].url)), folder) as (made, service, _unused):
        holder.append(service)
        results = made.call_many([GET, GET])
    assert [len(result.rows) for result in results if isinstance(result, Reply)] == [2, 2]
