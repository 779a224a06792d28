# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards of a set-up that stands: what somebody changed since stops waves, forwards and the MX, and a healthy one goes on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._guards import evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, commented, description
from ansible_collections.mailops.exchange.plugins.module_utils._session import Row

from .tenant import (
    CONNECTOR,
    DOMAINS,
    GROUP,
    ROUTING,
    RULE,
    SHARED,
    case,
    connector,
    domain,
    found,
    group,
    mailbox,
    rule,
    standing,
    stranger,
)

WAVE: dict[str, Any] = {"users": ["stub@example.com"]}
PENDING = {**WAVE, "membership": "pending"}
STUB = [mailbox("stub@example.com")]
SECOND = "b.example"
NAMES = {"one": SHARED, "two": SECOND}
TWO: dict[str, Any] = {
    **WAVE,
    "domains": [SHARED, SECOND],
    "smart_hosts": None,
    "source_ip_ranges": None,
    "sources": [{"name": name, "domains": [of], "smart_hosts": ["192.0.2.10"]} for name, of in NAMES.items()],
}
ONWARD = ("cutover", "forward", "mx")
BACK = ("unforward", "rollback")
MOVED: dict[str, Any] = {"recipients": STUB, "members": STUB}
REFUSING = [{**row, "SendingToDomainDisabled": True} if row.get("DomainName") == ROUTING else row for row in DOMAINS]
UNGROUPED = standing(rules=[rule(ExceptIfSentToMemberOf=None)])
OTHER_GROUP = standing(rules=[rule(ExceptIfSentToMemberOf=["old@example.com"])])
OTHER_WAY = standing(
    connectors=[connector(), connector("Way", UseMXRecord=True, Enabled=False)], rules=[rule(RouteMessageOutboundConnector="Way")]
)


def two(*rules: Row) -> dict[str, Any]:
    """The rows of a set-up with two sources."""
    return {
        "connectors": [connector(f"{CONNECTOR} ({name})", Comment=commented("text", [of])) for name, of in NAMES.items()],
        "rules": list(rules),
        "groups": [group(Description=[description([SHARED, SECOND], Line())])],
        "recipients": STUB,
    }


def own(name: str, priority: int) -> Row:
    """The rule of one of the two sources."""
    of = NAMES[name]
    way = {"RecipientDomainIs": [of], "RouteMessageOutboundConnector": f"{CONNECTOR} ({name})"}
    return rule(f"{RULE} ({name})", Comments=commented("text", [of]), Priority=priority, **way)


# guard, steps, rows of the tenant, options, words of the finding
REFUSED: list[tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any], str]] = [
    ("U5", (*ONWARD, "unforward", "rollback"), standing(connectors=[]), WAVE, "no such connector"),
    ("U5", ("forward", "mx"), standing(connectors=[connector(Enabled=False)]), WAVE, f"U5 {CONNECTOR}: the rule's connector is disabled"),
    ("U5", ("forward", "mx"), standing(connectors=[connector(UseMXRecord=True)]), WAVE, "follows the MX"),
    ("U5", ONWARD, OTHER_WAY, WAVE, "U5 way: the connector follows the MX"),
    ("U5", ONWARD, OTHER_WAY, WAVE, "U5 way: the rule's connector is disabled"),
    ("U5", ONWARD, standing(rules=[rule(RouteMessageOutboundConnector=None)]), WAVE, "names no connector"),
    ("U9", ONWARD, UNGROUPED, WAVE, "it holds no group"),
    ("U9", ONWARD, OTHER_GROUP, WAVE, "it holds old@example.com"),
    ("U9", ONWARD, standing(), PENDING, "the rule's SentToMemberOf lacks"),
    ("U10", ONWARD, OTHER_WAY, WAVE, "routes to the connector way"),
    (
        "U19",
        ("setup",),
        {"recipients": [mailbox("team@other.example.net", "GroupMailbox") | {"Name": "migrated users"}]},
        {},
        "365 group has",
    ),
    (
        "U19",
        ("preflight", "setup"),
        {"recipients": [mailbox("team@other.example.net", "GroupMailbox") | {"DisplayName": "Migrated Users"}]},
        {},
        "365 group has",
    ),
    (
        "U24",
        ("cutover",),
        two(own("one", 0), stranger("reject", RejectMessageReasonText="no", Priority=1), own("two", 2)),
        TWO,
        "U24 reject",
    ),
]
REFUSED += [
    ("U5", ("cutover", "forward"), standing(rules=[rule(State="Disabled")], recipients=STUB), WAVE, "the rule is disabled"),
    ("U5", ("cutover", "forward"), standing(rules=[rule(Mode="Audit")], recipients=STUB), WAVE, "the rule is in Mode Audit"),
    ("U7", ("cutover", "forward"), standing(recipients=[mailbox("stub@example.com", "MailUser")]), WAVE, "has no live mailbox"),
    ("U7", ("cutover", "forward"), standing(recipients=STUB, domains=REFUSING), WAVE, "refuses mail (SendingToDomainDisabled)"),
    (
        "U21",
        ("setup", "enforce"),
        {"recipients": [mailbox("stub@sub.example.com", also=["stub@example.com"])]},
        {},
        "the primary address stub@sub.example.com, so the rule does not see it",
    ),
    ("U5", BACK, standing(rules=[rule(State="Disabled")], **MOVED), WAVE, "U5 Coexistence: no such rule acts"),
    ("U5", BACK, standing(rules=[rule(Mode="Audit")], **MOVED), WAVE, "no such rule acts"),
    ("U5", BACK, standing(rules=[], **MOVED), WAVE, "1 users who go back would stay in mailboxes"),
    ("U5", BACK, standing(rules=[], **MOVED), {"users": [f"stub@{ROUTING}"]}, "no such rule acts"),
    ("U5", BACK, standing(rules=[], connectors=[], **MOVED), WAVE, "no such rule acts"),
    (
        "U5",
        ONWARD,
        standing(connectors=[connector(SmartHosts=["192.0.2.10", "evil.example"])], recipients=STUB),
        WAVE,
        "leads to evil.example, declared is 192.0.2.10",
    ),
    ("U9", ("teardown",), standing(rules=[rule("Coexistance")]), {}, "under another name than Coexistence"),
    (
        "U24",
        ("setup", "cutover"),
        standing(rules=[rule("Coexistance")], recipients=STUB),
        WAVE,
        "Set coexistence_rule_name to the name that it has",
    ),
]
IDS = [f"{row[0]}-{number}" for number, row in enumerate(REFUSED)]


@pytest.mark.parametrize(("guard", "steps", "rows", "options", "words"), REFUSED, ids=IDS)
def test_what_somebody_changed_stops_the_steps_that_count_on_it(
    guard: str, steps: tuple[str, ...], rows: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    for step in steps:
        findings = found(guard, case(step, options=options, **rows))
        assert any(words in str(finding) for finding in findings), (step, [str(finding) for finding in findings])
        assert all(finding.blocks and finding.remedy.endswith(".") and "\n" not in str(finding) for finding in findings)


DECIDING: dict[str, Any] = {
    "RedirectMessageTo": ["boss@example.com"],
    "RejectMessageReasonText": "no",
    "RejectMessageEnhancedStatusCode": "5.7.1",
    "SmtpRejectMessageRejectText": "no",
    "SmtpRejectMessageRejectStatusCode": "550",
    "DeleteMessage": True,
    "Quarantine": True,
    "Disconnect": True,
    "ModerateMessageByUser": ["boss@example.com"],
    "ModerateMessageByManager": True,
    "StopRuleProcessing": True,
}


@pytest.mark.parametrize("action", DECIDING)
def test_u24_hears_of_every_action_by_which_a_rule_above_ours_decides(action: str) -> None:
    above = stranger("theirs", **{action: DECIDING[action]})
    findings = found("U24", case("setup", **standing(rules=[above, rule(Priority=1)])))
    assert [f"can decide first: {action}" in finding.why for finding in findings] == [True]
    assert not found("U24", case("setup", **standing(rules=[{**above, action: None}, rule(Priority=1)])))


@pytest.mark.parametrize(
    ("fallback", "text", "heard"), [("Reject", "our words", True), ("Wrap", "our words", False), ("Reject", None, False)]
)
def test_u24_hears_of_a_disclaimer_that_rejects_what_it_cannot_be_added_to(fallback: str, text: str | None, heard: bool) -> None:
    above = stranger("disclaimer", ApplyHtmlDisclaimerFallbackAction=fallback, ApplyHtmlDisclaimerText=text)
    told = found("U24", case("setup", **standing(rules=[above, rule(Priority=1)])))
    assert ["ApplyHtmlDisclaimerFallbackAction Reject" in finding.why for finding in told] == [True] * heard


@pytest.mark.parametrize(
    ("action", "heard"),
    [
        ({"AddManagerAsRecipientType": "Redirect"}, True),
        ({"AddManagerAsRecipientType": "To"}, False),
        ({"NotifySender": "RejectUnlessExplicitOverride"}, True),
        ({"NotifySender": "NotifyOnly"}, False),
    ],
)
def test_u24_hears_of_actions_that_redirect_or_reject_by_their_value(action: dict[str, str], heard: bool) -> None:
    above = stranger("theirs", **action)
    told = found("U24", case("setup", **standing(rules=[above, rule(Priority=1)])))
    (pair,) = action.items()
    assert [" ".join(pair) in finding.why for finding in told] == [True] * heard


@pytest.mark.parametrize("step", ["forward", "mx", "status"])
def test_u27_tells_of_a_member_without_a_mailbox_wherever_its_mail_may_loop(step: str) -> None:
    dead = mailbox("cleo@example.com", "MailUser", external="cleo@example.com")
    (finding,) = found("U27", case(step, options=WAVE, **standing(members=[dead], recipients=[dead, *STUB])))
    assert (finding.who, finding.blocks) == ("cleo@example.com", False)


@pytest.mark.parametrize(("external", "told"), [("stub@elsewhere.example", True), ("stub@example.com", False), ("", False)])
def test_u4_tells_of_a_mail_user_of_the_source_who_leads_outside_the_shared_domains(external: str, told: bool) -> None:
    kind = "MailUser" if external else "UserMailbox"
    people = [mailbox("stub@example.com", kind, external=external)]
    findings = found("U4", case("enforce", **standing(recipients=people)))
    assert [(finding.who, finding.blocks) for finding in findings] == ([("stub@example.com", False)] if told else [])
    assert not found("U4", case("enforce", **standing(recipients=people, members=people))), "the rule spares who is in the group"


@pytest.mark.parametrize(
    ("step", "rows", "told"),
    [
        ("setup", standing(), []),
        ("setup", standing(connectors=[connector(SmartHosts=["192.0.2.99"])]), [False]),
        ("preflight", standing(connectors=[connector(SmartHosts=["192.0.2.99"])]), [False]),
        ("setup", standing(connectors=[connector(SmartHosts=["192.0.2.99"])], rules=[]), []),  # it carries nothing yet
        ("setup", standing(connectors=[connector(SmartHosts=["192.0.2.99"])], rules=[rule(State="Disabled")]), []),
        ("mx", standing(connectors=[connector(SmartHosts=["192.0.2.99"])]), [True]),
    ],
)
def test_u5_tells_that_a_set_up_leads_a_connector_in_use_to_another_host(step: str, rows: dict[str, Any], told: list[bool]) -> None:
    findings = found("U5", case(step, **rows))
    assert [finding.blocks for finding in findings] == told
    if told == [False]:
        assert "it leads to 192.0.2.99 now, and the set-up leads it to 192.0.2.10 at once" in findings[0].why


@pytest.mark.parametrize(
    ("step", "missed"), [("status", False), ("mx", False), ("unforward", False), ("cutover", False), ("enforce", True)]
)
def test_u5_misses_no_connector_where_nothing_of_a_set_up_stands(step: str, missed: bool) -> None:
    assert bool(found("U5", case(step, recipients=[mailbox("stub@example.com")], options=WAVE))) == missed


def test_u24_leaves_a_rule_of_our_name_to_the_guard_of_its_mark() -> None:
    rows = standing(rules=[rule(Comments=commented("", ["example.com", "sub.example.com"]))])
    assert not found("U24", case("preflight", **rows))
    assert found("U19", case("preflight", **rows))


def test_a_status_tells_the_same() -> None:
    ids = {finding.id for finding in evaluate(case("status", **standing(rules=[*UNGROUPED["rules"]], connectors=[]))).told}
    assert {"U5", "U9"} <= ids
    assert "U10" in {finding.id for finding in evaluate(case("status", **OTHER_WAY)).told}


HEALTHY: list[tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = [
    ((*ONWARD, "unforward", "rollback", "mx_back", "sources_off"), standing(recipients=STUB), WAVE),
    (ONWARD, standing(rules=[rule(ExceptIfSentToMemberOf=None, SentToMemberOf=[GROUP])], recipients=STUB), PENDING),
    # A rule that is off sends nobody's mail anywhere.
    (("mx",), standing(rules=[rule(State="Disabled", ExceptIfSentToMemberOf=None)], recipients=STUB), WAVE),
    # The group goes by another address of its own.
    (
        ONWARD,
        standing(
            rules=[rule(ExceptIfSentToMemberOf=["new@example.com"])],
            groups=[group(EmailAddresses=["SMTP:new@example.com", f"smtp:{GROUP}"])],
            recipients=STUB,
        ),
        WAVE,
    ),
    # Out of the group is harmless with a rule that spares nobody.
    (("unforward", "rollback"), {**UNGROUPED, "recipients": STUB}, WAVE),
    # A set-up writes group and connector into its rule.
    (("setup", "enforce"), UNGROUPED, {}),
    (("setup", "enforce"), standing(rules=[rule(RouteMessageOutboundConnector=None)]), {}),
    # The group stands: who comes later under its name takes nothing from it.
    (("cutover",), standing(recipients=[*STUB, mailbox("m@other.example.net", "GroupMailbox") | {"Name": "Migrated Users"}]), WAVE),
    (BACK, standing(rules=[rule(State="Disabled")], recipients=STUB), WAVE),  # who is back already leaves nothing
    # Above the rule of the other source, and it sees only mail of its own below which it comes.
    (
        ("cutover",),
        two(own("one", 2), stranger("second only", DeleteMessage=True, RecipientDomainIs=[SECOND], Priority=1), own("two", 0)),
        TWO,
    ),
]


@pytest.mark.parametrize(("steps", "rows", "options"), HEALTHY)
def test_a_healthy_set_up_goes_on(steps: tuple[str, ...], rows: dict[str, Any], options: dict[str, Any]) -> None:
    for step in steps:
        assert [str(finding) for finding in evaluate(case(step, options=options, **rows)).refusing] == [], step


LATER = [*DOMAINS, domain("new.example.com"), domain("new.example.net")]
SERVICE = ["contoso.onmicrosoft.com", "contoso.mail.onmicrosoft.com"]


@pytest.mark.parametrize("step", ["cutover", "status", "verify", "reconcile"])
@pytest.mark.parametrize(
    ("spared", "scope", "missing"),
    [
        (["sub.example.com"], "domain", {"new.example.com"}),
        (["sub.example.com", "new.example.com"], "domain", set()),
        (None, "domain", {"new.example.com", "sub.example.com"}),
        ([*SERVICE, "sub.example.com", "new.example.com"], "organization", {"new.example.net", "other.example.net"}),
        ([*SERVICE, "sub.example.com", "new.example.com", "example.net"], "organization", set()),
    ],
)
def test_u23_tells_of_a_domain_that_came_after_the_rule(step: str, spared: list[str] | None, scope: str, missing: set[str]) -> None:
    rows = standing(rules=[rule(ExceptIfRecipientDomainIs=spared)], domains=LATER)
    said = found("U23", case(step, options={**(WAVE if step == "cutover" else {}), "rule_scope": scope}, **rows))
    assert {finding.why.split(",")[0].removeprefix("the rule reaches ") for finding in said} == missing
    assert not any(finding.blocks for finding in said)
    assert all(finding.remedy.startswith("Run the set-up again") for finding in said)


def test_u23_tells_of_a_later_domain_that_no_exception_can_spare() -> None:
    rows = standing(rules=[rule(Comments=commented("text", ["sub.example.com"]))])
    said = found("U23", case("status", options={"domains": ["sub.example.com"], "rule_scope": "organization"}, **rows))
    assert any("reaches example.com, and an exception for it" in finding.why for finding in said)
    assert not any(finding.blocks for finding in said)


def test_u23_says_nothing_of_a_rule_that_is_off_or_that_the_step_writes() -> None:
    assert not found("U23", case("status", **standing(rules=[rule(State="Disabled")], domains=LATER)))
    assert not found("U23", case("enforce", **standing(domains=LATER)))
