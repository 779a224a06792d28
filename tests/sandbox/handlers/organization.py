# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation: customisation, settings, connection filter, message traces."""

from __future__ import annotations

import ipaddress
from typing import Any

from ..binding import Edit
from ..calls import STEERING, Call, Handler, apply, resolve, save
from ..clock import parse
from ..errors import ServiceError
from ..store import Row

LIST_LIMIT = 1273
RANGE_LIMIT = 256
MINIMUM_PREFIX = 24


def enable_customization(call: Call) -> list[Row]:
    """Make a dehydrated organisation a customised one, once."""
    row = next(iter(call.table.rows()))
    if not row["IsDehydrated"]:
        raise ServiceError("already_customized")
    call.tenant.put("OrganizationConfig", {**row, "IsDehydrated": False})
    call.changed = True
    return []


def check_filter_entry(name: str, value: str) -> None:
    """Refuse what is not one IPv4 address, a block of /24 to /32, or a range of at most 256 addresses."""
    first, dash, last = value.partition("-")
    try:
        if dash:
            low, high = ipaddress.IPv4Address(first.strip()), ipaddress.IPv4Address(last.strip())
            right = 0 <= int(high) - int(low) < RANGE_LIMIT
        else:
            right = ipaddress.IPv4Network(value, strict=False).prefixlen >= MINIMUM_PREFIX
    except ValueError:
        right = False
    if not right:
        raise ServiceError("transformation", parameter=name, reason=f'"{value}" isn\'t a valid IPv4 address, range or block of /24 to /32.')


def set_connection_filter(call: Call) -> list[Row]:
    """Change the policy; its lists are checked entry by entry."""
    old = resolve(call)
    new = apply(old, call.parameters, STEERING)
    for name in ("IPAllowList", "IPBlockList"):
        value: Any = call.parameters.get(name)
        if value is None:
            continue
        for entry in value.add if isinstance(value, Edit) else value:
            check_filter_entry(name, str(entry))
        kinds = {("-" in str(entry), "/" in str(entry)) for entry in (value if isinstance(value, list) else ())}
        if len(kinds) > 1:
            raise ServiceError(
                "refused", reason=f"{name}: addresses, ranges and blocks can't be mixed in a plain list; use Add and Remove."
            )
        if len(new[name]) > LIST_LIMIT:
            raise ServiceError("refused", reason=f"{name} can hold at most {LIST_LIMIT} entries.")
    save(call, old, new)
    return []


def get_trace(call: Call) -> list[Row]:
    """Read the message trace that control set, else the mail side's, between the dates asked for; empty without either."""
    mail = call.tenant.mail
    if mail is not None and call.cmdlet.lower() not in call.tenant.results:
        if call.cmdlet == "Get-MessageTraceDetailV2":
            return mail.detail(call.parameters)
        found, warnings = mail.trace(call.parameters)
        call.warnings.extend(warnings)
        return found
    found = call.tenant.results.get(call.cmdlet.lower(), [])
    start, end = (call.parameters.get(name) for name in ("StartDate", "EndDate"))
    if bool(start) != bool(end):
        raise ServiceError("invalid", reason="StartDate and EndDate must be given together.")
    chosen = [
        row for row in found if not start or parse(str(start)) <= parse(str(row.get("Received") or row.get("Date"))) <= parse(str(end))
    ]
    for name in ("RecipientAddress", "SenderAddress", "MessageTraceId", "MessageId", "Status", "Event"):
        wanted = call.parameters.get(name)
        if wanted:
            names = {str(entry).casefold() for entry in (wanted if isinstance(wanted, list) else [wanted])}
            chosen = [row for row in chosen if name not in row or str(row[name]).casefold() in names]
    return chosen


def get_phishing(call: Call) -> list[Row]:
    """Read the anti-phishing policies: the default one, as the tenant's parameter has it."""
    return [{"Name": "Office365 AntiPhish Default", "IsDefault": True, "HonorDmarcPolicy": call.tenant.parameters.honor_dmarc}]


def get_outbound_spam(call: Call) -> list[Row]:
    """Read the outbound spam policies: the default one, as the organisation's setting has it."""
    (organization,) = call.tenant.tables["OrganizationConfig"].rows()
    return [{"Name": "Default", "IsDefault": True, "AutoForwardingMode": organization.get("AutoForwardingMode", "Automatic")}]


def get_sealers(call: Call) -> list[Row]:
    """Read the trusted ARC sealers."""
    return [{"Identity": "Default", "ArcTrustedSealers": ",".join(sorted(call.tenant.parameters.trusted_sealers))}]


ORGANIZATION_HANDLERS: dict[str, Handler] = {
    "Enable-OrganizationCustomization": enable_customization,
    "Set-HostedConnectionFilterPolicy": set_connection_filter,
    "Get-AntiPhishPolicy": get_phishing,
    "Get-HostedOutboundSpamFilterPolicy": get_outbound_spam,
    "Get-ArcConfig": get_sealers,
    "Get-MessageTraceV2": get_trace,
    "Get-MessageTraceDetailV2": get_trace,
}
