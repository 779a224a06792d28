# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two paths of a module, in the worker and through main(), give equal results."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.play import Player

PROBE = Path(__file__).parent / "probe"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRET = "a-secret-long-enough-to-find"
CASES: dict[str, dict[str, Any]] = {
    "plain": {"name": "anna"},
    "an alias": {"title": "anna"},
    "an option and its alias": {"name": "anna", "title": "bert"},
    "a deprecated alias": {"name": "anna", "ancient": "x"},
    "a deprecated option": {"name": "anna", "leaving": "x"},
    "from the environment": {"name": "anna"},
    "converted values": {"name": 5, "count": "7", "ready": "yes", "tags": "a,b"},
    "suboptions": {"name": "anna", "inner": {"level": "2"}},
    "a bad choice": {"name": "anna", "mode": "three"},
    "a bad choice of a suboption": {"name": "anna", "inner": {"level": 1, "kind": "c"}},
    "all errors at once": {"count": "many", "mode": "three", "inner": {}, "unknown": 1},
    "a rule broken": {"name": "anna", "mode": "two"},
    "two exclude each other": {"name": "anna", "mode": "one", "tags": ["x"]},
    "a secret in a result and a diff": {"name": "anna", "secret": SECRET, "ready": True},
    "a secret in a suboption": {"name": "anna", "inner": {"level": 1, "password": SECRET}},
    "a secret in an error of the options": {"name": "anna", "secret": SECRET, "mode": SECRET},
    "a secret in bad input": {"name": "anna", "secret": SECRET, "end": "input"},
    "a secret in a refusal": {"name": "anna", "secret": SECRET, "end": "refused"},
    "an error of the service": {"name": "anna", "end": "service"},
}


@pytest.fixture(scope="module")
def probed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the installed tree with the probe in it, routed as our own modules are."""
    copy = tmp_path_factory.mktemp("probed") / "tree"
    shutil.copytree(tree / "ansible_collections/mailops/exchange", copy / "ansible_collections/mailops/exchange")
    collection = copy / "ansible_collections/mailops/exchange"
    shutil.copy(PROBE / "probe.py", collection / "plugins/modules/probe.py")
    shutil.copy(PROBE / "both_paths.py", collection / "plugins/action/both_paths.py")
    (collection / "plugins/modules/both_paths.py").write_text("DOCUMENTATION = ''\n")
    runtime = collection / "meta/runtime.yml"
    content = yaml.safe_load(runtime.read_text())
    content["plugin_routing"]["modules"]["probe"] = {"action_plugin": "mailops.exchange.cmdlet"}
    runtime.write_text(yaml.safe_dump(content))
    return copy


def texts(entries: Any) -> list[str]:
    """Warnings or deprecations as their texts alone: cores differ in what they wrap them in."""
    plain = [entry.get("event", entry) if isinstance(entry, dict) else {"msg": entry} for entry in entries or []]
    return sorted(str(entry["msg"]) for entry in plain)


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    """A result without what core adds, and without the ids that no two requests share."""
    result = json.loads(GUID.sub("<id>", json.dumps(answer)))
    kept = {key: value for key, value in result.items() if not key.startswith("_ansible") and key not in {"exception", "invocation"}}
    kept = {"failed": False, "changed": False, **kept}
    arguments = result.get("invocation", {}).get("module_args", {})
    named = {key: value for key, value in arguments.items() if not key.startswith("_ansible")}
    told = {"warnings": texts(result.get("warnings")), "deprecations": texts(result.get("deprecations"))}
    return {**kept, **told, "arguments": {} if kept["failed"] else named}


def test_worker_and_main_give_equal_results(player: Player, probed: Path) -> None:
    player.collections = probed
    player.environment = {"PROBE_VALUE": "from outside"}
    tasks = [
        {
            "name": f"{case} {check}",
            "mailops.exchange.both_paths": {"module": "probe", "arguments": arguments},
            "check_mode": check,
            "diff": not check,
        }
        for case, arguments in CASES.items()
        for check in (False, True)
    ]
    run = player.run(player.tasks(tasks))
    found = {event["task"]: event["result"] for event in run.results}
    assert len(found) == 2 * len(CASES), run.output
    for name, result in found.items():
        assert bare(result["worker"]) == bare(result["main"]), name
    assert SECRET not in run.output
    assert SECRET not in json.dumps(run.events).replace(json.dumps(CASES), "")
    assert str(found["a secret in a result and a diff False"]["worker"]["text"]).startswith("it is *")
    assert found["from the environment False"]["worker"]["seen"]["from_environment"] == "from outside"
    assert len(found["all errors at once False"]["worker"]["msg"].split("; ")) >= 4
