# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail world: tenants, foreign hosts, DNS, the outside, and the account of what they do to each message."""

from __future__ import annotations

import asyncio
import copy
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ..clock import Clock
from ..tenant import Tenant
from . import plan
from .addresses import domain_of, normal
from .backend import Backend
from .courier import Crashed
from .dns import Server
from .door import Arrival, Door
from .gate import Gate
from .hosts import BuiltinHost, Outside, Senders
from .hoststate import HostState
from .ledger import Ledger
from .letters import Read, prepend, read
from .members import Members
from .model import Entry
from .outcomes import SOURCE, TENANT, Place
from .readers import Readers
from .tenantnode import TenantNode
from .zone import FRESH, STALE, Version, Zone

# Records, host states, and the readers' three parts.
Kept = tuple[dict[tuple[str, str], list[Version]], list[HostState], tuple[dict[str, str], set[str], set[str]]]

LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+")
ARRIVAL = 0.05  # real seconds in which an SMTP session of a cancelled sender ends
QUIET = 0.01  # real seconds between looks at whether all is quiet


def builtin(world: World, state: HostState, loopback: str) -> Backend:
    """Make a host without Postfix."""
    return BuiltinHost(world, state, loopback)


class World:
    """Everything that mail passes. All of it runs in one loop."""

    def __init__(self, tenants: Sequence[Tenant], clock: Clock, make_host: Callable[[World, HostState, str], Backend] = builtin) -> None:
        """Plan the world; ``start`` opens it."""
        self.clock, self.zone = clock, Zone(clock.now)
        self.members = Members(
            lambda: [node.view.directory() for node in self.tenants],
            lambda: [host.state for host in self.hosts],
            lambda: self.readers.in_tenant,
        )
        self.ledger = Ledger(clock.now, self.members.person)
        self.gate = Gate(self.external)
        self.stores = list(tenants)
        found = plan.states(self.stores)
        plan.fill(self.zone, self.stores, found)
        self.readers = Readers(lambda: [host.state for host in self.hosts])
        self.hosts: list[Backend] = [make_host(self, state, f"{plan.HOST_LOOPBACK}{number}") for number, state in enumerate(found, 1)]
        self.tenants = [TenantNode(self, tenant, f"{plan.TENANT_LOOPBACK}{number}") for number, tenant in enumerate(tenants, 1)]
        self.outside = Outside(self, plan.OUTSIDE_LOOPBACK)
        self.senders = Senders(self, "senders.example", plan.SENDERS_LOOPBACK)
        self.doors: dict[str, Door] = {}
        self.stale: set[str] = set()  # mail systems, by name, whose resolver still holds what was before a change
        self.mailboxes: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._dns = {view: Server(self.zone, view) for view in (FRESH, STALE)}
        self._public = {plan.OUTSIDE_LOOPBACK: plan.OUTSIDE_ADDRESS, plan.SENDERS_LOOPBACK: plan.SENDERS_ADDRESS}
        self._endpoints: dict[str, str] = {}
        self._kept: Kept | None = None
        self._ids = 0
        self._crashes: list[tuple[str, BaseException]] = []
        self._forwarded_at_start()

    def _forwarded_at_start(self) -> None:
        """Who is forwarded from the beginning was moved earlier: the last sync is done."""
        for host in self.hosts:
            self.readers.synced |= set(host.state.forwards)

    async def start(self) -> None:
        """Open every door."""
        for server in self._dns.values():
            await server.start()
        await self.outside.door.start()
        self._endpoints = {plan.OUTSIDE_ADDRESS: self.outside.door.endpoint}
        for number, (tenant, node) in enumerate(zip(self.stores, self.tenants, strict=True), 1):
            door = self.doors[node.name] = Door(node, node.loopback, plan.exchanger(node.name), self.gate, holds=True)
            await door.start()
            self._public[node.loopback] = f"{plan.TENANT_ADDRESS}{number}"
            self._endpoints[f"{plan.TENANT_ADDRESS}{number}"] = door.endpoint
            for row in list(tenant.tables["AcceptedDomain"].rows()):
                self._endpoints.setdefault(plan.exchanger(str(row["DomainName"])), door.endpoint)
        for host in self.hosts:
            await host.start()
            self._public[host.loopback] = host.state.addresses[0]
            for name in (*host.state.addresses, *host.state.names):
                self._endpoints[name] = host.door.endpoint

    async def stop(self) -> None:
        """Close everything."""
        for host in self.hosts:
            await host.stop()
        for node in (*self.tenants, self.outside, self.senders):
            node.courier.stop()
        for door in (*self.doors.values(), self.outside.door):
            door.stop()
        for server in self._dns.values():
            server.stop()

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.clock.now()

    @staticmethod
    def monotonic() -> float:
        """Return real seconds."""
        return time.monotonic()

    def view_of(self, node: str) -> str:
        """Return the view of DNS that a mail system has."""
        return STALE if node in self.stale else FRESH

    def exchangers(self, domain: str, view: str) -> list[str]:
        """Return the mail exchangers of a domain."""
        return self.zone.mx(domain, view)

    def endpoint(self, host: str) -> str:
        """Return address:port for a name, an address, or what is a loopback endpoint already."""
        name = host.strip("[]").lower().rstrip(".")
        if name in self._endpoints or LOOPBACK.match(name):
            return self._endpoints.get(name, name)
        return next((self._endpoints[address] for address in self.zone.lookup()(name, "A") if address in self._endpoints), "")

    def address(self, host: str) -> str:
        """Return the public address behind a host."""
        return self.public(self.endpoint(host).rpartition(":")[0])

    def public(self, loopback: str) -> str:
        """Return the address that others see in place of a loopback one."""
        return self._public.get(loopback, loopback)

    def send_from(self, address: str) -> None:
        """Let the outside send from a public address; mail to it still goes where DNS says."""
        self._public[plan.OUTSIDE_LOOPBACK] = address

    def public_text(self, text: str) -> str:
        """Replace loopback addresses in a text."""
        return LOOPBACK.sub(lambda match: self.public(match.group()), text)

    def certificate(self, loopback: str) -> str:
        """Return the name in the certificate that a client shows: a foreign host's first name."""
        return next((host.state.names[0] for host in self.hosts if host.loopback == loopback), "")

    def external(self, loopback: str) -> bool:
        """Say whether a client is none of this world."""
        return loopback not in self._public

    def relay_target(self, address: str) -> str:
        """Return where a host relays what it does not know: the tenant's MX for the domain."""
        return plan.exchanger(domain_of(address))

    def with_id(self, arrival: Arrival) -> Read:
        """Give a message without an id one."""
        self._ids += 1
        arrival.content = prepend(arrival.content, [("Message-ID", f"<sandbox-{self._ids}@world.example>")])
        return read(arrival.content)

    def deliver(self, mail: Read, asked: str, place: Place, meant: str | None = None) -> None:
        """Put a message into a mailbox."""
        self.ledger.place(mail.id, asked, place, meant)
        row = {
            "id": mail.id,
            "asked": asked,
            "from": mail.first("From"),
            "subject": mail.first("Subject"),
            "time": place.time,
            "kind": mail.kind,
            "copied": False,
        }
        self.mailboxes.setdefault((place.system, place.mailbox), []).append(row)

    def place_at_source(self, state: HostState, mail: Read, asked: str, mailbox: str, meant: str = "") -> None:
        """Put a message into a mailbox of a foreign host; what the catch-all takes is still somebody's, or nobody's: ``meant``."""
        reader = mailbox
        if mailbox == state.catch_all and not state.knows(mailbox):
            entry = self.entry(asked)
            reader = self.readers.in_tenant(entry) if entry is not None else mailbox
        reads = self.readers.where(reader)
        place = Place(SOURCE, state.name, mailbox, reader, reads, self.ledger.stamp(), self.readers.last_sync_done(reader))
        self.deliver(mail, asked, place, meant if mailbox == state.catch_all else None)

    def entry(self, address: str) -> Entry | None:
        """Return the recipient object of an address in any tenant."""
        found = (node.view.directory().lookup(normal(address)) for node in self.tenants)
        return next((entry for entry in found if entry is not None), None)

    def host(self, name: str = "") -> Backend:
        """Return a foreign host by name, the first one by default. Raises ValueError."""
        for host in self.hosts:
            if name in ("", host.state.name):
                return host
        raise ValueError(f"no foreign host {name!r}")

    def tenant(self, name: str = "") -> TenantNode:
        """Return a tenant's node by organization or accepted domain, the first one by default. Raises ValueError."""
        for node in self.tenants:
            if name.lower() in ("", node.name.lower()) or name.lower() in node.view.directory().domains:
                return node
        raise ValueError(f"no tenant {name!r}")

    def sync(self, reader: str, *, last: bool) -> int:
        """Copy a source mailbox to the tenant's; return how many. ``last``: nothing is copied after it, until another begins anew."""
        count = 0
        entry = self.entry(reader)
        for row in self.mailboxes.get((SOURCE, reader), []):
            if row["copied"]:
                continue
            row["copied"] = True
            count += 1
            if entry is not None:
                self.mailboxes.setdefault((TENANT, entry.primary), []).append(dict(row))
            for place in self.ledger.copy(row["id"], row["asked"]).places:
                if place.system == SOURCE and place.mailbox == reader:
                    place.copied = True
        (self.readers.synced.add if last else self.readers.synced.discard)(reader)
        return count

    def crashed(self, node: str, error: BaseException) -> None:
        """Keep what ended a piece of a node's work; ``sound`` raises it until the next reset."""
        self._crashes.append((node, error))

    def sound(self) -> None:
        """Raise Crashed when a piece of work ended in an error: an account with its mail in it would call it late or lost."""
        for node, error in self._crashes:
            raise Crashed(
                f"{node}: its mail system crashed, {len(self._crashes)} times in all, first with {type(error).__name__}: {error}; "
                "the account is void: mend the sandbox, or reset it"
            ) from error

    def busy(self) -> int:
        """Count what is under way now; what waits for a later time is not."""
        nodes = (*self.tenants, self.outside, self.senders)
        own = sum(node.courier.busy for node in nodes)
        return own + sum(host.busy() for host in self.hosts)

    async def settle(self, seconds: float) -> bool:
        """Wait, in real seconds, until nothing is under way but what was put off; say whether that came to pass.

        Raises Crashed.
        """
        end = time.monotonic() + seconds
        quiet = 0
        while quiet < 2:
            self.sound()
            if time.monotonic() > end:
                return False
            quiet = 0 if self.busy() else quiet + 1
            await asyncio.sleep(QUIET)
        return True

    async def queued(self) -> set[tuple[str, str]]:
        """Return the copies, as message id and recipient, that lie in queues which the account does not see."""
        return set().union(*[await host.queued() for host in self.hosts])

    async def flush(self) -> None:
        """Try everything that waits, now."""
        for node in (*self.tenants, self.outside, self.senders):
            node.courier.flush()
        for host in self.hosts:
            await host.flush()

    async def reset(self) -> None:
        """Back to the start: DNS, hosts, readers, account, traces; what is under way is dropped."""
        found = plan.states(self.stores)
        plan.fill(self.zone, self.stores, found)
        self.readers = Readers(lambda: [host.state for host in self.hosts])
        await self._restart(found)
        self._forwarded_at_start()

    async def _restart(self, states: Sequence[HostState]) -> None:
        for _unused in range(2):  # what was between two systems at the first time has arrived at the second
            for node in (*self.tenants, self.outside, self.senders):
                node.courier.stop()
            for host in self.hosts:
                host.drop()
            await asyncio.sleep(ARRIVAL)
        for door in self.doors.values():
            if not door.open:
                await door.start()
        for host, state in zip(self.hosts, states, strict=True):
            await host.reset(state)
        self.ledger.clear()
        self._crashes.clear()
        self.mailboxes.clear()
        for tenant in self.tenants:
            tenant.forget()

    def keep(self) -> None:
        """Keep DNS, hosts and readers as they are, for ``back``."""
        readers = (dict(self.readers.reads_at), set(self.readers.synced), set(self.readers.away))
        self._kept = (self.zone.keep(), [host.own() for host in self.hosts], readers)

    async def back(self) -> None:
        """Return to what was kept; the account begins anew. Raises LookupError when nothing was kept."""
        if self._kept is None:
            raise LookupError("nothing was kept")
        records, states, (reads_at, synced, away) = self._kept
        self.zone.back(records)
        await self._restart(copy.deepcopy(states))
        self.readers.reads_at, self.readers.synced, self.readers.away = dict(reads_at), set(synced), set(away)

    def ready(self) -> dict[str, Any]:
        """Return the mail side's part of the ready line."""
        smtp = {node.name: self.doors[node.name].endpoint for node in self.tenants}
        submission = {node.name: {"endpoint": smtp[node.name], "user": node.account, "password": node.password} for node in self.tenants}
        foreign = [
            {
                "name": host.state.name,
                "backend": host.backend,
                "domains": sorted(host.state.domains),
                "smtp": host.front.endpoint,
                "submission": host.own_front.endpoint,
                "addresses": host.state.addresses,
                "config_directory": host.config_directory,
            }
            for host in self.hosts
        ]
        fronts = {host.door.endpoint: host.front.endpoint for host in self.hosts}
        dns = {view: f"127.0.0.1:{server.port}" for view, server in self._dns.items()}
        return {
            "dns": dns[FRESH],
            "dns_resolver": dns[STALE],
            "hosts": {name: fronts.get(endpoint, endpoint) for name, endpoint in self._endpoints.items()},
            "smtp": smtp,
            "submission": submission,
            "foreign": foreign,
        }
