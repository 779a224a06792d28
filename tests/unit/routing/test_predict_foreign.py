# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign host: its modes, copies, aliases and forwards; and the words in which a route is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards_order import u2
from ansible_collections.mailops.exchange.plugins.module_utils._routing._people import senders_for
from ansible_collections.mailops.exchange.plugins.module_utils._routing._upkeep import verify
from ansible_collections.mailops.exchange.plugins.module_utils._routing._words import ways
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Accepted,
    Address,
    Connector,
    Foreign,
    Forward,
    Mx,
    Predicate,
    World,
)

from . import tenant
from .worlds import OLD, OTHER, ROUTING, SHARED, SISTER, ask, at_tenant, authoritative, forward, rule, source, verdict, world


@pytest.mark.parametrize(
    ("mode", "name", "origin", "outcome"),
    [
        ("reject", "nobody", "tenant", "bounced"),
        ("relay", "nobody", "tenant", "loop"),
        ("catch_all", "nobody", "tenant", "delivered"),
        ("catch_all", "pilot", "tenant", "split"),
        ("reject_own_domain", "stub", "tenant", "bounced"),
        ("reject_own_domain", "stub", "source", "delivered"),
        ("reject_own_domain", "stub", "internet", "delivered"),
        ("local_only", "migrated", "program", "split"),
        ("local_only", "migrated", "internet", "delivered"),
        ("rate_limited", "stub", "tenant", "delayed"),
        ("rate_limited", "stub", "internet", "delivered"),
    ],
)
def test_modes_of_the_foreign_host(mode: str, name: str, origin: str, outcome: str) -> None:
    found = world(sources=(source(forwards=forward("migrated"), modes=frozenset({mode})),))
    assert verdict(found, name, origin) == outcome


@pytest.mark.parametrize("host", [{"modes": frozenset({"reject", "keep_copy"})}, {"forwards": forward("migrated", keep=True)}])
def test_a_kept_copy_doubles_while_the_sync_runs(host: dict[str, Any]) -> None:
    running = world(sources=(source(**{"forwards": forward("migrated"), **host}),), synced=frozenset())
    assert verdict(running, "migrated", "internet") == "duplicate"
    assert verdict(replace(running, synced=frozenset({f"migrated@{SHARED}"})), "migrated", "internet") == "delivered"


def test_a_host_that_is_off_loses_mail_and_a_missing_list_is_unknown() -> None:
    assert verdict(world(sources=(source(off=True),)), "stub", "internet") == "lost"
    assert verdict(world(sources=(source(addresses=None),)), "stub", "internet") == "unknown"
    assert verdict(world(sources=(source(addresses=None),)), "stub", "tenant") == "unknown"
    assert verdict(world(sources=(source(addresses=None),)), f"other@{OTHER}", "tenant") == "delivered"


def test_aliases_lists_and_forwards_of_the_source() -> None:
    held = {
        f"alias@{SHARED}": Address(f"alias@{SHARED}", "alias", owner=f"migrated@{SHARED}"),
        f"migrated@{SHARED}": Address(f"migrated@{SHARED}"),
        f"team@{SHARED}": Address(f"team@{SHARED}", "list", members=(f"migrated@{SHARED}", f"stub@{SHARED}")),
        f"stub@{SHARED}": Address(f"stub@{SHARED}"),
        f"away@{SHARED}": Address(f"away@{SHARED}", "forward", owner="x@outside.example.org"),
    }
    found = world(sources=(source(addresses=held, forwards=forward("migrated")),))
    assert verdict(found, f"alias@{SHARED}", "internet") == "delivered"
    assert verdict(found, f"away@{SHARED}", "internet") == "delivered"
    prediction = ask(found, "team", "internet")
    assert {ending.outcome for ending in prediction.worst.endings} == {"delivered"}
    assert len(prediction.worst.endings) == 2


FOLLOWS = frozenset({"follows_mx"})


def test_who_stays_is_sent_round_by_a_host_that_follows_an_mx_that_moved() -> None:
    follows = at_tenant(world(sources=(source(modes=FOLLOWS),)))
    assert {(name, origin): verdict(follows, name, origin) for name in ("stub", "noobj") for origin in ("internet", "source")} == {
        ("stub", "internet"): "loop",
        ("stub", "source"): "loop",
        ("noobj", "internet"): "loop",
        ("noobj", "source"): "loop",
    }


def test_a_host_that_follows_the_mx_hands_mail_on() -> None:
    follows = at_tenant(world(sources=(source(modes=FOLLOWS),)))
    assert verdict(follows, "pilot", "source") == "loop"
    assert "leaves by the MX" in " ".join(ask(follows, "pilot", "source").worst.lines())
    assert "leaves by the MX" not in " ".join(ask(follows, "stub", "program").worst.lines())
    assert verdict(world(sources=(source(modes=FOLLOWS, forwards=forward("migrated")),)), "migrated", "source") == "delivered"


FILTER = "filter.example.org"


@pytest.mark.parametrize("origin", ["internet", "tenant", "source"])
@pytest.mark.parametrize("name", ["stub", "noobj", "migrated", "pilot", "nobody"])
def test_a_filter_that_holds_the_mx_may_hand_mail_to_either_side(name: str, origin: str) -> None:
    for found in (world(), world(rules=()), authoritative(world(rules=()))):
        outcomes = ask(replace(found, mx={SHARED: Mx(FILTER)}), name, origin).outcomes
        sides = ask(found, name, origin).outcomes | ask(at_tenant(found), name, origin).outcomes
        assert outcomes == sides


def test_a_filter_is_told_in_words_and_a_forward_to_a_missing_alias_is_seen_behind_it() -> None:
    missing = source(forwards={f"stub@{SHARED}": Forward(f"gone@{ROUTING}")})
    found = replace(world(sources=(missing,)), mx={SHARED: Mx(FILTER)})
    prediction = ask(found, "stub", "internet")
    assert prediction.verdict == "bounced"
    assert {way.given for way in ways(ask(replace(found, rules=()), "nobody", "internet"))} == {
        f"{FILTER} hands mail of {SHARED} to the tenant",
        f"{FILTER} hands mail of {SHARED} to {OLD}",
    }
    assert f"{FILTER}: hands mail of {SHARED} to {OLD}" in ask(found, "noobj", "internet").worst.lines()


def test_the_source_alone_is_behind_a_filter_where_the_tenant_does_not_accept_the_domain() -> None:
    found = replace(world(), domains={}, mx={SHARED: Mx(FILTER)})
    assert ask(found, "nobody", "internet").outcomes == {"bounced"}
    assert ask(found, "stub", "internet").outcomes == {"delivered"}


def test_a_forward_to_somebody_else_is_meant_for_that_one() -> None:
    handed = source(forwards={**forward("migrated"), f"stub@{SHARED}": Forward(f"pilot@{ROUTING}")})
    found = world(members=("migrated", "pilot"), sources=(handed,))
    prediction = ask(found, "stub", "internet")
    assert prediction.verdict == "delivered"
    assert [ending.person.party.id for ending in prediction.worst.endings if ending.person.party] == ["pilot"]


@pytest.mark.parametrize(
    ("target", "rules", "outcome"),
    [
        (f"stub@{ROUTING}", (), "delivered"),
        (f"stub+x@{ROUTING}", (), "delivered"),
        (f"gone@{ROUTING}", (), "delivered"),
        ("private@elsewhere.example", (), "split"),
        (f"pilot@{ROUTING}", (), "split"),
        (f"noobj@{SHARED}", (), "split"),
        ("private@elsewhere.example", (rule(),), "delivered"),
    ],
)
def test_only_a_forward_home_says_that_somebody_reads_in_the_tenant(target: str, rules: tuple[Any, ...], outcome: str) -> None:
    found = world(rules=rules, sources=(source(forwards={f"stub@{SHARED}": Forward(target)}),))
    assert verdict(found, "stub", "tenant") == outcome


def test_forwards_between_mailboxes_of_the_source_end() -> None:
    round_ = {f"stub@{SHARED}": Forward(f"noobj@{SHARED}"), f"noobj@{SHARED}": Forward(f"stub@{SHARED}")}
    assert verdict(world(sources=(source(forwards=round_),)), "stub", "internet") == "loop"


def two_hosts() -> World:
    """A second source, for the sister domain, that refuses senders of its own domain from elsewhere."""
    who = f"far@{SISTER}"
    second = Foreign(
        "second", frozenset({SISTER}), frozenset({"192.0.2.20"}), addresses={who: Address(who)}, modes=frozenset({"reject_own_domain"})
    )
    out = rule(name="second", conditions=(Predicate("RecipientDomainIs", (SISTER,)),), route="second")
    base = world()
    return replace(
        base,
        domains={**base.domains, SISTER: Accepted(SISTER)},
        sources=(*base.sources, second),
        rules=(*base.rules, out),
        connectors=(*base.connectors, Connector("second", hosts=("192.0.2.20",))),
        mx={**base.mx, SISTER: Mx("second")},
    )


def test_a_colleague_of_the_recipients_own_domain_writes_too() -> None:
    options = {"domains": [SHARED, SISTER]}
    verified, moving = (Full(tenant.case(step, options=options, **tenant.standing()), two_hosts()) for step in ("verify", "mx"))
    far = f"far@{SISTER}"
    assert {one["from"] for one in verify(verified, 1)["bounced"] if far in one["who"]} == {"tenant"}
    assert any(far in one.who and "bounced" in one.why for one in u2(moving))


@pytest.mark.parametrize(
    ("origin", "recipient", "senders"),
    [
        ("internet", f"far@{SISTER}", ["someone@sender.invalid"]),
        ("tenant", f"stub@{SHARED}", [f"postmaster@{SHARED}"]),
        ("tenant", f"far@{SISTER}", [f"postmaster@{SISTER}", f"postmaster@{SHARED}"]),
        ("source", "far@other.example.net", [f"postmaster@{SHARED}"]),
    ],
)
def test_who_stands_for_all_that_write(origin: str, recipient: str, senders: list[str]) -> None:
    assert list(senders_for(origin, [SHARED, SISTER], recipient)) == senders


RULED = (
    "rule 'Coexistence' sends it to connector 'Way out': RecipientDomainIs example.com; "
    "no exception holds: SentToMemberOf movers@example.com"
)


def test_reasons_are_plain_words() -> None:
    found = world(rules=(rule(since="2026-03-01T12:00:00Z"),))
    lines = ask(found, "stub", "tenant").worst.lines()
    assert lines == [
        "tenant: stub@example.com is a usermailbox",
        f"tenant: {RULED}, since 2026-03-01T12:00:00Z",
        "tenant: connector 'Way out' hands stub@example.com to old host",
        "old host: has stub@example.com (mailbox)",
    ]
