# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport rules: priorities, pairs, limits, references, and the parts that the service derives."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from .. import rows
from ..binding import Edit
from ..calls import STEERING, Call, Handler, apply, candidates, check_name, get, only, resolve, save
from ..catalogue import signature
from ..errors import ServiceError
from ..nouns import GROUPS, NOUNS
from ..store import Row
from .connectors import named_connector

LIMIT = 300
SIZE = 8192
COMMENTS = 1024
REGEX_CHARS = 20480
REDIRECTS = 10
# No longer accepted in the cloud.
RETIRED = {
    "MessageContainsDataClassifications",
    "HasSenderOverride",
    "NotifySender",
    "ExceptIfHasSenderOverride",
    "ExceptIfMessageContainsDataClassifications",
}
PAIRS = (
    ("HeaderContainsMessageHeader", "HeaderContainsWords"),
    ("HeaderMatchesMessageHeader", "HeaderMatchesPatterns"),
    ("ExceptIfHeaderContainsMessageHeader", "ExceptIfHeaderContainsWords"),
    ("ExceptIfHeaderMatchesMessageHeader", "ExceptIfHeaderMatchesPatterns"),
    ("SetHeaderName", "SetHeaderValue"),
    ("BetweenMemberOf1", "BetweenMemberOf2"),
    ("ExceptIfBetweenMemberOf1", "ExceptIfBetweenMemberOf2"),
    ("ADComparisonAttribute", "ADComparisonOperator"),
    ("ExceptIfADComparisonAttribute", "ExceptIfADComparisonOperator"),
    ("ApplyHtmlDisclaimerText", "ApplyHtmlDisclaimerLocation", "ApplyHtmlDisclaimerFallbackAction"),
    ("RejectMessageReasonText", "RejectMessageEnhancedStatusCode"),
)
ACTIONS = {
    "PrependSubject",
    "SetAuditSeverity",
    "ApplyClassification",
    "ApplyHtmlDisclaimerText",
    "ApplyHtmlDisclaimerLocation",
    "ApplyHtmlDisclaimerFallbackAction",
    "ApplyRightsProtectionTemplate",
    "ApplyRightsProtectionCustomizationTemplate",
    "SetSCL",
    "SetHeaderName",
    "SetHeaderValue",
    "RemoveHeader",
    "AddToRecipients",
    "CopyTo",
    "BlindCopyTo",
    "AddManagerAsRecipientType",
    "ModerateMessageByUser",
    "ModerateMessageByManager",
    "RedirectMessageTo",
    "RejectMessageEnhancedStatusCode",
    "RejectMessageReasonText",
    "DeleteMessage",
    "Disconnect",
    "Quarantine",
    "SmtpRejectMessageRejectText",
    "SmtpRejectMessageRejectStatusCode",
    "LogEventText",
    "GenerateIncidentReport",
    "IncidentReportContent",
    "RouteMessageOutboundConnector",
    "RouteMessageOutboundRequireTls",
    "ApplyOME",
    "RemoveOME",
    "RemoveOMEv2",
    "RemoveRMSAttachmentEncryption",
    "GenerateNotification",
}
GENERAL = {
    "Name",
    "Comments",
    "Mode",
    "Enabled",
    "Priority",
    "RuleErrorAction",
    "SenderAddressLocation",
    "RecipientAddressType",
    "RuleSubType",
    "ActivationDate",
    "ExpiryDate",
    "DlpPolicy",
    "StopRuleProcessing",
    "UseLegacyRegex",
    "Identity",
    "Confirm",
    "WhatIf",
}
TASKS = "Microsoft.Exchange.MessagingPolicies.Rules.Tasks."


def _parameters() -> dict[str, Any]:
    known = signature("New-TransportRule")
    return {entry.name: entry for entry in known.parameters.values()} if known else {}


def _rules(call: Call) -> list[Row]:
    return sorted(call.tenant.tables["TransportRule"].rows(), key=lambda row: int(row["Priority"]))


def _values(call: Call, old: Row, given: dict[str, Any]) -> dict[str, Any]:
    """Turn bound parameters into stored values: references resolved, unset lists null."""
    retired = sorted(RETIRED & set(given))
    if retired:
        raise ServiceError("refused", reason=f"The parameter {retired[0]} is no longer supported.")
    known = _parameters()
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name in STEERING or name in ("Enabled", "Priority", "Name"):
            continue
        stored = value.apply(list(old.get(name) or [])) if isinstance(value, Edit) else value
        kind = known[name].type
        if stored and kind in ("RecipientIdParameter[]", "RecipientIdParameter"):
            found = [_address(call, name, str(entry)) for entry in (stored if isinstance(stored, list) else [stored])]
            stored = found if isinstance(stored, list) else found[0]
        values[name] = None if stored in ([], "") and name != "Comments" else stored
    if values.get("RouteMessageOutboundConnector"):
        values["RouteMessageOutboundConnector"] = named_connector(call, str(values["RouteMessageOutboundConnector"]))
    return values


def _address(call: Call, name: str, identity: str) -> str:
    """Return the primary address of the recipient that an identity names; members-of need a group."""
    found = candidates(call, identity, call.tenant.write_moment(), NOUNS["Recipient"])
    group_wanted = name.endswith("MemberOf") or name.startswith(("BetweenMemberOf", "ExceptIfBetweenMemberOf"))
    if not found and "@" in identity and not group_wanted:
        return identity
    row = only(call, identity, found)
    if group_wanted and row["RecipientTypeDetails"] not in GROUPS | {"DynamicDistributionGroup", "GroupMailbox"}:
        raise ServiceError("refused", reason=f"The recipient '{identity}' isn't a group, as the parameter {name} needs.")
    if name in ("AddToRecipients", "CopyTo", "BlindCopyTo") and row["RecipientTypeDetails"] in GROUPS:
        raise ServiceError("refused", reason=f"A distribution group such as '{identity}' can't be added as a recipient by a rule.")
    return str(row["PrimarySmtpAddress"])


def _check(new: Row) -> None:
    for pair in PAIRS:
        present = [name for name in pair if new.get(name) not in (None, [], "")]
        if present and len(present) < len(pair):
            missing = next(name for name in pair if name not in present)
            raise ServiceError("refused", reason=f"The parameter {present[0]} must be used together with {missing}.")
    if len(str(new.get("Comments") or "")) > COMMENTS:
        raise ServiceError(
            "transformation",
            parameter="Comments",
            reason=f"The length of the property is too long. The maximum length is {COMMENTS} "
            f"and the length of the value provided is {len(str(new['Comments']))}.",
        )
    for name in ("SenderIpRanges", "ExceptIfSenderIpRanges"):
        for value in new.get(name) or ():
            _check_range(name, str(value))
    if len(new.get("RedirectMessageTo") or ()) > REDIRECTS:
        raise ServiceError("refused", reason=f"A rule can redirect to at most {REDIRECTS} recipients.")
    for name in ("SentToScope", "ExceptIfSentToScope"):
        if new.get(name) in ("ExternalPartner", "ExternalNonPartner"):
            raise ServiceError("refused", reason=f"The value {new[name]} of {name} isn't supported in Exchange Online.")
    if new["Size"] > SIZE:
        raise ServiceError(
            "refused", reason=f"The rule can't be created because it is too large: {new['Size']} of at most {SIZE} characters."
        )


def _check_range(name: str, value: str) -> None:
    first, dash, last = value.partition("-")
    try:
        if dash:
            low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
            right = low.version == high.version and int(low) <= int(high)
        else:
            right = ipaddress.ip_network(value, strict=False).prefixlen >= 0
    except ValueError:
        right = False
    if not right:
        raise ServiceError("transformation", parameter=name, reason=f'"{value}" isn\'t a valid IP address range.')


def _derive(row: Row) -> None:
    """Fill in what the service makes of conditions, exceptions and actions."""
    known = _parameters()
    parts: dict[str, list[str]] = {"Conditions": [], "Exceptions": [], "Actions": []}
    size, regex = 0, 0
    for name in known:
        value = row.get(name)
        if name in GENERAL or value in (None, False, [], ""):
            continue
        part = "Actions" if name in ACTIONS else "Exceptions" if name.startswith("ExceptIf") else "Conditions"
        parts[part].append(name)
        size += len(name) + len(json.dumps(value, ensure_ascii=False))
        regex += sum(map(len, value)) if "Matches" in name and isinstance(value, list) else 0
    for part, names in parts.items():
        suffix = "Action" if part == "Actions" else "Predicate"
        row[part] = [f"{TASKS}{name.removeprefix('ExceptIf')}{suffix}" for name in names] or None
    row["Size"], row["RegexSize"] = 300 + size, regex
    row["Description"] = _description(row, parts)


def _description(row: Row, parts: dict[str, list[str]]) -> str:
    def lines(names: list[str]) -> str:
        return "".join(f"\t{name} {json.dumps(row[name], ensure_ascii=False)}\r\n" for name in names)

    text = f"If the message:\r\n{lines(parts['Conditions'])}Take the following actions:\r\n{lines(parts['Actions'])}"
    return text + (f"Except if the message:\r\n{lines(parts['Exceptions'])}" if parts["Exceptions"] else "")


def new_rule(call: Call) -> list[Row]:
    """Create a rule, last or at the priority given."""
    name = str(call.parameters["Name"])
    check_name(call, name)
    present = _rules(call)
    if len(present) >= LIMIT:
        raise ServiceError("refused", reason=f"The organization has reached the maximum number of transport rules: {LIMIT}.")
    priority = call.parameters.get("Priority", len(present))
    if not 0 <= priority <= len(present):
        raise ServiceError("refused", reason=f"The priority {priority} is invalid: it must be between 0 and {len(present)}.")
    row = {**call.noun.defaults, **rows.created(call.tenant, "TransportRule", name)}
    for key in ("WhenCreated", "WhenCreatedUTC", "WhenChangedUTC", "Id", "ExchangeObjectId", "OrganizationalUnitRoot", "OriginatingServer"):
        del row[key]
    row.update({"ImmutableId": row["Guid"], **_values(call, row, call.parameters)})
    row["State"] = "Disabled" if call.parameters.get("Enabled") is False else "Enabled"
    row["Priority"] = len(present)
    _derive(row)
    _check(row)
    _check_regex(call, row)
    call.tenant.put("TransportRule", row)
    _move(call, str(row["_key"]), priority)
    call.changed = True
    return [call.tenant.tables["TransportRule"].get(str(row["_key"])) or row]


def _check_regex(call: Call, row: Row) -> None:
    total = row["RegexSize"] + sum(other["RegexSize"] for other in _rules(call) if other["_key"] != row["_key"])
    if total > REGEX_CHARS:
        raise ServiceError("refused", reason=f"All regular expressions together may hold {REGEX_CHARS} characters, not {total}.")


def _move(call: Call, key: str, wanted: int) -> None:
    """Put a rule at a priority; the others shift."""
    order = [row for row in _rules(call) if row["_key"] != key]
    moved = call.tenant.tables["TransportRule"].get(key)
    if moved is not None:
        order.insert(wanted, moved)
    for number, row in enumerate(order):
        if row["Priority"] != number:
            new = {**row, "Priority": number}
            if row["_key"] == key or call.tenant.parameters.priority_shift_changes_time:
                _touch(call, new)
            call.tenant.put("TransportRule", new)


def _touch(call: Call, row: Row) -> None:
    rows.touch(row, call.tenant.now())
    row.pop("WhenChangedUTC", None)


def set_rule(call: Call) -> list[Row]:
    """Change a rule."""
    old = resolve(call)
    new = {**old, **_values(call, old, call.parameters)}
    _derive(new)
    if "Priority" in call.parameters:
        count = len(_rules(call))
        if not 0 <= call.parameters["Priority"] < count:
            raise ServiceError(
                "refused", reason=f"The priority {call.parameters['Priority']} is invalid: it must be between 0 and {count - 1}."
            )
    _check(new)
    _check_regex(call, new)
    if call.parameters.get("Name") and call.parameters["Name"] != old["Name"]:
        check_name(call, str(call.parameters["Name"]), str(old["_key"]))
        rows.renamed(new, str(call.parameters["Name"]))
    wanted = int(call.parameters["Priority"] if "Priority" in call.parameters else old["Priority"])
    if new == old and wanted == old["Priority"]:
        save(call, old, new)
        return []
    _touch(call, new)
    call.tenant.put("TransportRule", new)
    call.changed = True
    if wanted != old["Priority"]:
        _move(call, str(old["_key"]), wanted)
    return []


def _switch(call: Call, state: str) -> list[Row]:
    old = resolve(call)
    new = apply(old, {"State": state}, set())
    if new == old:
        save(call, old, new)
        return []
    if call.tenant.parameters.disable_changes_time:
        _touch(call, new)
    call.tenant.put("TransportRule", new)
    call.changed = True
    return []


def enable_rule(call: Call) -> list[Row]:
    """Switch a rule on."""
    return _switch(call, "Enabled")


def disable_rule(call: Call) -> list[Row]:
    """Switch a rule off."""
    return _switch(call, "Disabled")


def remove_rule(call: Call) -> list[Row]:
    """Delete a rule; those below move up."""
    row = resolve(call)
    call.tenant.remove("TransportRule", str(row["_key"]))
    _move(call, "", 0)
    call.changed = True
    return []


def get_rules(call: Call) -> list[Row]:
    """Read rules in order of priority; State filters."""
    found = sorted(get(call), key=lambda row: int(row["Priority"]))
    state = call.parameters.get("State")
    return [row for row in found if state in (None, row["State"])]


def get_limits(call: Call) -> list[Row]:
    """Read the tenant's own limits."""
    return [
        {
            "MaximumNumberOfTransportRules": LIMIT,
            "CurrentTransportRulesCount": len(call.tenant.tables["TransportRule"]),
            "MaximumSizeOfAnIndividualTransportRule": SIZE,
            "CharacterLimitForAllRegExInTransportRules": REGEX_CHARS,
            "CurrentCharactersInAllRegEx": sum(int(row["RegexSize"]) for row in _rules(call)),
            "MaximumNumberOfRecipientsAddedByTransportRules": 100,
        }
    ]


RULES: dict[str, Handler] = {
    "New-TransportRule": new_rule,
    "Set-TransportRule": set_rule,
    "Enable-TransportRule": enable_rule,
    "Disable-TransportRule": disable_rule,
    "Remove-TransportRule": remove_rule,
    "Get-TransportRule": get_rules,
    "Get-EtrLimits": get_limits,
}
