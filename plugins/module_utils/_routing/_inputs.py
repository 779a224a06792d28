# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What was declared: options and files to one checked value. Every problem at once, each one line with its remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError

from . import _checks as checks
from ._files import Entry, WaveUser, read_source_list, read_waves
from ._marks import COMMENT_LIMIT, mark
from ._options import FORWARDING, VARIABLES
from ._outside import Outside, outside_of

GUARDS = tuple(f"U{number}" for number in range(1, 33))
HOSTED = frozenset({"postfix", "zimbra", "cpanel"})
DOMAIN_TYPES = ("Authoritative", "InternalRelay")
SOURCE_KEYS = ("name", "domains", "smart_hosts", "source_ip_ranges", "forwarding_backend", "forwarding_host", "forwarding_options")


@dataclass(frozen=True)
class Source:
    """One foreign system. name: empty when it is the only one and needs none.

    forwarding_backend, forwarding_host: what keeps its forwards, and the inventory's name of the host; empty: as for all.
    forwarding_options: of the back end's module, where they differ from what the role source_forwarding says for all.
    """

    name: str
    domains: tuple[str, ...]
    smart_hosts: tuple[str, ...]
    source_ip_ranges: tuple[str, ...]
    forwarding_backend: str = ""
    forwarding_host: str = ""
    forwarding_options: Mapping[str, Any] = field(default_factory=dict)

    def named(self, base: str) -> str:
        """The name of this source's object: `NAME`, or `NAME (SOURCE)` when there are several."""
        return f"{base} ({self.name})" if self.name else base


@dataclass(frozen=True)
class Inputs:
    """Everything declared, converted. source_list: None when no file was given. wanted: every user of every wave."""

    raw: Mapping[str, Any]
    domains: tuple[str, ...]
    sources: tuple[Source, ...]
    source_list: Mapping[str, Entry] | None
    waves: tuple[WaveUser, ...]
    users: tuple[WaveUser, ...]
    group_address: str
    group_owners: tuple[str, ...]
    validation_recipients: tuple[str, ...]
    routing_domain: str
    rule_scl: int | None
    rule_priority: int | None
    tenant_addresses: tuple[str, ...]
    final_domain_type: str
    accepted: frozenset[str]
    outside: Outside = field(default_factory=Outside)
    probe_senders: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """An option that needs no conversion."""
        return str(self.raw[name])

    @cached_property
    def named(self) -> tuple[frozenset[str], frozenset[str]]:
        """The addresses by which this run names its users, and those by which the waves name theirs."""
        return frozenset(user.address for user in self.users), frozenset(user.address for user in self.waves)

    @cached_property
    def listed_domains(self) -> frozenset[str]:
        """The domains of which the source list holds an address or a catch-all."""
        return frozenset(checks.domain_of(address) for address in self.source_list or ())

    def source_of(self, domain: str) -> Source | None:
        """The foreign system that keeps a domain; None for a domain of nobody."""
        return next((source for source in self.sources if domain in source.domains), None)

    def validated_by(self, source: Source) -> tuple[str, ...]:
        """The validation recipients for a source's connector: not those in the domains of another, which would refuse them."""
        others = {domain for one in self.sources if one != source for domain in one.domains}
        return tuple(address for address in self.validation_recipients if checks.domain_of(address) not in others)

    @property
    def waves_name(self) -> str:
        """The waves file's name for messages."""
        return str(self.raw.get("waves_file") or "users")

    @property
    def literal(self) -> bool:
        """True when the method's own parameters are written, without a scope of domains."""
        return self.text("rule_scope") == "organization"

    @property
    def pending(self) -> bool:
        """True when the group holds those who are not moved yet."""
        return self.text("membership") == "pending"


# Variables that are numbers with a default, none below 0, each with whether it is a whole one.
FIGURES = {"probe_sample": True, "rule_latency": True, "effect_timeout": True, "effect_interval": False}
ReadText = Callable[[str], str]


class _Reader:
    """Converts options one by one and keeps what is wrong."""

    def __init__(self, raw: Mapping[str, Any], step: str, read_text: ReadText) -> None:
        self.raw = raw
        self.step = step
        self.read_text = read_text
        self.problems: list[str] = []

    def say(self, option: str, text: str) -> None:
        self.problems.append(f"coexistence_{option}: {text}")

    def list_of(self, option: str, value: Any, fault: Callable[[str], str | None] | None, fold: bool = False) -> tuple[str, ...]:
        found = checks.items(value)
        for double in checks.doubles(item.casefold() for item in found):
            self.say(option, f"'{double}' stands there twice; keep one.")
        for item in found:
            reason = fault(item) if fault else None
            if reason:
                self.say(option, f"'{item}' {reason}.")
        return checks.unique(item.casefold() if fold else item for item in found)

    def optional(self, option: str, fault: Callable[[str], str | None]) -> str:
        value = self.raw.get(option)
        if checks.blank(value):
            return ""
        reason = fault(str(value).strip())
        if reason:
            self.say(option, f"'{value}' {reason}.")
        return str(value).strip()

    def number(self, option: str, low: int, high: int) -> int | None:
        try:
            value = checks.whole(self.raw.get(option))
        except ValueError:
            self.say(option, f"'{self.raw.get(option)}' is not a whole number; leave it empty to leave it out.")
            return None
        if value is not None and not low <= value <= high:
            self.say(option, f"{value} is not between {low} and {high}.")
        return value

    def figure(self, option: str) -> float:
        """A number; where nothing is given, the variable's default."""
        value, whole, default = self.raw.get(option), FIGURES[option], float(VARIABLES[option]["default"])
        try:
            found = default if checks.blank(value) else float(str(value).strip())
        except ValueError:
            found = -1.0
        if not 0 <= found < inf or (whole and not found.is_integer()):
            kind = "whole number" if whole else "number"
            self.say(option, f"'{value}' is not a {kind} from 0 on; leave it empty for the default, {default:g}.")
            found = default
        return int(found) if whole else found

    def file(self, option: str) -> str | None:
        path = self.raw.get(option)
        if checks.blank(path):
            return None
        try:
            return self.read_text(str(path))
        except UnicodeDecodeError as error:
            self.say(option, f"'{path}' is not UTF-8 (byte {error.start}); save it as CSV UTF-8.")
        except OSError as error:
            self.say(option, f"'{path}' cannot be read: {error.strerror}; name a file on the controller.")
        return None

    def domains(self) -> tuple[str, ...]:
        # Each is told by the name under which it was given.
        given = ((option, checks.unique(checks.items(self.raw.get(option)))) for option in ("domains", "domain"))
        return checks.unique(domain for option, found in given for domain in self.list_of(option, found, checks.domain_fault, fold=True))

    def sources(self, domains: tuple[str, ...]) -> tuple[Source, ...]:
        rows = self._source_rows()
        if not rows:
            hosts = self.hosts("smart_hosts", self.raw.get("smart_hosts"))
            ranges = self.list_of("source_ip_ranges", self.raw.get("source_ip_ranges"), checks.range_fault)
            return (Source("", domains, hosts, ranges),)
        for option in ("smart_hosts", "source_ip_ranges"):
            if checks.items(self.raw.get(option)):
                self.say(option, "is given together with coexistence_sources; move it into the source that it belongs to.")
        found = tuple(self._source(number, row, domains) for number, row in enumerate(rows, 1))
        for double in checks.doubles(source.name.casefold() for source in found):
            self.say("sources", f"the name '{double}' stands there twice; names tell the connectors apart.")
        for double in checks.doubles(domain for source in found for domain in source.domains):
            self.say("sources", f"the domain '{double}' is in two sources; one rule can send it one way only.")
        return found

    def hosts(self, option: str, value: Any) -> tuple[str, ...]:
        """Smart hosts; a final dot is no part of a name to the service."""
        return checks.unique(host.rstrip(".") for host in self.list_of(option, value, checks.smart_host_fault))

    def _source_rows(self) -> list[Any]:
        value = self.raw.get("sources")
        if isinstance(value, str) and not checks.blank(value):
            try:
                value = json.loads(value)
            except ValueError as error:
                self.say("sources", f"is text but not JSON ({error}); give a list of {{name, domains, smart_hosts, source_ip_ranges}}.")
                return []
        if not value or checks.blank(value):
            return []
        return list(value) if isinstance(value, (list, tuple)) else [value]

    def _source(self, number: int, row: Any, domains: tuple[str, ...]) -> Source:
        if not isinstance(row, Mapping):
            self.say("sources", f"entry {number} is '{row}'; give a mapping with {', '.join(SOURCE_KEYS)}.")
            return Source(str(number), (), (), ())
        odd = sorted(set(row) - set(SOURCE_KEYS))
        if odd:
            self.say("sources", f"entry {number} has the unknown key {', '.join(odd)}; known are {', '.join(SOURCE_KEYS)}.")
        name = str(row.get("name") or "").strip()
        if not name:
            self.say("sources", f"entry {number} has no name; names tell the connectors apart.")
        own = self.list_of("sources", row.get("domains"), checks.domain_fault, fold=True)
        for domain in own:
            if domain not in domains:
                self.say("sources", f"the domain '{domain}' of '{name}' is not in coexistence_domains; add it there.")
        if not own:
            self.say("sources", f"'{name}' has no domains; name those that it serves.")
        hosts = self.hosts("sources", row.get("smart_hosts"))
        ranges = self.list_of("sources", row.get("source_ip_ranges"), checks.range_fault)
        backend = str(row.get("forwarding_backend") or "").strip()
        known = VARIABLES["forwarding_backend"]["choices"]
        if backend and backend not in known:
            self.say("sources", f"the forwarding_backend '{backend}' of '{name}' is none of {', '.join(known)}.")
        options = self._forwarding_options(name, row.get("forwarding_options"), backend or str(self.raw.get("forwarding_backend") or ""))
        return Source(name, own, hosts, ranges, backend, str(row.get("forwarding_host") or "").strip(), options)

    def _forwarding_options(self, name: str, given: Any, backend: str) -> Mapping[str, Any]:
        known = FORWARDING.get(backend, ())
        if checks.blank(given):
            return {}
        if not isinstance(given, Mapping):
            self.say("sources", f"the forwarding_options of '{name}' are '{given}'; give a mapping such as {{{', '.join(known)}}}.")
            return {}
        odd = sorted(str(one) for one in set(given) - set(known))
        if odd:
            may = f"with {backend} they are {', '.join(known)}" if known else f"the back end '{backend or 'none'}' has none"
            self.say("sources", f"the forwarding_options of '{name}' have {', '.join(odd)}; {may}.")
        return {str(one): value for one, value in given.items()}

    def source_list(self) -> Mapping[str, Entry] | None:
        text = self.file("source_file")
        if text is None:
            return None
        entries, problems = read_source_list(text, str(self.raw["source_file"]))
        self.problems += problems
        if not problems and not entries:
            # An export that failed: everybody would count as living in the tenant.
            self.say("source_file", f"'{self.raw['source_file']}' holds no address; export the address list of the foreign system again.")
        return entries

    def waves(self) -> tuple[tuple[WaveUser, ...], tuple[WaveUser, ...]]:
        """All users of the file, and those that this run is about."""
        named = self.list_of("users", self.raw.get("users"), checks.address_fault, fold=True)
        text = self.file("waves_file")
        everyone: list[WaveUser] = []
        problems: list[str] = []
        if text is not None:
            everyone, problems = read_waves(text, str(self.raw["waves_file"]))
            self.problems += problems
        if named:
            return tuple(everyone), tuple(WaveUser(address) for address in named)
        wave = "" if checks.blank(self.raw.get("wave")) else str(self.raw["wave"]).strip()
        chosen = tuple(user for user in everyone if user.wave == wave)
        if wave and text is not None and not chosen and not problems:
            known = ", ".join(sorted({user.wave for user in everyone})) or "none"
            self.say("wave", f"'{wave}' is not in {self.raw['waves_file']}; its waves are: {known}.")
        return tuple(everyone), chosen

    def beyond(self, domains: tuple[str, ...]) -> None:
        """The sender from outside, whose domain none of ours must be."""
        sender = self.optional("probe_outside_sender", checks.address_fault)
        if sender and checks.domain_of(sender) in domains:
            why = "is in a shared domain; name an address of another one, as a sender from outside has."
            self.say("probe_outside_sender", f"'{sender}' {why}")

    def need(self, domains: tuple[str, ...], sources: tuple[Source, ...], users: tuple[WaveUser, ...]) -> None:
        """What this step cannot do without."""
        if not domains:
            self.say("domains", "is empty; name the shared domain.")
        if self.step in {"preflight", "setup", "enforce"}:
            self._need_ways(domains, sources)
        if self.step in {"cutover", "rollback", "unforward"} and not users and not self.problems:
            self.say("users", "nobody is named; give coexistence_users, or coexistence_waves_file with coexistence_wave.")

    def _need_ways(self, domains: tuple[str, ...], sources: tuple[Source, ...]) -> None:
        for source in sources:
            of = f" for the source '{source.name}'" if source.name else ""
            if not source.smart_hosts:
                self.say("smart_hosts", f"is empty{of}; name the hosts of the foreign system that take mail for every shared domain.")
            if not source.source_ip_ranges and self.raw["spam_handling"] != "none":
                self.say("source_ip_ranges", f"is empty{of}; name the addresses from which the foreign system sends.")
        served = {domain for source in sources for domain in source.domains}
        for domain in domains:
            if domain not in served:
                self.say("sources", f"no source serves '{domain}'; add it to the domains of one.")
        if self.raw["design"] != "tenant_routed":
            self.say("design", f"'{self.raw['design']}' is not offered by this version; use tenant_routed.")
        if self.raw["mx"] == "first" and self.raw["rule_scope"] == "organization":
            self.say("mx", "'first' needs coexistence_rule_scope 'domain'; with 'organization' mail to non-members splits or loops.")

    def names(self, sources: tuple[Source, ...], domains: tuple[str, ...]) -> None:
        """Names have a limit of 64 characters, and so have the texts that bear the mark."""
        for option in ("group_name", "connector_name", "rule_name", "inbound_rule_name"):
            for name in {source.named(str(self.raw[option])) for source in sources}:
                if not 0 < len(name.strip()) <= 64:
                    self.say(option, f"'{name}' has {len(name)} characters; 1 to 64 are allowed.")
        if str(self.raw["rule_name"]).casefold() == str(self.raw["inbound_rule_name"]).casefold():
            self.say("inbound_rule_name", f"'{self.raw['inbound_rule_name']}' is the name of the routing rule too; names are unique.")
        if len(mark(domains)) * 2 + 150 > COMMENT_LIMIT:
            self.say("domains", f"{len(domains)} domains do not fit into the marks of the objects; share them in two groups of domains.")

    def accepted(self) -> frozenset[str]:
        found = frozenset(item.upper() for item in self.list_of("accept_risks", self.raw.get("accept_risks"), None))
        for odd in sorted(found - set(GUARDS)):
            self.say("accept_risks", f"'{odd}' is no guard; they are U1 to U32.")
        return found

    def forwarding(self, sources: tuple[Source, ...]) -> None:
        """A back end that runs on a mail host needs to know which."""
        for source in sources:
            backend = source.forwarding_backend or str(self.raw["forwarding_backend"])
            if backend in HOSTED and not (source.forwarding_host or not checks.blank(self.raw["forwarding_host"])):
                of = f" for the source '{source.name}'" if source.name else ""
                self.say("forwarding_host", f"is empty{of}; name the inventory host on which {backend} keeps the forwards.")

    def final_type(self) -> str:
        given = self.optional("final_domain_type", lambda _value: None)
        known = {name.casefold(): name for name in DOMAIN_TYPES}
        if given and given.casefold() not in known:
            self.say("final_domain_type", f"'{given}' is none of {', '.join(DOMAIN_TYPES)}; leave it empty for the former type.")
        return known.get(given.casefold(), "")


def read_controller_file(path: str) -> str:
    """A file's text, as UTF-8; raises OSError, UnicodeDecodeError."""
    return Path(path).read_bytes().decode("utf-8")


def parse(params: Mapping[str, Any], step: str, read_text: ReadText = read_controller_file) -> Inputs:
    """The options of a coexistence tool, checked; raises InputError with every problem at once."""
    given = params.get("declared") or params
    raw = {name: given.get(name) if given.get(name) is not None else spec.get("default") for name, spec in VARIABLES.items()}
    reader = _Reader(raw, step, read_text)
    raw |= {name: reader.figure(name) for name in FIGURES}
    domains = reader.domains()
    sources = reader.sources(domains)
    source_list = reader.source_list()
    waves, users = reader.waves()
    address = reader.optional("group_address", checks.address_fault)
    outside, wrong = outside_of(raw, "coexistence_")
    reader.problems += wrong
    inputs = Inputs(
        raw=raw,
        domains=domains,
        sources=sources,
        source_list=source_list,
        waves=waves,
        users=users,
        group_address=address or (f"Migrated@{domains[0]}" if domains else ""),
        group_owners=reader.list_of("group_owners", raw["group_owners"], None),
        validation_recipients=reader.list_of("validation_recipients", raw["validation_recipients"], checks.address_fault),
        routing_domain=reader.optional("routing_domain", checks.domain_fault).casefold(),
        rule_scl=reader.number("rule_scl", -1, 9),
        rule_priority=reader.number("rule_priority", 0, 299),
        tenant_addresses=reader.list_of("tenant_addresses", raw["tenant_addresses"], checks.address_fault, fold=True),
        final_domain_type=reader.final_type(),
        accepted=reader.accepted(),
        outside=outside,
        probe_senders=reader.list_of("probe_sender", raw["probe_sender"], checks.address_fault),
    )
    reader.names(sources, domains)
    reader.need(domains, sources, users)
    reader.forwarding(sources)
    reader.beyond(domains)
    reader.list_of("reconcile_fix", raw["reconcile_fix"], checks.one_of("members", "forwards"), fold=True)
    if reader.problems:
        raise InputError(reader.problems)
    return inputs
