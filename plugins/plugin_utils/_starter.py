# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""From a worker to its session: find the run's keeper, start it when there is none, open the session once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils._framing import listens, request
from ansible_collections.mailops.exchange.plugins.plugin_utils._run import (
    CONTROL,
    Run,
    RunError,
    directory_of,
    locked,
    make_private,
    read_salt,
    session_key,
)

START_SECONDS = 60.0
OPEN_SECONDS = 60.0
IDLE_SECONDS = 1800.0
# Names the packages by hand, because a collection has no __init__.py and another distribution's would win over it.
BOOT = """
import sys, types
root = sys.argv[1]
for name in ("ansible_collections", "ansible_collections.mailops", "ansible_collections.mailops.exchange"):
    module = types.ModuleType(name)
    module.__path__ = [root + "/" + name.replace(".", "/")]
    sys.modules[name] = module
from ansible_collections.mailops.exchange.plugins.plugin_utils._keeper import main
main(sys.argv[2:])
"""
# Variables that hold our own options or a secret that the keeper has no use for.
HIDDEN = ("EXCHANGE_", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD")
_started: list[subprocess.Popen[bytes]] = []


def session_socket(pid: int, transport: str, options: Mapping[str, Any], idle: float = IDLE_SECONDS) -> str:
    """The path of the session's socket, its keeper and the session itself started when needed. Raises RunError, RemoteError.

    idle: seconds without a request after which a keeper that is started here ends.
    """
    run = Run.of(pid)
    directory = directory_of(run)
    make_private(directory)
    known = _known(directory, transport, options)
    if known is not None and listens(known):
        return str(known)
    _ensure_keeper(run, directory, idle)
    try:
        answer = request(directory / CONTROL, "open", {"transport": transport, "options": dict(options)}, OPEN_SECONDS)
    except OSError as error:
        raise RunError(f"The keeper of this run, started in {directory}, does not answer: {error}. Run again.") from error
    return str(answer["socket"])


def reset_session(pid: int, transport: str, options: Mapping[str, Any]) -> None:
    """Close the session, if it is open; when its key is unknown here, every session of the run. Nothing is started."""
    run = Run.of(pid)
    directory = directory_of(run)
    known = _known(directory, transport, options)
    target = known if known is not None and listens(known) else directory / CONTROL
    if listens(target):
        request(target, "reset", {}, OPEN_SECONDS)


def _known(directory: Path, transport: str, options: Mapping[str, Any]) -> Path | None:
    salt = read_salt(directory)
    return directory / session_key(salt, transport, options) if salt else None


def _ensure_keeper(run: Run, directory: Path, idle: float) -> None:
    """Start the keeper unless it listens; of several workers one starts it, the others wait."""
    if listens(directory / CONTROL):
        return
    with locked(directory):
        if not listens(directory / CONTROL):
            _start(run, directory, idle)


def _start(run: Run, directory: Path, idle: float) -> None:
    """Start the keeper and wait until it listens. It inherits no descriptor, or a pipe behind ansible-playbook would never end."""
    log = directory / "start.log"
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    arguments = [str(directory), str(run.pid), run.started, str(idle)]
    try:
        child = subprocess.Popen(
            [sys.executable, "-c", BOOT, str(collection_root()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=handle,
            cwd="/",
            env=environment(),
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(handle)
    reap()
    _started.append(child)
    deadline = time.monotonic() + START_SECONDS
    while not listens(directory / CONTROL):
        if child.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise RunError(f"The keeper of this run ended at its start: {lines[-1] if lines else f'exit code {child.returncode}'}.")
        if time.monotonic() > deadline:
            raise RunError(f"The keeper of this run did not begin to listen in {directory} within {START_SECONDS:g} s.")
        time.sleep(0.005)


def reap() -> None:
    """Forget the keepers of this process that have ended; a living one is kept, because it outlives this worker unwaited."""
    _started[:] = [child for child in _started if child.poll() is None]


def collection_root() -> Path:
    """The directory that holds ansible_collections/mailops/exchange."""
    return Path(__file__).parents[5]


def environment() -> dict[str, str]:
    """The keeper's environment: this one without secrets, and with the very modules that this process finds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    kept["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if Path(path).is_absolute() and os.pathsep not in path)
    return kept
