# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two foreign hosts, two tenants, and the settings of a mail side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox import Sandbox, running
from sandbox.generator import generate

from .flow import KINDS, OUTSIDER, SHARED, Flow

BELOW = f"subdomain.{SHARED}"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant whose domain and subdomain lie at two hosts."""
    place = tmp_path_factory.mktemp("several") / "tenant"
    generate(place, kinds=KINDS, certificates=False, parameters={"rule_latency": 0})
    with (place / "source.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"below@{BELOW},mailbox,below@{BELOW},source\n")
    settings = {
        "sources": [
            {"name": "one", "addresses": ["192.0.2.10"], "names": ["mx.one.example"], "domains": [SHARED]},
            {"name": "two", "addresses": ["192.0.2.20"], "domains": [BELOW], "modes": {"unknown": "catch_all"}},
        ],
        "mx": {BELOW: "tenant"},
        "ttl": 120,
        "records": [{"name": "_dmarc.strict.example", "type": "TXT", "texts": ["v=DMARC1; p=reject"]}],
    }
    (place / "mail.json").write_text(json.dumps(settings), encoding="utf-8")
    generate(place.parent / "other", kinds={"pilot": 1}, certificates=False, organization="contoso.onmicrosoft.com")
    return place


@pytest.fixture(scope="module")
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox with two tenants and two hosts."""
    with running([directory, directory.parent / "other"], mail="builtin") as found:
        yield found


def test_each_domain_goes_to_its_own_host(flow: Flow) -> None:
    hosts = {host["name"]: host for host in flow.sandbox.ready["foreign"]}
    assert hosts["two"]["domains"] == [BELOW]
    assert flow.sandbox.ready["hosts"]["192.0.2.20"] == hosts["two"]["smtp"]
    assert flow.sandbox.ready["hosts"]["mx.one.example"] == hosts["one"]["smtp"]
    flow.coexist("pilot")
    connectors = [
        {"Name": name, "Enabled": True, "UseMXRecord": False, "SmartHosts": [address], "IsTransportRuleScoped": True}
        for name, address in (("One", "192.0.2.10"), ("Two", "192.0.2.20"))
    ]
    flow.put("OutboundConnector", objects=connectors)
    flow.put("AcceptedDomain", identity=BELOW, set={"DomainType": "InternalRelay"})
    flow.rules(
        {"Name": "Below", "RecipientDomainIs": [BELOW], "RouteMessageOutboundConnector": "Two", "StopRuleProcessing": True},
        {"Name": "Shared", "RecipientDomainIs": [SHARED], "RouteMessageOutboundConnector": "One"},
    )
    found = flow.copies(flow.send("noobj", f"below@{BELOW}", f"anybody@{BELOW}", origin="tenant"))
    assert [(copy["outcome"], copy["places"][0]["node"]) for copy in found.values()] == [
        ("delivered", "one"),
        ("delivered", "two"),
        ("delivered", "two"),
    ]
    assert flow.outcome(f"below@{BELOW}") == "delivered"


def test_two_tenants_have_doors_and_traces_of_their_own(flow: Flow) -> None:
    first, second = flow.sandbox.ready["tenants"]
    assert first["smtp"] != second["smtp"]
    person = next(
        row for row in flow.sandbox.state("contoso.onmicrosoft.com")["objects"]["Mailbox"] if row["PrimarySmtpAddress"].endswith(SHARED)
    )
    routing = f"{person['Alias']}@contoso.mail.onmicrosoft.com"
    copy = flow.copies(flow.send(routing, sender=OUTSIDER))[routing]
    assert copy["places"][0]["node"] == "contoso.onmicrosoft.com"
    copy = flow.copies(flow.send(routing, origin="tenant"))[routing]
    assert copy["outcome"] == "delivered"
    assert sum("took" in hop for hop in copy["hops"]) == 2


def test_certificates_attribute_a_host_to_its_connector(flow: Flow) -> None:
    name = flow.sandbox.state()["objects"]["OrganizationConfig"][0]["Name"]
    flow.put("OrganizationConfig", identity=name, set={"RejectDirectSend": True})
    assert flow.outcome("migrated", sender=flow.who["stub"], origin="source") == "bounced"
    row = {"Name": "In", "Enabled": True, "SenderDomains": ["smtp:*;1"], "TlsSenderCertificateName": "mx.one.example"}
    flow.put("InboundConnector", objects=[row])
    assert flow.outcome("migrated", sender=flow.who["stub"], origin="source") == "delivered"


def test_a_trusted_host_is_inside(flow: Flow) -> None:
    flow.coexist("migrated", scope="organization")
    row = {"Name": "Hybrid", "ConnectorType": "OnPremises", "SenderDomains": ["smtp:*;1"], "SenderIPAddresses": ["192.0.2.10"]}
    flow.put("InboundConnector", objects=[{**row, "Enabled": True, "TreatMessagesAsInternal": True}])
    flow.forward("stub")
    assert flow.outcome("stub") == "loop"
    flow.put("InboundConnector", objects=[])
    assert flow.outcome("stub") == "delivered"
