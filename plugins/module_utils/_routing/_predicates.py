# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a rule's conditions and exceptions say of one recipient of one message: true, false, or not evaluated (None)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.module_utils._values import range_key

from ._checks import domain_of, under
from ._readings import Oracle
from ._route import OPEN
from ._world import DYNAMIC, EXPANDED, Party, Predicate, Rule, World, plain

# The question whether a rule matches that asks for something which is not evaluated.
MATCHES = "rule matches: "
# The question whether a changed membership acts already.
MEMBERSHIP = "membership acts: "
# A Microsoft 365 group: a mailbox, and a group to a rule that asks for its members.
GROUP_MAILBOX = "groupmailbox"
SYSTEM_MAIL = frozenset({"bounce", "oof", "journal"})
# A pattern with a repeated group can take for ever; it is not evaluated.
_COSTLY = re.compile(r"\)[*+{?]")


@dataclass(frozen=True)
class Seen:
    """What a rule sees. written: the address as it came. resolved: the primary address of the object, or as written.

    internal: the message is authenticated. ranges: what the last hop sends from. others: the message's other recipients;
    None where nobody knows them. headers: those that our rules set on the way. asked: whom the sender wrote to, as headers show it.
    along: those of the others that came in the same transaction. beside: whoever else a group or a forward leads to.
    """

    world: World
    oracle: Oracle
    sender: str
    party: Party | None
    written: str
    resolved: str
    internal: bool
    kind: str
    ranges: tuple[str, ...]
    others: tuple[str, ...] | None
    headers: Mapping[str, str]
    asked: str = ""
    along: tuple[str, ...] | None = ()
    beside: tuple[str, ...] = ()


def matches(rule: Rule, seen: Seen) -> tuple[bool, str]:
    """Whether a rule acts, and why. Where that hangs on what is not evaluated, both are walked."""
    acts, why = _weigh(rule, seen)
    return acts, why + _changing(rule, seen)


def _changing(rule: Rule, seen: Seen) -> str:
    """A remark when the recipient's membership is under way."""
    names = {group for one in (*rule.conditions, *rule.exceptions) if one.name == "SentToMemberOf" for group in one.values}
    for name in sorted(names):
        group = seen.world.party(name)
        if group and seen.party and (group.id, seen.party.id) in seen.world.moving:
            until = seen.world.moving[group.id, seen.party.id]
            return f" (its membership of {name} is changing{f', by {until} at the latest' if until else ''})"
    return ""


def _weigh(rule: Rule, seen: Seen) -> tuple[bool, str]:
    open_: list[Predicate] = []
    for predicate in sorted(rule.conditions, key=_cost):
        verdict = holds(rule, predicate, seen)
        if verdict is False:
            return False, f"does not hold: {predicate}"
        if verdict is None:
            open_.append(predicate)
    for predicate in sorted(rule.exceptions, key=_cost):
        verdict = holds(rule, predicate, seen)
        if verdict:
            return False, f"is excepted: {predicate}"
        if verdict is None:
            open_.append(predicate)
    if open_:
        texts = " and ".join(str(predicate) for predicate in open_)
        answer = seen.oracle.ask(f"{MATCHES}{rule.name}", ("matches", "does not"))
        return answer == "matches", f"{texts} is not evaluated, taken as {'matching' if answer == 'matches' else 'not matching'}"
    held = " and ".join(str(predicate) for predicate in rule.conditions) or "it has no condition"
    excepted = "; no exception holds: " + ", ".join(str(one) for one in rule.exceptions) if rule.exceptions else ""
    return True, held + excepted


def _cost(predicate: Predicate) -> int:
    """Predicates that may open branches are asked last, so that they are asked only where they matter."""
    if predicate.name in {"SentToScope", "SentToMemberOf", "FromMemberOf"}:
        return 1
    return 0 if predicate.name in EVALUATED else 2


def holds(rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    """One predicate; None when it is not evaluated."""
    test = EVALUATED.get(predicate.name)
    return test(rule, predicate, seen) if test else None


def looked_at(rule: Rule, seen: Seen) -> str:
    """The recipient's address that a rule looks at."""
    original = rule.original
    if original is None and seen.written != seen.resolved:
        original = seen.oracle.fact("recipient_address_type") == "original"
    return seen.written if original else seen.resolved


def inside(seen: Seen) -> bool:
    """SentToScope InOrganization, under the reading of this branch."""
    domain = domain_of(seen.resolved)
    accepted = _internal(seen.world, domain)
    known = seen.party is not None
    if not (known or accepted):
        return False
    if seen.internal:
        return True
    reading = seen.oracle.fact("sent_to_scope")
    return reading == "c" or (reading == "b" and known)


def is_member(seen: Seen, group: str, party: Party | None) -> bool | None:
    """Membership as it acts; a group that is gone has no members."""
    found = seen.world.party(group)
    if found is not None and found.kind == GROUP_MAILBOX and party is not None:
        return None  # its members are not read
    if found is None or party is None or found.kind not in EXPANDED:
        return False
    if found.members is None:
        return None
    if _direct(seen, found.id, party.id):
        return True
    if party.id in seen.world.nested.get(found.id, frozenset()):
        return seen.oracle.fact("nested_members") == "counts"
    return _through_dynamic(seen.world, found)


def _direct(seen: Seen, group: str, party: str) -> bool:
    member = party in seen.world.members.get(group, frozenset())
    if (group, party) not in seen.world.moving:
        return member
    return member == (seen.oracle.ask(f"{MEMBERSHIP}{party}", ("after", "before")) == "after")


def _through_dynamic(world: World, group: Party) -> bool | None:
    """None when a member group's own members are not known."""
    below = {group.id, *world.nested.get(group.id, frozenset()), *world.members.get(group.id, frozenset())}
    hidden = [one for one in below if one in world.by_id and one != group.id and world.by_id[one].members is None]
    return None if any(world.by_id[one].kind in EXPANDED | {DYNAMIC} for one in hidden) else False


def _recipient_domain(rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    domain = domain_of(looked_at(rule, seen))
    return any(under(domain, value) for value in predicate.values)


def _sent_to(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    own = {seen.resolved, seen.written} | ({seen.party.id} | seen.party.addresses if seen.party else set())
    return not own.isdisjoint(predicate.values)


def _sent_to_member(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    return _any([is_member(seen, group, seen.party) for group in predicate.values])


def _sent_to_scope(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    scope = predicate.values[0] if predicate.values else ""
    if scope not in {"inorganization", "notinorganization"}:
        return None
    return inside(seen) == (scope == "inorganization")


def _from(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    party = seen.world.by_address.get(seen.sender)
    own = {seen.sender} | ({party.id} | party.addresses if party else set())
    return not own.isdisjoint(predicate.values)


def _from_member(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    party = seen.world.by_address.get(seen.sender)
    return _any([is_member(seen, group, party) for group in predicate.values])


def _from_scope(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    scope = predicate.values[0] if predicate.values else ""
    if scope not in {"inorganization", "notinorganization"}:
        return None
    if seen.internal and not seen.sender:
        return None
    return (seen.internal and _of_ours(seen.world, seen.sender)) == (scope == "inorganization")


def _of_ours(world: World, address: str) -> bool:
    """An object of the tenant, or an address in an accepted domain or an internal remote one."""
    domain = domain_of(address)
    return address in world.by_address or _internal(world, domain)


def _internal(world: World, domain: str) -> bool:
    """An accepted domain, or a remote one that is internal; the default remote domain, `*`, is every one."""
    return world.accepted(domain) is not None or any(name == "*" or under(domain, name) for name in world.remote_internal)


def _sender_domain(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    domain = domain_of(seen.sender)
    return bool(domain) and any(under(domain, value) for value in predicate.values)


def _ranges(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    if not seen.ranges:
        return False if seen.internal else None
    found = [covers(predicate.values, one) for one in seen.ranges]
    return found[0] if all(one == found[0] for one in found) else None


def covers(allowed: tuple[str, ...], sent: str) -> bool | None:
    """True when a range of senders lies within those allowed, False when it lies outside, None in between."""
    one = range_key(sent)
    verdicts: list[bool | None] = []
    for value in allowed:
        other = range_key(value)
        if not (isinstance(one, tuple) and isinstance(other, tuple)):
            verdicts.append(None if one != other else True)
        elif one[2] != other[2] or one[1] < other[0] or one[0] > other[1]:
            verdicts.append(False)
        else:
            verdicts.append(True if other[0] <= one[0] and one[1] <= other[1] else None)
    return _any(verdicts)


def _any(verdicts: list[bool | None]) -> bool | None:
    if any(verdicts):
        return True
    return None if None in verdicts else False


def _words(text: str, words: tuple[str, ...]) -> bool | None:
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


def _patterns(text: str, patterns: tuple[str, ...]) -> bool | None:
    verdicts: list[bool | None] = []
    for pattern in patterns:
        try:
            verdicts.append(None if _COSTLY.search(pattern) else bool(re.search(pattern, text, re.IGNORECASE)))
        except re.error:
            verdicts.append(None)
    return _any(verdicts)


Text = Callable[[str, tuple[str, ...]], "bool | None"]
Test = Callable[[Rule, Predicate, Seen], "bool | None"]


def _recipient_text(test: Text) -> Test:
    return lambda rule, predicate, seen: test(looked_at(rule, seen), predicate.values)


def _sender_text(test: Text) -> Test:
    return lambda _rule, predicate, seen: test(seen.sender, predicate.values)


def _any_recipient(test: Text) -> Test:
    """AnyOf conditions look at the whole message: one recipient that matches decides for all."""

    def look(rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
        beside = (_beside(seen.world, one, predicate, test) for one in seen.beside)
        own = _any([test(looked_at(rule, seen), predicate.values), *beside])
        if own or seen.along is None:
            return own or None
        return _any([own, *(_of_other(seen.world, other, predicate, test) for other in seen.along)])

    return look


def _beside(world: World, address: str, predicate: Predicate, test: Text) -> bool | None:
    if address == OPEN:
        return None
    party = world.by_address.get(address)
    return test(party.primary if party else address, predicate.values)


def _of_other(world: World, address: str, predicate: Predicate, test: Text) -> bool | None:
    """What a predicate says of another recipient; not evaluated for one that stands for others."""
    party = world.by_address.get(address) or world.by_address.get(plain(address))
    if party and (party.kind in EXPANDED or party.forward or party.forward_smtp):
        return None
    return test(party.primary if party else address, predicate.values)


def _any_sent_to(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    own = not _held(seen.world, seen.asked).isdisjoint(predicate.values)
    if own or seen.others is None:
        return own or None
    held = [_held(seen.world, other) for other in seen.others]
    return any(not addresses.isdisjoint(predicate.values) for addresses in held)


def _held(world: World, address: str) -> frozenset[str]:
    party = world.by_address.get(address)
    return frozenset({address}) | (party.addresses if party else frozenset())


def _any_member(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    own = _any([is_member(seen, group, seen.world.by_address.get(seen.asked)) for group in predicate.values])
    if own or seen.others is None:
        return own or None
    rest = [is_member(seen, group, seen.world.by_address.get(other)) for group in predicate.values for other in seen.others]
    return _any([own, *rest])


def _message_type(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
    known = {"oof": seen.kind == "oof", "calendaring": seen.kind == "calendar"}
    return _any([known.get(value) for value in predicate.values])


def _header(test: Text) -> Test:
    def look(_rule: Rule, predicate: Predicate, seen: Seen) -> bool | None:
        if predicate.header not in seen.world.headers:
            return None
        return predicate.header in seen.headers and test(seen.headers[predicate.header], predicate.values)

    return look


EVALUATED: Mapping[str, Test] = {
    "RecipientDomainIs": _recipient_domain,
    "RecipientAddressContainsWords": _recipient_text(_words),
    "RecipientAddressMatchesPatterns": _recipient_text(_patterns),
    "SentTo": _sent_to,
    "SentToMemberOf": _sent_to_member,
    "SentToScope": _sent_to_scope,
    "From": _from,
    "FromMemberOf": _from_member,
    "FromScope": _from_scope,
    "FromAddressContainsWords": _sender_text(_words),
    "FromAddressMatchesPatterns": _sender_text(_patterns),
    "SenderDomainIs": _sender_domain,
    "SenderIpRanges": _ranges,
    "AnyOfRecipientAddressContainsWords": _any_recipient(_words),
    "AnyOfRecipientAddressMatchesPatterns": _any_recipient(_patterns),
    "AnyOfToHeader": _any_sent_to,
    "AnyOfToCcHeader": _any_sent_to,
    "AnyOfToHeaderMemberOf": _any_member,
    "AnyOfToCcHeaderMemberOf": _any_member,
    "MessageTypeMatches": _message_type,
    "HeaderContainsWords": _header(_words),
    "HeaderMatchesPatterns": _header(_patterns),
}

__all__ = ["EVALUATED", "MATCHES", "MEMBERSHIP", "SYSTEM_MAIL", "Seen", "covers", "holds", "inside", "is_member", "matches"]
