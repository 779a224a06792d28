# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A world as it would be after a step, or while a step is under way. Each returns a new world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ._world import AUTHORITATIVE, INTERNAL_RELAY, TENANT, Accepted, Forward, Mx, Party, Rule, World


def typed(world: World, domains: Iterable[str], kind: str) -> World:
    """The same with domains of a type: `authoritative` or `internalrelay`."""
    known = dict(world.domains)
    for domain in domains:
        known[domain] = replace(known.get(domain, Accepted(domain)), type=kind)
    return replace(world, domains=known)


def authoritative(world: World, domains: Iterable[str]) -> World:
    """The same with Authoritative domains."""
    return typed(world, domains, AUTHORITATIVE)


def relayed(world: World, domains: Iterable[str]) -> World:
    """The same with InternalRelay domains."""
    return typed(world, domains, INTERNAL_RELAY)


def mx_at(world: World, domains: Iterable[str], holder: str = TENANT, *, until: str = "", settled: bool = True) -> World:
    """The same with the MX of domains at a holder; not settled: some resolvers still hold what was there."""
    known = dict(world.mx)
    for domain in domains:
        before = known[domain].holder if domain in known and not settled else ""
        known[domain] = Mx(holder, before, until)
    return replace(world, mx=known)


def rules_off(world: World, names: Iterable[str], *, until: str = "", settled: bool = True) -> World:
    """The same with rules disabled; not settled: they may still act."""
    return _rules(world, names, enabled=False, until=until, settled=settled)


def rules_on(world: World, names: Iterable[str], *, until: str = "", settled: bool = True) -> World:
    """The same with rules enabled; not settled: they may not act yet."""
    return _rules(world, names, enabled=True, until=until, settled=settled)


def _rules(world: World, names: Iterable[str], *, enabled: bool, until: str, settled: bool) -> World:
    chosen = frozenset(name.casefold() for name in names)

    def turned(rule: Rule) -> Rule:
        if rule.name.casefold() not in chosen or (rule.enabled == enabled and (rule.was is None or not settled)):
            return rule
        was = None if settled else replace(rule, enabled=not enabled, was=None)
        return replace(rule, enabled=enabled, was=was, until=until, edited=rule.edited and not settled)

    return replace(world, rules=tuple(turned(rule) for rule in world.rules))


def without_connectors(world: World, names: Iterable[str]) -> World:
    """The same without connectors."""
    gone = frozenset(names)
    return replace(world, connectors=tuple(one for one in world.connectors if one.name not in gone))


def without_group(world: World) -> World:
    """The same without the group that says who is migrated."""
    return replace(world, parties=tuple(one for one in world.parties if world.group not in one.addresses))


def joined(world: World, members: Iterable[str], *, until: str = "", settled: bool = True) -> World:
    """The same with objects, by id, in the group; not settled: the membership may not act yet."""
    return _membership(world, frozenset(members), frozenset(), until, settled)


def left(world: World, members: Iterable[str], *, until: str = "", settled: bool = True) -> World:
    """The same with objects, by id, out of the group; not settled: the membership may still act."""
    return _membership(world, frozenset(), frozenset(members), until, settled)


def _membership(world: World, add: frozenset[str], remove: frozenset[str], until: str, settled: bool) -> World:
    group = world.by_address.get(world.group)
    if group is None:
        return world
    before = frozenset(group.members or ())
    after = (before | add) - remove
    parties = tuple(_with_members(one, after) if one is group else one for one in world.parties)
    moving = {pair: time for pair, time in world.moving.items() if pair[0] != group.id or pair[1] not in add | remove}
    if not settled:
        moving.update({(group.id, member): until for member in before ^ after})
    return replace(world, parties=parties, moving=moving)


def _with_members(group: Party, members: frozenset[str]) -> Party:
    return replace(group, members=tuple(sorted(members)))


def forwarded(world: World, forwards: Mapping[str, Forward]) -> World:
    """The same with forwards on, by the address of the mailbox at the source."""
    return replace(
        world,
        sources=tuple(
            replace(
                source,
                forwards={
                    **source.forwards,
                    **{address: forward for address, forward in forwards.items() if address.rpartition("@")[2] in source.domains},
                },
            )
            for source in world.sources
        ),
    )


def unforwarded(world: World, addresses: Iterable[str]) -> World:
    """The same with forwards off."""
    gone = frozenset(addresses)
    return replace(
        world,
        sources=tuple(
            replace(source, forwards={address: forward for address, forward in source.forwards.items() if address not in gone})
            for source in world.sources
        ),
    )


def synced(world: World, addresses: Iterable[str]) -> World:
    """The same with the last sync of these mailboxes done."""
    return replace(world, synced=world.synced | frozenset(addresses))


def off(world: World, names: Iterable[str]) -> World:
    """The same with foreign systems switched off."""
    gone = frozenset(names)
    return replace(world, sources=tuple(replace(source, off=True) if source.name in gone else source for source in world.sources))
