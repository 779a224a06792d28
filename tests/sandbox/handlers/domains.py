# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepted domains, remote domains, IPv6 of accepted domains."""

from __future__ import annotations

from typing import Any

from .. import rows
from ..calls import STEERING, Call, Handler, apply, check_name, insert, resolve, save
from ..errors import ServiceError
from ..nouns import NOUNS
from ..store import Row


def set_accepted_domain(call: Call) -> list[Row]:
    """Change a domain; ExternalRelay exists on premises only, OutboundOnly stands with the two other types."""
    if call.parameters.get("DomainType") == "ExternalRelay":
        raise ServiceError("refused", reason="The domain type ExternalRelay isn't supported in Exchange Online.")
    old = resolve(call)
    new = apply(old, call.parameters, STEERING)
    if old.get("InitialDomain") and new["DomainType"] != "Authoritative":
        raise ServiceError("refused", reason=f"The domain type of the initial domain '{old['DomainName']}' can't be changed.")
    save(call, old, new)
    return []


def _domain(call: Call) -> Row:
    name = str(call.parameters.get("Domain") or "")
    return resolve(call, name, NOUNS["AcceptedDomain"])


def get_ipv6(call: Call) -> list[Row]:
    """Read whether a domain receives over IPv6; without a domain, all of them."""
    moment = call.tenant.read_moment()
    wanted = str(call.parameters.get("Domain") or "").casefold()
    found = [row for row in call.table.rows(moment) if wanted in ("", str(row["DomainName"]).casefold())]
    if wanted and not found:
        raise ServiceError("not_found", identity=wanted, status=call.tenant.parameters.not_found_status)
    return [{"Domain": row["DomainName"], "Status": "Enabled" if row.get("_ipv6", True) else "Disabled"} for row in found]


def _switch_ipv6(call: Call, wanted: bool) -> list[Row]:
    old = _domain(call)
    save(call, {**old, "_ipv6": old.get("_ipv6", True)}, {**old, "_ipv6": wanted})
    return []


def enable_ipv6(call: Call) -> list[Row]:
    """Receive over IPv6."""
    return _switch_ipv6(call, wanted=True)


def disable_ipv6(call: Call) -> list[Row]:
    """Receive over IPv4 only."""
    return _switch_ipv6(call, wanted=False)


def new_remote_domain(call: Call) -> list[Row]:
    """Create a remote domain from Name and DomainName alone."""
    name, domain = str(call.parameters["Name"]), str(call.parameters["DomainName"])
    check_name(call, name)
    if len(domain) > 256 or "*" in domain.removeprefix("*"):
        raise ServiceError("transformation", parameter="DomainName", reason=f'"{domain}" isn\'t a valid SMTP domain.')
    if any(str(row["DomainName"]).casefold() == domain.casefold() for row in call.table.rows()):
        raise ServiceError("exists", identity=domain, status=call.tenant.parameters.exists_status)
    unset = "" if call.tenant.parameters.remote_domain_charset_unset == "empty" else None
    row = {
        "DomainName": domain,
        **call.noun.defaults,
        "CharacterSet": unset,
        "NonMimeCharacterSet": unset,
        **rows.created(call.tenant, "RemoteDomain", name),
    }
    insert(call, row)
    return [row]


def set_remote_domain(call: Call) -> list[Row]:
    """Change a remote domain; AllowedOOFType and IsInternal drag each other."""
    old = resolve(call)
    given: dict[str, Any] = dict(call.parameters)
    new = apply(old, given, STEERING | {"Name"})
    if given.get("AllowedOOFType") == "InternalLegacy":
        new["IsInternal"] = True
    elif given.get("IsInternal") is False and "AllowedOOFType" not in given and old["IsInternal"]:
        new["AllowedOOFType"] = "ExternalLegacy"
    width = str(new["LineWrapSize"])
    if width.isdigit() and int(width) > 132:
        raise ServiceError("transformation", parameter="LineWrapSize", reason="The value must be between 0 and 132, or unlimited.")
    if given.get("Name"):
        check_name(call, str(given["Name"]), str(old["_key"]))
        rows.renamed(new, str(given["Name"]))
    save(call, old, new)
    return []


def remove_remote_domain(call: Call) -> list[Row]:
    """Delete a remote domain; the default one stays."""
    row = resolve(call)
    if row["DomainName"] == "*":
        raise ServiceError("refused", reason="The default remote domain can't be removed.")
    call.tenant.remove("RemoteDomain", str(row["_key"]))
    call.changed = True
    return []


DOMAINS: dict[str, Handler] = {
    "Set-AcceptedDomain": set_accepted_domain,
    "Get-IPv6StatusForAcceptedDomain": get_ipv6,
    "Enable-IPv6ForAcceptedDomain": enable_ipv6,
    "Disable-IPv6ForAcceptedDomain": disable_ipv6,
    "New-RemoteDomain": new_remote_domain,
    "Set-RemoteDomain": set_remote_domain,
    "Remove-RemoteDomain": remove_remote_domain,
}
