# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign host in its built-in form, and the world outside that relays and receives for everybody else."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from .addresses import domain_of
from .client import Parcel
from .door import Arrival, Door
from .gate import is_probe
from .hoststate import RELAY, Final, HostState
from .letters import Failure, Read, prepend, read, received
from .node import LOOPS, Node
from .outcomes import OUTSIDE, Place
from .plan import INSIDE_ADDRESS
from .zone import FRESH, OUTSIDE_MX

if TYPE_CHECKING:
    from .world import World

HOPS = 50  # Received headers that end a message
MINUTE = 60.0


class Side:
    """One of a host's doors: for the outside, or for its own senders."""

    def __init__(self, host: BuiltinHost, *, own: bool) -> None:
        """Say which."""
        self._host, self._own = host, own

    async def recipient(self, arrival: Arrival, address: str, asked: str) -> str:
        """Answer RCPT."""
        reply = self._host.refusal(arrival, address, own=self._own)
        if reply and self._host.world.external(arrival.peer):
            self._host.world.ledger.refused(arrival.sender, asked, "source" if self._own else "internet", self._host.name, reply)
        return reply

    async def message(self, arrival: Arrival) -> str:
        """Answer DATA."""
        return await self._host.take(arrival, own=self._own)

    def login(self, user: str, password: str) -> bool:
        """Nobody signs in: the own door is open to the machine itself."""
        return False


class BuiltinHost(Node):
    """A foreign mail system without Postfix."""

    backend = "builtin"
    config_directory = ""

    def __init__(self, world: World, state: HostState, loopback: str) -> None:
        """Serve a state."""
        super().__init__(world, state.name, loopback)
        self.state = state
        self.door = Door(Side(self, own=False), loopback, state.names[0], world.gate)
        self.own_door = Door(Side(self, own=True), loopback, state.names[0], world.gate)
        self.front, self.own_front = self.door, self.own_door
        self._taken: dict[str, deque[float]] = {}

    async def start(self) -> None:
        """Open both doors."""
        await self.door.start()
        await self.own_door.start()

    async def stop(self) -> None:
        """Close both doors and drop the queue."""
        self.door.stop()
        self.own_door.stop()
        self.courier.stop()

    def own(self) -> HostState:
        """Return a copy of the state."""
        return copy.deepcopy(self.state)

    async def apply(self, state: HostState) -> None:
        """Act by another state."""
        self.state = state

    async def switch(self, *, up: bool) -> None:
        """Switch the host on or off; what it holds stays."""
        for door in (self.door, self.own_door):
            if up and not door.open:
                await door.start()
            elif not up:
                door.stop()

    def served(self, peer: str, count: int) -> None:
        """Count messages that a client sent within the last minute, in addition to those that it did send."""
        self._taken.setdefault(peer, deque()).extend([self.world.monotonic()] * count)

    async def queued(self) -> set[tuple[str, str]]:
        """Return the copies in a queue that the account does not see: none."""
        return set()

    async def flush(self) -> None:
        """Try everything again now."""
        self.courier.flush()

    def busy(self) -> int:
        """Count what is under way now."""
        return self.courier.busy

    def drop(self) -> None:
        """Drop what is under way."""
        self.courier.stop()

    async def reset(self, state: HostState) -> None:
        """Take another state and forget what is under way."""
        self._taken.clear()
        self.state = state
        await self.switch(up=True)

    async def local(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Take a message of one of the host's own programs, as sendmail does: who is unknown comes back in a report."""
        arrival = Arrival(self.loopback, sender, [(address, address) for address in recipients], content)
        return await self.take(arrival, own=True)

    def refusal(self, arrival: Arrival, address: str, *, own: bool) -> str:
        """Answer RCPT: "" takes it."""
        modes = self.state.modes
        if self.state.removed:
            return ""
        if not own and not arrival.recipients and self._over_limit(arrival.peer):
            return "450 4.7.1 Error: too much mail from your address"
        if not own and modes.reject_own_domain and self.state.owns(arrival.sender):
            return "550 5.7.1 Sender address rejected: one of ours, from outside"
        if not self.state.owns(address):
            return "" if own else "554 5.7.1 Relay access denied"
        if self.state.knows(address) or modes.unknown != "reject":
            return ""
        return "550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table"

    def _over_limit(self, peer: str) -> bool:
        """Count a message at its first recipient, as long as there is room in the minute."""
        limit = self.state.modes.rate_limited
        if limit is None:
            return False
        taken, now = self._taken.setdefault(peer, deque()), self.world.monotonic()
        while taken and now - taken[0] > MINUTE:
            taken.popleft()
        if len(taken) >= limit:
            return True
        taken.append(now)
        return False

    async def take(self, arrival: Arrival, *, own: bool) -> str:
        """Take a message and hand it on beside."""
        mail = read(arrival.content)
        if not mail.id:
            mail = self.world.with_id(arrival)
        self.enter(mail, arrival.sender, arrival.recipients, "source" if own else "internet")
        self.heard(arrival.content, mail)
        for _unused, asked in arrival.recipients:
            self.world.ledger.live(mail.id, asked, 1)
        self.courier.start(self._process(mail, arrival, own=own))
        return ""

    async def own_mail(self, content: bytes, recipient: str) -> None:
        """Send a report."""
        arrival = Arrival(self.loopback, "", [(recipient, recipient)], content)
        await self.take(arrival, own=True)

    async def _process(self, mail: Read, arrival: Arrival, *, own: bool) -> None:
        peer = INSIDE_ADDRESS if own else self.world.public(arrival.peer)
        content = prepend(arrival.content, [received(peer, self.name, self.world.now())])
        if self.state.modes.footer:
            content = content.rstrip(b"\r\n") + b"\r\n" + self.state.modes.footer.encode() + b"\r\n"
        failures: list[Failure] = []
        boxes: list[tuple[str, Final]] = []
        if self.state.removed:
            self._gone(mail, arrival)
            return
        for address, asked in arrival.recipients:
            if len(mail.header("Received")) >= HOPS:
                failures.append(Failure(address, asked, "5.4.6", "too many hops"))
                continue
            self.world.ledger.leads(mail.id, asked, self.world.members.behind(address, tenant=False))
            finals = self.state.expand(address, own=own)
            boxes += [(asked, final) for final in finals if final.kind == "mailbox"]
            for final in finals:
                failures += self._final(mail, arrival.sender, content, asked, final)
        await self.world.gate.passes(mail)
        await self._store(mail, boxes)
        if failures:
            await self.undeliverable(mail, arrival.sender, failures)
        for _unused, asked in arrival.recipients:
            self.world.ledger.live(mail.id, asked, -1)

    async def _store(self, mail: Read, boxes: Sequence[tuple[str, Final]]) -> None:
        """Put a message into mailboxes; a letter for those that are busy waits here, on the way that was chosen."""
        waiting = [] if is_probe(mail) else [(asked, box) for asked, box in boxes if box.address in self.state.busy]
        for asked, box in boxes:
            if (asked, box) not in waiting:
                self.world.place_at_source(self.state, mail, asked, box.address, box.caught)
        for one in waiting:
            self.world.ledger.live(mail.id, one[0], 1)
            self.world.ledger.deferred(mail.id, one[0])
        if waiting:
            self.courier.pause(partial(self._again, mail, waiting))

    async def _again(self, mail: Read, boxes: Sequence[tuple[str, Final]]) -> None:
        await self._store(mail, boxes)
        for asked, _unused in boxes:
            self.world.ledger.live(mail.id, asked, -1)

    def _gone(self, mail: Read, arrival: Arrival) -> None:
        for address, asked in arrival.recipients:
            self.world.ledger.end(mail.id, asked, "lost", self.name, "the host was removed", address=address)
            self.world.ledger.live(mail.id, asked, -1)

    def _final(self, mail: Read, sender: str, content: bytes, asked: str, final: Final) -> list[Failure]:
        if final.kind == "mailbox":
            return []
        if final.kind == "unknown":
            return [Failure(final.address, asked, "5.1.1", "User unknown in virtual mailbox table")]
        hosts = (self.world.relay_target(final.address),) if final.kind == RELAY else ()
        self.world.ledger.hop(mail.id, asked, f"{self.name}: {final.kind} {final.address}")
        self.dispatch(mail, Parcel(sender, [(final.address, asked)], content), hosts=hosts)
        return []


class Outside(Node):
    """Everybody else on the internet: senders, a relay for those who have no DNS of their own, and mailboxes of outside domains."""

    def __init__(self, world: World, loopback: str) -> None:
        """Open for all."""
        super().__init__(world, "outside.example", loopback)
        self.door = Door(self, loopback, self.name)

    async def recipient(self, arrival: Arrival, address: str, asked: str) -> str:
        """Take every recipient."""
        return ""

    def login(self, user: str, password: str) -> bool:
        """Nobody signs in here."""
        return False

    async def message(self, arrival: Arrival) -> str:
        """Take a message: place it, or pass it on."""
        mail = read(arrival.content)
        if not mail.id:
            mail = self.world.with_id(arrival)
        self.enter(mail, arrival.sender, arrival.recipients, "internet")
        self.heard(arrival.content, mail)
        content = prepend(arrival.content, [received(self.world.public(arrival.peer), self.name, self.world.now())])
        self.forward(mail, Parcel(arrival.sender, arrival.recipients, content), FRESH)
        return ""

    def forward(self, mail: Read, parcel: Parcel, view: str) -> None:
        """Place what is for an outside domain; send the rest by MX."""
        inside = []
        for address, asked in parcel.recipients:
            if self.world.exchangers(domain_of(address), view) != [OUTSIDE_MX]:
                inside.append((address, asked))
            else:
                place = Place(OUTSIDE, self.name, address, address, OUTSIDE, self.world.ledger.stamp(), True)
                self.world.deliver(mail, asked, place)
        if inside:
            self.dispatch(mail, Parcel(parcel.sender, inside, parcel.content), view=view)

    async def undeliverable(self, mail: Read, sender: str, failures: Sequence[Failure]) -> None:
        """The sender's own server is told; no report travels."""
        _account(self, mail, failures)


class Senders(Node):
    """People who write: they hand mail to a door and are told at once."""

    async def undeliverable(self, mail: Read, sender: str, failures: Sequence[Failure]) -> None:
        """Told at once: no report travels."""
        _account(self, mail, failures)


def _account(node: Node, mail: Read, failures: Sequence[Failure]) -> None:
    for failure in failures:
        what = "loop" if failure.status in LOOPS else "bounced"
        node.world.ledger.end(mail.id, failure.asked, what, node.name, failure.text, failure.status, failure.address)
