# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-back forms: what a Get cmdlet shows of a stored object, under the tenant's parameters."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from .calls import Call
from .catalogue import signature
from .clock import parse, stamp
from .defaults import RECIPIENT_PROPERTIES, SENDER_LISTS, USER_PROPERTIES
from .store import Row

WITH_NAMES = re.compile(r"Include(\w+)WithDisplayNames?")
GROUP_HIDDEN = {"Notes", "WindowsLiveID", "UserPrincipalName", "RecipientFilter"}
COUNTRIES = {"IE": "Ireland", "DE": "Germany", "US": "United States", "GB": "United Kingdom", "FR": "France", "CH": "Switzerland"}
SIZES = ("MessageSizeOver", "AttachmentSizeOver", "ExceptIfMessageSizeOver", "ExceptIfAttachmentSizeOver")
LEVELS = ("SetSCL", "SCLOver", "ExceptIfSCLOver")


def shown(call: Call, row: Row) -> Row:
    """Return the object's public form."""
    public = {key: value for key, value in row.items() if not key.startswith("_")}
    form = _FORMS.get(call.noun.name)
    return form(call, row, public) if form else public


def _outbound(call: Call, _row: Row, public: Row) -> Row:
    if call.tenant.parameters.smart_host_brackets:
        public["SmartHosts"] = [f"[{host}]" if _is_address(str(host)) else host for host in public["SmartHosts"]]
    if public["LastValidationTimestamp"]:
        public["LastValidationTimestamp"] = stamp(parse(str(public["LastValidationTimestamp"])), "")
    return public


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _rule(call: Call, _row: Row, public: Row) -> Row:
    known = call.tenant.parameters
    if "WhenChanged" in public:
        public["WhenChanged"] = stamp(parse(str(public["WhenChanged"])), known.rule_when_changed_zone)
    if known.scl_as_string:
        public.update({name: str(public[name]) for name in LEVELS if isinstance(public.get(name), int)})
    if known.sender_ip_ranges_form == "cidr":
        for name in ("SenderIpRanges", "ExceptIfSenderIpRanges"):
            public[name] = [_block(str(entry)) for entry in public[name]] if public.get(name) else public.get(name)
    if not known.rule_sizes_with_bytes:
        public.update({name: str(public[name]).partition(" (")[0] for name in SIZES if public.get(name)})
    if known.rule_unset_lists == "empty":
        public.update({name: [] for name in _rule_lists() if public.get(name) is None})
    if call.parameters.get("ExcludeConditionActionDetails"):
        public = {name: value for name, value in public.items() if name not in ("Conditions", "Exceptions", "Actions", "Description")}
    return public


def _rule_lists() -> list[str]:
    known = signature("New-TransportRule")
    return [entry.name for entry in known.parameters.values() if entry.many] if known else []


def _block(text: str) -> str:
    return f"{text}/32" if _is_address(text) and ":" not in text else text


def _filter(call: Call, _row: Row, public: Row) -> Row:
    if call.tenant.parameters.ip_allow_list_form == "cidr":
        for name in ("IPAllowList", "IPBlockList"):
            public[name] = [_block(str(entry)) for entry in public[name]]
    return public


def _named(call: Call, entry: Any, form: str) -> Any:
    """Return an id as it is shown: the id itself, or the recipient's name."""
    if form != "name" or not isinstance(entry, str):
        return entry
    found = call.tenant.tables["Recipient"].find(entry)
    return found[0]["Name"] if len(found) == 1 else entry


def _labelled(call: Call, entries: Any) -> list[str]:
    """Return ``(smtp address,Display Name)`` for each id."""
    result = []
    for entry in entries if isinstance(entries, list) else [entries] if entries else []:
        found = call.tenant.tables["Recipient"].find(str(entry))
        result.append(f"({found[0]['PrimarySmtpAddress']},{found[0]['DisplayName']})" if len(found) == 1 else f"(,{entry})")
    return result


def _recipient(call: Call, _row: Row, public: Row) -> Row:
    """Shape the properties that name other recipients."""
    form = call.tenant.parameters.managed_by_form
    asked = {match.group(1) for name in call.parameters if (match := WITH_NAMES.fullmatch(name)) and call.flag(name)}
    for name in (*SENDER_LISTS, "ManagedBy"):
        if name not in public:
            continue
        value = public[name]
        label = "ManagedByWithDisplayName" if name == "ManagedBy" else f"{name}WithDisplayNames"
        public[label] = _labelled(call, value) if name in asked else []
        public[name] = [_named(call, entry, form) for entry in value] if isinstance(value, list) else _named(call, value, form)
    return public


def _group(call: Call, _row: Row, public: Row) -> Row:
    return _recipient(call, _row, {key: value for key, value in public.items() if key not in GROUP_HIDDEN})


def _mailbox(call: Call, _row: Row, public: Row) -> Row:
    public["ForwardingAddress"] = _named(call, public["ForwardingAddress"], call.tenant.parameters.forwarding_address_form)
    public["UsageLocation"] = COUNTRIES.get(str(public.get("UsageLocation")), public.get("UsageLocation"))
    return _recipient(call, _row, public)


def _any_recipient(call: Call, _row: Row, public: Row) -> Row:
    chosen = _recipient(call, _row, {key: public.get(key) for key in RECIPIENT_PROPERTIES})
    chosen.pop("ManagedByWithDisplayName", None)
    wanted = call.parameters.get("Properties")
    if wanted:
        names = {str(name).lower() for name in wanted} | {"identity", "guid"}
        chosen = {key: value for key, value in chosen.items() if key.lower() in names}
    if chosen.get("ManagedBy") is None and "ManagedBy" in chosen:
        chosen["ManagedBy"] = []
    return chosen


def _member(_call: Call, row: Row, public: Row) -> Row:
    kind = "User" if row["RecipientTypeDetails"] == "User" else row["RecipientType"]
    chosen = {**{key: public.get(key) for key in RECIPIENT_PROPERTIES if key in public}, "RecipientType": kind}
    if kind == "User":
        chosen["PrimarySmtpAddress"] = ""
    return chosen


def _user(_call: Call, _row: Row, public: Row) -> Row:
    return {key: public.get(key) for key in USER_PROPERTIES if key != "EmailAddresses"}


def _directory_group(call: Call, row: Row, public: Row) -> Row:
    members = [call.tenant.tables["Recipient"].get(key) for key in row.get("_members", ())]
    return {
        **{key: public.get(key) for key in RECIPIENT_PROPERTIES if key in public},
        "GroupType": public.get("GroupType"),
        "Notes": public.get("Notes"),
        "Members": [str(member["Name"]) for member in members if member],
    }


_FORMS: dict[str, Callable[[Call, Row, Row], Row]] = {
    "OutboundConnector": _outbound,
    "TransportRule": _rule,
    "HostedConnectionFilterPolicy": _filter,
    "DistributionGroup": _group,
    "Mailbox": _mailbox,
    "Recipient": _any_recipient,
    "DistributionGroupMember": _member,
    "DynamicDistributionGroupMember": _member,
    "User": _user,
    "Group": _directory_group,
    "MailUser": _recipient,
    "MailContact": _recipient,
    "UnifiedGroup": _recipient,
    "DynamicDistributionGroup": _recipient,
}
