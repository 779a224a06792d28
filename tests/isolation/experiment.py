# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the eight hosts once, on the collection as it is or with one of two faults built in."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.play import Player
from harness.tenant import Sandbox

from . import world

COLLECTION = Path("ansible_collections/mailops/exchange/plugins")
# Faults that an implementation could have: the file, what stands there, what stands there instead.
FAULTS = {
    # The socket's name holds what core's own persistent connection uses, which leaves the tenant out.
    "cut-key": (
        COLLECTION / "plugin_utils" / "_run.py",
        "json.dumps([transport, dict(options)]",
        'json.dumps([transport, options["endpoint"]]',
    ),
    # The default of the organization follows the play's host, not the delegated one.
    "inventory-hostname": (COLLECTION / "connection" / "rest.py", "- name: ansible_host", "- name: inventory_hostname"),
}


@dataclass(frozen=True)
class Outcome:
    """What one run showed. faults: everything that is not as it must be."""

    faults: list[str]
    objects: int
    refused: int
    tokens: int


def broken(tree: Path, folder: Path, fault: str) -> Path:
    """A copy of the installed collection with the fault built in; raises ValueError when the code no longer holds the place."""
    copy = folder / fault
    shutil.copytree(tree / "ansible_collections" / "mailops", copy / "ansible_collections" / "mailops", symlinks=False)
    path, right, wrong = FAULTS[fault]
    text = (copy / path).read_text()
    if text.count(right) != 1:
        raise ValueError(f"{path.name} does not hold '{right}' once")
    (copy / path).write_text(text.replace(right, wrong))
    return copy


def run(tree: Path, folder: Path, sandbox: Sandbox, count: int, *, explicit: bool) -> Outcome:
    """One play with forks 8; `count` tasks a host and form."""
    sandbox.reset()
    before = len(sandbox.control("GET", "/tokens"))
    hosts = world.identities(sandbox)
    player = Player(tree, folder, world.inventory(hosts, sandbox, explicit=explicit))
    finished = player.run(player.tasks(world.play(hosts, count)), None, "--forks", "8")
    found = world.faults(hosts, count, sandbox)
    refused = [text for text in finished.failures if "AADSTS" in text]
    others = [text for text in finished.failures if "AADSTS" not in text and text != "One or more items failed"]
    found += [f"a task failed: {text}" for text in others]
    return Outcome(found, len(world.expected(hosts, count)), len(refused), len(sandbox.control("GET", "/tokens")) - before)
