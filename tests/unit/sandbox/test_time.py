# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: the clock, lagging reads, and what transport still acts on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.clock import parse

if TYPE_CHECKING:
    from .conftest import Client


def acting(tenant: Client) -> list[str]:
    """The enabled rules that transport acts on."""
    return [row["Name"] for row in tenant.sandbox.state()["acting"]["rules"] if row["State"] == "Enabled"]


def test_clock(tenant: Client) -> None:
    """The clock can be set, moved and made faster."""
    assert tenant.sandbox.clock(set="2030-01-01T00:00:00Z")["now"].startswith("2030-01-01T00:00:00")
    assert tenant.sandbox.clock(advance=3600)["now"].startswith("2030-01-01T01:00:00")
    before = parse(tenant.sandbox.clock(rate=100000)["now"])
    time.sleep(0.02)
    assert (parse(tenant.sandbox.clock()["now"]) - before).total_seconds() > 1000
    tenant.sandbox.reset()
    assert abs(parse(tenant.sandbox.clock()["now"]).timestamp() - time.time()) < 5


def test_reads_lag(tenant: Client) -> None:
    """A read sees the past; its time comes with the clock. Writes see the present, unless they lag too."""
    tenant.sandbox.parameters(replication_lag=60)
    tenant.rows("New-OutboundConnector", Name="a")
    assert tenant.rows("Get-OutboundConnector") == []
    assert tenant.call("Get-OutboundConnector", Identity="a").status == 404
    tenant.rows("Set-OutboundConnector", Identity="a", Comment="early")
    tenant.sandbox.parameters(write_lag=60)
    assert tenant.call("Set-OutboundConnector", Identity="a", Comment="x").status == 404
    assert tenant.call("New-OutboundConnector", Name="a").kind == "ADObjectAlreadyExistsException"
    tenant.sandbox.clock(advance=61)
    assert tenant.row("Get-OutboundConnector", Identity="a")["Comment"] == "early"
    tenant.rows("Remove-OutboundConnector", Identity="a")
    assert tenant.row("Get-OutboundConnector", Identity="a")["Comment"] == "early"
    assert tenant.call("Remove-OutboundConnector", Identity="a").status == 404
    tenant.sandbox.clock(advance=61)
    assert tenant.rows("Get-OutboundConnector") == []
    assert tenant.sandbox.state()["objects"]["OutboundConnector"] == []


def test_members_lag(tenant: Client) -> None:
    """Members lag as everything does; control sees the present."""
    tenant.rows("New-DistributionGroup", Name="g", PrimarySmtpAddress="g@example.com")
    tenant.sandbox.clock(advance=10)
    tenant.sandbox.parameters(replication_lag=5)
    tenant.rows("Add-DistributionGroupMember", Identity="g", Member="user0002")
    assert tenant.rows("Get-DistributionGroupMember", Identity="g") == []
    assert tenant.sandbox.state()["members"]["g@example.com"] == ["user0002@example.com"]
    tenant.sandbox.clock(advance=6)
    assert len(tenant.rows("Get-DistributionGroupMember", Identity="g")) == 1


def test_members_of_a_dynamic_group_are_those_of_its_last_refresh(tenant: Client) -> None:
    """A dynamic group is counted once in a while; whoever passes its filter since then is no member yet."""
    tenant.sandbox.parameters(dynamic_refresh=3600)
    tenant.rows("New-DynamicDistributionGroup", Name="d", RecipientFilter="(Alias -eq 'user0002') -or (Alias -eq 'late')")
    tenant.rows("New-MailContact", Name="late", Alias="late", ExternalEmailAddress="late@example.net")
    shown = [row["PrimarySmtpAddress"] for row in tenant.rows("Get-DynamicDistributionGroupMember", Identity="d")]
    assert shown == ["user0002@example.com"]
    tenant.sandbox.clock(advance=3601)
    shown = [row["PrimarySmtpAddress"] for row in tenant.rows("Get-DynamicDistributionGroupMember", Identity="d")]
    assert sorted(shown) == ["late@example.net", "user0002@example.com"]
    assert tenant.call("Get-DistributionGroupMember", Identity="d").status == 404
    assert tenant.call("Get-DynamicDistributionGroupMember", Identity="user0002").status == 404


def test_rules_act_late(tenant: Client) -> None:
    """New, changed, disabled and removed rules act differently only after the latency."""
    start = acting(tenant)
    tenant.rows("New-TransportRule", Name="a", SetSCL=1)
    assert acting(tenant) == start
    tenant.sandbox.clock(advance=1801)
    assert acting(tenant) == [*start, "a"]
    tenant.rows("Disable-TransportRule", Identity="a")
    assert acting(tenant) == [*start, "a"]
    tenant.sandbox.clock(advance=1801)
    assert acting(tenant) == start
    tenant.rows("Enable-TransportRule", Identity="a")
    tenant.sandbox.clock(advance=1801)
    tenant.rows("Remove-TransportRule", Identity="a")
    assert acting(tenant) == [*start, "a"]
    tenant.sandbox.clock(advance=1801)
    assert acting(tenant) == start


def test_members_act_late(tenant: Client) -> None:
    """Transport may see members hours later."""
    tenant.sandbox.parameters(membership_latency=14400)
    tenant.rows("New-DistributionGroup", Name="g", PrimarySmtpAddress="g@example.com", Members=["user0002"])
    assert "g@example.com" not in tenant.sandbox.state()["acting"]["members"]
    tenant.sandbox.clock(advance=14401)
    assert tenant.sandbox.state()["acting"]["members"]["g@example.com"] == ["user0002@example.com"]


def test_history_is_bounded(tenant: Client) -> None:
    """Many writes do not pile up."""
    for number in range(30):
        tenant.rows("Set-AcceptedDomain", Identity="example.com", DomainType=("InternalRelay", "Authoritative")[number % 2])
        tenant.sandbox.clock(advance=600)
    assert tenant.row("Get-AcceptedDomain", Identity="example.com")["DomainType"] == "Authoritative"
