# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""How fast a session may ask: so many requests in so many seconds, over all tasks of a run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any


class Paces:
    """One session's rates by key. monotonic: seconds, replaced in tests."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._made: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def run(self, parameters: Mapping[str, Any]) -> dict[str, float]:
        """Ask for one request of `key` at most `limit` of which may be made in `seconds`.

        Answers {wait}: 0 counts the request as made; else the seconds after which to ask again.
        """
        limit, seconds, now = int(parameters["limit"]), float(parameters["seconds"]), self._monotonic()
        with self._lock:
            made = self._made.setdefault(str(parameters["key"]), deque())
            while made and now - made[0] >= seconds:
                made.popleft()
            if len(made) >= limit:
                return {"wait": max(0.01, seconds - (now - made[0]))}
            made.append(now)
            return {"wait": 0.0}
