# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The edge to Ansible: what a SPEC is, options in, result out, errors to messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ._session import Cmdlet, ExchangeError, Session
from ._values import in_one_line

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def _silent(_text: str) -> None:
    """Say nothing: the default of a context that has nobody to talk to."""


@dataclass
class Context:
    """What a SPEC may use besides its parameters.

    warn: a line for the task's warnings. progress: a line shown while the task still runs.
    patience: seconds to wait for a write to be seen. sleep, monotonic: time, replaced in tests.
    """

    session: Session
    check_mode: bool = False
    diff: bool = False
    warn: Callable[[str], None] = _silent
    progress: Callable[[str], None] = _silent
    patience: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


class InputError(Exception):
    """Bad input, found before anything was written: every problem, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(in_one_line(problems))
        self.problems = list(problems)


class Refused(Exception):
    """A guard said no. `details` becomes part of the failed result; nothing was written."""

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class Spec(Protocol):
    """What every SPEC of a module offers."""

    @property
    def argument_spec(self) -> Mapping[str, Any]:
        """The module's options, as core's argument specs have them."""

    @property
    def rules(self) -> Mapping[str, Any]:
        """mutually_exclusive, required_together, required_one_of, required_if, required_by."""

    def run(self, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Do the module's work; raises ExchangeError, InputError, Refused."""


@dataclass(frozen=True)
class Tool:
    """A SPEC that is a function of the options and the context."""

    function: Callable[[Mapping[str, Any], Context], dict[str, Any]]
    argument_spec: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)

    def run(self, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Call the function."""
        return self.function(params, context)


@dataclass(frozen=True)
class Validated:
    """Options after validation: `params` complete and converted, or `errors`, all of them."""

    params: dict[str, Any]
    errors: list[str]
    warnings: list[str]
    deprecations: list[dict[str, Any]]
    no_log_values: set[str]


def validate(spec: Spec, arguments: Mapping[str, Any]) -> Validated:
    """Check a task's arguments exactly as AnsibleModule would, but report every error at once."""
    validator = ArgumentSpecValidator(dict(spec.argument_spec), **spec.rules)
    result = validator.validate(dict(arguments))
    return Validated(
        params=dict(result.validated_parameters),
        errors=messages(result.errors),
        warnings=[_alias_warning(entry) for entry in result._warnings],
        deprecations=[dict(entry) for entry in result._deprecations],
        no_log_values={str(value) for value in result._no_log_values},
    )


def messages(errors: Iterable[Exception]) -> list[str]:
    """What is wrong with the options, one line each; core says of an unknown option no more than its name."""
    return [f"Unknown option: {error}" if isinstance(error, UnsupportedError) else str(error) for error in errors]


def _alias_warning(entry: Mapping[str, Any]) -> str:
    return f"Both option {entry['option']} and its alias {entry['alias']} are set."


def execute(spec: Spec, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run a SPEC; every failure of the known families becomes a failed result of one line, nothing is swallowed."""
    try:
        result = spec.run(params, context)
    except ExchangeError as error:
        return {"failed": True, "changed": bool(error.made), "calls": error.made, "msg": str(error), "error": error.to_dict()}
    except InputError as error:
        return {"failed": True, "changed": False, "calls": [], "msg": in_one_line(error.problems), "problems": error.problems}
    except Refused as error:
        return {"failed": True, "changed": False, "calls": [], "msg": str(error), **error.details}
    if not context.diff:
        result.pop("diff", None)
    return {"changed": False, **result}


def report(calls: Sequence[Cmdlet]) -> list[dict[str, Any]]:
    """The form of `calls` in a result."""
    return [{"cmdlet": call.name, "parameters": dict(call.parameters)} for call in calls]


class _Module(AnsibleModule):  # type: ignore[misc]  # core ships no type information
    """Core stops at the first bad option; this one names all of them, as the worker does."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Report `msg`, or every error of the options when it is about them."""
        found = getattr(self, "validation_result", None)
        errors = messages(found.errors) if found is not None else []
        super().fail_json(msg="; ".join(errors) or msg, **kwargs)
        raise AssertionError(msg)  # core ends the process above


def main(spec: Spec) -> None:
    """Run a SPEC as an ordinary module, over the keeper's socket that the connection names."""
    module = _Module(argument_spec=dict(spec.argument_spec), supports_check_mode=True, **spec.rules)
    from ._client import KeeperSession  # here, because documentation tools import modules without a connection

    if not module._socket_path:
        module.fail_json(msg="This module needs a host whose ansible_connection is mailops.exchange.rest.")
    context = Context(
        session=KeeperSession(module._socket_path, check_mode=module.check_mode),
        check_mode=module.check_mode,
        diff=module._diff,
        warn=module.warn,
    )
    result = execute(spec, module.params, context)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
