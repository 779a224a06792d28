# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own clock: it can be set, moved and made to run faster; tokens and TLS keep real time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

UTC = timezone.utc
TICKS = 10_000_000


class Clock:
    """Service time in UTC. ``rate`` is service seconds for each real second."""

    def __init__(self) -> None:
        """Start at the real time, at its pace."""
        self._base = datetime.now(UTC)
        self._start = time.monotonic()
        self.rate = 1.0

    def now(self) -> datetime:
        """Return the service's time."""
        return self._base + timedelta(seconds=(time.monotonic() - self._start) * self.rate)

    def set(self, moment: datetime) -> None:
        """Go on from a given time."""
        self._base, self._start = moment, time.monotonic()

    def advance(self, seconds: float) -> None:
        """Move forward (or back, if negative) by service seconds."""
        self.set(self.now() + timedelta(seconds=seconds))

    def run(self, rate: float) -> None:
        """Change the pace, keeping the present time."""
        self.set(self.now())
        self.rate = rate

    def reset(self) -> None:
        """Back to the real time and pace."""
        self.rate = 1.0
        self.set(datetime.now(UTC))

    def header(self) -> str:
        """Return the time as an HTTP Date header."""
        return format_datetime(self.now().astimezone(UTC), usegmt=True)


def parse(text: str) -> datetime:
    """Read an ISO time (a missing zone is UTC, up to seven decimals). Raises ValueError."""
    cleaned = text.strip().replace("z", "Z").replace("Z", "+00:00")
    if "." in cleaned:
        head, rest = cleaned.split(".", 1)
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        cleaned = f"{head}.{(digits + '000000')[:6]}{rest[len(digits) :]}"
    moment = datetime.fromisoformat(cleaned)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def stamp(moment: datetime, zone: str = "Z") -> str:
    """Write a time as the service does: seven decimals, then the zone's text ("Z", "+00:00" or nothing)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0" + zone


def from_milliseconds(value: int) -> datetime:
    """Read the milliseconds of a ``/Date(ms)/`` text."""
    return datetime.fromtimestamp(value / 1000, UTC)
