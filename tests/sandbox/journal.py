# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of calls, in the order in which they came."""

from __future__ import annotations

from typing import Any


class Journal:
    """Every call of a cmdlet that passed the sign-in."""

    def __init__(self) -> None:
        """Start empty."""
        self.calls: list[dict[str, Any]] = []
        self._count = 0

    def note(self, call: dict[str, Any]) -> dict[str, Any]:
        """Add a call and number it; the returned entry is filled in later."""
        self._count += 1
        entry = {"seq": self._count, **call}
        self.calls.append(entry)
        return entry

    def select(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return calls. ``writes``, ``tenant``, ``cmdlet``, ``since`` (a number), ``unknown`` and ``applied`` filter."""
        chosen = self.calls
        if query.get("writes"):
            chosen = [call for call in chosen if call["write"] == (query["writes"] not in ("0", "false"))]
        if query.get("tenant"):
            chosen = [call for call in chosen if call["tenant"] == query["tenant"]]
        if query.get("cmdlet"):
            chosen = [call for call in chosen if str(call["cmdlet"]).lower() == query["cmdlet"].lower()]
        if query.get("since"):
            chosen = [call for call in chosen if call["seq"] > int(query["since"])]
        if query.get("unknown"):
            chosen = [call for call in chosen if call.get("unknown")]
        if query.get("applied"):
            chosen = [call for call in chosen if call["applied"] == (query["applied"] not in ("0", "false"))]
        return chosen

    def clear(self) -> None:
        """Forget the calls; the numbers go on."""
        self.calls.clear()
