# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Who a person is, where that person reads, and what it means that a copy of a message ended somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ._world import EXPANDED, MAILBOXES, POINTERS, Address, Foreign, Party, World, plain

# From best to worst: the verdict is the last of those that can happen. `unknown` hides either side of it.
OUTCOMES = ("delivered", "healed", "early", "duplicate", "delayed", "unknown", "split", "bounced", "loop", "lost")
MEANING = {
    "delivered": "where the user reads",
    "healed": "in the source mailbox, and copied by the last sync",
    "early": "in the tenant mailbox, which the user reads from the end of the wave on",
    "duplicate": "where the user reads, and copied there once more by the sync",
    "delayed": "waits",
    "unknown": "not to be told from what is known",
    "split": "in a mailbox that the user does not read",
    "bounced": "back to the sender",
    "loop": "round and round, then back to the sender",
    "lost": "nowhere",
}
HURTS = frozenset({"split", "bounced", "loop", "lost"})
_RANK = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}


def worst(outcomes: Iterable[str]) -> str:
    """The worst of several outcomes; `lost` for none at all, since then nobody got anything."""
    return max(outcomes, key=_RANK.__getitem__, default="lost")


@dataclass(frozen=True)
class Hop:
    """One decision. at: where it was made. why: in plain words."""

    at: str
    why: str

    def __str__(self) -> str:
        return f"{self.at}: {self.why}"


@dataclass(frozen=True)
class Landing:
    """Where one copy ended. who: the address of the person that it was meant for.

    place: `tenant`, `source`, `outside`, `catch_all`, or an outcome by itself. many: for how many people it stands.
    """

    who: str
    place: str
    trail: tuple[Hop, ...]
    many: int = 1


@dataclass(frozen=True)
class Person:
    """Whom an address stands for: the tenant's object, the source's entry (that of the owner for an alias), or neither."""

    address: str
    party: Party | None
    entry: Address | None
    source: Foreign | None

    @property
    def key(self) -> str:
        """Equal for two addresses of one person."""
        if self.party:
            return self.party.id
        return self.entry.address if self.entry else self.address


def entry_of(source: Foreign, address: str) -> Address | None:
    """The source's entry for an address, that of its owner for an alias; plus parts do not count."""
    if source.addresses is None:
        return None
    entry = source.addresses.get(address) or source.addresses.get(plain(address))
    seen = {address}
    while entry and entry.kind == "alias" and entry.owner and entry.owner not in seen:
        seen.add(entry.owner)
        entry = source.addresses.get(entry.owner, entry)
    return entry


def _everybody(_party: Party) -> bool:
    return True


def person_of(world: World, address: str, plus: Callable[[Party], bool] = _everybody) -> Person:
    """Who is meant by an address. plus: whether plus addresses of an object are its own; asked for those alone."""
    party = world.by_address.get(address)
    if party is None:
        base = world.by_address.get(plain(address))
        party = base if base and plus(base) else None
    leads = [party.external] if party and party.kind in POINTERS and party.external else []
    own = [address, *([party.primary, *sorted(party.addresses)] if party else ()), *leads]
    for candidate in own:
        source = world.source_of(candidate.rpartition("@")[2])
        entry = entry_of(source, candidate) if source else None
        if entry and source:
            return Person(address, party or _held(world, entry), entry, source)
    source = next((found for found in (world.source_of(one.rpartition("@")[2]) for one in own) if found), None)
    return Person(address, party, None, source)


def _held(world: World, entry: Address) -> Party | None:
    return world.by_address.get(entry.address)


def forwards(world: World, person: Person) -> bool:
    """True when the source forwards this person's mailbox to the same person in the tenant.

    A forward to somebody else, or to outside, says nothing of where this person reads. One to an address of the tenant that nobody holds
    is meant for this person.
    """
    if person.source is None:
        return False
    names = {person.entry.address} if person.entry else set()
    names |= person.party.addresses if person.party else {person.address}
    forward = person.source.forwards
    return any(_home(world, person, forward[name].target) for name in names if name in forward)


def _home(world: World, person: Person, target: str) -> bool:
    holder = world.by_address.get(target) or world.by_address.get(plain(target))
    if holder:
        return holder is person.party
    domain = target.rpartition("@")[2]
    return world.accepted(domain) is not None and world.source_of(domain) is None


def reads(world: World, person: Person) -> str:
    """`tenant`, `source`, `outside`, `nobody`, or `unknown` where the source's list is needed and missing."""
    known = {person.address, *(person.party.addresses if person.party else ()), *([person.entry.address] if person.entry else ())}
    told = next((world.reads[address] for address in sorted(known) if address in world.reads), None)
    if told:
        return told
    if forwards(world, person):
        return "tenant"
    if person.entry:
        return person.entry.home
    party = person.party
    if person.source and person.source.addresses is None:
        return "unknown"
    if party and party.kind in POINTERS:
        return "outside"
    return "tenant" if party and party.kind in MAILBOXES | EXPANDED else "nobody"


def synced(world: World, person: Person) -> bool:
    """True when the last sync of this person's mailbox is done."""
    known = {person.address, *(person.party.addresses if person.party else ()), *([person.entry.address] if person.entry else ())}
    return not known.isdisjoint(world.synced)


def moving(world: World, person: Person, nested: Callable[[], bool]) -> bool:
    """True between group and forward, or in a rollback as long as the membership may act: the tenant mailbox is no surprise.

    nested: asked only where it matters, whether members of member groups count.
    """
    group = world.by_address.get(world.group)
    if group is None or person.party is None:
        return False
    if (group.id, person.party.id) in world.moving:
        return True
    member = person.party.id in world.members.get(group.id, frozenset())
    below = not member and person.party.id in world.nested.get(group.id, frozenset())
    return (member or (below and nested())) != world.pending


def judge(world: World, person: Person, places: frozenset[str], nested: Callable[[], bool]) -> str:
    """The outcome for one person of where the copies ended. nested: as moving() asks it."""
    failed = places & _RANK.keys()
    ended = places - failed
    if not ended:
        return worst(failed)
    return worst([_arrived(world, person, ended, nested), *failed])


def _arrived(world: World, person: Person, ended: frozenset[str], nested: Callable[[], bool]) -> str:
    where = reads(world, person)
    if where == "unknown":
        return "unknown"
    if where in {"nobody", "outside"}:
        return "delivered" if ended & {"outside", "catch_all"} or where == "nobody" else "split"
    if where == "source":
        if "source" in ended:
            return "duplicate" if "tenant" in ended and not synced(world, person) else "delivered"
        if "tenant" in ended and moving(world, person, nested):
            return "early"
        return "delivered" if "outside" in ended else "split"
    done = synced(world, person)
    if "tenant" in ended:
        return "duplicate" if "source" in ended and not done else "delivered"
    if "source" in ended and not done:
        return "healed"
    return "delivered" if "outside" in ended else "split"
