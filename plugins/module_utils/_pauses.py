# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Growing pauses between two looks at something that does not show a write yet."""

from __future__ import annotations

from ._runner import Context

# Pauses between two looks at an object that does not show a write yet, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Pauses:
    """Growing pauses within one bound of time; `more` is False when the bound is reached."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._end = context.monotonic() + context.patience
        self._next = FIRST_PAUSE

    def more(self) -> bool:
        """Sleep once; False, without sleeping, when the time is over."""
        left = self._end - self._context.monotonic()
        if left <= 0:
            return False
        self._context.sleep(min(self._next, left))
        self._next = min(self._next * 2, LONGEST_PAUSE)
        return True
