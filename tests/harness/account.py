# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what became of every copy of every message, by who it was for, where it came from, and what was going on at that time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from harness.letters import EACH, ORIGINS, Crowd

OUTCOMES = ("delivered", "healed", "early", "duplicate", "split", "bounced", "loop", "delayed", "lost")
UNKNOWN = "nobody"
# To whom the roles write when they look whether a rule still acts; nobody has that name.
NO_MAILBOX = "mailops-probe-of-no-mailbox@"
# Who lives in the tenant only: the source knows no such address, so that what goes there comes back.
CLOUD_ONLY = ("room", "shared", "m365group", "folder")
# Who has a mailbox in the tenant before the set-up, and reads at the source: their mail from the tenant is split until the rule acts.
HELD_BACK = ("wave1", "wave2", "wave3", "alias")
# Whom an Authoritative domain does not know: the tenant's own people cannot write to them before the set-up.
NO_OBJECT = ("noobj", "list", "mailuser")
# The steps in which people change sides.
WAVES = ("wave1", "wave2", "wave3")
MOVING = (*WAVES, "rollback")
# The part of a step's messages that must be sent while its playbooks run.
AT_WORK = 0.25
FAR = timedelta(days=10_000)
Row = dict[str, Any]
Span = tuple[datetime, datetime]


@dataclass
class Times:
    """When what happened, by the sandbox's clock. A time that is missing never came.

    `early` and `healed` hold, by address, the spans in which a wave's mail may lie on the other side than its reader.
    """

    relay: datetime | None = None  # the domains take unknown addresses
    acts: datetime | None = None  # transport acts on the routing rules
    stopped: datetime | None = None  # the first routing rule was disabled
    final: datetime | None = None  # the domains are Authoritative again
    moved: datetime | None = None  # the MX points to the tenant
    settled: datetime | None = None  # and no resolver holds the former one
    early: dict[str, list[Span]] = field(default_factory=dict)
    healed: dict[str, list[Span]] = field(default_factory=dict)


@dataclass(frozen=True)
class One:
    """One copy of one message."""

    step: str
    origin: str
    kind: str
    recipient: str
    outcome: str
    sent: datetime
    ended: datetime
    hops: tuple[str, ...]
    astray: tuple[str, ...] = ()  # mailboxes that hold it while their readers read elsewhere: a group's copy lies in many

    def __str__(self) -> str:
        """One line for whoever has to find out."""
        what = f"{self.origin} to {self.kind} {self.recipient}: {self.outcome}"
        return f"{self.step}: {what} at {self.ended:%H:%M:%S}: {' | '.join(self.hops)}"


def copies(messages: Iterable[Row], crowd: Crowd) -> list[One]:
    """Every copy that people sent; reports of mail systems are no mail of the story."""
    return [_one(row, copy, crowd) for row in messages if row["origin"] != "report" for copy in row["copies"]]


def _one(row: Row, copy: Row, crowd: Crowd) -> One:
    ends = [entry["time"] for entry in (*copy["places"], *copy["ends"])]
    return One(
        step=_step(row),
        origin=row["origin"],
        kind=UNKNOWN if copy["recipient"].startswith(NO_MAILBOX) else crowd.kind(copy["recipient"]),
        recipient=copy["recipient"],
        outcome=copy["outcome"],
        sent=datetime.fromisoformat(row["time"]),
        ended=datetime.fromisoformat(max(ends, default=row["time"])),
        hops=tuple(copy["hops"]),
        astray=tuple(place["mailbox"] for place in copy["places"] if place["reads"] not in (place["system"], "outside")),
    )


def problems(found: Sequence[One], times: Times, *, order: str) -> list[str]:
    """One line for each copy whose outcome nothing excuses."""
    return [str(one) for one in found if not fine(one, times, order=order)]


def fine(one: One, times: Times, *, order: str) -> bool:
    """Say whether a copy ended as it should: delivered, or in a way that its moment and its reader explain."""
    if one.kind == UNKNOWN:
        return one.outcome == "bounced" or (one.outcome == "loop" and order == "documented" and _between(one, times.stopped, times.final))
    if one.outcome == "delivered":
        return True
    if one.outcome == "split":
        return announced(one, times)
    if one.outcome in ("early", "healed"):
        spans = times.early if one.outcome == "early" else times.healed
        return any(begin <= one.ended <= end for begin, end in spans.get(one.recipient, ()))
    return one.outcome == "bounced" and _known_bounce(one, times)


def announced(one: One, times: Times) -> bool:
    """Mail from the tenant to whoever has a mailbox there and reads at the source, before the rule acts: the set-up says so."""
    held = one.outcome == "split" and one.origin == "tenant" and one.kind in HELD_BACK
    return held and times.acts is not None and one.ended <= times.acts


def untold(warnings: Mapping[str, Sequence[str]], crowd: Crowd, domains: Sequence[str], *, order: str, steps: Sequence[str]) -> list[str]:
    """One line for each thing that a role should have told: whose mail is split before the rule acts (U2), that unknown ones loop (U11)."""
    lines = []
    if "setup" in steps:
        number = sum(len(crowd.recipients.get(kind, ())) for kind in HELD_BACK)
        wanted = f"until the rule acts, mail from the tenant to {number} addresses ends in mailboxes that nobody reads yet"
        told = [text for text in warnings.get("setup", ()) if text.startswith("told: U2 ")]
        lines += [] if any(wanted in text for text in told) else [f"setup did not tell U2 with '{wanted}', only {told}"]
    if "teardown" in steps:
        told = [text for text in warnings.get("teardown", ()) if text.startswith("told: U11 ")]
        mute = [domain for domain in domains if not any(text.startswith(f"told: U11 {domain}: ") and "loop" in text for text in told)]
        lines += [f"teardown did not tell U11 of {domain}, only {told}" for domain in mute if order == "documented"]
        lines += [f"teardown told what cannot be in the order {order}: {text}" for text in told if order != "documented"]
    return lines


def _known_bounce(one: One, times: Times) -> bool:
    if one.kind in CLOUD_ONLY:
        return one.origin in ("source", "local") or (one.origin == "internet" and one.sent <= (times.settled or one.sent))
    return one.kind in NO_OBJECT and one.origin == "tenant" and one.sent <= (times.relay or one.sent)


def _between(one: One, begin: datetime | None, end: datetime | None) -> bool:
    return begin is not None and begin <= one.ended and one.sent <= (end or one.ended)


def vacuous(found: Sequence[One], times: Times, *, order: str, steps: Sequence[str]) -> list[str]:
    """One line for each moment of the story that no mail met: then nothing was shown about it.

    In each wave and its return mail from the tenant is early; in each wave mail was handed to the source's mailbox as the forward came on;
    resolvers that hold the former MX lead mail to the source; and unknown addresses loop where the documented order says that they do.
    """
    lines = [
        f"{step}: no mail from the tenant came early, between group and forward"
        for step in steps
        if step in MOVING and not any(one.step == step and one.origin == "tenant" and one.outcome == "early" for one in found)
    ]
    lines += [
        f"{step}: no mail was healed, between a forward and the last sync"
        for step in steps
        if step in WAVES and not any(one.step == step and one.outcome == "healed" for one in found)
    ]
    if "mx" in steps and not any(_stale(one, times) for one in found):
        lines.append("mx: no mail from outside took the former way while resolvers held it")
    if order != "documented" or "teardown" not in steps:
        return lines
    looped = [one for one in found if one.kind == UNKNOWN and one.outcome == "loop" and _between(one, times.stopped, times.final)]
    return lines + ([] if looped else ["no mail to an unknown address looped between the rules' end and Authoritative: none was sent then"])


def _stale(one: One, times: Times) -> bool:
    """Mail from outside that was sent to a source's host after the MX had moved."""
    if times.moved is None or times.settled is None or not times.moved < one.sent < times.settled:
        return False
    return one.origin == "internet" and any(" -> mx." in hop for hop in one.hops[:1])


def shares(messages: Sequence[Row], at_work: Mapping[str, Sequence[Span]]) -> dict[str, float]:
    """By step, the part of its messages that was sent while its playbooks ran."""
    found = {}
    for step, spans in at_work.items():
        sent = [datetime.fromisoformat(row["time"]) for row in messages if _step(row) == step]
        within = sum(1 for moment in sent if any(begin <= moment <= end for begin, end in spans))
        found[step] = within / max(1, len(sent))
    return found


def idle(parts: Mapping[str, float], steps: Sequence[str]) -> list[str]:
    """One line for each step of whose messages too few were sent while its playbooks ran."""
    return [
        f"{step}: {parts.get(step, 0.0):.0%} of its messages were sent while its playbooks ran, {AT_WORK:.0%} at least are meant to be"
        for step in steps
        if parts.get(step, 0.0) < AT_WORK
    ]


def tagged(messages: Iterable[Row], steps: Sequence[str]) -> list[Row]:
    """The messages that were sent for one of these steps: neither reports nor the probes of roles and hands."""
    return [row for row in messages if row["origin"] != "report" and _step(row) in steps]


def balance(messages: Sequence[Row], found: Sequence[One], times: Times, *, sent: int, copies: int) -> list[str]:
    """One line for each sum that is not what was sent: messages, copies, and the copies that end in an outcome of the story.

    messages and found: those of the steps. sent and copies: how many whoever sent them counts.
    """
    counts = Counter(one.outcome for one in found)
    told = sum(1 for one in found if announced(one, times))
    # Unknown addresses may loop in the documented order; whether they may at that moment is judged one by one.
    unknown = sum(1 for one in found if one.outcome == "loop" and one.kind == UNKNOWN)
    ended = sum(counts[name] for name in ("delivered", "healed", "early", "duplicate", "bounced", "delayed")) + told + unknown
    pairs = ((len(messages), sent, "messages entered"), (len(found), copies, "copies entered"), (ended, copies, "copies ended well"))
    return [f"{number} {what}, {wanted} were sent" for number, wanted, what in pairs if number != wanted]


def mixed(messages: Iterable[Row], steps: Sequence[str]) -> list[str]:
    """One line for each step and origin without a message to one recipient, or without one to several."""
    seen = {(_step(row), row["origin"], len(row["copies"]) > 1) for row in messages}
    wanted = [(step, origin, many) for step in steps for origin in ORIGINS for many in (False, True)]
    missing = [one for one in wanted if one not in seen]
    return [f"{step}: no message from {origin} to {'several' if many else 'one'}" for step, origin, many in missing]


def _step(row: Row) -> str:
    return str(row["subject"]).partition(" ")[0]


def too_few(found: Sequence[One], crowd: Crowd, steps: Sequence[str], *, each: int = EACH, messages: int, least: int) -> list[str]:
    """One line for each pair of sender and recipient that a step saw too rarely, and one for too few messages in all."""
    counts = Counter((one.step, one.origin, one.kind) for one in found)
    lines = [
        f"{step}: {origin} to {kind}: {counts[(step, origin, kind)]} of {each}"
        for step in steps
        for origin in ORIGINS
        for kind in crowd.recipients
        if counts[(step, origin, kind)] < each
    ]
    return lines + ([f"{messages} messages in all, wanted are {least}"] if messages < least else [])


def by_step(found: Sequence[One]) -> dict[str, Counter[str]]:
    """Outcomes by step."""
    table: dict[str, Counter[str]] = {}
    for one in found:
        table.setdefault(one.step, Counter())[f"{one.outcome} (unknown)" if one.kind == UNKNOWN else one.outcome] += 1
    return table


def sums(account: Mapping[str, Any]) -> list[str]:
    """What is wrong with the account itself: it must be settled, and its sums must be what was sent."""
    total = sum(int(account["sums"].get(name, 0)) for name in OUTCOMES)
    sent = sum(len(row["copies"]) for row in account["messages"] if row["origin"] != "report")
    wrong = [] if total == sent == account["sent"] else [f"sent {sent}, the account says {account['sent']}, its outcomes sum to {total}"]
    return wrong + ([] if account["settled"] else [f"not settled: {account['moving']} copies are under way"])
