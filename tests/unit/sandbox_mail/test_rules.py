# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport rules: conditions, exceptions, actions, order, and the readings of what is disputed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from sandbox.mail.predicates import PREDICATES, unevaluated
from sandbox.mail.router import route

from .builder import (
    CONNECTOR,
    OUTSIDE,
    ROUTING,
    SHARED,
    box,
    domain_rule,
    mail,
    routing_rule,
    tenant,
    ways,
)

OUT = "send Out "


@pytest.mark.parametrize(("acts", "way"), [(True, f"{OUT}stub@{SHARED}"), (False, "place stub")])
@pytest.mark.parametrize("kind", ["ndr", "oof", "journal"])
def test_rules_on_reports_have_two_readings(acts: bool, way: str, kind: str) -> None:
    directory = tenant(domain_rule(), facts={"rules_on_reports": acts})
    assert ways(directory, mail("stub", sender="", kind=kind)) == {"stub": way}


ANY = {"Name": "Above", "Priority": 0, "State": "Enabled", "Mode": "Enforce"}
BELOW = domain_rule(Priority=1)


@pytest.mark.parametrize(
    ("rule", "way"),
    [
        ({"StopRuleProcessing": True}, "place stub"),
        ({"RejectMessageReasonText": "no", "RejectMessageEnhancedStatusCode": "5.7.1"}, "bounce 5.7.1"),
        ({"DeleteMessage": True}, "drop rule 'Above' deleted it"),
        ({"Quarantine": True}, "drop rule 'Above' quarantined it"),
        ({"RouteMessageOutboundConnector": "Gateway"}, f"send Gateway stub@{SHARED}"),
        ({"ModerateMessageByUser": ["pilot"]}, "wait rule 'Above' sent it to a moderator"),
        ({"SetHeaderName": "X-A", "SetHeaderValue": "1"}, f"{OUT}stub@{SHARED}"),
        ({"State": "Disabled", "StopRuleProcessing": True}, f"{OUT}stub@{SHARED}"),
        ({"Mode": "Audit", "DeleteMessage": True}, f"{OUT}stub@{SHARED}"),
        ({"FromScope": "InOrganization", "DeleteMessage": True}, f"{OUT}stub@{SHARED}"),
        ({"ExpiryDate": "2025-01-01T00:00:00.0000000Z", "DeleteMessage": True}, f"{OUT}stub@{SHARED}"),
        ({"ActivationDate": "2027-01-01T00:00:00", "DeleteMessage": True}, f"{OUT}stub@{SHARED}"),
    ],
)
def test_a_rule_above_decides_first(rule: dict[str, Any], way: str) -> None:
    gateway = {**CONNECTOR, "Name": "Gateway"}
    directory = tenant({**ANY, **rule}, BELOW, connectors=(CONNECTOR, gateway), now=datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert ways(directory, mail("stub")) == {"stub": way}


@pytest.mark.parametrize(
    ("goals", "expected"),
    [
        (["pilot"], {"stub": "drop A rule redirects it to pilot@shared.example", "": "place pilot"}),
        (["pilot", "stub"], {"stub": "place stub", "": "place pilot"}),
        (["x@out.example"], {"stub": "drop A rule redirects it to x@out.example", "": "send MX x@out.example"}),
    ],
)
def test_whoever_a_rule_redirects_from_gets_nothing(goals: list[str], expected: dict[str, str]) -> None:
    rule = {**ANY, "RedirectMessageTo": [goal if "@" in goal else f"{goal}@{SHARED}" for goal in goals]}
    assert ways(tenant(rule), mail("stub")) == expected


def test_rules_below_a_redirect_see_the_new_recipient_under_one_reading() -> None:
    rules = ({**ANY, "SentTo": [f"pilot@{SHARED}"], "RedirectMessageTo": [f"stub@{SHARED}"]}, BELOW)
    assert ways(tenant(*rules), mail("pilot"))[""] == "place stub"
    assert ways(tenant(*rules, facts={"rules_after_redirect": True}), mail("pilot"))[""] == f"{OUT}stub@{SHARED}"


def test_any_of_conditions_do_not_split() -> None:
    rule = {**ANY, "AnyOfRecipientAddressContainsWords": ["stub"], "RouteMessageOutboundConnector": "Out"}
    assert ways(tenant(rule), mail("moved", "stub")) == {"moved": f"{OUT}moved@{SHARED}", "stub": f"{OUT}stub@{SHARED}"}
    split = {**ANY, "RecipientAddressContainsWords": ["stub"], "RouteMessageOutboundConnector": "Out"}
    assert ways(tenant(split), mail("moved", "stub"))["moved"] == "place moved"


def test_copies_that_a_rule_adds_answer_no_recipient() -> None:
    legs = route(tenant({**ANY, "BlindCopyTo": [f"pilot@{SHARED}"]}), mail("stub"))
    assert [(leg.asked, leg.key) for leg in legs] == [(f"stub@{SHARED}", "stub"), ("", "pilot")]


@pytest.mark.parametrize(
    ("fact", "action", "way"),
    [("stuck", "Ignore", "wait"), ("stuck", "Defer", "wait"), ("rule_error", "Ignore", "place"), ("rule_error", "Defer", "wait")],
)
@pytest.mark.parametrize("connectors", [(), ({**CONNECTOR, "Enabled": False},), ({**CONNECTOR, "Name": "Renamed"},)])
def test_a_rule_whose_connector_is_gone(fact: str, action: str, way: str, connectors: tuple[dict[str, Any], ...]) -> None:
    directory = tenant(domain_rule(RuleErrorAction=action), facts={"missing_connector": fact}, connectors=connectors)
    assert ways(directory, mail("stub"))["stub"].startswith(way)


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({"SenderIpRanges": [f"{OUTSIDE}/32"]}, True),
        ({"SenderIpRanges": ["198.51.100.1-198.51.100.9"]}, True),
        ({"SenderIpRanges": ["203.0.113.1"]}, False),
        ({"SenderDomainIs": [SHARED]}, True),
        ({"SenderDomainIs": ["d.example"]}, False),
        ({"From": [f"boss@{SHARED}"]}, True),
        ({"FromAddressContainsWords": ["boss"]}, True),
        ({"FromAddressMatchesPatterns": ["^bo.s@"]}, True),
        ({"SubjectContainsWords": ["invoice"]}, True),
        ({"SubjectContainsWords": ["voice"]}, False),
        ({"SubjectMatchesPatterns": ["inv"]}, True),
        ({"SubjectOrBodyContainsWords": ["body"]}, True),
        ({"HeaderContainsMessageHeader": "X-Mark", "HeaderContainsWords": ["seen"]}, True),
        ({"HeaderMatchesMessageHeader": "X-Mark", "HeaderMatchesPatterns": ["^no"]}, False),
        ({"SentTo": [f"stub@{ROUTING}"]}, True),
        ({"SentTo": [f"pilot@{SHARED}"]}, False),
        ({"AnyOfToHeader": [f"stub@{SHARED}"]}, True),
        ({"AnyOfCcHeader": [f"stub@{SHARED}"]}, False),
        ({"AnyOfToCcHeaderMemberOf": [f"inner@{SHARED}"]}, True),
        ({"SCLOver": 5}, False),
        ({"MessageTypeMatches": "OOF"}, False),
        ({"MessageSizeOver": "1 KB (1,024 bytes)"}, True),
        ({"MessageSizeOver": "1MB"}, False),
        ({"WithImportance": "High"}, True),
        ({"RecipientADAttributeContainsWords": ["Department:Sales,Legal"]}, True),
        ({"RecipientADAttributeMatchesPatterns": ["Department:^X"]}, False),
        ({"FromMemberOf": [f"inner@{SHARED}"]}, False),
        ({"BetweenMemberOf1": [f"inner@{SHARED}"], "BetweenMemberOf2": [f"migrated@{SHARED}"]}, False),
        ({"RecipientAddressMatchesPatterns": [rf"@{SHARED}$"]}, True),
        ({"SentToScope": "NotInOrganization"}, True),
    ],
)
def test_each_condition_and_its_exception(conditions: dict[str, Any], matches: bool) -> None:
    sales = box("stub", attributes={"Department": "Sales"})
    message = mail(
        "stub",
        sender=f"boss@{SHARED}",
        subject="Your invoice",
        body="a body",
        size=5000,
        headers=(("X-Mark", "seen it"), ("To", f"S <stub@{SHARED}>"), ("Importance", "high")),
    )
    for prefix, expected in (("", matches), ("ExceptIf", not matches)):
        named = {prefix + name: value for name, value in conditions.items()}
        rule = {**ANY, "DeleteMessage": True, "SenderDomainIs" if prefix else "RecipientDomainIs": [SHARED], **named}
        found = ways(tenant(rule, entries=(sales,)), message)["stub"]
        assert found.startswith("drop") == expected, (named, found)


def test_sender_address_location() -> None:
    message = mail("stub", sender=f"boss@{SHARED}")
    rewritten = replace(message, header_from="Boss <boss@rewritten.example>")
    for where, expected in (("Header", "place"), ("Envelope", "drop"), ("HeaderOrEnvelope", "drop")):
        rule = {**ANY, "SenderDomainIs": [SHARED], "SenderAddressLocation": where, "DeleteMessage": True}
        assert ways(tenant(rule), rewritten)["stub"].startswith(expected)


def test_headers_and_levels_of_earlier_rules_are_seen_by_later_ones() -> None:
    first = {**ANY, "SetHeaderName": "X-Loop", "SetHeaderValue": "t1", "SetSCL": -1}
    second = {
        **ANY,
        "Name": "Then",
        "Priority": 1,
        "HeaderMatchesMessageHeader": "X-Loop",
        "HeaderMatchesPatterns": ["^t1$"],
        "RouteMessageOutboundConnector": "Out",
    }
    leg = route(tenant(first, second), mail("stub"))[0]
    assert (leg.connector, leg.headers, leg.scl) == ("Out", (("X-Loop", "t1"),), -1)
    removing = {**ANY, "Name": "Strip", "Priority": 1, "RemoveHeader": "x-loop"}
    leg = route(tenant(first, removing, {**second, "Priority": 2}), mail("stub"))[0]
    assert (leg.action, leg.headers, leg.removed) == ("place", (), ("x-loop",))


@pytest.mark.parametrize(("counts", "way"), [(False, "place stub"), (True, f"{OUT}stub@{SHARED}")])
def test_a_condition_that_is_not_evaluated_has_two_readings(counts: bool, way: str) -> None:
    rule = {**ANY, "HasClassification": "secret", "RouteMessageOutboundConnector": "Out"}
    assert unevaluated(rule) == ["HasClassification"]
    assert ways(tenant(rule, facts={"unevaluated_match": counts}), mail("stub")) == {"stub": way}
    assert unevaluated(routing_rule()) == []
    assert "HasClassification" not in PREDICATES


def test_a_rule_without_conditions_takes_everything() -> None:
    rule = {**ANY, "RouteMessageOutboundConnector": "Out"}
    assert ways(tenant(rule), mail("stub", "x@out.example", inside=True)) == {"stub": f"{OUT}stub@{SHARED}", "x": f"{OUT}x@out.example"}
