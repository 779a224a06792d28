# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A membership that was just changed: who may not count yet for what the group says, and what is not proven meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._observe import moving
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _upkeep as upkeep
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line

from .tenant import SHARED, case, group, mailbox, standing
from .worlds import world

WAVE = {"users": ["anna@example.com"]}


@pytest.mark.parametrize(
    ("moved", "step", "check", "until"),
    [
        ("2026-03-01T11:30:00Z", "forward", False, "2026-03-01T12:30:00Z"),
        ("2026-03-01T11:00:00Z", "forward", False, ""),  # an hour ago
        ("2026-03-01T11:30:00Z", "cutover", False, ""),
        ("2026-03-01T11:30:00Z", "forward", True, ""),  # taken as passed
        ("", "forward", False, ""),
    ],
)
def test_a_membership_that_was_just_changed_may_not_act_yet(moved: str, step: str, check: bool, until: str) -> None:
    held = group(Line({SHARED: "Authoritative"}, moved=moved))
    situation = case(step, options=WAVE, **standing(groups=[held], recipients=[mailbox("anna@example.com")]))
    found = moving(replace(situation, check_mode=check))
    assert found == ({"anna@example.com": until} if until else {})


@pytest.mark.parametrize("step", ["mx", "teardown"])
@pytest.mark.parametrize("check", [False, True])
def test_before_the_mx_moves_nobody_in_a_group_that_was_just_changed_counts_for_sure(step: str, check: bool) -> None:
    held = group(Line({SHARED: "Authoritative"}, moved="2026-03-01T11:30:00Z"))
    people = [mailbox("anna@example.com"), mailbox("bert@example.com")]
    situation = case(step, options=WAVE, **standing(groups=[held], recipients=people, members=people[1:]))
    found = moving(replace(situation, check_mode=check))
    assert found == dict.fromkeys(("anna@example.com", "bert@example.com"), "2026-03-01T12:30:00Z")


@pytest.mark.parametrize(("moved", "told"), [("2026-03-01T11:30:00Z", True), ("2026-03-01T10:30:00Z", False), ("", False)])
def test_a_membership_that_was_just_changed_leaves_the_rest_unproven(moved: str, told: bool) -> None:
    held = group(Line({SHARED: "Authoritative"}, moved=moved))
    seen = Full(case("verify", options={}, **standing(groups=[held])), world(), Evidence(forwards_read=True))
    made = upkeep.verify(seen, 1)
    assert [("2026-03-01T11:30:00Z" in line, "2026-03-01T12:30:00Z" in line) for line in made["unproven"]] == [(True, True)] * told
    assert any(line.startswith("not proven: the membership of") for line in upkeep.lines(seen, made)) == told
