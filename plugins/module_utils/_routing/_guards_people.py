# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about people: who would be sent the wrong way, and who may be in the group."""

from __future__ import annotations

from collections.abc import Iterator

from ._checks import domain_of, under
from ._evidence import counted
from ._files import FORWARDED
from ._findings import Finding, Situation
from ._scope import Case, at_home, exceptions, reached, seed
from ._snapshot import CONTACTS, EXPANDED, GROUPS, Recipient
from ._waves import check

# What to do with whom the rule does not know, who cannot be a member, and of whom nobody can tell: by what the group holds.
TO_TENANT = (
    "Let coexistence_seed_group put it into the group, or name it in coexistence_tenant_addresses.",
    "It cannot be a member: name it in coexistence_tenant_addresses.",
    "Correct the source list, or put it into coexistence_tenant_addresses, or into the group by hand.",
)
TO_SOURCE = (
    "Let coexistence_seed_group put it into the group.",
    "It cannot be a member: use coexistence_membership migrated, or correct the source list.",
    "Correct the source list, or put it into the group by hand if it is read at the source.",
)


def u4(case: Situation) -> Iterator[Finding]:
    """Enforcing the rule while recipients that live in the cloud are outside the group."""
    if case.step in {"unforward", "rollback"}:
        yield from _u4_back(case)
        return
    inputs = case.inputs
    found = seed(inputs, case.snapshot)
    if inputs.source_list is None:
        why = f"nobody can tell which of {len(found.ambiguous)} reached recipients are read in the tenant and which at the source"
        yield Finding("U4", "the source list", why, "Give the source's addresses in coexistence_source_file.")
        return
    planned = case.step in {"preflight", "setup"} and bool(inputs.raw["seed_group"])
    join, cannot, conclude = TO_SOURCE if inputs.pending else TO_TENANT
    for one in () if planned else found.members:
        yield _outside(case, one, join)
    for one in found.cannot:
        yield _outside(case, one, cannot)
    for one in found.ambiguous:
        yield _outside(case, one, conclude)
    yield from _u4_outward(case)
    if inputs.pending:
        yield from _u4_pending(case)


def _outside(case: Situation, one: Case, remedy: str) -> Finding:
    harm = "the rule would leave its mail in the tenant" if case.inputs.pending else "the rule would send its mail the wrong way"
    return Finding("U4", one.found.shown, f"{one.why}; {harm}", remedy)


def _u4_outward(case: Situation) -> Iterator[Finding]:
    """Mail users whom the source reads by its list, and who lead to an address that is none of the shared domains: the rule sends there."""
    spared = [(source, exceptions(case.inputs, source, case.snapshot)) for source in case.inputs.sources]
    inside = {identity for member in case.snapshot.members for identity in member.ids}
    found = [
        one.shown
        for one in case.snapshot.recipients
        if one.external
        and not any(under(domain_of(one.external), domain) for domain in case.inputs.domains)
        and bool(one.ids & inside) == case.inputs.pending
        and at_home(case.inputs, one) == "source"
        and any(reached(case.inputs, source, gap, one) for source, gap in spared)
    ]
    if found:
        why = f"{len(found)} are read at the source by its list and lead to an address outside the shared domains, which the host must know"
        yield Finding("U4", counted(sorted(found)), why, "Lead them to their shared address, or make sure that it does.", blocks=False)


def _u4_pending(case: Situation) -> Iterator[Finding]:
    for member in case.snapshot.members:
        if at_home(case.inputs, member) not in {"source", "unknown"}:
            why = "is in the group of those not moved yet but is not read at the source; the rule would send its mail there"
            yield Finding("U4", member.shown, why, "Take it out of the group.")


def _u4_back(case: Situation) -> Iterator[Finding]:
    if case.inputs.source_list is None:
        why = "without it nobody can tell whether the source still has these mailboxes"
        yield Finding("U4", "the source list", why, "Give coexistence_source_file to have it checked.", blocks=False)
        return
    for one in check(case.inputs, case.snapshot):
        home = at_home(case.inputs, one.found) if one.found else "source"
        if home == "tenant" and one.found and _kept_mailbox(case, one.found):
            why = "is at home in the tenant by the source list, and goes back to its mailbox at the source"
            yield Finding("U4", one.who, why, "Set home to source for its addresses, so that later steps know.", blocks=False)
        elif home != "source":
            where = "in" if case.inputs.pending else "out of"
            why = f"has no mailbox at the source by its list; {where} the group its mail would bounce there"
            yield Finding("U4", one.who, why, "Correct the source list, or leave this user where it is.")


def _kept_mailbox(case: Situation, found: Recipient) -> bool:
    """Whether the source's list has a mailbox for one of the recipient's addresses, forwarded or not."""
    listed = case.inputs.source_list or {}
    return any(listed[address].kind in FORWARDED for address in found.addresses if address in listed)


def u7(case: Situation) -> Iterator[Finding]:
    """A wave user without a live mailbox, without the routing address, or whose address another object holds."""
    for one in check(case.inputs, case.snapshot):
        for why, remedy in one.faults:
            if case.step in {"cutover", "forward"} or one.found is None:
                yield Finding("U7", one.who, why, remedy)


def u21(case: Situation) -> Iterator[Finding]:
    """Someone outside the group has an address, but not the primary one, in a shared domain, and escapes the rule.

    The rule asks for the primary address, and leaves every accepted domain of its own alone, a subdomain too.
    """
    inputs = case.inputs
    spared = [(source, exceptions(inputs, source, case.snapshot)) for source in inputs.sources]
    inside = {identity for member in case.snapshot.members for identity in member.ids}
    for found in case.snapshot.recipients:
        shared = sorted(address for address in found.addresses if domain_of(address) in inputs.domains)
        escapes = bool(shared) and not any(reached(inputs, source, gap, found) for source, gap in spared)
        member = bool(found.ids & inside) and not inputs.pending
        if escapes and not member and found.kind not in EXPANDED and _may_read_at_source(case, found, shared):
            why = f"has {', '.join(shared)} but the primary address {found.primary}, so the rule does not see it"
            moved = "correct the source list if it has moved" if inputs.pending else "move it first: put it into the group"
            remedy = f"Make the shared address its primary one, or {moved}."
            yield Finding("U21", found.shown, why, remedy)


def _may_read_at_source(case: Situation, found: Recipient, shared: list[str]) -> bool:
    inputs = case.inputs
    if any(address in inputs.tenant_addresses for address in (found.primary, *shared)):
        return False
    if inputs.source_list is None:
        return True
    return any(inputs.source_list[address].home == "source" for address in shared if address in inputs.source_list)


def u27(case: Situation) -> Iterator[Finding]:
    """A member of the group that is no live mailbox: blocks a wave, is told else."""
    if case.inputs.pending:
        return
    for member in case.snapshot.members:
        if member.live or member.kind in GROUPS or _outsider(case, member):
            continue
        why = f"is in the group but is no live mailbox, it is a {member.kind or 'recipient of unknown kind'}; its mail bounces or loops"
        remedy = "Give it its mailbox back, or take it out of the group."
        yield Finding("U27", member.shown, why, remedy, blocks=case.step == "cutover")


def _outsider(case: Situation, member: Recipient) -> bool:
    """A mail user, contact or guest that leads to an outside address: the rule reaches it, so U4 wants it in the group."""
    if member.kind not in CONTACTS or not member.external:
        return False
    return not any(under(domain_of(member.external), domain) for domain in case.inputs.domains)


def u30(case: Situation) -> Iterator[Finding]:
    """A nested or dynamic group as a member: whether its members are excepted is read both ways."""
    for member in case.snapshot.members:
        if member.kind in GROUPS:
            why = f"is a group inside the group ({member.kind}); nobody can tell whether the rule spares its members"
            yield Finding("U30", member.shown, why, "Put its people into the group instead.", blocks=case.step != "status")
