# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in foreign host and a real Postfix do the same: each mode, forwards, aliases, lists, queue, switch."""

from __future__ import annotations

import smtplib
import time
from typing import Any

import pytest
from unit.sandbox_mail.flow import OUTSIDER, ROUTING, SHARED, Flow

RIGHT = ("delivered", "delivered", "delivered")


def places(flow: Flow, name: str, **more: Any) -> list[str]:
    """Send one message and return the systems that it was placed in, sorted."""
    return sorted(place["system"] for place in flow.copies(flow.send(name, **more))[flow.address(name)]["places"])


def test_mailboxes_aliases_and_unknown_addresses(flow: Flow) -> None:
    assert flow.outcomes("noobj") == ("delivered", "bounced", "delivered")
    assert flow.outcome("nobody") == "bounced"
    assert flow.outcome("nobody", origin="source") == "bounced"
    alias = flow.who["alias"]
    for address in (alias.replace("@", ".second@"), alias.replace("@", "+any@")):
        (place,) = flow.copies(flow.send(address))[address]["places"]
        assert (place["mailbox"], place["system"]) == (alias, "source")
    assert flow.outcome("friend@out.example.org", origin="source") == "delivered"


def test_lists(flow: Flow) -> None:
    name, members = flow.who["list"], [flow.who["noobj"], flow.who["stub"]]
    assert places(flow, "list") == ["source"]
    flow.mail(foreign={"lists": {name: members}})
    copy = flow.copies(flow.send(name))[name]
    assert sorted(place["mailbox"] for place in copy["places"]) == sorted(members)
    assert copy["outcome"] == "delivered"


def test_a_forward_switched_on_and_off_again(flow: Flow) -> None:
    flow.coexist("stub")
    assert places(flow, "stub") == ["source"]
    flow.forward("stub")
    assert places(flow, "stub") == places(flow, "stub", origin="source") == places(flow, "stub", origin="local") == ["tenant"]
    tagged = flow.who["stub"].replace("@", "+tag@")
    assert places(flow, tagged) == ["tenant"]
    assert f"+tag@{ROUTING}" in " ".join(flow.copies(flow.send(tagged))[tagged]["hops"])
    flow.forward("stub", on=False)
    assert places(flow, "stub") == ["source"]


def test_a_forward_that_keeps_a_copy(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub", keep=True)
    assert places(flow, "stub") == ["source", "tenant"]
    flow.forward("stub")
    flow.modes(keep_copy=True)
    assert places(flow, "stub") == ["source", "tenant"]
    flow.modes(keep_copy=False)
    assert places(flow, "stub") == ["tenant"]


def test_a_forward_to_a_dead_address_tells_the_sender(flow: Flow) -> None:
    flow.relay()
    flow.forward("noobj")
    assert flow.outcome("noobj") == "bounced"
    assert flow.outcome("noobj", origin="source", sender=flow.who["noobj2"]) == "bounced"
    flow.account()
    reports = [row for row in flow.sandbox.ask("GET", f"/mailbox?address={flow.who['noobj2']}") if row["kind"] == "ndr"]
    assert len(reports) == 1


def test_mode_reject_own_domain(flow: Flow) -> None:
    flow.coexist("pilot")
    flow.modes(reject_own_domain=True)
    assert flow.outcomes("stub") == ("delivered", "bounced", "delivered")
    assert flow.outcome("stub", sender=f"forged@{SHARED}") == "bounced"
    flow.modes(reject_own_domain=False)
    assert flow.outcomes("stub") == RIGHT


def test_mode_catch_all(flow: Flow) -> None:
    flow.coexist("migrated", "pilot")
    flow.modes(unknown="catch_all")
    assert flow.outcomes("nobody") == RIGHT
    assert flow.outcome("room", origin="tenant") == "split"
    assert flow.outcomes("migrated") == flow.outcomes("stub") == flow.outcomes("alias") == RIGHT
    flow.modes(unknown="reject")
    assert flow.outcome("nobody") == "bounced"


def test_mode_relay(flow: Flow) -> None:
    flow.modes(unknown="relay")
    assert flow.outcome("room") == "delivered"
    assert flow.outcome("nobody") == "bounced"
    assert flow.outcomes("noobj")[::2] == ("delivered", "delivered")
    flow.coexist("migrated", "pilot", "room")
    assert flow.outcome("nobody") == "loop"
    assert flow.outcomes("room") == flow.outcomes("migrated") == flow.outcomes("stub") == RIGHT


@pytest.mark.parametrize(("mode", "inside", "outside"), [("own", ["source"], ["tenant"]), ("all", ["source"], ["source"])])
def test_mode_local_only(flow: Flow, mode: str, inside: list[str], outside: list[str]) -> None:
    flow.coexist("stub")
    flow.forward("stub")
    flow.modes(local_only=mode)
    assert places(flow, "stub", origin="source") == places(flow, "stub", origin="local") == inside
    assert places(flow, "stub") == outside
    assert places(flow, flow.who["alias"].replace("@", ".second@"), origin="local") == ["source"]
    flow.modes(local_only="")
    assert places(flow, "stub", origin="local") == ["tenant"]


def test_mode_rate_limited(flow: Flow) -> None:
    flow.coexist("pilot")
    flow.modes(rate_limited=0)
    assert flow.outcomes("stub") == ("delayed", "delayed", "delivered")
    flow.modes(rate_limited=2)
    flow.sandbox.clock(advance=301)
    for _unused in range(3):
        flow.send("stub2", origin="tenant")
    assert flow.sums() == {"delivered": 4, "delayed": 2}
    flow.modes(rate_limited=None)
    flow.sandbox.ask("POST", "/queue", {})
    assert flow.sums() == {"delivered": 6}


def test_relaying_for_strangers_is_refused(flow: Flow) -> None:
    (host,) = flow.sandbox.ready["foreign"]
    address, _unused, port = host["smtp"].rpartition(":")
    with smtplib.SMTP(address, int(port), timeout=30) as wire, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        wire.sendmail(OUTSIDER, ["friend@out.example.org"], "Subject: x\r\n\r\nx\r\n")
    assert next(iter(refused.value.recipients.values()))[0] == 554


def test_a_stranger_by_hand_is_accounted(flow: Flow) -> None:
    (host,) = flow.sandbox.ready["foreign"]
    address, _unused, port = host["smtp"].rpartition(":")
    letter = f"From: {OUTSIDER}\r\nMessage-ID: <by-hand@out.example.org>\r\nSubject: by hand\r\n\r\nx\r\n"
    with smtplib.SMTP(address, int(port), timeout=30) as wire:
        wire.sendmail(OUTSIDER, [flow.who["noobj"]], letter)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            wire.sendmail(OUTSIDER, [flow.who["nobody"]], letter)
    assert flow.sums() == {"delivered": 1, "bounced": 1}


def test_the_host_switched_off_and_on(flow: Flow) -> None:
    flow.mail(foreign={"up": False})
    id_ = flow.send("noobj")
    assert flow.copies(id_)[flow.who["noobj"]]["outcome"] == "delayed"
    flow.mail(foreign={"up": True})
    flow.sandbox.clock(advance=301)
    assert flow.copies(id_)[flow.who["noobj"]]["outcome"] == "delivered"


def test_mail_waits_in_the_hosts_own_queue_while_the_tenant_does_not_answer(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub")
    flow.mail(door={"tenant": "", "up": False})
    id_ = flow.send("stub")
    assert flow.copies(id_)[flow.who["stub"]]["outcome"] == "delayed"
    flow.mail(door={"tenant": "", "up": True})
    flow.sandbox.ask("POST", "/queue", {})
    assert flow.copies(id_)[flow.who["stub"]]["outcome"] == "delivered"


def test_letters_that_the_tenant_keeps_waiting_hold_up_no_probe(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub")
    flow.mail(door={"tenant": "", "held": True})
    for _unused in range(30):
        flow.send("stub")
    probe, end = flow.send("stub", id="<probe.0123@out.example.org>"), time.monotonic() + 10
    while not any(row["id"] == probe for row in flow.sandbox.ask("GET", f"/mailbox?address={flow.who['stub']}")):
        assert time.monotonic() < end, "30 letters wait for the tenant, and a probe waits behind them"
        time.sleep(0.1)
    flow.mail(door={"tenant": "", "held": False})
    assert flow.sums() == {"delivered": 31}


def test_mail_to_a_busy_mailbox_waits_and_keeps_the_way_that_was_chosen(flow: Flow) -> None:
    flow.coexist("stub")
    flow.mail(foreign={"busy": [flow.who["stub"]]})
    id_ = flow.send("stub")
    assert flow.copies(id_)[flow.who["stub"]]["outcome"] == "delayed"
    probe = flow.send("stub", id="<probe.0124@out.example.org>")
    assert [place["system"] for place in flow.copies(probe)[flow.who["stub"]]["places"]] == ["source"], "probes pass"
    assert flow.outcome("noobj") == "delivered"
    flow.forward("stub")
    assert places(flow, "stub") == ["tenant"], "what comes later takes the forward"
    flow.mail(foreign={"busy": []})
    flow.sandbox.ask("POST", "/queue", {})
    copy = flow.copies(id_)[flow.who["stub"]]
    assert ([place["system"] for place in copy["places"]], copy["outcome"]) == (["source"], "healed")
    with pytest.raises(Exception, match="400"):
        flow.mail(foreign={"busy": ["nobody@elsewhere.example"]})


def test_a_refused_change_leaves_the_host_as_it_was(flow: Flow) -> None:
    before = flow.sandbox.ask("GET", "/state")["mail"]["foreign"]
    with pytest.raises(Exception, match="400"):
        flow.mail(foreign={"forwards": {flow.who["stub"]: {"to": f"x@{ROUTING}"}, "nobody@elsewhere.example": None}})
    assert flow.sandbox.ask("GET", "/state")["mail"]["foreign"] == before
