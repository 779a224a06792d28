# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper as a process: how it begins, what it shows, what it survives, when it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._client import KeeperSession
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply, Unavailable
from ansible_collections.mailops.exchange.plugins.plugin_utils import _keeper, _starter
from ansible_collections.mailops.exchange.plugins.plugin_utils._framing import RemoteError, listens, receive, request, send
from ansible_collections.mailops.exchange.plugins.plugin_utils._run import Run, RunError, directory_of, start_time

from .service import Answer, Request, Service

REST = "mailops.exchange.rest"
GET = Cmdlet("Get-AcceptedDomain")
SET = Cmdlet("Set-AcceptedDomain", {"Identity": "example.com"})
PATIENCE = 20.0
# Longer than a loaded machine takes between two steps of a test, and short enough to wait for.
IDLE = 1.0


class Play:
    """A process that stands for ansible-playbook."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        self.run = Run.of(self.process.pid)

    @property
    def directory(self) -> Path:
        return directory_of(self.run)

    def socket(self, options: dict[str, Any], idle: float = 60) -> str:
        return _starter.session_socket(self.run.pid, REST, options, idle)

    def session(self, options: dict[str, Any], check: bool = False) -> KeeperSession:
        return KeeperSession(self.socket(options), check)

    def end(self) -> None:
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait()


@pytest.fixture
def play() -> Iterator[Play]:
    """A run; its keeper ends with it."""
    play = Play()
    try:
        yield play
    finally:
        play.end()
        until(none_left)


def none_left() -> bool:
    """True when every keeper that this process started has ended."""
    _starter.reap()
    return not _starter._started


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    """A service whose `Get-Slow` takes a second, and whose `Get-Together` answers nobody before four ask at once."""
    four = threading.Barrier(4)

    def script(asked: Request) -> Answer:
        name = asked.headers.get("x-cmdletname", "")
        if name == "Get-Together":
            four.wait(PATIENCE)
        return Answer(body={"value": [{"Name": name}]}, delay=1.0 if name == "Get-Slow" else 0)

    with Service(script, folder) as service:
        yield service


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds; fail after a while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def keeper_of(path: Path | str) -> int:
    """The process that listens at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        found: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return found


def test_a_call_goes_through(play: Play, service: Service) -> None:
    assert play.session(service.options()).call(GET).rows == [{"Name": "Get-AcceptedDomain"}]
    assert play.directory.stat().st_mode & 0o777 == 0o700
    for path in play.directory.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_one_session_and_one_token_for_equal_options(play: Play, service: Service) -> None:
    first, second = play.socket(service.options()), play.socket(service.options())
    assert first == second
    for path in (first, second):
        KeeperSession(path).call(GET)
    assert len(service.sign_ins) == 1


@pytest.mark.parametrize("name", ["organization", "client_id", "client_secret", "certificate_path", "authority", "timeout", "concurrency"])
def test_any_difference_makes_another_session_in_the_same_keeper(play: Play, service: Service, name: str) -> None:
    options = service.options()
    other = {**options, name: "https://127.0.0.1:1" if name == "authority" else 5 if name in {"timeout", "concurrency"} else "different"}
    first, second = play.socket(options), play.socket(other)
    assert first != second
    assert keeper_of(first) == keeper_of(second)


def test_many_workers_start_one_keeper(play: Play, service: Service) -> None:
    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(lambda number: play.socket(service.options(timeout=5 + number % 4)), range(16)))
    assert len(set(paths)) == 4
    assert len({keeper_of(path) for path in paths}) == 1


def test_no_secret_is_to_be_seen(play: Play, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"client_secret": "a-very-long-client-secret", "certificate_password": "a-very-long-password"}
    monkeypatch.setenv("EXCHANGE_CLIENT_SECRET", secrets["client_secret"])
    monkeypatch.setenv("AZURE_CLIENT_SECRET", secrets["certificate_password"])
    path = play.socket(service.options(**secrets))
    KeeperSession(path).call(GET)
    home = Path("/proc") / str(keeper_of(path))
    shown = (home / "cmdline").read_bytes() + (home / "environ").read_bytes()
    shown += b"".join(found.read_bytes() for found in play.directory.iterdir() if found.is_file())
    shown += str(list(play.directory.iterdir())).encode()
    assert b"_keeper" in shown
    for secret in secrets.values():
        assert secret.encode() not in shown


def descriptors(pid: int) -> list[str]:
    """What each open descriptor of a process leads to; one that is closed while they are listed is left out."""
    found = []
    for entry in (Path("/proc") / str(pid) / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(entry))
    return found


def test_its_own_session_and_no_inherited_descriptor(play: Play, service: Service) -> None:
    pid = keeper_of(play.socket(service.options()))
    assert os.getsid(pid) == pid
    kinds = descriptors(pid)
    assert kinds.count("/dev/null") >= 3
    assert not [kind for kind in kinds if kind.startswith("pipe:")]


def test_a_pipe_behind_the_starter_ends_with_it(play: Play, service: Service) -> None:
    code = (
        "import json, sys\n"
        "from ansible_collections.mailops.exchange.plugins.plugin_utils._starter import session_socket\n"
        "print(session_socket(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])))\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(play.run.pid), REST, json.dumps(service.options())],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert time.monotonic() - begun < PATIENCE
    assert listens(Path(done.stdout.strip()))


def test_it_survives_a_dead_worker(play: Play, service: Service) -> None:
    path = play.socket(service.options())
    asked = {"cmdlets": [{"name": "Get-Slow", "parameters": {}}], "check": False}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as worker:
        worker.connect(path)
        send(worker, {"jsonrpc": "2.0", "id": 1, "method": "call", "params": [[asked], {}]})
        until(lambda: len(service.requests) == 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.connect(path)
        stranger.sendall(b"no request at all, and longer than a length")
    time.sleep(1.2)
    assert KeeperSession(path).call(GET).rows


def test_sessions_do_not_wait_for_each_other(play: Play, service: Service) -> None:
    held, quick = play.session(service.options()), play.session(service.options(timeout=5))
    answer, let_go = service.script, threading.Event()

    def script(asked: Request) -> Answer:
        if asked.headers.get("x-cmdletname") == "Get-Held":
            let_go.wait(PATIENCE)
        return answer(asked)

    service.script = script
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(held.call, Cmdlet("Get-Held"))
        until(lambda: len(service.requests) == 1)
        assert quick.call(GET).rows
        assert not waiting.done()
        let_go.set()
        assert waiting.result().rows


def test_one_session_serves_as_many_at_once_as_allowed(play: Play, service: Service) -> None:
    session = play.session(service.options(concurrency=4))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _unused: session.call(Cmdlet("Get-Together")), range(4)))
    assert [reply.rows for reply in results] == [[{"Name": "Get-Together"}]] * 4


def test_it_ends_with_the_run_and_leaves_nothing(play: Play, service: Service) -> None:
    pid = keeper_of(play.socket(service.options()))
    directory = play.directory
    assert directory.exists()
    play.end()
    until(lambda: not start_time(pid))
    assert not directory.exists()


def test_it_ends_when_nobody_asks_and_begins_again(play: Play, service: Service) -> None:
    pid = keeper_of(play.socket(service.options(), idle=IDLE))
    until(lambda: not start_time(pid))
    assert not [path for path in play.directory.iterdir() if path.is_socket()]
    path = play.socket(service.options())
    assert keeper_of(path) != pid
    assert KeeperSession(path).call(GET).rows


def test_a_long_call_is_not_idleness(play: Play, service: Service) -> None:
    path = play.socket(service.options(), idle=IDLE)
    answer = service.script
    service.script = lambda asked: replace(answer(asked), delay=2 * IDLE)
    assert KeeperSession(path).call(GET).rows


def test_a_killed_keeper_is_replaced(play: Play, service: Service) -> None:
    path = play.socket(service.options())
    pid = keeper_of(path)
    os.kill(pid, 9)
    # Its last threads hold the socket a little longer than the process shows.
    until(lambda: not start_time(pid) and not listens(Path(path)))
    again = play.socket(service.options())
    assert again != path
    assert KeeperSession(again).call(GET).rows


def test_a_keeper_that_dies_during_a_write_leaves_doubt_and_shows_no_parameter(play: Play, service: Service) -> None:
    session = play.session(service.options())
    pid = keeper_of(play.directory / "control")

    def kill() -> None:
        until(lambda: len(service.requests) == 1)
        os.kill(pid, 9)

    killer = threading.Thread(target=kill)
    killer.start()
    slow = [Cmdlet("Get-Slow"), Cmdlet("Set-Mailbox", {"Identity": "x", "Password": "a-secret-value"})]
    service.script = lambda _request: Answer(delay=5)
    with pytest.raises(Unavailable) as caught:
        session.call_many(slow)
    killer.join()
    assert caught.value.uncertain
    assert (caught.value.cmdlet, caught.value.identity) == ("Set-Mailbox", "x")
    assert "a-secret-value" not in str(caught.value)


def test_reset_ends_a_session_and_the_next_one_signs_in_again(play: Play, service: Service) -> None:
    options = service.options()
    path = play.socket(options)
    KeeperSession(path).call(GET)
    _starter.reset_session(play.run.pid, REST, options)
    assert not listens(Path(path))
    with pytest.raises(ExchangeError):
        KeeperSession(path).call(GET)
    assert play.socket(options) == path
    assert KeeperSession(path).call(GET).rows
    assert len(service.sign_ins) == 2


def test_cores_own_client_resets_at_the_end_of_a_play(play: Play, service: Service) -> None:
    path = Path(play.socket(service.options()))
    request(path, "reset", {})
    assert not listens(path)


def test_reset_of_an_unknown_session_ends_all(play: Play, service: Service) -> None:
    path = play.socket(service.options())
    _starter.reset_session(play.run.pid, REST, service.options(client_secret="{{ untemplated }}"))
    assert not listens(Path(path))


def test_reset_without_a_keeper_starts_none(play: Play, service: Service) -> None:
    _starter.reset_session(play.run.pid, REST, service.options())
    assert not play.directory.exists()


def test_wrong_options_are_told_to_whoever_asks(play: Play, service: Service) -> None:
    with pytest.raises(RemoteError, match="ansible_exchange_client_secret is not set"):
        play.socket(service.options(client_secret=None))
    assert play.session(service.options()).call(GET).rows


def test_a_failed_start_is_told(play: Play, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_starter, "BOOT", "raise RuntimeError('no such library')")
    with pytest.raises(RunError, match="RuntimeError: no such library"):
        play.socket(service.options())


def test_another_distributions_package_does_not_win(play: Play, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ansible_collections").mkdir()
    (tmp_path / "ansible_collections" / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert play.session(service.options()).call(GET).rows


def test_check_mode_over_the_socket(play: Play, service: Service) -> None:
    session = play.session(service.options(), check=True)
    session.overlay("AcceptedDomain", ["new.example"], [{"Name": "new.example"}])
    assert [row["Name"] for row in session.call(GET).rows] == ["Get-AcceptedDomain", "new.example"]
    (refused,) = session.call_many([SET])
    assert isinstance(refused, ExchangeError)
    real = play.session(service.options())
    real.overlay("AcceptedDomain", ["never.example"], [{"Name": "never.example"}])
    assert [row["Name"] for row in real.call(GET).rows] == ["Get-AcceptedDomain"]
    assert isinstance(real.call_many([SET])[0], Reply)
    assert session.call_many([]) == []


def test_a_moment_without_descriptors_does_not_make_it_deaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short:
        """A listener that cannot accept at first, then once, and is closed then."""

        left: ClassVar[list[int]] = [errno.EMFILE, errno.ECONNABORTED, 0, errno.EBADF]

        def accept(self) -> tuple[socket.socket, str]:
            number = self.left.pop(0)
            if number:
                raise OSError(number, os.strerror(number))
            return ours, ""

    monkeypatch.setattr(_keeper, "BREATH", 0.0)
    ours, theirs = socket.socketpair()
    keeper = _keeper.Keeper(Run.of(os.getpid()), tmp_path, 60)
    with theirs:
        keeper._accept(cast("socket.socket", Short()), lambda method, _params: {"method": method})
        send(theirs, {"jsonrpc": "2.0", "id": 1, "method": "call", "params": [[], {}]})
        told = receive(theirs)
    assert told is not None
    assert told["result"] == {"method": "call"}
    assert Short.left == []


def test_it_takes_as_many_descriptors_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: asked.append(limits))
    _keeper.widen()
    assert asked == [(4096, 4096)]
