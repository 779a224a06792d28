# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated tenant to try playbooks on: `make sandbox`, or `make sandbox ARGS='--users 200 --rate 3600'`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from harness.coexistence import variables
from harness.play import host, inventory, outside
from harness.tenant import Sandbox, generate

HOW = """\
{organization}: {users} people, {endpoint}, the clock runs {rate} times as fast as ours
calls and objects: {control}/calls {control}/state

In another terminal, from this directory:
  export ANSIBLE_COLLECTIONS_PATH={collections} ANSIBLE_HOME={home} PATH="{bin}:$PATH"
  ansible-playbook -i {inventory} mailops.exchange.setup --check --diff
  ansible-playbook -i {inventory} mailops.exchange.setup
  ansible-playbook -i {inventory} mailops.exchange.cutover -e coexistence_wave=wave1
Ctrl-C ends it and forgets the tenant.
"""
# Seconds between two looks of a wait, however fast the clock runs.
LEAST = 0.2


def _wait() -> None:
    """Returns at Ctrl-C or when asked to end."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return


def inventory_of(work: Path, sandbox: Sandbox, tenant: Path, rate: float) -> Path:
    """The inventory's file. A wait looks once a minute by the tenant's clock, which runs `rate` times as fast as ours."""
    entry = sandbox.tenants[0]
    mail = variables(tenant) | {"coexistence_effect_interval": max(LEAST, 60 / rate)}
    path = work / "inventory.yml"
    content = inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"], **outside(sandbox.ready), **mail)})
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def main() -> int:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="sandbox")
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1.0, help="how much faster than ours the tenant's clock runs")
    given = parser.parse_args()
    work, started = Path(os.environ["MAILOPS_WORK"]), time.monotonic()
    shutil.rmtree(work / "tenant", ignore_errors=True)
    tenant = generate(work / "tenant", users=given.users, seed=given.seed)
    with Sandbox([tenant], "--mail") as sandbox:
        sandbox.control("PUT", "/clock", {"rate": given.rate})
        entry = sandbox.tenants[0]
        places = {
            "control": sandbox.ready["control"],
            "collections": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "home": work / "home",
            "bin": Path(sys.executable).parent,
            "inventory": inventory_of(work, sandbox, tenant, given.rate),
        }
        print(
            HOW.format(organization=entry["organization"], endpoint=entry["endpoint"], users=given.users, rate=given.rate, **places),
            flush=True,
        )
        _wait()
        calls, writes = len(sandbox.calls()), len(sandbox.writes())
    print(f"sandbox: {calls} calls, {writes} writes, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
