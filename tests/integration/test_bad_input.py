# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one line that names the value and the remedy, nothing written, every problem of a file at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import variables
from harness.play import Player
from harness.tenant import Sandbox

Prepare = Callable[[Player, Sandbox, Path], None]


def host_variables(player: Player) -> dict[str, Any]:
    """The variables of the only host, to be changed in place."""
    hosts: dict[str, dict[str, Any]] = player.inventory["all"]["children"]["exchange_tenants"]["hosts"]
    return next(iter(hosts.values()))


def wrong_secret(player: Player, _sandbox: Sandbox, _folder: Path) -> None:
    host_variables(player)["ansible_exchange_client_secret"] = "not-the-secret-of-this-application"


def expired_certificate(player: Player, sandbox: Sandbox, _folder: Path) -> None:
    host = host_variables(player)
    del host["ansible_exchange_client_secret"]
    host["ansible_exchange_credential"] = "certificate"
    host["ansible_exchange_certificate_path"] = sandbox.tenants[0]["expired_certificate_path"]


def unreachable(player: Player, _sandbox: Sandbox, _folder: Path) -> None:
    host_variables(player)["ansible_exchange_endpoint"] = "https://127.0.0.1:9"
    host_variables(player)["ansible_exchange_max_attempts"] = 1


def no_role(_player: Player, sandbox: Sandbox, _folder: Path) -> None:
    sandbox.faults({"match": {}, "action": {"status": 403}, "times": 0})


def dehydrated(_player: Player, sandbox: Sandbox, _folder: Path) -> None:
    sandbox.control("PUT", "/state", {"noun": "OrganizationConfig", "identity": organization(sandbox), "set": {"IsDehydrated": True}})


def organization(sandbox: Sandbox) -> str:
    (row,) = next(iter(sandbox.state()["tenants"].values()))["objects"]["OrganizationConfig"]
    return str(row["Name"])


@dataclass(frozen=True)
class Case:
    """extra: variables that are wrong. files: texts written beside, by variable. parts: what the message must hold."""

    parts: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    playbook: str = "setup"
    prepare: Prepare | None = None


CASES: dict[str, Case] = {
    "malformed CSV": Case(("line 2",), {}, {"coexistence_source_file": 'address,kind,owner,home\n"anna@example.com,mailbox,,source\n'}),
    "all problems of a file with line numbers": Case(
        ("line 2", "line 4", "not-an-address", "mailbocks"),
        {},
        {
            "coexistence_source_file": "address,kind,owner,home\nnot-an-address,mailbox,,source\n"
            "good@example.com,mailbox,,source\nx@example.com,mailbocks,,source\n"
        },
    ),
    "unknown user": Case(
        ("nobody-knows@example.com",),
        {"coexistence_wave": "wave1"},
        {"coexistence_waves_file": "user,wave\nnobody-knows@example.com,wave1\n"},
        "cutover",
    ),
    "duplicate user": Case(
        ("line 3", "user0001@example.com"),
        {"coexistence_wave": "wave1"},
        {"coexistence_waves_file": "user,wave\nuser0001@example.com,wave1\nUser0001@example.com,wave1\n"},
        "cutover",
    ),
    "user in two waves": Case(
        ("line 3", "user0001@example.com", "wave1", "wave2"),
        {"coexistence_wave": "wave1"},
        {"coexistence_waves_file": "user,wave\nuser0001@example.com,wave1\nuser0001@example.com,wave2\n"},
        "cutover",
    ),
    "bad domain": Case(("exam ple.com",), {"coexistence_domain": "exam ple.com"}),
    "domain not in the tenant": Case(("elsewhere.example",), {"coexistence_domain": "elsewhere.example"}),
    "bad address": Case(("not-an-address",), {"coexistence_group_address": "not-an-address"}),
    "range wider than /24": Case(("192.0.0.0/16", "/24"), {"coexistence_source_ip_ranges": "192.0.0.0/16"}),
    "smart host with a port": Case(("mail.example.net:587", "port"), {"coexistence_smart_hosts": "mail.example.net:587"}),
    "wrong secret": Case(("AADSTS7000215", "secret"), prepare=wrong_secret),
    "expired certificate": Case(("expired",), prepare=expired_certificate),
    "unreachable endpoint": Case(("127.0.0.1:9",), prepare=unreachable),
    "403 without a role": Case(("Exchange.ManageAsApp", "role"), prepare=no_role),
    "dehydrated tenant": Case(("Enable-OrganizationCustomization",), prepare=dehydrated),
}


@pytest.mark.parametrize("name", list(CASES))
def test_bad_input_is_named_in_one_line_and_nothing_is_written(
    request: pytest.FixtureRequest, player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    extra = variables(tenant_folder) | case.extra
    for variable, text in case.files.items():
        path = tmp_path / f"{variable}.csv"
        path.write_text(text)
        extra[variable] = str(path)
    if case.playbook != "setup":
        request.getfixturevalue("standing")
    if case.prepare:
        case.prepare(player, sandbox, tenant_folder)
    run = player.run(f"mailops.exchange.{case.playbook}", extra)
    assert run.code != 0, run.output
    message = run.failures[0]
    assert "\n" not in message.strip(), message
    for part in case.parts:
        assert part in message, f"{part!r} is not in: {message}"
    assert "Traceback" not in run.output
    assert sandbox.writes() == []
