# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Postfix host as a test needs it that ends playbooks at what they do there: its files kept and put back, its commands counted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from fakes import install

from harness.shape import MAP

COMMANDS = ("postmap", "postfix")


class Foreign:
    """The instance in `folder`; `programs`: an empty folder for the commands that stand before the real ones."""

    def __init__(self, folder: Path, programs: Path) -> None:
        """Put the commands there and keep the files as they are."""
        self._folder, self._programs = folder, programs
        for command in COMMANDS:
            install(programs, "deadly.py", programs, command)
        self._kept: dict[str, bytes] = {}
        self.keep()
        self._first = self._kept

    @property
    def environment(self) -> dict[str, str]:
        """What a playbook needs to find the commands."""
        return {"PATH": os.pathsep.join([str(self._programs), os.environ["PATH"]])}

    def _files(self) -> dict[str, Path]:
        """The files that a role writes."""
        return {path.name: path for path in self._folder.iterdir() if path.name == "main.cf" or path.name.startswith(MAP)}

    def keep(self) -> None:
        """Keep the files."""
        self._kept = {name: path.read_bytes() for name, path in self._files().items()}

    def back(self) -> None:
        """Back to what was kept; the counts are forgotten."""
        self._put(self._kept)

    def clear(self) -> None:
        """No forward of a role, as at the beginning."""
        self._put(self._first)

    def _put(self, wanted: dict[str, bytes]) -> None:
        for name, path in self._files().items():
            if name not in wanted:
                path.unlink()
        # An index must not look older than its text.
        for name in sorted(wanted, key=len):
            (self._folder / name).write_bytes(wanted[name])
        subprocess.run(["postfix", "-c", str(self._folder), "reload"], check=True, capture_output=True)
        self.fault()

    def state(self) -> list[str]:
        """The lines of the role's map, in use or not."""
        used = f":{self._folder / MAP}" in (self._folder / "main.cf").read_text(encoding="utf-8")
        lines = (self._folder / MAP).read_text(encoding="utf-8").splitlines() if (self._folder / MAP).exists() else []
        return [f"in use: {used}", *(line for line in lines if line and not line.startswith("#"))]

    @property
    def count(self) -> int:
        """How many commands changed something since the last fault was set or taken back."""
        seen = self._programs / "seen"
        return len(seen.read_text(encoding="utf-8").splitlines()) if seen.exists() else 0

    @property
    def fired(self) -> bool:
        """Whether the fault ended a playbook."""
        return (self._programs / "fired").exists()

    def fault(self, pid: int = 0, nth: int = 0, phase: str = "") -> None:
        """End the playbook `pid` at its nth command, before or after it runs; nobody without one. The count begins anew."""
        for name in ("seen", "fired"):
            (self._programs / name).unlink(missing_ok=True)
        (self._programs / "fault.json").write_text(json.dumps({"pid": pid, "nth": nth, "phase": phase}), encoding="utf-8")
