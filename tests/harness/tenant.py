# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox in a process of its own, seen through its control API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, final

# Seconds that an answer of the control API may take: more than any caller lets it wait for mail to settle.
PATIENCE = 150

SANDBOX = Path(__file__).resolve().parents[1] / "sandbox"
# Reads that a cmdlet module makes; everything else on the wire is a write.
READS = ("Get-",)


def generate(folder: Path, *, organization: str = "", seed: int = 1, users: int = 40, kinds: Mapping[str, int] | None = None) -> Path:
    """A tenant's folder with the captured objects and `users` generated people, or so many of each of these kinds."""
    command = [sys.executable, "-B", str(SANDBOX / "generate"), "--seed", str(seed), "--users", str(users)]
    command += ["--organization", organization] if organization else []
    for kind, number in (kinds or {}).items():
        command += ["--kind", f"{kind}={number}"]
    subprocess.run([*command, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


@final
class Sandbox(AbstractContextManager["Sandbox"]):
    """`with Sandbox([folder, ...]) as sandbox:`; `ready` is the line that the sandbox printed."""

    def __init__(self, folders: Sequence[Path], *options: str) -> None:
        self.folders = [Path(folder) for folder in folders]
        self._options = options
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None
        self._kept_at = ""

    def __enter__(self) -> Sandbox:
        command = [sys.executable, "-B", str(SANDBOX / "serve"), "--port", "0", *self._options]
        for folder in self.folders:
            command += ["--tenant", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, start_new_session=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"the sandbox did not start: exit code {self._process.wait(10)}")
        self.ready = json.loads(line)
        return self

    def __exit__(self, *_unused: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            if self._process.stdout:
                self._process.stdout.close()

    @property
    def tenants(self) -> list[dict[str, Any]]:
        """One entry a tenant: organization, endpoint, authority, client_id, client_secret, certificate_path."""
        return list(self.ready["tenants"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the control API; raises HTTPError when it is refused."""
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own loopback address
            self.ready["control"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            text = answer.read().decode()
        return json.loads(text) if text else None

    def calls(self) -> list[dict[str, Any]]:
        """Every call that reached the service, in order."""
        return list(self.control("GET", "/calls"))

    def writes(self) -> list[dict[str, Any]]:
        """The calls that were no reads, in order."""
        return [call for call in self.calls() if not call["cmdlet"].startswith(READS)]

    def state(self) -> Any:
        """All objects of all tenants."""
        return self.control("GET", "/state")

    def objects(self) -> dict[str, Any]:
        """The tenants without what their transport acts on, which changes as time goes by."""
        tenants = self.state()["tenants"]
        return {name: {key: value for key, value in tenant.items() if key != "acting"} for name, tenant in tenants.items()}

    def keep(self) -> None:
        """Keep all objects as they are."""
        self.control("POST", "/keep", {})
        self._kept_at = str(self.control("GET", "/clock")["now"])

    def back(self) -> None:
        """Back to what was kept; faults and calls are forgotten. The clock never shows an earlier time than it did then."""
        self.control("POST", "/back", {})
        if str(self.control("GET", "/clock")["now"]) < self._kept_at:
            self.control("PUT", "/clock", {"set": self._kept_at})

    def faults(self, *faults: dict[str, Any]) -> None:
        """Replace all faults."""
        self.control("PUT", "/faults", list(faults))

    def reset(self) -> None:
        """Back to the folders' contents; calls, faults and clock too."""
        self.control("POST", "/reset", {})


def copy(folder: Path, target: Path) -> Path:
    """A copy of a tenant's folder."""
    return Path(shutil.copytree(folder, target))
