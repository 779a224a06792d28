# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging forwards on the controller starts no process, and says the same as the module does elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from harness.play import Player

NAME = "mailops.exchange.forwarding_plan_info"
FORWARD = {"address": "anna@example.com", "routing_address": "anna@contoso.mail.onmicrosoft.com"}
FILE = {"backend": "csv", "forwards": [FORWARD], "dest": "~/forwards.csv", "keep_copy": "yes"}
TASKS: list[dict[str, Any]] = [
    FILE,
    {**FILE, "dump": "dump.csv"},
    {**FILE, "dump": "/no/such/file"},
    {**FILE, "dump": "dump.csv", "confirm": True},
    {"backend": "postfix", "forwards": [{"address": "x"}, {"address": "@y"}]},
    {"backend": "zimbra", "ways": [{"backend": "zimbra", "state": "off", "forwards": [FORWARD], "options": {"zmprov": "/srv/zmprov"}}]},
]
# The option that is wrong is named; of several the module names the first one.
BAD: list[dict[str, Any]] = [{**FILE, "keep_copy": "perhaps"}, {**FILE, "backend": "sendmail"}]
# A task with an environment of its own runs in a process that has it.
ELSEWHERE = {"environment": {"A_WORD": "1"}}


@pytest.fixture
def play(tree: Path, tmp_path: Path) -> Player:
    (tmp_path / "dump.csv").write_text("address,forward_to\nbert@example.com,bert@contoso.mail.onmicrosoft.com\n", encoding="utf-8")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return Player(tree, tmp_path, {"all": {"hosts": {"mail": local}}}, {"HOME": str(tmp_path)})


def test_the_worker_and_the_module_say_the_same(play: Player, tmp_path: Path) -> None:
    given = [{**one, "dump": str(tmp_path / "dump.csv")} if one.get("dump") == "dump.csv" else one for one in (*TASKS, *BAD)]
    told = []
    for more in ({}, ELSEWHERE):
        tasks = [{NAME: one, "ignore_errors": True, **more} for one in given]
        run = play.run(play.tasks(tasks), None, "-vvv")
        assert run.code == 0, run.output
        assert (" EXEC " in run.output) == bool(more), "only elsewhere is a process started"
        told.append([plain(event["result"]) for event in run.results if event["action"] == NAME])
    here, elsewhere = told
    assert here == elsewhere
    assert ["plan" not in one for one in here] == [False, False, True, True, True, False, True, True]
    assert here[0]["plan"]["file"][0]["dest"] == str(tmp_path / "forwards.csv")


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """What a task says, without what core adds about the process that said it, and without the set of words that mean yes or no."""
    own = {name: value for name, value in result.items() if not name.startswith("_ansible") and name != "exception"}
    bad = "argument" in str(own.get("msg"))
    return {**own, "msg": str(own["msg"]).partition("Valid booleans")[0]} if bad else own
