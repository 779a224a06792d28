# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each guard refuses what it is there for, is silent on a healthy tenant, and is lifted by one variable alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import judge, refusal
from ansible_collections.mailops.exchange.plugins.module_utils._routing._guards import TABLE, evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, commented
from hypothesis import given
from hypothesis import strategies as st

from .tenant import (
    CONNECTOR,
    DOMAINS,
    GROUP,
    INBOUND,
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

NESTED = mailbox("nested@example.com", "MailUniversalDistributionGroup", routing=False)
OUTSIDE = {"recipients": [mailbox("pilot@example.com")]}

# guard, step, rows of the tenant, options, words of the finding
REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    ("U4", "setup", OUTSIDE, {}, "pilot@example.com"),
    ("U4", "enforce", standing(**OUTSIDE), {"seed_group": True}, "pilot@example.com"),
    ("U4", "setup", {"recipients": [mailbox("room@example.com", "RoomMailbox")]}, {}, "not in the source list"),
    ("U4", "setup", {"recipients": [mailbox("team@example.com", "GroupMailbox")]}, {"seed_group": True}, "cannot be a member"),
    ("U4", "setup", {"recipients": [mailbox("folder@example.com", "PublicFolder")]}, {}, "cannot be a member"),
    ("U4", "setup", {"recipients": [mailbox("stub@example.com")]}, {"source_file": None}, "which of 1 reached recipients"),
    ("U4", "setup", {}, {"source_file": None}, "which of 0 reached recipients"),
    (
        "U4",
        "setup",
        {"recipients": [mailbox("new@example.com", also=["stub@example.com"])]},
        {"seed_group": True},
        "holds stub@example.com",
    ),
    (
        "U4",
        "setup",
        {"recipients": [mailbox("mailuser@example.com", "MailUser", external="mailuser@example.com")]},
        {"seed_group": True},
        "points to mailuser@example.com",
    ),
    (
        "U4",
        "setup",
        {"recipients": [mailbox("guest@elsewhere.net", "GuestMailUser", external="guest@elsewhere.net")]},
        {"rule_scope": "organization"},
        "guest@elsewhere.net",
    ),
    (
        "U4",
        "setup",
        standing(members=OUTSIDE["recipients"], **OUTSIDE),
        {"membership": "pending"},
        "is in the group of those not moved yet",
    ),
    *(
        ("U4", step, standing(recipients=[mailbox("cloud@example.com")]), {"users": ["cloud@example.com"]}, "has no mailbox at the source")
        for step in ("unforward", "rollback")
    ),
    ("U5", "enforce", {"groups": [group()]}, {}, "no such connector"),
    ("U5", "enforce", standing(connectors=[connector(Enabled=False)]), {}, "is disabled"),
    ("U5", "enforce", standing(connectors=[connector(UseMXRecord=True)]), {}, "follows the MX"),
    (
        "U5",
        "cutover",
        standing(connectors=[connector(IsTransportRuleScoped=False, RecipientDomains=["*"])]),
        {"users": ["stub@example.com"]},
        "all outbound",
    ),
    ("U6", "setup", {}, {"validation_recipients": []}, "is not validated as it stands"),
    ("U6", "enforce", standing(connectors=[connector(IsValidated=False)]), {}, "is not validated as it stands"),
    ("U7", "cutover", standing(), {"users": ["gone@example.com"]}, "no recipient of the tenant"),
    *(("U7", step, standing(), {"users": ["gone@example.com"]}, "no recipient of the tenant") for step in ("unforward", "rollback")),
    ("U7", "cutover", standing(recipients=[mailbox("stub@example.com", "MailUser")]), {"users": ["stub@example.com"]}, "no live mailbox"),
    (
        "U7",
        "cutover",
        standing(recipients=[mailbox("stub@example.com", routing=False)]),
        {"users": ["stub@example.com"]},
        "has no address in",
    ),
    (
        "U7",
        "cutover",
        standing(recipients=[mailbox("stub@example.com"), mailbox("x@other.example.net", also=["stub@example.com"])]),
        {"users": ["stub@example.com"]},
        "several objects hold",
    ),
    (
        "U7",
        "cutover",
        standing(recipients=[mailbox("stub@example.com"), mailbox("x@other.example.net", also=["stub@contoso.mail.onmicrosoft.com"])]),
        {"users": ["stub@example.com"]},
        "is held by x@other.example.net too",
    ),
    (
        "U7",
        "cutover",
        standing(recipients=[mailbox("stub@example.com", also=["second@example.com"])]),
        {"users": ["stub@example.com", "second@example.com"]},
        "same mailbox as stub@example.com",
    ),
    (
        "U7",
        "cutover",
        standing(recipients=[mailbox("stub@example.com")]),
        {"users": ["stub@example.com"], "routing_domain": "no.example"},
        "no routing domain",
    ),
    (
        "U7",
        "cutover",
        standing(
            recipients=[mailbox("stub@example.com")],
            domains=[domain(SHARED), domain("contoso.mail.onmicrosoft.com", IsCoexistenceDomain=True, SendingToDomainDisabled=True)],
        ),
        {"users": ["stub@example.com"]},
        "SendingToDomainDisabled",
    ),
    ("U9", "setup", standing(rules=[rule(ExceptIfSentToMemberOf=["old@example.com"])]), {}, "refers to the group old@example.com"),
    ("U9", "dismantle", standing(), {}, "still refers to the group"),
    ("U9", "dismantle", standing(rules=[stranger("theirs", SentToMemberOf=[GROUP.lower()])]), {}, "theirs"),
    ("U10", "setup", standing(rules=[rule(RouteMessageOutboundConnector="Old way")]), {}, "routes to the connector old way"),
    ("U10", "dismantle", standing(rules=[stranger("theirs", RouteMessageOutboundConnector=CONNECTOR)]), {}, "theirs"),
    ("U14", "restored", {"connectors": [connector()]}, {}, CONNECTOR),
    ("U14", "restored", {"connectors": [connector("renamed")]}, {}, "renamed"),
    ("U14", "restored", {"rules": [stranger(INBOUND)]}, {}, INBOUND),
    ("U14", "restored", {"rules": [stranger("theirs", RouteMessageOutboundConnector=CONNECTOR)]}, {}, "still routes to the connector"),
    ("U14", "restored", {"groups": [group(Description=[])]}, {}, "Migrated Users"),
    ("U18", "setup", {"rules": [stranger("theirs", RouteMessageOutboundConnector="way", FromMemberOf=[])]}, {}, "takes all of it"),
    (
        "U18",
        "cutover",
        standing(rules=[rule(RecipientDomainIs=None, ExceptIfSentToMemberOf=[GROUP])]),
        {"users": ["stub@example.com"]},
        RULE,
    ),
    ("U19", "setup", {"connectors": [connector(Comment="by hand")]}, {}, "not our mark"),
    ("U19", "setup", {"rules": [rule(Comments=None)]}, {}, "not our mark"),
    ("U19", "setup", {"rules": [rule(INBOUND, Comments=commented("", ["b.example"]))]}, {}, "is marked for b.example"),
    ("U19", "setup", {"groups": [group(Description=[])]}, {}, "not our mark"),
    ("U19", "setup", {"groups": [group(IsDirSynced=True)]}, {}, "mastered on premises"),
    ("U19", "setup", {"recipients": [mailbox(GROUP)]}, {}, "holds the group's address"),
    (
        "U19",
        "teardown",
        {"groups": [group(), group(Guid="other", PrimarySmtpAddress="x@example.com", EmailAddresses=[])]},
        {},
        "is not the one that holds",
    ),
    ("U20", "remove", standing(), {}, "still enabled"),
    ("U20", "remove", standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T11:30:00")]), {}, "may act for 1800 s more"),
    ("U20", "dismantle", standing(rules=[]), {}, "may act for 3600 s more"),
    ("U20", "dismantle", standing(rules=[], groups=[group(Line(stops={RULE: "2026-03-01T11:59:00Z"}))]), {}, "may act for 3540 s more"),
    (
        "U20",
        "remove",
        standing(
            rules=[rule(State="Disabled", WhenChanged="2026-03-01T05:00:00")], groups=[group(Line(stops={RULE: "2026-03-01T11:50:00Z"}))]
        ),
        {},
        "2026-03-01T11:50:00Z",
    ),
    ("U20", "remove", standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T14:00:00")]), {}, "may act for 3600 s more"),
    ("U21", "setup", {"recipients": [mailbox("stub@contoso.onmicrosoft.com", also=["stub@example.com"])]}, {}, "the rule does not see it"),
    (
        "U21",
        "setup",
        {"recipients": [mailbox("who@contoso.onmicrosoft.com", also=["who@example.com"])]},
        {"source_file": None},
        "who@example.com",
    ),
    (
        "U23",
        "setup",
        {"domains": [*DOMAINS, domain("deep.sub.example.com")]},
        {"domains": [SHARED, "deep.sub.example.com"]},
        "reaches sub.example.com",
    ),
    ("U23", "setup", {}, {"domains": ["sub.example.com"], "rule_scope": "organization"}, "reaches example.com"),
    ("U23", "setup", {"remote": [{"DomainName": "*", "IsInternal": True}]}, {"rule_scope": "organization"}, "reaches *"),
    ("U24", "setup", {"rules": [stranger("signature", StopRuleProcessing=True)]}, {}, "can decide first: StopRuleProcessing"),
    (
        "U24",
        "setup",
        {"rules": [stranger("gateway", FromScope="InOrganization", RouteMessageOutboundConnector="way")]},
        {"rule_priority": "0"},
        "routes mail",
    ),
    (
        "U24",
        "cutover",
        standing(rules=[stranger("block", DeleteMessage=True), rule(Priority=1)]),
        {"users": ["stub@example.com"]},
        "DeleteMessage",
    ),
    ("U24", "setup", {"rules": [stranger("sub", StopRuleProcessing=True, RecipientDomainIs=["deep.example.com"])]}, {}, "can decide first"),
    ("U27", "cutover", standing(members=[mailbox("gone@example.com", "MailUser")]), {"users": ["stub@example.com"]}, "no live mailbox"),
    (
        "U27",
        "cutover",
        standing(members=[{"Name": "x", "RecipientType": "User", "WindowsLiveID": "x@example.com"}]),
        {"users": ["stub@example.com"]},
        "no live",
    ),
    ("U30", "setup", standing(members=[NESTED]), {}, "a group inside the group"),
    (
        "U30",
        "cutover",
        standing(members=[mailbox("d@example.com", "DynamicDistributionGroup")]),
        {"users": ["stub@example.com"]},
        "a group inside",
    ),
]
IDS = [f"{row[0]}-{row[1]}-{number}" for number, row in enumerate(REFUSED)]


def test_who_is_at_home_in_the_tenant_and_has_a_mailbox_at_the_source_may_go_back() -> None:
    (one,) = found("U4", case("rollback", options={"users": ["pilot@example.com"]}, **standing(**OUTSIDE)))
    assert not one.blocks
    assert "Set home to source" in one.remedy


@pytest.mark.parametrize(("guard", "step", "rows", "options", "words"), REFUSED, ids=IDS)
def test_a_guard_refuses(guard: str, step: str, rows: dict[str, Any], options: dict[str, Any], words: str) -> None:
    findings = found(guard, case(step, options=options, **rows))
    assert findings
    assert all(finding.id == guard and finding.blocks for finding in findings)
    assert any(words in str(finding) for finding in findings), [str(finding) for finding in findings]
    assert all("\n" not in str(finding) and finding.remedy.endswith(".") for finding in findings)


@pytest.mark.parametrize(("guard", "step", "rows", "options", "words"), REFUSED, ids=IDS)
def test_the_one_override_lifts_that_guard_alone(guard: str, step: str, rows: dict[str, Any], options: dict[str, Any], words: str) -> None:
    before = evaluate(case(step, options=options, **rows))
    if guard == "U19":  # an accepted object counts as ours, which other guards may judge
        before = judge([finding for finding in before.all if finding.id == guard], frozenset())
    after = evaluate(case(step, options={**options, "accept_risks": [guard.lower()]}, **rows))
    assert guard in {finding.id for finding in before.refusing}
    assert guard not in {finding.id for finding in after.refusing}
    assert guard in {finding.id for finding in after.accepted}
    assert words


def test_every_guard_of_the_table_has_a_row_here() -> None:
    assert {row.id for row in TABLE} == {row[0] for row in REFUSED}
    assert {row.id for row in TABLE} == {f"U{n}" for n in (4, 5, 6, 7, 9, 10, 14, 18, 19, 20, 21, 23, 24, 27, 30)}


HEALTHY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("preflight", {}, {}),
    ("setup", {}, {}),
    ("setup", {"recipients": [mailbox("stub@example.com"), mailbox("other@other.example.net")]}, {}),
    ("setup", {"recipients": [mailbox("pilot@example.com")]}, {"seed_group": True}),
    ("setup", {"recipients": [mailbox("team@example.com", "GroupMailbox")]}, {"tenant_addresses": ["team@example.com"]}),
    ("setup", {"recipients": [mailbox("list@example.com", "MailUniversalDistributionGroup")]}, {}),
    ("setup", {"recipients": [mailbox("deep@sub.example.com")]}, {}),
    ("setup", {"recipients": [mailbox("guest@elsewhere.net", "GuestMailUser", external="guest@elsewhere.net")]}, {}),
    ("setup", {"recipients": [mailbox("room@contoso.onmicrosoft.com", "RoomMailbox", also=["room@example.com"])]}, {}),
    ("setup", {"rules": [stranger("external", FromScope="NotInOrganization", PrependSubject="[External]")]}, {}),
    ("setup", {"rules": [stranger("elsewhere", StopRuleProcessing=True, RecipientDomainIs=["other.example.net"])]}, {}),
    ("setup", {"rules": [stranger("spared", StopRuleProcessing=True, ExceptIfRecipientDomainIs=[SHARED])]}, {}),
    ("setup", {"rules": [stranger("off", State="Disabled", StopRuleProcessing=True, RouteMessageOutboundConnector="x")]}, {}),
    ("setup", {"rules": [stranger("dry", Mode="Audit", StopRuleProcessing=True)]}, {}),
    ("setup", {"rules": [stranger("signature", StopRuleProcessing=True)]}, {"rule_priority": "0"}),
    ("setup", {"rules": [stranger("outward", StopRuleProcessing=True, SentToScope="NotInOrganization")]}, {"rule_scope": "organization"}),
    ("enforce", standing(), {}),
    ("cutover", standing(recipients=[mailbox("stub@example.com")]), {"users": ["stub@example.com"]}),
    (
        "cutover",
        standing(
            recipients=[mailbox("stub@example.com")],
            members=[mailbox("guest@elsewhere.net", "GuestMailUser", external="guest@elsewhere.net")],
        ),
        {"users": ["stub@example.com"], "rule_scope": "organization"},
    ),
    ("rollback", standing(recipients=[mailbox("stub@example.com")]), {"users": ["stub@example.com"]}),
    ("teardown", standing(), {}),
    ("remove", standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T10:59:59")]), {}),
    ("dismantle", standing(rules=[], groups=[group(Line(stops={RULE: "2026-03-01T10:00:00Z"}))]), {}),
    ("dismantle", {}, {}),
    ("restored", {}, {}),
]


@pytest.mark.parametrize(("step", "rows", "options"), HEALTHY)
def test_a_healthy_tenant_passes(step: str, rows: dict[str, Any], options: dict[str, Any]) -> None:
    verdict = evaluate(case(step, options=options, **rows))
    assert [str(finding) for finding in verdict.refusing] == []


def test_a_domain_that_was_not_restored_is_a_leftover() -> None:
    moment = case("restored", domains=[*DOMAINS[:2], domain(SHARED, "InternalRelay")], final={SHARED: "Authoritative"})
    assert "it was to become Authoritative" in str(found("U14", moment)[0])


def test_waits_and_validations_count_as_passed_in_check_mode() -> None:
    rows = standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T11:59:00")])
    assert found("U20", case("remove", **rows))
    assert not found("U20", case("remove", check_mode=True, **rows))
    rows = standing(connectors=[connector(IsValidated=False)])
    assert found("U6", case("enforce", **rows))
    assert not found("U6", case("enforce", check_mode=True, **rows))


def test_an_enabled_rule_is_refused_in_check_mode_too() -> None:
    assert found("U20", case("remove", check_mode=True, **standing()))


def test_a_stop_that_an_earlier_step_saw_counts() -> None:
    told = {RULE: "2026-03-01T10:00:00Z"}
    assert not found("U20", case("dismantle", connectors=[connector()], told=told))
    assert found("U20", case("dismantle", connectors=[connector()]))


def test_outside_a_wave_a_member_without_mailbox_is_told_only() -> None:
    rows = standing(members=[mailbox("gone@example.com", "MailUser")])
    assert [finding.blocks for finding in found("U27", case("enforce", **rows))] == [False]


def test_the_status_refuses_nothing() -> None:
    verdict = evaluate(case("status", **standing(connectors=[], members=[NESTED], rules=[rule(Comments=None)])))
    assert verdict.refusing == ()
    assert {"U5", "U19", "U30"} <= {finding.id for finding in verdict.told}


def test_a_refusal_is_one_line_with_counts_and_the_override() -> None:
    rows: dict[str, Any] = {
        "recipients": [mailbox(f"u{number}@example.com") for number in range(9)],
        "connectors": [connector(Comment="by hand")],
    }
    text = refusal(evaluate(case("setup", **rows)), "setup")
    assert "\n" not in text
    assert text.startswith("The step setup is refused by U4 (9), U19 (1): U4 u0@example.com: ")
    assert "8 more under findings." in text
    assert text.endswith("coexistence_accept_risks: [U4, U19].")


@given(st.sets(st.sampled_from([row.id for row in TABLE])))
def test_findings_are_refused_accepted_or_told_and_none_is_lost(accepted: set[str]) -> None:
    rows = standing(connectors=[connector(UseMXRecord=True)], rules=[rule(RecipientDomainIs=None)], members=[NESTED])
    findings = list(evaluate(case("cutover", options={"users": ["gone@example.com"]}, **rows)).all)
    verdict = judge(findings, frozenset(accepted))
    assert sorted(map(str, verdict.all)) == sorted(map(str, findings))
    assert not {finding.id for finding in verdict.refusing} & accepted
