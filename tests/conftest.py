# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests import the installed artefact, never the checkout; under CI a skip is a failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

INSIDE = Path("ansible_collections/mailops/exchange")
ROOT = Path(__file__).resolve().parents[1]


def _tree() -> Path:
    for folder in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep):
        if folder and (Path(folder) / INSIDE).is_dir():
            return Path(folder).resolve()
    raise pytest.UsageError(
        "ANSIBLE_COLLECTIONS_PATH names no installed mailops.exchange: run the tests by `make test`, "
        "or some of them by `make test ARGS='tests/unit/test_00_installed_tree.py -k tree'`."
    )


TREE = _tree()
sys.path.insert(0, str(TREE))


@pytest.fixture(scope="session")
def tree() -> Path:
    """The folder that holds `ansible_collections` with the installed artefact."""
    return TREE


@pytest.fixture(scope="session")
def installed() -> Path:
    """The installed collection's own folder."""
    return TREE / INSIDE


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is tested is settled before anything else is."""
    items.sort(key=lambda item: item.path.name != "test_00_installed_tree.py")


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
        report.longrepr = f"a skip is a failure under CI: {report.longrepr}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped or expected-to-fail test fails under CI."""
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A skipped file fails under CI."""
    report = yield
    _forbid(report)
    return report
