# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What is ours is known by a mark in the object itself, so that any machine can go on where another stopped.

A connector's Comment and a rule's Comments are the method's text followed by `[mailops.exchange DOMAINS]`; a routing rule's end in when
it was planned, since the service shows when a rule was changed last and not whether it was another one before. The group's
Description is the mark followed by one line of JSON, the only memory of a set-up: former domain types, MX changes seen,
rule stops seen, and when the membership last changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._values import as_list

TAG = "mailops.exchange"
UNKNOWN = "unknown"
# The service's own limit is about 1024; below it stays room for a stop that is noted during a teardown.
DESCRIPTION_LIMIT = 900
COMMENT_LIMIT = 1024

_MADE = re.compile(r"\] made (\S+)\s*$")
_MARK = re.compile(r"\[" + re.escape(TAG) + r" ([^\[\]]*)\]")


class BrokenLineError(ValueError):
    """A group's Description bears our mark, but what follows is not the line that we wrote."""


@dataclass(frozen=True)
class Line:
    """The memory in the group. former: domain to its type before us, or `unknown`. mx: domain to the time of a change seen.

    stops: rule name to the time, by the service's clock, from which it was asked to stop. moved: the time of the last
    change of membership; empty before the first.
    """

    former: Mapping[str, str] = field(default_factory=dict)
    mx: Mapping[str, str] = field(default_factory=dict)
    stops: Mapping[str, str] = field(default_factory=dict)
    moved: str = ""


def mark(domains: Iterable[str]) -> str:
    """The mark for these domains; their order and case do not count."""
    return f"[{TAG} {','.join(sorted({domain.strip().casefold() for domain in domains}))}]"


def commented(text: str, domains: Iterable[str], made: str = "") -> str:
    """The method's text, if any, followed by the mark and, where that is known, by when the object was planned."""
    return " ".join(part for part in (text, mark(domains), made and f"made {made}") if part)


def made_at(value: Any) -> str:
    """When the rule with these Comments was planned; empty where they do not say."""
    found = _MADE.search(_text(value))
    return found.group(1) if found else ""


def marked_domains(value: Any) -> frozenset[str] | None:
    """The domains of the mark in a Comment, Comments or Description as read; None when it bears no mark."""
    found = _MARK.search(_text(value))
    if not found:
        return None
    return frozenset(part.strip().casefold() for part in found.group(1).split(",") if part.strip())


def bears_mark(value: Any, domains: Iterable[str]) -> bool:
    """True when the mark is there and names exactly these domains."""
    return marked_domains(value) == frozenset(domain.strip().casefold() for domain in domains)


def description(domains: Iterable[str], line: Line) -> str:
    """The group's Description: the mark and the line. Its length is the caller's to check against DESCRIPTION_LIMIT."""
    data: dict[str, Any] = {"former": dict(line.former), "mx": dict(line.mx), "stops": dict(line.stops)}
    if line.moved:
        data["moved"] = line.moved
    return f"{mark(domains)} {json.dumps(data, sort_keys=True, separators=(',', ':'))}"


def read_line(value: Any) -> Line | None:
    """The line of a Description as read; None when it bears no mark of ours; raises BrokenLineError when it was cut or edited."""
    text = _text(value)
    found = _MARK.search(text)
    if not found:
        return None
    try:
        data = json.loads(text[found.end() :])
        former, mx, stops = ({str(k): str(v) for k, v in data[part].items()} for part in ("former", "mx", "stops"))
        return Line(former, mx, stops, moved=str(data.get("moved") or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenLineError(f"after the mark stands '{text[found.end() :].strip()[:60]}'") from error


def _text(value: Any) -> str:
    """A property as one text: a group's Description reads as a list with one string."""
    return "\n".join(str(item) for item in as_list(value))
