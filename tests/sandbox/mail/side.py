# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail side as the sandbox starts it: a world in a loop and thread of its own, so that a cmdlet may wait for mail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ..clock import Clock
from ..errors import ServiceError
from ..tenant import Tenant
from . import changes, writing
from .addresses import normal
from .backend import Backend
from .client import Parcel, Unreachable, send
from .hoststate import HostState
from .ledger import REPORT
from .letters import read
from .tenantnode import TenantNode
from .world import World, builtin

Result = TypeVar("Result")
Row = dict[str, Any]
VALIDATION_TIMEOUT = 20.0  # real seconds


class MailSide:
    """Start, stop and ask the world from other threads."""

    def __init__(self, tenants: Sequence[Tenant], clock: Clock, make_host: Callable[[World, HostState, str], Backend] = builtin) -> None:
        """Open every door. Raises what the world's start raises."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()
        self._number = 0
        self.world = self.call(self._make(tenants, clock, make_host))
        for node in self.world.tenants:
            node.tenant.mail = TenantMail(self, node)

    @staticmethod
    async def _make(tenants: Sequence[Tenant], clock: Clock, make_host: Callable[[World, HostState, str], Backend]) -> World:
        world = World(tenants, clock, make_host)
        try:
            await world.start()
        except BaseException:
            await world.stop()
            raise
        return world

    def call(self, work: Coroutine[Any, Any, Result], timeout: float | None = None) -> Result:
        """Run something in the mail loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    async def ask(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the mail loop from another loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """Close every door and end the thread."""
        self.call(self.world.stop())
        self.call(self._cancel_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _cancel_rest(self) -> None:
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def post(self, wanted: Row | list[Row]) -> list[str]:
        """Send messages; return their ids. Raises ValueError and KeyError."""
        ids = []
        for one in wanted if isinstance(wanted, list) else [wanted]:
            for _unused in range(int(one.get("count", 1))):
                self._number += 1
                ids.append(await writing.post(self.world, one, self._number))
        return ids

    async def messages(self, since: int = 0, settle: float = 0) -> Row:
        """Return the account; ``settle``: wait so many real seconds at most until nothing is under way. Raises Crashed."""
        settled = await self.world.settle(settle) if settle else not self.world.busy()
        queued = await self.world.queued()
        self.world.sound()
        return {**self.world.ledger.account(queued, since), "settled": settled}

    async def mailbox(self, address: str) -> list[Row]:
        """Return what lies in a mailbox, by any address, on either side and outside."""
        world, wanted = self.world, normal(address)
        entry = world.entry(wanted)
        names = {wanted, world.readers.id_of([wanted]), entry.primary if entry else ""}
        return [
            {"system": system, "mailbox": mailbox, **row}
            for (system, mailbox), rows in world.mailboxes.items()
            if mailbox in names
            for row in rows
        ]

    async def holding(self, id_: str) -> list[Row]:
        """Return every mailbox that holds a message, by the message's id."""
        return [
            {"system": system, "mailbox": mailbox, **row}
            for (system, mailbox), rows in self.world.mailboxes.items()
            for row in rows
            if row["id"] == id_
        ]

    async def change(self, wanted: Row) -> Row:
        """Change the mail side."""
        return await changes.change(self.world, wanted)

    async def keep(self) -> None:
        """Keep DNS, hosts and readers as they are."""
        self.world.keep()

    async def back(self) -> None:
        """Back to what was kept; the account begins anew. Raises LookupError when nothing was kept."""
        await self.world.back()

    async def show(self) -> Row:
        """Return the mail side's state."""
        return changes.show(self.world)


class TenantMail:
    """What a tenant's cmdlets ask of its mail system."""

    def __init__(self, side: MailSide, node: TenantNode) -> None:
        """Keep the node."""
        self._side, self._node = side, node

    def trace(self, parameters: Row) -> tuple[list[Row], list[str]]:
        """Answer Get-MessageTraceV2: rows and warnings. Raises ServiceError."""
        known = self._node.tenant.parameters
        return self._node.trace.read(parameters, self._node.world.now(), known.trace_rate, twice=known.trace_duplicates)

    def detail(self, parameters: Row) -> list[Row]:
        """Answer Get-MessageTraceDetailV2. Raises ServiceError."""
        return self._node.trace.detail(parameters, self._node.world.now(), self._node.tenant.parameters.trace_rate)

    def validate(self, connector: Row, recipients: list[str]) -> list[Row]:
        """Answer Validate-OutboundConnector by really connecting and sending: a row for each smart host, one for each recipient."""
        try:
            return self._side.call(self._validate(connector, recipients), VALIDATION_TIMEOUT)
        except TimeoutError as error:
            raise ServiceError("refused", reason="The validation of the connector took too long.") from error

    async def _validate(self, connector: Row, recipients: list[str]) -> list[Row]:
        world, node = self._node.world, self._node
        default = next((str(row["DomainName"]) for row in node.tenant.tables["AcceptedDomain"].rows() if row.get("Default")), node.name)
        sender = f"O365ConnectorValidation@{default}"
        hosts = [str(host).strip("[]") for host in connector.get("SmartHosts") or ()]
        rows = []
        for host in hosts or ["MX"]:
            said = await self._connect(world, host) if hosts else ""
            rows.append(_task("CheckConnection", host, connector, said, f"Connected to {host} on port 25."))
        for number, address in enumerate(recipients):
            route = hosts or world.exchangers(normal(address).rpartition("@")[2], "fresh")
            id_ = f"<validation-{number}-{world.now().timestamp()}@{node.name}>"
            letter = {"sender": sender, "from": sender, "recipients": [address], "subject": "Connector validation", "id": id_}
            parcel = Parcel(sender, [(normal(address), normal(address))], writing.letter(world, letter, 0), name=node.name)
            world.ledger.register(read(parcel.content), sender, [address], REPORT)
            said = "no host" if not route else await self._send(world, route[0], parcel)
            rows.append(_task("SendTestEmail", address, connector, said, f"A test message to {address} was sent."))
        return rows

    async def _connect(self, world: World, host: str) -> str:
        endpoint = world.endpoint(host)
        if not endpoint:
            return f"450 4.4.316 Connection refused: nothing answers at {host}"
        try:
            _unused, writer = await asyncio.open_connection(*_split(endpoint), local_addr=(self._node.loopback, 0))
        except OSError as error:
            return f"450 4.4.316 Connection refused: {host}: {error}"
        writer.close()
        return ""

    async def _send(self, world: World, host: str, parcel: Parcel) -> str:
        try:
            results = await send(world.endpoint(host), self._node.loopback, parcel)
        except Unreachable as error:
            return f"450 4.4.316 {error}"
        return next((result.reply for result in results if not result.taken), "")


def _split(endpoint: str) -> tuple[str, int]:
    host, _unused, port = endpoint.rpartition(":")
    return host, int(port)


def _task(task: str, target: str, connector: Row, said: str, fine: str) -> Row:
    return {
        "TaskName": task,
        "Target": target,
        "IsTaskSuccessful": not said,
        "ConnectorName": connector["Name"],
        "Detail": said or fine,
        "ErrorMessage": said,
    }
