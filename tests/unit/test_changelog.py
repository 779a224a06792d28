# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog of the first release names everything that it brings, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

PLUGINS = ("modules", "connection", "action")
# How an entry begins: names with commas between them, then what they are.
NAMES = re.compile(r"^([a-z0-9_]+(?:, [a-z0-9_]+)*) - \S.*\.$")


def entries(checkout: Path) -> list[str]:
    """Every entry of the first release but its summary."""
    text = (checkout / "changelogs" / "fragments" / "first-release.yml").read_text(encoding="utf-8")
    return [entry for section in yaml.safe_load(text).values() if isinstance(section, list) for entry in section]


def brought(installed: Path, kind: str) -> set[str]:
    """The names of one kind that the collection has."""
    if kind in PLUGINS:
        return {path.stem for path in (installed / "plugins" / kind).glob("*.py")}
    return {path.stem for path in (installed / kind).iterdir()}


def named(checkout: Path) -> list[str]:
    """The names with which the entries begin."""
    found: list[str] = []
    for entry in entries(checkout):
        begin = NAMES.match(entry)
        assert begin, f"'{entry}' does not begin with the names that it is about"
        found += begin.group(1).split(", ")
    return found


@pytest.mark.parametrize("kind", [*PLUGINS, "roles", "playbooks"])
def test_everything_is_named(installed: Path, checkout: Path, kind: str) -> None:
    assert brought(installed, kind) - set(named(checkout)) == set()


def test_every_name_is_there_once_and_is_something_of_the_collection(installed: Path, checkout: Path) -> None:
    names = named(checkout)
    assert len(names) == len(set(names))
    assert set(names) <= set[str]().union(*(brought(installed, kind) for kind in (*PLUGINS, "roles", "playbooks")))
