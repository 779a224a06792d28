# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml from plugins/modules: those with a SPEC go to the action plugin and are in the action group.

The others are ordinary modules, which run on a mail host: options that are set for all modules of a tenant are not meant for them.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "meta" / "runtime.yml"
ACTION = "mailops.exchange.cmdlet"
ACTIONS = ROOT / "plugins" / "action"


def has_spec(path: Path) -> bool:
    """Whether the module binds SPEC at its top level: such a module runs in the controller's worker."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "SPEC" for target in targets):
            return True
    return False


def text(folder: Path = ROOT / "plugins" / "modules") -> str:
    """What meta/runtime.yml must say."""
    modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    lines = ["---", "# Made by `make runtime` from plugins/modules. Do not edit.", 'requires_ansible: ">=2.16.0"']
    routed = [path.stem for path in modules if has_spec(path)]
    if routed:
        lines += ["action_groups:", "  exchange:", *(f"    - {name}" for name in routed)]
        lines += ["plugin_routing:", "  modules:"]
        for name in routed:
            own = f"mailops.exchange.{name}" if (ACTIONS / f"{name}.py").exists() else ACTION
            lines += [f"    {name}:", f"      action_plugin: {own}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the file."""
    RUNTIME.write_text(text(), encoding="utf-8")
    print(f"runtime: {RUNTIME.read_text(encoding='utf-8').count('action_plugin')} routed modules")


if __name__ == "__main__":
    main()
