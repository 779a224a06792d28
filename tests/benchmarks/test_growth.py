# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prediction of many recipients costs beside one of few: ratios within one run, in processor time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from ansible_collections.mailops.exchange.plugins.module_utils._routing._classes import Class, predict_all
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Accepted,
    Address,
    Connector,
    Foreign,
    Forward,
    Mx,
    Party,
    Predicate,
    Rule,
    World,
)

SHARED, ROUTING, HOST, GROUP = "example.com", "contoso.mail.onmicrosoft.com", "192.0.2.10", "migrated@example.com"
# Recipients, and how often they are predicted in a round: a machine is quicker for a moment than for long, so that none lasts a moment.
COUNTS = {1_000: 30, 10_000: 6, 100_000: 1}
# For each tenfold step; more than one because caches of the machine hold a small world and not a large one.
TOLERANCE = 1.25
ROUNDS = 5


def world(count: int) -> World:
    """So many recipients: a half migrated, a quarter still at the source, the others without an object or in the cloud alone."""
    people = [f"person{number}@{SHARED}" for number in range(count)]
    objects = [address for place, address in enumerate(people) if place % 8 != 7]
    moved = people[::2]
    parties = [Party(one, one, frozenset({one, f"{one.partition('@')[0]}@{ROUTING}"})) for one in objects]
    group = Party(GROUP, GROUP, frozenset({GROUP}), "mailuniversaldistributiongroup", members=tuple(moved))
    listed = {one: Address(one) for place, one in enumerate(people) if place % 8 != 5}
    forwards = {one: Forward(f"{one.partition('@')[0]}@{ROUTING}") for one in moved}
    conditions, exceptions = (Predicate("RecipientDomainIs", (SHARED,)),), (Predicate("SentToMemberOf", (GROUP,)),)
    return World(
        domains={SHARED: Accepted(SHARED), ROUTING: Accepted(ROUTING, "authoritative")},
        parties=(*parties, group),
        rules=(Rule("Coexistence", conditions=conditions, exceptions=exceptions, route="out"),),
        connectors=(Connector("out", hosts=(HOST,)),),
        sources=(Foreign("first", frozenset({SHARED}), frozenset({HOST}), (HOST,), addresses=listed, forwards=forwards),),
        mx={SHARED: Mx("first"), ROUTING: Mx("tenant")},
        group=GROUP,
        synced=frozenset(moved),
    )


def seconds_of(count: int) -> tuple[float, tuple[Class, ...]]:
    """Processor seconds of one prediction in a world of its own, and the classes."""
    recipients = [f"person{number}@{SHARED}" for number in range(count)]
    made = world(count)
    gc.collect()
    begun = time.process_time()
    classes = predict_all(made, f"colleague@{SHARED}", recipients, "tenant")
    return time.process_time() - begun, classes


def round_of() -> list[tuple[float, tuple[Class, ...]]]:
    """By count the processor seconds for each recipient, and the classes: one after the other, so that all meet the machine alike."""
    found = []
    for count, times in COUNTS.items():
        done = [seconds_of(count) for _time in range(times)]
        found.append((sum(seconds for seconds, _classes in done) / (count * times), done[-1][1]))
    return found


def test_many_recipients_cost_at_most_as_much_each_as_few(record_property: Callable[[str, object], None]) -> None:
    rounds = [round_of() for _round in range(ROUNDS)]
    for count, (_seconds, classes) in zip(COUNTS, rounds[0], strict=True):
        assert sum(len(one.recipients) for one in classes) == count
    assert len({len(classes) for _seconds, classes in rounds[0]}) == 1
    # What a step costs is the median over the rounds, each of which compares what was measured side by side.
    every = [[later / earlier for (earlier, _one), (later, _other) in pairwise(found)] for found in rounds]
    steps = [statistics.median(column) for column in zip(*every, strict=True)]
    told = ", ".join(f"{step:.2f}" for step in steps)
    record_property(
        "figure", f"predictions of {', '.join(map(str, COUNTS))} recipients: each step costs {told} times as much per recipient"
    )
    assert max(steps) <= TOLERANCE, told
