# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A Session over the keeper's socket, on core's own JSON-RPC client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils import connection

from ._session import Cmdlet, ExchangeError, Reply, Row, Unavailable

# Tools that do more than look.
ACTING = frozenset({"smtp"})


class KeeperSession:
    """What planners and tools see of a tenant. socket_path is the session's own socket."""

    def __init__(self, socket_path: str, check_mode: bool = False) -> None:
        self.check_mode = check_mode
        self._connection = connection.Connection(socket_path)

    def call(self, cmdlet: Cmdlet) -> Reply:
        """Run one cmdlet; raises the typed ExchangeError."""
        (result,) = self.call_many([cmdlet])
        if isinstance(result, ExchangeError):
            raise result
        return result

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        """Run calls that do not depend on each other; answers in the order asked, each with its own fate."""
        if not cmdlets:
            return []
        writes = [cmdlet for cmdlet in cmdlets if not cmdlet.reads]
        params = {"cmdlets": [cmdlet.to_dict() for cmdlet in cmdlets], "check": self.check_mode}
        write = writes[0] if writes and not self.check_mode else None
        results = self._ask("call", params, (write.name, write.identity) if write else None)
        return [ExchangeError.from_dict(item["error"]) if "error" in item else Reply.from_dict(item["reply"]) for item in results]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        """In check mode, let later reads of `noun` by any of `identities` see `rows` (none: absent)."""
        if self.check_mode:
            self._ask("overlay", {"noun": noun, "identities": list(identities), "rows": list(rows)}, None)

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what lies outside the tenant; raises the typed error."""
        acts = name in ACTING and not self.check_mode
        params = {"name": name, "parameters": dict(parameters), "check": self.check_mode}
        result = self._ask("tool", params, (name, str(parameters.get("recipient", ""))) if acts else None)
        if "error" in result:
            raise ExchangeError.from_dict(result["error"])
        return dict(result["result"])

    def _ask(self, method: str, params: Mapping[str, Any], write: tuple[str, str] | None) -> Any:
        """One request. write: what acts, and on whom. Core's message is replaced where the keeper is gone: it shows every parameter."""
        try:
            return getattr(self._connection, method)(dict(params))
        except connection.ConnectionError as error:
            if getattr(error, "code", None) is not None:
                raise Unavailable(str(error), remedy="Run again.", uncertain=write is not None) from error
            raise Unavailable(
                "the keeper of this run ended before it answered.",
                cmdlet=write[0] if write else "",
                identity=write[1] if write else "",
                remedy="Run again.",
                uncertain=write is not None,
            ) from None
