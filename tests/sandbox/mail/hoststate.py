# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a foreign host knows and how it behaves; both back ends, the built-in one and Postfix, follow it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .addresses import domain_of, local_part, normal, without_tag

REJECT, RELAY, CATCH_ALL = "reject", "relay", "catch_all"
LISTED = {"mailbox", "resource"}


@dataclass
class Modes:
    """How the host behaves.

    ``unknown``: reject (550 5.1.1), relay (back to the tenant) or catch_all (into one mailbox).
    ``reject_own_domain``: refuse senders of its own domains that come from outside.
    ``local_only``: own - what starts at the host stays there, in mailboxes, whatever forward is set; all - no forward is followed at all.
    ``keep_copy``: every forward keeps a copy. ``rate_limited``: so many messages a minute (real time) from one address; None: no limit.
    ``footer``: text added to each body on its way out. ``aliases_beside``: aliases are further names of a mailbox, which no forward of the
    mailbox is asked for.
    """

    unknown: str = REJECT
    reject_own_domain: bool = False
    local_only: str = ""
    keep_copy: bool = False
    rate_limited: int | None = None
    footer: str = ""
    aliases_beside: bool = False

    def update(self, values: dict[str, Any]) -> None:
        """Change some. Raises ValueError for an unknown name or value."""
        known = {entry.name for entry in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown mode {name!r}")
            setattr(self, name, {True: "own", False: ""}.get(value, value) if name == "local_only" else value)
        if self.unknown not in (REJECT, RELAY, CATCH_ALL) or self.local_only not in ("", "own", "all"):
            raise ValueError(f"unknown={self.unknown!r} local_only={self.local_only!r}: not one of the modes")


@dataclass(frozen=True)
class Forward:
    """A mailbox's forward."""

    to: str
    keep: bool = False


@dataclass(frozen=True)
class Final:
    """Where one address leads: a mailbox (``caught``: by the catch-all, from that address), a forward, back to the tenant, or nowhere."""

    kind: str  # mailbox, forward, relay, unknown, away
    address: str
    caught: str = ""


@dataclass
class HostState:
    """Domains, mailboxes, aliases, lists, forwards and modes of one foreign host."""

    name: str
    addresses: list[str]
    names: list[str]
    domains: set[str] = field(default_factory=set)
    mailboxes: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    forwards: dict[str, Forward] = field(default_factory=dict)
    modes: Modes = field(default_factory=Modes)
    removed: bool = False  # its address answers, and nobody will ever read what it takes
    busy: set[str] = field(default_factory=set)  # mailboxes that take no letters for now, which wait at the host; probes pass

    @property
    def catch_all(self) -> str:
        """Return the mailbox that takes what nobody else does."""
        return f"catch-all@{min(self.domains)}"

    def load(self, rows: list[dict[str, str]], routing: str) -> None:
        """Take rows of a source's address list: address, kind, owner, home. A home in the tenant is a forward to the routing domain."""
        for row in rows:
            address, kind, owner = normal(row["address"]), row["kind"], normal(row.get("owner") or row["address"])
            if domain_of(address) not in self.domains:
                continue
            if kind == "alias":
                self.aliases[address] = owner
            elif kind == "list":
                self.lists.setdefault(address, [])
            elif kind in LISTED or kind == "forward":
                self.mailboxes.add(address)
                if kind == "forward" or row.get("home") == "tenant":
                    self.forwards[address] = Forward(f"{local_part(address)}@{routing}")
            elif kind == "catch_all":
                self.modes.unknown = CATCH_ALL

    def owns(self, address: str) -> bool:
        """Say whether an address lies in one of the host's domains."""
        return domain_of(address) in self.domains

    def mailbox_of(self, address: str) -> str:
        """Return the mailbox that an address belongs to, whatever its forward; "" for none."""
        for candidate in (normal(address), without_tag(normal(address))):
            owner = self.aliases.get(candidate, candidate)
            if owner in self.mailboxes:
                return owner
            if candidate in self.lists:
                return candidate
        return ""

    def knows(self, address: str) -> bool:
        """Say whether the host accepts an address for itself or for somebody of its own."""
        return bool(self.mailbox_of(address))

    def expand(self, address: str, *, own: bool, depth: int = 0) -> list[Final]:
        """Return where an address leads; ``own``: the message started at the host."""
        wanted = normal(address)
        if not self.owns(wanted):
            return [Final("away", wanted)]
        mailbox = self.mailbox_of(wanted)
        if mailbox in self.lists and depth < 10:
            members = self.lists[mailbox]
            found = [final for member in members for final in self.expand(member, own=own, depth=depth + 1)]
            return found or [Final("mailbox", mailbox)]
        if mailbox:
            return self._mailbox(mailbox, wanted, own=own)
        if self.modes.unknown == CATCH_ALL:
            return [Final("mailbox", self.catch_all, caught=wanted)]
        return [Final(RELAY if self.modes.unknown == RELAY else "unknown", wanted)]

    def _mailbox(self, mailbox: str, wanted: str, *, own: bool) -> list[Final]:
        forward = self.forwards.get(mailbox)
        stays = self.modes.local_only == "all" or (self.modes.local_only == "own" and own)
        stays = stays or (self.modes.aliases_beside and wanted in self.aliases)
        if forward is None or stays:
            return [Final("mailbox", mailbox)]
        exact = wanted in self.mailboxes or wanted in self.aliases
        tag = "" if exact else local_part(wanted).partition("+")[2]
        target = f"{local_part(forward.to)}+{tag}@{domain_of(forward.to)}" if tag else forward.to
        kept = [Final("mailbox", mailbox)] if forward.keep or self.modes.keep_copy else []
        return [*kept, Final("forward", target)]

    def change(self, wanted: dict[str, Any]) -> None:
        """Apply a change: modes, removed, busy, forwards {address: {to, keep} or null}, mailboxes and aliases {add, remove}, lists.

        Raises ValueError.
        """
        self.modes.update(wanted.get("modes") or {})
        self.removed = bool(wanted.get("removed", self.removed))
        if "busy" in wanted:
            self.busy = {self._mailbox_named(address) for address in wanted["busy"]}
        for address, forward in (wanted.get("forwards") or {}).items():
            mailbox = self._mailbox_named(address)
            if forward is None:
                self.forwards.pop(mailbox, None)
            else:
                self.forwards[mailbox] = Forward(normal(forward["to"]), bool(forward.get("keep")))
        boxes = wanted.get("mailboxes") or {}
        self.mailboxes |= {normal(address) for address in boxes.get("add", ())}
        for address in map(normal, boxes.get("remove", ())):
            self.mailboxes.discard(address)
            self.forwards.pop(address, None)
        aliases = wanted.get("aliases") or {}
        self.aliases.update({normal(alias): normal(owner) for alias, owner in aliases.get("add", {}).items()})
        for alias in aliases.get("remove", ()):
            self.aliases.pop(normal(alias), None)
        for address, members in (wanted.get("lists") or {}).items():
            self.lists[normal(address)] = [normal(member) for member in members]

    def _mailbox_named(self, address: str) -> str:
        mailbox = self.mailbox_of(address)
        if not mailbox:
            raise ValueError(f"{address} has no mailbox at {self.name}")
        return mailbox

    def dump(self) -> dict[str, Any]:
        """Return all as JSON values."""
        return {
            "name": self.name,
            "addresses": self.addresses,
            "names": self.names,
            "domains": sorted(self.domains),
            "modes": asdict(self.modes),
            "removed": self.removed,
            "busy": sorted(self.busy),
            "mailboxes": sorted(self.mailboxes),
            "aliases": dict(self.aliases),
            "lists": dict(self.lists),
            "forwards": {mailbox: asdict(forward) for mailbox, forward in self.forwards.items()},
        }
