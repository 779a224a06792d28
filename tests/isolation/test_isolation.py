# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never an object in the wrong tenant, never a token of another identity; and the test would see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.tenant import Sandbox

from . import experiment, world

COUNT = 50
# Enough to show a fault that is there.
FEW = 5


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Two tenants on one endpoint, with two addresses for the sign-in."""
    with Sandbox(world.make_tenants(tmp_path_factory.mktemp("tenants")), "--listen", "127.0.0.2") as sandbox:
        yield sandbox


def test_eight_hosts_differ_in_one_thing_each(sandbox: Sandbox) -> None:
    base, *others = world.identities(sandbox)
    differences = [
        {field for field in vars(base) if field not in {"name", "works"} and getattr(host, field) != getattr(other, field)}
        for host, other in [(base, host) for host in others[:5]] + [(others[4], host) for host in others[5:]]
    ]
    assert differences == [{"organization"}, {"client_id"}, {"secret"}, {"authority"}, {"credential"}, {"certificate"}, {"organization"}]


@pytest.mark.parametrize("explicit", [True, False], ids=["named", "by-address"])
def test_tenants_are_kept_apart(tree: Path, tmp_path: Path, sandbox: Sandbox, explicit: bool) -> None:
    outcome = experiment.run(tree, tmp_path, sandbox, COUNT, explicit=explicit)
    assert outcome.faults == []
    assert outcome.objects == COUNT * 6 * len(world.FORMS)
    assert outcome.tokens == 6


@pytest.mark.parametrize(("fault", "explicit"), [("cut-key", True), ("cut-key", False), ("inventory-hostname", False)])
def test_a_fault_is_seen(tree: Path, tmp_path: Path, sandbox: Sandbox, fault: str, explicit: bool) -> None:
    outcome = experiment.run(experiment.broken(tree, tmp_path, fault), tmp_path, sandbox, FEW, explicit=explicit)
    assert any("lies in" in text or "tenant is" in text for text in outcome.faults)


def test_the_default_is_no_matter_where_the_organization_is_named(tree: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    outcome = experiment.run(experiment.broken(tree, tmp_path, "inventory-hostname"), tmp_path, sandbox, FEW, explicit=True)
    assert outcome.faults == []
