# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles are short lists of our own modules, say the same in every copy, and can write only what a guard's result holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import VARIABLES
from jinja2 import Environment, nodes
from tools import roles

ALLOWED = {"ansible.builtin.assert", "ansible.builtin.set_stats", "ansible.builtin.include_role", "ansible.builtin.import_tasks"}
GUARDED = {"mailops.exchange.coexistence_plan_info", "mailops.exchange.coexistence_wave"}
WAITS = {"mailops.exchange.coexistence_wait"}
READS = {"mailops.exchange.coexistence_plan_info", "ansible.builtin.assert", "ansible.builtin.set_stats"}
KEYWORDS = {"name", "register", "ignore_errors", "tags", "loop", "loop_control", "vars"}
# The role of the foreign side has variables and a judge of its own: tests/unit/forwarding/test_role.py.
FOREIGN = "source_forwarding"
TASKS = sorted(roles.ROLES.glob("coexistence_*/tasks/*.yml"))
# What core itself names in a template.
CORES = {"inventory_hostname", "omit"}
TEMPLATES = Environment()  # noqa: S701 - parses, renders nothing
FILES = roles.files()
RAW = re.compile(r"\bcoexistence_(" + "|".join(sorted(VARIABLES, key=len, reverse=True)) + r")\b")


def tasks(path: Path) -> list[dict[str, Any]]:
    """The tasks of a file in their order, those of blocks too."""
    return roles.flat(yaml.safe_load(path.read_text(encoding="utf-8")))


def module(task: dict[str, Any]) -> str:
    """The one module of a task."""
    (name,) = set(task) - KEYWORDS
    return str(name)


@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: f"{path.parents[1].name}/{path.parent.name}")
def test_defaults_and_specs_are_the_generated_ones(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path], "run `make roles`"


def test_every_variable_is_an_option_and_every_option_is_documented() -> None:
    assert list(roles.options()) == list(VARIABLES)
    for name, entry in roles.options().items():
        spec = VARIABLES[name]
        assert [entry[key] for key in ("type", "elements", "choices", "default") if key in entry] == [
            spec[key] for key in ("type", "elements", "choices", "default") if key in spec
        ], name


def test_defaults_and_specs_have_the_same_keys() -> None:
    known = set(yaml.safe_load(roles.defaults()))
    for role in roles.ENTRIES:
        for entry in yaml.safe_load(roles.specs(role))["argument_specs"].values():
            assert set(entry["options"]) == known


def test_a_survey_may_leave_every_number_empty() -> None:
    numbers = {name: entry for name, entry in roles.options().items() if isinstance(roles.default(name, entry), (int, float))}
    numbers = {name: entry for name, entry in numbers.items() if entry["type"] != "bool"}
    assert len(numbers) == 5
    spec = {f"coexistence_{name}": {"type": entry["type"]} for name, entry in numbers.items()}
    assert ArgumentSpecValidator(spec).validate(dict.fromkeys(spec, "")).error_messages == []


def test_every_role_has_its_parts() -> None:
    assert {path.name for path in roles.ROLES.iterdir()} == {*roles.ENTRIES, FOREIGN}
    for role in [*roles.ENTRIES, FOREIGN]:
        assert (roles.ROLES / role / "README.md").is_file()


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_a_role_holds_our_modules_and_no_decision(path: Path) -> None:
    for task in tasks(path):
        name = module(task)
        assert name.startswith("mailops.exchange.") or name in ALLOWED, name
        assert "changed_when" not in task
        assert "when" not in task


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_guards_always_run_and_stop_the_host_when_they_refuse_and_waits_when_they_fail(path: Path) -> None:
    for task in tasks(path):
        if module(task) in GUARDED | WAITS:
            assert task["ignore_errors"] is False
        if module(task) == "mailops.exchange.coexistence_plan_info":
            assert task["tags"] == ["always"]


def test_a_role_that_writes_nothing_is_played_whole_whatever_tag_is_named() -> None:
    reading = {path.parents[1].name for path in TASKS} - {
        path.parents[1].name for path in TASKS if not {module(task) for task in tasks(path)} <= READS | WAITS
    }
    assert reading == {"coexistence_preflight", "coexistence_verify"}
    for path in (path for path in TASKS if path.parents[1].name in reading):
        for task in tasks(path):
            assert task.get("tags") == ["always"], task["name"]


def test_a_host_that_is_only_asked_takes_nothing_from_what_the_tenant_shows() -> None:
    for path in TASKS:
        for task in tasks(path):
            if "ways" in str(task.get("vars", {}).get("source_forwarding_ways")):
                assert task[module(task)]["apply"]["ignore_unreachable"] is True, task["name"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_what_is_written_comes_from_a_guards_result_alone(path: Path) -> None:
    found = tasks(path)
    guards = [task["register"] for task in found if module(task) in GUARDED]
    for task in found:
        if module(task) in GUARDED | READS:
            continue
        assert any(guard in task["loop"] for guard in guards), task["name"]
        assert not RAW.search(yaml.dump([{**task[module(task)], "apply": None}, task.get("vars")])), task["name"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_what_a_task_names_for_itself_no_callers_variable_can_be(path: Path) -> None:
    role = path.parents[1].name
    allowed = (f"{role}_", f"__{role.removeprefix('coexistence_')}_", f"{FOREIGN}_")
    named = [(task["name"], name) for task in tasks(path) for name in task.get("vars", {})]
    assert [one for one in named if not one[1].startswith(allowed)] == []


def asked(value: Any, key: str = "") -> set[str]:
    """Every variable that the templates of a value ask for; an assertion is a template without its braces."""
    if isinstance(value, dict):
        return {name for own, part in value.items() for name in asked(part, own)}
    if isinstance(value, list):
        return {name for part in value for name in asked(part, key)}
    if not isinstance(value, str):
        return set()
    found = [(node.name, node.ctx) for node in TEMPLATES.parse(f"{{{{ {value} }}}}" if key == "that" else value).find_all(nodes.Name)]
    return {name for name, how in found if how == "load"} - {name for name, how in found if how == "store"}


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_every_variable_that_a_task_asks_for_is_there(path: Path) -> None:
    found = tasks(path)
    known = {*(f"coexistence_{name}" for name in VARIABLES), *(task["register"] for task in found if "register" in task), *CORES}
    for task in found:
        own = {*task.get("vars", {}), task.get("loop_control", {}).get("loop_var", "item")}
        left = {name for name in asked(task) - known - own if not name.startswith(f"{FOREIGN}_")}
        assert left == set(), task["name"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_an_included_roles_tasks_run_under_the_tags_of_the_task_that_includes_it(path: Path) -> None:
    for task in tasks(path):
        if module(task) == "ansible.builtin.include_role":
            assert task[module(task)].get("apply", {}).get("tags") == task.get("tags"), task["name"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_a_first_guard_is_given_every_variable_and_a_later_one_only_what_was_declared(path: Path) -> None:
    guards = [task[module(task)] for task in tasks(path) if module(task) in GUARDED]
    given = {name: f"{{{{ coexistence_{name} }}}}" for name in VARIABLES}
    assert {name: value for name, value in guards[0].items() if name not in {"step", "state"}} == given
    for later in guards[1:]:
        assert set(later) - {"probes", "forwards"} in ({"step", "declared"}, {"state", "declared"})
        assert later["declared"].endswith(".declared }}")


def test_the_playbook_that_asks_the_guards_hands_on_every_variable() -> None:
    (play,) = yaml.safe_load((roles.ROOT / "playbooks/check.yml").read_text(encoding="utf-8"))
    name = "mailops.exchange.coexistence_check_info"
    (asked_,) = [task[name] for task in play["tasks"] if name in task]
    given = {name: unset(name) for name in (*VARIABLES, "known", "snapshot")}
    assert {name: value for name, value in asked_.items() if name not in {"step", "probes"}} == given


def unset(name: str) -> str:
    """A variable in a playbook that is no role: where nobody sets it, what the roles set, or what the tool does by itself."""
    return f"{{{{ coexistence_{name} | default({roles.ROLE_DEFAULTS.get(name, 'omit')}) }}}}"


@pytest.mark.parametrize("path", sorted((roles.ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_a_playbook_runs_on_tenants_only_and_gathers_no_facts(path: Path) -> None:
    (play,) = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert play["hosts"] == "{{ coexistence_hosts | default('exchange_tenants') }}"
    assert play["gather_facts"] is False
