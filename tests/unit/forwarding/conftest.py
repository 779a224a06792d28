# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine whose Postfix programs are stand-ins."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from fakes import install, postfix

from .bench import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The stand-ins stand first in PATH; what a module calls is called without a process for each, to save hundreds of them."""
    state = tmp_path / "state"
    state.mkdir()
    install(tmp_path / "bin", "postfix.py", state, "postmap", "postconf", "postfix")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def call(_self: Any, arguments: list[str], data: str | None = None, **_more: Any) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdin", io.StringIO(data or ""))
            try:
                code = postfix.call(Path(arguments[0]).name, state, arguments[1:])
            except SystemExit as end:
                code = int(str(end.code))
        return code, out.getvalue(), err.getvalue()

    monkeypatch.setattr(AnsibleModule, "run_command", call)
    return Machine(tmp_path / "postfix", state)
