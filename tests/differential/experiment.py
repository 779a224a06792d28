# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds played: each letter in every reading that its prediction distinguishes, and in two that were chosen without looking at it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import Prediction
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import World
from sandbox.mail.outcomes import ORDER

from . import predicting, readings
from .generator import scenario
from .letters import hurts
from .playing import Play, opened
from .scenario import Letter, Scenario

AT_ONCE = 6  # worlds that are open side by side, so that none waits for another one's silence
MOST_OPEN = 2  # outcomes that a message may have which hangs on a predicate that is not evaluated
Reading = dict[str, str]
# (state, kind, origin, outcome)
Case = tuple[str, str, str, str]


@dataclass(frozen=True)
class Disagreement:
    """A letter whose fate was another than predicted."""

    seed: int
    state: str
    letter: Letter
    recipient: str
    reading: Mapping[str, str]
    predicted: str
    happened: str
    reasons: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()

    def __str__(self) -> str:
        asked = ", ".join(f"{name}={answer}" for name, answer in sorted(self.reading.items()))
        letter = self.letter
        head = f"seed {self.seed} {self.state}: {letter.what} from {letter.sender or '<>'} ({letter.origin}) to {self.recipient}"
        lines = [f"{head}: predicted {self.predicted}, happened {self.happened} [{asked}]"]
        return "\n".join([*lines, *(f"    predicted: {line}" for line in self.reasons), *(f"    happened: {hop}" for hop in self.hops)])


@dataclass
class Report:
    """What all worlds showed."""

    worlds: int = 0
    messages: int = 0
    open_messages: int = 0
    asked: int = 0
    widest: int = 0
    cases: Counter[Case] = field(default_factory=Counter)
    # The letters that showed a line of the table of states: each counts once, in however many readings it was sent.
    rows: dict[tuple[str, int], set[tuple[int, Letter]]] = field(default_factory=lambda: defaultdict(set))
    disagreements: list[Disagreement] = field(default_factory=list)
    # Predictions whose mail ended otherwise under another answer to this question alone.
    mattered: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """The part of the predictions that hang on a predicate that is not evaluated."""
        return self.open_messages / self.asked if self.asked else 0.0

    def missing(self, least: int, states: Iterable[str]) -> list[str]:
        """The lines of the table of states that fewer letters than that have shown."""
        met = {(state, number): len(self.rows[state, number]) for state in states for number in range(len(hurts(state)))}
        return [f"{state}, line {number + 1}: {count}" for (state, number), count in met.items() if count < least]


def _questions(found: Iterable[Prediction]) -> dict[str, list[str]]:
    """What the routes of a world hang on, and every answer."""
    known: dict[str, dict[str, None]] = {}
    for prediction in found:
        for route in prediction.routes:
            for question, answer in route.assumed.items():
                known.setdefault(question, {})[answer] = None
    return {question: list(answers) for question, answers in known.items()}


def _chosen(questions: Mapping[str, list[str]], random: Random, base: Reading, kept: set[str]) -> Reading:
    """An answer to every question; answers of one kind go together where the sandbox has one latency for all."""
    found = {fact: base[fact] if fact in kept else random.choice(answers) for fact, answers in readings.QUESTIONS.items()}
    latency = {kind: random.choice(("before", "after")) for kind in (readings.RULE_ACTS, readings.MEMBERSHIP_ACTS)}
    for question in sorted(questions):
        if question not in found:
            kind = next((kind for kind in latency if question.startswith(kind)), "")
            found[question] = latency[kind] if kind else random.choice(sorted(questions[question]))
    return found


def _mattering(prediction: Prediction, happened: Mapping[int, str]) -> set[str]:
    """The questions of which one answer in place of another, all else being equal, made another outcome."""
    found: set[str] = set()
    for (one, outcome), (other, another) in itertools.combinations(happened.items(), 2):
        first, second = prediction.routes[one].assumed, prediction.routes[other].assumed
        apart = [question for question in first.keys() & second.keys() if first[question] != second[question]]
        if outcome != another and len(apart) == 1:
            found.add(readings.kind(apart[0]))
    return found


@dataclass
class Match:
    """One world: what was predicted, and what is played."""

    made: Scenario
    play: Play
    known: World
    report: Report
    predictions: list[dict[str, Prediction]] = field(default_factory=list)
    played: list[dict[str, dict[int, str]]] = field(default_factory=list)

    async def run(self) -> None:
        """Predict, play, compare."""
        self.predictions = [predicting.predictions(self.known, letter) for letter in self.made.letters]
        self.played = [{recipient: {} for recipient in letter.recipients} for letter in self.made.letters]
        every = [prediction for found in self.predictions for prediction in found.values()]
        questions = _questions(every)
        random = Random(self.made.seed)  # noqa: S311 - made-up readings, the same for a seed
        fixed = predicting.fixed(self.made)
        base = _chosen(questions, random, self.made.reading, set(readings.QUESTIONS))
        other = _chosen(questions, random, self.made.reading, fixed)
        if self.made.edited:
            # First, as long as nothing has rewritten the rule's past.
            was = {**base, f"{readings.RULE_ACTS}{self.made.edited}": readings.AS_IT_WAS}
            await self._stage(was, range(len(self.made.letters)))
        for reading in (base, other):
            await self._stage(reading, range(len(self.made.letters)))
        for reading, letters in self._rest(base):
            await self._stage(reading, letters)
        self._verdicts()
        self.report.worlds += 1

    def _rest(self, base: Reading) -> list[tuple[Reading, list[int]]]:
        """Further readings, with the letters for which they matter."""
        found: dict[frozenset[tuple[str, str]], list[int]] = {}
        for number, predictions in enumerate(self.predictions):
            for recipient, prediction in predictions.items():
                for place, route in enumerate(prediction.routes):
                    if place not in self.played[number][recipient]:
                        reading = frozenset({**base, **route.assumed}.items())
                        letters = found.setdefault(reading, [])
                        if number not in letters:
                            letters.append(number)
        return [(dict(reading), letters) for reading, letters in found.items()]

    async def _stage(self, reading: Reading, letters: Iterable[int]) -> None:
        """Send letters in a reading, and compare."""
        self.play.apply(reading)
        numbers = list(letters)
        happened = await self.play.outcomes([(self.made.letters[number], reading) for number in numbers])
        for number, outcomes in zip(numbers, happened, strict=True):
            self.report.messages += 1
            for recipient, outcome in outcomes.items():
                self._compare(number, recipient, reading, outcome)

    def _compare(self, number: int, recipient: str, reading: Reading, happened: str) -> None:
        letter, prediction = self.made.letters[number], self.predictions[number][recipient]
        routes = [(place, route) for place, route in enumerate(prediction.routes) if route in prediction.under(readings.told(reading))]
        allowed = {route.outcome for _unused, route in routes}
        open_ = readings.unshown(reading) or any(not readings.playable(question) for _unused, route in routes for question in route.assumed)
        if not routes or (len(routes) > 1 and not open_) or len(allowed) > MOST_OPEN:
            raise AssertionError(f"seed {self.made.seed}: {len(routes)} routes of {recipient} in {reading}")
        for place, _route in routes if not readings.unshown(reading) else ():
            self.played[number][recipient][place] = happened
        if recipient == letter.recipients[0]:
            self.report.cases[self.made.state, letter.kind, letter.origin, happened] += 1
            self._count(letter, reading, happened)
        if happened not in allowed:
            route = routes[0][1]
            self._differs(letter, recipient, route.assumed, " or ".join(sorted(allowed)), happened, tuple(route.lines()))

    def _count(self, letter: Letter, reading: Reading, happened: str) -> None:
        """Count the lines of the table of states that this letter showed."""
        for place, hurt in enumerate(hurts(self.made.state)):
            fits = letter.kind in hurt.kinds and letter.origin in hurt.origins and letter.what in hurt.mail and happened == hurt.outcome
            if fits and all(reading.get(fact, answer) == answer for fact, answer in hurt.reading.items()):
                self.report.rows[self.made.state, place].add((self.made.seed, letter))

    def _differs(
        self, letter: Letter, recipient: str, reading: Mapping[str, str], predicted: str, happened: str, reasons: tuple[str, ...]
    ) -> None:
        hops = tuple(self.play.hops(letter))
        self.report.disagreements.append(
            Disagreement(self.made.seed, self.made.state, letter, recipient, reading, predicted, happened, reasons, hops)
        )

    def _verdicts(self) -> None:
        """The verdict is the worst of what was played, once every route was."""
        for letter, predictions, played in zip(self.made.letters, self.predictions, self.played, strict=True):
            for recipient, prediction in predictions.items():
                happened = played[recipient]
                self.report.asked += 1
                self.report.mattered.update(_mattering(prediction, happened))
                self.report.widest = max(self.report.widest, len(prediction.routes))
                unshown = f"{readings.RULE_ACTS}{self.made.edited}"
                asked = {question for route in prediction.routes for question in route.assumed}
                if unshown in asked or any(question.startswith(readings.MATCHES) for question in asked):
                    self.report.open_messages += 1
                worst = max(happened.values(), key=ORDER.index)
                open_ = any(not readings.playable(question) for route in prediction.routes for question in route.assumed)
                better = open_ and prediction.verdict in ORDER and ORDER.index(worst) < ORDER.index(prediction.verdict)
                if len(happened) != len(prediction.routes) or (worst != prediction.verdict and not better):
                    self._differs(letter, recipient, {"verdict": "worst"}, prediction.verdict, worst, ())


async def _one(seed: int, folder: Path, report: Report, limit: asyncio.Semaphore, *, first: bool) -> None:
    async with limit:
        if first and report.disagreements:
            return
        made = scenario(seed)
        async with opened(made, folder / f"world{seed}") as play:
            dumps = [play.world.host(host.name).state.dump() for host in made.hosts]
            known = predicting.world(made, play.tenant, dumps, play.world.readers.synced)
            await Match(made, play, known, report).run()


async def _all(seeds: Iterable[int], folder: Path, *, first: bool) -> Report:
    report, limit = Report(), asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_one(seed, folder, report, limit, first=first) for seed in seeds))
    return report


def run(seeds: Iterable[int], folder: Path, *, first: bool = False) -> Report:
    """Play worlds; first: begin no further world after the first disagreement."""
    return asyncio.run(_all(seeds, folder, first=first))
