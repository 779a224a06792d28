# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door before another program's: clients that are none of this world come in here, so that the gate sees their probes as they enter."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .door import SIZE_LIMIT, Arrival
from .gate import Gate

END = b".\r\n"
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wicket:
    """Hands each command and each answer on. Who comes in has the own address behind it as well."""

    def __init__(self, gate: Gate, name: str, behind: str) -> None:
        """``name``: the host's; ``behind``: address:port of the program's own door. It listens on the same address."""
        self._gate, self._name = gate, name
        self._host, _unused, self._behind = behind.rpartition(":")
        self._server: asyncio.Server | None = None
        self._port = 0
        self._inside: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        """Return address:port."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen, on the former port if there was one."""
        self._server = await asyncio.start_server(self._enter, self._host, self._port, limit=SIZE_LIMIT, backlog=512)
        self._port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Stop listening, and leave everybody standing; the port is remembered."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._inside:
            task.cancel()

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._client(reader, writer))
        self._inside.add(task)
        task.add_done_callback(self._inside.discard)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                inner, inner_writer = await asyncio.open_connection(self._host, int(self._behind), local_addr=(peer, 0))
                try:
                    await self._talk(peer, (reader, writer), (inner, inner_writer))
                finally:
                    inner_writer.close()
        finally:
            writer.close()

    async def _talk(self, peer: str, client: Wire, program: Wire) -> None:
        """One command, one answer, in turn; a message is kept until it is whole. Whoever is ended in the middle of it is shown out."""
        answer = await _answer(program[0])
        while True:
            client[1].write(answer)
            if answer.startswith(b"354"):
                arrival = Arrival(peer, "", content=await _content(client[0]))
                said = await self._gate.before(arrival, self._name, holds=False)
                if said:
                    client[1].write(f"{said}\r\n".encode())
                    return
                program[1].write(arrival.content + END)
                answer = await _answer(program[0])
                said = self._gate.after(arrival, self._name) if answer.startswith(b"2") else ""
                answer = f"{said}\r\n".encode() if said else answer
                continue
            line = await client[0].readline()
            if not line:
                return
            program[1].write(line)
            answer = await _answer(program[0])


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read one reply with all its lines. Raises IncompleteReadError."""
    lines = [await reader.readuntil(b"\n")]
    while lines[-1][3:4] == b"-":
        lines.append(await reader.readuntil(b"\n"))
    return b"".join(lines)


async def _content(reader: asyncio.StreamReader) -> bytes:
    """Read a message as it was written, without the line that ends it. Raises IncompleteReadError."""
    lines = [await reader.readuntil(b"\n")]
    while lines[-1] != END:
        lines.append(await reader.readuntil(b"\n"))
    return b"".join(lines[:-1])
