# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DNS says: what is there, what is not, and what could not be asked are three different things."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter
from ansible_collections.mailops.exchange.plugins.plugin_utils._tools import dns, dns_wire
from unit.sandbox_mail.flow import SHARED, Flow

from .servers import Reaction, holding, name_server, refusing, rubbish, silent

MX = f"{SHARED}. 300 IN MX 10 mx.source.example."


def ask(*servers: str, **more: Any) -> dict[str, Any]:
    """The answer about one domain."""
    asked = dns.run({"domains": [SHARED], "name_servers": list(servers), "timeout": 0.2, **more}, {})
    return dict(asked["domains"][SHARED])


def both(flow: Flow) -> tuple[str, str]:
    return flow.sandbox.ready["dns"], flow.sandbox.ready["dns_resolver"]


def test_the_mx_at_its_own_server_and_what_a_resolver_still_holds(flow: Flow) -> None:
    before = ask(*both(flow))
    assert before["mx"] == [{"host": "mx.source.example", "preference": 10}]
    flow.mail(mx={"domain": SHARED, "to": "tenant", "ttl": 300})
    own, resolver = both(flow)
    after = ask(own, resolver)
    assert after["mx"][0]["host"].endswith(".mail.protection.outlook.com")
    assert (after["ttl"], after["status"], after["error"]) == (300, "found", "")
    assert after["authoritative"][own]["mx"] == after["mx"]
    assert after["resolvers"][resolver]["mx"] == before["mx"]
    assert 0 < after["resolvers"][resolver]["ttl"] <= 3600


def test_the_policies_of_a_domain(flow: Flow) -> None:
    flow.mail(record={"name": f"_dmarc.{SHARED}", "type": "TXT", "texts": ["v=DMARC1; p=reject"], "ttl": 60})
    flow.mail(record={"name": f"selector2._domainkey.{SHARED}", "type": "TXT", "texts": ["v=DKIM1; p=abc"], "ttl": 60})
    flow.mail(record={"name": "mx.source.example", "type": "AAAA", "texts": ["2001:db8::1"], "ttl": 60})
    found = ask(*both(flow))
    assert found["spf"].startswith("v=spf1 ip4:192.0.2.10")
    assert (found["dmarc"], found["dmarc_of"]) == ("v=DMARC1; p=reject", SHARED)
    assert found["dkim"] == {"selector1": None, "selector2": "v=DKIM1; p=abc"}
    assert found["ipv6"] == {"mx.source.example": True}
    assert found["errors"] == {}


def test_the_records_that_an_spf_record_leads_to_are_read_once_and_without_end() -> None:
    def text(name: str, record: str) -> tuple[tuple[str, str], list[str]]:
        return (name, "TXT"), [f'{name}. 60 IN TXT "{record}"']

    ours = "include:spf.protection.outlook.com include:%{i}.other.example"
    names = dict(
        [
            text(SHARED, f"v=spf1 {ours} include:_spf.old.example include:gone.example -all"),
            text("_spf.old.example", f"v=spf1 ip4:192.0.2.10 redirect=more.old.example include:{SHARED}"),
            text("more.old.example", "v=spf1 include:_spf.old.example ip4:192.0.2.11 -all"),
        ]
    )
    with name_server(holding({**names, (SHARED, "MX"): [MX]}, own=True)) as server:
        found = ask(server)
    assert set(found["spf_of"]) == {"_spf.old.example", "more.old.example", SHARED}
    assert found["spf_of"]["more.old.example"].endswith("ip4:192.0.2.11 -all")


def test_an_include_that_nobody_answers_for_silences_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "SILENT", dns_wire.Silences())
    record = f'{SHARED}. 60 IN TXT "v=spf1 include:_spf.dead.example include:_spf.old.example -all"'
    old = '_spf.old.example. 60 IN TXT "v=spf1 -all"'
    answers = holding({(SHARED, "MX"): [MX], (SHARED, "TXT"): [record], ("_spf.old.example", "TXT"): [old]}, own=True)

    def but_one(data: bytes) -> bytes | None:
        return None if b"dead" in data else answers(data)

    with name_server(but_one) as server:
        for _unused in range(2):
            found = ask(server, recall=True)
            assert (found["error"], found["errors"], found["spf_of"]) == ("", {}, {"_spf.old.example": "v=spf1 -all"})
            assert (found["dmarc"], set(found["dkim"])) == (None, {"selector1", "selector2"})


def test_two_spf_records_are_a_fault_and_not_one_of_them(flow: Flow) -> None:
    flow.mail(record={"name": SHARED, "type": "TXT", "texts": ["v=spf1 -all", "v=spf1 +all", "else"], "ttl": 60})
    found = ask(*both(flow))
    assert "spf" not in found
    assert "2 records" in found["errors"]["spf"]


def test_addresses_of_hosts(flow: Flow) -> None:
    asked = dns.run({"hosts": ["mx.source.example", "192.0.2.7", "none.invalid"], "name_servers": [both(flow)[0]]}, {})["hosts"]
    assert asked["mx.source.example"] == {"addresses": ["192.0.2.10"], "ipv6": False, "error": ""}
    assert asked["192.0.2.7"]["addresses"] == ["192.0.2.7"]
    assert asked["none.invalid"] == {"addresses": [], "ipv6": False, "error": ""}


@pytest.mark.parametrize(
    ("react", "status"),
    [(refusing("SERVFAIL"), "servfail"), (refusing("REFUSED"), "refused"), (silent, "timeout"), (rubbish, "malformed")],
)
def test_an_error_never_reads_as_absent(react: Reaction, status: str) -> None:
    with name_server(react) as server:
        found = ask(server)
    assert "mx" not in found
    assert found["error"]
    assert (found["resolvers"][server]["status"], "error" in found["resolvers"][server]) == (status, True)
    assert not {"spf", "dmarc"} & set(found)
    assert found["dkim"] == {}
    assert {"ns", "spf", "dmarc", "dkim selector1", "dkim selector2"} <= set(found["errors"])


def test_a_server_that_is_not_there_is_an_error_too() -> None:
    with name_server(silent) as server:
        gone = server
    found = ask(gone)
    assert found["resolvers"][gone]["status"] in {"unreachable", "timeout"}
    assert found["error"]


def test_a_domain_that_does_not_exist_and_one_without_mx() -> None:
    with name_server(holding({}, own=True)) as server:
        found = ask(server)
        assert (found["status"], found["mx"], found["spf"], found["error"]) == ("nxdomain", [], None, "")
    with name_server(holding({(SHARED, "TXT"): []}, own=True)) as server:
        found = ask(server)
        assert (found["status"], found["mx"], found["error"]) == ("empty", [], "")


def test_one_silent_server_does_not_hide_what_another_says() -> None:
    with name_server(silent) as dead, name_server(holding({(SHARED, "MX"): [MX]}, own=True)) as alive:
        found = ask(dead, alive)
    assert found["mx"] == [{"host": "mx.source.example", "preference": 10}]
    assert found["resolvers"][dead]["status"] == "timeout"
    assert found["spf"] is None


def test_the_domains_own_servers_are_found_by_a_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    new = MX.replace("mx.source.example", "mx.new.example").replace("300", "120")
    names = {
        (SHARED, "MX"): [MX],
        (SHARED, "NS"): [f"{SHARED}. 60 IN NS ns1.example.net.", f"{SHARED}. 60 IN NS ns2.example.net."],
        ("ns1.example.net", "A"): ["ns1.example.net. 60 IN A 127.0.0.1"],
        ("ns2.example.net", "TXT"): [],
    }
    with name_server(holding(names, own=False)) as resolver, name_server(holding({(SHARED, "MX"): [new]}, own=True)) as own:
        monkeypatch.setattr(dns_wire.Server.__init__, "__defaults__", (int(own.rpartition(":")[2]),))
        found = ask(resolver)
    assert (found["mx"][0]["host"], found["ttl"]) == ("mx.new.example", 120)
    assert found["resolvers"][resolver]["mx"][0]["host"] == "mx.source.example"
    assert found["authoritative"]["ns2.example.net"]["error"] == "the name server ns2.example.net has no address"


def test_a_policy_may_stand_at_the_domain_above() -> None:
    sub = "mail.example.com"
    above = {(f"_dmarc.{SHARED}", "TXT"): [f'_dmarc.{SHARED}. 60 IN TXT "v=DMARC1; p=none; sp=reject"'], (sub, "MX"): []}
    with name_server(holding(above, own=True)) as server:
        found = dns.run({"domains": [sub], "name_servers": [server]}, {})["domains"][sub]
    assert (found["dmarc"], found["dmarc_of"]) == ("v=DMARC1; p=none; sp=reject", SHARED)


def test_an_alias_is_followed() -> None:
    there = {
        (f"selector1._domainkey.{SHARED}", "TXT"): [f"selector1._domainkey.{SHARED}. 60 IN CNAME key.tenant.example."],
        ("key.tenant.example", "TXT"): ['key.tenant.example. 60 IN TXT "v=DKIM1; p=xyz"'],
        (SHARED, "MX"): [MX],
    }
    with name_server(holding(there, own=False)) as server:
        assert ask(server)["dkim"]["selector1"] == "v=DKIM1; p=xyz"


def test_without_any_server_the_reason_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "system_servers", lambda: ((), "the system names no resolver"))
    found = ask()
    assert (found["error"], "mx" in found, "spf" in found) == ("the system names no resolver", False, False)
    assert dns.run({"hosts": ["a.example"]}, {})["hosts"]["a.example"]["ipv6"] is None


@pytest.mark.parametrize("text", ["ns.example.com", "192.0.2.53:0", "192.0.2.53:x", ""])
def test_a_name_server_that_is_none_is_named(text: str) -> None:
    with pytest.raises(InvalidParameter, match="is no name server"):
        ask(text)
    with pytest.raises(InvalidParameter, match="is no domain"):
        dns.run({"domains": ["a..example"]}, {})


def test_the_hosts_of_every_answer_are_resolved_where_that_is_asked(flow: Flow) -> None:
    flow.mail(mx={"domain": SHARED, "to": "tenant", "ttl": 300})
    found = ask(*both(flow), resolve=True)
    moved = next(host for host in found["addresses"] if host != "mx.source.example")
    assert found["addresses"] == {"mx.source.example": ["192.0.2.10"], moved: ["203.0.113.1"]}
    assert "addresses" not in ask(*both(flow))
    with name_server(holding({(SHARED, "MX"): [f"{SHARED}. 300 IN MX 0 ."]}, own=True)) as server:
        assert ask(server, resolve=True)["addresses"] == {}, "a null MX is no host"


def test_a_server_that_kept_silent_is_left_alone_by_the_next_task_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, heard = [0.0], list[bytes]()
    monkeypatch.setattr(dns, "SILENT", dns_wire.Silences(lambda: ours[0]))
    with name_server(heard.append) as server:
        first = ask(server, recall=True)
        assert "did not answer" in first["error"]
        known = len(heard)
        assert ask(server, recall=True)["error"] == first["error"]
        assert len(heard) == known, "it was not asked again"
        ours[0] = dns_wire.SILENCE + 1
        ask(server, recall=True)
        assert len(heard) > known
        asked = len(heard)
        ask(server)
        assert len(heard) > asked, "whoever does not ask for it waits anew"


def test_servers_as_text() -> None:
    assert str(dns_wire.server_of("192.0.2.53")) == "192.0.2.53:53"
    assert str(dns_wire.server_of("[2001:db8::53]:5353")) == "[2001:db8::53]:5353"
    assert str(dns_wire.server_of("2001:db8::53")) == "[2001:db8::53]:53"
