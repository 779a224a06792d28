# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a coexistence project, played with mail: who is hurt in each, and how; and that the rest is right."""

from __future__ import annotations

import pytest

from .flow import GROUP, SHARED, Flow

RIGHT = ("delivered", "delivered", "delivered")


def test_before_set_up_licensed_stubs_get_mail_from_inside_in_the_wrong_place(flow: Flow) -> None:
    assert flow.outcomes("stub") == ("delivered", "split", "delivered")
    assert flow.outcomes("pilot") == RIGHT
    assert flow.outcomes("migrated") == RIGHT
    assert flow.outcomes("noobj") == ("delivered", "bounced", "delivered")
    assert flow.outcomes("nobody") == ("bounced", "bounced", "bounced")
    assert flow.outcomes("other") == RIGHT
    assert flow.outcomes("guest") == RIGHT


def test_relayed_domain_with_mx_at_the_tenant_and_no_route_loops(flow: Flow) -> None:
    flow.relay()
    flow.mx("tenant", ttl=60)
    assert flow.outcome("noobj") == "loop"
    assert flow.outcome("nobody", origin="tenant") == "loop"
    assert flow.outcome("mailuser") == "loop"
    assert flow.outcome("pilot") == "delivered"
    copies = flow.copies(flow.send("noobj"))
    assert copies[flow.who["noobj"]]["ends"][0]["status"] == "5.4.14"
    assert sum("took" in hop for hop in copies[flow.who["noobj"]]["hops"]) == 1


def test_the_third_entry_into_the_tenant_ends_a_message_and_submission_is_none(flow: Flow) -> None:
    flow.coexist()
    flow.modes(unknown="relay")
    for origin in ("internet", "tenant"):
        copy = flow.copies(flow.send("nobody", origin=origin))[flow.who["nobody"]]
        entries = [hop for hop in copy["hops"] if hop.startswith(f"{flow.organization} took")]
        assert (copy["outcome"], len(entries)) == ("loop", 3 if origin == "internet" else 4), copy["hops"]


def test_scope_organization_sends_what_lives_in_the_cloud_to_the_foreign_host(flow: Flow) -> None:
    flow.coexist(scope="organization")
    for name in ("other", "room", "shared", "m365group", "folder", "guest"):
        assert flow.outcome(name, origin="tenant") == "bounced", name
    assert flow.outcomes("stub") == RIGHT
    assert flow.outcome("guest", origin="internet") == "delivered"


def test_scope_domain_leaves_other_domains_alone_and_misses_another_primary_address(flow: Flow) -> None:
    below = flow.who["other"].partition("@")[2]
    assert below.endswith(f".{SHARED}")
    flow.coexist("pilot", "room", "shared")
    assert flow.outcome("other", origin="tenant") == "bounced"
    flow.coexist("pilot", "room", "shared", ExceptIfRecipientDomainIs=[below])
    for name in ("other", "guest", "pilot", "room", "shared"):
        assert flow.outcome(name, origin="tenant") == "delivered", name
    assert flow.outcome("onmicrosoft", origin="tenant") == "split"
    assert flow.outcome("alias", origin="tenant") == "delivered"
    assert flow.outcome(f"{flow.who['alias'].split('@')[0]}.second@{SHARED}", origin="tenant") == "delivered"


def test_rule_before_the_group_is_filled_loops_who_has_a_forward(flow: Flow) -> None:
    flow.coexist()
    assert flow.outcome("migrated") == "loop"
    assert flow.outcome("migrated", origin="tenant") == "loop"
    flow.group("migrated")
    assert flow.outcomes("migrated") == RIGHT


def test_connector_by_mx_is_the_wrong_way_once_the_mx_moved(flow: Flow) -> None:
    flow.coexist()
    flow.connector(UseMXRecord=True, SmartHosts=[])
    assert flow.outcome("stub", origin="tenant") == "delivered"
    flow.mx("tenant", ttl=0)
    assert flow.outcome("stub", origin="tenant") == "loop"


def test_a_host_that_refuses_its_own_domain_bounces_colleagues(flow: Flow) -> None:
    flow.coexist("pilot")
    flow.modes(reject_own_domain=True)
    assert flow.outcomes("stub") == ("delivered", "bounced", "delivered")


def test_a_host_that_limits_the_rate_delays(flow: Flow) -> None:
    flow.coexist("pilot")
    flow.modes(rate_limited=0)
    assert flow.outcome("stub", origin="tenant") == "delayed"
    assert flow.outcome("stub", origin="source") == "delivered"
    flow.modes(rate_limited=None)
    flow.sandbox.clock(advance=301)
    assert flow.sums()["delayed"] == 0


def test_forward_before_group_loops_or_goes_round(flow: Flow) -> None:
    flow.coexist()
    flow.forward("stub")
    assert flow.outcome("stub") == "loop"
    assert flow.outcome("stub", origin="tenant") == "loop"


def test_group_before_forward_is_healed_or_early(flow: Flow) -> None:
    flow.coexist()
    flow.group("stub")
    assert flow.outcomes("stub") == ("delivered", "early", "delivered")
    flow.forward("stub")
    assert flow.outcomes("stub") == RIGHT


def test_mail_in_the_source_mailbox_is_healed_until_the_last_sync(flow: Flow) -> None:
    flow.coexist("stub")
    flow.mail(people={flow.who["stub"]: {"reads": "tenant"}})
    before = flow.send("stub")
    assert flow.copies(before)[flow.who["stub"]]["outcome"] == "healed"
    assert flow.mail(sync={"people": [flow.who["stub"]], "last": True})["copied"] == 1
    assert flow.copies(before)[flow.who["stub"]]["places"][0]["copied"]
    there = flow.sandbox.ask("GET", f"/mailbox?address={flow.who['stub']}")
    assert [(row["system"], row["copied"]) for row in there] == [("source", True), ("tenant", True)]
    assert flow.outcome("stub") == "split"
    assert flow.copies(before)[flow.who["stub"]]["outcome"] == "healed"


def test_a_kept_copy_is_a_duplicate_while_the_sync_runs(flow: Flow) -> None:
    flow.coexist("stub")
    flow.forward("stub", keep=True)
    assert flow.outcome("stub") == "duplicate"
    flow.mail(sync={"people": [flow.who["stub"]], "last": True})
    assert flow.outcome("stub") == "delivered"


def test_forward_without_mailbox_or_address_bounces(flow: Flow) -> None:
    flow.relay()
    flow.forward("noobj")
    assert flow.outcome("noobj") == "bounced"
    copy = flow.copies(flow.send("noobj"))[flow.who["noobj"]]
    assert copy["ends"][0]["status"] == "5.4.1"


@pytest.mark.parametrize(("reading", "before", "after"), [("shared", "delivered", "bounced"), ("routing", "bounced", "bounced")])
def test_forwards_of_strict_senders_bounce_where_dmarc_is_honoured(flow: Flow, reading: str, before: str, after: str) -> None:
    flow.sandbox.parameters(dmarc_domain=reading)
    flow.coexist("stub")
    flow.moved("stub")
    flow.mail(record={"name": "_dmarc.strict.example", "type": "TXT", "texts": ["v=DMARC1; p=reject"]})
    flow.mail(record={"name": "strict.example", "type": "TXT", "texts": ["v=spf1 ip4:198.51.100.30 -all"]})
    assert flow.outcome("stub", sender="boss@strict.example") == before
    flow.mx("tenant", ttl=3600)
    assert flow.outcome("stub", sender="boss@strict.example", resolver="stale") == after
    assert flow.outcome("stub", sender="boss@strict.example") == "delivered"


@pytest.mark.parametrize(
    ("reading", "stub", "noobj"), [("a", "split", "loop"), ("b", "delivered", "loop"), ("c", "delivered", "delivered")]
)
def test_mx_moved_with_scope_organization_has_three_readings(flow: Flow, reading: str, stub: str, noobj: str) -> None:
    flow.sandbox.parameters(sent_to_scope_reading=reading)
    flow.coexist(scope="organization")
    flow.mx("tenant", ttl=0)
    assert flow.outcome("stub") == stub
    assert flow.outcome("noobj") == noobj


@pytest.mark.parametrize("reading", ["a", "b", "c"])
def test_mx_moved_with_scope_domain_is_right_under_every_reading(flow: Flow, reading: str) -> None:
    flow.sandbox.parameters(sent_to_scope_reading=reading)
    flow.coexist("migrated", "pilot", "room")
    flow.mx("tenant", ttl=0)
    for name in ("stub", "noobj", "mailuser", "migrated", "pilot", "alias", "list"):
        assert flow.outcomes(name) == RIGHT, name
    assert flow.outcomes("room") == ("delivered", "delivered", "bounced")
    assert flow.outcomes("nobody") == ("bounced", "bounced", "bounced")


def test_group_or_connector_removed_while_the_rule_acts(flow: Flow) -> None:
    flow.coexist("migrated", "stub")
    flow.moved("stub")
    flow.put("DistributionGroup", objects=[])
    assert flow.outcome("stub", origin="tenant") == "loop"
    assert flow.outcome("room", origin="tenant") == "bounced"
    flow.group("migrated", "stub")
    flow.put("OutboundConnector", objects=[])
    assert flow.outcome("stub", origin="tenant") == "delivered"
    assert flow.outcome("noobj", origin="tenant") == "delayed"
    flow.rules()
    flow.relay("Authoritative")
    flow.sandbox.clock(advance=301)
    assert flow.sums()["delayed"] == 0


def test_rules_removed_with_the_domain_still_relayed_loops_nobody(flow: Flow) -> None:
    flow.coexist("stub")
    flow.moved("stub")
    flow.mx("tenant", ttl=0)
    flow.rules()
    assert flow.outcome("stub") == "delivered"
    assert flow.outcome("nobody") == "loop"
    flow.relay("Authoritative")
    assert flow.outcome("nobody") == "bounced"
    assert flow.outcome("noobj") == "bounced"
    assert flow.outcome("list") == "bounced"


def test_host_off_while_senders_still_come_there(flow: Flow) -> None:
    flow.mx("tenant", ttl=3600)
    flow.mail(foreign={"up": False})
    assert flow.outcome("stub", resolver="stale") == "delayed"
    flow.sandbox.clock(advance=3601)
    assert flow.sums() == {"split": 1}
    flow.coexist()
    assert flow.outcome("noobj", origin="tenant") == "delayed"
    flow.sandbox.clock(advance=90000)
    assert flow.sums() == {"split": 1, "bounced": 1}


def test_forwards_off_while_the_old_path_still_carries_mail(flow: Flow) -> None:
    flow.coexist("migrated")
    flow.mail(people={flow.who["migrated"]: {"reads": "tenant"}})
    flow.forward("migrated", on=False)
    assert flow.outcome("migrated") == "split"


def test_a_new_room_is_sent_out_and_bounces(flow: Flow) -> None:
    flow.coexist("pilot")
    assert flow.outcome("room", origin="tenant") == "bounced"
    flow.group("pilot", "room")
    assert flow.outcome("room", origin="tenant") == "delivered"


def test_a_host_that_relays_unknown_addresses_back_loops(flow: Flow) -> None:
    flow.coexist()
    flow.modes(unknown="relay")
    assert flow.outcome("nobody") == "loop"
    flow.modes(unknown="catch_all")
    assert flow.outcome("nobody") == "delivered"
    assert flow.outcome("room", origin="tenant") == "split"


def test_pending_polarity_fails_towards_local_delivery(flow: Flow) -> None:
    flow.coexist("stub2", ExceptIfSentToMemberOf=None, SentToMemberOf=[GROUP])
    assert flow.outcome("stub2", origin="tenant") == "delivered"
    assert flow.outcome("m365group", origin="tenant") == "delivered"
    assert flow.outcome("stub", origin="tenant") == "early"
    flow.put("DistributionGroup", objects=[])
    assert flow.outcome("room", origin="tenant") == "delivered"
