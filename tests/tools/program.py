# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program of tests/programs on the installed artefact: `python3 -m tools.program demo [arguments]`."""

from __future__ import annotations

import os
import subprocess
import sys

from tools import artefact, environments, interpreters
from tools.environments import ROOT, Environment
from tools.suite import workplace


def run(name: str, arguments: list[str], environment: Environment) -> int:
    """One run of tests/programs/NAME.py in the environment; its exit code."""
    environments.ready(environment)
    work, handle = workplace(f"{name}-{environment.name}")
    with handle:
        tree = artefact.install(environment, work)
        variables = environments.variables(environment, work) | {
            "ANSIBLE_COLLECTIONS_PATH": str(tree),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(tree)]),
            "MAILOPS_WORK": str(work),
        }
        command = [str(environment.bin / "python"), "-B", "-m", f"programs.{name}", *arguments]
        started = subprocess.Popen(command, cwd=ROOT, env=variables)
        try:
            return started.wait()
        except KeyboardInterrupt:
            # The program got the same Ctrl-C and ends by itself, with its closing line.
            return started.wait()


def main(arguments: list[str]) -> int:
    """The program's name and its arguments; it runs on the newest core of the Python at hand."""
    if not arguments:
        raise SystemExit("name a program of tests/programs.")
    return run(arguments[0], arguments[1:], environments.NEWEST_BY_PYTHON[interpreters.at_hand().version])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except interpreters.Missing as problem:
        raise SystemExit(str(problem)) from None
