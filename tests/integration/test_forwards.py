# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave switches its forwards where they are kept: on the mail host, or in a file; and its rollback ends them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import install
from harness.coexistence import CLOCK_RATE, variables
from harness.play import Player, Run
from harness.tenant import Sandbox

HOST = "mail.example.com"
FORWARD = "zimbraMailForwardingAddress"


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


@pytest.fixture
def wave(sandbox: Sandbox) -> list[str]:
    """The users of the first wave."""
    lines = (sandbox.folders[0] / "waves.csv").read_text(encoding="utf-8").splitlines()
    return sorted(line.partition(",")[0] for line in lines if line.endswith(",wave1"))


@pytest.fixture
def plan(sandbox: Sandbox, player: Player) -> dict[str, Any]:
    """A tenant that is set up, and the variables for its first wave."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    found = variables(sandbox.folders[0])
    good(player.run("mailops.exchange.setup", found))
    # Nothing of the sandbox's own foreign host is switched here, so that nothing is to be seen from outside.
    return found | {"coexistence_wave": "wave1", "coexistence_probe_outside_sender": ""}


def lines_of(file: Path) -> dict[str, str]:
    """Address and target of every line of a provider's file that sets something."""
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return {row[0]: row[1] for row in rows if row[3] == "set"}


def test_a_wave_writes_a_providers_file_and_its_rollback_takes_the_lines_out(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], tmp_path: Path
) -> None:
    file, delta = tmp_path / "forwards.csv", tmp_path / "delta.csv"
    extra = plan | {"coexistence_forwarding_backend": "csv"}
    extra |= {"source_forwarding_dest": str(file), "source_forwarding_delta": str(delta)}
    good(player.run("mailops.exchange.cutover", extra, "--check"))
    assert not file.exists()
    moved = good(player.run("mailops.exchange.cutover", extra))
    assert "loop variable" not in moved.output
    found = lines_of(file)
    assert sorted(found) == wave
    assert len({target.partition("@")[2] for target in found.values()}) == 1
    writes = len(sandbox.writes())
    again = good(player.run("mailops.exchange.cutover", extra))
    assert (again.changed, len(sandbox.writes())) == (0, writes)
    good(player.run("mailops.exchange.rollback", extra))
    assert lines_of(file) == {}
    assert delta.read_text(encoding="utf-8").count(",remove,") == len(wave)


def test_a_wave_switches_the_forwards_on_the_mail_host(player: Player, plan: dict[str, Any], wave: list[str], tmp_path: Path) -> None:
    state = tmp_path / "zimbra.json"
    state.write_text(json.dumps({"accounts": {user: {"zimbraMailStatus": ["enabled"]} for user in wave}, "aliases": {}}), encoding="utf-8")
    install(tmp_path / "bin", "zmprov.py", state, "zmprov")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    player.inventory = {"all": {**player.inventory["all"], "hosts": {HOST: local}}}
    extra = plan | {"coexistence_forwarding_backend": "zimbra", "coexistence_forwarding_host": HOST}
    extra |= {"source_forwarding_zmprov": str(tmp_path / "bin" / "zmprov")}

    def forwarded() -> list[str]:
        accounts = json.loads(state.read_text(encoding="utf-8"))["accounts"]
        return sorted(name for name, values in accounts.items() if values.get(FORWARD))

    good(player.run("mailops.exchange.cutover", extra))
    assert forwarded() == wave
    assert json.loads(state.read_text(encoding="utf-8")).get("silent", []) == []
    assert good(player.run("mailops.exchange.cutover", extra)).changed == 0
    good(player.run("mailops.exchange.rollback", extra))
    assert forwarded() == []


def test_the_role_by_itself_needs_nothing_but_its_back_end(player: Player, tmp_path: Path) -> None:
    file = tmp_path / "forwards.csv"
    rows = [{"address": "anna@example.com", "routing_address": "anna@contoso.mail.onmicrosoft.com"}]
    names = {"source_forwarding_backend": "csv", "source_forwarding_forwards": rows, "source_forwarding_dest": str(file)}
    local = {"all": {"hosts": {HOST: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    apart = Player(player.collections, tmp_path, local)
    role = [{"include_role": {"name": "mailops.exchange.source_forwarding"}, "vars": names}]
    run = good(apart.run(apart.tasks(role)))
    assert lines_of(file) == {"anna@example.com": "anna@contoso.mail.onmicrosoft.com"}
    assert run.custom["_run"]["source_forwarding"][HOST]["switched_on"] == 1
    unnamed = apart.run(apart.tasks([{**role[0], "vars": {**names, "source_forwarding_backend": None}}]))
    assert unnamed.code != 0
    assert any("backend is empty" in text for text in unnamed.failures)
