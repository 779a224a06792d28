# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' defaults and argument specs, from the options of the tools: one description for every role."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
FRAGMENT = ROOT / "plugins" / "doc_fragments" / "coexistence.py"
MADE = "---\n# Made by `make roles` from plugins/doc_fragments/coexistence.py. Do not edit.\n"
# Options through which one task hands on to the next what it saw: no variables.
HANDED_ON = frozenset({"declared", "probes", "forwards"})
# What a role sets although the tools leave it open.
ROLE_DEFAULTS: dict[str, Any] = {"rule_scl": -1}
# Role: its entry points with a short description each.
ENTRIES: dict[str, dict[str, str]] = {
    "coexistence_preflight": {
        "main": "Judge what a set-up would do, and write nothing",
        "status": "Show the state of a coexistence on one screen",
    },
    "coexistence_setup": {"main": "Set up mail routing for domains that two systems share"},
    "coexistence_cutover": {"main": "Move a wave of users"},
    "coexistence_rollback": {"main": "Bring a wave of users back"},
    "coexistence_verify": {"main": "Prove where mail goes, by prediction and by probes"},
    "coexistence_reconcile": {"main": "Find who has slipped since the last wave, and mend what is named"},
    "coexistence_teardown": {"main": "Stop the routing, and remove everything that the set-up made"},
}


def options() -> dict[str, Any]:
    """The documented options that are variables of the roles, in their order."""
    for node in ast.walk(ast.parse(FRAGMENT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION" and isinstance(node.value, ast.Constant):
            found = yaml.safe_load(str(node.value.value))["options"]
            return {name: entry for name, entry in found.items() if name not in HANDED_ON}
    raise LookupError(f"{FRAGMENT.name} holds no DOCUMENTATION")


def default(name: str, entry: dict[str, Any]) -> Any:
    """A variable's default: the role's own, the option's, or nothing."""
    return ROLE_DEFAULTS.get(name, entry.get("default", [] if entry["type"] == "list" else None))


def defaults() -> str:
    """What every defaults/main.yml says."""
    return MADE + _yaml({f"coexistence_{name}": default(name, entry) for name, entry in options().items()})


def specs(role: str) -> str:
    """What a role's meta/argument_specs.yml says."""
    known = {f"coexistence_{name}": _entry(name, entry) for name, entry in options().items()}
    made = {
        entry: {"short_description": text, "description": [f"{text}."], "author": ["The mailops.exchange authors"], "options": known}
        for entry, text in ENTRIES[role].items()
    }
    return MADE + _yaml({"argument_specs": made})


def _entry(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {key: entry[key] for key in ("description", "type", "elements", "choices") if key in entry}
    made["description"] = _renamed(entry["description"])
    value = default(name, entry)
    return made if value is None else {**made, "default": value}


def _renamed(text: Any) -> Any:
    """References to options become references to variables."""
    return [_renamed(line) for line in text] if isinstance(text, list) else re.sub(r"\bO\(", "O(coexistence_", str(text))


class _Plain(yaml.SafeDumper):
    """Without anchors: each entry point reads by itself; lists are indented as ansible-lint wants."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=indentless and False)


def _yaml(data: Any) -> str:
    return str(yaml.dump(data, Dumper=_Plain, sort_keys=False, width=140, allow_unicode=True))


def files(folder: Path = ROLES) -> dict[Path, str]:
    """Every generated file with its text."""
    made = {}
    for role in ENTRIES:
        made[folder / role / "defaults" / "main.yml"] = defaults()
        made[folder / role / "meta" / "argument_specs.yml"] = specs(role)
    return made


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks in their order, those of blocks in the block's place. A rescue would lead past a guard: LookupError."""
    found = []
    for task in tasks:
        if "rescue" in task:
            raise LookupError(f"{task['name']}: a rescue")
        found += flat([*task["block"], *task.get("always", [])]) if "block" in task else [task]
    return found


def main() -> None:
    """Writes the files."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"roles: {len(ENTRIES)} roles, {len(options())} variables")


if __name__ == "__main__":
    main()
