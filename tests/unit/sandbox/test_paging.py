# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: links, their anchor, their life; ResultSize and its warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Client

PREFER = {"Prefer": "odata.maxpagesize=20"}
ALL = {"ResultSize": "Unlimited"}
STALE = "Expired or Invalid pagination request. Default Expiry time is 00:30:00"


def first(tenant: Client) -> dict[str, Any]:
    """Read the first page of the recipients."""
    content: dict[str, Any] = tenant.post("Get-Recipient", ALL, headers=PREFER).json()
    return content


def stale(tenant: Client, link: str, parameters: dict[str, Any] | None = None, anchor: str | None = None) -> bool:
    """Say whether a link is refused as stale."""
    answer = tenant.post(
        "Get-Recipient", parameters or ALL, url=link, headers={**PREFER, **({} if anchor is None else {"X-AnchorMailbox": anchor})}
    )
    assert answer.status_code in (200, 400)
    return answer.status_code == 400 and answer.json()["error"]["innererror"]["internalexception"]["message"] == STALE


def test_all_pages(tenant: Client) -> None:
    """Reposting the same body to each link yields every object once, in order."""
    content = first(tenant)
    names = [row["Name"] for row in content["value"]]
    assert len(names) == 20
    assert "ResultSize" in content["@adminapi.warnings"][0]
    while "@odata.nextLink" in content:
        content = tenant.post("Get-Recipient", ALL, url=content["@odata.nextLink"], headers=PREFER).json()
        names += [row["Name"] for row in content["value"]]
    assert names == [row["Name"] for row in tenant.rows("Get-Recipient", **ALL)]
    assert len(set(names)) == len(names) > 40


def test_select_is_kept(tenant: Client) -> None:
    """A link keeps the selection."""
    content = tenant.post("Get-Recipient", ALL, url=f"{tenant.base}/InvokeCommand?$select=Name", headers=PREFER).json()
    later = tenant.post("Get-Recipient", ALL, url=content["@odata.nextLink"], headers=PREFER).json()
    assert all(set(row) == {"Name"} for row in later["value"])


def test_a_page_is_a_snapshot(tenant: Client) -> None:
    """A later page shows what was there when the first was read."""
    link = first(tenant)["@odata.nextLink"]
    tenant.rows("New-MailContact", Name="late", ExternalEmailAddress="late@example.net")
    content = tenant.post("Get-Recipient", ALL, url=link).json()
    assert "late" not in [row["Name"] for row in content["value"]]


def test_stale_links(tenant: Client, other: Client) -> None:
    """Another body, another tenant, no anchor, another anchor, an old link, a made-up link: refused."""
    link = first(tenant)["@odata.nextLink"]
    assert not stale(tenant, link)
    assert stale(tenant, link, {"ResultSize": 100})
    assert stale(tenant, link, anchor="someone@example.com")
    assert stale(tenant, link, anchor="")
    assert stale(other, link.replace(tenant.organization, other.organization))
    assert stale(tenant, f"{tenant.base}/InvokeCommand?$skiptoken=made-up")
    tenant.sandbox.parameters(page_expiry=0)
    assert stale(tenant, link)
    tenant.sandbox.parameters(page_expiry=1800)
    assert not stale(tenant, link)
    tenant.sandbox.ask("DELETE", "/pages")
    assert stale(tenant, link)


def test_no_anchor_at_first(tenant: Client) -> None:
    """Without an anchor on the first call every replay is refused, unless the tenant is a lenient one."""
    del tenant.session.headers["X-AnchorMailbox"]
    assert stale(tenant, first(tenant)["@odata.nextLink"])
    tenant.sandbox.parameters(anchor_required=False)
    assert not stale(tenant, first(tenant)["@odata.nextLink"])


@pytest.mark.parametrize("size", [7, "7"])
def test_result_size(tenant: Client, size: Any) -> None:
    """ResultSize cuts, with a warning and without a link."""
    heard = tenant.call("Get-Recipient", ResultSize=size)
    assert len(heard.rows) == 7
    assert "ResultSize" in heard.warnings[0]
    assert "@odata.nextLink" not in heard.response.json()


def test_default_result_size(tenant: Client) -> None:
    """Without ResultSize a thousand recipients come, and a warning; settings are not cut."""
    tenant.sandbox.put(
        "MailContact",
        tenant=tenant.organization,
        objects=[
            {"Name": f"c{number}", "PrimarySmtpAddress": f"c{number}@example.net", "RecipientTypeDetails": "MailContact"}
            for number in range(1100)
        ],
    )
    heard = tenant.call("Get-MailContact")
    assert len(heard.rows) == 1000
    assert "first 1000 items" in heard.warnings[0]
    assert len(tenant.post("Get-MailContact", ALL).json()["value"]) == 1000, "a page holds a thousand at most"


def test_page_size_is_bounded(tenant: Client) -> None:
    """A page size that is no number, or too large, is the largest."""
    for wish in ("odata.maxpagesize=99999", "odata.maxpagesize=x", 'odata.include-annotations="*"'):
        assert "@odata.nextLink" not in tenant.post("Get-Recipient", ALL, headers={"Prefer": wish}).json()
