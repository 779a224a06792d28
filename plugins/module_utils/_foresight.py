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

from ansible_collections.mailops.exchange.plugins.module_utils._observe import gather, with_notes
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _known as known
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _sight as sight
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import faults
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


@dataclass(frozen=True)
class Sight:
    """A situation with all that a prediction needs of it. kept: what was known of the outside when the snapshot was taken."""

    situation: Situation
    reading: Reading
    kept: Observed | None = None

    @property
    def inputs(self) -> Inputs:
        """What was declared."""
        return self.situation.inputs


def read(session: Session, inputs: Inputs) -> Reading:
    """Everything, each thing once; raises the ExchangeError of any read that failed, and never takes it for "absent"."""
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
    return _settled(session, inputs, first, _with_members(session, inputs, reading))


def _with_members(session: Session, inputs: Inputs, reading: Reading) -> Reading:
    """The second round: members of the groups that decide; our own group's are known already."""
    ours = sight.group_addresses(reading, inputs.group_address) if "members" in reading.rows else frozenset()
    asked = {name: call for name, call in member_calls(reading.snapshot(inputs), reading.rows, inputs).items() if name not in ours}
    if not asked:
        return reading
    members: dict[str, list[Row]] = {}
    last = reading.last
    for address, answer in zip(asked, session.call_many(list(asked.values())), strict=True):
        if isinstance(answer, Reply):
            members[address] = answer.rows
            last = max(last, answer.date)
        elif not isinstance(answer, NotFound):
            raise answer
    return replace(reading, members=members, last=last)


def _settled(session: Session, inputs: Inputs, first: Mapping[str, Cmdlet], reading: Reading) -> Reading:
    """Read again what changed since the reading began, at most three times; then it is told."""
    ours, seen = fold(inputs.group_address), dict[tuple[str, str], str]()
    for _unused in range(ROUNDS):
        found = sight.changed(reading, reading.first, seen)
        if not found:
            return reading
        seen.update({(name, sight.key_of(row)): sight.stamp_of(row) for name, rows in found.items() for row in rows})
        calls = sight.again(first, found, ours)
        answers = session.call_many([one.cmdlet for one in calls])
        held = [(one, _rows_of(answer)) for one, answer in zip(calls, answers, strict=True)]
        last = max([reading.last, *(answer.date for answer in answers if isinstance(answer, Reply))])
        reading = replace(sight.merged(reading, held, ours), last=last)
    return replace(reading, unsettled=tuple(sight.named(sight.changed(reading, reading.first, seen))))


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
        reading = read(context.session, inputs) if data is None else Reading.from_dict(data)
        kept = None if data is None else known.observed_from(data.get("observed") or {})
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


def see(
    params: Mapping[str, Any], context: Context, step: str
) -> tuple[Situation, Mapping[str, Sequence[Row]], Mapping[str, Sequence[Row]]]:
    """The situation of a step, the rows beyond its snapshot, and the members of groups that decide."""
    found = look_ahead(params, context, step)
    return found.situation, found.reading.rows, found.reading.members


def full(
    case: Situation,
    context: Context,
    step: str,
    rows: Mapping[str, Sequence[Row]] | None = None,
    members: Mapping[str, Sequence[Row]] | None = None,
) -> Full:
    """What every guard of a step judges. rows, members: of see(); without them everything is read now."""
    if rows is None:
        reading = read(context.session, case.inputs)
        rows, members = reading.rows, reading.members
        case = replace(case, snapshot=reading.snapshot(case.inputs))
    case = replace(case, step=step)
    observed, evidence = gather(case, context)
    case = with_notes(case, evidence, context)
    return Full(case, world_of(case.snapshot, case.inputs, rows, members or {}, observed), evidence)
