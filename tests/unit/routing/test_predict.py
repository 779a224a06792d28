# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one recipient is routed: edge, resolution, rules, delivery, the foreign host. One case per fact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Accepted,
    Address,
    Connector,
    Forward,
    Inbound,
    Mx,
    Party,
    Policies,
    Predicate,
    Rule,
    SenderDomain,
)

from .worlds import (
    COLLEAGUE,
    CONNECTOR,
    GROUP,
    HOST,
    OLD,
    OTHER,
    OUTSIDER,
    ROUTING,
    SHARED,
    ask,
    at_tenant,
    authoritative,
    forward,
    group,
    parties,
    reading,
    rule,
    source,
    verdict,
    world,
)

ORIGINS = ("internet", "tenant", "source", "program")


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", ["stub", "noobj", "mailuser", "migrated", "list"])
def test_a_finished_set_up_delivers_to_everyone_of_the_source(name: str, origin: str) -> None:
    assert verdict(world(), name, origin) == "delivered"
    assert verdict(at_tenant(world()), name, origin) == "delivered"


@pytest.mark.parametrize("origin", ORIGINS)
def test_unknown_addresses_bounce(origin: str) -> None:
    assert verdict(world(), "nobody", origin) == "bounced"
    assert verdict(at_tenant(world()), "nobody", origin) == "bounced"


def test_origin_is_checked() -> None:
    with pytest.raises(ValueError, match="origin 'moon' is none of internet, tenant, source, program"):
        predict(world(), OUTSIDER, COLLEAGUE, "moon")


# Edge.
def test_edge_refuses_an_unknown_address_of_an_authoritative_domain() -> None:
    prediction = ask(at_tenant(authoritative(world())), "noobj", "internet")
    assert prediction.verdict == "bounced"
    assert "550 5.4.1" in prediction.sentence()
    assert "5.1.10" in ask(authoritative(world(rules=())), "noobj", "tenant").sentence()


def test_a_forward_to_a_missing_alias_of_the_routing_domain_bounces() -> None:
    forwards = {f"stub@{SHARED}": Forward(f"gone@{ROUTING}")}
    assert verdict(world(sources=(source(forwards=forwards),)), "stub", "internet") == "bounced"


def test_disabled_routing_domain_kills_every_forward() -> None:
    found = world()
    found = replace(found, domains={**found.domains, ROUTING: Accepted(ROUTING, "authoritative", disabled=True)})
    assert verdict(found, "migrated", "internet") == "bounced"


def test_reject_direct_send_refuses_own_senders_without_an_inbound_connector() -> None:
    strict = world(policies=Policies(reject_direct_send=True))
    assert verdict(strict, "migrated", "source") == "bounced"
    assert verdict(strict, "migrated", "internet") == "delivered"
    trusted = replace(strict, inbound=(Inbound("in", ranges=(HOST,), restrict="ip", senders=(SHARED,)),))
    assert verdict(trusted, "migrated", "source") == "delivered"


def test_a_restricted_inbound_connector_refuses_its_senders_from_elsewhere() -> None:
    only = at_tenant(world(inbound=(Inbound("in", ranges=("198.51.100.1",), restrict="ip", senders=("*",)),)))
    assert verdict(only, "migrated", "internet") == "bounced"
    proven = (Inbound("in", certificate="*.example.com", restrict="certificate", senders=(SHARED,)),)
    host = source(forwards=forward("migrated"), certificate="mx.example.com")
    assert verdict(world(inbound=proven, sources=(host,)), "migrated", "source") == "delivered"
    assert verdict(world(inbound=proven), "migrated", "source") == "bounced"


@pytest.mark.parametrize(
    ("published", "footer", "outcome"),
    [
        (SenderDomain(reject=True), False, "delivered"),
        (SenderDomain(reject=True), True, "bounced"),
        (SenderDomain(reject=True, dkim=False), False, "bounced"),
        (SenderDomain(reject=False, dkim=False), True, "delivered"),
    ],
)
def test_a_forward_breaks_spf_and_a_footer_breaks_dkim(published: SenderDomain, footer: bool, outcome: str) -> None:
    host = source(forwards=forward("migrated"), modes=frozenset({"footer"} if footer else ()))
    found = world(sources=(host,), senders={"outside.example.org": published})
    assert verdict(found, "migrated", "internet") == outcome


@pytest.mark.parametrize(
    "cure",
    [
        {"policies": Policies(honor_dmarc=False)},
        {"policies": Policies(trusted_sealers=frozenset({OLD}))},
        {"inbound": (Inbound("in", ranges=(HOST,), restrict="ip", senders=("outside.example.org",), enhanced=True),)},
    ],
)
def test_what_spares_forwards_from_dmarc(cure: dict[str, Any]) -> None:
    senders = {"outside.example.org": SenderDomain(reject=True, dkim=False)}
    assert verdict(world(senders=senders), "migrated", "internet") == "bounced"
    assert verdict(world(senders=senders, **cure), "migrated", "internet") == "delivered"


def test_mail_straight_from_a_host_that_spf_allows_passes() -> None:
    direct = at_tenant(world(senders={"outside.example.org": SenderDomain(reject=True, dkim=False)}))
    assert verdict(direct, "migrated", "internet") == "delivered"
    strange = replace(direct, senders={"outside.example.org": SenderDomain(reject=True, dkim=False, hosts=frozenset())})
    assert verdict(strange, "migrated", "internet") == "bounced"


# Resolution.
def test_plus_addresses_resolve_when_they_are_on() -> None:
    found = at_tenant(world())
    assert verdict(found, f"migrated+news@{SHARED}", "internet") == "delivered"
    closed = authoritative(replace(found, policies=Policies(plus_addressing=False)))
    assert verdict(closed, f"migrated+news@{SHARED}", "internet") == "bounced"


def test_a_group_expands_and_each_member_takes_its_own_way() -> None:
    found = at_tenant(world(parties=(*parties(("migrated",)), group("team", ("migrated", "stub"), outsiders=True))))
    prediction = ask(found, "team", "internet")
    assert prediction.verdict == "delivered"
    ends = {ending.person.address: {landing.place for landing in ending.landings} for ending in prediction.worst.endings}
    assert ends == {f"migrated@{SHARED}": {"tenant"}, f"stub@{SHARED}": {"source"}}


def test_groups_refuse_outsiders_by_default_and_end_without_members() -> None:
    closed = at_tenant(world(parties=(*parties(("migrated",)), group("team", ("migrated",)), group("empty", (), outsiders=True))))
    assert verdict(closed, "team", "internet") == "bounced"
    assert verdict(closed, "team", "tenant") == "delivered"
    assert verdict(closed, "empty", "internet") == "lost"


def test_a_nested_group_reaches_everybody_and_a_circle_ends() -> None:
    people = (
        *parties(("migrated",)),
        group("outer", ("group inner", "stub"), outsiders=True),
        group("inner", ("group outer", "migrated"), outsiders=True),
    )
    prediction = ask(at_tenant(world(parties=people)), "outer", "internet")
    assert {ending.person.address for ending in prediction.worst.endings} == {f"stub@{SHARED}", f"migrated@{SHARED}"}
    assert prediction.verdict == "delivered"


def test_a_dynamic_group_is_unknown() -> None:
    dynamic = Party("dyn", f"dyn@{SHARED}", frozenset({f"dyn@{SHARED}"}), "dynamicdistributiongroup", members=None, outsiders=True)
    assert verdict(world(parties=(*parties(), dynamic)), "dyn", "tenant") == "unknown"


def test_mail_user_and_guest_lead_outside() -> None:
    assert verdict(world(rules=()), "guest", "tenant") == "delivered"
    contact = Party("c", f"c@{OTHER}", frozenset({f"c@{OTHER}"}), "mailcontact", external=f"migrated@{ROUTING}")
    assert verdict(world(parties=(*parties(("migrated",)), contact)), f"c@{OTHER}", "tenant") == "delivered"


def test_forwarding_address_wins_and_keeping_a_copy_reaches_both() -> None:
    both = Party("both", f"both@{OTHER}", frozenset({f"both@{OTHER}"}), forward="migrated", forward_smtp="x@outside.example.org", keep=True)
    prediction = ask(world(parties=(*parties(("migrated",)), both)), f"both@{OTHER}", "tenant")
    assert prediction.verdict == "delivered"
    assert {ending.person.address for ending in prediction.worst.endings} == {f"both@{OTHER}", f"migrated@{SHARED}"}


def test_a_mailbox_may_forward_outside_only_where_the_policy_lets_it() -> None:
    away = Party("away", f"away@{OTHER}", frozenset({f"away@{OTHER}"}), forward_smtp="x@outside.example.org")
    found = world(parties=(*parties(), away))
    assert reading(found, f"away@{OTHER}", "tenant", auto_forward="allowed") == "delivered"
    assert reading(found, f"away@{OTHER}", "tenant", auto_forward="blocked") == "bounced"
    assert verdict(replace(found, policies=Policies(auto_forward=False)), f"away@{OTHER}", "tenant") == "bounced"


def test_a_forward_into_a_circle_is_a_loop_and_one_to_an_unknown_name_is_unknown() -> None:
    one = Party("one", f"one@{OTHER}", frozenset({f"one@{OTHER}"}), forward="two")
    two = Party("two", f"two@{OTHER}", frozenset({f"two@{OTHER}"}), forward="one")
    gone = Party("gone", f"gone@{OTHER}", frozenset({f"gone@{OTHER}"}), forward="nobody-there")
    found = world(parties=(*parties(), one, two, gone))
    assert verdict(found, f"one@{OTHER}", "tenant") == "loop"
    assert verdict(found, f"gone@{OTHER}", "tenant") == "unknown"


# Rules.
@pytest.mark.parametrize(("ends", "outcome"), [("delete", "lost"), ("quarantine", "lost"), ("reject", "bounced"), ("moderate", "delayed")])
def test_a_rule_above_ours_decides_first(ends: str, outcome: str) -> None:
    first = Rule("first", priority=-1, ends=ends)
    assert verdict(world(rules=(first, rule())), "stub", "tenant") == outcome


def test_a_stopping_rule_above_ours_keeps_mail_in_the_tenant() -> None:
    first = Rule("first", priority=-1, stop=True, conditions=(Predicate("SenderDomainIs", (SHARED,)),))
    assert verdict(world(rules=(first, rule())), "stub", "tenant") == "split"
    assert verdict(at_tenant(world(rules=(first, rule()))), "stub", "internet") == "delivered"


def test_a_redirect_loses_the_mail_for_its_recipient_unless_it_leads_to_him() -> None:
    assert verdict(world(rules=(Rule("away", priority=-1, redirect=(f"pilot@{SHARED}",)), rule())), "migrated", "tenant") == "lost"
    assert verdict(world(rules=(Rule("back", priority=-1, redirect=(f"migrated@{ROUTING}",)), rule())), "migrated", "tenant") == "delivered"


def test_a_domain_condition_matches_subdomains_and_the_primary_address_alone() -> None:
    sub = Party("sub", f"sub@sub.{SHARED}", frozenset({f"sub@sub.{SHARED}", f"alias@{SHARED}"}))
    escaped = Party("escaped", f"escaped@{ROUTING}", frozenset({f"escaped@{ROUTING}", f"stub2@{SHARED}"}))
    listed = source(addresses={f"stub2@{SHARED}": Address(f"stub2@{SHARED}")})
    found = world(parties=(*parties(), sub, escaped), sources=(listed,))
    assert "relay denied" in ask(found, f"alias@{SHARED}", "tenant").sentence()
    assert verdict(found, f"stub2@{SHARED}", "tenant") == "split"
    original = replace(found, rules=(rule(original=True),))
    assert verdict(original, f"stub2@{SHARED}", "tenant") == "bounced"
    unsure = replace(found, rules=(rule(original=None),))
    assert reading(unsure, f"stub2@{SHARED}", "tenant", recipient_address_type="resolved") == "split"
    assert reading(unsure, f"stub2@{SHARED}", "tenant", recipient_address_type="original") == "bounced"


def test_a_deleted_group_excepts_nobody_and_as_a_condition_does_nothing() -> None:
    people = tuple(one for one in parties(("migrated",)) if one.primary != GROUP)
    assert verdict(world(parties=people), "migrated", "tenant") == "loop"
    pending = rule(conditions=(Predicate("SentToMemberOf", (GROUP,)),), exceptions=())
    assert verdict(world(parties=people, rules=(pending,)), "stub", "tenant") == "split"


def test_any_of_conditions_do_not_split_a_message() -> None:
    whole = rule(conditions=(Predicate("AnyOfRecipientAddressContainsWords", ("stub",)),), exceptions=())
    found = world(rules=(whole,))
    assert verdict(found, "pilot", "tenant") == "delivered"
    assert verdict(found, "pilot", "tenant", others=(f"stub@{SHARED}",)) == "bounced"
    assert ask(found, "pilot", "tenant", others=None).outcomes == {"delivered", "bounced"}


def test_predicates_that_are_not_evaluated_count_both_ways() -> None:
    found = world(rules=(rule(conditions=(Predicate("SubjectContainsWords", ("secret",)),)),))
    assert ask(found, "stub", "tenant").outcomes == {"delivered", "split"}
    assert verdict(found, "stub", "tenant") == "split"
    assert verdict(found, "migrated", "tenant") == "delivered"


def unread(number: int, connector: str) -> Rule:
    """A routing rule with a condition that is not evaluated."""
    return replace(
        rule(), name=f"r{number}", priority=number, route=connector, conditions=(Predicate("SubjectContainsWords", (str(number),)),)
    )


def test_many_rules_that_are_not_evaluated_end_in_time_and_never_better_than_unknown() -> None:
    apart = tuple(unread(number, f"way {number}") for number in range(40))
    prediction = ask(world(rules=apart), "stub", "tenant")
    assert len(prediction.routes) == 512
    assert prediction.verdict in {"unknown", "split"}
    ways = tuple(Connector(f"way {number}", hosts=(HOST,)) for number in range(40))
    fine = ask(world(rules=apart, connectors=ways), "noobj", "tenant")
    assert fine.outcomes == {"delivered"}
    assert fine.verdict == "unknown"
    same = tuple(unread(number, CONNECTOR) for number in range(40))
    prediction = ask(world(rules=same), "stub", "tenant")
    assert len(prediction.routes) == 41
    assert prediction.outcomes == {"delivered", "split"}


def test_disabled_rules_and_rules_without_a_route_decide_nothing() -> None:
    off = replace(rule(), enabled=False)
    scl = Rule("inbound", conditions=(Predicate("SenderIpRanges", (HOST,)),), scl="-1")
    assert verdict(world(rules=(off, scl)), "stub", "tenant") == "split"


def test_a_connector_that_is_gone_leaves_the_message_waiting_or_lets_it_go_on() -> None:
    found = world(connectors=())
    assert reading(found, "stub", "tenant", missing_connector="stuck") == "delayed"
    assert reading(found, "stub", "tenant", missing_connector="ignored") == "split"
    assert verdict(replace(found, rules=(rule(defer=True),)), "stub", "tenant") == "delayed"


@pytest.mark.parametrize(("allowed", "matched"), [("192.0.2.0/24", True), ("192.0.2.1-192.0.2.20", True), ("198.51.100.7", False)])
def test_sender_ranges_look_at_the_last_hop(allowed: str, matched: bool) -> None:
    stop = Rule("stop", priority=-1, ends="reject", conditions=(Predicate("SenderIpRanges", (allowed,)),))
    found = world(rules=(stop, rule()))
    assert verdict(found, "migrated", "source") == ("bounced" if matched else "delivered")
    assert verdict(found, "migrated", "tenant") == "delivered"


def test_a_loop_breaker_header_ends_the_second_pass() -> None:
    guarded = rule(
        sets=("x-loop", "yes"), exceptions=(Predicate("SentToMemberOf", (GROUP,)), Predicate("HeaderContainsWords", ("yes",), "x-loop"))
    )
    found = world(members=(), rules=(guarded,))
    assert verdict(world(members=()), "migrated", "tenant") == "loop"
    assert verdict(found, "migrated", "tenant") == "delivered"


@pytest.mark.parametrize(
    ("predicate", "matched"),
    [
        (Predicate("From", (COLLEAGUE,)), True),
        (Predicate("From", (f"pilot@{SHARED}",)), False),
        (Predicate("FromScope", ("inorganization",)), True),
        (Predicate("FromScope", ("notinorganization",)), False),
        (Predicate("FromAddressContainsWords", ("colleague",)), True),
        (Predicate("FromAddressMatchesPatterns", ("^coll.*",)), True),
        (Predicate("FromMemberOf", (GROUP,)), False),
        (Predicate("SentTo", (f"stub@{ROUTING}",)), True),
        (Predicate("SentTo", (f"pilot@{SHARED}",)), False),
        (Predicate("RecipientAddressContainsWords", ("stub",)), True),
        (Predicate("RecipientAddressContainsWords", ("tub",)), False),
        (Predicate("RecipientAddressMatchesPatterns", ("^stub@",)), True),
        (Predicate("AnyOfToHeader", (f"stub@{SHARED}",)), True),
        (Predicate("AnyOfToHeaderMemberOf", (GROUP,)), False),
        (Predicate("MessageTypeMatches", ("oof",)), False),
        (Predicate("SentToScope", ("notinorganization",)), False),
    ],
)
def test_each_predicate_is_evaluated(predicate: Predicate, matched: bool) -> None:
    found = world(rules=(Rule("only", ends="reject", conditions=(predicate,)),))
    assert ask(found, "stub", "tenant").outcomes == {"bounced" if matched else "split"}


@pytest.mark.parametrize("pattern", ["(a+)+$", "[", "(?<x"])
def test_a_pattern_that_may_take_for_ever_or_is_none_counts_both_ways(pattern: str) -> None:
    found = world(rules=(Rule("only", ends="reject", conditions=(Predicate("RecipientAddressMatchesPatterns", (pattern,)),)),))
    assert ask(found, "stub", "tenant").outcomes == {"bounced", "split"}


# Delivery.
def test_an_unscoped_connector_takes_what_its_domains_match_best() -> None:
    found = world(rules=(), connectors=(Connector("all", hosts=("198.51.100.9",), domains=("*",), scoped=False),))
    assert verdict(found, "noobj", "tenant") == "unknown"
    better = Connector("own", hosts=(HOST,), domains=(SHARED,), scoped=False)
    assert verdict(replace(found, connectors=(*found.connectors, better)), "noobj", "tenant") == "delivered"


def test_smart_hosts_share_the_load() -> None:
    second = replace(source(addresses={}), name="new host", hosts=frozenset({"192.0.2.20"}), domains=frozenset({"elsewhere.example"}))
    found = world(connectors=(Connector(CONNECTOR, hosts=(HOST, "192.0.2.20")),))
    found = replace(found, sources=(*found.sources, second))
    assert ask(found, "stub", "tenant").outcomes == {"delivered", "bounced"}


def test_an_unknown_mx_is_unknown_and_resolvers_may_hold_the_old_one() -> None:
    assert verdict(world(mx={}), "stub", "internet") == "unknown"
    moved = world(rules=(), mx={SHARED: Mx("tenant", before=OLD)})
    assert ask(moved, "stub", "internet").outcomes == {"delivered", "split"}
    until = ask(world(mx={SHARED: Mx("tenant", before=OLD, until="14:00")}), "stub", "internet")
    lines = [route.lines()[0] for route in until.routes]
    assert lines == [
        "internet: leaves by the MX of example.com, which is tenant (old host for others until 14:00)",
        "internet: leaves by the MX of example.com, which is old host for those that hold the former record until 14:00",
    ]


def test_an_unsettled_rule_and_membership_are_predicted_before_and_after() -> None:
    fresh = world(rules=(rule(was=replace(rule(), enabled=False), since="12:00", until="13:00"),))
    assert ask(fresh, "stub", "tenant").outcomes == {"split", "delivered"}
    assert "13:00" in " ".join(ask(fresh, "stub", "tenant").worst.lines())
    joined = world(members=("stub",), moving={("group movers", "stub"): "13:00"})
    assert reading(joined, "stub", "tenant", **{"membership acts: stub": "before"}) == "delivered"
    assert reading(joined, "stub", "tenant", **{"membership acts: stub": "after"}) == "early"
    assert "is changing, by 13:00 at the latest" in " ".join(ask(joined, "stub", "tenant").worst.lines())
