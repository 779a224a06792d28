# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of objects with their past, so that reads can lag and transport can go on acting on yesterday's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
Version = tuple[datetime, "Row | None"]


class Table:
    """Objects by key (a GUID), each with its versions. A version is never changed in place."""

    def __init__(self, identities: Callable[[Row], Iterable[str]]) -> None:
        """Keep the function that names an object's identities; they are compared without case."""
        self._identities = identities
        self._now: dict[str, Row] = {}
        self._past: dict[str, list[Version]] = {}
        self._index: dict[str, set[str]] = {}

    def load(self, rows: Iterable[Row], moment: datetime) -> None:
        """Replace everything, as if it had always been so."""
        self._now, self._past, self._index = {}, {}, {}
        for row in rows:
            key = str(row["_key"])
            self._now[key] = row
            self._past[key] = [(moment, row)]
            self._note(key, row)

    def copy(self) -> Table:
        """Return the table as it is; no later write changes the copy."""
        twin = Table(self._identities)
        twin._now = dict(self._now)
        twin._past = {key: list(versions) for key, versions in self._past.items()}
        twin._index = {name: set(keys) for name, keys in self._index.items()}
        return twin

    def put(self, row: Row, moment: datetime, horizon: timedelta) -> None:
        """Write a new version of an object (or a new object)."""
        key = str(row["_key"])
        self._forget(key)
        self._now[key] = row
        self._note(key, row)
        self._remember(key, row, moment, horizon)

    def remove(self, key: str, moment: datetime, horizon: timedelta) -> None:
        """Delete an object; its past stays readable for as long as the horizon."""
        self._forget(key)
        del self._now[key]
        self._remember(key, None, moment, horizon)

    def rows(self, moment: datetime | None = None) -> Iterator[Row]:
        """Return the objects of now, or as they were at a moment."""
        if moment is None:
            return iter(list(self._now.values()))
        return (row for versions in list(self._past.values()) if (row := _at(versions, moment)) is not None)

    def get(self, key: str, moment: datetime | None = None) -> Row | None:
        """Return one object by key, now or at a moment."""
        return self._now.get(key) if moment is None else _at(self._past.get(key, []), moment)

    def find(self, identity: str, moment: datetime | None = None) -> list[Row]:
        """Return the objects that answer to an identity."""
        wanted = identity.strip().casefold()
        if moment is None:
            return [self._now[key] for key in sorted(self._index.get(wanted, ()))]
        return [row for row in self.rows(moment) if wanted in {name.casefold() for name in self._identities(row)}]

    def __len__(self) -> int:
        """Count the objects of now."""
        return len(self._now)

    def _note(self, key: str, row: Row) -> None:
        for name in self._identities(row):
            self._index.setdefault(name.casefold(), set()).add(key)

    def _forget(self, key: str) -> None:
        row = self._now.get(key)
        for name in self._identities(row) if row is not None else ():
            self._index.get(name.casefold(), set()).discard(key)

    def _remember(self, key: str, row: Row | None, moment: datetime, horizon: timedelta) -> None:
        versions = self._past.setdefault(key, [])
        versions.append((moment, row))
        while len(versions) > 1 and versions[1][0] < moment - horizon:
            del versions[0]


def _at(versions: list[Version], moment: datetime) -> Row | None:
    for when, row in reversed(versions):
        if when <= moment:
            return row
    return None
