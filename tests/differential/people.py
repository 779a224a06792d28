# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a generated world: each kind puts rows into the tenant, into the source's list, or into neither."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from .scenario import ORGANIZATION, ROUTING, Row, Scenario

SPACE = uuid.UUID("0c5a5d6e-6a0f-4a53-8f0e-7d5f3a1c2b11")
ELSEWHERE = "elsewhere.example"
OTHER = "other.example"


@dataclass(frozen=True)
class Maker:
    """Where people are put."""

    scenario: Scenario
    random: Random

    def person(self, kind: str, number: int, domain: str) -> None:
        """Make one person of a kind and note the addresses that one writes to."""
        name = f"{kind}{number}"
        self.scenario.people.setdefault(kind, []).extend(KINDS[kind](self, name, domain))

    def recipient(self, noun: str, name: str, primary: str, more: tuple[str, ...], type_: str, details: str) -> Row:
        """A recipient object."""
        guid = str(uuid.uuid5(SPACE, f"{self.scenario.seed}/{noun}/{name}"))
        row: Row = {
            "Name": name,
            "Identity": name,
            "Alias": name,
            "DisplayName": name,
            "PrimarySmtpAddress": primary,
            "EmailAddresses": [f"SMTP:{primary}", *(f"smtp:{one}" for one in dict.fromkeys(more) if one != primary)],
            "RecipientType": type_,
            "RecipientTypeDetails": details,
            "Guid": guid,
            "ExchangeObjectId": guid,
        }
        self.scenario.rows(noun).append(row)
        return row

    def mailbox(self, name: str, primary: str, *more: str, details: str = "UserMailbox", routing: bool = True) -> Row:
        """A mailbox with its routing address."""
        own = (f"{name}@{ROUTING}", f"{name}@{ORGANIZATION}") if routing else ()
        return self.recipient("Mailbox", name, primary, (*more, *own), "UserMailbox", details)

    def listed(self, address: str, kind: str = "mailbox", owner: str = "", home: str = "source") -> None:
        """A row of the source's list."""
        self.scenario.listed.append((address, kind, owner, home))

    def forward(self, address: str, keep: bool = False) -> None:
        """A forward at the source to the routing address."""
        host = self.scenario.host_of(address)
        if host is not None:
            host.forwards[address] = (f"{address.partition('@')[0]}@{ROUTING}", keep)

    def moved(self, address: str) -> None:
        """A forward, and the last sync done; of further people some are in between, or keep a copy."""
        further = not address.partition("@")[0].endswith("1")
        self.forward(address, keep=further and self.random.random() < 0.3)
        self.scenario.moved.add(address)
        if not (further and self.random.random() < 0.4):
            self.scenario.synced.add(address)

    def others(self, domain: str) -> list[str]:
        """The further shared domains of the same host."""
        host = self.scenario.host_of(f"x@{domain}")
        return [name for name in host.domains if name != domain] if host else []


def pilot(maker: Maker, name: str, domain: str) -> list[str]:
    """A cloud mailbox from before set-up; the second of them is still listed at the source, with a forward."""
    address = f"{name}@{domain}"
    maker.mailbox(name, address)
    if not name.endswith("1"):
        maker.listed(address, home="tenant")
        maker.forward(address)
        maker.scenario.synced.add(address)
    return [address]


def stub(maker: Maker, name: str, domain: str) -> list[str]:
    """A licensed mailbox whose user still works at the source."""
    address = f"{name}@{domain}"
    maker.mailbox(name, address)
    maker.listed(address)
    return [address]


def noobj(maker: Maker, name: str, domain: str) -> list[str]:
    """A source user without an object in the tenant."""
    maker.listed(f"{name}@{domain}")
    return [f"{name}@{domain}"]


def mailuser(maker: Maker, name: str, domain: str) -> list[str]:
    """A mail user whose external address is its own one, in the shared domain, or another one of the same person."""
    address = f"{name}@{domain}"
    primary = address if name.endswith("1") else f"{name}@{OTHER}"
    row = maker.recipient("MailUser", name, primary, (address,) if primary == address else (), "MailUser", "MailUser")
    row["ExternalEmailAddress"] = f"SMTP:{address}"
    maker.listed(address)
    return [primary]


def migrated(maker: Maker, name: str, domain: str) -> list[str]:
    """A user who was moved: in the group, forward on, last sync done or, of a second one, perhaps not yet."""
    address = f"{name}@{domain}"
    maker.mailbox(name, address)
    maker.listed(address)
    maker.moved(address)
    return [address]


def between(maker: Maker, name: str, domain: str) -> list[str]:
    """A user in the middle of a wave: forward on, the last sync still to come; the second one keeps a copy."""
    address = f"{name}@{domain}"
    maker.mailbox(name, address)
    maker.listed(address)
    maker.forward(address, keep=not name.endswith("1"))
    maker.scenario.moved.add(address)
    return [address]


def sister(maker: Maker, name: str, domain: str) -> list[str]:
    """A cloud mailbox that has an address in each shared domain, whichever host serves it."""
    addresses = [f"{name}@{one}" for one in (domain, *(one for one in maker.scenario.domains if one != domain))]
    maker.mailbox(name, *addresses)
    return addresses


def nobody(maker: Maker, name: str, domain: str) -> list[str]:
    """An address that neither side knows."""
    return [f"{name}@{domain}"]


def other(maker: Maker, name: str, domain: str) -> list[str]:
    """A mailbox in another accepted domain."""
    maker.mailbox(name, f"{name}@{OTHER}")
    return [f"{name}@{OTHER}"]


def guest(maker: Maker, name: str, domain: str) -> list[str]:
    """A mail user with an outside address, reached under an address of the initial domain."""
    own = f"{name}_ext@{ORGANIZATION}"
    row = maker.recipient("MailUser", name, own, (), "MailUser", "GuestMailUser")
    row["ExternalEmailAddress"] = f"SMTP:{name}@{ELSEWHERE}"
    return [own]


def contact(maker: Maker, name: str, domain: str) -> list[str]:
    """A contact with an outside address."""
    own = f"{name}@{OTHER}"
    row = maker.recipient("MailContact", name, own, (), "MailContact", "MailContact")
    row["ExternalEmailAddress"] = f"SMTP:{name}@{ELSEWHERE}"
    return [own]


def room(maker: Maker, name: str, domain: str) -> list[str]:
    """A room that is in the cloud only."""
    maker.mailbox(name, f"{name}@{domain}", details="RoomMailbox")
    return [f"{name}@{domain}"]


def shared(maker: Maker, name: str, domain: str) -> list[str]:
    """A shared mailbox that is in the cloud only."""
    maker.mailbox(name, f"{name}@{domain}", details="SharedMailbox")
    return [f"{name}@{domain}"]


def m365group(maker: Maker, name: str, domain: str) -> list[str]:
    """A Microsoft 365 group; it takes mail of outsiders."""
    maker.recipient("UnifiedGroup", name, f"{name}@{domain}", (), "MailUniversalDistributionGroup", "GroupMailbox")
    return [f"{name}@{domain}"]


def folder(maker: Maker, name: str, domain: str) -> list[str]:
    """A mail-enabled public folder."""
    maker.recipient("MailPublicFolder", name, f"{name}@{domain}", (), "PublicFolder", "PublicFolder")
    return [f"{name}@{domain}"]


def list_(maker: Maker, name: str, domain: str) -> list[str]:
    """A list of the source; the second one has members that are known."""
    address = f"{name}@{domain}"
    maker.listed(address, "list")
    host = maker.scenario.host_of(address)
    if host is not None and not name.endswith("1"):
        members = [one for kind in ("noobj", "stub", "migrated") for one in maker.scenario.people.get(kind, ())[:1]]
        host.lists[address] = [one for one in members if one.rpartition("@")[2] in host.domains]
    return [address]


def alias(maker: Maker, name: str, domain: str) -> list[str]:
    """A stub, or a migrated user, under secondary, plus- and sister-domain addresses."""
    address, second = f"{name}@{domain}", f"{name}.second@{domain}"
    sisters = [f"{name}@{one}" for one in maker.others(domain)[:1]]
    maker.mailbox(name, address, second, *sisters)
    maker.listed(address)
    for one in (second, *sisters):
        maker.listed(one, "alias", address)
    if not name.endswith("1"):
        maker.moved(address)
    return [second, f"{name}+tag@{domain}", *sisters]


def lone(maker: Maker, name: str, domain: str) -> list[str]:
    """A source user without object, under an alias."""
    address, second = f"{name}@{domain}", f"{name}.second@{domain}"
    maker.listed(address)
    maker.listed(second, "alias", address)
    return [second, f"{name}+tag@{domain}"]


def elsewhere(maker: Maker, name: str, domain: str) -> list[str]:
    """A stub whose primary address is in the initial domain."""
    address = f"{name}@{domain}"
    maker.mailbox(name, f"{name}@{ORGANIZATION}", address)
    maker.listed(address)
    return [address]


def team(maker: Maker, name: str, domain: str) -> list[str]:
    """A distribution group of the tenant: the first one is open to outsiders."""
    address = f"{name}@{domain}"
    row = maker.recipient("DistributionGroup", name, address, (), "MailUniversalDistributionGroup", "MailUniversalDistributionGroup")
    row["RequireSenderAuthenticationEnabled"] = not name.endswith("1")
    kinds = maker.random.sample(("stub", "migrated", "guest", "room", "other", "pilot", "dynamic"), 2)
    row["_members"] = [one for kind in kinds for one in maker.scenario.people.get(kind, ())[:1]]
    return [address, f"{name}+tag@{domain}"]


def dynamic(maker: Maker, name: str, domain: str) -> list[str]:
    """A dynamic group, of a few people by their alias or of all rooms: the first one is open to outsiders."""
    address = f"{name}@{domain}"
    row = maker.recipient("DynamicDistributionGroup", name, address, (), "DynamicDistributionGroup", "DynamicDistributionGroup")
    row["RequireSenderAuthenticationEnabled"] = not name.endswith("1")
    few = maker.random.sample(("stub1", "migrated1", "room1", "other1", "pilot1", "mailuser1"), 2)
    row["RecipientFilter"] = maker.random.choice(
        (" -or ".join(f"(Alias -eq '{one}')" for one in few), "RecipientTypeDetails -eq 'RoomMailbox'")
    )
    return [address]


def forwarder(maker: Maker, name: str, domain: str) -> list[str]:
    """A mailbox of another domain that forwards: to a colleague, to the source, or to outside."""
    row = maker.mailbox(name, f"{name}@{OTHER}")
    goals = [one for kind in ("stub", "noobj", "migrated", "other") for one in maker.scenario.people.get(kind, ())[:1]]
    row["ForwardingSmtpAddress"] = f"smtp:{maker.random.choice([*goals, f'{name}@{ELSEWHERE}'])}"
    row["DeliverToMailboxAndForward"] = maker.random.random() < 0.4
    return [f"{name}@{OTHER}"]


# In the order in which they are made: later ones name earlier ones.
KINDS: Mapping[str, Callable[[Maker, str, str], list[str]]] = {
    "pilot": pilot,
    "stub": stub,
    "noobj": noobj,
    "mailuser": mailuser,
    "migrated": migrated,
    "between": between,
    "nobody": nobody,
    "other": other,
    "guest": guest,
    "contact": contact,
    "room": room,
    "shared": shared,
    "sister": sister,
    "m365group": m365group,
    "folder": folder,
    "alias": alias,
    "lone": lone,
    "elsewhere": elsewhere,
    "list": list_,
    "dynamic": dynamic,
    "team": team,
    "forwarder": forwarder,
}
