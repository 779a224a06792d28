# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of one copy of a message, from what became of it. Pure.

A copy is one message to one recipient whom the sender wrote. What is placed in a mailbox is judged by where its reader reads at that time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .members import Needs, lacking

DELIVERED, HEALED, EARLY, DUPLICATE, SPLIT, BOUNCED, LOOPED, DELAYED, LOST = (
    "delivered",
    "healed",
    "early",
    "duplicate",
    "split",
    "bounced",
    "loop",
    "delayed",
    "lost",
)
# From harmless to worst: of several branches of one copy (a list's members, a copy that was kept) the worst counts.
ORDER = (DELIVERED, HEALED, EARLY, DUPLICATE, DELAYED, SPLIT, BOUNCED, LOOPED, LOST)
SOURCE, TENANT, OUTSIDE = "source", "tenant", "outside"


@dataclass
class Place:
    """A copy in a mailbox, and its reader as of that time. ``synced``: the last sync of this reader was done before.

    ``person``: who it was for, by the name that groups and lists call him; "" where nobody can tell.
    """

    system: str  # source, tenant or outside
    node: str
    mailbox: str
    reader: str
    reads: str  # source, tenant or outside
    time: str
    synced: bool = False
    wave: bool = False  # the tenant's group held the reader
    copied: bool = False  # a later sync brought it to the tenant
    person: str = ""


@dataclass
class End:
    """Another end: bounced, loop or lost (dropped on purpose). ``people``: for whom."""

    outcome: str
    node: str
    status: str
    reason: str
    time: str
    people: list[str] = field(default_factory=list)


@dataclass
class Copy:
    """What became of one copy. ``live`` counts where it is still under way. ``needs``: to whom groups and lists lead it."""

    asked: str
    hops: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    live: int = 0
    deferred: int = 0  # times that a host put it off
    needs: Needs = field(default_factory=dict)


def outcome(copy: Copy, *, queued: bool = False) -> str:
    """Return a copy's outcome; ``queued``: a host that keeps its own queue still holds it."""
    found = [end.outcome for end in copy.ends]
    readers = dict.fromkeys(place.reader for place in copy.places)
    found += [_read([place for place in copy.places if place.reader == reader]) for reader in readers]
    if copy.live or queued:
        found.append(DELAYED)
    if not queued and forgotten(copy) > copy.live:
        found.append(LOST)
    return max(found, key=ORDER.index) if found else LOST


def forgotten(copy: Copy) -> int:
    """Count the members of groups and lists of whom no trace is left; a trace of nobody knows whom can be anybody's."""
    met = [place.person for place in copy.places] + [person for end in copy.ends for person in end.people]
    return len(lacking(copy.needs, set(met))) - met.count("")


def _read(places: list[Place]) -> str:
    """Judge one reader's places: the worse of where they are and, twice in one mailbox, a duplicate."""
    found = Counter((place.system, place.mailbox) for place in places)
    return max(_kind(places), DUPLICATE if max(found.values()) > 1 else DELIVERED, key=ORDER.index)


def _kind(places: list[Place]) -> str:
    """Judge where they are; how many lie in one mailbox is counted apart."""
    systems = {place.system for place in places}
    first = places[0]
    if OUTSIDE in systems or first.reads == OUTSIDE:
        return DELIVERED
    if {SOURCE, TENANT} <= systems:
        return DELIVERED if all(place.synced for place in places) else DUPLICATE
    if TENANT in systems:
        return DELIVERED if first.reads == TENANT else EARLY if first.wave else SPLIT
    if first.reads == SOURCE:
        return DELIVERED
    return SPLIT if first.synced else HEALED
