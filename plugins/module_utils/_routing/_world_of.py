# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The world of a tenant: from its snapshot, the further reads, the inputs, and what was observed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import address_key, fold, host_key, is_empty, parse_date

from . import _objects as objects
from . import _reads as read
from ._evidence import Published
from ._files import Entry
from ._inputs import Inputs, Source
from ._marks import made_at
from ._scope import exceptions
from ._snapshot import Recipient, Snapshot, Thing, addresses_of, recipient
from ._world import (
    INTERNET,
    TENANT,
    Accepted,
    Address,
    Foreign,
    Forward,
    Mx,
    Party,
    Predicate,
    Rule,
    SenderDomain,
    World,
)

NAMELESS = "the source"


# How long after it was planned a rule of ours is still being made: what changed it later was something else.
WRITTEN = timedelta(minutes=2)


@dataclass(frozen=True)
class Observed:
    """What no tenant shows.

    forwards: by address of the source's mailbox. mx: by domain. moving: address of a user whose membership changed, to
    the time by which it surely acts. synced: users whose last sync is done, beside those whom the source's list has at home in the tenant;
    unsynced: of those the ones whose last sync is still to come. modes: further modes per source's name.
    certificates: per source's name. dns: what domains publish, shared and others. dmarc: the policy of domains, where it was told.
    """

    forwards: Mapping[str, Forward] = field(default_factory=dict)
    mx: Mapping[str, Mx] = field(default_factory=dict)
    moving: Mapping[str, str] = field(default_factory=dict)
    synced: frozenset[str] = frozenset()
    unsynced: frozenset[str] = frozenset()
    modes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    dns: Mapping[str, Published] = field(default_factory=dict)
    dmarc: Mapping[str, str] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)


def member_calls(snapshot: Snapshot, rows: read.Rows, inputs: Inputs) -> dict[str, Cmdlet]:
    """The second round of reads: members of the groups that rules name or that take mail of a shared domain, by address."""
    named = {address for thing in snapshot.rules for one in _all(read.rule(thing)) if "MemberOf" in one.name for address in one.values}
    wanted = set(named)
    for row in (*rows.get("groups", ()), *rows.get("dynamic_groups", ())):
        own = addresses_of(row)
        if own & named or any(address.rpartition("@")[2] in inputs.domains for address in own):
            wanted.add(fold(row.get("PrimarySmtpAddress") or min(own, default="")))
    return {address: read.members_call(rows, address) for address in sorted(wanted - {""})}


def _all(rule: Rule) -> tuple[Predicate, ...]:
    return (*rule.conditions, *rule.exceptions)


def world_of(
    snapshot: Snapshot,
    inputs: Inputs,
    rows: read.Rows | None = None,
    members: Mapping[str, Sequence[Row]] | None = None,
    observed: Observed | None = None,
) -> World:
    """The world that these values show.

    rows: answers to _reads.CALLS; members: answers to member_calls(). What was not read stays open: policies count
    under every reading, and a group whose members were not read is unknown. Our own group's members are the snapshot's.
    """
    more, seen = rows or {}, observed or Observed()
    people = _parties(snapshot, more, members or {}, inputs)
    by_address = {address: party.id for party in people for address in party.addresses}
    group = by_address.get(fold(inputs.group_address), "")
    moving = {(group, by_address[fold(address)]): until for address, until in seen.moving.items() if fold(address) in by_address and group}
    return World(
        domains=_domains(snapshot, more),
        parties=people,
        rules=_rules(snapshot, inputs),
        connectors=tuple(read.connector(thing) for thing in snapshot.connectors),
        inbound=tuple(read.inbound(thing) for thing in snapshot.inbound),
        sources=tuple(_source(source, inputs, seen) for source in inputs.sources),
        mx=dict(seen.mx),
        remote_internal=frozenset(name.removeprefix("*.") for name in snapshot.remote_internal),
        policies=replace(read.policies({"organization": [snapshot.organization], **more}), trusted_sealers=_sealers(more, inputs)),
        senders=_senders(inputs, seen),
        group=fold(inputs.group_address),
        pending=inputs.pending,
        moving=moving,
        synced=_synced(inputs, seen),
        facts=dict(seen.facts),
    )


def _domains(snapshot: Snapshot, rows: read.Rows) -> dict[str, Accepted]:
    if rows.get("domains"):
        return {found.name: found for found in map(read.accepted, rows["domains"])}
    return {
        name: Accepted(name, fold(domain.type), disabled=domain.sending_to_disabled, initial=domain.initial)
        for name, domain in snapshot.domains.items()
    }


def _parties(snapshot: Snapshot, rows: read.Rows, members: Mapping[str, Sequence[Row]], inputs: Inputs) -> tuple[Party, ...]:
    own: dict[str, Row] = {}
    shown = (row for kind in ("mailboxes", "groups", "dynamic_groups") for row in rows.get(kind, ()))
    for row in (*shown, *(group.row for group in snapshot.groups)):
        own.update(dict.fromkeys(addresses_of(row), row))
    names = {identity: read.identity(found) for found in snapshot.recipients for identity in found.ids}
    held = {fold(address): _members_of(found, names) for address, found in members.items()}
    ours = fold(inputs.group_address)
    if snapshot.group(ours) is not None:
        held[ours] = tuple(sorted(read.identity(member) for member in snapshot.members))
    known = {address for found in snapshot.recipients for address in found.addresses}
    missing = [found for found in (*map(_as_recipient, snapshot.groups), *snapshot.members) if not found.addresses & known]
    unique = {read.identity(found): found for found in (*snapshot.recipients, *missing)}
    called = {**_called(snapshot.recipients), **names}
    return tuple(_party(found, own, held, called) for found in unique.values())


def _called(recipients: Iterable[Recipient]) -> dict[str, str]:
    """Names under which a property may show exactly one recipient, instead of an id."""
    owners: dict[str, set[str]] = {}
    for found in recipients:
        for name in {
            str(address_key(value))
            for value in (found.name, found.row.get("Name"), found.row.get("Identity"), found.alias)
            if not is_empty(value)
        }:
            owners.setdefault(name, set()).add(read.identity(found))
    return {name: next(iter(held)) for name, held in owners.items() if len(held) == 1}


def _as_recipient(group: Thing) -> Recipient:
    return recipient({"RecipientTypeDetails": "MailUniversalDistributionGroup", **group.row})


def _party(found: Recipient, own: Mapping[str, Row], held: Mapping[str, tuple[str, ...]], names: Mapping[str, str]) -> Party:
    row = next((own[address] for address in sorted(found.addresses) if address in own), {})
    inside = next((held[address] for address in sorted(found.addresses) if address in held), None)
    made = read.party(found, row, inside)
    return replace(made, forward=names.get(made.forward, made.forward))


def _members_of(rows: Iterable[Row], names: Mapping[str, str]) -> tuple[str, ...]:
    found = [recipient(row) for row in rows]
    return tuple(next((names[one] for one in sorted(member.ids) if one in names), read.identity(member)) for member in found)


def _rules(snapshot: Snapshot, inputs: Inputs) -> tuple[Rule, ...]:
    """The rules, each with the state before it where it may not act yet, and those that are gone and may still act."""
    now, latency = objects.clock(snapshot), timedelta(seconds=int(inputs.raw["rule_latency"]))
    stops = objects.line_of(inputs, snapshot).stops
    own = {thing.guid: one.name for one, thing in objects.present(inputs, snapshot, objects.RULE)}
    found = []
    for thing in snapshot.rules:
        rule = read.rule(thing)
        noted = stops.get(own[thing.guid], "") if thing.guid in own and not thing.enabled else None
        changed = _changed(thing, noted, now)
        if changed and now < changed + latency:
            told = bool(noted) or _made_then(thing, changed)
            rule = replace(rule, was=replace(rule, enabled=not rule.enabled), until=objects.stamp(changed + latency), edited=not told)
        shown = parse_date(thing.row.get("WhenChanged"))
        found.append(replace(rule, since="") if shown and shown > now else rule)
    standing = {fold(rule.name) for rule in found}
    for one in objects.of(inputs, objects.RULE):
        stopped = objects.moment(stops.get(one.name, ""), now)
        if fold(one.name) not in standing and stopped and now < stopped + latency:
            found.append(_gone(inputs, snapshot, one.source, one.name, objects.stamp(stopped + latency)))
    return tuple(found)


def _changed(thing: Thing, noted: str | None, now: datetime) -> datetime | None:
    """Since when a rule is as it is; None where it does not say. noted: the noted stop of a disabled rule of ours, empty for none.

    A time in the future is another zone's and tells nothing: then the change counts as of now.
    """
    shown = parse_date(thing.row.get("WhenChanged"))
    if noted is not None:
        return objects.stopped_at(thing, noted, now)
    return min(shown, now) if shown else None


def _made_then(thing: Thing, changed: datetime) -> bool:
    """Whether a rule's last change made it, as its comment tells: there was none of it before."""
    made = parse_date(made_at(thing.comment))
    return made is not None and abs(changed - made) <= WRITTEN


def _gone(inputs: Inputs, snapshot: Snapshot, source: Source, name: str, until: str) -> Rule:
    """A rule of ours that was removed and may still act: rebuilt from what was declared."""
    spared = exceptions(inputs, source, snapshot).domains
    scope = Predicate("SentToScope", ("inorganization",)) if inputs.literal else Predicate("RecipientDomainIs", source.domains)
    group = Predicate("SentToMemberOf", (fold(inputs.group_address),))
    excepted = (*(() if inputs.pending else (group,)), *([Predicate("RecipientDomainIs", spared)] if spared else ()))
    addresses = ([Predicate("SentTo", inputs.tenant_addresses)] if inputs.tenant_addresses else []) if excepted else []
    before = Rule(
        name,
        conditions=(scope, group) if inputs.pending else (scope,),
        exceptions=(*excepted, *addresses),
        route=fold(source.named(inputs.text("connector_name"))),
        defer=inputs.text("rule_error_action") == "Defer",
    )
    return replace(before, enabled=False, was=before, until=until)


def _source(source: Source, inputs: Inputs, seen: Observed) -> Foreign:
    name = source.name or NAMELESS
    listed = inputs.source_list
    forwards = {fold(address): Forward(fold(one.target), one.keep) for address, one in seen.forwards.items()}
    return Foreign(
        name,
        frozenset(source.domains),
        hosts=frozenset(str(host_key(host)) for host in source.smart_hosts),
        ranges=source.source_ip_ranges,
        certificate=fold(seen.certificates.get(name, "")),
        addresses=None if listed is None else {address: _address(entry) for address, entry in listed.items()},
        forwards={address: one for address, one in forwards.items() if address.rpartition("@")[2] in source.domains},
        modes=frozenset({inputs.text("foreign_unknown")}) | seen.modes.get(name, frozenset()),
        off=name in seen.off,
    )


def _synced(inputs: Inputs, seen: Observed) -> frozenset[str]:
    """Whose last sync is done: as was told, and who is at home in the tenant, since the list says so only after it."""
    home = {entry.address for entry in (inputs.source_list or {}).values() if entry.kind != "alias" and entry.home == TENANT}
    return frozenset(fold(address) for address in seen.synced) | (home - frozenset(fold(address) for address in seen.unsynced))


def _address(entry: Entry) -> Address:
    owner = fold(entry.owner)
    return Address(entry.address, entry.kind, owner=owner if "@" in owner else "", home=entry.home)


def _senders(inputs: Inputs, seen: Observed) -> dict[str, SenderDomain]:
    """What senders' domains publish; a policy that was told stands in the place of the one that was read."""
    found = {domain: _sender(published, shared=domain in inputs.domains) for domain, published in seen.dns.items()}
    for domain, policy in seen.dmarc.items():
        found[domain] = replace(found.get(domain, SenderDomain(dkim=None)), reject=policy == "reject")
    return found


def _sender(published: Published, *, shared: bool) -> SenderDomain:
    """Our domains are sent from the sides that SPF names, others from the internet. One side whose DKIM is open leaves it open."""
    elsewhere = not shared or published.others is None or bool(published.others)
    allowed = frozenset(side for side, there in published.spf.items() if there) | (frozenset({INTERNET}) if elsewhere else frozenset())
    signs = published.dkim.values()
    return SenderDomain(published.policy == "reject", allowed, False if False in signs else None if None in signs else True)


def _sealers(rows: read.Rows, inputs: Inputs) -> frozenset[str]:
    """Sources whose name or domain is a trusted ARC sealer."""
    shown = [row.get("ArcTrustedSealers") for row in rows.get("sealers", ())]
    trusted = {fold(item) for value in shown if not is_empty(value) for part in _parts(value) for item in part.split(",")}
    return frozenset(
        source.name or NAMELESS
        for source in inputs.sources
        if any(host.partition(".")[2] in trusted or host in trusted for host in map(fold, source.smart_hosts))
    )


def _parts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
