# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant of a few lines for tests of the engine: objects in memory, scripted failures, reads that lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Exists, Failed, NotFound, Reply, Row


class FakeSession:
    """Keeps rows per noun. `fail[cmdlet]` is a list of (error, applied) taken one a call; `lag` reads show the old state."""

    def __init__(self, rows: dict[str, list[Row]] | None = None, *, check_mode: bool = False, lag: int = 0) -> None:
        self.check_mode = check_mode
        self.rows = {noun: [dict(row) for row in found] for noun, found in (rows or {}).items()}
        self.sent: list[Cmdlet] = []
        self.trips = 0
        self.overlays: list[tuple[str, list[str], list[Row]]] = []
        self.fail: dict[str, list[tuple[ExchangeError | None, bool]]] = {}
        self.ignored: set[str] = set()
        self.lag = lag
        self._stale: list[tuple[int, dict[str, list[Row]]]] = []

    @property
    def writes(self) -> list[Cmdlet]:
        return [call for call in self.sent if not call.reads]

    def call(self, cmdlet: Cmdlet) -> Reply:
        self.trips += 1
        return self._one(cmdlet)

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        self.trips += 1
        answers: list[Reply | ExchangeError] = []
        for cmdlet in cmdlets:
            try:
                answers.append(self._one(cmdlet))
            except ExchangeError as error:
                answers.append(error)
        return answers

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        assert self.check_mode
        self.overlays.append((noun, list(identities), list(rows)))

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise Failed("this tenant asks nothing outside", cmdlet=name)

    def _one(self, cmdlet: Cmdlet) -> Reply:
        assert cmdlet.reads or not self.check_mode, f"{cmdlet.name} in check mode"
        self.sent.append(cmdlet)
        error, applied = self.fail.get(cmdlet.name, [(None, True)]).pop(0) if self.fail.get(cmdlet.name) else (None, True)
        rows: list[Row] = []
        if cmdlet.reads and error is None:
            rows = self._read(cmdlet)
        elif not cmdlet.reads and applied:
            self._remember()
            self._write(cmdlet)
        if error is not None:
            raise error
        return Reply(rows, date="2026-01-31T12:00:00Z")

    def _remember(self) -> None:
        if self.lag:
            self._stale.append((self.lag, {noun: [dict(row) for row in rows] for noun, rows in self.rows.items()}))

    def _read(self, cmdlet: Cmdlet) -> list[Row]:
        source = self.rows
        if self._stale:
            left, source = self._stale[0]
            self._stale[0] = (left - 1, source)
            if left <= 1:
                self._stale.pop(0)
        rows = source.get(cmdlet.noun, [])
        identity = cmdlet.parameters.get("Identity")
        if identity is None:
            return [dict(row) for row in rows]
        found = [dict(row) for row in rows if str(identity).casefold() in {str(value).casefold() for value in row.values()}]
        if not found:
            raise NotFound("couldn't be found", cmdlet=cmdlet.name, identity=str(identity))
        return found

    def _write(self, cmdlet: Cmdlet) -> None:
        rows = self.rows.setdefault(cmdlet.noun, [])
        values: dict[str, Any] = {k: v for k, v in cmdlet.parameters.items() if k not in {"Identity", "Confirm"} | self.ignored}
        if cmdlet.verb == "New":
            if any(row["Name"] == values["Name"] for row in rows):
                raise Exists("already exists", cmdlet=cmdlet.name, identity=values["Name"])
            enabled = values.pop("Enabled", True)
            rows.append({"Identity": values["Name"], "State": "Enabled" if enabled else "Disabled", **values})
            return
        (row,) = self._match(rows, str(cmdlet.parameters["Identity"]), cmdlet)
        if cmdlet.verb == "Remove":
            rows.remove(row)
        elif cmdlet.verb in {"Enable", "Disable"}:
            row["State"] = f"{cmdlet.verb}d"
        else:
            for key, value in values.items():
                row[key] = self._edited(row.get(key), value)
            if "Name" in values:
                row["Identity"] = values["Name"]

    @staticmethod
    def _match(rows: list[Row], identity: str, cmdlet: Cmdlet) -> list[Row]:
        found = [row for row in rows if identity in row.values()]
        if not found:
            raise NotFound("couldn't be found", cmdlet=cmdlet.name, identity=identity)
        return found

    @staticmethod
    def _edited(have: Any, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return [item for item in have or [] if item not in value.get("Remove", [])] + list(value.get("Add", []))


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def context(session: FakeSession, **changes: Any) -> tuple[Context, Clock, list[str]]:
    """A context over the fake, its clock, and the list that collects warnings."""
    clock, warnings = Clock(), list[str]()
    return (
        Context(
            session=session,
            check_mode=session.check_mode,
            diff=True,
            warn=warnings.append,
            sleep=clock.sleep,
            monotonic=lambda: clock.now,
            **changes,
        ),
        clock,
        warnings,
    )
