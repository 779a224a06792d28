# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the closing lines tell of a run of pytest."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import environments, shares, suite

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_a" name="test_good" time="1.0"><properties><property name="figure" value="7 worlds"/></properties>
</testcase>
<testcase classname="tests.unit.test_a" name="test_bad[one]" time="1.0"><failure message="AssertionError: 1 is&#10;  not 2">long</failure>
</testcase>
<testcase classname="tests.unit.test_a" name="test_set_up" time="1.0"><error message="failed on setup">long</error></testcase>
<testcase classname="tests.unit.test_a" name="test_left" time="1.0"><skipped message="no root"/></testcase>
</testsuite></testsuites>"""


def test_each_test_that_failed_is_named_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "record", lambda _share, _seconds: None)
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    outcome = suite._count(environments.NEWEST, report, 4.0, 1)
    assert (outcome.passed, outcome.failed, outcome.skipped, outcome.figures) == (1, 2, 1, ("7 worlds",))
    assert outcome.broken == (
        "tests.unit.test_a::test_bad[one]: AssertionError: 1 is not 2",
        "tests.unit.test_a::test_set_up: failed on setup",
    )
