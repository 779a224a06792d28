# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays through the connection and the action plugin: what runs, what is refused, what is shown."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness.play import Player, Run, host, inventory
from harness.tenant import Sandbox, generate

ORGANIZATION = "contoso.onmicrosoft.com"
SECRET = "a-long-secret-that-must-not-be-shown"
READ: dict[str, Any] = {"mailops.exchange.cmdlet": {"cmdlet": "Get-OrganizationConfig"}}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One tenant."""
    folder = generate(tmp_path_factory.mktemp("tenant") / "contoso", organization=ORGANIZATION, users=2)
    with Sandbox([folder]) as sandbox:
        yield sandbox


@pytest.fixture
def tenant(sandbox: Sandbox) -> dict[str, Any]:
    """The variables of its host."""
    sandbox.reset()
    return host(sandbox.tenants[0], sandbox.ready["ca_cert"])


def player(tree: Path, folder: Path, tenant: Mapping[str, Any], name: str = "contoso", **environment: str) -> Player:
    return Player(tree, folder, inventory({name: tenant}), environment)


def without(tenant: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in tenant.items() if name not in names}


def messages(run: Run) -> list[str]:
    assert all("\n" not in text for text in run.failures)
    return run.failures


def test_a_read_a_write_and_the_same_in_check_mode(tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox) -> None:
    new = {"cmdlet": "New-RemoteDomain", "parameters": {"Name": "partner", "DomainName": "partner.example"}}
    tasks: list[dict[str, Any]] = [READ, {"mailops.exchange.cmdlet": new}]
    play = player(tree, tmp_path, tenant)
    checked = play.run(play.tasks(tasks), None, "--check")
    assert sandbox.writes() == []
    real = play.run(play.tasks(tasks))
    assert (checked.code, real.code, checked.changed, real.changed) == (0, 0, 1, 1)
    assert checked.calls == real.calls == [("New-RemoteDomain", {"Name": "partner", "DomainName": "partner.example"})]
    assert [call["cmdlet"] for call in sandbox.writes()] == ["New-RemoteDomain"]
    assert real.results[0]["result"]["rows"][0]["Name"]


def test_what_would_run_on_the_controller_is_refused(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    marker = tmp_path / "marker"
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.command": f"touch {marker}", "ignore_errors": True},
        {"ansible.builtin.copy": {"content": "x", "dest": str(marker)}, "ignore_errors": True},
        {"ansible.builtin.setup": {}, "ignore_errors": True},
        {**READ, "async": 30, "poll": 1, "ignore_errors": True},
        {**READ, "become": True, "ignore_errors": True},
        {**READ, "delegate_to": "localhost", "ignore_errors": True},
        {"ansible.builtin.command": f"touch {marker}.delegated", "delegate_to": "localhost"},
    ]
    play = player(tree, tmp_path, tenant)
    failures = messages(play.run(play.tasks(tasks)))
    assert len(failures) == 6
    assert all("would run on the controller" in text and "gather_facts: false" in text for text in failures[:3])
    assert [word for word, text in zip(("'async'", "'become'", "'local'"), failures[3:], strict=True) if word in text] == [
        "'async'",
        "'become'",
        "'local'",
    ]
    assert not marker.exists()
    assert (tmp_path / "marker.delegated").exists()


def test_gathering_facts_is_refused(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    play = player(tree, tmp_path, tenant)
    (failure,) = messages(play.run(play.tasks([READ], gather_facts=True)))
    assert "gather_facts: false" in failure


def test_every_bad_option_is_named_at_once(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    play = player(tree, tmp_path, tenant)
    (failure,) = messages(play.run(play.tasks([{"mailops.exchange.cmdlet": {"unknown": 1, "parameters": "no table"}}])))
    for word in ("unknown", "parameters", "cmdlet"):
        assert word in failure


def test_no_secret_is_shown_at_any_verbosity(tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox) -> None:
    (tmp_path / "secret.json").write_text(json.dumps({"password": SECRET}))
    secret = "{{ password }}"
    task = {"cmdlet": "Set-TransportConfig", "secret_parameters": {"Comment": secret}, "parameters": {"Unknown": secret}}
    tasks: list[dict[str, Any]] = [{"mailops.exchange.cmdlet": task, "ignore_errors": True}, READ]
    play = player(tree, tmp_path, tenant)
    run = play.run(play.tasks(tasks), None, "-vvvvv", "-e", f"@{tmp_path / 'secret.json'}")
    assert run.code == 0
    assert SECRET in str(sandbox.writes())
    shown = run.output + json.dumps(run.events)
    assert SECRET not in shown
    assert str(tenant["ansible_exchange_client_secret"]) not in shown
    assert "mailops.exchange.cmdlet" in shown


def test_reset_connection_signs_in_again(tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox) -> None:
    before = len(sandbox.control("GET", "/tokens"))
    hidden = {**tenant, "secret_word": tenant["ansible_exchange_client_secret"], "ansible_exchange_client_secret": "{{ secret_word }}"}
    play = player(tree, tmp_path, hidden)
    assert play.run(play.tasks([READ, READ, {"ansible.builtin.meta": "reset_connection"}, READ, READ])).code == 0
    assert len(sandbox.control("GET", "/tokens")) - before == 2


def test_a_pipe_behind_the_play_ends_with_it(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    play = player(tree, tmp_path, tenant)
    command = play.command(play.tasks([READ]), {})
    begun = time.monotonic()
    done = subprocess.run(command, env=play.environ(), capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode()
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(("name", "works"), [(ORGANIZATION, True), ("contoso", False), ("10.0.0.7", False)])
def test_the_address_names_the_tenant_if_it_can(tree: Path, tmp_path: Path, tenant: dict[str, Any], name: str, works: bool) -> None:
    play = player(tree, tmp_path, without(tenant, "ansible_exchange_organization"), name)
    run = play.run(play.tasks([READ]))
    if works:
        assert run.code == 0
    else:
        (failure,) = messages(run)
        assert f"'{name}'" in failure
        assert "ansible_exchange_organization" in failure


def test_an_address_variable_names_the_tenant(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    variables = {**without(tenant, "ansible_exchange_organization"), "ansible_host": "{{ own }}", "own": ORGANIZATION}
    play = player(tree, tmp_path, variables)
    assert play.run(play.tasks([READ])).code == 0


def test_options_may_come_from_the_environment(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    variables = {name: value for name, value in tenant.items() if not name.startswith("ansible_exchange_")}
    options = {name: value for name, value in tenant.items() if name not in variables}
    environment = {name.upper().removeprefix("ANSIBLE_"): str(value) for name, value in options.items()}
    play = player(tree, tmp_path, variables, **environment)
    assert play.run(play.tasks([READ])).code == 0


@pytest.mark.parametrize(("name", "works"), [("fabrikam.example", False), (ORGANIZATION.upper(), True), ("a-friendly-name", True)])
def test_a_tenant_that_is_left_in_the_environment_is_not_written_to_by_another_tenants_host(
    tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox, name: str, works: bool
) -> None:
    variables = without(tenant, "ansible_exchange_organization")
    play = player(tree, tmp_path, variables, name, EXCHANGE_ORGANIZATION=ORGANIZATION)
    before = len(sandbox.calls())
    run = play.run(play.tasks([READ]))
    assert (run.code == 0) == works, run.output
    if not works:
        (failure,) = messages(run)
        assert "'fabrikam.example' names a tenant itself" in failure
        assert "Unset EXCHANGE_ORGANIZATION" in failure
        assert len(sandbox.calls()) == before


def test_defaults_for_the_group_of_modules(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    play = player(tree, tmp_path, tenant)
    defaults = {"group/mailops.exchange.exchange": {"cmdlet": "Get-OrganizationConfig"}}
    run = play.run(play.tasks([{"mailops.exchange.cmdlet": {}}], module_defaults=defaults))
    assert (run.code, run.failures) == (0, [])


def test_a_loop_and_the_services_warnings(tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox) -> None:
    play = player(tree, tmp_path, tenant)
    parameters = {"Identity": "example.com", "DomainType": "{{ item | default('InternalRelay') }}"}
    task = {"mailops.exchange.cmdlet": {"cmdlet": "Set-AcceptedDomain", "parameters": parameters}}
    run = play.run(play.tasks([{**task, "loop": ["Authoritative", "InternalRelay"]}, task]))
    assert run.code == 0
    assert [call["parameters"]["DomainType"] for call in sandbox.writes()] == ["Authoritative", "InternalRelay", "InternalRelay"]
    assert any("no settings of" in text for text in run.warnings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ansible_exchange_client_secret": "a-wrong-made-up-secret"}, ["AADSTS7000215", "ansible_exchange_client_secret"]),
        ({"ansible_exchange_endpoint": "https://127.0.0.1:9"}, ["127.0.0.1:9 cannot be reached", "ansible_exchange_endpoint"]),
        ({"ansible_exchange_authority": "https://127.0.0.1:9"}, ["could not reach 127.0.0.1:9", "ansible_exchange_proxy"]),
        ({"ansible_exchange_client_id": None}, ["ansible_exchange_client_id is not set"]),
        ({"ansible_exchange_cloud": "moon"}, ["moon"]),
    ],
)
def test_bad_options_fail_in_one_line(tree: Path, tmp_path: Path, tenant: dict[str, Any], change: dict[str, Any], words: list[str]) -> None:
    play = player(tree, tmp_path, {**tenant, "ansible_exchange_max_attempts": 1, **change})
    run = play.run(play.tasks([READ]))
    (failure,) = messages(run) if "moon" not in words else run.failures
    assert [word for word in words if word not in failure] == []


def test_nothing_is_left_behind(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    play = player(tree, tmp_path, tenant, XDG_RUNTIME_DIR=str(runtime))
    assert play.run(play.tasks([READ])).code == 0
    deadline = time.monotonic() + 10
    while list(runtime.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_task_that_ran_out_of_time_leaves_the_session_usable(
    tree: Path, tmp_path: Path, tenant: dict[str, Any], sandbox: Sandbox
) -> None:
    before = len(sandbox.control("GET", "/tokens"))
    sandbox.control("PUT", "/faults", [{"match": {"cmdlet": "Get-TransportConfig"}, "action": {"delay": 5}}])
    slow = {"mailops.exchange.cmdlet": {"cmdlet": "Get-TransportConfig"}, "timeout": 1, "ignore_errors": True}
    play = player(tree, tmp_path, tenant)
    run = play.run(play.tasks([READ, slow, READ]))
    assert [event["event"] for event in run.results] == ["ok", "failed", "ok"]
    assert len(sandbox.control("GET", "/tokens")) - before == 1


def test_progress_is_shown_while_a_task_runs(tree: Path, tmp_path: Path, tenant: dict[str, Any]) -> None:
    play = player(tree, tmp_path, tenant)
    task = {"seconds": 2, "interval": 1, "reason": "a change of a test"}
    book = play.tasks([{"mailops.exchange.coexistence_wait": task}])
    command = play.command(book, {})
    shown: list[float] = []
    with subprocess.Popen(
        command, env=play.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        shown = [time.monotonic() for line in process.stdout if "[contoso] waiting for a change of a test" in line]
        ended = time.monotonic()
    assert process.returncode == 0
    assert ended - shown[0] >= 1
