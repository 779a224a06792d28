# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox with mail for what is asked outside the tenant, put back to its start before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox import Sandbox, running
from sandbox.generator import generate
from unit.sandbox_mail.flow import KINDS, Flow


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant with some of each kind of recipient."""
    place = tmp_path_factory.mktemp("outside") / "tenant"
    generate(place, kinds=KINDS, certificates=False, parameters={"rule_latency": 0})
    return place


@pytest.fixture(scope="session")
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox with the built-in foreign host."""
    with running([directory], mail="builtin") as found:
        yield found


@pytest.fixture
def flow(sandbox: Sandbox, directory: Path) -> Flow:
    """The sandbox at its start."""
    sandbox.reset()
    return Flow(sandbox, directory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates of a scripted service lie."""
    return tmp_path_factory.mktemp("service")
