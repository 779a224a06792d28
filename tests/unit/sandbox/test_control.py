# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control, the executable scripts, the generator."""

from __future__ import annotations

import ast
import csv
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sandbox as package
from sandbox import ControlError, running
from sandbox.generator import generate
from sandbox.people import KINDS, ONCE

if TYPE_CHECKING:
    from .conftest import Client

HOME = Path(package.__file__).parent


def test_ready_line(tenant: Client) -> None:
    """The ready line holds what the contract names."""
    ready = tenant.sandbox.ready
    assert {"control", "ca_cert", "dns", "tenants", "hosts"} <= set(ready)
    assert {"organization", "endpoint", "authority", "client_id", "client_secret", "certificate_path", "smtp"} <= set(ready["tenants"][0])
    assert tenant.sandbox.ask("GET", "/") == ready
    assert len(ready["tenants"]) == 2


def test_calls(tenant: Client, other: Client) -> None:
    """Calls are listed in order, with everything that tells them apart, and can be filtered."""
    tenant.post("Get-EtrLimits", {}, headers={"client-request-id": "r1", "connection-id": "c1"})
    other.rows("Set-AcceptedDomain", Identity="example.com", DomainType="InternalRelay")
    first, second = tenant.sandbox.calls()
    assert (first["tenant"], first["cmdlet"], first["parameters"], first["status"]) == (tenant.organization, "Get-EtrLimits", {}, 200)
    assert (first["request_id"], first["connection_id"], first["write"], first["applied"]) == ("r1", "c1", False, False)
    assert first["anchor"].startswith("APP:SystemMailbox")
    assert (second["seq"], second["applied"], second["client_id"]) == (first["seq"] + 1, True, other.entry["client_id"])
    assert second["token_id"] in {token["id"] for token in tenant.sandbox.tokens()}
    for filters in (
        {"writes": 1},
        {"tenant": other.organization},
        {"cmdlet": "set-accepteddomain"},
        {"since": first["seq"]},
        {"applied": 1},
    ):
        assert tenant.sandbox.calls(**filters) == [second]
    tenant.sandbox.ask("DELETE", "/calls")
    assert tenant.sandbox.calls() == []


def test_state_changes(tenant: Client, other: Client) -> None:
    """Objects can be replaced, changed and removed from outside; members by any name; only in the tenant named."""
    tenant.sandbox.put("OutboundConnector", tenant=tenant.organization, objects=[{"Name": "a"}, {"Name": "b", "Comment": "given"}])
    assert [row["Comment"] for row in tenant.rows("Get-OutboundConnector")] == ["", "given"]
    assert other.rows("Get-OutboundConnector") == []
    tenant.sandbox.put("OutboundConnector", tenant=tenant.organization, identity="a", remove=True)
    assert [row["Name"] for row in tenant.rows("Get-OutboundConnector")] == ["b"]
    group = {
        "Name": "g",
        "PrimarySmtpAddress": "g@example.com",
        "RecipientTypeDetails": "MailUniversalDistributionGroup",
        "_members": ["user0002"],
    }
    tenant.sandbox.put("DistributionGroup", tenant=tenant.organization, objects=[group])
    assert tenant.sandbox.state()["members"] == {"g@example.com": ["user0002@example.com"]}
    tenant.sandbox.put("DistributionGroup", tenant=tenant.organization, identity="g", set={"_members": ["user0005@example.com"]})
    assert [row["Name"] for row in tenant.rows("Get-DistributionGroupMember", Identity="g")] == ["user0005"]
    assert [call for call in tenant.sandbox.calls() if call["write"]] == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"noun": "Nothing", "objects": []}, "Nothing"),
        ({"noun": "Mailbox", "identity": "nobody", "set": {}}, "names 0 objects"),
        ({"noun": "DistributionGroup", "identity": "user0016", "set": {"_members": ["nobody"]}}, "nobody"),
    ],
)
def test_state_errors(tenant: Client, change: dict[str, Any], text: str) -> None:
    """What control cannot do it says."""
    with pytest.raises(ControlError, match=text):
        tenant.sandbox.ask("PUT", "/state", {"tenant": tenant.organization, **change})


@pytest.mark.parametrize(
    ("path", "content"),
    [("/parameters", {"no_such": 1}), ("/parameters", {"replication_lag": "soon"}), ("/parameters", {"tenant": "nobody.example"})],
)
def test_parameter_errors(tenant: Client, path: str, content: Any) -> None:
    """A misspelt parameter or tenant is refused."""
    with pytest.raises(ControlError):
        tenant.sandbox.ask("PUT", path, content)


def test_parameters_of_one_tenant(tenant: Client, other: Client) -> None:
    """Parameters can differ between tenants."""
    tenant.sandbox.parameters(other.organization, culture="de")
    found = tenant.sandbox.ask("GET", "/parameters")
    assert (found[tenant.organization]["culture"], found[other.organization]["culture"]) == ("en", "de")


def test_reset(tenant: Client, other: Client) -> None:
    """A reset brings everything back; of one tenant, only that."""
    start = tenant.sandbox.state()["objects"]
    for client in (tenant, other):
        client.rows("Set-AcceptedDomain", Identity="example.com", DomainType="InternalRelay")
    tenant.sandbox.parameters(culture="de")
    tenant.sandbox.ask("POST", "/reset", {"tenant": tenant.organization})
    assert tenant.sandbox.state()["objects"] == start
    assert other.row("Get-AcceptedDomain", Identity="example.com")["DomainType"] == "InternalRelay"
    assert len(tenant.sandbox.calls(writes=1)) == 2
    tenant.sandbox.reset()
    assert other.row("Get-AcceptedDomain", Identity="example.com")["DomainType"] == "Authoritative"
    assert tenant.sandbox.calls(writes=1) == []


def test_messages(tenant: Client) -> None:
    """Without mail there are no messages."""
    assert tenant.sandbox.ask("GET", "/messages") == []


def test_start_parameters(directories: list[Path]) -> None:
    """Parameters given at the start outlive a reset; two directories of one organisation are refused."""
    with running(directories[1:], culture="de") as own:
        own.parameters(culture="en")
        own.reset()
        assert own.state()["parameters"]["culture"] == "de"
    with pytest.raises(ValueError, match="same organization"), running([directories[0]] * 2):
        pass


def test_scripts(tmp_path: Path) -> None:
    """The scripts work from anywhere, by the interpreter at hand, and stop on a signal without a trace."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    directory = tmp_path / "tenant"
    done = subprocess.run(
        [sys.executable, str(HOME / "generate"), "--users", "20", "--organization", "fabrikam.onmicrosoft.com", str(directory)],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "fabrikam.onmicrosoft.com" in done.stdout
    command = [sys.executable, str(HOME / "serve"), "--tenant", str(directory), "--port", "0", "--parameter", 'culture="de"']
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        with urllib.request.urlopen(ready["control"] + "/parameters", timeout=30) as answer:  # noqa: S310 - the sandbox's http URL
            assert json.loads(answer.read())["fabrikam.onmicrosoft.com"]["culture"] == "de"
        assert Path(ready["ca_cert"]).exists()
        server.send_signal(signal.SIGTERM)
        output, errors = server.communicate(timeout=30)
    assert (server.returncode, output, errors) == (0, "", "")
    assert not Path(ready["ca_cert"]).exists()


def test_every_kind_once(directories: list[Path]) -> None:
    """A default tenant has every kind of person, and the shared domain's subdomains."""
    people = json.loads((directories[0] / "people.json").read_text(encoding="utf-8"))
    default = {kind for kind, (_unused, weight) in KINDS.items() if weight or kind in ONCE}
    assert set(people["count"]) == default
    assert Counter(person["kind"] for person in people["people"]) == people["count"]
    assert [person["alias"] for person in people["people"]] == [f"user{number:04d}" for number in range(1, 61)]


def test_source_list(directories: list[Path]) -> None:
    """The source's list knows its own: no cloud-only recipient, no guest, nobody; waves are stubs."""
    people = {
        person["address"]: person["kind"] for person in json.loads((directories[0] / "people.json").read_text(encoding="utf-8"))["people"]
    }
    with (directories[0] / "source.csv").open(encoding="utf-8", newline="") as stream:
        source = list(csv.DictReader(stream))
    with (directories[0] / "waves.csv").open(encoding="utf-8", newline="") as stream:
        waves = {row["user"]: row["wave"] for row in csv.DictReader(stream)}
    assert list(source[0]) == ["address", "kind", "owner", "home"]
    listed = {people[row["owner"]] for row in source}
    assert listed == {"pilot", "stub", "noobj", "mailuser", "migrated", "list", "alias", "resource"}
    assert {people[row["owner"]] for row in source if row["home"] == "tenant"} == {"pilot", "migrated"}
    assert {row["kind"] for row in source} == {"mailbox", "alias", "list", "resource", "forward"}
    assert {people[user] for user in waves} == {"stub", "alias"}
    assert set(waves.values()) == {"wave1", "wave2", "wave3"}


def test_generator_is_seeded(tmp_path: Path) -> None:
    """The same seed gives the same tenant; another one other people; another organisation other ids and names."""

    def made(name: str, **options: Any) -> dict[str, str]:
        generate(tmp_path / name, certificates=False, users=30, **options)
        return {path.name: path.read_text(encoding="utf-8") for path in sorted((tmp_path / name).iterdir())}

    first = made("a", seed=1)
    assert made("b", seed=1) == first
    assert made("c", seed=2)["people.json"] != first["people.json"]
    other = made("d", seed=1, organization="contoso.onmicrosoft.com")
    for name in ("Get-AcceptedDomain.json", "Get-Mailbox.json", "tenant.json", "Get-TransportRule.json"):
        assert "tqhjy.onmicrosoft.com" not in other[name]
        guids = [{row["Guid"] for row in json.loads(text[name])["value"]} if "value" in text[name] else set() for text in (first, other)]
        assert not guids[0] & guids[1]


def test_options_of_the_generator(tmp_path: Path) -> None:
    """Kinds, client and parameters can be given."""
    about = generate(
        tmp_path,
        kinds={"onmicrosoft": 1, "unlicensed": 1},
        client_id="c",
        client_secret="s",
        parameters={"culture": "de"},
        certificates=False,
    )
    assert (about["clients"][0]["client_id"], about["clients"][0]["client_secret"]) == ("c", "s")
    with running([tmp_path]) as own:
        state = own.state()
        assert state["parameters"]["culture"] == "de"
        assert state["objects"]["Mailbox"][0]["PrimarySmtpAddress"] == "user0001@tqhjy.onmicrosoft.com"
        assert state["objects"]["User"][0]["RecipientTypeDetails"] == "User"


def test_shares_no_code_with_the_collection() -> None:
    """No file of the sandbox imports the collection, Ansible or the clients that it stands against."""
    for path in [*HOME.rglob("*.py"), HOME / "serve", HOME / "generate"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        roots = {name.partition(".")[0] for name in names}
        assert not roots & {"ansible", "ansible_collections", "plugins", "azure", "msal", "requests", "tests"}, path


def test_fixtures_name_their_sources() -> None:
    """Every capture says where it comes from and under which licence."""
    for path in (HOME.parent / "fixtures" / "captures").iterdir():
        source = json.loads(path.read_text(encoding="utf-8"))["_source"]
        assert source["repo_path"].startswith("cisagov/ScubaGear ")
        assert source["licence"] == "CC0-1.0"
