# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a prediction reads beyond the snapshot of a step, and how each row becomes a value of the world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import (
    address_key,
    as_list,
    bool_key,
    domain_key,
    fold,
    host_key,
    is_empty,
    number_key,
    parse_date,
)

from ._snapshot import ALL, Recipient, Thing, addresses_of, cloud_mailbox
from ._world import DYNAMIC, EXPANDED, MAILBOXES, Accepted, Connector, Inbound, Party, Policies, Predicate, Rule

MAILBOX = ("PrimarySmtpAddress", "EmailAddresses", "ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward")
FORWARDS = (*MAILBOX, "Guid", "ExchangeObjectId", "ExternalDirectoryObjectId")

# By the name under which world_of() expects the rows.
CALLS: Mapping[str, Cmdlet] = {
    "domains": Cmdlet("Get-AcceptedDomain", ALL),
    "organization": Cmdlet("Get-OrganizationConfig"),
    "phishing": Cmdlet("Get-AntiPhishPolicy"),
    "spam": Cmdlet("Get-HostedOutboundSpamFilterPolicy"),
    "sealers": Cmdlet("Get-ArcConfig"),
    "mailboxes": Cmdlet("Get-Mailbox", ALL, select=FORWARDS),
    "groups": Cmdlet("Get-DistributionGroup", ALL),
    "dynamic_groups": Cmdlet("Get-DynamicDistributionGroup", ALL),
}
# Members as the service counted them last, at most a day ago; those of the others as they are.
MEMBERS_OF_DYNAMIC, MEMBERS_OF_GROUP = "Get-DynamicDistributionGroupMember", "Get-DistributionGroupMember"

Rows = Mapping[str, Sequence[Row]]

ENDS: Mapping[str, tuple[str, ...]] = {
    "delete": ("DeleteMessage",),
    "quarantine": ("Quarantine",),
    "reject": (
        "RejectMessageReasonText",
        "RejectMessageEnhancedStatusCode",
        "SmtpRejectMessageRejectText",
        "SmtpRejectMessageRejectStatusCode",
        "Disconnect",
    ),
    "moderate": ("ModerateMessageByUser", "ModerateMessageByManager"),
}
# What a rule does, or what it is: all else that says something is a condition or an exception.
_NO_PREDICATES = """
AddManagerAsRecipientType AddToRecipients ApplyClassification ApplyHtmlDisclaimerFallbackAction ApplyHtmlDisclaimerLocation
ApplyHtmlDisclaimerText ApplyOME ApplyRightsProtectionCustomizationTemplate ApplyRightsProtectionTemplate BlindCopyTo
Comments CopyTo DlpPolicy DlpPolicyId GenerateIncidentReport GenerateNotification IncidentReportContent
IncidentReportOriginalMail LogEventText Mode NotifySender PrependSubject Priority RecipientAddressType RedirectMessageTo
RemoveHeader RemoveOME RemoveOMEv2 RemoveRMSAttachmentEncryption RouteMessageOutboundConnector RouteMessageOutboundRequireTls
RuleErrorAction RuleSubType SenderAddressLocation SetAuditSeverity SetHeaderName SetHeaderValue SetSCL StopRuleProcessing
UseLegacyRegex Conditions Exceptions Actions Description Identity DistinguishedName Guid ImmutableId OrganizationId Name
IsValid WhenChanged WhenChangedUTC WhenCreated ObjectState State Enabled RuleVersion Size RegexSize CreatedBy LastModifiedBy
IsRuleConfigurationSupported RuleConfigurationUnsupportedReason ManuallyModified IsValidationResult ExchangeVersion
ExchangeObjectId HasSenderOverride ExceptIfHasSenderOverride HeaderContainsMessageHeader HeaderMatchesMessageHeader
ExceptIfHeaderContainsMessageHeader ExceptIfHeaderMatchesMessageHeader AdminDisplayName Id Xml Guidance MinimalClientVersion
"""
NO_PREDICATES = frozenset(_NO_PREDICATES.split()) | {name for names in ENDS.values() for name in names}
HEADERS = {"HeaderContainsWords": "HeaderContainsMessageHeader", "HeaderMatchesPatterns": "HeaderMatchesMessageHeader"}


def _says(row: Row, name: str) -> bool:
    value = row.get(name)
    return value is not False and not is_empty(value)


def _true(row: Row, name: str) -> bool:
    return bool_key(row.get(name) or False) is True


def _folds(row: Row, name: str) -> tuple[str, ...]:
    return tuple(str(address_key(item)) for item in as_list(row.get(name)))


def accepted(row: Row) -> Accepted:
    """A row of Get-AcceptedDomain."""
    return Accepted(
        str(domain_key(row.get("DomainName") or row.get("Name"))),
        fold(row.get("DomainType") or ""),
        subdomains=_true(row, "MatchSubDomains"),
        disabled=_true(row, "SendingToDomainDisabled"),
        initial=_true(row, "InitialDomain"),
    )


def rule(thing: Thing) -> Rule:
    """A row of Get-TransportRule, as it acts once it is settled."""
    row = thing.row
    changed = parse_date(row.get("WhenChanged"))
    kind = row.get("RecipientAddressType")
    return Rule(
        thing.name,
        priority=thing.priority,
        enabled=thing.enforced,
        conditions=tuple(_predicates(row, "")),
        exceptions=tuple(_predicates(row, "ExceptIf")),
        route=fold(row.get("RouteMessageOutboundConnector") or ""),
        stop=_true(row, "StopRuleProcessing"),
        ends=next((end for end, names in ENDS.items() if any(_says(row, name) for name in names)), ""),
        redirect=_folds(row, "RedirectMessageTo"),
        sets=(fold(row.get("SetHeaderName") or ""), fold(row.get("SetHeaderValue") or "")),
        removes=fold(row.get("RemoveHeader") or ""),
        scl="" if is_empty(row.get("SetSCL")) else str(number_key(row["SetSCL"])),
        original=None if is_empty(kind) else fold(kind) == "original",
        defer=fold(row.get("RuleErrorAction") or "") == "defer",
        since=changed.strftime("%Y-%m-%dT%H:%M:%SZ") if changed else "",
    )


def _predicates(row: Row, prefix: str) -> Iterable[Predicate]:
    for key in sorted(row):
        name = key.removeprefix(prefix)
        named = key.startswith("ExceptIf") == bool(prefix)
        if not named or key in NO_PREDICATES or name in NO_PREDICATES or "@" in key or not _says(row, key):
            continue
        partner = HEADERS.get(name)
        header = fold(row.get(prefix + partner) or "") if partner else ""
        yield Predicate(name, tuple(fold(item).removeprefix("smtp:") for item in as_list(row[key])), header)


def connector(thing: Thing) -> Connector:
    """A row of Get-OutboundConnector."""
    row = thing.row
    return Connector(
        fold(thing.name),
        enabled=thing.enabled and not _true(row, "TestMode"),
        use_mx=row.get("UseMXRecord") is not False,
        hosts=tuple(str(host_key(item)) for item in as_list(row.get("SmartHosts"))),
        domains=tuple(str(domain_key(item)) for item in as_list(row.get("RecipientDomains"))),
        scoped=_true(row, "IsTransportRuleScoped"),
        all_accepted=_true(row, "AllAcceptedDomains"),
    )


def inbound(thing: Thing) -> Inbound:
    """A row of Get-InboundConnector."""
    row = thing.row
    partner = fold(row.get("ConnectorType") or "Partner") == "partner"
    ip, name = _true(row, "RestrictDomainsToIPAddresses"), _true(row, "RestrictDomainsToCertificate")
    return Inbound(
        thing.name,
        enabled=thing.enabled,
        partner=partner,
        senders=tuple(str(domain_key(item)) for item in as_list(row.get("SenderDomains"))),
        ranges=tuple(fold(item) for item in as_list(row.get("SenderIPAddresses"))),
        certificate=fold(row.get("TlsSenderCertificateName") or ""),
        restrict="ip" if ip else "certificate" if name else "",
        internal=_true(row, "TreatMessagesAsInternal"),
        enhanced=_true(row, "EFSkipLastIP") or not is_empty(row.get("EFSkipIPs")),
    )


def policies(rows: Rows) -> Policies:
    """Settings of the organization; what was not read, or is not shown, is None."""
    organization = next(iter(rows.get("organization", ())), {})
    return Policies(
        reject_direct_send=_true(organization, "RejectDirectSend"),
        honor_dmarc=_honoured(rows),
        plus_addressing=_plus(organization),
        auto_forward=_auto_forward(rows),
    )


def _honoured(rows: Rows) -> bool | None:
    shown = [row for row in rows.get("phishing", ()) if "HonorDmarcPolicy" in row]
    default = [row for row in shown if _true(row, "IsDefault")] or shown
    return any(_true(row, "HonorDmarcPolicy") for row in default) if default else None


def _plus(organization: Row) -> bool | None:
    if not is_empty(organization.get("DisablePlusAddressInRecipients")):
        return not _true(organization, "DisablePlusAddressInRecipients")
    if not is_empty(organization.get("AllowPlusAddressInRecipients")):
        return _true(organization, "AllowPlusAddressInRecipients")
    return None


def _auto_forward(rows: Rows) -> bool | None:
    modes = {fold(row["AutoForwardingMode"]) == "on" for row in rows.get("spam", ()) if not is_empty(row.get("AutoForwardingMode"))}
    return modes.pop() if len(modes) == 1 else None


def members_call(rows: Rows, address: str) -> Cmdlet:
    """The call that shows the members of the group with an address. rows: answers to CALLS, which tell what is a dynamic group."""
    dynamic = any(address in addresses_of(row) for row in rows.get("dynamic_groups", ()))
    return Cmdlet(MEMBERS_OF_DYNAMIC if dynamic else MEMBERS_OF_GROUP, {"Identity": address, **ALL})


def identity(found: Recipient) -> str:
    """The id of an object in the world: its primary address where it has one, since one always reads the same."""
    return found.primary or min(found.ids, default=found.name)


def kind_of(kind: str) -> str:
    """The kind as prediction knows it: every further kind of cloud mailbox takes mail like a user's."""
    return "usermailbox" if cloud_mailbox(kind) and kind not in MAILBOXES else kind


def party(found: Recipient, more: Row, members: tuple[str, ...] | None) -> Party:
    """A recipient with its mailbox's or group's own row, where one was read."""
    forward = more.get("ForwardingAddress")
    smtp = more.get("ForwardingSmtpAddress")
    group = found.kind in EXPANDED
    # Whom a dynamic group lets in and leads to is known of those that were read; of no other either is.
    unread = found.kind == DYNAMIC and not more
    return Party(
        identity(found),
        found.primary,
        found.addresses | addresses_of(more),
        kind_of(found.kind),
        external=found.external,
        forward="" if is_empty(forward) else str(address_key(forward)),
        forward_smtp="" if is_empty(smtp) else str(address_key(smtp)),
        keep=_true(more, "DeliverToMailboxAndForward"),
        members=None if unread else members if group else (),
        outsiders=unread or (group and bool(more) and not _closed(more)),
    )


def _closed(more: Row) -> bool:
    value: Any = more.get("RequireSenderAuthenticationEnabled")
    return True if is_empty(value) else bool_key(value) is True
