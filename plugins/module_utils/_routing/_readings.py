# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Disputed facts as data, and the way through all of their readings.

A route asks for a fact only when it meets it. Each answer opens one branch, so that the branches of a message are the
readings that matter to it, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")

# More branches than this are not walked; the prediction says so and its verdict is at least `unknown`.
BRANCHES = 512


@dataclass(frozen=True)
class Fact:
    """Something that sources disagree on, or do not prove. readings: id to what it means, in plain words."""

    id: str
    about: str
    readings: Mapping[str, str]


FACTS: Mapping[str, Fact] = {
    fact.id: fact
    for fact in (
        Fact(
            "sent_to_scope",
            "what SentToScope InOrganization asks for",
            {
                "a": "an authenticated message, and a recipient that is an object or in an accepted domain",
                "b": "an object of the tenant, or an accepted domain and an authenticated message",
                "c": "an object of the tenant or an accepted domain; authentication is not asked",
            },
        ),
        Fact(
            "system_mail",
            "whether rules act on non-delivery reports, out-of-office replies and journal reports",
            {"acts": "rules act on them", "spared": "rules leave them alone"},
        ),
        Fact(
            "nested_members",
            "whether a member of a member group counts as a member",
            {"counts": "members of member groups count", "direct": "only direct members count"},
        ),
        Fact(
            "dmarc_domain",
            "whose MX decides whether a DMARC reject is honoured",
            {"shared": "the domain of the recipient's primary address", "routing": "the domain that the mail was sent to"},
        ),
        Fact(
            "mail_user",
            "where a mail user with an external address in a relayed domain of the tenant leads",
            {"once": "it is looked up once, then leaves like an unknown address", "again": "it is looked up again and never leaves"},
        ),
        Fact(
            "edge_blocking",
            "whether the edge of an Authoritative domain knows public folders and dynamic groups",
            {"hidden": "it refuses mail to them", "seen": "it takes mail to them"},
        ),
        Fact("plus_addressing", "whether plus addresses reach their mailbox", {"on": "they do", "off": "they are unknown addresses"}),
        Fact("plus_groups", "whether plus addresses reach groups too", {"on": "they do", "off": "they are unknown addresses"}),
        Fact(
            "recipient_address_type",
            "which address a rule without a shown RecipientAddressType looks at",
            {"resolved": "the primary address", "original": "the address as written"},
        ),
        Fact("two_routes", "which of two rules that name a connector wins", {"last": "the later one", "first": "the earlier one"}),
        Fact(
            "missing_connector",
            "what an ignoring rule does whose connector is gone or disabled",
            {"stuck": "the message waits", "ignored": "the message goes on as if the rule were not there"},
        ),
        Fact(
            "rules_after_redirect",
            "whether rules below one that redirects a message to its own recipient still act on it",
            {"spared": "they leave it alone", "act": "they act on it"},
        ),
        Fact("auto_forward", "whether a mailbox may forward to outside", {"allowed": "it may", "blocked": "the sender gets 5.7.520"}),
        Fact("honor_dmarc", "whether DMARC rejects are honoured", {"on": "they are", "off": "they are not"}),
        Fact("rate_limit", "whether a host with a limit takes this message", {"takes": "it does at once", "defers": "it puts it off"}),
    )
}


class Oracle:
    """Answers the questions of one walk: what is known, then the branch's answers, then the first choice."""

    def __init__(self, known: Mapping[str, str], branch: list[int]) -> None:
        self._known = known
        self._branch = branch
        self._path: list[int] = []
        self._widths: list[int] = []
        self.answers: dict[str, str] = {}

    def ask(self, key: str, choices: tuple[str, ...]) -> str:
        """The answer of this branch; the same whenever the same thing is asked again."""
        if key in self.answers:
            return self.answers[key]
        known = self._known.get(key)
        if known in choices:
            return str(known)
        if len(choices) == 1:
            return choices[0]
        place = len(self._path)
        index = self._branch[place] if place < len(self._branch) else 0
        self._path.append(index)
        self._widths.append(len(choices))
        self.answers[key] = choices[index]
        return choices[index]

    def fact(self, name: str) -> str:
        """The reading of a disputed fact in this branch."""
        return self.ask(name, tuple(FACTS[name].readings))

    def following(self) -> list[int] | None:
        """The next branch; None after the last one."""
        path = list(self._path)
        while path and path[-1] + 1 == self._widths[len(path) - 1]:
            path.pop()
        if not path:
            return None
        path[-1] += 1
        return path


@dataclass(frozen=True)
class Branches(Generic[Result]):
    """Every branch: what it assumes, and what came out. complete: none was left unwalked."""

    found: tuple[tuple[Mapping[str, str], Result], ...]
    complete: bool


def explore(run: Callable[[Oracle], Result], known: Mapping[str, str], limit: int = BRANCHES) -> Branches[Result]:
    """Run once per combination of answers that it asks for, at most `limit` times."""
    branch: list[int] | None = []
    found: list[tuple[Mapping[str, str], Result]] = []
    while branch is not None and len(found) < limit:
        oracle = Oracle(known, branch)
        result = run(oracle)
        found.append((oracle.answers, result))
        branch = oracle.following()
    return Branches(tuple(found), branch is None)
