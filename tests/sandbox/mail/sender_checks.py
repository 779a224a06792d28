# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF, DKIM and DMARC of one message against DNS. Pure: the lookup is handed in.

DKIM is a stand-in: ``DKIM-Signature: d=DOMAIN; s=SELECTOR; bh=HASH`` passes when HASH is the body's and DOMAIN publishes the selector, so
that a changed body breaks it as a footer breaks a real signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from .addresses import domain_of, in_range, within
from .model import Lookup, Message

SPF_DEPTH = 10


@dataclass(frozen=True)
class Verdict:
    """What the checks found. ``spf`` and ``dkim`` are aligned results; ``policy`` is the DMARC policy or ""."""

    spf: bool
    dkim: bool
    policy: str

    @property
    def rejects(self) -> bool:
        """Whether DMARC asks for a rejection."""
        return self.policy == "reject" and not self.spf and not self.dkim


def body_hash(body: str) -> str:
    """Return the hash of a body; trailing blank lines and the kind of line end do not count."""
    text = "\r\n".join(body.replace("\r\n", "\n").rstrip("\n").split("\n"))
    return base64.b64encode(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()).decode()


def check(message: Message, lookup: Lookup, ip: str = "") -> Verdict:
    """Check a message as it came from an address (the session's by default)."""
    author = domain_of(message.from_address)
    policy = dmarc_policy(author, lookup)
    sender = domain_of(message.sender)
    spf = bool(sender) and aligned(sender, author) and spf_passes(sender, ip or message.session.ip, lookup)
    return Verdict(spf, any(aligned(domain, author) for domain in signers(message, lookup)), policy)


def aligned(domain: str, author: str) -> bool:
    """Say whether two domains belong together in DMARC's relaxed mode."""
    return bool(domain) and (within(domain, author) or within(author, domain))


def dmarc_policy(domain: str, lookup: Lookup) -> str:
    """Return the policy that a domain, or its parent, publishes: none, quarantine, reject, or "" without a record."""
    for number, name in enumerate((domain, domain.partition(".")[2])):
        for text in lookup(f"_dmarc.{name}", "TXT") if "." in name else ():
            tags = dict(part.strip().partition("=")[::2] for part in text.split(";") if "=" in part)
            if tags.get("v", "").upper() == "DMARC1":
                return str((tags.get("sp") if number else None) or tags.get("p", "none")).strip().lower()
    return ""


def signers(message: Message, lookup: Lookup) -> list[str]:
    """Return the domains whose signature holds."""
    found = []
    for value in message.header("DKIM-Signature"):
        tags = {key.strip(): text.strip() for key, _unused, text in (part.partition("=") for part in value.split(";"))}
        domain, selector = tags.get("d", "").lower(), tags.get("s", "")
        if tags.get("bh") == body_hash(message.body) and lookup(f"{selector}._domainkey.{domain}", "TXT"):
            found.append(domain)
    return found


def spf_passes(domain: str, ip: str, lookup: Lookup, depth: int = 0) -> bool:
    """Say whether a domain's SPF record lets an address send."""
    records = [text for text in lookup(domain, "TXT") if text.lower().startswith("v=spf1")]
    if not records or depth > SPF_DEPTH:
        return False
    for term in records[0].split()[1:]:
        plain = term.lstrip("+-~?")
        if _spf_term(plain, domain, ip, lookup, depth):
            return term[0] not in "-~?"
    redirect = re.search(r"\bredirect=(\S+)", records[0])
    return bool(redirect) and spf_passes(redirect.group(1), ip, lookup, depth + 1) if redirect else False


def _spf_term(term: str, domain: str, ip: str, lookup: Lookup, depth: int) -> bool:
    name, _unused, value = term.partition(":")
    name = name.lower()
    if name == "all":
        return True
    if name in ("ip4", "ip6"):
        return in_range(ip, value)
    if name == "include":
        return spf_passes(value, ip, lookup, depth + 1)
    if name == "a":
        return ip in lookup(value or domain, "A")
    if name == "mx":
        return any(ip in lookup(host.split()[-1].rstrip("."), "A") for host in lookup(value or domain, "MX"))
    return False
