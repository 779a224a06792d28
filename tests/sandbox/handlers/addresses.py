# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all recipients share: addresses, references to other recipients, the marks of on-premises mastered objects."""

from __future__ import annotations

import re
from typing import Any

from .. import rows
from ..binding import ADDRESS, Edit
from ..calls import STEERING, Call, candidates, only
from ..errors import ServiceError
from ..nouns import GROUPS, NOUNS, RECIPIENT_BASE
from ..store import Row

SENDERS = ("AcceptMessagesOnlyFrom", "RejectMessagesFrom")
REFERENCES = {
    "ManagedBy",
    "ModeratedBy",
    "GrantSendOnBehalfTo",
    "BypassModerationFromSendersOrMembers",
    "DefaultPublicFolderMailbox",
    *SENDERS,
    *(name + "DLMembers" for name in SENDERS),
    *(name + "SendersOrMembers" for name in SENDERS),
}
ADDRESSES = ("EmailAddresses", "PrimarySmtpAddress", "WindowsEmailAddress")
# Not mastered on premises, even for a synchronised object.
CLOUD_OWNED = STEERING | {"ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward"}


def recipient(call: Call, identity: str) -> Row:
    """Return the recipient that an identity names. Raises ServiceError."""
    return only(call, identity, candidates(call, identity, call.tenant.write_moment(), NOUNS["Recipient"]))


def reference(row: Row) -> str:
    """Return the id by which others refer to a recipient."""
    return str(row.get("ExternalDirectoryObjectId") or row["Guid"])


def references(call: Call, old: Row, name: str, value: Any) -> Any:
    """Return the stored form of a parameter that names recipients: ids."""

    def one(entry: Any) -> str:
        return str(entry) if entry == "Organization Management" else reference(recipient(call, str(entry)))

    if isinstance(value, Edit):
        return Edit([one(entry) for entry in value.add], [one(entry) for entry in value.remove], value.clear).apply(
            list(old.get(name) or [])
        )
    if isinstance(value, list):
        return list(dict.fromkeys(one(entry) for entry in value))
    return one(value) if value else None


def split_senders(call: Call, new: Row, given: dict[str, Any]) -> None:
    """Keep the lists of senders, of groups and of both in step; both kinds of list can't be given at once."""
    for name in SENDERS:
        people, groups, both = name, name + "DLMembers", name + "SendersOrMembers"
        if both in given and (people in given or groups in given):
            raise ServiceError("refused", reason=f"{both} can't be used together with {people} or {groups}.")
        if both in given:
            kinds = {entry: recipient(call, entry)["RecipientTypeDetails"] in GROUPS for entry in new[both]}
            new[people] = [entry for entry, group in kinds.items() if not group]
            new[groups] = [entry for entry, group in kinds.items() if group]
        elif people in given or groups in given:
            new[both] = [*new[people], *new[groups]]


def set_addresses(call: Call, new: Row, given: dict[str, Any]) -> None:
    """Write EmailAddresses, PrimarySmtpAddress or WindowsEmailAddress. Raises ServiceError."""
    primary = given.get("PrimarySmtpAddress") or given.get("WindowsEmailAddress")
    if "EmailAddresses" in given:
        if primary:
            raise ServiceError("refused", reason="EmailAddresses and PrimarySmtpAddress can't be used in one command.")
        value = given["EmailAddresses"]
        present = list(new.get("EmailAddresses") or [])
        new["EmailAddresses"] = normal(_edited(present, value) if isinstance(value, Edit) else value)
    elif primary:
        new["EmailAddresses"] = with_primary(list(new.get("EmailAddresses") or []), str(primary))
    else:
        return
    for entry in new["EmailAddresses"]:
        if entry.lower().startswith("smtp:"):
            check_address(call, entry[5:], str(new["_key"]))
    first = next(entry[5:] for entry in new["EmailAddresses"] if entry.startswith("SMTP:"))
    new.update({"PrimarySmtpAddress": first, "WindowsEmailAddress": first})


def _edited(present: list[str], value: Edit) -> list[str]:
    """Add and remove addresses, with or without their prefix."""
    gone = {_bare(str(entry)) for entry in value.remove}
    kept = [] if value.clear else [entry for entry in present if _bare(entry) not in gone]
    added = [str(entry) for entry in value.add]
    if any(entry.startswith("SMTP:") for entry in added):
        kept = ["smtp:" + entry[5:] if entry.startswith("SMTP:") else entry for entry in kept]
    known = {_bare(entry) for entry in added}
    return [entry for entry in kept if _bare(entry) not in known] + added


def _bare(entry: str) -> str:
    prefix, colon, rest = entry.partition(":")
    return (rest if colon and prefix.lower() == "smtp" else entry).casefold()


def normal(entries: list[Any]) -> list[str]:
    """Give every address its prefix and the list one primary address. Raises ServiceError."""
    found = [str(entry) if re.match(r"[A-Za-z0-9]+:", str(entry)) else f"smtp:{entry}" for entry in entries]
    primaries = [entry for entry in found if entry.startswith("SMTP:")]
    if len(primaries) > 1:
        raise ServiceError("refused", reason="There are multiple primary addresses of the same type SMTP.")
    if not primaries:
        index = next((number for number, entry in enumerate(found) if entry.lower().startswith("smtp:")), None)
        if index is None:
            raise ServiceError("refused", reason="There is no primary SMTP address for this recipient.")
        found[index] = "SMTP:" + found[index][5:]
    return found


def with_primary(entries: list[str], address: str) -> list[str]:
    """Make an address the primary one; the former one stays as another address."""
    rest = [f"smtp:{entry[5:]}" if entry.startswith("SMTP:") else entry for entry in entries if _bare(entry) != address.casefold()]
    return [f"SMTP:{address}", *rest]


def check_address(call: Call, address: str, own: str, *, accepted: bool = True) -> None:
    """Refuse a malformed address, one of a foreign domain, and one that another object holds."""
    if not ADDRESS.fullmatch(address):
        raise ServiceError("transformation", parameter="PrimarySmtpAddress", reason=f'"{address}" isn\'t a valid SMTP address.')
    domain = address.rpartition("@")[2].lower()
    if accepted and domain not in call.tenant.domains():
        raise ServiceError(
            "refused", reason=f"You can't use the domain \"{domain}\" because it's not an accepted domain for your organization."
        )
    for row in call.tenant.tables["Recipient"].find(address):
        held = {_bare(str(entry)) for entry in row.get("EmailAddresses") or ()}
        if row["_key"] != own and address.casefold() in held:
            raise ServiceError("address_used", address=address)


def check_synced(call: Call, row: Row) -> None:
    """Refuse to write what is mastered on premises."""
    if row.get("IsDirSynced") and set(call.parameters) - CLOUD_OWNED:
        raise ServiceError("dir_synced", identity=row["Identity"])


def new_alias(call: Call, name: str) -> str:
    """Return the alias asked for, or one made of the name and free in the tenant. Raises ServiceError."""
    asked = str(call.parameters.get("Alias") or "")
    if asked:
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", asked) or len(asked) > 64:
            raise ServiceError("transformation", parameter="Alias", reason=f'The alias "{asked}" isn\'t valid.')
        if any(str(row.get("Alias", "")).casefold() == asked.casefold() for row in call.tenant.tables["Recipient"].find(asked)):
            raise ServiceError("exists", identity=asked, status=call.tenant.parameters.exists_status)
        return asked
    made = re.sub(r"[^A-Za-z0-9._-]", "", name).strip(".")[:58] or "recipient"
    taken = {str(row.get("Alias", "")).casefold() for row in call.tenant.tables["Recipient"].rows()}
    return next(alias for alias in (made, *(f"{made}{number}" for number in range(1, 100000))) if alias.casefold() not in taken)


def default_domain(call: Call) -> str:
    """Return the domain of new addresses."""
    domains = list(call.tenant.tables["AcceptedDomain"].rows())
    return str(next((row["DomainName"] for row in domains if row.get("Default")), domains[0]["DomainName"]))


def created(call: Call, noun: str, name: str, *, address: str = "") -> Row:
    """Return a new recipient with its addresses. Raises ServiceError."""
    alias = new_alias(call, name)
    wanted = address or str(call.parameters.get("PrimarySmtpAddress") or f"{alias}@{default_domain(call)}")
    row: Row = {
        **NOUNS[noun].defaults,
        **{key: value for key, value in RECIPIENT_BASE.items() if key not in NOUNS[noun].defaults},
        **rows.created(call.tenant, noun, name),
    }
    check_address(call, wanted, str(row["_key"]), accepted=not address)
    unit = call.tenant.organization
    row.update(
        {
            "Alias": alias,
            "DisplayName": str(call.parameters.get("DisplayName") or name),
            "PrimarySmtpAddress": wanted,
            "WindowsEmailAddress": wanted,
            "EmailAddresses": [f"SMTP:{wanted}"],
            "ExternalDirectoryObjectId": call.tenant.new_id("directory", name),
            "LegacyExchangeDN": rows.LEGACY + str(row["Guid"]).replace("-", ""),
            "DistinguishedName": f"CN={name},OU={unit},OU=Microsoft Exchange Hosted Organizations,DC=NAMPR09A006,DC=PROD,DC=OUTLOOK,DC=COM",
            "OrganizationalUnit": f"{rows.FOREST}/Microsoft Exchange Hosted Organizations/{unit}",
        }
    )
    return row
