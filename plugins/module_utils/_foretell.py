# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The tools that only look and predict: a snapshot to keep, the way of mail, the guards of a step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._foresight import SNAPSHOT, Sight, look_ahead, outside
from ansible_collections.mailops.exchange.plugins.module_utils._kept import PRIVATE, keep
from ansible_collections.mailops.exchange.plugins.module_utils._observe import unsettled
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _checks as checks
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _known as known
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _objects as objects
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _people as people
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _words as words
from ansible_collections.mailops.exchange.plugins.module_utils._routing._classes import Senders, graver, predict_all
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards import evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import hindrances
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._proof import proof_of
from ansible_collections.mailops.exchange.plugins.module_utils._routing._status import summary
from ansible_collections.mailops.exchange.plugins.module_utils._routing._survey import exchangers
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import Observed, world_of
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

ROUTE = "route"
KINDS = {"mail": "mail", "calendar": "calendar", "report": "bounce"}


def snapshot_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Everything that a prediction reads, stamped; to keep, and to give back. Reads only."""
    sight = look_ahead(params, context, SNAPSHOT)
    seen, evidence = seen_of(params, context, sight)
    data = {**sight.reading.to_dict(), "observed": known.observed_to(seen), "evidence": known.evidence_to(evidence)}
    changed, _diff = keep(params.get("dest"), json.dumps(data, sort_keys=True), PRIVATE, check_mode=context.check_mode)
    reading = sight.reading
    return {
        "changed": changed,
        "calls": [],
        "first": reading.first,
        "last": reading.last,
        "counts": reading.counts(),
        "open": list(reading.open),
        "unsettled": list(reading.unsettled),
        **({"dest": str(params["dest"])} if not checks.blank(params.get("dest")) else {"snapshot": data}),
    }


def seen_of(params: Mapping[str, Any], context: Context, sight: Sight) -> tuple[Observed, Evidence]:
    """What is known of the outside, with the probes and forwards of earlier tasks."""
    proof = proof_of(params)
    seen, evidence = outside(params, context, sight.situation, sight.kept)
    held = {address: one for address, one in seen.forwards.items() if address not in proof.off}
    return replace(seen, forwards={**proof.on, **held}), proof.added(evidence)


def whole(params: Mapping[str, Any], context: Context, step: str) -> tuple[Full, Sight]:
    """What the guards and a prediction are functions of."""
    sight = look_ahead(params, context, step)
    seen, evidence = seen_of(params, context, sight)
    case = sight.situation
    if step == ROUTE:
        seen = replace(seen, moving={**_lately(case, checks.items(params.get("addresses"))), **seen.moving})
    world = world_of(case.snapshot, case.inputs, sight.reading.rows, sight.reading.members, seen)
    return Full(case, world, evidence), sight


def _lately(case: Situation, addresses: Iterable[str]) -> dict[str, str]:
    """Whose membership may be another one than acts, with the time by which it surely acts.

    The group's line notes when the membership changed and not whose: its members may have joined just then, and whoever is
    asked about, or named as the run's user, may have left.
    """
    return unsettled(case, [*(member.primary for member in case.snapshot.members), *map(fold, addresses)])


def route_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Where mail goes: of some addresses in plain words, or of everybody in counts and lists. Reads only."""
    case, sight = whole(params, context, ROUTE)
    limit = int(params["limit"])
    base = {"changed": False, "calls": [], "now": sight.reading.last}
    if params["all"]:
        return {**base, **_all(params, case, limit)}
    joined = _joined(case)
    pairs = [(address, origin) for address in _addresses(params) for origin in _origins(params)]
    found = [words.explained(case.world, _predicted(params, case, *pair), joined) for pair in pairs]
    return {**base, "routes": found, "screen": words.screen(found), "hurt": sum(route["hurts"] for route in found)}


def _origins(params: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(params["origin"]),) if params.get("origin") else people.ORIGINS


def _senders(params: Mapping[str, Any], case: Full, origin: str, recipient: str) -> tuple[str, ...]:
    """The sender that was named, none for a report, or those that stand for many."""
    if params["kind"] == "report":
        return ("",)
    return (fold(params["sender"]),) if params.get("sender") else people.senders_for(origin, case.inputs.domains, recipient)


def _addresses(params: Mapping[str, Any]) -> list[str]:
    found = [fold(item) for item in checks.items(params.get("addresses"))]
    problems = [f"addresses: '{item}' {checks.address_fault(item)}." for item in found if checks.address_fault(item)]
    if not found:
        problems.append("addresses: is empty; name the addresses that mail is sent to, or set all.")
    if problems:
        raise InputError(problems)
    return found


def _predicted(params: Mapping[str, Any], case: Full, address: str, origin: str) -> Any:
    kind = KINDS[str(params["kind"])]
    return graver(predict(case.world, sender, address, origin, kind=kind) for sender in _senders(params, case, origin, address))


def _joined(case: Full) -> str:
    """When the membership was changed last, as far as anybody noted it."""
    group = case.snapshot.group(case.inputs.group_address)
    moved = objects.line_of(case.inputs, case.snapshot).moved
    changed = str(group.row.get("WhenChangedUTC") or "") if group else ""
    return moved or changed


def _all(params: Mapping[str, Any], case: Full, limit: int) -> dict[str, Any]:
    addresses = people.everyone(case.world, case.inputs.domains)
    kind = KINDS[str(params["kind"])]
    tallies = [_tally(case, partial(_senders, params, case, origin), addresses, origin, kind) for origin in _origins(params)]
    return {
        "recipients": len(addresses),
        "counts": dict(people.sums(tallies)),
        "hurt": sum(tally.hurt for tally in tallies),
        "origins": {tally.origin: tally.to_dict(case.world, limit) for tally in tallies},
        "screen": [f"{len(addresses)} recipients", *(line for tally in tallies for line in tally.lines(case.world, limit))],
    }


def _tally(case: Full, sender: Senders, addresses: Sequence[str], origin: str, kind: str) -> people.Tally:
    return people.Tally(origin, predict_all(case.world, sender, addresses, origin, kind=kind))


def check_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The guards of a step, as findings. Refuses nothing and writes nothing."""
    case, sight = whole(params, context, str(params["step"]))
    if case.step == "preflight" and hindrances(case.situation):
        raise InputError(hindrances(case.situation))
    if case.step == "forward" and not case.inputs.users:
        raise InputError(["users: nobody is named; give coexistence_users, or coexistence_waves_file with coexistence_wave."])
    verdict = evaluate(case)
    accepted = {finding.id for finding in verdict.accepted}
    found = [{**finding.to_dict(), "accepted": finding.blocks and finding.id in accepted} for finding in verdict.all]
    lines = [f"{_word(one)} {one['id']} {one['who']}: {one['why']}. {one['remedy']}" for one in found]
    return {
        "changed": False,
        "calls": [],
        "step": case.step,
        "now": sight.reading.last,
        "findings": found,
        "refused": bool(verdict.refusing),
        "summary": summary(case.situation, verdict),
        "mx": exchangers(case),
        "screen": lines or [f"No guard says anything against the step {case.step}."],
    }


def _word(finding: Mapping[str, Any]) -> str:
    return "accepted:" if finding["accepted"] else "refuses:" if finding["blocks"] else "tells:"
