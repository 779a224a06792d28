# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Single values as people type them: domains, addresses, hosts, ranges, lists in a text. Each fault is one phrase."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"^{_LABEL}(\.{_LABEL})+$", re.IGNORECASE)
_LOCAL = re.compile(r"^[^\s@\"(),:;<>\[\]\\]+$")
_NOTHING = {"", "none", "null"}


def blank(value: Any) -> bool:
    """True for every way in which a survey or an empty variable says "nothing"."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in _NOTHING)


def items(value: Any) -> list[str]:
    """A list as a list, or as text with commas or line ends between its items; empty items are dropped."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    pieces = [piece for part in parts if part is not None for piece in re.split(r"[,\r\n]+", str(part))]
    return [piece.strip() for piece in pieces if not blank(piece)]


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """The values in their order, each once, case aside."""
    kept: dict[str, str] = {}
    for value in values:
        kept.setdefault(value.casefold(), value)
    return tuple(kept.values())


def doubles(values: Iterable[Hashable]) -> list[Hashable]:
    """The values that stand more than once, in order."""
    seen: set[Hashable] = set()
    found: dict[Hashable, None] = {}
    for value in values:
        if value in seen:
            found[value] = None
        seen.add(value)
    return list(found)


def domain_fault(value: str) -> str | None:
    """What is wrong with a domain name."""
    if _DOMAIN.match(value) and len(value) <= 253:
        return None
    if _DOMAIN.match(value.rstrip(".")):
        return "ends in a dot; leave the dot out"
    return "is not a domain such as example.com (international domains in their xn-- form)"


def address_fault(value: str) -> str | None:
    """What is wrong with a mail address."""
    local, at, domain = value.rpartition("@")
    if at and _LOCAL.match(local) and len(local) <= 64 and domain_fault(domain) is None:
        return None
    return "is not a mail address such as user@example.com"


def smart_host_fault(value: str) -> str | None:
    """What is wrong with a smart host: a name, an IPv4 address, or a network in CIDR form; never a port."""
    host, colon, port = value.rpartition(":")
    if colon and port.isdigit() and host.count(":") == 0:
        return "has a port; the service reaches smart hosts on port 25 only: leave the port out"
    try:
        ipaddress.IPv4Interface(value)
    except ValueError:
        numeric = re.fullmatch(r"[\d./]+", value)
        if numeric or domain_fault(value.rstrip(".")) is not None:
            return "is no host name, IPv4 address or IPv4 network in CIDR form"
    return None


def range_fault(value: str) -> str | None:
    """What is wrong with a source range: one IPv4 address, a-b, or CIDR, at most 256 addresses."""
    if ":" in value:
        return "is not IPv4; the service matches a sender's address by IPv4 only"
    try:
        first, last = _bounds(value)
    except ValueError:
        return "is no IPv4 address, range a-b or network in CIDR form"
    if last < first:
        return "ends before it begins"
    if last - first > 255:
        return "is wider than /24 (256 addresses); name the hosts that really send"
    return None


def _bounds(value: str) -> tuple[int, int]:
    if "-" in value:
        first, last = (int(ipaddress.IPv4Address(part.strip())) for part in value.split("-", 1))
        return first, last
    net = ipaddress.IPv4Network(value.strip(), strict=False)
    return int(net.network_address), int(net.broadcast_address)


def whole(value: Any) -> int | None:
    """A whole number given as one or as text; None for nothing; raises ValueError for anything else."""
    return None if blank(value) else int(str(value).strip())


def domain_of(address: str) -> str:
    """The domain of an address, folded."""
    return address.rpartition("@")[2].casefold()


def under(domain: str, parent: str) -> bool:
    """True when `domain` is `parent` or a subdomain of it: what RecipientDomainIs matches."""
    return domain == parent or domain.endswith("." + parent)


def one_of(*known: str) -> Callable[[str], str | None]:
    """A check: what is wrong with a word that is none of these."""

    def fault(value: str) -> str | None:
        return None if value.casefold() in known else f"is none of {', '.join(known)}"

    return fault
