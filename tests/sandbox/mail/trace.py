# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message trace: rows for each recipient of each entry into the tenant, and the two cmdlets that read them."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import quoteattr

from ..clock import parse, stamp
from ..errors import ServiceError
from .addresses import normal
from .model import Step

DAYS_BACK, DAYS_A_QUERY, DEFAULT_HOURS = 90, 10, 48
LIMIT, DEFAULT_LIMIT = 5000, 1000
WINDOW = 300.0  # seconds in which the rate is counted
MORE = "There are more results available than are currently displayed. To view them, use StartingRecipientAddress and EndDate."


@dataclass
class Event:
    """One row of the detail."""

    date: datetime
    event: str
    detail: str
    data: tuple[tuple[str, str], ...] = ()


@dataclass
class Traced:
    """One row of the trace."""

    trace_id: str
    message_id: str
    received: datetime
    sender: str
    recipient: str
    subject: str
    size: int
    from_ip: str
    status: str = "GettingStatus"
    to_ip: str = ""
    events: list[Event] = field(default_factory=list)


class Trace:
    """One tenant's trace."""

    def __init__(self, tenant_id: str) -> None:
        """Start empty."""
        self._space = uuid.UUID(tenant_id)
        self.rows: list[Traced] = []
        self._index: dict[tuple[str, str], Traced] = {}
        self._asked: deque[datetime] = deque()

    def clear(self) -> None:
        """Forget everything."""
        self.rows.clear()
        self._index.clear()
        self._asked.clear()

    def open(
        self, message_id: str, entry: int, sender: str, recipient: str, subject: str, size: int, from_ip: str, now: datetime
    ) -> Traced:
        """Begin a row, or go on with the one of a message that was held."""
        trace_id = str(uuid.uuid5(self._space, f"{message_id}/{entry}"))
        held = self._index.get((trace_id, recipient))
        if held is not None and held.status == "Pending":
            return held
        row = Traced(trace_id, message_id, now, sender, recipient, subject, size, from_ip)
        row.events.append(Event(now, "Receive", f"Message received by the service from {from_ip}"))
        self.rows.append(row)
        self._index[trace_id, recipient] = row
        return row

    @staticmethod
    def steps(row: Traced, steps: Sequence[Step], now: datetime) -> None:
        """Add the router's events."""
        row.events += [Event(now, step.event, step.detail, step.data) for step in steps]

    def read(self, parameters: dict[str, Any], now: datetime, rate: int, *, twice: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
        """Answer Get-MessageTraceV2: rows, newest first, and warnings. Raises ServiceError."""
        self._check_rate(now, rate)
        start, end = _window(parameters, now)
        limit = int(parameters.get("ResultSize") or DEFAULT_LIMIT)
        if not 1 <= limit <= LIMIT:
            raise ServiceError("invalid", reason=f"ResultSize must be between 1 and {LIMIT}.")
        after = normal(str(parameters.get("StartingRecipientAddress") or ""))
        found = [row for row in self.rows if start <= row.received <= end and _fits(row, parameters)]
        found = [row for row in found if not after or row.received < end or row.recipient >= after]
        found.sort(key=lambda row: (-row.received.timestamp(), row.recipient))
        chosen = found[:limit]
        if twice and chosen:
            chosen = [*chosen, *chosen[:: max(1, len(chosen) // 7)]][: max(limit, len(chosen) + 1)]
        return [_row(row) for row in chosen], [MORE] if len(found) > limit else []

    def detail(self, parameters: dict[str, Any], now: datetime, rate: int) -> list[dict[str, Any]]:
        """Answer Get-MessageTraceDetailV2. Raises ServiceError."""
        self._check_rate(now, rate)
        trace_id, recipient = str(parameters["MessageTraceId"]).lower(), normal(str(parameters["RecipientAddress"]))
        wanted = _names(parameters.get("Event"))
        found = [row for row in self.rows if row.trace_id == trace_id and row.recipient == recipient]
        return [_detail(row, event) for row in found for event in row.events if not wanted or event.event.casefold() in wanted]

    def _check_rate(self, now: datetime, rate: int) -> None:
        """Count a request; too many in five minutes are refused."""
        while self._asked and (now - self._asked[0]).total_seconds() > WINDOW:
            self._asked.popleft()
        if len(self._asked) >= rate:
            raise ServiceError(
                "refused", reason=f"You have exceeded the limit of {rate} message trace requests in 5 minutes. Try again later."
            )
        self._asked.append(now)


def _window(parameters: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    start, end = parameters.get("StartDate"), parameters.get("EndDate")
    if bool(start) != bool(end):
        raise ServiceError("invalid", reason="StartDate and EndDate must be given together.")
    if not start:
        return now - timedelta(hours=DEFAULT_HOURS), now
    first, last = parse(str(start)), parse(str(end))
    if last - first > timedelta(days=DAYS_A_QUERY):
        raise ServiceError("invalid", reason=f"The time between StartDate and EndDate can't be more than {DAYS_A_QUERY} days.")
    if first < now - timedelta(days=DAYS_BACK):
        raise ServiceError("invalid", reason=f"StartDate can't be more than {DAYS_BACK} days ago.")
    return first, last


def _names(value: Any) -> set[str]:
    return {str(entry).casefold() for entry in (value if isinstance(value, list) else [value] if value else [])}


def _fits(row: Traced, parameters: dict[str, Any]) -> bool:
    pairs = (
        ("SenderAddress", row.sender),
        ("RecipientAddress", row.recipient),
        ("MessageId", row.message_id),
        ("MessageTraceId", row.trace_id),
        ("Status", row.status),
        ("FromIP", row.from_ip),
        ("ToIP", row.to_ip),
    )
    for name, actual in pairs:
        wanted = _names(parameters.get(name))
        if wanted and actual.casefold() not in wanted and f"*@{actual.rpartition('@')[2]}".casefold() not in wanted:
            return False
    subject = str(parameters.get("Subject") or "").casefold()
    where, text = str(parameters.get("SubjectFilterType") or "Contains").casefold(), row.subject.casefold()
    checks = {"contains": subject in text, "startswith": text.startswith(subject), "endswith": text.endswith(subject)}
    return not subject or checks.get(where, False)


def _row(row: Traced) -> dict[str, Any]:
    return {
        "MessageId": row.message_id,
        "MessageTraceId": row.trace_id,
        "Received": stamp(row.received.astimezone(timezone.utc), ""),
        "SenderAddress": row.sender or "<>",
        "RecipientAddress": row.recipient,
        "Subject": row.subject,
        "Status": row.status,
        "FromIP": row.from_ip,
        "ToIP": row.to_ip or None,
        "Size": row.size,
    }


def _detail(row: Traced, event: Event) -> dict[str, Any]:
    pairs = "".join(f"<MEP Name={quoteattr(name)} String={quoteattr(value)}/>" for name, value in event.data)
    return {
        "MessageId": row.message_id,
        "MessageTraceId": row.trace_id,
        "Date": stamp(event.date.astimezone(timezone.utc), ""),
        "Event": event.event,
        "Action": "",
        "Detail": event.detail,
        "Data": f"<root>{pairs}</root>" if pairs else "",
        "SenderAddress": row.sender or "<>",
        "RecipientAddress": row.recipient,
    }
