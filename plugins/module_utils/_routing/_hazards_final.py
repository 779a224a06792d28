# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about the end: what bounces once a domain is Authoritative, what loops before, and who still gets mail by the connector."""

from __future__ import annotations

from collections.abc import Iterator

from . import _objects as objects
from ._checks import domain_of
from ._evidence import Full, counted
from ._findings import Finding
from ._plan import FINAL
from ._traced import closing, finals
from ._world import AUTHORITATIVE, INTERNAL_RELAY, POINTERS, TENANT, Foreign, Party, World, plain


def u3(case: Full) -> Iterator[Finding]:
    """Authoritative while an address of the source has no recipient, is caught there, leads back, or is hidden from the edge."""
    final = finals(case.situation)
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
        yield from _u3_caught(listed, domain)
        hidden = sorted(one.primary for one in case.world.parties if one.kind in HIDDEN and _within(one, domain))
        if hidden:
            why = f"{len(hidden)} public folders or dynamic groups take mail; the edge of an Authoritative domain may not know them"
            yield Finding("U3", counted(hidden), why, "Give them addresses in another domain, or keep the domain InternalRelay.")
        back = sorted(one.primary for one in case.world.parties if _leads_back(case.world, one, domain))
        if back:
            why = f"{len(back)} mail users lead to addresses of {domain} that no mailbox has; Authoritative, it bounces their mail"
            yield Finding("U3", counted(back), why, "Give them mailboxes, lead them elsewhere, or remove them.")


def _u3_caught(listed: list[Foreign], domain: str) -> Iterator[Finding]:
    """Sources that catch all although their list has no row that says so."""
    for source in listed:
        if "catch_all" in source.modes and not {f"@{domain}", f"*@{domain}"} & (source.addresses or {}).keys():
            why = f"it catches all; Authoritative, {domain} bounces mail to every address that nobody listed"
            remedy = (
                "Create a recipient for each that is still used, then let it refuse unknown addresses (coexistence_foreign_unknown reject)."
            )
            yield Finding("U3", source.name or "the source", why, remedy)


def _leads_back(world: World, party: Party, domain: str) -> bool:
    """A mail user or contact whose external address is in the domain and no mailbox or group of the tenant."""
    goal = world.by_address.get(party.external) or world.by_address.get(plain(party.external))
    return party.kind in POINTERS and domain_of(party.external) == domain and (goal is None or goal.kind in POINTERS)


HIDDEN = frozenset({"publicfolder", "dynamicdistributiongroup"})


def _within(party: Party, domain: str) -> bool:
    return any(domain_of(address) == domain for address in party.addresses)


def _bare(world: World, sources: list[Foreign], domain: str) -> Iterator[str]:
    for source in sources:
        for address in source.addresses or ():
            if domain_of(address) == domain and not {address, plain(address)} & world.by_address.keys():
                yield address


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
        answer = case.world.mx.get(domain)
        # By an MX that is not the tenant they do not come back: its holder refuses them, or keeps them.
        away = answer is not None and TENANT not in {answer.holder, answer.before, *answer.beside}
        loop = f"would loop, were its MX the tenant, which it is not now ({answer.holder})" if away and answer else "loop"
        why = f"between the rules' removal and Authoritative, {many} messages a day to unknown addresses {loop}"
        yield Finding("U11", domain, why, "Use coexistence_teardown_order loop_free to avoid it.", blocks=False)


def u12(case: Full) -> Iterator[Finding]:
    """Authoritative while the trace still shows mail on the connector."""
    trace = case.evidence.trace
    if not closing(case.situation, {name: one.type for name, one in case.world.domains.items()}):
        return
    later = case.step == "teardown" and FINAL[case.inputs.text("teardown_order")] != "teardown"
    if trace is None and later and not case.evidence.unread.get("trace"):
        return  # nobody asked for it yet; what cannot be read now could not be read when the rules are gone either
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
