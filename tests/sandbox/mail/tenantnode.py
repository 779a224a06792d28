# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's mail system: front door, router, mailboxes, outbound queue, reports, replies of absent people, message trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING

from ..tenant import Tenant
from . import edge, plan
from .addresses import domain_of, normal
from .client import Parcel, Result
from .door import Arrival
from .letters import ENTRY, Failure, Read, prepend, read, received, without, write
from .model import BOUNCE, DROP, DYNAMIC, GROUP, LOOP, PLACE, SEND, WAIT, Directory, Leg, Message, Session
from .node import Node
from .outcomes import SOURCE, TENANT, Place
from .readers import in_wave
from .router import LOOP_STATUS, route
from .sender_checks import check
from .trace import Event, Trace, Traced
from .view import View

if TYPE_CHECKING:
    from .world import World

STATUS = {PLACE: "Delivered", SEND: "Pending", BOUNCE: "Failed", LOOP: "Failed", DROP: "Failed", WAIT: "Pending"}


class TenantNode(Node):
    """One tenant. It keeps the ``Keeper`` protocol of its door."""

    def __init__(self, world: World, tenant: Tenant, loopback: str) -> None:
        """Stand before a tenant's store."""
        pace = (lambda: tenant.parameters.retry_interval, lambda: tenant.parameters.queue_lifetime)
        super().__init__(world, tenant.organization, loopback, *pace)
        self.tenant, self.view, self.trace = tenant, View(tenant), Trace(tenant.tenant_id)
        self.account = f"submission@{tenant.organization}"
        self.password = str(tenant.about.get("submission_password") or "submission")
        found = plan.settings(tenant)
        self._wave = partial(in_wave, known=found.group, pending=found.pending)
        self._answered: set[tuple[str, str]] = set()
        self._turn = 0
        self._held: dict[tuple[str, str], datetime] = {}

    def forget(self) -> None:
        """Forget the trace and who was answered."""
        self.trace.clear()
        self._answered.clear()
        self._held.clear()

    def login(self, user: str, password: str) -> bool:
        """Accept the tenant's submission account, and every mailbox by any of its addresses, all with the tenant's one password."""
        return password == self.password and (normal(user) == self.account or self.view.directory().lookup(user) is not None)

    def _session(self, arrival: Arrival) -> Session:
        return Session(self.world.public(arrival.peer), bool(arrival.user), self.world.certificate(arrival.peer))

    async def recipient(self, arrival: Arrival, address: str, asked: str) -> str:
        """Answer RCPT."""
        directory = self.view.directory()
        refusal = edge.rcpt(directory, self._session(arrival), arrival.sender, address)
        reply = refusal.reply if refusal else ""
        if not reply and arrival.user and not self._may_send(directory, arrival):
            reply = "550 5.7.60 Client does not have permissions to send as this sender"
        if reply and self.world.external(arrival.peer):
            self.world.ledger.refused(arrival.sender, asked, "tenant" if arrival.user else "internet", self.name, reply)
        return reply

    def _may_send(self, directory: Directory, arrival: Arrival) -> bool:
        owner, sender = directory.lookup(arrival.user), directory.lookup(arrival.sender)
        return normal(arrival.user) == self.account or (owner is not None and sender is not None and owner.key == sender.key)

    async def message(self, arrival: Arrival) -> str:
        """Answer DATA: check the sender's domain, take the message, route it beside."""
        mail = read(arrival.content)
        if not mail.id:
            mail = self.world.with_id(arrival)
        session = self._session(arrival)
        message = self._message(mail, arrival, session)
        refusal = edge.data(self.view.directory(), message, self.world.zone.lookup(self.world.view_of(self.name)))
        origin = "tenant" if session.authenticated else "internet"
        if refusal is not None:
            if self.world.external(arrival.peer):
                self.enter(mail, arrival.sender, arrival.recipients, origin)
                for address, asked in arrival.recipients:
                    self.world.ledger.end(mail.id, asked, "bounced", self.name, refusal.reply, address=address)
            return refusal.reply
        self.enter(mail, arrival.sender, arrival.recipients, origin)
        self.heard(arrival.content, mail)
        for _unused, asked in arrival.recipients:
            self.world.ledger.live(mail.id, asked, 1)
        self.courier.start(self._process(mail, message, arrival.content, arrival.recipients))
        return ""

    def _message(self, mail: Read, arrival: Arrival, session: Session) -> Message:
        inside = edge.treated_as_internal(self.view.directory(), session, arrival.sender)
        headers = tuple((name, self.world.public_text(value) if name.lower() == "received" else value) for name, value in mail.headers)
        return Message(
            mail.id,
            arrival.sender,
            tuple(dict.fromkeys(address for address, _unused in arrival.recipients)),
            replace(session, authenticated=session.authenticated or inside),
            mail.kind,
            mail.first("From"),
            mail.first("Subject"),
            headers,
            mail.body,
            mail.size,
            mail.entries(self.name) + (0 if arrival.user else 1),
        )

    async def own_mail(self, content: bytes, recipient: str) -> None:
        """Route a report or an automatic reply; it is the organisation's own."""
        mail = read(content)
        arrival = Arrival(self.loopback, "", [(normal(recipient), normal(recipient))], content)
        message = self._message(mail, arrival, Session(self.world.public(self.loopback), authenticated=True))
        self.world.ledger.live(mail.id, recipient, 1)
        self.courier.start(self._process(mail, message, content, arrival.recipients))

    def _share(self) -> float:
        """Return the share of the latencies that the server has which takes the next message."""
        self._turn += 1
        servers = max(1, self.tenant.parameters.servers)
        return (self._turn % servers + 1) / servers

    async def _process(self, mail: Read, message: Message, content: bytes, recipients: Sequence[tuple[str, str]]) -> None:
        """Route one message and do what the legs say; each recipient's mark of being under way ends here."""
        now = self.world.now()
        entered = [(ENTRY, self.name)] if message.entries > mail.entries(self.name) else []
        stamped = prepend(content, [received(message.session.ip, self.name, now), *entered])
        written: dict[str, list[str]] = {"": [""]}
        for address, asked in recipients:
            written.setdefault(address, []).append(asked)
        directory = self.view.directory(share=self._share())
        legs = [replace(leg, asked=asked) for leg in route(directory, message) for asked in written[leg.asked]]
        failures: list[Failure] = []
        self._expanded(directory, message, written)
        for leg in legs:
            row = self._traced(message, leg)
            if leg.action == PLACE:
                await self._place(directory, mail, message, leg)
            elif leg.action in (BOUNCE, LOOP):
                failures.append(Failure(leg.address, leg.asked or leg.address, leg.status, leg.reason))
            elif leg.action == DROP:
                self.world.ledger.end(mail.id, leg.asked, "lost", self.name, leg.reason, address=leg.address)
            elif leg.action == WAIT and self._expired(mail, leg):
                failures.append(Failure(leg.address, leg.asked or leg.address, "4.4.7", f"Message expired: {leg.reason}"))
                row.status = "Failed"
            elif leg.action == WAIT:
                self._hold(mail, message, content, leg)
            elif self._own_exchanger(leg):
                reason = f"Hop count exceeded - possible mail loop: the MX of {domain_of(leg.address)} is the tenant itself"
                failures.append(Failure(leg.address, leg.asked or leg.address, LOOP_STATUS, reason))
                row.events.append(Event(now, "Fail", reason))
                row.status = "Failed"
            else:
                self._send(mail, message, _marked(stamped, leg), leg, row)
        if failures:
            await self.undeliverable(mail, message.sender, failures)
        for _unused, asked in recipients:
            self.world.ledger.live(mail.id, asked, -1)

    def _own_exchanger(self, leg: Leg) -> bool:
        """Say whether a message would leave by an MX that is this tenant."""
        hosts = [] if leg.hosts else self.world.exchangers(domain_of(leg.address), self.world.view_of(self.name))
        return bool(hosts) and self.world.endpoint(hosts[0]) == self.world.doors[self.name].endpoint

    def _expanded(self, directory: Directory, message: Message, written: dict[str, list[str]]) -> None:
        """Trace the groups that a message was written to, and note whom they lead to."""
        for address in message.recipients:
            entry = directory.lookup(address)
            if entry is not None and entry.kind in (GROUP, DYNAMIC) and message.entries < directory.facts.loop_entries:
                row = self._row(message, entry.primary)
                row.status = "Expanded"
                row.events.append(Event(self.world.now(), "Expand", f"Expanded to the {len(entry.members)} members of {entry.primary}"))
                for asked in written[address]:
                    self.world.ledger.leads(message.id, asked, self.world.members.behind(address, tenant=True))

    def _row(self, message: Message, address: str) -> Traced:
        return self.trace.open(
            message.id, message.entries, message.sender, address, message.subject, message.size, message.session.ip, self.world.now()
        )

    def _traced(self, message: Message, leg: Leg) -> Traced:
        row = self._row(message, leg.address)
        self.trace.steps(row, leg.steps, self.world.now())
        row.status = STATUS[leg.action]
        if leg.action == PLACE:
            row.events.append(Event(self.world.now(), "Deliver", f"The message was delivered to {leg.address}"))
        return row

    async def _place(self, directory: Directory, mail: Read, message: Message, leg: Leg) -> None:
        entry = directory.entries[leg.key]
        readers = self.world.readers
        reader = readers.in_tenant(entry)
        reads = readers.where(reader)
        wave = reads == SOURCE and self._wave(directory, entry, self.view.directory(present=True))
        place = Place(TENANT, self.name, entry.primary, reader, reads, self.world.ledger.stamp(), readers.last_sync_done(reader), wave)
        self.world.deliver(mail, leg.asked, place)
        if entry.key in readers.away and message.kind == "mail" and message.sender:
            await self._reply(directory, mail, message, entry.primary)

    async def _reply(self, directory: Directory, mail: Read, message: Message, owner: str) -> None:
        """Answer for somebody absent, once for each sender; remote domains can forbid it to outside."""
        remote = directory.remote_domain(domain_of(message.sender))
        outside = not directory.inside(message.sender)
        silent = outside and remote is not None and (remote.get("AllowedOOFType") == "None" or remote.get("AutoReplyEnabled") is False)
        if silent or (owner, message.sender) in self._answered:
            return
        self._answered.add((owner, message.sender))
        number = len(self._answered)
        headers = [
            ("From", owner),
            ("To", message.sender),
            ("Subject", f"Automatic reply: {mail.first('Subject')}"),
            ("Message-ID", f"<reply-{number}@{self.name}>"),
            ("Date", format_datetime(self.world.now())),
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
        ]
        content = write(headers, "I am away.")
        self.world.ledger.register(read(content), "", [message.sender], "report")
        await self.own_mail(content, message.sender)

    def _expired(self, mail: Read, leg: Leg) -> bool:
        """Say whether a message was held for the queue's lifetime."""
        now = self.world.now()
        since = self._held.setdefault((mail.id, leg.asked), now)
        return now - since >= timedelta(seconds=self.tenant.parameters.queue_lifetime)

    def _hold(self, mail: Read, message: Message, content: bytes, leg: Leg) -> None:
        """Keep a message that cannot go on; it is routed anew after the retry interval."""
        ledger = self.world.ledger
        ledger.live(mail.id, leg.asked, 1)
        ledger.deferred(mail.id, leg.asked)
        ledger.hop(mail.id, leg.asked, f"{self.name} holds it: {leg.reason}")
        again = replace(message, recipients=(leg.address,))

        async def resume() -> None:
            await self._process(mail, again, content, [(leg.address, leg.asked)])

        self.courier.pause(resume)

    def _vouched_for(self, message: Message) -> bool:
        """Say whether relayed mail leaves by the ordinary addresses: from inside, or with SPF or a signature that held on arrival."""
        if message.session.authenticated or not message.sender:
            return True
        found = check(message, self.world.zone.lookup(self.world.view_of(self.name)))
        return found.spf or found.dkim

    def _send(self, mail: Read, message: Message, content: bytes, leg: Leg, row: Traced) -> None:
        def note(result: Result, host: str) -> None:
            ip = self.world.address(host)
            row.to_ip, row.status = ip, "Delivered" if result.taken else "Failed"
            by = f" through the connector {leg.connector}" if leg.connector else ""
            event = "Send external" if result.taken else "Fail"
            data = (*((("ConnectorName", leg.connector),) if leg.connector else ()), ("ServerIP", ip), ("OutboundPool", pool))
            row.events.append(Event(self.world.now(), event, f"Message transferred to {host} [{ip}]{by}: {result.reply}", data))

        def waiting(result: Result, host: str) -> None:
            row.events.append(Event(self.world.now(), "Defer", f"{host}: {result.reply}"))

        pool = "Standard" if self._vouched_for(message) else "RelayPool"
        by = f"by connector {leg.connector}" if leg.connector else "by MX"
        self.world.ledger.hop(mail.id, leg.asked, f"{self.name} sends {leg.address} {by}")
        parcel = Parcel(message.sender, [(leg.address, leg.asked)], content)
        self.dispatch(mail, parcel, hosts=leg.hosts, note=note, waiting=waiting)


def _marked(content: bytes, leg: Leg) -> bytes:
    """Apply what rules did to a message's headers."""
    changed = without(content, [*leg.removed, *(name for name, _unused in leg.headers)]) if leg.removed or leg.headers else content
    marks = [*leg.headers, *([("X-MS-Exchange-Organization-SCL", str(leg.scl))] if leg.scl is not None else [])]
    return prepend(changed, marks)
