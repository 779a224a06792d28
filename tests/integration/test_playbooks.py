# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook in order: what is announced is what is done, a second run does nothing, teardown restores."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, STEPS, same_calls, survey, variables
from harness.compare import differences
from harness.play import Player, Run, outside, tool
from harness.tenant import Sandbox
from programs.sandbox import HOW, inventory_of

# How a warning begins that a guard asked for.
GUARDS_SAY = ("told: ", "accepted: ")


def server_writes(sandbox: Sandbox) -> list[tuple[str, dict[str, Any]]]:
    """The writes that reached the service, in order."""
    return [(call["cmdlet"], call["parameters"]) for call in sandbox.writes()]


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


def checked(player: Player, sandbox: Sandbox, playbook: str, extra: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Announce; then do, do again and look at the state in one run; the calls that were made."""
    sandbox.control("DELETE", "/calls")
    announced = good(player.run(f"mailops.exchange.{playbook}", extra, "--check", "--diff"))
    assert server_writes(sandbox) == [], "check mode sends Get- cmdlets only"
    done, again, status = good(player.run(player.chain(playbook, playbook, "status"), extra)).plays
    made = server_writes(sandbox)
    assert same_calls(announced.calls, made) == [], playbook
    assert same_calls(done.calls, made) == [], f"{playbook}: every write of the three runs is the first one's"
    assert (again.changed, again.calls, status.changed, status.calls) == (0, [], 0, []), again.output
    said = [text for text in done.warnings if not text.startswith(GUARDS_SAY)]
    assert said == [], "nobody but a guard that tells has anything to say"
    return made


@pytest.mark.parametrize("order", ["documented", "loop_free"])
def test_calls_of_check_equal_those_of_the_run_and_the_servers_log(
    player: Player, sandbox: Sandbox, tenant_folder: Path, order: str
) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    found = sandbox.objects()
    extra = variables(tenant_folder) | {"coexistence_teardown_order": order}
    for playbook, more in STEPS:
        assert checked(player, sandbox, playbook, extra | more), f"{playbook} did something"
    assert differences(found, sandbox.objects()) == [], "the tenant is as it was found"


def test_a_half_made_tenant_is_completed(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    extra = variables(tenant_folder)
    good(player.run("mailops.exchange.setup", extra))
    sandbox.control("PUT", "/state", {"noun": "TransportRule", "identity": "Coexistence", "remove": True})
    sandbox.control("PUT", "/state", {"noun": "AcceptedDomain", "identity": "example.com", "set": {"DomainType": "Authoritative"}})
    made = checked(player, sandbox, "setup", extra)
    assert {name for name, _unused in made} == {"Set-AcceptedDomain", "New-TransportRule"}


def test_the_commands_that_the_sandbox_prints_can_be_played(player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    path = inventory_of(tmp_path, sandbox, tenant_folder, CLOCK_RATE)
    own = replace(player, inventory=json.loads(path.read_text(encoding="utf-8")))
    commands = [shlex.split(line) for line in HOW.splitlines() if line.strip().startswith("ansible-playbook")]
    runs = [good(own.run(playbook, {}, *options)) for _program, _flag, _inventory, playbook, *options in commands]
    (moved,) = runs[-1].custom["_run"]["coexistence_cutover"].values()
    assert (len(runs), moved["refused"], moved["moved"] > 0) == (3, [], True)


def test_the_one_liner_without_an_inventory(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    entry = sandbox.tenants[0]
    environment = player.environ() | {
        "EXCHANGE_CLIENT_ID": entry["client_id"],
        "EXCHANGE_CLIENT_SECRET": entry["client_secret"],
        "EXCHANGE_ENDPOINT": entry["endpoint"],
        "EXCHANGE_AUTHORITY": entry["authority"],
        "EXCHANGE_CA_CERT": sandbox.ready["ca_cert"],
        "EXCHANGE_SUBMISSION_USER": entry["submission"]["user"],
        "EXCHANGE_SUBMISSION_PASSWORD": entry["submission"]["password"],
        "ANSIBLE_INVENTORY_ENABLED": "host_list",
    }
    ways = {name: value for name, value in outside(sandbox.ready).items() if name.startswith("coexistence_")}
    extra = survey(variables(tenant_folder)) | {"coexistence_hosts": "all"}
    command = [tool("ansible-playbook"), "-i", f"{entry['organization']},", "-c", "mailops.exchange.rest", "mailops.exchange.setup"]
    command += ["-e", json.dumps(ways)]
    for name, value in extra.items():
        command += ["-e", f"{name}={value}"]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "New-TransportRule" in {name for name, _parameters in server_writes(sandbox)}
