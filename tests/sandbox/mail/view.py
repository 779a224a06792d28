# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's store as the router sees it: current objects, acting rules and memberships, on the sandbox's clock."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from .. import dynamic, rows
from ..store import Row, Table
from ..tenant import Tenant
from .addresses import normal
from .model import DYNAMIC, FOLDER, GROUP, MAIL_USER, MAILBOX, UNIFIED, Directory, Domain, Entry
from .readings import Facts

KINDS = {
    "Mailbox": MAILBOX,
    "MailUser": MAIL_USER,
    "MailContact": MAIL_USER,
    "DistributionGroup": GROUP,
    "DynamicDistributionGroup": DYNAMIC,
    "UnifiedGroup": UNIFIED,
    "MailPublicFolder": FOLDER,
}
READ = ("AcceptedDomain", "OutboundConnector", "InboundConnector", "RemoteDomain", "OrganizationConfig")
Groups = tuple[dict[str, str], dict[str, frozenset[str]]]  # names of groups to keys, keys to members


class View:
    """Makes directories of one tenant; what did not change is not read again."""

    def __init__(self, tenant: Tenant) -> None:
        """Keep the tenant."""
        self._tenant = tenant
        self._mark = (-1, -1)
        self._table: Table | None = None
        self._changed = tenant.now()
        self._entries: dict[str, Entry] = {}
        self._addresses: dict[str, str] = {}
        self._settings: dict[str, list[Row]] = {}
        self._present: Groups = ({}, {})

    def directory(self, *, present: bool = False, share: float = 1.0) -> Directory:
        """Return the tenant as transport sees it now; ``present``: with the rules and members as they stand, not as they act.

        ``share``: of the latencies, as one server of several has it.
        """
        tenant, known = self._tenant, self._tenant.parameters
        self._refresh()
        settings = self._settings
        organization: Row = next(iter(settings["OrganizationConfig"]), {})
        moment = None if present else self._moment(known.membership_latency * share)
        names, members = self._present if moment is None else self._groups(moment)
        rules = (
            sorted(tenant.tables["TransportRule"].rows(), key=lambda row: int(row["Priority"])) if present else tenant.acting_rules(share)
        )
        return Directory(
            tenant.organization,
            {domain.name: domain for domain in map(_domain, settings["AcceptedDomain"])},
            self._entries,
            acting_groups=names,
            acting_members=members,
            rules=list(rules),
            outbound=list(settings["OutboundConnector"]),
            inbound=list(settings["InboundConnector"]),
            remote=list(settings["RemoteDomain"]),
            reject_direct_send=organization.get("RejectDirectSend") is True,
            plus_addressing=organization.get("DisablePlusAddressInRecipients") is not True,
            honor_dmarc=known.honor_dmarc,
            auto_forwarding=str(organization.get("AutoForwardingMode")) == "On",
            trusted_sealers=known.trusted_sealers,
            facts=Facts(**{entry.name: getattr(known, entry.name) for entry in fields(Facts)}),
            now=tenant.now(),
            by_address=self._addresses,
        )

    def _moment(self, latency: float) -> datetime | None:
        """Return the moment whose members act; None when nothing changed since then."""
        moment = self._tenant.now() - timedelta(seconds=latency)
        return moment if latency and moment < self._changed else None

    def _refresh(self) -> None:
        table = self._tenant.tables["Recipient"]
        mark = (self._tenant.writes, dynamic.period(self._tenant))
        if mark == self._mark and table is self._table:
            return
        self._mark, self._table, self._changed = mark, table, self._tenant.now()
        found = [row for row in table.rows() if row["_noun"] in KINDS and row.get("PrimarySmtpAddress")]
        self._entries = {row["_key"]: _entry(row, table, self._dynamic(row)) for row in found}
        self._addresses = {address: entry.key for entry in self._entries.values() for address in (*entry.addresses, entry.primary)}
        self._settings = {name: list(self._tenant.tables[name].rows()) for name in READ}
        self._present = self._groups(None)

    def _dynamic(self, row: Row) -> tuple[str, ...]:
        return tuple(one["_key"] for one in dynamic.members(self._tenant, row)) if row["_noun"] == dynamic.NOUN else ()

    def _groups(self, moment: datetime | None) -> Groups:
        names: dict[str, str] = {}
        members: dict[str, frozenset[str]] = {}
        for row in self._tenant.tables["Recipient"].rows(moment):
            if "_members" in row:
                members[row["_key"]] = frozenset(row["_members"])
            elif row["_noun"] == dynamic.NOUN:
                entry = self._entries.get(row["_key"])
                members[row["_key"]] = frozenset(entry.members if entry else ())
            else:
                continue
            names.update({normal(name): row["_key"] for name in rows.identities(row)})
        return names, members


def _domain(row: Row) -> Domain:
    return Domain(
        str(row["DomainName"]).lower(),
        str(row.get("DomainType", "Authoritative")) == "Authoritative",
        row.get("MatchSubDomains") is True,
        row.get("SendingToDomainDisabled") is not True,
    )


def _entry(row: Row, table: Table, refreshed: tuple[str, ...]) -> Entry:
    addresses = {normal(str(text)) for text in row.get("EmailAddresses") or () if str(text).lower().startswith("smtp:")}
    forward: Any = row.get("ForwardingAddress")
    goals = table.find(str(forward)) if forward else []
    kind = KINDS[row["_noun"]]
    return Entry(
        row["_key"],
        kind,
        normal(str(row["PrimarySmtpAddress"])),
        frozenset(addresses),
        external=normal(str(row.get("ExternalEmailAddress") or "")) if kind == MAIL_USER else "",
        forward_to=goals[0]["_key"] if goals else "",
        forward_smtp="" if goals else normal(str(row.get("ForwardingSmtpAddress") or "")),
        keep_copy=row.get("DeliverToMailboxAndForward") is True,
        authenticated_only=row.get("RequireSenderAuthenticationEnabled") is True,
        members=refreshed if kind == DYNAMIC else tuple(row.get("_members") or ()),
        attributes=row,
    )
