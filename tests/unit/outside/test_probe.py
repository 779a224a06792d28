# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes through a sandbox that really routes mail: where each arrives, and what is said when one cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from unit.modules.bench import Bench
from unit.sandbox_mail.flow import HOST, OUTSIDER, ROUTING, SHARED, Flow

from .servers import END, MailHost, name_server, refusing, silent


@pytest.fixture
def bench(flow: Flow) -> Iterator[Bench]:
    """A session that may submit."""
    account = flow.sandbox.ready["tenants"][0]["submission"]
    made = Bench(flow.sandbox, submission_user=account["user"], submission_password=account["password"])
    yield made
    made.close()


def ways(flow: Flow, *, mailboxes: bool = True) -> dict[str, Any]:
    """The options that lead into the sandbox."""
    ready = flow.sandbox.ready
    host, _unused, port = ready["tenants"][0]["submission"]["endpoint"].rpartition(":")
    return {
        "name_servers": [ready["dns"]],
        "smtp_overrides": ready["hosts"],
        "submission_host": host,
        "submission_port": port,
        "smart_hosts": [HOST],
        "interval": 0.2,
        "timeout": 20,
        **({"mailbox_url": f"{ready['control']}/mailbox"} if mailboxes else {}),
    }


def probe(flow: Flow, bench: Bench, name: str, origin: str = "internet", **more: Any) -> dict[str, Any]:
    sender = {"internet": OUTSIDER, "source": flow.who["noobj"], "tenant": flow.who["pilot"]}[origin]
    options = {"origin": origin, "sender": sender, "recipient": flow.address(name), **ways(flow), **more}
    return bench.done("mail_probe", **options)


def shown(found: dict[str, Any]) -> tuple[str, str, bool]:
    return found["result"], found["place"], found["forwarded"]


@pytest.mark.parametrize("mailboxes", [True, False])
@pytest.mark.parametrize(
    ("name", "origin", "wanted"),
    [
        ("noobj", "tenant", ("arrived", "source", False)),
        ("migrated", "tenant", ("arrived", "tenant", False)),
        ("migrated", "internet", ("arrived", "tenant", True)),
        ("migrated", "source", ("arrived", "tenant", True)),
    ],
)
def test_where_it_arrives(flow: Flow, bench: Bench, name: str, origin: str, wanted: tuple[str, str, bool], mailboxes: bool) -> None:
    flow.coexist("migrated")
    flow.forward("migrated")
    more: dict[str, Any] = {} if mailboxes else {"mailbox_url": None}
    found = probe(flow, bench, name, origin, **more)
    assert shown(found) == wanted, found
    assert (bool(found["places"]), found["told_by"]) == (mailboxes, "mailbox" if mailboxes else "trace")
    assert (found["changed"], found["calls"], found["stage"]) == (False, [], "accepted")
    assert bench.writes() == []


@pytest.mark.parametrize("name", ["noobj", "stub"])
def test_what_a_foreign_host_keeps_is_at_the_source(flow: Flow, bench: Bench, name: str) -> None:
    assert shown(probe(flow, bench, name)) == ("arrived", "source", False)
    blind = probe(flow, bench, name, mailbox_url=None, timeout=1.5)
    assert shown(blind) == ("arrived", "source", False)
    assert "the tenant has not seen it" in blind["why"]
    assert blind["told_by"] == "silence"


def test_a_moved_mx_leads_into_the_tenant_by_itself(flow: Flow, bench: Bench) -> None:
    flow.coexist("migrated")
    flow.forward("migrated")
    flow.mail(mx={"domain": SHARED, "to": "tenant", "ttl": 300})
    found = probe(flow, bench, "migrated")
    assert shown(found) == ("arrived", "tenant", False)
    assert found["host"].endswith(".mail.protection.outlook.com")
    out = probe(flow, bench, "noobj")
    assert shown(out) == ("arrived", "source", False)


def test_a_source_that_is_known_by_its_name_is_known_by_its_address_too(flow: Flow, bench: Bench) -> None:
    flow.coexist()
    host = probe(flow, bench, "noobj", follow=False)["host"]
    found = probe(flow, bench, "noobj", "tenant", smart_hosts=[host], mailbox_url=None)
    assert shown(found) == ("arrived", "source", False), found
    assert found["rows"][0]["ToIP"] == HOST
    nobody = probe(flow, bench, "noobj", smart_hosts=None, mailbox_url=None, timeout=1.5)
    assert (nobody["result"], nobody["place"], "give smart_hosts" in nobody["why"]) == ("missing", "", True)


@pytest.mark.parametrize("mailboxes", [True, False])
def test_a_refusal_keeps_the_words_of_whoever_said_it(flow: Flow, bench: Bench, mailboxes: bool) -> None:
    more: dict[str, Any] = {} if mailboxes else {"mailbox_url": None}
    at_the_door = probe(flow, bench, f"nobody.at.all@{SHARED}", **more)
    assert (at_the_door["result"], at_the_door["stage"], at_the_door["told_by"]) == ("refused", "rcpt", "host")
    assert at_the_door["why"].startswith("550 5.1.1")
    flow.coexist()
    flow.modes(reject_own_domain=True)
    later = probe(flow, bench, "noobj", "tenant", **more)
    assert (later["result"], later["place"]) == ("refused", "source"), "the connector carried it there"
    assert "one of ours, from outside" in later["why"]
    assert later["rows"][0]["Status"] == "Failed"


def test_a_loop_is_a_refusal_with_the_services_words(flow: Flow, bench: Bench) -> None:
    flow.relay()
    flow.mail(mx={"domain": SHARED, "to": "tenant", "ttl": 300})
    found = probe(flow, bench, "noobj", "tenant", mailbox_url=None)
    assert found["result"] == "refused"
    assert "possible mail loop" in found["why"]


def test_bounces_and_invitations_take_their_own_ways(flow: Flow, bench: Bench) -> None:
    for kind in ("bounce", "calendar"):
        found = probe(flow, bench, "stub", kind=kind)
        assert shown(found) == ("arrived", "source", False)
        assert found["sender"] == ("" if kind == "bounce" else OUTSIDER)
        box = flow.sandbox.ask("GET", f"/mailbox?address={flow.who['stub']}")
        assert [row["kind"] for row in box if row["id"] == found["id"]] == ["ndr" if kind == "bounce" else "calendar"]


def test_every_probe_has_its_own_mark(flow: Flow, bench: Bench) -> None:
    found = [probe(flow, bench, "stub", follow=False) for _unused in range(2)]
    assert [one["result"] for one in found] == ["sent", "sent"]
    assert len({one["id"] for one in found}) == 2
    flow.account()
    assert len([row for row in flow.sandbox.ask("GET", f"/mailbox?address={flow.who['stub']}") if row["kind"] == "mail"]) == 2


def test_in_check_mode_it_is_announced(flow: Flow, bench: Bench) -> None:
    for origin in ("internet", "source", "tenant"):
        options = {"origin": origin, "sender": OUTSIDER, "recipient": flow.who["stub"], **ways(flow)}
        found = bench.done("mail_probe", check=True, **options)
        assert (found["result"], found["id"], found["changed"], found["calls"]) == ("announced", "", False, [])
    assert flow.account()["sent"] == 0


def test_an_origin_that_cannot_be_had_says_so(flow: Flow, bench: Bench) -> None:
    without = Bench(flow.sandbox)
    try:
        nobody = probe(flow, without, "stub", "tenant")
    finally:
        without.close()
    assert "no submission account" in nobody["why"]
    nowhere = probe(flow, bench, "stub", "source", smart_hosts=["192.0.2.0/28"])
    assert "no host of the foreign system is named" in nowhere["why"]
    missing = probe(flow, bench, "someone@none.invalid")
    assert "none.invalid has no MX (nxdomain)" in missing["why"]
    flow.mail(foreign={"up": False})
    down = probe(flow, bench, "stub", "source")
    assert "refused (at connect" in down["why"]
    for found in (nobody, nowhere, missing, down):
        assert (found["result"], found["place"]) == ("not probed", "")
    assert flow.account()["sent"] == 0


def test_an_mx_that_could_not_be_read_is_no_missing_mx(flow: Flow, bench: Bench) -> None:
    for react, text in ((refusing("SERVFAIL"), "SERVFAIL"), (silent, "did not answer")):
        with name_server(react) as server:
            found = probe(flow, bench, "stub", name_servers=[server])
        assert (found["result"], "could not be read" in found["why"], text in found["why"]) == ("not probed", True, True)


def test_a_wrong_password_is_no_refusal_of_the_message(flow: Flow) -> None:
    wrong = Bench(flow.sandbox, submission_user="probe@example.com", submission_password="a-wrong-password")
    try:
        found = probe(flow, wrong, "stub", "tenant")
    finally:
        wrong.close()
    assert (found["result"], found["stage"]) == ("not probed", "auth")
    assert "a-wrong-password" not in str(found)


def test_what_may_have_been_taken_is_followed_and_not_sent_again(flow: Flow, bench: Bench) -> None:
    with MailHost(**{END: ""}) as first, MailHost() as second:
        options = {"smtp_overrides": {HOST: first.endpoint, "192.0.2.11": second.endpoint}, "smart_hosts": [HOST, "192.0.2.11"]}
        found = probe(flow, bench, "stub", "source", **options, timeout=1)
        assert (len(first.taken), len(second.taken)) == (1, 0)
    assert (found["result"], found["place"]) == ("missing", "")
    assert "not known whether it was taken" in found["why"]


def test_a_host_that_says_later_is_asked_later_and_the_next_one_is_tried(flow: Flow, bench: Bench) -> None:
    with MailHost(RCPT="450 4.7.1 later") as first, MailHost() as second:
        overrides = {HOST: first.endpoint, "192.0.2.11": second.endpoint}
        found = probe(flow, bench, "stub", "source", smtp_overrides=overrides, smart_hosts=[HOST, "192.0.2.11"], follow=False)
        assert (found["result"], found["host"], len(second.taken)) == ("sent", "192.0.2.11", 1)
        alone = probe(flow, bench, "stub", "source", smtp_overrides=overrides, timeout=0.5)
        assert (alone["result"], "450 4.7.1 later" in alone["why"]) == ("refused", True)
        assert first.heard.count(f"RCPT TO:<{flow.who['stub']}>") >= 3
        assert first.taken == []


def test_a_host_that_cannot_be_reached_takes_nothing_back_of_what_another_one_said(flow: Flow, bench: Bench) -> None:
    with MailHost(RCPT="450 4.7.1 later") as first:
        overrides = {HOST: first.endpoint, "192.0.2.11": "127.0.0.1:1"}
        found = probe(flow, bench, "stub", "source", smtp_overrides=overrides, smart_hosts=[HOST, "192.0.2.11"], timeout=0.7)
        assert (found["result"], "450 4.7.1 later" in found["why"]) == ("refused", True)
        assert first.heard.count(f"RCPT TO:<{flow.who['stub']}>") >= 3, "it is asked again"


def test_what_is_still_under_way_at_the_end_is_missing(flow: Flow, bench: Bench) -> None:
    flow.coexist()
    flow.mail(foreign={"up": False})
    found = probe(flow, bench, "noobj", "tenant", timeout=2)
    assert (found["result"], found["place"]) == ("missing", "")
    assert "Pending" in found["why"]


def test_a_trace_that_cannot_be_read_is_no_success(flow: Flow, bench: Bench) -> None:
    flow.coexist("migrated")
    flow.forward("migrated")
    flow.sandbox.parameters(trace_rate=0)
    found = probe(flow, bench, "migrated", "tenant", mailbox_url=None, timeout=1)
    assert (found["result"], found["place"]) == ("missing", "")
    assert "the trace could not be read" in found["why"]
    inside = probe(flow, bench, "migrated", "source", timeout=2)
    assert (inside["result"], inside["place"]) == ("missing", "")
    assert "does not tell whether by a forward" in inside["why"]


def test_the_routing_address_itself_is_no_forward(flow: Flow, bench: Bench) -> None:
    address = f"{flow.who['migrated'].partition('@')[0]}@{ROUTING}"
    assert shown(probe(flow, bench, address)) == ("arrived", "tenant", False)


BAD = [
    ({"recipient": "nobody"}, "recipient: 'nobody' is not a mail address"),
    ({"sender": "me"}, "sender: 'me' is not a mail address"),
    ({"sender": None}, "sender: is empty; a probe from internet needs one."),
    ({"name_servers": ["ns.example.com"]}, "name_servers: 'ns.example.com' is no name server"),
    ({"smtp_overrides": "a"}, "smtp_overrides: 'a' is no name=host:port."),
]


@pytest.mark.parametrize(("more", "text"), BAD)
def test_bad_input_is_named(flow: Flow, bench: Bench, more: dict[str, Any], text: str) -> None:
    found = bench.run("mail_probe", **{"sender": OUTSIDER, "recipient": flow.who["stub"], **ways(flow), **more})
    assert found["failed"]
    assert text in found["msg"]
