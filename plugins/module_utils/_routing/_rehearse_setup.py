# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A tenant as it would show itself after a plan was carried out: the plan's options as rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from ._findings import Situation
from ._objects import of
from ._plan import Plan, enforce, setup
from ._snapshot import Recipient, Snapshot, Thing, holders

# Options whose property is not the same words in capitals.
ODD = {
    "use_mx_record": "UseMXRecord",
    "set_scl": "SetSCL",
    "sender_ip_addresses": "SenderIPAddresses",
    "ef_skip_last_ip": "EFSkipLastIP",
    "identity": "Name",
}


@dataclass(frozen=True)
class Shown:
    """A snapshot and the rows of the accepted domains, which a world takes from there."""

    snapshot: Snapshot
    domains: Sequence[Row]


def row_of(made: Mapping[str, Any]) -> Row:
    """The options of a cmdlet module as properties of a row; empty values clear."""
    return {ODD.get(name, name.title().replace("_", "")): value for name, value in made.items()}


def thing_of(made: Plan, there: Iterable[Thing], comment: str, **new: Any) -> Thing:
    """An object after its task. new: properties that it has when it is made."""
    known = next((thing for thing in there if fold(thing.name) == fold(made["identity"])), None)
    row = {**(known.row if known else new), **row_of(made)}
    return Thing(str(made["identity"]), known.guid if known else fold(made["identity"]), row.get(comment), row)


def _with(there: tuple[Thing, ...], made: Iterable[Thing]) -> tuple[Thing, ...]:
    fresh = {fold(thing.name): thing for thing in made}
    return (*(fresh.pop(fold(thing.name), thing) for thing in there), *fresh.values())


def typed(shown: Shown, domains: Iterable[Plan]) -> Shown:
    """The same with domains of the types that a plan names."""
    kinds = {fold(one["identity"]): str(one["domain_type"]) for one in domains}
    known = {name: replace(one, type=kinds.get(name, one.type)) for name, one in shown.snapshot.domains.items()}
    rows = [_retyped(row, kinds) for row in shown.domains]
    return Shown(replace(shown.snapshot, domains=known), rows)


def _retyped(row: Row, kinds: Mapping[str, str]) -> Row:
    name = fold(row.get("DomainName") or row.get("Name") or "")
    return {**row, "DomainType": kinds[name]} if name in kinds else row


def after_setup(case: Situation, shown: Shown) -> Shown:
    """Domains, group, its seed and connectors are there."""
    made, snapshot = setup(replace(case, snapshot=shown.snapshot)), shown.snapshot
    address = case.inputs.group_address
    there = snapshot.group(address)
    (wanted,) = made["groups"]
    new = {"Name": case.inputs.text("group_name"), "EmailAddresses": [f"SMTP:{address}"], "RequireSenderAuthenticationEnabled": True}
    row = {**(there.row if there else new), **{key: value for key, value in row_of(wanted).items() if key != "Name"}}
    group = Thing(str(row["Name"]), there.guid if there else fold(address), row.get("Description"), row)
    names = [name for one in made["members"] for name in one["members"]]
    changed = replace(
        snapshot,
        connectors=_with(snapshot.connectors, (thing_of(one, snapshot.connectors, "Comment") for one in made["connectors"])),
        groups=_with(snapshot.groups, [group]),
        members=members_after(snapshot, names),
    )
    return typed(Shown(changed, shown.domains), made["domains"])


def members_after(snapshot: Snapshot, join: Iterable[str] = (), leave: Iterable[str] = ()) -> tuple[Recipient, ...]:
    """The members after recipients joined or left, by any address."""
    held = holders(snapshot)
    gone = {one.primary for address in leave for one in held.get(fold(address), ())}
    inside = {member.primary for member in snapshot.members}
    fresh = {one.primary: one for address in join for one in held.get(fold(address), ())[:1] if one.primary not in inside}
    return (*(member for member in snapshot.members if member.primary not in gone), *fresh.values())


def after_enforce(case: Situation, shown: Shown, now: str) -> Shown:
    """The rules are there, changed now where they are new or were off; and the way in for the source."""
    snapshot = shown.snapshot
    made = enforce(replace(case, snapshot=snapshot, step="enforce"))
    place = max((rule.priority for rule in snapshot.rules), default=-1) + 1
    rules: list[Thing] = []
    for number, one in enumerate((*made["rules"], *made["inbound_rules"])):
        new = {"Priority": place + number, "RecipientAddressType": "Resolved", "State": "Enabled", "Mode": "Enforce", "WhenChanged": now}
        thing = thing_of(one, snapshot.rules, "Comments", **new)
        known = next((rule for rule in snapshot.rules if fold(rule.name) == fold(thing.name)), None)
        stamp = {} if known and known.enabled else {"WhenChanged": now, "State": "Enabled"}
        rules.append(replace(thing, row={**thing.row, **stamp}))
    connectors = (thing_of(one, snapshot.inbound, "Comment") for one in made["inbound_connectors"])
    ordered = tuple(sorted(_with(snapshot.rules, rules), key=lambda rule: rule.priority))
    return replace(shown, snapshot=replace(snapshot, rules=ordered, inbound=_with(snapshot.inbound, connectors)))


def without(shown: Shown, case: Situation, *nouns: str) -> Shown:
    """The same without our objects of these kinds."""
    gone = {fold(one.name) for noun in nouns for one in of(case.inputs, noun)}
    snapshot = shown.snapshot

    def kept(things: tuple[Thing, ...]) -> tuple[Thing, ...]:
        return tuple(thing for thing in things if fold(thing.name) not in gone)

    left = replace(
        snapshot,
        rules=kept(snapshot.rules),
        connectors=kept(snapshot.connectors),
        inbound=kept(snapshot.inbound),
        groups=kept(snapshot.groups),
    )
    return replace(shown, snapshot=left)


def stopped(shown: Shown, names: Iterable[str], now: str) -> Shown:
    """The same with rules disabled now."""
    off = {fold(name) for name in names}

    def turned(rule: Thing) -> Thing:
        return replace(rule, row={**rule.row, "State": "Disabled", "WhenChanged": now}) if fold(rule.name) in off else rule

    return replace(shown, snapshot=replace(shown.snapshot, rules=tuple(turned(rule) for rule in shown.snapshot.rules)))
