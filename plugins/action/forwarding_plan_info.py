# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judging forwards needs no process of its own on the controller: the worker that runs the task does it, in a tenth of the time.

Where the task runs on another machine, or as somebody else, the module runs there as any other does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_host import Reader, outcome
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_plan import PLAN, plan
from ansible_collections.mailops.exchange.plugins.module_utils._runner import messages
from ansible_collections.mailops.exchange.plugins.plugin_utils._action import invocation_wanted, plain

MODULE = "mailops.exchange.forwarding_plan_info"


def bad(errors: Sequence[str]) -> dict[str, Any]:
    """The result for options that are wrong, all of them named."""
    return {"failed": True, "changed": False, "msg": "; ".join(errors)}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible carries no type information
    """The module of the same name."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Its result, whoever runs it."""
        super().run(tmp, task_vars)
        if not self._here():
            made: dict[str, Any] = self._execute_module(module_name=MODULE, task_vars=task_vars, wrap_async=self._task.async_val)
            return made
        checked = ArgumentSpecValidator(dict(PLAN)).validate(plain(self._task.args))
        errors, params = messages(checked.errors), dict(checked.validated_parameters)
        result = outcome(plan, params, Reader(check=bool(self._task.check_mode))) if not errors else bad(errors)
        if invocation_wanted(task_vars or {}):
            result["invocation"] = {"module_args": params}
        return result

    def _here(self) -> bool:
        """Whether the task's machine, user and environment are the worker's own."""
        own = self._connection.transport == "local" and self._connection.become is None
        return own and not self._task.async_val and not any(self._task.environment or ())
