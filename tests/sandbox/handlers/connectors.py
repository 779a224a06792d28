# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outbound and inbound connectors."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .. import rows
from ..binding import DOMAIN, Edit
from ..calls import STEERING, Call, Handler, apply, candidates, check_name, delete, get, insert, only, resolve, save
from ..errors import ServiceError
from ..nouns import NOUNS
from ..store import Row

PREMISES_ONLY = ("AllAcceptedDomains", "RouteAllMessagesViaOnPremises", "SenderRewritingEnabled")
PORT = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):\d+")
MINIMUM_PREFIX = 24


def _invalid(parameter: str, reason: str) -> ServiceError:
    return ServiceError("transformation", parameter=parameter, reason=reason)


def check_smart_host(value: str) -> None:
    """Refuse what is neither a host name, an address nor an address block; a port above all."""
    text = value.strip().removeprefix("[").removesuffix("]")
    if PORT.fullmatch(value.strip()):
        raise _invalid("SmartHosts", f'The smart host "{value}" is invalid: a port can\'t be given, mail is sent to port 25.')
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        if not DOMAIN.fullmatch(text):
            raise _invalid("SmartHosts", f'"{value}" isn\'t a valid smart host.') from None


def _check_recipient_domain(value: str) -> None:
    if value != "*" and ("*" in value.removeprefix("*.") or not DOMAIN.fullmatch(value.removeprefix("*."))):
        raise _invalid("RecipientDomains", f'"{value}" isn\'t a valid SMTP domain.')


def _check_outbound(new: Row, given: dict[str, Any]) -> None:
    for host in new["SmartHosts"]:
        check_smart_host(str(host))
    for domain in new["RecipientDomains"]:
        _check_recipient_domain(str(domain))
    if given.get("UseMXRecord") is False and not given.get("SmartHosts"):
        raise ServiceError("invalid", reason="If UseMXRecord is false, SmartHosts must be specified in the same command.")
    if new["UseMXRecord"] is False and not new["SmartHosts"]:
        raise ServiceError("invalid", reason="If UseMXRecord is false, SmartHosts can't be empty.")
    if new["ConnectorType"] != "OnPremises":
        wrong = [name for name in PREMISES_ONLY if new[name]]
        if wrong:
            raise ServiceError("invalid", reason=f"{wrong[0]} can be true only on a connector of type OnPremises.")


def new_outbound(call: Call) -> list[Row]:
    """Create an outbound connector."""
    name = str(call.parameters["Name"])
    check_name(call, name)
    base = {
        **call.noun.defaults,
        "ConnectorSource": call.tenant.parameters.connector_source_default,
        **rows.created(call.tenant, "OutboundConnector", name),
    }
    new = apply(base, _flat(base, call.parameters), STEERING)
    _check_outbound(new, call.parameters)
    insert(call, new)
    return [new]


def set_outbound(call: Call) -> list[Row]:
    """Change an outbound connector; a new name does not re-point rules (unless the tenant says so)."""
    old = resolve(call)
    given = _flat(old, call.parameters)
    new = apply(old, given, STEERING | {"Name"})
    _check_outbound(new, {name: new[name] if name == "SmartHosts" else value for name, value in given.items()})
    if given.get("Name") and given["Name"] != old["Name"]:
        check_name(call, str(given["Name"]), str(old["_key"]))
        rows.renamed(new, str(given["Name"]))
        if call.tenant.parameters.rule_rename_follows_connector:
            _repoint(call, str(old["Name"]), str(given["Name"]))
    save(call, old, new)
    return []


def _repoint(call: Call, before: str, after: str) -> None:
    for rule in call.tenant.tables["TransportRule"].rows():
        if rule.get("RouteMessageOutboundConnector") == before:
            call.tenant.put("TransportRule", {**rule, "RouteMessageOutboundConnector": after})


def _flat(base: Row, given: dict[str, Any]) -> dict[str, Any]:
    """Apply list edits, and write text that null clears as the empty text."""
    flat = {name: value.apply(list(base.get(name) or [])) if isinstance(value, Edit) else value for name, value in given.items()}
    if "Comment" in flat and flat["Comment"] is None:
        flat["Comment"] = ""
    return flat


def get_outbound(call: Call) -> list[Row]:
    """Read connectors: test-mode ones are hidden unless asked for; IsTransportRuleScoped filters."""
    found = get(call)
    wanted = call.parameters.get("IncludeTestModeConnectors")
    if wanted is True and call.tenant.parameters.test_mode_filter == "only":
        found = [row for row in found if row["TestMode"]]
    elif wanted is not True:
        found = [row for row in found if not row["TestMode"]]
    if "IsTransportRuleScoped" in call.parameters:
        found = [row for row in found if row["IsTransportRuleScoped"] == call.parameters["IsTransportRuleScoped"]]
    if call.identity and "*" not in call.identity and not call.tenant.parameters.unknown_identity_returns_all:
        return [only(call, call.identity, found)]
    return found


def remove_outbound(call: Call) -> list[Row]:
    """Delete a connector, unless a rule routes to it."""
    row = resolve(call)
    users = [
        rule["Name"] for rule in call.tenant.tables["TransportRule"].rows() if rule.get("RouteMessageOutboundConnector") == row["Name"]
    ]
    if users and call.tenant.parameters.connector_in_use_refused:
        raise ServiceError(
            "refused", reason=f"The connector '{row['Name']}' can't be removed because the transport rule '{users[0]}' uses it."
        )
    delete(call, row)
    return []


def validate_outbound(call: Call) -> list[Row]:
    """Try a connector: what control set, else what mail does, else (without mail) a row of success for each smart host and recipient."""
    row = resolve(call)
    given = call.tenant.results.get("validate-outboundconnector")
    if given is not None:
        return given
    if call.tenant.mail is not None:
        return call.tenant.mail.validate(row, [str(address) for address in call.parameters["Recipients"]])
    hosts = row["SmartHosts"] or ["MX"]
    tests = [("CheckConnection", str(host), f"Connected to {host} on port 25.") for host in hosts]
    tests += [("SendTestEmail", str(address), f"A test message to {address} was sent.") for address in call.parameters["Recipients"]]
    return [
        {"TaskName": task, "Target": target, "IsTaskSuccessful": True, "ConnectorName": row["Name"], "Detail": detail, "ErrorMessage": ""}
        for task, target, detail in tests
    ]


def check_source_ip(parameter: str, value: str) -> None:
    """Refuse what is not one IPv4 address or a block of /24 to /32."""
    try:
        block = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise _invalid(parameter, f'"{value}" isn\'t a valid IPv4 address or range.') from None
    if block.version != 4 or block.prefixlen < MINIMUM_PREFIX:
        raise _invalid(parameter, f'"{value}" is invalid: only IPv4 addresses and ranges from /24 to /32 are supported.')


def sender_domain(value: str) -> str:
    """Return the form that is read back: ``smtp:domain;1``. Raises ServiceError."""
    text = value.strip()
    if text.lower().startswith("smtp:"):
        text = text[5:]
    name, _unused, cost = text.partition(";")
    if name != "*" and not DOMAIN.fullmatch(name.removeprefix("*.")):
        raise _invalid("SenderDomains", f'"{value}" isn\'t a valid address space.')
    if cost and not cost.isdigit():
        raise _invalid("SenderDomains", f'"{value}" has a cost that is no number.')
    return f"smtp:{name};{cost or 1}"


def _inbound_values(old: Row, given: dict[str, Any]) -> dict[str, Any]:
    flat = dict(given)
    value = flat.get("SenderDomains")
    if isinstance(value, Edit):
        flat["SenderDomains"] = Edit(
            [sender_domain(str(entry)) for entry in value.add], [sender_domain(str(entry)) for entry in value.remove], value.clear
        )
    elif value is not None:
        flat["SenderDomains"] = [sender_domain(str(entry)) for entry in value]
    return _flat(old, flat)


def _check_inbound(call: Call, new: Row, given: dict[str, Any]) -> None:
    for address in new["SenderIPAddresses"]:
        check_source_ip("SenderIPAddresses", str(address))
    if not new["SenderDomains"]:
        raise ServiceError("invalid", reason="SenderDomains can't be empty.")
    if new["RestrictDomainsToCertificate"] and not new["TlsSenderCertificateName"]:
        raise ServiceError("invalid", reason="RestrictDomainsToCertificate needs TlsSenderCertificateName.")
    if new["TreatMessagesAsInternal"] and (new["CloudServicesMailEnabled"] or new["ConnectorType"] != "OnPremises"):
        raise ServiceError(
            "invalid",
            reason="TreatMessagesAsInternal can be true only on a connector of type OnPremises whose CloudServicesMailEnabled is false.",
        )
    unknown = [name for name in new["AssociatedAcceptedDomains"] if str(name).lower() not in call.tenant.domains()]
    if unknown:
        raise ServiceError("invalid", reason=f"'{unknown[0]}' isn't an accepted domain of the organization.")
    others = set(given) - {"Identity", "Name", "TrustedOrganizations", "Confirm", "WhatIf"}
    if given.get("TrustedOrganizations") and others:
        raise ServiceError("invalid", reason="TrustedOrganizations can't be used together with other parameters.")


def new_inbound(call: Call) -> list[Row]:
    """Create an inbound connector."""
    name = str(call.parameters["Name"])
    check_name(call, name)
    base = {
        **call.noun.defaults,
        "ConnectorSource": call.tenant.parameters.connector_source_default,
        **rows.created(call.tenant, "InboundConnector", name),
        "OrganizationalUnitRootInternal": call.tenant.organization,
    }
    base["NameHashGuid"] = call.tenant.new_id("name", name)
    if call.parameters.get("ConnectorType") == "OnPremises":
        base.update({"RequireTls": False, "Enabled": not call.tenant.parameters.onpremises_inbound_disabled})
    new = apply(base, _inbound_values(base, call.parameters), STEERING)
    _check_inbound(call, new, call.parameters)
    insert(call, new)
    return [new]


def set_inbound(call: Call) -> list[Row]:
    """Change an inbound connector."""
    old = resolve(call)
    given = _inbound_values(old, call.parameters)
    new = apply(old, given, STEERING | {"Name"})
    _check_inbound(call, new, given)
    if given.get("Name") and given["Name"] != old["Name"]:
        check_name(call, str(given["Name"]), str(old["_key"]))
        rows.renamed(new, str(given["Name"]))
    save(call, old, new)
    return []


def named_connector(call: Call, identity: str) -> str:
    """Return the name of the outbound connector that an identity names. Raises ServiceError."""
    found = candidates(call, identity, call.tenant.write_moment(), NOUNS["OutboundConnector"])
    return str(only(call, identity, found)["Name"])


CONNECTORS: dict[str, Handler] = {
    "New-OutboundConnector": new_outbound,
    "Set-OutboundConnector": set_outbound,
    "Get-OutboundConnector": get_outbound,
    "Remove-OutboundConnector": remove_outbound,
    "Validate-OutboundConnector": validate_outbound,
    "New-InboundConnector": new_inbound,
    "Set-InboundConnector": set_inbound,
}
