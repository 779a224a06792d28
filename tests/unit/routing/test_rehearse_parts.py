# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a rehearsal by tables: whom a change reaches, the fate of a group, objects as a plan leaves them, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import Prediction, Route
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse import Stage
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_fate import Fate, fate_of, joined
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_plan import State
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_reach import behind, leads
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_setup import row_of, thing_of
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_words import screen, span, summary
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import Thing
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Address, World

from . import worlds
from .worlds import ROUTING, SHARED

RULE = "rule matches: Words"
OTHER_RULE = "rule matches: Pictures"


def predicted(*routes: tuple[Mapping[str, str], str], verdict: str) -> Prediction:
    return Prediction("", "bert@example.com", "internet", tuple(Route(assumed, outcome, ()) for assumed, outcome in routes), verdict)


@pytest.mark.parametrize(
    ("routes", "verdict", "outcome", "beyond"),
    [
        ([({}, "delivered")], "delivered", "delivered", ()),
        ([({RULE: "matches"}, "lost"), ({RULE: "does not match"}, "delivered")], "lost", "delivered", ("Words",)),
        ([({RULE: "matches"}, "delivered"), ({RULE: "does not match"}, "loop")], "loop", "loop", ()),
        ([({RULE: "matches"}, "lost")], "lost", "lost", ()),
        (
            [
                ({RULE: "matches", OTHER_RULE: "does not match"}, "lost"),
                ({RULE: "does not match", OTHER_RULE: "matches"}, "split"),
                ({RULE: "does not match", OTHER_RULE: "does not match"}, "healed"),
            ],
            "lost",
            "healed",
            ("Pictures", "Words"),
        ),
        # Too many branches were there to walk, so that nobody knows better.
        ([({RULE: "matches"}, "delivered"), ({RULE: "does not match"}, "delivered")], "unknown", "unknown", ()),
    ],
)
def test_a_rule_that_is_not_evaluated_is_counted_apart(
    routes: list[tuple[Mapping[str, str], str]], verdict: str, outcome: str, beyond: tuple[str, ...]
) -> None:
    found = fate_of(predicted(*routes, verdict=verdict))
    assert (found.outcome, found.beyond) == (outcome, beyond)


def test_a_groups_fate_is_the_worst_with_the_rules_of_all() -> None:
    good, bad = (Fate(predicted(({}, one), verdict=one), (rule,)) for one, rule in (("delivered", "Words"), ("loop", "Pictures")))
    assert (joined([good, bad]).outcome, joined([bad, good]).beyond) == ("loop", ("Pictures", "Words"))


def reached(world: World, *touched: str) -> set[str]:
    """The addresses in the shared domain whose mail can come by one of these."""
    return {address.partition("@")[0] for address in behind(leads(world), touched) if address.endswith(f"@{SHARED}")}


def test_a_change_reaches_everybody_whose_mail_can_come_by() -> None:
    lists = {f"alias@{SHARED}": Address(f"alias@{SHARED}", "alias", f"stub@{SHARED}")}
    lists |= {f"crew@{SHARED}": Address(f"crew@{SHARED}", "list", members=(f"noobj@{SHARED}", f"crew@{SHARED}"))}
    source = worlds.source(forwards=worlds.forward("migrated"))
    base = worlds.world(sources=(replace(source, addresses={**(source.addresses or {}), **lists}),))
    staff = worlds.group("staff", ["stub", "group movers"])
    everybody = worlds.group("all", ["group staff", "room"])
    sent_on = worlds.party("away", forward="pilot", forward_smtp=f"shared+x@{SHARED}")
    world = replace(base, parties=(*base.parties, staff, everybody, sent_on))
    assert reached(world, "stub") == {"stub", "alias", "staff", "all"}
    assert reached(world, "migrated") >= {"migrated", "movers", "staff", "all"}
    assert reached(world, f"migrated@{ROUTING}") >= {"migrated"}
    assert reached(world, f"noobj@{SHARED}") == {"noobj", "crew"}
    assert reached(world, "pilot") == {"pilot", "away"}
    assert reached(world, "shared") == {"shared", "away"}
    assert reached(world, "room") == {"room", "all"}
    assert reached(world, "guest") == set()


def test_a_recipient_that_was_a_class_of_its_own_is_predicted_again() -> None:
    away = worlds.party("away", forward="stub")
    start = worlds.world()
    start = replace(start, parties=(*start.parties, away))
    stage = Stage([SHARED])
    stage.play(State("now", "", start, shape=True))
    before = stage.predictions
    back = replace(start, parties=(*start.parties[:-1], replace(away, forward="room")))
    touched = frozenset({"away", f"away@{SHARED}"})
    stage.play(State("after", "", back, touched=touched))
    assert stage.predictions > before
    assert stage.known["tenant", stage.signs[f"away@{SHARED}"]].outcome == worlds.verdict(back, "away", "tenant")


def test_options_become_the_rows_that_the_service_shows() -> None:
    made = {"identity": "Way out", "use_mx_record": False, "sender_ip_addresses": ["192.0.2.10"], "recipient_domains": ["example.com"]}
    assert row_of(made) == {
        "Name": "Way out",
        "UseMXRecord": False,
        "SenderIPAddresses": ["192.0.2.10"],
        "RecipientDomains": ["example.com"],
    }
    there = Thing("WAY OUT", "guid-1", "ours", {"Name": "WAY OUT", "Comment": "ours", "Enabled": True, "UseMXRecord": True})
    known = thing_of(made, [there], "Comment", Enabled=False)
    assert (known.guid, known.comment, known.row["Enabled"], known.row["UseMXRecord"]) == ("guid-1", "ours", True, False)
    fresh = thing_of(made, [], "Comment", Enabled=False)
    assert (fresh.guid, fresh.comment, fresh.row["Enabled"]) == ("way out", None, False)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 min"), (59, "0 min"), (3600, "60 min"), (7200, "2 h"), (172799, "47 h"), (172800, "2.0 days")]
)
def test_a_time_as_people_say_it(seconds: int, text: str) -> None:
    assert span(seconds) == text


def shown(number: int, wave: str, fresh: dict[str, int], **more: Any) -> dict[str, Any]:
    """A state as a result holds it."""
    who = [{"fresh": 1, "outcome": one, "origins": ["tenant"], "kind": "stub", "first": ["a@x", "b@x"], "why": "because"} for one in fresh]
    empty: dict[str, Any] = {"order": "", "wait": 0, "wait_for": "it", "counts": {}, "other_rules": {}, "guards": [], "newly": fresh}
    empty |= {"nobody": []}
    return {"number": number, "step": "cutover", "state": "done", "wave": wave, "fresh": fresh, "who": who, **empty, **more}


FIGURES = {
    **dict.fromkeys(("states", "recipients", "classes", "waits", "seconds"), 0),
    "newly_hurt": dict.fromkeys(("split", "bounced", "loop", "lost"), 0),
    "nobody": {},
    "refusing": ["U4"],
}


def test_waves_that_hurt_alike_are_one_line() -> None:
    harm = {"split": 3}
    states = [
        shown(number, wave, fresh, wait=3600)
        for number, (wave, fresh) in enumerate([("1", {}), ("1", harm), ("2", {}), ("2", harm), ("3", {}), ("3", {"loop": 1}), ("4", {})])
    ]
    lines = [line for line in screen(states, FIGURES) if not line.startswith(" ")]
    assert lines == [
        "0. cutover: wave 1: done: nobody newly hurt; waits 60 min for it",
        "1. cutover: wave 1: done: newly hurt 3 split; waits 60 min for it",
        "2 to 3. wave 2: as wave 1, newly hurt 3 split; waits 2 h",
        "4. cutover: wave 3: done: nobody newly hurt; waits 60 min for it",
        "5. cutover: wave 3: done: newly hurt 1 loop; waits 60 min for it",
        "6. wave 4: nobody newly hurt; waits 60 min",
        summary(FIGURES),
    ]
    assert "no guard speaks of it" in " ".join(screen(states, FIGURES))
