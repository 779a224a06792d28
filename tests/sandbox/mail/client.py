# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending one message over SMTP: a small asyncio client that binds to its own loopback address."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field

TIMEOUT = 30.0


class Unreachable(Exception):
    """No connection, or it broke before an answer."""


@dataclass(frozen=True)
class Result:
    """The last reply for one recipient: code, and the whole line."""

    address: str
    asked: str
    code: int
    reply: str

    @property
    def taken(self) -> bool:
        """Whether the other side took it."""
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        """Whether it was refused for good."""
        return self.code >= 500


@dataclass
class Parcel:
    """A message for some recipients: (address, the recipient whom the sender wrote)."""

    sender: str
    recipients: list[tuple[str, str]]
    content: bytes
    user: str = ""
    password: str = ""
    name: str = "sandbox.example"
    dsn: bool = field(default=True)


class _Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def reply(self) -> tuple[int, str]:
        """Read a reply of one or more lines."""
        lines: list[str] = []
        while True:
            raw = await self._reader.readline()
            if not raw:
                raise Unreachable("the connection was closed")
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), " ".join([line[:3], " ".join(lines)])

    async def say(self, line: str) -> tuple[int, str]:
        """Send a command and read its reply."""
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()
        return await self.reply()

    async def content(self, content: bytes) -> tuple[int, str]:
        """Send a message and read the reply."""
        lines = content.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        self._writer.write(b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n")
        await self._writer.drain()
        return await self.reply()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def send(endpoint: str, source: str, parcel: Parcel) -> list[Result]:
    """Send a parcel to address:port from a loopback address. Raises Unreachable."""
    host, _unused, port = endpoint.rpartition(":")
    if not host:
        raise Unreachable("nothing answers there")
    try:
        opened = asyncio.open_connection(host, int(port), local_addr=(source, 0))
        reader, writer = await asyncio.wait_for(opened, TIMEOUT)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise Unreachable(f"{endpoint}: {error or type(error).__name__}") from error
    wire = _Wire(reader, writer)
    try:
        return await asyncio.wait_for(_talk(wire, parcel), TIMEOUT)
    except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
        raise Unreachable(f"{endpoint}: {error or type(error).__name__}") from error
    finally:
        wire.close()


async def _talk(wire: _Wire, parcel: Parcel) -> list[Result]:
    code, greeting = await wire.reply()
    if code != 220:
        return _all(parcel, code, greeting)
    code, features = await wire.say(f"EHLO {parcel.name}")
    if parcel.user:
        secret = base64.b64encode(f"\0{parcel.user}\0{parcel.password}".encode()).decode()
        code, line = await wire.say(f"AUTH PLAIN {secret}")
        if code != 235:
            return _all(parcel, code, line)
    code, line = await wire.say(f"MAIL FROM:<{parcel.sender}>")
    if code != 250:
        return _all(parcel, code, line)
    results: list[Result] = []
    taken: list[Result] = []
    dsn = parcel.dsn and "DSN" in features.split()
    for address, asked in parcel.recipients:
        extra = f" ORCPT=rfc822;{asked.replace('+', '+2B').replace('=', '+3D')}" if dsn and asked else ""
        code, line = await wire.say(f"RCPT TO:<{address}>{extra}")
        (taken if 200 <= code < 300 else results).append(Result(address, asked, code, line))
    if taken:
        code, line = await wire.say("DATA")
        if code == 354:
            code, line = await wire.content(parcel.content)
        results += [Result(entry.address, entry.asked, code, line) for entry in taken]
    await wire.say("QUIT")
    return results


def _all(parcel: Parcel, code: int, line: str) -> list[Result]:
    return [Result(address, asked, code, line) for address, asked in parcel.recipients]
