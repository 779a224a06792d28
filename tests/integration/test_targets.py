# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module's integration target, run by ansible-playbook against one sandbox; the targets also run by themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from harness.compare import differences
from harness.play import Player
from harness.tenant import Sandbox

TARGETS = Path(__file__).resolve().parent / "targets"
# Modules that speak to a tenant; the others run on a mail host.
ROUTED = set(yaml.safe_load((TARGETS.parents[2] / "meta/runtime.yml").read_text(encoding="utf-8"))["plugin_routing"]["modules"])
NAMES = sorted(path.name for path in TARGETS.iterdir() if not path.name.startswith("setup_"))


def test_every_module_has_a_target(installed: Path) -> None:
    assert sorted(path.stem for path in (installed / "plugins/modules").glob("*.py")) == NAMES


@pytest.fixture
def local(tree: Path, tmp_path: Path) -> Player:
    """Runs plays on this machine, with the targets as roles."""
    machine = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return Player(tree, tmp_path, {"all": {"hosts": {"localhost": machine}}}, {"ANSIBLE_ROLES_PATH": str(TARGETS)})


@pytest.mark.parametrize("name", NAMES)
def test_a_target(local: Player, sandbox: Sandbox, name: str) -> None:
    before = sandbox.state()["tenants"]
    known = {"sandbox_ready": sandbox.ready, "sandbox_folder": str(sandbox.folders[0])}
    run = local.run(local.tasks([{"name": name, "include_role": {"name": name}}]), known)
    assert run.code == 0, run.output
    assert differences(before, sandbox.state()["tenants"]) == [], "it leaves nothing behind"
    assert sandbox.calls() or name not in ROUTED, "it was this sandbox"


def test_a_target_starts_and_stops_its_own_sandbox(local: Player) -> None:
    run = local.run(local.tasks([{"name": "Alone", "include_role": {"name": "accepted_domain_info"}}]))
    assert run.code == 0, run.output
