# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front doors as strangers see them: SMTP by the standard library, and what the account makes of it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable

import pytest

from .flow import OUTSIDER, ROUTING, SHARED, Flow

LETTER = "From: {sender}\r\nTo: {to}\r\nSubject: by hand\r\n\r\nhello\r\n"


def opened(flow: Flow, endpoint: str) -> smtplib.SMTP:
    """Return a connection."""
    host, _unused, port = endpoint.rpartition(":")
    return smtplib.SMTP(host, int(port), timeout=20)


def refusal(send: Callable[[], object]) -> str:
    """Return the reply that refused all recipients or the message."""
    try:
        send()
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return f"{code} {text.decode()}"
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        return f"{error.smtp_code} {error.smtp_error!r}"
    return ""


def test_a_stranger_at_the_tenants_door(flow: Flow) -> None:
    entry = flow.sandbox.tenant()
    pilot, gone = flow.who["pilot"], f"gone@{ROUTING}"
    with opened(flow, entry["smtp"]) as wire:
        assert refusal(lambda: wire.sendmail(OUTSIDER, [gone], LETTER)).startswith("550 5.4.1")
        assert refusal(lambda: wire.sendmail(OUTSIDER, ["x@elsewhere.example"], LETTER)).startswith("550 5.7.64")
        wire.sendmail(OUTSIDER, [pilot], LETTER.format(sender=OUTSIDER, to=pilot))
        assert wire.has_extn("dsn")
    found = flow.account()
    assert found["sums"] == {"bounced": 2, "delivered": 1}
    assert {row["origin"] for row in found["messages"]} == {"internet"}
    assert [row["subject"] for row in flow.sandbox.ask("GET", f"/mailbox?address={pilot}")] == ["by hand"]


def test_direct_send_is_refused_when_the_organization_says_so(flow: Flow) -> None:
    name = flow.sandbox.state()["objects"]["OrganizationConfig"][0]["Name"]
    flow.put("OrganizationConfig", identity=name, set={"RejectDirectSend": True})
    with opened(flow, flow.sandbox.tenant()["smtp"]) as wire:
        said = refusal(lambda: wire.sendmail(f"boss@{SHARED}", [flow.who["pilot"]], LETTER))
    assert said.startswith("550 5.7.68")
    row = {"Name": "In", "Enabled": True, "SenderDomains": ["smtp:*;1"], "SenderIPAddresses": ["127.0.0.1"]}
    flow.put("InboundConnector", objects=[row])
    with opened(flow, flow.sandbox.tenant()["smtp"]) as wire:
        wire.sendmail(f"boss@{SHARED}", [flow.who["pilot"]], LETTER)
    assert flow.sums() == {"bounced": 1, "delivered": 1}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_signed_in_senders_write_as_themselves_to_anybody(flow: Flow, mechanism: str) -> None:
    submission = flow.sandbox.tenant()["submission"]
    pilot = flow.who["pilot"]
    with opened(flow, submission["endpoint"]) as wire:
        wire.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            wire.login(pilot, "wrong")
        wire.esmtp_features["auth"] = mechanism
        wire.login(pilot, submission["password"])
        assert refusal(lambda: wire.sendmail(flow.who["room"], [pilot], LETTER)).startswith("550 5.7.60")
        wire.sendmail(pilot, ["friend@out.example.org", f"gone@{ROUTING}"], LETTER.format(sender=pilot, to="friend@out.example.org"))
    found = flow.account()
    assert found["sums"] == {"bounced": 2, "delivered": 1}
    assert found["reports"] == {"delivered": 1}


def test_one_message_to_many_takes_several_ways_and_each_copy_is_accounted(flow: Flow) -> None:
    flow.coexist("migrated", "pilot")
    everybody = ("pilot", "migrated", "stub", "noobj", "mailuser", "nobody", "guest")
    found = flow.copies(flow.send(*everybody, origin="tenant"))
    outcomes = {name: found[flow.who[name]]["outcome"] for name in everybody}
    assert outcomes == {**dict.fromkeys(everybody, "delivered"), "nobody": "bounced"}
    systems = {name: [place["system"] for place in found[flow.who[name]]["places"]] for name in everybody}
    assert systems["stub"] == ["source"]
    assert systems["migrated"] == ["tenant"]
    assert systems["guest"] == ["outside"]


def test_two_addresses_of_one_person_are_two_copies(flow: Flow) -> None:
    alias = flow.who["alias"]
    second = alias.replace("@", ".second@")
    flow.coexist("alias")
    flow.forward("alias")
    found = flow.copies(flow.send(alias, second, alias.replace("@", "+tag@")))
    assert [copy["outcome"] for copy in found.values()] == ["delivered"] * 3
    assert [place["system"] for copy in found.values() for place in copy["places"]] == ["tenant"] * 3


def test_a_list_of_the_source_expands_with_one_account(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub")
    name = flow.who["list"]
    flow.mail(foreign={"lists": {name: [flow.who["stub"], flow.who["noobj"]]}})
    copy = flow.copies(flow.send(name))[name]
    assert copy["outcome"] == "delivered"
    assert sorted(place["reader"] for place in copy["places"]) == sorted([flow.who["stub"], flow.who["noobj"]])


def test_reports_come_back_to_the_sender_and_never_answer_reports(flow: Flow) -> None:
    id_ = flow.send("nobody", origin="tenant")
    found = flow.account()
    assert found["reports"] == {"delivered": 1}
    report = next(row for row in found["messages"] if row["origin"] == "report")
    assert (report["kind"], report["sender"], report["copies"][0]["recipient"]) == ("ndr", "", flow.who["pilot"])
    assert flow.outcome("nobody", origin="tenant", sender="<>") == "bounced"
    assert flow.account()["reports"] == {"delivered": 1}
    assert flow.copies(id_)[flow.who["nobody"]]["ends"][0]["status"] == "5.1.10"


@pytest.mark.parametrize(("acts", "where"), [(True, "source"), (False, "tenant")])
def test_replies_of_absent_people_and_the_two_readings_of_rules_on_reports(flow: Flow, acts: bool, where: str) -> None:
    flow.sandbox.parameters(rules_on_reports=acts)
    flow.coexist("pilot")
    flow.mail(people={flow.who["pilot"]: {"away": True}})
    stub = flow.who["stub"]
    flow.send("pilot", sender=stub, origin="source")
    flow.send("pilot", sender=stub, origin="source")
    replies = [row for row in flow.account()["messages"] if row["kind"] == "oof"]
    assert [place["system"] for row in replies for place in row["copies"][0]["places"]] == [where]
    flow.put("RemoteDomain", identity="Default", set={"AllowedOOFType": "None"})
    flow.send("pilot", sender="other@out.example.org")
    assert len([row for row in flow.account()["messages"] if row["kind"] == "oof"]) == 1


def test_sender_ranges_see_the_foreign_hosts_own_address(flow: Flow) -> None:
    flow.coexist("migrated")
    flow.rules({"Name": "Inbound", "SenderIpRanges": ["192.0.2.10"], "DeleteMessage": True})
    assert flow.outcome("migrated") == "lost"
    assert flow.outcome("pilot", origin="tenant") == "delivered"


def test_what_a_foreign_rule_does_to_others_mail(flow: Flow) -> None:
    stop = {"Name": "Signature", "RecipientDomainIs": [SHARED], "StopRuleProcessing": True}
    flow.coexist("pilot")
    rule = flow.sandbox.state()["objects"]["TransportRule"][0]
    flow.rules(stop, {key: rule[key] for key in ("Name", "RecipientDomainIs", "RouteMessageOutboundConnector")})
    assert flow.outcome("stub", origin="tenant") == "split"
    flow.rules({"Name": "Audit", "BlindCopyTo": [flow.who["pilot"]]})
    assert flow.outcome("room", origin="tenant") == "delivered"
    assert [row["asked"] for row in flow.sandbox.ask("GET", f"/mailbox?address={flow.who['pilot']}")][-1] == ""
    assert flow.account()["sent"] == 2
