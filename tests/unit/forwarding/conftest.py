# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines whose programs are stand-ins. What a module calls is called without a process for each, to save hundreds of them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from fakes import install, postfix, uapi, zmprov

from .bench import Machine, Mailboxes


def _inside(monkeypatch: pytest.MonkeyPatch, program: Callable[[str, Path, list[str]], int], state: Path) -> None:
    """Call a stand-in where a module would start it."""

    def call(_self: Any, arguments: list[str], data: str | None = None, **_more: Any) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdin", io.StringIO(data or ""))
            try:
                code = program(Path(arguments[0]).name, state, arguments[1:])
            except SystemExit as end:
                code = int(str(end.code))
        return code, out.getvalue(), err.getvalue()

    monkeypatch.setattr(AnsibleModule, "run_command", call)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The stand-ins stand first in PATH."""
    state = tmp_path / "state"
    state.mkdir()
    install(tmp_path / "bin", "postfix.py", state, "postmap", "postconf", "postfix")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    _inside(monkeypatch, postfix.call, state)
    return Machine(tmp_path / "postfix", state)


@pytest.fixture
def zimbra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mailboxes:
    """A Zimbra host with users 1 to 3, an alias, and one whose mail somebody else forwards."""
    accounts: dict[str, Any] = {f"user{number}@example.com": {"zimbraMailStatus": ["enabled"]} for number in (1, 2, 3)}
    accounts["out@example.com"] = {"zimbraMailStatus": ["enabled"], "zimbraPrefMailForwardingAddress": ["a@elsewhere.example, b@c.example"]}
    accounts["closed@example.com"] = {"zimbraMailStatus": ["disabled"]}
    state = {"accounts": accounts, "aliases": {"first@example.com": "user1@example.com"}}
    found = Mailboxes(tmp_path, "zimbra_forwarding", "zmprov", state)
    _inside(monkeypatch, zmprov.call, found.place)
    return found


@pytest.fixture
def cpanel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mailboxes:
    """A cPanel host: user1 has no mailbox, user2 has one, user3's is nearly full, out is forwarded by somebody else."""
    boxes = {"user2@example.com": 40, "user3@example.com": 97.5}
    domain = {"forwarders": [["out@example.com", "a@elsewhere.example"]], "boxes": boxes, "mxcheck": "local"}
    other = {"forwarders": [], "boxes": {}, "mxcheck": "auto"}
    state = {"account": "acme", "domains": {"example.com": domain, "other.example": other}}
    found = Mailboxes(tmp_path, "cpanel_forwarding", "uapi", state, account="acme")
    _inside(monkeypatch, uapi.call, found.place)
    return found
