# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fates on which the predictor and the sandbox once differed, and those that the routing facts leave to be decided: each decided once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from . import readings
from .alterations import (
    Change,
    above,
    at_list,
    at_tenant,
    below,
    dynamic,
    every,
    flags,
    forwards_off,
    inbound,
    joins,
    lately,
    mailbox,
    moved_lately,
    no_connectors,
    no_rules,
    nothing,
    one_domain,
    ours,
    pending,
    removed,
    scope_organization,
    strict,
    team,
)
from .people import ELSEWHERE, OTHER
from .scenario import ORGANIZATION, OUTSIDER, ROUTING, STRICT
from .small import ONE, SUB, TWO, Known, connector, fates

OTHERS = r"@other\.example$"


def letter(to: str, origin: str, outcome: str, change: Change = nothing, **more: Any) -> Known:
    """A case; to and outcome: one, or several with a bar between them."""
    return Known(tuple(to.split("|")), origin, frozenset(outcome.split("|")), change, **more)


INTERNAL = {"ConnectorType": "OnPremises", "TreatMessagesAsInternal": True}
STOPS = {"StopRuleProcessing": True}
REJECTS = {"RejectMessageReasonText": "no", "RejectMessageEnhancedStatusCode": "5.7.1"}
ROUTED = {"honor_dmarc": "on", "dmarc_domain": "routing"}
STRICT_SENDER = f"boss@{STRICT}"
OURS = "rule acts: Coexistence (first)"
SPARES = lately("Set-TransportRule", "Coexistence (first)", ExceptIfRecipientAddressMatchesPatterns=["^folder1@"])
CASES: Mapping[str, Known] = {
    "any-of conditions see every member of an expanded group": letter(
        f"team1@{ONE}",
        "tenant",
        "split",
        every(team(f"other1@{OTHER}", f"stub1@{ONE}"), above(AnyOfRecipientAddressMatchesPatterns=[OTHERS], **STOPS)),
    ),
    "any-of conditions see the mailbox that keeps what it forwards": letter(
        f"forwarder1@{OTHER}",
        "tenant",
        "split",
        every(
            mailbox("forwarder1", ForwardingSmtpAddress=f"smtp:stub1@{ONE}", DeliverToMailboxAndForward=True),
            above(AnyOfRecipientAddressMatchesPatterns=["^forwarder1@"], **STOPS),
        ),
    ),
    "any-of conditions see every recipient of a submission": letter(
        f"stub1@{ONE}|other1@{OTHER}", "tenant", "split", above(AnyOfRecipientAddressMatchesPatterns=[OTHERS], **STOPS)
    ),
    "any-of conditions see one domain's recipients of mail from the internet": letter(
        f"stub1@{ONE}|other1@{OTHER}",
        "internet",
        "delivered",
        every(at_tenant(ONE), above(AnyOfRecipientAddressMatchesPatterns=[OTHERS], **STOPS)),
    ),
    "who sent a bounce is not told by its null sender": letter(
        f"other1@{OTHER}",
        "program",
        "delivered|bounced",
        every(inbound(**INTERNAL), above(FromScope="NotInOrganization", **REJECTS)),
        what="bounce",
    ),
    "an internal connector makes no colleague of an outside sender": letter(
        f"other1@{OTHER}",
        "program",
        "bounced",
        every(inbound(**INTERNAL), above(FromScope="NotInOrganization", **REJECTS)),
        sender=OUTSIDER,
    ),
    "an internal connector makes a colleague of a source user": letter(
        f"other1@{OTHER}", "program", "delivered", every(inbound(**INTERNAL), above(FromScope="NotInOrganization", **REJECTS))
    ),
    "another host's forward fails the SPF of the sender's domain": letter(
        f"migrated2@{TWO}", "source", "bounced", strict(ONE), sender=f"stub1@{ONE}", reading=ROUTED
    ),
    "its own host's forward passes the SPF of the sender's domain": letter(
        f"migrated1@{ONE}", "source", "delivered", strict(ONE), sender=f"stub1@{ONE}", reading=ROUTED
    ),
    "a forward fails the SPF of an outside domain": letter(
        f"migrated1@{ONE}", "internet", "bounced", strict(STRICT), sender=STRICT_SENDER, reading=ROUTED
    ),
    "enhanced filtering looks at the hop before the forward": letter(
        f"migrated1@{ONE}", "internet", "delivered", every(strict(STRICT), inbound(EFSkipLastIP=True)), sender=STRICT_SENDER, reading=ROUTED
    ),
    "a restricted partner connector keeps a domain for its addresses": letter(
        f"pilot1@{ONE}",
        "internet",
        "bounced",
        every(at_tenant(ONE), inbound(SenderDomains=[f"smtp:{ONE};1"], RestrictDomainsToIPAddresses=True)),
        sender=f"noobj1@{ONE}",
    ),
    "group before forward, from outside": letter(f"stub1@{ONE}", "internet", "delivered", joins(f"stub1@{ONE}")),
    "group before forward, from inside": letter(f"stub1@{ONE}", "tenant", "early", joins(f"stub1@{ONE}")),
    "a pending group makes early what nobody waits for": letter(f"stub1@{ONE}", "tenant", "early", pending),
    "mail of the host itself stays there in local_only": letter(f"migrated1@{ONE}", "source", "split", flags("local_only")),
    "mail of the host itself is synced in local_only": letter(f"between1@{ONE}", "program", "healed", flags("local_only")),
    "mail from elsewhere is forwarded in local_only": letter(f"migrated1@{ONE}", "internet", "delivered", flags("local_only")),
    "mail to a list from elsewhere is forwarded in local_only": letter(
        f"list1@{ONE}", "internet", "delivered", every(flags("local_only"), at_list(f"migrated1@{ONE}"))
    ),
    "a host that keeps copies, the sync still running": letter(f"between1@{ONE}", "internet", "duplicate", flags("keep_copy")),
    "a host that keeps copies, the sync over": letter(f"migrated1@{ONE}", "internet", "delivered", flags("keep_copy")),
    "a cloud-only address at a host that catches all": letter(f"room1@{ONE}", "internet", "split", flags(unknown="catch_all")),
    "nobody's address at a host that catches all": letter(f"nobody1@{ONE}", "internet", "delivered", flags(unknown="catch_all")),
    "the third entry ends a message that is relayed back": letter(f"nobody1@{ONE}", "internet", "loop", flags(unknown="relay")),
    "relayed back to a cloud-only mailbox in the group": letter(f"room1@{ONE}", "internet", "delivered", flags(unknown="relay")),
    "a rule without its connector lets mail wait": letter(f"stub1@{ONE}", "tenant", "delayed", no_connectors),
    "a rule without its connector is passed over": letter(
        f"stub1@{ONE}", "tenant", "split", no_connectors, reading={"missing_connector": "ignored"}
    ),
    "a deferring rule without its connector lets mail wait": letter(
        f"stub1@{ONE}", "tenant", "delayed", every(no_connectors, ours(RuleErrorAction="Defer")), reading={"missing_connector": "ignored"}
    ),
    "the host is off while senders still come there": letter(
        f"migrated1@{ONE}", "internet", "lost", every(moved_lately, removed), reading={f"MX of {ONE} seen from internet": "old"}
    ),
    "forwards are off while senders still come there": letter(
        f"migrated1@{ONE}", "internet", "split", every(moved_lately, forwards_off), reading={f"MX of {ONE} seen from internet": "old"}
    ),
    "forwards are off, and the sender knows the new MX": letter(
        f"migrated1@{ONE}", "internet", "delivered", every(moved_lately, forwards_off), reading={f"MX of {ONE} seen from internet": "new"}
    ),
    "a mailbox that is sent out leaves under its primary address": letter(
        f"elsewhere1@{ONE}", "tenant", "bounced", scope_organization, reading={"sent_to_scope": "a"}
    ),
    "a routing address that is sent out leaves under the primary address": letter(f"stub1@{ROUTING}", "tenant", "delivered"),
    "a mail user that is sent out leaves under its external address": letter(
        f"mailuser2@{OTHER}", "tenant", "delivered", scope_organization
    ),
    "a mail user into a relayed domain is looked up once": letter(f"mailuser1@{ONE}", "tenant", "delivered", no_rules),
    "a mail user into a relayed domain is looked up again": letter(
        f"mailuser1@{ONE}", "tenant", "loop", no_rules, reading={"mail_user": "again"}
    ),
    "a forward carries the plus part on": letter(f"migrated1+tag@{ONE}", "internet", "bounced", reading={"plus_addressing": "off"}),
    "a plus address is its mailbox": letter(f"migrated1+tag@{ONE}", "internet", "delivered"),
    "subdomains of a rule's domain are matched": letter(f"noobj2@{SUB}", "tenant", "delivered", every(at_tenant(SUB), one_domain)),
    "an address in another host's domain is unknown there": letter(f"sister1@{TWO}", "internet", "bounced"),
    "a redirect to somebody else is a loss": letter(
        f"shared1@{ONE}", "tenant", "lost", above(SentTo=[f"shared1@{ONE}"], RedirectMessageTo=[f"other1@{OTHER}"])
    ),
    "a redirect to the same mailbox is none": letter(
        f"shared1@{ONE}", "tenant", "delivered", above(SentTo=[f"shared1@{ONE}"], RedirectMessageTo=[f"shared1@{ROUTING}"])
    ),
    "a redirect to the same mailbox spares it the rules below": letter(
        f"stub1@{ONE}",
        "tenant",
        "split",
        above(SentTo=[f"stub1@{ONE}"], RedirectMessageTo=[f"stub1@{ROUTING}"]),
        reading={"rules_after_redirect": "spared"},
    ),
    "rules below a redirect to the same mailbox act": letter(
        f"stub1@{ONE}",
        "tenant",
        "delivered",
        above(SentTo=[f"stub1@{ONE}"], RedirectMessageTo=[f"stub1@{ROUTING}"]),
        reading={"rules_after_redirect": "act"},
    ),
    "rules below a redirect that stops do not act": letter(
        f"stub1@{ONE}",
        "tenant",
        "split",
        above(SentTo=[f"stub1@{ONE}"], RedirectMessageTo=[f"stub1@{ROUTING}"], **STOPS),
        reading={"rules_after_redirect": "act"},
    ),
    "a redirect to the same mailbox forgets the connector that was named": letter(
        f"stub1@{ONE}",
        "tenant",
        "split",
        below(SentTo=[f"stub1@{ONE}"], RedirectMessageTo=[f"stub1@{ROUTING}"]),
    ),
    "rules below a redirect see its headers": letter(
        f"stub1@{ONE}",
        "tenant",
        "bounced",
        every(
            above(HeaderContainsMessageHeader="X-Passed", HeaderContainsWords=["yes"], **REJECTS),
            above(
                Name="Before",
                SentTo=[f"stub1@{ONE}"],
                RedirectMessageTo=[f"stub1@{ROUTING}"],
                SetHeaderName="X-Passed",
                SetHeaderValue="yes",
            ),
        ),
        reading={"rules_after_redirect": "act"},
    ),
    "rules below a redirect see the new address as written": letter(
        f"stub1@{ONE}",
        "tenant",
        "split",
        every(
            above(RecipientDomainIs=[ROUTING], RecipientAddressType="Original", **STOPS),
            above(Name="Before", SentTo=[f"stub1@{ONE}"], RedirectMessageTo=[f"stub1@{ROUTING}"]),
        ),
        reading={"rules_after_redirect": "act"},
    ),
    "a forward to a colleague is meant for the colleague": letter(
        f"forwarder1@{OTHER}",
        "tenant",
        "delivered",
        mailbox("forwarder1", ForwardingSmtpAddress=f"smtp:stub1@{ONE}", DeliverToMailboxAndForward=False),
    ),
    "a forward to outside is refused by policy": letter(
        f"forwarder1@{OTHER}",
        "tenant",
        "bounced",
        mailbox("forwarder1", ForwardingSmtpAddress=f"smtp:forwarder1@{ELSEWHERE}", DeliverToMailboxAndForward=False),
        reading={"auto_forward": "blocked"},
    ),
    "a closed group refuses outsiders": letter(
        f"team1@{ONE}",
        "internet",
        "bounced",
        every(
            at_tenant(ONE),
            team(f"other1@{OTHER}"),
            lambda made: made.row("DistributionGroup", "team1").update({"RequireSenderAuthenticationEnabled": True}),
        ),
    ),
    "a dynamic group leads to whoever passes its filter": letter(f"dynamic1@{ONE}", "tenant", "split", every(dynamic("stub1"), no_rules)),
    "a dynamic group leads to everybody who passes its filter": letter(
        f"dynamic1@{ONE}", "internet", "delivered", every(at_tenant(ONE), dynamic("stub1", "migrated1"))
    ),
    "a closed dynamic group refuses outsiders": letter(
        f"dynamic1@{ONE}",
        "internet",
        "bounced",
        every(
            at_tenant(ONE),
            dynamic("stub1"),
            lambda made: made.row("DynamicDistributionGroup", "dynamic1").update({"RequireSenderAuthenticationEnabled": True}),
        ),
    ),
    "a dynamic group of nobody": letter(f"dynamic1@{ONE}", "tenant", "lost", dynamic("nobody1")),
    "members of a dynamic group count for a rule": letter(
        f"stub1@{ONE}", "tenant", "bounced", every(dynamic("stub1"), above(SentToMemberOf=[f"dynamic1@{ONE}"], **REJECTS))
    ),
    "a plus address reaches its group": letter(
        f"team1+tag@{ONE}", "tenant", "delivered", team(f"other1@{OTHER}"), reading={"plus_groups": "on"}
    ),
    "a plus address of a group is unknown": letter(
        f"team1+tag@{ONE}", "tenant", "bounced", team(f"other1@{OTHER}"), reading={"plus_groups": "off"}
    ),
    "the later of two rules that route wins": letter(
        f"stub1@{ONE}", "tenant", "bounced", below(RecipientDomainIs=[ONE], RouteMessageOutboundConnector=connector("second"))
    ),
    "the earlier of two rules that route wins": letter(
        f"stub1@{ONE}",
        "tenant",
        "delivered",
        below(RecipientDomainIs=[ONE], RouteMessageOutboundConnector=connector("second")),
        reading={"two_routes": "first"},
    ),
    "the MX moved, scope organization, reading b": letter(
        f"noobj1@{ONE}", "internet", "loop", every(at_tenant(ONE), scope_organization), reading={"sent_to_scope": "b"}
    ),
    "the MX moved, scope organization, reading c": letter(
        f"noobj1@{ONE}", "internet", "delivered", every(at_tenant(ONE), scope_organization), reading={"sent_to_scope": "c"}
    ),
    # Before it was edited a rule may have acted on anything: that is not shown, and no reading may be left out.
    "an edited rule acts as it reads": letter(f"folder1@{ONE}", "tenant", "delivered", SPARES, reading={OURS: "after"}),
    "a rule that spared nobody before it was edited": letter(
        f"folder1@{ONE}", "tenant", "bounced|delivered", SPARES, reading={OURS: readings.AS_IT_WAS}
    ),
    "an edited rule that acted on everything": letter(
        f"folder1@{ONE}", "tenant", "bounced", SPARES, reading={OURS: "by former conditions"}
    ),
    "an edited rule that was switched off": letter(f"folder1@{ONE}", "tenant", "delivered", SPARES, reading={OURS: "before"}),
    "a rule of theirs was switched on a moment ago, and acted on nothing": letter(
        f"pilot1@{ONE}",
        "tenant",
        "bounced|delivered",
        every(above(State="Disabled", SentTo=[f"pilot1@{ONE}"], **REJECTS), lately("Enable-TransportRule", "Theirs")),
        reading={"rule acts: Theirs": readings.AS_IT_WAS},
    ),
    "a rule of theirs that named somebody else a moment ago": letter(
        f"stub1@{ONE}",
        "tenant",
        "bounced|delivered",
        every(above(SentTo=[f"stub1@{ONE}"], **REJECTS), lately("Set-TransportRule", "Theirs", SentTo=[f"pilot1@{ONE}"])),
        reading={"rule acts: Theirs": readings.AS_IT_WAS},
    ),
    "a disabled rule of theirs was edited before": letter(
        f"stub1@{ONE}",
        "tenant",
        "bounced|delivered",
        every(
            above(SentTo=[f"stub1@{ONE}"], **REJECTS),
            lately("Set-TransportRule", "Theirs", SentTo=[f"pilot1@{ONE}"]),
            lately("Disable-TransportRule", "Theirs", Confirm=False),
        ),
        reading={"rule acts: Theirs": readings.AS_IT_WAS},
    ),
    "the initial domain is Authoritative from inside too": letter(f"nobody1@{ORGANIZATION}", "tenant", "bounced"),
}


@pytest.mark.parametrize("name", CASES)
def test_both_sides_keep_to_what_was_decided(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    predicted, happened = asyncio.run(fates(case, tmp_path / "world"))
    assert (predicted, happened in predicted) == (case.outcomes, True), f"predicted {sorted(predicted)}, happened {happened}"
