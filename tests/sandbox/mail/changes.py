# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What control changes on the mail side, and what it shows."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import plan
from .addresses import normal
from .outcomes import SOURCE, TENANT

if TYPE_CHECKING:
    from .world import World

KEYS = ("people", "sync", "mx", "record", "foreign", "door")


async def change(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    """Apply a change and return what it did. Raises ValueError and KeyError.

    ``people``: {address: {reads: source | tenant | null, away: bool}}
    ``sync``: {people: all | [addresses], last: bool} - copies source mailboxes to the tenant
    ``mx``: {domain, to: tenant | source | [texts], ttl}
    ``record``: {name, type, texts, ttl}
    ``foreign``: {name, modes, forwards, mailboxes, aliases, lists, busy, up, removed}
    ``door``: {tenant, up, held} - a tenant's front door; held: letters wait at the tenants' doors, probes pass
    """
    said: dict[str, Any] = {}
    if "people" in wanted:
        world.readers.change(wanted["people"], world.entry)
    if "sync" in wanted:
        said["copied"] = _sync(world, wanted["sync"])
    if "mx" in wanted:
        said["mx"] = _move(world, wanted["mx"])
    if "record" in wanted:
        record = wanted["record"]
        world.zone.put(record["name"], record["type"], list(record["texts"]), int(record.get("ttl", plan.TTL)))
    if "foreign" in wanted:
        host = world.host(str(wanted["foreign"].get("name") or ""))
        changed = copy.deepcopy(host.state)
        changed.change(wanted["foreign"])
        await host.apply(changed)
        if "up" in wanted["foreign"]:
            await host.switch(up=bool(wanted["foreign"]["up"]))
    if "door" in wanted:
        await _door(world, wanted["door"])
    return said


async def _door(world: World, wanted: dict[str, Any]) -> None:
    door = world.doors[world.tenant(str(wanted.get("tenant") or "")).name]
    if wanted.get("up", True) and not door.open:
        await door.start()
    elif not wanted.get("up", True):
        door.stop()
    if "held" in wanted:
        (world.gate.open.clear if wanted["held"] else world.gate.open.set)()


def _sync(world: World, wanted: dict[str, Any]) -> int:
    every = sorted({mailbox for host in world.hosts for mailbox in host.state.mailboxes})
    people = wanted.get("people", "all")
    readers = every if people == "all" else [world.readers.id_of([normal(address)]) for address in people]
    if "" in readers:
        raise ValueError(f"sync: not all of {people} have a mailbox at the source")
    return sum(world.sync(reader, last=bool(wanted.get("last"))) for reader in readers)


def _move(world: World, wanted: dict[str, Any]) -> list[str]:
    domain, to = str(wanted["domain"]).lower(), wanted["to"]
    if to == TENANT:
        texts = [f"0 {plan.exchanger(domain)}."]
    elif to == SOURCE:
        texts = [f"10 {next(host for host in world.hosts if domain in host.state.domains).state.names[0]}."]
    else:
        texts = [str(text) for text in to]
    ttl = wanted.get("ttl")
    current = world.zone.ask(domain, "MX")
    world.zone.put(domain, "MX", texts, int(ttl) if ttl is not None else current.ttl if current else plan.TTL)
    return texts


def show(world: World) -> dict[str, Any]:
    """Return the mail side's state: hosts, DNS of shared domains, where control says that people read, who was synced last."""
    domains = sorted({domain for host in world.hosts for domain in host.state.domains})
    return {
        "foreign": [{**host.state.dump(), "backend": host.backend} for host in world.hosts],
        "mx": {domain: world.zone.history(domain, "MX") for domain in domains},
        "reads": dict(world.readers.reads_at),
        "synced": sorted(world.readers.synced),
        "waiting": sum(len(node.courier.waiting) for node in (*world.tenants, world.outside, world.senders)),
        "facts": {node.name: asdict(node.view.directory().facts) for node in world.tenants},
    }
