# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Forwards as files for somebody else to import, and the dumps that come back. Pure: text in, text out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ._forwarding import ABSENT, EXACT, Forward, ForwardingError, Wanted, is_address, plain

VENDOR, GOOGLE = "csv", "google"
COLUMNS = ("address", "forward_to", "keep_copy", "action", "effective")
GOOGLE_LINES = 5000  # of one recipient address map
TARGETS = ("forward_to", "routing_address")
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Shown:
    """What a dump shows of an address. keep: None where it does not say."""

    targets: frozenset[str]
    keep: bool | None


def vendor(forwards: Iterable[Forward], gone: Iterable[Forward] = (), effective: str = "") -> str:
    """The lines for a provider, sorted by address: first what is set, then what is removed."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for action, rows in (("set", forwards), ("remove", gone)):
        for one in sorted(rows):
            writer.writerow([one.address, one.target, str(one.keep).lower(), action, effective])
    return out.getvalue()


def google(forwards: Iterable[Forward]) -> str:
    """The lines of a recipient address map. Raises ForwardingError when one map cannot hold them, or when only some keep a copy."""
    rows = sorted(forwards)
    if len(rows) > GOOGLE_LINES:
        raise ForwardingError(
            [f"{len(rows)} forwards are more than the {GOOGLE_LINES} lines of one address map; write a file for each wave."]
        )
    if len({one.keep for one in rows}) > 1:
        raise ForwardingError(["an address map keeps copies for all or for none; write those with keep_copy to a file of their own."])
    return "".join(f"{one.address},{one.target}\n" for one in rows)


def read(text: str, name: str) -> dict[str, Shown]:
    """What a file or a dump of either form shows, by address. Raises ForwardingError with every line that cannot be read."""
    body = text.removeprefix("\ufeff")
    first = body.lstrip("\r\n").split("\n", 1)[0]
    sign = max(",;\t", key=first.count)
    lines = list(csv.reader(StringIO(body, newline=""), delimiter=sign, strict=False))
    start, columns = _columns(lines, name)
    found: dict[str, Shown] = {}
    problems = []
    for number, cells in enumerate(lines[start:], start + 1):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(columns, cells, strict=False))
        problem = _enter(found, row, next((row.get(column, "") for column in TARGETS if column in row), ""))
        if problem:
            problems.append(f"{name}, line {number}: {problem}")
    if problems:
        raise ForwardingError(problems)
    return found


def dumped(text: str, name: str) -> dict[str, Shown]:
    """What a dump shows. Raises ForwardingError too when nothing is in it: an export that failed is no proof that nobody is forwarded."""
    if not text.strip("\ufeff \t\r\n"):
        raise ForwardingError([f"{name} is empty; a dump that shows no forward has at least the line of its columns (S14)."])
    return read(text, name)


def _columns(lines: Sequence[Sequence[str]], name: str) -> tuple[int, list[str]]:
    """The number of lines before the first row, and the columns; without a header they are address and target."""
    for number, cells in enumerate(lines):
        names = [cell.strip().lower() for cell in cells]
        if not any(names):
            continue
        if "address" in names:
            if not set(TARGETS) & set(names):
                raise ForwardingError([f"{name}, line {number + 1}: no column forward_to; it has {', '.join(names)}."])
            return number + 1, names
        return number, ["address", "forward_to"]
    return len(lines), ["address", "forward_to"]


def _enter(found: dict[str, Shown], row: Mapping[str, str], target: str) -> str:
    """Enter a row; what is wrong with it, if anything."""
    address, goal = plain(row.get("address")), plain(target)
    action = str(row.get("action") or "set").strip().lower()
    said = str(row.get("keep_copy") or "").strip().lower()
    if not is_address(address):
        return f"'{address}' is not a plain address."
    if action not in ("set", "remove"):
        return f"action '{action}' of {address} is neither set nor remove."
    if said and said not in TRUTHS:
        return f"keep_copy '{said}' of {address} is neither true nor false."
    if action == "remove":
        return ""
    if not is_address(goal):
        return f"'{goal}', where {address} is forwarded to, is not a plain address."
    before = found.get(address)
    keep = TRUTHS.get(said, before.keep if before else None)
    found[address] = Shown((before.targets if before else frozenset()) | {goal}, keep)
    return ""


def as_forwards(shown: Mapping[str, Shown], name: str, keep: bool) -> dict[str, Forward]:
    """A file of ours as forwards. Raises ForwardingError when an address has several targets, which ours never has."""
    several = [
        f"{name}: {address} has the targets {', '.join(sorted(one.targets))}; leave one."
        for address, one in shown.items()
        if len(one.targets) > 1
    ]
    if several:
        raise ForwardingError(several)
    return {address: Forward(address, min(one.targets), keep if one.keep is None else one.keep) for address, one in shown.items()}


def compare(shown: Mapping[str, Shown], asked: Wanted) -> dict[str, list[dict[str, Any]]]:
    """Which of the declared forwards a dump shows as on, which are missing, and what it shows that is strange."""
    on, missing, strange = [], [], []
    for forward in asked.forwards:
        entry = shown.get(forward.address)
        if entry is None:
            missing.append(forward.row)
        elif asked.state == ABSENT:
            on.append({**forward.row, "routing_address": ", ".join(sorted(entry.targets))})
        elif forward.target not in entry.targets:
            strange.append({"address": forward.address, "why": f"leads to {', '.join(sorted(entry.targets))} and not to {forward.target}"})
        elif len(entry.targets) > 1:
            strange.append({"address": forward.address, "why": f"leads to several: {', '.join(sorted(entry.targets))}"})
        elif entry.keep is not None and entry.keep != forward.keep:
            strange.append({"address": forward.address, "why": "keeps a copy" if entry.keep else "keeps no copy"})
        else:
            on.append(forward.row)
    if asked.state == EXACT:
        for address, entry in sorted(shown.items()):
            ours = sorted(target for target in entry.targets if asked.is_ours(target))
            if ours and address not in asked.by_address:
                strange.append({"address": address, "why": f"leads to {', '.join(ours)} and is not declared"})
    return {"on": on, "missing": missing, "strange": strange}
