# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose core was imported before it began is one of ansible-playbook in everything that a test can see."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import warm
from harness.play import Player, Run, read_record

WORD = "{{ lookup('ansible.builtin.env', 'A_WORD') }}"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[warm.Servers]:
    """Servers for one test alone."""
    own = warm.Servers()
    monkeypatch.setattr(warm, "SERVERS", own)
    yield own
    own.close()


def player(tree: Path, folder: Path, **environment: str) -> Player:
    """Plays on two machines that are this one."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts: dict[str, Any] = dict.fromkeys(("first", "second"), local)
    return Player(tree, folder, {"all": {"hosts": hosts}}, environment)


def by_command_line(play: Player, book: Path, record: Path, *options: str) -> Run:
    """The same run, started as a user would start it."""
    command, environment = play.command(book, {}, *options), play.environ(record)
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout, read_record(record))


def plain(run: Run) -> tuple[int, str, list[dict[str, Any]]]:
    """A run without the times in it."""
    events = [{name: value for name, value in event.items() if name != "time"} for event in run.events]
    return run.code, run.output, json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|0:00:0\d\.\d+", "<time>", json.dumps(events)))


@pytest.mark.parametrize("options", [("--check", "--diff", "-vv"), ("--no-such-option",)], ids=" ".join)
def test_it_shows_returns_and_records_what_a_command_line_does(
    tree: Path, tmp_path: Path, servers: warm.Servers, options: tuple[str, ...]
) -> None:
    play = player(tree, tmp_path)
    tasks: list[dict[str, Any]] = [
        {"name": "Say", "ansible.builtin.debug": {"msg": "a word"}},
        {"name": "Do", "ansible.builtin.command": "echo done", "changed_when": True},
        {"name": "Leave", "ansible.builtin.set_stats": {"data": {"left": 1}}},
        {"name": "Refuse", "mailops.exchange.cmdlet": {"cmdlet": "Get-OrganizationConfig"}, "ignore_errors": True},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "no more"}, "when": "inventory_hostname == 'second'"},
    ]
    book = play.tasks(tasks)
    # One host after the other, in the same order each time.
    options = ("--forks", "1", *options)
    # The second of two is forked by a server that has served.
    runs = [play.run(book, None, *options) for _time in range(2)]
    line = by_command_line(play, book, tmp_path / "line.jsonl", *options)
    assert line.code != 0
    assert [plain(run) for run in runs] == [plain(line)] * 2


def test_a_run_knows_nothing_of_the_environment_of_another(tree: Path, tmp_path: Path, servers: warm.Servers) -> None:
    said = []
    for word in ("one", "two", "one"):
        play = player(tree, tmp_path, A_WORD=word)
        said += [event["result"]["msg"] for event in play.run(play.tasks([{"ansible.builtin.debug": {"msg": WORD}}], "first")).results]
    assert said == ["one", "two", "one"]
    assert len(servers._idle) == 2


def test_what_is_killed_is_told_by_its_signal_and_the_next_run_is_not_hurt(tree: Path, tmp_path: Path, servers: warm.Servers) -> None:
    play = player(tree, tmp_path)
    started = play.start(play.tasks([{"ansible.builtin.pause": {"minutes": 5}}], "first"))
    assert os.getpgid(started.pid) == started.pid
    os.killpg(started.pid, signal.SIGKILL)
    assert started.wait(20) == -signal.SIGKILL
    assert play.run(play.tasks([{"ansible.builtin.ping": {}}], "first")).code == 0


def test_a_run_that_hangs_is_killed_and_said_to_have_hung(tree: Path, tmp_path: Path, servers: warm.Servers) -> None:
    play = player(tree, tmp_path)
    started = play.start(play.tasks([{"ansible.builtin.pause": {"minutes": 5}}], "first"))
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0.1)
    assert play.run(play.tasks([{"ansible.builtin.ping": {}}], "first")).code == 0
