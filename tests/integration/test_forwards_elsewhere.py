# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole waves whose forwards a cPanel host keeps, or a person enters into Google's address map."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import install
from harness.play import Player
from harness.tenant import Sandbox

from .test_forwards import HOST, figures, good, lines_of, plan, routing, wave

__all__ = ["plan", "wave"]
THEIRS = ["out@example.com", "a@elsewhere.example"]


@pytest.fixture
def panel(player: Player, plan: dict[str, Any], wave: list[str], tmp_path: Path) -> Path:
    """The state of a cPanel host that has a mailbox for each user of the wave; the plan switches forwards there."""
    state = tmp_path / "cpanel.json"
    domain = {"forwarders": [THEIRS], "boxes": dict.fromkeys(wave, 12.5), "mxcheck": "local"}
    state.write_text(json.dumps({"account": "acme", "domains": {"example.com": domain}}), encoding="utf-8")
    install(tmp_path / "bin", "uapi.py", state, "uapi")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    player.inventory = {"all": {**player.inventory["all"], "hosts": {HOST: local}}}
    plan |= {"coexistence_forwarding_backend": "cpanel", "coexistence_forwarding_host": HOST}
    plan |= {"source_forwarding_uapi": str(tmp_path / "bin" / "uapi"), "source_forwarding_account": "acme"}
    return state


def forwarders(state: Path) -> list[list[str]]:
    """The host's forwarders."""
    found: list[list[str]] = json.loads(state.read_text(encoding="utf-8"))["domains"]["example.com"]["forwarders"]
    return sorted(found)


def test_a_wave_on_cpanel_asks_before_it_fills_mailboxes_then_switches_and_goes_back(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], panel: Path
) -> None:
    writes = len(sandbox.writes())
    refused = player.run("mailops.exchange.cutover", plan)
    assert refused.code != 0
    assert "in a wave coexistence_forward_keep_copy" in refused.output
    assert (len(sandbox.writes()), forwarders(panel)) == (writes, [THEIRS]), "neither the group nor the source"
    keeping = plan | {"coexistence_forward_keep_copy": "true"}
    moved = good(player.run("mailops.exchange.cutover", keeping))
    there = sorted([THEIRS, *([user, user.replace("@example.com", f"@{routing(player)}")] for user in wave)])
    assert forwarders(panel) == there
    assert figures(moved)["the source"]["switched_on"] == len(wave)
    good(player.run("mailops.exchange.rollback", keeping))
    assert forwarders(panel) == [THEIRS]


def test_a_wave_for_googles_address_map_is_a_file_until_a_dump_shows_its_lines(
    player: Player, plan: dict[str, Any], wave: list[str], tmp_path: Path
) -> None:
    file, dump = tmp_path / "map.csv", tmp_path / "dump.csv"
    extra = plan | {"coexistence_forwarding_backend": "google", "source_forwarding_dest": str(file)}
    moved = good(player.run("mailops.exchange.cutover", extra))
    assert f"{len(wave)} forwards go into the file for google" in moved.output
    rows = sorted(line.split(",") for line in file.read_text(encoding="utf-8").splitlines())
    assert rows == sorted([user, user.replace("@example.com", f"@{routing(player)}")] for user in wave)
    dump.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    seen = {"source_forwarding_confirm": True, "source_forwarding_dump": str(dump)}
    shown = good(player.run("mailops.exchange.cutover", extra | seen))
    assert figures(shown)["the source"]["confirmed"] is True
    good(player.run("mailops.exchange.rollback", extra | {"coexistence_accept_risks": ["U8"]}))
    assert lines_of(file) == {}


def test_two_accounts_of_one_cpanel_host_are_switched_by_the_options_of_their_sources(player: Player, tmp_path: Path) -> None:
    ways, states = [], {}
    for name in ("east", "west"):
        states[name] = tmp_path / f"{name}.json"
        domain = {"forwarders": [THEIRS], "boxes": {}, "mxcheck": "local"}
        states[name].write_text(json.dumps({"account": name, "domains": {"example.com": domain}}), encoding="utf-8")
        install(tmp_path / name, "uapi.py", states[name], "uapi")
        forward = {"address": f"anna.{name}@example.com", "routing_address": f"anna.{name}@contoso.mail.onmicrosoft.com"}
        options = {"account": name, "uapi": str(tmp_path / name / "uapi")}
        ways.append({"name": name, "backend": "cpanel", "host": HOST, "state": "on", "forwards": [forward], "options": options})
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    player.inventory = {"all": {**player.inventory["all"], "hosts": {HOST: local}}}
    extra = {"source_forwarding_ways": ways, "source_forwarding_keep_copy": True, "source_forwarding_account": "nobody"}
    play = tmp_path / "switch.yml"
    play.write_text(SWITCH, encoding="utf-8")
    good(player.run(str(play), extra))
    for name, state in states.items():
        own = [f"anna.{name}@example.com", f"anna.{name}@contoso.mail.onmicrosoft.com"]
        assert forwarders(state) == sorted([own, THEIRS])
    assert good(player.run(str(play), extra)).changed == 0


SWITCH = """
- hosts: mail.example.com
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: mailops.exchange.source_forwarding
"""
