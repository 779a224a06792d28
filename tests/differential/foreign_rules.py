# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of others, above ours: a choice of what administrators and signature services write."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from .people import OTHER
from .scenario import ROUTING, Row, Scenario

GATEWAY = "Gateway"
# A rule by the last hop's address: a range in which the first host lies, and an outsider when the rule shall match.
BY_ADDRESS, NEAR, NEAR_OUTSIDER = "By address", "192.0.2.0/28", "192.0.2.14"
WORD = "confidential"
# Not evaluated by the predictor: whether a message matches is what the letter, or the sandbox's parameter, makes of it.
OPEN_RULES = ("Open subject", "Open exception", "Open attachment")


def rule(name: str, **more: Any) -> Row:
    """A rule as the service stores it."""
    base = {"Name": name, "State": "Enabled", "Mode": "Enforce", "RuleErrorAction": "Ignore", "SenderAddressLocation": "Header"}
    return {**base, "RecipientAddressType": "Resolved", **more}


def _one(scenario: Scenario, *kinds: str) -> str:
    return next(address for kind in kinds for address in scenario.people.get(kind, ()))


def way(random: Random) -> Row:
    """What a rule does that ends or decides."""
    ways: list[Row] = [
        {"StopRuleProcessing": True},
        {"RejectMessageReasonText": "no", "RejectMessageEnhancedStatusCode": "5.7.1"},
        {"DeleteMessage": True},
        {"Quarantine": True},
        {"ModerateMessageByUser": ["boss@other.example"]},
        {"RouteMessageOutboundConnector": GATEWAY},
    ]
    return random.choice(ways)


def _domain_of_ours(scenario: Scenario, random: Random) -> str:
    return random.choice(scenario.domains)


def _redirect(scenario: Scenario, random: Random) -> Row:
    goal = _one(scenario, random.choice(("other", "pilot", "stub")))
    return rule("Redirect", SentTo=[_one(scenario, "shared")], RedirectMessageTo=[goal])


def _readdress(scenario: Scenario, random: Random) -> Row:
    """A redirect to another address of the same mailbox."""
    kind = random.choice(("stub", "shared", "migrated", "alias"))
    return rule("Readdress", SentTo=[_one(scenario, kind)], RedirectMessageTo=[f"{kind}1@{ROUTING}"])


def _marked(scenario: Scenario, random: Random) -> list[Row]:
    name = "X-Passed"
    first = rule("Mark", RecipientDomainIs=[_domain_of_ours(scenario, random)], SetHeaderName=name, SetHeaderValue="yes")
    test = {"HeaderContainsMessageHeader": name, "HeaderContainsWords": ["yes"]}
    return (
        [rule("Stop the marked", **test, **way(random)), first] if random.random() < 0.5 else [first, rule("Marked", **test, **way(random))]
    )


Template = Callable[[Scenario, Random], "Row | list[Row]"]

TEMPLATES: tuple[Template, ...] = (
    lambda _s, _r: rule("Stop other", RecipientDomainIs=[OTHER], StopRuleProcessing=True),
    lambda _s, _r: rule("Stop outsiders", SenderDomainIs=["outside.example.org"], StopRuleProcessing=True),
    lambda s, r: rule(
        "To the gateway", RecipientDomainIs=[_domain_of_ours(s, r)], FromScope="NotInOrganization", RouteMessageOutboundConnector=GATEWAY
    ),
    lambda _s, r: rule("Words", RecipientAddressContainsWords=["room1", "second"], **way(r)),
    lambda _s, r: rule("Patterns", RecipientAddressMatchesPatterns=[r"^folder\d@", r"^noobj\d@"], **way(r)),
    _redirect,
    _readdress,
    lambda s, r: rule("To one", SentTo=[_one(s, r.choice(("shared", "stub", "alias", "nobody")))], **way(r)),
    lambda s, r: rule("To members", SentToMemberOf=[_one(s, r.choice(("team", "dynamic")))], **way(r)),
    lambda s, r: rule(
        "To all but members",
        RecipientDomainIs=[_domain_of_ours(s, r)],
        ExceptIfSentToMemberOf=[_one(s, r.choice(("team", "dynamic")))],
        **way(r),
    ),
    lambda s, r: rule("From members", FromMemberOf=[s.group], **way(r)),
    lambda _s, r: rule(BY_ADDRESS, SenderIpRanges=[NEAR], **way(r)),
    _marked,
    lambda _s, r: rule("Any recipient", AnyOfRecipientAddressContainsWords=["nobody1"], **way(r)),
    lambda _s, r: rule("Any domain", AnyOfRecipientAddressMatchesPatterns=[r"@other\.example$"], **way(r)),
    lambda s, r: rule("Any to", AnyOfToHeader=[_one(s, r.choice(("other", "stub")))], **way(r)),
    lambda s, r: rule("Audit", RecipientDomainIs=[_domain_of_ours(s, r)], Mode="Audit", DeleteMessage=True),
    lambda _s, _r: rule("Disabled", State="Disabled", RejectMessageReasonText="no", RejectMessageEnhancedStatusCode="5.7.1"),
    lambda _s, r: rule("By type", MessageTypeMatches=r.choice(("OOF", "Calendaring")), **way(r)),
    lambda _s, r: rule("To outside", SentToScope="NotInOrganization", **way(r)),
    lambda s, r: rule("Inside", SentToScope="InOrganization", FromScope="InOrganization", SentTo=[_one(s, "other")], **way(r)),
    lambda s, r: rule("From one", From=[_one(s, r.choice(("pilot", "noobj")))], **way(r)),
    lambda s, r: rule("From words", FromAddressContainsWords=["pilot1", "sender"], RecipientDomainIs=[s.domains[0]], **way(r)),
    lambda s, r: rule("Original", RecipientDomainIs=[s.domains[-1]], RecipientAddressType="Original", **way(r)),
)


def chosen(scenario: Scenario, random: Random) -> list[Row]:
    """None to three of them, in most worlds none or one."""
    found: list[Row] = []
    for template in random.sample(TEMPLATES, random.choice((0, 0, 1, 1, 2, 3))):
        made = template(scenario, random)
        found += made if isinstance(made, list) else [made]
    return found


def unevaluated(scenario: Scenario, random: Random) -> Row:
    """A rule that hangs on what no prediction can know."""
    domain = {"RecipientDomainIs": [scenario.domains[0]], **way(random)}
    return random.choice(
        (
            rule(OPEN_RULES[0], SubjectContainsWords=[WORD], **domain),
            rule(OPEN_RULES[1], ExceptIfSubjectContainsWords=[WORD], **domain),
            rule(OPEN_RULES[2], AttachmentNameMatchesPatterns=["invoice"], **domain),
        )
    )
