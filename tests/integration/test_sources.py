# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several domains from several foreign systems; the other way in; the forwarding list; accepted risks are repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import ABANDONED, CLOCK_RATE, people, variables
from harness.compare import differences
from harness.play import Player
from harness.tenant import Sandbox, generate

OTHER = "test365.tqhjy.dhs.gov"
SOURCES = [
    {"name": "old", "domains": ["example.com"], "smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]},
    {"name": "older", "domains": [OTHER], "smart_hosts": ["192.0.2.11"], "source_ip_ranges": ["192.0.2.11"]},
]


@pytest.fixture(scope="module")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant with two foreign systems behind it."""
    folder = generate(tmp_path_factory.mktemp("tenant") / "tenant")
    hosts = [
        {"name": one["name"], "domains": one["domains"], "addresses": one["smart_hosts"], "names": [f"mx.{one['name']}.example"]}
        for one in SOURCES
    ]
    hosts[1]["file"] = "older.csv"
    (folder / "older.csv").write_text(f"address,kind,owner,home\npostmaster@{OTHER},mailbox,postmaster@{OTHER},\n", encoding="utf-8")
    (folder / "mail.json").write_text(json.dumps({"sources": hosts}), encoding="utf-8")
    return folder


def several(folder: Path, **more: Any) -> dict[str, Any]:
    """Two sources. Nobody of the other domain is in the source list, so that U4 must be accepted."""
    own = {
        "coexistence_domain": "",
        "coexistence_domains": ["example.com", OTHER],
        "coexistence_smart_hosts": [],
        "coexistence_source_ip_ranges": [],
        "coexistence_probe_sender": [f"probe@{one['domains'][0]}" for one in SOURCES],
        "coexistence_validation_recipients": [*people(folder, "noobj")[:1], f"postmaster@{OTHER}"],
        "coexistence_accept_risks": ["U4", *ABANDONED["coexistence_accept_risks"]],
    }
    return variables(folder) | own | more


def objects(sandbox: Sandbox) -> dict[str, Any]:
    """The tenant's objects by noun."""
    (tenant,) = sandbox.state()["tenants"].values()
    return dict(tenant["objects"])


def names(sandbox: Sandbox, noun: str) -> set[str]:
    """The names of the objects of a noun."""
    return {str(row["Name"]) for row in objects(sandbox).get(noun, [])}


def test_each_source_has_its_own_way_and_one_teardown_removes_them_all(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    before = objects(sandbox)
    extra = several(tenant_folder, coexistence_sources=SOURCES)
    run = player.run("mailops.exchange.setup", extra)
    assert run.code == 0, run.output
    assert {"Coexistence (old)", "Coexistence (older)"} <= names(sandbox, "TransportRule")
    ways = {row["Name"].rpartition("(")[2]: row["SmartHosts"] for row in objects(sandbox)["OutboundConnector"]}
    assert ways == {"old)": ["192.0.2.10"], "older)": ["192.0.2.11"]}
    again = player.run("mailops.exchange.setup", extra)
    assert (again.code, again.changed) == (0, 0)
    run = player.run("mailops.exchange.teardown", extra)
    assert run.code == 0, run.output
    assert differences(before, objects(sandbox)) == []


def test_sources_as_text_with_an_inbound_connector_instead_of_a_rule(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    before = objects(sandbox)
    extra = several(tenant_folder, coexistence_sources=json.dumps(SOURCES), coexistence_spam_handling="enhanced_filtering")
    run = player.run("mailops.exchange.setup", extra)
    assert run.code == 0, run.output
    made = names(sandbox, "InboundConnector") - {row["Name"] for row in before["InboundConnector"]}
    assert made == {"Inbound from Shared Namespace (old)", "Inbound from Shared Namespace (older)"}
    again = player.run("mailops.exchange.setup", extra)
    assert (again.code, again.changed) == (0, 0)
    run = player.run("mailops.exchange.teardown", extra)
    assert run.code == 0, run.output
    assert differences(before, objects(sandbox)) == []


def test_a_wave_leaves_its_forwarding_list_and_repeats_what_was_accepted(
    player: Player, sandbox: Sandbox, tenant_folder: Path, tmp_path: Path
) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    assert player.run("mailops.exchange.setup", variables(tenant_folder)).code == 0
    stub = people(tenant_folder, "stub")[0]
    more = {
        "coexistence_users": f"{stub},nobody@example.com",
        "coexistence_accept_risks": "U7",
        "coexistence_forwarding_file": str(tmp_path / "forwards.csv"),
    }
    run = player.run("mailops.exchange.cutover", variables(tenant_folder) | more)
    assert run.code == 0, run.output
    alias = stub.partition("@")[0]
    wanted = f"address,routing_address\n{stub},{alias}@tqhjy.mail.onmicrosoft.com\n"
    assert (tmp_path / "forwards.csv").read_text() == wanted
    assert "accepted: U7 nobody@example.com" in run.output
    (figures,) = run.custom["_run"]["coexistence_cutover"].values()
    assert (figures["moved"], figures["kept"]) == (1, 0)
    assert [one["user"] for one in figures["refused"]] == ["nobody@example.com"]
    again = player.run("mailops.exchange.cutover", variables(tenant_folder) | more)
    assert (again.code, again.changed) == (0, 0)
