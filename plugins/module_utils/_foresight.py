# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Looks at a tenant as a prediction needs it: two round trips, and one more for each time that something changed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._observe import gather, moving, with_notes
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _known as known
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _sight as sight
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import faults
from ansible_collections.mailops.exchange.plugins.module_utils._routing._reads import MEMBERS_OF_DYNAMIC
from ansible_collections.mailops.exchange.plugins.module_utils._routing._sight import Reading
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import MAY_LACK
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import Observed, member_calls, world_of
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Forbidden,
    InvalidParameter,
    NotFound,
    Reply,
    Row,
    Session,
)
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

# How often an object that changes while it is read is read again.
ROUNDS = 3
# The step that keeps what it reads.
SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Sight:
    """A situation with all that a prediction needs of it. kept: what was known of the outside when the snapshot was taken."""

    situation: Situation
    reading: Reading
    kept: tuple[Observed, Evidence] | None = None

    @property
    def inputs(self) -> Inputs:
        """What was declared."""
        return self.situation.inputs


def read(session: Session, inputs: Inputs, *, settled: bool = False) -> Reading:
    """Everything, each thing once; raises the ExchangeError of any read that failed, and never takes it for "absent".

    settled: all of it as it was at one moment, which is listed once more to know; a snapshot is kept and must be that.
    """
    first = sight.wanted(inputs)
    answers = dict(zip(first, session.call_many(list(first.values())), strict=True))
    rows: dict[str, list[Row]] = {}
    unread: list[str] = []
    dates: list[str] = []
    for name, answer in answers.items():
        if isinstance(answer, Reply):
            rows[name] = answer.rows
            dates.append(answer.date)
        elif name in sight.OPTIONAL and isinstance(answer, (Forbidden, NotFound, InvalidParameter)):
            unread.append(f"{first[name].name} could not be read, so every reading of it counts: {answer.text}")
        elif not (isinstance(answer, NotFound) and name in MAY_LACK):
            raise answer
    reading = Reading(rows, {}, min(dates, default=""), max(dates, default=""), tuple(unread))
    found = _settled(session, inputs, first, _with_members(session, inputs, reading))
    return _listed(session, inputs, first, found) if settled else found


def _with_members(session: Session, inputs: Inputs, reading: Reading) -> Reading:
    """The second round: members of the groups that decide and were not read; our own group's are known already."""
    ours = sight.group_addresses(reading, inputs.group_address) if "members" in reading.rows else frozenset()
    calls = member_calls(reading.snapshot(inputs), reading.rows, inputs)
    asked = {name: call for name, call in calls.items() if name not in ours and name not in reading.members}
    if not asked:
        return reading
    members, unread, last = dict(reading.members), list(reading.open), reading.last
    for address, answer in zip(asked, session.call_many(list(asked.values())), strict=True):
        if isinstance(answer, Reply):
            members[address] = answer.rows
            last = max(last, answer.date)
        elif asked[address].name == MEMBERS_OF_DYNAMIC and isinstance(answer, (Forbidden, InvalidParameter)):
            unread.append(f"members of {address} could not be read, so nobody knows where its mail goes: {answer.text}")
        elif not isinstance(answer, NotFound):
            raise answer
    return replace(reading, members=members, open=tuple(dict.fromkeys(unread)), last=last)


def _settled(session: Session, inputs: Inputs, first: Mapping[str, Cmdlet], reading: Reading) -> Reading:
    """Read again what changed since the reading began, at most three times; then it is told."""
    ours, seen = fold(inputs.group_address), dict[tuple[str, str], str]()
    for _unused in range(ROUNDS):
        found = sight.changed(reading, reading.first, seen)
        if not found:
            return reading
        seen.update({(name, sight.key_of(row)): sight.stamp_of(row) for name, rows in found.items() for row in rows})
        calls = sight.again(first, found, ours, reading.members)
        answers = session.call_many([one.cmdlet for one in calls])
        held = [(one, _rows_of(answer)) for one, answer in zip(calls, answers, strict=True)]
        last = max([reading.last, *(answer.date for answer in answers if isinstance(answer, Reply))])
        reading = replace(sight.merged(reading, held, ours), last=last)
    return replace(reading, unsettled=tuple(sight.named(sight.changed(reading, reading.first, seen))))


def _listed(session: Session, inputs: Inputs, first: Mapping[str, Cmdlet], reading: Reading) -> Reading:
    """List all of it until the list shows what was read, at most three times; then what differed is told.

    An object's own stamp tells nothing of what came, went or changed after its page was read, nor of a group's members.
    """
    ours, odd = fold(inputs.group_address), list[str]()
    for _unused in range(ROUNDS):
        calls = sight.listing(first, reading)
        answers = session.call_many(list(calls.values()))
        listed = {key: _rows_of(answer) for key, answer in zip(calls, answers, strict=True)}
        found = sight.drift(reading, listed)
        last = max([reading.last, *(answer.date for answer in answers if isinstance(answer, Reply))])
        reading = replace(sight.adopted(reading, found), last=last)
        if not found.odd:
            return reading
        odd = sight.named(found.odd)
        again = sight.again(first, found.changed, ours, reading.members)
        fresh = session.call_many([one.cmdlet for one in again]) if again else []
        reading = sight.merged(reading, [(one, _rows_of(answer)) for one, answer in zip(again, fresh, strict=True)], ours)
        reading = _with_members(session, inputs, reading)
    return replace(reading, unsettled=tuple(odd))


def _rows_of(answer: Reply | ExchangeError) -> list[Row] | None:
    if isinstance(answer, Reply):
        return answer.rows
    if isinstance(answer, NotFound):
        return None
    raise answer


def given(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The snapshot that was given instead of a reading: a mapping, JSON text, or a file on the controller; None for none."""
    value = params.get("snapshot")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        try:
            text = value if value.lstrip().startswith("{") else Path(value).read_text(encoding="utf-8")
            value = json.loads(text)
        except OSError as error:
            raise InputError([f"snapshot: '{value}' cannot be read: {error.strerror}; name a file on the controller."]) from error
        except ValueError as error:
            raise InputError([f"snapshot: is no snapshot ({error}); take a new one with coexistence_snapshot_info."]) from error
    if not isinstance(value, Mapping):
        raise InputError(["snapshot: is no mapping; give what coexistence_snapshot_info returned, or its file."])
    return value


def look_ahead(params: Mapping[str, Any], context: Context, step: str) -> Sight:
    """Declared inputs and all that a prediction needs of the tenant, read or given; raises InputError and ExchangeError."""
    inputs = parse(params, step)
    data = given(params)
    try:
        reading = read(context.session, inputs, settled=step == SNAPSHOT) if data is None else Reading.from_dict(data)
        kept = None if data is None else _kept(data, inputs)
    except ValueError as error:
        raise InputError([f"snapshot: {error}; take a new one with coexistence_snapshot_info."]) from error
    earlier = params.get("declared") or {}
    told, final = dict(earlier.get("told") or {}), dict(earlier.get("final") or {})
    case = Situation(inputs, reading.snapshot(inputs), step, context.check_mode, told, final)
    problems = faults(case)
    if problems:
        raise InputError(problems)
    for line in reading.open:
        context.warn(line)
    if reading.unsettled:
        context.warn(f"changed each of {ROUNDS} times that it was read: {', '.join(reading.unsettled[:5])}; read again when it is quiet.")
    return Sight(case, reading, kept)


def _kept(data: Mapping[str, Any], inputs: Inputs) -> tuple[Observed, Evidence]:
    """What was known of the outside when a snapshot was taken; raises ValueError for what is none."""
    seen = known.observed_from(data.get("observed") or {})
    return seen, known.evidence_from(data.get("evidence"), inputs, seen)


def see(
    params: Mapping[str, Any], context: Context, step: str
) -> tuple[Situation, Mapping[str, Sequence[Row]], Mapping[str, Sequence[Row]]]:
    """The situation of a step, the rows beyond its snapshot, and the members of groups that decide."""
    found = look_ahead(params, context, step)
    return found.situation, found.reading.rows, found.reading.members


def _moving(case: Situation, seen: Observed) -> Observed:
    """What was observed when a snapshot was taken, and whose membership did not act yet by its own clock and the group's line."""
    return replace(seen, moving={**moving(case), **seen.moving})


def outside(
    params: Mapping[str, Any], context: Context, case: Situation, kept: tuple[Observed, Evidence] | None = None
) -> tuple[Observed, Evidence]:
    """What is known of the outside: kept with a snapshot or asked for now, and in its place what the option `known` says."""
    observed, evidence = gather(case, context) if kept is None else (_moving(case, kept[0]), kept[1])
    seen = known.told(params, case.inputs, observed)
    return seen, known.heard(params, case.inputs, seen, evidence)


def full(
    case: Situation,
    context: Context,
    step: str,
    rows: Mapping[str, Sequence[Row]] | None = None,
    members: Mapping[str, Sequence[Row]] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Full:
    """What every guard of a step judges. rows, members: of see(); without them everything is read now. params: with `known`."""
    if rows is None:
        reading = read(context.session, case.inputs)
        rows, members = reading.rows, reading.members
        case = replace(case, snapshot=reading.snapshot(case.inputs))
    case = replace(case, step=step)
    observed, evidence = outside(params or {}, context, case)
    case = with_notes(case, evidence, context)
    return Full(case, world_of(case.snapshot, case.inputs, rows, members or {}, observed), evidence)
