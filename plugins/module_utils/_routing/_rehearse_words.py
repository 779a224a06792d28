# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A rehearsal as one screen and one line of figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ._outcomes import OUTCOMES
from ._rehearse_plan import COMPARED

LINES = 60
WIDTH = 240
SHOWN = 3
HURTING = tuple(outcome for outcome in OUTCOMES if outcome in {"split", "bounced", "loop", "lost"})


def figures(states: Sequence[Mapping[str, Any]], recipients: int, classes: int, seconds: float) -> dict[str, Any]:
    """Counts of a whole rehearsal. newly_hurt: pairs of recipient and origin, in their worst state, by outcome.

    nobody: in how many states the plan leads mail to an address that nobody has astray, by outcome; it is none of the recipients.
    """
    worst: dict[str, int] = {}
    for state in states:
        for outcome, number in state["newly"].items():
            worst[outcome] = max(worst.get(outcome, 0), number)
    return {
        "states": len(states),
        "recipients": recipients,
        "classes": classes,
        "hurting_states": sum(bool(state["newly"]) for state in states),
        "newly_hurt": {outcome: worst.get(outcome, 0) for outcome in HURTING},
        "nobody": {outcome: _astray(states, outcome) for outcome in HURTING if _astray(states, outcome)},
        "refusing": sorted({guard["id"] for state in states for guard in state["guards"] if guard["blocks"]}),
        "waits": sum(int(state["wait"]) for state in states if not str(state["order"]).endswith(COMPARED)),
        "seconds": round(seconds, 1),
    }


def _astray(states: Sequence[Mapping[str, Any]], outcome: str) -> int:
    """In how many states mail to an address that nobody has ends so, though it did not before the plan."""
    return sum(any(one["outcome"] == outcome and one["new"] for one in state["nobody"]) for state in states)


def summary(found: Mapping[str, Any]) -> str:
    """The same in one line."""
    hurt = ", ".join(f"{outcome} {found['newly_hurt'][outcome]}" for outcome in HURTING)
    refusing = f", refused by {', '.join(found['refusing'])}" if found["refusing"] else ""
    strange = ", ".join(f"{outcome} in {number} states" for outcome, number in found["nobody"].items())
    nobody = f", an address that nobody has: {strange}" if strange else ""
    return (
        f"{found['states']} states, {found['recipients']} recipients, {found['classes']} classes, "
        f"newly hurt at worst: {hurt}{nobody}{refusing}, waits {span(found['waits'])}, {found['seconds']} s"
    )


def span(seconds: int) -> str:
    """A time as people say it."""
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172800 else f"{seconds / 86400:.1f} days"


def screen(states: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> list[str]:
    """At most sixty lines: every state, those of a wave that hurt nobody anew as one; whom the plan hurts, how and why.

    Waves that hurt in the same way as the one before are one line.
    """
    lines = _beyond(states)
    waves = [list(members) for _wave, members in groupby(states, key=_wave_of)]
    for _sort, alike in groupby(waves, key=_sort_of):
        first, *others = alike
        following = [state for wave in others for state in wave]
        if _wave_of(first[0]) and all(map(_calm, first)):
            lines += _together([*first, *following])
        else:
            lines += _told(first) + (_together(following, _wave_of(first[0])) if following else [])
    if len(lines) > LINES - 2:
        more = len(lines) - (LINES - 2)
        lines = [*lines[: LINES - 2], f"and {more} more lines under states"]
    return [*lines, summary(found)]


def _wave_of(state: Mapping[str, Any]) -> str:
    return str(state["wave"])


def _sort_of(wave: Sequence[Mapping[str, Any]]) -> tuple[tuple[bool, str], ...]:
    """Equal for waves whose states hurt in the same ways; what belongs to no wave stands alone between them."""
    return tuple((bool(_wave_of(state)), ", ".join([*state["fresh"], *_strayed(state)])) for state in wave if not _calm(state))


def _told(wave: Sequence[Mapping[str, Any]]) -> list[str]:
    """The states of one wave, or of none."""
    lines: list[str] = []
    for calm, members in groupby(wave, key=_calm):
        group = list(members)
        lines += _together(group) if calm and len(group) > 1 else [line for state in group for line in _state(state)]
    return lines


def _beyond(states: Sequence[Mapping[str, Any]]) -> list[str]:
    most: dict[str, int] = {}
    for state in states:
        for rule, number in state["other_rules"].items():
            most[rule] = max(most.get(rule, 0), number)
    return [
        f"rule '{rule}' asks for something that is not evaluated; where it matches, mail ends worse (at most {number}); not counted below"
        for rule, number in sorted(most.items())
    ]


def _calm(state: Mapping[str, Any]) -> bool:
    return bool(state["wave"]) and not (state["fresh"] or _strayed(state))


def _strayed(state: Mapping[str, Any]) -> list[str]:
    """Where mail to an address that nobody has goes astray in this state first, one line each."""
    return [
        f"{one['outcome']} from {', '.join(one['origins'])} (an address that nobody has: {one['address']}): {one['why']}"
        for one in state["nobody"]
        if one["fresh"]
    ]


def _together(group: Sequence[Mapping[str, Any]], like: str = "") -> list[str]:
    """States of waves as one line, and what the guards refuse of them. like: the wave that hurts in the same way."""
    waves = list(dict.fromkeys(map(_wave_of, group)))
    names = waves[0] if len(waves) == 1 else f"{waves[0]} to {waves[-1]}"
    first, last = group[0]["number"], group[-1]["number"]
    numbers = str(first) if first == last else f"{first} to {last}"
    waits = sum(int(state["wait"]) for state in group)
    fresh: dict[str, int] = {}
    for outcome, number in (pair for state in group for pair in state["fresh"].items()):
        fresh[outcome] = fresh.get(outcome, 0) + number
    still = _amounts(group[-1]["newly"])
    hurt = f"as wave {like}, newly hurt {_amounts(fresh)}" if like else f"nobody newly hurt{f', still {still}' if still else ''}"
    line = f"{numbers}. wave {names}: {hurt}{_softly(group)}{f'; waits {span(waits)}' if waits else ''}"
    return [line, *_guards(group)]


def _guards(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """Per guard one line: the first whom it refuses and why, and how many there are; those that only tell in one line."""
    refusing: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    telling: dict[str, None] = {}
    for state in group:
        for guard in state["guards"]:
            if guard["blocks"]:
                refusing.setdefault(guard["id"], []).append((str(state["wave"]), guard))
            else:
                telling[guard["id"]] = None
    lines = []
    for name, found in refusing.items():
        wave, guard = found[0]
        waves = len({one for one, _guard in found if one})
        more = f"; {len(found) - 1} more" if len(found) > 1 else ""
        where = f" in {waves} waves" if waves > 1 else f" in wave {wave}" if wave and len(group) > 1 else ""
        lines.append(_cut(f"     refused by {name}{where}: {guard['who']}: {guard['why']}", more))
    told = [name for name in telling if name not in refusing]
    return [*lines, *([f"     told by {', '.join(told)}"] if told else [])]


def _cut(text: str, end: str = "") -> str:
    room = WIDTH - len(end)
    return f"{text if len(text) <= room else text[: room - 3] + '...'}{end}"


def _amounts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items())


def _softly(group: Iterable[Mapping[str, Any]]) -> str:
    """What is no harm but to be told: early, duplicate and delayed mail at its most."""
    parts = []
    for outcome in ("early", "duplicate", "delayed", "unknown"):
        most = max((int(state["counts"].get(outcome, 0)) for state in group), default=0)
        parts += [f"{most} {outcome}"] if most else []
    return f", at most {', '.join(parts)}" if parts else ""


def _state(state: Mapping[str, Any]) -> list[str]:
    where = f"wave {state['wave']}: {state['state']}" if state["wave"] else state["state"]
    order = f" ({state['order']})" if state["order"] else ""
    wait = f"; waits {span(int(state['wait']))} for {state['wait_for']}" if state["wait"] else ""
    fresh, newly = _amounts(state["fresh"]), _amounts(state["newly"])
    still = f" ({newly} in all)" if newly and newly != fresh else ""
    hurt = f"newly hurt {fresh}{still}" if fresh else f"nobody newly hurt{f', still {newly}' if newly else ''}"
    lines = [f"{state['number']}. {state['step']}: {where}{order}: {hurt}{_softly([state])}{wait}"]
    for one in [one for one in state["who"] if one["fresh"]][:SHOWN]:
        names = ", ".join(one["first"][:2]) + (f" and {one['fresh'] - 2} more" if one["fresh"] > 2 else "")
        lines.append(_cut(f"     {one['fresh']} {one['outcome']} from {', '.join(one['origins'])} ({one['kind']}: {names}): {one['why']}"))
    lines += [_cut(f"     {line}") for line in _strayed(state)]
    guards = _guards([state])
    return [*lines, *guards, *(["     no guard speaks of it"] if fresh and not guards else [])]
