# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""All that a prediction reads of a tenant, as plain data: which calls, when they were answered, and what changed meanwhile. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Reply, Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, is_empty, parse_date

from . import _reads as further
from ._inputs import Inputs
from ._snapshot import Snapshot, addresses_of, build, calls

FORM = 1
STAMPS = ("WhenChangedUTC", "WhenChanged")
NAMES = ("Guid", "ExchangeObjectId", "Name", "Identity")
# What a role may lack the right to read: the prediction then walks every reading of it.
OPTIONAL = frozenset({"phishing", "spam", "sealers", "dynamic_groups"})
# Kinds whose objects are read again one by one when they changed while everything was read.
KINDS = ("domains", "remote", "connectors", "test_connectors", "inbound", "rules", "group_by_name", "group_by_address")
DIRECTORY = ("recipients", "mailboxes", "groups", "dynamic_groups")
GROUPS = frozenset({"groups", "dynamic_groups"})
# Where more objects of a kind than this changed, the kind is read again as a whole.
ONE_BY_ONE = 50


@dataclass(frozen=True)
class Reading:
    """Answers by name of the call; a name that is missing had nothing to show.

    members: of groups, by address. first, last: the service's time of the first and of the last answer. open: what
    could not be read, one line each. unsettled: objects that changed each time they were read.
    """

    rows: Mapping[str, list[Row]]
    members: Mapping[str, list[Row]] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    open: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()

    def snapshot(self, inputs: Inputs) -> Snapshot:
        """The typed snapshot; its `now` is the time of the last answer."""
        return build(inputs, {name: Reply(rows, date=self.last) for name, rows in self.rows.items()})

    def counts(self) -> dict[str, int]:
        """Objects by kind."""
        once = {name: len(rows) for name, rows in self.rows.items() if name not in {"group_by_name", "group_by_address"}}
        return {**once, "member_lists": len(self.members)}

    def to_dict(self) -> dict[str, Any]:
        """The form that is kept and given back."""
        return {
            "form": FORM,
            "first": self.first,
            "last": self.last,
            "open": list(self.open),
            "unsettled": list(self.unsettled),
            "rows": dict(self.rows),
            "members": dict(self.members),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reading:
        """The inverse of to_dict; raises ValueError for anything else."""
        if data.get("form") != FORM:
            raise ValueError(f"its form is '{data.get('form')}', this version reads form {FORM}")
        try:
            rows, members = ({str(name): list(rows) for name, rows in data[part].items()} for part in ("rows", "members"))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("it holds no rows and members") from error
        return cls(
            rows,
            members,
            str(data.get("first") or ""),
            str(data.get("last") or ""),
            tuple(map(str, data.get("open") or ())),
            tuple(map(str, data.get("unsettled") or ())),
        )


def wanted(inputs: Inputs) -> dict[str, Cmdlet]:
    """The first round: the snapshot of a step that needs everything, and what a prediction needs beyond it; each call once."""
    found = {**further.CALLS, **calls(inputs, "preflight")}
    found["spam"] = Cmdlet("Get-HostedOutboundSpamFilterPolicy", {"Identity": "Default"})
    for name in ("recipients", "mailboxes"):
        found[name] = replace(found[name], select=(*found[name].select, *STAMPS))
    return found


def key_of(row: Row) -> str:
    """What tells an object from the others of its kind, and what it can be asked for by."""
    return next((str(row[name]) for name in NAMES if not is_empty(row.get(name))), "")


def stamp_of(row: Row) -> str:
    """When it was changed, as it says itself; empty when it does not."""
    return next((str(row[name]) for name in STAMPS if not is_empty(row.get(name))), "")


def changed(reading: Reading, since: str, known: Mapping[tuple[str, str], str]) -> dict[str, list[Row]]:
    """Objects that say that they changed at or after a time, by kind. known: the stamp with which one was read again already."""
    begun = parse_date(since)
    found: dict[str, list[Row]] = {}
    for name in (*KINDS, *DIRECTORY) if begun else ():
        for row in reading.rows.get(name, ()):
            when = parse_date(stamp_of(row))
            if when and begun and when >= begun and key_of(row) and known.get((name, key_of(row))) != stamp_of(row):
                found.setdefault(name, []).append(row)
    return found


@dataclass(frozen=True)
class Again:
    """One more call. name: of the first round, or `members`; key: of the object, or the group's address; empty for all of it."""

    name: str
    key: str
    cmdlet: Cmdlet


def again(first: Mapping[str, Cmdlet], found: Mapping[str, Sequence[Row]], ours: str, known: Collection[str]) -> list[Again]:
    """The calls that read these objects again, and the members of our group and of those whose members are known, by address."""
    made: list[Again] = []
    for name, rows in found.items():
        call = first[name]
        if len(rows) > ONE_BY_ONE:
            made.append(Again(name, "", call))
            continue
        for row in rows:
            one = {key: value for key, value in call.parameters.items() if key != "ResultSize"}
            made.append(Again(name, key_of(row), replace(call, parameters={**one, "Identity": key_of(row)})))
        groups = [fold(row.get("PrimarySmtpAddress") or "") for row in rows] if name in GROUPS else []
        made += [
            Again("members", address, further.members_call(found, address)) for address in groups if address == ours or address in known
        ]
    grouped = any(name.startswith("group_by") for name in found)
    if grouped and "members" in first and not any(one.name == "members" and one.key == ours for one in made):
        made.append(Again("members", ours, further.members_call({}, ours)))
    return made


def merged(reading: Reading, answers: Sequence[tuple[Again, list[Row] | None]], ours: str) -> Reading:
    """The reading with what was read again; None: the object is gone meanwhile."""
    rows = {name: list(held) for name, held in reading.rows.items()}
    members = {name: list(held) for name, held in reading.members.items()}
    for one, fresh in answers:
        if one.name == "members":
            if one.key == ours:
                rows["members"] = fresh or []
            elif one.key in members:
                members[one.key] = fresh or []
        elif not one.key:
            rows[one.name] = fresh or []
        else:
            same = [row for row in fresh or [] if key_of(row) == one.key]
            there = any(key_of(row) == one.key for row in rows[one.name])
            kept = [new for row in rows[one.name] for new in (same if key_of(row) == one.key else [row])]
            rows[one.name] = kept if there else [*kept, *same]
    return replace(reading, rows=rows, members=members)


def listing(first: Mapping[str, Cmdlet], reading: Reading) -> dict[tuple[str, str], Cmdlet]:
    """The calls that list everything once more, by name and, for the members of a group that decides, its address.

    Of people and groups only what tells them apart and when they changed is asked; a policy that could not be read is left out.
    """
    calls = {}
    for name, call in first.items():
        if name not in OPTIONAL or name in reading.rows:
            calls[name, ""] = replace(call, select=(*NAMES, *STAMPS)) if name in DIRECTORY else call
    return calls | {("members", address): further.members_call(reading.rows, address) for address in reading.members}


@dataclass(frozen=True)
class Drift:
    """What a list shows otherwise than the reading. rows, members: whole, as they are now; None for what is gone altogether.

    changed: people and groups that are new or changed, as the list names them. gone: keys of those that are no more. odd: every
    object that differs, as it was or is.
    """

    rows: Mapping[str, list[Row] | None]
    members: Mapping[str, list[Row]]
    changed: Mapping[str, list[Row]]
    gone: Mapping[str, frozenset[str]]
    odd: Mapping[str, list[Row]]


def drift(reading: Reading, listed: Mapping[tuple[str, str], list[Row] | None]) -> Drift:
    """The reading held against the list; None in the list: there is no such thing."""
    rows: dict[str, list[Row] | None] = {}
    members, changed, odd = dict[str, list[Row]](), dict[str, list[Row]](), dict[str, list[Row]]()
    gone: dict[str, frozenset[str]] = {}
    for (name, address), fresh in listed.items():
        directory = name in DIRECTORY
        held = {_mark(row, directory): row for row in (reading.members[address] if address else reading.rows.get(name, ()))}
        now = {_mark(row, directory): row for row in fresh or ()}
        other = [row for mark, row in {**held, **now}.items() if (mark in held) != (mark in now)]
        if not other:
            continue
        odd.setdefault(name, []).extend(other)
        if address:
            members[address] = fresh or []
        elif directory and fresh is not None:
            changed[name] = [row for mark, row in now.items() if mark not in held]
            gone[name] = frozenset(map(key_of, held.values())) - frozenset(map(key_of, fresh))
        else:
            rows[name] = fresh
    return Drift(rows, members, changed, gone, odd)


def _mark(row: Row, directory: bool) -> str:
    """Another text when the object is another one, or changed: its stamp, or all that it shows where it has none."""
    told = stamp_of(row)
    return f"{key_of(row)} {told}" if told or directory else json.dumps(row, sort_keys=True, default=str)


def adopted(reading: Reading, found: Drift) -> Reading:
    """The reading with what the list shows whole, and without what is gone."""
    left = {name: [row for row in held if key_of(row) not in found.gone.get(name, ())] for name, held in reading.rows.items()}
    rows = {name: held for name, held in {**left, **found.rows}.items() if held is not None}
    return replace(reading, rows=rows, members={**reading.members, **found.members})


def named(found: Mapping[str, Sequence[Row]]) -> list[str]:
    """These objects for a message, each once."""
    shown = {
        f"{row.get('PrimarySmtpAddress') or row.get('Name') or row.get('DomainName') or key_of(row)}": None
        for rows in found.values()
        for row in rows
    }
    return sorted(shown)


def group_addresses(reading: Reading, address: str) -> frozenset[str]:
    """Every address of our group, as it was read."""
    rows = (*reading.rows.get("group_by_name", ()), *reading.rows.get("group_by_address", ()))
    return frozenset(one for row in rows if fold(address) in addresses_of(row) for one in addresses_of(row)) | {fold(address)}
