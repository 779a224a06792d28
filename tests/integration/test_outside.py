# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen outside the tenant, by real playbooks on a sandbox with mail and DNS: preflight finds it, and a moved MX is noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, people, same_calls, variables
from harness.play import Player, Run
from harness.tenant import Sandbox, generate

SHARED = "example.com"
# Nobody among them whom a set-up could hurt or overlook.
KINDS = {"pilot": 2, "noobj": 3, "nobody": 1}
NOTED = re.compile(r'"example\.com":"(tenant|the_source) (\d+) ([0-9TZ:-]{20})"')


@pytest.fixture(scope="module")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant of which nobody has anything to say."""
    return generate(tmp_path_factory.mktemp("quiet") / "tenant", kinds=KINDS)


@pytest.fixture(scope="module")
def shared_sandbox(tenant_folder: Path) -> Iterator[Sandbox]:
    """A sandbox of its own for it."""
    with Sandbox([tenant_folder], "--mail") as sandbox:
        yield sandbox


def change(sandbox: Sandbox, **what: Any) -> None:
    """Change the tenant or what lies outside it."""
    sandbox.control("PUT", "/state", what)


def move_mx(sandbox: Sandbox, to: str) -> None:
    change(sandbox, mx={"domain": SHARED, "to": to})


def known(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """Variables of a set-up that looks behind the source, and asks the domain's own server and a resolver that holds old answers."""
    servers = {"coexistence_name_servers": [sandbox.ready["dns"], sandbox.ready["dns_resolver"]]}
    return variables(folder) | {"coexistence_spam_handling": "enhanced_filtering", **servers}


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


def findings(run: Run) -> list[dict[str, Any]]:
    """What the guards said, whether or not they refused."""
    return [finding for event in run.results for finding in event["result"].get("findings", [])]


def screen(run: Run) -> str:
    return "\n".join(line for event in run.results for line in event["result"].get("screen", []))


def shown(run: Run) -> list[str]:
    """What the task printed that shows the screen."""
    return [line for event in run.results if str(event["task"]).rpartition(" : ")[2].startswith("Show ") for line in event["result"]["msg"]]


def checked_by_module(player: Player, extra: dict[str, Any]) -> Run:
    """The same by the module that refuses nothing."""
    options = {name.removeprefix("coexistence_"): value for name, value in extra.items()}
    options = {name: value for name, value in options.items() if name != "effect_interval"}
    return good(player.run(player.tasks([{"mailops.exchange.coexistence_check_info": {**options, "step": "preflight"}}])))


def test_a_good_world_says_nothing_and_shows_what_was_looked_at(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    change(sandbox, noun="AcceptedDomain", identity=SHARED, set={"_ipv6": False})
    extra = known(sandbox, tenant_folder)
    run = good(player.run("mailops.exchange.preflight", extra))
    assert findings(run) == []
    assert run.warnings == []
    assert "domain      example.com: authoritative, MX at the source" in screen(run)
    assert "MX TTL      example.com: 3600 s at its own name servers, and resolvers hold it for " in screen(run)
    assert screen(run).splitlines() == shown(run), "the screen is printed, and not only in the result"
    assert "SPF allows the tenant yes, the source yes" in screen(run)
    assert "takes mail over IPv4 only" in screen(run)
    assert findings(checked_by_module(player, extra)) == []
    assert sandbox.writes() == []


def planted(sandbox: Sandbox) -> None:
    """A policy of rejecting, a resolver that holds another MX, policies of the tenant, a rule of somebody else, and no IPv4 only."""
    change(sandbox, record={"name": f"_dmarc.{SHARED}", "type": "TXT", "texts": ["v=DMARC1; p=reject"], "ttl": 60})
    change(sandbox, record={"name": SHARED, "type": "TXT", "texts": ["v=spf1 ip4:192.0.2.10 -all"], "ttl": 60})
    move_mx(sandbox, "tenant")
    sandbox.control("PUT", "/clock", {"advance": 2 * 3600})
    move_mx(sandbox, "source")
    (organization,) = sandbox.state()["tenants"].values()
    (row,) = organization["objects"]["OrganizationConfig"]
    change(sandbox, noun="OrganizationConfig", identity=row["Name"], set={"RejectDirectSend": True, "AutoForwardingMode": "Off"})
    box = organization["objects"]["Mailbox"][0]["PrimarySmtpAddress"]
    change(sandbox, noun="Mailbox", identity=box, set={"ForwardingSmtpAddress": "smtp:me@elsewhere.example"})
    rule = {
        "Name": "Signature service",
        "State": "Enabled",
        "Mode": "Enforce",
        "Priority": 0,
        "RouteMessageOutboundConnector": "Signatures",
    }
    change(sandbox, noun="TransportRule", add=[rule])


def test_preflight_finds_what_was_planted_with_reason_and_remedy(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    planted(sandbox)
    extra = known(sandbox, tenant_folder) | {"coexistence_spam_handling": "transport_rule"}
    run = player.run("mailops.exchange.preflight", extra)
    assert run.code != 0, "two of them refuse a set-up"
    assert "U15" in run.failures[0]
    for found in (findings(run), findings(checked_by_module(player, extra))):
        said = {(one["id"], one["blocks"]): f"{one['who']}: {one['why']}. {one['remedy']}" for one in found}
        assert "5.7.68" in said["U15", True]
        assert "Signature service" in said["U24", True]
        assert "tenant until 20" in said["U31", False]
        assert "5.7.509" in said["U26", False]
        assert "Disable-IPv6ForAcceptedDomain" in said["U22", False]
        assert "5.7.520" in said["policy", False]
        assert any(one["id"] == "U29" and "does not allow the tenant" in one["why"] for one in found)
        assert any(one["id"] == "U29" and "asks to reject" in one["why"] for one in found)
        assert all(one["remedy"].endswith(".") for one in found)
    text = screen(run)
    assert "some resolvers still hold tenant until" in text
    assert "DMARC: reject" in text
    assert "RejectDirectSend is on" in text
    assert "'Signature service'" in text
    assert text.splitlines() == shown(run), "a refused preflight shows its screen too"
    assert sandbox.writes() == []


def test_a_dehydrated_tenant_is_refused_with_its_remedy(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    (organization,) = sandbox.state()["tenants"].values()
    (row,) = organization["objects"]["OrganizationConfig"]
    change(sandbox, noun="OrganizationConfig", identity=row["Name"], set={"IsDehydrated": True})
    run = player.run("mailops.exchange.preflight", known(sandbox, tenant_folder))
    (failed,) = run.failures
    assert "Enable-OrganizationCustomization" in failed
    text = "\n".join(shown(run))
    assert "domain      example.com: authoritative, MX at the source" in text
    assert "takes rules: no; " in text
    assert sandbox.writes() == []
    refused = player.run("mailops.exchange.setup", known(sandbox, tenant_folder))
    assert "Enable-OrganizationCustomization" in refused.failures[0]
    assert sandbox.writes() == []


def test_name_servers_that_keep_silent_cost_little_and_are_told(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    extra = known(sandbox, tenant_folder) | {"coexistence_name_servers": "127.0.0.1:1"}
    run = good(player.run("mailops.exchange.preflight", extra))
    said = [f"{one['id']} {one['why']}" for one in findings(run)]
    assert any(text.startswith("U1 who takes its mail is not known: 127.0.0.1:1") for text in said)
    assert any(text.startswith("U29 its SPF, DKIM and DMARC records were not read: 127.0.0.1:1") for text in said)
    assert "MX not read (127.0.0.1:1" in screen(run)


def noted(sandbox: Sandbox) -> tuple[str, ...]:
    """Holder, TTL and time that the group's line notes; nothing for none."""
    (organization,) = sandbox.state()["tenants"].values()
    (group,) = [row for row in organization["objects"]["DistributionGroup"] if row["PrimarySmtpAddress"] == f"Migrated@{SHARED}"]
    found = NOTED.search(str(group["Description"]).replace("\\", ""))
    return found.groups() if found else ()


def old_path(player: Player, extra: dict[str, Any], tenant_folder: Path) -> None:
    """While late senders may hold the former MX, and until a host follows the MX or is declared off, forwards may not go."""
    off = extra | {"coexistence_step": "sources_off"}
    early = player.run("mailops.exchange.check", off)
    assert early.code != 0
    (found,) = [one for one in findings(early) if one["id"] == "U13" and one["who"] == SHARED]
    assert "TTL and 72 hours" in found["why"]
    assert f"refuses: U13 {SHARED}" in early.output
    assert [one["refused"] for one in early.custom["_run"]["coexistence_check"].values()] == [True]
    assert [one["who"] for one in findings(early) if one["id"] == "U13"] == [SHARED, "the source"]
    mailbox = people(tenant_folder, "noobj")[0]
    probed = player.run("mailops.exchange.check", off | {"coexistence_inside_probes": [{"recipient": mailbox}]})
    (probe,) = [one for event in probed.results for one in event["result"].get("results", []) if one.get("origin") == "source"]
    assert (probe["result"], probe["place"]) == ("arrived", "source"), probed.output
    inside = [one["why"] for one in findings(probed) if one["who"] == "the source"]
    assert inside == ["no probe from inside it reached the tenant by itself, so its own programs may deliver to the old mailboxes"]
    declared = player.run("mailops.exchange.check", off | {"coexistence_known": {"off": ["source"]}})
    assert [one["who"] for one in findings(declared) if one["id"] == "U13"] == [SHARED]


def test_a_moved_mx_is_noted_once_and_counts_from_then_on(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    extra = known(sandbox, tenant_folder)
    good(player.run("mailops.exchange.setup", extra))
    assert noted(sandbox) == (), "an MX at its source needs no note"
    assert good(player.run("mailops.exchange.reconcile", extra)).changed == 0
    sandbox.control("PUT", "/clock", {"rate": 1})  # an hour's TTL is over at once by the fast clock
    move_mx(sandbox, "tenant")
    status = good(player.run("mailops.exchange.status", extra))
    assert "MX at tenant, seen there since now, some resolvers still hold the source until" in screen(status)
    sandbox.control("DELETE", "/calls")
    announced = good(player.run("mailops.exchange.reconcile", extra, "--check"))
    assert sandbox.writes() == []
    done = good(player.run("mailops.exchange.reconcile", extra))
    made = [(call["cmdlet"], call["parameters"]) for call in sandbox.writes()]
    assert [name for name, _parameters in made] == ["Set-DistributionGroup"]
    assert same_calls(announced.calls, made) == []
    assert same_calls(done.calls, made) == []
    holder, ttl, at = noted(sandbox)
    assert (holder, ttl) == ("tenant", "3600")
    assert good(player.run("mailops.exchange.reconcile", extra)).changed == 0
    assert good(player.run("mailops.exchange.setup", extra)).changed == 0
    assert noted(sandbox) == (holder, ttl, at)
    old_path(player, extra, tenant_folder)
    free = good(
        player.run("mailops.exchange.check", extra | {"coexistence_step": "mx", "coexistence_accept_risks": ["U2", "U4"]}, "--check")
    )
    assert [one["refused"] for one in free.custom["_run"]["coexistence_check"].values()] == [False]
    move_mx(sandbox, "source")
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    good(player.run("mailops.exchange.teardown", extra | {"coexistence_accept_risks": ["U2", "U3"]}))
