# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The membership of a group: read, resolve, plan, write in as few trips as there are, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _members as members
from ._engine import find
from ._identity import bears, identities
from ._nouns import check_group
from ._pauses import Pauses
from ._runner import Context, InputError, report
from ._session import Ambiguous, Cmdlet, ExchangeError, Exists, Failed, NotFound, Row
from ._values import address_key, is_empty

# How many members one message of progress covers, and how often a write of unknown fate is sent again.
CHUNK = 500
ATTEMPTS = 4
# The most members that an error names one by one.
NAMED = 10

OPTIONS: dict[str, dict[str, Any]] = {
    "identity": {"type": "str", "required": True, "aliases": ["group"]},
    "members": {"type": "list", "elements": "str", "required": True, "aliases": ["member"]},
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "bypass_security_group_manager_check": {"type": "bool"},
}


def manage(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Bring a group's members to the wanted state; the SPEC function of distribution_group_member."""
    group, state = str(params["identity"]), str(params["state"])
    wanted = members.distinct(params["members"])
    problems = [] if group.strip() else ["identity is empty: name the group."]
    if any(is_empty(name) for name in params["members"]):
        # An empty variable must not empty a group: only the literal [] says that it shall have no member.
        problems.append("members has an empty entry, as an empty variable gives: name the members; [] alone means none at all.")
    if problems:
        raise InputError(problems)
    rows, row = look(group, context)
    if rows is None and state != "absent":
        raise NotFound(
            "the group does not exist.", cmdlet="Get-DistributionGroup", identity=group, remedy="Create it first, or correct its name."
        )
    found = resolve(wanted, rows or [], state, context) if rows is not None else {}
    todo = members.change(wanted, found, rows or [], state)
    made = members.calls(group, todo, bypass=bool(params.get("bypass_security_group_manager_check")))
    faults = check_group({}, row, row) if made else []
    if faults:
        raise InputError([f"DistributionGroup '{group}': {fault}" for fault in faults])
    carry_out(group, todo, made, context)
    before, after = sorted(map(members.shown, rows or [])), sorted(map(members.shown, todo.final))
    return {
        "changed": bool(made),
        "calls": report(made),
        "added": list(todo.add),
        "removed": list(todo.remove),
        "count": len(after),
        "diff": {"before": {"members": before}, "after": {"members": after}},
    }


def carry_out(group: str, todo: members.Change, made: Sequence[Cmdlet], context: Context) -> None:
    """Send the calls of a change and look until the membership shows it; in check mode later reads will see it."""
    if made and context.check_mode:
        names = identities(group, context.session.call(_the_group(group)).rows)
        context.session.overlay(members.NOUN, names, list(todo.final))
    elif made:
        _Writing(group, todo, made, context).do()


def _the_group(group: str) -> Cmdlet:
    return Cmdlet("Get-DistributionGroup", {"Identity": group})


def _all_members(group: str) -> Cmdlet:
    return Cmdlet(f"Get-{members.NOUN}", {"Identity": group, "ResultSize": "Unlimited"})


def look(group: str, context: Context) -> tuple[list[Row] | None, Row | None]:
    """All members and the group itself, in one trip; None for both when there is no such group."""
    people, itself = context.session.call_many([_all_members(group), _the_group(group)])
    if isinstance(itself, NotFound) and (context.check_mode or isinstance(people, NotFound)):
        return None, None
    for answer in (people, itself):
        if isinstance(answer, ExchangeError) and not isinstance(answer, NotFound):
            raise answer
    row = None if isinstance(itself, ExchangeError) else find(itself.rows, group, "Get-DistributionGroup")
    return (read(group, context) if isinstance(people, ExchangeError) else people.rows), row


def read(group: str, context: Context) -> list[Row] | None:
    """All members; None when there is no such group. A group made a moment ago is waited for."""
    pauses = Pauses(context)
    while True:
        try:
            return context.session.call(_all_members(group)).rows
        except NotFound:
            try:
                context.session.call(_the_group(group))
            except NotFound:
                return None
            if context.check_mode:
                return []
            if not pauses.more():
                raise


def resolve(wanted: Sequence[str], rows: Sequence[Row], state: str, context: Context) -> dict[str, Row]:
    """The recipient behind each identity that no member bears; raises InputError with every bad one."""
    asked = members.unlisted(wanted, rows)
    replies = context.session.call_many([Cmdlet("Get-Recipient", {"Identity": name}) for name in asked]) if asked else []
    found: dict[str, Row] = {}
    problems = []
    for name, reply in zip(asked, replies, strict=True):
        if isinstance(reply, (NotFound, Ambiguous)):
            if isinstance(reply, Ambiguous) or state != "absent":
                problems.append(_unusable(name, reply))
            continue
        if isinstance(reply, ExchangeError):
            raise reply
        # An identity that the service does not know can return somebody else.
        bearers = [row for row in reply.rows if bears(row, str(address_key(name)))]
        if not bearers and state == "absent":
            continue
        if len(bearers) != 1:
            problems.append(_unusable(name, None if bearers else NotFound("")))
            continue
        fault = "" if state == "absent" else members.unsuitable(bearers[0])
        found[name] = bearers[0]
        problems += [f"member '{name}' {fault}."] if fault else []
    if problems:
        raise InputError(problems)
    return found


def _unusable(name: str, reason: ExchangeError | None) -> str:
    if isinstance(reason, NotFound):
        return f"member '{name}' is no recipient of this organization: correct it, or create it first."
    return f"member '{name}' matches several recipients: name it by its primary address or its GUID."


@dataclass
class _Writing:
    """The calls of one change on their way to the service."""

    group: str
    todo: members.Change
    calls: Sequence[Cmdlet]
    context: Context
    made: list[Cmdlet] = field(default_factory=list)
    refused: list[tuple[Cmdlet, ExchangeError]] = field(default_factory=list)

    def do(self) -> None:
        """Send everything, chunk by chunk, then look until the membership shows it; an error tells what was written before it."""
        try:
            self._do()
        except ExchangeError as error:
            error.made = report(self.made)
            raise

    def _do(self) -> None:
        for start in range(0, len(self.calls), CHUNK):
            if len(self.calls) > CHUNK:
                self.context.progress(f"{self.group}: {start} of {len(self.calls)} changes of membership sent")
            self._send(self.calls[start : start + CHUNK])
        if self.refused:
            raise self._failed(
                [f"{call.parameters.get('Member', '')}: {error.text}" for call, error in self.refused], self.refused[0][1].remedy
            )
        self._look()

    def _send(self, chunk: Sequence[Cmdlet]) -> None:
        """One chunk. Each of these writes can be repeated without harm, so one of unknown fate is sent again."""
        pauses = Pauses(self.context)
        doubtful = self._once(chunk)
        left = ATTEMPTS - 1
        while doubtful and left and pauses.more():
            doubtful = self._once([pair[0] for pair in doubtful])
            left -= 1
        self.refused += doubtful

    def _once(self, chunk: Sequence[Cmdlet]) -> list[tuple[Cmdlet, ExchangeError]]:
        """Send calls once; returns those whose fate is unknown."""
        doubtful: list[tuple[Cmdlet, ExchangeError]] = []
        for call, answer in zip(chunk, self.context.session.call_many(chunk), strict=True):
            if not isinstance(answer, ExchangeError):
                self.made.append(call)
                for text in answer.warnings:
                    self.context.warn(f"{call.name} '{self.group}': {text}")
            elif _settled(call, answer):
                self.made.append(call)
            else:
                (doubtful if answer.uncertain else self.refused).append((call, answer))
        return doubtful

    def _look(self) -> None:
        pauses = Pauses(self.context)
        while True:
            left = members.missing(self.todo, read(self.group, self.context) or [])
            if not left:
                return
            if not pauses.more():
                late = [f"{name} does not show after {self.context.patience:.0f} s" for name in left]
                raise self._failed(late, "Run again: what was done stays done.")

    def _failed(self, lines: Sequence[str], remedy: str) -> Failed:
        more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
        text = f"{len(lines)} of {len(self.calls)} changes of membership failed: {'; '.join(lines[:NAMED])}{more}."
        error = Failed(text, cmdlet=self.calls[0].name, identity=self.group, remedy=remedy)
        error.made = report(self.made)
        return error


def _settled(call: Cmdlet, error: ExchangeError) -> bool:
    """True when the error says that the member is already in, or already out."""
    if call.verb == "Add":
        return isinstance(error, Exists)
    return call.verb == "Remove" and isinstance(error, NotFound) and "membernotfound" in error.error_type.casefold()
