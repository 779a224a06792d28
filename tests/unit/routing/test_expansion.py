# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of any size: one member stands for all that nothing tells from it, and the prediction is that of everybody walked alone."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _tenant
from ansible_collections.mailops.exchange.plugins.module_utils._routing._expansion import Stand, finals, stands
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._words import ways
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Address, Foreign, Party, Predicate, World
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_predict_properties import origins, senders, worlds
from .worlds import SHARED, forward, group, parties, party, rule, source, world

CROWD = 6000
ALL = f"all@{SHARED}"


def everybody(known: World, team: Party, chain: tuple[str, ...], *, outside: bool) -> tuple[Stand, ...]:
    """Each member by itself, beside all that the others lead to."""
    members = [known.by_id[one] for one in team.members or () if one in known.by_id and one not in chain]
    return tuple(
        Stand(
            one, 1, tuple(end for other in members if other is not one for end in finals(known, other, (*chain, one.id), outside=outside))
        )
        for one in members
    )


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """A world whose mailboxes have twins, who are on the same lists and in the same groups as they are, or are not; the team holds all."""
    found: World = draw(worlds())
    people = [replace(one, kind="usermailbox") if draw(st.booleans()) else one for one in found.parties if one.id.startswith("user")]
    twins: list[Party] = []
    listed: dict[str, Address] = {}
    moving = dict(found.moving)
    for one in people:
        for number in range(draw(st.integers(0, 2))):
            name = f"twin{number}of{one.id}"
            renamed = {address: f"{name}@{address.rpartition('@')[2]}" for address in one.addresses}
            twins.append(replace(one, id=name, primary=renamed[one.primary], addresses=frozenset(renamed.values())))
            entries = [entry for host in found.sources for entry in (host.addresses or {}).values() if entry.address in renamed]
            if draw(st.booleans()):
                listed |= {renamed[entry.address]: replace(entry, address=renamed[entry.address]) for entry in entries if not entry.owner}
            moving |= {(team, name): until for (team, member), until in found.moving.items() if member == one.id and draw(st.booleans())}
    everybody_ = tuple(one.id for one in (*people, *twins))
    inner = tuple(draw(st.lists(st.sampled_from(everybody_), unique=True))) if everybody_ else ()
    team = replace(group("team", (*everybody_, "inner")), id="team", outsiders=True)
    hosts = (
        replace(host, addresses=host.addresses and {**host.addresses, **{one: listed[one] for one in listed if _in(host, one)}})
        for host in found.sources
    )
    parties_ = (*people, *twins, team, replace(group("inner", inner), id="inner", outsiders=draw(st.booleans())))
    return replace(
        found, parties=parties_, sources=tuple(hosts), moving=moving, group=f"{draw(st.sampled_from(['team', 'inner']))}@{SHARED}"
    )


def _in(host: Foreign, address: str) -> bool:
    return address.rpartition("@")[2] in host.domains


@settings(max_examples=60, deadline=None)
@given(crowds(), senders, origins)
def test_one_member_for_all_that_are_alike_changes_no_prediction(found: World, sender: str, origin: str) -> None:
    one_for_all = predict(found, sender, f"team@{SHARED}", origin)
    with mock.patch.object(_tenant, "stands", everybody):
        each = predict(replace(found), sender, f"team@{SHARED}", origin)
    assert (one_for_all.verdict, one_for_all.outcomes) == (each.verdict, each.outcomes)


def _all_staff(*, moving: int = 0) -> World:
    """A whole company in one group: half of it has moved, and of those some a moment ago."""
    names = [f"staff{number}" for number in range(CROWD)]
    moved = names[: CROWD // 2]
    everyone = replace(group("all", names), id="all", outsiders=True)
    listed = {**(source().addresses or {}), **{f"{name}@{SHARED}": Address(f"{name}@{SHARED}") for name in names}}
    forwards = {address: one for name in moved for address, one in forward(name).items()}
    return world(
        parties=(*parties(moved), *map(party, names), everyone),
        sources=(source(addresses=listed, forwards=forwards),),
        moving={("group movers", name): "13:00" for name in names[:moving]},
        synced=frozenset(f"{name}@{SHARED}" for name in moved),
    )


def test_a_group_of_six_thousand_is_walked_by_a_handful_of_its_members() -> None:
    known = _all_staff()
    walked = stands(known, known.by_id["all"], ("all",), outside=False)
    assert sum(one.many for one in walked) == CROWD
    assert len(walked) <= 3
    assert all(len(one.beside) <= len(walked) for one in walked)


def test_mail_to_a_group_of_six_thousand_is_no_loop_and_everybody_is_counted() -> None:
    found = predict(_all_staff(), f"staff1@{SHARED}", ALL, "tenant")
    assert "loop" not in found.outcomes
    (way,) = ways(found)
    half = CROWD // 2
    told = f"for {half} it goes to the foreign host, for {half} it goes to the mailbox in the tenant"
    assert (way.outcome, way.where) == ("delivered", f"is for {CROWD} people: {told}")
    assert any(f"stands for {half} members" in line for line in way.lines)


@pytest.mark.parametrize("moving", [1, 12, CROWD // 2])
def test_however_many_members_move_at_once_every_way_is_walked(moving: int) -> None:
    found = predict(_all_staff(moving=moving), f"staff1@{SHARED}", ALL, "tenant")
    assert "unknown" not in {found.verdict, *found.outcomes}
    assert len(found.routes) == 2


def test_a_rule_that_asks_for_any_recipient_sees_the_one_member_whom_it_names() -> None:
    anybody = Predicate("AnyOfRecipientAddressMatchesPatterns", ("^staff7@",))
    odd = rule(name="Any", conditions=(anybody,), exceptions=(), ends="reject", priority=-1)
    known = _all_staff()
    found = predict(replace(known, rules=(odd, *known.rules)), f"staff1@{SHARED}", ALL, "tenant")
    assert found.verdict == "bounced"
    assert {ending.outcome for ending in found.worst.endings} == {"bounced"}
