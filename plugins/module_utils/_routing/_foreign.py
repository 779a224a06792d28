# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a foreign host does with a copy: refuse, deliver, forward, relay, put off."""

from __future__ import annotations

from dataclasses import replace

from ._checks import domain_of
from ._outcomes import entry_of
from ._route import HOPS, LOCAL, Copy, Message, Step, by_mx, ends, goes, together
from ._world import TENANT, Address, Foreign, Forward, plain


def receive(message: Message, copy: Copy, source: Foreign) -> Step:
    """One copy at a foreign host."""
    at, domain, sender = source.name, domain_of(copy.recipient), domain_of(message.sender)
    if source.off:
        return ends(copy.lands("lost", at, "the host is off"))
    if len(copy.trail) > HOPS:
        return ends(copy.lands("loop", at, "more hops than the host allows"))
    if "rate_limited" in source.modes and copy.hop == TENANT and message.oracle.fact("rate_limit") == "defers":
        return ends(copy.lands("delayed", at, "puts mail of the tenant off when there is much of it"))
    if "reject_own_domain" in source.modes and copy.hop != LOCAL and sender in source.domains:
        return ends(copy.lands("bounced", at, f"refuses senders of its own domain {sender} from elsewhere"))
    if domain not in source.domains:
        if copy.hop == LOCAL:
            return by_mx(message, copy, source.name, at)
        return ends(copy.lands("bounced", at, f"does not serve {domain}: relay denied"))
    return _own_domain(message, copy, source)


def _own_domain(message: Message, copy: Copy, source: Foreign) -> Step:
    at = source.name
    local = copy.hop == LOCAL and "local_only" in source.modes
    if "follows_mx" in source.modes and not local and not copy.program:
        step = by_mx(message, copy, source.name, at)
        if not any(landing.place == "loop" for landing in step.landings):
            return step
    forward = None if local else _forward(source, copy.recipient)
    if forward:
        return _forwarded(message, copy, source, forward)
    if source.addresses is None:
        return ends(copy.lands("unknown", at, f"nobody knows whether the host has {copy.recipient}: there is no source list"))
    entry = entry_of(source, copy.recipient)
    if entry is None:
        return _stranger(copy, source)
    forward = None if local else _forward(source, entry.address)
    return _forwarded(message, copy, source, forward) if forward else _known(message, copy, source, entry)


def _forward(source: Foreign, address: str) -> Forward | None:
    return source.forwards.get(address) or source.forwards.get(plain(address))


def _forwarded(message: Message, copy: Copy, source: Foreign, forward: Forward) -> Step:
    at = source.name
    who = copy.who
    holder = message.world.by_address.get(forward.target)
    meant = message.world.by_address.get(copy.who) or message.world.by_address.get(plain(copy.who))
    if holder is not meant and holder is not None:
        who = forward.target
    goal = _tagged(source, copy.recipient, forward.target)
    moved = replace(copy.noted(at, f"forwards {copy.recipient} to {goal}"), who=who, broken=copy.broken or "footer" in source.modes)
    target = replace(moved, recipient=goal)
    onward = goes(target.sent(source.name, LOCAL, goal)) if domain_of(goal) in source.domains else None
    step = onward or by_mx(message, target, source.name, at)
    if forward.keep or "keep_copy" in source.modes:
        return together(step, ends(copy.lands("source", at, f"keeps a copy of mail to {copy.recipient}")))
    return step


def _tagged(source: Foreign, address: str, target: str) -> str:
    """A forward's target with the plus part of the address that was written, unless the host knows that address as it is."""
    known = address in source.forwards or address in (source.addresses or {})
    tag = "" if known or plain(address) == address else address.partition("@")[0].partition("+")[2]
    return f"{target.partition('@')[0]}+{tag}@{domain_of(target)}" if tag else target


def _known(message: Message, copy: Copy, source: Foreign, entry: Address) -> Step:
    at = source.name
    if entry.kind == "list" and entry.members:
        noted = copy.noted(at, f"expands the list {entry.address}")
        return together(*(_member(noted, member) for member in entry.members))
    if entry.kind == "forward" and entry.owner and entry.owner != copy.recipient and "@" in entry.owner:
        target = replace(copy.noted(at, f"forwards {copy.recipient} to {entry.owner}"), recipient=entry.owner, who=entry.owner)
        if domain_of(entry.owner) in source.domains:
            return goes(target.sent(source.name, LOCAL, entry.owner))
        return by_mx(message, target, source.name, at)
    return ends(copy.lands("source", at, f"has {copy.recipient} ({entry.kind})"))


def _member(copy: Copy, member: str) -> Step:
    """One member's copy: it is as much from elsewhere as the list's was."""
    return goes(replace(copy, who=member, recipient=member))


def _stranger(copy: Copy, source: Foreign) -> Step:
    """An address that the host does not know."""
    at, domain = source.name, domain_of(copy.recipient)
    addresses = source.addresses or {}
    caught = next((address for address in (f"@{domain}", f"*@{domain}") if address in addresses), None)
    if "catch_all" in source.modes or caught:
        return ends(copy.lands("catch_all", at, f"does not know {copy.recipient} and catches all"))
    if "relay" in source.modes:
        return goes(copy.noted(at, f"does not know {copy.recipient} and relays it to the tenant").sent(TENANT, source.name, copy.recipient))
    return ends(copy.lands("bounced", at, f"does not know {copy.recipient}"))
