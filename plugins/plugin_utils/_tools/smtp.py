# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Hands one message over by SMTP, and says how far it came. Nothing is ever sent twice: a broken connection is told, not mended."""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_settings import truth

PORT, SUBMISSION_PORT = 25, 587
SUBMISSION_HOST = "smtp.office365.com"
TIMEOUT = 60.0
# In order; `account` when there is nobody to sign in as, so that nothing was tried.
STAGES = ("account", "connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "accepted")
Row = dict[str, Any]


@dataclass(frozen=True)
class Letter:
    """What to hand over, and where. host: as it was asked for; target: where that is really reached."""

    host: str
    target: tuple[str, int]
    mail_from: str
    recipient: str
    message: str
    ehlo: str
    timeout: float
    user: str = ""
    password: str = field(default="", repr=False)
    trust: ssl.SSLContext | None = None


class Stop(Exception):
    """The conversation ended at this stage."""

    def __init__(self, stage: str, code: int, text: str, *, uncertain: bool = False) -> None:
        super().__init__(text)
        self.stage, self.code, self.text, self.uncertain = stage, code, text, uncertain


def run(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
    """Hand one message over.

    parameters: host, port, mail_from (empty: the null sender), recipient, message, overrides ({name or address: host:port}),
    ehlo, timeout (seconds); submission: sign in with the session's account at submission_host, submission_port. Answers {stage, code, text,
    accepted, uncertain, host}: stage is the one that ended it, code and text the other side's words (code 0: our own),
    uncertain: the message may have been taken although no answer came. Raises InvalidParameter.
    """
    letter = _letter(parameters, options)
    if parameters.get("submission") and not (letter.user and letter.password):
        text = "there is no submission account: set ansible_exchange_submission_user and ansible_exchange_submission_password"
        return _told(letter, Stop("account", 0, text))
    told = _Talk(letter).run(encrypt=True)
    if told.stage == "starttls" and not letter.user:
        # Between mail servers encryption is a courtesy: they go on without it, and so does what stands for one.
        told = _Talk(letter).run(encrypt=False)
    return _told(letter, told)


def _told(letter: Letter, told: Stop) -> Row:
    return {
        "stage": told.stage,
        "code": told.code,
        "text": told.text,
        "accepted": told.stage == "accepted",
        "uncertain": told.uncertain,
        "host": letter.host,
    }


def _letter(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Letter:
    submission = bool(parameters.get("submission"))
    host = str((parameters.get("submission_host") or SUBMISSION_HOST) if submission else parameters.get("host") or "")
    port = int((parameters.get("submission_port") or SUBMISSION_PORT) if submission else parameters.get("port") or PORT)
    recipient, sender = str(parameters.get("recipient") or ""), str(parameters.get("mail_from") or "")
    for name, value in (("host", host), ("recipient", recipient)):
        if not value:
            raise InvalidParameter(f"'{name}' is empty.", cmdlet="smtp", remedy="Name it.")
    for value in (host, recipient, sender):
        if any(mark in value for mark in "\r\n<> ") or not value.isascii():
            raise InvalidParameter(f"'{value!r}' can be no part of an SMTP command.", cmdlet="smtp")
    return Letter(
        host,
        target_of(host, port, parameters.get("overrides") or {}),
        sender,
        recipient,
        str(parameters.get("message") or ""),
        str(parameters.get("ehlo") or ""),
        float(parameters.get("timeout") or TIMEOUT),
        user=str(options.get("submission_user") or "") if submission else "",
        password=str(options.get("submission_password") or "") if submission else "",
        trust=_trust(options, strict=submission),
    )


def target_of(host: str, port: int, overrides: Mapping[str, Any]) -> tuple[str, int]:
    """Where a host is reached: itself, or what the overrides say; raises InvalidParameter for an override that is no host:port."""
    known = {str(name).casefold().rstrip("."): str(value) for name, value in overrides.items()}
    name = host.casefold().strip("[]").rstrip(".")
    if name not in known:
        return host.strip("[]").rstrip("."), port
    there, colon, number = known[name].rpartition(":")
    if not colon or not number.isdigit() or not there:
        raise InvalidParameter(f"'{known[name]}', where {host} shall be reached, is no host:port.", cmdlet="smtp")
    return there.strip("[]"), int(number)


def _trust(options: Mapping[str, Any], *, strict: bool) -> ssl.SSLContext:
    """The session's own trust where a password follows; else none, as between mail servers."""
    context = ssl.create_default_context(cafile=str(options.get("ca_cert") or "") or None) if strict else ssl.create_default_context()
    if not strict or truth(options.get("validate_certs")) is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Wire(smtplib.SMTP):
    """smtplib's client, reached where the letter says while certificates are still checked for the host that was asked for."""

    def __init__(self, letter: Letter) -> None:
        self._target = letter.target
        super().__init__(letter.host, timeout=letter.timeout, local_hostname=letter.ehlo or "unnamed")
        if not letter.ehlo:
            self.local_hostname = self._own_name()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection(self._target, timeout)

    def _own_name(self) -> str:
        name = socket.gethostname()
        address = self.sock.getsockname()[0] if self.sock else "127.0.0.1"
        return name if "." in name else f"[IPv6:{address}]" if ":" in address else f"[{address}]"


class _Talk:
    """One conversation. `stage` is where it is."""

    def __init__(self, letter: Letter) -> None:
        self._letter = letter
        self.stage = "connect"
        self._sent = False

    def run(self, *, encrypt: bool) -> Stop:
        """Go through the stages; the stop at which it ended."""
        wire: _Wire | None = None
        try:
            wire = _Wire(self._letter)
            self._greet(wire)
            if encrypt and wire.has_extn("starttls"):
                self._encrypt(wire)
            if self._letter.user:
                self._sign_in(wire)
            self._hand_over(wire)
        except Stop as stop:
            return stop
        except smtplib.SMTPResponseException as error:
            return Stop(self.stage, error.smtp_code, _words(error.smtp_error))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return Stop(self.stage, 0, _reason(error), uncertain=self._sent)
        finally:
            _leave(wire)
        raise AssertionError("the conversation ends in a stop")

    def _check(self, code: int, said: bytes | str) -> None:
        if not 200 <= code < 400:
            raise Stop(self.stage, code, _words(said))

    def _greet(self, wire: _Wire) -> None:
        self.stage = "ehlo"
        code, said = wire.ehlo()
        if code in {500, 502, 504}:
            code, said = wire.helo()
        self._check(code, said)

    def _encrypt(self, wire: _Wire) -> None:
        self.stage = "starttls"
        self._check(*wire.starttls(context=self._letter.trust))
        self._greet(wire)

    def _sign_in(self, wire: _Wire) -> None:
        self.stage = "auth"
        if not isinstance(wire.sock, ssl.SSLSocket) and not _loopback(wire):
            raise Stop(self.stage, 0, "the host offers no encryption (STARTTLS), so the password was not sent")
        wire.login(self._letter.user, self._letter.password)

    def _hand_over(self, wire: _Wire) -> None:
        self.stage = "mail"
        self._check(*wire.mail(self._letter.mail_from))
        self.stage = "rcpt"
        self._check(*wire.rcpt(self._letter.recipient))
        self.stage = "data"
        self._check(*wire.docmd("DATA"))
        lines = self._letter.message.replace("\r\n", "\n").removesuffix("\n").split("\n")
        body = "".join(f"{'.' if line.startswith('.') else ''}{line}\r\n" for line in lines) + ".\r\n"
        # From here on silence may mean that the message was taken.
        self._sent = True
        wire.send(body.encode("utf-8", "surrogateescape"))
        code, said = wire.getreply()
        self._check(code, said)
        raise Stop("accepted", code, _words(said))


def _loopback(wire: _Wire) -> bool:
    return wire.sock is not None and ipaddress.ip_address(wire.sock.getpeername()[0].partition("%")[0]).is_loopback


def _leave(wire: _Wire | None) -> None:
    """Say goodbye where somebody still listens; what was said before stands either way."""
    if wire is None:
        return
    with contextlib.suppress(OSError, smtplib.SMTPException):
        wire.docmd("QUIT")
    wire.close()


def _words(said: bytes | str) -> str:
    return " ".join((said.decode("utf-8", "replace") if isinstance(said, bytes) else said).split())


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the connection was closed"
    return _words(str(getattr(error, "strerror", None) or error or type(error).__name__))
