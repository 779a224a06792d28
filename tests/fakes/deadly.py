# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postmap and postfix of this machine, behind which a playbook can be ended: NAME STATE [arguments]. STATE is a folder.

Each command that changes something is a line of STATE/seen. STATE/fault.json holds {pid, nth, phase}: at the nth such command, before or
after it runs, everything between this process and the playbook `pid` is ended, itself among it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


def changes(name: str, arguments: list[str]) -> bool:
    """Building a map, and having the instance read its files; asking changes nothing."""
    return "reload" in arguments if name == "postfix" else not {"-s", "-q"} & set(arguments)


def ancestors(until: int) -> list[int]:
    """This process and those above it, the topmost first; [] when `until` is none of them."""
    found, pid = [os.getpid()], os.getppid()
    while pid > 1:
        found.insert(0, pid)
        if pid == until:
            return found
        pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return []


def die(state: Path, fault: dict[str, object], phase: str, number: int) -> None:
    """End the playbook if this is the moment."""
    chain = ancestors(int(str(fault.get("pid", 0))))
    if chain and fault.get("phase") == phase and fault.get("nth") == number:
        (state / "fired").touch()
        for pid in chain:
            os.kill(pid, signal.SIGKILL)


def main() -> int:
    """Run the real program; its exit code."""
    name, state, arguments = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    places = [place for place in os.environ["PATH"].split(os.pathsep) if Path(place) != state]
    real = shutil.which(name, path=os.pathsep.join([*places, "/usr/sbin"]))
    if real is None:
        print(f"{name} is not on this machine", file=sys.stderr)
        return 127
    if not changes(name, arguments):
        return subprocess.run([real, *arguments], check=False).returncode
    with (state / "seen").open("a", encoding="utf-8") as out:
        out.write(f"{name} {' '.join(arguments)}\n")
    number = len((state / "seen").read_text(encoding="utf-8").splitlines())
    fault = json.loads((state / "fault.json").read_text(encoding="utf-8")) if (state / "fault.json").exists() else {}
    die(state, fault, "before", number)
    code = subprocess.run([real, *arguments], check=False).returncode
    die(state, fault, "after", number)
    return code


sys.exit(main())
