# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role source_forwarding: its variables are its modules' options, and it writes only what the judged plan holds."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.mailops.exchange.plugins.doc_fragments.forwarding import ModuleDocFragment
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_plan import BACKENDS, PLAN
from tools import roles

ROLE = roles.ROLES / "source_forwarding"
PREFIX = "source_forwarding_"
MODULES = {
    "postfix_forwarding": BACKENDS["postfix"],
    "zimbra_forwarding": BACKENDS["zimbra"],
    "cpanel_forwarding": BACKENDS["cpanel"],
    "forwarding_file": BACKENDS["csv"],
    "forwarding_plan_info": PLAN,
}


def load(name: str) -> Any:
    """One of the role's files."""
    return yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))


def tasks() -> list[dict[str, Any]]:
    """The role's tasks in their order, with those of the files that it imports."""
    found = []
    for task in roles.flat(load("tasks/main.yml")):
        named = task.get("ansible.builtin.import_tasks")
        found += roles.flat(load(f"tasks/{named}")) if named else [task]
    return found


def used(task: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A task's module and its options."""
    (name,) = (key for key in task if "." in key)
    return name.rpartition(".")[2], task[name]


def test_variables_specs_and_options_say_the_same() -> None:
    defaults, specs = load("defaults/main.yml"), load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert list(defaults) == list(specs)
    assert {name.removeprefix(PREFIX) for name in defaults} == set(PLAN)
    for name, entry in specs.items():
        option = PLAN[name.removeprefix(PREFIX)]
        assert entry.get("default") == defaults[name]
        assert [entry.get(key) for key in ("type", "elements")] == [option.get(key) for key in ("type", "elements")], name
        if "choices" in entry:
            assert entry["choices"] == option["choices"]
            assert defaults[name] is not None, "nothing is none of the choices; the task that judges refuses what else is none"
        if option.get("default") is not None:
            assert entry["default"] == option["default"]


def test_the_judge_is_given_every_variable_and_always_runs() -> None:
    judge, *_rest = tasks()
    name, options = used(judge)
    assert name == "forwarding_plan_info"
    # What may stay open must not reach a module as nothing, where a choice or a mapping is wanted.
    filters = {option: " | default(omit, true)" if option in {"backend", "way", "type"} else "" for option in PLAN}
    assert options == {option: f"{{{{ {PREFIX}{option}{filters[option]} }}}}" for option in PLAN}
    assert {option for option, entry in PLAN.items() if "choices" in entry and entry.get("default") is None} == {"backend", "type"}
    assert judge["tags"] == ["always"]


def test_what_is_written_comes_from_the_judged_plan_alone() -> None:
    judge, *writers, said, stats = tasks()
    assert [used(task)[0] for task in writers] == ["postfix_forwarding", "zimbra_forwarding", "cpanel_forwarding", "forwarding_file"]
    assert (used(said)[0], used(stats)[0]) == ("assert", "set_stats")
    file = writers[-1]["register"]
    assert said["loop"] == f"{{{{ range({file}.results | length) | list }}}}"
    assert used(said)[1]["success_msg"] == f"{{{{ {file}.results[item].msg }}}}"
    for task in writers:
        name, options = used(task)
        assert task["loop"] == f"{{{{ {judge['register']}.plan.{name.removeprefix('forwarding_').removesuffix('_forwarding')} }}}}"
        assert PREFIX not in str(options)
        assert set(options) == set(MODULES[name]) - ({"accept_risks"} if name == "forwarding_file" else set())
        for option, value in options.items():
            plain = MODULES[name][option]
            omitted = "default" not in plain and not plain.get("required")
            assert value == f"{{{{ item.{option}{' | default(omit)' if omitted else ''} }}}}"
    for task in (judge, *writers):
        assert task["ignore_errors"] is False
    assert not [task for task in tasks() if {"when", "changed_when", "failed_when"} & set(task)]


def test_files_are_the_controllers_and_forwards_the_mail_hosts() -> None:
    elsewhere = "{{ item.host | default(inventory_hostname, true) }}"
    for task in tasks()[:-2]:
        local = used(task)[0] in {"forwarding_plan_info", "forwarding_file"}
        assert (task["delegate_to"], task.get("become")) == (("localhost", False) if local else (elsewhere, None))


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_has_the_options(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.mailops.exchange.plugins.modules.{name}")
    found, returned = yaml.safe_load(module.DOCUMENTATION), yaml.safe_load(module.RETURN)
    for fragment in found["extends_documentation_fragment"]:
        part = {"forwarding": "DOCUMENTATION", "host": "HOST"}[fragment.rpartition(".")[2]]
        extra = yaml.safe_load(getattr(ModuleDocFragment, part))
        for key in ("options", "attributes"):
            own = found.get(key) or {}
            found[key] = {**own, **{one: {**entry, **own.get(one, {})} for one, entry in (extra.get(key) or {}).items()}}
    told = found["options"]
    assert set(told) == set(MODULES[name])
    for option, entry in MODULES[name].items():
        for key in ("type", "elements", "choices", "default"):
            assert told[option].get(key) == entry.get(key), f"{option}: {key}"
        assert bool(told[option].get("required")) == bool(entry.get("required")), option
    assert set(told["forwards"]["suboptions"]) == {"address", "routing_address", "keep_copy", "owner"}
    assert set(found["attributes"]) >= {"check_mode", "diff_mode", "idempotent"}
    assert "commands" in returned
