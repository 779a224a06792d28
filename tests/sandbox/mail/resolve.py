# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolution: from an address that a sender wrote to recipients of the tenant and addresses outside. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .addresses import domain_of, normal
from .model import DYNAMIC, GROUP, MAIL_USER, Directory, Entry, Message, Step

# A mailbox that forwarded a message stamps it; the same mailbox does not forward it again.
FORWARDED = "X-MS-Exchange-ForwardingLoop"


@dataclass(frozen=True)
class Target:
    """One recipient after resolution. ``out``: the address it gets if it leaves the tenant; ``failure``: status and text."""

    asked: str
    address: str
    entry: Entry | None
    out: str
    steps: tuple[Step, ...] = ()
    forwarded: str = ""  # the mailbox whose forward leads here
    failure: tuple[str, str] | None = None


def resolve(directory: Directory, message: Message, asked: str, address: str = "") -> list[Target]:
    """Return the recipients that one written address leads to."""
    written = normal(address or asked)
    found: dict[tuple[str, str, str], Target] = {}
    for target in _resolve(_Way(directory, message, asked), written, directory.lookup(written)):
        # Whom several groups lead to gets one copy.
        found.setdefault((target.entry.key if target.entry else "", target.address, target.out), target)
    return list(found.values())


@dataclass(frozen=True)
class _Way:
    """Where resolution stands: what was passed so far, and by whose forward."""

    directory: Directory
    message: Message
    asked: str
    steps: tuple[Step, ...] = ()
    seen: frozenset[str] = frozenset()
    forwarded: str = ""

    def on(self, entry: Entry, step: Step | None = None, forwarded: str = "") -> _Way:
        """Go on from an object."""
        steps = (*self.steps, step) if step else self.steps
        return replace(self, steps=steps, seen=self.seen | {entry.key}, forwarded=forwarded or self.forwarded)

    def target(self, address: str, entry: Entry | None, out: str = "", failure: tuple[str, str] | None = None) -> Target:
        """Make a result."""
        return Target(self.asked, address, entry, out or address, self.steps, self.forwarded, failure)


def _resolve(way: _Way, address: str, entry: Entry | None) -> Iterator[Target]:
    if entry is None:
        yield way.target(address, None, failure=_unknown(way.directory, address))
    elif entry.authenticated_only and not way.message.session.authenticated:
        number = "5.7.133" if entry.kind in (GROUP, DYNAMIC) else "5.7.134"
        reason = f"RESOLVER.RST.SenderNotAuthenticated; {entry.primary} takes mail from inside only"
        yield way.target(address, entry, failure=(number, reason))
    elif entry.kind in (GROUP, DYNAMIC):
        yield from _expand(way, entry)
    elif entry.kind == MAIL_USER:
        yield from _external(way, address, entry)
    else:
        yield from _mailbox(way, address, entry)


def _unknown(directory: Directory, address: str) -> tuple[str, str] | None:
    """An unknown address of an Authoritative domain is refused before any rule sees it."""
    accepted = directory.accepted(domain_of(address))
    if accepted is None or not accepted.authoritative:
        return None
    return "5.1.10", f"RESOLVER.ADR.RecipientNotFound; {address} wasn't found in {accepted.name}, which is Authoritative"


def _expand(way: _Way, group: Entry) -> Iterator[Target]:
    if group.key in way.seen:
        return
    step = Step("Expand", f"Expanded to the {len(group.members)} members of {group.primary}")
    further = way.on(group, step)
    if not group.members:
        yield further.target(group.primary, group, failure=("", f"the group {group.primary} has no members"))
    for key in group.members:
        entry = way.directory.entries.get(key)
        if entry is not None:
            yield from _resolve(further, entry.primary, entry)


def _external(way: _Way, address: str, entry: Entry) -> Iterator[Target]:
    """A mail user or contact: its external address is looked up once; then it leaves like an unknown address."""
    external = normal(entry.external)
    if not external:
        yield way.target(address, entry, failure=("5.1.10", f"{entry.primary} has no external address"))
        return
    other = way.directory.lookup(external)
    if other is not None and other.key != entry.key and other.key not in way.seen:
        step = Step("Redirect", f"{entry.primary} leads to its external address {external}")
        yield from _resolve(way.on(entry, step), external, other)
        return
    yield way.target(address, entry, external)


def _mailbox(way: _Way, address: str, entry: Entry) -> Iterator[Target]:
    goal = way.directory.entries.get(entry.forward_to) if entry.forward_to else None
    forward = goal.primary if goal else normal(entry.forward_smtp)
    if not forward:
        yield way.target(address, entry)
        return
    if entry.keep_copy:
        yield way.target(address, entry)
    stamped = [value.partition(";")[0].strip().lower() for value in way.message.header(FORWARDED)]
    if entry.key in way.seen or entry.primary in stamped:
        if not entry.keep_copy:
            yield way.target(address, entry, failure=("5.4.14", f"{entry.primary} forwarded this message before"))
        return
    further = way.on(entry, Step("Redirect", f"{entry.primary} forwards to {forward}"), entry.primary)
    for target in _resolve(further, forward, goal or way.directory.lookup(forward)):
        yield _checked(way.directory, target)


def _checked(directory: Directory, target: Target) -> Target:
    """Refuse an automatic forward to outside where the policy or the remote domain does."""
    domain = domain_of(target.out)
    leaves = target.failure is None and (target.entry is None or target.entry.kind == MAIL_USER)
    if not leaves or directory.accepted(domain) is not None:
        return target
    remote = directory.remote_domain(domain)
    if directory.auto_forwarding and not (remote is not None and remote.get("AutoForwardEnabled") is False):
        return target
    return replace(target, failure=("5.7.520", "Access denied, Your organization does not allow external forwarding. AS(7555)"))
