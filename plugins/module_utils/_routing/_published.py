# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What domains publish for their senders, as values: SPF per side, DKIM, DMARC. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, host_key, range_key

from ._evidence import Published
from ._world import TENANT

# What the service's own senders are included by, in every cloud.
INCLUDES = ("spf.protection.outlook.com", "spf.protection.office365.us", "spf.protection.partner.outlook.cn")
ANYBODY = "anybody"
# The host of the mechanism `mx`: whoever holds the domain's MX.
BY_MX = "mx"
# What one record alone does not tell: who stands behind it.
VAGUE = frozenset({"include", "exists", "ptr", "redirect"})
# Those that lead to another record.
LEADS = frozenset({"include", "redirect"})
Span = tuple[int, int, int]


@dataclass(frozen=True)
class Side:
    """A foreign system as SPF can name it. ranges: what it sends from. hosts: its names, folded.

    mx: whether the domain's MX names it; None where that is not known.
    """

    name: str
    ranges: tuple[str, ...]
    hosts: frozenset[str] = frozenset()
    mx: bool | None = None


@dataclass
class _Read:
    """What the terms of a record say. spans: addresses that may send. named: hosts that may. vague: somebody may, unseen from here."""

    tenant: bool = False
    everybody: bool = False
    vague: bool = False
    spans: list[tuple[str, Span]] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def published(row: Mapping[str, Any], sides: Sequence[Side], domain: str) -> Published | None:
    """Of one domain's answer of the tool `dns`; None where SPF, DKIM or DMARC could not be read."""
    if unread(row):
        return None
    dkim = {TENANT: _signs(row.get("dkim") or {}), **{side.name: None for side in sides}}
    read = None if row["spf"] is None else _terms(str(row["spf"]), fold(domain), row.get("spf_of") or {})
    return _spf(read, sides, dkim, policy(row, domain))


def unread(row: Mapping[str, Any]) -> str:
    """Why its records count as not read; empty when they were."""
    if row.get("error"):
        return str(row["error"])
    if row.get("status") == "nxdomain":
        return "the name servers that were asked do not know the domain"
    errors = row.get("errors") or {}
    found = [str(errors[name]) for name in errors if name in {"spf", "dmarc"} or name.startswith("dkim ")]
    missing = [name for name in ("spf", "dmarc") if name not in row]
    return "; ".join(found) or (f"its {' and '.join(missing)} records were not told" if missing else "")


def policy(row: Mapping[str, Any], domain: str) -> str:
    """DMARC's policy for the domain, folded: `sp=` where the record is a parent's; empty for none."""
    pairs = (part.partition("=") for part in str(row.get("dmarc") or "").split(";"))
    tags = {fold(name.strip()): fold(value.strip()) for name, _equals, value in pairs}
    inherited = fold(row.get("dmarc_of") or domain) != fold(domain)
    return tags["sp"] if inherited and tags.get("sp") else tags.get("p", "")


def _signs(dkim: Mapping[str, Any]) -> bool | None:
    """Whether one of the service's two selectors holds a key; None where nobody asked."""
    return any("p=" in str(text or "") for text in dkim.values()) if dkim else None


def _spf(read: _Read | None, sides: Sequence[Side], dkim: Mapping[str, bool | None], asks: str) -> Published:
    if read is None:
        nobody: dict[str, bool | None] = {TENANT: False, **{side.name: False for side in sides}}
        return Published(nobody, dkim, (f"{ANYBODY}, since there is no SPF record,",), asks)
    spf: dict[str, bool | None] = {TENANT: True if read.tenant or read.everybody else None if read.vague else False}
    for side in sides:
        spf[side.name] = _allows(read, side)
    strangers = [term for term, span in read.spans if not any(_meets(span, side) for side in sides)]
    strangers += [term for term, host in read.named if not any(_is(host, side) for side in sides) and host != BY_MX]
    others = [*([ANYBODY] if read.everybody else []), *strangers, *read.others]
    return Published(spf, dkim, tuple(dict.fromkeys(others)), asks)


def _terms(text: str, domain: str, included: Mapping[str, Any]) -> _Read:
    """The terms that let somebody send. included: by name the records that it leads to, as far as they were read."""
    read, seen, waiting = _Read(), {domain}, [("", domain, text)]
    while waiting:
        within, own, record = waiting.pop()
        # After `all`, wherever it stands, a redirect means nothing (RFC 7208).
        ends = any(term.casefold().lstrip("+-~?") == "all" for term in record.split())
        for term in record.split()[1:]:
            sign, plain = (term[0], term[1:]) if term[0] in "+-~?" else ("+", term)
            name, value = _split(plain)
            value = value.rstrip(".")
            if name == "redirect" and ends:
                continue
            below = included.get(value) if name in LEADS and not value.endswith(INCLUDES) else None
            if sign == "+" and below and value not in seen:
                seen.add(value)
                waiting.append((within or term, value, str(below)))
            elif sign == "+" and not (below and value in seen):
                # Whoever has to change something finds the term in the domain's own record.
                _term(read, within or term, name, value, (own, domain))
    return read


def _term(read: _Read, term: str, name: str, value: str, of: tuple[str, str]) -> None:
    """of: the domain of the record that holds the term, and the one that was asked for."""
    own, asked = of
    if name == "all":
        read.everybody = True
    elif name == "include" and value.endswith(INCLUDES):
        read.tenant = True
    elif name in {"ip4", "ip6"}:
        span = _span(value)
        if span:
            read.spans.append((term, span))
        else:
            read.vague = True
            read.others.append(term)
    elif name == "mx":
        host = value.partition("/")[0] or own
        read.named.append((term, BY_MX if host == asked else f"mx of {host}"))
    elif name == "a":
        read.named.append((term, value.partition("/")[0] or own))
    elif name in VAGUE:
        read.vague = True
        read.others.append(term)


def _split(term: str) -> tuple[str, str]:
    """A term's name and value, folded: `include:host`, `redirect=host`, `mx/24`."""
    for sign in (":", "=", "/"):
        name, found, value = term.partition(sign)
        if found and name.isalnum():
            return fold(name), fold(value if sign != "/" else f"/{value}")
    return fold(term), ""


def _span(value: str) -> Span | None:
    try:
        net = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
    return int(net.network_address), int(net.broadcast_address), net.version


def _spans(side: Side) -> list[Span]:
    keys = [range_key(one) for one in side.ranges]
    return [key for key in keys if isinstance(key, tuple) and len(key) == 3]


def _allows(read: _Read, side: Side) -> bool | None:
    """Whether a record lets a side send: each of its addresses, or its host by name. None: the record alone does not tell."""
    own = _spans(side)
    covered = bool(own) and all(any(_within(span, wide) for _unused, wide in read.spans) for span in own)
    if read.everybody or covered or any(_is(host, side) for _unused, host in read.named):
        return True
    named = any(host != BY_MX or side.mx is None for _unused, host in read.named)
    return None if read.vague or named or not own else False


def _is(host: str, side: Side) -> bool:
    return side.mx is True if host == BY_MX else host_key(host) in {host_key(one) for one in side.hosts}


def _within(inner: Span, wide: Span) -> bool:
    return inner[2] == wide[2] and wide[0] <= inner[0] and inner[1] <= wide[1]


def _meets(span: Span, side: Side) -> bool:
    """True when a record's addresses are some of a side's, or hold some of them."""
    return any(span[2] == own[2] and span[0] <= own[1] and own[0] <= span[1] for own in _spans(side))


def reasons(rows: Mapping[str, Mapping[str, Any]], domains: Iterable[str]) -> dict[str, str]:
    """Per domain why its records were not read; without those that were."""
    found = {domain: unread(rows[domain]) if domain in rows else "nobody asked" for domain in domains}
    return {domain: why for domain, why in found.items() if why}
