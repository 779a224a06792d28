# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One world without chance: two hosts, one person of each kind, the finished set-up; and one letter held against its prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from . import predicting, readings
from .foreign_rules import rule
from .people import KINDS, OTHER, Maker
from .playing import opened
from .scenario import ORGANIZATION, OUTSIDER, ROUTING, TENANT, Host, Letter, Row, Scenario
from .states import GROUP

ONE, SUB, TWO = "one.example", "sub.one.example", "two.example"
CLOUD_ONLY = ("pilot", "room", "shared", "sister")


def connector(name: str) -> str:
    """The name of the connector to a host."""
    return f"To {name}"


def _domain(name: str, kind: str = "Authoritative") -> Row:
    return {"Name": name, "Identity": name, "DomainName": name, "DomainType": kind, "MatchSubDomains": False, "InitialDomain": False}


def small() -> Scenario:
    """The finished set-up; scope domain, everybody who lives in the cloud is in the group, the MX at the hosts."""
    hosts = [Host("first", "192.0.2.10", [ONE, SUB]), Host("second", "192.0.2.20", [TWO])]
    made = Scenario(0, "leftovers", hosts, group=f"migrated@{ONE}")
    maker = Maker(made, Random(0))  # noqa: S311 - nothing that a case asks for hangs on it
    for kind in KINDS:
        maker.person(kind, 1, ONE)
    maker.person("migrated", 2, TWO)
    maker.person("mailuser", 2, ONE)
    made.tables["AcceptedDomain"] = [_domain(name) for name in (ORGANIZATION, ROUTING, OTHER)]
    made.tables["AcceptedDomain"] += [_domain(name, "InternalRelay") for name in made.domains]
    made.mx = {domain: host.name for host in hosts for domain in host.domains}
    cloud = [made.people[kind][0] for kind in CLOUD_ONLY]
    made.rows("DistributionGroup").append(
        {
            "Name": GROUP,
            "PrimarySmtpAddress": made.group,
            "EmailAddresses": [f"SMTP:{made.group}"],
            "RecipientType": "MailUniversalDistributionGroup",
            "RecipientTypeDetails": "MailUniversalDistributionGroup",
            "RequireSenderAuthenticationEnabled": True,
            "_members": [*sorted(made.moved), *cloud],
        }
    )
    for host in hosts:
        made.rows("OutboundConnector").append(_outbound(host))
        way = {"RouteMessageOutboundConnector": connector(host.name), "ExceptIfSentToMemberOf": [made.group]}
        made.rows("TransportRule").append(rule(f"Coexistence ({host.name})", RecipientDomainIs=list(host.domains), **way))
    made.tables["RemoteDomain"] = [{"Name": "*", "DomainName": "*", "IsInternal": False, "AutoForwardEnabled": True}]
    made.tables["OrganizationConfig"] = [{"Name": ORGANIZATION, "Identity": ORGANIZATION, "RejectDirectSend": False, "IsDehydrated": False}]
    made.reading = {name: answers[0] for name, answers in readings.QUESTIONS.items()}
    return made


def _outbound(host: Host) -> Row:
    where = {"SmartHosts": [host.address], "IsTransportRuleScoped": True, "RecipientDomains": []}
    return {"Name": connector(host.name), "Enabled": True, "UseMXRecord": False, **where}


@dataclass(frozen=True)
class Known:
    """A letter. to: addresses; the fate of the first one counts. outcomes: one, or two where a predicate is open."""

    to: tuple[str, ...]
    origin: str
    outcomes: frozenset[str]
    change: Callable[[Scenario], object]
    sender: str = ""
    what: str = "mail"
    reading: Mapping[str, str] = field(default_factory=dict)

    @property
    def letter(self) -> Letter:
        """The letter; without a sender, somebody who fits the origin writes it."""
        writers = {"internet": OUTSIDER, "tenant": f"pilot1@{ONE}"}
        sender = "" if self.what == "bounce" else self.sender or writers.get(self.origin, f"noobj1@{ONE}")
        return Letter(self.to[0].partition("@")[0].rstrip("0123456789"), self.to, self.origin, sender, self.what)


async def fates(case: Known, folder: Path) -> tuple[frozenset[str], str]:
    """What is predicted for a case's first recipient in its reading, and what happened."""
    made = small()
    made.hidden |= {"phishing", "spam", "plus"}
    case.change(made)
    for number, row in enumerate(made.rows("TransportRule")):
        row["Priority"] = number
    made.letters = [case.letter]
    reading = {**made.reading, **case.reading}
    async with opened(made, folder) as play:
        dumps = [play.world.host(host.name).state.dump() for host in made.hosts]
        known = predicting.world(made, play.tenant, dumps, play.world.readers.synced)
        prediction = predicting.predictions(known, case.letter)[case.to[0]]
        play.apply(reading)
        happened = (await play.outcomes([(case.letter, reading)]))[0][case.to[0]]
    return frozenset(route.outcome for route in prediction.under(readings.told(reading))), happened


__all__ = ["ONE", "SUB", "TENANT", "TWO", "Known", "connector", "fates", "small"]
