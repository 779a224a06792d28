# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated tenant of a molecule scenario: `python -m programs.scenario start|as-found|stop FOLDER`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.coexistence import CLOCK_RATE, variables
from harness.compare import differences
from harness.play import host, inventory, outside
from harness.tenant import SANDBOX, Sandbox

START = SANDBOX.parent / "integration" / "targets" / "setup_sandbox" / "files" / "start.py"
# Seconds for a sandbox to end: a hang bound.
END = 20


def _note(folder: Path) -> Path:
    return folder / "sandbox.json"


def _reach(folder: Path) -> Sandbox:
    """The sandbox that an earlier `start` left running."""
    sandbox = Sandbox([folder / "tenant"])
    sandbox.ready = json.loads(_note(folder).read_text(encoding="utf-8"))["ready"]
    return sandbox


def start(folder: Path) -> int:
    """Leaves a sandbox running and notes how to reach it, how its tenant was found, and the tenant as molecule's inventory."""
    if _note(folder).exists():
        raise SystemExit(f"{_note(folder)} tells of a sandbox that nobody ended: run `molecule destroy` first.")
    command = [sys.executable, "-B", str(START), str(SANDBOX), str(folder / "tenant")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    _note(folder).touch(0o600)
    _note(folder).write_text(done.stdout, encoding="utf-8")
    sandbox = _reach(folder)
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    (folder / "found.json").write_text(json.dumps(sandbox.objects()), encoding="utf-8")
    path = folder / "inventory" / "tenant.yml"
    path.touch(0o600)
    tenant = host(sandbox.tenants[0], sandbox.ready["ca_cert"], **outside(sandbox.ready), **variables(folder / "tenant"))
    path.write_text(json.dumps(inventory({"tenant": tenant})), encoding="utf-8")
    print(f"sandbox {json.loads(done.stdout)['process']} runs on {sys.executable}")
    return 0


def as_found(folder: Path) -> int:
    """One line for each property of the tenant that is not as `start` found it; 1 if there are any."""
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    left = differences(found, _reach(folder).objects())
    print(*left, f"{len(left)} differences from how the tenant was found", sep="\n")
    return 1 if left else 0


def command_of(process: int) -> str:
    """The command line of a process; empty when it has ended."""
    if Path("/proc/self/cmdline").exists():
        place = Path(f"/proc/{process}/cmdline")
        return place.read_text(encoding="utf-8").replace("\0", " ") if place.exists() else ""
    done = subprocess.run(["ps", "-o", "command=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def stop(folder: Path) -> int:
    """Ends the sandbox that `start` left, if one runs; a process that is not the sandbox of this folder is left alone."""
    if not _note(folder).exists():
        print("no sandbox runs")
        return 0
    process = json.loads(_note(folder).read_text(encoding="utf-8"))["process"]
    own = str(folder / "tenant")
    limit = time.monotonic() + END
    if own in command_of(process):
        os.kill(process, signal.SIGTERM)
    while own in command_of(process):
        if time.monotonic() > limit:
            raise SystemExit(f"the sandbox, process {process}, did not end within {END} s of SIGTERM: end it by hand.")
        time.sleep(0.05)
    _note(folder).unlink()
    print(f"sandbox {process} ended")
    return 0


ACTIONS = {"start": start, "as-found": as_found, "stop": stop}


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ACTIONS:
        raise SystemExit(f"usage: scenario {'|'.join(ACTIONS)} FOLDER")
    sys.exit(ACTIONS[sys.argv[1]](Path(sys.argv[2]).resolve()))
