# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What tells recipients of one world apart: those with one sign have one fate. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

from ._checks import domain_of
from ._outcomes import Person, entry_of, moving, person_of, reads, synced
from ._predicates import EVALUATED, Seen, holds
from ._readings import Oracle
from ._world import EXPANDED, POINTERS, Address, Foreign, Forward, Party, Predicate, Rule, World, plain

TEXTS = frozenset(name for name in EVALUATED if name.endswith(("Words", "Patterns")) and "Recipient" in name)
OBJECTS = frozenset({"SentTo", "AnyOfToHeader", "AnyOfToCcHeader"})
MEMBERS = frozenset({"SentToMemberOf", "AnyOfToHeaderMemberOf", "AnyOfToCcHeaderMemberOf"})


class _UniqueError(Exception):
    """This recipient leads to other people: it is its own class."""


@dataclass(frozen=True)
class Signer:
    """What tells recipients of one world apart."""

    world: World
    _seen: dict[str, Hashable] = field(default_factory=dict)
    _same: dict[Hashable, Hashable] = field(default_factory=dict)

    @cached_property
    def states(self) -> tuple[Rule, ...]:
        """Every state of every rule that can change a route."""
        return tuple(state for rule in self.world.ordered for state in (rule, rule.was) if state)

    @cached_property
    def predicates(self) -> tuple[tuple[Rule, Predicate], ...]:
        """Every predicate of those rules."""
        return tuple((rule, predicate) for rule in self.states for predicate in (*rule.conditions, *rule.exceptions))

    @cached_property
    def texts(self) -> tuple[tuple[Rule, Predicate], ...]:
        """Predicates that look into an address."""
        return tuple(pair for pair in self.predicates if pair[1].name in TEXTS)

    @cached_property
    def named(self) -> tuple[frozenset[str], ...]:
        """Sets of recipients that predicates and redirects name one by one."""
        held = [frozenset(predicate.values) for _unused, predicate in self.predicates if predicate.name in OBJECTS]
        return tuple(held + [frozenset(rule.redirect) for rule in self.states if rule.redirect])

    @cached_property
    def groups(self) -> tuple[Party, ...]:
        """Groups that predicates ask for, and the one that says who is migrated."""
        asked = {value for _unused, predicate in self.predicates if predicate.name in MEMBERS for value in predicate.values}
        names = sorted(asked | {self.world.group})
        found = (self.world.party(name) for name in names)
        return tuple(group for group in found if group)

    def sign(self, address: str) -> Hashable:
        """Equal for recipients with one fate."""
        if address not in self._seen:
            try:
                found = self._sign(address)
                # One object for all who are equal: what the collector of garbage has to look at grows with the classes.
                self._seen[address] = self._same.setdefault(found, found)
            except _UniqueError:
                self._seen[address] = ("unique", address)
        return self._seen[address]

    def _sign(self, address: str) -> Hashable:
        world = self.world
        person = person_of(world, address)
        party = world.by_address.get(address) or world.by_address.get(plain(address))
        fate = (reads(world, person), synced(world, person), moving(world, person, lambda: False))
        base = plain(address)
        addresses = {address, base, *self._leaving(party)}
        ways = tuple(self._source_view(one, party) for one in sorted(addresses, key=lambda one: (one != address, one != base)))
        return (
            domain_of(address),
            base != address,
            address in world.by_address,
            self._party_view(party, address),
            fate,
            ways,
            self._text_view(address, party),
            self._person_view(person, party),
        )

    def _leaving(self, party: Party | None) -> tuple[str, ...]:
        return (party.primary, party.external) if party and party.external else (party.primary,) if party else ()

    def _party_view(self, party: Party | None, address: str) -> Hashable:
        if party is None:
            return (None, tuple(address in held for held in self.named))
        if party.kind in EXPANDED or party.forward or party.forward_smtp:
            raise _UniqueError
        external: Hashable = None
        if party.kind in POINTERS and party.external:
            holder = self.world.by_address.get(party.external)
            if holder is not None and holder is not party:
                raise _UniqueError
            external = (domain_of(party.external), holder is party)
        own = party.addresses | {party.id}
        return (
            party.kind,
            domain_of(party.primary),
            party.primary == address,
            external,
            tuple((not own.isdisjoint(held), address in held) for held in self.named),
            tuple(self._membership(group, party) for group in self.groups),
        )

    def _membership(self, group: Party, party: Party) -> Hashable:
        world = self.world
        direct = party.id in world.members.get(group.id, frozenset())
        return direct, (group.id, party.id) in world.moving, party.id in world.nested.get(group.id, frozenset())

    def _person_view(self, person: Person, party: Party | None) -> Hashable:
        """A person whose object is not the one that holds the address: the source's alias of another mailbox."""
        if person.party is party or person.party is None:
            return None
        return person.party.kind, tuple(self._membership(group, person.party) for group in self.groups)

    def _source_view(self, address: str, party: Party | None) -> Hashable:
        """What the foreign host makes of an address."""
        source = self.world.source_of(domain_of(address))
        if source is None:
            return None
        entry = entry_of(source, address)
        forward = self._forward_view(source, address, party)
        behind = self._forward_view(source, entry.address, party) if entry else None
        return source.name, domain_of(address), forward, self._entry_view(entry), behind

    def _entry_view(self, entry: Address | None) -> Hashable:
        if entry is None:
            return None
        if entry.members or (entry.kind == "forward" and entry.owner):
            raise _UniqueError
        return entry.kind, entry.home

    def _forward_view(self, source: Foreign, address: str, party: Party | None) -> Hashable:
        forward: Forward | None = source.forwards.get(address) or source.forwards.get(plain(address))
        if forward is None:
            return None
        domain = domain_of(forward.target)
        holder = self.world.by_address.get(forward.target)
        if domain in source.domains or (holder is not None and holder is not party):
            raise _UniqueError
        same = party is not None and forward.target == party.primary
        return forward.keep, domain, holder is None, same, self._text_view(forward.target, None), self._target_view(forward.target)

    def _target_view(self, target: str) -> Hashable:
        base = self.world.by_address.get(plain(target))
        return base is not None, tuple(target in held for held in self.named)

    def _text_view(self, address: str, party: Party | None) -> Hashable:
        """What predicates that look into addresses say of this one, and of the primary one."""
        if not self.texts:
            return ()
        oracle = Oracle({}, [])
        seen = [
            Seen(self.world, oracle, "", None, one, one, internal=False, kind="mail", ranges=(), others=(), headers={})
            for one in ((address, party.primary) if party else (address,))
        ]
        return tuple(holds(rule, predicate, one) for rule, predicate in self.texts for one in seen)
