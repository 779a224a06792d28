# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The coexistence tools: each reads a tenant once, lets the guards judge, and only then plans or writes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils import _members as members
from ansible_collections.mailops.exchange.plugins.module_utils._arrived import arrived
from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._foresight import full, see
from ansible_collections.mailops.exchange.plugins.module_utils._kept import SHARED, keep
from ansible_collections.mailops.exchange.plugins.module_utils._membership import carry_out
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Resource
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _checks as checks
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _upkeep as upkeep
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _waves as waves
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Full, counted
from ansible_collections.mailops.exchange.plugins.module_utils._routing._files import WaveUser
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import REPORTS, Finding, Situation, Verdict, refusal
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards import evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._mail_plan import effect, mail_plan, one_form, time_plan
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import BrokenLineError, Line, description, read_line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._objects import clock, line_of, stamp
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import faults, plan
from ansible_collections.mailops.exchange.plugins.module_utils._routing._proof import Proof, proof_of
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import Recipient, take
from ansible_collections.mailops.exchange.plugins.module_utils._routing._status import screen, summary
from ansible_collections.mailops.exchange.plugins.module_utils._routing._survey import exchangers, survey
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import TENANT
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError, Refused, report
from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW, Cmdlet, ExchangeError, Row
from ansible_collections.mailops.exchange.plugins.module_utils._tables.distribution_group import PROPERTIES

# These judge what the objects themselves show.
PLAIN_STEPS = frozenset({"status", "restored"})
# A wave notes in the group that its membership changed.
NOTE = Managed(Resource("DistributionGroup", PROPERTIES, verbs=frozenset({"Set"})))
UNNOTED: dict[str, Any] = {"calls": [], "diff": {"before": {}, "after": {}}}


def look(params: Mapping[str, Any], context: Context, step: str) -> Full:
    """Declared inputs, the tenant as it is, and what was seen outside it; raises InputError before and ExchangeError while reading."""
    proof = proof_of(params)
    if step in PLAIN_STEPS:
        inputs = parse(params, step)
        earlier = params.get("declared") or {}
        told, final = dict(earlier.get("told") or {}), dict(earlier.get("final") or {})
        case = Situation(inputs, take(context.session, inputs, step), step, context.check_mode, told, final)
        problems = faults(case)
        if problems:
            raise InputError(problems)
        return with_proof(full(case, context, step, {}, params=params), proof)
    case, rows, members = see(params, context, step)
    if not params.get("declared"):
        _tell_who(case.inputs, context)
    return with_proof(full(case, context, step, rows, members, params), proof)


def _tell_who(inputs: Inputs, context: Context) -> None:
    """Users that are named come before a wave; who named both is told so."""
    named, wave_ = checks.items(inputs.raw.get("users")), inputs.raw.get("wave")
    if named and not checks.blank(wave_):
        context.warn(
            f"coexistence_users ({counted(named)}) and coexistence_wave ({wave_}) are both given: this run is about the users alone;"
            " leave one of the two empty."
        )


def with_proof(seen: Full, proof: Proof) -> Full:
    """The same with the probes and forwards that earlier tasks saw."""
    world = change.forwarded(change.unforwarded(seen.world, proof.off), proof.on)
    return replace(seen, world=world, evidence=proof.added(seen.evidence))


def weigh(seen: Full, context: Context) -> Verdict:
    """The guards' verdict; raises Refused with every finding, and repeats what was accepted and told as warnings."""
    case, verdict = seen.situation, evaluate(seen)
    if verdict.refusing:
        users = [_refused(case.inputs, finding) for finding in verdict.refusing]
        people = {"moved": [], "kept": [], "refused": users} if case.step in {"cutover", "unforward", "rollback"} else {}
        lines = {"screen": survey(seen, verdict), "mx": exchangers(seen)} if case.step == "preflight" else {}
        raise Refused(refusal(verdict, case.step), {**shown(case, verdict), **people, **lines})
    for word, findings in (("accepted", verdict.accepted), ("told", verdict.told if case.step != "status" else ())):
        for line in digest(findings):
            context.warn(f"{word}: {line}")
    return verdict


def _refused(inputs: Inputs, finding: Finding) -> dict[str, Any]:
    """Who is refused and why. user: the bare address of a wave's user, and where it stands; else what the finding is about."""
    user = next((one for one in inputs.users if one.where(inputs.waves_name) == finding.who), None)
    return {**(_named(inputs, user) if user else {"user": finding.who, "place": ""}), "reasons": [f"{finding.why}. {finding.remedy}"]}


def _left_out(inputs: Inputs, one: waves.Checked) -> dict[str, Any]:
    """A user whom an accepted risk leaves where they are."""
    return {**_named(inputs, one.user), "reasons": [f"{why}. {remedy}" for why, remedy in one.faults]}


def _named(inputs: Inputs, user: WaveUser) -> dict[str, str]:
    """A user by the bare address, and where it stands in the waves file; empty for who was named."""
    return {"user": user.address, "place": f"{inputs.waves_name} line {user.line}" if user.line else ""}


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
    seen = look(params, context, step)
    case, verdict = seen.situation, weigh(seen, context)
    at_tenant = frozenset(domain for domain, found in seen.world.mx.items() if found.holder == TENANT)
    made = {**mail_plan(case, plan(case), at_tenant), **kept_up(seen)}
    if one_form(made["ways"]):
        raise InputError(one_form(made["ways"]))
    declared = {**case.inputs.raw, "told": made.get("told", dict(case.told)), "final": made.get("final", dict(case.final))}
    made["declared"] = declared
    told: Mapping[str, Callable[[], dict[str, Any]]] = {
        "preflight": lambda: {"mx": exchangers(seen)},
        "cutover": lambda: {"time_plan": _times(case, _turn(case, back=False), context, back=False)},
        "unforward": lambda: {"time_plan": _times(case, _turn(case, back=True), context, back=True), "arrived": arrived(case, context)},
        # A check run brings nobody back, and has listed it before.
        "returned": lambda: {"arrived": [] if case.check_mode else arrived(case, context)},
    }
    came = told[step]() if step in told else {}
    return {"changed": False, "calls": [], **shown(case, verdict), "plan": made, "screen": lines_of(seen, verdict, made), **came}


@dataclass(frozen=True)
class Turn:
    """What a wave changes: who moves, the group's members, the calls between, and what is waited for then."""

    move: waves.Move
    todo: members.Change
    calls: Sequence[Cmdlet]
    waits: list[dict[str, Any]]


def _turn(case: Situation, *, back: bool) -> Turn:
    move = waves.move(case.inputs, case.snapshot, waves.check(case.inputs, case.snapshot), back=back)
    todo = _change(case, move)
    calls = members.calls(case.inputs.group_address, todo, bypass=True)
    moved = stamp(clock(case.snapshot)) if calls or _cut(case) else line_of(case.inputs, case.snapshot).moved
    return Turn(move, todo, calls, effect(case, moved, (*move.moved, *move.kept), back=back))


def _times(case: Situation, turn: Turn, context: Context, *, back: bool) -> list[str]:
    """The time plan, on the screen too; none when nobody moves and nothing is waited for."""
    names = [one.user.address for one in (*turn.move.moved, *turn.move.kept)]
    # Forwards end before anybody goes back, so that its wait begins anew.
    since = "" if case.step == "unforward" else "".join(one["since"] for one in turn.waits)
    lines = time_plan(case, len(turn.move.moved), names, back=back, since=since) if turn.move.moved or since else []
    for line in lines:
        context.progress(line)
    return lines


def lines_of(seen: Full, verdict: Verdict, made: dict[str, Any]) -> list[str]:
    """What a step that is looked at shows on one screen; the steps that write show none."""
    if seen.step in {"preflight", "status"}:
        return survey(seen, verdict) if seen.step == "preflight" else screen(seen, verdict)
    return upkeep.lines(seen, made) if seen.step in REPORTS else []


def kept_up(seen: Full) -> dict[str, Any]:
    """What only the steps of upkeep plan, and whose forwards are read back before a teardown is done."""
    if seen.step == "verify":
        return upkeep.verify(seen, int(seen.inputs.raw["probe_sample"]))
    if seen.step == "dismantle":
        return {"asked": upkeep.asked(seen)}
    return upkeep.reconcile(seen) if seen.step == "reconcile" else {}


def wave(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Move a whole wave, or bring it back, or refuse it whole."""
    back = params["state"] == "returned"
    seen = look(params, context, "rollback" if back else "cutover")
    case, verdict = seen.situation, weigh(seen, context)
    turn = _turn(case, back=back)
    move = turn.move
    # A wave that an earlier task of a role judged was told of then, before anything was asked or written.
    alone = not params.get("declared")
    came = {"arrived": arrived(case, context)} if back and alone else {}
    times = _times(case, turn, context, back=back) if alone else []
    made, noted = _make(case, turn.todo, turn.calls, context)
    before, after = (sorted(map(members.shown, rows)) for rows in (_rows(case), turn.todo.final))
    names = [one.user.address for one in (*move.moved, *move.kept)]
    return {
        "changed": bool(turn.calls),
        "calls": made,
        "time_plan": times,
        "waits": turn.waits,
        "declared": {**case.inputs.raw, "users": names, "waves_file": None, "wave": None},
        **shown(case, verdict),
        **came,
        "moved": [_told(one) for one in move.moved],
        "kept": [_told(one) for one in move.kept],
        "refused": [_left_out(case.inputs, one) for one in move.refused],
        "counts": {"moved": len(move.moved), "kept": len(move.kept), "refused": len(move.refused)},
        "lists": _lists(case.inputs, move),
        "diff": {"before": {"members": before, **noted["before"]}, "after": {"members": after, **noted["after"]}},
    }


def _make(
    case: Situation, todo: members.Change, calls: Sequence[Cmdlet], context: Context
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Change the membership, noted before; the calls that this took, and the diff of the note."""
    noted = _note(case, context) if calls else UNNOTED
    try:
        carry_out(case.inputs.group_address, todo, calls, context)
    except ExchangeError as error:
        error.made = [*noted["calls"], *error.made]
        raise
    return [*noted["calls"], *report(calls)], noted["diff"]


def _note(case: Situation, context: Context) -> dict[str, Any]:
    """Note in the group, before the membership changes, since when it is another; the result of that."""
    inputs, moment = case.inputs, NOW if context.check_mode else stamp(clock(case.snapshot))
    # Another wave may have noted its change since the tenant was read: the later one counts.
    group = context.session.call(Cmdlet("Get-DistributionGroup", {"Identity": inputs.group_address})).rows
    try:
        line = (read_line(group[0].get("Description")) if group else None) or Line()
        known = replace(line, moved=max(moment, line.moved), mx={**line.mx, **case.mx})
    except BrokenLineError as error:
        context.warn(f"group {inputs.group_address}: its Description was cut or edited, {error}; when the membership changed is not noted.")
        return UNNOTED
    wanted = {"description": description(inputs.domains, known), "bypass_security_group_manager_check": True}
    return NOTE.run({"identity": inputs.group_address, **wanted}, context)


def _cut(case: Situation) -> bool:
    """Whether the group's line cannot be read, so that nothing tells when the membership changed last."""
    group = case.snapshot.group(case.inputs.group_address)
    try:
        read_line(group.comment if group else None)
    except BrokenLineError:
        return True
    return False


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
            missing.append({"user": who, "why": _why_missing(inputs, found, address)})
    for one in missing[:5]:
        context.warn(f"not in the forwarding list: {one['user']}: {one['why']}")
    text = _csv(rows)
    changed, diff = keep(params.get("dest"), text, SHARED, check_mode=context.check_mode)
    return {"changed": changed, "calls": [], "rows": rows, "missing": missing, "csv": text, "diff": diff}


def _listed(case: Situation) -> list[tuple[str, Recipient | None]]:
    if case.inputs.users:
        return [(one.user.address, one.found) for one in waves.check(case.inputs, case.snapshot)]
    return [(member.shown, member) for member in case.snapshot.members if member.live]


def _why_missing(inputs: Inputs, found: Recipient | None, address: str) -> str:
    if found is None:
        return "no recipient of the tenant, or several, hold this address; give it to one mailbox."
    if not address and any(checks.domain_of(one) in inputs.domains for one in found.addresses):
        return f"{waves.NO_BOX[0]}. {waves.NO_BOX[1]}"
    return "has no address in the routing domain; add one." if address else "has no address in a shared domain; add one."


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("address", "routing_address"))
    writer.writerows((row["address"], row["routing_address"]) for row in rows)
    return text.getvalue()
