# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sandbox.handlers.rules import PAIRS, RETIRED

if TYPE_CHECKING:
    from .conftest import Client

CAPTURED = 'Sender is located outside the organization prepend "[External]"'
SAMPLES: dict[str, Any] = {
    "BetweenMemberOf1": ["team"],
    "BetweenMemberOf2": ["team"],
    "ADComparisonOperator": "Equal",
    "ApplyHtmlDisclaimerLocation": "Append",
    "ApplyHtmlDisclaimerFallbackAction": "Wrap",
}


def order(tenant: Client) -> list[str]:
    """The names of the rules, by priority; the priorities must be contiguous."""
    rows = tenant.rows("Get-TransportRule")
    assert [row["Priority"] for row in rows] == list(range(len(rows)))
    return [row["Name"] for row in rows]


@pytest.fixture
def team(tenant: Client) -> str:
    """A group's primary address."""
    tenant.rows("New-DistributionGroup", Name="team", PrimarySmtpAddress="Team@example.com")
    return "Team@example.com"


def test_method_rules(tenant: Client, team: str) -> None:
    """The method's two rules read back as the reference says."""
    tenant.rows("New-OutboundConnector", Name="Way Out", UseMXRecord=False, SmartHosts=["1.2.3.4"])
    tenant.rows(
        "New-TransportRule",
        SentToScope="InOrganization",
        RouteMessageOutboundConnector="way out",
        ExceptIfSentToMemberOf="team",
        Name="Coexistence",
        StopRuleProcessing=False,
        Mode="Enforce",
        Comments="x",
        RuleErrorAction="Ignore",
        SenderAddressLocation="Header",
        SetSCL=-1,
    )
    row = tenant.row("Get-TransportRule", Identity="coexistence")
    assert (row["RouteMessageOutboundConnector"], row["ExceptIfSentToMemberOf"], row["SetSCL"]) == ("Way Out", [team], -1)
    assert (row["State"], row["Mode"], row["Guid"] == row["ImmutableId"], row["Priority"]) == ("Enabled", "Enforce", True, 1)
    assert "Enabled" not in row
    assert row["SentTo"] is None
    assert row["HasSenderOverride"] is False
    assert row["Conditions"] == ["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.SentToScopePredicate"]
    assert row["Exceptions"] == ["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.SentToMemberOfPredicate"]
    tenant.rows("New-TransportRule", SenderIPRanges=["1.2.3.4"], Name="Inbound", SetSCL=-1)
    row = tenant.row("Get-TransportRule", Identity="Inbound")
    assert (row["SenderIpRanges"], row["Comments"], row["Exceptions"]) == (["1.2.3.4"], None, None)


def test_priorities(tenant: Client) -> None:
    """New rules go last or where they are told; moves and removals shift the others."""
    for name, more in (("a", {}), ("b", {}), ("c", {"Priority": 0}), ("d", {"Priority": 2})):
        tenant.rows("New-TransportRule", Name=name, SetSCL=1, **more)
    assert order(tenant) == ["c", CAPTURED, "d", "a", "b"]
    tenant.rows("Set-TransportRule", Identity="b", Priority=0)
    assert order(tenant) == ["b", "c", CAPTURED, "d", "a"]
    tenant.rows("Set-TransportRule", Identity="b", Priority=4)
    assert order(tenant) == ["c", CAPTURED, "d", "a", "b"]
    tenant.rows("Remove-TransportRule", Identity=CAPTURED)
    assert order(tenant) == ["c", "d", "a", "b"]
    assert "between 0 and 3" in tenant.refused("Set-TransportRule", Identity="a", Priority=4)
    assert "between 0 and 4" in tenant.refused("New-TransportRule", Name="e", Priority=5)
    assert tenant.call("Set-TransportRule", Identity="a", Priority=2).warnings, "the same place is no change"


def test_shift_and_time(tenant: Client) -> None:
    """A shift by another rule leaves the time alone, unless the tenant says otherwise; a rule's own change moves it."""
    tenant.rows("New-TransportRule", Name="a", SetSCL=1)
    before = tenant.row("Get-TransportRule", Identity="a")["WhenChanged"]
    tenant.rows("New-TransportRule", Name="b", SetSCL=1, Priority=0)
    assert tenant.row("Get-TransportRule", Identity="a")["WhenChanged"] == before
    tenant.sandbox.parameters(priority_shift_changes_time=True)
    tenant.rows("New-TransportRule", Name="c", SetSCL=1, Priority=0)
    assert tenant.row("Get-TransportRule", Identity="a")["WhenChanged"] > before


@pytest.mark.parametrize("moves", [True, False])
def test_disable_and_time(tenant: Client, moves: bool) -> None:
    """Whether a stop moves the time is a parameter."""
    tenant.sandbox.parameters(disable_changes_time=moves)
    before = tenant.row("Get-TransportRule", Identity=CAPTURED)["WhenChanged"]
    tenant.rows("Disable-TransportRule", Identity=CAPTURED, Confirm=False)
    row = tenant.row("Get-TransportRule", Identity=CAPTURED)
    assert (row["State"], row["WhenChanged"] > before) == ("Disabled", moves)
    assert tenant.call("Disable-TransportRule", Identity=CAPTURED).warnings
    assert tenant.rows("Get-TransportRule", State="Enabled") == []
    tenant.rows("Enable-TransportRule", Identity=CAPTURED)
    assert len(tenant.rows("Get-TransportRule", State="Enabled")) == 1


def test_new_disabled(tenant: Client) -> None:
    """A rule can be made disabled; Set- knows no Enabled."""
    assert tenant.row("New-TransportRule", Name="a", Enabled=False, SetSCL=1)["State"] == "Disabled"
    assert "Enabled" in tenant.refused("Set-TransportRule", Identity="a", Enabled=True)


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_pairs(tenant: Client, pair: tuple[str, ...]) -> None:
    """What must go together is refused alone and taken together."""
    values = {name: SAMPLES.get(name, ["w"] if name.endswith(("Words", "Patterns")) else "5.7.1") for name in pair}
    values = {name: SAMPLES.get(name.removeprefix("ExceptIf"), value) for name, value in values.items()}
    for name, value in values.items():
        assert "must be used together" in tenant.refused("New-TransportRule", Name="a", **{name: value})
    tenant.rows("New-TransportRule", Name="a", **values)
    assert "must be used together" in tenant.refused("Set-TransportRule", Identity="a", **{pair[0]: None})


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_retired(tenant: Client, name: str) -> None:
    """Parameters that the cloud no longer takes."""
    value: Any = [{"name": "x"}] if "Classifications" in name else "NotifyOnly" if name == "NotifySender" else True
    assert "no longer supported" in tenant.refused("New-TransportRule", Name="a", **{name: value})


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Name": "n" * 65}, "maximum length is 64"),
        ({"Name": CAPTURED}, "already exists"),
        ({"Comments": "c" * 1025}, "maximum length is 1024"),
        ({"RouteMessageOutboundConnector": "nothing"}, "couldn't be found"),
        ({"ExceptIfSentToMemberOf": ["user0001"]}, "isn't a group"),
        ({"SentToMemberOf": ["nothing@example.com"]}, "couldn't be found"),
        ({"SenderIpRanges": ["1.2.3"]}, "valid IP address range"),
        ({"SenderIpRanges": ["1.2.3.9-1.2.3.4"]}, "valid IP address range"),
        ({"SentToScope": "ExternalPartner"}, "isn't supported"),
        ({"CopyTo": ["team"]}, "can't be added"),
        ({"RedirectMessageTo": [f"r{number}@example.net" for number in range(11)]}, "at most 10"),
        ({"SubjectContainsWords": ["w" * 90 + str(number) for number in range(100)]}, "too large"),
    ],
)
def test_rules_of_rules(tenant: Client, change: dict[str, Any], text: str) -> None:
    """What a rule cannot be, in the service's words."""
    heard = tenant.call("New-TransportRule", **{"Name": "a", **change})
    assert heard.status in (400, 404)
    assert text in heard.error[2]
    assert order(tenant) == [CAPTURED]


def test_limits(tenant: Client) -> None:
    """Three hundred rules at most; expressions together are limited too; the limits can be read."""
    assert tenant.row("Get-EtrLimits")["CurrentTransportRulesCount"] == 1
    tenant.rows("New-TransportRule", Name="r", SubjectMatchesPatterns=["p" * 7000])
    tenant.rows("New-TransportRule", Name="s", SubjectMatchesPatterns=["p" * 7000])
    assert "20480" in tenant.refused("New-TransportRule", Name="t", SubjectMatchesPatterns=["p" * 7000])
    tenant.sandbox.put("TransportRule", objects=[{"Name": f"r{number}", "Priority": number} for number in range(300)])
    assert "maximum number" in tenant.refused("New-TransportRule", Name="one more", SetSCL=1)


def test_references_at_other_objects(tenant: Client, team: str) -> None:
    """Recipients read back as addresses, outside ones too; a renamed connector is not followed unless the tenant says so."""
    made = tenant.row("New-TransportRule", Name="a", SentTo=["user0001", "someone@example.net"], AnyOfToHeaderMemberOf="team")
    assert (made["SentTo"], made["AnyOfToHeaderMemberOf"]) == (["user0001@example.com", "someone@example.net"], [team])
    tenant.rows("New-OutboundConnector", Name="out")
    tenant.rows(
        "Set-TransportRule", Identity="a", RouteMessageOutboundConnector=tenant.row("Get-OutboundConnector", Identity="out")["Guid"]
    )
    tenant.rows("Set-OutboundConnector", Identity="out", Name="away")
    assert tenant.row("Get-TransportRule", Identity="a")["RouteMessageOutboundConnector"] == "out"
    tenant.rows("Set-TransportRule", Identity="a", RouteMessageOutboundConnector="away")
    tenant.sandbox.parameters(rule_rename_follows_connector=True)
    tenant.rows("Set-OutboundConnector", Identity="away", Name="back")
    assert tenant.row("Get-TransportRule", Identity="a")["RouteMessageOutboundConnector"] == "back"
    tenant.sandbox.parameters(connector_in_use_refused=True)
    assert "uses it" in tenant.refused("Remove-OutboundConnector", Identity="back")


def test_rename_and_clear(tenant: Client) -> None:
    """A rule keeps its id over a new name; null and empty clear a predicate to null."""
    guid = tenant.row("New-TransportRule", Name="a", RecipientDomainIs=["example.com"], FromScope="InOrganization", Comments="c")["Guid"]
    tenant.rows("Set-TransportRule", Identity="a", Name="b", RecipientDomainIs=[], FromScope=None, Comments=None)
    row = tenant.row("Get-TransportRule", Identity=guid)
    assert (row["Identity"], row["RecipientDomainIs"], row["FromScope"], row["Comments"], row["Conditions"]) == (
        "b",
        None,
        None,
        None,
        None,
    )
    assert tenant.call("Get-TransportRule", Identity="a").status == 404


def test_dehydrated(tenant: Client) -> None:
    """A tenant that was never customised refuses rules and connectors until it is, once."""
    name = tenant.row("Get-OrganizationConfig")["Name"]
    tenant.sandbox.put("OrganizationConfig", identity=name, set={"IsDehydrated": True}, tenant=tenant.organization)
    for cmdlet in ("New-TransportRule", "New-OutboundConnector"):
        heard = tenant.call(cmdlet, Name="a")
        assert heard.kind == "InvalidOperationInDehydratedContextException"
        assert "Enable-OrganizationCustomization" in heard.error[2]
    assert tenant.row("Get-OrganizationConfig")["IsDehydrated"] is True
    tenant.rows("Enable-OrganizationCustomization")
    assert tenant.row("Get-OrganizationConfig")["IsDehydrated"] is False
    tenant.rows("New-TransportRule", Name="a", SetSCL=1)
    assert tenant.call("Enable-OrganizationCustomization").status == 400
