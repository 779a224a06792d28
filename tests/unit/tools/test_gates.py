# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gates read out of other programs' output, and how an interpreter is found behind a shim."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tools import artefact, environments, interpreters, sanity, shares


@pytest.mark.parametrize(
    "warning",
    [
        'Required program "shellcheck" not found.',
        'Skipping sanity test "import" on Python 3.12 due to missing virtual environment support.',
        'Sanity test "yamllint" on Python 3.12 may be slow due to missing libyaml support in PyYAML.',
    ],
)
def test_a_skipped_sanity_test_is_a_finding(warning: str) -> None:
    lines = ['Running sanity test "shellcheck"', f"WARNING: {warning}"]
    assert sanity.findings(0, lines) == lines[1:]


def test_errors_are_findings_and_other_warnings_are_not() -> None:
    lines = ['Running sanity test "pep8"', "ERROR: a.py:1:1: E501", "WARNING: Reviewing previous 1 warning(s):"]
    assert sanity.findings(1, lines) == ["ERROR: a.py:1:1: E501"]


def test_a_run_without_tests_is_a_finding() -> None:
    assert sanity.findings(0, ["nothing to do"]) == ["ansible-test ran no sanity test"]


def test_a_failure_without_an_error_line_is_told_whole() -> None:
    assert sanity.findings(1, ['Running sanity test "pep8"', "Traceback"]) == ['Running sanity test "pep8"', "Traceback"]


def test_a_file_that_is_not_listed_is_told(tmp_path: Path) -> None:
    listed, packed = tmp_path / "list.txt", ["a", "c"]
    listed.write_text("a\nb\n", encoding="utf-8")
    told = artefact.compare(set(listed.read_text(encoding="utf-8").split()), set(packed))
    assert [line.split()[0] for line in told] == ["c", "b"]


def test_an_interpreter_is_resolved_behind_a_shim(tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    found = interpreters.probe(str(shim))
    assert found is not None
    assert found.version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert found.path != shim
    assert found.path.is_relative_to(sys.base_prefix)


def test_what_does_not_run_is_no_interpreter(tmp_path: Path) -> None:
    assert interpreters.probe(str(tmp_path / "nothing")) is None
    assert interpreters.probe("/bin/false") is None


def test_a_missing_interpreter_is_named_with_the_ways_to_get_it() -> None:
    with pytest.raises(interpreters.Missing, match=r"Python 3\.99 .*apt-get install python3\.99-venv.*PATH") as told:
        interpreters.find("3.99")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("environment", environments.ALL, ids=lambda environment: environment.name)
def test_every_lock_pins_its_core_and_hashes_everything(environment: environments.Environment) -> None:
    assert environment.locked("ansible-core").startswith(f"{environment.core}.")
    text = environment.lock.read_text(encoding="utf-8")
    pins = [part for part in text.replace("\\\n", " ").splitlines() if part and not part.startswith("#")]
    assert len(pins) > 30
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_shares_fit_into_the_hour() -> None:
    assert sum(shares.BUDGET.values()) <= 60
