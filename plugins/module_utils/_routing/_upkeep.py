# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Verify: what every class of recipients should show. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import _changes as change
from . import _objects as objects
from ._checks import domain_of
from ._classes import Class, predict_all, tally
from ._evidence import Full, counted, reason
from ._files import FORWARDED
from ._guards_way import strangers
from ._mail_plan import Plan, probe, proof
from ._outcomes import HURTS
from ._outcomes import person_of as person
from ._people import senders_for
from ._predict import Ending, Prediction
from ._slipped import asked, reconcile, slipped
from ._world import EXPANDED, MAILBOXES, TENANT, Forward, World

ORIGINS = ("internet", "tenant", "source")
# A bounce tells its sender at once; these do not.
HARM = frozenset({"lost", "loop", "split"})
UNKNOWN = "unknown"
# The causes of an unknown end that an input would settle. Beside them stand the domains whose MX is not known.
NO_LIST = "the source's address list"
LISTLESS = "where they read is not known, since coexistence_source_file is not given"
UNWALKED = "it can go more ways than are followed"
# Why somebody is not probed.
SEVERAL = "several places are possible"
NOWHERE = "by prediction it ends in no mailbox"
UNSURE = "where it ends is not known"
LISTS = "lists, which others read"
NO_MAILBOX = "no mailboxes"
BEYOND = "not in the sample of each class (coexistence_probe_sample; 0 for all)"


def people(seen: Full) -> list[str]:
    """Every address in a shared domain that either side knows; catch-alls are no addresses, and to our own group nobody writes."""
    group = seen.world.by_address.get(seen.world.group)
    held = {address for party in seen.world.parties if party is not group for address in party.addresses}
    listed = {address for source in seen.world.sources for address in source.addresses or ()}
    return sorted(one for one in held | listed if domain_of(one) in seen.inputs.domains and not one.startswith(("@", "*")))


def verify(seen: Full, sample: int) -> Plan:
    """Counts by origin and outcome, who is hurt, who is told so by a bounce, whose end is unknown and what it takes to know it, and
    a probe for `sample` recipients of a class (0: all)."""
    everyone, world = people(seen), seen.world if seen.evidence.forwards_read else _implied(seen)
    classes = {origin: predict_all(world, partial(senders_for, origin, seen.inputs.domains), everyone, origin) for origin in ORIGINS}
    harmed = [one for origin, groups in classes.items() for one in _harmed(origin, groups)]
    chosen = {origin: _chosen(seen, origin, groups, sample) for origin, groups in classes.items()}
    probes = [one for found in chosen.values() for one in found.probes]
    return {
        "counts": {origin: {outcome: len(who) for outcome, who in tally(groups).items()} for origin, groups in classes.items()},
        "hurt": [one for one in harmed if one["outcome"] in HARM],
        "bounced": [one for one in harmed if one["outcome"] not in HARM],
        "unknown": [one for origin, groups in classes.items() for one in _open(seen, origin, groups)],
        "unproven": _unproven(seen, classes.values()),
        "unprobed": {origin: dict(found.left) for origin, found in chosen.items()},
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


def _entry(who: Sequence[str], origin: str, outcome: str, why: str) -> dict[str, Any]:
    return {"who": counted(who), "count": len(who), "from": origin, "outcome": outcome, "why": why}


def _harmed(origin: str, groups: Sequence[Class]) -> list[dict[str, Any]]:
    """One entry for each outcome that hurts, with the first of its reasons."""
    found = []
    for outcome in sorted(HURTS):
        own = [one for one in groups if one.prediction.verdict == outcome]
        if own:
            found.append(_entry([address for one in own for address in one.recipients], origin, outcome, reason(own[0].prediction)))
    return found


def _open(seen: Full, origin: str, groups: Sequence[Class]) -> list[dict[str, Any]]:
    """One entry for each reason why an end is unknown."""
    found: dict[str, list[str]] = {}
    for one in groups:
        if one.prediction.verdict == UNKNOWN:
            why = "; ".join(dict.fromkeys(text for _cause, text in _causes(seen, one.prediction))) or UNWALKED
            found.setdefault(why, []).extend(one.recipients)
    return [_entry(who, origin, UNKNOWN, why) for why, who in found.items()]


def _causes(seen: Full, prediction: Prediction) -> Iterator[tuple[str, str]]:
    """Why the end of some reading is unknown: the input that would settle it, empty for none, and the reason in words."""
    for ending in (ending for route in prediction.routes for ending in route.endings if ending.outcome == UNKNOWN):
        yield from _cause(seen, ending)


def _cause(seen: Full, ending: Ending) -> Iterator[tuple[str, str]]:
    hops = [landing.trail[-1] for landing in ending.landings if landing.place == UNKNOWN]
    blind = {source.name for source in seen.world.sources if source.addresses is None}
    # As a copy says it that finds nobody who answers for its domain.
    missing = {f"the MX of {domain} is not known": domain for domain in seen.inputs.domains if domain not in seen.world.mx}
    for hop in hops:
        domain = missing.get(hop.why, "")
        listless = not domain and hop.at in blind
        yield (NO_LIST, LISTLESS) if listless else (domain, hop.why if domain else str(hop))
    if not hops:
        yield NO_LIST, LISTLESS


def _unproven(seen: Full, origins: Iterable[Sequence[Class]]) -> list[str]:
    """The inputs that are missing, each with how many ways of mail it leaves unknown, and the remedy; none where none would settle any."""
    found: Counter[str] = Counter()
    for one in (one for groups in origins for one in groups):
        causes = {cause for cause, _text in _causes(seen, one.prediction)} - {""}
        found.update(dict.fromkeys(causes, len(one.recipients)))
    lines = list(_settling(seen))
    if found[NO_LIST]:
        lines.append(
            f"coexistence_source_file is not given, so where {found[NO_LIST]} ways of mail end is not known."
            " Name the file with the source's addresses."
        )
    for domain in (domain for domain in seen.inputs.domains if found[domain]):
        why = seen.evidence.unread.get(f"mx {domain}") or "nobody was asked"
        lines.append(
            f"the MX of {domain} is not known ({why}), so where {found[domain]} ways of mail end is not either."
            " Name coexistence_name_servers that answer for it."
        )
    for source in seen.inputs.sources:
        for name, hosts in strangers(seen.situation, source):
            lines.append(
                f"the connector '{name}' leads to {', '.join(hosts)}, which is not declared, so where its mail ends is not known."
                " Run the set-up again, or name it in coexistence_smart_hosts."
            )
    return lines


def _settling(seen: Full) -> Iterator[str]:
    changed, until = objects.settling(seen.inputs, seen.situation.snapshot)
    if until:
        yield (
            f"the membership of {seen.inputs.group_address} was changed at {changed} and may not act before {until}, so until then"
            " who was moved or taken back is predicted as they will be and not as they are. Verify again then."
        )


@dataclass
class _Chosen:
    """Who is probed, and how many are not, by reason."""

    probes: list[Plan] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def _chosen(seen: Full, origin: str, groups: Sequence[Class], sample: int) -> _Chosen:
    """Mailboxes whose mail ends at one place under every reading are probed for that place, `sample` of each class."""
    found = _Chosen()
    for one in groups:
        places = {landing.place for route in one.prediction.routes for ending in route.endings for landing in ending.landings}
        place = next(iter(places)) if len(places) == 1 else ""
        reasons = {address: _unfit(seen, address, place, len(places)) for address in one.recipients}
        fit = [address for address, why in reasons.items() if not why]
        found.left.update(why for why in reasons.values() if why)
        found.probes += [probe(seen.situation, origin, address, place) for address in fit[: sample or None]]
        found.left.update({BEYOND: len(fit) - sample} if sample and len(fit) > sample else {})
    return found


def _unfit(seen: Full, address: str, place: str, places: int) -> str:
    """Why an address is not probed; empty for one that is."""
    found = person(seen.world, address)
    kind = found.party.kind if found.party else ""
    entry = found.entry.kind if found.entry else ""
    if kind in EXPANDED or entry == "list":
        return LISTS
    if places > 1:
        return SEVERAL
    if place == TENANT:
        return "" if kind in MAILBOXES else NO_MAILBOX
    if place != "source":
        return UNSURE if place == UNKNOWN else NOWHERE
    return "" if entry == "mailbox" or (not found.entry and kind in MAILBOXES) else NO_MAILBOX


def lines(seen: Full, made: Plan) -> list[str]:
    """A report's findings for a terminal, one line each."""
    return _verified(made) if seen.step == "verify" else slipped(seen, made)


def _verified(made: Plan) -> list[str]:
    found = []
    for origin, counts in made["counts"].items():
        told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        found.append(f"from {origin}: {told or 'nobody has an address in a shared domain'}")
    for one in (*made["hurt"], *made["bounced"], *made["unknown"]):
        found.append(f"{one['count']} {one['outcome']} from {one['from']}: {one['who']}: {one['why']}")
    return [*found, *_probed(made), *(f"not proven: {line}" for line in made["unproven"])]


def _probed(made: Plan) -> Iterator[str]:
    """Per origin how many are probed, and how many are not, by reason."""
    planned = Counter(str(one["origin"]) for wait in made["waits"] for one in wait["probes"])
    unprobed: Mapping[str, Mapping[str, int]] = made["unprobed"]
    for origin, reasons in unprobed.items():
        left = "; ".join(f"{why}: {number}" for why, number in reasons.items())
        yield f"probes from {origin}: {planned[origin]} of {sum(made['counts'][origin].values())}{f'; not probed: {left}' if left else ''}"


__all__ = ["asked", "lines", "people", "reconcile", "verify"]
