# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding: a JSON body's parameters become typed values, or the service's refusal."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from .catalogue import Parameter, Signature
from .clock import parse, stamp
from .errors import ServiceError

HASHTABLE = "#Exchange.GenericHashTable"
NUMBERS = {"Int16", "Int32", "Int64", "UInt16", "UInt32", "EmailAddressPolicyPriority"}
# Enumerations that have no "unset": null is refused.
NOT_NULL = {
    "AcceptedDomainType",
    "TenantConnectorType",
    "TenantConnectorSource",
    "MtaStsMode",
    "SmtpDaneMode",
    "RuleMode",
    "RuleErrorAction",
    "SenderAddressLocation",
    "RecipientAddressType",
    "RuleSubType",
    "MemberUpdateType",
    "GroupType",
    "AllowedOOFType",
    "ContentType",
    "TransportModerationNotificationFlags",
    "RuleState",
    "Boolean",
    "SwitchParameter",
    "System.Boolean",
    "Int32",
}
NULLABLE_NUMBERS = {"RequiredCharsetCoverage", "ResourceCapacity"}
ADDRESS = re.compile(r"[^@\s<>\"]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+")
DOMAIN = re.compile(r"(?=.{1,255}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?(?:\s*\(([\d,]+) bytes\))?", re.IGNORECASE)
UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


@dataclass(frozen=True)
class Edit:
    """A change of a list: what to add and what to take away."""

    add: list[Any] = field(default_factory=list)
    remove: list[Any] = field(default_factory=list)
    clear: bool = False

    def apply(self, current: list[Any]) -> list[Any]:
        """Return the edited list; names compare without case."""
        gone = {fold(value) for value in self.remove}
        kept = [] if self.clear else [value for value in current if fold(value) not in gone]
        known = {fold(value) for value in kept}
        return kept + [value for value in self.add if fold(value) not in known]


def fold(value: Any) -> Any:
    """Return the comparable form of a list's entry."""
    return value.casefold() if isinstance(value, str) else value


def bind(signature: Signature, given: dict[str, Any]) -> dict[str, Any]:
    """Return values by the parameter's own name. Raises ServiceError as the service does."""
    chosen: dict[str, Any] = {}
    for name, value in given.items():
        parameter = signature.parameters.get(name.lower())
        if parameter is None or parameter.name in chosen:
            raise ServiceError("unknown_parameter", parameter=name)
        chosen[parameter.name] = (parameter, value)
    _check_sets(signature, chosen)
    return {name: convert(parameter, value) for name, (parameter, value) in chosen.items()}


def _check_sets(signature: Signature, chosen: dict[str, Any]) -> None:
    """A call must fit one set: all of its mandatory parameters given, none from outside it."""
    belonging = {
        index
        for index in signature.sets
        if all(parameter.sets is None or index in parameter.sets for parameter, _unused in chosen.values())
    }
    if not belonging:
        raise ServiceError("parameter_set")
    every = {parameter.name: parameter for parameter in signature.parameters.values()}
    missing: list[list[str]] = [
        sorted(name for name, parameter in every.items() if index in parameter.mandatory and name not in chosen)
        for index in sorted(belonging)
    ]
    identity = every.get("Identity")
    if identity is not None and identity.mandatory and "Identity" not in chosen:
        raise ServiceError("missing_parameter", parameter="Identity")
    if all(missing):
        raise ServiceError("missing_parameter", parameter=" ".join(min((len(names), names) for names in missing)[1]))


def convert(parameter: Parameter, value: Any) -> Any:
    """Turn one JSON value into the value that the cmdlet sees."""
    if parameter.many:
        return _convert_many(parameter, value)
    if value is None:
        return _null(parameter)
    if isinstance(value, (list, dict)):
        shown = "Newtonsoft.Json.Linq.JObject" if isinstance(value, dict) else "System.Object[]"
        raise _transformation(parameter, f'Cannot convert value to type "{parameter.type}": the value is a {shown}.')
    return _scalar(parameter, value)


def _null(parameter: Parameter) -> None:
    kind = parameter.type
    if parameter.nullable or parameter.name in NULLABLE_NUMBERS:
        return
    if kind in NOT_NULL or (parameter.name == "Identity" and parameter.mandatory):
        raise _transformation(parameter, f'Cannot convert null to type "{kind}".')
    return


def _convert_many(parameter: Parameter, value: Any) -> list[Any] | Edit:
    if value is None:
        return []
    if isinstance(value, dict):
        if str(value.get("@odata.type", "")) != HASHTABLE:
            raise _transformation(parameter, f'Cannot convert the JObject to type "{parameter.type}".')
        parts = {str(key).lower(): part for key, part in value.items() if "@" not in key}
        if set(parts) - {"add", "remove"}:
            raise _transformation(parameter, "The hash table may hold Add and Remove only.")
        add, remove = (_entries(parameter, parts.get(key, [])) for key in ("add", "remove"))
        return Edit(add, remove, clear=not parts)
    return _entries(parameter, value)


def _entries(parameter: Parameter, value: Any) -> list[Any]:
    entries = value if isinstance(value, list) else [value]
    if any(isinstance(entry, list) or entry is None for entry in entries):
        raise _transformation(parameter, f'Cannot convert a nested or null value to type "{parameter.type}".')
    converted = [entry if isinstance(entry, dict) else _scalar(parameter, entry) for entry in entries]
    seen: set[Any] = set()
    for entry in converted:
        if not isinstance(entry, dict) and fold(entry) in seen:
            raise _transformation(parameter, f"The value '{entry}' is already present in the collection.")
        seen.add(str(entry) if isinstance(entry, dict) else fold(entry))
    return converted


def _scalar(parameter: Parameter, value: Any) -> Any:
    if parameter.flag:
        if not isinstance(value, bool):
            raise _transformation(parameter, f'Cannot convert value "{value}" to type "System.Boolean".')
        return value
    if parameter.choices and not parameter.name.startswith("Extension"):
        return _choice(parameter, value)
    if isinstance(value, bool):
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "{parameter.type}".')
    handler = _HANDLERS.get(parameter.type)
    if parameter.type in NUMBERS:
        handler = _number
    return handler(parameter, value) if handler else str(value)


def _choice(parameter: Parameter, value: Any) -> str:
    """Match an enumeration's member, or the unique beginning of one, as PowerShell does."""
    text = str(value).strip()
    if not isinstance(value, bool):
        for choice in parameter.choices:
            if choice.lower() == text.lower():
                return choice
        starts = [choice for choice in parameter.choices if text and choice.lower().startswith(text.lower())]
        if len(starts) == 1:
            return starts[0]
    names = ", ".join(sorted(parameter.choices))
    raise _transformation(
        parameter,
        f'Cannot convert value "{value}" to type "{parameter.type}". Error: "Unable to match the identifier name '
        f'{text} to a valid enumerator name. Specify one of the following enumerator names and try again: {names}"',
    )


def _number(parameter: Parameter, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "System.{parameter.type}".') from None


def _level(parameter: Parameter, value: Any) -> int:
    number = _number(parameter, value)
    if not -1 <= number <= 9:
        raise _transformation(parameter, f'The value "{value}" is not a valid SCL: it must be between -1 and 9.')
    return number


def _address(parameter: Parameter, value: Any) -> str:
    if not ADDRESS.fullmatch(str(value)):
        raise _transformation(parameter, f'The address "{value}" is invalid: "{value}" isn\'t a valid SMTP address.')
    return str(value)


def _proxy(parameter: Parameter, value: Any) -> str:
    text = str(value)
    prefix, _unused, rest = text.rpartition(":")
    if prefix.lower() in ("", "smtp") and not ADDRESS.fullmatch(rest):
        raise _transformation(parameter, f'The address "{value}" is invalid: "{rest}" isn\'t a valid SMTP address.')
    return text


def _domain(parameter: Parameter, value: Any) -> str:
    text = str(value)
    if not DOMAIN.fullmatch(text.removeprefix("*.")) and text != "*":
        raise _transformation(parameter, f'"{value}" isn\'t a valid SMTP domain.')
    return text


def _guid(parameter: Parameter, value: Any) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "System.Guid".') from None


def _moment(parameter: Parameter, value: Any) -> str:
    try:
        return stamp(parse(str(value)))
    except ValueError:
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "System.DateTime".') from None


def _size(parameter: Parameter, value: Any) -> str:
    """A byte size, a plain number or Unlimited, in the service's form."""
    text = str(value).strip()
    if text.lower() == "unlimited" and parameter.type == "Unlimited":
        return "Unlimited"
    match = SIZE.fullmatch(text)
    if match is None:
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "Microsoft.Exchange.Data.{parameter.type}".')
    if parameter.type == "Unlimited" and not match.group(2):
        return text
    count = int(match.group(3).replace(",", "")) if match.group(3) else int(float(match.group(1)) * UNITS[(match.group(2) or "B").upper()])
    return bytes_text(count)


def bytes_text(count: int) -> str:
    """Write a byte size as the service does: ``10 MB (10,485,760 bytes)``."""
    unit = max((name for name, size in UNITS.items() if size <= max(count, 1)), key=lambda name: UNITS[name])
    return f"{count / UNITS[unit]:.4g} {unit} ({count:,} bytes)"


def _span(parameter: Parameter, value: Any) -> str:
    text = str(value).strip()
    if text.isdigit():
        return f"{int(text)}.00:00:00"
    match = SPAN.fullmatch(text)
    if match is None:
        raise _transformation(parameter, f'Cannot convert value "{value}" to type "Microsoft.Exchange.Data.EnhancedTimeSpan".')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    head = f"{days}." if days else ""
    return f"{head}{hours:02}:{minutes:02}:{seconds:02}"


def _transformation(parameter: Parameter, reason: str) -> ServiceError:
    return ServiceError("transformation", parameter=parameter.name, reason=reason)


_HANDLERS = {
    "SclValue": _level,
    "SmtpAddress": _address,
    "ProxyAddress": _proxy,
    "ProxyAddressCollection": _proxy,
    "Guid": _guid,
    "System.Guid": _guid,
    "SmtpDomain": _domain,
    "SmtpDomainWithSubdomains": _domain,
    "DateTime": _moment,
    "System.DateTime": _moment,
    "Unlimited": _size,
    "ByteQuantifiedSize": _size,
    "EnhancedTimeSpan": _span,
    "Microsoft.Exchange.Data.EnhancedTimeSpan": _span,
}
