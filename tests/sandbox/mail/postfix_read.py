# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mailboxes a Postfix instance forwards, read from its own files: whoever wrote them, the account must know. Pure but for reading."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .hoststate import Forward

TEXT_TYPES = {"texthash", "hash", "btree", "lmdb", "cdb"}  # an index lies beside the text


def parameter(main_cf: str, name: str) -> str:
    """Return a parameter of main.cf, continued lines joined; "" when it is not set. The last one counts."""
    joined = re.sub(r"\n[ \t]+", " ", "\n".join(line for line in main_cf.splitlines() if not line.startswith("#")))
    found = re.findall(rf"^{re.escape(name)}[ \t]*=(.*)$", joined, re.MULTILINE)
    return found[-1].strip() if found else ""


def paths(main_cf: str, place: Path) -> list[Path]:
    """Return the text files of virtual_alias_maps in the order in which they are looked up."""
    found = []
    for entry in re.split(r"[,\s]+", parameter(main_cf, "virtual_alias_maps")):
        kind, colon, path = entry.partition(":")
        if colon and kind in TEXT_TYPES:
            found.append(Path(path.replace("$config_directory", str(place)).replace("${config_directory}", str(place))))
    return found


def table(text: str) -> dict[str, list[str]]:
    """Return a map's entries; the first of two equal keys counts, a line that begins with white space continues the one before."""
    found: dict[str, list[str]] = {}
    joined = re.sub(r"\n[ \t]+", " ", "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#")))
    for line in joined.splitlines():
        key, _unused, value = line.strip().partition(" ") if " " in line.strip() else line.strip().partition("\t")
        targets = [target.strip().lower() for target in value.replace("\t", " ").split(",") if target.strip()]
        if targets:
            found.setdefault(key.strip().lower(), targets)
    return found


def forwards(mailboxes: Iterable[str], tables: list[dict[str, list[str]]], own: set[str]) -> dict[str, Forward]:
    """Return each mailbox's forward to an address outside the host's own domains."""
    found: dict[str, Forward] = {}
    for mailbox in mailboxes:
        targets = next((entries[mailbox] for entries in tables if mailbox in entries), [])
        away = [target for target in targets if target.rpartition("@")[2] not in own]
        if away:
            found[mailbox] = Forward(away[0], mailbox in targets)
    return found
