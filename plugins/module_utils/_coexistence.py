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

from ansible_collections.mailops.exchange.plugins.module_utils import _members as members
from ansible_collections.mailops.exchange.plugins.module_utils._membership import carry_out
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
    Failed,
    Reply,
    Row,
    TimedOut,
)
from ansible_collections.mailops.exchange.plugins.module_utils._values import parse_date

CLOCK = Cmdlet("Get-OrganizationConfig")


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
    todo = _change(case, move)
    calls = members.calls(case.inputs.group_address, todo, bypass=True)
    carry_out(case.inputs.group_address, todo, calls, context)
    before, after = (sorted(map(members.shown, rows)) for rows in (_rows(case), todo.final))
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


def _rows(case: Situation) -> list[Row]:
    """The group's members as the directory shows them."""
    return [dict(member.row) for member in case.snapshot.members]


def _change(case: Situation, move: waves.Move) -> members.Change:
    """The membership's change: a wave only joins or only leaves."""
    names = move.join or move.leave
    found = {one.found.primary: dict(one.found.row) for one in move.moved if one.found}
    return members.change(names, found, _rows(case), "present" if move.join else "absent")


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
                f"after {params['timeout']} s the service's clock shows {stamp(now)}, waiting for {stamp(until)}.",
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
