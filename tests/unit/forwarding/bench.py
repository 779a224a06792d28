# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an ordinary module's main() as Ansible does: arguments as JSON in, one JSON result out."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from fakes import install

MODULES = "ansible_collections.mailops.exchange.plugins.modules"
ROUTING = "contoso.mail.onmicrosoft.com"


@contextlib.contextmanager
def _arguments(arguments: dict[str, Any]) -> Iterator[None]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # cores before 2.17 take them here
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        yield
        return
    with patch_module_args(arguments):
        yield


def run(name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
    """One task: the module's result, failed or not."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
    out, told = io.StringIO(), []  # in a process that also has the controller's parts, core shows warnings elsewhere
    warn = mock.patch.object(basic.AnsibleModule, "warn", lambda _module, text: told.append(text))
    with _arguments(arguments), warn, contextlib.redirect_stdout(out):
        try:
            importlib.import_module(f"{MODULES}.{name}").main()
        except SystemExit:
            pass
        else:
            raise AssertionError("a module ends by exit_json or fail_json")
    found: dict[str, Any] = json.loads(out.getvalue().strip().splitlines()[-1])
    return {**found, "warnings": told}


def row(user: str, **more: Any) -> dict[str, Any]:
    """A forward of a user of example.com."""
    return {"address": f"{user}@example.com", "routing_address": f"{user}@{ROUTING}", **more}


def line(user: str, keep: bool = False) -> str:
    """A forward as a line of a Postfix map."""
    return f"{user}@example.com {f'{user}@example.com, ' if keep else ''}{user}@{ROUTING}\n"


class Machine:
    """An instance of Postfix that does not run, in a folder of its own."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder, self.state = folder, state
        self.path = folder / "coexistence"
        self.main_cf = folder / "main.cf"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "queue").mkdir(exist_ok=True)
        (folder / "data").mkdir(exist_ok=True)
        self.main_cf.write_text(
            f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\n"
            f"# theirs\nvirtual_alias_maps =\n    hash:{folder}/virtual\n# last\n",
            encoding="utf-8",
        )
        (folder / "master.cf").touch()
        theirs = {
            "info": "user1@example.com",
            "team": "anna@example.com, bert, team@example.com",
            "own": "Own@Example.com",
            "same": f"same@example.com, same@{ROUTING}",
            "out": "somebody@elsewhere.example",
        }
        self.map("virtual", "".join(f"{name}@example.com {goal}\n" for name, goal in theirs.items()))

    def map(self, name: str, text: str, kind: str = "hash") -> None:
        """Write a map of somebody else's."""
        (self.folder / name).write_text(text, encoding="utf-8")
        if kind != "texthash":
            subprocess.run([self.tool("postmap"), "-c", str(self.folder), f"{kind}:{self.folder / name}"], check=True)

    @staticmethod
    def tool(name: str) -> str:
        """The program that the module would find."""
        return shutil.which(name) or f"/usr/sbin/{name}"

    def options(self, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A task's options."""
        return {"forwards": list(rows), "config_directory": str(self.folder), "path": str(self.path), **more}

    def task(self, *rows: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """One task, failed or not."""
        return run("postfix_forwarding", check, **self.options(*rows, **more))

    def done(self, *rows: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """One task that must not fail."""
        result = self.task(*rows, check=check, **more)
        assert not result.get("failed"), result["msg"]
        return result

    def answers(self, user: str, kind: str = "hash") -> str:
        """What the map in use says of a user; "" for nothing."""
        name = f"{kind}:{self.path}"
        command = [self.tool("postmap"), "-c", str(self.folder), "-q", "-", name]
        done = subprocess.run(command, input=f"{user}@example.com\n", capture_output=True, text=True, check=False)
        assert not done.stderr, done.stderr
        return done.stdout.partition("\t")[2].strip()

    def bytes(self) -> dict[str, bytes]:
        """Every file of the folder, indexes left out: Berkeley DB marks each build."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file() and path.suffix != ".db"}

    def files(self) -> list[str]:
        """The names of all files."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())


class Mailboxes:
    """A host whose one program is a stand-in with its state in a file."""

    def __init__(self, folder: Path, module: str, program: str, state: dict[str, Any], **options: Any) -> None:
        self.module, self.place = module, folder / "state.json"
        self.options = {program: str(folder / "bin" / program), **options}
        install(folder / "bin", f"{program}.py", self.place, program)
        self.put(state)

    def put(self, state: dict[str, Any]) -> None:
        """Replace the state."""
        self.place.write_text(json.dumps(state), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        """The state."""
        found: dict[str, Any] = json.loads(self.place.read_text(encoding="utf-8"))
        return found

    def task(self, *rows: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """One task, failed or not."""
        return run(self.module, check, **{**self.options, "forwards": list(rows), **more})

    def done(self, *rows: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """One task that must not fail."""
        result = self.task(*rows, check=check, **more)
        assert not result.get("failed"), result["msg"]
        return result

    def restored(self, result: dict[str, Any], **more: Any) -> None:
        """Undo a change by what it said."""
        for step in result["restore"]:
            self.done(*step["forwards"], state=step["state"], **more)
