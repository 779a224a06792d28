# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a gate works: a real copy of the checkout, laid out as Ansible wants it, outside of any git repository."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools import artefact, environments
from tools.environments import Environment


@dataclass(frozen=True)
class Bench:
    """One run of the gates. work: a temporary folder of this run alone; tree/ in it holds the copy."""

    work: Path
    lint: Environment

    @property
    def tree(self) -> Path:
        """The folder to name as Ansible's collections path."""
        return self.work / "tree"

    @property
    def copy(self) -> Path:
        """The copy of the checkout."""
        return self.tree / artefact.INSIDE

    def variables(self, environment: Environment | None = None) -> dict[str, str]:
        """The process environment: collections are found in the copy alone."""
        own = {"ANSIBLE_COLLECTIONS_PATH": str(self.tree), "NO_COLOR": "1"}
        return environments.variables(environment or self.lint, self.work) | own

    def call(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a program of the lint environment in the copy; standard error joins the output."""
        return subprocess.run(
            [str(self.lint.bin / command[0]), *command[1:]],
            cwd=self.copy,
            env=self.variables() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def findings(self, pattern: str, *command: str, **variables: str) -> list[str]:
        """The lines of a failed program that match the pattern (all if none does); nothing when it succeeded."""
        done = self.call(*command, **variables)
        said = [line for line in done.stdout.splitlines() if line.strip()]
        lines = [line for line in said if re.search(pattern, line)] or said
        return [] if done.returncode == 0 else lines or [f"{command[0]} ended with {done.returncode} and said nothing"]
