# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at every write: the old map or the new one, never half; the next run ends where an undisturbed one ends."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import postfix

from .bench import ROUTING, Machine, line, row, run

ON: dict[str, str] = {"user1": f"user1@{ROUTING}", "user2": f"user2@{ROUTING}"}
NEXT: dict[str, str] = {"user2": f"user2@example.com, user2@{ROUTING}", "user3": f"user3@{ROUTING}"}
# What was there, what is asked for, and what is there afterwards.
CHANGES: list[tuple[dict[str, str], list[dict[str, Any]], str, dict[str, str]]] = [
    ({}, [row("user1"), row("user2")], "present", ON),
    (ON, [row("user2", keep_copy=True), row("user3")], "exact", NEXT),
    (ON, [row("user1"), row("user2")], "absent", {}),
]
IDS = ["on", "exact", "off"]
# What somebody else wrote into our map.
THEIRS = "# a note\nteam@example.com a@example.com,\n   b@example.com, c@example.com\n"
TEAM = {"team": "a@example.com, b@example.com, c@example.com"}
CALLS = ("replace", "fsync", "unlink", "chmod")
CHILD = """
import os, sys, json
place, options, number, names = json.loads(sys.argv[1])
sys.path[:0] = place
count = 0
def wrap(name):
    real = getattr(os, name)
    def call(*arguments, **more):
        global count
        count += 1
        if count == number:
            os.kill(os.getpid(), 9)
        return real(*arguments, **more)
    setattr(os, name, call)
from unit.forwarding.bench import run
for name in names:
    wrap(name)
result = run("postfix_forwarding", **options)
print(json.dumps({"count": count, "failed": result.get("failed", False), "msg": result.get("msg", "")}))
"""


def state(machine: Machine, kind: str = "hash") -> dict[str, str]:
    """What Postfix follows now: our map's answers if the map is listed; the stand-in's index is read as it lies there."""
    if not re.search(rf"(?<![a-z]){kind}:{re.escape(str(machine.path))}", machine.main_cf.read_text(encoding="utf-8")):
        return {}
    return {address.split("@")[0]: text for address, text in postfix.opened("postmap", f"{kind}:{machine.path}").items()}


def others(machine: Machine) -> dict[str, bytes]:
    """Every file that is neither ours nor main.cf, index files included."""
    named = (path for path in machine.folder.iterdir() if path.is_file() and path.name.startswith(("virtual", "theirs", "master")))
    return {path.name: path.read_bytes() for path in named}


class Killed(BaseException):
    """The end of a process, as far as its own code can tell."""


def killed(machine: Machine, options: dict[str, Any], number: int) -> bool:
    """Run the task, which ends before its number-th write; False when it ended by itself."""
    count = 0

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return real(*arguments, **more)

        return call

    with pytest.MonkeyPatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, wrapped(getattr(os, name)))
        try:
            result = run("postfix_forwarding", **options)
        except Killed:
            return True
    assert not result.get("failed"), result["msg"]
    return False


def shot(options: dict[str, Any], number: int) -> bool:
    """The same with a process of its own, programs that are processes, and SIGKILL."""
    root = Path(__file__).resolve().parents[2]
    tree = os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)[0]
    told = json.dumps([[str(root), tree], options, number, CALLS])
    done = subprocess.run([sys.executable, "-c", CHILD, told], capture_output=True, text=True, check=False)
    if done.returncode == -9:
        return True
    assert done.returncode == 0, done.stderr
    assert not json.loads(done.stdout)["failed"], done.stdout
    return False


def prepare(machine: Machine, before: dict[str, str], *, kind: str = "hash", theirs: bool = False) -> None:
    """The state before. theirs: our map holds a line of somebody else's too, before ours or alone."""
    if before or theirs:
        machine.done(row("user1"), row("user2"), state="exact", type=kind)
    if theirs:
        text = machine.path.read_text(encoding="utf-8").replace(line("user2"), THEIRS + line("user2"))
        machine.path.write_text(text, encoding="utf-8")
        machine.done(row("user1"), row("user2"), state="exact" if before else "absent", type=kind)


@pytest.mark.parametrize("theirs", [False, True], ids=["alone", "shared"])
@pytest.mark.parametrize("kind", ["hash", "texthash"])
@pytest.mark.parametrize(("before", "rows", "how", "after"), CHANGES, ids=IDS)
def test_killed_at_each_write(
    machine: Machine,
    tmp_path: Path,
    before: dict[str, str],
    rows: list[dict[str, Any]],
    how: str,
    after: dict[str, str],
    kind: str,
    theirs: bool,
) -> None:
    (machine.state / "running").touch()
    machine.map("theirs", "list@example.com user1@example.com\n", "texthash")
    prepare(machine, before, kind=kind, theirs=theirs)
    old, new = ({**answers, **TEAM} if theirs else answers for answers in (before, after))
    kept = shutil.copytree(machine.folder, tmp_path / "kept")
    beside, main_cf = others(machine), {machine.main_cf.read_bytes()}
    machine.done(*rows, state=how, type=kind)
    main_cf.add(machine.main_cf.read_bytes())
    number = 0
    while True:
        number += 1
        shutil.rmtree(machine.folder)
        shutil.copytree(kept, machine.folder)
        if not killed(machine, machine.options(*rows, state=how, type=kind), number):
            break
        assert state(machine, kind) in (old, new), number
        assert not theirs or THEIRS in machine.path.read_text(encoding="utf-8"), number
        assert others(machine) == beside, number
        assert machine.main_cf.read_bytes() in main_cf, number
        machine.done(*rows, state=how, type=kind)
        assert state(machine, kind) == new, number
        assert not theirs or THEIRS in machine.path.read_text(encoding="utf-8"), number
        assert others(machine) == beside, number
        assert [name for name in machine.files() if "mailops" in name or name.endswith(".reload")] == [], number
        assert not machine.done(*rows, state=how, type=kind)["changed"], number
    assert number > (3 if kind == "texthash" else 6), "the writes were not seen"
    assert (state(machine, kind), others(machine)) == (new, beside)


@pytest.mark.parametrize("number", [1, 5, 8, 11, 99])
def test_a_process_killed_for_real_and_one_that_is_not(machine: Machine, number: int) -> None:
    prepare(machine, ON)
    assert shot(machine.options(row("user2", keep_copy=True), row("user3"), state="exact"), number) == (number < 99)
    assert state(machine) in (ON, NEXT)
    machine.done(row("user2", keep_copy=True), row("user3"), state="exact")
    assert state(machine) == NEXT


def test_an_undo_of_an_interrupted_change(machine: Machine) -> None:
    prepare(machine, ON)
    before = machine.bytes()
    for number in range(1, 6):
        assert killed(machine, machine.options(row("user3"), state="exact"), number)
        machine.done(row("user1"), row("user2"), state="exact")
        assert state(machine) == ON
        assert machine.bytes() == before, number


def test_a_postmap_that_dies_leaves_the_map_in_use(machine: Machine) -> None:
    prepare(machine, ON)
    (machine.state / "die").touch()
    result = machine.task(row("user3"))
    assert "the map in use is as it was" in result["msg"]
    assert state(machine) == ON
    (machine.state / "die").unlink()
    machine.done(row("user3"))
    assert state(machine) == {**ON, "user3": f"user3@{ROUTING}"}


def test_a_full_disk_leaves_the_map_in_use(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(machine, ON)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        result = machine.task(row("user3"))
    assert "No space left on device" in result["msg"]
    assert state(machine) == ON


def test_a_reload_that_was_missed_is_made_up_for(machine: Machine) -> None:
    (machine.state / "running").touch()
    options = machine.options(row("user1"), type="texthash")
    number = 1
    while killed(machine, options, number):
        (machine.state / "reloads").unlink(missing_ok=True)
        seen = machine.path.exists() and f"texthash:{machine.path}" in machine.main_cf.read_text(encoding="utf-8")
        again = machine.done(row("user1"), type="texthash")
        if seen:
            assert {"command": [machine.tool("postfix"), "-c", str(machine.folder), "reload"]} in again["commands"]
        assert (machine.state / "reloads").exists()
        assert not machine.done(row("user1"), type="texthash")["changed"]
        machine.done(row("user1"), state="absent", type="texthash")
        number += 1
    assert number > 4


def test_only_what_needs_it_is_reloaded(machine: Machine) -> None:
    (machine.state / "running").touch()

    def reloads(**more: Any) -> int:
        log = machine.state / "reloads"
        log.unlink(missing_ok=True)
        machine.done(row("user1"), **more)
        return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0

    assert reloads() == 1, "main.cf changed"
    assert reloads(keep_copy=True) == 0, "an index is noticed"
    assert reloads(keep_copy=True, reload=False, state="absent") == 0
    assert reloads(type="texthash") == 1
    assert reloads(type="texthash", keep_copy=True) == 1
    assert reloads(type="texthash", keep_copy=True) == 0


def test_two_runs_at_a_time_are_kept_apart(machine: Machine) -> None:
    handle = os.open(machine.folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert "another run changes forwards" in machine.task(row("user1"))["msg"]
    finally:
        os.close(handle)
    machine.done(row("user1"))
