# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Waiting for an effect, both ways: by the service's own clock, and by probes until they arrive where they should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ._probe_follow import TENANT
from ._probe_turns import Result, Sight, Steps, together
from ._probing import NO_ACCOUNT, TIMES, steps, wanted_of
from ._routing import _checks as checks
from ._routing._evidence import ANNOUNCED, ARRIVED, FILTER, MISSING, NOT_PROBED, SILENCE
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


def wait(params: Mapping[str, Any], context: Context) -> Result:
    """Wait by the service's clock, then by probes; raises TimedOut when either does not get there in time of ours."""
    seconds, reason, probes = int(params.get("seconds") or 0), str(params["reason"]), list(params.get("probes") or ())
    if context.check_mode:
        made = _announced(probes, context)
        many = sum(one["result"] == ANNOUNCED for one in made)
        if seconds or many:
            context.progress(f"would wait {seconds} s and make {many} probes for {reason}; taken as passed")
        for line in summary(made, [one for one in made if one["result"] == ANNOUNCED], reason):
            context.progress(line)
        return {"changed": False, "calls": [], "announced": True, "waited": 0, "until": "<now>", "probes": made, "left": []}
    pace = _Pace(params, context)
    crew = _Crew(params, probes, reason, pace)
    waited, until = _by_clock(params, seconds, reason, pace)
    made = crew.run()
    left = [told(found) for found in crew.left()]
    return {"changed": False, "calls": [], "announced": False, "waited": waited, "until": until, "probes": made, "left": left}


def _announced(probes: Sequence[Mapping[str, Any]], context: Context) -> list[Result]:
    """Probes as a check run has them: announced, or not to be had, which is known before."""
    account = context.session.tool("account", {}) if any(one.get("origin") == TENANT for one in probes) else {}
    made = []
    for one in probes:
        inside = one.get("origin") == TENANT
        why = _unsent(one) or (NO_ACCOUNT if inside and not account["ready"] else "")
        # As it would be made: without a sender it is from the account itself.
        sender = {"sender": account["user"]} if inside and not one.get("sender") else {}
        made.append({**one, "place": "", "result": NOT_PROBED, "why": why} if why else {**one, **sender, "result": ANNOUNCED})
    return made


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
        pace.pause(min(left + 1, pace.left))
        now = now_of(context.session.call(CLOCK))
    return int((now - started).total_seconds()), stamp(until)


class _Crew:
    """The probes of one wait, all under way together. Raises InputError, with every problem, before any is sent."""

    def __init__(self, params: Mapping[str, Any], probes: Sequence[Mapping[str, Any]], reason: str, pace: _Pace) -> None:
        self._patient, self._remedy = params.get("patient") is not False, str(params.get("remedy") or LOOK)
        declared = params.get("declared") or {}
        self._settings = {name: declared[name] for name in SHARED if not checks.blank(declared.get(name))}
        self._probes, self._reason, self._pace = probes, reason, pace
        self._sight = Sight(pace.context)
        self._found: dict[int, Result] = {}
        self._news, self._told = False, pace.context.monotonic() - pace.interval
        problems = [text for one in probes if not _unsent(one) for text in self._problems(one)]
        if problems:
            raise InputError(checks.unique(problems))

    def run(self) -> list[Result]:
        """What became of each; those that did not show the effect are made again until they do. Raises TimedOut."""
        if not self._probes:
            return []
        pace, reason = self._pace, self._reason
        made = together([self._shown(number, one) for number, one in enumerate(self._probes)], pace.context, self._turn)
        left = self.left()
        if left and self._patient:
            raise TimedOut(
                f"after {pace.timeout:.0f} s {len(left)} of {len(made)} probes for {reason} do not show it: {told(left[0])}.",
                remedy=self._remedy,
            )
        for line in summary(made, left, reason):
            pace.context.progress(line)
        if left:
            pace.context.progress(f"not shown yet, {reason}: {told(left[0])}{f' and {len(left) - 1} more' if len(left) > 1 else ''}")
        return made

    def left(self) -> list[Result]:
        """Those that ended last without showing what they were made for."""
        return [found for number, found in sorted(self._found.items()) if not settled(self._probes[number], found)]

    def _turn(self) -> None:
        """A new turn; how it stands is told once an interval at most."""
        self._sight.turn()
        now = self._pace.context.monotonic()
        left = self.left() if self._news and now - self._told >= self._pace.interval else []
        if left:
            count = f"{len(left)} of {len(self._probes)} probes do not show it yet"
            self._pace.context.progress(f"waiting for {self._reason}: {count}: {told(left[0])}")
            self._news, self._told = False, now

    def _shown(self, number: int, one: Mapping[str, Any]) -> Steps:
        """One probe, made again until it shows what it is made for."""
        if number and self._pace.over:
            # Nothing begins that would outlast the wait. A patient wait ends by what every probe shows: one that was not sent is still to
            # show it.
            why = {"result": MISSING if self._patient else NOT_PROBED, "why": "the time was up before it was made"}
            self._found[number] = {**one, "place": "", **why}
            return self._found[number]
        while True:
            found = self._found[number] = yield from self._made(one)
            if settled(one, found) or not self._patient or self._pace.over:
                return found
            self._news = True
            yield min(self._pace.interval, self._pace.left)
            if not self._pace.left:
                return found

    def _made(self, one: Mapping[str, Any]) -> Steps:
        """One probe, once."""
        unsent = _unsent(one)
        if unsent:
            return {**one, "place": "", "result": NOT_PROBED, "why": unsent}
        made = yield from steps(wanted_of(self._options(one)), self._pace.context, self._sight)
        return {**one, **made}

    def _options(self, one: Mapping[str, Any]) -> Result:
        pace = self._pace
        looks = {"interval": min(TIMES["interval"], pace.interval), "timeout": min(TIMES["timeout"], max(pace.left, LEAST))}
        return {**self._settings, **looks, **{key: value for key, value in one.items() if key not in {"place", "avoid"}}}

    def _problems(self, one: Mapping[str, Any]) -> list[str]:
        try:
            wanted_of(self._options(one))
        except InputError as error:
            return error.problems
        return []


def _unsent(one: Mapping[str, Any]) -> str:
    """Why a probe cannot be sent, by its own words; empty when it can."""
    lacking = one.get("origin") in SENDERS and not one.get("sender")
    return f"no sender is named for it ({SENDERS[str(one['origin'])]})" if lacking else ""


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


def summary(made: Sequence[Result], left: Sequence[Result], reason: str) -> list[str]:
    """What probes showed, and which could not be had, each with its reason: a screen without a word would leave both open."""
    unsent = Counter(str(found.get("why")) for found in made if found.get("result") == NOT_PROBED)
    silent = sum(1 for found in made if found not in left and found.get("told_by") == SILENCE)
    shown = len(made) - len(left) - unsent.total() - silent
    lines = [f"shown, {reason}: by {shown} of {len(made)} probes"] if shown else []
    if silent:
        lines.append(f"not contradicted, {reason}: by {silent} of {len(made)} probes, which the source took and the tenant has not seen")
    return [*lines, *(f"not probed, {reason}: {many} of {len(made)}: {why}" for why, many in sorted(unsent.items()))]


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
