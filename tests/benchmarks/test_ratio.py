# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a converged task costs beside a task that does nothing, and that nothing is waited for at the end."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.play import Player, host, inventory, tool
from harness.tenant import Sandbox, generate

TASKS = 50
ROUNDS = 5
MOST = 3.0
# For a pipe and for ansible-runner: a short play, because the question is whether something is waited for.
FEW = 5
MOST_SECONDS = 2.0
LIMIT = 120


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A tenant with 50 rules, made by the module that is measured."""
    folder = generate(tmp_path_factory.mktemp("tenant") / "tenant", users=2)
    with Sandbox([folder]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def player(tree: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Player:
    """Plays against that tenant; the rules are there before the first round."""
    entry = sandbox.tenants[0]
    player = Player(tree, tmp_path_factory.mktemp("play"), inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"])}))
    made = player.run(player.tasks(rules(TASKS)))
    assert made.failures == []
    assert made.changed == TASKS
    return player


def rules(count: int) -> list[dict[str, Any]]:
    """A task for each of so many rules."""
    return [
        {
            "mailops.exchange.transport_rule": {
                "identity": f"measured rule {number}",
                "sender_domain_is": [f"sender{number}.example"],
                "set_scl": "-1",
                "comments": f"rule {number} of a measurement",
            }
        }
        for number in range(count)
    ]


def nothing(count: int) -> list[dict[str, Any]]:
    """As many tasks that do nothing."""
    return [{"ansible.builtin.debug": {"msg": f"task {number}"}} for number in range(count)]


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """The wall time of a command that must succeed."""
    begun = time.monotonic()
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
        check=False,
    )
    took = time.monotonic() - begun
    assert done.returncode == 0, done.stdout.decode()
    return took


def interleaved(first: list[str], second: list[str], environment: dict[str, str], rounds: int) -> list[tuple[float, float]]:
    """The wall times of two commands that take turns."""
    return [(seconds(first, environment), seconds(second, environment)) for _unused in range(rounds)]


def extra(first: list[str], second: list[str], environment: dict[str, str]) -> float:
    """How much longer the second takes at its best: a wait would be in every round, other load on the machine is not."""
    pairs = interleaved(first, second, environment, 3)
    return min(pair[1] for pair in pairs) - min(pair[0] for pair in pairs)


def test_a_converged_task_costs_at_most_three_of_nothing(
    player: Player, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    sandbox.control("DELETE", "/calls")
    before = len(sandbox.control("GET", "/tokens"))
    plain, measured = (player.command(player.tasks(tasks), {}) for tasks in (nothing(TASKS), rules(TASKS)))
    pairs = interleaved(plain, measured, player.environ(), ROUNDS)
    idle, busy = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    calls = sandbox.calls()
    assert [call for call in calls if call["write"]] == []
    assert len(calls) >= TASKS * ROUNDS
    assert len({call["token_id"] for call in calls}) == len(sandbox.control("GET", "/tokens")) - before == ROUNDS
    record_property("figure", f"{TASKS} rules take {busy / idle:.2f} times {TASKS} debug tasks")
    with capsys.disabled():
        print(
            f"\nratio: {TASKS} converged rules {busy:.2f} s, {TASKS} debug tasks {idle:.2f} s, {busy / idle:.2f} times; "
            f"{len(calls) // ROUNDS} reads and one token a run"
        )
    assert busy <= MOST * idle


def test_nothing_is_waited_for_behind_a_pipe(player: Player) -> None:
    plain, measured = (["sh", "-c", f"{shlex.join(player.command(player.tasks(tasks), {}))} | cat"] for tasks in (nothing(FEW), rules(FEW)))
    assert extra(plain, measured, player.environ()) <= MOST_SECONDS


def test_nothing_is_waited_for_under_ansible_runner(player: Player, tmp_path: Path) -> None:
    commands = []
    for name, tasks in (("nothing", nothing(FEW)), ("rules", rules(FEW))):
        place = tmp_path / name
        (place / "project").mkdir(parents=True)
        (place / "inventory").mkdir()
        (place / "project" / "book.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        (place / "inventory" / "hosts.json").write_text(json.dumps(player.inventory))
        commands.append([tool("ansible-runner"), "run", str(place), "-p", "book.yml"])
    environment = {**player.environ(), "PATH": f"{Path(tool('ansible-playbook')).parent}:/usr/bin:/bin"}
    assert extra(commands[0], commands[1], environment) <= MOST_SECONDS
