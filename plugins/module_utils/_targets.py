# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""From what a user gives for a property to the value that the object shall show, and what to send for it. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from ._kinds import Kind
from ._values import as_list


def items_of(value: Any) -> list[Any]:
    """A list option as given: a list, or text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return as_list(value)


def target(kind: Kind, wanted: Any, read: Any, directory: Mapping[str, str] | None = None) -> tuple[Any, Any]:
    """The value that the object shall show, and what to send for it."""
    if not kind.edits:
        return wanted, kind.wire(wanted)
    if not isinstance(wanted, Mapping):
        final = kind.rank.one_each(items_of(wanted)) if kind.rank else items_of(wanted)
        if kind.keeps:
            named = {kind.key(item) for item in final}
            final += [item for item in as_list(read) if kind.keeps(item) and kind.key(item) not in named]
        return final, kind.wire(final)
    rank = kind.rank
    name_of = rank.entry if rank else kind.key

    def by_key(items: Iterable[Any]) -> dict[Hashable, Any]:
        keyed = ((name_of(item), item) for item in items)
        return {(directory or {}).get(str(key), key): item for key, item in keyed}

    have, add, drop = by_key(as_list(read)), by_key(items_of(wanted.get("add"))), by_key(items_of(wanted.get("remove")))
    if rank and any(rank.leads(item) and not rank.leads(have.get(key, rank.follow(item))) for key, item in add.items()):
        # Another one leads from now on. What a service makes of such an addition is not documented: the whole list is sent.
        led = {**{key: rank.follow(item) for key, item in have.items()}, **add}
        final = [item for key, item in led.items() if key not in drop]
        return final, kind.wire(final)
    final = [item for key, item in {**have, **{k: v for k, v in add.items() if k not in have}}.items() if key not in drop]
    edit = {
        "Add": kind.wire([item for key, item in add.items() if key not in have and key not in drop]),
        "Remove": kind.wire([item for key, item in have.items() if key in drop]),
    }
    return final, {key: items for key, items in edit.items() if items}
