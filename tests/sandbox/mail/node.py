# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every mail system of the sandbox shares: sending on, accounting, and telling senders what could not be delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .addresses import normal
from .client import Parcel, Result
from .courier import Courier, Job, by_domain
from .letters import Failure, Read, read, report, reported

if TYPE_CHECKING:
    from .world import World

LOOPS = ("5.4.6", "5.4.14")
SILENT = frozenset({"ndr", "oof", "journal"})  # nobody is told about these
Note = Callable[[Result, str], None]


def status_of(reply: str) -> str:
    """Return the enhanced status code of a reply line."""
    return next((word for word in reply.split() if word[:2] in ("4.", "5.") and word.count(".") == 2), "5.0.0")


class Node:
    """One mail system. ``loopback``: the address that it sends from."""

    def __init__(
        self, world: World, name: str, loopback: str, retry: Callable[[], float] | None = None, lifetime: Callable[[], float] | None = None
    ) -> None:
        """Join the world."""
        self.world, self.name, self.loopback = world, name, loopback
        self.courier = Courier(world, loopback, retry or (lambda: 300.0), lifetime or (lambda: 86400.0))
        self._reports = 0

    def dispatch(
        self,
        mail: Read,
        parcel: Parcel,
        *,
        hosts: Sequence[str] = (),
        view: str = "",
        note: Note | None = None,
        waiting: Note | None = None,
    ) -> None:
        """Send a parcel to smart hosts, or each recipient domain's part to its MX; ``note`` hears final results, ``waiting`` delays."""
        ledger = self.world.ledger
        for part in [parcel.recipients] if hosts else by_domain(parcel.recipients):
            for _unused, asked in part:
                ledger.live(mail.id, asked, 1)

            async def done(results: list[Result], host: str) -> None:
                await self._done(mail, parcel, results, host, note)

            def put_off(results: list[Result], host: str) -> None:
                for result in results:
                    ledger.deferred(mail.id, result.asked)
                    ledger.hop(mail.id, result.asked, f"{self.name} waits for {host}: {result.reply}")
                    if waiting is not None:
                        waiting(result, host)

            def trying(parcel: Parcel, host: str) -> None:
                for address, asked in parcel.recipients:
                    ledger.hop(mail.id, asked, f"{self.name} -> {host} {address}")

            one = Parcel(parcel.sender, part, parcel.content, parcel.user, parcel.password, self.name)
            self.courier.submit(Job(one, done, put_off, trying, tuple(hosts), view or self.world.view_of(self.name)))

    async def _done(self, mail: Read, parcel: Parcel, results: list[Result], host: str, note: Note | None) -> None:
        ledger = self.world.ledger
        failures = []
        for result in results:
            if note is not None:
                note(result, host)
            if not result.taken:
                text = result.reply.partition(" ")[2] or result.reply
                failures.append(Failure(result.address, result.asked or result.address, status_of(result.reply), text))
        if failures:
            await self.undeliverable(mail, parcel.sender, failures)
        for result in results:
            ledger.live(mail.id, result.asked, -1)

    async def undeliverable(self, mail: Read, sender: str, failures: Sequence[Failure]) -> None:
        """Account failures, and tell the sender if there is one."""
        for failure in failures:
            what = "loop" if failure.status in LOOPS else "bounced"
            self.world.ledger.end(mail.id, failure.asked, what, self.name, failure.text, failure.status, failure.address)
        if not sender or mail.kind in SILENT:
            return
        self._reports += 1
        content = report(self.name, sender, failures, mail, self.world.now(), self._reports)
        self.world.ledger.register(read(content), "", [sender], "report")
        await self.own_mail(content, sender)

    async def own_mail(self, content: bytes, recipient: str) -> None:
        """Send a message of the system itself, with the null sender."""
        raise RuntimeError(f"{self.name} sends no mail of its own: {len(content)} bytes to {recipient}")

    def enter(self, mail: Read, sender: str, recipients: Sequence[tuple[str, str]], origin: str) -> None:
        """Enter an arriving message into the account, and what an arriving report says about another one."""
        unknown = [asked for _unused, asked in recipients if asked and not self.world.ledger.known(mail.id, asked)]
        if unknown:
            self.world.ledger.register(mail, sender, unknown, origin)
        for address, asked in recipients:
            self.world.ledger.hop(mail.id, asked, f"{self.name} took {address}")

    def heard(self, content: bytes, mail: Read) -> None:
        """Account what a report from elsewhere (Postfix) tells: it ends copies."""
        if mail.kind != "ndr":
            return
        about, failures = reported(content)
        for failure in failures:
            if self.world.ledger.known(about, failure.asked):
                what = "loop" if failure.status in LOOPS or "too many hops" in failure.text else "bounced"
                self.world.ledger.end(about, normal(failure.asked), what, "report", failure.text, failure.status, failure.address)
