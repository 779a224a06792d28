# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, domains and address ranges as text. Pure."""

from __future__ import annotations

import ipaddress
from email.utils import parseaddr


def normal(address: str) -> str:
    """Return an address in lower case, without a type prefix, brackets or a display name."""
    text = address.strip()
    if "<" in text:
        text = parseaddr(text)[1]
    head, colon, tail = text.partition(":")
    if colon and head.lower() == "smtp":
        text = tail
    return text.strip("<> ").lower()


def local_part(address: str) -> str:
    """Return what stands before the last at sign."""
    return address.rpartition("@")[0]


def domain_of(address: str) -> str:
    """Return what stands behind the last at sign, "" for the null sender."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def without_tag(address: str) -> str:
    """Return a plus-address without its tag: ``a+x@d`` becomes ``a@d``; others unchanged."""
    local, domain = local_part(address), domain_of(address)
    head, plus, _unused = local.partition("+")
    return f"{head}@{domain}" if plus and head else address


def within(domain: str, parent: str) -> bool:
    """Say whether a domain equals another one or lies below it."""
    return domain == parent or domain.endswith("." + parent)


def matches_pattern(domain: str, pattern: str) -> int:
    """Return how well a connector's domain pattern fits: 0 not, else more for a closer fit. ``*`` fits everything."""
    wanted = pattern.strip().lower()
    if wanted == "*":
        return 1
    if wanted.startswith("*."):
        return 1 + len(wanted) if domain.endswith(wanted[1:]) else 0
    return 10_000 + len(wanted) if domain == wanted else 0


def in_range(ip: str, text: str) -> bool:
    """Say whether an address lies in a single address, a range ``a-b`` or a CIDR block; a text that is none holds nothing."""
    try:
        address = ipaddress.ip_address(ip)
        first, dash, last = text.strip().partition("-")
        if dash:
            low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
            return address.version == low.version == high.version and int(low) <= int(address) <= int(high)
        return address in ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return False


def in_ranges(ip: str, texts: object) -> bool:
    """Say whether an address lies in any of several ranges."""
    entries = texts if isinstance(texts, (list, tuple)) else [texts] if texts else []
    return any(in_range(ip, str(entry)) for entry in entries)
