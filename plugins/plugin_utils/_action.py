# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The one action plugin: validates a module's options, runs its SPEC in this worker, masks, reports."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import module_loader
from ansible.release import __version__ as core_version
from ansible.utils.display import Display
from ansible_collections.mailops.exchange.plugins.module_utils._client import KeeperSession
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, Spec, Validated, execute, validate
from ansible_collections.mailops.exchange.plugins.plugin_utils._connection import TenantConnection

OURS = "mailops.exchange."
# From this core on values of no_log options are masked by core itself, and masking them by hand is deprecated.
MASKS_BY_ITSELF = (2, 22)


class Unusable(Exception):
    """The task asks for what cannot be; the text is one line with the remedy."""


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible carries no type information
    """Every module of the collection on a tenant host."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module whose name the task carries."""
        try:
            name = self._module()
            self._refuse(name)
        except Unusable as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        super().run(tmp, task_vars)
        spec = spec_of(name)
        checked = validate(spec, plain(self._task.args))
        result = self._failed(checked) if checked.errors else self._done(spec, checked)
        if invocation_wanted(task_vars or {}):
            result["invocation"] = {"module_args": checked.params}
        return masked(result, checked.no_log_values)

    def _module(self) -> str:
        """The module's full name. Core's own resolution names the action up to one version and the module from the next."""
        found = module_loader.find_plugin_with_context(self._task.action, collection_list=self._task.collections)
        name = str(found.resolved_fqcn or "")
        if not found.resolved or not name.startswith(OURS):
            raise Unusable(f"'{self._task.action}' is no module of mailops.exchange, so this action cannot run it.")
        return name

    def _refuse(self, name: str) -> None:
        if self._task.async_val:
            raise Unusable(f"{name} cannot run with 'async': it runs in the playbook's own process. Remove 'async' and 'poll'.")
        if self._connection.become is not None:
            raise Unusable(f"{name} cannot run with 'become': rights come from the tenant's credential. Set become: false for the task.")
        if not isinstance(self._connection, TenantConnection):
            used = getattr(self._connection, "_load_name", None) or self._connection.transport
            raise Unusable(
                f"{name} needs a host that is a tenant, but '{self._play_context.remote_addr}' is reached by '{used}'. "
                "Set ansible_connection: mailops.exchange.rest for it, or delegate_to a host that has it."
            )

    def _failed(self, checked: Validated) -> dict[str, Any]:
        told: dict[str, Any] = {"failed": True, "changed": False, "msg": "; ".join(checked.errors)}
        return with_notes(told, checked, [])

    def _done(self, spec: Spec, checked: Validated) -> dict[str, Any]:
        """Run the SPEC over the session of this host."""
        warnings: list[str] = []
        check = bool(self._task.check_mode)
        host = self._play_context.remote_addr
        try:
            session = KeeperSession(self._connection.socket_path, check_mode=check)
        except AnsibleError as error:
            return with_notes({"failed": True, "changed": False, "msg": error.message}, checked, warnings)
        context = Context(
            session=session,
            check_mode=check,
            diff=bool(self._task.diff),
            warn=warnings.append,
            progress=lambda text: Display().display(f"[{host}] {text}", stderr=True),
        )
        return with_notes(execute(spec, checked.params, context), checked, warnings)


def spec_of(name: str) -> Spec:
    """The SPEC of a module, by its full name."""
    namespace, collection, module = name.split(".", 2)
    spec: Spec = importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}").SPEC
    return spec


def with_notes(result: dict[str, Any], checked: Validated, warnings: list[str]) -> dict[str, Any]:
    """The result with what the options and the service had to say."""
    told = [*checked.warnings, *warnings]
    if told:
        result["warnings"] = [*result.get("warnings", []), *told]
    if checked.deprecations:
        result["deprecations"] = checked.deprecations
    return result


def masked(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """The result without the values of no_log options."""
    if not secrets or core() >= MASKS_BY_ITSELF:
        return result
    clean: dict[str, Any] = remove_values(result, secrets)
    return clean


def core() -> tuple[int, ...]:
    """The first two numbers of core's version."""
    return tuple(int(part) for part in core_version.split(".")[:2])


def invocation_wanted(task_vars: Mapping[str, Any]) -> bool:
    """Whether results carry the task's options: always, until core made it a setting."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=dict(task_vars)))
    except AnsibleError:
        return True


def plain(value: Any) -> Any:
    """A task's arguments as they would reach a module: plain JSON values, vaulted ones opened, no wrappings of Ansible's."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    # str() of a wrapped text may be wrapped again; this one never is.
    return str.__str__(value) if isinstance(value, str) else str(value)
