# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Where a message goes, under every reading of what is disputed, and the worst that can become of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from . import _foreign, _tenant
from ._checks import domain_of
from ._outcomes import HURTS, MEANING, Landing, Person, judge, person_of, worst
from ._readings import FACTS, Oracle, explore
from ._route import INTERNET, LOCAL, ORIGINS, Copy, Message, Step, by_mx, ends
from ._world import TENANT, Party, World

# A list that holds itself must not make copies for ever.
COPIES = 5000


@dataclass(frozen=True)
class Ending:
    """What became of a message for one person, or for as many as it stands for."""

    person: Person
    outcome: str
    landings: tuple[Landing, ...]

    @property
    def many(self) -> int:
        """How many people."""
        return max(landing.many for landing in self.landings)


@dataclass(frozen=True)
class Route:
    """One reading's way. assumed: the answers that it hangs on; empty when nothing is disputed."""

    assumed: Mapping[str, str]
    outcome: str
    endings: tuple[Ending, ...]

    def lines(self) -> list[str]:
        """Every decision in plain words, in order; each once."""
        hops = [str(hop) for ending in self.endings for landing in ending.landings for hop in landing.trail]
        return list(dict.fromkeys(hops))

    def assumptions(self) -> list[str]:
        """What this route takes for granted, in plain words."""
        return [_in_words(key, value) for key, value in self.assumed.items()]


def _in_words(key: str, value: str) -> str:
    fact = FACTS.get(key)
    return f"{fact.about}: {fact.readings[value]}" if fact else f"{key}: {value}"


@dataclass(frozen=True)
class Prediction:
    """Every route of a message that some reading allows. verdict: the worst outcome; safe only if safe under all."""

    sender: str
    recipient: str
    origin: str
    routes: tuple[Route, ...]
    verdict: str

    @property
    def outcomes(self) -> frozenset[str]:
        """Every outcome that can be."""
        return frozenset(route.outcome for route in self.routes)

    @property
    def worst(self) -> Route:
        """The first route with the worst outcome that was walked."""
        bad = worst(route.outcome for route in self.routes)
        return next(route for route in self.routes if route.outcome == bad)

    @property
    def hurts(self) -> bool:
        """True when some reading hurts."""
        return self.verdict in HURTS

    def only_with(self, sort: str, answer: str) -> frozenset[str]:
        """Outcomes that a route has only with this answer to a question of this sort, as its name begins."""
        told = [
            (route.outcome, any(key.startswith(sort) and given == answer for key, given in route.assumed.items())) for route in self.routes
        ]
        return frozenset(outcome for outcome, given in told if given) - frozenset(outcome for outcome, given in told if not given)

    def under(self, reading: Mapping[str, str]) -> tuple[Route, ...]:
        """The routes that a reading allows: one, when it answers everything that this message asks."""
        return tuple(route for route in self.routes if all(reading.get(key, value) == value for key, value in route.assumed.items()))

    def sentence(self) -> str:
        """The worst route in one line."""
        route = self.worst
        last = route.lines()[-1] if route.lines() else "nothing is known"
        given = f" (assumed: {'; '.join(route.assumptions())})" if route.assumed and len(self.outcomes) > 1 else ""
        return f"{self.recipient} from {self.origin}: {self.verdict}, {MEANING[self.verdict]}: {last}{given}"


def predict(
    world: World, sender: str, recipient: str, origin: str, *, kind: str = "mail", others: tuple[str, ...] | None = ()
) -> Prediction:
    """The routes of one message to one recipient.

    sender: an address, empty for a null sender. origin: `internet`, `tenant` (a signed-in sender), `source` (a sender of
    the foreign system) or `program` (a program on the foreign host that looks at no MX). kind: mail, calendar, bounce,
    oof, journal. others: the message's other recipients, None when they may be anybody. Raises ValueError for another
    origin.
    """
    if origin not in ORIGINS:
        raise ValueError(f"origin '{origin}' is none of {', '.join(ORIGINS)}")
    sender, recipient = sender.strip().casefold(), recipient.strip().casefold()

    def walk(oracle: Oracle) -> Route:
        message = Message(world, oracle, sender, kind, others, recipient)
        landings = _walk(message, _begin(message, recipient, origin))
        endings = _endings(message, landings)
        return Route(oracle.answers, worst(ending.outcome for ending in endings), endings)

    branches = explore(walk, world.facts)
    routes = tuple(route for _unused, route in branches.found)
    verdict = worst([*(route.outcome for route in routes), *([] if branches.complete else ["unknown"])])
    return Prediction(sender, recipient, origin, routes, verdict)


def _begin(message: Message, recipient: str, origin: str) -> Step:
    """The first step of a message, by where it begins."""
    world, copy = message.world, Copy(recipient, recipient, "", INTERNET)
    if origin == "tenant":
        return Step((Copy(recipient, recipient, TENANT, TENANT, internal=True),))
    if origin == "internet":
        return by_mx(message, copy, INTERNET, INTERNET)
    source = world.source_of(domain_of(message.sender)) or world.source_of(domain_of(recipient)) or next(iter(world.sources), None)
    if source is None:
        return ends(copy.lands("unknown", INTERNET, "there is no foreign system"))
    return Step((Copy(recipient, recipient, source.name, LOCAL, program=origin == "program"),))


def _walk(message: Message, first: Step) -> tuple[Landing, ...]:
    landings = list(first.landings)
    waiting = deque(first.copies)
    sources = {source.name: source for source in message.world.sources}
    for _unused in range(COPIES):
        if not waiting:
            return tuple(landings)
        copy = waiting.popleft()
        step = _tenant.receive(message, copy) if copy.at == TENANT else _foreign.receive(message, copy, sources[copy.at])
        landings += step.landings
        waiting.extend(step.copies)
    landings += [copy.lands("loop", copy.at, "there are more copies than a message can have") for copy in waiting]
    return tuple(landings)


def _endings(message: Message, landings: tuple[Landing, ...]) -> tuple[Ending, ...]:
    """The landings by person."""
    world = message.world

    def nested() -> bool:
        return message.oracle.fact("nested_members") == "counts"

    def plus(party: Party) -> bool:
        return _tenant.reached(message, party)

    people: dict[str, Person] = {}
    found: dict[str, list[Landing]] = {}
    for landing in landings:
        person = person_of(world, landing.who, plus)
        people.setdefault(person.key, person)
        found.setdefault(person.key, []).append(landing)
    return tuple(
        Ending(people[key], judge(world, people[key], frozenset(landing.place for landing in own), nested), tuple(own))
        for key, own in found.items()
    )
