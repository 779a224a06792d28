# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a tenant shows: which Get- calls a step needs, and their replies as typed values. One round of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, NotFound, Reply, Row, Session
from ansible_collections.mailops.exchange.plugins.module_utils._values import (
    address_key,
    as_list,
    bool_key,
    domain_key,
    fold,
    is_empty,
    number_key,
)

from ._checks import domain_of
from ._inputs import Inputs

ALL: Mapping[str, Any] = {"ResultSize": "Unlimited"}
# What mail to it is expanded to others before rules look at recipients.
EXPANDED = frozenset(
    {"mailuniversaldistributiongroup", "mailuniversalsecuritygroup", "mailnonuniversalgroup", "roomlist", "dynamicdistributiongroup"}
)
# What can never be a member of a distribution group.
NO_MEMBERS = frozenset({"groupmailbox", "publicfolder", "dynamicdistributiongroup"})
GROUPS = EXPANDED | {"groupmailbox"}
CONTACTS = frozenset({"mailuser", "mailcontact", "guestmailuser", "mailforestcontact"})

# What is asked of each of perhaps a hundred thousand recipients.
RECIPIENT_PROPERTIES = (
    "Identity",
    "Name",
    "Alias",
    "DisplayName",
    "Guid",
    "ExchangeObjectId",
    "ExternalDirectoryObjectId",
    "WindowsLiveID",
    "PrimarySmtpAddress",
    "EmailAddresses",
    "ExternalEmailAddress",
    "RecipientType",
    "RecipientTypeDetails",
)

STEPS_WITHOUT_RECIPIENTS = frozenset({"status", "restored"})
STEPS_WITHOUT_MEMBERS = frozenset({"restored"})


def cloud_mailbox(kind: str) -> bool:
    """Whether a RecipientTypeDetails, folded, is a mailbox of the tenant, of whatever kind: none that lies elsewhere (Remote…)."""
    return kind.endswith("mailbox") and not kind.startswith("remote")


@dataclass(frozen=True)
class Domain:
    """An accepted domain."""

    name: str
    type: str
    initial: bool
    coexistence: bool
    sending_to_disabled: bool


@dataclass(frozen=True)
class Thing:
    """A connector, a rule or a group: its name, GUID, the text that may bear our mark, and the row itself."""

    name: str
    guid: str
    comment: Any
    row: Row

    @property
    def synced(self) -> bool:
        """Mastered on premises: the tenant refuses writes."""
        return bool_key(self.row.get("IsDirSynced") or False) is True

    @property
    def enabled(self) -> bool:
        """Acts: a connector's Enabled, a rule's State."""
        return bool_key(self.row.get("State", self.row.get("Enabled")) or False) is True

    @property
    def enforced(self) -> bool:
        """A rule that acts, and is no dry run (Mode Audit)."""
        return self.enabled and fold(self.row.get("Mode") or "Enforce") == "enforce"

    def folds(self, key: str) -> frozenset[str]:
        """The items of a property, folded, without `smtp:`."""
        return frozenset(str(address_key(item)) for item in as_list(self.row.get(key)))

    @property
    def priority(self) -> int:
        """A rule's place; 0 decides first."""
        key = number_key(self.row.get("Priority"))
        return key if isinstance(key, int) else 0


@dataclass(frozen=True)
class Recipient:
    """An object that takes mail. kind: RecipientTypeDetails, folded. ids: every GUID and the primary address, folded."""

    primary: str
    addresses: frozenset[str]
    kind: str
    external: str
    name: str
    alias: str
    ids: frozenset[str]
    row: Row = field(default_factory=dict, compare=False, repr=False)

    @property
    def shown(self) -> str:
        """How messages name it."""
        return self.primary or self.name

    @property
    def live(self) -> bool:
        """A mailbox of the tenant that takes mail and can be a member."""
        return cloud_mailbox(self.kind) and self.kind not in NO_MEMBERS


@dataclass(frozen=True)
class Snapshot:
    """A tenant at one moment. now: the service's clock. members: of the group; empty when there is no group.

    organization: its row of settings. directory: the recipients were read; without it there are none here.
    """

    now: str
    domains: Mapping[str, Domain]
    remote_internal: tuple[str, ...]
    connectors: tuple[Thing, ...]
    inbound: tuple[Thing, ...]
    rules: tuple[Thing, ...]
    groups: tuple[Thing, ...]
    members: tuple[Recipient, ...]
    recipients: tuple[Recipient, ...]
    dehydrated: bool
    organization: Row = field(default_factory=dict)
    directory: bool = True

    def group(self, address: str) -> Thing | None:
        """The distribution group that holds an address."""
        return next((group for group in self.groups if fold(address) in addresses_of(group.row)), None)


def calls(inputs: Inputs, step: str) -> dict[str, Cmdlet]:
    """The reads of a step, by the name under which build() expects their answers."""
    reads = {
        "domains": Cmdlet("Get-AcceptedDomain", ALL),
        "organization": Cmdlet("Get-OrganizationConfig"),
        "remote": Cmdlet("Get-RemoteDomain", ALL),
        "connectors": Cmdlet("Get-OutboundConnector", ALL),
        "test_connectors": Cmdlet("Get-OutboundConnector", {**ALL, "IncludeTestModeConnectors": True}),
        "inbound": Cmdlet("Get-InboundConnector", ALL),
        "rules": Cmdlet("Get-TransportRule", ALL),
        "group_by_name": Cmdlet("Get-DistributionGroup", {"Identity": inputs.text("group_name")}),
        "group_by_address": Cmdlet("Get-DistributionGroup", {"Identity": inputs.group_address}),
    }
    if step not in STEPS_WITHOUT_MEMBERS:
        reads["members"] = Cmdlet("Get-DistributionGroupMember", {"Identity": inputs.group_address, **ALL})
    if step not in STEPS_WITHOUT_RECIPIENTS:
        reads["recipients"] = Cmdlet("Get-Recipient", ALL, RECIPIENT_PROPERTIES)
    return reads


MAY_LACK = frozenset({"group_by_name", "group_by_address", "members"})


def take(session: Session, inputs: Inputs, step: str) -> Snapshot:
    """Read a tenant for a step; raises the ExchangeError of any read that failed, and never takes it for "absent"."""
    reads = calls(inputs, step)
    answers: dict[str, Reply] = {}
    for name, answer in zip(reads, session.call_many(list(reads.values())), strict=True):
        if isinstance(answer, Reply):
            answers[name] = answer
        elif not (isinstance(answer, NotFound) and name in MAY_LACK):
            raise answer
    return build(inputs, answers)


def build(inputs: Inputs, answers: Mapping[str, Reply]) -> Snapshot:
    """The typed snapshot of these answers; a name that is missing had nothing to show."""

    def rows(name: str) -> list[Row]:
        return answers[name].rows if name in answers else []

    groups = _groups(inputs, [*rows("group_by_name"), *rows("group_by_address")])
    held = any(fold(inputs.group_address) in addresses_of(group.row) for group in groups)
    recipients = tuple(recipient(row) for row in rows("recipients"))
    return Snapshot(
        now=max((answer.date for answer in answers.values()), default=""),
        domains={found.name: found for found in map(_domain, rows("domains"))},
        remote_internal=tuple(
            str(domain_key(row.get("DomainName"))) for row in rows("remote") if bool_key(row.get("IsInternal") or False) is True
        ),
        connectors=_things([*rows("connectors"), *rows("test_connectors")], "Comment"),
        inbound=_things(rows("inbound"), "Comment"),
        rules=tuple(sorted(_things(rows("rules"), "Comments"), key=lambda rule: rule.priority)),
        groups=groups,
        members=_members(rows("members"), recipients) if held else (),
        recipients=recipients,
        dehydrated=any(bool_key(row.get("IsDehydrated") or False) is True for row in rows("organization")),
        organization=next(iter(rows("organization")), {}),
        directory="recipients" in answers,
    )


def _domain(row: Row) -> Domain:
    return Domain(
        name=str(domain_key(row.get("DomainName") or row.get("Name"))),
        type=str(row.get("DomainType") or ""),
        initial=bool_key(row.get("InitialDomain") or False) is True,
        coexistence=bool_key(row.get("IsCoexistenceDomain") or False) is True,
        sending_to_disabled=bool_key(row.get("SendingToDomainDisabled") or False) is True,
    )


def _things(rows: Iterable[Row], comment: str) -> tuple[Thing, ...]:
    """Each object once: two reads can show the same one."""
    found: dict[str, Thing] = {}
    for row in rows:
        name = str(row.get("Name") or row.get("Identity") or "")
        guid = fold(row.get("Guid") or row.get("ExchangeObjectId") or name)
        found.setdefault(guid, Thing(name, guid, row.get(comment), row))
    return tuple(found.values())


def _groups(inputs: Inputs, rows: Sequence[Row]) -> tuple[Thing, ...]:
    """Only rows that bear the asked name or address: an unknown identity can return every group."""
    name, address = fold(inputs.text("group_name")), fold(inputs.group_address)
    asked = [row for row in rows if fold(row.get("Name")) == name or address in addresses_of(row)]
    return _things(asked, "Description")


def addresses_of(row: Row) -> frozenset[str]:
    """Every SMTP address of a recipient's row, folded, without prefix."""
    found = {fold(row["PrimarySmtpAddress"])} if not is_empty(row.get("PrimarySmtpAddress")) else set()
    for entry in as_list(row.get("EmailAddresses")):
        prefix, colon, rest = str(entry).partition(":")
        if not colon or prefix.casefold() == "smtp":
            found.add(fold(rest if colon else prefix))
    return frozenset(found)


def recipient(row: Row) -> Recipient:
    """A row of Get-Recipient or of Get-DistributionGroupMember."""
    primary = "" if is_empty(row.get("PrimarySmtpAddress")) else fold(row["PrimarySmtpAddress"])
    keys = ("Guid", "ExchangeObjectId", "ExternalDirectoryObjectId", "WindowsLiveID")
    ids = {fold(row[key]).strip("{}") for key in keys if not is_empty(row.get(key))} | ({primary} if primary else set())
    kind = row.get("RecipientTypeDetails") or row.get("RecipientType") or ""
    external = row.get("ExternalEmailAddress")
    return Recipient(
        primary=primary,
        addresses=addresses_of(row),
        kind=fold(kind),
        external="" if is_empty(external) else str(address_key(external)),
        name=str(row.get("DisplayName") or row.get("Name") or row.get("Identity") or ""),
        alias=fold(row.get("Alias") or ""),
        ids=frozenset(ids),
        row=row,
    )


def _members(rows: Sequence[Row], recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Members as full recipients where the directory shows them: a member's own row may lack addresses and details."""
    directory = {identity: found for found in recipients for identity in found.ids}
    members = []
    for row in rows:
        member = recipient(row)
        members.append(next((directory[identity] for identity in sorted(member.ids) if identity in directory), member))
    return tuple(members)


def holders(snapshot: Snapshot) -> dict[str, list[Recipient]]:
    """Every address with the recipients that hold it."""
    found: dict[str, list[Recipient]] = {}
    for holder in snapshot.recipients:
        for address in holder.addresses:
            found.setdefault(address, []).append(holder)
    return found


def routing_domain(inputs: Inputs, snapshot: Snapshot) -> tuple[str, str]:
    """The domain of the routing addresses and why it is that one, or an empty one and what is missing. Read, never computed."""
    if inputs.routing_domain:
        known = inputs.routing_domain in snapshot.domains
        return (inputs.routing_domain, "declared") if known else ("", f"'{inputs.routing_domain}' is no accepted domain of the tenant")
    hybrid = sorted(name for name, domain in snapshot.domains.items() if domain.coexistence)
    initial = sorted(name for name, domain in snapshot.domains.items() if domain.initial)
    for names, why in ((hybrid, "the tenant's coexistence domain"), (initial, "the tenant's initial domain")):
        if len(names) == 1:
            return names[0], why
        if names:
            return "", f"{', '.join(names)} are all {why.removeprefix('the ')}s; name one in coexistence_routing_domain"
    return "", "the tenant shows neither a coexistence domain nor an initial domain"


def routing_address(found: Recipient, domain: str) -> str:
    """The recipient's address in the routing domain; the one that begins with its alias or primary name first; empty for none."""
    own = sorted(address for address in found.addresses if domain_of(address) == domain)
    for local in (found.alias, found.primary.partition("@")[0]):
        if f"{local}@{domain}" in own:
            return f"{local}@{domain}"
    return own[0] if own else ""
