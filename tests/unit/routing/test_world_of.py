# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows as the service shows them to a world that predicts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Published
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._reads import CALLS, NO_PREDICATES
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Forward, Mx, Predicate, SenderDomain, World
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import NAMELESS, Observed, member_calls, world_of

from .tenant import (
    CONNECTOR,
    DOMAINS,
    GROUP,
    ROUTING,
    RULE,
    SHARED,
    connector,
    domain,
    group,
    inputs,
    mailbox,
    rule,
    snapshot,
    standing,
    stranger,
)

PEOPLE = [
    mailbox(f"stub@{SHARED}"),
    mailbox(f"pilot@{SHARED}"),
    mailbox("other@other.example.net"),
    mailbox(f"moved@{SHARED}"),
]
OBSERVED = Observed(forwards={f"Moved@{SHARED}": Forward(f"moved@{ROUTING}")}, mx={SHARED: Mx(NAMELESS)})
LISTED = {
    "source.csv": "\n".join(["address,kind,owner,home", *(f"{name}@{SHARED},mailbox,,source" for name in ("stub", "moved", "noobj"))])
}


def world(rows: dict[str, Any] | None = None, *, observed: Observed = OBSERVED, **shown: Any) -> World:
    """The world of a finished set-up."""
    wanted = inputs("status", {**LISTED, "waves.csv": ""}, **shown.pop("options", {}))
    known = {
        "recipients": PEOPLE,
        "members": [mailbox(f"moved@{SHARED}")],
        "domains": [*DOMAINS[:2], domain(SHARED, "InternalRelay"), *DOMAINS[3:]],
        **shown,
    }
    return world_of(snapshot(wanted, **standing(**known)), wanted, rows, None, observed)


@pytest.mark.parametrize(
    ("name", "origin", "outcome"),
    [
        ("stub", "internet", "delivered"),
        ("stub", "tenant", "delivered"),
        ("noobj", "tenant", "delivered"),
        ("moved", "internet", "delivered"),
        ("moved", "tenant", "delivered"),
        ("pilot", "tenant", "bounced"),
        ("nobody", "internet", "bounced"),
    ],
)
def test_a_finished_set_up_predicts_as_it_should(name: str, origin: str, outcome: str) -> None:
    assert predict(world(), f"sender@{SHARED}", f"{name}@{SHARED}", origin).verdict == outcome


def test_a_rule_is_read_as_the_service_shows_it() -> None:
    row = rule(
        SentToScope="InOrganization",
        ExceptIfHeaderContainsMessageHeader="X-Loop",
        ExceptIfHeaderContainsWords=["yes"],
        SetHeaderName="X-Loop",
        SetHeaderValue="yes",
        SetSCL="-1",
        SubjectContainsWords=None,
        RecipientAddressType="Resolved",
        RuleErrorAction="Defer",
        StopRuleProcessing=False,
        Description="If the message: ...",
        Conditions=["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.SentToScopePredicate"],
        Size=382,
        ActivationDate=None,
    )
    found = world(rules=[row]).rules[0]
    assert found.conditions == (Predicate("RecipientDomainIs", (SHARED,)), Predicate("SentToScope", ("inorganization",)))
    assert found.exceptions == (Predicate("HeaderContainsWords", ("yes",), "x-loop"), Predicate("SentToMemberOf", (GROUP.casefold(),)))
    assert (found.route, found.sets, found.scl, found.original, found.defer) == (CONNECTOR.casefold(), ("x-loop", "yes"), "-1", False, True)
    assert found.since == "2026-03-01T08:00:00Z"
    assert found.was is None


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({"DeleteMessage": True}, "delete"),
        ({"Quarantine": True}, "quarantine"),
        ({"RejectMessageReasonText": "no"}, "reject"),
        ({"ModerateMessageByUser": ["boss@example.com"]}, "moderate"),
        ({"DeleteMessage": False, "SubjectContainsWords": ["x"]}, ""),
    ],
)
def test_what_ends_a_message_is_no_condition(more: dict[str, Any], ends: str) -> None:
    found = world(rules=[stranger("first", **more)]).rules[0]
    assert found.ends == ends
    assert [one.name for one in found.conditions] == (["SubjectContainsWords"] if "SubjectContainsWords" in more else [])


@pytest.mark.parametrize(
    "action",
    [
        {"AddManagerAsRecipientType": "Redirect"},
        {"NotifySender": "RejectMessage"},
        {"ApplyHtmlDisclaimerFallbackAction": "Reject", "ApplyHtmlDisclaimerText": "our words"},
    ],
)
def test_an_action_that_keeps_only_some_mail_from_its_reader_is_not_predicted_for_everybody(action: dict[str, str]) -> None:
    found = world(rules=[stranger("above", **action), rule(Priority=1)])
    assert (found.rules[0].ends, found.rules[0].conditions) == ("", ())
    assert predict(found, f"sender@{SHARED}", f"stub@{SHARED}", "tenant").verdict == "delivered"


def test_a_predicate_that_nobody_evaluates_stays_one() -> None:
    found = world(rules=[stranger("odd", SomethingNew=["x"], ExpiryDate="2031-01-01T00:00:00Z", Mode="Audit")]).rules[0]
    assert {one.name for one in found.conditions} == {"SomethingNew", "ExpiryDate"}
    assert not found.enabled
    assert "ExpiryDate" not in NO_PREDICATES


def test_a_rule_that_changed_lately_is_predicted_both_ways() -> None:
    fresh = world(rules=[rule(WhenChanged="2026-03-01T11:30:00Z")])
    assert fresh.rules[0].until == "2026-03-01T12:30:00Z"
    assert predict(fresh, "", f"stub@{SHARED}", "tenant").outcomes == {"delivered", "split"}
    assert predict(world(rules=[rule(WhenChanged="2026-03-01T10:30:00Z")]), "", f"stub@{SHARED}", "tenant").outcomes == {"delivered"}


FOLDER = f"folder@{SHARED}"
FRESH = "2026-03-01T11:30:00Z"


def made(when: str) -> str:
    return f"text [mailops.exchange {SHARED}] made {when}"


@pytest.mark.parametrize(
    ("comments", "edited"),
    [
        (made(FRESH), False),
        (made("2026-03-01T11:28:30Z"), False),
        (made("2026-03-01T11:20:00Z"), True),
        (made("2026-02-01T08:00:00Z"), True),
        (made("yesterday"), True),
        (f"text [mailops.exchange {SHARED}]", True),
        (None, True),
    ],
)
def test_a_rule_that_was_not_made_by_its_last_change_may_have_had_other_conditions(comments: str | None, edited: bool) -> None:
    exceptions: dict[str, Any] = {"ExceptIfRecipientAddressMatchesPatterns": [f"^{FOLDER}$"]}
    fresh = world(rules=[rule(WhenChanged=FRESH, Comments=comments, **exceptions)], recipients=[*PEOPLE, mailbox(FOLDER)])
    assert fresh.rules[0].edited == edited
    found = predict(fresh, "", FOLDER, "tenant")
    assert found.outcomes == ({"delivered", "bounced"} if edited else {"delivered"})
    assert any("before the change it may have acted on this message" in line for route in found.routes for line in route.lines()) == edited


def test_a_rule_that_was_stopped_by_us_was_the_same_before() -> None:
    held = group(Line({SHARED: "Authoritative"}, {}, {RULE: FRESH}))
    assert not world(rules=[rule(State="Disabled", WhenChanged=FRESH)], groups=[held]).rules[0].edited
    assert world(rules=[rule(State="Disabled", WhenChanged=FRESH)]).rules[0].edited


def test_a_time_in_another_zone_tells_nothing_so_the_change_counts_from_now() -> None:
    ahead = world(rules=[rule(WhenChanged="2026-03-01T14:00:00Z")]).rules[0]
    assert (ahead.until, ahead.since) == ("2026-03-01T13:00:00Z", "")
    assert ahead.was is not None
    assert world(rules=[stranger("theirs", StopRuleProcessing=True, WhenChanged="2026-03-01T14:00:00Z")]).rules[0].was is not None


@pytest.mark.parametrize(
    ("changed", "noted", "until"),
    [
        ("2026-03-01T06:00:00Z", "2026-03-01T11:30:00Z", "2026-03-01T12:30:00Z"),
        ("2026-03-01T11:40:00Z", "2026-03-01T11:30:00Z", "2026-03-01T12:40:00Z"),
        ("2026-03-01T14:00:00Z", "2026-03-01T11:30:00Z", "2026-03-01T12:30:00Z"),
        ("2026-03-01T14:00:00Z", "", "2026-03-01T13:00:00Z"),
        ("2026-03-01T06:00:00Z", "2026-03-01T10:30:00Z", ""),
        ("2026-03-01T06:00:00Z", "", ""),
    ],
)
def test_a_disabled_rule_of_ours_may_act_until_its_noted_stop_is_long_enough_ago(changed: str, noted: str, until: str) -> None:
    held = group(Line({SHARED: "Authoritative"}, {}, {RULE: noted} if noted else {}))
    found = world(rules=[rule(State="Disabled", WhenChanged=changed)], groups=[held]).rules[0]
    assert (found.until, found.was is not None) == (until, bool(until))
    outcomes = predict(world(rules=[rule(State="Disabled", WhenChanged=changed)], groups=[held]), "", f"stub@{SHARED}", "tenant").outcomes
    assert outcomes == ({"delivered", "split"} if until else {"split"})


@pytest.mark.parametrize(
    ("options", "pilot"),
    [
        ({}, {"bounced", "delivered"}),
        ({"rule_scope": "organization"}, {"bounced", "delivered"}),
        ({"membership": "pending"}, {"delivered"}),
        ({"tenant_addresses": [f"pilot@{SHARED}"]}, {"delivered"}),
    ],
)
def test_a_removed_rule_that_may_still_act_is_rebuilt(options: dict[str, Any], pilot: set[str]) -> None:
    noted = Line({SHARED: "Authoritative"}, {}, {RULE: "2026-03-01T11:30:00Z"})
    members = [mailbox(f"stub@{SHARED}")] if options.get("membership") == "pending" else [mailbox(f"moved@{SHARED}")]
    wanted = inputs("status", {**LISTED, "waves.csv": ""}, **options)
    shown: dict[str, Any] = {"recipients": PEOPLE, "members": members, "rules": [], "groups": [group(noted)], "connectors": [connector()]}
    found = world_of(snapshot(wanted, **shown), wanted, observed=OBSERVED)
    assert [one.name for one in found.rules] == [RULE]
    assert predict(found, f"x@{SHARED}", f"stub@{SHARED}", "tenant").outcomes == {"delivered", "split"}
    assert predict(found, f"x@{SHARED}", f"pilot@{SHARED}", "tenant").outcomes == pilot
    late = world_of(snapshot(wanted, **shown, now="2026-03-01T13:30:00Z"), wanted, observed=OBSERVED)
    assert late.rules == ()


def test_further_reads_settle_what_stays_open_without_them() -> None:
    bare = world()
    assert (bare.policies.honor_dmarc, bare.policies.plus_addressing, bare.policies.auto_forward) == (None, None, None)
    rows = {
        "domains": [domain(SHARED, "InternalRelay", MatchSubDomains=True), domain(ROUTING, SendingToDomainDisabled=True)],
        "organization": [{"RejectDirectSend": True, "DisablePlusAddressInRecipients": False}],
        "phishing": [{"IsDefault": True, "HonorDmarcPolicy": False}, {"HonorDmarcPolicy": True}],
        "spam": [{"AutoForwardingMode": "Automatic"}],
        "sealers": [{"ArcTrustedSealers": ["192.0.2.10,other.example"]}],
        "mailboxes": [
            {"PrimarySmtpAddress": f"stub@{SHARED}", "ForwardingAddress": f"guid-pilot@{SHARED}", "DeliverToMailboxAndForward": True},
            {"PrimarySmtpAddress": f"pilot@{SHARED}", "ForwardingSmtpAddress": "smtp:x@elsewhere.example"},
        ],
    }
    full = world(rows)
    assert full.domains[SHARED].subdomains
    assert full.domains[ROUTING].disabled
    assert full.policies.reject_direct_send
    assert (full.policies.honor_dmarc, full.policies.plus_addressing, full.policies.auto_forward) == (False, True, False)
    assert full.policies.trusted_sealers == {NAMELESS}
    stub, pilot = full.by_address[f"stub@{SHARED}"], full.by_address[f"pilot@{SHARED}"]
    assert (stub.forward, stub.keep) == (f"pilot@{SHARED}", True)
    assert pilot.forward_smtp == "x@elsewhere.example"
    assert world({"organization": [{"AllowPlusAddressInRecipients": False}]}).policies.plus_addressing is False
    assert world({"spam": [{"AutoForwardingMode": "On"}, {"AutoForwardingMode": "Off"}]}).policies.auto_forward is None


@pytest.mark.parametrize(
    ("shown", "forward", "outcome"),
    [
        (f"guid-pilot@{SHARED}", f"pilot@{SHARED}", "delivered"),
        ("Pilot", f"pilot@{SHARED}", "delivered"),
        ("Anna PILOT", f"pilot@{SHARED}", "delivered"),
        ("a.pilot", f"pilot@{SHARED}", "delivered"),
        ("Two of a name", "two of a name", "unknown"),
        ("Somebody", "somebody", "unknown"),
    ],
)
def test_a_forwarding_address_may_read_back_as_a_name(shown: str, forward: str, outcome: str) -> None:
    named = mailbox(f"pilot@{SHARED}") | {"Alias": "a.pilot", "DisplayName": "Anna Pilot"}
    twins = [mailbox(f"{name}@other.example.net") | {"DisplayName": "Two of a name"} for name in ("x", "y")]
    rows = {"mailboxes": [{"PrimarySmtpAddress": f"stub@{SHARED}", "ForwardingAddress": shown}]}
    members = [mailbox(f"pilot@{SHARED}")]
    found = world(rows, recipients=[mailbox(f"stub@{SHARED}"), named, *twins], members=members)
    assert found.by_address[f"stub@{SHARED}"].forward == forward
    assert predict(found, f"x@{SHARED}", f"stub@{SHARED}", "tenant").verdict == outcome


def test_groups_are_unknown_until_their_members_are_read() -> None:
    team = {**mailbox(f"team@{SHARED}", "MailUniversalDistributionGroup"), "RequireSenderAuthenticationEnabled": False}
    named = stranger("first", SentToMemberOf=[f"team@{SHARED}"], RejectMessageReasonText="no")
    wanted = inputs("status", {**LISTED, "waves.csv": ""})
    shown = snapshot(wanted, **standing(recipients=[*PEOPLE, team], rules=[named]))
    calls = member_calls(shown, {"groups": [team, mailbox("far@other.example.net", routing=False)]}, wanted)
    assert {address: dict(call.parameters) for address, call in calls.items()} == {
        f"team@{SHARED}": {"Identity": f"team@{SHARED}", "ResultSize": "Unlimited"}
    }
    assert world(recipients=[*PEOPLE, team]).by_address[f"team@{SHARED}"].members is None
    members = {f"team@{SHARED}": [mailbox(f"stub@{SHARED}")]}
    read = world({"groups": [team]}, recipients=[*PEOPLE, team])
    assert read.by_address[f"team@{SHARED}"].outsiders
    known = world_of(shown, wanted, {"groups": [team]}, members, OBSERVED)
    assert known.by_address[f"team@{SHARED}"].members == (f"stub@{SHARED}",)
    assert known.by_address[GROUP.casefold()].kind == "mailuniversaldistributiongroup"


def test_what_was_observed_reaches_the_world() -> None:
    published = Published(spf={"tenant": True, NAMELESS: True}, dkim={"tenant": True, NAMELESS: False}, others=(), policy="reject")
    seen = Observed(
        moving={f"stub@{SHARED}": "13:00"},
        synced=frozenset({f"Moved@{SHARED}"}),
        modes={NAMELESS: frozenset({"keep_copy", "follows_mx"})},
        certificates={NAMELESS: "MX.example.com"},
        dns={SHARED: published, "outside.example.org": Published(policy="reject")},
        off=frozenset({NAMELESS}),
        facts={"sent_to_scope": "a"},
    )
    found = world(observed=seen)
    assert found.moving == {(GROUP.casefold(), f"stub@{SHARED}"): "13:00"}
    assert found.synced == {f"moved@{SHARED}"}
    assert found.sources[0].modes == {"reject", "keep_copy", "follows_mx"}
    assert found.sources[0].certificate == "mx.example.com"
    assert found.sources[0].off
    assert found.senders[SHARED] == SenderDomain(True, frozenset({"tenant", NAMELESS}), False)
    assert found.senders["outside.example.org"] == SenderDomain(True, frozenset({"internet"}), True)
    assert found.facts == {"sent_to_scope": "a"}


@pytest.mark.parametrize(
    ("home", "told", "outcome"),
    [
        ("source", {}, "delivered"),
        ("tenant", {}, "split"),
        ("tenant", {"unsynced": frozenset({f"Stub@{SHARED}"})}, "healed"),
        ("tenant", {"synced": frozenset({f"stub@{SHARED}"}), "unsynced": frozenset({f"stub@{SHARED}"})}, "split"),
    ],
)
def test_who_is_at_home_in_the_tenant_has_had_the_last_sync(home: str, told: dict[str, Any], outcome: str) -> None:
    alias = f"boss@{SHARED},mailbox,,source\nold@{SHARED},alias,boss@{SHARED},tenant\n"
    files = {"source.csv": f"address,kind,owner,home\nstub@{SHARED},mailbox,,{home}\n{alias}", "waves.csv": ""}
    wanted = inputs("status", files)
    shown = snapshot(wanted, **standing(recipients=PEOPLE, members=[mailbox(f"stub@{SHARED}")]))
    found = world_of(shown, wanted, observed=Observed(mx={SHARED: Mx(NAMELESS)}, **told))
    assert predict(found, "x@outside.example.org", f"stub@{SHARED}", "internet").verdict == outcome, "its forward was lost"
    assert f"old@{SHARED}" not in found.synced, "an alias goes by its owner"


def test_what_a_source_signs_is_open_and_a_policy_that_is_told_counts() -> None:
    published = Published(spf={"tenant": True, NAMELESS: True}, dkim={"tenant": True, NAMELESS: None}, others=(), policy="none")
    seen = Observed(dns={SHARED: published}, dmarc={SHARED: "reject", "outside.example.org": "reject", "mild.example.org": "quarantine"})
    found = world(observed=seen).senders
    assert found[SHARED] == SenderDomain(True, frozenset({"tenant", NAMELESS}), None)
    assert found["outside.example.org"] == SenderDomain(True, frozenset({"internet"}), None)
    assert found["mild.example.org"].reject is False
    unsigned = Observed(dns={SHARED: Published(dkim={"tenant": False, NAMELESS: None}, policy="reject")})
    assert world(observed=unsigned).senders[SHARED].dkim is False


def test_an_inbound_connector_is_read() -> None:
    row = {
        "Name": "in",
        "Enabled": True,
        "ConnectorType": "Partner",
        "SenderDomains": ["smtp:example.com;1"],
        "SenderIPAddresses": ["192.0.2.10"],
        "RestrictDomainsToIPAddresses": True,
        "EFSkipLastIP": True,
        "TreatMessagesAsInternal": False,
    }
    found = world(inbound=[row]).inbound[0]
    assert (found.partner, found.senders, found.ranges) == (True, ("example.com",), ("192.0.2.10",))
    assert (found.restrict, found.enhanced, found.internal) == ("ip", True, False)


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        ("SchedulingMailbox", "usermailbox"),
        ("RoomMailbox", "roommailbox"),
        ("GroupMailbox", "groupmailbox"),
        ("RemoteUserMailbox", "remoteusermailbox"),
        ("MailUser", "mailuser"),
    ],
)
def test_every_kind_of_cloud_mailbox_takes_mail(shown: str, kind: str) -> None:
    found = world(recipients=[*PEOPLE, mailbox(f"odd@{SHARED}", shown)])
    assert found.by_address[f"odd@{SHARED}"].kind == kind


def test_every_further_read_is_a_get_cmdlet() -> None:
    assert all(call.reads for call in CALLS.values())
