# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A foreign host that is a real Postfix: its own instance on loopback addresses, with a small surface to steer it. Needs root."""

from __future__ import annotations

import asyncio
import copy
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .addresses import normal
from .door import Arrival, Door
from .gate import is_probe
from .hoststate import CATCH_ALL, Forward, HostState
from .letters import read
from .node import LOOPS, Node
from .plan import exchanger
from .postfix_files import Ports, check, main_cf, maps, master_cf
from .postfix_log import Log, Queued
from .postfix_queue import ACTIVE, Envelope, files, held
from .postfix_read import forwards, paths, table
from .wicket import Wicket

if TYPE_CHECKING:
    from .world import World

START_SECONDS = 20.0
LOG_SECONDS = 3.0
# What the sink answers to a letter for a mailbox that takes none for now: Postfix keeps it, for all whom it hands over with it.
BUSY = "450 4.2.1 mailbox busy"
# The map in which control's forwards stand.
OWN = "coexistence"


class PostfixMissing(Exception):
    """Postfix cannot be started here; the text says why and what to do."""


def postfix(world: World, state: HostState, loopback: str) -> PostfixHost:
    """Make a host with Postfix."""
    return PostfixHost(world, state, loopback)


class Address:
    """Where something listens."""

    def __init__(self, endpoint: str) -> None:
        """Keep address:port."""
        self.endpoint = endpoint


class PostfixHost(Node):
    """A Postfix instance, and the mailboxes behind it. Raises PostfixMissing."""

    backend = "postfix"

    def __init__(self, world: World, state: HostState, loopback: str) -> None:
        """Plan an instance; ``start`` runs it."""
        super().__init__(world, state.name, loopback)
        self._state = state
        self._written: dict[str, str] = {}
        self._seen: tuple[int, ...] = ()  # when each of the files that were looked at was changed
        self._main_cf, self._main_seen = "", 0
        self._maps: list[Path] = []
        self._looked: list[str] = []
        self._own = dict(state.forwards)  # what control wants, apart from what stands in the maps of others
        self._held: dict[str, Envelope] = {}  # queue files as they were last seen
        self._gone: dict[str, Envelope] = {}
        self.place = Path()
        self._sink = Door(self, loopback, f"mailboxes.{state.names[0]}", world.gate, holds=True)
        self.door, self.own_door = Address(f"{loopback}:{_free(loopback)}"), Address(f"{loopback}:{_free(loopback)}")
        self.front, self.own_front = (Wicket(world.gate, state.names[0], one.endpoint) for one in (self.door, self.own_door))
        self._log = Log(Path())
        self._up = False
        self._told = 0

    async def start(self) -> None:
        """Write the files and start the instance."""
        if os.geteuid() != 0 or not shutil.which("postfix"):
            raise PostfixMissing("a real Postfix as foreign host needs root and apt-get install postfix; the built-in host needs neither")
        self.place = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.place.chmod(0o755)
        for name in ("queue", "data", "log"):
            (self.place / name).mkdir()
        shutil.chown(self.place / "data", "postfix")
        self._main_cf = str(self.place / "main.cf")
        self._log = Log(self.place / "log" / "mail.log")
        await self._sink.start()
        self._write()
        self._up = True
        await self._open_up()

    @property
    def config_directory(self) -> str:
        """Return where main.cf and the maps lie."""
        return str(self.place)

    @property
    def state(self) -> HostState:
        """Return the state; forwards are those in the instance's own files, whoever wrote them."""
        if not self._written:
            return self._state
        # Asked several times for each message, so that an unchanged instance costs no more than a look at its files' times.
        main = _changed(self._main_cf)
        if not main:
            return self._state
        if main != self._main_seen:
            self._main_seen = main
            self._maps = paths(Path(self._main_cf).read_text(encoding="utf-8"), self.place)
            self._looked = [self._main_cf, str(self.place / OWN), *map(str, self._maps)]
        seen = tuple(map(_changed, self._looked))
        if seen != self._seen:
            self._seen = seen
            places = [self.place / OWN, *self._maps]
            own, *tables = [table(path.read_text(encoding="utf-8")) if path.exists() else {} for path in places]
            self._own = self._forwards([own], self._own)
            self._state.forwards = self._forwards(tables, {**self._state.forwards, **self._own})
        return self._state

    def own(self) -> HostState:
        """Return a copy of the state with the forwards that control wants: those in the maps of others are theirs to keep."""
        state = copy.deepcopy(self.state)
        state.forwards = dict(self._own)
        return state

    def _forwards(self, tables: list[dict[str, list[str]]], before: Mapping[str, Forward]) -> dict[str, Forward]:
        """Read the forwards. While the mode keeps a copy of each, what one says by itself is what it said before."""
        found = forwards(self._state.mailboxes, tables, self._state.domains)
        if not self._state.modes.keep_copy:
            return found
        return {name: before[name] if name in before and before[name].to == entry.to else entry for name, entry in found.items()}

    async def stop(self) -> None:
        """End the instance and remove its files."""
        self._sink.stop()
        self._close_fronts()
        self.courier.stop()
        if self._up:
            await self._run("stop")
        if self.place != Path():
            shutil.rmtree(self.place, ignore_errors=True)

    async def switch(self, *, up: bool) -> None:
        """Switch the host on or off; its queue stays."""
        if up and not self._up:
            await self._open_up()
        elif self._up and not up:
            self._close_fronts()
            await self._run("stop")
        self._up = up

    async def apply(self, state: HostState) -> None:
        """Write the files anew and have the instance read them; what others forward stays theirs, for them to end."""
        check(state)
        before, after = self.state.forwards, state.forwards
        kept = {name: forward for name, forward in self._own.items() if name in after}
        await self._put(state, kept | {name: forward for name, forward in after.items() if before.get(name) != forward})

    async def _put(self, state: HostState, own: dict[str, Forward]) -> None:
        self._state, self._own = state, own
        if self._write() and self._up:
            await self._run("reload")
            await asyncio.sleep(0.15)  # idle processes end when they hear of the reload

    def drop(self) -> None:
        """Drop what is under way here; the instance's queue is emptied by ``reset``."""
        self.courier.stop()

    async def reset(self, state: HostState) -> None:
        """Take another state and forget the queue."""
        await self.switch(up=True)
        await self._command("postsuper", "-d", "ALL")
        self.account()
        self._written = {}
        check(state)
        await self._put(state, dict(state.forwards))
        self._log.queued.clear()
        self._held, self._gone = {}, {}

    async def flush(self) -> None:
        """Try the whole queue now."""
        if self._up:
            await self._command("postqueue", "-f")

    async def local(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Hand a message to sendmail, as a local program does."""
        text = content.replace(b"\r\n", b"\n")
        return await self._command("sendmail", "-oi", "-f", sender or "<>", "--", *recipients, text=text)

    async def queued(self) -> set[tuple[str, str]]:
        """Return the copies of which a branch lies in the queue; one whose file is gone, and not by the queue manager, is lost."""
        end = time.monotonic() + LOG_SECONDS
        self.account()
        late = self._open() - self._look()
        while late and time.monotonic() < end:  # the log may be a moment behind
            await asyncio.sleep(0.02)
            self.account()
            late = (late & self._open()) - self._look()
        for name in late:
            self._vanished(name, self._log.queued.pop(name))
        return {(one.message_id, normal(branch.asked)) for one in self._held.values() for branch in one.branches}

    def _look(self) -> set[str]:
        """Note the queue; return the names of its files. What was seen of a file that is gone stays while the log does not end it."""
        now = held(self.place / "queue")
        self._gone = {name: one for name, one in {**self._gone, **self._held}.items() if name in self._log.queued and name not in now}
        self._held = now
        return set(now)

    def _open(self) -> set[str]:
        """Return the queue files that must be there, as the log tells."""
        return {name for name, entry in self._log.queued.items() if entry.accepted and entry.message_id}

    def _vanished(self, name: str, entry: Queued) -> None:
        branches = self._gone[name].branches if name in self._gone else []
        pending = [branch.asked for branch in branches if entry.pending(branch.original, branch.address)]
        pending = pending or [original for original, address in entry.branches if entry.pending(original, address)]
        for asked in self._copies(entry, pending):
            self.world.ledger.end(entry.message_id, asked, "lost", self.name, f"its queue file {name} is gone")

    def _copies(self, entry: Queued, asked: list[str]) -> list[str]:
        """Return the copies that some recipients of a queue file belong to; all of the message where the account does not know one."""
        ledger = self.world.ledger
        sent = ledger.messages.get(entry.message_id)
        if asked and all(ledger.known(entry.message_id, one) for one in asked):
            return asked
        return list(sent.copies) if sent else []

    def busy(self) -> int:
        """Count what is under way now: queue files that are not deferred."""
        return sum(1 for _unused in files(self.place / "queue", ACTIVE)) + self.courier.busy

    def account(self) -> None:
        """Enter, from the log, what came from clients that are none of this world, and what failed with nobody to tell."""
        self._log.read()
        for name, entry in list(self._log.queued.items()):
            if entry.message_id and entry.client and entry.client != "pickup" and self.world.external(entry.client):
                unknown = [asked for asked in entry.recipients if not self.world.ledger.known(entry.message_id, asked)]
                if unknown:
                    self.world.ledger.register(read(f"Message-ID: {entry.message_id}\n\n".encode()), entry.sender, unknown, "internet")
            if entry.removed:
                self._failed(entry)
                del self._log.queued[name]
        for refusal in self._log.refusals[self._told :]:
            if self.world.external(refusal.client) and refusal.reply.startswith("5"):
                self.world.ledger.refused(refusal.sender, refusal.recipient, "internet", self.name, refusal.reply)
        self._told = len(self._log.refusals)

    def _failed(self, entry: Queued) -> None:
        """End the branches that failed of a message without a sender: of every other one a report tells."""
        for (original, _unused), (status, code, text) in entry.branches.items():
            if not entry.sender and (status == "bounced" or (entry.expired and status == "deferred")):
                what = "loop" if code in LOOPS or "too many hops" in text else "bounced"
                for asked in self._copies(entry, [original]):
                    self.world.ledger.end(entry.message_id, asked, what, self.name, text, code, original)

    # What stands behind the mailboxes' door.

    async def recipient(self, arrival: Arrival, address: str, asked: str) -> str:
        """Take known recipients: Postfix checks what comes by SMTP, not what its own programs send."""
        return "" if self._box(address) else "550 5.1.1 User unknown in virtual mailbox table"

    def _box(self, address: str) -> str:
        """Return the mailbox for an address that Postfix hands over, mapped by it or (local_only) not; "" for none."""
        owner = self.state.mailbox_of(address)
        caught = normal(address) == self.state.catch_all or self.state.modes.unknown == CATCH_ALL
        return owner or (self.state.catch_all if caught else "")

    def login(self, user: str, password: str) -> bool:
        """Nobody signs in."""
        return False

    async def message(self, arrival: Arrival) -> str:
        """Put a message into mailboxes; an address that Postfix did not map (local_only) is mapped here."""
        mail = read(arrival.content)
        if not is_probe(mail) and self.state.busy.intersection(self._box(address) for address, _unused in arrival.recipients):
            return BUSY
        self.enter(mail, arrival.sender, arrival.recipients, "source")
        self.heard(arrival.content, mail)
        for address, asked in arrival.recipients:
            owner = self._box(address)
            self.world.ledger.leads(mail.id, asked, self.world.members.behind(asked, tenant=False))
            for mailbox in self.state.lists.get(owner) or [owner]:
                self.world.place_at_source(self.state, mail, asked, self._box(mailbox) or mailbox)
        return ""

    # The instance.

    def _ports(self) -> Ports:
        return Ports(self.door.endpoint, self.own_door.endpoint, self._sink.endpoint, self.world.outside.door.endpoint)

    def _write(self) -> bool:
        """Write the files whose content changed, each put in place whole; whether any did."""
        ports = self._ports()
        # What another foreign host answers for goes by MX, like everybody's mail.
        theirs = {domain for host in self.world.hosts if host is not self for domain in host.state.domains}
        nodes = [(name, node.name) for node in self.world.tenants for name in node.view.directory().domains if name not in theirs]
        doors = {domain: self.world.doors[name].endpoint for domain, name in nodes}
        first = min(self._state.domains)
        relay = self.world.endpoint(exchanger(first)) or ports.relay
        texts = maps(replace(self._state, forwards=self._own), ports, doors, relay)
        texts |= {"main.cf": main_cf(self.place, self._state, ports), "master.cf": master_cf(self._state, ports)}
        # What others changed in a file whose own text is the same stays.
        changed = {name: text for name, text in texts.items() if self._written.get(name) != text}
        self._written |= changed
        for name, text in changed.items():
            fresh = self.place / f"{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self.place / name)
        return bool(changed)

    async def _run(self, verb: str) -> None:
        """Run postfix start, stop or reload. Raises PostfixMissing with its words."""
        said = await self._command("postfix", verb)
        if said and verb == "start":
            raise PostfixMissing(f"postfix {verb}: {said}")

    async def _open_up(self) -> None:
        await self._run("start")
        await self._wait_open()
        for front in (self.front, self.own_front):
            await front.start()

    def _close_fronts(self) -> None:
        for front in (self.front, self.own_front):
            front.stop()

    async def _command(self, program: str, *words: str, text: bytes | None = None) -> str:
        """Run one of Postfix's programs on the instance; return its error text when it failed."""
        flag = "-C" if program == "sendmail" else "-c"
        process = await asyncio.create_subprocess_exec(
            program, flag, str(self.place), *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _unused = await process.communicate(text or b"")
        return f"{output.decode(errors='replace').strip() or 'failed'} ({process.returncode})" if process.returncode else ""

    async def _wait_open(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                _unused, writer = await asyncio.open_connection(*_split(self.door.endpoint))
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        log = self.place / "log" / "mail.log"
        said = log.read_text(errors="replace")[-500:] if log.exists() else "no log"
        raise PostfixMissing(f"postfix did not open {self.door.endpoint}: {said}")


def _free(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _split(endpoint: str) -> tuple[str, int]:
    host, _unused, port = endpoint.rpartition(":")
    return host, int(port)


def _changed(path: str) -> int:
    """Return when a file was last changed, in nanoseconds; 0 for none."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0
