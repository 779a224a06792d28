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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.coexistence import CLOCK_RATE, people, variables
from harness.compare import differences
from harness.play import Player, Run, player_of
from harness.project import Project
from harness.tenant import Sandbox, generate

from programs.witness import Witness

USERS = 40
# Seconds of the service's clock after which a new rule surely acts in the emulated tenant.
LATENCY = 3600
# It ends while people still read at the source, by the connector: who has not moved is hurt as before it began, and the role says how.
ABANDONED = {"coexistence_accept_risks": ["U2", "U3", "U12"]}


class Demo:
    """Runs the steps, prints each, and keeps the figures."""

    def __init__(self, sandbox: Sandbox, player: Player, witness: Witness) -> None:
        self.sandbox = sandbox
        self.player = player
        self.witness = witness
        self.total: Counter[str] = Counter()

    def step(
        self, title: str, playbook: str, extra: dict[str, Any], *, unchanged: bool = False, hands: Callable[[], None] | None = None
    ) -> None:
        """One playbook: its changes, calls and seconds; ends the program when it fails, or writes when it should not.

        hands: what a project does by itself after it. Then follow who receives where, and mail from everywhere to everybody.
        """
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
        if hands is not None:
            hands()
        self.witness.after(title, run, unchanged=unchanged)


def _brief(parameters: dict[str, Any]) -> str:
    shown = []
    for name, value in parameters.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        shown.append(f"{name}={text if len(text) <= 60 else text[:57] + '...'}")
    return " ".join(shown)


def _insist(true: bool, text: str, run: Run) -> None:
    if not true:
        raise SystemExit(f"{run.output}\ndemo: {text}")


class Wave:
    """What a project does by its own hands while its first wave moves and goes back."""

    def __init__(self, project: Project, users: list[str]) -> None:
        self.project = project
        self.users = users

    def acts(self) -> None:
        """Wait until transport acts on the new rules."""
        made = self.project.called("New-TransportRule")
        self.project.until(self.project.after(made, LATENCY))

    def moves(self) -> None:
        """Forward, sync for the last time, and note who reads in the tenant."""
        self.project.forward(self.users, on=True)
        self.project.sync(self.users, last=True)
        self.project.at_home(self.users, "tenant")

    def goes_back(self) -> None:
        """End the forwards, and note who reads at the source."""
        self.project.forward(self.users, on=False)
        self.project.at_home(self.users, "source")


def play(sandbox: Sandbox, tenant: Path, folder: Path) -> tuple[Demo, list[str]]:
    """Every step; the figures, and what is not as it was found."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    entry = sandbox.tenants[0]
    player = player_of(sandbox, Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]), folder)
    found, extra, wave = sandbox.objects(), variables(tenant), {"coexistence_wave": "wave1"}
    users = of_wave(tenant, "wave1")
    sources = {domain: one["name"] for one in sandbox.ready["foreign"] for domain in one["domains"]}
    hands = Wave(Project(sandbox, tenant, entry["routing_domain"], people(tenant, "pilot")[0], sources), users)
    demo = Demo(sandbox, player, Witness(sandbox, player, extra, users, _insist))
    print(f"A tenant with the captured objects of a real one and {USERS} people: {entry['organization']}\n")
    demo.witness.look()
    demo.step("Set up", "setup", extra, hands=hands.acts)
    demo.step("Set up again", "setup", extra, unchanged=True)
    demo.step("Wave 1 moves", "cutover", extra | wave, hands=hands.moves)
    demo.step("Wave 1 again", "cutover", extra | wave, unchanged=True)
    hands.goes_back()
    demo.step("Wave 1 goes back", "rollback", extra | wave)
    demo.step("Tear down", "teardown", extra | ABANDONED)
    demo.step("Tear down again", "teardown", extra, unchanged=True)
    return demo, differences(found, sandbox.objects())


def of_wave(tenant: Path, wave: str) -> list[str]:
    """The users of a wave."""
    lines = (tenant / "waves.csv").read_text(encoding="utf-8").splitlines()
    return [user for user, _unused, own in (line.partition(",") for line in lines) if own == wave]


def main() -> int:
    """The whole story; 0 when every step did what it should, and all mail ended where it should."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mailops-demo-") as name:
        folder = Path(name)
        tenant = generate(folder / "tenant", users=USERS)
        with Sandbox([tenant], "--mail") as sandbox:
            demo, left = play(sandbox, tenant, folder)
    for line in left:
        print(f"  not as found: {line}")
    figures = f"{demo.total['steps']} playbooks, {demo.total['changed']} tasks changed, {demo.total['writes']} writes"
    state = "tenant as found" if not left else f"{len(left)} differences left"
    mail = demo.witness.judge.figures()
    print(f"\ndemo: {figures}, {demo.total['calls']} calls, {state}, {mail}, {time.monotonic() - started:.0f} s")
    return 1 if left or demo.witness.judge.problems else 0


if __name__ == "__main__":
    sys.exit(main())
