# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The coexistence tools: each reads a tenant once, lets the guards judge, and only then plans or writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._routing import _checks as checks
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _waves as waves
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Finding, Situation, Verdict, refusal
from ansible_collections.mailops.exchange.plugins.module_utils._routing._guards import evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._objects import stamp
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import faults, plan
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import Recipient, take
from ansible_collections.mailops.exchange.plugins.module_utils._routing._status import screen, summary
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError, Refused, report
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Exists,
    Failed,
    NotFound,
    Reply,
    Row,
    TimedOut,
)
from ansible_collections.mailops.exchange.plugins.module_utils._values import parse_date

CLOCK = Cmdlet("Get-OrganizationConfig")
MEMBER = "DistributionGroupMember"


def look(params: Mapping[str, Any], context: Context, step: str) -> Situation:
    """Declared inputs and the tenant as it is; raises InputError before and ExchangeError while reading."""
    inputs = parse(params, step)
    snapshot = take(context.session, inputs, step)
    earlier = params.get("declared") or {}
    case = Situation(inputs, snapshot, step, context.check_mode, dict(earlier.get("told") or {}), dict(earlier.get("final") or {}))
    problems = faults(case)
    if problems:
        raise InputError(problems)
    return case


def weigh(case: Situation, context: Context) -> Verdict:
    """The guards' verdict; raises Refused with every finding, and repeats what was accepted and told as warnings."""
    verdict = evaluate(case)
    if verdict.refusing:
        users = [{"user": finding.who, "reasons": [f"{finding.why}. {finding.remedy}"]} for finding in verdict.refusing]
        people = {"moved": [], "kept": [], "refused": users} if case.step in {"cutover", "rollback"} else {}
        raise Refused(refusal(verdict, case.step), {**shown(case, verdict), **people})
    for word, findings in (("accepted", verdict.accepted), ("told", verdict.told if case.step != "status" else ())):
        for line in digest(findings):
            context.warn(f"{word}: {line}")
    return verdict


def digest(findings: Sequence[Finding], most: int = 5) -> list[str]:
    """One line a finding, and for each guard with more than `most` one line that counts the rest."""
    lines = []
    for guard in dict.fromkeys(finding.id for finding in findings):
        own = [finding for finding in findings if finding.id == guard]
        lines += [str(finding) for finding in own[:most]]
        if len(own) > most:
            lines.append(f"{guard}: {len(own) - most} more under findings.")
    return lines


def shown(case: Situation, verdict: Verdict) -> dict[str, Any]:
    """What every result of a guarded step holds."""
    return {
        "step": case.step,
        "now": case.snapshot.now,
        "findings": [finding.to_dict() for finding in verdict.all],
        "accepted": sorted({finding.id for finding in verdict.accepted}),
        "summary": summary(case, verdict),
    }


def plan_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Snapshot, guards, and the parameters of every object of the step. Reads only; without a plan when a guard refuses."""
    step = str(params["step"])
    case = look(params, context, step)
    verdict = weigh(case, context)
    made = plan(case)
    declared = {**case.inputs.raw, "told": made.get("told", dict(case.told)), "final": made.get("final", dict(case.final))}
    made["declared"] = declared
    lines = screen(case, verdict) if step == "status" else []
    return {"changed": False, "calls": [], **shown(case, verdict), "plan": made, "screen": lines}


def wave(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Move a whole wave, or bring it back, or refuse it whole."""
    back = params["state"] == "returned"
    case = look(params, context, "rollback" if back else "cutover")
    verdict = weigh(case, context)
    checked = waves.check(case.inputs, case.snapshot)
    move = waves.move(case.inputs, case.snapshot, checked, back=back)
    calls = _membership(case.inputs, move, case.snapshot.members)
    before = sorted(member.shown for member in case.snapshot.members)
    joined = [one.found for one in move.moved if one.found]
    after = sorted((set(before) | set(move.join)) - set(move.leave))
    if context.check_mode:
        context.session.overlay(MEMBER, [case.inputs.group_address], _rows_after(case, move, joined))
    else:
        _apply(case.inputs, move, calls, context)
    return {
        "changed": bool(calls),
        "calls": report(calls),
        **shown(case, verdict),
        "moved": [_told(one) for one in move.moved],
        "kept": [_told(one) for one in move.kept],
        "refused": [{"user": one.user.address, "reasons": [f"{why}. {remedy}" for why, remedy in one.faults]} for one in move.refused],
        "counts": {"moved": len(move.moved), "kept": len(move.kept), "refused": len(move.refused)},
        "lists": _lists(case.inputs, move),
        "diff": {"before": {"members": before}, "after": {"members": after}},
    }


def _told(one: waves.Checked) -> dict[str, str]:
    return {"user": one.user.address, "routing_address": one.routing}


def _lists(inputs: Inputs, move: waves.Move) -> list[dict[str, Any]]:
    """The forwarding list that was asked for, if any: its file and whom it names."""
    dest = inputs.raw.get("forwarding_file")
    names = [one.user.address for one in (*move.moved, *move.kept)]
    declared = {**inputs.raw, "users": names, "waves_file": None, "wave": None}
    return [] if checks.blank(dest) or not names else [{"dest": str(dest), "declared": declared}]


def _membership(inputs: Inputs, move: waves.Move, members: Sequence[Recipient]) -> list[Cmdlet]:
    """One call a user; they do not depend on each other. A member that the directory shows without address goes by its id."""
    group = {"Identity": inputs.group_address}
    known = {member.primary: member for member in members}
    bypass = {"BypassSecurityGroupManagerCheck": True}
    adds = [Cmdlet(f"Add-{MEMBER}", {**group, "Member": address, **bypass}) for address in move.join]
    leaves = [address for address in move.leave if address in known]
    return adds + [Cmdlet(f"Remove-{MEMBER}", {**group, "Member": address, **bypass, "Confirm": False}) for address in leaves]


def _rows_after(case: Situation, move: waves.Move, joined: Sequence[Recipient]) -> list[Row]:
    """The group's members as they would read after the wave."""
    stay = [member.row for member in case.snapshot.members if member.primary not in move.leave]
    return [dict(row) for row in stay] + ([dict(found.row) for found in joined] if move.join else [])


def _apply(inputs: Inputs, move: waves.Move, calls: Sequence[Cmdlet], context: Context) -> None:
    """Write the membership and read until it shows; raises Failed naming who is still on the wrong side, and why."""
    if not calls:
        return
    context.progress(f"{len(calls)} changes of membership in {inputs.group_address}")
    reasons: dict[str, str] = {}
    for call, answer in zip(calls, context.session.call_many(calls), strict=True):
        if isinstance(answer, ExchangeError) and not isinstance(answer, (Exists, NotFound)):
            reasons[str(call.parameters["Member"])] = str(answer)
    left = _unseen(inputs, move, context)
    deadline = context.monotonic() + context.patience
    pause = 0.25
    while left - set(reasons) and context.monotonic() < deadline:
        context.sleep(pause)
        pause = min(pause * 2, 10.0)
        left = _unseen(inputs, move, context)
    if left:
        first = min(left)
        why = reasons.get(first, f"the membership did not show within {context.patience:.0f} s")
        error = Failed(
            f"{len(left)} of {len(calls)} users are not where they should be; the first is {first}: {why}",
            cmdlet=f"Get-{MEMBER}",
            identity=inputs.group_address,
            remedy="Run again: users who were moved stay moved, the others are tried again.",
        )
        error.made = report([call for call in calls if call.parameters["Member"] not in reasons])
        raise error


def _unseen(inputs: Inputs, move: waves.Move, context: Context) -> set[str]:
    """Whom the group does not show as wanted."""
    reply = context.session.call(Cmdlet(f"Get-{MEMBER}", {"Identity": inputs.group_address, "ResultSize": "Unlimited"}))
    wanted = {one.found.primary: one.found.ids for one in move.moved if one.found}
    seen = {str(value).casefold().strip("{}") for row in reply.rows for value in row.values() if isinstance(value, str)}
    missing = {address for address in move.join if not wanted[address] & seen}
    return missing | {address for address in move.leave if wanted[address] & seen}


def wait(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Wait by the service's clock; raises TimedOut when that clock does not get there in time of ours."""
    seconds, reason = int(params["seconds"]), str(params["reason"])
    if context.check_mode:
        context.progress(f"would wait {seconds} s for {reason}; taken as passed")
        return {"changed": False, "calls": [], "announced": True, "waited": 0, "until": "<now>"}
    now = _clock(context.session.call(CLOCK))
    since = _since(params.get("since"), now)
    until = since + timedelta(seconds=seconds)
    started, deadline = now, context.monotonic() + float(params["timeout"])
    while now < until:
        left = (until - now).total_seconds()
        context.progress(f"waiting for {reason}: {left:.0f} s left, until {stamp(until)} by the service's clock")
        if context.monotonic() >= deadline:
            raise TimedOut(
                f"after {params['timeout']} s the service's clock shows {stamp(now)}, waiting for {stamp(until)}",
                remedy="Run again: the wait counts from the same moment, not from the beginning.",
            )
        context.sleep(max(0.0, min(float(params["interval"]), left)))
        now = _clock(context.session.call(CLOCK))
    waited = int((now - started).total_seconds())
    return {"changed": False, "calls": [], "announced": False, "waited": waited, "until": stamp(until)}


def _clock(reply: Reply) -> datetime:
    found = parse_date(reply.date)
    if found is None:
        raise Failed(f"the service's answer bears no time (Date is '{reply.date}')", cmdlet=CLOCK.name)
    return found


def _since(value: Any, now: datetime) -> datetime:
    if checks.blank(value):
        return now
    found = parse_date(value)
    if found is None:
        raise InputError([f"since: '{value}' is not a time such as 2026-01-31T12:00:00Z; leave it empty for now."])
    return min(found, now)


def forwarding(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The list of address and routing address: of the users that are named, or else of everyone who has moved."""
    inputs = parse(params, "forwarding")
    if inputs.pending and not inputs.users:
        raise InputError(["coexistence_users: with membership 'pending' the group does not hold those who moved; name users or a wave."])
    case = Situation(inputs, take(context.session, inputs, "cutover"), "forwarding", context.check_mode)
    problems = faults(case)
    if problems:
        raise InputError(problems)
    rows, missing = [], []
    for who, found in _listed(case):
        address, routing = waves.forwarding(inputs, case.snapshot, found) if found else ("", "")
        if address and routing:
            rows.append({"address": address, "routing_address": routing})
        else:
            missing.append({"user": who, "why": _why_missing(found, address)})
    for one in missing[:5]:
        context.warn(f"not in the forwarding list: {one['user']}: {one['why']}")
    text = _csv(rows)
    changed = _keep(params.get("dest"), text, check_mode=context.check_mode)
    return {"changed": changed, "calls": [], "rows": rows, "missing": missing, "csv": text}


def _keep(dest: Any, text: str, *, check_mode: bool) -> bool:
    """Write the list beside its place and move it there; False when the file holds it already or none was asked for."""
    if checks.blank(dest):
        return False
    path = Path(str(dest))
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        if not check_mode:
            fresh = path.with_name(f"{path.name}.new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
    except OSError as error:
        raise InputError([f"dest: '{dest}' cannot be written: {error.strerror}; name a file in a folder on the controller."]) from error
    return True


def _listed(case: Situation) -> list[tuple[str, Recipient | None]]:
    if case.inputs.users:
        return [(one.user.address, one.found) for one in waves.check(case.inputs, case.snapshot)]
    return [(member.shown, member) for member in case.snapshot.members if member.live]


def _why_missing(found: Recipient | None, address: str) -> str:
    if found is None:
        return "no recipient of the tenant, or several, hold this address; give it to one mailbox."
    return "has no address in the routing domain; add one." if address else "has no address in a shared domain; add one."


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("address", "routing_address"))
    writer.writerows((row["address"], row["routing_address"]) for row in rows)
    return text.getvalue()
