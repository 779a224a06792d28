# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconcile by real playbooks: who is put back is noted before, and no forward is switched on until the membership acts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, people, same_calls, variables
from harness.play import Player, Run
from harness.tenant import Sandbox, generate

GROUP = "Migrated@example.com"
RECONCILE = "mailops.exchange.reconcile"


@pytest.fixture(scope="module")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people to move, and a room of the tenant."""
    return generate(tmp_path_factory.mktemp("two") / "tenant", kinds={"stub": 2, "noobj": 1, "room": 1})


@pytest.fixture(scope="module")
def shared_sandbox(tenant_folder: Path) -> Iterator[Sandbox]:
    """A sandbox of its own for them."""
    with Sandbox([tenant_folder], "--mail") as sandbox:
        yield sandbox


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


def screen(run: Run) -> str:
    """What it shows."""
    good(run)
    return "\n".join([event["result"]["screen"] for event in run.results if event["result"].get("screen")][-1])


def figures(run: Run) -> dict[str, dict[str, int]]:
    """What it left for the next job: what was found and what was mended, without what is none."""
    (found,) = run.custom["_run"]["coexistence_reconcile"].values()
    return {name: {kind: number for kind, number in found[name].items() if number} for name in ("found", "mended")}


@pytest.fixture
def moved(player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path) -> dict[str, Any]:
    """Both moved long ago; then one of them and the room are lost from the group, and a dump shows the other forward off; time stands."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    extra = variables(tenant_folder) | {"coexistence_probe_outside_sender": "", "coexistence_forwarding_backend": "csv"}
    extra |= {"source_forwarding_dest": str(file)}
    good(player.run("mailops.exchange.setup", extra))
    lost, off = people(tenant_folder, "stub")
    good(player.run("mailops.exchange.cutover", extra | {"coexistence_users": [lost, off]}))
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    dump.write_text("".join(line for line in lines if not line.startswith(off)), encoding="utf-8")
    file.unlink()
    sandbox.control("PUT", "/clock", {"advance": 2 * 3600, "rate": 1})
    sandbox.control("PUT", "/state", {"noun": "DistributionGroup", "identity": GROUP, "set": {"_members": [off]}})
    sandbox.control("DELETE", "/calls")
    return extra | {"source_forwarding_dump": str(dump)}


def test_a_lost_member_is_noted_and_put_back_and_forwards_wait_until_the_membership_acts(
    player: Player, sandbox: Sandbox, tenant_folder: Path, moved: dict[str, Any]
) -> None:
    lost, off = people(tenant_folder, "stub")
    file = Path(moved["source_forwarding_dest"])
    (room,) = people(tenant_folder, "room")
    found = {"lost_members": 1, "missing_forwards": 1, "new_recipients": 1}
    seen = player.run(RECONCILE, moved)
    assert f"1 read in the tenant and are not in the group ({lost}); left as it is" in screen(seen)
    assert f"U28 {room}: 1 recipient (roommailbox)" in screen(seen)
    assert figures(seen) == {"found": found, "mended": {}}
    members, fix = ({**moved, "coexistence_reconcile_fix": which} for which in ("members", "members,forwards"))
    announced = good(player.run(RECONCILE, members, "--check"))
    assert (sandbox.writes(), file.exists()) == ([], False)
    done = player.run(RECONCILE, members)
    made = [(call["cmdlet"], call["parameters"]) for call in sandbox.writes()]
    assert [name for name, _parameters in made] == ["Set-DistributionGroup", "Add-DistributionGroupMember"]
    assert same_calls(announced.calls, made) == same_calls(done.calls, made) == []
    assert f"({lost}); mended now" in screen(done)
    assert f"({off}); left as it is" in screen(done)
    assert figures(done) == figures(announced) == {"found": found, "mended": {"lost_members": 1}}
    for early in (player.run(RECONCILE, fix, "--check"), player.run(RECONCILE, fix)):
        assert f"({off}); left until " in screen(early)
        assert "when the membership acts: run again then" in screen(early)
        assert (early.changed, file.exists()) == (0, False)
        assert figures(early) == {"found": {"missing_forwards": 1, "new_recipients": 1}, "mended": {}}
    sandbox.control("PUT", "/clock", {"advance": 3600})
    late = player.run(RECONCILE, fix)
    assert f"({off}); mended now" in screen(late)
    assert figures(late) == {"found": {"missing_forwards": 1, "new_recipients": 1}, "mended": {"missing_forwards": 1}}
    assert f"{off}," in file.read_text(encoding="utf-8")
