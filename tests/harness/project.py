# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project does outside the tenant, as one call each: forwards, last syncs, the MX, licences, the source list, waits and probes."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from harness.letters import OUTSIDER
from harness.shape import MAP
from harness.tenant import Sandbox

# Real seconds between two looks, and until what should happen counts as not happening.
LOOK, PATIENCE = 0.1, 120.0
# Real seconds between the index of a map and its text, with what a loaded machine adds.
SLACK = 0.3
UNDER_WAY = ("delayed", "lost")
Row = dict[str, Any]


def _moment(clock: Row) -> datetime:
    return datetime.fromisoformat(str(clock["now"]).replace("0Z", "+00:00"))


@dataclass
class Project:
    """The hands of a project on a sandbox with mail. `cut` names waits that are left out: time, probe, drain.

    sources: by domain, the name of its foreign host.
    """

    sandbox: Sandbox
    folder: Path
    routing: str
    prober: str
    sources: dict[str, str]
    cut: Collection[str] = ()
    probes: int = 0
    _first: int = 0  # messages before this number have arrived
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def now(self) -> datetime:
        """The time by the service's clock."""
        return _moment(self.sandbox.control("GET", "/clock"))

    def called(self, cmdlet: str, *, first: bool = False, **parameters: Any) -> datetime | None:
        """When a cmdlet was called with these parameters, the last time or the first; None when it was not."""
        times = [
            datetime.fromisoformat(str(call["time"]).replace("0Z", "+00:00"))
            for call in self.sandbox.control("GET", f"/calls?cmdlet={cmdlet}")
            if all(call["parameters"].get(name) == value for name, value in parameters.items())
        ]
        return (times[0] if first else times[-1]) if times else None

    def until(self, moment: datetime) -> None:
        """Wait until the service's clock shows a time."""
        while "time" not in self.cut and self.now() < moment:
            time.sleep(LOOK)

    # The foreign hosts.

    def forward(self, people: Iterable[str], *, on: bool) -> None:
        """Switch the forwards of people at their source."""
        for name, own in self._by_source(people).items():
            goals = {address: {"to": self.goal(address)} if on else None for address in own}
            self.sandbox.control("PUT", "/state", {"foreign": {"name": name, "forwards": goals}})

    def busy(self, people: Iterable[str]) -> None:
        """Have only these people's mailboxes at their source take no letters for now; what waits for all others is tried again."""
        own = self._by_source(people)
        for name in sorted(set(self.sources.values())):
            self.sandbox.control("PUT", "/state", {"foreign": {"name": name, "busy": own.get(name, [])}})
        self.sandbox.control("POST", "/queue", {})

    def switched(self) -> tuple[datetime, datetime]:
        """From when to when the hosts' maps were last put in place, by the service's clock; mail in between may take either way."""
        rate, earliest, latest, now = self._seen_clock()
        folders = [Path(one["config_directory"]) for one in self.sandbox.ready["foreign"]]
        changed = [(folder / name).stat().st_ctime for folder in folders for name in (MAP, f"{MAP}.db")]
        slack = timedelta(seconds=SLACK * rate)
        begun, ended = now - timedelta(seconds=(latest - min(changed)) * rate), now - timedelta(seconds=(earliest - max(changed)) * rate)
        return begun - slack, ended + slack

    def _seen_clock(self) -> tuple[float, float, float, datetime]:
        """The service's clock: its rate, and the time that it showed between two moments of ours; the quickest of some answers."""
        seen = []
        for _unused in range(5):
            asked = time.time()
            answer = self.sandbox.control("GET", "/clock")
            seen.append((time.time() - asked, asked, answer))
        took, asked, answer = min(seen, key=lambda one: one[0])
        return float(answer["rate"]), asked, asked + took, _moment(answer)

    def goal(self, address: str) -> str:
        """The routing address that a forward leads to."""
        return f"{address.partition('@')[0]}@{self.routing}"

    def _by_source(self, people: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for address in people:
            found.setdefault(self.sources[address.partition("@")[2]], []).append(address)
        return found

    def sync(self, people: Sequence[str], *, last: bool) -> None:
        """Copy people's mailboxes from the source; after the last time nothing is copied any more."""
        self.sandbox.control("PUT", "/state", {"sync": {"people": list(people), "last": last}})

    def drained(self, before: datetime) -> None:
        """Wait until what was sent before a moment has arrived: what is under way took the old way."""
        end = time.monotonic() + PATIENCE
        while "drain" not in self.cut:
            rows = self.sandbox.control("GET", f"/messages?since={self._first}")["messages"]
            old = [row for row in rows if row["origin"] != "report" and datetime.fromisoformat(row["time"]) <= before]
            if not any(copy["outcome"] in UNDER_WAY for row in old for copy in row["copies"]):
                self._first += len(old)
                return
            if time.monotonic() > end:
                raise TimeoutError(f"mail sent before {before} is still under way after {PATIENCE} s")
            time.sleep(2 * LOOK)

    # The domains and the tenant.

    def move_mx(self, domains: Iterable[str], to: str) -> None:
        """Point the MX of domains to the tenant or back to the source."""
        for domain in domains:
            self.sandbox.control("PUT", "/state", {"mx": {"domain": domain, "to": to}})

    def spf(self, domains: Iterable[str]) -> None:
        """Take the sources out of the SPF records of domains."""
        for domain in domains:
            texts = ["v=spf1 include:spf.protection.outlook.com -all"]
            self.sandbox.control("PUT", "/state", {"record": {"name": domain, "type": "TXT", "texts": texts}})

    def license(self, people: Iterable[str], *, replaced: Collection[str] = ()) -> None:
        """Give people mailboxes in the tenant, each with its routing address; those in `replaced` were mail users."""
        for address in people:
            if address in replaced:
                self.sandbox.control("PUT", "/state", {"noun": "MailUser", "identity": address, "remove": True})
            alias = address.partition("@")[0]
            kind = "UserMailbox"
            self._add("Mailbox", alias, address, RecipientType=kind, RecipientTypeDetails=kind, WindowsEmailAddress=address)

    def list_in_tenant(self, address: str, members: Sequence[str]) -> None:
        """Make a list of the source a distribution group of the tenant that outsiders may write to."""
        kind = "MailUniversalDistributionGroup"
        more = {"_members": list(members), "RequireSenderAuthenticationEnabled": False}
        self._add("DistributionGroup", address.partition("@")[0], address, RecipientType=kind, RecipientTypeDetails=kind, **more)

    def _add(self, noun: str, alias: str, address: str, **more: Any) -> None:
        row = {
            "Name": alias,
            "Alias": alias,
            "DisplayName": alias,
            "PrimarySmtpAddress": address,
            "EmailAddresses": [f"SMTP:{address}", f"smtp:{self.goal(address)}"],
            "WhenChangedUTC": f"{self.now():%Y-%m-%dT%H:%M:%S}.0000000Z",
            **more,
        }
        self.sandbox.control("PUT", "/state", {"noun": noun, "add": [row]})

    def at_home(self, people: Collection[str], home: str) -> None:
        """Write in the source list where people are at home now, as the next export of the source would show it."""
        path = self.folder / "source.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            if row["owner"] in people or row["address"] in people:
                row["home"] = home
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    # Probes.

    def probe(self, people: Iterable[str], place: str, *, origin: str = "internet", within: float = PATIENCE) -> None:
        """Write to people until a message to each was put where it should be: source or tenant. Raises TimeoutError."""
        for address in people if "probe" not in self.cut else ():
            end = time.monotonic() + within
            while place not in (seen := self._seen(address, origin)):
                if time.monotonic() > end:
                    raise TimeoutError(f"probe: mail from {origin} to {address} reaches {seen or 'nothing'}, not {place}")
                time.sleep(LOOK)

    def _seen(self, address: str, origin: str) -> list[str]:
        """The systems in which one probe message was placed."""
        self.probes += 1
        id_ = f"<probe-{next(self._numbers)}@story.example>"
        sender = OUTSIDER if origin == "internet" else self.prober
        letter = {"origin": origin, "sender": sender, "recipients": [address], "subject": "probe", "id": id_}
        self.sandbox.control("POST", "/messages", letter)
        end = time.monotonic() + PATIENCE / 6
        while time.monotonic() < end:
            rows = self.sandbox.control("GET", f"/mailbox?address={address}")
            found = [str(row["system"]) for row in rows if row["id"] == id_]
            if found:
                return found
            time.sleep(LOOK / 2)
        return []

    def after(self, moment: datetime | None, seconds: float) -> datetime:
        """A moment, so many seconds of the service's clock later; now, when it never came."""
        return (moment or self.now()) + timedelta(seconds=seconds)
