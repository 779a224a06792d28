# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments under .venv, one per lock file, made again only when the lock or the interpreter changes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import interpreters, shares

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / ".venv"


@dataclass(frozen=True)
class Environment:
    """A Python version, an ansible-core series, and what is installed next to it (files of requirements/*.in)."""

    name: str
    python: str
    core: str
    inputs: tuple[str, ...] = ("test",)

    @property
    def lock(self) -> Path:
        """The hashed requirements."""
        return ROOT / "requirements" / f"{self.name}.txt"

    @property
    def home(self) -> Path:
        """The virtual environment's folder."""
        return STORE / self.name

    @property
    def bin(self) -> Path:
        """The folder of its programs."""
        return self.home / "bin"

    def locked(self, package: str) -> str:
        """The version that the lock file pins; raises KeyError."""
        for line in self.lock.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{package}=="):
                return line.split("==")[1].split()[0]
        raise KeyError(package)


OLDEST = Environment("py311-core2.16", "3.11", "2.16")
NEWEST = Environment("py312-core2.21", "3.12", "2.21")
LINT = Environment("py312-lint", "3.12", "2.21", ("test", "lint"))
# The newest core that each Python can run.
NEWEST_BY_PYTHON = {
    "3.11": Environment("py311-core2.19", "3.11", "2.19"),
    "3.12": NEWEST,
    "3.13": Environment("py313-core2.21", "3.13", "2.21"),
}
ALL = (OLDEST, *NEWEST_BY_PYTHON.values(), LINT)


@contextlib.contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Waits until no other process holds the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(environment: Environment, interpreter: Path) -> None:
    log = STORE / f"{environment.name}.log"
    shutil.rmtree(environment.home, ignore_errors=True)
    pip = [str(environment.bin / "python"), "-m", "pip"]
    with log.open("w", encoding="utf-8") as out:
        for command in (
            [str(interpreter), "-m", "venv", str(environment.home)],
            [*pip, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(environment.lock)],
            [*pip, "check"],
        ):
            if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
                out.flush()
                tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])
                raise SystemExit(f"{tail}\n{' '.join(command)} failed; the whole output is in {log}.")


def ready(environment: Environment, beside: int = 1) -> Environment:
    """Makes the environment if it is missing or stale; raises interpreters.Missing. beside: how many are made at once."""
    interpreter = interpreters.find(environment.python)
    key = hashlib.sha256(environment.lock.read_bytes() + f"{interpreter.full} {interpreter.path}".encode()).hexdigest()
    stamp = environment.home / "made-from"
    with locked_file(STORE / f"{environment.name}.lock"):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != key:
            started = time.monotonic()
            print(f"set-up: {environment.name} with {interpreter.path}", file=sys.stderr, flush=True)
            _install(environment, interpreter.path)
            stamp.write_text(key, encoding="utf-8")
            shares.record("set-up", (time.monotonic() - started) / beside)
    return environment


def ready_all(several: Sequence[Environment]) -> None:
    """Makes what is missing or stale of these, as many at once as there are processors; raises interpreters.Missing."""
    beside = min(len(several), os.cpu_count() or 1)
    with ThreadPoolExecutor(beside) as pool:
        for done in [pool.submit(ready, environment, beside) for environment in several]:
            done.result()


def variables(environment: Environment, work: Path) -> dict[str, str]:
    """The process environment for its programs: its own PATH without shims, and nothing of the user's Ansible.

    work: a folder that takes Ansible's home; whatever lies there may be removed after the run.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "EXCHANGE_", "MOLECULE_", "PYTHON", "VIRTUAL_ENV", "PYTEST_"))
    }
    path = [folder for folder in os.get_exec_path() if not folder.rstrip("/").endswith("shims")]
    return kept | {
        "PATH": os.pathsep.join([str(environment.bin), *path]),
        "ANSIBLE_HOME": str(work / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }


def main(names: list[str]) -> None:
    """Makes the environments named (all when none is; `at-hand`: that of the newest core for this Python), and prints their folders."""
    names = [NEWEST_BY_PYTHON[interpreters.at_hand().version].name if name == "at-hand" else name for name in names]
    table = {environment.name: environment for environment in ALL}
    unknown = [name for name in names if name not in table]
    if unknown:
        raise SystemExit(f"no such environment: {', '.join(unknown)}; there are {', '.join(table)}.")
    for name in names or table:
        print(ready(table[name]).home)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except interpreters.Missing as problem:
        raise SystemExit(str(problem)) from None
