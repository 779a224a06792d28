# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Reconcile: members and forwards that were lost or added since the last wave, and what of it is mended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW

from . import _objects as objects
from ._checks import domain_of, items
from ._evidence import Full, counted
from ._files import FORWARDED, WaveUser
from ._findings import Finding
from ._guards_people import u27
from ._hazards import evaluate
from ._hazards_mail import u28
from ._mail_plan import Plan, acting_since, read_back, together, ways
from ._marks import BrokenLineError, Line, description, read_line
from ._outcomes import entry_of
from ._outcomes import person_of as person
from ._snapshot import EXPANDED, Recipient, Thing, holders
from ._waves import forwarding
from ._world import MAILBOXES, TENANT, Address

FIXES = ("members", "forwards")
READABLE = "name what keeps them in coexistence_forwarding_backend, or give a dump taken after the change as source_forwarding_dump"
# What is found, in words, and how it ends.
WORDS = {
    "lost_members": ("read in the tenant and are not in the group", "members"),
    "missing_forwards": ("are in the group and not forwarded", "forwards"),
    "added_members": (
        "are in the group, are forwarded by nobody and stand in no wave: somebody else added them",
        "take them out of the group, or move them with a wave",
    ),
    "strange_forwards": ("are in the group and forwarded elsewhere", "correct the forward at the source by hand"),
    "unknown_forwards": (
        "are in the group, and whether they are forwarded is not known",
        READABLE,
    ),
    "unknown_members": (
        "are not in the group, others of their wave are, and whether they are forwarded is not known: if they are, their mail loops",
        f"move them again, or end their forward; to know it {READABLE}",
    ),
}
UNNAMED = "left as it is: name it in coexistence_reconcile_fix"
STRANGE = "left as it is: the group bears no mark of this set-up, and only what is ours is changed; run the set-up first"
CUT = (
    "left as it is: the group's Description was cut or edited, so since when the membership is as it is nobody knows;"
    " restore the text, or tear down and set up"
)
REFUSED = "left as they are: the guards of a forward that goes on refuse it, as told below"
# Guards of the step that switches forwards on which are about one user.
ABOUT_A_USER = frozenset({"U7", "U8"})
NOT_EXAMINED = (
    "with coexistence_membership pending the group holds who has not moved: lost and added members and forwards were not examined;"
    " mail_route_info tells where mail to somebody goes"
)


LISTLESS = "without coexistence_source_file nobody knows whether they have a mailbox at the source, and their forwards were not examined"


@dataclass(frozen=True)
class Both:
    """Somebody with a mailbox in the tenant and an entry at the source. target: where it is forwarded, "" for off, None for not known."""

    found: Recipient
    entry: Address
    routing: str
    target: str | None

    @property
    def row(self) -> Plan:
        """The forward that the source shall have."""
        return {"address": self.entry.address, "routing_address": self.routing}


@dataclass(frozen=True)
class Slipped:
    """What was found, beside new recipients and members without a mailbox. lost, added: primary addresses; strange: leads elsewhere.

    unknown, doubtful: the source's addresses whose forward is not known, of members and of who is not in the group beside their wave.
    """

    lost: Sequence[str]
    missing: Sequence[Both]
    added: Sequence[str]
    strange: Sequence[Plan]
    unknown: Sequence[str]
    doubtful: Sequence[str]


def reconcile(seen: Full) -> Plan:
    """Members and forwards that are missing or added, what of it is to be mended, and whose forwards are still to be read."""
    one, group = _slipped(seen), seen.inputs.group_address
    kept = _kept(seen)
    back = list(one.lost) if not kept["members"] else []
    able, refusing = _able(seen, one.missing) if not kept["forwards"] else ([], ())
    switched = ways(seen.situation, able, on=True)
    if refusing and not able:
        kept["forwards"] = REFUSED
    noticed = [finding.to_dict() for finding in (*u27(seen.situation), *u28(seen), *refusing)]
    made: dict[str, list[Any]] = {
        "lost_members": list(one.lost),
        "missing_forwards": [missing.row for missing in one.missing],
        "added_members": list(one.added),
        "strange_forwards": list(one.strange),
        "unknown_forwards": list(one.unknown),
        "unknown_members": list(one.doubtful),
        "dead_members": [finding["who"] for finding in noticed if finding["id"] == "U27"],
        "new_recipients": _new(seen),
    }
    return {
        "groups": _noting(seen, moved=bool(back)),
        "members": [{"identity": group, "members": back}] if back else [],
        "ways": switched,
        "asked": asked(seen),
        **made,
        "slips": noticed,
        "kept": kept,
        "found": {kind: len(who) for kind, who in made.items()},
        "mended": {"lost_members": len(back), "missing_forwards": sum(len(way["forwards"]) for way in switched)},
    }


def _slipped(seen: Full) -> Slipped:
    here = list(_both(seen, seen.snapshot.members)) if not seen.inputs.pending else []
    added = [one for one in here if one.target == "" and _added(seen, one)]
    return Slipped(
        sorted(_lost(seen)),
        [one for one in here if one.target == "" and one.routing and one not in added],
        sorted(one.found.primary for one in added),
        [{**one.row, "routing_address": one.target} for one in here if one.target and not _own(seen, one)],
        [one.entry.address for one in here if one.target is None],
        sorted(_doubtful(seen)),
    )


def _able(seen: Full, missing: Sequence[Both]) -> tuple[list[Plan], Sequence[Finding]]:
    """The forwards that may be switched on, and what the guards of that step refuse: of somebody, or of everybody."""
    users = {one.found.primary: one for one in missing}
    if not users:
        return [], ()
    inputs = replace(seen.inputs, users=tuple(WaveUser(address) for address in users))
    moment = replace(seen, situation=replace(seen.situation, step="forward", inputs=inputs))
    refusing = evaluate(moment).refusing
    refused = {finding.who for finding in refusing}
    return [one.row for address, one in users.items() if not refused - users.keys() and address not in refused], refusing


def _kept(seen: Full) -> dict[str, str]:
    """Per thing that can be mended why it is left as it is; empty where it is mended now.

    A forward must not lead to the tenant before the membership acts: the mail would go out again, and come back. Whoever is put back
    now is no member yet, so that their forwards are none of those that are mended in the same run.
    """
    fix = {one.casefold() for one in items(seen.inputs.raw.get("reconcile_fix"))}
    kept = {name: "" if name in fix else UNNAMED for name in FIXES}
    group = _ours(seen)
    if group is None:
        return {name: why or STRANGE for name, why in kept.items()}
    if not kept["forwards"]:
        line = _line(group)
        until = _acts(seen, line) if line else ""
        kept["forwards"] = CUT if line is None else f"left until {until}, when the membership acts: run again then" if until else ""
    return kept


def _ours(seen: Full) -> Thing | None:
    return next(iter(objects.mine(seen.inputs, seen.snapshot, objects.GROUP)), None)


def _line(group: Thing) -> Line | None:
    """What the group's line notes; None where it was cut."""
    try:
        return read_line(group.comment) or Line()
    except BrokenLineError:
        return None


def _acts(seen: Full, line: Line) -> str:
    """By when the membership surely acts; empty when it does."""
    since, latency = acting_since(seen.situation, line.moved), int(seen.inputs.raw["rule_latency"])
    now = objects.clock(seen.snapshot)
    if since is None or not objects.remaining(since, latency, now):
        return ""
    return objects.stamp(since + timedelta(seconds=latency))


def _new(seen: Full) -> list[str]:
    """Primary addresses of recipients in a shared domain that neither the group nor the source's list knows, as U28 counts them."""
    if seen.inputs.source_list is None:
        return []
    inside = {identity for member in seen.snapshot.members for identity in member.ids}
    found = []
    for one in seen.snapshot.recipients:
        shared = [address for address in one.addresses if domain_of(address) in seen.inputs.domains]
        told = one.kind in EXPANDED or one.ids & inside or any(address in seen.inputs.tenant_addresses for address in shared)
        if shared and not told and not any(entry_of(source, address) for source in seen.world.sources for address in shared):
            found.append(one.shown)
    return sorted(found)


def _noting(seen: Full, *, moved: bool) -> list[Plan]:
    """The group with what its line does not note yet: when an MX moved, and that the membership changes. Later steps wait by both.

    A line that was cut stays as it is, for whoever restores it.
    """
    case, group = seen.situation, _ours(seen)
    line = _line(group) if group else None
    if group is None or line is None or not (case.mx or moved):
        return []
    moment = NOW if case.check_mode else objects.stamp(objects.clock(case.snapshot))
    fresh = replace(line, mx={**line.mx, **case.mx}, moved=moment if moved else line.moved)
    text = description(case.inputs.domains, fresh)
    return [{"identity": str(group.row.get("PrimarySmtpAddress") or group.name), "description": text}]


def _both(seen: Full, people: Iterable[Recipient]) -> Iterator[Both]:
    """Those of the people who have a mailbox on either side, with what is known of their forward.

    Without the source's list whoever is named by a wave has one there: they moved from it.
    """
    listless, named = seen.inputs.source_list is None, {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    known = {address: one.target for source in seen.world.sources for address, one in source.forwards.items()}
    for found in people:
        address, routing = forwarding(seen.inputs, seen.snapshot, found) if found.live else ("", "")
        entry = person(seen.world, address).entry if address else None
        if entry is None and address and listless and found.addresses & named:
            entry = Address(address)
        if entry is None or entry.kind not in FORWARDED:
            continue
        shown = entry.address in seen.evidence.forwards_off
        # What is known of the mailbox itself comes first: an alias of it may be forwarded on its own.
        own = [one for one in (entry.address, *(() if shown else sorted(found.addresses))) if one in known]
        yield Both(found, entry, routing, known[own[0]] if own else "" if shown or seen.evidence.forwards_read else None)


def _own(seen: Full, one: Both) -> bool:
    """Whether the forward leads to the same person's mailbox in the tenant."""
    party = seen.world.by_address.get(one.target or "")
    return one.target in one.found.addresses or (party is not None and one.found.primary in party.addresses)


def _added(seen: Full, one: Both) -> bool:
    """In the group, at home at the source by its list, and in no wave: known only where the waves are."""
    moved = {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    return bool(seen.inputs.waves) and one.entry.home != TENANT and not moved & one.found.addresses


def asked(seen: Full) -> list[Plan]:
    """The ways to read back, all in one entry or none: forwards of everybody who may have moved and has a mailbox at the source.

    With membership `pending` the group holds nobody who has moved; a reconcile makes nothing of forwards then.
    """
    if seen.inputs.pending and seen.step == "reconcile":
        return []
    home = {entry.address for source in seen.world.sources for entry in (source.addresses or {}).values() if entry.home == TENANT}
    named = {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    held = holders(seen.snapshot)
    people = {found.primary: found for address in sorted(home | named) for found in held.get(address, ())}
    people |= {found.primary: found for found in seen.snapshot.members if not seen.inputs.pending}
    rows = {one.entry.address: one.row for one in _both(seen, people.values()) if one.routing}
    return together([read_back(way) for way in ways(seen.situation, [rows[name] for name in sorted(rows)], on=True)])


def _lost(seen: Full) -> Iterator[str]:
    """Primary addresses of people who read in the tenant and are not in the group."""
    group = seen.world.by_address.get(seen.world.group)
    if group is None or seen.inputs.pending:
        return
    inside = seen.world.members.get(group.id, frozenset())
    parties = (person(seen.world, address).party for address in sorted(set(_moved(seen))))
    for found in parties:
        if found is not None and found.kind in MAILBOXES and found.id not in inside:
            yield found.primary


def _doubtful(seen: Full) -> Iterator[str]:
    """The source's addresses of who is not in the group, though others of their wave are, and may be forwarded: nobody knows."""
    if seen.inputs.pending:
        return
    inside = {address for member in seen.snapshot.members for address in member.addresses}
    played = {user.wave for user in seen.inputs.waves if user.address in inside}
    held, lost = holders(seen.snapshot), set(_lost(seen))
    left = {user.address for user in seen.inputs.waves if user.wave in played} - inside
    people = {found.primary: found for address in left for found in held.get(address, ())}
    for one in _both(seen, (found for primary, found in people.items() if primary not in lost)):
        if one.target is None:
            yield one.entry.address


def _moved(seen: Full) -> Iterator[str]:
    """Who reads in the tenant: by a forward that leads there; where that is not known, by the source's list; without one, as named."""
    world, evidence = seen.world, seen.evidence
    for source in world.sources:
        for address, forward in source.forwards.items():
            found = world.by_address.get(address)
            if found is not None and world.by_address.get(forward.target) == found:
                yield address
        for entry in (source.addresses or {}).values():
            off = evidence.forwards_read or entry.address in evidence.forwards_off
            if entry.kind in FORWARDED and entry.home == TENANT and not off and entry.address not in source.forwards:
                yield entry.address
    if seen.inputs.source_list is None and not evidence.forwards_read:
        yield from (user.address for user in seen.inputs.users if user.address not in evidence.forwards_off)


def slipped(seen: Full, made: Plan) -> list[str]:
    """What was found for a terminal, one line each, with what becomes of it."""
    found = []
    for name, (what, remedy) in WORDS.items():
        who = [str(one["address"]) if isinstance(one, dict) else str(one) for one in made.get(name, ())]
        end = _end(made, name, remedy, len(who)) if remedy in FIXES else remedy
        if who:
            found.append(f"{len(who)} {what} ({counted(who)}); {end}")
    found += [f"{one['id']} {one['who']}: {one['why']}. {one['remedy']}" for one in made["slips"]]
    if seen.inputs.pending:
        return [*found, NOT_EXAMINED]
    unlisted = _unlisted(seen)
    if unlisted:
        found.append(f"{len(unlisted)} are in the group and stand in no wave ({counted(unlisted)}); {LISTLESS}")
    rules = [one.name for one in objects.of(seen.inputs, objects.RULE)]
    return found or [f"everybody is where {', '.join(rules)} expects them"]


def _unlisted(seen: Full) -> list[str]:
    """Members of whom nothing tells whether the source has a mailbox of theirs: there is no list of it, and no wave names them."""
    if seen.inputs.source_list is not None:
        return []
    named = {user.address for user in (*seen.inputs.waves, *seen.inputs.users)}
    return sorted(found.primary for found in seen.snapshot.members if found.live and not found.addresses & named)


def _end(made: Plan, name: str, fix: str, number: int) -> str:
    """What becomes of what can be mended."""
    kept: Mapping[str, str] = made["kept"]
    mended = int(made["mended"][name])
    if kept[fix]:
        return kept[fix]
    refused = len({one["who"] for one in made["slips"] if one["id"] in ABOUT_A_USER})
    yours = number - mended - refused
    why = [f"{refused} are refused, as told below"] if refused else []
    why += [f"{yours} are yours to switch: coexistence_forwarding_backend is none"] if yours > 0 else []
    rest = f" ({'; '.join(why)})" if mended < number else ""
    return f"{mended if rest else ''} mended now{rest}".strip()
