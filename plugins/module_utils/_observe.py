# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Looks outside the tenant for the guards and predictions of a step: DNS, IPv6, the trace. Only what the step's guards read.

What cannot be had is missing, with its reason, and never counts as fine. Name servers are given little time: a network
without DNS costs it once a run.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._routing import _exchangers as mx
from ._routing import _objects as objects
from ._routing import _published as published
from ._routing import _traced as traced
from ._routing._evidence import Evidence, Published, Trace
from ._routing._findings import Situation
from ._routing._marks import DESCRIPTION_LIMIT, BrokenLineError, Line, description, read_line
from ._routing._plan import FINAL
from ._routing._snapshot import Thing
from ._routing._world import TENANT, Mx
from ._routing._world_of import NAMELESS, Observed
from ._runner import Context
from ._session import Cmdlet, ExchangeError, Reply, Row
from ._trace import TICK, Tracer, key_of
from ._values import as_list, fold, is_empty

# Steps whose guards or predictions read the MX; those that also read SPF, DKIM and DMARC.
RECORD_STEPS = frozenset(
    {"preflight", "setup", "enforce", "cutover", "mx", "restored", "status", "verify", "reconcile", "snapshot", "route"}
)
MX_STEPS = RECORD_STEPS | {"rollback", "mx_back", "teardown", "sources_off", "forward", "unforward"}
# Steps whose guards read IPv6, and those of them after which the sources' addresses are written down in the tenant.
IPV6_STEPS = frozenset({"preflight", "setup", "snapshot", "status", "verify", "reconcile"})
PLANNED_STEPS = frozenset({"preflight", "setup", "snapshot"})
# Steps that anybody's membership decides.
WHOLE_GROUP_STEPS = frozenset({"mx", "teardown"})
# Seconds that a name server has to answer, each of two times.
PATIENCE = 1.5
# More rows than this in two days: then the trace does not end in time, and counts as not read.
MOST_ROWS = 20000
# Of a smart host that is a network: each address is a question of its own.
MOST_ADDRESSES = 64
IPV6 = "Get-IPv6StatusForAcceptedDomain"


@dataclass
class _Look:
    """One look: what was seen, and what could not be, with its reason."""

    case: Situation
    context: Context
    hosts: Mapping[str, Row] = field(default_factory=dict)
    seen: dict[str, mx.Seen] = field(default_factory=dict)
    records: dict[str, Published] = field(default_factory=dict)
    ipv6: dict[str, bool] = field(default_factory=dict)
    trace: Trace | None = None
    unread: dict[str, str] = field(default_factory=dict)

    def dns(self) -> None:
        """The domains' MX and records, and the addresses of the foreign hosts, in one question to the keeper."""
        domains, step = self.case.inputs.domains, self.case.step
        asked = {"domains": list(domains), "resolve": True, "policies": step in RECORD_STEPS}
        answer = self._ask(asked, [f"mx {domain}" for domain in domains])
        rows: Mapping[str, Row] = answer.get("domains") or {}
        known = mx.homes(self.case, self.hosts)
        for domain in domains:
            row = rows.get(domain) or {"error": self.unread.get(f"mx {domain}") or "nobody answered"}
            self.seen[domain] = mx.seen_of(self.case, domain, row, known)
            if self.seen[domain].why:
                self.unread[f"mx {domain}"] = self.seen[domain].why
            if step in RECORD_STEPS:
                self._record(domain, row)

    def _ask(self, asked: Mapping[str, Any], about: list[str]) -> Mapping[str, Any]:
        """One question about names; when it fails, what it was about is not known."""
        names = sorted({host for hosts in mx.smart_hosts(self.case).values() for host in hosts})
        more = {"hosts": names, "name_servers": list(self.case.inputs.outside.name_servers), "timeout": PATIENCE, "recall": True}
        try:
            answer = self.context.session.tool("dns", {**asked, **more})
        except ExchangeError as error:
            self.unread.update(dict.fromkeys(about, str(error)))
            return {}
        self.hosts = answer["hosts"]
        return answer

    def _record(self, domain: str, row: Row) -> None:
        found = published.published(row, self._sides(domain), domain)
        if found is None:
            self.unread[f"records {domain}"] = published.unread(row)
        else:
            self.records[domain] = found

    def _sides(self, domain: str) -> list[published.Side]:
        """The foreign systems of a domain, as its SPF record can name them."""
        held, named = self.seen[domain].mx, mx.smart_hosts(self.case)
        found = []
        for source in (one for one in self.case.inputs.sources if domain in one.domains):
            name = source.name or NAMELESS
            literal = [address for host in named.get(name, ()) for address in (self.hosts.get(host) or {}).get("addresses") or ()]
            ranges = source.source_ip_ranges or tuple(literal)
            found.append(published.Side(name, ranges, frozenset(named.get(name, ())), mx=self._names(held, name)))
        return found

    def _names(self, held: Mx | None, name: str) -> bool | None:
        """Whether an MX names a source; None where a host of it is none that anybody knows: it may be the source's all the same."""
        named = {held.holder, held.before, *held.beside} - {""} if held else set()
        known = {TENANT, mx.NOBODY, *(source.name or NAMELESS for source in self.case.inputs.sources)}
        return True if name in named else False if named and named <= known else None

    def ip_versions(self) -> None:
        """Whether the domains take mail over IPv6, where somebody is known by IPv4 addresses."""
        if not _by_address(self.case):
            return
        calls = [Cmdlet(IPV6, {"Domain": domain}) for domain in self.case.inputs.domains]
        for domain, answer in zip(self.case.inputs.domains, self.context.session.call_many(calls), strict=True):
            rows = answer.rows if isinstance(answer, Reply) else []
            shown = [fold(row.get("Status")) for row in rows if fold(row.get("Domain") or domain) == domain]
            if isinstance(answer, ExchangeError) or not shown:
                self.unread[f"ipv6 {domain}"] = str(answer) if isinstance(answer, ExchangeError) else "the service shows no status"
            else:
                self.ipv6[domain] = "enabled" in shown

    def traced(self, *, failed: bool) -> None:
        """The last days of the trace: what left by the hosts of our connectors, and what failed on its way to the domains."""
        if not self.hosts and any(self._connectors()):
            self._ask({"domains": []}, ["trace"])
        if "trace" in self.unread:
            return
        addresses, missing = self._addresses()
        asked: list[dict[str, Any]] = [{"ToIP": address} for address in addresses]
        if failed:
            asked.append({"Status": ["Failed"], "RecipientAddress": [f"*@{domain}" for domain in self.case.inputs.domains]})
        if missing:
            self.unread["trace"] = f"the addresses of {', '.join(missing)} are not known, so nobody can tell what went there"
            return
        try:
            rows = self._rows(asked)
        except ExchangeError as error:
            self.unread["trace"] = str(error)
            return
        if rows is not None:
            self.trace = traced.trace_of(self.case, rows)

    def _connectors(self) -> list[Thing]:
        return objects.mine(self.case.inputs, self.case.snapshot, objects.CONNECTOR)

    def _addresses(self) -> tuple[list[str], list[str]]:
        """The addresses of our connectors' hosts, and hosts whose addresses are not known."""
        names = sorted({str(host) for thing in self._connectors() for host in thing.folds("SmartHosts")})
        known = {name: _within(name) or list((self.hosts.get(name.strip("[]").rstrip(".")) or {}).get("addresses") or ()) for name in names}
        return sorted({address for held in known.values() for address in held}), [name for name in names if not known[name]]

    def _rows(self, asked: list[dict[str, Any]]) -> list[Row] | None:
        now = objects.clock(self.case.snapshot) + TICK
        tracer, found = Tracer.of(self.context), dict[tuple[str, str], Row]()
        for filters in asked:
            part = tracer.read(now - traced.WINDOW, now, filters, MOST_ROWS)
            if part.truncated:
                self.unread["trace"] = f"it shows more than can be read: {part.truncated}"
                return None
            found.update({key_of(row): row for row in part.rows})
        return list(found.values())


def _within(name: str) -> list[str]:
    """The addresses of a smart host that is a network; none for a name, an address, or a network of more than can be asked for."""
    try:
        network = ipaddress.ip_network(name.strip("[]"))
    except ValueError:
        return []
    return [str(address) for address in network] if 1 < network.num_addresses <= MOST_ADDRESSES else []


def gather(case: Situation, context: Context) -> tuple[Observed, Evidence]:
    """What the guards and predictions of a step read of the outside."""
    look = _Look(case, context)
    asked: list[tuple[bool, Callable[[], None]]] = [
        (case.step in MX_STEPS, look.dns),
        (case.step in IPV6_STEPS, look.ip_versions),
        (_told(case), lambda: look.traced(failed=True)),
        (_closes(case), lambda: look.traced(failed=False)),
    ]
    for needed, ask in asked:
        if needed:
            ask()
    changes = {domain: seen.change for domain, seen in look.seen.items() if seen.change}
    seen = {domain: seen.mx for domain, seen in look.seen.items() if seen.mx}
    observed = Observed(mx=seen, dns=dict(look.records), moving=moving(case))
    evidence = Evidence(mx_changes=changes, trace=look.trace, dns=dict(look.records), ipv6=look.ipv6, unread=look.unread)
    return observed, evidence


def moving(case: Situation) -> dict[str, str]:
    """Who may not count yet for what the group says, each with the time by which they surely do.

    Before forwards are switched on these are the run's users; in check mode its waits are taken as passed. Before the MX moves and before
    a teardown it is everybody in the group: its line notes when the membership changed, and not whose.
    """
    if case.step in WHOLE_GROUP_STEPS:
        return unsettled(case, (member.primary for member in case.snapshot.members))
    return unsettled(case) if case.step == "forward" and not case.check_mode else {}


def unsettled(case: Situation, more: Iterable[str] = ()) -> dict[str, str]:
    """The run's users, and more addresses, with the time by which a membership that was just changed surely acts; none once it does."""
    _changed, until = objects.settling(case.inputs, case.snapshot)
    return dict.fromkeys([*(user.address for user in case.inputs.users), *more], until) if until else {}


def _told(case: Situation) -> bool:
    """A teardown in the documented order tells how much mail to unknown addresses will loop."""
    return case.step == "teardown" and case.inputs.text("teardown_order") == "documented" and bool(traced.relayed(case))


def _closes(case: Situation) -> bool:
    """The domains become Authoritative: nothing may be left on the connectors."""
    last = case.step in {"authoritative", FINAL[case.inputs.text("teardown_order")]}
    return last and bool(traced.closing(case))


def _by_address(case: Situation) -> bool:
    """Whether somebody is, or is to be, known by an IPv4 address."""
    rules = any(not is_empty(rule.row.get("SenderIpRanges")) for rule in case.snapshot.rules)
    inbound = any(as_list(one.row.get("SenderIPAddresses")) for one in case.snapshot.inbound)
    planned = case.step in PLANNED_STEPS and any(source.source_ip_ranges for source in case.inputs.sources)
    return rules or inbound or planned


def to_note(case: Situation, evidence: Evidence, context: Context) -> Mapping[str, str]:
    """Per domain what the group's line shall note of its MX; nothing, with a warning, where the line has no room for it."""
    fresh = mx.notes(case, evidence.mx_changes)
    if not fresh:
        return {}
    try:
        held = [read_line(group.comment) for group in objects.mine(case.inputs, case.snapshot, objects.GROUP)]
    except BrokenLineError:
        return {}  # a line that was cut stays as it is, for whoever restores it
    known = next((line for line in held if line), Line())
    now = objects.stamp(objects.clock(case.snapshot))
    stops = {one.name: now for one in objects.of(case.inputs, objects.RULE)}
    line = Line(known.former, {**known.mx, **fresh}, stops, now)
    if len(description(case.inputs.domains, line)) <= DESCRIPTION_LIMIT:
        return fresh
    context.warn(f"the group's Description has no room to note the MX of {', '.join(sorted(fresh))}; note yourself when it moved.")
    return {}


def with_notes(case: Situation, evidence: Evidence, context: Context) -> Situation:
    """The situation with what its line shall note."""
    return replace(case, mx=to_note(case, evidence, context))
