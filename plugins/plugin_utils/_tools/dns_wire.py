# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""One question to one name server, with every way in which it can fail kept apart from "there is none"."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.resolver
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

FOUND, EMPTY, NXDOMAIN = "found", "empty", "nxdomain"
# What a server that answered has told; every other status is an error.
TOLD = frozenset({FOUND, EMPTY, NXDOMAIN})
TIMEOUT, UNREACHABLE, MALFORMED = "timeout", "unreachable", "malformed"
PORT = 53
ATTEMPTS = 2
PAYLOAD = 1232
LONGEST_CHAIN = 8
# Seconds for which a server that kept silent is not asked again by the next tasks of a run.
SILENCE = 30.0


@dataclass(frozen=True)
class Server:
    """A name server. address: IPv4 or IPv6."""

    address: str
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """What a server said. ttl: seconds. authoritative: it said so itself. error: one phrase, empty when it answered."""

    status: str
    records: tuple[str, ...] = ()
    ttl: int = 0
    authoritative: bool = False
    error: str = ""

    @property
    def told(self) -> bool:
        """True when the server answered, be it that there is nothing."""
        return self.status in TOLD


def server_of(text: str) -> Server:
    """A server from `address`, `address:port` or `[address]:port`; raises InvalidParameter."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text.strip(), str(PORT)
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
        number = int(port)
    except ValueError:
        number, address = 0, ""
    if not 0 < number < 65536:
        raise InvalidParameter(f"'{text}' is no name server.", remedy="Give address:port, such as 192.0.2.53:53.", cmdlet="dns")
    return Server(address, number)


def system_servers() -> tuple[tuple[Server, ...], str]:
    """The system's own resolvers, or why there are none."""
    try:
        found = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError) as error:
        return (), f"the system names no resolver: {_line(error)}"
    servers = tuple(Server(one, found.port) for one in found.nameservers if isinstance(one, str))
    return servers, "" if servers else "the system names no resolver"


class Silences:
    """Which servers kept silent, and when. monotonic: seconds, replaced in tests."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[Server, tuple[float, Answer]] = {}
        self._lock = threading.Lock()

    def of(self, server: Server) -> Answer | None:
        """How it kept silent not long ago; None when it did not."""
        with self._lock:
            since, answer = self._kept.get(server, (0.0, None))
            return answer if answer and self._monotonic() - since < SILENCE else None

    def keep(self, server: Server, answer: Answer) -> None:
        """It kept silent now."""
        with self._lock:
            self._kept[server] = (self._monotonic(), answer)


class Asker:
    """Asks servers; one that kept silent is not waited for again. timeout: seconds for each attempt.

    silences: shared by the tasks of a run, so that a network without DNS costs its time once; by default its own.
    """

    def __init__(self, timeout: float, silences: Silences | None = None) -> None:
        self._timeout = timeout
        self._silences = silences or Silences()

    def ask(self, server: Server, name: str, kind: str) -> Answer:
        """One question. An alias is followed, where its target is not in the answer by asking the same server for it."""
        asked = name
        for _unused in range(LONGEST_CHAIN):
            answer, target = self._once(server, asked, kind)
            if answer.status != EMPTY or target == asked:
                return answer
            asked = target
        return Answer(MALFORMED, error=f"{server}: too many aliases from {name} on")

    def first(self, servers: Iterable[Server], name: str, kind: str) -> Answer:
        """The first server that tells anything; else the last error."""
        found = Answer(UNREACHABLE, error="there is no name server to ask")
        for server in servers:
            found = self.ask(server, name, kind)
            if found.told:
                return found
        return found

    def _once(self, server: Server, name: str, kind: str) -> tuple[Answer, str]:
        silent = self._silences.of(server)
        if silent:
            return silent, name
        answer, target = self._query(server, name, kind)
        if answer.status in {TIMEOUT, UNREACHABLE}:
            self._silences.keep(server, answer)
        return answer, target

    def _query(self, server: Server, name: str, kind: str) -> tuple[Answer, str]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                question = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD)
                reply, _unused = dns.query.udp_with_fallback(question, server.address, self._timeout, server.port)
            except dns.exception.Timeout:
                if attempt == ATTEMPTS:
                    return Answer(TIMEOUT, error=f"{server} did not answer within {self._timeout:g} s"), name
            except OSError as error:
                return Answer(UNREACHABLE, error=f"{server} cannot be reached: {_line(error)}"), name
            except dns.exception.DNSException as error:
                return Answer(MALFORMED, error=f"{server} gave no proper answer about {name}: {_line(error)}"), name
            else:
                return read(server, reply, name, kind)
        raise AssertionError("the last attempt returns")


def read(server: Server, reply: dns.message.Message, name: str, kind: str) -> tuple[Answer, str]:
    """What a reply says, and the name at the end of its aliases."""
    ours, code = bool(reply.flags & dns.flags.AA), reply.rcode()
    if code == dns.rcode.NXDOMAIN:
        return Answer(NXDOMAIN, authoritative=ours), name
    if code != dns.rcode.NOERROR:
        status = dns.rcode.to_text(code).lower()
        return Answer(status, error=f"{server} answered {status.upper()} about {name}"), name
    if not isinstance(reply, dns.message.QueryMessage):
        return Answer(MALFORMED, error=f"{server} answered something else than the question about {name}"), name
    try:
        chain = reply.resolve_chaining()
    except dns.exception.DNSException as error:
        return Answer(MALFORMED, error=f"{server} gave no proper answer about {name}: {_line(error)}"), name
    if chain.answer is None:
        aliased = bool(chain.cnames)
        return Answer(EMPTY, authoritative=ours), chain.canonical_name.to_text(omit_final_dot=True) if aliased else name
    records = tuple(_text(rdata, kind) for rdata in chain.answer)
    return Answer(FOUND, records, int(chain.minimum_ttl), ours), name


def _text(rdata: Any, kind: str) -> str:
    if kind == "MX":
        return f"{rdata.preference} {host_of(rdata.exchange.to_text())}"
    if kind == "TXT":
        return b"".join(rdata.strings).decode("utf-8", "replace")
    return host_of(rdata.to_text())


def host_of(name: str) -> str:
    """A host's name, folded and without the final dot; `.` of a null MX stays."""
    return name.casefold().rstrip(".") or "."


def _line(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())


def parents(domain: str) -> Sequence[str]:
    """The domain and those above it, down to two labels."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
