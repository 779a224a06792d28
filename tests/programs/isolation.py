# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight tenant identities on one endpoint, kept apart: `make isolation`, or with a fault `make isolation ARGS='--fault cut-key'`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from harness.tenant import Sandbox
from isolation import experiment, world

SHOWN = 5


def main() -> int:
    """Both ways of naming the organization; exit code 1 when anything lay or was signed in at the wrong place."""
    parser = argparse.ArgumentParser(prog="make isolation")
    parser.add_argument("--count", type=int, default=50, help="tasks a host and form (default 50)")
    parser.add_argument("--fault", choices=sorted(experiment.FAULTS), help="build this fault into a copy of the collection first")
    given = parser.parse_args()
    begun = time.monotonic()
    faults: list[str] = []
    objects = refused = tokens = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)[0])
        used = experiment.broken(tree, folder, given.fault) if given.fault else tree
        with Sandbox(world.make_tenants(folder), "--listen", "127.0.0.2") as sandbox:
            for explicit in (True, False):
                outcome = experiment.run(used, folder, sandbox, given.count, explicit=explicit)
                faults += outcome.faults
                objects, refused, tokens = objects + outcome.objects, refused + outcome.refused, tokens + outcome.tokens
    for text in faults[:SHOWN]:
        print(f"  {text}")
    print(
        f"isolation: 8 hosts, {given.count} tasks a host and form, {objects} objects expected, {refused} refusals, {tokens} tokens, "
        f"{len(faults)} faults, {time.monotonic() - begun:.0f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
