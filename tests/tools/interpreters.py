# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds real Python interpreters: version managers put shims on PATH that answer for a version that is not chosen."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = ("3.13", "3.12", "3.11")

# Prints nothing unless the interpreter can make virtual environments.
_PROBE = (
    "import sys, os, venv, ensurepip;"
    "v = '%d.%d' % sys.version_info[:2];"
    "p = os.path.join(sys.base_prefix, 'bin', 'python' + v);"
    "print(v, '%d.%d.%d' % sys.version_info[:3], p if os.access(p, os.X_OK) else sys.executable, sep='\\t')"
)


@dataclass(frozen=True)
class Interpreter:
    """A real binary. version: `3.12`; full: `3.12.1`."""

    version: str
    full: str
    path: Path


class Missing(Exception):
    """No such interpreter; the text is one line and names the ways to get it."""


@functools.cache
def probe(candidate: str) -> Interpreter | None:
    """What stands behind a path; None when it does not run or cannot make virtual environments."""
    try:
        done = subprocess.run([candidate, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    fields = done.stdout.strip().split("\t")
    if done.returncode != 0 or len(fields) != 3:
        return None
    return Interpreter(fields[0], fields[1], Path(fields[2]))


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    for name in (f"python{version}", "python3"):
        for folder in os.get_exec_path():
            found = shutil.which(name, path=folder)
            if found:
                yield found
    home = Path.home()
    for pattern in (f".pyenv/versions/{version}*/bin/python{version}", f".local/share/uv/python/*{version}*/bin/python{version}"):
        yield from (str(path) for path in sorted(home.glob(pattern), reverse=True))
    for folder in ("/usr/local/bin", "/opt/python/bin", "/usr/bin"):
        yield f"{folder}/python{version}"


def find(version: str) -> Interpreter:
    """The interpreter of a version such as `3.12`; raises Missing."""
    for candidate in _candidates(version):
        found = probe(candidate)
        if found and found.version == version:
            return found
    raise Missing(
        f"Python {version} with its venv module is not on this machine: `apt-get install python{version}-venv`, "
        f"`pyenv install {version}` or `uv python install {version}`, and put it on PATH."
    )


def at_hand() -> Interpreter:
    """The interpreter that runs this, or else the newest supported one on the machine; raises Missing."""
    here = probe(sys.executable)
    if here and here.version in SUPPORTED:
        return here
    for version in SUPPORTED:
        try:
            return find(version)
        except Missing:
            continue
    raise Missing(
        f"No Python {', '.join(SUPPORTED)} with its venv module is on this machine: `apt-get install python3-venv`, "
        "or name one, as in `make test PYTHON=/usr/bin/python3.12`."
    )


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        try:
            print(find(wanted).path)
        except Missing as problem:
            raise SystemExit(str(problem)) from None
