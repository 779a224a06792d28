# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With the scope organization, what a set-up writes is the published method, call by call; every difference is named here.

The method: "Configure Coexistence Mail Routing without a Secondary Routing Domain", a field article of 2015.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.coexistence import variables
from harness.play import Player
from harness.tenant import Sandbox

CONNECTOR = "Shared Name Space with External Entity TRSC"
MARK = "[mailops.exchange example.com]"
METHOD: list[tuple[str, dict[str, Any]]] = [
    ("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"}),
    ("New-DistributionGroup", {"Name": "Migrated Users", "PrimarySmtpAddress": "Migrated@example.com"}),
    (
        "New-OutboundConnector",
        {
            "Enabled": True,
            "ConnectorType": "Partner",
            "AllAcceptedDomains": False,
            "IsTransportRuleScoped": True,
            "Name": CONNECTOR,
            "CloudServicesMailEnabled": False,
            "Comment": "TransportRule Scoped Connector for shared namespace example.com",
            "TlsSettings": None,
            "TlsDomain": None,
            "UseMXRecord": False,
            "RecipientDomains": None,
            "SmartHosts": ["192.0.2.10"],
        },
    ),
    (
        "New-TransportRule",
        {
            "SentToScope": "InOrganization",
            "RouteMessageOutboundConnector": CONNECTOR,
            "ExceptIfSentToMemberOf": ["migrated@example.com"],
            "Name": "Coexistence",
            "StopRuleProcessing": False,
            "Mode": "Enforce",
            "Comments": "Redirect in-org mail to Foreign Server except for members of a specific group",
            "RuleErrorAction": "Ignore",
            "SenderAddressLocation": "Header",
            "SetSCL": -1,
        },
    ),
    (
        "New-TransportRule",
        {
            "SenderIpRanges": ["192.0.2.10"],
            "Name": "Inbound from Shared Namespace",
            "StopRuleProcessing": False,
            "RuleErrorAction": "Ignore",
            "SenderAddressLocation": "Header",
            "SetSCL": -1,
        },
    ),
]
FORMER = r'"former":\{"example\.com":"Authoritative"\}'
# When the group is seeded, which later steps wait for.
MOVED = r'"moved":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"'
# Parameters that are written besides: the mark where the method has no text, and the exceptions that spare other domains
# and what lives in the tenant but cannot be a member.
BESIDES: list[dict[str, str]] = [
    {},
    {"Description": rf'\[mailops\.exchange example\.com\] \{{{FORMER},{MOVED},"mx":\{{\}},"stops":\{{\}}\}}'},
    {},
    {"ExceptIfRecipientDomainIs": r"(?s).*", "ExceptIfRecipientAddressMatchesPatterns": r"(?s).*"},
    {"Comments": re.escape(MARK)},
]
# Calls that are made besides: the validation of the connector, and the seed of the group.
MORE = {"Add-DistributionGroupMember", "Set-OutboundConnector", "Validate-OutboundConnector"}


def unmarked(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters without the mark that follows the method's own text, and without when a rule was planned."""
    mark = rf" {re.escape(MARK)}( made \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$"
    return {key: re.sub(mark, "", value) if isinstance(value, str) else value for key, value in parameters.items()}


def test_the_wire_of_a_set_up_is_the_method(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    extra = variables(tenant_folder) | {
        "coexistence_rule_scope": "organization",
        "coexistence_smart_hosts": "192.0.2.10",
        "coexistence_source_ip_ranges": "192.0.2.10",
    }
    run = player.run("mailops.exchange.setup", extra)
    assert run.code == 0, run.output
    writes = sandbox.writes()
    made = [(call["cmdlet"], call["parameters"]) for call in writes if call["cmdlet"] not in MORE]
    assert [call[0] for call in made] == [call[0] for call in METHOD]
    for (name, wanted), (_name, found), besides in zip(METHOD, made, BESIDES, strict=True):
        assert set(found) - set(wanted) == set(besides), name
        for key, pattern in besides.items():
            assert re.fullmatch(pattern, str(found[key])), (name, key)
        assert {key: unmarked(found)[key] for key in wanted} == wanted, name
    texts = [str(call["parameters"].get("Comment") or call["parameters"].get("Comments") or "") for call in writes]
    assert sum(MARK in text for text in texts) == 3
    exceptions = made[3][1]["ExceptIfRecipientDomainIs"]
    assert "example.com" not in exceptions
    assert {"tqhjy.onmicrosoft.com", "subdomain.example.com"} <= set(exceptions)


def test_the_default_scope_names_the_domains_and_no_scope(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    assert player.run("mailops.exchange.setup", variables(tenant_folder)).code == 0
    (rule,) = [call["parameters"] for call in sandbox.writes() if call["parameters"].get("Name") == "Coexistence"]
    assert rule["RecipientDomainIs"] == ["example.com"]
    assert rule["ExceptIfRecipientDomainIs"] == ["subdomain.example.com"]
    assert "SentToScope" not in rule
