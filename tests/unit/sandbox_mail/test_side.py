# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS, time, message trace, connector tests, and control of the mail side."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import dnslib  # type: ignore[import-untyped] # ships no type hints
import pytest
from sandbox.server import ControlError

from .cmdlets import Cmdlets
from .flow import GROUP, SHARED, Flow


def ask(flow: Flow, name: str, kind: str = "MX", *, stale: bool = False, tcp: bool = False) -> tuple[list[str], int, str]:
    """Ask one of the two servers; return texts, TTL and response code."""
    host, _unused, port = flow.sandbox.ready["dns_resolver" if stale else "dns"].rpartition(":")
    question = dnslib.DNSRecord.question(name, kind)
    answer = dnslib.DNSRecord.parse(question.send(host, int(port), tcp=tcp, timeout=10))
    texts = ["".join(part.decode() for part in item.rdata.data) if kind == "TXT" else str(item.rdata) for item in answer.rr]
    return texts, answer.rr[0].ttl if answer.rr else 0, str(dnslib.RCODE[answer.header.rcode])


@pytest.mark.parametrize("tcp", [False, True])
def test_a_moved_mx_is_held_by_resolvers_until_its_ttl_is_over(flow: Flow, tcp: bool) -> None:
    old, new = ["10 mx.source.example."], ["0 example-com.mail.protection.outlook.com."]
    assert ask(flow, SHARED, tcp=tcp) == (old, 3600, "NOERROR")
    flow.mx("tenant", ttl=120)
    assert ask(flow, SHARED, tcp=tcp) == (new, 120, "NOERROR")
    held, ttl, _unused = ask(flow, SHARED, stale=True, tcp=tcp)
    assert held == old
    assert 3590 <= ttl <= 3600
    flow.sandbox.clock(advance=3601)
    assert ask(flow, SHARED, stale=True, tcp=tcp) == (new, 120, "NOERROR")
    flow.mx("source")
    assert ask(flow, SHARED, stale=True)[0] == new
    flow.sandbox.clock(advance=121)
    assert ask(flow, SHARED, stale=True)[0] == old


def test_other_records(flow: Flow) -> None:
    flow.mail(record={"name": "long.example", "type": "TXT", "texts": ["v=spf1 " + "ip4:192.0.2.1 " * 120]})
    assert ask(flow, "long.example", "TXT")[0] == []
    assert len(ask(flow, "long.example", "TXT", tcp=True)[0][0]) > 1500
    assert ask(flow, "mx.source.example", "A")[0] == ["192.0.2.10"]
    assert ask(flow, SHARED, "NS")[0] == ["ns.sandbox.example."]
    assert ask(flow, SHARED, "SOA")[0][0].startswith("ns.sandbox.example.")
    assert ask(flow, "nowhere.invalid")[2] == "NXDOMAIN"
    assert ask(flow, SHARED, "AAAA") == ([], 0, "NOERROR")
    assert "include:spf.protection.outlook.com" in ask(flow, SHARED, "TXT")[0][0]


def test_mail_follows_the_mx_that_its_senders_resolver_holds(flow: Flow) -> None:
    flow.mx("tenant", ttl=60)
    fresh, stale = flow.send("pilot"), flow.send("pilot", resolver="stale")
    first = [flow.copies(id_)[flow.who["pilot"]]["hops"][0] for id_ in (fresh, stale)]
    assert ["protection.outlook.com" in first[0], "mx.source.example" in first[1]] == [True, True]
    assert flow.outcome("x@nowhere.invalid", origin="tenant") == "bounced"


@pytest.mark.parametrize("change", ["rule", "members"])
def test_rules_and_members_act_late_on_the_sandboxs_clock(flow: Flow, change: str) -> None:
    flow.sandbox.parameters(rule_latency=1800, membership_latency=900)
    flow.coexist("pilot")
    flow.sandbox.clock(advance=1801)
    wait, before, after = (1801, "source", "tenant") if change == "rule" else (901, "source", "tenant")
    if change == "rule":
        flow.put("TransportRule", identity="Coexistence", set={"State": "Disabled"})
    else:
        flow.group("pilot", "stub")

    def place() -> str:
        (found,) = flow.copies(flow.send("stub", origin="tenant"))[flow.who["stub"]]["places"]
        return str(found["system"])

    assert place() == before
    flow.sandbox.clock(advance=wait - 60)
    assert place() == before
    flow.sandbox.clock(advance=61)
    assert place() == after
    flow.sandbox.clock(advance=1)
    assert place() == after


def test_rollback_is_early_until_the_membership_stops_acting(flow: Flow) -> None:
    flow.coexist("stub")
    flow.sandbox.parameters(rule_latency=600, membership_latency=600)
    flow.sandbox.clock(advance=601)
    flow.forward("stub")
    assert flow.outcome("stub", origin="tenant") == "delivered"
    flow.forward("stub", on=False)
    flow.group()
    assert flow.outcome("stub", origin="tenant") == "early"
    flow.sandbox.clock(advance=601)
    assert flow.outcome("stub", origin="tenant") == "delivered"


def test_dynamic_groups_are_as_they_were_at_their_last_refresh(flow: Flow) -> None:
    flow.sandbox.clock(set="2026-03-01T10:00:00Z")
    row = {
        "Name": "Staff",
        "PrimarySmtpAddress": f"staff@{SHARED}",
        "EmailAddresses": [f"SMTP:staff@{SHARED}"],
        "RecipientFilter": "(Department -eq 'Sales')",
        "RequireSenderAuthenticationEnabled": False,
    }
    flow.put("DynamicDistributionGroup", objects=[row])
    flow.put("Mailbox", identity=flow.who["pilot"], set={"Department": "Sales"})
    assert flow.outcome(f"staff@{SHARED}", origin="tenant") == "lost"
    flow.sandbox.clock(advance=86400)
    assert flow.outcome(f"staff@{SHARED}", origin="tenant") == "delivered"


def test_trace_rows_and_details(flow: Flow) -> None:
    flow.coexist("pilot")
    cmdlets = Cmdlets(flow.sandbox)
    flow.send("pilot", "stub", "nobody", origin="tenant", subject="Traced mail")
    flow.account()
    rows = cmdlets.rows("Get-MessageTraceV2", Subject="traced", SubjectFilterType="StartsWith")
    status = {row["RecipientAddress"]: row["Status"] for row in rows}
    assert status == {flow.who["pilot"]: "Delivered", flow.who["stub"]: "Delivered", flow.who["nobody"]: "Failed"}
    assert len({row["MessageTraceId"] for row in rows}) == 1
    (failed,) = cmdlets.rows("Get-MessageTraceV2", Status=["Failed"])
    assert failed["RecipientAddress"] == flow.who["nobody"]
    sent = next(row for row in rows if row["RecipientAddress"] == flow.who["stub"])
    assert sent["ToIP"] == "192.0.2.10"
    detail = cmdlets.rows("Get-MessageTraceDetailV2", MessageTraceId=sent["MessageTraceId"], RecipientAddress=flow.who["stub"])
    assert [row["Event"] for row in detail] == ["Receive", "Transport rule", "Send external"]
    assert "Out" in detail[-1]["Detail"]
    assert 'Name="ConnectorName" String="Out"' in detail[-1]["Data"]
    assert (
        len(
            cmdlets.rows(
                "Get-MessageTraceDetailV2",
                MessageTraceId=sent["MessageTraceId"],
                RecipientAddress=flow.who["stub"],
                Event=["Send external"],
            )
        )
        == 1
    )


def test_the_trace_names_the_relay_pool_for_mail_that_nobody_vouches_for(flow: Flow) -> None:
    flow.coexist("pilot")
    flow.mx("tenant", ttl=0)
    flow.mail(record={"name": "good.example", "type": "TXT", "texts": ["v=spf1 ip4:198.51.100.30 -all"]})
    cmdlets = Cmdlets(flow.sandbox)
    for sender, origin, pool in (
        ("a@good.example", "internet", "Standard"),
        ("a@out.example.org", "internet", "RelayPool"),
        ("", "tenant", "Standard"),
    ):
        id_ = flow.send("stub", sender=sender, origin=origin)
        flow.account()
        (row,) = cmdlets.rows("Get-MessageTraceV2", MessageId=[id_])
        detail = cmdlets.rows("Get-MessageTraceDetailV2", MessageTraceId=row["MessageTraceId"], RecipientAddress=flow.who["stub"])
        assert f'String="{pool}"' in detail[-1]["Data"], sender


def test_the_trace_of_groups_and_of_held_messages(flow: Flow) -> None:
    flow.coexist("pilot", "migrated")
    cmdlets = Cmdlets(flow.sandbox)
    flow.send(GROUP, origin="tenant")
    flow.account()
    found = {row["RecipientAddress"]: row["Status"] for row in cmdlets.rows("Get-MessageTraceV2")}
    assert found == {GROUP: "Expanded", flow.who["pilot"]: "Delivered", flow.who["migrated"]: "Delivered"}
    flow.put("OutboundConnector", objects=[])
    held = flow.send("stub", origin="tenant")
    for _unused in range(3):
        flow.sandbox.clock(advance=301)
        assert flow.copies(held)[flow.who["stub"]]["outcome"] == "delayed"
    (row,) = cmdlets.rows("Get-MessageTraceV2", MessageId=[held])
    assert row["Status"] == "Pending"
    flow.sandbox.clock(advance=86400)
    copy = flow.copies(held)[flow.who["stub"]]
    assert (copy["outcome"], copy["ends"][0]["status"]) == ("bounced", "4.4.7")
    (row,) = cmdlets.rows("Get-MessageTraceV2", MessageId=[held])
    assert row["Status"] == "Failed"


def test_trace_limits(flow: Flow) -> None:
    cmdlets = Cmdlets(flow.sandbox)
    for _unused in range(5):
        flow.send("pilot", "room", "shared", origin="tenant")
    flow.account()
    first = cmdlets.run("Get-MessageTraceV2", ResultSize=4)
    assert len(first["value"]) == 4
    assert "StartingRecipientAddress" in first["@adminapi.warnings"][0]
    seen = {(row["MessageId"], row["RecipientAddress"]) for row in first["value"]}
    last = first["value"][-1]
    while True:
        more = cmdlets.run(
            "Get-MessageTraceV2",
            ResultSize=4,
            StartDate=_before(last["Received"]),
            EndDate=last["Received"],
            StartingRecipientAddress=last["RecipientAddress"],
        )
        seen |= {(row["MessageId"], row["RecipientAddress"]) for row in more["value"]}
        last = more["value"][-1]
        if not more["@adminapi.warnings"]:
            break
    assert len(seen) == 15
    for bad in (
        {"ResultSize": 5001},
        {"StartDate": "2026-01-01T00:00:00Z"},
        {"StartDate": "2026-01-01", "EndDate": "2026-01-12"},
        {"StartDate": "2020-01-01", "EndDate": "2020-01-02"},
    ):
        assert cmdlets.run("Get-MessageTraceV2", **bad)["status"] == 400, bad
    flow.sandbox.clock(advance=301)
    flow.sandbox.parameters(trace_rate=3, trace_duplicates=True)
    assert [cmdlets.run("Get-MessageTraceV2")["status"] for _unused in range(4)] == [200, 200, 200, 400]
    flow.sandbox.clock(advance=301)
    doubled = cmdlets.rows("Get-MessageTraceV2")
    assert len(doubled) > len({(row["MessageId"], row["RecipientAddress"]) for row in doubled}) == 15
    flow.sandbox.clock(advance=3 * 86400)
    assert cmdlets.rows("Get-MessageTraceV2") == []


def _before(text: str) -> str:
    """Return the time five days before one."""
    return (datetime.fromisoformat(text[:19]) - timedelta(days=5)).isoformat()


def test_a_connector_is_tested_by_connecting_and_sending(flow: Flow) -> None:
    flow.connector()
    cmdlets = Cmdlets(flow.sandbox)
    good = cmdlets.rows("Validate-OutboundConnector", Identity="Out", Recipients=[flow.who["noobj"]])
    assert [(row["TaskName"], row["IsTaskSuccessful"]) for row in good] == [("CheckConnection", True), ("SendTestEmail", True)]
    assert flow.sandbox.ask("GET", f"/mailbox?address={flow.who['noobj']}")[0]["from"].startswith("O365ConnectorValidation@")
    assert flow.account()["sent"] == 0
    bad = cmdlets.rows("Validate-OutboundConnector", Identity="Out", Recipients=[flow.who["nobody"]])
    assert [row["IsTaskSuccessful"] for row in bad] == [True, False]
    flow.mail(foreign={"up": False})
    down = cmdlets.rows("Validate-OutboundConnector", Identity="Out", Recipients=[flow.who["noobj"]])
    assert [row["IsTaskSuccessful"] for row in down] == [False, False]


def test_keep_and_back_and_reset(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub")
    flow.mx("tenant", ttl=60)
    flow.modes(keep_copy=True)
    flow.sandbox.ask("POST", "/keep", {})
    flow.forward("stub", on=False)
    flow.mx("source")
    flow.modes(keep_copy=False)
    flow.mail(people={flow.who["stub"]: {"reads": "tenant"}})
    flow.send("stub")
    flow.sandbox.ask("POST", "/back", {})
    found = flow.sandbox.ask("GET", "/state")["mail"]
    (host,) = found["foreign"]
    assert flow.who["stub"] in host["forwards"]
    assert host["modes"]["keep_copy"] is True
    assert found["reads"] == {}
    assert found["mx"][SHARED][-1]["texts"] == ["0 example-com.mail.protection.outlook.com."]
    assert flow.account()["sent"] == 0
    flow.sandbox.reset()
    (host,) = flow.sandbox.ask("GET", "/state")["mail"]["foreign"]
    assert flow.who["stub"] not in host["forwards"]
    assert ask(flow, SHARED)[0] == ["10 mx.source.example."]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/state", {"foreign": {"modes": {"unknown": "maybe"}}}),
        ("/state", {"foreign": {"modes": {"strange": True}}}),
        ("/state", {"foreign": {"name": "nobody"}}),
        ("/state", {"foreign": {"forwards": {"nobody@elsewhere.example": None}}}),
        ("/state", {"people": {"nobody@elsewhere.example": {"reads": "tenant"}}}),
        ("/state", {"people": {f"user0001@{SHARED}": {"reads": "moon"}}}),
        ("/state", {"sync": {"people": ["nobody@elsewhere.example"]}}),
        ("/state", {"mx": {"domain": SHARED}}),
        ("/messages", {"origin": "moon", "recipients": ["a@b.example"]}),
        ("/messages", {"origin": "internet", "recipients": []}),
        ("/messages", {"origin": "tenant", "sender": "a@nowhere.example", "recipients": ["a@b.example"]}),
        ("/parameters", {"sent_to_scope_reading": "z"}),
    ],
)
def test_control_refuses_what_it_cannot_do(flow: Flow, path: str, wanted: dict[str, Any]) -> None:
    method = "POST" if path == "/messages" else "PUT"
    with pytest.raises(ControlError, match=r"400|Error"):
        flow.sandbox.ask(method, path, wanted)


def test_the_account_in_parts(flow: Flow) -> None:
    for _unused in range(3):
        flow.send("pilot")
    whole = flow.account()
    part = flow.sandbox.ask("GET", f"/messages?since={whole['messages'][-1]['number']}")
    assert [row["id"] for row in part["messages"]] == [whole["messages"][-1]["id"]]
    assert part["sent"] == 3


def test_a_router_that_crashes_delays_nothing(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_unused: object) -> None:
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as planted:
        planted.setattr("sandbox.mail.tenantnode.route", broken)
        flow.send("pilot", origin="tenant")
        for query in ("?settle=20", ""):
            with pytest.raises(ControlError, match=r"500 .*crashed, 1 times in all, first with ZeroDivisionError: planted; .* reset it"):
                flow.sandbox.ask("GET", f"/messages{query}")
    flow.sandbox.reset()
    assert flow.outcome("pilot", origin="tenant") == "delivered"
