# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Many probes under way at once: each says when it wants to go on, and all that go on together share one reading of the trace."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta
from typing import Any

from ._runner import Context
from ._session import ExchangeError, Row
from ._trace import CLOCK, TICK, Tracer, now_of
from ._values import fold

Result = dict[str, Any]
# One probe: yields the seconds until it wants to go on, and returns what became of it.
Steps = Generator[float, None, Result]

# Whoever wants to go on within this part of its pause goes with the others.
EARLY = 0.25
# Probes that begin in one turn: handing them over must not keep those that are under way from being looked at.
STARTS = 20
# Message-IDs that one request for the trace names.
NAMED = 50
# The service may have noted a message earlier than its clock said when we asked.
EARLIER = timedelta(minutes=5)


def together(ways: Sequence[Steps], context: Context, turn: Callable[[], None]) -> list[Result]:
    """What became of each, in the same order. turn: called before each turn. What one raises ends all."""
    done: dict[int, Result] = {}
    unborn, due = list(range(len(ways))), dict[int, tuple[float, float]]()
    while unborn or due:
        turn()
        now = context.monotonic()
        ready = [number for number, (_at, early) in due.items() if early <= now]
        born, unborn = unborn[:STARTS], unborn[STARTS:]
        for number in (*ready, *born):
            due.pop(number, None)
            try:
                pause = next(ways[number])
            except StopIteration as end:
                done[number] = end.value
            else:
                now = context.monotonic()
                due[number] = (now + pause, now + pause * (1 - EARLY))
        left = 0.0 if unborn or not due else min(at for at, _early in due.values()) - context.monotonic()
        if left > 0:
            context.sleep(left)
    return [done[number] for number in range(len(ways))]


class Sight:
    """The service's clock and the trace, each read at most once a turn for all who look."""

    def __init__(self, context: Context) -> None:
        self.tracer = Tracer.of(context)
        self._context = context
        self._since: dict[str, datetime] = {}
        self._now: datetime | None = None
        self._rows: dict[str, list[Row] | ExchangeError] = {}

    def turn(self) -> None:
        """From here on everything is read anew."""
        self._now, self._rows = None, {}

    def now(self) -> datetime:
        """The service's time in this turn."""
        if self._now is None:
            self._now = now_of(self._context.session.call(CLOCK))
        return self._now

    def follow(self, identity: str, since: datetime) -> None:
        """Let a message, by its Message-ID, be among those that are read."""
        self._since[identity] = since

    def leave(self, identity: str) -> None:
        """It has ended."""
        self._since.pop(identity, None)

    def rows(self, identity: str) -> list[Row]:
        """The rows of a followed message, oldest first. Raises ExchangeError."""
        if identity not in self._rows:
            self._read([identity, *(one for one in self._since if one != identity and one not in self._rows)][:NAMED])
        found = self._rows[identity]
        if isinstance(found, ExchangeError):
            raise found
        return found

    def _read(self, named: Sequence[str]) -> None:
        start = min(self._since[one] for one in named) - EARLIER
        try:
            rows = self.tracer.read(start, self.now() + TICK, {"MessageId": list(named)}).rows
        except ExchangeError as error:
            self._rows |= dict.fromkeys(named, error)
            return
        rows = sorted(rows, key=lambda row: str(row.get("Received")))
        self._rows |= {one: [row for row in rows if _bare(row.get("MessageId")) == _bare(one)] for one in named}


def _bare(identity: Any) -> str:
    """A Message-ID without its brackets, as a key."""
    return fold(str(identity or "")).strip("<>")
