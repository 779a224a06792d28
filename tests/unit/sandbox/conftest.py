# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox with two generated tenants for all its tests, put back to its start before each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox import Sandbox, running
from sandbox.generator import generate

HASHTABLE = "#Exchange.GenericHashTable"
ANCHOR = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"


@dataclass
class Heard:
    """An answer: its status, its rows without side keys, its warnings, and the raw response."""

    response: requests.Response
    rows: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def error(self) -> tuple[str, str, str]:
        """The id, the exception's short type and the text of an error."""
        first, kind, text = self.response.json()["error"]["details"][0]["message"].split("|", 2)
        return first, kind.rpartition(".")[2], text

    @property
    def kind(self) -> str:
        """The exception's short type; "" for a success."""
        return "" if self.status == 200 else self.error[1]


class Client:
    """A plain client of one tenant."""

    def __init__(self, sandbox: Sandbox, organization: str = "") -> None:
        """Take a token from control."""
        self.sandbox = sandbox
        self.entry = sandbox.tenant(organization)
        self.organization = self.entry["organization"]
        self.base = f"{self.entry['endpoint']}/adminapi/beta/{self.organization}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = sandbox.ready["ca_cert"]
        self.session.headers["X-AnchorMailbox"] = ANCHOR
        self.sign_in()

    def sign_in(self) -> None:
        """Take a new token."""
        token = self.sandbox.ask("POST", "/tokens", {"tenant": self.organization})["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def post(self, cmdlet: str, parameters: Any = None, *, url: str = "", headers: dict[str, str] | None = None) -> requests.Response:
        """Send one cmdlet; ``url`` is a page link."""
        body: dict[str, Any] = {"CmdletName": cmdlet}
        if parameters is not None:
            body["Parameters"] = parameters
        return self.session.post(url or f"{self.base}/InvokeCommand", json={"CmdletInput": body}, headers=headers, timeout=30)

    def call(self, cmdlet: str, /, **parameters: Any) -> Heard:
        """Run one cmdlet."""
        response = self.post(cmdlet, parameters)
        if response.status_code != 200 or not response.content:
            return Heard(response)
        content = response.json()
        return Heard(response, [bare(row) for row in content["value"]], content["@adminapi.warnings"])

    def rows(self, cmdlet: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run a cmdlet that must succeed and return its rows."""
        heard = self.call(cmdlet, **parameters)
        assert heard.status == 200, heard.response.text
        return heard.rows

    def row(self, cmdlet: str, /, **parameters: Any) -> dict[str, Any]:
        """Run a cmdlet that must return one row."""
        (row,) = self.rows(cmdlet, **parameters)
        return row

    def refused(self, cmdlet: str, /, **parameters: Any) -> str:
        """Run a cmdlet that must be refused with 400 and return the text."""
        heard = self.call(cmdlet, **parameters)
        assert heard.status == 400, f"{heard.status}: {heard.response.text}"
        return heard.error[2]

    def batch(
        self, *items: tuple[str, dict[str, Any]], headers: dict[str, str] | None = None, item_headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a batch."""
        requests_: list[Any] = [
            {
                "id": str(number),
                "method": "POST",
                "url": f"{self.base}/InvokeCommand?",
                "headers": item_headers or {},
                "body": {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            }
            for number, (cmdlet, parameters) in enumerate(items)
        ]
        return self.session.post(f"{self.base}/$batch", json={"requests": requests_}, headers=headers, timeout=30)


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """Drop side keys."""
    return {key: value for key, value in row.items() if "@" not in key}


@pytest.fixture(scope="session")
def directories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two tenant directories: every kind of person, and a smaller second tenant."""
    place = tmp_path_factory.mktemp("tenants")
    generate(place / "one", seed=5, users=60)
    generate(place / "two", seed=6, kinds={"pilot": 1, "stub": 2}, organization="contoso.onmicrosoft.com")
    return [place / "one", place / "two"]


@pytest.fixture(scope="session")
def live(directories: list[Path]) -> Iterator[Sandbox]:
    """The running sandbox."""
    with running(directories, listen=["127.0.0.2"]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(live: Sandbox) -> Sandbox:
    """The sandbox at its start."""
    live.reset()
    return live


@pytest.fixture
def tenant(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the first tenant."""
    client = Client(sandbox)
    with client.session:
        yield client


@pytest.fixture
def other(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the second tenant."""
    client = Client(sandbox, "contoso.onmicrosoft.com")
    with client.session:
        yield client
