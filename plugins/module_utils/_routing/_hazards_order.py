# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about order: what may move, and when. By prediction, by time, by trace and by probe."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from . import _changes as change
from . import _objects as objects
from ._checks import domain_of
from ._classes import predict_all
from ._delivery import OTHERWISE
from ._evidence import ARRIVED, Full, Probe, counted, reason, settles, until
from ._findings import Finding
from ._mail_plan import NOBODY
from ._outcomes import HURTS, person_of
from ._people import senders_for
from ._predicates import MATCHES, MEMBERSHIP
from ._predict import Prediction, Route, predict
from ._readings import BRANCHES
from ._traced import finals
from ._world import EXPANDED, INTERNAL_RELAY, INTERNET, TENANT, Foreign, Mx, World

# How long a sending host keeps a message that it could not hand over by the former MX.
QUEUE = timedelta(hours=72)
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
    """A domain that relays on without a route when a teardown is done, while mail comes to the tenant; mail that still comes elsewhere."""
    final = finals(case.situation)
    for domain in case.inputs.domains:
        if fold(final.get(domain)) == INTERNAL_RELAY and _arrives(case.world.mx.get(domain)) == ALWAYS:
            why = f"{ALWAYS}, and it stays InternalRelay without a rule or connector: mail to unknown addresses loops for good (5.4.14)"
            remedy = "Let it end Authoritative (coexistence_final_domain_type), or accept U1 if another connector of yours routes it."
            yield Finding("U1", domain, why, remedy)
        old = _old_path(case, domain) if case.snapshot.members or case.inputs.pending else ""
        if old:
            why = f"{old}; what comes by the source reaches people here by its forwards alone"
            remedy = "Keep the source and its forwards until its MX has moved and the old path is empty."
            yield Finding("U1", domain, why, remedy, blocks=False)


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
    if case.step == "teardown" and case.inputs.text("teardown_order") == "loop_free":
        hurt = yield from _hurt(case, _final(case, after), _touched(case, after, people))
    else:
        hurt = yield from _hurt(case, after, people)
    yield from _too_soon(case, after)
    if people and not hurt and case.step == "mx":
        where = "still in the group" if after.pending else "outside the group"
        why = f"{len(people)} addresses {where} stay right only while the rule and its connector stand"
        yield Finding("U2", counted(people), why, "Keep both until everyone is moved.", blocks=False)


def _final(case: Full, world: World) -> World:
    """The same with the types that a teardown leaves."""
    for domain, kind in finals(case.situation).items():
        world = change.typed(world, [domain], fold(kind))
    return world


def _touched(case: Full, after: World, people: list[str]) -> list[str]:
    """Whom the rules' end hurts, or may: what the final types alone do to somebody is U3's to say."""
    found: set[str] = set()
    for origin in ("internet", "tenant"):
        for one in predict_all(after, partial(senders_for, origin, case.inputs.domains), people, origin):
            found.update(one.recipients if one.prediction.verdict in {*HURTS, "unknown"} else ())
    return [address for address in people if address in found]


def _hurt(case: Full, world: World, people: list[str]) -> Generator[Finding, None, bool]:
    """Findings by class; returns whether there were any."""
    move = MOVE_OUT if world.pending else MOVE
    seen: set[str] = set()
    told: set[str] = set()
    as_now: list[Finding] = []
    for origin in ("internet", "tenant"):
        for group in predict_all(world, partial(senders_for, origin, case.inputs.domains), people, origin):
            fresh = [address for address in group.recipients if address not in seen]
            verdict = group.prediction.verdict
            if verdict in HURTS and fresh:
                seen.update(fresh)
                why = f"mail from {origin} would end as {verdict}: {reason(group.prediction)}"
                if _as_now(case, fresh, origin, verdict):
                    as_now.append(Finding("U2", counted(fresh), f"{why}; so it does now, before this step", move))
                else:
                    yield Finding("U2", counted(fresh), why, move)
            elif verdict == "unknown" and fresh:
                told.update(fresh)
    yield from as_now
    rest = sorted(told - seen)
    if rest:
        why = f"where mail to {len(rest)} addresses would end is unknown ({counted(rest)})"
        yield Finding("U2", *((counted(rest), why, SETTLE) if _given(case) else ("the source list", why, GIVE)))
    return bool(seen or rest)


def _as_now(case: Full, people: list[str], origin: str, verdict: str) -> bool:
    """Whether mail to all of them ends so before the step too: what it does to others is told first."""
    known = predict_all(case.world, partial(senders_for, origin, case.inputs.domains), people, origin)
    return all(one.prediction.verdict == verdict for one in known)


def _too_soon(case: Full, world: World) -> Iterator[Finding]:
    """Members whose membership may not act yet, and whom the step would hurt as long as it does not."""
    group = world.by_address.get(world.group)
    fresh = {member: by for (held, member), by in world.moving.items() if group and held == group.id}
    people = sorted(address for member in fresh if member in world.by_id for address in world.by_id[member].addresses)
    people = [address for address in people if domain_of(address) in case.inputs.domains]
    latest = max(fresh.values(), default="")
    for one in predict_all(world, partial(senders_for, "internet", case.inputs.domains), people, "internet"):
        for outcome in sorted(one.prediction.only_with(MEMBERSHIP, "before") & HURTS):
            why = f"their membership may not act yet, and as long as it does not mail from the internet would end as {outcome}"
            yield Finding("U2", counted(sorted(one.recipients)), why, f"Wait{until(latest)}.")


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
    standing = any(rule.enabled for _one, rule in objects.present(case.inputs, case.snapshot, objects.RULE))
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
