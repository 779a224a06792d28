# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Waiting for an effect, both ways: by the service's own clock, and by probes until they arrive where they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ._probing import TIMES, mail_probe
from ._routing import _checks as checks
from ._routing._evidence import ARRIVED, FILTER, MISSING, NOT_PROBED
from ._routing._mail_plan import LOOK
from ._routing._objects import stamp
from ._routing._options import VARIABLES
from ._runner import Context, InputError
from ._session import TimedOut
from ._trace import CLOCK, now_of
from ._values import parse_date

# Seconds that a probe is followed for when hardly any are left: one look at least.
LEAST = 1.0
# Options of a coexistence that a probe takes over.
SHARED = ("name_servers", "smtp_overrides", "submission_host", "submission_port", "mailbox_url")
# Per origin the variable that names who a probe is from; a forward is probed at the source itself once the MX is at the tenant.
SENDERS = {
    "internet": "coexistence_probe_outside_sender",
    "source": "coexistence_probe_sender; of a forward coexistence_probe_outside_sender",
}

Result = dict[str, Any]


def wait(params: Mapping[str, Any], context: Context) -> Result:
    """Wait by the service's clock, then by probes; raises TimedOut when either does not get there in time of ours."""
    seconds, reason, probes = int(params.get("seconds") or 0), str(params["reason"]), list(params.get("probes") or ())
    if context.check_mode:
        if seconds or probes:
            context.progress(f"would wait {seconds} s and make {len(probes)} probes for {reason}; taken as passed")
        made = [{**one, "result": "announced"} for one in probes]
        return {"changed": False, "calls": [], "announced": True, "waited": 0, "until": "<now>", "probes": made, "left": []}
    pace = _Pace(params, context)
    waited, until = _by_clock(params, seconds, reason, pace)
    made = _by_probe(params, probes, reason, pace)
    left = [told(found) for one, found in zip(probes, made, strict=True) if not settled(one, found)]
    return {"changed": False, "calls": [], "announced": False, "waited": waited, "until": until, "probes": made, "left": left}


class _Pace:
    """Pauses within one bound of time."""

    def __init__(self, params: Mapping[str, Any], context: Context) -> None:
        self.context = context
        self.interval = float(_setting(params, "interval", "effect_interval"))
        self.timeout = float(_setting(params, "timeout", "effect_timeout"))
        self._deadline = context.monotonic() + self.timeout

    @property
    def left(self) -> float:
        """Seconds until the time is up."""
        return max(0.0, self._deadline - self.context.monotonic())

    @property
    def over(self) -> bool:
        """True when the time is up."""
        return not self.left

    def pause(self, seconds: float) -> None:
        """Sleep, an interval at most."""
        self.context.sleep(max(0.0, min(self.interval, seconds)))


def _setting(params: Mapping[str, Any], option: str, variable: str) -> Any:
    declared = params.get("declared") or {}
    given = params.get(option) if params.get(option) is not None else declared.get(variable)
    return VARIABLES[variable]["default"] if given is None else given


def _by_clock(params: Mapping[str, Any], seconds: int, reason: str, pace: _Pace) -> tuple[int, str]:
    """Seconds that passed, and the moment that was waited for."""
    context = pace.context
    now = now_of(context.session.call(CLOCK))
    until = _since(params.get("since"), now) + timedelta(seconds=seconds)
    started = now
    # The clock shows whole seconds: only one that is past the moment says that so many seconds were whole ones.
    while seconds and now <= until:
        left = (until - now).total_seconds()
        context.progress(f"waiting for {reason}: {left:.0f} s left, until {stamp(until)} by the service's clock")
        if pace.over:
            raise TimedOut(
                f"after {pace.timeout:.0f} s the service's clock shows {stamp(now)}, waiting for {stamp(until)}.",
                remedy="Run again: the wait counts from the same moment, not from the beginning.",
            )
        pace.pause(left + 1)
        now = now_of(context.session.call(CLOCK))
    return int((now - started).total_seconds()), stamp(until)


def _by_probe(params: Mapping[str, Any], probes: Sequence[Mapping[str, Any]], reason: str, pace: _Pace) -> list[Result]:
    """What became of each probe; those that did not show the effect are made again until they do."""
    patient = params.get("patient") is not False
    # A patient wait ends by what every probe shows: one that was not sent is still to show it.
    unsent = MISSING if patient else NOT_PROBED
    done: dict[int, Result] = {}
    while True:
        for number, one in enumerate(probes):
            if done and pace.over:
                # Nothing begins that would outlast the wait.
                done.setdefault(number, {**one, "place": "", "result": unsent, "why": "the time was up before it was made"})
            elif number not in done or not settled(one, done[number]):
                done[number] = _probe(params, one, pace)
        left = [done[number] for number, one in enumerate(probes) if not settled(one, done[number])]
        if left and not patient:
            pace.context.progress(f"not shown yet, {reason}: {told(left[0])}{f' and {len(left) - 1} more' if len(left) > 1 else ''}")
        if not left or not patient:
            return [done[number] for number in range(len(probes))]
        if pace.over:
            raise TimedOut(
                f"after {pace.timeout:.0f} s {len(left)} of {len(probes)} probes for {reason} do not show it: {told(left[0])}.",
                remedy=str(params.get("remedy") or LOOK),
            )
        pace.context.progress(f"waiting for {reason}: {len(left)} of {len(probes)} probes do not show it yet: {told(left[0])}")
        pace.pause(pace.interval)


def _probe(params: Mapping[str, Any], one: Mapping[str, Any], pace: _Pace) -> Result:
    declared = params.get("declared") or {}
    settings = {name: declared[name] for name in SHARED if not checks.blank(declared.get(name))}
    wanted = {key: value for key, value in one.items() if key not in {"place", "avoid"}}
    if one.get("origin") in SENDERS and not one.get("sender"):
        return {**one, "place": "", "result": NOT_PROBED, "why": f"no sender is named for it ({SENDERS[str(one['origin'])]})"}
    looks = {"interval": min(TIMES["interval"], pace.interval), "timeout": min(TIMES["timeout"], max(pace.left, LEAST))}
    return {**one, **mail_probe({**settings, **looks, **wanted}, pace.context)}


def settled(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """True when a probe shows what it was made for, or cannot be had."""
    result, place = found.get("result"), found.get("place") or ""
    if result == NOT_PROBED:
        return True
    if found.get("told_by") == FILTER:
        return False
    if wanted.get("avoid"):
        return result != MISSING and place != wanted["avoid"]
    return result == ARRIVED and place == wanted.get("place")


def told(found: Mapping[str, Any]) -> str:
    """A probe in words."""
    where = f" at the {found['place']}" if found.get("place") else ""
    why = f" ({found['why']})" if found.get("why") else ""
    return f"mail from {found.get('origin')} to {found.get('recipient')} {found.get('result')}{where}{why}"


def _since(value: Any, now: datetime) -> datetime:
    if checks.blank(value):
        return now
    found = parse_date(value)
    if found is None:
        raise InputError([f"since: '{value}' is not a time such as 2026-01-31T12:00:00Z; leave it empty for now."])
    return min(found, now)
