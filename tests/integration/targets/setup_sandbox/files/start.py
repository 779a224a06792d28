# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates a tenant and leaves a sandbox running: `start.py SANDBOX FOLDER` prints its ready line and its process id."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def main(sandbox: Path, folder: Path) -> None:
    """Start the process in a session of its own, so that it outlives this one."""
    generate = [sys.executable, "-B", str(sandbox / "generate"), "--seed", "1", "--users", "40", str(folder)]
    subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)
    serve = [sys.executable, "-B", str(sandbox / "serve"), "--port", "0", "--mail", "--tenant", str(folder)]
    log = (folder.parent / "sandbox.log").open("w", encoding="utf-8")
    process = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        sys.exit(f"the sandbox did not start: {(folder.parent / 'sandbox.log').read_text(encoding='utf-8')}")
    print(json.dumps({"ready": json.loads(line), "process": process.pid}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
