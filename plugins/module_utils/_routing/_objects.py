# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Our objects: which ones a set-up has, what they are called, and which of them a tenant shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, parse_date

from ._inputs import Inputs, Source
from ._marks import BrokenLineError, Line, bears_mark, read_line
from ._snapshot import Snapshot, Thing

# How long a wave may take to write the members after it noted that it will.
WRITING = timedelta(minutes=5)

GROUP, CONNECTOR, RULE, INBOUND_RULE, INBOUND_CONNECTOR = "group", "connector", "rule", "inbound rule", "inbound connector"


@dataclass(frozen=True)
class Expected:
    """One object of a set-up. domains: those in its mark."""

    noun: str
    name: str
    domains: tuple[str, ...]
    source: Source


def expected(inputs: Inputs) -> tuple[Expected, ...]:
    """Every object that a set-up with these inputs may have, in the order in which it makes them."""
    everyone = Source("", inputs.domains, (), ())
    found = [Expected(GROUP, inputs.text("group_name"), inputs.domains, everyone)]
    for noun, option in (
        (CONNECTOR, "connector_name"),
        (RULE, "rule_name"),
        (INBOUND_RULE, "inbound_rule_name"),
        (INBOUND_CONNECTOR, "inbound_rule_name"),
    ):
        found += [Expected(noun, source.named(inputs.text(option)), source.domains, source) for source in inputs.sources]
    return tuple(found)


def of(inputs: Inputs, noun: str) -> tuple[Expected, ...]:
    """The expected objects of one kind, one for each source."""
    return tuple(one for one in expected(inputs) if one.noun == noun)


def kin(snapshot: Snapshot, noun: str) -> tuple[Thing, ...]:
    """Every object of that kind that the tenant shows."""
    return {
        GROUP: snapshot.groups,
        CONNECTOR: snapshot.connectors,
        RULE: snapshot.rules,
        INBOUND_RULE: snapshot.rules,
        INBOUND_CONNECTOR: snapshot.inbound,
    }[noun]


def find(inputs: Inputs, snapshot: Snapshot, one: Expected) -> Thing | None:
    """The object of that name; a group also by its address, which is what rules hold."""
    if one.noun == GROUP:
        held = snapshot.group(inputs.group_address)
        if held:
            return held
    return next((thing for thing in kin(snapshot, one.noun) if fold(thing.name) == fold(one.name)), None)


def ours(inputs: Inputs, one: Expected, thing: Thing) -> bool:
    """True when it bears our mark with exactly our domains, or when the risk that it does not was accepted."""
    return bears_mark(thing.comment, one.domains) or "U19" in inputs.accepted


def present(inputs: Inputs, snapshot: Snapshot, *nouns: str) -> Iterator[tuple[Expected, Thing]]:
    """Our objects of these kinds that the tenant shows."""
    for one in expected(inputs):
        thing = find(inputs, snapshot, one) if one.noun in nouns else None
        if thing and ours(inputs, one, thing):
            yield one, thing


def mine(inputs: Inputs, snapshot: Snapshot, *nouns: str) -> list[Thing]:
    """The same without what was expected."""
    return [thing for _expected, thing in present(inputs, snapshot, *nouns)]


def line_of(inputs: Inputs, snapshot: Snapshot) -> Line:
    """The memory in our group; an empty one when there is no group or its line was cut."""
    for thing in mine(inputs, snapshot, GROUP):
        try:
            return read_line(thing.comment) or Line()
        except BrokenLineError:
            return Line()
    return Line()


def moment(text: str, now: datetime) -> datetime | None:
    """A noted time; the time that check mode writes is now. None when it is no time."""
    return now if text == NOW else parse_date(text)


def clock(snapshot: Snapshot) -> datetime:
    """The service's clock; without any, the beginning of time, so that nothing counts as waited for."""
    return parse_date(snapshot.now) or datetime.fromtimestamp(0, tz=timezone.utc)


def stamp(moment_: datetime) -> str:
    """A time as the line holds it."""
    return moment_.strftime("%Y-%m-%dT%H:%M:%SZ")


def stopped_at(rule: Thing, noted: str, now: datetime) -> datetime:
    """Since when a disabled rule was asked to stop: its WhenChanged and the noted stop, whichever is later.

    A WhenChanged in the future is another zone's time and tells nothing: then the noted stop counts, or else now.
    """
    changed = parse_date(rule.row.get("WhenChanged"))
    known = [time for time in (changed, moment(noted, now)) if time and time <= now]
    return max(known, default=now)


def stops(inputs: Inputs, snapshot: Snapshot, told: Mapping[str, str]) -> dict[str, datetime | None]:
    """Per routing rule of ours the time from which it was asked to stop; None while it is enabled.

    told: stops that an earlier step of this run saw. A rule that is gone counts from its noted stop or else from now,
    as long as something is left that it could still use.
    """
    now = clock(snapshot)
    noted = {**told, **line_of(inputs, snapshot).stops}
    left = bool(mine(inputs, snapshot, GROUP, CONNECTOR))
    standing = {one.name: thing for one, thing in present(inputs, snapshot, RULE)}
    found: dict[str, datetime | None] = {}
    for one in of(inputs, RULE):
        rule = standing.get(one.name)
        if rule:
            found[one.name] = None if rule.enabled else stopped_at(rule, noted.get(one.name, ""), now)
        elif left:
            found[one.name] = moment(noted.get(one.name, ""), now) or now
    return found


def settling(inputs: Inputs, snapshot: Snapshot) -> tuple[str, str]:
    """When the membership was changed, as the line notes it, and by when it surely acts; empty ones once it does."""
    now, latency = clock(snapshot), int(inputs.raw["rule_latency"])
    changed = moment(line_of(inputs, snapshot).moved, now)
    if changed is None or not remaining(changed, latency, now):
        return "", ""
    return stamp(changed), stamp(changed + timedelta(seconds=latency))


def unnoted(inputs: Inputs, snapshot: Snapshot) -> datetime | None:
    """When the group was changed later than its line notes: perhaps its members, by hand. None where nothing shows it.

    Whether a change of members moves WhenChanged is unverified; that of the line itself does, soon after the time that it notes.
    """
    group, line, now = snapshot.group(inputs.group_address), line_of(inputs, snapshot), clock(snapshot)
    changed = parse_date(group.row.get("WhenChanged")) if group else None
    if changed is None or changed > now:
        return None
    moved = moment(line.moved, now)
    notes = (parse_date(text.rpartition(" ")[2]) for text in (*line.mx.values(), *line.stops.values()))
    ours = (moved and changed <= moved + WRITING) or any(note <= changed <= note + WRITING for note in notes if note)
    return None if ours else changed


def remaining(stopped: datetime, latency: int, now: datetime) -> int:
    """Seconds until a stopped rule has surely stopped acting; 0 when it has."""
    return max(0, int((stopped + timedelta(seconds=latency) - now).total_seconds()))
