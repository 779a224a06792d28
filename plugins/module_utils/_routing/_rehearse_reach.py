# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Whose mail can come by whom: everything that leads to an address or an object, backwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ._world import Party, World, plain


def leads(world: World) -> dict[str, set[str]]:
    """Per address or id, what mail to it can be led on to, turned round: from a target to all that lead there."""
    back: dict[str, set[str]] = {}
    for start, end in _edges(world):
        if start != end:
            back.setdefault(end, set()).add(start)
    return back


def _edges(world: World) -> Iterator[tuple[str, str]]:
    for party in world.parties:
        yield from ((address, party.id) for address in party.addresses)
        yield from ((party.id, address) for address in party.addresses)
        yield from ((party.id, target) for target in _targets(party) if target)
    for source in world.sources:
        for address, entry in (source.addresses or {}).items():
            # An alias and its owner are one person: what changes for one changes for the other.
            if entry.owner:
                yield address, entry.owner
                yield entry.owner, address
            yield from ((address, member) for member in entry.members)
        for address, forward in source.forwards.items():
            yield address, forward.target
            yield address, plain(forward.target)


def _targets(party: Party) -> tuple[str, ...]:
    return (*(party.members or ()), party.external, party.forward, party.forward_smtp, plain(party.forward_smtp))


def behind(back: dict[str, set[str]], touched: Iterable[str]) -> frozenset[str]:
    """Everything whose mail can come by one of these."""
    seen, waiting = set(touched), list(touched)
    while waiting:
        for start in back.get(waiting.pop(), ()):
            if start not in seen:
                seen.add(start)
                waiting.append(start)
    return frozenset(seen)
