# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's side: a tenant with its rows, foreign hosts and DNS, opened on sockets, and letters sent in one reading after another."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sandbox import service
from sandbox.clock import Clock
from sandbox.mail import changes, writing
from sandbox.mail.hosts import BuiltinHost
from sandbox.mail.outcomes import outcome
from sandbox.mail.plan import OUTSIDE_ADDRESS
from sandbox.mail.rule_properties import NO_CONDITION
from sandbox.mail.world import World
from sandbox.tenant import Tenant

from . import readings
from .foreign_rules import NEAR_OUTSIDER, OPEN_RULES, WORD
from .scenario import ORGANIZATION, ROUTING, TENANT, Host, Letter, Scenario

SETTLED = 20.0  # real seconds in which a batch of letters must have come to rest
ORIGINS = {"internet": "internet", "tenant": "tenant", "source": "source", "program": "local"}
KINDS = {"bounce": "ndr"}
LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)
PLENTY = 500  # messages a minute that no other client reaches


def write(scenario: Scenario, place: Path) -> None:
    """Write the directory of a tenant."""
    place.mkdir()
    about = {"organization": ORGANIZATION, "tenant_id": "5d1a3b7e-3f1c-4a0e-9d55-0b6a8c2f4e10", "routing_domain": ROUTING, "clients": []}
    (place / "tenant.json").write_text(json.dumps(about), encoding="utf-8")
    for noun, rows in scenario.tables.items():
        (place / f"Get-{noun}.json").write_text(json.dumps(rows), encoding="utf-8")
    with (place / "source.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("address", "kind", "owner", "home"), *scenario.listed])
    holders = {domain: scenario.mx_before.get(domain, holder) for domain, holder in scenario.mx.items()}
    settings = {
        "sources": [
            {
                "name": host.name,
                "addresses": [host.address],
                "names": [host.exchanger],
                "domains": host.domains,
                "lists": host.lists,
                "modes": {"unknown": host.unknown, "footer": host.footer, **_modes(host.flags)},
            }
            for host in scenario.hosts
        ],
        "mx": {domain: TENANT if holder == TENANT else "source" for domain, holder in holders.items()},
        "group": scenario.group,
        "pending": scenario.pending,
        "records": [*scenario.records, *_records(scenario)],
    }
    (place / "mail.json").write_text(json.dumps(settings), encoding="utf-8")


def _modes(flags: set[str]) -> dict[str, Any]:
    return {flag: True for flag in sorted(flags) if flag != "rate_limited"}


def _records(scenario: Scenario) -> list[dict[str, Any]]:
    found = [{"name": f"_dmarc.{domain}", "type": "TXT", "texts": ["v=DMARC1; p=reject"]} for domain in sorted(scenario.strict)]
    found += [{"name": f"s1._domainkey.{domain}", "type": "TXT", "texts": ["v=DKIM1; k=rsa"]} for domain in sorted(scenario.signed)]
    outside = sorted(scenario.strict - set(scenario.domains))
    return found + [
        {"name": domain, "type": "TXT", "texts": [f"v=spf1 ip4:{OUTSIDE_ADDRESS} ip4:{NEAR_OUTSIDER} -all"]} for domain in outside
    ]


class Play:
    """An open world."""

    def __init__(self, scenario: Scenario, tenant: Tenant, world: World) -> None:
        """Keep all three."""
        self.scenario, self.tenant, self.world = scenario, tenant, world
        self._number = 0
        self._last: dict[Letter, str] = {}

    def apply(self, reading: Mapping[str, str]) -> None:
        """Act by a reading from now on."""
        self.tenant.parameters.update(readings.parameters(reading))
        rule = readings.matched(reading)
        self.tenant.parameters.unevaluated_match = bool(rule and rule[1])
        for name, answer in readings.formers(reading).items():
            self._former(name, answer)
        self.world.send_from(NEAR_OUTSIDER if readings.near(reading) else OUTSIDE_ADDRESS)
        config = next(iter(self.tenant.tables["OrganizationConfig"].rows()))
        wanted = {
            "AutoForwardingMode": "On" if reading["auto_forward"] == "allowed" else "Off",
            "DisablePlusAddressInRecipients": reading["plus_addressing"] == "off",
        }
        if any(config.get(name) != value for name, value in wanted.items()):
            self.tenant.put("OrganizationConfig", {**config, **wanted})
        for host in self.scenario.hosts:
            self._limit(host, busy=reading["rate_limit"] == "defers" and "rate_limited" in host.flags)
        stale = readings.stale(reading)
        self.world.stale = {ORGANIZATION if name == TENANT else name for name in stale}

    def _former(self, name: str, answer: str) -> None:
        """Let a rule that was changed lately have been another one before: switched the other way, or acting on everything."""
        table = self.tenant.tables["TransportRule"]
        for row in table.find(name):
            before = dict(row)
            if answer == "before":
                before["State"] = "Disabled" if row["State"] == "Enabled" else "Enabled"
            elif answer == "by former conditions":
                before = {key: value for key, value in row.items() if key in NO_CONDITION or key.startswith("_")} | {"State": "Enabled"}
            table.put(before, LONG_AGO, timedelta())
            table.put(row, self.tenant.now(), self.tenant.horizon())

    def _limit(self, host: Host, *, busy: bool) -> None:
        """Let a host limit the rate, with a tenant that sent much lately."""
        found = self.world.host(host.name)
        found.state.modes.rate_limited = PLENTY if busy else None
        if busy and isinstance(found, BuiltinHost):
            found.served(self.world.tenant().loopback, PLENTY)

    async def send(self, letter: Letter, reading: Mapping[str, str]) -> str:
        """Send one letter; return its id."""
        self._number += 1
        domain = letter.sender.rpartition("@")[2]
        wanted: dict[str, Any] = {
            "origin": ORIGINS[letter.origin],
            "sender": letter.sender,
            "recipients": list(letter.recipients),
            "kind": KINDS.get(letter.what, letter.what),
            "id": self._id(reading),
            "subject": self._subject(reading),
            "dkim": domain in self.scenario.signed,
            "resolver": "stale" if "internet" in readings.stale(reading) else "fresh",
        }
        if letter.origin == "tenant":
            wanted |= {"tenant": ORGANIZATION, "from": letter.sender or f"postmaster@{ORGANIZATION}"}
        elif letter.origin != "internet":
            own = self.scenario.host_of(letter.sender) or self.scenario.host_of(letter.recipients[0]) or self.scenario.hosts[0]
            wanted["host"] = own.name
        return await writing.post(self.world, wanted, self._number)

    def _subject(self, reading: Mapping[str, str]) -> str:
        rule = readings.matched(reading)
        holds = rule is not None and (rule[1] != (rule[0] == OPEN_RULES[1]))
        return WORD if holds else "a letter"

    def _id(self, reading: Mapping[str, str]) -> str:
        """An id by which the connector with several hosts chooses the wanted one."""
        name = readings.chosen_host(reading)
        addresses: list[str] = next(
            (row["SmartHosts"] for row in self.scenario.rows("OutboundConnector") if len(row["SmartHosts"]) > 1), []
        )
        goal = next((host.address for host in self.scenario.hosts if host.name == name), "")
        for salt in range(1000):
            id_ = f"<{self.scenario.seed}.{self._number}.{salt}@worlds.example>"
            if goal not in addresses or zlib.crc32(id_.encode()) % len(addresses) == addresses.index(goal):
                return id_
        raise RuntimeError(f"no id leads to {name}")

    async def outcomes(self, letters: list[tuple[Letter, Mapping[str, str]]]) -> list[dict[str, str]]:
        """Send letters that share a reading of the world; return for each the outcome by recipient."""
        ids = [await self.send(letter, reading) for letter, reading in letters]
        if not await self.world.settle(SETTLED):
            raise TimeoutError(f"the letters of seed {self.scenario.seed} did not come to rest")
        self._last |= {letter: id_ for (letter, _unused), id_ in zip(letters, ids, strict=True)}
        found = []
        for (letter, _unused), id_ in zip(letters, ids, strict=True):
            copies = self.world.ledger.messages[id_].copies
            found.append({recipient: outcome(copies[recipient]) for recipient in letter.recipients})
        return found

    def hops(self, letter: Letter) -> list[str]:
        """What became of the last letter, hop by hop."""
        return [hop for copy in self.world.ledger.messages[self._last[letter]].copies.values() for hop in copy.hops]


@asynccontextmanager
async def opened(scenario: Scenario, place: Path) -> AsyncIterator[Play]:
    """Open a world in its state, and close it."""
    write(scenario, place)
    clock = Clock()
    tenant = Tenant(place, clock)
    tenant.parameters.update({"rule_latency": readings.LATENCY, "membership_latency": readings.LATENCY, "loop_entries": scenario.entries})
    world = World([tenant], clock)
    await world.start()
    try:
        await _prepared(scenario, tenant, world)
        yield Play(scenario, tenant, world)
    finally:
        await world.stop()


async def _prepared(scenario: Scenario, tenant: Tenant, world: World) -> None:
    """Forwards, last syncs, the MX that moved, and what was changed a moment ago."""
    world.readers.synced.clear()
    for host in scenario.hosts:
        state = world.host(host.name).state
        wanted: dict[str, Any] = dict.fromkeys(state.forwards)
        wanted |= {address: {"to": target, "keep": keep} for address, (target, keep) in host.forwards.items()}
        away = [address for address, _kind, _owner, home in scenario.listed if home == TENANT and host is scenario.host_of(address)]
        await changes.change(world, {"foreign": {"name": host.name, "forwards": wanted, "removed": host.removed}})
        await changes.change(world, {"people": {address: {"reads": TENANT} for address in away if address not in host.forwards}})
    if scenario.synced:
        await changes.change(world, {"sync": {"people": sorted(scenario.synced), "last": True}})
    for domain in scenario.mx_before:
        await changes.change(world, {"mx": {"domain": domain, "to": TENANT}})
    for cmdlet, parameters in scenario.late:
        service.run(tenant, cmdlet, dict(parameters), "client")
