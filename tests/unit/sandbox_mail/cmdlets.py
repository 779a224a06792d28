# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running cmdlets on the sandbox's admin API, for the tests of the message trace and of connectors."""

from __future__ import annotations

from typing import Any

import requests
from sandbox import Sandbox


class Cmdlets:
    """A signed-in client of the first tenant."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Take a token from control."""
        entry = sandbox.tenant()
        token = sandbox.ask("POST", "/tokens", {"tenant": entry["organization"]})["access_token"]
        self._url = f"{entry['endpoint']}/adminapi/beta/{entry['organization']}/InvokeCommand"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = sandbox.ready["ca_cert"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def run(self, cmdlet: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the whole answer; a refusal has a ``status`` other than 200."""
        body: Any = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        answer = self._session.post(self._url, json=body, timeout=30)
        return {"status": answer.status_code, **answer.json()}

    def rows(self, cmdlet: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a cmdlet that must succeed, without side keys."""
        answer = self.run(cmdlet, **parameters)
        assert answer["status"] == 200, answer
        return [{key: value for key, value in row.items() if "@" not in key} for row in answer["value"]]
