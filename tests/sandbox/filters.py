# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Filter parameter: comparisons joined by -and and -or, with -not, parentheses left out."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from .errors import ServiceError

TERM = re.compile(r"""\s*\(?\s*(-not\s*\(?\s*)?(\w+)\s+-(eq|ne|like|notlike)\s+('([^']*)'|"([^"]*)"|\$?\w+)\s*\)*\s*""", re.IGNORECASE)
JOINT = re.compile(r"\s+-(and|or)\s+", re.IGNORECASE)


def matches(text: str, row: dict[str, Any]) -> bool:
    """Say whether an object passes a filter; -and binds tighter than -or. Raises ServiceError for what it cannot read."""
    parts = JOINT.split(text)
    terms, joints = parts[::2], [joint.lower() for joint in parts[1::2]]
    result, group = False, _term(terms[0], row)
    for joint, term in zip(joints, terms[1:], strict=True):
        value = _term(term, row)
        if joint == "or":
            result, group = result or group, value
        else:
            group = group and value
    return result or group


def _term(text: str, row: dict[str, Any]) -> bool:
    match = TERM.fullmatch(text)
    if match is None:
        raise ServiceError(
            "transformation",
            parameter="Filter",
            reason=f'Invalid filter syntax. For a description of the filter parameter syntax see the command help. "{text}"',
        )
    negated, name, operator = match.group(1), match.group(2), match.group(3).lower()
    value = next(part for part in (match.group(5), match.group(6), match.group(4)) if part is not None)
    actual = next((row[key] for key in row if key.lower() == name.lower()), None)
    found = any(_same(entry, value, operator) for entry in (actual if isinstance(actual, list) else [actual]))
    return found != operator.startswith("n") if not negated else found == operator.startswith("n")


def _same(actual: Any, value: str, operator: str) -> bool:
    shown = "" if actual is None else f"${str(actual).lower()}" if isinstance(actual, bool) else str(actual).casefold()
    wanted = "" if value.lower() == "$null" else value.casefold()
    if shown.startswith("$") and not wanted.startswith("$"):
        wanted = "$" + wanted
    if operator.endswith("like"):
        return fnmatch.fnmatchcase(shown, wanted)
    return shown == wanted or shown.partition(":")[2] == wanted
