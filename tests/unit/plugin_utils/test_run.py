# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's identity, its private directory and the session's key."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.plugin_utils import _run
from ansible_collections.mailops.exchange.plugins.plugin_utils._run import Run, RunError, session_key

OPTIONS: dict[str, Any] = {
    "organization": "contoso.example",
    "endpoint": None,
    "authority": None,
    "client_id": "id",
    "client_secret": "a-long-made-up-secret",
    "certificate_path": None,
    "timeout": 600,
    "validate_certs": True,
}


@pytest.fixture
def ended() -> Run:
    """A run whose process has come and gone."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        run = Run.of(process.pid)
        assert run.alive
    return run


def test_a_process_is_told_from_a_later_one_with_its_number(ended: Run) -> None:
    assert not ended.alive
    assert Run.of(os.getpid()).alive
    assert not Run(os.getpid(), "0").alive
    with pytest.raises(RunError):
        Run.of(ended.pid)


def test_a_process_that_only_waits_to_be_reaped_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert _run.start_time(process.pid) == ""
    process.wait()


def test_the_directory_is_short_and_named_after_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Run(123, "456")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("deep" * 40)))
    (tmp_path / ("deep" * 40)).mkdir()
    found = _run.directory_of(run)
    assert found.name == f"mailops-exchange-{os.geteuid()}-123-456"
    assert len(str(found)) + 1 + _run.KEY_LENGTH <= _run.LONGEST_PATH
    short = Path(os.path.realpath("/tmp"))  # noqa: S108 - only named, not used
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert _run.directory_of(run).parent == short


def test_the_directory_is_ours_alone(tmp_path: Path) -> None:
    _run.make_private(tmp_path / "new")
    _run.make_private(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "new")
    (tmp_path / "file").write_text("")
    for name in ("open", "link", "file"):
        with pytest.raises(RunError, match="XDG_RUNTIME_DIR"):
            _run.make_private(tmp_path / name)


def test_someone_elses_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run.make_private(tmp_path / "theirs")
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(RunError):
        _run.make_private(tmp_path / "theirs")


def test_the_salt_is_private_and_differs(tmp_path: Path) -> None:
    assert _run.read_salt(tmp_path) == b""
    salt = _run.write_salt(tmp_path)
    assert _run.read_salt(tmp_path) == salt
    assert (tmp_path / "salt").stat().st_mode & 0o777 == 0o600
    assert _run.write_salt(tmp_path) != salt


@pytest.mark.parametrize("name", [*OPTIONS, "transport", "salt"])
def test_any_difference_makes_another_session(name: str) -> None:
    plain = session_key(b"salt", "mailops.exchange.rest", OPTIONS)
    assert session_key(b"salt", "mailops.exchange.rest", dict(reversed(OPTIONS.items()))) == plain
    if name == "salt":
        assert session_key(b"other", "mailops.exchange.rest", OPTIONS) != plain
    elif name == "transport":
        assert session_key(b"salt", "mailops.exchange.psrp", OPTIONS) != plain
    else:
        assert session_key(b"salt", "mailops.exchange.rest", {**OPTIONS, name: "different"}) != plain


def test_the_key_shows_nothing() -> None:
    key = session_key(b"salt", "mailops.exchange.rest", OPTIONS)
    assert len(key) == _run.KEY_LENGTH
    assert int(key, 16) >= 0


def test_what_dead_runs_left_is_swept(tmp_path: Path, ended: Run) -> None:
    alive = Run.of(os.getpid())
    for run in (ended, alive):
        _run.make_private(tmp_path / run.name)
    (tmp_path / ended.name / "salt").write_bytes(b"x")
    (tmp_path / "mailops-exchange-0-something-else").mkdir()
    link = tmp_path / Run(ended.pid, "1").name
    link.symlink_to(tmp_path / alive.name)
    _run.sweep(tmp_path)
    assert not (tmp_path / ended.name).exists()
    assert (tmp_path / alive.name).exists()
    assert (tmp_path / "mailops-exchange-0-something-else").exists()
    assert link.is_symlink()


def test_a_run_that_is_alive_where_its_number_is_another_is_not_swept(ended: Run) -> None:
    """Two containers that share a place for sockets do not know each other's processes."""
    with tempfile.TemporaryDirectory() as base:  # a short name, since a socket's has a limit
        directory = Path(base) / ended.name
        _run.make_private(directory)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.bind(str(directory / _run.CONTROL))
            control.listen()
            _run.sweep(Path(base))
            assert directory.exists()
        _run.sweep(Path(base))
        assert not directory.exists()


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    code = (
        "import fcntl, os, sys\n"
        "handle = os.open(sys.argv[1], os.O_RDWR)\n"
        "try:\n"
        "    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError:\n"
        "    sys.exit(3)\n"
    )

    def attempt() -> int:
        return subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False).returncode

    with _run.locked(tmp_path):
        assert attempt() == 3
    assert attempt() == 0
