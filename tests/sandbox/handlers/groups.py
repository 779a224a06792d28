# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distribution groups and their members."""

from __future__ import annotations

from typing import Any

from .. import dynamic, rows
from ..binding import Edit
from ..calls import STEERING, Call, Handler, apply, candidates, check_name, delete, insert, only, resolve, save
from ..errors import ServiceError
from ..nouns import GROUPS, MAIL_USERS, MAILBOXES, NOUNS
from ..store import Row
from . import addresses

MEMBERS = MAILBOXES | MAIL_USERS | GROUPS | {"MailContact", "DynamicDistributionGroup"}
OWNERS = 10
REPLACE_LIMIT = 10000
DETAILS = {
    "Distribution": ("Universal", "MailUniversalDistributionGroup"),
    "Security": ("Universal, SecurityEnabled", "MailUniversalSecurityGroup"),
}
SWITCHES = {"RoomList", "Type", "Members", "Name", *addresses.ADDRESSES}


def _values(call: Call, old: Row) -> dict[str, Any]:
    """Return stored values of the plain properties and of references."""
    values: dict[str, Any] = {}
    for name, value in call.parameters.items():
        if name in STEERING | SWITCHES:
            continue
        values[name] = addresses.references(call, old, name, value) if name in addresses.REFERENCES else value
    value = values.get("Description")
    if value is not None:
        texts = value.apply(list(old.get("Description") or [])) if isinstance(value, Edit) else value
        values["Description"] = [str(text)[: call.tenant.parameters.description_limit] for text in texts]
    return values


def _check(new: Row) -> None:
    if not new["ManagedBy"]:
        raise ServiceError("refused", reason="The group must have at least one owner.")
    if len(new["ManagedBy"]) > OWNERS:
        raise ServiceError("refused", reason=f"A group can have at most {OWNERS} owners.")
    if "SecurityEnabled" in new["GroupType"] and new["MemberDepartRestriction"] == "Open":
        raise ServiceError("refused", reason="MemberDepartRestriction can't be Open on a security group.")
    for name, limit in (("Alias", 64), ("DisplayName", 256)):
        if len(str(new[name])) > limit:
            raise ServiceError(
                "transformation", parameter=name, reason=f"The length of the property is too long. The maximum length is {limit}."
            )


def _check_manager(call: Call) -> None:
    if call.tenant.parameters.manager_check and not call.flag("BypassSecurityGroupManagerCheck"):
        raise ServiceError("not_manager")


def new_group(call: Call) -> list[Row]:
    """Create a group, with owners and members if given."""
    asked = str(call.parameters["Name"])
    check_name(call, asked)
    name = asked + call.tenant.parameters.group_suffix
    row = addresses.created(call, "DistributionGroup", name)
    row["DisplayName"] = str(call.parameters.get("DisplayName") or asked)
    row["GroupType"], row["RecipientTypeDetails"] = DETAILS[str(call.parameters.get("Type") or "Distribution")]
    row["RecipientType"] = row["RecipientTypeDetails"]
    if call.flag("RoomList"):
        row["RecipientTypeDetails"] = "RoomList"
    if call.parameters.get("Type") == "Security":
        row["MemberDepartRestriction"] = "Closed"
    new = apply(row, _values(call, row), set())
    _check(new)
    wanted = [_member(call, new, str(entry)) for entry in call.parameters.get("Members") or ()]
    if call.flag("CopyOwnerToMember"):
        wanted += [str(addresses.recipient(call, str(owner))["_key"]) for owner in new["ManagedBy"] if owner != "Organization Management"]
    new["_members"] = list(dict.fromkeys(wanted))
    insert(call, new)
    return [new]


def set_group(call: Call) -> list[Row]:
    """Change a group."""
    old = resolve(call)
    addresses.check_synced(call, old)
    _check_manager(call)
    new = apply(old, _values(call, old), set())
    addresses.set_addresses(call, new, call.parameters)
    addresses.split_senders(call, new, call.parameters)
    if "RoomList" in call.parameters:
        new["RecipientTypeDetails"] = "RoomList" if call.flag("RoomList") else new["RecipientType"]
    if call.parameters.get("Name") and call.parameters["Name"] != old["Name"]:
        check_name(call, str(call.parameters["Name"]), str(old["_key"]))
        rows.renamed(new, str(call.parameters["Name"]))
    _check(new)
    save(call, old, new)
    return []


def remove_group(call: Call) -> list[Row]:
    """Delete a group."""
    row = resolve(call)
    if row.get("IsDirSynced"):
        raise ServiceError("dir_synced", identity=row["Identity"])
    _check_manager(call)
    delete(call, row)
    return []


def _member(call: Call, group: Row, identity: str) -> str:
    """Return the key of a recipient that may be a member. Raises ServiceError."""
    found = candidates(call, identity, call.tenant.write_moment(), NOUNS["Recipient"])
    row = only(call, identity, found or candidates(call, identity, call.tenant.write_moment(), NOUNS["User"]))
    if row["RecipientTypeDetails"] not in MEMBERS or row["_key"] == group["_key"]:
        raise ServiceError(
            "refused",
            reason=f"The recipient '{identity}' of type {row['RecipientTypeDetails']} can't be a member of the group '{group['Name']}'.",
        )
    return str(row["_key"])


def _group(call: Call) -> Row:
    group = resolve(call)
    if group.get("IsDirSynced"):
        raise ServiceError("dir_synced", identity=group["Identity"])
    _check_manager(call)
    return group


def _store(call: Call, group: Row, members: list[str]) -> None:
    limit = call.tenant.parameters.group_members_limit
    if len(members) > limit:
        raise ServiceError("refused", reason=f"A group can have at most {limit} members.")
    call.tenant.put("Recipient", {**group, "_members": members})
    call.changed = True


def _asked(call: Call) -> str:
    if not call.parameters.get("Member"):
        raise ServiceError("missing_parameter", parameter="Member")
    return str(call.parameters["Member"])


def add_member(call: Call) -> list[Row]:
    """Add one member."""
    group, identity = _group(call), _asked(call)
    key = _member(call, group, identity)
    if key in group["_members"]:
        raise ServiceError("member_exists", member=identity, group=group["Name"])
    _store(call, group, [*group["_members"], key])
    return []


def remove_member(call: Call) -> list[Row]:
    """Take one member out."""
    group, identity = _group(call), _asked(call)
    found = candidates(call, identity, call.tenant.write_moment(), NOUNS["Recipient"])
    key = str(only(call, identity, found)["_key"])
    if key not in group["_members"]:
        raise ServiceError("member_missing", member=identity, group=group["Name"])
    _store(call, group, [entry for entry in group["_members"] if entry != key])
    return []


def update_members(call: Call) -> list[Row]:
    """Replace the membership, or edit it by Add and Remove."""
    group, value = _group(call), call.parameters.get("Members", [])
    entries = [*value.add, *value.remove] if isinstance(value, Edit) else value
    if len(entries) > REPLACE_LIMIT:
        raise ServiceError("refused", reason=f"At most {REPLACE_LIMIT} members can be given in one command.")
    if isinstance(value, Edit):
        gone = {_member(call, group, str(entry)) for entry in value.remove}
        kept = [] if value.clear else [key for key in group["_members"] if key not in gone]
        wanted = kept + [_member(call, group, str(entry)) for entry in value.add]
    else:
        wanted = [_member(call, group, str(entry)) for entry in value]
    members = list(dict.fromkeys(wanted))
    if set(members) != set(group["_members"]):
        _store(call, group, members)
    return []


def get_members(call: Call) -> list[Row]:
    """Read a group's members."""
    moment = call.tenant.read_moment()
    group = only(call, call.identity, candidates(call, call.identity, moment))
    found = (call.table.get(key, moment) for key in group["_members"])
    return [row for row in found if row is not None]


def get_dynamic_members(call: Call) -> list[Row]:
    """Read a dynamic group's members as they were counted last."""
    return dynamic.members(call.tenant, only(call, call.identity, candidates(call, call.identity, call.tenant.read_moment())))


GROUP_HANDLERS: dict[str, Handler] = {
    "New-DistributionGroup": new_group,
    "Set-DistributionGroup": set_group,
    "Remove-DistributionGroup": remove_group,
    "Add-DistributionGroupMember": add_member,
    "Remove-DistributionGroupMember": remove_member,
    "Update-DistributionGroupMember": update_members,
    "Get-DistributionGroupMember": get_members,
    "Get-DynamicDistributionGroupMember": get_dynamic_members,
}
