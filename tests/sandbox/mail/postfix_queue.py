# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue file of Postfix holds: which message, and which of its recipients are still to be served. Pure but for reading.

A file is a row of records: a type, a length in groups of seven bits, the low ones first, and the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# In the order in which a message passes them.
ACTIVE = ("maildrop", "incoming", "active")
QUEUES = (*ACTIVE, "deferred")
ATTRIBUTE, ORIGINAL, RECIPIENT, DONE, LINE, PART, END = b"A", b"O", b"R", b"D", b"N", b"L", b"E"
ASKED = re.compile(r"dsn_orig_rcpt=rfc822;(.*)", re.IGNORECASE)
MESSAGE_ID = re.compile(r"^Message-ID:\s*(<[^>]*>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Branch:
    """One recipient of a file: where it goes, what it was before the host mapped it, and whom the sender wrote."""

    address: str
    original: str
    asked: str


@dataclass
class Envelope:
    """One file: its message, and the branches that are not done."""

    message_id: str = ""
    branches: list[Branch] = field(default_factory=list)


def files(queue: Path, names: tuple[str, ...] = QUEUES) -> Iterator[Path]:
    """Each queue file, one queue after the other as they are asked for; a file may move on before it is read."""
    for name in names:
        yield from (path for path in (queue / name).rglob("*") if path.is_file())


def held(queue: Path) -> dict[str, Envelope]:
    """All files by their name. They are read twice: what went back to an earlier queue meanwhile is met the second time."""
    found: dict[str, Envelope] = {}
    for _unused in range(2):
        for path in files(queue):
            try:
                found[path.name] = envelope(path.read_bytes())
            except FileNotFoundError:
                continue  # it moved on, or is done
    return found


def envelope(content: bytes) -> Envelope:
    """Read a file; one that is still being written ends where it does."""
    found, asked, original, lines = Envelope(), "", "", []
    for kind, data in _records(content):
        text = data.decode("utf-8", "replace")
        if kind == ATTRIBUTE and (match := ASKED.fullmatch(text)):
            asked = match.group(1)
        elif kind == ORIGINAL:
            original = text
        elif kind in (RECIPIENT, DONE):
            if kind == RECIPIENT:
                found.branches.append(Branch(text.lower(), (original or text).lower(), (asked or original or text).lower()))
            asked = original = ""
        elif kind in (LINE, PART):
            lines.append(text + "\n" * (kind == LINE))
    header = "".join(lines).partition("\n\n")[0]
    match = MESSAGE_ID.search(header)
    found.message_id = match.group(1) if match else ""
    return found


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place < len(content):
        kind, length, shift, place = content[place : place + 1], 0, 0, place + 1
        while place < len(content):
            byte, place = content[place], place + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if kind == END or place + length > len(content):
            return
        yield kind, content[place : place + length]
        place += length
