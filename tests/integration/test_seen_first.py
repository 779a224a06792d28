# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwards go on only when the membership is seen to act, and users leave the group only when their forwards are seen to be off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, people
from harness.play import Player
from harness.project import Project
from harness.tenant import Sandbox

WAVE = {"coexistence_wave": "wave1"}
# Real seconds that a wait may take here, where an hour of the service's clock is one.
SHORT = {"coexistence_effect_timeout": 5}
MEMBERS = ("Add-DistributionGroupMember", "Remove-DistributionGroupMember")


@pytest.fixture
def plan(sandbox: Sandbox, standing: dict[str, Any]) -> dict[str, Any]:
    """The variables of a tenant that is set up."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    return standing | WAVE


@pytest.fixture
def project(sandbox: Sandbox) -> Project:
    """The hands that switch forwards at the source."""
    sources = {domain: one["name"] for one in sandbox.ready["foreign"] for domain in one["domains"]}
    return Project(sandbox, sandbox.folders[0], sandbox.tenants[0]["routing_domain"], people(sandbox.folders[0], "pilot")[0], sources)


def wave(sandbox: Sandbox) -> list[str]:
    """The users of the first wave."""
    lines = (sandbox.folders[0] / "waves.csv").read_text(encoding="utf-8").splitlines()
    return sorted(line.partition(",")[0] for line in lines if line.endswith(",wave1"))


def written(sandbox: Sandbox) -> list[str]:
    """The changes of membership since the calls were forgotten."""
    return [call["cmdlet"] for call in sandbox.writes() if call["cmdlet"] in MEMBERS]


def test_a_cutover_that_gave_up_on_its_probes_gives_up_again_while_the_membership_does_not_act(
    sandbox: Sandbox, player: Player, plan: dict[str, Any], tmp_path: Path
) -> None:
    sandbox.control("PUT", "/parameters", {"membership_latency": 1_000_000})
    file = tmp_path / "forwards.csv"
    extra = plan | SHORT | {"coexistence_forwarding_backend": "csv", "source_forwarding_dest": str(file)}
    first = player.run("mailops.exchange.cutover", extra)
    assert first.code != 0
    assert "do not show it: mail from tenant to" in first.output
    # The hour is long over by now, and the membership still does not act.
    sandbox.control("PUT", "/clock", {"advance": 7200})
    second = player.run("mailops.exchange.cutover", extra)
    assert second.code != 0, second.output
    assert "do not show it: mail from tenant to" in second.output
    assert not file.exists(), "no forward is handed to anybody"
    sandbox.control("PUT", "/parameters", {"membership_latency": 0})
    sandbox.control("PUT", "/clock", {"advance": 1_000_000})
    third = player.run("mailops.exchange.cutover", extra)
    assert third.code == 0, third.output
    assert file.exists()


def test_nobody_leaves_the_group_while_a_forward_is_on_that_people_switch(
    sandbox: Sandbox, player: Player, plan: dict[str, Any], project: Project
) -> None:
    moved = player.run("mailops.exchange.cutover", plan)
    assert moved.code == 0, moved.output
    users = wave(sandbox)
    assert f"{len(users)} forwards are yours to switch on at the source" in moved.output
    project.forward(users, on=True)
    sandbox.control("DELETE", "/calls")
    still = player.run("mailops.exchange.rollback", plan | SHORT)
    assert still.code != 0
    assert "not shown yet, the forwards to be off" in still.output
    assert "U8" in still.failures[-1]
    assert "is still forwarded at the source: a probe from outside reached the tenant" in still.failures[-1]
    assert f"{len(users)} forwards are yours to switch off at the source" in still.output
    assert written(sandbox) == []
    project.forward(users, on=False)
    back = player.run("mailops.exchange.rollback", plan)
    assert back.code == 0, back.output
    assert written(sandbox) == [MEMBERS[1]] * len(users)


def test_without_a_probe_nothing_shows_that_forwards_are_off(sandbox: Sandbox, player: Player, plan: dict[str, Any]) -> None:
    blind = plan | {"coexistence_probe_outside_sender": ""}
    assert player.run("mailops.exchange.cutover", plan).code == 0
    sandbox.control("DELETE", "/calls")
    refused = player.run("mailops.exchange.rollback", blind)
    assert refused.code != 0
    assert "U8" in refused.failures[-1]
    assert "coexistence_probe_outside_sender" in refused.failures[-1]
    assert written(sandbox) == []
    accepted = player.run("mailops.exchange.rollback", blind | {"coexistence_accept_risks": ["U8"]})
    assert accepted.code == 0, accepted.output
    assert written(sandbox) == [MEMBERS[1]] * len(wave(sandbox))


def test_a_rollback_is_judged_before_a_forward_is_switched(sandbox: Sandbox, player: Player, plan: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "forwards.csv"
    extra = plan | {"coexistence_forwarding_backend": "csv", "source_forwarding_dest": str(file)}
    assert player.run("mailops.exchange.cutover", extra).code == 0
    before = file.read_text(encoding="utf-8")
    named = {"coexistence_wave": "", "coexistence_users": [*wave(sandbox), "nobody.of.that.name@example.com"]}
    sandbox.control("DELETE", "/calls")
    refused = player.run("mailops.exchange.rollback", extra | named)
    assert refused.code != 0
    assert "U7" in refused.failures[-1]
    assert file.read_text(encoding="utf-8") == before
    assert sandbox.writes() == []


def test_a_dump_shows_that_forwards_are_off_where_nothing_can_be_probed(
    sandbox: Sandbox, player: Player, plan: dict[str, Any], tmp_path: Path
) -> None:
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    extra = plan | {"coexistence_forwarding_backend": "csv", "source_forwarding_dest": str(file), "coexistence_probe_outside_sender": ""}
    assert player.run("mailops.exchange.cutover", extra).code == 0
    users = wave(sandbox)
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    sandbox.control("DELETE", "/calls")
    told = player.run("mailops.exchange.rollback", extra)
    assert told.code != 0
    assert f"nothing shows that the forwards of {len(users)} users are off" in told.failures[-1]
    assert "source_forwarding_dump" in told.failures[-1]
    assert "not probed, the forwards to be off" in told.output
    dump.write_text("\n".join([header, lines[0], ""]), encoding="utf-8")
    still = player.run("mailops.exchange.rollback", extra | {"source_forwarding_dump": str(dump)})
    assert still.code != 0
    assert "U8 (1)" in still.failures[-1]
    assert "is still forwarded at the source" in still.failures[-1]
    assert written(sandbox) == []
    dump.write_text(f"{header}\n", encoding="utf-8")
    back = player.run("mailops.exchange.rollback", extra | {"source_forwarding_dump": str(dump)})
    assert back.code == 0, back.output
    assert written(sandbox) == [MEMBERS[1]] * len(users)
