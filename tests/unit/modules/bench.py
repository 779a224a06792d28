# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's SPEC as the action plugin would, over the real transport against a sandbox."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, Spec, execute, validate
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply, Row
from ansible_collections.mailops.exchange.plugins.plugin_utils._keeper import KeptSession
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport
from sandbox import Sandbox

MODULES = "ansible_collections.mailops.exchange.plugins.modules"
# Seconds to wait for a write to be seen; the sandbox shows it at once.
PATIENCE = 2.0


def module(name: str) -> Any:
    """A module of the collection."""
    return importlib.import_module(f"{MODULES}.{name}")


def spec_of(name: str) -> Spec:
    """A module's SPEC."""
    found: Spec = module(name).SPEC
    return found


def resource_of(name: str) -> Resource:
    """The noun of a module that manages one."""
    spec = spec_of(name)
    assert isinstance(spec, Managed)
    return spec.resource


class Session:
    """What a module sees of the tenant, without a socket between."""

    def __init__(self, kept: KeptSession, check_mode: bool) -> None:
        self.check_mode = check_mode
        self._kept = kept

    def call(self, cmdlet: Cmdlet) -> Reply:
        (answer,) = self.call_many([cmdlet])
        if isinstance(answer, ExchangeError):
            raise answer
        return answer

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        asked = {"cmdlets": [cmdlet.to_dict() for cmdlet in cmdlets], "check": self.check_mode}
        answers = self._kept.call(asked)
        return [ExchangeError.from_dict(one["error"]) if "error" in one else Reply.from_dict(one["reply"]) for one in answers]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        self._kept.overlay({"noun": noun, "identities": list(identities), "rows": list(rows)})

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._kept.tool({"name": name, "parameters": dict(parameters), "check": self.check_mode})
        if "error" in answer:
            raise ExchangeError.from_dict(answer["error"])
        return dict(answer["result"])


class Bench:
    """A sandbox and a session with its first tenant."""

    def __init__(self, sandbox: Sandbox, **more: Any) -> None:
        self.sandbox = sandbox
        entry = sandbox.tenant()
        names = ("organization", "endpoint", "authority", "client_id", "client_secret")
        options = {name: entry[name] for name in names} | {"credential": "client_secret", "ca_cert": sandbox.ready["ca_cert"]}
        self._transport = RestTransport(options)
        self._kept = KeptSession(self._transport, {**options, **more})
        self.warnings: list[str] = []

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def run(self, name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        """One task. Fails when its options are refused."""
        spec = spec_of(name)
        checked = validate(spec, options)
        assert not checked.errors, checked.errors
        context = Context(Session(self._kept, check), check_mode=check, diff=True, warn=self.warnings.append, patience=PATIENCE)
        return execute(spec, checked.params, context)

    def done(self, name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        """One task that must not fail."""
        result = self.run(name, check, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """What was written so far, in order."""
        return [(call["cmdlet"], call["parameters"]) for call in self.sandbox.calls() if not call["cmdlet"].startswith("Get-")]

    def row(self, noun: str, identity: str) -> Row:
        """One object, as the service shows it."""
        (row,) = Session(self._kept, False).call(Cmdlet(f"Get-{noun}", {"Identity": identity})).rows
        return row
