# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions and exceptions of transport rules: one function for each that the sandbox evaluates. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .addresses import domain_of, in_ranges, normal, within
from .model import Directory, Entry, Message, Row
from .rule_properties import NO_CONDITION


@dataclass(frozen=True)
class Subject:
    """What a rule is asked about: a message, one of its recipients, and the message's headers as earlier rules left them."""

    directory: Directory
    message: Message
    address: str  # the recipient's address as written
    entry: Entry | None
    everybody: tuple[tuple[str, Entry | None], ...]  # all recipients of the message, resolved
    headers: tuple[tuple[str, str], ...]
    scl: int | None
    rule: Row

    def recipient(self) -> str:
        """Return the address that recipient conditions look at: the primary one, or as written for RecipientAddressType Original."""
        return self._seen(self.address, self.entry)

    def recipients(self) -> list[str]:
        """Return all recipients' addresses in the same form."""
        return [self._seen(address, entry) for address, entry in self.everybody]

    def _seen(self, address: str, entry: Entry | None) -> str:
        kind = self.rule.get("RecipientAddressType") or self.directory.facts.unset_address_type
        if entry is None or kind == "Original":
            return normal(address)
        return normal(entry.primary or address)

    def senders(self) -> list[str]:
        """Return the sender addresses that sender conditions look at, by SenderAddressLocation."""
        where = self.rule.get("SenderAddressLocation") or "Header"
        header, envelope = self.message.from_address, normal(self.message.sender)
        found = {"Header": [header], "Envelope": [envelope], "HeaderOrEnvelope": [header, envelope]}.get(str(where), [header])
        return [address for address in dict.fromkeys(found) if address]

    def header(self, name: str) -> list[str]:
        """Return a header's values."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def texts(value: Any) -> list[str]:
    """Return a stored value as a list of texts."""
    if value in (None, "", False):
        return []
    return [str(entry) for entry in value] if isinstance(value, (list, tuple)) else [str(value)]


def _words(value: Any, where: Iterable[str]) -> bool:
    found = list(where)
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in texts(value) for text in found)


def _patterns(value: Any, where: Iterable[str]) -> bool:
    found = list(where)
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in texts(value) for text in found)


def member(directory: Directory, entry: Entry | None, groups: Any) -> bool:
    """Say whether an object is a member of one of the groups, as rules see them. A group that is gone has no members."""
    if entry is None:
        return False
    return any(_in_group(directory, entry.key, directory.acting_groups.get(normal(name)), set()) for name in texts(groups))


def _in_group(directory: Directory, key: str, group: str | None, seen: set[str]) -> bool:
    if group is None or group in seen:
        return False
    seen.add(group)
    members = directory.acting_members.get(group, frozenset())
    if key in members:
        return True
    return directory.facts.nested_groups_count and any(_in_group(directory, key, inner, seen) for inner in members)


def _same_object(directory: Directory, address: str, entry: Entry | None, wanted: Any) -> bool:
    for text in texts(wanted):
        found = directory.lookup(text)
        if found is not None and entry is not None and found.key == entry.key:
            return True
        if found is None and normal(text) == normal(address):
            return True
    return False


def _sent_to_scope(subject: Subject, value: Any) -> bool:
    directory, signed_in = subject.directory, subject.message.session.authenticated
    is_object = subject.entry is not None
    accepted = directory.inside_domain(domain_of(subject.address))
    reading = directory.facts.sent_to_scope_reading
    inside = (
        (is_object or accepted)
        if reading == "c"
        else (is_object or accepted) and signed_in
        if reading == "a"
        else is_object or (accepted and signed_in)
    )
    return inside if str(value) == "InOrganization" else not inside


def _from_scope(subject: Subject, value: Any) -> bool:
    inside = subject.message.session.authenticated and any(subject.directory.inside(address) for address in subject.senders())
    return inside if str(value) == "InOrganization" else not inside


def _domains(value: Any, addresses: Iterable[str]) -> bool:
    found = [domain_of(address) for address in addresses]
    return any(within(domain, wanted.lower().lstrip("@")) for wanted in texts(value) for domain in found)


def _from_member_of(subject: Subject, value: Any) -> bool:
    return any(member(subject.directory, subject.directory.lookup(address), value) for address in subject.senders())


def _between(subject: Subject, first: Any, second: Any) -> bool:
    senders = [subject.directory.lookup(address) for address in subject.senders()]
    directory = subject.directory
    return any(
        (member(directory, sender, first) and member(directory, subject.entry, second))
        or (member(directory, sender, second) and member(directory, subject.entry, first))
        for sender in senders
    )


def _attribute(entry: Entry | None, wanted: Any, *, pattern: bool) -> bool:
    """Evaluate entries such as ``Department:Sales,Marketing``."""
    for text in texts(wanted):
        name, _unused, values = text.partition(":")
        actual = str((entry.attributes if entry else {}).get(name.strip(), "") or "")
        test = _patterns if pattern else _words
        if actual and test([part.strip() for part in values.split(",")], [actual]):
            return True
    return False


def _listed(subject: Subject, names: tuple[str, ...]) -> list[str]:
    from email.utils import getaddresses

    return [normal(address) for _unused, address in getaddresses([value for name in names for value in subject.header(name)])]


def _any_listed(names: tuple[str, ...]) -> Callable[[Subject, Any], bool]:
    def check(subject: Subject, value: Any) -> bool:
        directory = subject.directory
        return any(_same_object(directory, address, directory.lookup(address), value) for address in _listed(subject, names))

    return check


def _any_listed_member(names: tuple[str, ...]) -> Callable[[Subject, Any], bool]:
    def check(subject: Subject, value: Any) -> bool:
        directory = subject.directory
        return any(member(directory, directory.lookup(address), value) for address in _listed(subject, names))

    return check


def _message_type(subject: Subject, value: Any) -> bool:
    kind, headers = subject.message.kind, {key.lower(): text.lower() for key, text in subject.headers}
    present = {
        "OOF": kind == "oof",
        "Calendaring": kind == "calendar",
        "AutoForward": "x-ms-exchange-autoforwarded" in headers,
        "Encrypted": "application/pkcs7-mime" in headers.get("content-type", ""),
        "Signed": "multipart/signed" in headers.get("content-type", ""),
    }
    return any(present.get(text, False) for text in texts(value))


def _size_over(subject: Subject, value: Any) -> bool:
    text = str(value)
    bracket = re.search(r"\(([\d,]+) bytes\)", text)
    if bracket:
        return subject.message.size > int(bracket.group(1).replace(",", ""))
    number = re.fullmatch(r"(\d+)\s*(B|KB|MB|GB)?", text.strip(), re.IGNORECASE)
    scale = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    return number is not None and subject.message.size > int(number.group(1)) * scale[(number.group(2) or "").upper()]


Predicate = Callable[[Subject, Any], bool]
TO, CC, BOTH = ("To",), ("Cc",), ("To", "Cc")

# By the name of the condition; the exception of the same meaning is named ExceptIf and this.
PREDICATES: dict[str, Predicate] = {
    "From": lambda s, v: any(_same_object(s.directory, a, s.directory.lookup(a), v) for a in s.senders()),
    "FromMemberOf": _from_member_of,
    "FromScope": _from_scope,
    "FromAddressContainsWords": lambda s, v: _words(v, s.senders()),
    "FromAddressMatchesPatterns": lambda s, v: _patterns(v, s.senders()),
    "SenderDomainIs": lambda s, v: _domains(v, s.senders()),
    "SenderADAttributeContainsWords": lambda s, v: any(_attribute(s.directory.lookup(a), v, pattern=False) for a in s.senders()),
    "SenderADAttributeMatchesPatterns": lambda s, v: any(_attribute(s.directory.lookup(a), v, pattern=True) for a in s.senders()),
    "SenderIpRanges": lambda s, v: in_ranges(s.message.session.ip, texts(v)),
    "SentTo": lambda s, v: _same_object(s.directory, s.address, s.entry, v),
    "SentToMemberOf": lambda s, v: member(s.directory, s.entry, v),
    "SentToScope": _sent_to_scope,
    "RecipientDomainIs": lambda s, v: _domains(v, [s.recipient()]),
    "RecipientAddressContainsWords": lambda s, v: _words(v, [s.recipient()]),
    "RecipientAddressMatchesPatterns": lambda s, v: _patterns(v, [s.recipient()]),
    "RecipientADAttributeContainsWords": lambda s, v: _attribute(s.entry, v, pattern=False),
    "RecipientADAttributeMatchesPatterns": lambda s, v: _attribute(s.entry, v, pattern=True),
    "AnyOfRecipientAddressContainsWords": lambda s, v: _words(v, s.recipients()),
    "AnyOfRecipientAddressMatchesPatterns": lambda s, v: _patterns(v, s.recipients()),
    "AnyOfToHeader": _any_listed(TO),
    "AnyOfCcHeader": _any_listed(CC),
    "AnyOfToCcHeader": _any_listed(BOTH),
    "AnyOfToHeaderMemberOf": _any_listed_member(TO),
    "AnyOfCcHeaderMemberOf": _any_listed_member(CC),
    "AnyOfToCcHeaderMemberOf": _any_listed_member(BOTH),
    "SubjectContainsWords": lambda s, v: _words(v, [s.message.subject]),
    "SubjectMatchesPatterns": lambda s, v: _patterns(v, [s.message.subject]),
    "SubjectOrBodyContainsWords": lambda s, v: _words(v, [s.message.subject, s.message.body]),
    "SubjectOrBodyMatchesPatterns": lambda s, v: _patterns(v, [s.message.subject, s.message.body]),
    "WithImportance": lambda s, v: str(v).lower() in [text.lower() for text in s.header("Importance")],
    "MessageTypeMatches": _message_type,
    "MessageSizeOver": _size_over,
    "SCLOver": lambda s, v: s.scl is not None and s.scl >= int(v),
}

# Two properties that make one condition.
PAIRS: dict[str, tuple[str, Callable[[Subject, Any, Any], bool]]] = {
    "HeaderContainsMessageHeader": ("HeaderContainsWords", lambda s, n, v: _words(v, s.header(str(n)))),
    "HeaderMatchesMessageHeader": ("HeaderMatchesPatterns", lambda s, n, v: _patterns(v, s.header(str(n)))),
    "BetweenMemberOf1": ("BetweenMemberOf2", _between),
}
SECOND = {second for second, _unused in PAIRS.values()}


def _set(value: Any) -> bool:
    return value not in (None, False, "", [], ())


def _outcomes(subject: Subject, prefix: str) -> Iterable[tuple[str, bool]]:
    """Return each condition (or exception) that the rule sets, and whether it holds."""
    rule = subject.rule
    for name, value in rule.items():
        plain = name[len(prefix) :] if name.startswith(prefix) else ""
        if not plain or (not prefix and name.startswith("ExceptIf")) or plain in NO_CONDITION or plain in SECOND or name.startswith("_"):
            continue
        if not _set(value):
            continue
        if plain in PAIRS:
            second, check = PAIRS[plain]
            yield plain, check(subject, value, rule.get(prefix + second))
        elif plain in PREDICATES:
            yield plain, PREDICATES[plain](subject, value)
        else:
            yield plain, subject.directory.facts.unevaluated_match


def applies(subject: Subject) -> bool:
    """Say whether a rule acts on a recipient of a message: all its conditions hold, and no exception."""
    return all(holds for _unused, holds in _outcomes(subject, "")) and not any(holds for _unused, holds in _outcomes(subject, "ExceptIf"))


def unevaluated(rule: Row) -> list[str]:
    """Return the conditions and exceptions that a rule sets and the sandbox does not evaluate."""
    known = {*PREDICATES, *PAIRS, *SECOND}
    return sorted(
        name
        for name, value in rule.items()
        if _set(value) and not name.startswith("_") and name.removeprefix("ExceptIf") not in known and name not in NO_CONDITION
    )
