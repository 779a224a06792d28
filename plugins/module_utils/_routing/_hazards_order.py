# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about order: what may move, and when. By prediction, by time, by trace and by probe."""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, parse_date

from . import _changes as change
from . import _objects as objects
from ._checks import domain_of
from ._classes import predict_all
from ._delivery import OTHERWISE
from ._evidence import ARRIVED, FILTER, NOT_PROBED, Full, Probe, counted, reason, settles
from ._findings import Finding
from ._mail_plan import NOBODY
from ._outcomes import HURTS, person_of
from ._people import senders_for
from ._predicates import MATCHES, MEMBERSHIP
from ._predict import Prediction, Route, predict
from ._readings import BRANCHES
from ._traced import finals
from ._waves import Checked, check, forwarding
from ._world import EXPANDED, INTERNAL_RELAY, INTERNET, TENANT, Foreign, Mx, World

# How long a sending host keeps a message that it could not hand over by the former MX.
QUEUE = timedelta(hours=72)
# How long a wave may take to write the members after it noted that it will.
WRITING = timedelta(minutes=5)
OUTSIDER = "someone@sender.invalid"
# How mail comes to the tenant by an MX that names it first.
ALWAYS = "its MX is the tenant"


def u1(case: Full) -> Iterator[Finding]:
    """The MX at the tenant while an InternalRelay domain has no route; told where nobody could read who holds it."""
    if case.step == "teardown":
        yield from _u1_left(case)
        return
    for domain in case.inputs.domains if case.step != "mx" else ():
        unread = case.evidence.unread.get(f"mx {domain}")
        if unread:
            why = f"who takes its mail is not known: {unread}"
            yield Finding("U1", domain, why, "Name coexistence_name_servers that can be asked.", blocks=False)
    making = case.step in {"preflight", "setup"}
    for domain in case.inputs.domains:
        accepted, answer = case.world.domains.get(domain), case.world.mx.get(domain)
        relays = making or (accepted is not None and accepted.type == INTERNAL_RELAY)
        arrives = ALWAYS if case.step == "mx" else _arrives(answer)
        if relays and arrives:
            world = change.mx_at(change.relayed(case.world, [domain]), [domain])
            found = _unrouted(domain, arrives, predict(world, OUTSIDER, f"{NOBODY}@{domain}", "internet"))
            yield from found if arrives == ALWAYS else (replace(one, blocks=False) for one in found)


def _u1_left(case: Full) -> Iterator[Finding]:
    """A domain that relays on without a route when a teardown is done, while mail comes to the tenant."""
    final = finals(case.situation)
    for domain in case.inputs.domains:
        if fold(final.get(domain)) == INTERNAL_RELAY and _arrives(case.world.mx.get(domain)) == ALWAYS:
            why = f"{ALWAYS}, and it stays InternalRelay without a rule or connector: mail to unknown addresses loops for good (5.4.14)"
            remedy = "Let it end Authoritative (coexistence_final_domain_type), or accept U1 if another connector of yours routes it."
            yield Finding("U1", domain, why, remedy)


def _arrives(answer: Mx | None) -> str:
    """How mail comes to the tenant by an MX: always, of two equal hosts also to this one; or only at times, in words."""
    if answer is None or TENANT not in {answer.holder, answer.before, *answer.beside}:
        return ""
    if answer.holder == TENANT or (answer.before == TENANT and not answer.until and TENANT in answer.beside):
        return ALWAYS
    return "some still hold the tenant as its MX" if answer.before == TENANT else "its MX names the tenant as a further host"


def _unrouted(domain: str, arrives: str, prediction: Prediction) -> Iterator[Finding]:
    """Mail to an address that nobody has, by the MX. Refused where nothing surely routes it, told where a reading decides.

    arrives: how it comes to the tenant. A rule that asks, or asked before an edit, for what is not evaluated is no route to count on.
    """
    loops = [route for route in prediction.routes if "loop" in _kept(route)]
    if not loops:
        return
    assumed = [route.assumed.items() for route in prediction.routes]
    settled = [{key: value for key, value in one if not key.startswith(MATCHES) and value != OTHERWISE} for one in assumed]
    if all(any(_kept(route) for route in prediction.under(reading)) for reading in settled):
        why = f"{arrives}, it relays unknown addresses and no rule or connector routes them: their mail loops (5.4.14)"
        yield Finding("U1", domain, why, "Leave the MX at the source, or the domain Authoritative, until the rule is enforced.")
    else:
        why = f"{arrives} and it relays unknown addresses: their mail loops (5.4.14) if {'; '.join(loops[0].assumptions())}"
        yield Finding("U1", domain, why, "Wait until every change acts, and use coexistence_rule_scope domain.", blocks=False)


def _kept(route: Route) -> frozenset[str]:
    """How mail ends that never left the tenant: `loop` by its own MX, or `delayed`."""
    landings = [landing for ending in route.endings for landing in ending.landings]
    inside = [landing.place for landing in landings if all(hop.at in {INTERNET, TENANT} for hop in landing.trail)]
    return frozenset(inside) & {"loop", "delayed"}


def _outside(case: Full, world: World) -> list[str]:
    """Addresses in shared domains of people that the group does not (or, pending, does) hold."""
    group = world.by_address.get(world.group)
    inside = world.members.get(group.id, frozenset()) if group else frozenset()
    held = {address for party in world.parties if party.kind not in EXPANDED for address in party.addresses}
    listed = {address for source in world.sources for address in source.addresses or () if not address.startswith(("@", "*"))}
    found = sorted(address for address in held | listed if domain_of(address) in case.inputs.domains)

    def migrated(address: str) -> bool:
        party = person_of(world, address).party
        return party is not None and (party.id in inside) != world.pending

    return [address for address in found if not migrated(address)]


def u2(case: Full) -> Iterator[Finding]:
    """The MX move or the teardown while someone outside the group would be split, bounced or loop."""
    if case.step in {"preflight", "setup", "enforce"}:
        yield from _announced(case)
        return
    ours = [one.name for one in objects.of(case.inputs, objects.RULE)]
    if case.step == "teardown" and not any(True for _unused in objects.present(case.inputs, case.snapshot, objects.RULE)):
        return
    after = change.mx_at(case.world, case.inputs.domains) if case.step == "mx" else change.rules_off(case.world, ours)
    people = _outside(case, after)
    hurt = yield from _hurt(case, after, people)
    yield from _too_soon(case, after)
    if people and not hurt and case.step == "mx":
        where = "still in the group" if after.pending else "outside the group"
        why = f"{len(people)} addresses {where} stay right only while the rule and its connector stand"
        yield Finding("U2", counted(people), why, "Keep both until everyone is moved.", blocks=False)


def _hurt(case: Full, world: World, people: list[str]) -> Generator[Finding, None, bool]:
    """Findings by class; returns whether there were any."""
    move = MOVE_OUT if world.pending else MOVE
    seen: set[str] = set()
    told: set[str] = set()
    for origin in ("internet", "tenant"):
        for group in predict_all(world, partial(senders_for, origin, case.inputs.domains), people, origin):
            fresh = [address for address in group.recipients if address not in seen]
            verdict = group.prediction.verdict
            if verdict in HURTS and fresh:
                seen.update(fresh)
                yield Finding("U2", counted(fresh), f"mail from {origin} would end as {verdict}: {reason(group.prediction)}", move)
            elif verdict == "unknown" and fresh:
                told.update(fresh)
    rest = sorted(told - seen)
    if rest:
        why = f"where mail to {len(rest)} addresses would end is unknown ({counted(rest)})"
        yield Finding("U2", *((counted(rest), why, SETTLE) if _given(case) else ("the source list", why, GIVE)))
    return bool(seen or rest)


def _too_soon(case: Full, world: World) -> Iterator[Finding]:
    """Members whose membership may not act yet, and whom the step would hurt as long as it does not."""
    group = world.by_address.get(world.group)
    fresh = {member: until for (held, member), until in world.moving.items() if group and held == group.id}
    people = sorted(address for member in fresh if member in world.by_id for address in world.by_id[member].addresses)
    people = [address for address in people if domain_of(address) in case.inputs.domains]
    until = max(fresh.values(), default="")
    for one in predict_all(world, partial(senders_for, "internet", case.inputs.domains), people, "internet"):
        for outcome in sorted(one.prediction.only_with(MEMBERSHIP, "before") & HURTS):
            why = f"their membership may not act yet, and as long as it does not mail from the internet would end as {outcome}"
            yield Finding("U2", counted(sorted(one.recipients)), why, f"Wait{_until(until)}.")


def _given(case: Full) -> bool:
    """Whether every source's list and the MX of every domain are known, so that they are not what is missing."""
    listed = all(source.addresses is not None for source in case.world.sources)
    return listed and all(domain in case.world.mx for domain in case.inputs.domains)


GIVE = "Give the source's addresses in coexistence_source_file, and the MX."
SETTLE = (
    f"Look with mail_route_info on what it hangs, and settle it. At most {BRANCHES} ways of a message are walked: more come of rules whose"
    " conditions are not evaluated."
)


MOVE = "Put them into the group and move them, or keep the rule with coexistence_rule_scope domain."
MOVE_OUT = "Move them, take them out of the group, or keep the rule with coexistence_rule_scope domain."


def _announced(case: Full) -> Iterator[Finding]:
    """Before the rule acts, mail from the tenant to those who still read at the source stays in the tenant."""
    people = _outside(case, case.world)
    split: list[str] = []
    for group in predict_all(case.world, partial(senders_for, "tenant", case.inputs.domains), people, "tenant"):
        split += group.recipients if group.prediction.verdict == "split" else ()
    if split:
        why = f"until the rule acts, mail from the tenant to {len(split)} addresses ends in mailboxes that nobody reads yet"
        remedy = "Enforce the rule before licensing more users; it ends by itself then."
        yield Finding("U2", counted(sorted(split)), why, remedy, blocks=False)


def u8(case: Full) -> Iterator[Finding]:
    """A forward before the membership is effective; in a rollback, the membership before the forward is off."""
    if case.step == "rollback":
        yield from _u8_back(case)
        return
    for rule in case.world.rules:
        if rule.was is not None and rule.route:
            why = f"the rule was changed and may act as before{_until(rule.until)}"
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
            why = f"its membership may not act yet{_until(case.world.moving[group.id, party.id])}"
            yield Finding("U8", who, why, "Wait, and probe from the tenant; the forward comes after.")
    yield from () if case.situation.check_mode else (*_u8_probes(case), *_u8_changed(case))


def _until(time: str) -> str:
    return f" until {time}" if time else ""


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
        why = "no probe from the tenant showed that the membership acts; only the time says so"
        remedy = "Give the connection a submission account (ansible_exchange_submission_user) and coexistence_probe_sender for a probe."
        yield Finding("U8", counted(sorted(users)), why, remedy, blocks=False)


def _u8_changed(case: Full) -> Iterator[Finding]:
    """A group that was changed later than its line notes: perhaps its members, by hand. Told, since our own notes change it too."""
    now, latency = case.now, int(case.inputs.raw["rule_latency"])
    group = case.snapshot.group(case.inputs.group_address)
    changed = parse_date(group.row.get("WhenChanged")) if group else None
    noted = objects.moment(objects.line_of(case.inputs, case.snapshot).moved, now)
    if changed is None or changed > now or (noted and changed <= noted + WRITING) or not objects.remaining(changed, latency, now):
        return
    proven = {probe.recipient for probe in case.evidence.probes if probe.result == ARRIVED and probe.place == "tenant"}
    users = sorted({user.address for user in case.inputs.users} - proven)
    if users:
        until = objects.stamp(changed + timedelta(seconds=latency))
        unnoted = f"the group was changed at {objects.stamp(changed)}, which its line does not note"
        why = f"{unnoted}; who joined it then may not count before {until}"
        yield Finding("U8", counted(users), why, "Wait until then, or probe, if members were changed by hand.", blocks=False)


def _at_source(case: Full) -> list[tuple[Checked, str, Foreign]]:
    """The users of the run who have an address at a source, with it and the source; nobody else has a forward there."""
    found = []
    for one in check(case.inputs, case.snapshot):
        address = (forwarding(case.inputs, case.snapshot, one.found)[0] if one.found else "") or one.user.address
        source = case.world.source_of(domain_of(address))
        if source is not None and (source.addresses is None or {address, one.user.address} & source.addresses.keys()):
            found.append((one, address, source))
    return found


def _u8_back(case: Full) -> Iterator[Finding]:
    """Forwards that are on, by what was read or probed; and those of which nothing shows that they are off."""
    unseen: dict[str, list[str]] = {}
    wave = _at_source(case)
    own = {known for one, address, _source in wave for known in (address, one.user.address)}
    for one, address, source in wave:
        probes = [probe for probe in case.evidence.probes if probe.recipient == address and probe.origin != "tenant"]
        on = {address, one.user.address} & source.forwards.keys()
        if on or any(probe.result == ARRIVED and probe.place == TENANT for probe in probes):
            where = ", ".join(source.forwards[one].target for one in sorted(on))
            seen = "is still forwarded at the source" + (f" to {where}" if on else ": a probe from outside reached the tenant")
            yield Finding("U8", one.who, f"{seen}; out of the group its mail would loop", "Switch the forward off first, and probe.")
        elif not _shown_off(case, source, address, own):
            unseen.setdefault(source.name or "the source", []).append(address)
    for name, who in unseen.items() if not case.situation.check_mode else ():
        why = f"nothing shows that the forwards of {len(who)} users are off at {name}; out of the group their mail would loop"
        remedy = "Switch them off, and name coexistence_probe_outside_sender to have it probed; or accept U8 if you saw it yourself."
        yield Finding("U8", counted(who), why, remedy)


def _shown_off(case: Full, source: Foreign, address: str, own: Container[str]) -> bool:
    """Whether a forward is known to be off: read back, or by the wave's probes there.

    Those to the wave's `own` addresses count alone, and none of them may have failed to show it: mail to somebody who never moved stays
    at the source whatever the forwards do, and one probe of silence may be a host that holds it back.
    """
    probes = (one for one in case.evidence.probes if one.origin != TENANT and one.recipient in own)
    made = [one for one in probes if domain_of(one.recipient) in source.domains]
    stayed = bool(made) and all(one.result == ARRIVED and one.place == "source" for one in made)
    return stayed or case.evidence.forwards_read or address in case.evidence.forwards_off


def u20(case: Full) -> Iterator[Finding]:
    """A disabled rule that a probe shows to act still, whatever the time says."""
    for probe in case.evidence.probes:
        if probe.recipient.startswith(f"{NOBODY}@") and probe.place == "source":
            why = "mail from the tenant to an address that nobody has still left for the source, so a disabled rule acts"
            yield Finding("U20", domain_of(probe.recipient), why, "Run the teardown again, which waits and probes; what was done is kept.")


def u13(case: Full) -> Iterator[Finding]:
    """Forwards off or the source list dropped before the old path is empty."""
    for source in case.world.sources:
        for domain in sorted(source.domains & frozenset(case.inputs.domains)):
            fault = _old_path(case, domain)
            if fault:
                yield Finding("U13", domain, fault, f"Wait for it; late senders would lose their mail.{_noting(case, domain)}")
        declared = source.off or source.name in case.evidence.off
        if not declared and not case.situation.check_mode and not any(_left_by_itself(case, one, source) for one in case.evidence.probes):
            why = "no probe from inside it reached the tenant by itself, so its own programs may deliver to the old mailboxes"
            remedy = (
                "Let it follow the MX and probe again, or declare the host off (coexistence_known: {off: [source]},"
                " or the source's name where there are several)."
            )
            yield Finding("U13", source.name or "the source", why, remedy)


def _left_by_itself(case: Full, probe: Probe, source: Foreign) -> bool:
    """A probe from inside this source that reached the tenant without a forward. Of a report, which has no sender, the recipient tells."""
    own = case.world.source_of(domain_of(probe.sender)) or case.world.source_of(domain_of(probe.recipient))
    arrived = probe.origin in {"source", "program"} and probe.result == ARRIVED and probe.place == "tenant"
    return arrived and not probe.forwarded and own is not None and own.name == source.name


def _noting(case: Full, domain: str) -> str:
    """How a wait begins that counts from a change which nothing notes."""
    seen = case.evidence.mx_changes.get(domain)
    return " Nothing notes yet when it moved: run coexistence_reconcile, which does." if seen and seen.fresh else ""


def _old_path(case: Full, domain: str) -> str:
    answer, seen = case.world.mx.get(domain), case.evidence.mx_changes.get(domain)
    if answer is None:
        return f"who holds its MX is not known{_because(case, domain)}"
    if answer.holder != TENANT:
        return "its MX is not the tenant"
    if seen is None or seen.holder != TENANT:
        return "nobody saw when its MX moved to the tenant"
    empty = settles(seen, QUEUE)
    if empty is None:
        return f"its MX moved at '{seen.at}', which is no time"
    if case.now < empty:
        return f"mail may come by its former MX until {objects.stamp(empty)} (TTL and 72 hours)"
    left = sorted({answer.before, *answer.beside} & {source.name for source in case.world.sources})
    return f"its MX, or what some resolvers hold of it, still names {', '.join(left)}: take it out first" if left else ""


def u31(case: Full) -> Iterator[Finding]:
    """The MX moved back, or a teardown undone, before the newer MX's time to live is over; told while resolvers disagree."""
    if case.step != "mx_back":
        yield from _disagreeing(case)
    undone = objects.line_of(case.inputs, case.snapshot).stops
    standing = any(True for _unused in objects.present(case.inputs, case.snapshot, objects.RULE))
    if case.step != "mx_back" and not (case.step == "setup" and undone and not standing):
        return
    for domain in case.inputs.domains:
        seen, answer = case.evidence.mx_changes.get(domain), case.world.mx.get(domain)
        over = settles(seen) if seen and seen.holder == TENANT else None
        if over and case.now < over:
            why = f"resolvers may hold its newer MX until {objects.stamp(over)}"
            yield Finding("U31", domain, why, f"Wait for it, or mail takes both ways at once.{_noting(case, domain)}")
        elif seen is None and (answer is None or answer.holder == TENANT):
            why = f"when its MX moved to the tenant is not known{_because(case, domain)}, so resolvers may hold it still"
            remedy = "Wait for its time to live, counted from the move, or name coexistence_name_servers that can be asked."
            yield Finding("U31", domain, why, remedy, blocks=False)


def _because(case: Full, domain: str) -> str:
    """Why nobody knows who holds an MX, in brackets; empty where nothing was asked."""
    reason_ = case.evidence.unread.get(f"mx {domain}", "")
    return f" ({reason_})" if reason_ else ""


def _disagreeing(case: Full) -> Iterator[Finding]:
    """Who still sends by a former MX; before a move of the MX also where nobody could ask. In other steps U1 tells that."""
    for domain in case.inputs.domains:
        answer = case.world.mx.get(domain)
        if answer is None and case.step == "mx" and f"mx {domain}" in case.evidence.unread:
            why = f"who holds its MX now, and whether resolvers agree, is not known{_because(case, domain)}"
            yield Finding("U31", domain, why, "Name coexistence_name_servers that can be asked.", blocks=False)
        if answer and answer.before and answer.before != answer.holder:
            until = f" until {answer.until}" if answer.until else ""
            why = f"its MX is {answer.holder}, and some still send to {answer.before}{until}"
            yield Finding("U31", domain, why, "Expect mail on both ways meanwhile, and count on neither being empty.", blocks=False)
