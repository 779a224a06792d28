# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated people: recipients of each kind that coexistence can hurt, and their rows in the source's address list."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Row = dict[str, Any]
LEGACY = "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
HOSTED = "OU=Microsoft Exchange Hosted Organizations,DC=NAMPR09A006,DC=PROD,DC=OUTLOOK,DC=COM"
FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jon", "Kim", "Leo", "Mia", "Ned", "Olga", "Paul")
LAST = ("Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ivy", "Juniper", "Larch", "Maple", "Oak", "Pine", "Rowan", "Yew")


@dataclass
class World:
    """The tenant's names and what was made so far."""

    organization: str
    tenant_id: str
    shared: str
    routing: str
    others: list[str]
    random: Random
    objects: dict[str, list[Row]] = field(default_factory=dict)
    source: list[tuple[str, str, str, str]] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    wave_users: list[str] = field(default_factory=list)

    def guid(self, *parts: str) -> str:
        """Make a GUID from a name."""
        return str(uuid.uuid5(uuid.UUID(self.tenant_id), "/".join(parts)))


@dataclass
class Person:
    """One numbered person."""

    world: World
    kind: str
    alias: str
    name: str

    @property
    def address(self) -> str:
        """Return the address in the shared domain."""
        return f"{self.alias}@{self.world.shared}"

    def base(self, noun: str, address: str, *, kind: str, type_: str, extra: tuple[str, ...] = ()) -> Row:
        """Return the properties that every recipient has; ``extra`` are more addresses."""
        world = self.world
        guid, directory = world.guid(noun, self.alias), world.guid("directory", self.alias)
        unit = world.organization
        row: Row = {
            "Name": self.alias,
            "Identity": self.alias,
            "Id": self.alias,
            "Alias": self.alias,
            "DisplayName": self.name,
            "PrimarySmtpAddress": address,
            "EmailAddresses": ["SMTP:" + address, *("smtp:" + entry for entry in extra)],
            "WindowsEmailAddress": address,
            "RecipientType": kind,
            "RecipientTypeDetails": type_,
            "Guid": guid,
            "ExchangeObjectId": guid,
            "ExternalDirectoryObjectId": directory,
            "WindowsLiveID": address,
            "UserPrincipalName": address,
            "LegacyExchangeDN": LEGACY + guid.replace("-", ""),
            "DistinguishedName": f"CN={self.alias},OU={unit},{HOSTED}",
            "OrganizationalUnitRoot": unit,
            "OrganizationalUnit": f"NAMPR09A006.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{unit}",
            "WhenCreated": "2026-01-05T08:00:00.0000000+00:00",
            "WhenCreatedUTC": "2026-01-05T08:00:00.0000000Z",
            "WhenChanged": "2026-01-05T08:00:00.0000000+00:00",
            "WhenChangedUTC": "2026-01-05T08:00:00.0000000Z",
            "IsValid": True,
            "ObjectState": "Unchanged",
        }
        world.objects.setdefault(noun, []).append(row)
        return row

    def mailbox(self, address: str, type_: str = "UserMailbox", extra: tuple[str, ...] = ()) -> Row:
        """Make a mailbox with its routing address."""
        proxies = tuple(dict.fromkeys((f"{self.alias}@{self.world.routing}", f"{self.alias}@{self.world.organization}", *extra)))
        row = self.base("Mailbox", address, kind="UserMailbox", type_=type_, extra=proxies)
        row.update(
            {
                "ExchangeGuid": self.world.guid("store", self.alias),
                "IsShared": type_ == "SharedMailbox",
                "IsResource": type_ == "RoomMailbox",
            }
        )
        return row

    def listed(self, kind: str, home: str, address: str = "", owner: str = "") -> None:
        """Add a row to the source's address list."""
        self.world.source.append((address or self.address, kind, owner or self.address, home))


def pilot(person: Person) -> None:
    """A cloud mailbox from before set-up."""
    person.mailbox(person.address)
    person.listed("mailbox", "tenant")


def stub(person: Person) -> None:
    """A licensed mailbox whose user still works at the source."""
    person.mailbox(person.address)
    person.listed("mailbox", "source")
    person.world.wave_users.append(person.address)


def noobj(person: Person) -> None:
    """A source user without any object in the tenant."""
    person.listed("mailbox", "source")


def mailuser(person: Person) -> None:
    """A mail user whose external address lies in the shared domain; every second one is synced from on-premises."""
    row = person.base("MailUser", person.address, kind="MailUser", type_="MailUser")
    row.update({"ExternalEmailAddress": "SMTP:" + person.address, "IsDirSynced": int(person.alias[-1]) % 2 == 1})
    person.listed("mailbox", "source")


def migrated(person: Person) -> None:
    """A user moved earlier: the source forwards to the routing address."""
    person.mailbox(person.address)
    person.listed("forward", "tenant")


def nobody(person: Person) -> None:
    """An address that neither side knows."""


def other(person: Person) -> None:
    """A recipient of another accepted domain."""
    person.mailbox(f"{person.alias}@{person.world.others[int(person.alias[-1]) % len(person.world.others)]}")


def guest(person: Person) -> None:
    """A mail user with an outside address."""
    outside = f"{person.alias}@guests.example.net"
    row = person.base("MailUser", outside, kind="MailUser", type_="GuestMailUser")
    row.update(
        {
            "ExternalEmailAddress": "SMTP:" + outside,
            "HiddenFromAddressListsEnabled": True,
            "UserPrincipalName": f"{outside.replace('@', '_')}#EXT#@{person.world.organization}",
        }
    )


def room(person: Person) -> None:
    """A room that exists in the cloud only."""
    person.mailbox(person.address, "RoomMailbox")


def shared(person: Person) -> None:
    """A shared mailbox that exists in the cloud only."""
    person.mailbox(person.address, "SharedMailbox")


def m365group(person: Person) -> None:
    """A Microsoft 365 group: it cannot be a member."""
    person.base("UnifiedGroup", person.address, kind="MailUniversalDistributionGroup", type_="GroupMailbox")


def folder(person: Person) -> None:
    """A mail-enabled public folder: it cannot be a member."""
    person.base("MailPublicFolder", person.address, kind="PublicFolder", type_="PublicFolder")


def list_(person: Person) -> None:
    """A distribution list of the source."""
    person.listed("list", "source")


def resource(person: Person) -> None:
    """A room of the source."""
    person.listed("resource", "source")


def alias(person: Person) -> None:
    """A stub with secondary, plus- and sister-domain addresses."""
    extra = (f"{person.alias}.second@{person.world.shared}", f"{person.alias}@{person.world.others[-1]}")
    person.mailbox(person.address, extra=extra)
    person.listed("mailbox", "source")
    for address in (extra[0], f"{person.alias}+news@{person.world.shared}"):
        person.listed("alias", "source", address)
    person.world.wave_users.append(person.address)


def dynamic(person: Person) -> None:
    """A dynamic group: its members refresh daily."""
    row = person.base("DynamicDistributionGroup", person.address, kind="DynamicDistributionGroup", type_="DynamicDistributionGroup")
    row["RecipientFilter"] = "(RecipientTypeDetails -eq 'UserMailbox')"


def nested(person: Person) -> None:
    """A distribution group of the tenant that holds another group of the tenant, which holds a mailbox."""
    row = person.base("DistributionGroup", person.address, kind="MailUniversalDistributionGroup", type_="MailUniversalDistributionGroup")
    groups = person.world.objects["DistributionGroup"]
    inner = next((entry for entry in groups if entry is not row and entry["_inner"]), None)
    boxes = person.world.objects.get("Mailbox", [])
    row["_inner"] = inner is None
    members = [inner["PrimarySmtpAddress"]] if inner else [boxes[0]["PrimarySmtpAddress"]] if boxes else []
    row.update({"_members": members, "ManagedBy": [boxes[0]["ExternalDirectoryObjectId"]] if boxes else ["Organization Management"]})


def onmicrosoft(person: Person) -> None:
    """A stub whose primary address is the tenant's initial domain: it has the shared address as a secondary one."""
    person.mailbox(f"{person.alias}@{person.world.organization}", extra=(person.address,))
    person.listed("mailbox", "source")


def unlicensed(person: Person) -> None:
    """A user of the directory without mailbox or mail address."""
    row = person.base("User", person.address, kind="User", type_="User")
    for key in ("EmailAddresses", "PrimarySmtpAddress", "Alias", "WindowsEmailAddress"):
        del row[key]


# In this order every kind comes at least once; the weights then fill up. Weight 0: only when asked for.
KINDS: dict[str, tuple[Callable[[Person], None], int]] = {
    "pilot": (pilot, 4),
    "stub": (stub, 60),
    "noobj": (noobj, 8),
    "mailuser": (mailuser, 6),
    "migrated": (migrated, 4),
    "nobody": (nobody, 1),
    "other": (other, 3),
    "guest": (guest, 2),
    "room": (room, 2),
    "shared": (shared, 2),
    "m365group": (m365group, 1),
    "folder": (folder, 1),
    "list": (list_, 2),
    "alias": (alias, 4),
    "dynamic": (dynamic, 0),
    "nested": (nested, 0),
    "resource": (resource, 1),
    "onmicrosoft": (onmicrosoft, 0),
    "unlicensed": (unlicensed, 0),
}
ONCE = ("dynamic", "nested")  # weight 0, yet once in a default tenant (two groups nest)


def make(world: World, number: int, kind: str) -> None:
    """Make one person, numbered from 1."""
    name = f"{world.random.choice(FIRST)} {world.random.choice(LAST)} {number}"
    person = Person(world, kind, f"user{number:04d}", name)
    KINDS[kind][0](person)
    world.people.append({"address": person.address, "alias": person.alias, "kind": kind, "name": name})
