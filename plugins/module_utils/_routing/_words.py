# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A prediction in plain words: where it goes, because of what, since when, and when that will change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._checks import domain_of
from ._delivery import OTHERWISE
from ._outcomes import MEANING, OUTCOMES, Hop, Landing, person_of
from ._predict import Prediction, Route
from ._readings import FACTS
from ._route import BEHIND
from ._tenant import CERTIFICATE_OF, SIGNATURE_OF
from ._world import TENANT, Rule, World

FROM = {
    "internet": "from the internet",
    "tenant": "from a colleague in the tenant",
    "source": "from a colleague at the foreign host",
    "program": "from a program on the foreign host",
}
PLACES = {
    "tenant": "goes to the mailbox in the tenant",
    "source": "goes to the foreign host",
    "outside": "leaves to another host",
    "catch_all": "ends in the catch-all of the foreign host",
    "bounced": "goes back to the sender",
    "loop": "goes round in a loop, then back to the sender",
    "delayed": "waits",
    "lost": "is lost",
    "unknown": "goes nobody knows where",
}
FAILED = frozenset({"bounced", "loop", "delayed", "lost", "unknown"})
BY_HOST = frozenset({"forwards", "hands", "keeps", "refuses", "puts", "expands", "relays", "takes"})
# What a decision says, from the one that explains most.
DECISIVE = ("sends it to connector", "redirects it", "deletes it", "rejects it", "is excepted", "forwards", "leaves it", "the MX of")


@dataclass(frozen=True)
class Way:
    """Routes with one end: where, the outcome, what they take for granted, and the decisions of the first of them."""

    where: str
    outcome: str
    given: str
    because: str
    lines: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The form in a result."""
        return {"where": self.where, "outcome": self.outcome, "if": self.given, "because": self.because, "way": list(self.lines)}


def ways(prediction: Prediction) -> tuple[Way, ...]:
    """Every different end, the worst first, each with the readings that lead to it."""
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in prediction.routes:
        groups.setdefault((route.outcome, _where(route)), []).append(route)
    everything = _answers(prediction.routes)
    ranked = sorted(groups, key=lambda key: -OUTCOMES.index(key[0]))
    return tuple(_way(outcome, where, groups[outcome, where], everything) for outcome, where in ranked)


def _way(outcome: str, where: str, routes: list[Route], everything: Mapping[str, set[str]]) -> Way:
    return Way(where, outcome, _given(routes, everything), _because(routes[0]), tuple(routes[0].lines()))


def _landings(route: Route) -> tuple[Landing, ...]:
    return tuple(landing for ending in route.endings for landing in ending.landings)


def _where(route: Route) -> str:
    """Where the copies end: one phrase, or a count per place when a group leads to several people."""
    counts: dict[str, int] = {}
    for landing in _landings(route):
        counts[landing.place] = counts.get(landing.place, 0) + landing.many
    if not counts:
        return "leads to nobody"
    people = sum(ending.many for ending in route.endings)
    if len(counts) == 1 and people == 1:
        return PLACES[next(iter(counts))]
    if people == 1:
        return " and ".join(PLACES[place] for place in sorted(counts))
    parts = ", ".join(f"for {number} it {PLACES[place]}" for place, number in sorted(counts.items()))
    return f"is for {people} people: {parts}"


def _answers(routes: Iterable[Route]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for route in routes:
        for key, value in route.assumed.items():
            found.setdefault(key, set()).add(value)
    return found


def _given(routes: list[Route], everything: Mapping[str, set[str]]) -> str:
    """What sets these routes apart; empty when nothing does."""
    own = _answers(routes)
    told = [key for key in everything if own.get(key) and own[key] != everything[key]]
    return "; ".join(_either(key, sorted(own[key])) for key in told)


def _either(key: str, values: list[str]) -> str:
    fact = FACTS.get(key)
    if fact:
        return f"({fact.about}) {', or: '.join(fact.readings[value] for value in values)}"
    return " or ".join(in_words(key, value) for value in values)


ACTING = {
    "after": "acts as it reads now",
    "before": "still acts as before its change",
    OTHERWISE: "still acts by conditions of before its change, which the service does not show",
}


def in_words(key: str, value: str) -> str:
    """One answer that a route takes for granted, beside the disputed facts."""
    about, _unused, name = key.partition(": ")
    if about == "rule acts":
        return f"rule '{name}' {ACTING[value]}"
    if about == "membership acts":
        return f"the changed membership of {name} acts" if value == "after" else f"the changed membership of {name} does not act yet"
    if about == "rule matches":
        return f"rule '{name}' {value} (it asks for something that is not evaluated)"
    if about.startswith(CERTIFICATE_OF):
        verb = "fits" if value == "fits" else "does not fit"
        return f"the certificate of {about.removeprefix(CERTIFICATE_OF)} {verb} inbound connector '{name}'"
    if key.startswith(SIGNATURE_OF):
        return f"mail of {key.removeprefix(SIGNATURE_OF)} is {'' if value == 'signed' else 'not '}signed with DKIM"
    if key.startswith("MX of "):
        domain, _unused, looker = key.removeprefix("MX of ").partition(" seen from ")
        return f"{looker} {'sees the new MX' if value == 'new' else 'still holds the former MX'} of {domain}"
    if about.startswith(BEHIND):
        return f"{about.removeprefix(BEHIND)} hands mail of {name} to {'the tenant' if value == TENANT else value}"
    if key.startswith("host of "):
        return f"connector '{key.removeprefix('host of ')}' takes {value}"
    return f"{key}: {value}"


def _because(route: Route) -> str:
    """The decision that explains the end best, else the last one; what failed says how as well."""
    landings = _landings(route)
    if not landings:
        return "there is nobody behind it"
    trail, place = landings[0].trail, landings[0].place
    chosen = next((hop for sign in DECISIVE[:5] for hop in reversed(trail) if sign in hop.why), None)
    chosen = chosen or next((hop for sign in DECISIVE[5:] for hop in reversed(trail) if sign in hop.why), trail[-1])
    if place in FAILED and chosen is not trail[-1]:
        return f"{phrase(chosen)}; there {phrase(trail[-1])}"
    return phrase(chosen)


def phrase(hop: Hop) -> str:
    """A decision as half a sentence with a subject."""
    verb = hop.why.partition(" ")[0]
    subject = "it " if verb in {"leaves", "is", "entered"} else f"{hop.at} " if verb in {"has", "does", *BY_HOST} else ""
    return f"{subject}{hop.why}".replace("which is tenant", "which is the tenant").replace("is tenant itself", "is the tenant itself")


def deciding(world: World, prediction: Prediction) -> list[Rule]:
    """The rules that the routes name."""
    said = "\n".join(line for route in prediction.routes for line in route.lines())
    return [rule for rule in world.rules if f"rule '{rule.name}'" in said]


def since(world: World, prediction: Prediction, joined: str) -> str:
    """Since when it is so: the newest change among the rules that decide and, where membership decides, the group's."""
    times = {rule.since: f"rule '{rule.name}'" for rule in deciding(world, prediction) if rule.since}
    asked = any(one.name.endswith("MemberOf") for rule in deciding(world, prediction) for one in (*rule.conditions, *rule.exceptions))
    if asked and joined and person_of(world, prediction.recipient).party:
        times[joined] = f"group {world.group}"
    if not times:
        return ""
    newest = max(times)
    return f"{newest} ({times[newest]} was changed last)"


def changes(world: World, prediction: Prediction) -> list[str]:
    """What is under way and can change it, with its time."""
    found = [
        f"{rule.until or 'an unknown time'}, when rule '{rule.name}' surely acts as it reads"
        for rule in deciding(world, prediction)
        if rule.was
    ]
    person = person_of(world, prediction.recipient)
    group = world.by_address.get(world.group)
    if group and person.party and (group.id, person.party.id) in world.moving:
        until = world.moving[group.id, person.party.id]
        found.append(f"{until or 'an unknown time'}, when the membership of {person.party.primary} surely acts")
    own = {prediction.recipient, *(person.party.addresses if person.party else ())}
    for domain in sorted({domain_of(address) for address in own} & world.mx.keys()):
        answer = world.mx[domain]
        if answer.before and answer.before != answer.holder:
            found.append(f"{answer.until or 'an unknown time'}, when nobody holds the former MX of {domain} any more")
    return found


def explained(world: World, prediction: Prediction, joined: str) -> dict[str, Any]:
    """One address from one origin, as a result holds it. joined: when the group was changed last."""
    found = ways(prediction)
    when, later = since(world, prediction, joined), changes(world, prediction)
    return {
        "address": prediction.recipient,
        "origin": prediction.origin,
        "sender": prediction.sender,
        "verdict": prediction.verdict,
        "hurts": prediction.hurts,
        "means": MEANING[prediction.verdict],
        "ways": [way.to_dict() for way in found],
        "since": when,
        "will_change": later,
        "text": sentence(prediction, found, when, later),
    }


def sentence(prediction: Prediction, found: tuple[Way, ...], when: str, later: list[str]) -> str:
    """The whole of it, as one would say it on the telephone."""
    begin = f"{prediction.recipient}, {FROM[prediction.origin]}"
    dated = f", since {when}" if when else ""
    ahead = f"; will change at {' and at '.join(later)}" if later else ""
    if len(found) == 1:
        return f"{begin}: {_said(found[0])}{dated}{ahead}."
    count = {2: "two", 3: "three"}.get(len(found), str(len(found)))
    parts = "; ".join(f"if {way.given or 'nothing else holds'}: {_said(way)}" for way in found)
    return f"{begin}: {count} ways are possible, the worst is {prediction.verdict} - {parts}{dated}{ahead}."


def _said(way: Way) -> str:
    return f"{way.where} ({way.outcome}: {MEANING[way.outcome]}) because {way.because}"


def screen(routes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Several addresses as lines: what becomes of it, each way with its reason, since when, and what is under way."""
    lines: list[str] = []
    for route in routes:
        begin, found = f"{route['address']}, {FROM[route['origin']]}", route["ways"]
        plain = f"{route['verdict']}, {route['means']}"
        worst = f"{len(found)} ways are possible, the worst is {plain}" if len(found) > 1 else plain
        lines.append(f"{begin}: {worst}")
        for way in found:
            lines.append(f"  {'if ' + way['if'] + ': ' if way['if'] else ''}{way['where']} because {way['because']}")
            lines += [f"      {line}" for line in way["way"]]
        lines += [f"  since {route['since']}"] if route["since"] else []
        lines += [f"  will change at {change}" for change in route["will_change"]]
    return lines
