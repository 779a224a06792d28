# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story's judge: each thing that must not be is found, and nothing is true because nothing was looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from harness import account
from harness.account import One, Times
from harness.letters import ORIGINS, Crowd, Letters
from harness.story import Plan, StepFailedError, Told, until_failure
from programs.story import NO_PROOF, chosen, line

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
STEPS = ("setup", "teardown")
CROWD = Crowd({"wave1": ["a@d", "b@d"], "alias": ["c@d"], "pilot": ["p@d"], "nobody": ["n@d"]}, {})
TIMES = Times(acts=NOON + HOUR, stopped=NOON + 2 * HOUR, final=NOON + 3 * HOUR)
U2 = "told: U2 a@d, b@d, c@d: until the rule acts, mail from the tenant to 3 addresses ends in mailboxes that nobody reads yet. Enforce."
U11 = "told: U11 d: between the rules' removal and Authoritative, about 2 messages a day to unknown addresses loop. Use."


def one(outcome: str = "delivered", kind: str = "wave1", origin: str = "tenant", at: datetime = NOON) -> One:
    return One("setup", origin, kind, "a@d", outcome, at, at, ("x",))


def row(step: str = "setup", origin: str = "tenant", recipients: int = 1) -> dict[str, Any]:
    return {"subject": f"{step} {origin}", "origin": origin, "copies": [{}] * recipients}


@pytest.mark.parametrize(
    ("copy", "announced"),
    [
        (one("split"), True),
        (one("split", "alias"), True),
        (one("split", "pilot"), False),
        (one("split", "noobj"), False),
        (one("split", origin="internet"), False),
        (one("split", at=NOON + 2 * HOUR), False),
        (one("early"), False),
    ],
)
def test_only_mail_from_the_tenant_to_who_waits_in_it_is_announced(copy: One, announced: bool) -> None:
    assert account.announced(copy, TIMES) == announced
    assert account.fine(copy, TIMES, order="documented") == announced
    assert not account.announced(copy, Times()), "a rule that never acted excuses nothing"


def test_what_the_roles_told_is_looked_up() -> None:
    def untold(order: str = "documented", **warnings: list[str]) -> list[str]:
        return account.untold(warnings, CROWD, ["d"], order=order, steps=STEPS)

    assert untold(setup=[U2], teardown=[U11]) == []
    assert untold("loop_free", setup=[U2]) == []
    assert len(untold(setup=[U2.replace("3 addresses", "2 addresses")], teardown=[U11])) == 1
    assert len(untold(setup=[], teardown=[])) == 2
    assert len(untold(setup=[U2], teardown=[U11.replace(" d:", " e:")])) == 1
    assert len(untold("loop_free", setup=[U2], teardown=[U11])) == 1
    assert account.untold({}, CROWD, ["d"], order="documented", steps=("wave1",)) == []


def test_the_sums_are_those_of_the_sender() -> None:
    found = [one(), one("split"), one("loop", "nobody"), one("bounced", "nobody")]
    messages = [row(recipients=3), row()]

    def balance(copies: list[One], *, sent: int = 2, number: int = 4) -> list[str]:
        return account.balance(messages, copies, TIMES, sent=sent, copies=number)

    assert balance(found) == []
    assert balance(found, sent=3) == ["2 messages entered, 3 were sent"]
    assert balance(found[:3]) == ["3 copies entered, 4 were sent", "3 copies ended well, 4 were sent"]
    for wrong in (one("lost"), one("loop"), one("split", "pilot")):
        assert balance([*found[:3], wrong]) == ["3 copies ended well, 4 were sent"]


def test_probes_and_reports_are_no_messages_of_the_story() -> None:
    rows = [row(), row("probe"), row("Coexistence"), row(origin="report"), row("wave9")]
    assert account.tagged(rows, STEPS) == rows[:1]
    counted = account.too_few([], CROWD, (), messages=1999, least=2000)
    assert counted == ["1999 messages in all, wanted are 2000"]
    assert account.too_few([one()] * 2, CROWD, (), messages=2000, least=2000) == []
    assert len(account.too_few([one()] * 20, CROWD, ("setup",), messages=0, least=0)) == len(ORIGINS) * 4 - 1


def test_single_and_mixed_recipients_in_every_step() -> None:
    rows = [row(step, origin, number) for step in STEPS for origin in ORIGINS for number in (1, 3)]
    assert account.mixed(rows, STEPS) == []
    assert account.mixed(rows[:-1], STEPS) == ["teardown: no message from local to several"]
    assert account.mixed(rows[1:], STEPS) == ["setup: no message from internet to one"]


def test_that_unknown_addresses_loop_is_shown_and_not_assumed() -> None:
    def vacuous(order: str, *copies: One) -> list[str]:
        return account.vacuous(copies, TIMES, order=order, steps=STEPS)

    assert vacuous("documented", one("loop", "nobody", at=NOON + 2.5 * HOUR)) == []
    assert len(vacuous("documented", one("loop", "nobody"), one("bounced", "nobody", at=NOON + 2.5 * HOUR))) == 1
    assert vacuous("loop_free") == []


def test_a_moment_that_no_mail_met_is_told() -> None:
    steps = ("wave1", "wave2", "rollback", "wave3", "mx")
    moved = Times(moved=NOON, settled=NOON + HOUR)
    early = [replace(one("early"), step=step) for step in steps[:4]]
    stale = replace(one(origin="internet", at=NOON + 0.5 * HOUR), hops=("outside.example -> mx.source.example a@b", "x"))
    healed = [replace(one("healed"), step=step) for step in steps if step.startswith("wave")]
    whole = [*early, *healed, stale]

    def missing(found: list[One], played: tuple[str, ...] = steps) -> list[str]:
        return account.vacuous(found, moved, order="documented", steps=played)

    assert missing(whole) == []
    for number in range(len(whole)):
        assert len(missing(whole[:number] + whole[number + 1 :])) == 1
    other = [replace(early[0], origin="internet"), *early[1:], *healed, stale]
    assert missing(other) == ["wave1: no mail from the tenant came early, between group and forward"]
    for late in (
        replace(stale, sent=NOON + 2 * HOUR),
        replace(stale, hops=("outside.example -> example-com.mail.protection.outlook.com a@b",)),
    ):
        assert len(missing([*whole[:-1], late])) == 1
    assert missing([early[0], healed[0]], ("setup", "wave1")) == [], "a part of the story shows its own moments alone"


def test_mail_that_was_sent_when_a_playbook_was_over_does_not_count() -> None:
    times = [NOON + minutes * HOUR / 60 for minutes in (0, 10, 20, 30)]
    rows = [{**row("wave1"), "time": moment.isoformat()} for moment in times] + [{**row("mx"), "time": NOON.isoformat()}]
    at_work = {"wave1": [(NOON, NOON + HOUR / 6), (NOON + HOUR / 2, NOON + HOUR)], "mx": [(NOON + HOUR, NOON + 2 * HOUR)]}
    parts = account.shares(rows, at_work)
    assert parts == {"wave1": 0.75, "mx": 0.0}
    assert account.idle(parts, ("wave1",)) == []
    assert [line.partition(":")[0] for line in account.idle(parts, ("wave1", "mx", "teardown"))] == ["mx", "teardown"]


@pytest.mark.parametrize("error", [StepFailedError("teardown failed: U2"), TimeoutError("U2")])
def test_a_story_ends_at_the_step_that_fails_and_says_so(error: Exception) -> None:
    played = []

    def play(step: str) -> None:
        played.append(step)
        if step == "teardown":
            raise error

    (told,) = until_failure(("setup", "teardown", "more"), play)
    assert told.startswith("teardown: ")
    assert told.endswith("U2")
    assert played == ["setup", "teardown"]
    assert until_failure(("setup",), play) == []
    assert " 1 problems" in line(Plan("postfix", cut=("probe",)), Told(problems=[told]), 1)


class Deaf:
    """Takes every message, up to one."""

    def __init__(self, last: int) -> None:
        self.last, self.posts = last, 0

    def control(self, *_unused: object) -> None:
        self.posts += 1
        if self.posts > self.last:
            raise ConnectionError("planted")


@pytest.mark.parametrize(
    ("last", "most", "text"), [(0, 9999, "planted"), (9999, 30, "30 messages were sent, and more than 30 are too many")]
)
def test_mail_that_stops_is_told(last: int, most: int, text: str) -> None:
    crowd = Crowd({"one": ["a@d"]}, {origin: ["s@d"] for origin in ORIGINS})
    letters = Letters(Deaf(last), crowd, rate=50, most=most, each=10**6)  # type: ignore[arg-type]  # stands in for a sandbox
    with pytest.raises((ConnectionError, RuntimeError), match=text), letters:
        letters.enough(20)
    with pytest.raises((ConnectionError, RuntimeError), match=text):
        letters.__exit__(None)
    assert letters.sent <= most


def test_the_built_in_host_takes_nobodys_place_unasked() -> None:
    assert (chosen("postfix", root=True), chosen("builtin", root=False)) == ("postfix", "builtin")
    with pytest.raises(SystemExit, match=r"needs root.*--foreign builtin"):
        chosen("postfix", root=False)
    assert line(Plan("builtin"), Told(), 1).startswith(f"story: {NO_PROOF}, ")
    assert line(Plan("postfix"), Told(), 1).startswith("story: postfix, ")
