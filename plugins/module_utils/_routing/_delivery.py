# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Transport rules and delivery, for one resolved recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ._checks import domain_of, under
from ._predicates import SYSTEM_MAIL, Seen, matches
from ._route import INTERNET, Copy, Message, Step, by_mx, ends, goes
from ._world import AUTHORITATIVE, MAILBOXES, POINTERS, TENANT, Connector, Foreign, Party, Rule, World

AT = "tenant"
# That a rule acts by conditions of before its change, which nobody knows.
OTHERWISE = "by former conditions"
ENDS = {
    "delete": ("lost", "deletes it"),
    "quarantine": ("lost", "puts it into quarantine"),
    "reject": ("bounced", "rejects it"),
    "moderate": ("delayed", "holds it for a moderator"),
}


@dataclass(frozen=True)
class Resolved:
    """A recipient after resolution. written: as it came. primary: of the object, or as written."""

    party: Party | None
    written: str
    primary: str

    @property
    def leaves_as(self) -> str:
        """The address under which it leaves the tenant."""
        if self.party and self.party.kind in POINTERS and self.party.external:
            return self.party.external
        return self.primary


@dataclass(frozen=True)
class Ruled:
    """After the rules: the copy, the connector that a rule named, or the end. to: the recipient's address that a rule redirected to."""

    copy: Copy
    connector: str = ""
    end: Step | None = None
    to: str = ""


def finish(message: Message, copy: Copy, resolved: Resolved) -> Step:
    """Rules, then delivery."""
    ruled = _rules(message, copy, resolved)
    if ruled.end:
        return ruled.end
    connector = message.world.connector(ruled.connector) if ruled.connector else None
    if connector:
        return _out(message, ruled.copy, connector, resolved.leaves_as)
    return _deliver(message, ruled.copy, resolved)


def acting(message: Message, rule: Rule) -> tuple[Rule, str]:
    """The state of a rule that acts, and a remark when another one may."""
    if rule.was is None:
        return rule, f", since {rule.since}" if rule.since else ""
    changed, later = f", changed {rule.since or 'lately'}", f", by {rule.until} at the latest" if rule.until else ""
    answer = message.oracle.ask(f"rule acts: {rule.name}", ("after", "before", OTHERWISE) if rule.edited else ("after", "before"))
    if answer == "after":
        return rule, f"{changed}; this is how it acts after the change{later}"
    if answer == OTHERWISE:
        return rule.otherwise, f"{changed}; before the change it may have acted on this message, and may still{later}"
    return rule.was, f"{changed}; this is how it acted before the change, and may still{later}"


def _rules(message: Message, copy: Copy, resolved: Resolved) -> Ruled:
    state = Ruled(copy)
    if message.kind in SYSTEM_MAIL and message.world.ordered and message.oracle.fact("system_mail") == "spared":
        return Ruled(copy.noted(AT, f"rules leave a {message.kind} alone"))
    ordered = message.world.ordered
    last = max((place for place, rule in enumerate(ordered) if _settles(rule)), default=-1)
    for place, rule in enumerate(ordered[: last + 1]):
        now, since = acting(message, rule)
        if not now.enabled or not now.decides:
            if rule.was:
                state = replace(state, copy=state.copy.noted(AT, f"rule '{rule.name}' does not act{since}"))
            continue
        if _repeats(now, state):
            continue
        matched, why = matches(now, _seen(message, state, resolved))
        if not matched:
            if now.route or now.ends or now.redirect:
                state = replace(state, copy=state.copy.noted(AT, f"rule '{now.name}' leaves it: {why}{since}"))
            continue
        if now.route and not now.ends and message.world.connector(now.route) is None:
            text = f"rule '{now.name}' sends it to connector '{now.route}', which is gone or disabled"
            if now.defer or message.oracle.fact("missing_connector") == "stuck":
                return replace(state, end=ends(state.copy.lands("delayed", AT, f"{text}: the message waits")))
            state = replace(state, copy=state.copy.noted(AT, f"{text}: as if it were not there"))
            continue
        state = _acted(message, state, now, f"{why}{since}", resolved)
        if state.end or now.stop:
            break
        if now.redirect and place < last and message.oracle.fact("rules_after_redirect") == "spared":
            break
    return state


def _repeats(rule: Rule, state: Ruled) -> bool:
    """True when a rule could only name the connector that was named already: whether it matches changes nothing."""
    more = rule.stop or rule.ends or rule.redirect or rule.sets[0] or rule.removes
    return bool(rule.route) and rule.route == state.connector and not more


def _settles(rule: Rule) -> bool:
    """Rules that only stop or mark matter to those below them alone."""
    return any(state.route or state.ends or state.redirect for state in (rule, rule.was) if state)


def _seen(message: Message, state: Ruled, resolved: Resolved) -> Seen:
    """What a rule sees; after a redirect that is a message to the new address alone."""
    copy = state.copy
    hop = next((source for source in message.world.sources if source.name == copy.hop), None)
    return Seen(
        world=message.world,
        oracle=message.oracle,
        sender=message.sender,
        party=resolved.party,
        written=state.to or resolved.written,
        resolved=resolved.primary,
        internal=copy.internal,
        kind=message.kind,
        ranges=hop.ranges if hop else (),
        others=message.others,
        asked=message.asked,
        along=() if state.to else _along(message, copy),
        beside=() if state.to else copy.beside,
        headers=copy.headers,
    )


def _along(message: Message, copy: Copy) -> tuple[str, ...] | None:
    """The other recipients in this transaction: all at submission, those of the domain from the internet, nobody after a foreign host."""
    if message.others is None or (copy.internal and not copy.entries):
        return message.others
    if copy.hop != INTERNET:
        return ()
    domain, world = domain_of(copy.recipient), message.world
    accepted = world.accepted(domain)
    there = accepted is None or accepted.type != AUTHORITATIVE
    return tuple(one for one in message.others if domain_of(one) == domain and (there or world.by_address.get(one)))


def _acted(message: Message, state: Ruled, rule: Rule, why: str, resolved: Resolved) -> Ruled:
    name, headers = f"rule '{rule.name}'", _headers(rule, state.copy.headers)
    copy = replace(state.copy, headers=headers)
    if rule.ends:
        place, text = ENDS[rule.ends]
        return replace(state, end=ends(copy.lands(place, AT, f"{name} {text}: {why}")))
    if rule.redirect:
        return _redirected(state, rule, copy, why, resolved)
    if rule.route:
        wins = not state.connector or message.oracle.fact("two_routes") == "last"
        noted = copy.noted(AT, f"{name} sends it to connector '{rule.route}': {why}")
        return replace(state, copy=noted, connector=rule.route) if wins else replace(state, copy=noted)
    return replace(state, copy=copy.noted(AT, f"{name} stops the rules: {why}") if rule.stop else copy)


def _redirected(state: Ruled, rule: Rule, copy: Copy, why: str, resolved: Resolved) -> Ruled:
    """To somebody else: whoever was written to gets nothing. To an address of the same recipient: it sets out anew, without a connector."""
    said = f"rule '{rule.name}' redirects it to {', '.join(rule.redirect)}"
    held = resolved.party.addresses | {resolved.party.id} if resolved.party else {resolved.primary}
    own = next((target for target in rule.redirect if target in held), "")
    if not own:
        return replace(state, end=ends(copy.lands("lost", AT, f"{said}: {why}")))
    to = own if "@" in own else resolved.primary
    return replace(state, copy=copy.noted(AT, f"{said}, which is the same recipient: {why}"), connector="", to=to)


def _headers(rule: Rule, held: Mapping[str, str]) -> Mapping[str, str]:
    kept = {name: value for name, value in held.items() if name != rule.removes}
    return {**kept, rule.sets[0]: rule.sets[1]} if rule.sets[0] else kept


def _deliver(message: Message, copy: Copy, resolved: Resolved) -> Step:
    party = resolved.party
    if party and party.kind in MAILBOXES:
        return ends(copy.lands("tenant", AT, f"is delivered to the mailbox {party.primary}"))
    if party and party.kind in POINTERS and party.external:
        return _pointed(message, copy, resolved)
    if party:
        return ends(copy.lands("unknown", AT, f"nobody knows what the tenant does with a {party.kind}"))
    return _leave(message, copy, resolved.leaves_as)


def _pointed(message: Message, copy: Copy, resolved: Resolved) -> Step:
    """A mail user or contact whose external address no other object holds."""
    external = resolved.leaves_as
    accepted = message.world.accepted(domain_of(external))
    if accepted is None:
        return _leave(message, copy, external)
    if accepted.type == AUTHORITATIVE:
        return ends(copy.lands("bounced", AT, f"{external} leads back into {accepted.name}, which is Authoritative: 5.1.10"))
    if message.oracle.fact("mail_user") == "again":
        return ends(copy.lands("loop", AT, f"{external} is looked up again and again"))
    return _leave(message, copy.noted(AT, f"{external} leaves like an unknown address"), external)


def _leave(message: Message, copy: Copy, address: str) -> Step:
    connector = serving(message.world, domain_of(address))
    if connector:
        return _out(message, copy.noted(AT, f"connector '{connector.name}' serves {domain_of(address)}"), connector, address)
    return by_mx(message, replace(copy, recipient=address), TENANT, AT)


def serving(world: World, domain: str) -> Connector | None:
    """The connector without a rule whose domains match best."""
    found: list[tuple[int, str, Connector]] = []
    for one in world.connectors:
        if one.scoped or not one.enabled:
            continue
        fits = [len(item) + 1 for item in one.domains if item == domain]
        fits += [len(item) for item in one.domains if item.startswith("*.") and under(domain, item[2:])]
        fits += [0 for item in one.domains if item == "*"]
        fits += [len(domain) for _unused in [0] if one.all_accepted and world.accepted(domain)]
        found += [(fit, one.name, one) for fit in fits]
    return max(found, key=lambda entry: (entry[0], entry[1]))[2] if found else None


def _out(message: Message, copy: Copy, connector: Connector, address: str) -> Step:
    if connector.use_mx:
        why = f"connector '{connector.name}' follows the MX (UseMXRecord)"
        return by_mx(message, replace(copy.noted(AT, why), recipient=address), TENANT, AT)
    hosts = tuple(sorted({_source(message.world, host).name or host for host in connector.hosts}))
    if not hosts:
        return ends(copy.lands("delayed", AT, f"connector '{connector.name}' names no host"))
    host = message.oracle.ask(f"host of {connector.name}", hosts)
    if not any(source.name == host for source in message.world.sources):
        return ends(copy.lands("unknown", AT, f"connector '{connector.name}' leads to {host}, which is no host of a known source"))
    return goes(copy.noted(AT, f"connector '{connector.name}' hands {address} to {host}").sent(host, TENANT, address))


def _source(world: World, host: str) -> Foreign:
    return next((source for source in world.sources if host in source.hosts), Foreign("", frozenset()))
