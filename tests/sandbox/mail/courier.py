# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outbound mail: jobs that are tried at once, put off when the other side says so, and given up after a lifetime of the sandbox's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from .addresses import domain_of
from .client import Parcel, Result, Unreachable, send
from .zone import FRESH

# Many, since messages that a door keeps waiting hold a place each, and must not keep others behind them.
AT_ONCE = 100
UNROUTABLE = "550 5.4.310 DNS domain does not exist"
EXPIRED = "550 4.4.7 Message delayed too long: the queue's lifetime is over"
TICK = 0.02  # real seconds between looks at the clock


class Crashed(Exception):
    """A piece of a mail system's work ended in an error that nobody expected; the text says where and which."""


class Surroundings(Protocol):
    """What a courier needs of the world."""

    def now(self) -> datetime:
        """Return the sandbox's time."""

    def exchangers(self, domain: str, view: str) -> list[str]:
        """Return the mail exchangers of a domain; none for a name that does not exist."""

    def endpoint(self, host: str) -> str:
        """Return address:port on loopback for a name or address, "" for none."""

    def crashed(self, node: str, error: BaseException) -> None:
        """Keep an error that ended a piece of work: mail that hung on it is not late, it is gone."""


@dataclass
class Job:
    """A parcel on its way. ``hosts``: smart hosts, none: the MX of the (one) recipient domain; ``done`` gets
    final results, ``put_off`` those that are tried again, ``trying`` each host before it is tried."""

    parcel: Parcel
    done: Callable[[list[Result], str], Awaitable[None]]
    put_off: Callable[[list[Result], str], None]
    trying: Callable[[Parcel, str], None]
    hosts: tuple[str, ...] = ()
    view: str = FRESH
    first: datetime | None = None
    due: datetime | None = None
    attempts: int = field(default=0)


@dataclass
class Pause:
    """Something to be done again later."""

    again: Callable[[], Awaitable[None]]
    due: datetime


class Courier:
    """One node's queue. Lengths of time in seconds of the sandbox's clock."""

    def __init__(self, world: Surroundings, source: str, retry: Callable[[], float], lifetime: Callable[[], float]) -> None:
        """Send from a loopback address."""
        self._world, self._source, self._retry, self._lifetime = world, source, retry, lifetime
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting: list[Job | Pause] = []
        self._timer: asyncio.Task[None] | None = None

    def submit(self, job: Job) -> None:
        """Try a job now."""
        job.first = job.first or self._world.now()
        self.start(self._attempt(job))

    def pause(self, again: Callable[[], Awaitable[None]]) -> None:
        """Do something again after the retry interval."""
        self._later(Pause(again, self._world.now() + timedelta(seconds=self._retry())))

    def start(self, work: Awaitable[None]) -> None:
        """Run something beside; ``busy`` counts it, and the world hears of its error."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._world.crashed(self._source, error)

    @property
    def busy(self) -> int:
        """Count what runs now or is due; what waits for a later time is not counted."""
        now = self._world.now()
        return len(self._tasks) + sum(1 for entry in self.waiting if entry.due is not None and entry.due <= now)

    def flush(self) -> None:
        """Try everything that waits, now."""
        waiting, self.waiting = self.waiting, []
        for entry in waiting:
            self._resume(entry)

    def stop(self) -> None:
        """Drop everything."""
        self.waiting.clear()
        for task in (*self._tasks, *([self._timer] if self._timer else [])):
            task.cancel()
        self._timer = None

    def _resume(self, entry: Job | Pause) -> None:
        self.start(self._attempt(entry) if isinstance(entry, Job) else entry.again())

    def _later(self, entry: Job | Pause) -> None:
        self.waiting.append(entry)
        if self._timer is None or self._timer.done():
            self._timer = asyncio.ensure_future(self._watch())
            self._timer.add_done_callback(self._ended)

    async def _watch(self) -> None:
        while self.waiting:
            await asyncio.sleep(TICK)
            now = self._world.now()
            ready = [entry for entry in self.waiting if entry.due is not None and entry.due <= now]
            self.waiting = [entry for entry in self.waiting if entry not in ready]
            for entry in ready:
                self._resume(entry)

    async def _attempt(self, job: Job) -> None:
        async with self._limit:
            job.attempts += 1
            results, host = await self._try(job)
        final = [result for result in results if result.taken or result.permanent]
        open_ = [result for result in results if not (result.taken or result.permanent)]
        if open_ and job.first is not None and self._world.now() - job.first >= timedelta(seconds=self._lifetime()):
            final += [replace(result, code=554, reply=EXPIRED) for result in open_]
            open_ = []
        if final:
            await job.done(final, host)
        if open_:
            job.put_off(open_, host)
            rest = replace(job.parcel, recipients=[(result.address, result.asked) for result in open_])
            self._later(replace(job, parcel=rest, due=self._world.now() + timedelta(seconds=self._retry())))

    async def _try(self, job: Job) -> tuple[list[Result], str]:
        """Try the hosts in turn until one answers."""
        hosts = job.hosts or tuple(self._world.exchangers(domain_of(job.parcel.recipients[0][0]), job.view))
        if not hosts:
            return [Result(address, asked, 550, UNROUTABLE) for address, asked in job.parcel.recipients], ""
        said = ""
        for host in hosts:
            job.trying(job.parcel, host)
            try:
                return await send(self._world.endpoint(host), self._source, job.parcel), host
            except Unreachable as error:
                said = str(error)
        return [Result(address, asked, 451, f"451 4.4.1 {said}") for address, asked in job.parcel.recipients], hosts[0]


def by_domain(recipients: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Split recipients by the domain of their address."""
    parts: dict[str, list[tuple[str, str]]] = {}
    for address, asked in recipients:
        parts.setdefault(domain_of(address), []).append((address, asked))
    return list(parts.values())
