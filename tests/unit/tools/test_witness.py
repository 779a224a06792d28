# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's figures: harm counts unless its step announced it, and so does mail that fares other than predicted."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from harness.account import One
from programs.witness import Judge

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ANNA, NOBODY = "anna@example.com", "nobody@example.com"
TOLD = f"accepted: U2 {ANNA}: mail from tenant would end as split: tenant: is delivered to the mailbox {ANNA}."


def one(outcome: str, origin: str = "tenant", recipient: str = ANNA) -> One:
    return One("Set-up", origin, "stub", recipient, outcome, NOON, NOON, ("a", "b"))


def judged(outcome: str, *predicted: str, announced: tuple[str, ...] = (), recipient: str = ANNA, origin: str = "tenant") -> Judge:
    known = {("program" if origin == "local" else origin, recipient): frozenset(predicted)} if predicted else {}
    judge = Judge(announced, known)
    lines = judge.count([one(outcome, origin, recipient)])
    assert lines[0].startswith(f"  1 messages from 4 origins: 1 {outcome}")
    assert (len(lines) > 1) == (judge.problems > 0)
    return judge


@pytest.mark.parametrize("outcome", ["lost", "loop", "split"])
def test_harm_counts_even_where_it_was_predicted(outcome: str) -> None:
    judge = judged(outcome, outcome)
    assert judge.problems == 1
    assert "looped 1" in judge.figures() or f"{outcome} 1" in judge.figures()
    assert judge.figures().endswith("beside 0 announced")


def test_what_a_step_announced_is_counted_apart() -> None:
    judge = judged("split", "split", announced=(TOLD,))
    assert (judge.problems, judge.figures()) == (0, "1 messages: lost 0, looped 0, split 0 beside 1 announced")
    assert judged("split", "split", announced=(TOLD,), origin="internet").problems == 1
    assert judged("loop", "loop", announced=(TOLD,)).problems == 1


@pytest.mark.parametrize(
    ("outcome", "predicted", "problems"),
    [("bounced", "delivered", 1), ("delivered", "delivered", 0), ("bounced", "unknown", 0), ("delivered", "bounced", 1)],
)
def test_mail_that_fares_other_than_predicted_is_a_problem(outcome: str, predicted: str, problems: int) -> None:
    assert judged(outcome, predicted).problems == problems
    assert judged(outcome, predicted, origin="local").problems == problems


def test_mail_to_an_address_that_neither_side_knows_bounces() -> None:
    assert judged("bounced", recipient=NOBODY).problems == 0
    assert judged("delivered", recipient=NOBODY).problems == 1
