# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for all modules, and sessions over the real transport: no playbook, no process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox import Sandbox, running
from sandbox.generator import generate

from .bench import Bench


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The running sandbox."""
    place = tmp_path_factory.mktemp("modules") / "tenant"
    generate(place, seed=7, users=60, certificates=False)
    with running([place]) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def transport(live: Sandbox) -> Iterator[Bench]:
    """One signed-in session for all tests."""
    made = Bench(live)
    yield made
    made.close()


@pytest.fixture
def bench(live: Sandbox, transport: Bench) -> Bench:
    """The session, and the sandbox at its start."""
    live.reset()
    return transport
