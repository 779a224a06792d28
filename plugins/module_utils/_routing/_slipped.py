# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Reconcile: members and forwards that were lost or added since the last wave, and what of it is mended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from . import _objects as objects
from ._checks import items
from ._evidence import Full, counted
from ._mail_plan import Plan, ways
from ._marks import description
from ._outcomes import person_of as person
from ._snapshot import Recipient, holders
from ._waves import forwarding
from ._world import MAILBOXES, TENANT, Address

# Kinds of addresses at the source that lead to the tenant when their home is there.
FORWARDED = frozenset({"mailbox", "forward"})
FIXES = ("members", "forwards")
# What is found, in words, and how it ends.
WORDS = {
    "lost_members": ("read in the tenant and are not in the group", "members"),
    "missing_forwards": ("are in the group and not forwarded", "forwards"),
    "added_members": (
        "are in the group, are forwarded by nobody and stand in no wave: somebody else added them",
        "take them out of the group, or move them with a wave",
    ),
    "strange_forwards": ("are in the group and forwarded elsewhere", "correct the forward at the source by hand"),
    "unknown_forwards": (
        "are in the group, and whether they are forwarded is not known",
        "name what keeps them in coexistence_forwarding_backend, or have a dump read",
    ),
}


@dataclass(frozen=True)
class Both:
    """Somebody with a mailbox in the tenant and an entry at the source. target: where it is forwarded, "" for off, None for not known."""

    found: Recipient
    entry: Address
    routing: str
    target: str | None

    @property
    def row(self) -> Plan:
        """The forward that the source shall have."""
        return {"address": self.entry.address, "routing_address": self.routing}


def reconcile(seen: Full) -> Plan:
    """Members and forwards that are missing or added, what of it is to be mended, and whose forwards are still to be read."""
    fix = {one.casefold() for one in items(seen.inputs.raw.get("reconcile_fix"))}
    lost, here = sorted(_lost(seen)), list(_both(seen, seen.snapshot.members)) if not seen.inputs.pending else []
    added = [one for one in here if not one.target and _added(seen, one)]
    missing = [one.row for one in here if one.target == "" and one.routing and one not in added]
    switched = ways(seen.situation, missing, on=True) if "forwards" in fix else []
    group = seen.inputs.group_address
    return {
        "groups": _noting(seen),
        "members": [{"identity": group, "members": lost}] if lost and "members" in fix else [],
        "ways": switched,
        "asked": _asked(seen),
        "lost_members": lost,
        "missing_forwards": missing,
        "added_members": sorted(one.found.primary for one in added),
        "strange_forwards": [{**one.row, "routing_address": one.target} for one in here if one.target and not _own(seen, one)],
        "unknown_forwards": [one.entry.address for one in here if one.target is None and one not in added],
        "fix": sorted(fix & set(FIXES)),
    }


def _noting(seen: Full) -> list[Plan]:
    """The group with what its line does not note of the MX yet: when it moved is what later steps wait by."""
    case = seen.situation
    found = []
    for group in objects.mine(case.inputs, case.snapshot, objects.GROUP) if case.mx else ():
        line = objects.line_of(case.inputs, case.snapshot)
        text = description(case.inputs.domains, replace(line, mx={**line.mx, **case.mx}))
        found.append({"identity": str(group.row.get("PrimarySmtpAddress") or group.name), "description": text})
    return found


def _both(seen: Full, people: Iterable[Recipient]) -> Iterator[Both]:
    """Those of the people who have a mailbox on either side, with what is known of their forward."""
    known = {address: one.target for source in seen.world.sources for address, one in source.forwards.items()}
    for found in people:
        address, routing = forwarding(seen.inputs, seen.snapshot, found) if found.live else ("", "")
        entry = person(seen.world, address).entry if address else None
        if entry is None or entry.kind not in FORWARDED:
            continue
        own = sorted((found.addresses | {entry.address}) & known.keys())
        off = seen.evidence.forwards_read or entry.address in seen.evidence.forwards_off
        yield Both(found, entry, routing, known[own[0]] if own else "" if off else None)


def _own(seen: Full, one: Both) -> bool:
    """Whether the forward leads to the same person's mailbox in the tenant."""
    party = seen.world.by_address.get(one.target or "")
    return one.target in one.found.addresses or (party is not None and one.found.primary in party.addresses)


def _added(seen: Full, one: Both) -> bool:
    """In the group, at home at the source by its list, and in no wave: known only where the waves are."""
    moved = {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    return bool(seen.inputs.waves) and one.entry.home != TENANT and not moved & one.found.addresses


def _asked(seen: Full) -> list[Plan]:
    """The ways to read back, all in one entry or none: forwards of everybody who may have moved and has a mailbox at the source."""
    if seen.inputs.pending:
        return []
    home = {entry.address for source in seen.world.sources for entry in (source.addresses or {}).values() if entry.home == TENANT}
    named = {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    held = holders(seen.snapshot)
    people = {found.primary: found for address in sorted(home | named) for found in held.get(address, ())}
    people |= {found.primary: found for found in seen.snapshot.members}
    rows = {one.entry.address: one.row for one in _both(seen, people.values()) if one.routing}
    found = [{**way, "state": "read"} for way in ways(seen.situation, [rows[name] for name in sorted(rows)], on=True)]
    return [{"name": ", ".join(way["name"] for way in found), "ways": found}] if found else []


def _lost(seen: Full) -> Iterator[str]:
    """Primary addresses of people who read in the tenant and are not in the group."""
    group = seen.world.by_address.get(seen.world.group)
    if group is None or seen.inputs.pending:
        return
    inside = seen.world.members.get(group.id, frozenset())
    parties = (person(seen.world, address).party for address in sorted(set(_moved(seen))))
    for found in parties:
        if found is not None and found.kind in MAILBOXES and found.id not in inside:
            yield found.primary


def _moved(seen: Full) -> Iterator[str]:
    """Who reads in the tenant: by a forward that leads there; where that is not known, by the source's list; without one, as named."""
    world, evidence = seen.world, seen.evidence
    for source in world.sources:
        for address, forward in source.forwards.items():
            found = world.by_address.get(address)
            if found is not None and world.by_address.get(forward.target) == found:
                yield address
        for entry in (source.addresses or {}).values():
            off = evidence.forwards_read or entry.address in evidence.forwards_off
            if entry.kind in FORWARDED and entry.home == TENANT and not off and entry.address not in source.forwards:
                yield entry.address
    if seen.inputs.source_list is None and not evidence.forwards_read:
        yield from (user.address for user in seen.inputs.users if user.address not in evidence.forwards_off)


def slipped(seen: Full, made: Plan) -> list[str]:
    """What was found for a terminal, one line each, with what becomes of it."""
    found = []
    for name, (what, remedy) in WORDS.items():
        who = [str(one["address"]) if isinstance(one, dict) else str(one) for one in made.get(name, ())]
        end = remedy
        if remedy in FIXES:
            end = "mended now" if remedy in made.get("fix", ()) else "left as it is: name it in coexistence_reconcile_fix"
        if who:
            found.append(f"{len(who)} {what} ({counted(who)}); {end}")
    rules = [one.name for one in objects.of(seen.inputs, objects.RULE)]
    return found or [f"everybody is where {', '.join(rules)} expects them"]
