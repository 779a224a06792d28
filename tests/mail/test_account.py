# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two thousand messages through a whole project, with delayed effect and a moved MX: the account closes."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from typing import Any

from unit.sandbox_mail.flow import OUTSIDER, ROUTING, SHARED, Flow

LATENCY = 1800
TTL = 3600
PEOPLE = ("pilot", "migrated", "noobj", "mailuser", "alias", "list", "stub", *(f"stub{number}" for number in range(2, 13)))
WAVES = (("stub", "stub2", "stub3", "alias"), ("stub4", "stub5", "stub6", "stub7"))
EACH = 215


class Project:
    """Sends a round of mail in each state and remembers what was sent."""

    def __init__(self, flow: Flow) -> None:
        """Begin with senders of every origin, and pairs of recipients beside single ones."""
        self.flow = flow
        stub = flow.who["stub9"]
        self._senders = cycle((("internet", OUTSIDER), ("tenant", flow.who["pilot"]), ("source", flow.who["noobj2"]), ("local", stub)))
        self._people = cycle(PEOPLE)
        self._turn = cycle((1, 1, 1, 2))
        self.sent = 0

    def round(self, number: int = EACH, *, unknown: bool = True) -> dict[str, Counter[str]]:
        """Send messages; return the outcomes of this round's copies by origin."""
        wanted: list[dict[str, Any]] = []
        while len(wanted) < number:
            origin, sender = next(self._senders)
            names = [next(self._people) for _unused in range(next(self._turn))]
            view = "stale" if len(wanted) % 3 else "fresh"
            wanted.append({"origin": origin, "sender": sender, "recipients": [self.flow.who[name] for name in names], "resolver": view})
            if unknown and len(wanted) % 40 == 0:
                wanted.append({"origin": origin, "sender": sender, "recipients": [self.flow.who["nobody"]], "resolver": view})
        first = self.sent
        self.flow.sandbox.ask("POST", "/messages", wanted)
        self.sent += len(wanted)
        self.flow.account(120)
        found = [row for row in self.flow.sandbox.ask("GET", "/messages")["messages"] if row["origin"] != "report"][first:]
        assert len(found) == len(wanted)
        return {
            origin: Counter(
                "unknown " * (copy["recipient"] == self.flow.who["nobody"]) + copy["outcome"]
                for row in found
                if row["origin"] == origin
                for copy in row["copies"]
            )
            for origin in ("internet", "tenant", "source", "local")
        }

    def right(self, *, early: bool = False) -> None:
        """Send a round and hold that everybody's mail is where it is read."""
        for origin, found in self.round().items():
            rest = set(found) - {"delivered", "unknown bounced"} - ({"early"} if early and origin == "tenant" else set())
            assert not rest, (origin, found)


def wave(flow: Flow, members: list[str], names: tuple[str, ...], project: Project) -> None:
    """Move a wave: group, wait, forwards, last sync."""
    flow.group(*members, *names)
    project.right()
    flow.sandbox.clock(advance=LATENCY + 1)
    project.right(early=True)
    goals = {flow.who[name]: {"to": f"{flow.who[name].split('@')[0]}@{ROUTING}"} for name in names}
    flow.mail(foreign={"forwards": goals})
    flow.mail(sync={"people": [flow.who[name] for name in names], "last": True})
    members += names
    project.right()


def test_two_thousand_messages_through_a_project(flow: Flow) -> None:
    flow.sandbox.parameters(rule_latency=LATENCY, membership_latency=LATENCY, retry_interval=60)
    members = ["pilot", "migrated"]
    project = Project(flow)
    flow.put("AcceptedDomain", identity=SHARED, set={"DomainType": "InternalRelay"})
    flow.coexist(*members)
    before = project.round(100)
    assert before["tenant"]["split"] > 0
    for origin in ("internet", "source", "local"):
        assert set(before[origin]) <= {"delivered", "unknown bounced"}, origin
    flow.sandbox.clock(advance=LATENCY + 1)
    project.right()
    for names in WAVES:
        wave(flow, members, names, project)
    flow.mx("tenant", ttl=TTL)
    project.right()
    flow.sandbox.clock(advance=TTL + 1)
    project.right()
    found = flow.account()
    assert project.sent >= 2000
    assert sum(found["sums"].values()) == found["sent"] > project.sent
    assert {name for name in found["sums"] if found["sums"][name]} == {"delivered", "split", "early", "bounced"}
    assert found["sums"]["split"] == before["tenant"]["split"]
    assert not found["reports"].get("lost")
