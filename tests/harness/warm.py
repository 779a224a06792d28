# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook that begin where core and the collection are imported already: half of what a short run takes is that."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SERVER = Path(__file__).resolve().parent / "forked_core.py"
# What differs from run to run, and is read by the run itself.
OF_A_RUN = ("MAILOPS_RECORD",)
# Servers that are kept while nobody uses them; each holds some 60 MB.
IDLE = 3
START = 60  # seconds for a server's first answer: a hang bound


class Server:
    """One process that forks runs, one at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-B", "-P", str(SERVER)]
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        self._rest = b""

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send one request."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request).encode() + b"\n")

    def answer(self, seconds: float | None) -> dict[str, int]:
        """The next answer; raises TimeoutError, and EOFError when the process has ended."""
        assert self._process.stdout
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not ready.select(seconds):
                    raise TimeoutError
                found = os.read(self._process.stdout.fileno(), 4096)
                if not found:
                    raise EOFError(f"the process that forks ansible-playbook ended with {self._process.wait(START)}")
                self._rest += found
        line, _end, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait(START)


class Servers:
    """Servers by environment, kept for the next run; those used longest ago end first."""

    def __init__(self) -> None:
        self._idle: list[tuple[frozenset[tuple[str, str]], Server]] = []
        self._lock = threading.Lock()

    def take(self, environment: Mapping[str, str]) -> tuple[frozenset[tuple[str, str]], Server]:
        """A server that nobody else uses, and what give() needs."""
        key = frozenset((name, value) for name, value in environment.items() if name not in OF_A_RUN)
        with self._lock:
            for place, (known, server) in enumerate(self._idle):
                if known == key:
                    del self._idle[place]
                    return key, server
        return key, Server(environment)

    def give(self, key: frozenset[tuple[str, str]], server: Server) -> None:
        """Back to the others."""
        with self._lock:
            self._idle.append((key, server))
            old = self._idle[:-IDLE]
            del self._idle[:-IDLE]
        for _key, one in old:
            one.close()

    def close(self) -> None:
        """End all that are idle."""
        with self._lock:
            old, self._idle = self._idle, []
        for _key, one in old:
            one.close()


SERVERS = Servers()
atexit.register(SERVERS.close)


class Started:
    """A run under way, in a process group of its own. pid: of the process that a command line would have started."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self.args = list(command)
        self._key, self._server = SERVERS.take(environment)
        self._code: int | None = None
        self._server.ask({"command": self.args, "environment": dict(environment), "output": str(output)})
        self.pid = self._server.answer(START)["pid"]

    def wait(self, seconds: float) -> int:
        """The exit code, negative for a signal; a run that takes longer is killed, and subprocess.TimeoutExpired raised."""
        if self._code is None:
            try:
                self._code = self._server.answer(seconds)["code"]
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._server.close()
                raise subprocess.TimeoutExpired(self.args, seconds) from None
            SERVERS.give(self._key, self._server)
        return self._code
