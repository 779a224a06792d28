# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Continuous mail while real playbooks run: nobody's is lost, nobody's loops, and what is split was announced. Postfix needs root."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import account
from harness.shape import Shape
from harness.story import Plan, Story, Told
from programs.story import line

# In which each wait of a role is needed.
TIGHT = Plan("postfix", Shape(2))


@pytest.fixture
def play(tree: Path, tmp_path: Path) -> Callable[[Plan], Told]:
    """Play a plan to its end."""

    def played(plan: Plan) -> Told:
        with Story(plan, tree, tmp_path) as story:
            return story.play()

    return played


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(TIGHT, id="two-domains-documented"),
        pytest.param(Plan("postfix", Shape(2, 2), "first", tight=False), id="two-sources-mx-first-documented"),
        pytest.param(Plan("postfix", Shape(2, 2), "last", "loop_free", tight=False), id="two-sources-loop-free"),
    ],
)
def test_a_project_hurts_nobody(play: Callable[[Plan], Told], plan: Plan, record_property: Callable[[str, object], None]) -> None:
    told = play(plan)
    assert told.problems == []
    known = Counter(one.outcome for one in told.copies if one.kind != account.UNKNOWN)
    assert (known["lost"], known["loop"], known["delayed"], known["duplicate"]) == (0, 0, 0, 0)
    assert known["split"] == told.announced
    unknown = {one.outcome for one in told.copies if one.kind == account.UNKNOWN}
    assert unknown == ({"bounced"} if plan.order == "loop_free" else {"bounced", "loop"})
    assert told.messages >= plan.least >= 2000
    assert told.announced, "mail from the tenant to a stub before the rule acts is split"
    assert known["early"], "the waits of the waves had mail in them"
    record_property("figure", line(plan, told, 0).rpartition(",")[0])


# What each wait of a role protects from, in the plan that is green with it: mail loops in the step in which nothing else does, although the
# hands of the project stay as they are.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("wait", "step"), [("time", "wave1"), ("probe", "wave2")], ids=["time", "probe"])
def test_a_story_whose_roles_do_not_wait_is_red(play: Callable[[Plan], Told], wait: str, step: str) -> None:
    told = play(replace(TIGHT, cut=(wait,), only=("setup", step), each=3, rate=60, least=0))
    steps = ("setup", step)
    looped = [one for one in told.copies if one.outcome == "loop" and one.kind != account.UNKNOWN and one.step in steps]
    assert {one.step for one in looped} == {step}, "the roles' own probes may loop as well, letters only in that step"
    assert {str(one) for one in looped} <= set(told.problems)
