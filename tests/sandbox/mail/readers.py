# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reads where: a user reads at the source until the forward is on, in the tenant from then, unless control says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .addresses import normal
from .hoststate import HostState
from .model import Directory, Entry
from .outcomes import SOURCE, TENANT
from .predicates import texts
from .rules import active

States = Callable[[], Iterable[HostState]]


@dataclass
class Readers:
    """Readers by id: the mailbox's address at the source, else ``tenant:`` and the primary address there."""

    hosts: States
    reads_at: dict[str, str] = field(default_factory=dict)  # what control said
    synced: set[str] = field(default_factory=set)  # the last sync is done
    away: set[str] = field(default_factory=set)  # addresses whose mailbox in the tenant answers by itself

    def id_of(self, addresses: Iterable[str]) -> str:
        """Return the reader to whom any of some addresses belongs at the source, or ""."""
        for state in self.hosts():
            for address in addresses:
                mailbox = state.mailbox_of(address)
                if mailbox:
                    return mailbox
        return ""

    def in_tenant(self, entry: Entry) -> str:
        """Return the reader of a recipient object."""
        return self.id_of(sorted({*entry.addresses, entry.primary})) or f"tenant:{entry.primary}"

    def where(self, reader: str) -> str:
        """Return where a reader reads."""
        if reader in self.reads_at:
            return self.reads_at[reader]
        if reader.startswith("tenant:"):
            return TENANT
        return TENANT if any(reader in state.forwards for state in self.hosts()) else SOURCE

    def last_sync_done(self, reader: str) -> bool:
        """Say whether nothing will be copied from the source any more."""
        return reader.startswith("tenant:") or reader in self.synced

    def change(self, people: dict[str, dict[str, Any]], entries: Callable[[str], Entry | None]) -> None:
        """Set people: {address: {reads: source, tenant or null, away: bool}}. Raises ValueError."""
        for address, wanted in people.items():
            entry = entries(address)
            reader = self.id_of([normal(address)]) or (self.in_tenant(entry) if entry else "")
            if not reader:
                raise ValueError(f"nobody on either side has the address {address}")
            if "reads" in wanted:
                if wanted["reads"] not in (SOURCE, TENANT, None):
                    raise ValueError(f"{address} reads {wanted['reads']!r}: not source, tenant or null")
                self.reads_at.pop(reader, None)
                if wanted["reads"]:
                    self.reads_at[reader] = wanted["reads"]
            if "away" in wanted and entry is not None:
                (self.away.add if wanted["away"] else self.away.discard)(entry.key)


def in_wave(directory: Directory, entry: Entry, present: Directory, known: str = "", *, pending: bool = False) -> bool:
    """Say whether the group that steers routing holds a recipient: as transport sees it, or as it stands.

    A routing rule excepts the group of the migrated, or names the group of those still to come. ``known``: that group, without a look
    at the rules; it is the one of those still to come if ``pending``.
    """
    for view in (directory, present):
        if known:
            if view.acting_groups.get(normal(known)) and (entry.key in _members(view, known)) != pending:
                return True
            continue
        for rule in view.rules:
            if not rule.get("RouteMessageOutboundConnector") or not active(rule, view.now):
                continue
            for group in texts(rule.get("ExceptIfSentToMemberOf")):
                if entry.key in _members(view, group):
                    return True
            waiting = texts(rule.get("SentToMemberOf"))
            if waiting and not any(entry.key in _members(view, group) for group in waiting):
                return True
    return False


def _members(view: Directory, group: str) -> set[str]:
    """Return the members of a group, through nested ones where they count."""
    found: set[str] = set()
    todo = [view.acting_groups.get(normal(group), "")]
    while todo:
        if found and not view.facts.nested_groups_count:
            break
        key = todo.pop()
        for member in view.acting_members.get(key, frozenset()) - found:
            found.add(member)
            todo.append(member)
    return found
