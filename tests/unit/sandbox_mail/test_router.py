# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's decisions, fact by fact: edge, resolution, rules, delivery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sandbox.mail.edge import rcpt
from sandbox.mail.model import Session
from sandbox.mail.readings import FACTS, Facts
from sandbox.mail.router import route

from .builder import (
    CONNECTOR,
    INITIAL,
    OTHER,
    OUTSIDE,
    ROUTING,
    SHARED,
    SMART_HOST,
    box,
    domain_rule,
    group,
    mail,
    routing_rule,
    tenant,
    user,
    ways,
)

OUT = "send Out "


def test_every_disputed_fact_is_a_field_whose_default_is_its_first_reading() -> None:
    for fact in FACTS:
        assert getattr(Facts(), fact.name) == fact.readings[0]
        assert len(fact.readings) > 1


@pytest.mark.parametrize(
    ("authoritative", "recipient", "inside", "status"),
    [
        (True, f"nobody@{SHARED}", False, "5.4.1"),
        (False, f"nobody@{SHARED}", False, ""),
        (True, f"nobody@{SHARED}", True, ""),
        (True, f"stub@{SHARED}", False, ""),
        (True, f"stub+tag@{SHARED}", False, ""),
        (False, f"gone@{ROUTING}", False, "5.4.1"),
        (False, f"stub@{ROUTING}", False, ""),
        (False, "x@elsewhere.example", False, "5.7.64"),
        (False, f"x@sub.{SHARED}", False, "5.7.64"),
    ],
)
def test_edge_answers_each_address(authoritative: bool, recipient: str, inside: bool, status: str) -> None:
    refusal = rcpt(tenant(authoritative=authoritative), Session(OUTSIDE, inside), "a@out.example", recipient)
    assert (refusal.status if refusal else "") == status


def test_unknown_from_inside_in_an_authoritative_domain_bounces() -> None:
    assert ways(tenant(authoritative=True), mail("nobody", inside=True)) == {"nobody": "bounce 5.1.10"}


@pytest.mark.parametrize(
    ("connectors", "sender", "status"),
    [
        ([], f"boss@{SHARED}", "5.7.68"),
        ([], "a@out.example", ""),
        ([], "", ""),
        ([{"Name": "In", "Enabled": True, "SenderDomains": ["smtp:*;1"], "SenderIPAddresses": [OUTSIDE]}], f"boss@{SHARED}", ""),
        ([{"Name": "In", "Enabled": False, "SenderDomains": ["smtp:*;1"], "SenderIPAddresses": [OUTSIDE]}], f"boss@{SHARED}", "5.7.68"),
        (
            [
                {
                    "Name": "In",
                    "Enabled": True,
                    "SenderDomains": ["*"],
                    "SenderIPAddresses": [],
                    "TlsSenderCertificateName": "mx.source.example",
                }
            ],
            f"boss@{SHARED}",
            "5.7.68",
        ),
    ],
)
def test_direct_send_is_refused_without_a_connector(connectors: list[dict[str, Any]], sender: str, status: str) -> None:
    directory = tenant(reject_direct_send=True, inbound=connectors)
    refusal = rcpt(directory, Session(OUTSIDE), sender, f"stub@{SHARED}")
    assert (refusal.status if refusal else "") == status


@pytest.mark.parametrize(
    ("restriction", "ip", "status"),
    [
        ({"RestrictDomainsToIPAddresses": True, "SenderIPAddresses": [SMART_HOST]}, OUTSIDE, "5.7.51"),
        ({"RestrictDomainsToIPAddresses": True, "SenderIPAddresses": [SMART_HOST]}, SMART_HOST, ""),
        ({"RestrictDomainsToCertificate": True, "TlsSenderCertificateName": "*.source.example"}, SMART_HOST, "5.7.51"),
    ],
)
def test_partner_connector_keeps_a_sender_domain(restriction: dict[str, Any], ip: str, status: str) -> None:
    row = {"Name": "Only", "Enabled": True, "ConnectorType": "Partner", "SenderDomains": [f"smtp:{SHARED};1"], **restriction}
    refusal = rcpt(tenant(inbound=[row]), Session(ip), f"a@{SHARED}", f"stub@{SHARED}")
    assert (refusal.status if refusal else "") == status


@pytest.mark.parametrize(
    ("address", "way"),
    [
        (f"moved@{ROUTING}", "place moved"),
        (f"second.alias@{SHARED}", "place second"),
        (f"second@{OTHER}", "place second"),
        (f"stub+news@{SHARED}", "place stub"),
        ("m365", "place m365"),
        ("folder", "place folder"),
        ("guest@guests.example.net", "send MX guest@guests.example.net"),
        ("mailuser", f"send MX mailuser@{SHARED}"),
        ("nobody", f"send MX nobody@{SHARED}"),
        ("x@out.example", "send MX x@out.example"),
    ],
)
def test_resolution_without_rules(address: str, way: str) -> None:
    assert list(ways(tenant(), mail(address, inside=True)).values()) == [way]


def test_plus_addressing_can_be_off() -> None:
    assert ways(tenant(plus_addressing=False), mail("stub+x")) == {"stub+x": f"send MX stub+x@{SHARED}"}


def test_groups_expand_nested_and_dynamic_and_refuse_outside_senders() -> None:
    nest = group("outer", "inner", "dynamic", "outer", open_=True)
    directory = tenant(entries=(nest,))
    assert ways(directory, mail("outer")) == {"outer": "place stub | place pilot | place moved"}
    assert ways(directory, mail("migrated")) == {"migrated": "bounce 5.7.133"}
    assert ways(directory, mail("migrated", inside=True)) == {"migrated": "place moved"}
    assert ways(tenant(entries=(group("empty", open_=True),)), mail("empty"))["empty"].startswith("drop the group")


def test_forwards_are_followed() -> None:
    inner = tenant(
        entries=(
            box("kept", forward_to="stub", keep_copy=True),
            box("away", forward_smtp=f"noobj@{SHARED}"),
            box("out", forward_smtp="x@out.example"),
            box("ring", forward_to="ring2"),
            box("ring2", forward_to="ring"),
        )
    )
    assert ways(inner, mail("kept")) == {"kept": "place kept | place stub"}
    assert ways(inner, mail("away")) == {"away": f"send MX noobj@{SHARED}"}
    assert ways(inner, mail("out")) == {"out": "bounce 5.7.520"}
    assert ways(inner, mail("ring")) == {"ring": "loop 5.4.14"}
    allowed = tenant(entries=(box("out", forward_smtp="x@out.example"),), auto_forwarding=True)
    leg = route(allowed, mail("out"))[0]
    assert (leg.address, leg.forwarded) == ("x@out.example", True)
    again = mail("out", headers=leg.headers)
    assert ways(allowed, again) == {"out": "loop 5.4.14"}
    blocked = tenant(
        entries=(box("out", forward_smtp="x@out.example"),), auto_forwarding=True, remote=[{"DomainName": "*", "AutoForwardEnabled": False}]
    )
    assert ways(blocked, mail("out")) == {"out": "bounce 5.7.520"}


def test_a_mail_user_of_another_object_is_looked_up_once() -> None:
    directory = tenant(entries=(user("proxy", f"stub@{SHARED}", f"proxy@{OTHER}"), user("lost", "")))
    assert ways(directory, mail(f"proxy@{OTHER}", "lost")) == {"proxy": "place stub", "lost": "bounce 5.1.10"}


def test_one_message_takes_two_ways() -> None:
    directory = tenant(routing_rule())
    assert ways(directory, mail("moved", "stub", "mailuser", "nobody", inside=True)) == {
        "moved": "place moved",
        "stub": f"{OUT}stub@{SHARED}",
        "mailuser": f"{OUT}mailuser@{SHARED}",
        "nobody": f"{OUT}nobody@{SHARED}",
    }


def test_scope_organization_reaches_every_accepted_domain_and_every_object() -> None:
    directory = tenant(routing_rule())
    assert ways(directory, mail(f"other@{OTHER}", "guest@guests.example.net", "m365", "folder", "x@out.example", inside=True)) == {
        "other": f"{OUT}other@{OTHER}",
        "guest": f"{OUT}guest@guests.example.net",
        "m365": f"{OUT}m365@{SHARED}",
        "folder": f"{OUT}folder@{SHARED}",
        "x": "send MX x@out.example",
    }


@pytest.mark.parametrize(
    ("reading", "stub", "nobody"),
    [
        ("a", "place stub", f"send MX nobody@{SHARED}"),
        ("b", f"{OUT}stub@{SHARED}", f"send MX nobody@{SHARED}"),
        ("c", f"{OUT}stub@{SHARED}", f"{OUT}nobody@{SHARED}"),
    ],
)
def test_sent_to_scope_has_three_readings_for_anonymous_mail(reading: str, stub: str, nobody: str) -> None:
    directory = tenant(routing_rule(), facts={"sent_to_scope_reading": reading})
    assert ways(directory, mail("stub", "nobody")) == {"stub": stub, "nobody": nobody}
    assert ways(directory, mail("stub", inside=True)) == {"stub": f"{OUT}stub@{SHARED}"}


def test_an_internal_remote_domain_is_inside() -> None:
    directory = tenant(routing_rule(), remote=[{"DomainName": "*.out.example", "IsInternal": True}])
    assert ways(directory, mail("x@a.out.example", inside=True)) == {"x": f"{OUT}x@a.out.example"}


@pytest.mark.parametrize(
    ("address", "kind", "routed"),
    [
        ("stub", "Resolved", True),
        (f"elsewhere@{SHARED}", "Resolved", False),
        (f"elsewhere@{SHARED}", "Original", True),
        (f"second@{OTHER}", "Resolved", True),
        (f"second@{OTHER}", "Original", False),
        (f"x@sub.{SHARED}", "Resolved", True),
        (f"x@not{SHARED}", "Resolved", False),
    ],
)
def test_recipient_domain_is_the_primary_addresss_with_its_subdomains(address: str, kind: str, routed: bool) -> None:
    found = ways(tenant(domain_rule(RecipientAddressType=kind)), mail(address))
    assert all(way.startswith(OUT) == routed for way in found.values())


@pytest.mark.parametrize(("nested", "way"), [(True, "place stub"), (False, f"{OUT}stub@{SHARED}")])
def test_nested_membership_has_two_readings(nested: bool, way: str) -> None:
    directory = tenant(domain_rule(), members={"migrated": {"moved", "inner"}}, facts={"nested_groups_count": nested})
    assert ways(directory, mail("stub")) == {"stub": way}


def test_a_deleted_group_excepts_nobody_and_a_condition_on_it_does_nothing() -> None:
    gone = tenant(domain_rule())
    gone.acting_groups.clear()
    assert ways(gone, mail("moved")) == {"moved": f"{OUT}moved@{SHARED}"}
    pending = tenant(domain_rule(ExceptIfSentToMemberOf=None, SentToMemberOf=[f"migrated@{SHARED}"]))
    assert ways(pending, mail("moved", "stub")) == {"moved": f"{OUT}moved@{SHARED}", "stub": "place stub"}
    pending.acting_groups.clear()
    assert ways(pending, mail("moved")) == {"moved": "place moved"}


def test_rules_see_the_acting_members_and_expansion_the_present_ones() -> None:
    directory = tenant(domain_rule(), members={"migrated": set()})
    assert ways(directory, mail("migrated", inside=True)) == {"migrated": f"{OUT}moved@{SHARED}"}


@pytest.mark.parametrize(
    ("changes", "hosts"), [({}, (SMART_HOST,)), ({"UseMXRecord": True}, ()), ({"SmartHosts": [f"[{SMART_HOST}]"]}, (SMART_HOST,))]
)
def test_the_rules_connector_gives_the_hosts(changes: dict[str, Any], hosts: tuple[str, ...]) -> None:
    assert route(tenant(domain_rule(), connectors=({**CONNECTOR, **changes},)), mail("stub"))[0].hosts == hosts


def test_smart_hosts_share_the_load() -> None:
    directory = tenant(domain_rule(), connectors=({**CONNECTOR, "SmartHosts": ["192.0.2.1", "192.0.2.2"]},))
    first = {route(directory, replace(mail("stub"), id=f"<{number}@test>"))[0].hosts[0] for number in range(40)}
    assert first == {"192.0.2.1", "192.0.2.2"}


def test_a_connector_is_given_the_primary_address() -> None:
    assert ways(tenant(routing_rule()), mail("elsewhere", inside=True)) == {"elsewhere": f"{OUT}elsewhere@{INITIAL}"}


@pytest.mark.parametrize(
    ("rows", "connector"),
    [
        ([], ""),
        ([{"RecipientDomains": [SHARED]}], "C0"),
        ([{"RecipientDomains": ["*"]}, {"RecipientDomains": [SHARED]}], "C1"),
        ([{"RecipientDomains": ["*"]}], "C0"),
        ([{"RecipientDomains": ["*.example"]}], "C0"),
        ([{"RecipientDomains": [SHARED], "Enabled": False}], ""),
        ([{"RecipientDomains": [SHARED], "IsTransportRuleScoped": True}], ""),
        ([{"RecipientDomains": [], "AllAcceptedDomains": True}], "C0"),
        ([{"RecipientDomains": [SHARED], "TestMode": True}], ""),
        ([{"RecipientDomains": [], "RouteAllMessagesViaOnPremises": True}], "C0"),
    ],
)
def test_a_connector_by_recipient_domain(rows: list[dict[str, Any]], connector: str) -> None:
    rows = [{"Name": f"C{number}", "Enabled": True, "UseMXRecord": True, **row} for number, row in enumerate(rows)]
    assert route(tenant(connectors=tuple(rows)), mail("nobody"))[0].connector == connector


@pytest.mark.parametrize(
    ("entries", "limit", "action"), [(1, 3, "place"), (2, 3, "place"), (3, 3, "loop"), (4, 5, "place"), (5, 5, "loop")]
)
def test_entries_into_the_tenant_are_counted(entries: int, limit: int, action: str) -> None:
    leg = route(tenant(facts={"loop_entries": limit}), mail("stub", entries=entries))[0]
    assert leg.action == action
    assert action == "place" or leg.status == "5.4.14"


def test_a_connector_that_does_not_say_goes_by_mx() -> None:
    row = {"Name": "Out", "Enabled": True, "SmartHosts": [SMART_HOST], "IsTransportRuleScoped": True}
    leg = route(tenant(domain_rule(), connectors=(row,)), mail("stub"))[0]
    assert (leg.connector, leg.hosts) == ("Out", ())
