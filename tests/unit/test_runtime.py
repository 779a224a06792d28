# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml and plugins/modules say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from tools import runtime

# Modules that run on a mail host.
ORDINARY = ["cpanel_forwarding", "forwarding_file", "forwarding_plan_info", "postfix_forwarding", "zimbra_forwarding"]


def test_the_committed_file_is_the_generated_one(checkout: Path) -> None:
    assert (checkout / "meta/runtime.yml").read_text(encoding="utf-8") == runtime.text(), "run `make runtime`"


def test_a_strategy_that_looks_for_the_first_task_of_a_role_has_the_code_of_all_of_them(tree: Path) -> None:
    told = f"""
import sys
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader([{str(tree)!r}])
name = "ansible_collections.mailops.exchange.plugins.module_utils._coexistence"
before = name in sys.modules
found = action_loader.get("mailops.exchange.coexistence_plan_info", class_only=True)
other = action_loader.get("mailops.exchange.cmdlet", class_only=True)
print(before, name in sys.modules, issubclass(found, other.__mro__[1]), [one.__name__ for one in found.__mro__[:1]])
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True", "['ActionModule']"]


def test_modules_with_a_spec_are_in_the_group_and_routed_and_ordinary_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("SPEC = 1\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("SPEC: int = 1\n", encoding="utf-8")
    (tmp_path / "plain.py").write_text("def main():\n    SPEC = 1\n", encoding="utf-8")
    said = yaml.safe_load(runtime.text(tmp_path))
    assert said["action_groups"]["exchange"] == ["one", "two"]
    assert said["plugin_routing"]["modules"] == {name: {"action_plugin": runtime.ACTION} for name in ("one", "two")}


def test_the_installed_modules_are_those_of_the_group_and_the_ordinary_ones(installed: Path) -> None:
    said = yaml.safe_load((installed / "meta/runtime.yml").read_text(encoding="utf-8"))
    there = sorted(path.stem for path in (installed / "plugins/modules").glob("*.py"))
    group = said["action_groups"]["exchange"]
    assert group == sorted(said["plugin_routing"]["modules"])
    assert sorted(set(there) - set(group)) == ORDINARY
    assert set(group) <= set(there)
