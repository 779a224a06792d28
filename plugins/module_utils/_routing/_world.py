# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Everything that decides a route: the tenant as it acts now, the foreign systems, and what DNS says. Values only.

Addresses, domains and kinds are folded. A change that may not act yet stands beside what it replaces, so that both can
be predicted: Rule.was, World.moving, Mx.before.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ._checks import domain_of

AUTHORITATIVE, INTERNAL_RELAY = "authoritative", "internalrelay"
MAILBOXES = frozenset({"usermailbox", "sharedmailbox", "roommailbox", "equipmentmailbox", "groupmailbox", "publicfolder"})
POINTERS = frozenset({"mailuser", "mailcontact", "guestmailuser", "mailforestcontact"})
DYNAMIC = "dynamicdistributiongroup"
EXPANDED = frozenset({"mailuniversaldistributiongroup", "mailuniversalsecuritygroup", "mailnonuniversalgroup", "roomlist", DYNAMIC})
# What a foreign host does. reject, relay, catch_all: with an address that it does not know.
# reject_own_domain: it refuses its own domains as sender when the mail comes from elsewhere.
# local_only: mail handed in on the host itself lands in the old mailbox, forwards and MX left aside.
# keep_copy: every forward keeps a copy. rate_limited: it puts mail of the tenant off when there is much of it.
# follows_mx: it hands mail for its own domains to a foreign MX. footer: it changes bodies, which breaks DKIM.
MODES = frozenset({"reject", "relay", "catch_all", "reject_own_domain", "local_only", "keep_copy", "rate_limited", "follows_mx", "footer"})
TENANT, INTERNET = "tenant", "internet"


@dataclass(frozen=True)
class Accepted:
    """An accepted domain. type: `authoritative` or `internalrelay`."""

    name: str
    type: str = INTERNAL_RELAY
    subdomains: bool = False
    disabled: bool = False
    initial: bool = False


@dataclass(frozen=True)
class Party:
    """A recipient object of the tenant.

    external: where a mail user or contact leads. forward: the id or an address of ForwardingAddress, or a name that denotes nobody or
    several, of which nobody can tell where it leads; it wins over forward_smtp. keep: the mailbox gets its copy of forwarded mail too.
    members: ids; None where nobody knows them. outsiders: a group takes mail of unauthenticated senders.
    """

    id: str
    primary: str
    addresses: frozenset[str]
    kind: str = "usermailbox"
    external: str = ""
    forward: str = ""
    forward_smtp: str = ""
    keep: bool = False
    members: tuple[str, ...] | None = ()
    outsiders: bool = False


@dataclass(frozen=True)
class Predicate:
    """A condition or exception of a rule by the cmdlet's name without ExceptIf. header: of a header predicate."""

    name: str
    values: tuple[str, ...]
    header: str = ""

    def __str__(self) -> str:
        values = ", ".join(self.values[:3]) + (", ..." if len(self.values) > 3 else "")
        return f"{self.name} {self.header + ': ' if self.header else ''}{values}"


@dataclass(frozen=True)
class Rule:
    """A transport rule. ends: `delete`, `reject`, `quarantine`, `moderate` or nothing.

    original: RecipientAddressType Original; None where the tenant does not show it. was: how it acted before a change
    that may not act yet, with until: when it surely does. A rule that is new has a disabled one before it. edited: the change may
    have been one of its conditions or exceptions, which the service does not show: before it the rule may have acted on any message.
    """

    name: str
    priority: int = 0
    enabled: bool = True
    conditions: tuple[Predicate, ...] = ()
    exceptions: tuple[Predicate, ...] = ()
    route: str = ""
    stop: bool = False
    ends: str = ""
    redirect: tuple[str, ...] = ()
    sets: tuple[str, str] = ("", "")
    removes: str = ""
    scl: str = ""
    original: bool | None = False
    defer: bool = False
    since: str = ""
    until: str = ""
    was: Rule | None = None
    edited: bool = False

    @property
    def otherwise(self) -> Rule:
        """The rule as it was, where its former conditions and exceptions let it act on the message at hand."""
        return replace(self, enabled=True, conditions=(), exceptions=(), was=None, edited=False)

    @property
    def decides(self) -> bool:
        """True when it can change where a message goes."""
        return bool(self.route or self.stop or self.ends or self.redirect or self.sets[0] or self.removes)

    def matters(self, read: frozenset[str]) -> bool:
        """The same; a header counts only where some rule reads it. read: those headers."""
        return bool(self.route or self.stop or self.ends or self.redirect or read & {self.sets[0], self.removes})


@dataclass(frozen=True)
class Connector:
    """An outbound connector. domains: RecipientDomains. all_accepted: it serves every accepted domain."""

    name: str
    enabled: bool = True
    use_mx: bool = False
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    scoped: bool = True
    all_accepted: bool = False


@dataclass(frozen=True)
class Inbound:
    """An inbound connector. restrict: `ip`, `certificate` or nothing. internal: TreatMessagesAsInternal."""

    name: str
    enabled: bool = True
    partner: bool = True
    senders: tuple[str, ...] = ("*",)
    ranges: tuple[str, ...] = ()
    certificate: str = ""
    restrict: str = ""
    internal: bool = False
    enhanced: bool = False


@dataclass(frozen=True)
class Address:
    """One address of a source's list. members: of a list, where they are known."""

    address: str
    kind: str = "mailbox"
    owner: str = ""
    home: str = "source"
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forward:
    """A mailbox of the source forwards to target; keep: and keeps a copy."""

    target: str
    keep: bool = False


@dataclass(frozen=True)
class Foreign:
    """A foreign system. addresses: its list; None when nobody gave one. ranges: what it sends from.

    modes: of MODES. off: it answers no more.
    """

    name: str
    domains: frozenset[str]
    hosts: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    certificate: str = ""
    addresses: Mapping[str, Address] | None = None
    forwards: Mapping[str, Forward] = field(default_factory=dict)
    modes: frozenset[str] = frozenset({"reject"})
    off: bool = False


@dataclass(frozen=True)
class Mx:
    """Who answers for a domain: `tenant`, a source's name, or another host. before: what some resolvers still hold.

    beside: further sides that its MX names, of whatever preference.
    ttl, held: seconds, at the domain's own name servers and the longest that a resolver holds its answer; None where nobody told.
    """

    holder: str
    before: str = ""
    until: str = ""
    beside: tuple[str, ...] = ()
    ttl: int | None = field(default=None, compare=False)
    held: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SenderDomain:
    """What a sender's domain publishes. reject: DMARC p=reject. hosts: whom SPF allows. dkim: it signs; None where nobody knows."""

    reject: bool = False
    hosts: frozenset[str] = frozenset({INTERNET})
    dkim: bool | None = True


@dataclass(frozen=True)
class Policies:
    """Settings of the organization. None: nobody knows, so every reading counts."""

    reject_direct_send: bool = False
    honor_dmarc: bool | None = True
    plus_addressing: bool | None = True
    auto_forward: bool | None = None
    trusted_sealers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class World:
    """All of it.

    group: an address of the group that says who is migrated (or, pending, who is not). moving: (group id, member id)
    of memberships whose change may not act yet, with the time by which it surely does. reads: where a person reads, by
    address, where it is known better than the forward tells. synced: addresses whose last sync is done. facts:
    readings that are known for this tenant. entries: how many entries of one message end it as a loop.
    """

    domains: Mapping[str, Accepted] = field(default_factory=dict)
    parties: tuple[Party, ...] = ()
    rules: tuple[Rule, ...] = ()
    connectors: tuple[Connector, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    sources: tuple[Foreign, ...] = ()
    mx: Mapping[str, Mx] = field(default_factory=dict)
    remote_internal: frozenset[str] = frozenset()
    policies: Policies = Policies()
    senders: Mapping[str, SenderDomain] = field(default_factory=dict)
    group: str = ""
    pending: bool = False
    moving: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    synced: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    entries: int = 3

    @cached_property
    def by_address(self) -> Mapping[str, Party]:
        """The object that holds an address; the first one by id where several claim it."""
        found: dict[str, Party] = {}
        for party in sorted(self.parties, key=lambda party: party.id, reverse=True):
            for address in party.addresses:
                found[address] = party
        return found

    @cached_property
    def by_id(self) -> Mapping[str, Party]:
        """Objects by id."""
        return {party.id: party for party in self.parties}

    @cached_property
    def members(self) -> Mapping[str, frozenset[str]]:
        """The direct members of each group with known ones, by id."""
        return {party.id: frozenset(party.members or ()) for party in self.parties if party.kind in EXPANDED}

    @cached_property
    def nested(self) -> Mapping[str, frozenset[str]]:
        """Per group the ids of everybody below its member groups."""
        return {group: self._below(group) for group in self.members}

    def _below(self, group: str) -> frozenset[str]:
        seen: set[str] = {group}
        found: set[str] = set()
        waiting = [member for member in self.members[group] if member in self.members]
        while waiting:
            inner = waiting.pop()
            if inner not in seen:
                seen.add(inner)
                found |= self.members[inner]
                waiting += [member for member in self.members[inner] if member in self.members]
        return frozenset(found)

    @cached_property
    def expanded(self) -> dict[Hashable, Any]:
        """What was worked out of its groups, kept by who does that."""
        return {}

    @cached_property
    def ordered(self) -> tuple[Rule, ...]:
        """Rules that can change a route, in the order in which they are asked; not those that only set a header that no rule reads."""
        states = [state for rule in self.rules for state in (rule, rule.was) if state]
        read = frozenset(one.header for state in states for one in (*state.conditions, *state.exceptions) if one.header)
        return tuple(sorted((rule for rule in self.rules if rule.matters(read) or (rule.was and rule.was.matters(read))), key=_place))

    @cached_property
    def shared(self) -> frozenset[str]:
        """Every domain that a source serves too."""
        return frozenset(domain for source in self.sources for domain in source.domains)

    @cached_property
    def headers(self) -> frozenset[str]:
        """Headers that some rule sets: what they hold is known."""
        states = [state for rule in self.rules for state in (rule, rule.was) if state]
        return frozenset(state.sets[0] for state in states if state.sets[0])

    def accepted(self, domain: str) -> Accepted | None:
        """The accepted domain that covers a domain: itself, or a parent that matches subdomains."""
        if domain in self.domains:
            return self.domains[domain]
        parents = _parents(domain)
        return next((self.domains[name] for name in parents if name in self.domains and self.domains[name].subdomains), None)

    def source_of(self, domain: str) -> Foreign | None:
        """The foreign system that serves a domain."""
        return next((source for source in self.sources if domain in source.domains), None)

    def connector(self, name: str) -> Connector | None:
        """A connector that is there and enabled."""
        return next((one for one in self.connectors if one.name == name and one.enabled), None)

    def party(self, identity: str) -> Party | None:
        """An object by id or by any of its addresses."""
        return self.by_id.get(identity) or self.by_address.get(identity)


def _place(rule: Rule) -> tuple[int, str]:
    return rule.priority, rule.name


def _parents(domain: str) -> Iterable[str]:
    parts = domain.split(".")
    return (".".join(parts[start:]) for start in range(1, len(parts)))


def plain(address: str) -> str:
    """An address without its plus part; the same when it has none."""
    local, _unused, _domain = address.partition("@")
    base = local.partition("+")[0]
    return f"{base}@{domain_of(address)}" if base and base != local else address
