# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What travels: one copy of a message to one recipient, and the answer of each place that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ._checks import domain_of
from ._outcomes import Hop, Landing
from ._readings import Oracle
from ._world import INTERNET, TENANT, World

ORIGINS = ("internet", "tenant", "source", "program")
# A copy that made more hops than this goes round between foreign hosts; Postfix gives up at 50.
HOPS = 50
LOCAL = "the host itself"
OPEN = "*"
# The question to whom another host that answers for a shared domain hands its mail on.
BEHIND = "behind "


@dataclass(frozen=True)
class Copy:
    """One copy. at: `tenant`, a source's name, or an empty text for "by the MX". hop: who handed it in.
    before: who had handed it to that one.

    who: the address of the person that it is meant for. entries: how often it entered the tenant.
    internal: authenticated. program: handed in by a program that never looks at an MX. broken: DKIM no longer holds.
    beside: the addresses to which the same group or forward leads in this transaction; OPEN among them for those that nobody knows.
    many: for how many people it stands, whom nothing tells apart.
    """

    recipient: str
    who: str
    at: str
    hop: str
    before: str = ""
    entries: int = 0
    internal: bool = False
    program: bool = False
    broken: bool = False
    beside: tuple[str, ...] = ()
    many: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    trail: tuple[Hop, ...] = ()

    def noted(self, at: str, why: str) -> Copy:
        """The same copy with one more decision behind it."""
        return replace(self, trail=(*self.trail, Hop(at, why)))

    def sent(self, to: str, hop: str, recipient: str) -> Copy:
        """The same copy on its way to another place."""
        return replace(self, at=to, hop=hop, before=self.hop, recipient=recipient, internal=False, program=False, beside=())

    def lands(self, place: str, at: str, why: str) -> Landing:
        """The end of this copy."""
        return Landing(self.who, place, (*self.trail, Hop(at, why)), self.many)


@dataclass(frozen=True)
class Message:
    """What is the same for all copies. kind: mail, calendar, bounce, oof, journal.

    asked: the recipient that the sender wrote. others: the other recipients.
    """

    world: World
    oracle: Oracle
    sender: str
    kind: str = "mail"
    others: tuple[str, ...] | None = ()
    asked: str = ""


@dataclass(frozen=True)
class Step:
    """What a place makes of a copy: copies that go on, and ends."""

    copies: tuple[Copy, ...] = ()
    landings: tuple[Landing, ...] = ()


def goes(*copies: Copy) -> Step:
    """The copies go on."""
    return Step(copies)


def ends(*landings: Landing) -> Step:
    """The copies end."""
    return Step((), landings)


def together(*steps: Step) -> Step:
    """Several steps as one."""
    return Step(tuple(c for step in steps for c in step.copies), tuple(land for step in steps for land in step.landings))


def mx_of(message: Message, domain: str, looker: str) -> str:
    """Who answers for a domain, as one looker sees it: `tenant`, a source, another host, or nothing known."""
    world = message.world
    found = world.mx.get(domain)
    if found is None:
        accepted = world.accepted(domain)
        if accepted and accepted.name != domain and accepted.name in world.mx:
            found = world.mx[accepted.name]
        elif accepted and domain not in world.shared:
            return TENANT
        elif accepted or domain in world.shared:
            return ""
        else:
            return "another host"
    if found.before and found.before != found.holder:
        seen = message.oracle.ask(f"MX of {domain} seen from {looker}", ("new", "old"))
        return found.before if seen == "old" else found.holder
    return found.holder


def _changing(message: Message, domain: str, holder: str) -> str:
    """A remark when not everybody sees the same MX."""
    found = message.world.mx.get(domain)
    if found is None or not found.before or found.before == found.holder:
        return ""
    until = f" until {found.until}" if found.until else ""
    return f" for those that hold the former record{until}" if holder == found.before else f" ({found.before} for others{until})"


def by_mx(message: Message, copy: Copy, looker: str, at: str) -> Step:
    """A copy on its way to whoever answers for its recipient's domain."""
    domain = domain_of(copy.recipient)
    holder = mx_of(message, domain, looker)
    if holder == looker:
        return ends(copy.lands("loop", at, f"the MX of {domain} is {looker} itself"))
    if not holder:
        return ends(copy.lands("unknown", at, f"the MX of {domain} is not known"))
    why = f"leaves by the MX of {domain}, which is {holder}{_changing(message, domain, holder)}"
    if holder == TENANT or any(source.name == holder for source in message.world.sources):
        return goes(copy.noted(at, why).sent(holder, looker, copy.recipient))
    return _passed_on(message, copy.noted(at, why), holder)


def _passed_on(message: Message, copy: Copy, holder: str) -> Step:
    """A copy at another host. For a shared domain that is a filter: to which side it hands mail on nobody told, so both count."""
    world, domain = message.world, domain_of(copy.recipient)
    own = tuple(source.name for source in world.sources if domain in source.domains)
    if not own:
        return ends(Landing(copy.who, "outside", copy.trail, copy.many))
    sides = (*own, TENANT) if world.accepted(domain) else own
    side = message.oracle.ask(f"{BEHIND}{holder}: {domain}", sides)
    return goes(copy.noted(holder, f"hands mail of {domain} to {side}").sent(side, holder, copy.recipient))


__all__ = [
    "BEHIND",
    "HOPS",
    "INTERNET",
    "LOCAL",
    "OPEN",
    "ORIGINS",
    "Copy",
    "Message",
    "Step",
    "by_mx",
    "ends",
    "goes",
    "mx_of",
    "together",
]
