# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: each request has its own status; what follows a failure depends on the preference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Client

ON = {"Prefer": "odata.maxpagesize = 1000;odata.continue-on-error"}
GOOD = ("Get-AcceptedDomain", {"Identity": "example.com"})
BAD = ("Get-AcceptedDomain", {"Identity": "nothing.example"})


def statuses(answer: Any) -> list[int]:
    """The statuses of a batch's answers, in the order asked."""
    assert answer.status_code == 200
    responses = answer.json()["responses"]
    assert [item["id"] for item in responses] == [str(number) for number in range(len(responses))]
    return [item["status"] for item in responses]


def test_each_has_its_own(tenant: Client) -> None:
    """Ten requests with their own rows; calls know their batch."""
    answer = tenant.batch(*[GOOD] * 10)
    assert statuses(answer) == [200] * 10
    assert answer.json()["responses"][3]["body"]["value"][0]["DomainName"] == "example.com"
    assert [call["batch"] for call in tenant.sandbox.calls()] == [str(number) for number in range(10)]


@pytest.mark.parametrize("where", ["headers", "item_headers"])
def test_continue_on_error(tenant: Client, where: str) -> None:
    """With the preference, on the batch or its items, later requests run."""
    assert statuses(tenant.batch(GOOD, BAD, GOOD, **{where: ON})) == [200, 404, 200]


def test_stop_at_an_error(tenant: Client) -> None:
    """Without it they do not."""
    write = ("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})
    assert statuses(tenant.batch(GOOD, BAD, write)) == [200, 404, 424]
    assert tenant.row(*GOOD[:1], **GOOD[1])["DomainType"] == "Authoritative"


def test_forbidden_in_a_batch(tenant: Client) -> None:
    """A forbidden request is NUL bytes inside the JSON."""
    answer = tenant.batch(("Get-Nothing", {}), GOOD, headers=ON)
    assert statuses(answer) == [403, 200]
    assert set(answer.json()["responses"][0]["body"]) == {"\0"}


def test_throttled_item(tenant: Client) -> None:
    """A throttled request carries its own Retry-After."""
    tenant.sandbox.faults({"match": {"cmdlet": "Get-AcceptedDomain", "nth": 2}, "action": {"status": 429, "retry_after": 3}})
    answer = tenant.batch(GOOD, GOOD, GOOD, headers=ON)
    assert statuses(answer) == [200, 429, 200]
    assert answer.json()["responses"][1]["headers"]["Retry-After"] == "3"


def test_pages_of_an_item(tenant: Client) -> None:
    """Later pages are asked for in another batch, at the link."""
    wish = {"Prefer": "odata.maxpagesize=20", "X-AnchorMailbox": "batch@example.com"}
    read = ("Get-Recipient", {"ResultSize": "Unlimited"})
    link = tenant.batch(read, item_headers=wish).json()["responses"][0]["body"]["@odata.nextLink"]
    item = {
        "id": "a",
        "method": "POST",
        "url": link,
        "headers": wish,
        "body": {"CmdletInput": {"CmdletName": read[0], "Parameters": read[1]}},
    }
    answer = tenant.session.post(f"{tenant.base}/$batch", json={"requests": [item]}, timeout=30).json()
    assert len(answer["responses"][0]["body"]["value"]) == 20


@pytest.mark.parametrize("items", [[], [{"id": "1"}] * 2, [{"method": "POST"}], "x", [{"id": str(number)} for number in range(11)]])
def test_malformed(tenant: Client, items: Any) -> None:
    """No requests, too many, the same id twice, no id: refused as a whole."""
    assert tenant.session.post(f"{tenant.base}/$batch", json={"requests": items}, timeout=30).status_code == 400


@pytest.mark.parametrize(
    "change", [{"method": "GET"}, {"url": "https://x/adminapi/beta/contoso.onmicrosoft.com/InvokeCommand"}, {"url": "x"}]
)
def test_malformed_item(tenant: Client, change: dict[str, str]) -> None:
    """A request that is no POST to InvokeCommand of the same tenant is refused alone."""
    item: dict[str, Any] = {
        "id": "1",
        "method": "POST",
        "url": f"/adminapi/beta/{tenant.organization}/InvokeCommand",
        "body": {"CmdletInput": {"CmdletName": "Get-EtrLimits"}},
    }
    for number, expected in ((item, 200), ({**item, **change}, 400)):
        answer = tenant.session.post(f"{tenant.base}/$batch", json={"requests": [number]}, timeout=30)
        assert [entry["status"] for entry in answer.json()["responses"]] == [expected]


def test_own_token(tenant: Client) -> None:
    """A request may bring its own token; a bad one fails alone."""
    own = str(tenant.session.headers["Authorization"])
    assert statuses(tenant.batch(GOOD, item_headers={"Authorization": own})) == [200]
    assert statuses(tenant.batch(GOOD, item_headers={"Authorization": "Bearer x"})) == [401]
