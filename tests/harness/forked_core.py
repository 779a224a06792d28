# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has imported ansible-core and the collection, and forks one ansible-playbook for each line that it reads.

A line: {"command": [...], "environment": {...}, "output": file}. It answers {"pid": N} at the start of a run and {"code": N} at its end,
where a negative N is the signal that ended it. Everything of the environment but what a run reads by itself must be as it is here, since
core reads its settings when it is imported.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import multiprocessing.util
import os
import sys
import traceback
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from ansible.cli.playbook import main as ansible_playbook
from ansible.plugins.loader import action_loader, init_plugin_loader

# What a run of ansible-playbook imports beside, in any case.
IMPORTED = (
    "ansible.executor.module_common",
    "ansible.executor.playbook_executor",
    "ansible.executor.process.worker",
    "ansible.module_utils.basic",
    "ansible.playbook.included_file",
    "ansible.playbook.role_include",
    "ansible.plugins.action",
    "ansible.plugins.callback",
    "ansible.plugins.connection",
    "ansible.plugins.strategy",
)
# And the collection's code, which each run compiles anew, since core keeps no bytecode of collections. The plugin that all of them import.
PLUGIN = "mailops.exchange.coexistence_plan_info"


def play(request: dict[str, Any], lines: int, answers: int) -> NoReturn:
    """Become the run: a process group of its own, nothing of the parent's to read or to clean up."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.close(lines)
        os.close(answers)
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(request["environment"])
        atexit._clear()
        sys.argv = request["command"]
        ansible_playbook()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, it is shown where the run's output goes
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        multiprocessing.util._exit_function()  # type: ignore[attr-defined]  # its own registration was the parent's
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until there is no more to read."""
    # Whatever prints here, or reads, has nothing to do with the requests.
    lines, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for name in IMPORTED:
        importlib.import_module(name)
    # Each run does so again, with the same paths, and would be told that it has been done.
    init_plugin_loader()
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    action_loader.get(PLUGIN, class_only=True)
    gc.collect()
    gc.freeze()
    with os.fdopen(lines, closefd=False) as requests:
        for line in iter(requests.readline, ""):
            pid = os.fork()
            if not pid:
                play(json.loads(line), lines, answers)
            # Whoever comes first: the group is there before anybody hears of it.
            with suppress(PermissionError, ProcessLookupError):
                os.setpgid(pid, pid)
            os.write(answers, json.dumps({"pid": pid}).encode() + b"\n")
            _pid, status = os.waitpid(pid, 0)
            os.write(answers, json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


if __name__ == "__main__":
    main()
