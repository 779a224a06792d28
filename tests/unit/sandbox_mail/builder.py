# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small tenant for the router's tests: shared.example is relayed, other.example and the routing domain are the tenant's own."""

from __future__ import annotations

from typing import Any

from sandbox.mail.model import (
    DYNAMIC,
    FOLDER,
    GROUP,
    MAIL_USER,
    MAILBOX,
    UNIFIED,
    Directory,
    Domain,
    Entry,
    Leg,
    Message,
    Session,
)
from sandbox.mail.readings import Facts
from sandbox.mail.router import route

SHARED, OTHER, ROUTING, INITIAL = "shared.example", "other.example", "t.mail.onmicrosoft.com", "t.onmicrosoft.com"
SMART_HOST, OUTSIDE = "192.0.2.10", "198.51.100.7"
CONNECTOR: dict[str, Any] = {
    "Name": "Out",
    "Guid": "c-1",
    "Enabled": True,
    "UseMXRecord": False,
    "SmartHosts": [SMART_HOST],
    "IsTransportRuleScoped": True,
    "RecipientDomains": [],
}


def box(name: str, *more: str, primary: str = "", **extra: Any) -> Entry:
    """Make a mailbox of shared.example with its routing address."""
    main = primary or f"{name}@{SHARED}"
    return Entry(name, MAILBOX, main, frozenset({main, f"{name}@{ROUTING}", *more}), **extra)


def user(name: str, external: str, primary: str = "") -> Entry:
    """Make a mail user."""
    main = primary or f"{name}@{SHARED}"
    return Entry(name, MAIL_USER, main, frozenset({main}), external=external)


def group(name: str, *members: str, kind: str = GROUP, open_: bool = False) -> Entry:
    """Make a group."""
    return Entry(name, kind, f"{name}@{SHARED}", frozenset({f"{name}@{SHARED}"}), members=members, authenticated_only=not open_)


def routing_rule(**changes: Any) -> dict[str, Any]:
    """Make the method's routing rule."""
    return {
        "Name": "Coexistence",
        "Guid": "r-1",
        "Priority": 0,
        "State": "Enabled",
        "Mode": "Enforce",
        "SentToScope": "InOrganization",
        "RouteMessageOutboundConnector": "Out",
        "ExceptIfSentToMemberOf": [f"migrated@{SHARED}"],
        "RuleErrorAction": "Ignore",
        "SenderAddressLocation": "Header",
        "RecipientAddressType": "Resolved",
        "SetSCL": -1,
        **changes,
    }


def domain_rule(**changes: Any) -> dict[str, Any]:
    """Make the routing rule with the domain as its scope."""
    return routing_rule(SentToScope=None, RecipientDomainIs=[SHARED], **changes)


ENTRIES = (
    box("pilot"),
    box("stub"),
    box("moved"),
    box("second", f"second.alias@{SHARED}", f"second@{OTHER}"),
    box("elsewhere", f"elsewhere@{SHARED}", primary=f"elsewhere@{INITIAL}"),
    box("other", primary=f"other@{OTHER}"),
    user("mailuser", f"mailuser@{SHARED}"),
    user("guest", "guest@guests.example.net", "guest@guests.example.net"),
    Entry("m365", UNIFIED, f"m365@{SHARED}", frozenset({f"m365@{SHARED}"})),
    Entry("folder", FOLDER, f"folder@{SHARED}", frozenset({f"folder@{SHARED}"})),
    group("migrated", "moved"),
    group("inner", "stub", open_=True),
    group("all", "moved", "stub", "guest", open_=True),
    Entry("dynamic", DYNAMIC, f"dynamic@{SHARED}", frozenset({f"dynamic@{SHARED}"}), members=("pilot", "moved")),
)


def tenant(
    *rules: dict[str, Any],
    authoritative: bool = False,
    facts: dict[str, Any] | None = None,
    members: dict[str, set[str]] | None = None,
    entries: tuple[Entry, ...] = (),
    connectors: tuple[dict[str, Any], ...] = (CONNECTOR,),
    **extra: Any,
) -> Directory:
    """Make the tenant; ``members`` says what rules see as members of a group."""
    known = {entry.key: entry for entry in (*ENTRIES, *entries)}
    groups = {entry.key: frozenset(entry.members) for entry in known.values() if entry.kind in (GROUP, DYNAMIC)}
    groups.update({key: frozenset(names) for key, names in (members or {}).items()})
    return Directory(
        "t.onmicrosoft.com",
        {SHARED: Domain(SHARED, authoritative), OTHER: Domain(OTHER), ROUTING: Domain(ROUTING), INITIAL: Domain(INITIAL)},
        known,
        acting_groups={known[key].primary: key for key in groups if key in known},
        acting_members=groups,
        rules=list(rules),
        outbound=list(connectors),
        facts=Facts(**(facts or {})),
        **extra,
    )


def mail(*to: str, sender: str = f"colleague@{SHARED}", inside: bool = False, ip: str = OUTSIDE, **extra: Any) -> Message:
    """Make a message to short names of shared.example or whole addresses."""
    recipients = tuple(name if "@" in name else f"{name}@{SHARED}" for name in to)
    return Message("<m1@test>", sender, recipients, Session(ip, inside), header_from=sender, **extra)


def ways(directory: Directory, message: Message) -> dict[str, str]:
    """Route a message; return each leg as a short text by the recipient's local part."""
    found: dict[str, str] = {}
    for leg in route(directory, message):
        name = leg.asked.partition("@")[0]
        found[name] = f"{found[name]} | {short(leg)}" if name in found else short(leg)
    return found


def short(leg: Leg) -> str:
    """Return a leg as one word and what matters."""
    where = {"place": leg.key, "send": f"{leg.connector or 'MX'} {leg.address}", "bounce": leg.status, "loop": leg.status}
    return f"{leg.action} {where.get(leg.action, leg.reason)}"
