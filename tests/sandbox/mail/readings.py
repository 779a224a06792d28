# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disputed facts: each is a parameter of a tenant; this table names the readings. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """A fact that sources dispute or do not settle. The first reading is the default."""

    name: str
    readings: tuple[Any, ...]
    question: str


FACTS = (
    Fact(
        "sent_to_scope_reading",
        ("a", "b", "c"),
        "SentToScope InOrganization: a - authenticated, and an object of the tenant or in an accepted domain; "
        "b - an object of the tenant, or in an accepted domain and authenticated; c - authentication is not asked",
    ),
    Fact("nested_groups_count", (True, False), "members of a group that is itself a member count for member-of conditions"),
    Fact("rules_on_reports", (True, False), "rules act on non-delivery reports, out-of-office replies and journal reports"),
    Fact(
        "dmarc_domain",
        ("shared", "routing"),
        "whose MX must be the tenant for a DMARC rejection: shared - the domain of the recipient's primary address; "
        "routing - the domain of the address that the message was sent to",
    ),
    Fact(
        "missing_connector",
        ("stuck", "rule_error"),
        "a rule routes to a connector that is gone or disabled: stuck - the message waits; rule_error - the rule's RuleErrorAction decides",
    ),
    Fact("rules_after_redirect", (False, True), "rules below a redirecting rule act on the message to the new recipient"),
    Fact(
        "mail_user_lookup",
        ("once", "again"),
        "a mail user whose external address lies in a relayed domain: once - it leaves like an unknown address; again - it never leaves",
    ),
    Fact(
        "edge_directory",
        ("whole", "partial"),
        "the edge of an Authoritative domain: whole - it knows every recipient; partial - neither public folders nor dynamic groups",
    ),
    Fact("plus_groups", (True, False), "an address with a plus tag reaches a group as it reaches a mailbox"),
    Fact("unset_address_type", ("Resolved", "Original"), "the RecipientAddressType of a rule that shows none"),
    Fact("two_connectors", ("first", "last"), "two rules name a connector: whose counts"),
    Fact("unevaluated_match", (False, True), "a condition that the sandbox does not evaluate counts as matched"),
)


@dataclass(frozen=True)
class Facts:
    """One reading of each fact, and the numbers that routing depends on."""

    sent_to_scope_reading: str = "a"
    nested_groups_count: bool = True
    rules_on_reports: bool = True
    dmarc_domain: str = "shared"
    missing_connector: str = "stuck"
    rules_after_redirect: bool = False
    mail_user_lookup: str = "once"
    edge_directory: str = "whole"
    plus_groups: bool = True
    unset_address_type: str = "Resolved"
    two_connectors: str = "first"
    unevaluated_match: bool = False
    loop_entries: int = 3  # so many entries of one message into one tenant end it
