# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Postfix's files as text: the map of forwards, main.cf's list of maps, and what postmap prints. Pure: text in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ._forwarding import Forward, domain_of, is_address, plain

MARK = "# Made by mailops.exchange.postfix_forwarding. Other forwards belong into a map of their own.\n"
PARAMETER = "virtual_alias_maps"


@dataclass(frozen=True)
class Entry:
    """A logical line of a map. text: its bytes as they stand; key "" for comments and blank lines; number: its first line, from 1."""

    text: str
    number: int
    key: str = ""
    targets: tuple[str, ...] = ()

    @property
    def forward(self) -> Forward | None:
        """The forward that this line is, if it is one of ours in form: one target in another domain, and perhaps the address itself."""
        others = [target for target in self.targets if target != self.key]
        if not is_address(self.key) or len(others) != 1 or len(self.targets) > 2:
            return None
        if not is_address(others[0]) or domain_of(others[0]) == domain_of(self.key):
            return None
        return Forward(self.key, others[0], len(self.targets) == 2)


def entries(text: str) -> list[Entry]:
    """The logical lines of a map: a line that begins with white space continues the entry before, comments between them or not."""
    found: list[Entry] = []
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1):
        bare_line = line.strip()
        at = _continued(found) if line[0] in " \t" and bare_line and not bare_line.startswith("#") else -1
        if at >= 0:
            whole = "".join(entry.text for entry in found[at:]) + line
            found[at:] = [Entry(whole, found[at].number, found[at].key, found[at].targets + _targets(bare_line))]
        elif not bare_line or bare_line.startswith("#"):
            found.append(Entry(line, number))
        else:
            key, *rest = re.split(r"[ \t]+", bare_line, maxsplit=1)
            found.append(Entry(line, number, key.lower(), _targets(rest[0] if rest else "")))
    return found


def _continued(found: list[Entry]) -> int:
    """The place of the entry that a continuation line belongs to; -1 when there is none."""
    return next((at for at in range(len(found) - 1, -1, -1) if found[at].key), -1)


def _targets(text: str) -> tuple[str, ...]:
    return tuple(found for found in (plain(part) for part in re.split(r"[,\s]+", text)) if found)


def problems(text: str, path: str) -> list[str]:
    """What must not stand in our map: catch-alls and whole domains (S6), keys twice and keys without a value (S7)."""
    found, seen = [], set()
    for entry in entries(text):
        where = f"{path}, line {entry.number}"
        if not entry.key:
            continue
        if entry.key in seen:
            found.append(f"{where}: {entry.key} stands twice, and only the first acts; remove one (S7).")
        seen.add(entry.key)
        if not entry.targets:
            found.append(f"{where}: {entry.key} has no value, so it is not forwarded; complete or remove the line (S7).")
        if "@" not in entry.key or entry.key.startswith("@"):
            found.append(f"{where}: '{entry.key}' takes a whole domain's mail; move it to a map of its own or remove it (S6).")
    return found


def forwards(text: str) -> dict[str, Forward]:
    """The forwards of our form in a map, by address; the first of two counts, as for Postfix."""
    found: dict[str, Forward] = {}
    for entry in entries(text):
        forward = entry.forward
        if forward:
            found.setdefault(forward.address, forward)
    return found


def others(text: str) -> dict[str, Entry]:
    """The entries of another form, by key: somebody else's work in our map."""
    return {entry.key: entry for entry in entries(text) if entry.key and not entry.forward}


def value(forward: Forward) -> str:
    """A forward's right-hand side: an address that maps to itself ends there, so it keeps a copy."""
    return f"{forward.address}, {forward.target}" if forward.keep else forward.target


def edited(text: str, after: Mapping[str, Forward]) -> str:
    """The map with exactly these forwards of our form; every other line keeps its bytes and its place, new ones come in order."""
    known = forwards(text)
    fresh = [f"{name} {value(forward)}\n" for name, forward in sorted(after.items(), reverse=True) if name not in known]
    lines: list[str] = []
    for entry in entries(text or MARK):
        forward = entry.forward
        if not forward:
            lines.append(entry.text)
            continue
        while fresh and fresh[-1] < f"{forward.address} ":
            lines.append(fresh.pop())
        asked = after.get(forward.address)
        if asked:
            lines.append(entry.text if asked == forward else f"{asked.address} {value(asked)}\n")
    # Before a last line that does not end, so that taking them away again leaves every byte as it was.
    at = len(lines) - 1 if lines and not lines[-1].endswith("\n") else len(lines)
    return "".join(lines[:at] + fresh[::-1] + lines[at:])


def bare(text: str) -> bool:
    """Whether nothing but our mark stands in the map, so that it may go."""
    return text in ("", MARK)


def content(text: str) -> dict[str, tuple[str, ...]]:
    """What a map of this text answers: targets by key."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries(text):
        if entry.key and entry.targets:
            found.setdefault(entry.key, entry.targets)
    return found


def answers(output: str) -> dict[str, tuple[str, ...]]:
    """What `postmap -s` and `postmap -q -` print, as targets by key."""
    found = {}
    for line in output.splitlines():
        key, _tab, rest = line.partition("\t")
        if key.strip():
            found[key.strip().lower()] = _targets(rest)
    return found


# main.cf


def split(maps: str) -> list[str]:
    """The maps of a list in their order; braces hold together what they enclose."""
    found, depth, word = [], 0, ""
    for sign in maps:
        depth += (sign == "{") - (sign == "}")
        if depth == 0 and sign in ", \t\n\r":
            found.append(word)
            word = ""
        else:
            word += sign
    return [one for one in [*found, word] if one]


def _assignments(main_cf: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"^{PARAMETER}[ \t]*=", main_cf, re.MULTILINE))


def _appended(name: str, default: str) -> str:
    # No comma, unlike a name put into somebody's list: so that a line of our own is told from theirs.
    return f"{PARAMETER} = {name} {default}".rstrip()


def listed(main_cf: str, name: str, default: str) -> str:
    """main.cf with the map first in the list; nothing else is touched. default: what the list is when main.cf does not say."""
    found = _assignments(main_cf)
    if found:
        end = found[-1].end()
        return f"{main_cf[:end]} {name},{main_cf[end:]}"
    line = _appended(name, default)
    return f"{main_cf}{line}\n" if main_cf.endswith("\n") or not main_cf else f"{main_cf}\n{line}"


def unlisted(main_cf: str, name: str, default: str) -> str:
    """main.cf without what `listed` put in; as it stands where the map is listed in another way."""
    line = _appended(name, default)
    whole = re.compile(rf"^{re.escape(line)}(\n|\Z)", re.MULTILINE)
    found = _assignments(main_cf)
    if len(found) == 1 and whole.search(main_cf):
        at = whole.search(main_cf)
        start, end = at.span() if at else (0, 0)
        # Without an end of line of its own it was put behind one that it brought along.
        return main_cf[: start - 1] if end == len(main_cf) and not main_cf.endswith("\n") and start else main_cf[:start] + main_cf[end:]
    for one in reversed(found):
        if main_cf.startswith(f" {name},", one.end()):
            return main_cf[: one.end()] + main_cf[one.end() + len(name) + 2 :]
    return main_cf


def strangers(found: Mapping[str, tuple[str, ...]], asked: Iterable[Forward]) -> list[tuple[str, str]]:
    """Addresses that another map leads to somebody else than we do: (address, targets). An address that leads to itself does not."""
    told = []
    for forward in asked:
        others = [target for target in found.get(forward.address, ()) if target not in (forward.address, forward.target)]
        if others:
            told.append((forward.address, ", ".join(others)))
    return told
