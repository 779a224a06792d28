# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP door on aiosmtpd that also takes DSN parameters, so that the recipient whom the sender wrote travels with each copy."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from .addresses import normal

if TYPE_CHECKING:
    from .gate import Gate

ORCPT = re.compile(r"\s+ORCPT=(?:rfc822;)?(\S+)", re.IGNORECASE)
DSN = re.compile(r"\s+(?:RET|ENVID|AUTH|NOTIFY|ORCPT)=\S+", re.IGNORECASE)
XTEXT = re.compile(r"\+([0-9A-F]{2})")
SIZE_LIMIT = 32 << 20
# Real seconds until a silent session ends. A letter that the gate holds back is silent too, and must not be put off meanwhile.
PATIENCE = 600
# aiosmtpd logs every command, and a warning about a name of its own at each sign-in.
logging.getLogger("mail.log").setLevel(logging.ERROR)


@dataclass
class Arrival:
    """A message at a door. ``recipients``: (address, the recipient whom the sender wrote)."""

    peer: str
    sender: str
    recipients: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    user: str = ""  # who signed in


class Keeper(Protocol):
    """What stands behind a door. Each answer is an SMTP reply line, "" for yes."""

    async def recipient(self, arrival: Arrival, address: str, asked: str) -> str:
        """Answer RCPT."""

    async def message(self, arrival: Arrival) -> str:
        """Answer DATA and take the message."""

    def login(self, user: str, password: str) -> bool:
        """Say whether an account may sign in."""


class _Protocol(SMTP):
    """aiosmtpd's session with the parameters of RFC 3461."""

    asked = ""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the name that aiosmtpd calls
        """Take MAIL; RET, ENVID and AUTH are understood and not used."""
        await super().smtp_MAIL(DSN.sub("", arg) if arg else arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - the name that aiosmtpd calls
        """Take RCPT; ORCPT is kept, NOTIFY is not used."""
        found = ORCPT.search(arg or "")
        self.asked = XTEXT.sub(lambda match: chr(int(match.group(1), 16)), found.group(1)) if found else ""
        await super().smtp_RCPT(DSN.sub("", arg) if arg else arg)


class _Handler:
    """aiosmtpd's hooks, turned into the keeper's questions."""

    def __init__(self, keeper: Keeper, name: str, gate: Gate | None, *, holds: bool) -> None:
        self._keeper, self._name, self._gate, self._holds = keeper, name, gate, holds

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802 - the name that aiosmtpd calls
        """Offer DSN."""
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", "250 ENHANCEDSTATUSCODES"]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Ask about one recipient."""
        arrival = self._arrival(session, envelope)
        arrival.recipients = list(envelope.rcpt_tos)
        asked = normal(server.asked or address)
        reply = await self._keeper.recipient(arrival, normal(address), asked)
        if reply:
            return reply
        envelope.rcpt_tos.append((normal(address), asked))
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Hand the message over."""
        arrival = self._arrival(session, envelope)
        arrival.recipients, arrival.content = list(envelope.rcpt_tos), bytes(envelope.content)
        reply = await self._gate.before(arrival, self._name, holds=self._holds) if self._gate else ""
        reply = reply or await self._keeper.message(arrival)
        if not reply and self._gate:
            reply = self._gate.after(arrival, self._name)
        return reply or "250 2.6.0 Queued"

    @staticmethod
    def _arrival(session: Any, envelope: Any) -> Arrival:
        sender = normal(str(envelope.mail_from or "").strip("<>"))
        return Arrival(str(session.peer[0]), sender, user=str(session.auth_data or "") if session.authenticated else "")

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Check an account."""
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        user = data.login.decode("utf-8", "replace")
        right = self._keeper.login(user, data.password.decode("utf-8", "replace"))
        return AuthResult(success=right, handled=right, auth_data=user)  # a refusal is answered by aiosmtpd


class Door:
    """One listening address."""

    def __init__(self, keeper: Keeper, host: str, name: str, gate: Gate | None = None, *, holds: bool = False) -> None:
        """Say who answers, where, and under which name; what control does to messages; and whether it holds letters back."""
        self._handler, self._host, self._name = _Handler(keeper, name, gate, holds=holds), host, name
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def endpoint(self) -> str:
        """Return address:port."""
        return f"{self._host}:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen on a port, by default a free one."""
        loop = asyncio.get_running_loop()
        factory: Callable[[], SMTP] = lambda: _Protocol(  # noqa: E731 - a typed factory
            self._handler,
            hostname=self._name,
            ident="ESMTP",
            data_size_limit=SIZE_LIMIT,
            auth_require_tls=False,
            authenticator=self._handler.authenticate,
            timeout=PATIENCE,
            loop=loop,
        )
        self._server = await loop.create_server(factory, self._host, port or self.port, backlog=512)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Stop listening; the port is remembered."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def open(self) -> bool:
        """Whether it listens."""
        return self._server is not None
