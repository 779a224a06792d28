# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-back forms that no public output shows are switched per tenant; every parameter of the main nouns is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sandbox.catalogue import Parameter, signature
from sandbox.handlers.rules import PAIRS, RETIRED

if TYPE_CHECKING:
    from .conftest import Client

GUID = "11111111-1111-1111-1111-111111111111"
SAMPLES: dict[str, Any] = {
    "SmtpAddress": "new@example.com",
    "Int32": 1,
    "SclValue": 5,
    "DateTime": "2031-01-01T00:00:00Z",
    "Guid": GUID,
    "SmtpDomainWithSubdomains": "*.example.org",
    "ByteQuantifiedSize": "10MB",
    "Unlimited": "77",
    "RecipientIdParameter": "user0001",
    "MultiValuedProperty": ["user0001"],
    "ProxyAddressCollection": ["SMTP:np@example.com"],
    "OutboundConnectorIdParameter": "target",
    "RecipientIdParameter[]": ["user0001"],
    "Word[]": ["w1", "w2"],
    "Pattern[]": ["p1"],
    "String[]": ["user0002@example.com"],
    "TenantConnectorSource": "HybridWizard",
    "TenantConnectorType": "OnPremises",
}
NAMED: dict[str, Any] = {
    "SmartHosts": ["9.9.9.9"],
    "RecipientDomains": ["*.example.org"],
    "ValidationRecipients": ["user0001@example.com"],
    "SenderDomains": ["b.example.org"],
    "SenderIPAddresses": ["9.9.9.0/24"],
    "AssociatedAcceptedDomains": ["example.com"],
    "EFSkipIPs": ["9.9.9.9"],
    "SenderIpRanges": ["9.9.9.9"],
    "ExceptIfSenderIpRanges": ["9.9.9.9"],
    "Description": ["new"],
    "Alias": "newalias",
    "CloudServicesMailEnabled": False,
    "SentToScope": "NotInOrganization",
    **{f"ExtensionCustomAttribute{number}": ["x"] for number in range(1, 6)},
    "MailTipTranslations": ["de:x"],
    "ExceptIfSentToScope": "InOrganization",
    "RejectMessageEnhancedStatusCode": "5.7.1",
}
# Read back under another name, in another form, or not at all.
UNREAD = {
    "Confirm",
    "WhatIf",
    "Identity",
    "Name",
    "BypassSecurityGroupManagerCheck",
    "ForceUpgrade",
    "IgnoreNamingPolicy",
    "ResetMigrationToUnifiedGroup",
    "RoomList",
    "UpdateMemberCount",
    "TrustedOrganizations",
    "Priority",
    "UseMXRecord",
    "TestMode",
}
FORMS: dict[str, Any] = {
    "SenderDomains": ["smtp:b.example.org;1"],
    "LastValidationTimestamp": "2031-01-01T00:00:00.0000000",
    "ActivationDate": "2031-01-01T00:00:00.0000000Z",
    "ExpiryDate": "2031-01-01T00:00:00.0000000Z",
    "GenerateIncidentReport": "user0001@example.com",
}
MAIN: dict[str, dict[str, Any]] = {
    "OutboundConnector": {"Name": "base", "ConnectorType": "OnPremises"},
    "InboundConnector": {
        "Name": "base",
        "SenderDomains": ["a.example.org"],
        "ConnectorType": "OnPremises",
        "TlsSenderCertificateName": "c",
    },
    "TransportRule": {"Name": "base", "SetSCL": 1},
    "DistributionGroup": {"Name": "base"},
    "RemoteDomain": {"Name": "base", "DomainName": "x.example.org"},
}


def sample(parameter: Parameter) -> Any:
    """A value for a parameter."""
    if parameter.name in NAMED:
        return NAMED[parameter.name]
    if parameter.choices:
        return [parameter.choices[-1]] if parameter.many else parameter.choices[-1]
    if "MemberOf" in parameter.name:
        return ["target"]
    return True if parameter.flag else SAMPLES.get(parameter.type, "text")


def expected(name: str, value: Any, user: str) -> Any:
    """The form in which a value is read back."""
    if name in FORMS:
        return FORMS[name]
    if value == "10MB":
        return "10 MB (10,485,760 bytes)"
    if value == ["target"]:
        return ["target@example.com"]
    if value == ["user0001"]:
        return [user]
    return value


@pytest.mark.parametrize("noun", MAIN)
def test_every_parameter_is_kept(tenant: Client, noun: str) -> None:
    """Each cloud parameter of Set- is taken, read back, and no change the second time."""
    tenant.rows("New-DistributionGroup", Name="target", PrimarySmtpAddress="target@example.com")
    tenant.rows("New-OutboundConnector", Name="target")
    tenant.rows(f"New-{noun}", **MAIN[noun])
    key = tenant.row(f"Get-{noun}", Identity="base")["Guid"]
    known = signature(f"Set-{noun}")
    assert known is not None
    found = tenant.row("Get-Recipient", Identity="user0001")
    user = {"TransportRule": found["PrimarySmtpAddress"], "DistributionGroup": found["ExternalDirectoryObjectId"]}.get(noun, "user0001")
    for parameter in {entry.name: entry for entry in known.parameters.values()}.values():
        if parameter.name in UNREAD | RETIRED:
            continue
        pair = next((names for names in PAIRS if parameter.name in names), (parameter.name,))
        values = {name: sample(known.parameters[name.lower()]) for name in pair}
        write, read = (f"Set-{noun}", {"Identity": key, **values}), (f"Get-{noun}", {"Identity": key})
        answers = tenant.batch(write, read, write).json()["responses"]
        assert [answer["status"] for answer in answers] == [200] * 3, answers
        (row,) = answers[1]["body"]["value"]
        for name, value in values.items():
            assert row[name] == expected(name, value, user), name
        assert answers[2]["body"]["@adminapi.warnings"], parameter.name


def test_rule_forms(tenant: Client) -> None:
    """SCL as text, addresses as blocks, sizes without bytes, zones, unset lists."""
    tenant.rows(
        "New-TransportRule",
        Name="a",
        SetSCL=-1,
        SCLOver=5,
        SenderIpRanges=["1.2.3.4", "10.0.0.0/24", "1.1.1.1-1.1.1.9"],
        MessageSizeOver="10MB",
    )
    plain = tenant.row("Get-TransportRule", Identity="a")
    assert (plain["SetSCL"], plain["SCLOver"], plain["MessageSizeOver"]) == (-1, 5, "10 MB (10,485,760 bytes)")
    tenant.sandbox.parameters(
        scl_as_string=True,
        sender_ip_ranges_form="cidr",
        rule_sizes_with_bytes=False,
        rule_unset_lists="empty",
        rule_when_changed_zone="+00:00",
    )
    row = tenant.row("Get-TransportRule", Identity="a")
    assert (row["SetSCL"], row["SCLOver"], row["MessageSizeOver"]) == ("-1", "5", "10 MB")
    assert row["SenderIpRanges"] == ["1.2.3.4/32", "10.0.0.0/24", "1.1.1.1-1.1.1.9"]
    assert (row["RecipientDomainIs"], row["SentToScope"], row["WhenChanged"][-6:]) == ([], None, "+00:00")
    short = tenant.row("Get-TransportRule", Identity="a", ExcludeConditionActionDetails=True)
    assert "Conditions" not in short


def test_connector_forms(tenant: Client) -> None:
    """Smart hosts in brackets, another default source."""
    tenant.sandbox.parameters(smart_host_brackets=True, connector_source_default="AdminUI")
    row = tenant.row("New-OutboundConnector", Name="a", UseMXRecord=False, SmartHosts=["1.2.3.4", "mail.example.net", "10.0.0.0/25"])
    assert row["SmartHosts"] == ["[1.2.3.4]", "mail.example.net", "10.0.0.0/25"]
    assert row["ConnectorSource"] == "AdminUI"
    tenant.sandbox.parameters(remote_domain_charset_unset="empty")
    assert tenant.row("New-RemoteDomain", Name="r", DomainName="r.example")["CharacterSet"] == ""


def test_unknown_identity_can_return_all(tenant: Client) -> None:
    """The documented caution: an unknown identity returns everything."""
    tenant.sandbox.parameters(unknown_identity_returns_all=True)
    assert len(tenant.rows("Get-AcceptedDomain", Identity="nothing.example")) == 7
    assert len(tenant.rows("Get-AcceptedDomain", Identity="example.com")) == 1
    assert tenant.rows("Get-OutboundConnector", Identity="nothing") == []


def test_three_kinds_of_unset(tenant: Client) -> None:
    """null, [] and "" are chosen per property and class."""
    connector, rule = tenant.row("New-OutboundConnector", Name="a"), tenant.row("New-TransportRule", Name="a", SetSCL=1)
    assert (connector["SmartHosts"], connector["TlsDomain"], connector["Comment"]) == ([], None, "")
    assert (rule["RecipientDomainIs"], rule["Comments"]) == (None, None)


def test_organization(tenant: Client) -> None:
    """Settings of the organisation and of transport are read and set."""
    tenant.rows("Set-OrganizationConfig", RejectDirectSend=True)
    row = tenant.row("Get-OrganizationConfig")
    assert (row["RejectDirectSend"], row["IsDehydrated"], row["Name"]) == (True, False, tenant.organization)
    tenant.rows("Set-TransportConfig", MessageExpiration="2.00:00:00")
    row = tenant.row("Get-TransportConfig")
    assert (row["MessageExpiration"], row["TransportRuleLimit"], row["JournalingReportNdrTo"]) == ("2.00:00:00", 300, "<>")


def test_connection_filter(tenant: Client) -> None:
    """Entries are checked; kinds do not mix in a plain list; the policy has one name."""

    def put(value: Any) -> str:
        return tenant.call("Set-HostedConnectionFilterPolicy", Identity="Default", IPAllowList=value).kind

    hashtable = {"@odata.type": "#Exchange.GenericHashTable"}
    assert put(["192.0.2.1", "192.0.2.2"]) == ""
    assert put({**hashtable, "Add": ["192.0.2.0/24", "198.51.100.1-198.51.100.9"]}) == ""
    row = tenant.row("Get-HostedConnectionFilterPolicy", Identity="Default")
    assert (row["IPAllowList"], row["IPBlockList"]) == (["192.0.2.1", "192.0.2.2", "192.0.2.0/24", "198.51.100.1-198.51.100.9"], [])
    tenant.sandbox.parameters(ip_allow_list_form="cidr")
    assert tenant.row("Get-HostedConnectionFilterPolicy")["IPAllowList"][0] == "192.0.2.1/32"
    for wrong in (["10.0.0.0/8"], ["10.0.0.0-10.0.1.0"], ["2001:db8::/32"], ["10.0.0.9-10.0.0.1"]):
        assert put(wrong) == "ParameterTransformationException"
    assert put(["192.0.2.1", "192.0.2.0/24"]) == "TaskInvalidOperationException"
    assert put([f"10.{number // 250}.{number % 250}.1" for number in range(1274)]) == "TaskInvalidOperationException"
    assert tenant.call("Get-HostedConnectionFilterPolicy", Identity="other").status == 404


def test_message_trace(tenant: Client) -> None:
    """Empty by default; what control sets is filtered as asked."""
    assert tenant.rows("Get-MessageTraceV2") == []
    rows = [{"Received": f"2026-01-0{day}T00:00:00", "RecipientAddress": f"r{day}@example.com", "Status": "Delivered"} for day in (1, 2, 3)]
    tenant.sandbox.ask("PUT", "/results", {"cmdlet": "Get-MessageTraceV2", "rows": rows, "tenant": tenant.organization})
    assert len(tenant.rows("Get-MessageTraceV2")) == 3
    assert len(tenant.rows("Get-MessageTraceV2", StartDate="2026-01-02", EndDate="2026-01-03T01:00:00Z")) == 2
    assert len(tenant.rows("Get-MessageTraceV2", RecipientAddress=["R2@example.com"])) == 1
    assert "together" in tenant.refused("Get-MessageTraceV2", StartDate="2026-01-02")
    tenant.sandbox.ask("PUT", "/results", {"cmdlet": "Get-MessageTraceV2", "rows": None})
    assert tenant.rows("Get-MessageTraceV2") == []
