# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""To whom a group leads. Of members that nothing tells apart one is walked for all, so that a group may have any number of them. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ._route import OPEN
from ._signs import Signer
from ._world import EXPANDED, POINTERS, Party, World


@dataclass(frozen=True)
class Stand:
    """A member that is walked. many: for how many it stands, itself included.

    beside: addresses to which the other members lead, since rules see a message after its groups are expanded; of those that
    nothing tells apart one is enough for a rule that asks for any recipient.
    """

    member: Party
    many: int
    beside: tuple[str, ...]


def stands(world: World, group: Party, chain: tuple[str, ...], *, outside: bool) -> tuple[Stand, ...]:
    """The members of a group with known ones. chain: the objects that led here, which are left out. outside: the sender is a stranger."""
    key = (group.id, chain, outside)
    found: tuple[Stand, ...] | None = world.expanded.get(key)
    if found is None:
        members = [world.by_id[member] for member in group.members or () if member in world.by_id and member not in chain]
        alone = len(members) == 1
        found = (Stand(members[0], 1, ()),) if alone else _alike(world, members, chain, outside)
        world.expanded[key] = found
    return found


def _alike(world: World, members: list[Party], chain: tuple[str, ...], outside: bool) -> tuple[Stand, ...]:
    signer, classes = Signer(world), dict[Hashable, list[Party]]()
    ends: dict[Hashable, tuple[str, str]] = {}
    for member in members:
        classes.setdefault(_sign_of(signer, member), []).append(member)
        for address in finals(world, member, chain, outside=outside):
            ends.setdefault(OPEN if address == OPEN else signer.sign(address), (member.id, address))
    return tuple(Stand(alike[0], len(alike), _beside(alike[0].id, ends.values())) for alike in classes.values())


def _sign_of(signer: Signer, member: Party) -> Hashable:
    """Its class; an object that shares its address with another one, or has none, is its own."""
    return signer.sign(member.primary) if signer.world.by_address.get(member.primary) is member else ("unique", member.id)


def _beside(own: str, ends: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The ends of others; where its own stands for theirs, rules see it anyway."""
    return tuple(address for identity, address in ends if identity != own)


def finals(world: World, party: Party, chain: tuple[str, ...], *, outside: bool) -> tuple[str, ...]:
    """The addresses that rules see of a recipient, once groups are expanded and forwards followed."""
    if party.id in chain:
        return ()
    further = (*chain, party.id)
    if party.kind in EXPANDED:
        if outside and not party.outsiders:
            return (party.primary,)
        if party.members is None:
            return (OPEN,)
        members = (world.by_id[member] for member in party.members if member in world.by_id)
        return tuple(address for member in members for address in finals(world, member, further, outside=outside))
    if party.kind in POINTERS:
        other = world.by_address.get(party.external)
        return finals(world, other, further, outside=outside) if other and other is not party else (party.primary,)
    led = party.forward or party.forward_smtp
    kept = (party.primary,) if party.keep or not led else ()
    target = world.party(led) if led else None
    onward = finals(world, target, further, outside=outside) if target else (led,) if led else ()
    return (*kept, *onward)
