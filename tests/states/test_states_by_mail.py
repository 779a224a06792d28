# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of the table of states, on one tenant with mail: the step that leads there is refused or told, and mail ends as the row says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._states import ANY, REPORTS, STATES, WRITTEN, Hurt, State
from harness.bench import KINDS, Bench
from harness.between import BETWEEN
from harness.play import Run, player_of
from harness.state_rows import ROWS, Attempt, Row, standing
from harness.tenant import Sandbox, generate

BY_ID = {state.id: state for state in STATES}
GUARDED = [state.id for state in STATES if state.guards]
HARMLESS = {"delivered", "healed", "early", "duplicate"}
# The reading of a disputed fact as the sandbox's parameter.
PARAMETERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sent_to_scope": ("sent_to_scope_reading", {"a": "a", "b": "b", "c": "c"}),
    "missing_connector": ("missing_connector", {"stuck": "stuck", "ignored": "rule_error"}),
    "mail_user": ("mail_user_lookup", {"once": "once", "again": "again"}),
    "system_mail": ("rules_on_reports", {"acts": True, "spared": False}),
    "dmarc_domain": ("dmarc_domain", {"routing": "routing"}),
    "edge_blocking": ("edge_directory", {"hidden": "partial"}),
}
# That a host with a limit puts a message off is the host's own mode, which the row sets.
MODES = {"rate_limit"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Iterator[Bench]:
    """One tenant for all rows."""
    place = tmp_path_factory.mktemp("states")
    folder = generate(place / "tenant", kinds=KINDS)
    with Sandbox([folder], "--mail") as sandbox:
        yield Bench(sandbox, player_of(sandbox, tree, place))


def findings(run: Run, guard: str) -> list[dict[str, Any]]:
    """What a guard said in a run."""
    return [one for event in run.results for one in event["result"].get("findings", []) if one["id"] == guard]


def names(bench: Bench, attempt: Attempt) -> list[str]:
    """Who must be named."""
    return [bench.who.get(name, name) for name in attempt.names]


def refused(bench: Bench, attempt: Attempt, run: Run) -> None:
    """The run failed, and its one line names the guard and who."""
    assert run.code != 0, run.output
    text = run.failures[0]
    for guard in attempt.guards:
        blocking = [one for one in findings(run, guard) if one["blocks"]]
        assert f"{guard} ({len(blocking)})" in text
        assert f"{guard} {blocking[0]['who']}: {blocking[0]['why']}. {blocking[0]['remedy']}" in text
        assert f"[{guard}" in text or f", {guard}" in text, "how to go on all the same"
    said = " ".join(f"{one['who']} {one['why']}" for guard in attempt.guards for one in findings(run, guard))
    assert [name for name in names(bench, attempt) if name not in said] == [], said


def told(bench: Bench, attempt: Attempt, run: Run) -> None:
    """The run went on, and warned by whom and how many the guard sees hurt."""
    assert run.code == 0, run.output
    for guard in attempt.guards:
        lines = [text for text in run.warnings if text.startswith(f"told: {guard} ")]
        assert lines, run.warnings
        assert [word for word in (*names(bench, attempt), *attempt.says) if not any(word in line for line in lines)] == [], lines
        assert attempt.count in {0, len(set(lines))}, "a step that judges twice tells twice"


def reached(bench: Bench, state: State, row: Row) -> list[str]:
    """One line for each letter of the row whose outcome is another than the row tells."""
    wrong = []
    for hurt in state.hurts:
        for reading in readings_of(hurt, row):
            play(bench, reading)
            sent = [(mail, origin, kind) for mail in hurt.mail for origin in hurt.origins for kind in hurt.kinds]
            letters = [bench.letter(origin, row.people.get(kind, kind), mail, **row.letter) for mail, origin, kind in sent]
            for (mail, origin, kind), outcome in zip(sent, bench.outcomes(letters), strict=True):
                if outcome != hurt.outcome:
                    wrong.append(f"{mail} from {origin} to {kind} under {dict(reading)}: {outcome}, told is {hurt.outcome}")
    return wrong


def readings_of(hurt: Hurt, row: Row) -> list[Mapping[str, str]]:
    """What a line is played under: its own reading, with each answer to what the row leaves open."""
    return [{**reading, **hurt.reading} for reading in row.readings]


def play(bench: Bench, reading: Mapping[str, str]) -> None:
    """Have the service act by a reading."""
    known = {fact: value for fact, value in reading.items() if fact not in MODES}
    bench.sandbox.control("PUT", "/parameters", {PARAMETERS[fact][0]: PARAMETERS[fact][1][value] for fact, value in known.items()})


def letters_of(state: State, row: Row) -> int:
    """How many letters a row is reached by."""
    return sum(len(hurt.origins) * len(hurt.kinds) * len(hurt.mail) * len(readings_of(hurt, row)) for hurt in state.hurts)


def test_every_row_is_here_with_every_guard_of_its_own() -> None:
    assert set(ROWS) == set(BY_ID)
    for state in STATES:
        tried = {guard for attempt in ROWS[state.id].attempts for guard in attempt.guards}
        assert tried == set(state.guards), state.id


def test_who_is_told_is_counted() -> None:
    for state in STATES:
        for attempt in ROWS[state.id].attempts:
            told_alone = not state.blocks and not attempt.blocks
            assert not (told_alone and attempt.guards) or attempt.count or attempt.says, state.id


def tries(bench: Bench, state: State, attempt: Attempt) -> None:
    """One attempt: refused with nothing written, or told."""
    bench.sandbox.control("DELETE", "/calls")
    bench.file.unlink(missing_ok=True)
    run = attempt.run(bench)
    if state.blocks if attempt.blocks is None else attempt.blocks:
        refused(bench, attempt, run)
        assert (bench.sandbox.writes(), bench.file.exists()) == ([], False)
    else:
        told(bench, attempt, run)


@pytest.mark.parametrize("name", GUARDED)
def test_row(bench: Bench, name: str) -> None:
    state, row = BY_ID[name], ROWS[name]
    row.before(bench)
    for attempt in row.attempts:
        tries(bench, state, attempt)
    better = reached(bench, state, row)
    assert bool(better) == row.spared, "as long as the step waits, mail fares better"
    assert [kind for kind in row.better if not any(f" to {kind} under " in line for line in better)] == []
    row.harm(bench)
    assert reached(bench, state, row) == []
    for mend in row.mends:
        row.before(bench)
        mend(bench)
        assert len(reached(bench, state, row)) == letters_of(state, row), mend.__name__
    assert [call["cmdlet"] for call in bench.sandbox.calls() if call.get("unknown")] == []


def test_row_without_a_guard_is_harmless(bench: Bench) -> None:
    (state,) = [state for state in STATES if not state.guards]
    row = ROWS[state.id]
    row.before(bench)
    (attempt,) = row.attempts
    run = attempt.run(bench)
    assert run.code == 0, run.output
    row.harm(bench)
    assert reached(bench, state, row) == []
    meanwhile = [bench.letter(origin, "stub") for origin in ANY]
    assert set(bench.outcomes(meanwhile)) <= HARMLESS
    switched = bench.switch("stub")
    assert switched.code == 0, switched.output
    assert f"{bench.who['stub']},{bench.goal('stub')}," in bench.file.read_text(encoding="utf-8")
    bench.forward("stub")
    assert bench.sync("stub") > 0, "what lay at the source comes along"
    assert bench.outcomes([bench.letter(origin, "stub") for origin in ANY]) == ["delivered"] * len(ANY)
    assert set(bench.sums()) <= HARMLESS


@pytest.mark.parametrize("name", BETWEEN)
def test_between_group_and_forward_nobody_is_hurt_whatever_was_planned(bench: Bench, name: str) -> None:
    move, readings = BETWEEN[name]
    standing(bench)
    move(bench)
    sent = [(mail, origin) for mail in (*WRITTEN, *REPORTS) for origin in ANY]
    for reading in readings:
        play(bench, reading)
        found = dict(zip(sent, bench.outcomes([bench.letter(origin, "stub", mail) for mail, origin in sent]), strict=True))
        assert {one: outcome for one, outcome in found.items() if outcome not in HARMLESS} == {}, reading
        assert {"delivered", "early"} == set(found.values()), "some reads where he always did, some is early"


def test_leftovers_hurt_nobody_in_the_tenant(bench: Bench) -> None:
    row = ROWS["leftovers"]
    row.before(bench)
    letters = [
        bench.letter(origin, kind) for origin in ("internet", "tenant") for kind in ("pilot", "migrated", "room", "shared", "folder")
    ]
    assert set(bench.outcomes(letters)) == {"delivered"}
