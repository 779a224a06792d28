# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README and the guides name is there: playbooks, variables, modules, guards, outcomes, pages, commands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import GUARDS, SOURCE_KEYS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import STEPS, VARIABLES
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outcomes import OUTCOMES

PAGES = ("README.md", "docs/docsite/rst/operations.rst", "docs/docsite/rst/forwarding.rst")
# Variables of the playbooks alone.
OF_PLAYBOOKS = {"hosts", "snapshot", "known", "rehearsal_limit", "step", "inside_probes"}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, checkout: Path) -> str:
    """A page's text."""
    return (checkout / str(request.param)).read_text(encoding="utf-8")


def words(pattern: str, text: str) -> set[str]:
    """Every match of the pattern's one group."""
    return set(re.findall(pattern, text))


def tags(installed: Path) -> set[str]:
    """The tags of the roles' tasks."""
    found = [path.read_text(encoding="utf-8") for path in (installed / "roles").glob("*/tasks/*.yml")]
    return set[str]().union(*(words(r"tags: \[coexistence_([a-z_]+)\]", text) for text in found))


def rows(text: str, letter: str) -> list[int]:
    """The numbers that begin the rows of the tables of guards."""
    return [int(number) for row in re.findall(r"(?m)^ +\* - ([A-Z\d, ]+)$", text) for number in re.findall(rf"{letter}(\d+)", row)]


NAMED = r"(?<!\w)mailops\.exchange\.([a-z]+)(?![\w.#])"


def test_every_playbook_is_told_of(checkout: Path, installed: Path) -> None:
    told = set[str]().union(*(words(NAMED, (checkout / name).read_text(encoding="utf-8")) for name in PAGES))
    assert {path.stem for path in (installed / "playbooks").glob("*.yml")} <= told


def test_the_documentation_of_every_module_can_be_read(installed: Path) -> None:
    for path in sorted((installed / "plugins/modules").glob("*.py")):
        parts = {
            node.targets[0].id: yaml.safe_load(str(node.value.value))
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)
        }
        assert parts["DOCUMENTATION"]["module"] == path.stem
        assert any(f"mailops.exchange.{path.stem}" in task for task in parts["EXAMPLES"]), path.stem
        assert parts["RETURN"], path.stem


def test_what_is_named_is_there(page: str, installed: Path) -> None:
    named = words(NAMED, page) - {"rest", "docsite"}
    known = {path.stem for folder in ("playbooks", "plugins/modules") for path in (installed / folder).glob("*.*")}
    known |= {path.name for path in (installed / "roles").iterdir()}
    assert named <= known


def test_variables_are_options(page: str, installed: Path) -> None:
    roles = {path.name.removeprefix("coexistence_") for path in (installed / "roles").glob("coexistence_*")}
    modules = {path.stem.removeprefix("coexistence_") for path in (installed / "plugins/modules").glob("coexistence_*.py")}
    assert words(r"(?<!\w)coexistence_([a-z_]+)", page) <= set(VARIABLES) | OF_PLAYBOOKS | roles | modules | tags(installed)
    defaults = yaml.safe_load((installed / "roles/source_forwarding/defaults/main.yml").read_text(encoding="utf-8"))
    results = words(r"register: (\w+)", (installed / "roles/source_forwarding/tasks/switch.yml").read_text(encoding="utf-8"))
    assert words(r"(source_forwarding_[a-z_]+)", page) <= set(defaults) | results
    connection = (installed / "plugins/connection/rest.py").read_text(encoding="utf-8")
    shared = (installed / "plugins/doc_fragments/connection.py").read_text(encoding="utf-8")
    assert all(name in connection + shared for name in words(r"(ansible_exchange_[a-z_]+)", page))


def test_the_guide_has_every_outcome_once_and_no_guard_or_step_that_is_none(checkout: Path) -> None:
    text = (checkout / PAGES[1]).read_text(encoding="utf-8")
    assert sorted(re.findall(r"\* - ``([a-z]+)``", text)) == sorted(OUTCOMES)
    assert {int(number) for number in words(r"\bU(\d+)\b", text)} <= set(range(1, 33))
    assert words(r"``step: ([a-z_]+)``", text) <= set(STEPS)
    assert words(r"(forwarding_(?:backend|host))", (checkout / PAGES[2]).read_text(encoding="utf-8")) <= set(SOURCE_KEYS)


def test_every_guard_and_every_tag_has_one_row(checkout: Path, installed: Path) -> None:
    operations, forwarding = ((checkout / name).read_text(encoding="utf-8") for name in PAGES[1:])
    assert sorted(rows(operations, "U")) == sorted(int(name.removeprefix("U")) for name in GUARDS)
    sources = [path.read_text(encoding="utf-8") for path in (installed / "plugins/module_utils").glob("_forwarding*.py")]
    refused = set[str]().union(*(words(r'[("]S(\d+)[)"]', text) for text in sources))
    assert sorted(rows(forwarding, "S")) == sorted(map(int, refused))
    assert sorted(re.findall(r"\* - ``coexistence_([a-z]+)``", operations)) == sorted(tags(installed))


def test_pages_and_commands_are_there(page: str, checkout: Path) -> None:
    assert all((checkout / target).is_file() for target in words(r"\]\(([a-z][\w/.-]+)\)", page))
    targets = words(r"(?m)^([a-z-]+):", (checkout / "Makefile").read_text(encoding="utf-8"))
    assert words(r"(?m)^make ([a-z-]+)", page) | words(r"`make ([a-z-]+)", page) <= targets


def test_every_page_is_listed(checkout: Path) -> None:
    sections = yaml.safe_load((checkout / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in (checkout / "docs/docsite/rst").glob("*.rst"))
