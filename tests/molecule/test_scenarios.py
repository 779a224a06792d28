# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every scenario of molecule runs through, on the installed collection, and ends the sandbox that it started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.play import Player, tool
from programs.scenario import command_of

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))
LIMIT = 280  # seconds for one scenario: a hang bound
STEP = re.compile(r"\[(\w+) > (\w+)\] (Executing|Executed: Successful)$", re.MULTILINE)
ROLE = re.compile(r"^task path: (\S+)/roles/(coexistence_\w+)/tasks/", re.MULTILINE)
RUNS = re.compile(r"sandbox (\d+) runs on ([^\s\"]+)")


def molecule(scenario: str, tree: Path, folder: Path) -> str:
    """The log of a scenario that ended well; `folder` takes what it leaves. Each task's log begins with the file that it stands in."""
    own = {"MOLECULE_EPHEMERAL_DIRECTORY": str(folder / "state"), "ANSIBLE_VERBOSITY": "2", "NO_COLOR": "1"}
    environ = Player(tree, folder, {}, own).environ()
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    done = subprocess.run(
        [tool("molecule"), "test", "--scenario-name", scenario],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def changes(log: str, scenario: str, step: str) -> int:
    """How many tasks of a step changed something, by Ansible's own count."""
    _before, _began, rest = log.partition(f"[{scenario} > {step}] Executing")
    part, ended, _after = rest.partition(f"[{scenario} > {step}] Executed: Successful")
    counts = re.findall(r"^tenant +: ok=\d+ +changed=(\d+)", part, re.MULTILINE)
    assert ended, f"{step} is not in the log:\n{log}"
    assert counts, f"{step} did nothing to the tenant:\n{log}"
    return sum(map(int, counts))


def test_there_are_scenarios() -> None:
    assert {"setup", "cutover"} <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, tree: Path, installed: Path, tmp_path: Path) -> None:
    log = molecule(scenario, tree, tmp_path)
    done = [step for name, step, said in STEP.findall(log) if name == scenario and said != "Executing"]
    assert {"create", "converge", "idempotence", "verify", "destroy"} <= set(done), log
    played = set(ROLE.findall(log))
    assert played, f"no role was played:\n{log}"
    assert {place for place, _unused in played} == {str(installed)}, "the roles are those of the installed collection alone"
    assert changes(log, scenario, "converge") > 0, log
    assert changes(log, scenario, "idempotence") == 0, log
    ((process, python),) = set(RUNS.findall(log))
    assert Path(python).parent == Path(sys.executable).parent, "the Python that runs molecule starts the sandbox"
    assert "tests/sandbox/serve" not in command_of(int(process)), "the sandbox has ended"
    assert list((tmp_path / "state").rglob("sandbox.json")) == []


def test_the_scenarios_play_every_role(installed: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "extensions" / "molecule").rglob("*.yml")]
    for role in (installed / "roles").iterdir():
        assert any(f"role: mailops.exchange.{role.name}\n" in text for text in texts), role.name
