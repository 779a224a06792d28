# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""When a call is repeated, and after how long. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from .rest_errors import limited
from .rest_http import NoAnswer
from .rest_wire import Response

# Statuses after which a read may simply be sent again.
TRANSIENT = frozenset({408, 429, 502, 503, 504})
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Verdict:
    """again: send it once more after `pause` seconds. uncertain: a write may have been applied."""

    again: bool
    pause: float = 0.0
    uncertain: bool = False


def judge(outcome: Response | NoAnswer, reads: bool, attempt: int, jitter: float | None = None) -> Verdict:
    """Decide about one attempt that was no success. attempt counts from 1; jitter is 0 to 1, random unless given.

    A write is repeated only where the service surely did not apply it: it said so (429, or 503 with the time to
    come back), or the request never reached it.
    """
    pause = backoff(attempt, random.random() if jitter is None else jitter)  # noqa: S311 - spreads load, keeps no secret
    if isinstance(outcome, NoAnswer):
        harmless = reads or not outcome.sent
        return Verdict(harmless and not outcome.fatal, pause, uncertain=not harmless)
    asked = retry_after(outcome.headers)
    refused = outcome.status == 429 or limited(outcome) or (outcome.status == 503 and asked is not None)
    again = refused or (reads and outcome.status in TRANSIENT)
    uncertain = not reads and not again and outcome.status in (TRANSIENT | {500})
    return Verdict(again, pause if asked is None else asked, uncertain)


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before the next attempt when the service names none: doubling, spread by a quarter either way."""
    return float(min(2 ** (attempt - 1), LONGEST_PAUSE) * (0.75 + jitter / 2))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait: a number, or a time measured against its own clock."""
    asked = headers.get("retry-after", "").strip()
    if not asked:
        return None
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass  # then it must be a date
    try:
        until = parsedate_to_datetime(asked)
        now = parsedate_to_datetime(headers["date"]) if headers.get("date") else datetime.now(timezone.utc)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None
