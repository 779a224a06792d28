# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Whom our rules reach, who is excepted, and who reads where. Pure functions of inputs and snapshot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._checks import domain_of, under
from ._inputs import Inputs, Source
from ._snapshot import CONTACTS, EXPANDED, NO_MEMBERS, Recipient, Snapshot


@dataclass(frozen=True)
class Exceptions:
    """Domains that a rule must leave alone, and those that no exception can spare: (domain, the shared one in the way)."""

    domains: tuple[str, ...]
    impossible: tuple[tuple[str, str], ...]


def exceptions(inputs: Inputs, source: Source, snapshot: Snapshot) -> Exceptions:
    """The accepted domains that the rule of a source would reach without being meant.

    RecipientDomainIs matches subdomains too, as condition and as exception: an exception above a shared domain would
    except that one as well.
    """
    shared = set(source.domains)
    others = {name for name in snapshot.domains if name not in shared}
    if inputs.literal:
        internal = {name.removeprefix("*.") for name in snapshot.remote_internal}
        reached = others | {name for name in internal if name not in shared}
    else:
        reached = {name for name in others if any(under(name, own) for own in shared)}
    blocked = [(name, own) for name in sorted(reached) for own in sorted(shared) if name == "*" or under(own, name)]
    spared = {name for name in reached if not any(name == hit for hit, _shared in blocked)}
    needed = [name for name in sorted(spared) if not any(name != above and under(name, above) for above in spared)]
    return Exceptions(tuple(needed), tuple(blocked))


def pattern(address: str) -> str:
    """A rule's pattern that matches exactly this address."""
    return f"^{re.escape(address)}$"


def reached(inputs: Inputs, source: Source, spared: Exceptions, found: Recipient) -> bool:
    """True when the rule of this source would take mail to this recipient, the group left aside."""
    if found.primary in inputs.tenant_addresses:
        return False
    domain = domain_of(found.primary)
    if any(under(domain, name) for name in spared.domains):
        return False
    return inputs.literal or any(under(domain, own) for own in source.domains)


@dataclass(frozen=True)
class Case:
    """A recipient that needs a decision, and why."""

    found: Recipient
    why: str


@dataclass(frozen=True)
class Seed:
    """Who must be in the group before the rule acts. members: can be. cannot: never. ambiguous: nobody can tell."""

    members: tuple[Case, ...]
    cannot: tuple[Case, ...]
    ambiguous: tuple[Case, ...]


def seed(inputs: Inputs, snapshot: Snapshot) -> Seed:
    """The recipients outside the group that the rule would send the wrong way.

    Without the source list every recipient that the rule reaches is ambiguous. With membership `pending` the group
    holds those who still read at the source, so the question is turned round.
    """
    inside = {identity for member in snapshot.members for identity in member.ids}
    spared = [(source, exceptions(inputs, source, snapshot)) for source in inputs.sources]
    lists: tuple[list[Case], list[Case], list[Case]] = ([], [], [])
    for found in snapshot.recipients:
        member = bool(found.ids & inside)
        if found.kind in EXPANDED or member or not any(reached(inputs, source, gap, found) for source, gap in spared):
            continue
        case = _judge_pending(inputs, found) if inputs.pending else _judge(inputs, found)
        if case:
            lists[case[0]].append(Case(found, case[1]))
    members, cannot, ambiguous = (tuple(sorted(cases, key=lambda case: case.found.shown)) for cases in lists)
    return Seed(members, cannot, ambiguous)


MEMBER, CANNOT, AMBIGUOUS = range(3)


def _judge(inputs: Inputs, found: Recipient) -> tuple[int, str] | None:
    """Where one reached recipient belongs; None when the source reads its mail, so that the rule is right."""
    home = at_home(inputs, found)
    if home == "source":
        return None
    if home == "unknown":
        return AMBIGUOUS, _unknown(inputs, found)
    why = "lives in the tenant" if home == "tenant" else "is not in the source list"
    _run, waves = inputs.named
    later = sorted(found.addresses & waves)
    if later:
        # A list that lacks who is yet to move is a part of the list only; whoever joined now would get mail that nobody reads yet.
        return AMBIGUOUS, f"the waves file moves {', '.join(later)} from the source, yet it {why} ({found.kind})"
    return (CANNOT if found.kind in NO_MEMBERS else MEMBER), f"{why} ({found.kind})"


def _judge_pending(inputs: Inputs, found: Recipient) -> tuple[int, str] | None:
    home = at_home(inputs, found)
    if home == "unknown":
        return AMBIGUOUS, _unknown(inputs, found)
    if home != "source":
        return None
    return (CANNOT if found.kind in NO_MEMBERS else MEMBER), f"is read at the source ({found.kind})"


def _unknown(inputs: Inputs, found: Recipient) -> str:
    if inputs.source_list is None:
        return f"no source list says where it is read ({found.kind})"
    if _unlisted(inputs, found):
        return f"the source list holds no address of {domain_of(found.primary)} at all ({found.kind})"
    others = ", ".join(sorted(address for address in found.addresses if address in inputs.source_list))
    if others:
        return f"the source list holds {others} but not its primary address {found.primary} ({found.kind})"
    return f"points to {found.external}, which the source list does not hold ({found.kind})"


def _unlisted(inputs: Inputs, found: Recipient) -> bool:
    """Whether the list says nothing of anybody in a recipient's shared domain, as one whose addresses are misspelt or cut does."""
    domain = domain_of(found.primary)
    return domain in inputs.domains and domain not in inputs.listed_domains


def at_home(inputs: Inputs, found: Recipient) -> str:
    """Where a recipient's mail is read: `source`, `tenant`, `nowhere` (not in the source list), or `unknown`."""
    if inputs.source_list is None:
        return "unknown"
    listed = inputs.source_list.get(found.primary)
    if listed:
        return listed.home
    others = [inputs.source_list[address] for address in found.addresses if address in inputs.source_list]
    if any(entry.home == "source" for entry in others):
        return "unknown"
    if others:
        return "tenant"
    if _unlisted(inputs, found):
        return "unknown"
    shared = any(under(domain_of(found.external), domain) for domain in inputs.domains) if found.external else False
    return "unknown" if found.kind in CONTACTS and shared else "nowhere"
