# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The predictor and the sandbox's router, written apart from routing facts, are held against each other on generated worlds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outcomes import OUTCOMES
from ansible_collections.mailops.exchange.plugins.module_utils._routing._readings import FACTS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._states import STATES as TABLE
from sandbox.mail.outcomes import ORDER
from sandbox.mail.readings import FACTS as SANDBOX_FACTS

from . import planted
from .experiment import Report, run
from .readings import KINDS, PARAMETERS, QUESTIONS
from .states import STATES

WORLDS = 500
LEAST_A_LINE, LEAST_A_QUESTION, LEAST_CASES, MOST_OPEN = 5, 10, 150, 0.05
# The modules of the sandbox that decide where a message goes; the others carry it and account for it.
ROUTER = {"addresses", "edge", "predicates", "resolve", "router", "rules", "sender_checks", "view"}
ERRORS = [("predictor", name, error) for name, error in planted.PREDICTOR.items()]
ERRORS += [("sandbox's router", name, error) for name, error in planted.SANDBOX.items()]
ERRORS += [("sandbox beside its router", name, error) for name, error in planted.BESIDE.items()]
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All worlds, played once."""
    return run(range(WORLDS), tmp_path_factory.mktemp("worlds"))


def test_every_message_ends_as_predicted(report: Report) -> None:
    shown = "\n".join(map(str, report.disagreements[:5]))
    assert not report.disagreements, f"{len(report.disagreements)} disagreements, the first:\n{shown}"
    assert report.worlds == WORLDS


def test_every_line_of_the_table_of_states_was_met(report: Report, record_property: Callable[[str, object], None]) -> None:
    assert report.missing(LEAST_A_LINE, STATES) == []
    assert len(report.cases) >= LEAST_CASES
    assert report.share <= MOST_OPEN
    lines = f"each of {len(report.rows)} lines of the table of states shown by {min(map(len, report.rows.values()))} letters or more"
    counted = f"{report.worlds} worlds, {report.messages} messages, {len(report.disagreements)} disagreements"
    cases = f"{len(report.cases)} distinct cases, {lines}, {100 * report.share:.1f} % with an open predicate"
    record_property("figure", f"{counted}, {cases}")


def test_every_answer_to_a_question_made_a_difference_often(report: Report, record_property: Callable[[str, object], None]) -> None:
    counts = {question: report.mattered[question] for question in (*QUESTIONS, *KINDS)}
    assert {question: count for question, count in counts.items() if count < LEAST_A_QUESTION} == {}
    record_property("figure", f"each of {len(counts)} questions decided {min(counts.values())} fates or more")


@pytest.mark.parametrize("part", ["predictor", "sandbox's router", "sandbox beside its router"])
def test_planted_errors_are_found(part: str, tree: Path, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    errors = [(name, error) for kind, name, error in ERRORS if kind == part]
    side = part.partition("'")[0].partition(" ")[0]
    found = {name: planted.hunt(side, tree, tmp_path / str(number), error) for number, (name, error) in enumerate(errors)}
    missed = [name for name, (_worlds, disagreement) in found.items() if not disagreement]
    assert missed == []
    worlds = max(number for number, _disagreement in found.values())
    record_property(
        "figure", f"{len(found)} errors planted in the {part} found, each in {worlds} worlds or fewer, the first of them known to show it"
    )


@pytest.mark.parametrize("side", ["predictor", "sandbox"])
def test_a_copy_without_an_error_agrees(side: str, tree: Path, tmp_path: Path) -> None:
    assert planted.hunt(side, tree, tmp_path / "copy", None, worlds=12) == (12, "")


def test_the_two_sides_have_the_same_questions_states_and_order() -> None:
    assert set(QUESTIONS) == set(FACTS)
    assert all(set(QUESTIONS[name]) == set(fact.readings) for name, fact in FACTS.items())
    played = {name: set(values.values()) for name, values in PARAMETERS.values()}
    # A condition that is not evaluated is asked for by the name of its rule.
    disputed = {fact.name: set(fact.readings) for fact in SANDBOX_FACTS if fact.name != "unevaluated_match"}
    assert {name: played.get(name) for name in disputed} == disputed
    assert list(STATES) == [state.id for state in TABLE]
    assert [outcome for outcome in OUTCOMES if outcome != "unknown"] == list(ORDER)
    assert len(planted.PREDICTOR) == len(planted.SANDBOX) == 10
    assert {Path(error.file).stem for error in planted.SANDBOX.values()} <= ROUTER
