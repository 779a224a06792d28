# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Everybody whom mail of a coexistence can reach, and their fates in counts and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._checks import domain_of
from ._classes import Class
from ._evidence import counted
from ._outcomes import HURTS, OUTCOMES
from ._predict import Prediction
from ._words import ways
from ._world import EXPANDED, World

ORIGINS = ("internet", "tenant", "source", "program")


def everyone(world: World, domains: Iterable[str]) -> list[str]:
    """Every address in a shared domain that the tenant or a source has, and every other recipient's primary address."""
    shared = frozenset(domains)
    found = {party.primary for party in world.parties if party.primary}
    for party in world.parties:
        found.update(address for address in party.addresses if domain_of(address) in shared)
    for source in world.sources:
        found.update(address for address in source.addresses or () if not address.startswith(("@", "*")))
    ours = world.by_address.get(world.group)
    return sorted(found - (ours.addresses if ours else frozenset()))


def senders_for(origin: str, domains: Sequence[str], recipient: str) -> tuple[str, ...]:
    """Senders that stand for all who write to a recipient: an outsider, or a colleague in its own shared domain and one in the first."""
    if origin == "internet":
        return ("someone@sender.invalid",)
    own = [domain for domain in domains if domain == domain_of(recipient)]
    return tuple(f"postmaster@{domain}" for domain in dict.fromkeys((*own, domains[0])))


@dataclass(frozen=True)
class Tally:
    """The fates of many recipients from one origin."""

    origin: str
    classes: tuple[Class, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Recipients by verdict, from the best to the worst, those that nobody has left out."""
        found: dict[str, int] = {}
        for group in self.classes:
            verdict = group.prediction.verdict
            found[verdict] = found.get(verdict, 0) + len(group.recipients)
        return {outcome: found[outcome] for outcome in OUTCOMES if outcome in found}

    @property
    def hurt(self) -> int:
        """How many could be hurt."""
        return sum(number for outcome, number in self.counts.items() if outcome in HURTS)

    @property
    def places(self) -> dict[str, int]:
        """Recipients by where their mail ends, the many first."""
        found: dict[str, int] = {}
        for group in self.classes:
            place = place_of(group.prediction)
            found[place] = found.get(place, 0) + len(group.recipients)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def lists(self, limit: int) -> dict[str, list[str]]:
        """The first recipients by verdict."""
        found: dict[str, list[str]] = {}
        for group in self.classes:
            found.setdefault(group.prediction.verdict, []).extend(group.recipients)
        return {outcome: sorted(found[outcome])[:limit] for outcome in OUTCOMES if outcome in found}

    def to_dict(self, world: World, limit: int) -> dict[str, Any]:
        """The form in a result."""
        ranked = sorted(self.classes, key=lambda group: (-OUTCOMES.index(group.prediction.verdict), -len(group.recipients)))
        return {
            "origin": self.origin,
            "recipients": sum(len(group.recipients) for group in self.classes),
            "counts": self.counts,
            "places": self.places,
            "hurt": self.hurt,
            "lists": self.lists(limit),
            "classes": [shown(world, group, limit) for group in ranked],
        }

    def lines(self, world: World, limit: int) -> list[str]:
        """The same for a screen: counts, then who is hurt and why."""
        total = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items()) or "nobody"
        found = [f"from {self.origin}: {total}"]
        hurt = [group for group in self.classes if group.prediction.verdict in {*HURTS, "unknown"}]
        ranked = sorted(hurt, key=lambda group: -len(group.recipients))
        for group in ranked[:limit]:
            found.append(f"    {line_of(world, group)}")
        more = len(ranked) - limit
        return [*found, f"    and {more} more kinds of recipients"] if more > 0 else found


def shown(world: World, group: Class, limit: int) -> dict[str, Any]:
    """A class: how many, who, their end and why."""
    return {
        "outcome": group.prediction.verdict,
        "outcomes": sorted(group.prediction.outcomes, key=OUTCOMES.index),
        "kind": kind_of(world, group),
        "where": place_of(group.prediction),
        "recipients": len(group.recipients),
        "first": list(group.recipients[:limit]),
        "why": why(group.prediction),
    }


def place_of(prediction: Prediction) -> str:
    """Where mail ends under every reading: tenant, source, outside …; `several` where that differs, `nobody` behind an empty list."""
    places = {landing.place for route in prediction.routes for ending in route.endings for landing in ending.landings}
    return places.pop() if len(places) == 1 else "several" if places else "nobody"


def why(prediction: Prediction) -> str:
    """What makes the worst of it, and what that takes for granted."""
    worst = ways(prediction)[0]
    return f"{worst.because}{f' (assumed: {worst.given})' if worst.given else ''}"


def line_of(world: World, group: Class) -> str:
    """The same in one line."""
    who, verdict = f"{kind_of(world, group)} ({counted(group.recipients)})", group.prediction.verdict
    return f"{len(group.recipients)} {verdict}: {who}: {why(group.prediction)}"


def kind_of(world: World, group: Class) -> str:
    """What the tenant and the source have of the first of them, in a word or two."""
    address = group.recipients[0]
    party = world.by_address.get(address)
    source = world.source_of(domain_of(address))
    entry = (source.addresses or {}).get(address) if source else None
    if party is None:
        return f"no object, {entry.kind} at the source" if entry else "no object"
    ours = world.by_address.get(world.group)
    inside = party.kind not in EXPANDED and ours is not None and party.id in world.members.get(ours.id, frozenset())
    return f"{party.kind}{', in the group' if inside else ''}{f', {entry.kind} at the source' if entry else ''}"


def sums(tallies: Iterable[Tally]) -> Mapping[str, int]:
    """All origins together: pairs of recipient and origin by verdict."""
    found: dict[str, int] = {}
    for tally in tallies:
        for outcome, number in tally.counts.items():
            found[outcome] = found.get(outcome, 0) + number
    return {outcome: found[outcome] for outcome in OUTCOMES if outcome in found}
