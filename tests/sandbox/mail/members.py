# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must get a copy of what goes to a group or a list: told from what both sides hold, and not from the way that the mail took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .addresses import normal
from .hoststate import Forward, HostState
from .model import DYNAMIC, GROUP, MAIL_USER, Directory, Entry

# A group, list or forward, and to whom it leads; a person leads to nobody.
Needs = dict[str, tuple[str, ...]]


class Members:
    """People by one name each, whichever of their addresses mail goes to."""

    def __init__(
        self, directories: Callable[[], list[Directory]], hosts: Callable[[], list[HostState]], named: Callable[[], Callable[[Entry], str]]
    ) -> None:
        """Look at tenants and hosts as they are. named: tells the reader of a recipient object."""
        self._directories, self._hosts, self._names = directories, hosts, named

    def _named(self, entry: Entry) -> str:
        return self._names()(entry)

    def person(self, address: str) -> str:
        """Return the name of whoever has an address."""
        wanted = normal(address)
        _unused, entry = self._found(wanted)
        if entry is not None:
            return self._named(entry)
        return next((box for state in self._hosts() if (box := state.mailbox_of(wanted))), wanted)

    def behind(self, address: str, *, tenant: bool) -> Needs:
        """Return to whom an address leads that the tenant expands, or else a host; nothing for one that is neither group nor list."""
        needs: Needs = {}
        if tenant:
            directory, entry = self._found(normal(address))
            if directory and entry and entry.kind in (GROUP, DYNAMIC):
                self._object(directory, entry, needs)
        elif self._list(address):
            self._listed(normal(address), needs)
        return needs

    def _found(self, address: str) -> tuple[Directory | None, Entry | None]:
        known = ((directory, directory.lookup(address)) for directory in self._directories())
        return next(((directory, entry) for directory, entry in known if entry is not None), (None, None))

    def _list(self, address: str) -> list[str]:
        boxes = ((state, state.mailbox_of(normal(address))) for state in self._hosts())
        return next((state.lists[box] for state, box in boxes if box in state.lists), [])

    def _listed(self, address: str, needs: Needs) -> str:
        """A list of a host, by its members; whoever is forwarded is met at either end."""
        name = self.person(address)
        if name in needs:
            return name
        members = self._list(address)
        goals = [self.person(forward.to) for forward in self._forwards(address)]
        if members:
            needs[name] = ()
            needs[name] = tuple(self._listed(normal(member), needs) for member in members)
        elif goals and goals != [name]:
            needs[name] = tuple(goals)
        return name

    def _forwards(self, address: str) -> Iterator[Forward]:
        for state in self._hosts():
            forward = state.forwards.get(state.mailbox_of(address))
            if forward is not None:
                yield forward

    def _object(self, directory: Directory, entry: Entry, needs: Needs) -> str:
        name = self._named(entry)
        if name in needs:
            return name
        if entry.kind in (GROUP, DYNAMIC):
            needs[name] = ()
            members = [directory.entries[key] for key in entry.members if key in directory.entries]
            needs[name] = tuple(one for member in members for one in self._copies(directory, member, needs))
        elif goal := self._goal(directory, entry):
            needs[name] = ()
            led = self._led(directory, goal, needs, entry)
            needs[name] = (led,)
            if led == name:  # a mail user whose external address is his own
                del needs[name]
        return name

    def _copies(self, directory: Directory, entry: Entry, needs: Needs) -> tuple[str, ...]:
        """A member's copies: a mailbox that keeps what it forwards has two."""
        if entry.keep_copy and (goal := self._goal(directory, entry)):
            return (self._named(entry), self._led(directory, goal, needs, entry))
        return (self._object(directory, entry, needs),)

    def _goal(self, directory: Directory, entry: Entry) -> str:
        if entry.kind == MAIL_USER:
            return normal(entry.external)
        to = directory.entries.get(entry.forward_to)
        return to.primary if to else normal(entry.forward_smtp)

    def _led(self, directory: Directory, goal: str, needs: Needs, giver: Entry) -> str:
        other = directory.lookup(goal)
        if other is not None and other.key != giver.key:
            return self._object(directory, other, needs)
        return self._listed(goal, needs)


def lacking(needs: Mapping[str, tuple[str, ...]], reached: set[str]) -> set[str]:
    """Return the people whom a group or a list leads to and who were not reached; whoever was is not asked to whom he leads."""
    inner = {name for names in needs.values() for name in names}
    found: set[str] = set()
    seen: set[str] = set()
    todo = [name for name in needs if name not in inner] or list(needs)[:1]
    while todo:
        name = todo.pop()
        if name in reached or name in seen:
            continue
        seen.add(name)
        if needs.get(name):
            todo += needs[name]
        elif name not in needs:
            found.add(name)
    return found
