# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook killed at each write, probe and command, before and after, with mail under way; what the next two runs make of it."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import excuses
from harness.account import OUTCOMES
from harness.coexistence import CLOCK_RATE
from harness.compare import differences
from harness.excuses import Excuse
from harness.foreign import Foreign
from harness.letters import ORIGINS, OUTSIDER
from harness.play import Player, Run
from harness.tenant import Sandbox

PHASES = ("before", "after")
# What a playbook does to the world: to the tenant, by mail, and on the source's host.
ACTS = ("writes", "probes", "commands")
# A rule that never fires counts.
NEVER_FIRES = {"match": {"probes": True, "nth": 1_000_000}, "action": {"kill": 0}}
# Letters that are sent, and how many of them at least are under way when a playbook is killed: mail to an address that nobody has may be
# refused before.
LETTERS, IN_FLIGHT = 44, 40
PROBE = "<probe."  # begins the id of each
UNDER_WAY = ("delayed", "lost")
SWEEPS = 3
# A kill between the first two writes of a set-up leaves InternalRelay without a note of what it was before; no other one does.
FORMER = ('"former":{"example.com":"Authoritative"}', '"former":{"example.com":"unknown"}')
BETWEEN = ((1, "after"), (2, "before"))
Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One playbook with its extra variables. slips: what the world outside does before, by control; `{"forwards": []}` loses them.

    slipped: what may become of letters because of a slip, until it is mended, beside what the playbook itself may do to them.
    """

    name: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    slips: Sequence[Row] = ()
    slipped: Sequence[Excuse] = ()

    @property
    def excuses(self) -> tuple[Excuse, ...]:
        """What may become of letters wherever it is killed, beside being delivered."""
        return (*excuses.OF.get(self.name, ()), *self.slipped)

    def nameless(self, moment: Row) -> bool:
        """Whether a kill at this moment leaves no note of the former type of a domain."""
        return self.name == "setup" and "writes" in moment and (moment["nth"], moment["phase"]) in BETWEEN


@dataclass(frozen=True)
class Crowd:
    """Whom the letters are for, by kind: people who exist on either side, and one address that nobody has. Who writes from which side."""

    kinds: Mapping[str, Sequence[str]]
    inside: str
    outside: str

    def kind(self, address: str) -> str:
        """The kind of a recipient."""
        return next(kind for kind, found in self.kinds.items() if address in found)

    def letters(self) -> list[Row]:
        """LETTERS messages: every origin to everybody in turn, every third one with a second recipient."""
        turn = itertools.cycle(itertools.chain.from_iterable(self.kinds.values()))
        senders = {"internet": OUTSIDER, "tenant": self.inside, "source": self.outside, "local": self.outside}
        return [
            {
                "origin": origin,
                "sender": senders[origin],
                "recipients": sorted({next(turn) for _unused in range(2 if number % 3 else 1)}),
            }
            for number, origin in zip(range(LETTERS), itertools.cycle(ORIGINS), strict=False)
        ]


def known(value: Any) -> Any:
    """A state with a former type that reads `unknown` taken as the known one."""
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [known(item) for item in value]
    return value.replace(FORMER[1], FORMER[0]) if isinstance(value, str) else value


def letters_of(account: Row) -> list[Row]:
    """The letters of an account: neither reports nor probes."""
    return [row for row in account["messages"] if row["origin"] != "report" and "probe" not in row["subject"].lower()]


@dataclass
class Figures:
    """What was counted."""

    kills: int = 0
    playbooks: int = 0
    acts: dict[str, Counter[str]] = field(default_factory=lambda: {act: Counter() for act in ACTS})
    messages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Figures) -> None:
        """Another worker's figures; both see every write, each kills at its own."""
        self.kills += other.kills
        self.messages += other.messages
        self.outcomes += other.outcomes
        self.playbooks = max(self.playbooks, other.playbooks)
        for act in ACTS:
            self.acts[act] |= other.acts[act]

    @property
    def line(self) -> str:
        """All of it on one line."""
        found = ", ".join(f"{name} {self.outcomes[name]}" for name in OUTCOMES if self.outcomes[name])
        made = ", ".join(f"{sum(self.acts[act].values())} {act}" for act in ACTS if self.acts[act])
        return f"{self.playbooks} playbooks, {made} killed {self.kills} times, {self.messages} messages in flight accounted for: {found}"


@dataclass
class Worker:
    """One sandbox and its part of the kills: each `of`th one, from `first` on. acts: at what it kills; source: where the roles forward."""

    sandbox: Sandbox
    player: Player
    crowd: Crowd
    extra: Mapping[str, Any]
    first: int
    of: int
    acts: Sequence[str] = ACTS
    source: Foreign | None = None
    figures: Figures = field(default_factory=Figures)
    _number: int = 0
    _before: set[str] = field(default_factory=set)

    def run(self, steps: Sequence[Step], tell: Callable[[str], None]) -> Figures:
        """Every step in order; `tell` hears of each that is done. Raises AssertionError at the first kill that hurts."""
        self.sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
        for number, step in enumerate(steps, 1):
            before, title = self.figures.kills, f"{number}. {step.name}"
            self._step(title, step, {**self.extra, **step.extra})
            tell(f"worker {self.first + 1} of {self.of}, step {title}: {self.figures.kills - before} kills")
        return self.figures

    def _step(self, title: str, step: Step, extra: Mapping[str, Any]) -> None:
        sandbox = self.sandbox
        for slip in step.slips:
            self.source.clear() if self.source and "forwards" in slip else sandbox.control("PUT", "/state", slip)
        self._keep()
        done = self.player.run(f"mailops.exchange.{step.name}", extra)
        assert done.code == 0, done.output
        wanted, counts = self._end(), self._counts()
        self._every_probe(title, done, counts["probes"])
        self.figures.playbooks += 1
        for act in self.acts:
            self.figures.acts[act][title] = counts[act]
            for nth, phase in itertools.product(range(1, counts[act] + 1), PHASES):
                self._number += 1
                if self._number % self.of == self.first:
                    self._case(step, extra, {act: True, "nth": nth, "phase": phase}, wanted)

    def _keep(self) -> None:
        """From here on it counts, and here each case begins."""
        self.sandbox.keep()
        self.sandbox.control("DELETE", "/calls")
        self.sandbox.faults(NEVER_FIRES)
        self._before = self._probes()
        if self.source:
            self.source.keep()
            self.source.fault()

    def _probes(self) -> set[str]:
        """The ids of the probes that were taken so far."""
        ids = {str(row["id"]) for row in self.sandbox.control("GET", "/messages?settle=30")["messages"]}
        return {one for one in ids if one.startswith(PROBE)}

    def _counts(self) -> dict[str, int]:
        probes = int(self.sandbox.control("GET", "/faults")[0]["seen"])
        return {"writes": len(self.sandbox.writes()), "probes": probes, "commands": self.source.count if self.source else 0}

    def _every_probe(self, title: str, done: Run, counted: int) -> None:
        """Each probe that a host took, in a result or made again before it, was counted where it entered."""
        taken = self._probes() - self._before
        assert counted == len(taken), f"{title}: {counted} probes were counted, {len(taken)} were taken"
        assert done.probes <= taken, f"{title}: {sorted(done.probes - taken)} of its results were never taken"

    def _end(self) -> Any:
        return {"tenants": self.sandbox.objects(), "source": self.source.state() if self.source else []}

    def _case(self, step: Step, extra: Mapping[str, Any], moment: Row, wanted: Any) -> None:
        """Kill, account for the mail, run twice: the state is the wanted one, and the last run wrote nothing."""
        name, sandbox = step.name, self.sandbox
        what = f"{name}, {moment}"
        sandbox.back()
        if self.source:
            self.source.back()
        self._hold(letters=True)
        sent = len(sandbox.control("POST", "/messages", self.crowd.letters())["ids"])
        assert self.killed(name, extra, moment) != 0, what
        flying = sum(
            1 for row in letters_of(sandbox.control("GET", "/messages")) if any(one["outcome"] in UNDER_WAY for one in row["copies"])
        )
        assert flying >= IN_FLIGHT, f"{what}: {flying} letters were under way"
        self._hold(letters=False)
        self._account(what, sent, step.excuses)
        sandbox.faults()
        if self.source:
            self.source.fault()
        again = self.player.run(self._twice(name), extra)
        assert again.code == 0, f"{what}: {again.output}"
        ended = known(self._end()) if step.nameless(moment) else self._end()
        assert differences(wanted, ended) == [], what
        assert sandbox.writes() == [], f"{what}: the third run writes nothing"
        third = again.events[max(number for number, event in enumerate(again.events) if event.get("task") == "Forget the calls") :]
        assert [event for event in third if event.get("result", {}).get("changed")] == [], f"{what}: the third run changes nothing"
        self.figures.kills += 1

    def _hold(self, *, letters: bool) -> None:
        """Have letters wait at the tenant's door and before the source's mailboxes, so that they are under way; probes pass."""
        self.sandbox.control("PUT", "/state", {"door": {"tenant": "", "held": letters}})

    def killed(self, name: str, extra: Mapping[str, Any], moment: Row) -> int:
        """Run a playbook that is killed at its nth write, probe or command; the exit code."""
        process = self.player.start(f"mailops.exchange.{name}", extra)
        if self.source and "commands" in moment:
            self.source.fault(process.pid, moment["nth"], moment["phase"])
        else:
            self.sandbox.faults({"match": moment, "action": {"kill": -process.pid}})
        code = process.wait(120)
        fired = self.source.fired if self.source and "commands" in moment else self.sandbox.control("GET", "/faults")[0]["fired"] == 1
        assert fired, f"{moment} of {name} was not reached: {code}"
        return code

    def _account(self, what: str, sent: int, allowed: Sequence[Excuse]) -> None:
        """Every letter has an outcome, delivered or one that is excused."""
        # What Postfix was delivering as it was reloaded stays in its queue, delivered, until it looks there once more.
        found: Row = {}
        for _unused in range(SWEEPS):
            self.sandbox.control("POST", "/queue", {})
            found = self.sandbox.control("GET", "/messages?settle=10")
            if found["settled"]:
                break
        rows = letters_of(found)
        copies = [copy for row in rows for copy in row["copies"]]
        assert found["settled"], f"{what}: {found['moving']} copies are still under way"
        assert len(rows) == sent, f"{what}: {sent} letters were sent, {len(rows)} are accounted for"
        ends = [(self.crowd.kind(copy["recipient"]), row["origin"], copy) for row in rows for copy in row["copies"]]
        hurt = [one for one in ends if not excuses.excused(allowed, one[0], one[1], str(one[2]["outcome"]))]
        assert hurt == [], f"{what}: {hurt}"
        self.figures.messages += len(rows)
        self.figures.outcomes.update(copy["outcome"] for copy in copies)

    def _twice(self, name: str) -> Path:
        """A playbook of the playbook, a mark in the list of calls, and the playbook again."""
        path = self.player.folder / f"twice-{name}.yml"
        forget = {"url": f"{self.sandbox.ready['control']}/calls", "method": "DELETE"}
        again = {"ansible.builtin.import_playbook": f"mailops.exchange.{name}"}
        mark = {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "Forget the calls", "ansible.builtin.uri": forget}]}
        path.write_text(json.dumps([again, mark, again]), encoding="utf-8")
        return path


def quiet(_text: str) -> None:
    """Tell nobody."""


def shared(workers: Sequence[Worker], steps: Sequence[Step], tell: Callable[[str], None] = quiet) -> tuple[Figures, float]:
    """All workers side by side; their figures together, and the seconds that it took. tell: hears of each step that is done."""
    started, total = time.monotonic(), Figures()
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(workers)))
        for done in [pool.submit(worker.run, steps, tell) for worker in workers]:
            total.add(done.result())
    return total, time.monotonic() - started
