# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox process and a player for tests that run real playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, variables
from harness.play import Player, player_of
from harness.tenant import Sandbox, generate


@pytest.fixture(scope="session")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated tenant, with its source list and waves."""
    return generate(tmp_path_factory.mktemp("tenant") / "tenant")


@pytest.fixture(scope="module")
def shared_sandbox(tenant_folder: Path) -> Iterator[Sandbox]:
    """One sandbox process for the tests of a file."""
    with Sandbox([tenant_folder], "--mail") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The file's sandbox, as it was at its start. A cmdlet that the service does not know fails the test that called it."""
    shared_sandbox.reset()
    yield shared_sandbox
    assert [call["cmdlet"] for call in shared_sandbox.calls() if call.get("unknown")] == []


@pytest.fixture
def player(sandbox: Sandbox, tree: Path, tmp_path: Path) -> Player:
    """Runs playbooks on the sandbox's first tenant."""
    return player_of(sandbox, tree, tmp_path)


@pytest.fixture(scope="module")
def set_up(shared_sandbox: Sandbox, tenant_folder: Path, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A set-up, played once for the tests of a file and kept."""
    shared_sandbox.reset()
    shared_sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    run = player_of(shared_sandbox, tree, tmp_path_factory.mktemp("set-up")).run("mailops.exchange.setup", variables(tenant_folder))
    assert run.code == 0, run.output
    assert [call["cmdlet"] for call in shared_sandbox.calls() if call.get("unknown")] == []
    shared_sandbox.keep()


@pytest.fixture
def standing(set_up: None, sandbox: Sandbox, tenant_folder: Path) -> dict[str, Any]:
    """The variables of a tenant that is set up, with the service's clock at its normal speed."""
    sandbox.back()
    return variables(tenant_folder)
