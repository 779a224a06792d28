# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A cmdlet noun as a table, and the plan that leads from what is there to what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._kinds import NAME, TEXT, Kind
from ._session import Cmdlet, Reply, Row
from ._targets import items_of, target
from ._values import as_list, fold, is_empty, is_guid, to_option

BOTH, NEW, SET = "both", "new", "set"


@dataclass(frozen=True)
class Property:
    """One parameter of a noun: one line of a module's table.

    on: the cmdlets that take it: `both` New- and Set-, or one of them. read: the property that shows it; "" for the
    parameter's own name, None for a write-only modifier, which rides on a call and never causes one. read_with: the
    switch of Get- that fills that property. verified: its read-back form is known from a real tenant. pair: the cmdlets
    that switch it on and off on an existing object. limit: the most characters that the service takes. clears: an empty
    choice unsets it. where: (parameter, value): the service takes it only for objects that have that value; a truth that is
    false is then not sent.
    """

    parameter: str
    kind: Kind = TEXT
    choices: tuple[str, ...] = ()
    on: str = BOTH
    read: str | None = ""
    read_with: str = ""
    verified: bool = True
    pair: tuple[str, str] | None = None
    limit: int = 0
    clears: bool = False
    where: tuple[str, str] | None = None
    aliases: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The option's name."""
        return to_option(self.parameter)

    @property
    def shown_as(self) -> str | None:
        """The property of a read object that shows this parameter; None when none does."""
        return self.parameter if self.read == "" else self.read

    def current(self, row: Row) -> Any:
        """What a read object shows of it; where the property that a switch fills stayed empty, the plain one."""
        shown = row.get(self.shown_as) if self.shown_as else None
        return row.get(self.parameter) if self.read_with and is_empty(shown) else shown

    def display(self, value: Any) -> Any:
        """The form in which a read object would show `value`."""
        if self.pair and self.shown_as == "State":
            return "Enabled" if self.kind.key(value) else "Disabled"
        return self.kind.show(value) if self.kind.show else value

    def spec(self) -> dict[str, Any]:
        """The option's entry in an argument spec."""
        entry: dict[str, Any] = {"type": self.kind.ansible}
        if self.kind.ansible == "list":
            entry["elements"] = "str"
        if self.choices:
            entry["choices"] = [*self.choices, *([""] if self.clears else [])]
        if "pass" in self.option and self.kind.ansible != "bool":
            entry["no_log"] = False  # "bypass" looks like a secret's name and is none
        if self.aliases:
            entry["aliases"] = list(self.aliases)
        return entry

    def faults(self, value: Any) -> list[str]:
        """Everything wrong with a user's value; [] when nothing is."""
        if self.kind.edits and isinstance(value, Mapping):
            odd = sorted(set(value) - {"add", "remove"})
            found = [f"takes the keys add and remove, not {', '.join(odd)}"] if odd else []
            return found + [fault for part in value.values() for fault in self.faults(items_of(part))]
        found = self.kind.faults(value)
        if self.limit and len(str(value)) > self.limit:
            found.append(f"has {len(str(value))} characters, the service takes {self.limit}")
        return found


@dataclass(frozen=True)
class Difference:
    """One property that is not as wanted."""

    prop: Property
    wanted: Any
    read: Any
    wire: Any


@dataclass(frozen=True)
class Plan:
    """The way from what is there to what is wanted.

    calls: in order. differences: what made them necessary. before, after: the managed options, for a diff.
    row: the object as it will read, None when it will be absent; it feeds the overlays of check mode.
    faults: why the plan cannot be carried out; with any, calls is empty.
    """

    calls: tuple[Cmdlet, ...] = ()
    differences: tuple[Difference, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    row: Row | None = None
    faults: tuple[str, ...] = ()


# From whether the object was changed by this task, the object and the options, to the calls that must follow.
Finish = Callable[[bool, Row, Mapping[str, Any]], tuple[Cmdlet, ...]]
# From the options, the object before and the object after (None: absent) to what forbids the change, one line each.
Check = Callable[[Mapping[str, Any], "Row | None", "Row | None"], Sequence[str]]
# From one of the finishing calls and its answer to what is wrong with it; empty when nothing is.
Judge = Callable[[Cmdlet, Reply], tuple[str, str]]


@dataclass(frozen=True)
class Resource:
    """A cmdlet noun.

    verbs: which of New, Set, Remove it has. create_needs: parameters without which New- refuses, besides Name.
    together: parameters that are set all or none, and sent in one command. needs: (parameter, value, partner): with that
    value the partner must be set too and travels along. reads: extra parameters of Get-, one read each, merged.
    defaults: what a new object shows unasked. missing: the remedy when it is absent and cannot be created.
    check: what forbids a change. finish: calls that follow a change or an unfinished state. judge: what is wrong with, and to doubt of,
    the answer to one of those. modifiers ride on Remove- too when `on_remove` names them. parts: a noun whose rows are
    parts of this object; given: from the options to the identities of those that a new one has. addressed: an address is an
    identity of it, and no name. beside: from what Set- would send, the
    object and the options to what must travel with it. ordered: the property that numbers the objects of the noun from 0, without gaps.
    """

    noun: str
    properties: tuple[Property, ...]
    verbs: frozenset[str] = frozenset({"New", "Set", "Remove"})
    create_needs: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    needs: tuple[tuple[str, Any, str], ...] = ()
    reads: tuple[Mapping[str, Any], ...] = ({},)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""
    check: Check | None = None
    finish: Finish | None = None
    judge: Judge | None = None
    on_remove: tuple[str, ...] = ()
    parts: str = ""
    given: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    addressed: bool = False
    beside: Callable[[Mapping[str, Any], Row, Mapping[str, Any]], Mapping[str, Any]] | None = None
    ordered: str = ""
    identity_aliases: tuple[str, ...] = ()

    def managed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options that the task manages: those it does not leave out."""
        return {p.option: params[p.option] for p in self.properties if params.get(p.option) is not None}

    def faults(self, wanted: Mapping[str, Any]) -> list[str]:
        """Every problem of the options, one line each."""
        found = []
        for prop in self.properties:
            if prop.option in wanted:
                found += [f"{prop.option}: {fault}" for fault in prop.faults(wanted[prop.option])]
        return found

    def switches(self, wanted: Mapping[str, Any]) -> dict[str, bool]:
        """The switches of Get- that the managed options need."""
        return {p.read_with: True for p in self.properties if p.read_with and p.option in wanted}


def references(resource: Resource, wanted: Mapping[str, Any], row: Row) -> dict[str, list[str]]:
    """Per noun, the identities on either side that only the service can tell to be the same object."""
    found: dict[str, set[str]] = {}
    for prop in resource.properties:
        if prop.option not in wanted or not prop.kind.refers or prop.shown_as is None:
            continue
        value = wanted[prop.option]
        parts = [item for part in value.values() for item in items_of(part)] if isinstance(value, Mapping) else _listed(prop, value)
        one, other = ({str(prop.kind.key(item)) for item in side} for side in (parts, as_list(prop.current(row))))
        unsure = one ^ other if one - other else set()
        if unsure and other:
            found.setdefault(prop.kind.refers, set()).update(unsure)
    return {noun: sorted(names) for noun, names in found.items()}


def _listed(prop: Property, value: Any) -> list[Any]:
    return items_of(value) if prop.kind.edits else as_list(value)


def compare(resource: Resource, wanted: Mapping[str, Any], row: Row, directory: Mapping[str, str] | None = None) -> tuple[Difference, ...]:
    """The managed properties that are not as wanted, in the table's order."""
    found = []
    for prop in resource.properties:
        if prop.option not in wanted or prop.shown_as is None:
            continue
        read = prop.current(row)
        final, wire = target(prop.kind, wanted[prop.option], read, directory)
        if not prop.kind.same(final, read, directory):
            found.append(Difference(prop, final, read, wire))
    return tuple(found)


def absent(resource: Resource, identity: str, wanted: Mapping[str, Any], row: Row | None) -> Plan:
    """The plan that removes the object; empty when it is gone."""
    if row is None:
        return Plan()
    extra = _wires(p for p in resource.properties if p.parameter in resource.on_remove)(wanted)
    call = Cmdlet(f"Remove-{resource.noun}", {"Identity": identity, **extra, "Confirm": False})
    plan = Plan((call,), before=_shown(resource, wanted, row) or {"identity": identity})
    return _allowed(resource, identity, wanted, row, plan)


def present(
    resource: Resource,
    identity: str,
    wanted: Mapping[str, Any],
    row: Row | None,
    directory: Mapping[str, str] | None = None,
) -> Plan:
    """The plan that creates or changes the object; empty when it is as wanted."""
    plan = _create(resource, identity, wanted) if row is None else _change(resource, identity, wanted, row, directory)
    return _allowed(resource, identity, wanted, row, plan)


def _allowed(resource: Resource, identity: str, wanted: Mapping[str, Any], row: Row | None, plan: Plan) -> Plan:
    """The plan, or only its faults when the change breaks a rule of the noun."""
    if not plan.calls:
        return plan
    found = list(_incomplete(resource, wanted, plan.row)) if plan.row is not None else []
    found += resource.check(wanted, row, plan.row) if resource.check else []
    return Plan(faults=tuple(f"{resource.noun} '{identity}': {fault}" for fault in found)) if found else plan


def _fits(prop: Property, wanted: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """True when the service takes this parameter for such an object."""
    if prop.where is None:
        return True
    parameter, value = prop.where
    return fold(wanted.get(to_option(parameter)) or row.get(parameter)) == fold(value)


def _incomplete(resource: Resource, wanted: Mapping[str, Any], after: Row) -> Iterator[str]:
    """What is set by half, one line each."""
    by_name = {p.parameter: p for p in resource.properties}
    for names in resource.together:
        props = [by_name[name] for name in names]
        lacking = [p.option for p in props if is_empty(p.current(after))]
        if any(p.option in wanted for p in props) and 0 < len(lacking) < len(props):
            every = ", ".join(p.option for p in props)
            yield f"{every} are set together or not at all: also give {', '.join(lacking)}, or clear them all."
    for prop in resource.properties:
        if prop.where and wanted.get(prop.option) and not _fits(prop, wanted, after):
            yield f"{prop.option} needs {to_option(prop.where[0])}: {prop.where[1]}; give that, or leave {prop.option} out."
    for name, value, partner in resource.needs:
        prop, other = by_name[name], by_name[partner]
        if wanted.get(prop.option) == value and is_empty(other.current(after)):
            yield f"{prop.option} {str(value).lower()} needs {other.option}: give it as well."


def _create(resource: Resource, identity: str, wanted: Mapping[str, Any]) -> Plan:
    if "New" not in resource.verbs:
        return Plan(faults=(f"{resource.noun} '{identity}' does not exist. {resource.missing}".strip(),))
    unmeant = _no_creation(resource, identity, wanted)
    if unmeant:
        return Plan(faults=(f"{resource.noun} '{identity}' does not exist; {unmeant}.",))
    name = str(wanted.get("name") or identity)
    long = [p.limit for p in resource.properties if p.parameter == "Name" and 0 < p.limit < len(name)]
    if long:
        return Plan(faults=(f"{resource.noun} '{name}': a name has at most {long[0]} characters; give a shorter one as name.",))
    rest = [p for p in resource.properties if p.parameter != "Name" and _fits(p, wanted, resource.defaults)]
    calls = [Cmdlet(f"New-{resource.noun}", {"Name": name, **_wires(p for p in rest if p.on != SET)(wanted)})]
    later = _wires(p for p in rest if p.on == SET and p.read is not None and _unlike_new(resource, p, wanted.get(p.option)))(wanted)
    if later:
        riders = _wires(p for p in rest if p.read is None and p.on == SET)(wanted)
        calls.append(Cmdlet(f"Set-{resource.noun}", {"Identity": name, **later, **riders}))
    row = _row_after(resource, {**resource.defaults, "Name": name, "Identity": name, "Id": name}, wanted)
    return Plan(tuple(calls), before={}, after=_shown(resource, wanted, row), row=row)


def _no_creation(resource: Resource, identity: str, wanted: Mapping[str, Any]) -> str:
    """Why these options mean an object that is there, or lack what a new one needs; empty when one can be created."""
    edits = [p.option for p in resource.properties if p.kind.edits and isinstance(wanted.get(p.option), Mapping)]
    if edits:
        return f"{', '.join(edits)} would add to it or remove from it: correct the identity, or give the whole list to create it"
    if not wanted.get("name") and (is_guid(identity) or (resource.addressed and "@" in identity)):
        return "such an identity names no new one: correct it, or give name to create it"
    lacking = [to_option(name) for name in resource.create_needs if is_empty(wanted.get(to_option(name)))]
    return f"to create it, give {', '.join(lacking)}" if lacking else ""


def _unlike_new(resource: Resource, prop: Property, value: Any) -> bool:
    """True when a new object would not show this value unasked."""
    known = prop.shown_as in resource.defaults
    return not is_empty(value) and not (known and prop.kind.same(value, resource.defaults[str(prop.shown_as)]))


def _change(resource: Resource, identity: str, wanted: Mapping[str, Any], row: Row, directory: Mapping[str, str] | None) -> Plan:
    found = compare(resource, wanted, row, directory)
    fixed = [d for d in found if d.prop.on == NEW and not d.prop.pair]
    if fixed:
        return Plan(faults=tuple(_cannot_change(resource, identity, d) for d in fixed))
    if not found:
        return Plan(row=row)
    switched = [d for d in found if d.prop.pair]
    sent = {d.prop.parameter: d.wire for d in found if not d.prop.pair}
    calls = [_switch(d, identity) for d in switched if not d.prop.kind.key(d.wanted)]
    # What the object will not take once it has changed goes before that.
    early = {d.prop.parameter: d.wire for d in found if _leaves(d, wanted, row)}
    if early:
        sent = {name: value for name, value in sent.items() if name not in early}
        calls.append(Cmdlet(f"Set-{resource.noun}", {"Identity": identity, **early}))
    if sent:
        sent = _with_partners(resource, sent, wanted, row)
        sent |= resource.beside(sent, row, wanted) if resource.beside else {}
        riders = _wires(p for p in resource.properties if p.read is None and p.on != NEW)(wanted)
        calls.append(Cmdlet(f"Set-{resource.noun}", {"Identity": identity, **sent, **riders}))
    calls += [_switch(d, identity) for d in switched if d.prop.kind.key(d.wanted)]
    targets = {d.prop.option: d.wanted for d in found}
    reads = {d.prop.option: d.read for d in found}
    after_row = _row_after(resource, row, targets)
    before = {key: reads[key] if key in targets else value for key, value in wanted.items()}
    shown = {d.prop.option: d.prop.display(d.wanted) for d in switched}
    after = {key: shown.get(key, targets.get(key, value)) for key, value in wanted.items()}
    return Plan(tuple(calls), found, before, after, after_row)


def _leaves(difference: Difference, wanted: Mapping[str, Any], row: Row) -> bool:
    """Whether it is switched off together with what allowed it."""
    prop = difference.prop
    return prop.where is not None and not difference.wanted and _fits(prop, {}, row) and not _fits(prop, wanted, row)


def _cannot_change(resource: Resource, identity: str, difference: Difference) -> str:
    return (
        f"{resource.noun} '{identity}': {difference.prop.option} is '{difference.read}' and can only be set when the object is"
        f" created, so it cannot become '{difference.wanted}'. Remove the object first, or leave the option out."
    )


def _switch(difference: Difference, identity: str) -> Cmdlet:
    on, off = difference.prop.pair or ("", "")
    wanted = difference.prop.kind.key(difference.wanted)
    return Cmdlet(on, {"Identity": identity}) if wanted else Cmdlet(off, {"Identity": identity, "Confirm": False})


def _wires(properties: Iterable[Property]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function from managed options to the parameters that these properties send."""
    chosen = tuple(properties)

    def wires(wanted: Mapping[str, Any]) -> dict[str, Any]:
        return {p.parameter: p.kind.wire(target(p.kind, wanted[p.option], None)[0]) for p in chosen if p.option in wanted}

    return wires


def _with_partners(resource: Resource, sent: dict[str, Any], wanted: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """Add what must travel in the same command, from the options or else from the object."""
    full = dict(sent)
    groups = [*resource.together, *((name, partner) for name, value, partner in resource.needs if sent.get(name) == value)]
    for names in groups:
        if not any(name in sent for name in names):
            continue
        for prop in (p for p in resource.properties if p.parameter in names and p.parameter not in full):
            value = wanted.get(prop.option, prop.current(row))
            if not is_empty(value):
                full[prop.parameter] = prop.kind.wire(target(prop.kind, value, prop.current(row))[0])
    return full


def _shown(resource: Resource, wanted: Mapping[str, Any], row: Row) -> dict[str, Any]:
    return {p.option: p.current(row) for p in resource.properties if p.option in wanted and p.shown_as}


def _row_after(resource: Resource, row: Row, wanted: Mapping[str, Any]) -> Row:
    after = dict(row)
    for prop in resource.properties:
        if prop.option in wanted and prop.shown_as:
            final = target(prop.kind, wanted[prop.option], prop.current(row))[0]
            after[prop.shown_as] = prop.display(final)
            if prop.read_with:
                after[prop.parameter] = final
    if wanted.get("name"):
        after.update(Identity=wanted["name"], Id=wanted["name"])
    return after


NAME_PROPERTY = Property("Name", NAME, limit=64)
