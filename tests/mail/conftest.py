# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox with mail for each kind of foreign host. The real Postfix needs root and Debian's package: without them these tests fail."""

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
    place = tmp_path_factory.mktemp("mail") / "tenant"
    generate(place, kinds={**KINDS, "stub": 12, "noobj": 3}, certificates=False, parameters={"rule_latency": 0})
    return place


@pytest.fixture(scope="module", params=["builtin", "postfix"])
def sandbox(request: pytest.FixtureRequest, directory: Path) -> Iterator[Sandbox]:
    """A sandbox with one kind of foreign host."""
    with running([directory], mail=str(request.param)) as found:
        yield found


@pytest.fixture
def flow(sandbox: Sandbox, directory: Path) -> Flow:
    """The sandbox at its start."""
    sandbox.reset()
    return Flow(sandbox, directory)
