# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What the tenant does with a copy: the edge, then resolution. Rules and delivery follow in _delivery."""

from __future__ import annotations

from dataclasses import replace

from ._checks import domain_of, under
from ._delivery import Resolved, finish
from ._expansion import Stand, finals, stands
from ._predicates import covers
from ._route import LOCAL, Copy, Message, Step, ends, mx_of, together
from ._world import AUTHORITATIVE, DYNAMIC, EXPANDED, POINTERS, TENANT, Accepted, Foreign, Inbound, Party, SenderDomain, World, plain

AT = "tenant"
# Questions about what nobody told of a sender's host or domain.
CERTIFICATE_OF, SIGNATURE_OF = "certificate of ", "DKIM of "
# What the edge may not know although the directory does.
HIDDEN = frozenset({"publicfolder", DYNAMIC})


def receive(message: Message, copy: Copy) -> Step:
    """One copy at the tenant: handed in by a signed-in sender, or by SMTP at its edge."""
    if copy.internal:
        return resolve(message, copy, copy.recipient, ())
    entered = replace(copy, entries=copy.entries + 1)
    # What the edge refuses never enters, so that nothing counts its rounds.
    refused = _edge(message, entered)
    if refused:
        return ends(entered.lands("bounced", AT, refused))
    if entered.entries >= message.world.entries:
        return ends(entered.lands("loop", AT, f"entered {entered.entries} times: 5.4.14"))
    inbound = _inbound(message, entered)
    return resolve(message, replace(entered, internal=bool(inbound and inbound.internal)), copy.recipient, ())


def _hop_source(world: World, hop: str) -> Foreign | None:
    return next((source for source in world.sources if source.name == hop), None)


def _edge(message: Message, copy: Copy) -> str:
    """Why the edge refuses a copy; empty when it takes it."""
    world, domain, sender = message.world, domain_of(copy.recipient), domain_of(message.sender)
    accepted = world.accepted(domain)
    if accepted is None:
        return f"{domain} is no accepted domain: relay denied, 5.7.54"
    inbound = _inbound(message, copy)
    for one in world.inbound:
        if one.enabled and one.partner and one.restrict and for_sender(one, sender) and not _proven(message, one, copy.hop):
            return f"inbound connector '{one.name}' takes {sender} from its own senders only: 5.7.51"
    if world.policies.reject_direct_send and world.accepted(sender) and inbound is None:
        return f"RejectDirectSend is on and no inbound connector matches {copy.hop}: 5.7.68"
    if _dmarc_refuses(message, copy, inbound):
        return f"{sender} asks to reject what fails DMARC, and this does: 5.7.509"
    if accepted.type == AUTHORITATIVE:
        return _blocked(message, copy.recipient, accepted)
    return ""


def _blocked(message: Message, address: str, accepted: Accepted) -> str:
    """Edge blocking of an Authoritative domain."""
    holder = _holder(message, address)
    if holder is None:
        return f"{address} is unknown and {accepted.name} is Authoritative: 550 5.4.1"
    if holder.kind in HIDDEN and message.oracle.fact("edge_blocking") == "hidden":
        return f"the edge does not see that {address} is a {holder.kind}, and {accepted.name} is Authoritative: 550 5.4.1"
    return ""


def for_sender(one: Inbound, sender: str) -> bool:
    return any(item == "*" or (bool(sender) and under(sender, item.removeprefix("*."))) for item in one.senders)


def proves(world: World, one: Inbound, hop: str) -> bool:
    """True when the last hop has the address or the certificate that the connector asks for."""
    source = _hop_source(world, hop)
    if source is None:
        return False
    by_address = bool(source.ranges) and all(covers(one.ranges, sent) is True for sent in source.ranges)
    by_name = bool(one.certificate) and _certified(one.certificate, source.certificate)
    wanted = {"ip": by_address, "certificate": by_name}
    return wanted.get(one.restrict, by_address or by_name)


def may_prove(world: World, one: Inbound, hop: str) -> bool:
    """True when a connector asks for a certificate and nobody told the last hop's."""
    source = _hop_source(world, hop)
    return source is not None and bool(one.certificate) and not source.certificate and one.restrict != "ip"


def _certified(wanted: str, shown: str) -> bool:
    return shown == wanted or (wanted.startswith("*.") and shown.endswith(wanted[1:]))


def _inbound(message: Message, copy: Copy) -> Inbound | None:
    """The inbound connector that the last hop matches: by its address or its certificate, never by the sender's domain alone."""
    sender = domain_of(message.sender)
    fitting = (one for one in message.world.inbound if one.enabled and for_sender(one, sender))
    return next((one for one in fitting if _proven(message, one, copy.hop)), None)


def _proven(message: Message, one: Inbound, hop: str) -> bool:
    """The same, both ways where nobody told the certificate and something hangs on it."""
    decides = one.restrict or one.internal or one.enhanced or message.world.policies.reject_direct_send
    if decides and may_prove(message.world, one, hop):
        return message.oracle.ask(f"{CERTIFICATE_OF}{hop}: {one.name}", ("fits", "does not fit")) == "fits"
    return proves(message.world, one, hop)


def _dmarc_refuses(message: Message, copy: Copy, inbound: Inbound | None) -> bool:
    world = message.world
    published = world.senders.get(domain_of(message.sender))
    if published is None or not published.reject:
        return False
    if _checked_hop(copy, inbound) in published.hosts or (published.dkim and not copy.broken):
        return False
    if (inbound and inbound.internal) or copy.hop in world.policies.trusted_sealers:
        return False
    honoured = world.policies.honor_dmarc
    if honoured is False or (honoured is None and message.oracle.fact("honor_dmarc") == "off"):
        return False
    holder = _holder(message, copy.recipient)
    written = domain_of(copy.recipient)
    own = domain_of(holder.primary) if holder else written
    judged = own if own != written and message.oracle.fact("dmarc_domain") == "shared" else written
    return mx_of(message, judged, TENANT) == TENANT and not _signed(message, copy, published)


def _signed(message: Message, copy: Copy, published: SenderDomain) -> bool:
    """Whether a signature saves what nothing else does; both ways where nobody knows whether there is one."""
    if copy.broken or published.dkim is not None:
        return False
    return message.oracle.ask(f"{SIGNATURE_OF}{domain_of(message.sender)}", ("signed", "unsigned")) == "signed"


def _checked_hop(copy: Copy, inbound: Inbound | None) -> str:
    """Whose address SPF looks at: the last hop, or under enhanced filtering the one before, unless the mail began at the last hop."""
    return copy.before if inbound and inbound.enhanced and copy.before not in {"", LOCAL} else copy.hop


def _holder(message: Message, address: str) -> Party | None:
    """The object behind an address, plus addressing included."""
    world = message.world
    found = world.by_address.get(address)
    if found is not None:
        return found
    base = world.by_address.get(plain(address))
    return base if base and plain(address) != address and reached(message, base) else None


def reached(message: Message, party: Party) -> bool:
    """Whether plus addresses of an object reach it."""
    plus = message.world.policies.plus_addressing
    if plus is None:
        plus = message.oracle.fact("plus_addressing") == "on"
    return plus and (party.kind not in EXPANDED or message.oracle.fact("plus_groups") == "on")


def resolve(message: Message, copy: Copy, address: str, chain: tuple[str, ...]) -> Step:
    """From an address to the objects behind it. chain: the objects that led here."""
    world = message.world
    accepted = world.accepted(domain_of(address))
    if accepted and accepted.disabled:
        return ends(copy.lands("bounced", AT, f"mail to {accepted.name} is disabled there (SendingToDomainDisabled)"))
    party = _holder(message, address)
    if party is None:
        return _unknown(message, copy, address, accepted)
    return _known(message, copy, address, party, chain)


def _unknown(message: Message, copy: Copy, address: str, accepted: Accepted | None) -> Step:
    if accepted and accepted.type == AUTHORITATIVE:
        return ends(copy.lands("bounced", AT, f"{address} is unknown and {accepted.name} is Authoritative: 5.1.10"))
    why = f"{address} is no recipient of the tenant" + (f" and {accepted.name} is InternalRelay" if accepted else "")
    return finish(message, copy.noted(AT, why), Resolved(None, address, address))


def _known(message: Message, copy: Copy, written: str, party: Party, chain: tuple[str, ...]) -> Step:
    if party.id in chain:
        return ends(copy.lands("loop", AT, f"{party.primary} leads back to itself"))
    if party.kind in EXPANDED:
        return _expanded(message, copy, party, (*chain, party.id))
    if party.forward or party.forward_smtp:
        return _forwarded(message, copy, written, party, (*chain, party.id))
    if party.kind in POINTERS and party.external:
        target = message.world.by_address.get(party.external)
        if target is not None and target.id != party.id:
            led = replace(copy.noted(AT, f"{party.primary} leads to {party.external}"), who=party.external)
            return _known(message, led, party.external, target, (*chain, party.id))
    why = f"{written} is {party.kind} {party.primary}" if written != party.primary else f"{written} is a {party.kind}"
    return finish(message, copy.noted(AT, why), Resolved(party, written, party.primary))


def _expanded(message: Message, copy: Copy, party: Party, chain: tuple[str, ...]) -> Step:
    if not party.outsiders and not copy.internal:
        return ends(copy.lands("bounced", AT, f"group {party.primary} takes no mail from outside senders"))
    if party.members is None:
        return ends(copy.lands("unknown", AT, f"the members of {party.primary} are not known"))
    found = stands(message.world, party, chain, outside=not copy.internal)
    many = sum(one.many for one in found)
    noted = copy.noted(AT, f"group {party.primary} has {many} member{'' if many == 1 else 's'}")
    if not found:
        return ends(noted.lands("lost", AT, f"group {party.primary} leads to nobody"))
    return together(*(_member(message, noted, one, chain) for one in found))


def _member(message: Message, copy: Copy, one: Stand, chain: tuple[str, ...]) -> Step:
    """One member's copy, and that of all whom nothing tells from it. Rules see the message with all members."""
    address = one.member.primary
    noted = copy.noted(AT, f"{address} stands for {one.many} members that nothing tells apart") if one.many > 1 else copy
    led = replace(noted, who=address, beside=(*copy.beside, *one.beside), many=copy.many * one.many)
    return _known(message, led, address, one.member, chain)


def _forwarded(message: Message, copy: Copy, written: str, party: Party, chain: tuple[str, ...]) -> Step:
    """A mailbox of the tenant that forwards: ForwardingAddress wins over ForwardingSmtpAddress."""
    world = message.world
    target = world.party(party.forward) if party.forward else None
    address = target.primary if target else party.forward_smtp
    if party.forward and target is None:
        return ends(copy.lands("unknown", AT, f"{party.primary} forwards to {party.forward}, which is the name of no one recipient"))
    noted = copy.noted(AT, f"{party.primary} forwards to {address}")
    kept = replace(noted.noted(AT, f"{party.primary} keeps a copy"), beside=(*copy.beside, *_led(world, target, address, chain, copy)))
    own = (finish(message, kept, Resolved(party, written, party.primary)),) if party.keep else ()
    found = target or _holder(message, address)
    who = _meant_by_forward(world, copy.who, address)
    noted = replace(noted, beside=(*copy.beside, party.primary)) if party.keep else noted
    if found:
        return together(*own, _known(message, replace(noted, who=who), address, found, chain))
    refused = _forward_refused(message, address)
    if refused:
        return together(*own, ends(noted.lands("bounced", AT, refused)))
    return together(*own, resolve(message, replace(noted, who=who), address, chain))


def _led(world: World, target: Party | None, address: str, chain: tuple[str, ...], copy: Copy) -> tuple[str, ...]:
    found = target or world.by_address.get(address)
    return finals(world, found, chain, outside=not copy.internal) if found else (address,)


def _meant_by_forward(world: World, who: str, address: str) -> str:
    """A forward to a person's own mailbox elsewhere keeps the person; any other one is meant for whom it leads to."""
    source = world.source_of(domain_of(address))
    return who if source and plain(who).partition("@")[0] == plain(address).partition("@")[0] else address


def _forward_refused(message: Message, address: str) -> str:
    if message.world.accepted(domain_of(address)):
        return ""
    allowed = message.world.policies.auto_forward
    if allowed is None:
        allowed = message.oracle.fact("auto_forward") == "allowed"
    return "" if allowed else f"the organization lets no mailbox forward to outside ({address}): 5.7.520"


__all__ = ["CERTIFICATE_OF", "SIGNATURE_OF", "for_sender", "may_prove", "proves", "receive"]
