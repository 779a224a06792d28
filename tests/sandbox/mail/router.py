# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of one message through a tenant: loop check, resolution, rules, delivery. Pure; one decision for each recipient."""

from __future__ import annotations

import zlib
from dataclasses import replace

from .addresses import domain_of, matches_pattern, normal
from .model import BOUNCE, DROP, LOCAL, LOOP, PLACE, SEND, WAIT, Directory, Leg, Message, Row, Step
from .resolve import FORWARDED, Target, resolve
from .rules import Decision, decide

LOOP_STATUS = "5.4.14"


def route(directory: Directory, message: Message) -> list[Leg]:
    """Decide what becomes of each recipient of a message that the tenant took."""
    if message.entries >= directory.facts.loop_entries:
        reason = f"Hop count exceeded - possible mail loop: entered {directory.organization} {message.entries} times"
        fail = (Step("Fail", reason),)
        return [Leg(LOOP, asked, normal(asked), status=LOOP_STATUS, reason=reason, steps=fail) for asked in message.recipients]
    targets = [target for asked in message.recipients for target in resolve(directory, message, asked)]
    everybody = tuple((target.address, target.entry) for target in targets)
    legs: list[Leg] = []
    added: dict[str, None] = {}
    for target in targets:
        if target.failure is not None:
            legs.append(_failed(target, *target.failure))
            continue
        decision = decide(directory, message, target.address, target.entry, everybody)
        added.update(dict.fromkeys(map(normal, decision.added)))
        legs.extend(_decided(directory, message, target, decision))
    legs.extend(_added(directory, message, [address for address in added if address not in {target.address for target in targets}]))
    return legs


def _failed(target: Target, status: str, reason: str) -> Leg:
    action = DROP if not status else LOOP if status == LOOP_STATUS else BOUNCE
    return Leg(action, target.asked, target.address, status=status, reason=reason, steps=(*target.steps, Step("Fail", reason)))


def _decided(directory: Directory, message: Message, target: Target, decision: Decision) -> list[Leg]:
    """Turn a rule decision (or none) into legs."""
    marked = replace(target, steps=(*target.steps, *decision.steps))
    if decision.redirect:
        return _redirected(directory, message, marked, decision)
    leg = _delivered(directory, message, marked, decision)
    headers = tuple(decision.set_headers.items())
    if target.forwarded:
        headers = (*headers, (FORWARDED, f"{target.forwarded};{directory.organization}"))
    return [replace(leg, headers=headers, removed=tuple(decision.removed), scl=decision.scl, forwarded=bool(target.forwarded))]


def _delivered(directory: Directory, message: Message, target: Target, decision: Decision) -> Leg:
    if decision.delete:
        return Leg(DROP, target.asked, target.address, reason=decision.delete, steps=(*target.steps, Step("Fail", decision.delete)))
    if decision.reject:
        status = decision.reject.split(" ", 2)[1]
        steps = (*target.steps, Step("Fail", decision.reject))
        return Leg(BOUNCE, target.asked, target.address, status=status, reason=decision.reject, steps=steps)
    if decision.wait:
        return Leg(WAIT, target.asked, target.address, reason=decision.wait, steps=(*target.steps, Step("Defer", decision.wait)))
    if decision.connector is not None:
        return _by_connector(directory, message, target, decision.connector)
    if target.entry is not None and target.entry.kind in LOCAL:
        return Leg(PLACE, target.asked, target.address, key=target.entry.key, steps=target.steps)
    return _outward(directory, message, target)


def _by_connector(directory: Directory, message: Message, target: Target, connector: Row) -> Leg:
    """Send by a rule's connector: it overrides delivery.

    Under the primary address: a forwarded message that a rule catches on its return loops, which it could not under the routing address.
    """
    address = target.entry.primary if target.entry is not None and target.entry.kind in LOCAL else target.out
    return Leg(SEND, target.asked, address, connector=str(connector["Name"]), hosts=_hosts(connector, message), steps=target.steps)


def _hosts(connector: Row, message: Message) -> tuple[str, ...]:
    """Return the smart hosts, each message beginning with another one: they share the load. None: the MX decides."""
    if connector.get("UseMXRecord", True):
        return ()
    hosts = [str(host).strip("[]") for host in connector.get("SmartHosts") or ()]
    first = zlib.crc32(message.id.encode()) % len(hosts) if hosts else 0
    return tuple(hosts[first:] + hosts[:first])


def _outward(directory: Directory, message: Message, target: Target) -> Leg:
    """Send what has no mailbox here: unknown in a relayed domain, an external address, an outside address."""
    domain = domain_of(target.out)
    accepted = directory.accepted(domain)
    if accepted is not None and accepted.authoritative:
        reason = f"RESOLVER.ADR.RecipientNotFound; {target.out} wasn't found in {accepted.name}, which is Authoritative"
        return Leg(BOUNCE, target.asked, target.address, status="5.1.10", reason=reason, steps=(*target.steps, Step("Fail", reason)))
    if accepted is not None and target.entry is not None and directory.facts.mail_user_lookup == "again":
        reason = f"{target.out} lies in {accepted.name} and is looked up again and again"
        return Leg(LOOP, target.asked, target.address, status=LOOP_STATUS, reason=reason, steps=(*target.steps, Step("Fail", reason)))
    connector = choose_connector(directory, domain)
    if connector is None:
        return Leg(SEND, target.asked, target.out, steps=target.steps)
    return Leg(SEND, target.asked, target.out, connector=str(connector["Name"]), hosts=_hosts(connector, message), steps=target.steps)


def choose_connector(directory: Directory, domain: str) -> Row | None:
    """Return the enabled connector, not scoped to rules, whose domains fit a recipient's domain most closely."""
    best: tuple[int, Row] | None = None
    for row in directory.outbound:
        if not row.get("Enabled", True) or row.get("IsTransportRuleScoped") or row.get("TestMode"):
            continue
        fit = max((matches_pattern(domain, str(entry)) for entry in row.get("RecipientDomains") or ()), default=0)
        if row.get("RouteAllMessagesViaOnPremises"):
            fit = max(fit, 1)
        if row.get("AllAcceptedDomains") and directory.accepted(domain) is not None:
            fit = max(fit, 5_000)
        if fit and (best is None or fit > best[0]):
            best = (fit, row)
    return best[1] if best else None


def _same(one: Target, other: Target) -> bool:
    """Say whether two targets are one recipient."""
    return one.entry is other.entry if one.entry is not None and other.entry is not None else one.address == other.address


def _redirected(directory: Directory, message: Message, target: Target, decision: Decision) -> list[Leg]:
    """Resolve the addresses that a rule redirects to; the rules below see them only under that reading.

    Whoever was written to gets nothing, unless one of those addresses is the same recipient's: that is a loss. Copies for others are
    nobody's answer to what the sender asked for.
    """
    legs: list[Leg] = []
    goals = [(address, found) for address in decision.redirect for found in resolve(directory, message, "", address)]
    if not any(_same(found, target) for _unused, found in goals):
        reason = f"A rule redirects it to {', '.join(map(normal, decision.redirect))}"
        legs.append(Leg(DROP, target.asked, target.address, reason=reason, steps=(*target.steps, Step("Redirect", reason))))
    for address, found in goals:
        steps = (*target.steps, Step("Redirect", f"A rule redirects to {normal(address)}"), *found.steps)
        moved = replace(found, asked=target.asked if _same(found, target) else "", steps=steps)
        if moved.failure is not None:
            legs.append(_failed(moved, *moved.failure))
            continue
        below = decision.redirect_rest if directory.facts.rules_after_redirect else ()
        marked = replace(message, headers=decision.headers(message))
        further = decide(directory, marked, moved.address, moved.entry, ((moved.address, moved.entry),), below)
        further.set_headers = {**decision.set_headers, **further.set_headers}
        further.removed = [*decision.removed, *further.removed]
        further.scl = decision.scl if further.scl is None else further.scl
        legs.extend(_decided(directory, message, moved, further))
    return legs


def _added(directory: Directory, message: Message, addresses: list[str]) -> list[Leg]:
    """Deliver copies that rules add. They are nobody's answer to what the sender asked for: ``asked`` is empty."""
    legs: list[Leg] = []
    for address in addresses:
        for target in resolve(directory, message, "", address):
            found = replace(target, steps=(*target.steps, Step("Redirect", f"A rule adds {address}")))
            if found.failure is not None:
                legs.append(replace(_failed(found, *found.failure), asked=""))
            else:
                legs.append(replace(_delivered(directory, message, found, Decision()), asked=""))
    return legs
