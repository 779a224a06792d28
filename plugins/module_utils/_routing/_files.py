# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The two files that people write: the source's address list and the waves. CSV; every problem at once, with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._checks import address_fault, domain_fault, domain_of

KINDS = ("mailbox", "alias", "list", "resource", "forward", "catch_all")
# These have a mailbox at the source, from which a forward leads to the tenant once their home is there.
FORWARDED = frozenset({"mailbox", "forward"})
HOMES = ("source", "tenant")


@dataclass(frozen=True)
class Entry:
    """One address of the source. home: where its mail is read, `source` or `tenant`."""

    address: str
    kind: str
    owner: str
    home: str
    line: int


@dataclass(frozen=True)
class WaveUser:
    """One user of a wave. line: its line in the waves file; 0 when it was given as a variable."""

    address: str
    wave: str = ""
    line: int = 0

    def where(self, name: str) -> str:
        """The user for a message: the address, and its line where it has one."""
        return f"{self.address} ({name} line {self.line})" if self.line else self.address


@dataclass(frozen=True)
class Table:
    """A CSV file as read: rows with their line numbers, and what is wrong with its form."""

    rows: tuple[tuple[int, Mapping[str, str]], ...]
    problems: tuple[str, ...]


def read_table(text: str, name: str, needed: tuple[str, ...], known: tuple[str, ...]) -> Table:
    """Rows under lower-case column names. Commas, or semicolons when the header has no comma; a BOM does not count."""
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    mark = ";" if ";" in header and "," not in header else ","
    records, problems = _records(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), name)
    if not records:
        return Table((), tuple(problems or [f"{name}: is empty; its first line names the columns {', '.join(known)}."]))
    columns = [column.strip().casefold() for column in records[0][1]]
    lacking = [column for column in needed if column not in columns]
    if lacking:
        wanted = ", ".join(known)
        problems.append(f"{name} line {records[0][0]}: lacks the column {', '.join(lacking)}; the first line names the columns {wanted}.")
        return Table((), tuple(problems))
    rows = []
    for line, fields in records[1:]:
        if len(fields) != len(columns):
            problems.append(f"{name} line {line}: has {len(fields)} fields, the first line names {len(columns)}; check the commas.")
        else:
            rows.append((line, dict(zip(columns, (field.strip() for field in fields), strict=True))))
    return Table(tuple(rows), tuple(problems))


def _records(reader: Any, name: str) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """Records with the line on which each begins; a quoted field may hold line ends, blank lines do not count."""
    records: list[tuple[int, list[str]]] = []
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            return records, [f"{name} line {start}: is not CSV: {error}; check the quotation marks of this line."]
        if fields is None:
            return records, []
        if any(field.strip() for field in fields):
            records.append((start, fields))


def read_source_list(text: str, name: str) -> tuple[dict[str, Entry], list[str]]:
    """The source's addresses, by folded address."""
    table = read_table(text, name, ("address", "kind"), ("address", "kind", "owner", "home"))
    entries: dict[str, Entry] = {}
    problems = list(table.problems)
    for line, row in table.rows:
        home = row.get("home", "").casefold() or "source"
        entry = Entry(row["address"].casefold(), row["kind"].casefold(), row.get("owner", ""), home, line)
        faults = _entry_faults(entry)
        earlier = entries.get(entry.address)
        if earlier:
            faults.append(f"'{entry.address}' stands on line {earlier.line} already; keep one of the two.")
        problems += [f"{name} line {line}: {fault}" for fault in faults]
        if not faults:
            entries[entry.address] = entry
    return entries, problems


def _entry_faults(entry: Entry) -> list[str]:
    faults = []
    if entry.kind not in KINDS:
        faults.append(f"kind '{entry.kind}' is none of {', '.join(KINDS)}.")
    if entry.home not in HOMES:
        faults.append(f"home '{entry.home}' is none of {', '.join(HOMES)}.")
    domain = domain_of(entry.address)
    catching = entry.kind == "catch_all" and entry.address.partition("@")[0] in {"", "*"}
    fault = domain_fault(domain) if catching else address_fault(entry.address)
    if fault:
        faults.append(f"'{entry.address}' {fault}.")
    return faults


def read_waves(text: str, name: str) -> tuple[list[WaveUser], list[str]]:
    """Every user of every wave, in the file's order."""
    table = read_table(text, name, ("user", "wave"), ("user", "wave"))
    users: dict[str, WaveUser] = {}
    waves: dict[str, WaveUser] = {}
    problems = list(table.problems)
    for line, row in table.rows:
        user = WaveUser(row["user"].casefold(), row["wave"], line)
        faults = []
        fault = address_fault(user.address)
        if fault:
            faults.append(f"user '{user.address}' {fault}.")
        spelled = waves.setdefault(user.wave.casefold(), user)
        if spelled.wave != user.wave:
            faults.append(f"wave '{user.wave}' differs from '{spelled.wave}' on line {spelled.line} in case alone; write both alike.")
        if not user.wave:
            faults.append(f"user '{user.address}' has no wave; name one.")
        earlier = users.get(user.address)
        if earlier and earlier.wave == user.wave:
            faults.append(f"user '{user.address}' stands on line {earlier.line} already; keep one of the two.")
        elif earlier:
            faults.append(f"user '{user.address}' is in wave '{earlier.wave}' on line {earlier.line} and in wave '{user.wave}'; keep one.")
        problems += [f"{name} line {line}: {fault}" for fault in faults]
        if not faults:
            users[user.address] = user
    return list(users.values()), problems
