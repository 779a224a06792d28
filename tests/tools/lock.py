# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins every environment's packages with their hashes: `python3 -m tools.lock`."""

from __future__ import annotations

import subprocess

from tools import environments, interpreters
from tools.environments import ROOT, Environment

HEADER = "# Made by `make lock`. Do not edit.\n"


def compile_one(uv: str, environment: Environment) -> None:
    """Writes the environment's lock file; a failure of uv ends the program with uv's own words."""
    inputs = [ROOT / "requirements.txt", *(ROOT / "requirements" / f"{name}.in" for name in environment.inputs)]
    command = [uv, "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url"]
    command += ["--python-version", environment.python, "-", *map(str, inputs)]
    done = subprocess.run(command, input=f"ansible-core=={environment.core}.*\n", text=True, capture_output=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr}\nno lock for {environment.name}.")
    environment.lock.write_text(HEADER + done.stdout, encoding="utf-8")


def main() -> None:
    """All lock files, with the uv that the lint environment holds."""
    uv = str(environments.ready(environments.LINT).bin / "uv")
    for environment in environments.ALL:
        compile_one(uv, environment)
    pins = sum(environment.lock.read_text(encoding="utf-8").count("==") for environment in environments.ALL)
    print(f"lock: {len(environments.ALL)} files, {pins} pins")


if __name__ == "__main__":
    try:
        main()
    except interpreters.Missing as problem:
        raise SystemExit(str(problem)) from None
