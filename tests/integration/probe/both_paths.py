# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action of the test: runs a module through the action plugin and through its main(), over one session, and returns both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.mailops.exchange.plugins.plugin_utils._action import plain

TREE = Path(__file__).resolve().parents[5]
PROGRAM = """
import importlib, json, sys
from ansible.module_utils import basic
arguments = json.load(sys.stdin)
module = importlib.import_module("ansible_collections.mailops.exchange.plugins.modules." + sys.argv[1])
try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    module.main()
else:
    with patch_module_args(arguments):
        module.main()
"""


class ActionModule(ActionBase):  # type: ignore[misc]  # core ships no type information
    """`both_paths: {module: probe, arguments: {...}}` returns `worker` and `main`."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Both results before core touches them."""
        super().run(tmp, task_vars)
        given = plain(self._task.args)
        arguments = given.get("arguments", {})
        return {"worker": plain_deep(self._worker(given["module"], arguments, task_vars)), "main": self._main(given["module"], arguments)}

    def _worker(self, module: str, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        task = self._task.copy()
        task.action, task.args = f"mailops.exchange.{module}", arguments
        action = self._shared_loader_obj.action_loader.get(
            "mailops.exchange.cmdlet",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        return dict(action.run(task_vars=task_vars))

    def _main(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        internal = {
            "_ansible_socket": self._connection.socket_path,
            "_ansible_check_mode": bool(self._task.check_mode),
            "_ansible_diff": bool(self._task.diff),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, module],
            input=json.dumps({**arguments, **internal}),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TREE), *(path for path in sys.path if path)])},
        )
        lines = done.stdout.strip().splitlines()
        if not lines:
            raise RuntimeError(done.stderr)
        return dict(json.loads(lines[-1]))


def plain_deep(value: Any) -> Any:
    """A result as JSON would carry it."""
    return json.loads(json.dumps(value, default=str))
