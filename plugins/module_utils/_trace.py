# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The message trace: windows of at most ten days, pages continued as the cmdlet wants it, no row twice, within the service's rate."""

from __future__ import annotations

import html
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ._routing import _checks as checks
from ._routing._objects import stamp
from ._runner import Context, InputError
from ._session import Cmdlet, Failed, Reply, Row, Session
from ._values import fold, parse_date

TRACE, DETAIL = "Get-MessageTraceV2", "Get-MessageTraceDetailV2"
CLOCK = Cmdlet("Get-OrganizationConfig")
DAYS_A_QUERY, DAYS_BACK, DEFAULT_DAYS = 10, 90, 2
# The service's clock goes on between our asking for it and the query, so that the very last minutes are out of reach.
MARGIN = timedelta(minutes=5)
# A message may be on its way for a while before and after the time that its row shows.
AROUND = timedelta(days=1)
# The clock is told in whole seconds.
TICK = timedelta(seconds=1)
PAGE = 5000
# 100 requests in five minutes; a little longer, because the service counts when they arrive.
RATE = {"key": "trace", "limit": 100, "seconds": 305}
CONNECTORS = frozenset({"connectorname", "connectorid", "outboundconnector"})
_MEP = re.compile(r'<MEP\s+Name="([^"]*)"\s+\w+="([^"]*)"')

FILTERS = {
    "sender": "SenderAddress",
    "recipient": "RecipientAddress",
    "message_id": "MessageId",
    "status": "Status",
    "subject": "Subject",
}


@dataclass
class Found:
    """Rows as the service spells them, newest window first. truncated: why there may be more, else empty."""

    rows: list[Row] = field(default_factory=list)
    details: list[Row] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    truncated: str = ""


class Tracer:
    """Reads the trace of one tenant. It waits where the rate of all tasks of this run asks for it."""

    def __init__(
        self, session: Session, sleep: Callable[[float], None] = time.sleep, progress: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._session, self._sleep, self._progress = session, sleep, progress
        self._now: datetime | None = None
        self.requests = 0

    @classmethod
    def of(cls, context: Context) -> Tracer:
        """One for a task."""
        return cls(context.session, context.sleep, context.progress)

    def ask(self, cmdlet: Cmdlet) -> Reply:
        """One request within the rate; raises the typed error."""
        while (left := float(self._session.tool("pace", RATE)["wait"])) > 0:
            self._progress(f"the message trace takes {RATE['limit']} requests in five minutes: waiting for {left:.0f} s")
            self._sleep(left)
        self.requests += 1
        reply = self._session.call(cmdlet)
        self._now = parse_date(reply.date) or self._now
        return reply

    def read(self, start: datetime, end: datetime, filters: Mapping[str, Any], limit: int = 0) -> Found:
        """Everything between two times, or the newest `limit` rows."""
        found = Found()
        seen: dict[tuple[str, str], Row] = {}
        for first, last in windows(start, end):
            before, asked = len(seen), self.requests
            for rows in self._pages(first, last, filters, found):
                for key, row in first_of(rows).items():
                    seen.setdefault(key, row)
                if limit and len(seen) > limit:
                    found.truncated = f"the limit of {limit} rows was reached"
                    break
            found.windows.append({"start": stamp(first), "end": stamp(last), "rows": len(seen) - before, "requests": self.requests - asked})
            if found.truncated:
                break
        found.rows = list(seen.values())[: limit or None]
        return found

    def _pages(self, first: datetime, last: datetime, filters: Mapping[str, Any], found: Found) -> Iterator[list[Row]]:
        """The pages of one window: each goes on where the one before ended, at its last row's time and recipient."""
        known: set[tuple[str, str]] = set()
        more: dict[str, Any] = {"EndDate": stamp(last)}
        while True:
            reply = self.ask(Cmdlet(TRACE, {**filters, "StartDate": stamp(first), **more, "ResultSize": PAGE}))
            fresh = {key_of(row) for row in reply.rows} - known
            known |= fresh
            yield reply.rows
            if not _goes_on(reply):
                return
            if not fresh:
                found.truncated = f"the service repeats the page that ends at {more['EndDate']}"
                return
            # Rows that come twice may stand at the end of a page; the first of each are in order.
            end = list(first_of(reply.rows).values())[-1]
            more = {"EndDate": zoned(end["Received"]), "StartingRecipientAddress": end["RecipientAddress"]}

    def details(self, rows: Iterable[Row]) -> list[Row]:
        """The events of each row, oldest first; `Data` as a mapping."""
        found = []
        for row in rows:
            asked = {"MessageTraceId": row["MessageTraceId"], "RecipientAddress": row["RecipientAddress"], **self._around(row)}
            found += [{**event, "Data": data_of(event)} for event in self.ask(Cmdlet(DETAIL, asked)).rows]
        return found

    def _around(self, row: Row) -> dict[str, str]:
        """The days around a row, within what the service takes; without them it looks at the last days alone. Empty without a time."""
        at = parse_date(row.get("Received"))
        if at is None:
            return {}
        first, last = at - AROUND, at + AROUND
        if self._now:
            first, last = max(first, self._now - timedelta(days=DAYS_BACK) + MARGIN), min(last, self._now + TICK)
        return {"StartDate": stamp(first), "EndDate": stamp(last)}


def _goes_on(reply: Reply) -> bool:
    """Whether there are more rows: the page is full, or the service's words name the parameter that continues."""
    return bool(reply.rows) and (len(reply.rows) >= PAGE or any("StartingRecipientAddress" in text for text in reply.warnings))


def key_of(row: Row) -> tuple[str, str]:
    """What makes a row the same row: the entry into the tenant, and the recipient."""
    return str(row.get("MessageTraceId")), fold(row.get("RecipientAddress") or "")


def first_of(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """Rows by what makes them the same, in the order in which they first come."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        found.setdefault(key_of(row), row)
    return found


def zoned(value: Any) -> str:
    """A time as the service gave it, with all its decimals; one without a zone is UTC."""
    text = str(value)
    return text if re.search(r"(Z|[+-]\d\d:?\d\d)$", text) else f"{text}Z"


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between two moments in parts of at most ten days, newest first."""
    while end > start:
        first = max(start, end - timedelta(days=DAYS_A_QUERY))
        yield first, end
        end = first


def data_of(event: Row) -> dict[str, str]:
    """The named values of an event's Data, which the service writes as XML."""
    data = event.get("Data")
    if isinstance(data, Mapping):
        return {str(name): str(value) for name, value in data.items()}
    return {html.unescape(name): html.unescape(value) for name, value in _MEP.findall(str(data or ""))}


def connector_of(event: Row) -> str:
    """The connector that an event names, else empty."""
    return next((value for name, value in data_of(event).items() if name.casefold() in CONNECTORS and value), "")


def connectors_of(details: Iterable[Row]) -> dict[tuple[str, str], str]:
    """By row's key, the connector that carried it, where the detail names one."""
    return {key_of(event): connector for event in details if (connector := connector_of(event))}


def now_of(reply: Reply) -> datetime:
    """The service's clock; raises Failed for an answer without a time."""
    found = parse_date(reply.date)
    if found is None:
        raise Failed(f"the service's answer bears no time (Date is '{reply.date}')", cmdlet=CLOCK.name)
    return found


def trace_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """What the trace shows; reads only."""
    now = now_of(context.session.call(CLOCK))
    start, end = _bounds(params, now, context)
    filters = filters_of(params)
    tracer = Tracer.of(context)
    found = tracer.read(start, end, filters, int(params.get("limit") or 0))
    if found.truncated:
        context.warn(f"the trace shows more than was read: {found.truncated}; narrow the time or the filters.")
    if params.get("detail"):
        found.details = tracer.details(found.rows)
    by_connector = Counter(connectors_of(found.details).values())
    return {
        "changed": False,
        "calls": [],
        "rows": found.rows,
        "details": found.details,
        "counts": {
            "rows": len(found.rows),
            "messages": len({row.get("MessageId") for row in found.rows}),
            "by_status": dict(sorted(Counter(str(row.get("Status")) for row in found.rows).items())),
            "by_connector": dict(sorted(by_connector.items())),
        },
        "windows": found.windows,
        "truncated": bool(found.truncated),
        "requests": tracer.requests,
        "now": stamp(now),
    }


def filters_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The cmdlet's own parameters of what was asked for."""
    found: dict[str, Any] = {}
    for option, parameter in FILTERS.items():
        value = params.get(option)
        if option == "subject":
            found |= {} if checks.blank(value) else {parameter: str(value), "SubjectFilterType": "Contains"}
        elif checks.items(value):
            found[parameter] = checks.items(value)
    return found


def _bounds(params: Mapping[str, Any], now: datetime, context: Context) -> tuple[datetime, datetime]:
    """Start and end as asked for, within what the service keeps; raises InputError for what is no time."""
    problems = []
    first, last = (None if checks.blank(params.get(name)) else parse_date(params[name]) for name in ("start", "end"))
    for name, found in (("start", first), ("end", last)):
        if found is None and not checks.blank(params.get(name)):
            problems.append(f"{name}: '{params[name]}' is not a time such as 2026-01-31T12:00:00Z.")
    end = min(last or now + TICK, now + TICK)
    start = first or end - timedelta(days=DEFAULT_DAYS)
    if not problems and start >= end:
        problems.append(f"start: {stamp(start)} is not before the end, {stamp(end)} (the service's clock shows {stamp(now)}).")
    if problems:
        raise InputError(problems)
    oldest = now - timedelta(days=DAYS_BACK) + MARGIN
    if start < oldest:
        context.warn(f"the service keeps the trace for {DAYS_BACK} days, so it was read from {stamp(oldest)} on.")
        if end <= oldest:
            raise InputError([f"end: {stamp(end)} is longer ago than the {DAYS_BACK} days that the service keeps; give a later one."])
        start = oldest
    return start, end
