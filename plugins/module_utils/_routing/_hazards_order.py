# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about order: what may move, and when. By prediction, by time, by trace and by probe."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta
from functools import partial

from . import _changes as change
from . import _objects as objects
from ._checks import domain_of
from ._classes import predict_all
from ._evidence import ARRIVED, NOT_PROBED, Full, Probe, counted, reason, settles
from ._findings import Finding
from ._mail_plan import NOBODY, SWITCHED, backend_of
from ._outcomes import HURTS, person_of
from ._people import senders_for
from ._predicates import MATCHES
from ._predict import Prediction, Route, predict
from ._readings import BRANCHES
from ._traced import closing
from ._waves import check, forwarding
from ._world import AUTHORITATIVE, EXPANDED, INTERNAL_RELAY, INTERNET, TENANT, Foreign, Party, World, plain

# How long a sending host keeps a message that it could not hand over by the former MX.
QUEUE = timedelta(hours=72)
OUTSIDER = "someone@sender.invalid"


def u1(case: Full) -> Iterator[Finding]:
    """The MX at the tenant while an InternalRelay domain has no route; told where nobody could read who holds it."""
    for domain in case.inputs.domains if case.step != "mx" else ():
        unread = case.evidence.unread.get(f"mx {domain}")
        if unread:
            why = f"who takes its mail is not known: {unread}"
            yield Finding("U1", domain, why, "Name coexistence_name_servers that can be asked.", blocks=False)
    making = case.step in {"preflight", "setup"}
    for domain in case.inputs.domains:
        accepted, answer = case.world.domains.get(domain), case.world.mx.get(domain)
        relays = making or (accepted is not None and accepted.type == INTERNAL_RELAY)
        arrives = case.step == "mx" or (answer is not None and answer.holder == TENANT)
        if relays and arrives:
            world = change.mx_at(change.relayed(case.world, [domain]), [domain])
            yield from _unrouted(domain, predict(world, OUTSIDER, f"{NOBODY}@{domain}", "internet"))


def _unrouted(domain: str, prediction: Prediction) -> Iterator[Finding]:
    """Mail to an address that nobody has, by the MX. Refused where nothing surely routes it, told where a reading decides.

    A rule that asks for what is not evaluated is no route to count on.
    """
    loops = [route for route in prediction.routes if "loop" in _kept(route)]
    if not loops:
        return
    settled = [{key: value for key, value in route.assumed.items() if not key.startswith(MATCHES)} for route in prediction.routes]
    if all(any(_kept(route) for route in prediction.under(reading)) for reading in settled):
        why = "its MX is the tenant, it relays unknown addresses and no rule or connector routes them: their mail loops (5.4.14)"
        yield Finding("U1", domain, why, "Leave the MX at the source, or the domain Authoritative, until the rule is enforced.")
    else:
        why = f"its MX is the tenant and it relays unknown addresses: their mail loops (5.4.14) if {'; '.join(loops[0].assumptions())}"
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


def u3(case: Full) -> Iterator[Finding]:
    """Authoritative while an address of the source has no recipient, or needs mail that the edge would refuse."""
    final = case.situation.final
    for domain in (one for one in case.inputs.domains if final.get(one, "Authoritative").casefold() == "authoritative"):
        if domain in case.world.domains and case.world.domains[domain].type == AUTHORITATIVE:
            continue
        listed = [source for source in case.world.sources if domain in source.domains]
        if any(source.addresses is None for source in listed):
            why = f"nobody can tell which addresses of {domain} have no recipient yet"
            yield Finding("U3", "the source list", why, "Give the source's addresses in coexistence_source_file.")
        bare = sorted(_bare(case.world, listed, domain))
        if bare:
            why = f"{len(bare)} addresses of the source have no recipient; Authoritative, {domain} bounces their mail"
            yield Finding("U3", counted(bare), why, "Create a recipient for each, or take them off the source list.")
        hidden = sorted(one.primary for one in case.world.parties if one.kind in HIDDEN and _within(one, domain))
        if hidden:
            why = f"{len(hidden)} public folders or dynamic groups take mail; the edge of an Authoritative domain may not know them"
            yield Finding("U3", counted(hidden), why, "Give them addresses in another domain, or keep the domain InternalRelay.")


HIDDEN = frozenset({"publicfolder", "dynamicdistributiongroup"})


def _within(party: Party, domain: str) -> bool:
    return any(domain_of(address) == domain for address in party.addresses)


def _bare(world: World, sources: list[Foreign], domain: str) -> Iterator[str]:
    for source in sources:
        for address in source.addresses or ():
            if domain_of(address) == domain and not {address, plain(address)} & world.by_address.keys():
                yield address


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
    yield from () if case.situation.check_mode else _u8_probes(case)


def _until(time: str) -> str:
    return f" until {time}" if time else ""


def _u8_probes(case: Full) -> Iterator[Finding]:
    """Probes from the tenant to users of the wave: each must have arrived in the tenant."""
    users = {user.address for user in case.inputs.users}
    made = [probe for probe in case.evidence.probes if probe.origin == "tenant" and probe.recipient in users and probe.result != NOT_PROBED]
    for probe in made:
        if probe.result != ARRIVED or probe.place != "tenant":
            where = f" at the {probe.place}" if probe.place else ""
            why = f"a probe from the tenant {probe.result}{where}: the membership does not act yet"
            yield Finding("U8", probe.recipient, why, "Wait and probe again; the forward comes after.")
    if users and not made:
        why = "no probe from the tenant showed that the membership acts; only the time says so"
        remedy = "Give the connection a submission account (ansible_exchange_submission_user) and coexistence_probe_sender for a probe."
        yield Finding("U8", counted(sorted(users)), why, remedy, blocks=False)


def _u8_back(case: Full) -> Iterator[Finding]:
    """Forwards that are on, by what was read or probed; and those of which nothing shows that they are off."""
    unseen: dict[str, list[str]] = {}
    for one in check(case.inputs, case.snapshot):
        address = (forwarding(case.inputs, case.snapshot, one.found)[0] if one.found else "") or one.user.address
        source = case.world.source_of(domain_of(address))
        if source is None or (source.addresses is not None and not {address, one.user.address} & source.addresses.keys()):
            continue  # who has no address at the source has no forward there
        probes = [probe for probe in case.evidence.probes if probe.recipient == address and probe.origin != "tenant"]
        on = {address, one.user.address} & source.forwards.keys()
        if on or any(probe.result == ARRIVED and probe.place == TENANT for probe in probes):
            seen = "is still forwarded at the source" if on else "is still forwarded at the source: a probe from outside reached the tenant"
            yield Finding("U8", one.who, f"{seen}; out of the group its mail would loop", "Switch the forward off first, and probe.")
        elif not _shown_off(case, source, address):
            unseen.setdefault(source.name or "the source", []).append(address)
    for name, who in unseen.items() if not case.situation.check_mode else ():
        why = f"nothing shows that the forwards of {len(who)} users are off at {name}; out of the group their mail would loop"
        remedy = "Switch them off, and name coexistence_probe_outside_sender to have it probed; or accept U8 if you saw it yourself."
        yield Finding("U8", counted(who), why, remedy)


def _shown_off(case: Full, source: Foreign, address: str) -> bool:
    """Whether a forward is known to be off: read back, switched off by a role that reads it back, or by a probe of somebody there."""
    declared = case.inputs.source_of(domain_of(address))
    switched = declared is not None and backend_of(case.inputs, declared) in SWITCHED
    stayed = any(
        probe.origin != "tenant" and probe.result == ARRIVED and probe.place == "source" and domain_of(probe.recipient) in source.domains
        for probe in case.evidence.probes
    )
    return switched or stayed or case.evidence.forwards_read or address in case.evidence.forwards_off


def u20(case: Full) -> Iterator[Finding]:
    """A disabled rule that a probe shows to act still, whatever the time says."""
    for probe in case.evidence.probes:
        if probe.recipient.startswith(f"{NOBODY}@") and probe.place == "source":
            why = "mail from the tenant to an address that nobody has still left for the source, so a disabled rule acts"
            yield Finding("U20", domain_of(probe.recipient), why, "Run the teardown again, which waits and probes; what was done is kept.")


def u11(case: Full) -> Iterator[Finding]:
    """The documented teardown order: unknown addresses loop between rule removal and Authoritative."""
    if case.inputs.text("teardown_order") != "documented":
        return
    trace = case.evidence.trace
    for domain in case.inputs.domains:
        accepted = case.world.domains.get(domain)
        if accepted is None or accepted.type != INTERNAL_RELAY:
            continue
        unread = case.evidence.unread.get("trace")
        nobody = f"an unread number of ({unread})" if unread else "an unread number of"
        many = f"about {trace.unknown.get(domain, 0) / max(trace.days, 1):.0f}" if trace else nobody
        why = f"between the rules' removal and Authoritative, {many} messages a day to unknown addresses loop"
        yield Finding("U11", domain, why, "Use coexistence_teardown_order loop_free to avoid it.", blocks=False)


def u12(case: Full) -> Iterator[Finding]:
    """Authoritative while the trace still shows mail on the connector."""
    trace = case.evidence.trace
    if not closing(case.situation, {name: one.type for name, one in case.world.domains.items()}):
        return
    if trace is None:
        reason_ = case.evidence.unread.get("trace", "")
        why = f"was not read{f' ({reason_})' if reason_ else ''}, so nobody knows whether the connector still carries mail"
        yield Finding("U12", "the message trace", why, "Let it be read (role Security Reader or Exchange Administrator).")
        return
    for one in objects.of(case.inputs, objects.CONNECTOR):
        many = trace.connectors.get(one.name, 0)
        if many:
            why = f"carried {many} messages in the last {trace.days:g} days, so somebody is still read at the source"
            yield Finding("U12", one.name, why, "Move who gets them; the trace names the recipients.")


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
            remedy = "Let it follow the MX and probe again, or declare the host off (known: {off: [NAME]})."
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
    return f"mail may come by its former MX until {objects.stamp(empty)} (TTL and 72 hours)" if case.now < empty else ""


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
