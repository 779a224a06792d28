# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's whole state as control shows and changes it."""

from __future__ import annotations

from typing import Any

from . import readback
from .calls import Call, belongs
from .nouns import NOUNS
from .rows import loaded
from .store import Row
from .tenant import RECIPIENTS, SETTINGS, Tenant


def dump(tenant: Tenant) -> dict[str, Any]:
    """Return objects as they read now (without lag), members, and what transport acts on."""
    objects = {name: [_shown(tenant, name, row) for row in tenant.tables[name].rows()] for name in SETTINGS}
    objects["TransportRule"].sort(key=lambda row: int(row["Priority"]))
    for name in RECIPIENTS:
        found = [row for row in tenant.tables["Recipient"].rows() if row["_noun"] == name]
        objects[name] = [_shown(tenant, name, row) for row in found]
    return {
        "organization": tenant.organization,
        "tenant_id": tenant.tenant_id,
        "parameters": tenant.parameters.dump(),
        "objects": objects,
        "members": _members(tenant, {row["_key"]: row["_members"] for row in tenant.tables["Recipient"].rows() if "_members" in row}),
        "ipv6": {row["DomainName"]: row.get("_ipv6", True) for row in tenant.tables["AcceptedDomain"].rows()},
        "acting": {
            "rules": [_shown(tenant, "TransportRule", row) for row in tenant.acting_rules()],
            "members": _members(tenant, tenant.acting_members()),
        },
    }


def _shown(tenant: Tenant, noun: str, row: Row) -> Row:
    return readback.shown(Call(tenant, f"Get-{noun}", NOUNS[noun], {}, ""), row)


def _members(tenant: Tenant, keys: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return sorted addresses of members by the group's primary address; a removed group or member by its key."""
    return {_label(tenant, group): sorted(_label(tenant, key) for key in members) for group, members in keys.items()}


def _label(tenant: Tenant, key: str) -> str:
    row = tenant.tables["Recipient"].get(key)
    return key if row is None else str(row.get("PrimarySmtpAddress") or row.get("Name"))


def change(tenant: Tenant, wanted: dict[str, Any]) -> None:
    """Change the state as nobody over the API could. Raises KeyError and ValueError."""
    noun = NOUNS[wanted["noun"]]
    table = tenant.tables[noun.store]
    if "objects" in wanted:
        for row in list(table.rows()):
            if noun.store == noun.name or row["_noun"] == noun.name:
                tenant.remove(noun.store, row["_key"])
    if "objects" in wanted or "add" in wanted:
        for raw in wanted.get("objects") or wanted.get("add") or []:
            tenant.put(noun.store, _linked(tenant, loaded(tenant, noun.store, {**raw, "_noun": noun.name})))
        return
    found = [row for row in table.find(str(wanted["identity"])) if belongs(noun, row)]
    if len(found) != 1:
        raise ValueError(f"{noun.name} {wanted['identity']!r} names {len(found)} objects, not one")
    if wanted.get("remove"):
        tenant.remove(noun.store, found[0]["_key"])
        return
    tenant.put(noun.store, _linked(tenant, {**found[0], **wanted["set"]}))


def _linked(tenant: Tenant, row: Row) -> Row:
    """Turn members given by any name into keys."""
    table = tenant.tables["Recipient"]
    if "_members" in row:
        keys = []
        for name in row["_members"]:
            found = table.find(name)
            if len(found) != 1:
                raise ValueError(f"member {name!r} names {len(found)} recipients, not one")
            keys.append(found[0]["_key"])
        row["_members"] = keys
    return row
