# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on an emulated tenant: set up, move a wave, run again, roll back, tear down to the state that was found."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from harness.coexistence import ABANDONED, CLOCK_RATE, variables
from harness.compare import differences
from harness.play import Player, Run, host, inventory, outside
from harness.tenant import Sandbox, generate

USERS = 40


class Demo:
    """Runs the steps, prints each, and keeps the figures."""

    def __init__(self, sandbox: Sandbox, player: Player) -> None:
        self.sandbox = sandbox
        self.player = player
        self.total: Counter[str] = Counter()

    def step(self, title: str, playbook: str, extra: dict[str, Any], *, unchanged: bool = False) -> None:
        """One playbook: its changes, calls and seconds; ends the program when it fails, or writes when it should not."""
        before, writes_before = len(self.sandbox.calls()), len(self.sandbox.writes())
        started = time.monotonic()
        run = self.player.run(f"mailops.exchange.{playbook}", extra)
        seconds = time.monotonic() - started
        calls, writes = len(self.sandbox.calls()) - before, self.sandbox.writes()[writes_before:]
        print(f"\n{title}: {run.changed} changed, {len(writes)} writes, {calls - len(writes)} reads, {seconds:.1f} s")
        for call in writes:
            print(f"  {call['cmdlet']} {_brief(call['parameters'])}")
        self.total.update(steps=1, changed=run.changed, writes=len(writes), calls=calls)
        _insist(run.code == 0, f"{title} failed", run)
        if unchanged:
            _insist(run.changed == 0 and not writes, f"{title} changed something", run)


def _brief(parameters: dict[str, Any]) -> str:
    shown = []
    for name, value in parameters.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        shown.append(f"{name}={text if len(text) <= 60 else text[:57] + '...'}")
    return " ".join(shown)


def _insist(true: bool, text: str, run: Run) -> None:
    if not true:
        raise SystemExit(f"{run.output}\ndemo: {text}")


def main() -> int:
    """The whole story; 0 when every step did what it should."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mailops-demo-") as name:
        folder = Path(name)
        tenant = generate(folder / "tenant", users=USERS)
        with Sandbox([tenant], "--mail") as sandbox:
            sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
            entry = sandbox.tenants[0]
            hosts = {entry["organization"]: host(entry, sandbox.ready["ca_cert"], **outside(sandbox.ready))}
            player = Player(Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]), folder, inventory(hosts))
            found, extra, wave = sandbox.objects(), variables(tenant), {"coexistence_wave": "wave1"}
            demo = Demo(sandbox, player)
            print(f"A tenant with the captured objects of a real one and {USERS} people: {entry['organization']}")
            demo.step("Set up", "setup", extra)
            demo.step("Set up again", "setup", extra, unchanged=True)
            demo.step("Wave 1 moves", "cutover", extra | wave)
            demo.step("Wave 1 again", "cutover", extra | wave, unchanged=True)
            demo.step("Wave 1 goes back", "rollback", extra | wave)
            demo.step("Tear down", "teardown", extra | ABANDONED)
            demo.step("Tear down again", "teardown", extra, unchanged=True)
            left = differences(found, sandbox.objects())
    for line in left:
        print(f"  not as found: {line}")
    figures = f"{demo.total['steps']} playbooks, {demo.total['changed']} tasks changed, {demo.total['writes']} writes"
    state = "tenant as found" if not left else f"{len(left)} differences left"
    print(f"\ndemo: {figures}, {demo.total['calls']} calls, {state}, {time.monotonic() - started:.0f} s")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
