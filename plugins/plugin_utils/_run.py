# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""One ansible-playbook run and its private directory: who it is, where the directory is, whether it can be trusted."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils._framing import listens

# The socket at which a keeper opens sessions.
CONTROL = "control"
PREFIX = "mailops-exchange"
# Unix sockets end at 104 bytes on some systems.
LONGEST_PATH = 100
KEY_LENGTH = 32


class RunError(Exception):
    """The private directory cannot be used; the text names it and the remedy."""


@dataclass(frozen=True)
class Run:
    """A process that runs plays, told apart from a later one with the same number by its start time."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Run:
        """The run of a living process; raises RunError when there is none."""
        started = start_time(pid)
        if not started:
            raise RunError(f"Process {pid}, which should be running this play, does not exist.")
        return cls(pid, started)

    @property
    def alive(self) -> bool:
        """True while this very process exists."""
        return start_time(self.pid) == self.started

    @property
    def name(self) -> str:
        """The directory's name: user, process id and start time."""
        return f"{PREFIX}-{os.geteuid()}-{self.pid}-{self.started}"


def start_time(pid: int) -> str:
    """An opaque word for when the process began; empty when it is gone or only waits to be reaped."""
    if Path("/proc/self/stat").exists():
        try:
            # The second field, in brackets, may hold anything, brackets too.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in {"Z", "X"} else fields[19]
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    state, _unused, begun = shown.strip().partition(" ")
    return "" if not begun or state.startswith("Z") else hashlib.sha256(begun.strip().encode()).hexdigest()[:12]


def directory_of(run: Run) -> Path:
    """Where the run's sockets belong: the first of the usual places whose socket paths are short enough."""
    for base in _bases():
        directory = base / run.name
        if len(os.fsencode(directory)) + 1 + KEY_LENGTH <= LONGEST_PATH:
            return directory
    raise RunError("No directory for temporary files has a name short enough for a socket; set XDG_RUNTIME_DIR to a short path.")


def _bases() -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_absolute() and os.access(runtime, os.W_OK | os.X_OK):
        yield Path(runtime)
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108 - the directory below it is private, and checked for it


def make_private(directory: Path) -> None:
    """Create the directory, or make sure that the one there is ours alone; raises RunError otherwise."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass  # checked below, as is one that was just made
    except OSError as error:
        raise RunError(f"{directory} cannot be created: {error.strerror}. Set XDG_RUNTIME_DIR to a directory of yours.") from error
    check_private(directory)


def check_private(directory: Path) -> None:
    """Refuse a link, someone else's directory, and one that others may enter."""
    state = directory.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
        raise RunError(f"{directory} is not a private directory of this user. Remove it, or set XDG_RUNTIME_DIR to a directory of yours.")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock: one process at a time starts or ends a keeper."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_salt(directory: Path) -> bytes:
    """Draw the run's salt and leave it where its workers read it."""
    salt = os.urandom(32)
    handle = os.open(directory / "salt.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(salt)
    (directory / "salt.new").replace(directory / "salt")
    return salt


def read_salt(directory: Path) -> bytes:
    """The run's salt; empty when no keeper has begun."""
    try:
        return (directory / "salt").read_bytes()
    except FileNotFoundError:
        return b""


def session_key(salt: bytes, transport: str, options: Mapping[str, Any]) -> str:
    """The name of a session: a keyed hash of the transport and every option, so that any difference makes another session."""
    text = json.dumps([transport, dict(options)], sort_keys=True, ensure_ascii=True)
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()[:KEY_LENGTH]


def sweep(base: Path) -> None:
    """Remove the directories that runs of this user left behind when they and their keepers were killed."""
    mine = f"{PREFIX}-{os.geteuid()}-"
    for directory in base.glob(f"{mine}*-*"):
        pid, _unused, started = directory.name.removeprefix(mine).partition("-")
        if not pid.isdigit() or Run(int(pid), started).alive:
            continue
        try:
            check_private(directory)
        except (RunError, FileNotFoundError):
            continue  # not ours to remove, or another sweep was faster
        if listens(directory / CONTROL):
            continue  # its run lives where its number means nothing to us, as in another container that shares this place
        shutil.rmtree(directory, ignore_errors=True)
