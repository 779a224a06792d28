# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world with one person of every kind that a coexistence can hurt, and the ways in which it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import Prediction, predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    AUTHORITATIVE,
    INTERNAL_RELAY,
    Accepted,
    Address,
    Connector,
    Foreign,
    Forward,
    Mx,
    Party,
    Predicate,
    Rule,
    World,
)

SHARED = "example.com"
SISTER = "sister.example"
OTHER = "other.example.net"
ROUTING = "contoso.onmicrosoft.com"
GROUP = "movers@example.com"
CONNECTOR = "Way out"
RULE = "Coexistence"
HOST = "192.0.2.10"
OLD = "old host"
OUTSIDER = "sender@outside.example.org"
COLLEAGUE = "colleague@example.com"

# Who is where: kind of object in the tenant (none for no object), entry in the source's list (none for no entry).
KINDS: Mapping[str, tuple[str, str]] = {
    "pilot": ("usermailbox", ""),
    "stub": ("usermailbox", "mailbox"),
    "noobj": ("", "mailbox"),
    "mailuser": ("mailuser", "mailbox"),
    "migrated": ("usermailbox", "mailbox"),
    "nobody": ("", ""),
    "room": ("roommailbox", ""),
    "shared": ("sharedmailbox", ""),
    "m365group": ("groupmailbox", ""),
    "folder": ("publicfolder", ""),
    "list": ("", "list"),
}


def party(name: str, kind: str = "usermailbox", domain: str = SHARED, **more: Any) -> Party:
    """An object with an address in a domain and one in the routing domain."""
    return Party(name, f"{name}@{domain}", frozenset({f"{name}@{domain}", f"{name}@{ROUTING}"}), kind, **more)


def group(name: str, members: Iterable[str] | None, **more: Any) -> Party:
    """A distribution group, with its name as a part of its id."""
    held = None if members is None else tuple(members)
    address = f"{name}@{SHARED}"
    return Party(f"group {name}", address, frozenset({address}), "mailuniversaldistributiongroup", members=held, **more)


def parties(members: Iterable[str] = ()) -> tuple[Party, ...]:
    """Every object, and the group with these members."""
    people = [party(name, kind) for name, (kind, _unused) in KINDS.items() if kind and kind != "mailuser"]
    mailuser = party("mailuser", "mailuser", external=f"mailuser@{SHARED}")
    guest = Party("guest", f"guest_ext@{ROUTING}", frozenset({f"guest_ext@{ROUTING}"}), "guestmailuser", external="guest@elsewhere.example")
    return (*people, mailuser, guest, party("other", domain=OTHER), group("movers", members))


def source(**more: Any) -> Foreign:
    """The foreign system with its list."""
    held = {f"{name}@{SHARED}": Address(f"{name}@{SHARED}", entry) for name, (_unused, entry) in KINDS.items() if entry}
    known: dict[str, Any] = {
        "domains": frozenset({SHARED}),
        "hosts": frozenset({HOST}),
        "ranges": (HOST,),
        "addresses": {**held, COLLEAGUE: Address(COLLEAGUE)},
    }
    return Foreign(OLD, **{**known, **more})


def forward(name: str, keep: bool = False) -> dict[str, Forward]:
    """One mailbox of the source that forwards to its routing address."""
    return {f"{name}@{SHARED}": Forward(f"{name}@{ROUTING}", keep)}


def rule(scope: str = "domain", **more: Any) -> Rule:
    """The routing rule: by domain, or the method's own by organization."""
    condition = Predicate("RecipientDomainIs", (SHARED,)) if scope == "domain" else Predicate("SentToScope", ("inorganization",))
    known: dict[str, Any] = {"conditions": (condition,), "exceptions": (Predicate("SentToMemberOf", (GROUP,)),), "route": CONNECTOR}
    return Rule(**{"name": RULE, **known, **more})


def world(members: Iterable[str] = ("migrated",), **more: Any) -> World:
    """Set up, the MX at the source, `migrated` moved with forward on and last sync done."""
    known: dict[str, Any] = {
        "domains": {
            SHARED: Accepted(SHARED, INTERNAL_RELAY),
            OTHER: Accepted(OTHER, AUTHORITATIVE),
            ROUTING: Accepted(ROUTING, AUTHORITATIVE, initial=True),
        },
        "parties": parties(members),
        "rules": (rule(),),
        "connectors": (Connector(CONNECTOR, hosts=(HOST,)),),
        "sources": (source(forwards=forward("migrated")),),
        "mx": {SHARED: Mx(OLD)},
        "group": GROUP,
        "synced": frozenset({f"migrated@{SHARED}"}),
    }
    return World(**{**known, **more})


def at_tenant(found: World) -> World:
    """The same with the MX at the tenant."""
    return replace(found, mx={SHARED: Mx("tenant")})


def authoritative(found: World) -> World:
    """The same with the shared domain Authoritative."""
    return replace(found, domains={**found.domains, SHARED: Accepted(SHARED, AUTHORITATIVE)})


def ask(found: World, name: str, origin: str, **more: Any) -> Prediction:
    """A prediction: an outsider writes from the internet, a colleague from anywhere else."""
    address = name if "@" in name else {"other": f"other@{OTHER}", "guest": f"guest_ext@{ROUTING}"}.get(name, f"{name}@{SHARED}")
    return predict(found, OUTSIDER if origin == "internet" else COLLEAGUE, address, origin, **more)


def verdict(found: World, name: str, origin: str, **more: Any) -> str:
    """The worst outcome alone."""
    return ask(found, name, origin, **more).verdict


def reading(found: World, name: str, origin: str, **facts: str) -> str:
    """The one outcome under a reading."""
    outcomes = {route.outcome for route in ask(found, name, origin).under(facts)}
    assert len(outcomes) == 1, outcomes
    return outcomes.pop()
