# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that control sets: wrong statuses, dropped connections, delays, held calls, killed processes."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import signal
from dataclasses import dataclass, field
from typing import Any

from .errors import KINDS, ServiceError, body
from .wire import Answer, forbidden, too_many, unauthorised

PHASES = ("before", "after")
MATCHES = {"cmdlet", "tenant", "nth", "phase", "writes", "identity", "client_id", "probes"}
ACTIONS = {"status", "retry_after", "body", "text", "headers", "drop", "delay", "hold", "kill", "signal", "error", "form"}


@dataclass
class Fault:
    """One rule. ``nth``: fire from the nth match on; ``times``: so often (0: always)."""

    id: int
    match: dict[str, Any]
    action: dict[str, Any]
    times: int = 1
    seen: int = 0
    fired: int = 0
    holding: list[int] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    then: str = "continue"

    def takes(self, phase: str, call: dict[str, Any]) -> bool:
        """Count a call in a phase and say whether the fault fires."""
        wanted = self.match
        if phase != wanted.get("phase", "before") or not _fits(wanted, call):
            return False
        self.seen += 1
        if self.seen < int(wanted.get("nth", 1)) or (self.times and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def dump(self) -> dict[str, Any]:
        """Return what control shows."""
        return {
            "id": self.id,
            "match": self.match,
            "action": self.action,
            "times": self.times,
            "seen": self.seen,
            "fired": self.fired,
            "holding": self.holding,
        }


def _fits(wanted: dict[str, Any], call: dict[str, Any]) -> bool:
    if bool(wanted.get("probes")) != bool(call.get("probe")):
        return False
    if not fnmatch.fnmatchcase(str(call["cmdlet"]).lower(), str(wanted.get("cmdlet", "*")).lower()):
        return False
    identity = (call["parameters"] or {}).get("Identity")
    return (
        (not wanted.get("tenant") or wanted["tenant"] == call["tenant"])
        and (wanted.get("writes") is None or wanted["writes"] == call["write"])
        and (not wanted.get("client_id") or wanted["client_id"] == call["client_id"])
        and (not wanted.get("identity") or str(wanted["identity"]).casefold() == str(identity).casefold())
    )


class Faults:
    """All rules, in the order given; the first that fires decides, but delays go on to the next."""

    def __init__(self) -> None:
        """Start without any."""
        self.rules: list[Fault] = []

    def replace(self, entries: list[dict[str, Any]]) -> None:
        """Take new rules. Raises ValueError for a malformed one. Held calls go on."""
        rules = [self._rule(number, entry) for number, entry in enumerate(entries, 1)]
        for rule in self.rules:
            rule.release.set()
        self.rules = rules

    def free(self, number: int | None, then: str) -> int:
        """Release held calls of one rule or of all; return how many. ``then``: continue, drop."""
        chosen = [rule for rule in self.rules if number in (None, rule.id)]
        count = sum(len(rule.holding) for rule in chosen)
        for rule in chosen:
            rule.then = then
            rule.release.set()
        return count

    async def apply(self, phase: str, call: dict[str, Any]) -> Answer | None:
        """Let a call of a phase run into the faults; return the answer that replaces the service's."""
        for rule in self.rules:
            if rule.takes(phase, call):
                answer = await self._act(rule, call)
                if answer is not None:
                    return answer
        return None

    async def _act(self, rule: Fault, call: dict[str, Any]) -> Answer | None:
        action = rule.action
        if action.get("delay"):
            await asyncio.sleep(float(action["delay"]))
        if action.get("hold"):
            rule.holding.append(int(call["seq"]))
            await rule.release.wait()
            rule.holding.remove(int(call["seq"]))
            if rule.then == "drop":
                return Answer(0, drop=True)
        if action.get("kill"):
            os.kill(int(action["kill"]), getattr(signal, str(action.get("signal", "SIGKILL"))))
            return Answer(0, drop=True)
        if action.get("drop"):
            return Answer(0, drop=True)
        return _made(action)

    @staticmethod
    def _rule(number: int, entry: dict[str, Any]) -> Fault:
        match, action = entry.get("match", {}), entry.get("action", {})
        unknown = (set(entry) - {"match", "action", "times"}) | (set(match) - MATCHES) | (set(action) - ACTIONS)
        if match.get("probes") and set(action) - {"kill", "signal"}:
            raise ValueError(f"fault {number}: whoever sends a probe can be killed, nothing else: {sorted(action)}")
        if unknown or match.get("phase", "before") not in PHASES or not action:
            raise ValueError(f"fault {number}: unknown {sorted(unknown)} or a wrong phase or no action")
        return Fault(number, match, action, int(entry.get("times", 1)))


def _made(action: dict[str, Any]) -> Answer | None:
    headers = {str(key): str(value) for key, value in action.get("headers", {}).items()}
    if action.get("retry_after") is not None:
        headers["Retry-After"] = str(action["retry_after"])
    status = action.get("status")
    if action.get("error"):
        error = ServiceError(str(action["error"]), status=status, **_filled(action))
        return Answer(error.status, body(error, form=str(action.get("form", "full"))), headers={**headers, "X-ExceptionType": error.type})
    if status is None:
        return None
    answer = {401: lambda: unauthorised("A fault was set."), 403: lambda: forbidden(bool(headers.get("x-ms-diagnostics")))}.get(
        int(status), lambda: Answer(int(status), raw=b"")
    )()
    if action.get("form") == "concurrency":
        answer = too_many(int(status))
    if action.get("body") is not None:
        answer = Answer(int(status), action["body"])
    if action.get("text") is not None:
        answer = Answer(int(status), raw=str(action["text"]).encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    answer.headers.update(headers)
    return answer


def _filled(action: dict[str, Any]) -> dict[str, str]:
    if str(action["error"]) not in KINDS:
        raise KeyError(action["error"])
    return {name: str(action.get("text", "?")) for name in ("identity", "parameter", "reason", "member", "group", "address")}
