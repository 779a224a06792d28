# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the router looks at and what it answers. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .addresses import domain_of, normal, without_tag
from .readings import Facts

Row = Mapping[str, Any]
MAILBOX, MAIL_USER, GROUP, DYNAMIC, UNIFIED, FOLDER = "mailbox", "mail_user", "group", "dynamic", "unified", "folder"
LOCAL = frozenset({MAILBOX, UNIFIED, FOLDER})


@dataclass(frozen=True)
class Domain:
    """An accepted domain."""

    name: str
    authoritative: bool = True
    subdomains: bool = False
    receives: bool = True


@dataclass(frozen=True)
class Entry:
    """A recipient object. ``addresses`` hold the primary one too; ``external`` is a mail user's or contact's target."""

    key: str
    kind: str
    primary: str
    addresses: frozenset[str] = frozenset()
    external: str = ""
    forward_to: str = ""  # key of the object that ForwardingAddress names
    forward_smtp: str = ""
    keep_copy: bool = False
    authenticated_only: bool = False
    members: tuple[str, ...] = ()  # of a group, as it expands now: keys
    attributes: Row = field(default_factory=dict)


@dataclass
class Directory:
    """One tenant as transport sees it at one moment. ``acting_members`` are groups as rules see them, by lower-case name or address."""

    organization: str
    domains: dict[str, Domain] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    acting_groups: dict[str, str] = field(default_factory=dict)  # name, address, id of a group in lower case: its key
    acting_members: dict[str, frozenset[str]] = field(default_factory=dict)  # key of a group: keys of its members
    rules: list[Row] = field(default_factory=list)
    outbound: list[Row] = field(default_factory=list)
    inbound: list[Row] = field(default_factory=list)
    remote: list[Row] = field(default_factory=list)
    reject_direct_send: bool = False
    plus_addressing: bool = True
    honor_dmarc: bool = True
    auto_forwarding: bool = False  # AutoForwardingMode On; Automatic means Off
    trusted_sealers: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    now: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
    by_address: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the addresses."""
        if not self.by_address:
            self.by_address = {
                address: entry.key for entry in self.entries.values() for address in (*entry.addresses, entry.primary) if address
            }

    def lookup(self, address: str) -> Entry | None:
        """Return the recipient that an address resolves to: as a proxy address, else without its plus tag."""
        wanted = normal(address)
        key = self.by_address.get(wanted)
        if key is None and self.plus_addressing:
            key = self.by_address.get(without_tag(wanted))
            if key is not None and self.entries[key].kind in (GROUP, DYNAMIC) and not self.facts.plus_groups:
                return None
        return None if key is None else self.entries[key]

    def accepted(self, domain: str) -> Domain | None:
        """Return the accepted domain that a domain belongs to: itself, or a parent that matches subdomains."""
        found = self.domains.get(domain)
        if found is not None:
            return found
        parents = [entry for entry in self.domains.values() if entry.subdomains and domain.endswith("." + entry.name)]
        return max(parents, key=lambda entry: len(entry.name), default=None)

    def inside(self, address: str) -> bool:
        """Say whether an address is an object of the tenant or lies in an accepted domain or an internal remote domain."""
        return self.lookup(address) is not None or self.inside_domain(domain_of(address))

    def inside_domain(self, domain: str) -> bool:
        """Say whether a domain is accepted, or a remote domain with IsInternal."""
        return self.accepted(domain) is not None or any(
            row.get("IsInternal") is True and _remote_fits(str(row.get("DomainName", "")).lower(), domain) for row in self.remote
        )

    def remote_domain(self, domain: str) -> Row | None:
        """Return the remote domain that decides for a domain: the closest one, else the default ``*``."""
        fitting = [row for row in self.remote if _remote_fits(str(row.get("DomainName", "")).lower(), domain)]
        return max(fitting, key=lambda row: len(str(row.get("DomainName"))), default=None)


def _remote_fits(pattern: str, domain: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return domain == pattern[2:] or domain.endswith(pattern[1:])
    return domain == pattern


@dataclass(frozen=True)
class Session:
    """Where a message came from: the last hop's address as the service sees it, and whether the sender signed in."""

    ip: str = "198.51.100.1"
    authenticated: bool = False
    certificate: str = ""


@dataclass(frozen=True)
class Message:
    """A message as the router sees it. ``sender`` "" is the null sender; ``kind``: mail, ndr, oof, journal, calendar."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    session: Session = Session()
    kind: str = "mail"
    header_from: str = ""
    subject: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    size: int = 0
    entries: int = 1

    def header(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def from_address(self) -> str:
        """Return the header sender, else the envelope's."""
        return normal(self.header_from or self.sender)


@dataclass(frozen=True)
class Step:
    """One event for the trace: name as the service spells it, what happened, and more details."""

    event: str
    detail: str
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """An answer to RCPT or DATA: the reply line."""

    reply: str

    @property
    def status(self) -> str:
        """Return the enhanced status code."""
        return self.reply.split(" ", 2)[1]


# What can become of one recipient.
PLACE, SEND, BOUNCE, LOOP, DROP, WAIT = "place", "send", "bounce", "loop", "drop", "wait"


@dataclass(frozen=True)
class Leg:
    """The decision for one recipient. ``asked``: the recipient that the sender wrote; ``address``: who it goes to now."""

    action: str
    asked: str
    address: str
    key: str = ""  # PLACE: the recipient object
    connector: str = ""  # SEND: by this connector, else by MX
    hosts: tuple[str, ...] = ()  # SEND: smart hosts; none: MX of the address's domain
    status: str = ""  # BOUNCE, LOOP
    reason: str = ""
    steps: tuple[Step, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # set
    removed: tuple[str, ...] = ()
    scl: int | None = None
    forwarded: bool = False  # a mailbox forward sends it


Lookup = Callable[[str, str], list[str]]  # (name, record type) -> texts
