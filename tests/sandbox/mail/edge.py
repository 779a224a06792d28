# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant's edge: what is refused at RCPT and at DATA. Pure."""

from __future__ import annotations

import re

from .addresses import domain_of, in_ranges, matches_pattern, normal
from .model import DYNAMIC, FOLDER, Directory, Lookup, Message, Refusal, Row, Session
from .predicates import texts
from .sender_checks import check

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
ADDRESS = re.compile(r"\[(\d+\.\d+\.\d+\.\d+)\]")


def inbound_connector(directory: Directory, session: Session, sender: str) -> Row | None:
    """Return the enabled inbound connector that a connection is attributed to: by certificate or by address, for the sender's domain."""
    domain = domain_of(normal(sender))
    for row in directory.inbound:
        if not row.get("Enabled", True) or not _sender_fits(row, domain):
            continue
        name = str(row.get("TlsSenderCertificateName") or "")
        if name and session.certificate and matches_pattern(session.certificate.lower(), name.lower()):
            return row
        if in_ranges(session.ip, texts(row.get("SenderIPAddresses"))):
            return row
    return None


def _sender_fits(row: Row, domain: str) -> bool:
    wanted = [text.lower().removeprefix("smtp:").partition(";")[0] for text in texts(row.get("SenderDomains"))]
    return any(matches_pattern(domain, pattern) for pattern in wanted) or (not domain and "*" in wanted)


def _restricted(directory: Directory, session: Session, sender: str) -> str:
    """Return the name of a Partner connector that keeps a sender's domain for other addresses or certificates, or ""."""
    domain = domain_of(normal(sender))
    for row in directory.inbound:
        if not row.get("Enabled", True) or str(row.get("ConnectorType", "Partner")) != "Partner" or not _sender_fits(row, domain):
            continue
        if row.get("RestrictDomainsToIPAddresses") and not in_ranges(session.ip, texts(row.get("SenderIPAddresses"))):
            return str(row["Name"])
        name = str(row.get("TlsSenderCertificateName") or "").lower()
        if row.get("RestrictDomainsToCertificate") and not (name and matches_pattern(session.certificate.lower(), name)):
            return str(row["Name"])
    return ""


def treated_as_internal(directory: Directory, session: Session, sender: str) -> bool:
    """Say whether a connection counts as the organisation's own: an OnPremises connector that treats its messages as internal."""
    found = inbound_connector(directory, session, sender)
    return found is not None and str(found.get("ConnectorType")) == "OnPremises" and bool(found.get("TreatMessagesAsInternal"))


def rcpt(directory: Directory, session: Session, sender: str, recipient: str) -> Refusal | None:
    """Answer RCPT: None accepts. A signed-in sender may write to anybody; what is unknown comes back as a report."""
    if session.authenticated:
        return None
    address = normal(recipient)
    domain = directory.accepted(domain_of(address))
    if domain is None:
        return Refusal("550 5.7.64 TenantAttribution; Relay Access Denied")
    if (
        sender
        and directory.accepted(domain_of(normal(sender))) is not None
        and directory.reject_direct_send
        and inbound_connector(directory, session, sender) is None
    ):
        return Refusal("550 5.7.68 TenantInboundDirectSend; Direct Send not allowed for this organization from unauthorized sources")
    kept = _restricted(directory, session, sender)
    if kept:
        return Refusal(f"550 5.7.51 TenantInboundAttribution; The partner connector {kept} keeps the sender's domain for other hosts")
    if not domain.receives:
        return Refusal(f"550 5.7.1 The domain {domain.name} doesn't take mail (SendingToDomainDisabled)")
    if domain.authoritative and not _known_at_the_edge(directory, address):
        return Refusal("550 5.4.1 Recipient address rejected: Access denied")
    return None


def data(directory: Directory, message: Message, lookup: Lookup) -> Refusal | None:
    """Answer DATA: None accepts. DMARC is honoured where the recipient domain's MX is the tenant (which domain: a reading)."""
    if message.session.authenticated or not directory.honor_dmarc or not message.from_address:
        return None
    if _trusted(directory, message):
        return None
    if not any(_honoured(directory, recipient, lookup) for recipient in message.recipients):
        return None
    verdict = check(message, lookup, _seen_ip(directory, message))
    if not verdict.rejects:
        return None
    return Refusal(
        f"550 5.7.509 Access denied, sending domain {domain_of(message.from_address)} does not pass DMARC verification "
        "and has a DMARC policy of reject."
    )


def _known_at_the_edge(directory: Directory, address: str) -> bool:
    """Say whether the edge has heard of a recipient; under one reading it knows neither public folders nor dynamic groups."""
    entry = directory.lookup(address)
    return entry is not None and not (directory.facts.edge_directory == "partial" and entry.kind in (FOLDER, DYNAMIC))


def _trusted(directory: Directory, message: Message) -> bool:
    """Say whether the message comes by a hybrid connector, or a trusted sealer vouches for it."""
    connector = inbound_connector(directory, message.session, message.sender)
    if (
        connector is not None
        and str(connector.get("ConnectorType")) == "OnPremises"
        and (connector.get("TreatMessagesAsInternal") or connector.get("CloudServicesMailEnabled"))
    ):
        return True
    seals = " ".join(message.header("ARC-Seal")).lower()
    return any(f"d={name.lower()};" in seals for name in directory.trusted_sealers)


def _honoured(directory: Directory, recipient: str, lookup: Lookup) -> bool:
    domain = domain_of(normal(recipient))
    if directory.facts.dmarc_domain == "shared":
        entry = directory.lookup(recipient)
        domain = domain_of(entry.primary) if entry is not None and entry.primary else domain
    return any(is_tenant_mx(host.split()[-1]) for host in lookup(domain, "MX"))


def is_tenant_mx(host: str) -> bool:
    """Say whether a mail exchanger's name is the service's."""
    name = host.rstrip(".").lower()
    return name.endswith((".mail.protection.outlook.com", ".mx.microsoft"))


def _seen_ip(directory: Directory, message: Message) -> str:
    """Return the address that SPF looks at: the last hop, or the one before it under enhanced filtering."""
    ip = message.session.ip
    connector = inbound_connector(directory, message.session, message.sender)
    if connector is None:
        return ip
    skip = texts(connector.get("EFSkipIPs"))
    if not connector.get("EFSkipLastIP") and not in_ranges(ip, skip):
        return ip
    users = [normal(text) for text in texts(connector.get("EFUsers"))]
    if users and not any(normal(recipient) in users for recipient in message.recipients):
        return ip
    earlier = [match.group(1) for value in message.header("Received") if (match := ADDRESS.search(value))]
    earlier = [found for found in earlier if not in_ranges(found, PRIVATE)]
    if connector.get("EFSkipLastIP"):
        return earlier[0] if earlier else ip
    return next((found for found in earlier if not in_ranges(found, skip)), ip)
