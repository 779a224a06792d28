# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows: identities of an object, loading from a capture's form, times, and the keys that all objects share."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .clock import from_milliseconds, parse, stamp
from .nouns import NOUNS, RECIPIENT_BASE

if TYPE_CHECKING:
    from .store import Row
    from .tenant import Tenant

SINGLE = (
    "Name",
    "Identity",
    "Id",
    "Guid",
    "ExchangeObjectId",
    "ImmutableId",
    "DistinguishedName",
    "DomainName",
    "Alias",
    "DisplayName",
    "PrimarySmtpAddress",
    "ExternalDirectoryObjectId",
    "UserPrincipalName",
    "WindowsLiveID",
    "WindowsEmailAddress",
    "LegacyExchangeDN",
    "ExchangeGuid",
    "MicrosoftOnlineServicesID",
)
NO_IDENTITY = {"RemoteDomain": {"DomainName"}}
DATE = re.compile(r"/Date\((-?\d+)\)/")
LEGACY = "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
FOREST = "NAMPR09A006.PROD.OUTLOOK.COM"
NIL = "00000000-0000-0000-0000-000000000000"


def identities(row: Row) -> Iterable[str]:
    """Return every name that an object answers to."""
    not_these = NO_IDENTITY.get(str(row.get("_noun", "")), set())
    names = {str(row[key]) for key in SINGLE if row.get(key) and key not in not_these and row[key] != NIL}
    addresses = row.get("EmailAddresses") or ()
    names.update(entry.partition(":")[2] for entry in addresses if entry.lower().startswith("smtp:"))
    return names


def loaded(tenant: Tenant, table: str, raw: Row) -> Row:
    """Turn a captured object into a stored one: dates in ISO, missing properties at their defaults, a key."""
    noun = str(raw.get("_noun", table))
    base = {**NOUNS[noun].defaults, **(RECIPIENT_BASE if table == "Recipient" else {})}
    row: Row = {**base, **{key: _undated(key, value) for key, value in raw.items()}, "_noun": noun}
    if noun == "DistributionGroup":
        row.setdefault("_members", [])
    name = str(row.get("Name") or row.get("Identity"))
    row["_key"] = str(row.get("Guid") or uuid.uuid5(uuid.UUID(tenant.tenant_id), f"{noun}/{name}"))
    row.setdefault("Guid", row["_key"])
    for key in ("Identity", "Id"):
        row.setdefault(key, name)
    return row


def _undated(key: str, value: Any) -> Any:
    match = DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    return stamp(from_milliseconds(int(match.group(1))), "Z" if key.endswith("UTC") else "+00:00")


def created(tenant: Tenant, noun: str, name: str) -> Row:
    """Return the keys that every new object of the directory carries."""
    guid = tenant.new_id(noun, name)
    kind = NOUNS[noun]
    unit = tenant.organization
    row: Row = {
        "Name": name,
        "Identity": name,
        "Id": name,
        "Guid": guid,
        "ExchangeObjectId": guid,
        "_key": guid,
        "_noun": noun,
        "DistinguishedName": f"CN={name},{kind.container}CN={unit},CN=ConfigurationUnits,DC=NAMPR09A006,DC=PROD,DC=OUTLOOK,DC=COM",
        "OrganizationalUnitRoot": unit,
        "OriginatingServer": f"BY1PR09A06DC005.{FOREST}",
        "IsValid": True,
        "ObjectState": "Unchanged",
        "OrganizationId": f"{FOREST}/Microsoft Exchange Hosted Organizations/{unit} - {FOREST}/ConfigurationUnits/{unit}/Configuration",
    }
    if kind.object_class:
        row.update(
            {
                "AdminDisplayName": "",
                "ExchangeVersion": "0.1 (8.0.535.0)",
                "ObjectClass": ["top", kind.object_class],
                "ObjectCategory": f"{FOREST}/Configuration/Schema/{kind.object_category}",
            }
        )
    touch(row, tenant.now(), new=True)
    return row


def touch(row: Row, moment: datetime, *, new: bool = False) -> None:
    """Move WhenChanged (and, for a new object, WhenCreated)."""
    names = ("WhenChanged", "WhenCreated") if new else ("WhenChanged",)
    for name in names:
        row[name] = stamp(moment, "+00:00")
        row[name + "UTC"] = stamp(moment)


def renamed(row: Row, name: str) -> None:
    """Give an object another name: Identity, Id and the distinguished name follow."""
    before = str(row["Name"])
    row["Name"] = name
    for key in ("Identity", "Id"):
        if row.get(key) == before:
            row[key] = name
    if "DistinguishedName" in row:
        row["DistinguishedName"] = str(row["DistinguishedName"]).replace(f"CN={before},", f"CN={name},", 1)


def zone(text: str, wanted: str) -> str:
    """Write a stored time with another zone text."""
    return stamp(parse(text), wanted)
