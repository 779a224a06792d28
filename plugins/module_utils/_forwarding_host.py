# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The mail host that an ordinary module runs on: its commands and files, each change recorded, and the edge to Ansible."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ._forwarding import ForwardingError

STAGED = ".mailops"  # what a file's new text is called until it is put in place
READABLE = 0o644  # Postfix's maps and main.cf hold no secrets, and its programs read them as several users


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """What it said of its failure, on one line."""
        said = " ".join((self.err.strip() or self.out.strip()).split())
        return said or f"it ended with {self.code} and said nothing"


class Reader:
    """Files of this machine, read only."""

    def __init__(self, *, check: bool = False) -> None:
        self.check = check
        self.commands: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def read(self, path: str) -> str | None:
        """A file's text; None when there is none. Raises ForwardingError when it cannot be read."""
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ForwardingError(
                [f"{path} cannot be read: {error.strerror}; run the task with the rights to read it (become)."]
            ) from error

    def changed(self, path: str) -> int | None:
        """When a file was last changed, in nanoseconds of this machine's clock; None when there is none. Raises ForwardingError."""
        try:
            return os.stat(path).st_mtime_ns
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ForwardingError([f"{path} cannot be looked at: {error.strerror}; run the task with the rights to (become)."]) from error


class Host(Reader):
    """Commands and files of this machine. In check mode changes are recorded and not made."""

    def __init__(self, module: AnsibleModule) -> None:
        super().__init__(check=bool(module.check_mode))
        self.module = module

    def program(self, name: str) -> str:
        """The full path of a program. Raises ForwardingError."""
        found = name if os.path.isabs(name) and os.access(name, os.X_OK) else self.module.get_bin_path(name)
        if not found:
            raise ForwardingError([f"{name} is not on this host; run the task on the mail host itself, or name the program's path."])
        return str(found)

    def ask(self, arguments: Sequence[str], data: str | None = None) -> Done:
        """Run a command that only reads."""
        code, out, err = self.module.run_command(list(arguments), data=data, environ_update={"LC_ALL": "C"}, binary_data=data is not None)
        return Done(code, out, err)

    def do(self, arguments: Sequence[str], shown: Sequence[str] | None = None) -> Done | None:
        """Run a command that changes something; None in check mode. shown: what the result tells of it."""
        self.commands.append({"command": list(shown or arguments)})
        return None if self.check else self.ask(arguments)

    @contextlib.contextmanager
    def alone(self, folder: str) -> Iterator[None]:
        """Keep a second run out of the folder's files until the end. Raises ForwardingError when one is under way."""
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise ForwardingError([f"{folder} cannot be opened: {error.strerror}; name a file in a folder that is there."]) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ForwardingError([f"another run changes forwards in {folder} right now; run again when it has ended."]) from error
        finally:
            os.close(handle)

    def stage(self, path: str, text: str) -> str:
        """Write a file's new text beside it, whole and on disk; returns that place."""
        fresh = path + STAGED
        if not self.check:
            with open(fresh, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
        return fresh

    def move(self, fresh: str, path: str) -> None:
        """Put a staged file in place at once, with the owner, the mode and the context of the one that it replaces."""
        self.commands.append({"write": path})
        if self.check:
            return
        handle = os.open(fresh, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            old = os.stat(path)
            os.chown(fresh, old.st_uid, old.st_gid)
            os.chmod(fresh, old.st_mode & 0o7777)
        if not os.path.exists(path):
            os.chmod(fresh, READABLE)
        if self.module.selinux_enabled():
            context = self.module.selinux_context(path) if os.path.exists(path) else self.module.selinux_default_context(path)
            self.module.set_context_if_different(fresh, context, False)
        os.replace(fresh, path)
        self._settle(path)

    def date(self, path: str, changed: int) -> None:
        """Give a file a time, in nanoseconds: it says when a forward was last switched, and not when its text was written anew."""
        if not self.check:
            os.utime(path, ns=(changed, changed))

    def note(self, path: str) -> None:
        """Leave a mark that outlives a crash; says nothing in the result."""
        if not self.check:
            os.replace(self.stage(path, ""), path)
            self._settle(path)

    def forget(self, path: str) -> None:
        """Take such a mark, or what an interrupted run staged, away."""
        if not self.check:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def remove(self, path: str) -> None:
        """Remove a file."""
        self.commands.append({"remove": path})
        if not self.check:
            os.unlink(path)
            self._settle(path)

    @staticmethod
    def _settle(path: str) -> None:
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


AnyReader = TypeVar("AnyReader", bound=Reader)


def lines(done: Done, what: str, remedy: str) -> list[str]:
    """A command's output by lines. Raises ForwardingError when it failed or complained."""
    if done.code != 0 or done.err.strip():
        raise ForwardingError([f"{what}: {done.why}; {remedy}"])
    return done.out.splitlines()


def outcome(work: Callable[[Mapping[str, Any], AnyReader], dict[str, Any]], params: Mapping[str, Any], host: AnyReader) -> dict[str, Any]:
    """The result of some work, every failure one line."""
    try:
        result = work(params, host)
    except ForwardingError as error:
        text, problems = str(error), error.problems
    except OSError as error:
        text = f"{error.filename or 'a file'}: {error.strerror or error}; see that it can be written (become) and that its disk has room."
        problems = [text]
    else:
        return {"changed": bool(host.commands), "commands": host.commands, **result}
    made = [] if host.check else host.commands
    return {"failed": True, "msg": text, "problems": problems, "changed": bool(made), "commands": made}


def main(arguments: Mapping[str, Any], work: Callable[[Mapping[str, Any], Host], dict[str, Any]]) -> None:
    """Run an ordinary module: options in, result out."""
    module = AnsibleModule(argument_spec=dict(arguments), supports_check_mode=True)
    host = Host(module)
    result = outcome(work, module.params, host)
    if result.get("failed"):
        module.fail_json(**result)
    for text in host.warnings:
        module.warn(text)
    module.exit_json(**result)
