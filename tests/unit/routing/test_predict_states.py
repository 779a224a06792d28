# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the table of states, reproduced from a small world; each hurt is gone in the finished set-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outcomes import OUTCOMES
from ansible_collections.mailops.exchange.plugins.module_utils._routing._readings import FACTS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._states import OLD_HOST, STATES, Hurt, State
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Address,
    Connector,
    Forward,
    Inbound,
    Party,
    Policies,
    SenderDomain,
    World,
)
from harness.state_rows import ROWS

from .worlds import CONNECTOR, HOST, OLD, OTHER, ROUTING, RULE, SHARED, ask, forward, parties, party, rule, source, world


def elsewhere() -> World:
    """A stub whose primary address is in the routing domain."""
    people = [one for one in parties(("migrated",)) if one.id != "stub"]
    stub = Party("stub", f"stub@{ROUTING}", frozenset({f"stub@{ROUTING}", f"stub@{SHARED}"}))
    return world(parties=(*people, stub))


def unlicensed() -> World:
    """A migrated user whose mailbox is gone."""
    return world(parties=tuple(one for one in parties() if one.id != "migrated"))


def mail_user_left() -> World:
    """Of a migrated user's mailbox a mail user is left, still in the group; the MX is at the tenant."""
    people = tuple(one for one in parties(("migrated",)) if one.id != "migrated")
    return tenant_mx(world(parties=(*people, party("migrated", "mailuser", external=f"migrated@{SHARED}"))))


def with_newcomer() -> World:
    """A new colleague with a mailbox on both sides and a forward, not in the group."""
    known = source(forwards={**forward("migrated"), **forward("newcomer")})
    listed = {**(known.addresses or {}), f"newcomer@{SHARED}": Address(f"newcomer@{SHARED}")}
    return world(parties=(*parties(("migrated",)), party("newcomer")), sources=(replace(known, addresses=listed),))


def left_over(*inbound: Inbound) -> World:
    """After a teardown, the forwards still on; the tenant refuses its own senders from outside but for an inbound connector."""
    found = change.authoritative(tenant_mx(world(rules=(rule(conditions=(), exceptions=(), route="", scl="-1"),))), [SHARED])
    senders = {SHARED: SenderDomain(reject=True, dkim=False, hosts=frozenset({OLD}))}
    return replace(found, inbound=inbound, policies=Policies(reject_direct_send=True), senders=senders)


def bare_address() -> World:
    """A mailbox without the routing address."""
    people = [one for one in parties(("migrated",)) if one.id != "migrated"]
    return world(parties=(*people, Party("migrated", f"migrated@{SHARED}", frozenset({f"migrated@{SHARED}"}))))


def organization(found: World) -> World:
    """The same with the method's own scope."""
    return replace(found, rules=(rule("organization"),))


def stopping(found: World) -> World:
    """The same with the rule disabled a moment ago."""
    return change.rules_off(found, [RULE], settled=False)


def mode(name: str) -> World:
    """The foreign host in a mode."""
    return world(sources=(source(forwards=forward("migrated"), modes=frozenset({name})),))


def tenant_mx(found: World) -> World:
    """The MX at the tenant."""
    return change.mx_at(found, [SHARED])


def late() -> World:
    """The MX moved, some still hold the old one."""
    return change.mx_at(world(), [SHARED], settled=False)


WAY_IN = Inbound("Old way in", senders=("*",), ranges=(HOST,))
BUILD: Mapping[str, Callable[[], World]] = {
    "licences_first": lambda: change.rules_off(world(), [RULE]),
    "no_route": lambda: tenant_mx(change.rules_off(world(), [RULE])),
    "scope_organization": lambda: organization(world()),
    "primary_elsewhere": elsewhere,
    "rule_before_group": lambda: world(members=()),
    "no_connector": lambda: world(connectors=()),
    "connector_by_mx": lambda: tenant_mx(world(connectors=(Connector(CONNECTOR, use_mx=True),))),
    "refuses_own_domain": lambda: mode("reject_own_domain"),
    "rate_limited": lambda: mode("rate_limited"),
    "forward_before_group": lambda: world(members=()),
    "forward_before_group_organization": lambda: organization(world(members=())),
    "group_before_forward": lambda: world(members=("migrated", "stub")),
    "forward_without_address": bare_address,
    "forward_without_mailbox": lambda: world(sources=(source(forwards=forward("noobj")),)),
    "dmarc_reject": lambda: world(senders={"outside.example.org": SenderDomain(reject=True, dkim=False)}),
    "mx_moved_organization": lambda: tenant_mx(organization(world())),
    "mx_moved_domain": lambda: tenant_mx(world()),
    "connector_gone_rule_acting": lambda: change.without_connectors(stopping(world()), [CONNECTOR]),
    "group_gone_rule_acting": lambda: change.without_group(stopping(world())),
    "group_gone": lambda: change.without_group(world()),
    "documented_teardown": lambda: tenant_mx(world(rules=())),
    "authoritative_early": lambda: change.authoritative(tenant_mx(replace(mode("catch_all"), rules=())), [SHARED]),
    "forwards_off_early": lambda: change.unforwarded(replace(late(), reads={f"migrated@{SHARED}": "tenant"}), [f"migrated@{SHARED}"]),
    "host_off_early": lambda: change.off(late(), [OLD]),
    "new_room": with_newcomer,
    "lost_licence": unlicensed,
    "lost_licence_mx_moved": mail_user_left,
    "leftovers": lambda: left_over(WAY_IN),
    "relays_back": lambda: mode("relay"),
}


def hurts() -> list[tuple[State, Hurt, str, str, str]]:
    """One case per state, kind, origin and kind of message."""
    lines = [(state, hurt) for state in STATES for hurt in state.hurts]
    return [
        (state, hurt, kind, origin, mail) for state, hurt in lines for kind in hurt.kinds for origin in hurt.origins for mail in hurt.mail
    ]


@pytest.mark.parametrize(
    ("state", "hurt", "kind", "origin", "mail"), hurts(), ids=lambda value: getattr(value, "id", None) or str(value)[:20]
)
def test_the_state_hurts_whom_it_says(state: State, hurt: Hurt, kind: str, origin: str, mail: str) -> None:
    prediction = ask(BUILD[state.id](), kind, origin, kind=mail)
    outcomes = {route.outcome for route in prediction.under(hurt.reading)}
    assert hurt.outcome in outcomes if hurt.can else outcomes == {hurt.outcome}, prediction.sentence()


def test_mail_plays_every_reading_that_a_line_of_the_table_is_asked_under() -> None:
    asked: dict[str, set[str]] = {}
    for state, hurt, kind, origin, mail in hurts():
        routes = ask(BUILD[state.id](), kind, origin, kind=mail).under(hurt.reading)
        asked.setdefault(state.id, set()).update(
            fact for route in routes for fact in route.assumed if fact in FACTS if fact not in hurt.reading
        )
    played = {state.id: {fact for reading in ROWS[state.id].readings for fact in reading} for state in STATES}
    assert {name: facts - played[name] for name, facts in asked.items() if facts - played[name]} == {}


@pytest.mark.parametrize("kind", ["stub", "noobj", "mailuser", "migrated", "list"])
@pytest.mark.parametrize("origin", ["internet", "tenant", "source", "program"])
def test_a_finished_set_up_hurts_nobody_who_exists(kind: str, origin: str) -> None:
    assert ask(world(), kind, origin).verdict == "delivered"


@pytest.mark.parametrize("origin", OLD_HOST)
def test_what_is_left_over_is_what_lets_the_old_host_pass(origin: str) -> None:
    assert ask(left_over(), "migrated", origin).outcomes == {"bounced"}, "without the connector"
    refused = replace(left_over(WAY_IN), senders={SHARED: SenderDomain(reject=True, dkim=False)})
    assert "bounced" in ask(refused, "migrated", origin).outcomes, "without the SPF include"


def test_a_catch_all_takes_what_nobody_has_until_the_domain_is_final() -> None:
    found = tenant_mx(mode("catch_all"))
    assert ask(found, "caught", "internet").outcomes == ask(found, "caught", "tenant").outcomes == {"delivered"}


def test_the_table_is_whole() -> None:
    assert {state.id for state in STATES} == set(BUILD)
    assert [state.id for state in STATES if not state.hurts] == [], "a state that shows in no message is met by nothing"
    assert {hurt.outcome for state in STATES for hurt in state.hurts} <= set(OUTCOMES)
    named = {guard for state in STATES for guard in state.guards}
    assert named == {f"U{number}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 14, 20, 21, 23, 25, 26, 27, 28, 32)}
    assert [state.id for state in STATES if not state.guards] == ["group_before_forward"]


def test_changes_are_undone_by_their_opposites() -> None:
    start = world()
    moved = change.joined(start, ["stub"], until="13:00", settled=False)
    assert moved.moving == {("group movers", "stub"): "13:00"}
    assert ask(moved, "stub", "tenant").outcomes == {"early", "delivered"}
    back = change.left(moved, ["stub"])
    assert (back.moving, back.members["group movers"]) == ({}, start.members["group movers"])
    on = change.forwarded(moved, {f"stub@{SHARED}": Forward(f"stub@{ROUTING}"), f"x@{OTHER}": Forward(f"x@{ROUTING}")})
    assert set(on.sources[0].forwards) == {f"migrated@{SHARED}", f"stub@{SHARED}"}
    assert change.unforwarded(on, [f"stub@{SHARED}"]).sources == start.sources
    assert change.synced(start, ["a@b.c"]).synced == start.synced | {"a@b.c"}
    assert change.rules_on(change.rules_off(start, [RULE]), [RULE]).rules == start.rules
    assert change.relayed(change.authoritative(start, [SHARED]), [SHARED]) == start
    assert change.joined(change.without_group(start), ["stub"]).members == {}
    assert change.mx_at(start, [SHARED], OLD, settled=False).mx[SHARED].holder == OLD
    assert HOST in start.sources[0].hosts
