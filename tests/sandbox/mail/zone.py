# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's DNS data with its past: what is authoritative now, and what a resolver may still hold until the TTL is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from .model import Lookup

FRESH, STALE = "fresh", "stale"
LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
NAME_SERVER = "ns.sandbox.example"
OUTSIDE_MX = "mx.outside.example"
MISSING = (".invalid", ".invalid.")  # names that do not exist


@dataclass(frozen=True)
class Version:
    """A record set from a moment on. ``ttl`` in seconds of the sandbox's clock."""

    since: datetime
    ttl: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Texts and the seconds that they may still be kept."""

    texts: tuple[str, ...]
    ttl: int


class Zone:
    """All names of the sandbox. A domain without an MX here has its mail taken by the outside world."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Keep the clock."""
        self._now = now
        self._records: dict[tuple[str, str], list[Version]] = {}

    def put(self, name: str, kind: str, texts: list[str], ttl: int = 3600, since: datetime | None = None) -> None:
        """Replace a record set from now on (or from long ago, for the first one)."""
        versions = self._records.setdefault((name.lower().rstrip("."), kind.upper()), [])
        moment = since or (self._now() if versions else LONG_AGO)
        versions.append(Version(moment, ttl, tuple(texts)))

    def keep(self) -> dict[tuple[str, str], list[Version]]:
        """Return a copy of all records, for ``back``."""
        return {name: list(versions) for name, versions in self._records.items()}

    def back(self, kept: dict[tuple[str, str], list[Version]]) -> None:
        """Return to records that were kept."""
        self._records = {name: list(versions) for name, versions in kept.items()}

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()

    def knows(self, name: str) -> bool:
        """Say whether a name exists here, itself or with names below it."""
        wanted = name.lower().rstrip(".")
        return any(known == wanted or known.endswith("." + wanted) for known, _unused in self._records)

    def ask(self, name: str, kind: str, view: str = FRESH) -> Answer | None:
        """Answer as the authoritative server (fresh) or as the resolver that cached just before each change (stale). None: no such name."""
        wanted, now = name.lower().rstrip("."), self._now()
        versions = self._records.get((wanted, kind.upper()))
        if not versions:
            return self._default(wanted, kind.upper())
        if view == STALE:
            for version, following in pairwise(versions):
                end = following.since + timedelta(seconds=version.ttl)
                if end > now:
                    return Answer(version.texts, max(0, int((end - now).total_seconds())))
        current = [version for version in versions if version.since <= now]
        return Answer(current[-1].texts, current[-1].ttl) if current else Answer((), 0)

    def lookup(self, view: str = FRESH) -> Lookup:
        """Return a plain lookup: (name, type) to texts."""

        def find(name: str, kind: str) -> list[str]:
            found = self.ask(name, kind, view)
            return list(found.texts) if found else []

        return find

    def mx(self, domain: str, view: str = FRESH) -> list[str]:
        """Return the mail exchangers of a domain, best first; none for a name that does not exist."""
        found = self.ask(domain, "MX", view)
        pairs = [text.split() for text in found.texts] if found else []
        return [host.rstrip(".").lower() for _unused, host in sorted(pairs, key=lambda pair: int(pair[0]))]

    def history(self, name: str, kind: str) -> list[dict[str, object]]:
        """Return the versions of a record set."""
        found = self._records.get((name.lower().rstrip("."), kind.upper()), [])
        return [{"since": version.since.isoformat(), "ttl": version.ttl, "texts": list(version.texts)} for version in found]

    def _default(self, name: str, kind: str) -> Answer | None:
        if name.endswith(MISSING) or "." not in name:
            return None
        return Answer((f"10 {OUTSIDE_MX}.",), 3600) if kind == "MX" else Answer((), 0)
