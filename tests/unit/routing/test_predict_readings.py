# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each disputed fact under each of its readings: what hangs on it, and that the verdict is the worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outcomes import worst
from ansible_collections.mailops.exchange.plugins.module_utils._routing._readings import FACTS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._words import ways
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Connector,
    Inbound,
    Party,
    Policies,
    Predicate,
    Rule,
    SenderDomain,
    World,
)

from .worlds import (
    OTHER,
    ROUTING,
    RULE,
    SHARED,
    ask,
    at_tenant,
    authoritative,
    forward,
    group,
    parties,
    party,
    rule,
    source,
    verdict,
    world,
)


def by_scope() -> World:
    """The MX moved, the method's own rule."""
    return at_tenant(world(rules=(rule("organization"),)))


def nested() -> World:
    """A migrated user in a group inside the group."""
    return world(parties=(*parties(("group inner",)), group("inner", ("migrated",))))


def two_ways() -> World:
    """Two rules name a connector each; the second leads to nobody."""
    second = replace(rule(), name="second", priority=1, route="nowhere")
    lost = Connector("nowhere", hosts=())
    found = world(rules=(rule(), second))
    return replace(found, connectors=(*found.connectors, lost))


def readdressed() -> World:
    """Above ours a rule redirects a mailbox's mail to another of its addresses."""
    above = Rule("readdress", conditions=(Predicate("SentTo", (f"stub@{SHARED}",)),), redirect=(f"stub@{ROUTING}",))
    return world(rules=(above, replace(rule(), priority=1)))


def strict(**more: object) -> World:
    """Senders that ask for rejects and do not sign."""
    return replace(world(senders={"outside.example.org": SenderDomain(reject=True, dkim=False)}), **more)  # type: ignore[arg-type] # each case names one field


def away() -> World:
    """A mailbox that forwards outside."""
    return world(parties=(*parties(), Party("away", f"away@{OTHER}", frozenset({f"away@{OTHER}"}), forward_smtp="x@elsewhere.example")))


def elsewhere(original: bool | None) -> World:
    """A stub whose primary address is in the routing domain."""
    people = [one for one in parties(("migrated",)) if one.id != "stub"]
    stub = Party("stub", f"stub@{ROUTING}", frozenset({f"stub@{ROUTING}", f"stub@{SHARED}"}))
    return world(parties=(*people, stub), rules=(rule(original=original),))


CASES: list[tuple[str, Callable[[], World], str, str, str, dict[str, str]]] = [
    ("sent_to_scope", by_scope, "stub", "internet", "mail", {"a": "split", "b": "delivered", "c": "delivered"}),
    ("sent_to_scope", by_scope, "noobj", "internet", "mail", {"a": "loop", "b": "loop", "c": "delivered"}),
    ("system_mail", world, "stub", "tenant", "bounce", {"acts": "delivered", "spared": "split"}),
    ("system_mail", world, "stub", "tenant", "oof", {"acts": "delivered", "spared": "split"}),
    ("system_mail", world, "stub", "tenant", "journal", {"acts": "delivered", "spared": "split"}),
    ("nested_members", nested, "migrated", "tenant", "mail", {"counts": "delivered", "direct": "loop"}),
    ("dmarc_domain", strict, "migrated", "internet", "mail", {"shared": "delivered", "routing": "bounced"}),
    ("mail_user", lambda: world(rules=()), "mailuser", "tenant", "mail", {"once": "delivered", "again": "loop"}),
    ("mail_user", lambda: at_tenant(world(rules=())), "mailuser", "internet", "mail", {"once": "loop", "again": "loop"}),
    (
        "plus_addressing",
        lambda: at_tenant(authoritative(world(policies=Policies(plus_addressing=None)))),
        f"migrated+x@{SHARED}",
        "internet",
        "mail",
        {"on": "delivered", "off": "bounced"},
    ),
    (
        "plus_groups",
        lambda: at_tenant(authoritative(world(parties=(*parties(("migrated",)), group("crew", ["migrated"], outsiders=True))))),
        f"crew+x@{SHARED}",
        "internet",
        "mail",
        {"on": "delivered", "off": "bounced"},
    ),
    (
        "plus_groups",
        lambda: world(parties=(*parties(("migrated",)), group("crew", ["pilot"])), sources=(source(modes=frozenset({"catch_all"})),)),
        f"crew+x@{SHARED}",
        "program",
        "mail",
        {"on": "split", "off": "delivered"},
    ),
    ("recipient_address_type", lambda: elsewhere(None), "stub", "tenant", "mail", {"resolved": "split", "original": "bounced"}),
    ("two_routes", two_ways, "stub", "tenant", "mail", {"last": "delayed", "first": "delivered"}),
    ("rules_after_redirect", readdressed, "stub", "tenant", "mail", {"spared": "split", "act": "delivered"}),
    ("missing_connector", lambda: world(connectors=()), "stub", "tenant", "mail", {"stuck": "delayed", "ignored": "split"}),
    ("auto_forward", away, f"away@{OTHER}", "tenant", "mail", {"allowed": "delivered", "blocked": "bounced"}),
    (
        "honor_dmarc",
        lambda: strict(policies=Policies(honor_dmarc=None), facts={"dmarc_domain": "routing"}),
        "migrated",
        "internet",
        "mail",
        {"on": "bounced", "off": "delivered"},
    ),
    (
        "rate_limit",
        lambda: world(sources=(source(modes=frozenset({"rate_limited"})),)),
        "stub",
        "tenant",
        "mail",
        {"takes": "delivered", "defers": "delayed"},
    ),
    (
        "edge_blocking",
        lambda: at_tenant(authoritative(world(rules=()))),
        "folder",
        "internet",
        "mail",
        {"hidden": "bounced", "seen": "delivered"},
    ),
]


@pytest.mark.parametrize(
    ("fact", "build", "name", "origin", "kind", "outcomes"), CASES, ids=[f"{case[0]}-{case[2]}-{case[4]}" for case in CASES]
)
def test_each_reading_has_its_outcome(
    fact: str, build: Callable[[], World], name: str, origin: str, kind: str, outcomes: dict[str, str]
) -> None:
    prediction = ask(build(), name, origin, kind=kind)
    assert set(outcomes) == set(FACTS[fact].readings)
    for reading, outcome in outcomes.items():
        assert {route.outcome for route in prediction.under({fact: reading})} == {outcome}, reading
        assert ask(replace(build(), facts={**build().facts, fact: reading}), name, origin, kind=kind).outcomes == {outcome}
    assert prediction.verdict == worst(outcomes.values())
    if len(set(outcomes.values())) > 1:
        assert FACTS[fact].about in prediction.sentence()


def test_every_disputed_fact_is_played() -> None:
    assert {case[0] for case in CASES} == set(FACTS)


def test_a_redirect_to_the_same_mailbox_asks_nothing_where_no_rule_is_below() -> None:
    found = readdressed()
    assert ask(replace(found, rules=found.rules[:1]), "stub", "tenant").outcomes == {"split"}
    assert ask(replace(found, rules=(replace(found.rules[0], stop=True), found.rules[1])), "stub", "tenant").outcomes == {"split"}


def test_rules_act_on_ordinary_mail_and_on_calendar_items() -> None:
    assert ask(world(), "stub", "tenant").outcomes == {"delivered"}
    assert ask(world(), "stub", "tenant", kind="calendar").outcomes == {"delivered"}


def test_the_organization_scope_takes_unknown_recipients_of_signed_in_senders() -> None:
    found = world(rules=(rule("organization"),))
    assert ask(found, "noobj", "tenant").outcomes == {"delivered"}
    assert ask(at_tenant(found), "noobj", "tenant").outcomes == {"delivered"}


def test_the_entry_that_reaches_the_parameter_is_a_loop() -> None:
    found = at_tenant(world(rules=(rule(scl="-1"),)))
    assert verdict(replace(found, entries=2), "migrated", "internet") == "delivered"
    assert verdict(replace(found, entries=1), "migrated", "internet") == "loop"
    twice = ask(world(members=()), "migrated", "tenant")
    assert "entered 3 times" in twice.sentence()
    assert "entered 5 times" in ask(world(members=(), entries=5), "migrated", "tenant").sentence()


def test_mail_that_reaches_the_old_mailbox_of_somebody_moved_is_healed_by_the_last_sync_alone() -> None:
    moved = world(sources=(source(),), reads={f"migrated@{SHARED}": "tenant"}, synced=frozenset())
    assert verdict(moved, "migrated", "internet") == "healed"
    assert verdict(replace(moved, synced=frozenset({f"migrated@{SHARED}"})), "migrated", "internet") == "split"


def test_an_internal_remote_domain_is_inside() -> None:
    found = world(rules=(Rule(RULE, ends="reject", conditions=(Predicate("SentToScope", ("inorganization",)),)),))
    assert verdict(found, "x@partner.example", "tenant") == "delivered"
    assert verdict(replace(found, remote_internal=frozenset({"partner.example"})), "x@partner.example", "tenant") == "bounced"
    assert verdict(replace(found, remote_internal=frozenset({"*"})), "x@partner.example", "tenant") == "bounced"


@pytest.mark.parametrize("name", ["SentToMemberOf", "AnyOfToHeaderMemberOf", "FromMemberOf"])
def test_who_is_in_a_microsoft_365_group_is_not_known(name: str) -> None:
    asks = Rule("first", priority=-1, ends="reject", conditions=(Predicate(name, (f"m365group@{SHARED}",)),))
    found = world(rules=(asks, rule()), parties=(*parties(("migrated",)), party("colleague")))
    assert ask(found, "stub", "tenant").outcomes == {"bounced", "delivered"}
    assert ask(found, "noobj", "tenant").outcomes == ({"bounced", "delivered"} if name == "FromMemberOf" else {"delivered"})


def test_subdomains_are_accepted_only_where_the_domain_matches_them() -> None:
    found = at_tenant(world(rules=()))
    open_ = replace(found, domains={**found.domains, SHARED: replace(found.domains[SHARED], subdomains=True)})
    assert verdict(found, f"x@deep.{SHARED}", "internet") == "delivered"
    assert verdict(open_, f"x@deep.{SHARED}", "internet") == "loop"


FOLLOWS = frozenset({"follows_mx"})


def by_certificate(**more: object) -> World:
    """RejectDirectSend, and an inbound connector by certificate."""
    named = Inbound("by name", senders=(SHARED,), certificate="mx.host.example", restrict="certificate")
    found = at_tenant(world(policies=Policies(reject_direct_send=True), inbound=(named,)))
    one = replace(source(modes=FOLLOWS, forwards=forward("migrated")), **more)  # type: ignore[arg-type] # each case names one field
    return replace(found, sources=(one,))


def test_a_certificate_that_nobody_told_is_taken_both_ways() -> None:
    asked = "certificate of old host: by name"
    prediction = ask(by_certificate(), "migrated", "source")
    assert {route.outcome for route in prediction.under({asked: "fits"})} == {"delivered"}
    assert {route.outcome for route in prediction.under({asked: "does not fit"})} == {"bounced"}
    assert ask(by_certificate(certificate="mx.host.example"), "migrated", "source").outcomes == {"delivered"}
    assert ask(by_certificate(certificate="mx.else.example"), "migrated", "source").outcomes == {"bounced"}
    found = by_certificate()
    relaxed = replace(found, policies=Policies(), inbound=(replace(found.inbound[0], restrict=""),))
    assert not any(route.assumed for route in ask(relaxed, "migrated", "source").routes), "asked only where it decides"


def test_a_signature_that_nobody_knows_is_taken_both_ways() -> None:
    open_ = world(senders={"outside.example.org": SenderDomain(reject=True, dkim=None)}, facts={"dmarc_domain": "routing"})
    prediction = ask(open_, "migrated", "internet")
    assert {route.outcome for route in prediction.under({"DKIM of outside.example.org": "signed"})} == {"delivered"}
    assert {route.outcome for route in prediction.under({"DKIM of outside.example.org": "unsigned"})} == {"bounced"}
    broken = replace(open_, sources=(replace(open_.sources[0], modes=frozenset({"footer"})),))
    assert ask(broken, "migrated", "internet").outcomes == {"bounced"}, "a footer breaks every signature"
    assert ask(open_, "stub", "internet").outcomes == {"delivered"}


def test_what_nobody_told_of_a_sender_is_said_in_words() -> None:
    open_ = world(senders={"outside.example.org": SenderDomain(reject=True, dkim=None)}, facts={"dmarc_domain": "routing"})
    assert [way.given for way in ways(ask(open_, "migrated", "internet"))] == [
        "mail of outside.example.org is not signed with DKIM",
        "mail of outside.example.org is signed with DKIM",
    ]
    assert [way.given for way in ways(ask(by_certificate(), "migrated", "source"))] == [
        "the certificate of old host does not fit inbound connector 'by name'",
        "the certificate of old host fits inbound connector 'by name'",
    ]
