# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The rehearsal: the whole plan on a snapshot, by prediction alone. Writes nothing to the tenant."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._foresight import Sight, look_ahead
from ansible_collections.mailops.exchange.plugins.module_utils._foretell import seen_of
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _rehearse_words as words
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse import Stage
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_plan import Plot, story
from ansible_collections.mailops.exchange.plugins.module_utils._routing._rehearse_setup import Shown
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import world_of
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context

# The variables must be as complete as for the first real step.
STEP = "setup"


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for cycles: nothing makes any here, and each walk over everything would cost more the larger the crowd."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def rehearsal_info(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Every state of the plan with who would be hurt, how and why; a screen and figures."""
    with uncollected():
        return _rehearsed(params, context)


def _rehearsed(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    begun = context.monotonic()
    sight = look_ahead(params, context, STEP)
    plot = plot_of(params, context, sight)
    missing = _missing(plot)
    for line in missing:
        context.warn(line)
    stage, limit = Stage(plot.inputs.domains), int(params["limit"])
    states = []
    for number, state in enumerate(story(plot), 1):
        context.progress(f"state {number}: {state.step}: {f'wave {state.wave}: ' if state.wave else ''}{state.title}")
        states.append(stage.play(state).to_dict(number, limit))
    found = words.figures(states, len(stage.people), stage.most, context.monotonic() - begun)
    return {
        "changed": False,
        "calls": [],
        "now": sight.reading.last,
        "states": states,
        "summary": found,
        "line": words.summary(found),
        "screen": [*missing, *words.screen(states, found)],
    }


def plot_of(params: Mapping[str, Any], context: Context, sight: Sight) -> Plot:
    """Where the plan begins."""
    case, reading = sight.situation, sight.reading
    seen, evidence = seen_of(params, context, sight)
    world = world_of(case.snapshot, case.inputs, reading.rows, reading.members, seen)
    shown = Shown(case.snapshot, reading.rows.get("domains", []))
    return Plot(case, shown, reading.rows, reading.members, seen, evidence, world)


def _missing(plot: Plot) -> list[str]:
    """Inputs without which much stays unknown, one line each with the variable that a play sets."""
    lines = []
    for domain in (domain for domain in plot.inputs.domains if domain not in plot.world.mx):
        why = plot.evidence.unread.get(f"mx {domain}") or "nobody was asked"
        lines.append(
            f"The MX of {domain} is not known ({why}), so the way of mail from outside is not; say who holds it in coexistence_known"
            f' (key mx), such as {{"mx": {{"{domain}": "source"}}}}.'
        )
    if plot.inputs.source_list is None:
        lines.append("There is no source list, so nobody knows who reads at the source; give it in coexistence_source_file.")
    if not plot.inputs.waves:
        lines.append("There is no waves file, so no wave is played; give it in coexistence_waves_file.")
    return lines
