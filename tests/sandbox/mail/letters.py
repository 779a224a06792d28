# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as text: writing them, reading their headers, and the reports that come back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message as Letter
from email.parser import BytesHeaderParser, BytesParser
from email.utils import format_datetime

from .addresses import normal

ENTRY = "X-Sandbox-Entry"  # one for each entry into a tenant: the tenant's name
REPORT = "X-Sandbox-Report"
HEADERS = BytesHeaderParser()
LINE = b"\r\n"


@dataclass(frozen=True)
class Read:
    """What was read from a message's text."""

    id: str
    headers: tuple[tuple[str, str], ...]
    body: str
    size: int

    def header(self, name: str) -> list[str]:
        """Return a header's values."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def first(self, name: str) -> str:
        """Return a header's first value, or ""."""
        return next(iter(self.header(name)), "")

    def entries(self, organization: str) -> int:
        """Count the entries into a tenant so far."""
        return sum(1 for value in self.header(ENTRY) if value.strip().lower() == organization.lower())

    @property
    def kind(self) -> str:
        """Return mail, ndr, oof, journal or calendar."""
        content = self.first("Content-Type").lower()
        if "report-type=delivery-status" in content or "multipart/report" in content:
            return "ndr"
        if self.first("Auto-Submitted").lower().startswith("auto-replied"):
            return "oof"
        if self.header("X-MS-Journal-Report"):
            return "journal"
        return "calendar" if "text/calendar" in content else "mail"


def read(content: bytes) -> Read:
    """Read a message."""
    letter = HEADERS.parsebytes(content)
    headers = tuple((key, " ".join(str(value).split())) for key, value in letter.items())
    _unused, _unused, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    id_ = next((value for key, value in headers if key.lower() == "message-id"), "")
    return Read(id_, headers, body.decode("utf-8", "surrogateescape"), len(content))


def write(headers: Sequence[tuple[str, str]], body: str) -> bytes:
    """Write a message."""
    lines = [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", *body.split("\n"), ""]).encode("utf-8", "surrogateescape")


def prepend(content: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """Put headers on top of a message."""
    return b"".join(f"{name}: {value}".encode() + LINE for name, value in headers) + content


def without(content: bytes, names: Sequence[str]) -> bytes:
    """Remove headers from a message."""
    wanted = tuple(name.lower().encode() + b":" for name in names)
    head, blank, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept: list[bytes] = []
    dropping = False
    for line in head.split(b"\n"):
        if line[:1] not in b" \t" or not line:
            dropping = line.lower().startswith(wanted) if wanted else False
        if not dropping:
            kept.append(line)
    return (b"\n".join(kept) + blank + body).replace(b"\n", LINE)


def received(peer: str, server: str, moment: datetime, sender: str = "") -> tuple[str, str]:
    """Return a Received header."""
    return "Received", f"from {sender or 'client'} ([{peer}]) by {server} with ESMTP; {format_datetime(moment)}"


@dataclass(frozen=True)
class Failure:
    """One recipient that a report is about."""

    address: str
    asked: str
    status: str
    text: str


def report(server: str, to: str, failures: Sequence[Failure], original: Read, moment: datetime, number: int) -> bytes:
    """Write a non-delivery report to a sender."""
    mark = f"=_report_{number}"
    texts = "\n".join(f"{failure.asked}: {failure.status} {failure.text}" for failure in failures)
    status = "\n\n".join(
        f"Original-Recipient: rfc822;{failure.asked}\nFinal-Recipient: rfc822;{failure.address}\nAction: failed\n"
        f"Status: {failure.status}\nDiagnostic-Code: smtp;550 {failure.status} {failure.text}"
        for failure in failures
    )
    kept = [(name, value) for name, value in original.headers if name.lower() in ("message-id", "from", "to", "subject", "date")]
    returned = "\n".join(f"{name}: {value}" for name, value in kept)
    parts = (
        ("text/plain; charset=utf-8", f"Your message couldn't be delivered.\n\n{texts}"),
        ("message/delivery-status", f"Reporting-MTA: dns;{server}\n\n{status}"),
        ("text/rfc822-headers", returned),
    )
    body = "".join(f"--{mark}\nContent-Type: {kind}\n\n{text}\n\n" for kind, text in parts) + f"--{mark}--"
    headers = [
        ("From", f"Mail Delivery <postmaster@{server}>"),
        ("To", to),
        ("Subject", f"Undeliverable: {original.first('Subject')}"),
        ("Message-ID", f"<report-{number}@{server}>"),
        ("Date", format_datetime(moment)),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{mark}"'),
    ]
    return write(headers, body)


def reported(content: bytes) -> tuple[str, list[Failure]]:
    """Return the message id that a report is about, and its failures; ("", []) for what is no failure report."""
    letter = BytesParser().parsebytes(content)
    if letter.get_content_type() != "multipart/report":
        return "", []
    failures: list[Failure] = []
    about = ""
    for part in letter.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            blocks = part.get_payload()
            failures = [_failure(block) for block in blocks if isinstance(block, Letter) and block.get("Final-Recipient")]
        elif kind in ("text/rfc822-headers", "message/rfc822") and not about:
            about = _returned_id(part)
    return about, [failure for failure in failures if failure.text]


def _failure(block: Letter) -> Failure:
    def bare(name: str) -> str:
        return normal(str(block.get(name) or "").partition(";")[2])

    failed = str(block.get("Action", "failed")).strip().lower() == "failed"
    address = bare("Final-Recipient")
    text = " ".join(str(block.get("Diagnostic-Code") or "failed").split())
    return Failure(address, bare("Original-Recipient") or address, str(block.get("Status") or "5.0.0").strip(), text if failed else "")


def _returned_id(part: Letter) -> str:
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Letter):
        return str(inner[0].get("Message-ID") or "").strip()
    match = re.search(r"^Message-ID:\s*(\S+)", str(inner), re.IGNORECASE | re.MULTILINE)
    return match.group(1) if match else ""
