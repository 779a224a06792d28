# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Continuous mail into a sandbox: every class of sender to every class of recipient, tagged with the step during which it was sent."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, final

from harness.tenant import Sandbox

ORIGINS = ("internet", "tenant", "source", "local")
OUTSIDER, FRIEND = "sender@out.example.org", "friend@out.example.org"
EACH = 20
# Recipients of a message, in turn: single ones and mixed ones.
SIZES = (1, 4, 2, 6, 1, 5)
BATCH = 0.2  # real seconds between two posts
# Real seconds between two posts that still count as continuous mail: a loaded machine takes its time over one.
GAP = 30.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Crowd:
    """Who may be written to, by class, and who writes, by origin. A class is what an outcome is judged by."""

    recipients: Mapping[str, Sequence[str]]
    senders: Mapping[str, Sequence[str]]
    hosts: Sequence[str] = ("",)

    def kind(self, address: str) -> str:
        """The class of a recipient; "" for none of the crowd."""
        return next((kind for kind, found in self.recipients.items() if address.lower() in found), "")

    def pairs(self) -> list[tuple[str, str]]:
        """Every origin with every class that it writes to."""
        return [(origin, kind) for origin in ORIGINS for kind in self.recipients]


@final
@dataclass
class Letters(AbstractContextManager["Letters"]):
    """`with Letters(sandbox, crowd) as letters:` sends until the end, `rate` messages a second, never more than `most` in all.

    `step` tags what is sent from then on; `enough()` waits until every pair of origin and class was sent EACH times in this step.
    """

    sandbox: Sandbox
    crowd: Crowd
    rate: float = 40
    most: int = 20_000
    seed: int = 1
    each: int = EACH
    step: str = "before"
    sent: int = 0
    failed: Exception | None = None
    gap: float = 0.0  # the longest time without mail, in real seconds
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        """Prepare the turns that every kind of choice is taken in."""
        self._random = random.Random(self.seed)  # noqa: S311 - the same mail for a seed
        self._sizes = itertools.cycle(SIZES)
        self._turns = {kind: itertools.cycle(found) for kind, found in self.crowd.recipients.items()}
        self._senders = {origin: itertools.cycle(found) for origin, found in self.crowd.senders.items()}
        self._views = itertools.cycle(("fresh", "stale"))

    def __enter__(self) -> Letters:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="letters")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_unused: object) -> None:
        """Send nothing more. Raises what stopped the sending before, unless something else went wrong."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.failed is not None and kind is None:
            raise self.failed

    def enough(self, seconds: float = 120) -> None:
        """Wait, in real seconds, until this step's mail is complete. Raises what stopped the sending, and TimeoutError."""
        end = time.monotonic() + seconds
        while self._missing():
            if self.failed is not None:
                raise self.failed
            if time.monotonic() > end:
                raise TimeoutError(f"{self.step}: {len(self._missing())} pairs of sender and recipient were not sent {self.each} times")
            time.sleep(BATCH)

    def _missing(self) -> list[tuple[str, str]]:
        step = self.step
        return [pair for pair in self.crowd.pairs() if self.counts[(step, *pair)] < self.each]

    def _run(self) -> None:
        due = last = time.monotonic()
        try:
            while not self._over.is_set():
                wanted = [self._letter() for _unused in range(max(1, round(self.rate * BATCH)))]
                self._bound(len(wanted))
                self.sandbox.control("POST", "/messages", wanted)
                self.sent += len(wanted)
                last, self.gap = time.monotonic(), max(self.gap, time.monotonic() - last)
                due = max(due + BATCH, time.monotonic() - 1)
                self._over.wait(max(0.0, due - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - shown by whoever waits for the mail
            self.failed = error

    def _bound(self, more: int) -> None:
        if self.sent + more > self.most:
            raise RuntimeError(f"{self.step}: {self.sent} messages were sent, and more than {self.most} are too many; is a step stuck?")

    def _letter(self) -> Row:
        """The next message: its origin and recipients are those that this step has seen least of."""
        step = self.step
        origin = min(ORIGINS, key=lambda one: (sum(self.counts[(step, one, kind)] for kind in self.crowd.recipients), one))
        order = sorted(self.crowd.recipients, key=lambda kind: (self.counts[(step, origin, kind)], self._random.random()))
        kinds = order[: next(self._sizes)]
        for kind in kinds:
            self.counts[(step, origin, kind)] += 1
        return {
            "origin": origin,
            "sender": next(self._senders[origin]),
            "recipients": [next(self._turns[kind]) for kind in kinds],
            "subject": f"{step} {origin}",
            "resolver": next(self._views),
        }
