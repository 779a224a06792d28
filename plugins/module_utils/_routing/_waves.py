# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Waves: every user of one checked against the tenant, and the membership that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from ._checks import domain_of
from ._files import Entry, WaveUser
from ._inputs import Inputs
from ._snapshot import Recipient, Snapshot, holders, routing_address, routing_domain
from ._world import TENANT

# What has a mailbox at the source, from the surest.
BOXES = ("mailbox", "forward", "resource")
NO_SHARED = (
    "has no address in a shared domain, so nothing would be forwarded to it",
    "Give it the address that it has at the source, or take it out of the wave.",
)
NO_BOX = (
    "is read at the source by its list, which has no mailbox of it to be forwarded",
    "Name its mailbox in the source list, or set home to tenant for its addresses.",
)


@dataclass(frozen=True)
class Checked:
    """One user of a wave. found: the recipient, when exactly one holds the address. faults: (why, remedy)."""

    user: WaveUser
    who: str
    found: Recipient | None
    routing: str
    faults: tuple[tuple[str, str], ...]


def check(inputs: Inputs, snapshot: Snapshot) -> tuple[Checked, ...]:
    """Every user of the wave against the snapshot, in the wave's order."""
    domain, why = routing_domain(inputs, snapshot)
    missing = [] if domain else [(f"there is no routing domain: {why}", "Name an accepted domain in coexistence_routing_domain.")]
    if domain and snapshot.domains[domain].sending_to_disabled:
        missing = [(f"the routing domain {domain} refuses mail (SendingToDomainDisabled)", "Set it to false on that accepted domain.")]
    held = holders(snapshot)
    first: dict[Recipient, str] = {}
    listed = {user.address: user for user in inputs.waves}
    checked = []
    for user in inputs.users:
        found = held.get(user.address, [])
        faults = [*missing, *_faults(found, held, domain)]
        if len(found) == 1:
            earlier = first.setdefault(found[0], user.address)
            if earlier != user.address:
                faults.append((f"is the same mailbox as {earlier}", "Keep one of the two in the wave."))
        one = found[0] if len(found) == 1 else None
        faults += [_twice(other) for other in _elsewhere(user, one, listed)]
        if one and not at_source(inputs, snapshot, one):
            faults.append(NO_BOX if any(domain_of(address) in inputs.domains for address in one.addresses) else NO_SHARED)
        routing = routing_address(one, domain) if one and domain else ""
        checked.append(Checked(user, user.where(inputs.waves_name), one, routing, tuple(faults)))
    return tuple(checked)


def _elsewhere(user: WaveUser, found: Recipient | None, listed: Mapping[str, WaveUser]) -> list[WaveUser]:
    """The lines of other waves that name the same mailbox by another address: a rollback of one would bring back whom the other moved."""
    others = (listed[address] for address in sorted(found.addresses & listed.keys())) if found and user.wave else ()
    return [other for other in others if other.address != user.address and other.wave != user.wave]


def _twice(other: WaveUser) -> tuple[str, str]:
    return f"is the same mailbox as {other.address} of wave '{other.wave}' on line {other.line}", "Keep one of the two lines."


def _faults(found: list[Recipient], held: Mapping[str, list[Recipient]], domain: str) -> list[tuple[str, str]]:
    if not found:
        return [("no recipient of the tenant holds this address", "Check the spelling, or license the user and wait for the mailbox.")]
    if len(found) > 1:
        names = ", ".join(sorted(one.shown for one in found))
        return [(f"several objects hold this address: {names}", "Take it from all but the mailbox.")]
    one = found[0]
    faults = []
    if not one.live:
        faults.append((f"has no live mailbox in the tenant, it is a {one.kind}", "License the user and wait for the mailbox."))
    if domain and not routing_address(one, domain):
        faults.append((f"has no address in {domain}", f"Add ALIAS@{domain} to its addresses; the forward leads there."))
    for own in sorted(one.addresses):
        others = sorted(other.shown for other in held[own] if other != one)
        if others:
            faults.append((f"its address {own} is held by {', '.join(others)} too", "Take it from the other object."))
    return faults


@dataclass(frozen=True)
class Move:
    """A wave's membership. join, leave: primary addresses to add and to take out. moved, kept, refused: per user."""

    join: tuple[str, ...]
    leave: tuple[str, ...]
    moved: tuple[Checked, ...]
    kept: tuple[Checked, ...]
    refused: tuple[Checked, ...]


def move(inputs: Inputs, snapshot: Snapshot, checked: tuple[Checked, ...], *, back: bool = False) -> Move:
    """Who joins or leaves the group: a cutover (or, `back`, a rollback), under either meaning of membership."""
    inside = {identity for member in snapshot.members for identity in member.ids}
    joining = back == inputs.pending
    moved, kept, refused = [], [], []
    for one in checked:
        if one.found is None or (one.faults and not back):
            refused.append(one)
        elif bool(one.found.ids & inside) == joining:
            kept.append(one)
        else:
            moved.append(one)
    names = tuple(one.found.primary for one in moved if one.found)
    return Move(names if joining else (), () if joining else names, tuple(moved), tuple(kept), tuple(refused))


def forwarding(inputs: Inputs, snapshot: Snapshot, found: Recipient) -> tuple[str, str]:
    """The address at the source and the routing address that its forward leads to; empty ones where there is none."""
    domain, _why = routing_domain(inputs, snapshot)
    return at_source(inputs, snapshot, found), routing_address(found, domain) if domain else ""


def at_source(inputs: Inputs, snapshot: Snapshot, found: Recipient) -> str:
    """The address whose forward acts on a recipient's mail at the source, by the source's list: the mailbox that it has of this person.

    Without a list the address that a wave names, else the primary one; the primary one too for whom the list does not know, or has in the
    tenant. Empty for a recipient without an address in a shared domain, and for one who is read at the source and has no mailbox there.
    """
    run, waves = inputs.named
    shared = [address for address in found.addresses if domain_of(address) in inputs.domains]
    own = sorted(shared, key=lambda one: (one not in run, one not in waves, one != found.primary, one))
    if inputs.source_list is None:
        return own[0] if own else ""
    listed = [inputs.source_list[address] for address in own if address in inputs.source_list]
    boxes = [entry.address for kind in BOXES for entry in listed if entry.kind == kind]
    boxes = boxes or _owners(inputs.source_list, snapshot, found, listed)
    nowhere = listed and all(entry.home != TENANT for entry in listed)
    return boxes[0] if boxes else "" if nowhere else min(own, key=lambda one: (one != found.primary, one), default="")


def _owners(known: Mapping[str, Entry], snapshot: Snapshot, found: Recipient, listed: list[Entry]) -> list[str]:
    """The mailboxes behind a recipient's aliases at the source, but for those of somebody else in the tenant."""
    owners = [known.get(fold(entry.owner)) for entry in listed if entry.kind == "alias"]
    boxes = dict.fromkeys(entry.address for entry in owners if entry and entry.kind in BOXES)
    others = [other.addresses for other in snapshot.recipients if not other.ids & found.ids] if boxes else []
    return [address for address in boxes if not any(address in addresses for addresses in others)]
