# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time at which an MX moved, in the group's line: beside what the line holds, and in the same write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _upkeep as upkeep
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import plan

from . import tenant
from .test_upkeep import KEPT, NOTE, full, noted
from .worlds import SHARED, world


def test_a_change_is_noted_beside_what_the_line_holds() -> None:
    seen = full("reconcile", world(), groups=[tenant.group(KEPT)])
    seen = replace(seen, situation=replace(seen.situation, mx=NOTE))
    assert noted(upkeep.reconcile(seen)) == replace(KEPT, mx=NOTE)
    assert upkeep.reconcile(full("reconcile", world(), groups=[]))["groups"] == []


@pytest.mark.parametrize("step", ["setup", "teardown"])
def test_steps_that_write_the_line_note_it_in_the_same_write(step: str) -> None:
    seen = replace(tenant.case(step, **tenant.standing(groups=[tenant.group(KEPT)])), mx=NOTE)
    found = noted(plan(seen))
    assert (found.mx, found.moved, found.former) == (NOTE, KEPT.moved, KEPT.former)
    assert bool(found.stops) == (step == "teardown")


def test_a_teardown_that_had_noted_its_stops_writes_again_for_a_change_alone() -> None:
    stopped = Line({SHARED: "Authoritative"}, stops={tenant.RULE: "2026-03-01T08:00:00Z"})
    rows = tenant.standing(groups=[tenant.group(stopped)], rules=[tenant.rule(State="Disabled")])
    assert plan(tenant.case("teardown", **rows))["groups"] == []
    assert noted(plan(replace(tenant.case("teardown", **rows), mx=NOTE))) == replace(stopped, mx=NOTE)
