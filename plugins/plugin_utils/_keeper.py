# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The keeper: one process per ansible-playbook run, one live session per tenant identity.

It begins without secrets; a session's options come over its socket. It ends with the run, and when nobody
has asked anything for a while.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import resource
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Failed,
    InvalidParameter,
    NotFound,
    Reply,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils._framing import receive, send
from ansible_collections.mailops.exchange.plugins.plugin_utils._overlays import Overlays
from ansible_collections.mailops.exchange.plugins.plugin_utils._run import (
    CONTROL,
    Run,
    check_private,
    locked,
    session_key,
    sweep,
    write_salt,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils._tools.pace import Paces

TRANSPORTS = {"mailops.exchange.rest": ("_transports.rest", "RestTransport")}
# By name: the module of _tools, whose function `run` takes parameters and the session's options; and whether it only reads.
TOOLS = {"dns": ("_tools.dns", True), "smtp": ("_tools.smtp", False), "mailbox": ("_tools.mailbox", True)}
WATCH_SECONDS = 0.5
# The most descriptors that are asked for, and what accepting a connection may lack for a moment.
MOST_DESCRIPTORS = 65_536
PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EINTR})
BREATH = 0.1

Handler = Callable[[str, Mapping[str, Any]], Any]


class Transport(Protocol):
    """What a way to an Exchange organisation offers."""

    last_date: str

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        """Answers in the order asked, each call with its own fate."""

    def close(self) -> None:
        """Let go of what it holds."""


def make_transport(name: str, options: Mapping[str, Any]) -> Transport:
    """The transport of a connection's name; raises ExchangeError when its options cannot work."""
    module, cls = TRANSPORTS[name]
    transport: Transport = getattr(_part(module), cls)(options)
    return transport


def _part(module: str) -> Any:
    """A module beside this one, imported when it is first needed."""
    package = __name__.rpartition(".")[0] if __name__ != "__main__" else "ansible_collections.mailops.exchange.plugins.plugin_utils"
    return importlib.import_module(f"{package}.{module}")


class KeptSession:
    """One tenant identity: its transport, the overlays of its check mode, and its options for what is asked outside the tenant."""

    def __init__(self, transport: Transport, options: Mapping[str, Any] | None = None) -> None:
        self._transport = transport
        self._options = dict(options or {})
        self._paces = Paces()
        self._overlays = Overlays()
        self._lock = threading.Lock()

    def call(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run the calls; in check mode writes are refused and reads see the overlays."""
        cmdlets = [Cmdlet.from_dict(data) for data in params["cmdlets"]]
        check = bool(params["check"])
        results: list[Reply | ExchangeError | None] = [self._early(cmdlet) if check else None for cmdlet in cmdlets]
        if not check:
            self._forget(cmdlets)
        asked = [place for place, result in enumerate(results) if result is None]
        answers = self._transport.call_many([cmdlets[place] for place in asked]) if asked else []
        for place, answer in zip(asked, answers, strict=True):
            results[place] = self._late(cmdlets[place], answer) if check else answer
        return [{"error": result.to_dict()} if isinstance(result, ExchangeError) else {"reply": _reply(result)} for result in results]

    def overlay(self, params: Mapping[str, Any]) -> None:
        """Lay a planned state over later reads of check mode."""
        with self._lock:
            self._overlays.lay(params["noun"], params["identities"], params["rows"])

    def tool(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Ask outside the tenant: {"result"}, or {"error"} of the family; in check mode only what reads."""
        name = str(params["name"])
        if name == "pace":
            return {"result": self._paces.run(params["parameters"])}
        if name == "account":
            user, password = (str(self._options.get(f"submission_{part}") or "") for part in ("user", "password"))
            return {"result": {"user": user, "ready": bool(user and password)}}
        try:
            if name not in TOOLS:
                raise InvalidParameter(f"there is no tool of this name; there are {', '.join(TOOLS)}.", cmdlet=name)
            module, reads = TOOLS[name]
            if params["check"] and not reads:
                raise Failed("check mode asks only what reads; this was not done.", cmdlet=name)
            return {"result": _part(module).run(params["parameters"], self._options)}
        except ExchangeError as error:
            return {"error": error.to_dict()}

    def close(self) -> None:
        """Let go of the transport."""
        self._transport.close()

    def _early(self, cmdlet: Cmdlet) -> Reply | ExchangeError | None:
        if not cmdlet.reads:
            return Failed("check mode sends Get- cmdlets only; this one was not sent.", cmdlet=cmdlet.name, identity=cmdlet.identity)
        with self._lock:
            try:
                rows = self._overlays.answer(cmdlet)
            except NotFound as error:
                return error
        return None if rows is None else Reply(rows, [], self._transport.last_date, "")

    def _late(self, cmdlet: Cmdlet, answer: Reply | ExchangeError) -> Reply | ExchangeError:
        if isinstance(answer, ExchangeError):
            return answer
        with self._lock:
            return Reply(self._overlays.merge(cmdlet, answer.rows), answer.warnings, answer.date, answer.request_id)

    def _forget(self, cmdlets: Sequence[Cmdlet]) -> None:
        with self._lock:
            for cmdlet in cmdlets:
                if not cmdlet.reads:
                    self._overlays.drop(cmdlet.noun)


def _reply(result: Reply | None) -> dict[str, Any]:
    if result is None:
        raise AssertionError("a call was left without an answer")
    return result.to_dict()


def process_handle(pid: int) -> int | None:
    """A descriptor that becomes readable the moment the process ends, where the system has one; a number alone may be reused."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


class Keeper:
    """The sockets of one run and what listens behind them."""

    def __init__(self, run: Run, directory: Path, idle: float) -> None:
        self.run, self.directory, self.idle = run, directory, idle
        self._salt = b""
        self._lock = threading.Lock()
        self._sessions: dict[str, tuple[KeptSession, socket.socket]] = {}
        self._busy, self._last = 0, time.monotonic()
        self._listener: socket.socket | None = None

    def begin(self) -> None:
        """Take the directory over and listen on the control socket."""
        check_private(self.directory)
        for stale in self.directory.iterdir():
            if stale.is_socket():
                stale.unlink()
        self._salt = write_salt(self.directory)
        self._listener = self._listen(CONTROL, self._control)

    def watch(self) -> None:
        """Return when the run has ended, or when nobody has asked anything for the idle time."""
        handle = process_handle(self.run.pid)
        while self.run.alive:
            if handle is None:
                time.sleep(WATCH_SECONDS)
            else:
                select.select([handle], [], [], WATCH_SECONDS)
            with self._lock:
                idle = not self._busy and time.monotonic() - self._last > self.idle
            if idle:
                with locked(self.directory):
                    self._withdraw()
                return
        shutil.rmtree(self.directory, ignore_errors=True)

    def _withdraw(self) -> None:
        """Leave no socket behind, so that the next task starts a new keeper."""
        for path in self.directory.iterdir():
            if path.is_socket():
                path.unlink()

    def _control(self, method: str, params: Mapping[str, Any]) -> Any:
        if method == "open":
            return {"socket": str(self._open(str(params["transport"]), params["options"]))}
        if method == "reset":
            with self._lock:
                keys = list(self._sessions)
            for key in keys:
                self._close(key)
            return {"closed": len(keys)}
        raise LookupError(f"the keeper knows no method '{method}'")

    def _open(self, transport: str, options: Mapping[str, Any]) -> Path:
        key = session_key(self._salt, transport, options)
        with self._lock:
            if key not in self._sessions:
                session = KeptSession(make_transport(transport, options), options)
                self._sessions[key] = (session, self._listen(key, lambda method, params: self._serve(key, session, method, params)))
        return self.directory / key

    def _serve(self, key: str, session: KeptSession, method: str, params: Mapping[str, Any]) -> Any:
        if method == "call":
            return session.call(params)
        if method == "overlay":
            session.overlay(params)
            return {}
        if method == "tool":
            return session.tool(params)
        if method == "reset":
            self._close(key)
            return {}
        raise LookupError(f"a session knows no method '{method}'")

    def _close(self, key: str) -> None:
        """End a session; calls under way are finished by the threads that hold it."""
        with self._lock:
            held = self._sessions.pop(key, None)
            if held is None:
                return
            (self.directory / key).unlink(missing_ok=True)
        session, listener = held
        # Wakes the accepting thread, which closing alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        session.close()

    def _listen(self, name: str, handler: Handler) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.directory / name))
        (self.directory / name).chmod(0o600)
        listener.listen(128)
        threading.Thread(target=self._accept, args=(listener, handler), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket, handler: Handler) -> None:
        while True:
            try:
                connection, _unused = listener.accept()
            except OSError as error:
                if error.errno not in PASSING:
                    return  # the session was closed
                time.sleep(BREATH)
                continue
            threading.Thread(target=self._converse, args=(connection, handler), daemon=True).start()

    def _converse(self, connection: socket.socket, handler: Handler) -> None:
        """Answer the requests of one connection; a worker that died meanwhile is no concern of ours."""
        with connection:
            try:
                while (message := receive(connection)) is not None:
                    self._count(1)
                    try:
                        send(connection, answer(message, handler))
                    finally:
                        self._count(-1)
            except (OSError, ValueError):
                return  # the other side is gone, or does not speak our language

    def _count(self, step: int) -> None:
        with self._lock:
            self._busy += step
            self._last = time.monotonic()


def answer(message: Mapping[str, Any], handler: Handler) -> dict[str, Any]:
    """The JSON-RPC answer to one request; whatever fails becomes an error, named by its place but without the parameters."""
    head = {"jsonrpc": "2.0", "id": message.get("id")}
    try:
        positional = message.get("params", [[], {}])[0]
        return {**head, "result": handler(str(message["method"]), positional[0] if positional else {})}
    except ExchangeError as error:
        return {**head, "error": {"code": -32000, "message": str(error)}}
    except Exception as error:  # noqa: BLE001 - a fault of ours must reach the task, whatever it is
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"The keeper failed: {type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})."
        return {**head, "error": {"code": -32603, "message": text}}


def widen() -> None:
    """Take as many descriptors as may be had: each tenant and each task under way needs some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main(arguments: Sequence[str]) -> None:
    """Run the keeper: directory, process id and start time of the run, idle seconds."""
    directory, pid, started, idle = arguments
    keeper = Keeper(Run(int(pid), started), Path(directory), float(idle))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    widen()
    keeper.begin()
    # From here on errors reach those who ask; until here they stand in the start-up log.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    sweep(Path(directory).parent)
    keeper.watch()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
