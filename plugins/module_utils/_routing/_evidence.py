# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What was seen outside the tenant's objects: MX changes, probes, the trace, DNS. What nobody looked at is missing, never fine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._values import parse_date

from ._findings import Situation
from ._inputs import Inputs
from ._objects import clock
from ._predict import Prediction
from ._snapshot import Snapshot
from ._world import World

ARRIVED, REFUSED, MISSING, NOT_PROBED = "arrived", "refused", "missing", "not probed"
# What becomes of a probe in check mode.
ANNOUNCED = "announced"
# What told of a probe that the service's filter took: in the tenant, but held before anything showed where it would have gone.
FILTER = "filter"
# And what tells that a host keeps one: it took the probe, and the tenant did not see it in time.
SILENCE = "silence"


@dataclass(frozen=True)
class MxChange:
    """The newest change of a domain's MX. at: when it was seen, by the service's clock. ttl: seconds. fresh: nothing notes it yet."""

    at: str
    ttl: int
    holder: str
    before: str = ""
    fresh: bool = False

    @property
    def noted(self) -> str:
        """The form in the group's line: `HOLDER TTL TIME`, a holder's spaces as underscores."""
        return f"{self.holder.replace(' ', '_')} {self.ttl} {self.at}"

    @classmethod
    def read(cls, text: str) -> MxChange | None:
        """The inverse of noted; None for a text that is none."""
        parts = text.split()
        if len(parts) != 3 or not parts[1].isdigit() or parse_date(parts[2]) is None:
            return None
        return cls(parts[2], int(parts[1]), parts[0].replace("_", " "))


@dataclass(frozen=True)
class Probe:
    """One marked message. result: arrived, refused, missing or `not probed`; place: `tenant` or `source`; told_by: as mail_probe says.

    forwarded: it went through a forward of the source; if it reached the tenant without one, it found the way by itself.
    """

    origin: str
    sender: str
    recipient: str
    result: str
    place: str = ""
    forwarded: bool = False
    why: str = ""
    told_by: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Probe:
        """One from the result of mail_probe or of a wait; what it does not tell is missing."""
        texts = {name: str(row.get(name) or "").casefold() for name in ("origin", "sender", "recipient", "place", "told_by")}
        return cls(
            **texts, result=str(row.get("result") or NOT_PROBED), forwarded=row.get("forwarded") is True, why=str(row.get("why") or "")
        )


@dataclass(frozen=True)
class Trace:
    """A window of the message trace. unknown: messages per domain to addresses that are no recipients.

    connectors: messages that each outbound connector delivered, to people who are not moved, to addresses that only the host
    knows, or after the rules had stopped acting; probes are none of them. days: how long the window is.
    """

    days: float
    unknown: Mapping[str, int] = field(default_factory=dict)
    connectors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What DNS says of a domain. spf, dkim: per side (`tenant` or a source's name) whether it is there; None: not told.

    others: further senders that SPF allows; None where nobody knows. policy: DMARC's p=, empty for none.
    """

    spf: Mapping[str, bool | None] = field(default_factory=dict)
    dkim: Mapping[str, bool | None] = field(default_factory=dict)
    others: tuple[str, ...] | None = None
    policy: str = ""


@dataclass(frozen=True)
class Evidence:
    """All of it. trace: None when it was not read. off: sources that were declared off. ipv6: per domain, as the tenant says.

    forwards_read: the forwards at the sources are known, even if there are none. forwards_off: addresses at the source that were read
    and are not forwarded. unread: what could not be asked, by what it is about (`mx DOMAIN`, `records DOMAIN`, `ipv6 DOMAIN`, `trace`),
    with the reason.
    """

    mx_changes: Mapping[str, MxChange] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    trace: Trace | None = None
    dns: Mapping[str, Published] = field(default_factory=dict)
    ipv6: Mapping[str, bool] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    forwards_read: bool = False
    forwards_off: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Full:
    """What the guards of mail flow are functions of: the situation of the other guards, the world, and the evidence."""

    situation: Situation
    world: World
    evidence: Evidence = Evidence()

    @property
    def inputs(self) -> Inputs:
        """What was declared."""
        return self.situation.inputs

    @property
    def snapshot(self) -> Snapshot:
        """What the tenant shows."""
        return self.situation.snapshot

    @property
    def step(self) -> str:
        """What is about to be done."""
        return self.situation.step

    @property
    def now(self) -> datetime:
        """The service's clock."""
        return clock(self.snapshot)


def settles(change: MxChange, extra: timedelta = timedelta()) -> datetime | None:
    """When nobody holds the former MX any more, and a margin after it; None for a time that is none."""
    seen = parse_date(change.at)
    return seen + timedelta(seconds=change.ttl) + extra if seen else None


def until(time: str) -> str:
    """By when something surely acts, as the end of a clause; empty where nobody knows."""
    return f" until {time}" if time else ""


def counted(names: Iterable[str], shown: int = 3) -> str:
    """The first few names, and how many more there are."""
    found = list(names)
    more = len(found) - shown
    return ", ".join(found[:shown]) + (f" and {more} more" if more > 0 else "")


def reason(prediction: Prediction) -> str:
    """The last decision of the worst route, with what it takes for granted."""
    route = prediction.worst
    given = f" (assumed: {'; '.join(route.assumptions())})" if route.assumed and len(prediction.outcomes) > 1 else ""
    return f"{route.lines()[-1]}{given}"
