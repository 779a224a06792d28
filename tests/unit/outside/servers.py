# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on loopback that fail in one way each: name servers and mail hosts as a script has them."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import final

import dnslib  # type: ignore[import-untyped] # ships no type hints

# What a name server does with a question: an answer's bytes, or None for silence.
Reaction = Callable[[bytes], bytes | None]


def refusing(code: str) -> Reaction:
    """Answer with this code, such as SERVFAIL."""

    def react(data: bytes) -> bytes:
        reply = dnslib.DNSRecord.parse(data).reply()
        reply.header.rcode = getattr(dnslib.RCODE, code)
        return bytes(reply.pack())

    return react


def silent(_data: bytes) -> None:
    """Say nothing."""


def rubbish(data: bytes) -> bytes:
    """Answer with bytes that are no message."""
    return data[:2] + b"\xff"


def holding(records: Mapping[tuple[str, str], list[str]], *, own: bool) -> Reaction:
    """Answer from these records in zone-file form by (name, type); own: with authority. Other names do not exist."""

    def react(data: bytes) -> bytes:
        request = dnslib.DNSRecord.parse(data)
        name, kind = str(request.q.qname).rstrip(".").lower(), str(dnslib.QTYPE[request.q.qtype])
        reply = request.reply(aa=int(own), ra=int(not own))
        for text in records.get((name, kind), []):
            reply.add_answer(*dnslib.RR.fromZone(text))
        if not any(known == name for known, _unused in records):
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        return bytes(reply.pack())

    return react


@contextmanager
def name_server(react: Reaction) -> Iterator[str]:
    """A name server over UDP; its address:port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, peer = listener.recvfrom(4096)
                except TimeoutError:
                    continue
                answer = react(data)
                if answer is not None:
                    listener.sendto(answer, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


GREETING, END = "greeting", "end of the message"
FINE = {GREETING: "220 here", "EHLO": "250 here", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", END: "250 2.0.0 taken"}


@final
class MailHost(AbstractContextManager["MailHost"]):
    """Answers commands as scripted; an empty answer drops the connection. `heard`: the commands; `taken`: whole messages."""

    def __init__(self, **script: str) -> None:
        self.script = {**FINE, **{key.replace("_", " "): value for key, value in script.items()}}
        self.heard: list[str] = []
        self.taken: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    @property
    def endpoint(self) -> str:
        """Its address:port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> MailHost:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._over.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _unused = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(10)
            with connection, connection.makefile("rwb") as stream:
                try:
                    self._converse(stream)
                except OSError:
                    continue  # the client is gone

    def _converse(self, stream: io.BufferedRWPair) -> None:
        step = GREETING
        while self._say(stream, step):
            if step == "DATA":
                self.taken.append(self._message(stream))
                step = END
                continue
            line = stream.readline().decode().strip()
            if not line or line == "QUIT":
                return
            verb, blank, rest = line.partition(" ")
            step = verb.upper()
            self.heard.append(f"{step}{blank}{rest}")

    def _say(self, stream: io.BufferedRWPair, step: str) -> bool:
        answer = self.script.get(step, "502 what?")
        if answer:
            stream.write(answer.replace("\n", "\r\n").encode() + b"\r\n")
            stream.flush()
        return bool(answer)

    @staticmethod
    def _message(stream: io.BufferedRWPair) -> bytes:
        lines = []
        while (line := stream.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        return b"".join(lines)
