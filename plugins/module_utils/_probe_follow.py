# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Following a message that was handed over: by a test system's mailboxes, by the trace, until it ends or the time is up."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ._probe_turns import Sight
from ._routing._evidence import ARRIVED, FILTER, MISSING, REFUSED, SILENCE
from ._routing._objects import stamp
from ._runner import Context
from ._session import ExchangeError, Row
from ._trace import connector_of, key_of
from ._values import fold, host_key, is_empty, parse_date

TENANT, SOURCE = "tenant", "source"
# Besides FILTER and SILENCE, the weakest, what tells how a probe ended.
MAILBOX, TRACE = "mailbox", "trace"
# What the trace calls the end of a row, and what it calls the moments before.
FAILED, FILTERED = "failed", frozenset({"filteredasspam", "quarantined"})
MOVING = frozenset({"pending", "gettingstatus"})
LEFT = frozenset({"send external", "sendexternal", "send"})
PLACED = frozenset({"deliver", "delivered"})
# With a test system's mailboxes to look at, the trace is asked at these looks only: it tells what no mailbox does, a refusal.
TRACE_LOOKS = frozenset({3, 6, 12, 24, 48})
# Once a mailbox of the tenant holds it, the trace is asked for its way, with pauses that grow to so many seconds.
WAY_PAUSE = 10.0
Result = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """What is followed. entered: the side that took it. words: what the host said. since: the service's time at the start.

    hosts: names, addresses and networks of the foreign system as keys, as far as they are known. unknown: which are not, with the reason.
    inside: it began inside the foreign system.
    """

    id: str
    recipient: str
    entered: str
    words: str
    uncertain: bool
    since: datetime
    hosts: frozenset[str] = frozenset()
    unknown: str = ""
    inside: bool = False


@dataclass(frozen=True)
class Pace:
    """deadline: of the context's clock. interval: seconds between two looks at most; the first ones come sooner."""

    deadline: float
    interval: float

    def wait(self, look: int, now: float) -> float:
        """Seconds to the next look; 0 when the time is up."""
        return max(0.0, min(self.interval, 0.5 * 2.0 ** min(look, 10), self.deadline - now))


@dataclass
class End:
    """How it ended. told_by: what says so. places: mailboxes that hold it. rows: of the trace, each with what its detail told."""

    result: str = ""
    why: str = ""
    place: str = ""
    told_by: str = ""
    forwarded: bool = False
    places: list[Result] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    seconds: int = 0

    def more(self) -> Result:
        """The part of a result that following tells."""
        return {
            "place": self.place,
            "told_by": self.told_by,
            "forwarded": self.forwarded,
            "places": self.places,
            "rows": self.rows,
            "seconds": self.seconds,
        }


class Follower:
    """Looks again and again. mailbox_url: empty where there are no mailboxes to look at."""

    def __init__(self, course: Course, context: Context, mailbox_url: str, pace: Pace, sight: Sight) -> None:
        self._course, self._context, self._url, self._pace, self._sight = course, context, mailbox_url, pace, sight
        self._details: dict[tuple[str, str], list[Row]] = {}
        self._rows: list[Row] = []
        self._now = course.since
        self._unread = ""
        self._over = False
        self._asked, self._ask_at = 0, 0.0

    def run(self) -> Generator[float, None, End]:
        """Follow it to its end; yields the seconds to the next look."""
        self._sight.follow(self._course.id, self._course.since)
        look, quiet = 0, ""
        # All that are handed over in one turn are looked for together.
        yield 0.0
        while True:
            end = self._look(look)
            settled = self._settled(end, quiet)
            if end.result == REFUSED or (end.result == ARRIVED and settled):
                break
            quiet = self._shape(end) if end.result == ARRIVED else ""
            left = self._pace.wait(look, self._context.monotonic())
            if left <= 0:
                end = end if end.result else self._lost()
                break
            yield left
            look += 1
        end = self._with_way(end) if end.place == TENANT else end
        self._sight.leave(self._course.id)
        end.rows = self._rows
        end.seconds = max(0, int((self._now - self._course.since).total_seconds()))
        return end

    def _settled(self, end: End, before: str) -> bool:
        """Whether nothing more is to come. before: the shape of the last look's end.

        What lies at the source may still come back: a forward follows, or the host hands it on. A mailbox of the tenant may show a message
        before the trace does, which alone tells the way that it came.
        """
        if end.place == TENANT and self._way_known():
            return True
        # Whether it found the way by itself is all that a probe from inside is made for.
        return before == self._shape(end) and not (end.place == TENANT and self._course.inside)

    def _way_known(self) -> bool:
        if self._course.entered == TENANT:
            return True
        now = self._context.monotonic()
        if not self._rows and now >= self._ask_at:
            self._by_trace()
            self._ask_at = now + min(WAY_PAUSE, 0.5 * 2.0 ** min(self._asked, 10))
            self._asked += 1
        return bool(self._rows)

    def _shape(self, end: End) -> str:
        return f"{end.place}/{len(end.places)}/{len(self._rows)}/{end.why}"

    def _look(self, look: int) -> End:
        if not self._url:
            return self._by_trace()
        asked = {"url": self._url, "id": self._course.id}
        places = list(self._context.session.tool("mailbox", asked)["found"])
        self._now = self._sight.now()
        if not places:
            return self._by_trace() if look in TRACE_LOOKS else End()
        held = [str(one["place"]) for one in places]
        place = TENANT if TENANT in held else held[-1]
        words = ", ".join(f"{one['address']} ({one['place']})" for one in places)
        return End(ARRIVED, f"it lies in {words}", place if place in {TENANT, SOURCE} else "", MAILBOX, places=places)

    def _by_trace(self) -> End:
        """What the trace tells; what could not be read is kept as a reason and looked at again."""
        try:
            self._read()
        except ExchangeError as error:
            self._unread = f"the trace could not be read: {error}"
            return End()
        self._unread = ""
        return self._judged()

    def _read(self) -> None:
        self._now = self._sight.now()
        self._rows = self._sight.rows(self._course.id)
        for row in self._rows:
            known = self._details.get(key_of(row), [])
            if fold(row.get("Status")) not in MOVING and not known:
                known = self._sight.tracer.details([row])
            row["Details"] = known
            # The detail may come later than the status: it is read until it tells how the row ended.
            if _events(row) & (PLACED | LEFT) or _fails(row):
                self._details[key_of(row)] = known

    def _judged(self) -> End:
        """The end that the rows show; none while a row is under way or nothing is there."""
        failed = next((row for row in self._rows if _failed(row)), None)
        if failed is not None:
            # What a connector carried was at the source, which refused it: the rule that names the connector acts. A ToIP alone tells
            # nothing of that: a domain that relays leads to the source by its MX too.
            place = SOURCE if _by_connector(failed) else ""
            return End(REFUSED, f"{failed.get('Status')}: {_words(failed, 'fail')}", place, TRACE)
        if any(fold(row.get("Status")) in MOVING for row in self._rows):
            return End()
        mine = [row for row in self._rows if fold(row.get("Status")) != "expanded"]
        placed = next((row for row in mine if _events(row) & PLACED), None)
        if placed is not None:
            return End(ARRIVED, _words(placed, "deliver"), TENANT, TRACE)
        return self._way_of(mine[-1]) if mine else End()

    def _way_of(self, row: Row) -> End:
        """Where a row went that no mailbox took; none while nothing tells. With a ToIP it left the tenant, whatever the detail lacks."""
        to, status = row.get("ToIP"), str(row.get("Status"))
        known = not is_empty(to) and belongs([to], self._course.hosts)
        if _events(row) & LEFT:
            place = SOURCE if known or _by_connector(row) else ""
            return End(ARRIVED, _words(row, "send") + ("" if place else self._whose(to)), place, TRACE)
        if known:
            return End(ARRIVED, f"{status}, and it left for {to}", SOURCE, TRACE)
        if fold(status) in FILTERED and is_empty(to) and (row["Details"] or self._over):
            return End(ARRIVED, f"{status}: {_words(row, 'spam')}", TENANT, FILTER)
        return End()

    def _whose(self, to: Any) -> str:
        """That a host is not known as one of the foreign system, and why."""
        host, unknown = "the host" if is_empty(to) else to, self._course.unknown
        if unknown:
            return f"; whether {host} is the foreign system's is not known ({unknown})"
        return f"; {host} is no known host of the foreign system"

    def _with_way(self, end: End) -> End:
        """Whether it came through a forward of the source: it entered under another address than the one that it was sent to."""
        course = self._course
        if course.entered == TENANT and len({str(row.get("MessageTraceId")) for row in self._rows}) <= 1:
            return end
        if not self._rows:
            self._by_trace()
        others = [row for row in self._rows if fold(row.get("RecipientAddress")) != fold(course.recipient)]
        end.forwarded = bool(others)
        if not self._rows and course.inside:
            why = f"it reached the tenant, and the trace does not tell whether by a forward{': ' if self._unread else ''}{self._unread}"
            return End(MISSING, why, places=end.places)
        return end

    def _lost(self) -> End:
        """The time is up. A foreign host that took it and sent nothing on keeps it."""
        course = self._course
        self._over = True
        last = self._by_trace() if self._url else self._judged()
        if last.result:
            return last
        if self._unread:
            return End(MISSING, f"{course.words}; {self._unread}")
        if self._rows:
            return End(MISSING, f"{self._rows[-1].get('Status')}: {self._held(self._rows[-1])}")
        if course.uncertain:
            return End(MISSING, f"{course.words}; it is not known whether it was taken, and nobody has seen it until {stamp(self._now)}")
        if course.entered == SOURCE and not self._url:
            return End(ARRIVED, f"{course.words}; the tenant has not seen it until {stamp(self._now)}", SOURCE, SILENCE)
        return End(MISSING, f"{course.words}; nobody has seen it until {stamp(self._now)}{'' if course.entered else self._whose('')}")

    def _held(self, row: Row) -> str:
        """Why a row is still under way, or does not tell where it ended."""
        if fold(row.get("Status")) not in MOVING:
            left = "" if is_empty(row.get("ToIP")) else f"; it left for {row['ToIP']}{self._whose(row['ToIP'])}"
            return f"until {stamp(self._now)} the detail does not tell where it went{left}"
        try:
            row["Details"] = self._sight.tracer.details([row])
        except ExchangeError as error:
            return f"its detail could not be read: {error}"
        return _words(row, "defer")


def belongs(hosts: Iterable[Any], known: frozenset[str]) -> bool:
    """Whether one of some names or addresses is among known ones, which may be networks too."""
    keys = {str(host_key(host)) for host in hosts}
    return bool(keys & known) or any(_within(key, one) for key in keys for one in known if "/" in one)


def _within(key: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(key) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _by_connector(row: Row) -> bool:
    return any(connector_of(event) for event in row["Details"])


def _events(row: Row) -> set[str]:
    return {fold(event.get("Event")) for event in row.get("Details") or ()}


def _fails(row: Row) -> bool:
    return any(event.startswith("fail") for event in _events(row))


def _failed(row: Row) -> bool:
    """Whether a row was refused. What the filter took is in the tenant's hands, unless an event says that it was rejected."""
    status = fold(row.get("Status"))
    return status == FAILED or (status in FILTERED and _fails(row))


def _words(row: Row, event: str) -> str:
    """The service's own words about an event of this kind, the newest; else its status."""
    found: Sequence[Mapping[str, Any]] = [one for one in row.get("Details") or () if fold(one.get("Event")).startswith(event)]
    if not found:
        return f"the detail of {row.get('MessageTraceId')} names no reason"
    newest = max(found, key=lambda one: str(parse_date(one.get("Date")) or ""))
    return " ".join(str(newest.get("Detail") or "").split())
