# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value for every option, made from its row in the table, so that a new row is tested without a line here."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils import _values as v
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property

GROUP, OTHER_GROUP, CONNECTOR = "samples@example.com", "more-samples@example.com", "Samples out"
PERSON, OTHER = "user0001@example.com", "user0002@example.com"

# Options whose values only their own cmdlet knows.
OWN: dict[tuple[str, str], Any] = {
    ("TransportRule", "Name"): "Another name",
    ("TransportRule", "Priority"): 0,
    ("TransportRule", "Enabled"): False,
    ("TransportRule", "RejectMessageEnhancedStatusCode"): "5.7.100",
    ("TransportRule", "SmtpRejectMessageRejectStatusCode"): "550",
    ("OutboundConnector", "Name"): "Another name",
    ("OutboundConnector", "ConnectorSource"): "Migrated",
    ("OutboundConnector", "LinkForModifiedConnector"): "0b6c7f3a-8a74-4dd0-a3f5-2f0f5a5d8f00",
    ("InboundConnector", "Name"): "Another name",
    ("InboundConnector", "ConnectorSource"): "HybridWizard",
    ("InboundConnector", "AssociatedAcceptedDomains"): ["example.com"],
    ("DistributionGroup", "Name"): "Another name",
    ("DistributionGroup", "Alias"): "another",
    ("DistributionGroup", "PrimarySmtpAddress"): "another@example.com",
    ("DistributionGroup", "WindowsEmailAddress"): "another@example.com",
    ("DistributionGroup", "EmailAddresses"): ["SMTP:another@example.com", "smtp:other@example.com"],
    ("DistributionGroup", "ManagedBy"): [OTHER],
    ("DistributionGroup", "MailTipTranslations"): ["de:Hallo"],
    ("AcceptedDomain", "DomainType"): "InternalRelay",
}
# What some options need beside them.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("OutboundConnector", "UseMXRecord"): {"smart_hosts": ["192.0.2.7"]},
    ("OutboundConnector", "AllAcceptedDomains"): {"connector_type": "OnPremises"},
    ("OutboundConnector", "RouteAllMessagesViaOnPremises"): {"connector_type": "OnPremises"},
    ("OutboundConnector", "SenderRewritingEnabled"): {"connector_type": "OnPremises"},
    ("OutboundConnector", "TlsDomain"): {"tls_settings": "DomainValidation"},
    ("TransportRule", "RouteMessageOutboundConnector"): {"sent_to_scope": "NotInOrganization"},
    ("InboundConnector", "TreatMessagesAsInternal"): {"connector_type": "OnPremises"},
    ("InboundConnector", "RestrictDomainsToCertificate"): {"tls_sender_certificate_name": "mail.partner.example"},
    ("InboundConnector", "RestrictDomainsToIPAddresses"): {"sender_ip_addresses": ["192.0.2.9"]},
}


def sample(noun: str, prop: Property, current: Any) -> Any:
    """A value that differs from what a new object shows."""
    if (noun, prop.parameter) in OWN:
        return OWN[noun, prop.parameter]
    if prop.choices:
        value = next(choice for choice in prop.choices if not prop.kind.same(choice, current))
        return [value] if prop.kind.many else value
    if prop.kind.ansible == "bool":
        return not prop.kind.keys(current)
    value = _one(prop)
    return [value] if prop.kind.many else value


def _one(prop: Property) -> Any:
    name = prop.parameter.removeprefix("ExceptIf")
    if "MemberOf" in name or name.endswith("DLMembers"):
        return GROUP
    by_key: dict[Callable[[Any], Hashable], str] = {
        v.address_key: PERSON,
        v.domain_key: "example.com",
        v.costed_domain_key: "partner.example",
        v.host_key: "192.0.2.8",
        v.range_key: "192.0.2.0/24",
        v.size_key: "10MB",
        v.date_key: "2030-01-31T12:00:00Z",
        v.number_key: "5",
        v.attribute_words_key: "Department:Sales,Support",
        v.tip_key: "Read this first",
    }
    if prop.kind.refers == "OutboundConnector":
        return CONNECTOR
    if name.endswith("ADAttributeMatchesPatterns"):
        return "Department:Sal.*"
    return by_key.get(prop.kind.key, "Sample")
