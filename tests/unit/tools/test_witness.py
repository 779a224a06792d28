# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's figures: harm counts unless its step announced it, and so does mail that fares other than predicted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from harness.account import One
from programs.witness import Judge

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ANNA, NOBODY = "anna@example.com", "nobody@example.com"
TOLD = {"who": ANNA, "why": f"mail from tenant would end as split: tenant: is delivered to the mailbox {ANNA}"}
NAMES = tuple(f"{name}@example.com" for name in ("anna", "ben", "cleo", "dan", "eva"))
MANY = {**TOLD, "who": "anna@example.com, ben@example.com, cleo@example.com and 2 more"}


def one(outcome: str, origin: str = "tenant", recipient: str = ANNA) -> One:
    return One("Set-up", origin, "stub", recipient, outcome, NOON, NOON, ("a", "b"))


def judged(
    outcome: str,
    *predicted: str,
    announced: tuple[dict[str, str], ...] = (),
    recipient: str = ANNA,
    origin: str = "tenant",
    alike: tuple[str, ...] = (),
) -> Judge:
    known = {("program" if origin == "local" else origin, recipient): frozenset(predicted)} if predicted else {}
    judge = Judge(announced, known, {(origin, name): frozenset(alike) for name in alike})
    lines = judge.count([one(outcome=outcome, origin=origin, recipient=recipient)])
    assert lines[0].startswith(f"  1 messages from 4 origins: 1 {outcome}")
    assert (len(lines) > 1) == (judge.problems > 0)
    return judge


@pytest.mark.parametrize("harm", ["lost", "loop", "split"])
def test_harm_counts_even_where_it_was_predicted(harm: str) -> None:
    judge = judged(harm, harm)
    assert judge.problems == 1
    assert "looped 1" in judge.figures() or f"{harm} 1" in judge.figures()
    assert judge.figures().endswith("beside 0 announced")


def test_what_a_step_announced_is_counted_apart() -> None:
    judge = judged("split", "split", announced=(TOLD,))
    assert (judge.problems, judge.figures()) == (0, "1 messages: lost 0, looped 0, split 0 beside 1 announced")
    assert judged("split", "split", announced=(TOLD,), origin="internet").problems == 1
    assert judged("loop", "loop", announced=(TOLD,)).problems == 1


def test_a_step_that_announced_others_excuses_nobody_else() -> None:
    pilot = "pilot@example.com"
    assert "split 1 beside 0" in judged("split", "split", announced=(TOLD, MANY), recipient=pilot, alike=NAMES).figures()
    assert judged("split", "split", announced=(MANY,), recipient=NAMES[4], alike=NAMES).problems == 0
    assert judged("split", "split", announced=(MANY,), recipient=NAMES[4]).problems == 1
    crowd = (*NAMES, pilot)
    assert judged("split", "split", announced=(MANY,), recipient=pilot, alike=crowd).problems == 1, "more than the step counted"
    assert judged("split", "split", announced=(MANY,), recipient=NAMES[1], alike=crowd).problems == 0


@pytest.mark.parametrize(("astray", "told"), [((ANNA,), True), (NAMES[:3], True), ((), False), ((ANNA, "pilot@example.com"), False)])
def test_mail_to_a_group_is_announced_by_its_members(astray: tuple[str, ...], told: bool) -> None:
    judge = Judge((MANY,), {("tenant", "all@example.com"): frozenset({"split"})})
    judge.count([replace(one("split", recipient="all@example.com"), astray=astray)])
    assert (judge.problems == 0) == told


@pytest.mark.parametrize(
    ("outcome", "predicted", "problems"),
    [("bounced", "delivered", 1), ("delivered", "delivered", 0), ("bounced", "unknown", 1), ("delivered", "bounced", 1)],
)
def test_mail_that_fares_other_than_predicted_is_a_problem(outcome: str, predicted: str, problems: int) -> None:
    assert judged(outcome, predicted).problems == problems
    assert judged(outcome, predicted, origin="local").problems == problems


@pytest.mark.parametrize(("kind", "problems"), [("stub", 1), ("team", 1), ("dynamic", 0)])
def test_unknown_is_a_prediction_only_where_nobody_can_read_the_members(kind: str, problems: int) -> None:
    judge = Judge((), {("tenant", ANNA): frozenset({"unknown"})})
    judge.count([replace(one("delivered"), kind=kind)])
    assert judge.problems == problems


@pytest.mark.parametrize(("kind", "problems"), [("stub", 1), ("noobj", 1), ("nobody", 0)])
def test_no_announcement_excuses_a_loop_of_somebody_who_exists(kind: str, problems: int) -> None:
    told = {"who": ANNA, "why": f"mail from tenant would end as loop: tenant: {ANNA} is no recipient of the tenant"}
    judge = Judge((told,), {("tenant", ANNA): frozenset({"loop"})})
    judge.count([replace(one("loop"), kind=kind)])
    assert judge.problems == problems


def test_mail_to_an_address_that_neither_side_knows_bounces() -> None:
    assert judged("bounced", recipient=NOBODY).problems == 0
    assert judged("delivered", recipient=NOBODY).problems == 1
