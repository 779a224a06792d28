# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes, mail users, contacts, Microsoft 365 groups, dynamic groups, and Get-Recipient over all of them."""

from __future__ import annotations

from typing import Any

from .. import rows
from ..calls import STEERING, Call, Handler, apply, check_name, delete, get, insert, resolve, save
from ..errors import ServiceError
from ..store import Row
from . import addresses

KINDS = {
    "Shared": "SharedMailbox",
    "Room": "RoomMailbox",
    "Equipment": "EquipmentMailbox",
    "Regular": "UserMailbox",
    "Discovery": "DiscoveryMailbox",
}
SPECIAL = {
    "Name",
    "Type",
    "ForwardingAddress",
    "ForwardingSmtpAddress",
    "ExternalEmailAddress",
    "Shared",
    "Room",
    "Equipment",
    "Discovery",
    "MicrosoftOnlineServicesID",
    "Members",
    "Owner",
    *addresses.ADDRESSES,
}


def _values(call: Call, old: Row) -> dict[str, Any]:
    values = {
        name: addresses.references(call, old, name, value) if name in addresses.REFERENCES else value
        for name, value in call.parameters.items()
        if name not in STEERING | SPECIAL
    }
    given = call.parameters
    if "ForwardingAddress" in given:
        target = given["ForwardingAddress"]
        values["ForwardingAddress"] = addresses.reference(addresses.recipient(call, str(target))) if target else None
    if "ForwardingSmtpAddress" in given:
        text = str(given["ForwardingSmtpAddress"] or "")
        values["ForwardingSmtpAddress"] = f"smtp:{text.rpartition(':')[2]}" if text else None
    if given.get("ExternalEmailAddress"):
        values["ExternalEmailAddress"] = f"SMTP:{str(given['ExternalEmailAddress']).rpartition(':')[2]}"
    if isinstance(values.get("RecipientLimits"), int):
        values["RecipientLimits"] = str(values["RecipientLimits"])
    return values


def _kind(new: Row, kind: str) -> None:
    new.update(
        {"RecipientTypeDetails": kind, "IsShared": kind == "SharedMailbox", "IsResource": kind in ("RoomMailbox", "EquipmentMailbox")}
    )


def _new(call: Call, noun: str, *, address: str = "") -> Row:
    name = str(call.parameters.get("Name") or call.parameters.get("DisplayName") or "")
    check_name(call, name)
    row = addresses.created(call, noun, name, address=address)
    new = apply(row, _values(call, row), {"PrimarySmtpAddress", "Alias"})
    addresses.split_senders(call, new, call.parameters)
    return new


def new_mailbox(call: Call) -> list[Row]:
    """Create a mailbox: a user's, shared, room or equipment."""
    new = _new(call, "Mailbox")
    _kind(new, next((kind for name, kind in KINDS.items() if call.flag(name)), "UserMailbox"))
    user = str(call.parameters.get("MicrosoftOnlineServicesID") or new["PrimarySmtpAddress"])
    new.update(
        {
            "UserPrincipalName": user,
            "WindowsLiveID": user,
            "MicrosoftOnlineServicesID": user,
            "ExchangeGuid": call.tenant.new_id("store", str(new["Name"])),
            "Identity": new["ExternalDirectoryObjectId"],
            "Id": new["ExternalDirectoryObjectId"],
        }
    )
    insert(call, new)
    return [new]


def new_mail_user(call: Call) -> list[Row]:
    """Create a mail user; without an external address it is one that awaits its licence."""
    new = _new(call, "MailUser")
    user = str(call.parameters.get("MicrosoftOnlineServicesID") or new["PrimarySmtpAddress"])
    new.update({"UserPrincipalName": user, "WindowsLiveID": user})
    insert(call, new)
    return [new]


def new_mail_contact(call: Call) -> list[Row]:
    """Create a contact: its external address is its primary address."""
    new = _new(call, "MailContact", address=str(call.parameters["ExternalEmailAddress"]).rpartition(":")[2])
    insert(call, new)
    return [new]


def new_unified_group(call: Call) -> list[Row]:
    """Create a Microsoft 365 group."""
    new = _new(call, "UnifiedGroup")
    insert(call, new)
    return [new]


def new_dynamic_group(call: Call) -> list[Row]:
    """Create a dynamic group."""
    new = _new(call, "DynamicDistributionGroup")
    insert(call, new)
    return [new]


def set_recipient(call: Call) -> list[Row]:
    """Change a recipient."""
    old = resolve(call)
    addresses.check_synced(call, old)
    new = apply(old, _values(call, old), set())
    addresses.set_addresses(call, new, call.parameters)
    addresses.split_senders(call, new, call.parameters)
    if call.parameters.get("Type"):
        kind = KINDS.get(str(call.parameters["Type"]))
        if kind is None:
            raise ServiceError("refused", reason=f"A mailbox can't be made a {call.parameters['Type']} here.")
        _kind(new, kind)
    if call.parameters.get("MicrosoftOnlineServicesID"):
        user = str(call.parameters["MicrosoftOnlineServicesID"])
        new.update({"MicrosoftOnlineServicesID": user, "UserPrincipalName": user, "WindowsLiveID": user})
    if call.parameters.get("Name") and call.parameters["Name"] != old["Name"]:
        check_name(call, str(call.parameters["Name"]), str(old["_key"]))
        rows.renamed(new, str(call.parameters["Name"]))
    save(call, old, new)
    return []


def remove_recipient(call: Call) -> list[Row]:
    """Delete a recipient; groups lose it as a member."""
    row = resolve(call)
    if row.get("IsDirSynced"):
        raise ServiceError("dir_synced", identity=row["Identity"])
    delete(call, row)
    for group in call.table.rows():
        if row["_key"] in group.get("_members", ()):
            call.tenant.put("Recipient", {**group, "_members": [key for key in group["_members"] if key != row["_key"]]})
    return []


def get_typed(call: Call) -> list[Row]:
    """Read recipients; RecipientTypeDetails, RecipientType, Anr, PrimarySmtpAddress and the like narrow the list."""
    found = get(call)
    for name in ("RecipientTypeDetails", "RecipientType"):
        wanted = call.parameters.get(name)
        if wanted:
            kinds = {str(kind).lower() for kind in wanted}
            found = [row for row in found if str(row.get(name)).lower() in kinds]
    text = str(call.parameters.get("Anr") or "").casefold()
    if text:
        found = [
            row
            for row in found
            if any(
                str(row.get(key, "")).casefold().startswith(text)
                for key in ("Name", "DisplayName", "Alias", "PrimarySmtpAddress", "FirstName", "LastName")
            )
        ]
    for name in ("PrimarySmtpAddress", "ExternalDirectoryObjectId", "UserPrincipalName"):
        if call.parameters.get(name):
            found = [row for row in found if str(row.get(name, "")).casefold() == str(call.parameters[name]).casefold()]
    if call.parameters.get("ManagedBy"):
        owner = addresses.reference(addresses.recipient(call, str(call.parameters["ManagedBy"])))
        found = [row for row in found if owner in (row.get("ManagedBy") or ())]
    return sorted(found, key=lambda row: str(row.get("DisplayName", row["Name"])).casefold()) if call.parameters.get("SortBy") else found


def get_mailbox(call: Call) -> list[Row]:
    """Read mailboxes; an identity that is no mailbox has the service's own error."""
    if call.flag("InactiveMailboxOnly") or call.flag("SoftDeletedMailbox") or call.flag("PublicFolder") or call.flag("Migration"):
        return []
    if call.flag("GroupMailbox"):
        return [row for row in call.table.rows(call.tenant.read_moment()) if row["RecipientTypeDetails"] == "GroupMailbox"]
    return get_typed(call)


def set_user(call: Call) -> list[Row]:
    """Change the directory half of a mailbox, a mail user or a plain user."""
    old = resolve(call)
    addresses.check_synced(call, old)
    save(call, old, apply(old, call.parameters, STEERING | {"Name"}))
    return []


RECIPIENT_HANDLERS: dict[str, Handler] = {
    "New-Mailbox": new_mailbox,
    "New-MailUser": new_mail_user,
    "New-MailContact": new_mail_contact,
    "New-UnifiedGroup": new_unified_group,
    "New-DynamicDistributionGroup": new_dynamic_group,
    "Get-Mailbox": get_mailbox,
    "Set-User": set_user,
    **{f"Set-{noun}": set_recipient for noun in ("Mailbox", "MailUser", "MailContact", "UnifiedGroup", "DynamicDistributionGroup")},
    **{f"Remove-{noun}": remove_recipient for noun in ("Mailbox", "MailUser", "MailContact", "UnifiedGroup", "DynamicDistributionGroup")},
    **{
        f"Get-{noun}": get_typed
        for noun in (
            "Recipient",
            "MailUser",
            "MailContact",
            "UnifiedGroup",
            "DynamicDistributionGroup",
            "MailPublicFolder",
            "User",
            "Group",
            "DistributionGroup",
        )
    },
}
