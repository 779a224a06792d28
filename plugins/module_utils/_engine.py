# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Carries plans out: read, resolve, plan, call, read back, report. The SPEC kinds `Managed` and `Info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._identity import bears, identities
from ._pauses import Pauses
from ._resource import Difference, Plan, Property, Resource, absent, compare, present, references
from ._runner import Context, InputError, report
from ._session import NOW, Ambiguous, Cmdlet, ExchangeError, Exists, Failed, NotFound, Reply, Row
from ._values import fold, is_empty, number_key

# How often a plan is made again from a fresh read, when a write's fate is unknown or another hand was faster.
REPLANS = 4


def find(rows: Sequence[Row], identity: str, cmdlet: str) -> Row | None:
    """The one row that bears the identity; None when none does."""
    found: dict[str, Row] = {}
    for row in rows:
        if bears(row, identity):
            found.setdefault(str(row.get("Guid") or row.get("Identity") or len(found)), row)
    exact = [row for row in found.values() if fold(identity) in {fold(row.get("Identity")), fold(row.get("Name"))}]
    candidates = exact if len(exact) == 1 else list(found.values())
    if len(candidates) > 1:
        raise Ambiguous(f"matches {len(candidates)} objects.", cmdlet=cmdlet, identity=identity)
    return candidates[0] if candidates else None


def read(resource: Resource, identity: str, wanted: Mapping[str, Any], context: Context) -> Row | None:
    """The object, or None when the service says that there is none. Any other failure is an error."""
    name = f"Get-{resource.noun}"
    for extra in resource.reads:
        try:
            reply = context.session.call(Cmdlet(name, {"Identity": identity, **extra, **resource.switches(wanted)}))
        except NotFound:
            continue
        row = find(reply.rows, identity, name)
        if row is not None:
            return row
    return None


def directory(resource: Resource, wanted: Mapping[str, Any], row: Row | None, context: Context) -> dict[str, str]:
    """Folded identity to canonical id, for references whose spelling differs between the options and the object."""
    if row is None:
        return {}
    asked = [(noun, name) for noun, names in references(resource, wanted, row).items() for name in names]
    found = _looked_up(asked, context)
    # An owner may be a plain user, who is no recipient.
    return found | _looked_up([("User", name) for noun, name in asked if noun == "Recipient" and name not in found], context)


def _looked_up(asked: Sequence[tuple[str, str]], context: Context) -> dict[str, str]:
    """The canonical ids of those that exist. An unknown name stays itself: the write will say what the service thinks of it."""
    replies = context.session.call_many([Cmdlet(f"Get-{noun}", {"Identity": name}) for noun, name in asked]) if asked else []
    found = {}
    for (noun, name), reply in zip(asked, replies, strict=True):
        if isinstance(reply, NotFound):
            continue
        if isinstance(reply, ExchangeError):
            raise reply
        target = find(reply.rows, name, f"Get-{noun}")
        if target is not None:
            found[name] = str(target.get("ExternalDirectoryObjectId") or target.get("Guid") or target.get("Identity"))
    return found


@dataclass(frozen=True)
class Managed:
    """The SPEC of a noun that is created, changed and removed."""

    resource: Resource
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def argument_spec(self) -> dict[str, Any]:
        """identity, one option per property, and state when the noun can be removed."""
        identity: dict[str, Any] = {"type": "str", "required": True}
        if self.resource.identity_aliases:
            identity["aliases"] = list(self.resource.identity_aliases)
        spec = {"identity": identity, **{p.option: p.spec() for p in self.resource.properties}}
        if "Remove" in self.resource.verbs:
            spec["state"] = {"type": "str", "choices": ["present", "absent"], "default": "present"}
        return spec

    def run(self, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Bring the object to the wanted state."""
        wanted = self.resource.managed(params)
        problems = self.resource.faults(wanted)
        if not str(params["identity"]).strip():
            problems.append("identity is empty: name the object.")
        if problems:
            raise InputError([f"{self.resource.noun} '{params['identity']}': {problem}" for problem in problems])
        return _Work(self.resource, str(params["identity"]), wanted, params.get("state") == "absent", context).do()


@dataclass
class _Work:
    """One object on its way to the wanted state."""

    resource: Resource
    identity: str
    wanted: dict[str, Any]
    gone: bool
    context: Context
    made: list[Cmdlet] = field(default_factory=list)
    first: Plan | None = None
    date: str = ""
    noted: str = ""
    sent: Cmdlet | None = None
    doubtful: Cmdlet | None = None

    def do(self) -> dict[str, Any]:
        """Plan and carry out; plan again from a fresh read when a call's fate is unknown or somebody was faster."""
        pauses = Pauses(self.context)
        attempts = 0
        while True:
            attempts += 1
            try:
                plan, row = self._plan()
                self._settle(plan, row)
                return self._carry_out(plan, row)
            except ExchangeError as error:
                error.made = report(self.made)
                if error.uncertain:
                    self.doubtful = self.sent
                elif not isinstance(error, (Exists, NotFound)) or (attempts >= REPLANS and self.doubtful is None):
                    self._doubt(error)
                    raise
                if (error.uncertain and attempts >= REPLANS) or not pauses.more():
                    self._doubt(error)
                    raise

    def _doubt(self, error: ExchangeError) -> None:
        """An error must not hide that nobody knows what became of an earlier call."""
        if self.doubtful is not None and not error.uncertain:
            error.uncertain = True
            error.text = f"{error.text.rstrip('.')}; whether {self.doubtful.name} before it was applied is not known."

    def _settle(self, plan: Plan, row: Row | None) -> None:
        """A call of unknown fate that the fresh plan no longer holds was applied: it counts as made."""
        self.first = self.first or plan
        if self.doubtful is None:
            return
        ahead = [*plan.calls, *self._finishing(plan, plan.row or row)]
        if not any(_repeats(self.doubtful, call) for call in ahead):
            self.made.append(self.doubtful)
            self.doubtful = None

    def _plan(self) -> tuple[Plan, Row | None]:
        name = str(self.wanted.get("name") or "")
        row = read(self.resource, self.identity, self.wanted, self.context)
        if row is None and name and fold(name) != fold(self.identity):
            row = read(self.resource, name, self.wanted, self.context)
            self.identity = name if row is not None else self.identity
        if self.gone:
            plan = absent(self.resource, self.identity, self.wanted, row)
        else:
            names = directory(self.resource, self.wanted, row, self.context)
            plan = present(self.resource, self.identity, self.wanted, row, names)
        if plan.faults:
            raise InputError(list(plan.faults))
        return plan, row

    def _carry_out(self, plan: Plan, row: Row | None) -> dict[str, Any]:
        after = plan.row if plan.calls or self.gone else row
        if self.context.check_mode:
            return self._announce(plan, row, after)
        for call in plan.calls:
            self._call(call)
        if plan.calls:
            after = self._confirm(plan)
        extra = self._finishing(plan, after)
        for call in extra:
            self._judge(call, self._call(call))
        return self._result(self.made, self._finished(extra, after) if extra and after is not None else after, self._noted(extra, row))

    def _announce(self, plan: Plan, row: Row | None, after: Row | None) -> dict[str, Any]:
        """What the run would do; later reads of this check see the object as it would be."""
        extra = self._finishing(plan, after)
        if after is not None:
            after = {**after, **_values(extra, NOW)}
        if plan.calls or extra:
            names = identities(self.identity, [row, after])
            self.context.session.overlay(self.resource.noun, names, [after] if after else [])
            if self.resource.parts and row is None:
                self.context.session.overlay(self.resource.parts, names, self._parts())
            if self.resource.ordered:
                self._shift(names, row, after)
        return self._result([*plan.calls, *extra], after, self._noted(extra, row))

    def _noted(self, extra: Sequence[Cmdlet], row: Row | None) -> dict[str, tuple[Any, Any]]:
        """What the finishing calls set: by option the value before, and the one afterwards."""
        values = _values(extra, NOW)
        return {p.option: (p.current(row or {}), values[p.parameter]) for p in self.resource.properties if p.parameter in values}

    def _parts(self) -> list[Row]:
        """The parts that a new object would have."""
        given = list(self.resource.given(self.wanted)) if self.resource.given else []
        replies = self.context.session.call_many([Cmdlet("Get-Recipient", {"Identity": name}) for name in given]) if given else []
        found = []
        for name, reply in zip(given, replies, strict=True):
            if isinstance(reply, ExchangeError) and not isinstance(reply, NotFound):
                raise reply
            rows = [] if isinstance(reply, ExchangeError) else [row for row in reply.rows if bears(row, name)]
            # One that the service cannot name yet is told by the run itself.
            found.append(rows[0] if len(rows) == 1 else {"Identity": name, "PrimarySmtpAddress": name})
        return found

    def _shift(self, names: Sequence[str], row: Row | None, after: Row | None) -> None:
        """Number the other objects as they would be numbered then."""
        number = self.resource.ordered
        place = (after or {}).get(number)
        if after is not None and (place is None or (row is not None and row.get(number) == place)):
            return
        noun, own = self.resource.noun, {fold(name) for name in names}
        rows = self.context.session.call(Cmdlet(f"Get-{noun}", {"ResultSize": "Unlimited"})).rows
        others = sorted((one for one in rows if fold(one.get("Name")) not in own), key=lambda one: int(one.get(number) or 0))
        order = others if after is None else [*others[: int(str(place))], None, *others[int(str(place)) :]]
        for now, one in enumerate(order):
            if one is not None and one.get(number) != now:
                self.context.session.overlay(noun, identities(str(one.get("Identity")), [one]), [{**one, number: now}])

    def _finishing(self, plan: Plan, after: Row | None) -> tuple[Cmdlet, ...]:
        if self.resource.finish is None or after is None or self.gone:
            return ()
        return self.resource.finish(bool(plan.calls or self.made), after, self.wanted)

    def _judge(self, call: Cmdlet, reply: Reply) -> None:
        fault, doubt = self.resource.judge(call, reply) if self.resource.judge else ("", "")
        if fault:
            raise Failed(fault, cmdlet=call.name, identity=self.identity)
        if doubt:
            self.context.warn(f"{call.name} '{self.identity}': {doubt}")

    def _finished(self, extra: Sequence[Cmdlet], row: Row) -> Row:
        """Read until the object shows what the finishing calls set."""
        expected = {p: value for p in self.resource.properties for key, value in _values(extra, self.noted).items() if p.parameter == key}
        pauses = Pauses(self.context)
        while True:
            found = read(self.resource, str(row.get("Identity") or self.identity), self.wanted, self.context) or row
            left = [
                Difference(p, value, p.current(found), value) for p, value in expected.items() if not p.kind.same(value, p.current(found))
            ]
            if not left:
                return found
            if not pauses.more():
                self._complain(Plan(tuple(extra)), left)
                return found

    def _call(self, call: Cmdlet) -> Reply:
        """One write. An object made a moment ago may not be found yet: then wait, within the bound."""
        self.sent = call
        if call.verb == "Validate":
            self.context.progress(f"{call.name} '{self.identity}' connects and sends test mail; this takes a while.")
        if NOW in call.parameters.values():
            self.noted = self.date
        reply = self._patiently(Cmdlet(call.name, {key: self.noted if value == NOW else value for key, value in call.parameters.items()}))
        self.date = reply.date
        self.made.append(call)
        for text in reply.warnings:
            self.context.warn(f"{call.name} '{self.identity}': {text}")
        return reply

    def _patiently(self, call: Cmdlet) -> Reply:
        pauses = Pauses(self.context)
        while True:
            try:
                return self.context.session.call(call)
            except NotFound:
                if not self.made or not pauses.more():
                    raise

    def _confirm(self, plan: Plan) -> Row | None:
        """Read until the object shows the write; an error when it never does, a warning for an unverified form."""
        identity = str(self.wanted.get("name") or self.identity) if not self.gone else self.identity
        pauses = Pauses(self.context)
        while True:
            row = read(self.resource, identity, self.wanted, self.context)
            left = self._left(row)
            if left == ():
                return row
            if not pauses.more():
                break
        if left is None:
            state = "is still there" if self.gone else "does not appear"
            raise Failed(
                f"the service took the call, yet after {self.context.patience:.0f} s the object {state}.",
                cmdlet=plan.calls[-1].name,
                identity=identity,
                remedy="Look at it in the Exchange admin center and run again.",
            )
        self._complain(plan, left)
        return row

    def _left(self, row: Row | None) -> tuple[Difference, ...] | None:
        """What still differs; None when presence itself is not as wanted."""
        if self.gone or row is None:
            return () if self.gone == (row is None) else None
        names = directory(self.resource, self.wanted, row, self.context)
        return compare(self.resource, self.wanted, row, names)

    def _complain(self, plan: Plan, left: Sequence[Difference]) -> None:
        lines = [f"{d.prop.option}: wanted '{d.wanted}', read '{d.read}'" for d in left]
        if any(d.prop.verified for d in left):
            raise Failed(
                f"the service took the call, yet after {self.context.patience:.0f} s it shows {'; '.join(lines)}.",
                cmdlet=plan.calls[-1].name,
                identity=self.identity,
                remedy="Another administrator or a policy may have changed it back: look at it and run again.",
            )
        for line in lines:
            self.context.warn(f"{self.resource.noun} '{self.identity}' {line}: the form in which this reads back is not known.")

    def _result(self, calls: Sequence[Cmdlet], row: Row | None, noted: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        first = self.first or Plan()
        before, after = ({option: pair[side] for option, pair in noted.items()} for side in (0, 1))
        diff = {"before": {**first.before, **(before if first.before or not first.calls else {})}, "after": {**first.after, **after}}
        return {"changed": bool(calls), "calls": report(calls), "object": row, "diff": diff}


def _repeats(doubtful: Cmdlet, call: Cmdlet) -> bool:
    """Whether a call does some of what the earlier one was to do: a validation is noted by the cmdlet that changes the rest, too."""
    asked = doubtful.parameters.keys() - {"Identity"}
    return call.name == doubtful.name and (not asked or bool(asked & call.parameters.keys()))


def _values(calls: Sequence[Cmdlet], now: str) -> dict[str, Any]:
    """What these Set- calls write, with `now` for the time that only the run knows."""
    return {
        key: now if value == NOW else value
        for call in calls
        if call.verb == "Set"
        for key, value in call.parameters.items()
        if key != "Identity"
    }


@dataclass(frozen=True)
class Info:
    """The SPEC that reads a noun: one object by identity, or all. `parameters` are those of its Get- cmdlet.

    reads: as in Resource, one read each, merged by GUID. sized: Get- takes ResultSize. required: nothing can be read without
    an identity, whose parts the rows are.
    """

    noun: str
    parameters: tuple[Property, ...] = ()
    reads: tuple[Mapping[str, Any], ...] = ({},)
    sized: bool = True
    required: bool = False
    always: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def argument_spec(self) -> dict[str, Any]:
        """identity and the parameters of Get-."""
        identity = {"type": "str", "required": True} if self.required else {"type": "str"}
        return {"identity": identity, **{p.option: p.spec() for p in self.parameters}}

    def run(self, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """The rows under `objects`; an identity that the service does not know gives none."""
        asked = {p.parameter: p.kind.wire(params[p.option]) for p in self.parameters if not is_empty(params.get(p.option))}
        identity = params.get("identity")
        if identity:
            asked["Identity"] = identity
        if self.sized and (self.required or not identity):
            asked.setdefault("ResultSize", "Unlimited")
        found: dict[str, Row] = {}
        reads = [{**self.always, **extra, **asked} for extra in self.reads]
        for place, parameters in enumerate(reads):
            for row in self._rows(parameters, context) if parameters not in reads[:place] else ():
                if not identity or self.required or bears(row, str(identity)):
                    found.setdefault(str(row.get("Guid") or row.get("Identity") or len(found)), row)
        most = number_key(asked.get("ResultSize"))
        return {"changed": False, "calls": [], "objects": list(found.values())[: most if isinstance(most, int) else None]}

    def _rows(self, asked: Mapping[str, Any], context: Context) -> list[Row]:
        try:
            reply = context.session.call(Cmdlet(f"Get-{self.noun}", asked))
        except NotFound:
            if self.required:
                raise
            return []
        for text in reply.warnings:
            context.warn(f"Get-{self.noun}: {text}")
        return reply.rows
