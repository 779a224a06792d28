# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: what each step writes, on an empty, a half-made and a finished tenant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, commented, mark, read_line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import CONNECTOR_TEXT, RULE_TEXT, plan
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError

from .tenant import CONNECTOR, DOMAINS, GROUP, INBOUND, RULE, SHARED, case, connector, domain, group, mailbox, rule, standing, stranger

JOINED = '{"former":{"example.com":"Authoritative"},"moved":"2026-03-01T12:00:00Z","mx":{},"stops":{}}'
SOURCES = [
    {"name": "old", "domains": [SHARED], "smart_hosts": ["192.0.2.1"], "source_ip_ranges": ["192.0.2.1"]},
    {"name": "older", "domains": ["other.example.net"], "smart_hosts": ["192.0.2.2"], "source_ip_ranges": ["192.0.2.2"]},
]
SEVERAL: dict[str, Any] = {"sources": SOURCES, "domains": [SHARED, "other.example.net"], "smart_hosts": [], "source_ip_ranges": []}


def former(made: dict[str, Any]) -> dict[str, str]:
    """The former types in a planned group."""
    line = read_line(made["groups"][0]["description"])
    assert line is not None
    return dict(line.former)


def test_a_set_up_of_an_empty_tenant() -> None:
    made = plan(case("setup", recipients=[mailbox("pilot@example.com"), mailbox("stub@example.com")], options={"seed_group": True}))
    assert made["domains"] == [{"identity": SHARED, "domain_type": "InternalRelay"}]
    assert made["groups"] == [
        {
            "identity": GROUP,
            "name": "Migrated Users",
            "primary_smtp_address": GROUP,
            # Who joins now may not count yet for later steps.
            "description": f"[mailops.exchange example.com] {JOINED}",
            "member_join_restriction": "Closed",
            "member_depart_restriction": "Closed",
            "hidden_from_address_lists_enabled": True,
        }
    ]
    assert made["members"] == [{"identity": GROUP, "members": ["pilot@example.com"]}]
    assert made["connectors"] == [
        {
            "identity": CONNECTOR,
            "enabled": True,
            "connector_type": "Partner",
            "all_accepted_domains": False,
            "is_transport_rule_scoped": True,
            "cloud_services_mail_enabled": False,
            "comment": f"{CONNECTOR_TEXT.format(SHARED)} [mailops.exchange example.com]",
            "tls_settings": "",
            "tls_domain": "",
            "use_mx_record": False,
            "recipient_domains": [],
            "smart_hosts": ["192.0.2.10"],
            "validation_recipients": ["postmaster@example.com"],
        }
    ]
    assert made["rules"] == made["inbound_rules"] == made["waits"] == []


HOSTS = {"smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]}


def test_rules_in_the_scope_of_domains() -> None:
    made = plan(case("enforce", options={"rule_scl": "-1", "rule_priority": "0", "tenant_addresses": ["team@example.com"]}))
    assert made["rules"] == [
        {
            "identity": RULE,
            "route_message_outbound_connector": CONNECTOR,
            "stop_rule_processing": False,
            "mode": "Enforce",
            "comments": f"{RULE_TEXT} [mailops.exchange example.com] made 2026-03-01T12:00:00Z",
            "rule_error_action": "Ignore",
            "sender_address_location": "Header",
            "recipient_domain_is": [SHARED],
            "except_if_sent_to_member_of": [GROUP.lower()],
            "except_if_recipient_domain_is": ["sub.example.com"],
            "except_if_recipient_address_matches_patterns": [r"^team@example\.com$"],
            "set_scl": -1,
            "priority": 0,
        }
    ]
    assert made["inbound_rules"] == [
        {
            "identity": INBOUND,
            "sender_ip_ranges": ["192.0.2.10"],
            "stop_rule_processing": False,
            "rule_error_action": "Ignore",
            "sender_address_location": "Header",
            "comments": "[mailops.exchange example.com]",
            "set_scl": -1,
        }
    ]


def test_the_rules_of_several_sources_stand_one_after_the_other() -> None:
    """Priorities are unique: two rules that both want the same one would be moved by every run."""
    sources = [{"name": name, "domains": [domain], **HOSTS} for name, domain in (("old", SHARED), ("older", "other.example.net"))]
    options = {"domains": [SHARED, "other.example.net"], "sources": sources, "smart_hosts": None, "source_ip_ranges": None}
    made = plan(case("enforce", options={**options, "rule_priority": "2"}))
    assert [one["priority"] for one in made["rules"]] == [2, 3]
    assert all("priority" not in one for one in made["inbound_rules"])


def test_a_rule_that_stands_is_enabled_again() -> None:
    made = plan(case("enforce", **standing(rules=[rule(State="Disabled"), rule(INBOUND, Comments=mark([SHARED]), State="Disabled")])))
    assert [one["enabled"] for one in (*made["rules"], *made["inbound_rules"])] == [True, True]


def test_a_rule_keeps_the_time_at_which_it_was_planned() -> None:
    made = commented(RULE_TEXT, [SHARED], "2026-02-03T04:05:06Z")
    assert plan(case("enforce", rules=[rule(Comments=made)]))["rules"][0]["comments"] == made
    plain = commented(RULE_TEXT, [SHARED])
    assert plan(case("enforce", rules=[rule(Comments=plain)]))["rules"][0]["comments"] == plain


def test_rules_in_the_scope_of_the_organization_are_the_method_and_its_exceptions() -> None:
    (made,) = plan(case("enforce", options={"rule_scope": "organization"}))["rules"]
    assert made["sent_to_scope"] == "InOrganization"
    assert "recipient_domain_is" not in made
    assert made["except_if_recipient_domain_is"] == [
        "contoso.mail.onmicrosoft.com",
        "contoso.onmicrosoft.com",
        "other.example.net",
        "sub.example.com",
    ]
    assert "set_scl" not in made


def test_a_changed_scope_clears_the_other_ones_condition() -> None:
    old = rule(
        SentToScope="InOrganization",
        RecipientDomainIs=None,
        SentToMemberOf=["x@example.com"],
        ExceptIfRecipientAddressMatchesPatterns=["^a"],
    )
    (made,) = plan(case("enforce", **standing(rules=[old])))["rules"]
    assert (made["sent_to_scope"], made["recipient_domain_is"]) == ("", [SHARED])
    assert made["sent_to_member_of"] == made["except_if_recipient_address_matches_patterns"] == []


def test_pending_membership_turns_the_rule_round() -> None:
    (made,) = plan(case("enforce", options={"membership": "pending"}))["rules"]
    assert made["sent_to_member_of"] == [GROUP.lower()]
    assert "except_if_sent_to_member_of" not in made


def test_pending_membership_is_seeded_with_those_who_read_at_the_source() -> None:
    people = [mailbox("pilot@example.com"), mailbox("stub@example.com")]
    made = plan(case("setup", recipients=people, options={"membership": "pending", "seed_group": True}))
    assert made["proposed_seed"] == ["stub@example.com"]


@pytest.mark.parametrize(("handling", "rules", "connectors"), [("transport_rule", 1, 0), ("enhanced_filtering", 0, 1), ("none", 0, 0)])
def test_one_way_in(handling: str, rules: int, connectors: int) -> None:
    made = plan(case("enforce", options={"spam_handling": handling}))
    assert (len(made["inbound_rules"]), len(made["inbound_connectors"])) == (rules, connectors)


def test_each_source_has_its_own_objects_and_marks() -> None:
    made = plan(case("setup", options=SEVERAL)) | {"rules": plan(case("enforce", options=SEVERAL))["rules"]}
    assert [one["identity"] for one in made["connectors"]] == [f"{CONNECTOR} (old)", f"{CONNECTOR} (older)"]
    assert [one["comment"].rpartition(" [")[2] for one in made["connectors"]] == [
        "mailops.exchange example.com]",
        "mailops.exchange other.example.net]",
    ]
    assert [one["route_message_outbound_connector"] for one in made["rules"]] == [f"{CONNECTOR} (old)", f"{CONNECTOR} (older)"]
    assert [one["recipient_domain_is"] for one in made["rules"]] == [[SHARED], ["other.example.net"]]
    assert mark([SHARED, "other.example.net"]) in made["groups"][0]["description"]
    assert len(made["groups"]) == 1


def test_a_relay_domain_without_memory_has_an_unknown_past() -> None:
    relayed = [*DOMAINS[:2], domain(SHARED, "InternalRelay")]
    assert former(plan(case("setup", domains=relayed))) == {SHARED: "unknown"}


def test_the_memory_outlives_a_second_set_up_and_forgets_stops() -> None:
    relayed = [*DOMAINS[:2], domain(SHARED, "InternalRelay")]
    line = Line({SHARED: "Authoritative"}, {SHARED: "2026-02-01"}, {RULE: "2026-02-01T00:00:00Z"})
    made = plan(case("setup", domains=relayed, **standing(groups=[group(line)])))
    kept = read_line(made["groups"][0]["description"])
    assert kept == Line({SHARED: "Authoritative"}, {SHARED: "2026-02-01"}, {})
    assert "name" not in made["groups"][0]


def test_a_cut_memory_stops_a_set_up_but_not_a_teardown() -> None:
    cut = group(Description=['[mailops.exchange example.com] {"former":{"exam'])
    with pytest.raises(InputError, match="was cut or edited"):
        plan(case("enforce", **standing(groups=[cut])))
    assert plan(case("teardown", **standing(groups=[cut])))["rules"] == [{"identity": RULE, "enabled": False}]


def test_a_memory_that_will_not_fit_is_refused_before_anything_is_written() -> None:
    many = [f"a-rather-long-name-of-a-domain-and-more-{number:02d}.example.com" for number in range(7)]
    with pytest.raises(InputError, match="Description would hold"):
        plan(case("setup", options={"domains": many}, domains=[domain(name) for name in many]))


def test_what_no_override_heals() -> None:
    table: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("is no accepted domain of the tenant", {"domains": ["absent.example"]}, {}),
        ("is dehydrated", {}, {"organization": {"IsDehydrated": True}}),
        ("do not fit into one rule", {"tenant_addresses": [f"{'x' * 60}{number}@example.com" for number in range(90)]}, {}),
    ]
    for words, options, rows in table:
        with pytest.raises(InputError, match=words):
            plan(case("setup", options={**options, "accept_risks": [f"U{n}" for n in range(1, 33)]}, **rows))
    with pytest.raises(InputError, match="has no group"):
        plan(case("cutover", options={"users": ["stub@example.com"]}))


def test_a_preflight_looks_at_a_tenant_that_takes_no_rules_and_says_what_stands_in_the_way() -> None:
    dehydrated: dict[str, Any] = {"organization": {"IsDehydrated": True}}
    made = plan(case("preflight", **dehydrated))
    (line,) = made["hindrances"]
    assert "Enable-OrganizationCustomization" in line
    assert made["domains"], "it still shows what a set-up would do"
    assert plan(case("preflight"))["hindrances"] == []
    for step in ("setup", "enforce"):
        with pytest.raises(InputError, match="Enable-OrganizationCustomization"):
            plan(case(step, **dehydrated))


def test_a_teardown_stops_notes_and_waits() -> None:
    made = plan(case("teardown", **standing()))
    assert made["rules"] == [{"identity": RULE, "enabled": False}]
    assert made["told"] == {RULE: "2026-03-01T12:00:00Z"}
    assert read_line(made["groups"][0]["description"]) == Line({SHARED: "Authoritative"}, {}, {RULE: "2026-03-01T12:00:00Z"})
    assert made["waits"] == [{"since": "", "seconds": 3600, "for": "the disabled rules to stop acting"}]
    assert made["final"] == {SHARED: "Authoritative"}


def test_a_check_run_writes_the_time_as_now_and_believes_it() -> None:
    made = plan(case("teardown", check_mode=True, **standing()))
    assert made["told"] == {RULE: "<now>"}
    line = read_line(made["groups"][0]["description"])
    later = standing(rules=[rule(State="Disabled")], groups=[group(line)])
    again = plan(case("teardown", check_mode=True, **later))
    assert again["groups"] == []


@pytest.mark.parametrize(
    ("rows", "since", "noted"),
    [
        (standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T11:30:00")]), "2026-03-01T11:30:00Z", "2026-03-01T11:30:00Z"),
        (standing(rules=[rule(State="Disabled", WhenChanged="2026-03-01T14:00:00")]), "", "2026-03-01T12:00:00Z"),
        (standing(rules=[]), "", "2026-03-01T12:00:00Z"),
        ({"connectors": [connector()]}, "", "2026-03-01T12:00:00Z"),
        (standing(rules=[], groups=[group(Line(stops={RULE: "2026-03-01T11:20:00Z"}))]), "2026-03-01T11:20:00Z", "2026-03-01T11:20:00Z"),
    ],
)
def test_a_resumed_teardown_counts_from_the_objects_own_times(rows: dict[str, Any], since: str, noted: str) -> None:
    made = plan(case("teardown", **rows))
    assert made["rules"] == []
    assert [wait["since"] for wait in made["waits"]] == [since]
    assert made["told"] == {RULE: noted}


@pytest.mark.parametrize(
    "rows",
    [
        {},
        standing(
            rules=[rule(State="Disabled", WhenChanged="2026-03-01T10:59:00")], groups=[group(Line(stops={RULE: "2026-03-01T10:58:00Z"}))]
        ),
        standing(rules=[], groups=[group(Line(stops={RULE: "2026-03-01T10:00:00Z"}))]),
    ],
)
def test_nothing_left_to_stop_is_nothing_to_write_or_wait_for(rows: dict[str, Any]) -> None:
    made = plan(case("teardown", **rows))
    assert made["rules"] == made["groups"] == made["waits"] == []


def test_removal_in_both_orders() -> None:
    off = [rule(State="Disabled"), rule(INBOUND, Priority=1, Comments=mark([SHARED])), stranger("theirs")]
    rows = standing(rules=off, inbound=[connector(INBOUND)])
    final = {SHARED: "Authoritative"}
    last = [{"identity": SHARED, "domain_type": "Authoritative"}]
    for order, early, late in (("documented", [], last), ("loop_free", last, [])):
        stop = plan(case("teardown", options={"teardown_order": order}, final=final, **rows))
        assert stop["domains_first"] == early, "before the rules stop: from then on what nobody has would loop"
        first = plan(case("remove", options={"teardown_order": order}, final=final, **rows))
        assert first["rules"] == [{"identity": RULE, "state": "absent"}]
        assert first["inbound_rules"] == first["inbound_connectors"] == [{"identity": INBOUND, "state": "absent"}]
        second = plan(case("dismantle", options={"teardown_order": order}, final=final, **rows))
        assert second["connectors"] == [{"identity": CONNECTOR, "state": "absent"}]
        assert second["groups"] == [{"identity": GROUP, "state": "absent"}]
        assert second["domains"] == late


def test_what_is_not_ours_is_never_removed() -> None:
    rows = standing(rules=[rule(Comments="by hand")], connectors=[connector(Comment="by hand")], groups=[group(Description=["by hand"])])
    for step in ("teardown", "remove", "dismantle"):
        made = plan(case(step, **rows))
        assert made["rules"] == made["connectors"] == made["groups"] == []


@pytest.mark.parametrize(
    ("declared", "line", "kind", "why"),
    [
        (None, Line({SHARED: "Authoritative"}), "Authoritative", "it was that before the set-up"),
        (None, Line({SHARED: "unknown"}), "Authoritative", "what it was before the set-up is not known"),
        (None, Line({SHARED: "InternalRelay"}), "InternalRelay", "it was that before the set-up"),
        ("InternalRelay", Line({SHARED: "Authoritative"}), "InternalRelay", "coexistence_final_domain_type says so"),
    ],
)
def test_the_final_type_and_why(declared: str | None, line: Line, kind: str, why: str) -> None:
    rows = standing(groups=[group(line)], domains=[*DOMAINS[:2], domain(SHARED, "InternalRelay")])
    made = plan(case("teardown", options={"final_domain_type": declared}, **rows))
    assert made["final"] == {SHARED: kind}
    end = "stays InternalRelay" if kind == "InternalRelay" else "InternalRelay now, becomes Authoritative"
    assert made["final_lines"] == [f"{SHARED}: {end}, because {why}"]


def test_a_second_teardown_has_the_same_final_type_without_any_memory() -> None:
    moment: Situation = case("teardown")
    assert plan(moment)["final"] == {SHARED: "Authoritative"}
    assert commented("", [SHARED]) == mark([SHARED])
