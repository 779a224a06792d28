# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains and connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import HASHTABLE

if TYPE_CHECKING:
    from .conftest import Client

METHOD = {
    "Enabled": True,
    "ConnectorType": "Partner",
    "AllAcceptedDomains": False,
    "IsTransportRuleScoped": True,
    "Name": "way out",
    "CloudServicesMailEnabled": False,
    "Comment": "for shared namespace",
    "TlsSettings": None,
    "TlsDomain": None,
    "UseMXRecord": False,
    "RecipientDomains": None,
    "SmartHosts": ["1.2.3.4"],
}


def test_captured_domains(tenant: Client) -> None:
    """The captured accepted domains are there, subdomains and routing domain included."""
    rows = {row["DomainName"]: row for row in tenant.rows("Get-AcceptedDomain")}
    assert {"example.com", "subdomain.example.com", "sub.subdomain.example.com"} < set(rows)
    assert rows["tqhjy.mail.onmicrosoft.com"]["IsCoexistenceDomain"] is True
    assert rows["tqhjy.onmicrosoft.com"]["InitialDomain"] is True


def test_domain_types(tenant: Client) -> None:
    """InternalRelay and back; ExternalRelay is for servers; the initial domain stays."""
    tenant.rows("Set-AcceptedDomain", Identity="example.com", DomainType="InternalRelay")
    before = tenant.row("Get-AcceptedDomain", Identity="example.com")
    tenant.sandbox.clock(advance=10)
    tenant.rows("Set-AcceptedDomain", Identity=before["Guid"], DomainType="Authoritative")
    after = tenant.row("Get-AcceptedDomain", Identity=before["DistinguishedName"])
    assert (before["DomainType"], after["DomainType"]) == ("InternalRelay", "Authoritative")
    assert after["WhenChangedUTC"] > before["WhenChangedUTC"]
    assert "ExternalRelay" in tenant.refused("Set-AcceptedDomain", Identity="example.com", DomainType="ExternalRelay")
    assert "initial domain" in tenant.refused("Set-AcceptedDomain", Identity=tenant.organization, DomainType="InternalRelay")


def test_ipv6(tenant: Client) -> None:
    """IPv6 is on, can be switched off, and on again."""
    assert {row["Status"] for row in tenant.rows("Get-IPv6StatusForAcceptedDomain")} == {"Enabled"}
    tenant.rows("Disable-IPv6ForAcceptedDomain", Domain="example.com")
    assert tenant.row("Get-IPv6StatusForAcceptedDomain", Domain="EXAMPLE.com")["Status"] == "Disabled"
    assert tenant.sandbox.state()["ipv6"]["example.com"] is False
    assert tenant.call("Disable-IPv6ForAcceptedDomain", Domain="example.com").warnings
    tenant.rows("Enable-IPv6ForAcceptedDomain", Domain="example.com")
    assert tenant.row("Get-IPv6StatusForAcceptedDomain", Domain="example.com")["Status"] == "Enabled"
    assert tenant.call("Get-IPv6StatusForAcceptedDomain", Domain="nothing.example").status == 404


def test_remote_domains(tenant: Client) -> None:
    """Created from two parameters, changed later; the two linked properties drag each other; the default stays."""
    made = tenant.row("New-RemoteDomain", Name="partner", DomainName="*.partner.example")
    assert (made["TNEFEnabled"], made["LineWrapSize"], made["MessageCountThreshold"], made["CharacterSet"]) == (
        None,
        "Unlimited",
        2147483647,
        None,
    )
    tenant.rows("Set-RemoteDomain", Identity="partner", AllowedOOFType="InternalLegacy")
    assert tenant.row("Get-RemoteDomain", Identity="partner")["IsInternal"] is True
    tenant.rows("Set-RemoteDomain", Identity="partner", IsInternal=False)
    assert tenant.row("Get-RemoteDomain", Identity="partner")["AllowedOOFType"] == "ExternalLegacy"
    tenant.rows("Set-RemoteDomain", Identity="partner", TNEFEnabled=False, LineWrapSize=77, Name="mate")
    row = tenant.row("Get-RemoteDomain", Identity="mate")
    assert (row["TNEFEnabled"], row["LineWrapSize"], row["Identity"]) == (False, "77", "mate")
    assert "0 and 132" in tenant.refused("Set-RemoteDomain", Identity="mate", LineWrapSize=133)
    assert "already exists" in tenant.refused("New-RemoteDomain", Name="again", DomainName="*.PARTNER.example")
    assert "default" in tenant.refused("Remove-RemoteDomain", Identity="Default")
    tenant.rows("Remove-RemoteDomain", Identity="mate", Confirm=False)
    assert len(tenant.rows("Get-RemoteDomain")) == 1


def test_outbound_defaults(tenant: Client) -> None:
    """A connector reads back its defaults and the three kinds of unset."""
    row = tenant.row("New-OutboundConnector", Name="plain")
    assert (row["Enabled"], row["UseMXRecord"], row["IsTransportRuleScoped"], row["AllAcceptedDomains"]) == (True, True, False, False)
    assert (row["RecipientDomains"], row["SmartHosts"], row["TlsSettings"], row["Comment"]) == ([], [], None, "")
    assert (row["MtaStsMode"], row["SmtpDaneMode"], row["IsValidated"], row["TestMode"]) == ("Opportunistic", "Opportunistic", False, False)
    assert row["Identity"] == row["Name"] == row["Id"]
    assert row["Guid"] == row["ExchangeObjectId"]


def test_method_connector(tenant: Client) -> None:
    """The method's connector is made as written, renamed and removed."""
    tenant.rows("New-OutboundConnector", **METHOD)
    row = tenant.row("Get-OutboundConnector", Identity="WAY OUT")
    assert (row["SmartHosts"], row["RecipientDomains"], row["IsTransportRuleScoped"]) == (["1.2.3.4"], [], True)
    tenant.rows("Set-OutboundConnector", Identity="way out", Name="new name", Comment=None)
    row = tenant.row("Get-OutboundConnector", Identity="new name")
    assert (row["Comment"], row["Guid"]) == ("", tenant.row("Get-OutboundConnector", Identity=row["DistinguishedName"])["Guid"])
    assert tenant.call("Get-OutboundConnector", Identity="way out").status == 404
    tenant.rows("Remove-OutboundConnector", Identity=row["Guid"], Confirm=False)
    assert tenant.rows("Get-OutboundConnector") == []
    assert tenant.call("Remove-OutboundConnector", Identity="new name").status == 404


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"SmartHosts": ["mail.example.net:587"]}, "port"),
        ({"SmartHosts": ["1.2.3.4:25"]}, "port"),
        ({"SmartHosts": ["not a host"]}, "valid smart host"),
        ({"SmartHosts": None}, "SmartHosts must be specified"),
        ({"AllAcceptedDomains": True}, "OnPremises"),
        ({"RouteAllMessagesViaOnPremises": True}, "OnPremises"),
        ({"SenderRewritingEnabled": True}, "OnPremises"),
        ({"RecipientDomains": ["a.*.example"]}, "valid SMTP domain"),
        ({"Name": "n" * 65}, "maximum length is 64"),
        ({"Name": " "}, "empty"),
    ],
)
def test_outbound_rules(tenant: Client, change: dict[str, Any], text: str) -> None:
    """What a connector cannot be."""
    assert text in tenant.refused("New-OutboundConnector", **{**METHOD, **change})


def test_outbound_changes(tenant: Client) -> None:
    """The same rules hold for changes; UseMXRecord false wants SmartHosts in the same command."""
    tenant.rows("New-OutboundConnector", **{**METHOD, "ConnectorType": "OnPremises", "AllAcceptedDomains": True})
    assert "OnPremises" in tenant.refused("Set-OutboundConnector", Identity="way out", ConnectorType="Partner")
    tenant.rows("Set-OutboundConnector", Identity="way out", UseMXRecord=True)
    assert "same command" in tenant.refused("Set-OutboundConnector", Identity="way out", UseMXRecord=False)
    tenant.rows(
        "Set-OutboundConnector", Identity="way out", UseMXRecord=False, SmartHosts={"@odata.type": HASHTABLE, "Add": ["10.0.0.0/25"]}
    )
    assert tenant.row("Get-OutboundConnector", Identity="way out")["SmartHosts"] == ["1.2.3.4", "10.0.0.0/25"]
    tenant.rows("New-OutboundConnector", Name="second")
    assert tenant.call("New-OutboundConnector", Name="SECOND").kind == "ADObjectAlreadyExistsException"
    assert tenant.call("Set-OutboundConnector", Identity="second", Name="way out").kind == "ADObjectAlreadyExistsException"
    tenant.sandbox.parameters(exists_status=409)
    assert tenant.call("New-OutboundConnector", Name="second").status == 409


def test_test_mode_is_hidden(tenant: Client) -> None:
    """Test-mode connectors show only when asked for: alone, or together with all, by the tenant's reading."""
    tenant.rows("New-OutboundConnector", Name="real")
    tenant.rows("New-OutboundConnector", Name="real_Test_2026-01-01T00:00:00Z", TestMode=True)
    assert [row["Name"] for row in tenant.rows("Get-OutboundConnector")] == ["real"]
    assert tenant.call("Get-OutboundConnector", Identity="real_Test_2026-01-01T00:00:00Z").status == 404
    assert [row["TestMode"] for row in tenant.rows("Get-OutboundConnector", IncludeTestModeConnectors=True)] == [True]
    tenant.sandbox.parameters(test_mode_filter="all")
    assert len(tenant.rows("Get-OutboundConnector", IncludeTestModeConnectors=True)) == 2
    assert tenant.rows("Get-OutboundConnector", IsTransportRuleScoped=True) == []


def test_validation(tenant: Client) -> None:
    """Validation answers success, or what control set, and does not mark the connector; Set- does."""
    tenant.rows("New-OutboundConnector", **METHOD)
    rows = tenant.rows("Validate-OutboundConnector", Identity="way out", Recipients=["probe@example.com"])
    assert [row["IsTaskSuccessful"] for row in rows] == [True, True]
    assert tenant.row("Get-OutboundConnector", Identity="way out")["IsValidated"] is False
    tenant.sandbox.ask("PUT", "/results", {"cmdlet": "Validate-OutboundConnector", "rows": [{"IsTaskSuccessful": False}]})
    assert tenant.rows("Validate-OutboundConnector", Identity="way out", Recipients=["probe@example.com"]) == [{"IsTaskSuccessful": False}]
    tenant.rows(
        "Set-OutboundConnector",
        Identity="way out",
        IsValidated=True,
        LastValidationTimestamp="2026-02-03 14:30:00z",
        ValidationRecipients=["probe@example.com"],
    )
    row = tenant.row("Get-OutboundConnector", Identity="way out")
    assert (row["IsValidated"], row["LastValidationTimestamp"]) == (True, "2026-02-03T14:30:00.0000000")


def test_inbound(tenant: Client) -> None:
    """Sender domains read back with prefix and cost; edits understand both forms."""
    row = tenant.row(
        "New-InboundConnector", Name="in", SenderDomains=["*"], SenderIPAddresses=["192.0.2.0/24"], RestrictDomainsToIPAddresses=True
    )
    assert (row["SenderDomains"], row["RequireTls"], row["ConnectorType"], row["TlsSenderCertificateName"]) == (
        ["smtp:*;1"],
        True,
        "Partner",
        None,
    )
    tenant.rows(
        "Set-InboundConnector", Identity="in", SenderDomains={"@odata.type": HASHTABLE, "Add": ["smtp:b.example;1"], "Remove": ["*"]}
    )
    assert tenant.row("Get-InboundConnector", Identity="in")["SenderDomains"] == ["smtp:b.example;1"]
    heard = tenant.call("Set-InboundConnector", Identity="in", SenderDomains=["b.example"])
    assert heard.warnings, "the same domain in another form is no change"
    tenant.rows("Set-InboundConnector", Identity="in", Name="in2")
    tenant.rows("Remove-InboundConnector", Identity="in2")
    assert [row["Name"] for row in tenant.rows("Get-InboundConnector")] == ["inbound connector test 1"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"SenderIPAddresses": ["10.0.0.0/8"]}, "/24 to /32"),
        ({"SenderIPAddresses": ["2001:db8::1"]}, "IPv4"),
        ({"SenderIPAddresses": ["1.2.3.4-1.2.3.9"]}, "valid IPv4"),
        ({"SenderDomains": ["no domain"]}, "address space"),
        ({"SenderDomains": []}, "SenderDomains"),
        ({"RestrictDomainsToCertificate": True}, "TlsSenderCertificateName"),
        ({"TreatMessagesAsInternal": True}, "OnPremises"),
        ({"ConnectorType": "OnPremises", "TreatMessagesAsInternal": True, "CloudServicesMailEnabled": True}, "CloudServicesMailEnabled"),
        ({"AssociatedAcceptedDomains": ["nothing.example"]}, "accepted domain"),
        ({"TrustedOrganizations": ["x"]}, "TrustedOrganizations"),
    ],
)
def test_inbound_rules(tenant: Client, change: dict[str, Any], text: str) -> None:
    """What an inbound connector cannot be."""
    assert text in tenant.refused("New-InboundConnector", **{"Name": "in", "SenderDomains": ["*"], **change})


def test_inbound_on_premises(tenant: Client) -> None:
    """A connector of type OnPremises needs no TLS, and starts disabled where the tenant is a new one."""
    row = tenant.row("New-InboundConnector", Name="in", SenderDomains=["*"], ConnectorType="OnPremises")
    assert (row["RequireTls"], row["Enabled"]) == (False, True)
    tenant.sandbox.parameters(onpremises_inbound_disabled=True)
    assert tenant.row("New-InboundConnector", Name="in2", SenderDomains=["*"], ConnectorType="OnPremises")["Enabled"] is False
