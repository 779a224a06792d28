# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Plays states by prediction alone: per state who would be hurt, how and why. Only what a change can touch is predicted again. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._classes import Class
from ._findings import Finding
from ._hazards import evaluate
from ._mail_plan import NOBODY
from ._outcomes import HURTS, OUTCOMES
from ._people import ORIGINS, everyone, senders_for, shown, why
from ._rehearse_fate import Fate, Leaf, ends_of, group_of, joined, narrowed, predicted
from ._rehearse_plan import State
from ._rehearse_reach import behind, leads
from ._rehearse_sign import Closer, unique
from ._world import World

# How mail to an address that nobody has must not end; that it bounces is right.
ASTRAY = frozenset({"split", "loop", "lost"})


@dataclass(frozen=True)
class Group:
    """Recipients with one fate from one origin who can be hurt.

    new: those who were better off before the plan began. fresh: those of them who were better off in the state before.
    """

    origin: str
    of: Class
    new: tuple[str, ...]
    fresh: tuple[str, ...]


@dataclass(frozen=True)
class Played:
    """A state and what came of it. counts: pairs of recipient and origin by outcome. hurt: the groups that can be hurt.

    beyond: pairs that a rule makes worse where it matches, by rule; its predicates are not evaluated. nobody: the same as hurt for
    one address of each shared domain that neither side has, where its mail goes astray; counted nowhere else.
    """

    state: State
    counts: dict[str, int]
    hurt: tuple[Group, ...]
    beyond: dict[str, int]
    findings: tuple[Finding, ...]
    nobody: tuple[Group, ...] = ()

    def newly(self, fresh: bool = False) -> dict[str, int]:
        """Pairs that the plan hurts, by outcome; fresh: those that were better off in the state before."""
        found: dict[str, int] = {}
        for group in self.hurt:
            number = len(group.fresh if fresh else group.new)
            if number:
                verdict = group.of.prediction.verdict
                found[verdict] = found.get(verdict, 0) + number
        return {outcome: found[outcome] for outcome in OUTCOMES if outcome in found}

    def to_dict(self, number: int, limit: int) -> dict[str, Any]:
        """The form in a result."""
        state, newly = self.state, self.newly()
        return {
            "number": number,
            "step": state.step,
            "state": state.title,
            "wave": state.wave,
            "order": state.order,
            "wait": state.wait,
            "wait_for": state.wait_for,
            "counts": self.counts,
            "hurt": sum(len(group.of.recipients) for group in self.hurt),
            "newly_hurt": sum(newly.values()),
            "newly": newly,
            "fresh": self.newly(fresh=True),
            "other_rules": self.beyond,
            "who": _who(self, limit),
            "nobody": _nobody(self),
            "guards": [finding.to_dict() for finding in self.findings],
        }


def _nobody(played: Played) -> list[dict[str, Any]]:
    """The addresses that nobody has, one entry for all origins with the same end."""
    found: dict[Hashable, dict[str, Any]] = {}
    for group in played.nobody:
        (address,), outcome, because = group.of.recipients, group.of.prediction.verdict, why(group.of.prediction)
        entry = {"address": address, "outcome": outcome, "why": because, "origins": [], "new": bool(group.new), "fresh": bool(group.fresh)}
        found.setdefault((address, outcome, because, bool(group.new), bool(group.fresh)), entry)["origins"].append(group.origin)
    return list(found.values())


def _who(played: Played, limit: int) -> list[dict[str, Any]]:
    """The classes that can be hurt, one entry for all origins with the same end, those hurt by the plan first."""
    found: dict[Hashable, dict[str, Any]] = {}
    first = sorted(played.hurt, key=lambda group: (-len(group.fresh), -len(group.new), -len(group.of.recipients)))
    for group in first[: limit * len(ORIGINS)]:
        told = shown(played.state.world, _named(played.state.world, group), limit)
        key = (told["outcome"], told["kind"], told["why"], group.new, group.fresh, group.of.recipients)
        if key not in found:
            names = group.fresh or group.new or group.of.recipients
            found[key] = {**told, "origins": [], "new": len(group.new), "fresh": len(group.fresh), "first": list(names[:limit])}
        found[key]["origins"].append(group.origin)
    ranked = sorted(found.values(), key=lambda one: (-one["fresh"], -one["new"], -one["recipients"]))
    return ranked[:limit]


def _named(world: World, group: Group) -> Class:
    """The class with the prediction of the first of those who are named: what was kept can be that of one who has left it."""
    first, kept = (group.fresh or group.new or group.of.recipients)[0], group.of.prediction
    if kept.recipient == first or group_of(world, first):
        return group.of
    fate = predicted(world, (kept.sender,), first, group.origin)
    return replace(group.of, prediction=fate.prediction) if fate.outcome == kept.verdict else group.of


@dataclass
class Stage:
    """The recipients by class, and the fates in the world as it is now. predictions: how many were made so far.

    inside: by the sign of a group's member, where its fates are among the known ones.
    """

    domains: Sequence[str]
    people: list[str] = field(default_factory=list)
    signs: dict[str, Hashable] = field(default_factory=dict)
    classes: dict[Hashable, dict[str, None]] = field(default_factory=dict)
    known: dict[tuple[str, Hashable], Fate] = field(default_factory=dict)
    inside: dict[Hashable, list[tuple[str, Hashable]]] = field(default_factory=dict)
    before: dict[str, dict[str, int]] = field(default_factory=dict)
    last: dict[str, dict[str, int]] = field(default_factory=dict)
    parting: dict[str, dict[str, int]] = field(default_factory=dict)
    order: str = ""
    back: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, dict[Hashable, Leaf]] = field(default_factory=dict)
    predictions: int = 0
    most: int = 0

    def play(self, state: State) -> Played:
        """One state."""
        if state.shape or not self.people:
            self._reshape(state.world)
        elif state.touched is None:
            self.known.clear()
        else:
            self._moved(state.world, state.touched)
        self.most = max(self.most, len(self.classes))
        counts = dict.fromkeys(OUTCOMES, 0)
        beyond: dict[str, int] = {}
        hurt: list[tuple[str, Class]] = []
        for origin in state.origins:
            for sign, members in self.classes.items():
                found = self._fate(state.world, origin, sign, members)
                counts[found.outcome] += len(members)
                for rule in found.beyond:
                    beyond[rule] = beyond.get(rule, 0) + len(members)
                if found.outcome in HURTS:
                    hurt.append((origin, Class(found.prediction, tuple(members))))
        self._turned(state.order)
        strangers = self._strangers(state)
        groups = self._compared([*hurt, *strangers])
        findings = evaluate(state.judged).all if state.judged else ()
        found_ = {name: number for name, number in counts.items() if number}
        return Played(state, found_, groups[: len(hurt)], beyond, findings, groups[len(hurt) :])

    def _strangers(self, state: State) -> list[tuple[str, Class]]:
        """The address of each shared domain that nobody has, by origin, where its mail goes astray."""
        found = []
        for origin, address in ((origin, f"{NOBODY}@{domain}") for origin in state.origins for domain in self.domains):
            fate = self._fate(state.world, origin, ("nobody", address), [address])
            if fate.outcome in ASTRAY:
                found.append((origin, Class(fate.prediction, (address,))))
        return found

    def _turned(self, order: str) -> None:
        """The orders of a teardown begin at one state, so that the second is not compared with the end of the first."""
        if order != self.order:
            self.parting = self.parting or self.last
            self.last = self.parting if order else self.last
        self.order = order

    def _compared(self, hurt: Sequence[tuple[str, Class]]) -> tuple[Group, ...]:
        """The same with who is hurt worse than before the plan, and who worse than in the last state."""
        now: dict[str, dict[str, int]] = {origin: {} for origin in ORIGINS}
        for origin, group in hurt:
            now[origin].update(dict.fromkeys(group.recipients, OUTCOMES.index(group.prediction.verdict)))
        self.before = self.before or now
        last, self.last = self.last or now, now
        found = []
        for origin, group in hurt:
            rank, before, earlier = OUTCOMES.index(group.prediction.verdict), self.before[origin], last[origin]
            new = tuple(one for one in group.recipients if before.get(one, 0) < rank)
            found.append(Group(origin, group, new, tuple(one for one in new if earlier.get(one, 0) < rank)))
        return tuple(found)

    def _fate(self, world: World, origin: str, sign: Hashable, members: Iterable[str]) -> Fate:
        key = (origin, sign)
        if key not in self.known:
            self.known[key] = self._foretold(world, origin, next(iter(members)))
        return self.known[key]

    def _foretold(self, world: World, origin: str, address: str) -> Fate:
        """By itself, or of a group the worst of its members."""
        senders = senders_for(origin, self.domains, address)
        found: list[Fate] = []
        for sign, leaf in self._ends(world, address).items():
            key = (origin, sign)
            if key not in self.known:
                self.predictions += 1
                self.known[key] = predicted(narrowed(world, leaf), senders, address, origin)
                self.inside.setdefault(_member(sign), []).append(key)
            found.append(self.known[key])
        if found:
            return joined(found)
        self.predictions += 1
        return predicted(world, senders, address, origin)

    def _ends(self, world: World, address: str) -> dict[Hashable, Leaf]:
        """The ends of a group, one for each fate; none for what is no group."""
        if address not in self.ends:
            group = group_of(world, address)
            every = ends_of(world, address, group, self.signs) if group else {}
            self.ends[address] = {("by a group", key): leaf for key, leaf in every.items()}
        return self.ends[address]

    def _reshape(self, world: World) -> None:
        """Everybody anew: what tells recipients apart has changed."""
        self.people = everyone(world, self.domains)
        self.back = leads(world)
        self.known.clear()
        self.signs.clear()
        self.classes.clear()
        self.ends.clear()
        self._sign(Closer(world), self.people)

    def _moved(self, world: World, touched: frozenset[str]) -> None:
        """Those whom the change can touch; the others keep their class and their prediction."""
        chosen = behind(self.back, touched)
        again = [address for address in self.people if address in chosen]
        for address in again:
            self.ends.pop(address, None)
            sign = self.signs[address]
            del self.classes[sign][address]
            if not self.classes[sign]:
                del self.classes[sign]
            if unique(sign):
                self._forget(sign)
        self._sign(Closer(world), again)

    def _forget(self, sign: Hashable) -> None:
        """The fates of one recipient alone; those of other classes stay, since another may come into them."""
        for origin in ORIGINS:
            self.known.pop((origin, sign), None)
        for key in self.inside.pop(sign, ()):
            self.known.pop(key, None)

    def _sign(self, signer: Closer, addresses: Iterable[str]) -> None:
        for address in addresses:
            sign = signer.sign(address)
            self.signs[address] = sign
            self.classes.setdefault(sign, {})[address] = None


def _member(sign: Hashable) -> Hashable:
    """The sign of the member of whom a group's end consists; none for what is no such end."""
    return sign[1][2] if isinstance(sign, tuple) and sign[0] == "by a group" else None
