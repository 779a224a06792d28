# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook under ansible-runner, as AWX runs it: survey-style variables in, counts and refusals out by set_stats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
from harness.coexistence import CLOCK_RATE, STEPS, survey, variables
from harness.play import Player
from harness.tenant import Sandbox


def under_runner(player: Player, folder: Path, playbook: str, extra: dict[str, str]) -> tuple[str, dict[str, Any], str]:
    """The run's status, what set_stats left, and the output."""
    run = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=f"mailops.exchange.{playbook}",
        inventory=str(player.inventory_path),
        extravars=extra,
        envvars={key: value for key, value in player.environ().items() if key.startswith("ANSIBLE_")},
        quiet=True,
        settings={"idle_timeout": 120, "job_timeout": 300},
    )
    output = "".join(str(event.get("stdout", "")) + "\n" for event in run.events)
    stats: dict[str, Any] = next((event for event in run.events if event["event"] == "playbook_on_stats"), {})
    return str(run.status), dict(stats.get("event_data", {}).get("artifact_data", {})), output


@pytest.mark.parametrize("wave", ["wave1"])
def test_every_playbook_runs_from_the_installed_artefact_with_survey_variables(
    player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path, wave: str
) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    for playbook, more in (STEPS[0], ("status", {}), STEPS[1], STEPS[2], STEPS[3]):
        folder = tmp_path / f"runner-{playbook}"
        folder.mkdir()
        extra = survey(variables(tenant_folder) | more | ({"coexistence_wave": wave} if more else {}))
        status, left, output = under_runner(player, folder, playbook, extra)
        assert status == "successful", output
        assert left, f"{playbook} leaves its figures"
        text = json.dumps(left)
        assert "client_secret" not in text
        assert sandbox.tenants[0]["client_secret"] not in text + output


def test_a_refusal_comes_back_by_set_stats(player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path) -> None:
    extra = survey(variables(tenant_folder))
    del extra["coexistence_source_file"]
    extra["coexistence_seed_group"] = "false"
    status, left, output = under_runner(player, tmp_path, "setup", extra)
    assert status == "failed", output
    assert "U4" in json.dumps(left), left
    assert sandbox.writes() == []
