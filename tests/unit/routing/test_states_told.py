# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code's table of states holds every line of the routing facts' table, with the same outcome under each reading, and no other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._states import STATES, State

from .told import LINES, Line

BY_ID = {state.id: state for state in STATES}
Cell = tuple[str, str, str, str, tuple[tuple[str, str], ...]]


def carried(line: Line) -> list[State]:
    """The states of the code that carry a line."""
    return [BY_ID[name] for name in line.states.split()]


def held(states: Iterable[State]) -> set[Cell]:
    """Each kind of recipient, origin, kind of message, outcome and reading that states name."""
    return {
        (kind, origin, mail, hurt.outcome, tuple(hurt.reading.items()))
        for state in states
        for hurt in state.hurts
        for kind in hurt.kinds
        for origin in hurt.origins
        for mail in hurt.mail
    }


def told(line: Line) -> set[Cell]:
    """The same of a line."""
    return {
        (kind, origin, fate.mail, fate.ends, tuple(fate.reading.items()))
        for fate in line.fates
        for kind in fate.who.split()
        for origin in fate.origins
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.says)
def test_the_table_of_states_says_what_the_facts_say(line: Line) -> None:
    assert held(carried(line)) == told(line)
    assert {guard for state in carried(line) for guard in state.guards} == set(line.guards.split())
    assert {state.blocks for state in carried(line)} == {line.blocks}


def test_every_state_is_a_line_of_the_facts() -> None:
    assert len(LINES) == 21
    named = [name for line in LINES for name in line.states.split()]
    assert sorted(named) == sorted(BY_ID)


def test_where_the_project_decides_otherwise_it_says_why() -> None:
    assert [fate for line in LINES for fate in line.fates if fate.told and not fate.why] == []
