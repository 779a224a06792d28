# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over UDP and TCP on loopback: one server answers with authority, one as the resolver that holds old answers until their TTL."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import dnslib  # type: ignore[import-untyped] # ships no type hints

from .zone import FRESH, NAME_SERVER, STALE, Zone

KINDS = {
    "MX": lambda text: dnslib.MX(text.split()[1], int(text.split()[0])),
    "A": dnslib.A,
    "AAAA": dnslib.AAAA,
    "TXT": lambda text: dnslib.TXT([text[start : start + 255] for start in range(0, len(text), 255)] or [""]),
    "NS": dnslib.NS,
    "CNAME": dnslib.CNAME,
}
UDP_SIZE = 1232


def answer(zone: Zone, view: str, query: bytes) -> bytes:
    """Answer one packed question. Raises dnslib.DNSError for what is none."""
    request = dnslib.DNSRecord.parse(query)
    reply = request.reply(aa=int(view == FRESH), ra=int(view == STALE))
    name, kind = str(request.q.qname).rstrip("."), str(dnslib.QTYPE[request.q.qtype])
    found = zone.ask(name, kind, view)
    if kind in ("NS", "SOA") and found is not None and not found.texts and zone.knows(name):
        _authority(reply, name, kind)
    elif found is None:
        reply.header.rcode = dnslib.RCODE.NXDOMAIN
    elif kind in KINDS:
        for text in found.texts:
            reply.add_answer(dnslib.RR(name, getattr(dnslib.QTYPE, kind), rdata=KINDS[kind](text), ttl=found.ttl))
    return bytes(reply.pack())


def _authority(reply: Any, name: str, kind: str) -> None:
    data = dnslib.NS(NAME_SERVER) if kind == "NS" else dnslib.SOA(NAME_SERVER, f"hostmaster.{NAME_SERVER}", (1, 3600, 600, 86400, 60))
    reply.add_answer(dnslib.RR(name, getattr(dnslib.QTYPE, kind), rdata=data, ttl=3600))


class _Datagrams(asyncio.DatagramProtocol):
    """UDP: a long answer is cut and marked so."""

    def __init__(self, zone: Zone, view: str) -> None:
        self._zone, self._view = zone, view
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one question; what is no question gets no answer."""
        try:
            packed = answer(self._zone, self._view, data)
        except dnslib.DNSError:
            return
        if len(packed) > UDP_SIZE:
            short = dnslib.DNSRecord.parse(data).reply()
            short.header.tc = 1
            packed = bytes(short.pack())
        if self._transport is not None:
            self._transport.sendto(packed, addr)


class Server:
    """One view of the zone on one port."""

    def __init__(self, zone: Zone, view: str, host: str = "127.0.0.1") -> None:
        """Say what to serve."""
        self._zone, self._view, self._host = zone, view, host
        self._parts: list[Any] = []
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port, the same one for both protocols."""
        tcp = await asyncio.start_server(self._stream, self._host, 0)
        self.port = int(tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        try:
            udp, _unused = await loop.create_datagram_endpoint(lambda: _Datagrams(self._zone, self._view), (self._host, self.port))
        except OSError:  # the port is free for one protocol only: take another one
            tcp.close()
            await self.start()
            return
        self._parts = [tcp, udp]

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                packed = answer(self._zone, self._view, await reader.readexactly(length))
                writer.write(len(packed).to_bytes(2, "big") + packed)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, dnslib.DNSError):
            writer.close()

    def stop(self) -> None:
        """Stop listening."""
        for part in self._parts:
            part.close()
