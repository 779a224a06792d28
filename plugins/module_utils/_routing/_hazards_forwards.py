# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""U8: a forward and a membership must not be out of step, for mail that is forwarded and sent back loops."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from . import _objects as objects
from ._checks import domain_of
from ._evidence import ANNOUNCED, ARRIVED, FILTER, NOT_PROBED, SILENCE, Full, Probe, counted, until
from ._findings import Finding
from ._mail_plan import GOOGLE, NONE, SWITCHED, backend_of, sender
from ._outcomes import person_of
from ._waves import Checked, check, forwarding
from ._world import TENANT, Foreign

SHOW_OFF = (
    "Switch them off, and name coexistence_probe_outside_sender to have each of them probed, or give a dump taken after the change"
    " (source_forwarding_dump); or accept U8 if you saw it yourself."
)
SHOW_GOOGLE = (
    "Google's map acts up to 24 hours after it was changed: name coexistence_probe_outside_sender to have each of them probed; or accept U8"
    " a day after the change."
)


def u8(case: Full) -> Iterator[Finding]:
    """A forward before the membership is effective; in a rollback, the membership before the forward is off."""
    if case.step in BACKWARD:
        yield from BACKWARD[case.step](case)
        return
    for rule in case.world.rules:
        if rule.was is not None and rule.route:
            why = f"the rule was changed and may act as before{until(rule.until)}"
            yield Finding("U8", rule.name, why, "Wait; forwards set now can loop.")
    group = case.world.by_address.get(case.world.group)
    for user in case.inputs.users:
        party = person_of(case.world, user.address).party
        who = user.where(case.inputs.waves_name)
        if group is None or party is None:
            yield Finding("U8", who, "is not in the group, so the rule would send forwarded mail back: a loop", "Run the cutover first.")
            continue
        if (party.id in case.world.members.get(group.id, frozenset())) == case.world.pending:
            yield Finding("U8", who, "does not count as migrated, so forwarded mail would come back: a loop", "Run the cutover first.")
        elif (group.id, party.id) in case.world.moving:
            why = f"its membership may not act yet{until(case.world.moving[group.id, party.id])}"
            yield Finding("U8", who, why, "Wait, and probe from the tenant; the forward comes after.")
    yield from () if case.situation.check_mode else (*_u8_probes(case), *_u8_changed(case))


def _u8_probes(case: Full) -> Iterator[Finding]:
    """Probes from the tenant to users of the wave: each must have arrived in the tenant."""
    users = {user.address for user in case.inputs.users}
    made = [probe for probe in case.evidence.probes if probe.origin == "tenant" and probe.recipient in users and probe.result != NOT_PROBED]
    for probe in made:
        if probe.told_by == FILTER:
            why = "the service's filter took a probe from the tenant, so nothing shows whether the membership acts"
            yield Finding("U8", probe.recipient, why, "Let the filter spare the probe's sender, and probe again.")
        elif probe.result != ARRIVED or probe.place != "tenant":
            where = f" at the {probe.place}" if probe.place else ""
            why = f"a probe from the tenant {probe.result}{where}: the membership does not act yet"
            yield Finding("U8", probe.recipient, why, "Wait and probe again; the forward comes after.")
    if users and not made:
        noted = objects.line_of(case.inputs, case.snapshot).moved
        time = "the time says so" if noted else "the group's WhenChanged says so, which a change of members may not move"
        why = f"no probe from the tenant showed that the membership acts; only {time}"
        remedy = "Give the connection a submission account (ansible_exchange_submission_user) and coexistence_probe_sender for a probe."
        yield Finding("U8", counted(sorted(users)), why, remedy, blocks=False)


def _u8_changed(case: Full) -> Iterator[Finding]:
    """A group that was changed later than its line notes: perhaps its members, by hand. Told, since our own notes change it too."""
    latency, changed = int(case.inputs.raw["rule_latency"]), objects.unnoted(case.inputs, case.snapshot)
    if changed is None or not objects.remaining(changed, latency, case.now):
        return
    proven = {probe.recipient for probe in case.evidence.probes if probe.result == ARRIVED and probe.place == "tenant"}
    users = sorted({user.address for user in case.inputs.users} - proven)
    if users:
        until = objects.stamp(changed + timedelta(seconds=latency))
        unnoted = f"the group was changed at {objects.stamp(changed)}, which its line does not note"
        why = f"{unnoted}; who joined it then may not count before {until}"
        yield Finding("U8", counted(users), why, "Wait until then, or probe, if members were changed by hand.", blocks=False)


def _at_source(case: Full) -> list[tuple[Checked, str, Foreign]]:
    """The users of the run whose address lies at a source, with it and the source; also who is on no list of it, which may be old."""
    found = []
    for one in check(case.inputs, case.snapshot):
        address = (forwarding(case.inputs, case.snapshot, one.found)[0] if one.found else "") or one.user.address
        source = case.world.source_of(domain_of(address))
        if source is not None:
            found.append((one, address, source))
    return found


def _backend(case: Full, address: str) -> str:
    """What keeps the forward of an address."""
    source = case.inputs.source_of(domain_of(address))
    return backend_of(case.inputs, source) if source else NONE


def _u8_back(case: Full) -> Iterator[Finding]:
    """Forwards that are on, by what was read or probed; those of which nothing shows that they are off, or silence alone."""
    unseen: dict[tuple[str, str], list[str]] = {}
    quiet: dict[str, list[str]] = {}
    wave = _at_source(case)
    own = {known for one, address, _source in wave for known in (address, one.user.address)}
    for one, address, source in wave:
        names = {address, one.user.address}
        probes = [probe for probe in case.evidence.probes if probe.recipient in names and probe.origin != TENANT]
        on = names & source.forwards.keys()
        if on or any(probe.result == ARRIVED and probe.place == TENANT for probe in probes):
            where = ", ".join(source.forwards[one].target for one in sorted(on))
            seen = "is still forwarded at the source" + (f" to {where}" if on else ": a probe from outside reached the tenant")
            yield Finding("U8", one.who, f"{seen}; out of the group its mail would loop", "Switch the forward off first, and probe.")
        elif not _read_off(case, address) and not _to_come(case, address, probes):
            told = [probe.told_by for probe in probes] if _all_stayed(case, source, own) else []
            name = source.name or "the source"
            if not told:
                unseen.setdefault((name, _backend(case, address)), []).append(address)
            elif all(word == SILENCE for word in told):
                quiet.setdefault(name, []).append(address)
    yield from _u8_unseen(unseen)
    for name, who in quiet.items():
        why = f"only silence shows that the forwards of {len(who)} users are off: {name} took their probes, and the tenant saw none so far"
        yield Finding("U8", counted(who), why, "Look at the source, or give a dump taken after the change.", blocks=False)


def _read_off(case: Full, address: str) -> bool:
    """Whether a read-back shows that a forward is off. An entry that is gone from Google's map still acts for up to a day."""
    read = case.evidence.forwards_read or address in case.evidence.forwards_off
    return read and _backend(case, address) != GOOGLE


def _to_come(case: Full, address: str, probes: Iterable[Probe]) -> bool:
    """Whether, in check mode, a real run would look: at what a role switches, and by probes that it announced."""
    looked = _backend(case, address) in SWITCHED or any(probe.result == ANNOUNCED for probe in probes)
    return case.situation.check_mode and looked


def _u8_unseen(unseen: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Finding]:
    for (name, backend), who in unseen.items():
        why = f"nothing shows that the forwards of {len(who)} users are off at {name}; out of the group their mail would loop"
        yield Finding("U8", counted(who), why, SHOW_GOOGLE if backend == GOOGLE else SHOW_OFF)


def _u8_ahead(case: Full) -> Iterator[Finding]:
    """Before any forward goes off: of whom nothing will show that it is, so that the wave would end there."""
    if sender(case.situation, "internet", ""):
        return
    hidden: dict[str, list[str]] = {}
    for _one, address, _source in _at_source(case):
        backend = _backend(case, address)
        if backend not in SWITCHED:
            hidden.setdefault(backend, []).append(address)
    for backend, who in hidden.items():
        also = "nothing else does" if backend in {NONE, GOOGLE} else "only a dump taken after the change does (source_forwarding_dump)"
        why = f"no probe can show that the forwards of {len(who)} users are off, and {also} (back end {backend})"
        yield Finding("U8", counted(who), why, SHOW_GOOGLE if backend == GOOGLE else SHOW_OFF, blocks=backend == NONE)


BACKWARD = {"unforward": _u8_ahead, "rollback": _u8_back}


def _all_stayed(case: Full, source: Foreign, own: Container[str]) -> bool:
    """Whether every probe to the wave's `own` addresses at a source ended there: one that did not makes the others doubtful.

    Mail to somebody who never moved stays at the source whatever the forwards do.
    """
    probes = (one for one in case.evidence.probes if one.origin != TENANT and one.recipient in own)
    return all(one.result == ARRIVED and one.place == "source" for one in probes if domain_of(one.recipient) in source.domains)
