# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Verify: what every class of recipients should show. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import _changes as change
from ._checks import domain_of
from ._classes import Class, predict_all, tally
from ._evidence import Full, counted, reason
from ._mail_plan import Plan, probe, proof
from ._outcomes import HURTS
from ._outcomes import person_of as person
from ._slipped import FORWARDED, reconcile, slipped
from ._world import MAILBOXES, TENANT, Forward, World

OUTSIDER = "someone@sender.invalid"
ORIGINS = ("internet", "tenant", "source")
# A bounce tells its sender at once; these do not.
HARM = frozenset({"lost", "loop", "split"})


def sender_of(seen: Full, origin: str) -> str:
    """Who a message of an origin is from, for a prediction."""
    return OUTSIDER if origin == "internet" else f"postmaster@{seen.inputs.domains[0]}"


def people(seen: Full) -> list[str]:
    """Every address in a shared domain that either side knows; catch-alls are no addresses."""
    held = {address for party in seen.world.parties for address in party.addresses}
    listed = {address for source in seen.world.sources for address in source.addresses or ()}
    return sorted(one for one in held | listed if domain_of(one) in seen.inputs.domains and not one.startswith(("@", "*")))


def verify(seen: Full, sample: int) -> Plan:
    """Counts by origin and outcome, who is hurt, who is told so by a bounce, and a probe for `sample` recipients of a class (0: all)."""
    everyone, world = people(seen), seen.world if seen.evidence.forwards_read else _implied(seen)
    classes = {origin: predict_all(world, sender_of(seen, origin), everyone, origin) for origin in ORIGINS}
    harmed = {origin: _harmed(origin, groups) for origin, groups in classes.items()}
    hurt = [one for found in harmed.values() for one in found if one["outcome"] in HARM]
    probes = [one for origin, groups in classes.items() for found in groups for one in _probes(seen, origin, found, sample)]
    return {
        "counts": {origin: {outcome: len(who) for outcome, who in tally(groups).items()} for origin, groups in classes.items()},
        "hurt": hurt,
        "bounced": [one for found in harmed.values() for one in found if one["outcome"] not in HARM],
        "waits": proof(probes, "mail to arrive where it was predicted", patient=False),
    }


def _implied(seen: Full) -> World:
    """The world in which the source forwards whoever its list says is at home in the tenant: what the list is for."""
    found = {}
    for source in seen.world.sources:
        for entry in (source.addresses or {}).values():
            party = seen.world.by_address.get(entry.address) if entry.kind in FORWARDED and entry.home == TENANT else None
            routing = sorted(address for address in party.addresses if domain_of(address) not in seen.inputs.domains) if party else []
            if routing:
                found[entry.address] = Forward(routing[0])
    return change.forwarded(seen.world, found)


def _harmed(origin: str, groups: Sequence[Class]) -> list[dict[str, Any]]:
    """One entry for each outcome that hurts, with the first of its reasons."""
    found = []
    for outcome in sorted(HURTS):
        own = [one for one in groups if one.prediction.verdict == outcome]
        who = [address for one in own for address in one.recipients]
        if own:
            why = reason(own[0].prediction)
            found.append({"who": counted(who), "count": len(who), "from": origin, "outcome": outcome, "why": why})
    return found


def _probes(seen: Full, origin: str, found: Class, sample: int) -> Iterator[Plan]:
    """A mailbox's class whose every reading ends at one place is probed for that place."""
    chosen = found.recipients[: sample or None]
    places = {landing.place for route in found.prediction.routes for ending in route.endings for landing in ending.landings}
    if len(places) == 1 and places <= {"tenant", "source"}:
        (place,) = places
        yield from (probe(seen.situation, origin, address, place) for address in chosen if _mailbox(seen, address))


def _mailbox(seen: Full, address: str) -> bool:
    found = person(seen.world, address)
    if found.entry is not None and (found.entry.kind != "mailbox" and found.entry.home != TENANT):
        return False
    return found.party.kind in MAILBOXES if found.party else found.entry is not None


def lines(seen: Full, made: Plan) -> list[str]:
    """A report's findings for a terminal, one line each."""
    return _verified(made) if seen.step == "verify" else slipped(seen, made)


def _verified(made: Plan) -> list[str]:
    found = []
    for origin, counts in made["counts"].items():
        found.append(f"from {origin}: {', '.join(f'{number} {outcome}' for outcome, number in counts.items())}")
    for one in (*made["hurt"], *made["bounced"]):
        found.append(f"{one['count']} {one['outcome']} from {one['from']}: {one['who']}: {one['why']}")
    return found


__all__ = ["lines", "people", "reconcile", "verify"]
