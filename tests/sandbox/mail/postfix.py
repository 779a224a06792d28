# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A foreign host that is a real Postfix: its own instance on loopback addresses, with a small surface to steer it. Needs root."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .addresses import normal
from .door import Arrival, Door
from .hoststate import CATCH_ALL, Forward, HostState
from .letters import read
from .node import Node
from .plan import exchanger
from .postfix_files import Ports, check, main_cf, maps, master_cf
from .postfix_log import Log
from .postfix_read import forwards, paths, table

if TYPE_CHECKING:
    from .world import World

START_SECONDS = 20.0
LOG_SECONDS = 3.0
ACTIVE = ("maildrop", "incoming", "active")
QUEUES = (*ACTIVE, "deferred")


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
        self._seen: tuple[tuple[str, int], ...] = ()
        self.place = Path()
        self._sink = Door(self, loopback, f"mailboxes.{state.names[0]}")
        self.door, self.own_door = Address(f"{loopback}:{_free(loopback)}"), Address(f"{loopback}:{_free(loopback)}")
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
        self._log = Log(self.place / "log" / "mail.log")
        await self._sink.start()
        self._write()
        self._up = True
        await self._run("start")
        await self._wait_open()

    @property
    def config_directory(self) -> str:
        """Return where main.cf and the maps lie."""
        return str(self.place)

    @property
    def state(self) -> HostState:
        """Return the state; forwards are those in the instance's own files, whoever wrote them."""
        main = self.place / "main.cf"
        if not self._written or not main.exists():
            return self._state
        files = [main, *paths(main.read_text(encoding="utf-8"), self.place)]
        seen = tuple((str(path), path.stat().st_mtime_ns) for path in files if path.exists())
        if seen != self._seen:
            self._seen = seen
            tables = [table(path.read_text(encoding="utf-8")) for path in files[1:] if path.exists()]
            self._state.forwards = self._forwards(tables)
        return self._state

    def _forwards(self, tables: list[dict[str, list[str]]]) -> dict[str, Forward]:
        """Read the forwards. While the mode keeps a copy of each, what one says by itself is what it said before."""
        found, before = forwards(self._state.mailboxes, tables, self._state.domains), self._state.forwards
        if not self._state.modes.keep_copy:
            return found
        return {name: before[name] if name in before and before[name].to == entry.to else entry for name, entry in found.items()}

    async def stop(self) -> None:
        """End the instance and remove its files."""
        self._sink.stop()
        self.courier.stop()
        if self._up:
            await self._run("stop")
        if self.place != Path():
            shutil.rmtree(self.place, ignore_errors=True)

    async def switch(self, *, up: bool) -> None:
        """Switch the host on or off; its queue stays."""
        if up and not self._up:
            await self._run("start")
            await self._wait_open()
        elif self._up and not up:
            await self._run("stop")
        self._up = up

    async def apply(self, state: HostState) -> None:
        """Write the files anew and have the instance read them."""
        check(state)
        self._state = state
        self._write()
        if self._up:
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
        await self.apply(state)

    async def flush(self) -> None:
        """Try the whole queue now."""
        if self._up:
            await self._command("postqueue", "-f")

    async def local(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Hand a message to sendmail, as a local program does."""
        text = content.replace(b"\r\n", b"\n")
        return await self._command("sendmail", "-oi", "-f", sender or "<>", "--", *recipients, text=text)

    async def queued(self) -> set[str]:
        """Return the ids of messages in the queue; the log, which tells them, may be a moment behind."""
        end = time.monotonic() + LOG_SECONDS
        while True:
            self.account()
            names = {path.name for queue in QUEUES for path in (self.place / "queue" / queue).rglob("*") if path.is_file()}
            known = {name for name in names if name in self._log.queued and self._log.queued[name].message_id}
            if known == names or time.monotonic() > end:
                return {self._log.queued[name].message_id for name in known}
            await asyncio.sleep(0.02)

    def busy(self) -> int:
        """Count what is under way now: queue files that are not deferred."""
        files = sum(1 for queue in ACTIVE for path in (self.place / "queue" / queue).rglob("*") if path.is_file())
        return files + self.courier.busy

    def account(self) -> None:
        """Enter what came from clients that are none of this world, from the log."""
        self._log.read()
        for entry in list(self._log.queued.values()):
            if not entry.message_id or not entry.client or entry.client == "pickup" or not self.world.external(entry.client):
                continue
            unknown = [asked for asked in entry.recipients if not self.world.ledger.known(entry.message_id, asked)]
            if unknown:
                self.world.ledger.register(read(f"Message-ID: {entry.message_id}\n\n".encode()), entry.sender, unknown, "internet")
        for refusal in self._log.refusals[self._told :]:
            if self.world.external(refusal.client) and refusal.reply.startswith("5"):
                self.world.ledger.refused(refusal.sender, refusal.recipient, "internet", self.name, refusal.reply)
        self._told = len(self._log.refusals)

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
        self.enter(mail, arrival.sender, arrival.recipients, "source")
        self.heard(arrival.content, mail)
        for address, asked in arrival.recipients:
            owner = self._box(address)
            for mailbox in self.state.lists.get(owner) or [owner]:
                self.world.place_at_source(self.state, mail, asked, self._box(mailbox) or mailbox)
        return ""

    # The instance.

    def _ports(self) -> Ports:
        return Ports(self.door.endpoint, self.own_door.endpoint, self._sink.endpoint, self.world.outside.door.endpoint)

    def _write(self) -> None:
        """Write the files whose content changed, each put in place whole."""
        ports = self._ports()
        # What another foreign host answers for goes by MX, like everybody's mail.
        theirs = {domain for host in self.world.hosts if host is not self for domain in host.state.domains}
        nodes = [(name, node.name) for node in self.world.tenants for name in node.view.directory().domains if name not in theirs]
        doors = {domain: self.world.doors[name].endpoint for domain, name in nodes}
        first = min(self._state.domains)
        relay = self.world.endpoint(exchanger(first)) or ports.relay
        files = maps(self._state, ports, doors, relay)
        files |= {"main.cf": main_cf(self.place, self._state, ports), "master.cf": master_cf(self._state, ports)}
        for name, text in files.items():
            if self._written.get(name) == text:
                continue  # what others changed in it stays
            self._written[name] = text
            fresh = self.place / f"{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self.place / name)

    async def _run(self, verb: str) -> None:
        """Run postfix start, stop or reload. Raises PostfixMissing with its words."""
        said = await self._command("postfix", verb)
        if said and verb == "start":
            raise PostfixMissing(f"postfix {verb}: {said}")

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
