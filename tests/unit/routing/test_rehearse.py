# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal: every state of the plan, nobody's fate left out of date, and what it says of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._foresight import look_ahead
from ansible_collections.mailops.exchange.plugins.module_utils._rehearsal import plot_of, rehearsal_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._classes import predict_all
from ansible_collections.mailops.exchange.plugins.module_utils._routing._mail_plan import NOBODY
from ansible_collections.mailops.exchange.plugins.module_utils._routing._people import ORIGINS, everyone, senders_for
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse import Stage
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_fate import predicted
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_plan import State, story
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_words import screen
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Forward, World
from harness.crowd import KINDS, crowd

from . import worlds
from .test_tools import context, tenant


def states_of(options: Mapping[str, Any], **more: Any) -> list[State]:
    """The states of a plan."""
    given = {**options, **more}
    sight = look_ahead(given, context(tenant()), "setup")
    return list(story(plot_of(given, context(tenant()), sight)))


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """A small crowd with two waves."""
    return crowd(tmp_path, 120, 2).options


def rehearsed(options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    session = tenant()
    result = rehearsal_info({"limit": 10, **options, **more}, context(session))
    assert session.sent == [], "a snapshot needs no reading, and nothing is written"
    return result


def test_the_whole_plan_is_played_in_its_order(options: dict[str, Any]) -> None:
    found = [(state.step, state.title, state.order) for state in states_of(options)]
    assert found == [
        ("now", "as it is", ""),
        ("setup", "domains relay, group and connectors are there, no rule yet", ""),
        ("enforce", "rules on, may not act yet", ""),
        ("enforce", "rules on and acting", ""),
        *[
            wave
            for number in (34, 34)
            for wave in (
                ("cutover", f"{number} users in the group, may not act yet", ""),
                ("cutover", "in the group and effective, no forward yet", ""),
                ("forward", "forwards on, last sync to come", ""),
                ("forward", "last sync done", ""),
            )
        ],
        ("mx", "MX moved, some resolvers hold the former one", ""),
        ("mx", "MX at the tenant", ""),
        ("teardown", "domains are Authoritative", "loop_free, for comparison"),
        ("teardown", "rules off, may still act", "loop_free, for comparison"),
        ("teardown", "rules off and not acting", "loop_free, for comparison"),
        ("remove", "rules removed", "loop_free, for comparison"),
        ("dismantle", "connectors removed", "loop_free, for comparison"),
        ("dismantle", "group removed", "loop_free, for comparison"),
        ("teardown", "rules off, may still act", "documented"),
        ("teardown", "rules off and not acting", "documented"),
        ("remove", "rules removed", "documented"),
        ("dismantle", "connectors removed", "documented"),
        ("dismantle", "group removed", "documented"),
        ("dismantle", "domains are Authoritative", "documented"),
        ("sources_off", "forwards off, the foreign host switched off", ""),
    ]


def test_mx_first_moves_it_before_the_first_wave_and_the_chosen_order_comes_last(options: dict[str, Any]) -> None:
    found = [state.step for state in states_of(options, mx="first", teardown_order="loop_free")]
    assert found.index("mx") < found.index("cutover")
    orders = [state.order for state in states_of(options, teardown_order="loop_free") if state.order]
    assert orders[0] == "documented, for comparison"
    assert orders[-1] == "loop_free"


def test_what_is_missing_is_told_by_the_names_that_a_play_sets(options: dict[str, Any]) -> None:
    blind = {**options, "source_file": None, "waves_file": None, "known": None}
    head = rehearsed(blind)["screen"][:3]
    names = ("coexistence_known", "coexistence_source_file", "coexistence_waves_file")
    assert all(name in line for name, line in zip(names, head, strict=True))
    assert "key mx" in head[0]
    assert not any("coexistence_known" in line for line in rehearsed({**blind, "known": {"mx": {"example.com": "source"}}})["screen"])


def test_waits_last_as_long_as_declared(options: dict[str, Any]) -> None:
    waits = {(state.step, state.wait) for state in states_of(options, rule_latency=1800) if state.wait}
    assert waits == {("enforce", 1800), ("cutover", 1800), ("mx", 3600), ("mx", 72 * 3600), ("teardown", 1800)}


def plainly(world: World, origins: tuple[str, ...]) -> dict[str, int]:
    """Counts by predicting everybody anew."""
    counts: dict[str, int] = {}
    for origin in origins:
        for address in everyone(world, ["example.com"]):
            outcome = predicted(world, senders_for(origin, ["example.com"], address), address, origin).outcome
            counts[outcome] = counts.get(outcome, 0) + 1
    return counts


@pytest.mark.parametrize("more", [{}, {"mx": "first"}, {"membership": "pending", "seed_group": False}, {"rule_scope": "organization"}])
def test_what_is_predicted_again_is_all_that_has_changed(tmp_path: Path, more: dict[str, Any]) -> None:
    made = crowd(tmp_path, 75, 2, most=10)
    rows = made.snapshot["rows"]
    rows["mailboxes"] = [
        {"PrimarySmtpAddress": "pilot0@example.com", "ForwardingAddress": "stub3@example.com"},
        {"PrimarySmtpAddress": "pilot1@example.com", "ForwardingSmtpAddress": "smtp:stub4@example.com"},
    ]
    stage = Stage(["example.com"])
    for state in states_of(made.options, **more):
        assert stage.play(replace(state, judged=None)).counts == plainly(state.world, state.origins), (state.step, state.title)


def with_group(world: World, *members: str, outsiders: bool = True) -> World:
    group = worlds.group("staff", members, outsiders=outsiders)
    return replace(world, parties=(*world.parties, group, worlds.group("all", [group.id, "room"], outsiders=True)))


@pytest.mark.parametrize("outsiders", [True, False])
@pytest.mark.parametrize("settled", [True, False])
def test_a_group_is_as_badly_off_as_the_worst_of_its_members(outsiders: bool, settled: bool) -> None:
    start = with_group(worlds.at_tenant(worlds.world()), "migrated", "stub", "pilot", "shared", outsiders=outsiders)
    stage, worst = Stage([worlds.SHARED]), dict[str, set[str]]()
    for state in (
        State("now", "", start, shape=True),
        State("moved", "", change.joined(start, ["stub"], settled=settled), touched=frozenset({"stub", f"stub@{worlds.SHARED}"})),
        State("forwards", "", change.forwarded(start, {f"pilot@{worlds.SHARED}": Forward(f"pilot@{worlds.ROUTING}")})),
    ):
        stage.play(state)
        for name in ("staff", "all"):
            address = f"{name}@{worlds.SHARED}"
            for origin in ORIGINS:
                direct = predict(state.world, senders_for(origin, [worlds.SHARED], address)[0], address, origin).verdict
                assert stage.known[origin, stage.signs[address]].outcome == direct, (state.step, name, origin)
                worst.setdefault(origin, set()).add(direct)
    assert any(len(outcomes) > 1 for outcomes in worst.values())


def test_aliases_of_forwarded_mailboxes_share_classes(tmp_path: Path) -> None:
    made = crowd(tmp_path, 200, 2)
    last = next(state for state in reversed(states_of(made.options)) if state.wave)
    stage = Stage(["example.com"])
    stage.play(replace(last, shape=True, judged=None))
    aliases = [address for address in stage.people if address.startswith("alias")]
    assert len({stage.signs[address] for address in aliases}) < len(aliases) / 2
    plain = sum(len(group.recipients) for group in predict_all(last.world, "", aliases, "internet"))
    assert plain == len(aliases)


def test_who_is_hurt_by_the_plan_is_named_with_the_guard_that_says_so(options: dict[str, Any]) -> None:
    result = rehearsed(options)
    enforced = next(state for state in result["states"] if state["state"] == "rules on, may not act yet")
    assert enforced["fresh"] == {"bounced": 3}
    hurt = {one["kind"] for one in enforced["who"] if one["fresh"]}
    assert hurt == {"groupmailbox", "publicfolder"}
    assert {guard["id"] for guard in enforced["guards"] if guard["blocks"]} >= {"U4"}
    stopped = next(state for state in result["states"] if state["state"] == "rules off, may still act" and state["order"] == "documented")
    assert stopped["fresh"]["loop"]
    assert {guard["id"] for guard in stopped["guards"]} >= {"U2", "U3", "U11"}
    assert {"U2", "U4"} <= set(result["summary"]["refusing"])


def test_a_plan_that_hurts_nobody_until_its_end_says_so(tmp_path: Path) -> None:
    folders = [f"{kind}{number}@example.com" for kind in ("m365group", "folder") for number in range(10)]
    made = crowd(tmp_path, 120, 2, [kind for kind in KINDS if kind != "mailuser"])
    result = rehearsed(made.options, tenant_addresses=folders)
    hurting = {state["step"] for state in result["states"] if state["newly_hurt"]}
    assert hurting == {"teardown", "remove", "dismantle", "sources_off"}


def test_who_fares_worse_than_before_is_hurt_by_the_plan(options: dict[str, Any]) -> None:
    before, setup = rehearsed(options)["states"][:2]
    (users,) = (one for one in setup["who"] if one["fresh"])
    assert (users["outcome"], users["origins"], users["kind"]) == ("loop", ["tenant"], "mailuser, mailbox at the source")
    assert {one["outcome"] for one in before["who"] if one["kind"] == users["kind"] and "tenant" in one["origins"]} == {"bounced"}
    assert "a mail user with an external address in a relayed domain" in users["why"], (
        "a disputed fact, so the loop is named with its reading"
    )


def test_the_second_order_is_compared_with_where_the_orders_part(options: dict[str, Any]) -> None:
    for chosen, other, harm in (("documented", "loop_free", "loop"), ("loop_free", "documented", "bounced")):
        states = rehearsed(options, teardown_order=chosen)["states"]
        parts = [[state for state in states if state["order"] == order] for order in (f"{other}, for comparison", chosen)]
        assert [state for state in states if state["order"]] == parts[0] + parts[1]
        (first, *_rest), looping = parts[1], [bool(state["newly"].get("loop")) for part in parts for state in part]
        assert harm in first["fresh"], "counted from where the orders part, not from the end of the other one"
        assert sum(looping) == len(parts[chosen == "documented"]) - 1, "in the documented order alone, until the domains are final"


@pytest.mark.parametrize("order", ["documented", "loop_free"])
def test_mail_to_an_address_that_nobody_has_loops_until_the_domains_are_final(options: dict[str, Any], order: str) -> None:
    result = rehearsed(options, teardown_order=order)
    astray = [state for state in result["states"] if state["nobody"]]
    assert {state["order"].partition(",")[0] for state in astray} == {"documented"}, "never in the loop-free order"
    assert all(one["address"] == f"{NOBODY}@example.com" and one["outcome"] == "loop" for state in astray for one in state["nobody"])
    assert len(astray) == 5
    assert result["summary"]["nobody"] == {"loop": 5}
    assert "an address that nobody has: loop in 5 states" in result["line"]
    (first,) = [state for state in astray if any(one["fresh"] for one in state["nobody"])]
    assert any(NOBODY in line and "loop from" in line for line in result["screen"])
    assert not any(NOBODY in name for state in result["states"] for one in state["who"] for name in one["first"])
    assert first["step"] == "teardown"


def test_who_is_played_beside_the_people_is_counted_among_none_of_them(options: dict[str, Any]) -> None:
    stage = Stage(["example.com"])
    for state in states_of(options):
        played = stage.play(replace(state, judged=None))
        assert sum(played.counts.values()) == len(state.origins) * len(stage.people)
        assert f"{NOBODY}@example.com" not in stage.people


def test_forwards_that_no_back_end_switches_are_a_state_of_their_own(options: dict[str, Any]) -> None:
    result = rehearsed(options, forwarding_backend="none", forwarding_host=None)
    found = [state for state in result["states"] if state["wave"] and state["fresh"]]
    assert [state["state"] for state in found] == ["last sync done before the 34 forwards that no back end switches are on"] * 2
    for state in found:
        assert set(state["fresh"]) == {"split"}
        assert {origin for one in state["who"] if one["fresh"] for origin in one["origins"]} == {"internet", "source", "program"}
        named = [(re.findall(r"stub\d+@example.com", one["why"]), one["first"][:1]) for one in state["who"] if one["fresh"]]
        assert any(names for names, _first in named)
        assert all(names in ([], first) for names, first in named), "a reason speaks of one who is named"
    lines = result["screen"]
    assert sum("no back end switches" in line for line in lines) == 1, "the second wave hurts in the same way"
    assert any("wave wave02: as wave wave01, newly hurt" in line for line in lines)


def test_each_source_has_a_back_end_of_its_own(tmp_path: Path) -> None:
    made = crowd(tmp_path, 120, 2)
    given = {name: value for name, value in made.options.items() if name not in {"domains", "smart_hosts", "source_ip_ranges", "known"}}
    ranges = {"smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]}
    own = {"name": "one", "domains": ["example.com"], **ranges, "forwarding_backend": "none"}
    other = {"name": "two", "domains": ["other.example.net"], "smart_hosts": ["192.0.2.11"], "source_ip_ranges": ["192.0.2.11"]}
    both = {"domains": ["example.com", "other.example.net"], "sources": [own, other]}
    titles = [state.title for state in states_of(given, **both, known={"mx": {"example.com": "one"}})]
    assert sum("no back end switches" in title for title in titles) == 2


def test_a_google_map_takes_a_day(options: dict[str, Any]) -> None:
    waits = [state.wait for state in states_of(options, forwarding_backend="google") if state.title.startswith("in the group")]
    assert waits == [86400, 86400]


def test_who_was_hurt_before_is_not_laid_at_the_plans_door(options: dict[str, Any]) -> None:
    first = rehearsed(options)["states"][0]
    assert first["hurt"] > 0
    assert first["newly_hurt"] == 0


def test_the_screen_is_at_most_sixty_lines_and_ends_in_the_figures(tmp_path: Path) -> None:
    result = rehearsed(crowd(tmp_path, 200, 20).options)
    assert len(result["screen"]) <= 61
    assert result["screen"][-1] == result["line"]
    assert result["line"].startswith("95 states, 200 recipients, ")
    assert any("wave wave01 to wave19: nobody newly hurt" in line for line in result["screen"])
    assert any(line.startswith("rule 'Quarantine words' asks for something that is not evaluated") for line in result["screen"])


def test_more_than_sixty_lines_are_counted() -> None:
    state = {
        **dict.fromkeys(("step", "state", "order", "wait_for"), "x"),
        **dict.fromkeys(("who", "nobody", "guards"), ()),
        **{key: {} for key in ("fresh", "newly", "counts", "other_rules")},
        "wave": "",
        "wait": 0,
    }
    figures = {**dict.fromkeys(("states", "recipients", "classes", "waits", "seconds"), 0), "newly_hurt": {}, "nobody": {}, "refusing": []}
    figures["newly_hurt"] = dict.fromkeys(("split", "bounced", "loop", "lost"), 0)
    lines = screen([{**state, "number": number} for number in range(100)], figures)
    assert len(lines) == 60
    assert lines[-2] == "and 42 more lines under states"


def test_what_is_missing_is_told_first(options: dict[str, Any]) -> None:
    result = rehearsed(options, known=None, source_file=None, waves_file=None, seed_group=False)
    assert [line.split(" ")[:4] for line in result["screen"][:3]] == [
        ["The", "MX", "of", "example.com"],
        ["There", "is", "no", "source"],
        ["There", "is", "no", "waves"],
    ]


def test_what_a_set_up_leaves_is_what_the_story_says(options: dict[str, Any]) -> None:
    once = states_of(options)
    world = next(state.world for state in once if state.title == "rules on and acting")
    assert [rule.name for rule in world.rules if rule.route] == ["Coexistence"]
    assert world.group in world.by_address
    assert {one.type for name, one in world.domains.items() if name == "example.com"} == {"internalrelay"}
