# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant of a few rows, as the service would show it, and the inputs that go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Finding, Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._guards import TABLE, evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, commented, description
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import Snapshot, build
from ansible_collections.mailops.exchange.plugins.module_utils._session import Reply, Row

NOW = "2026-03-01T12:00:00Z"
SHARED = "example.com"
ROUTING = "contoso.mail.onmicrosoft.com"
GROUP = "Migrated@example.com"
CONNECTOR = "Shared Name Space with External Entity TRSC"
RULE = "Coexistence"
INBOUND = "Inbound from Shared Namespace"
SOURCE_LIST = """address,kind,owner,home
stub@example.com,mailbox,,source
noobj@example.com,mailbox,,source
pilot@example.com,mailbox,,tenant
"""
WAVES = "user,wave\nstub@example.com,1\n"
FILES: Mapping[str, str] = MappingProxyType({"source.csv": SOURCE_LIST, "waves.csv": WAVES})
OPTIONS: dict[str, Any] = {
    "domains": [SHARED],
    "smart_hosts": ["192.0.2.10"],
    "source_ip_ranges": ["192.0.2.10"],
    "source_file": "source.csv",
    "validation_recipients": ["postmaster@example.com"],
}


def inputs(step: str = "setup", files: Mapping[str, str] = FILES, **options: Any) -> Inputs:
    """Checked inputs, files from memory."""
    return parse({**OPTIONS, **options}, step, lambda path: files[path])


def domain(name: str, kind: str = "Authoritative", **more: Any) -> Row:
    """An accepted domain."""
    return {"Name": name, "DomainName": name, "DomainType": kind, **more}


DOMAINS = (
    domain("contoso.onmicrosoft.com", InitialDomain=True),
    domain(ROUTING, IsCoexistenceDomain=True),
    domain(SHARED),
    domain("sub.example.com"),
    domain("other.example.net"),
)


def mailbox(address: str, kind: str = "UserMailbox", *, also: Sequence[str] = (), routing: bool = True, external: str = "") -> Row:
    """A recipient with its routing address."""
    local = address.partition("@")[0]
    more = [*also, *([f"{local}@{ROUTING}"] if routing else [])]
    row: Row = {
        "Name": local,
        "Guid": f"guid-{address}",
        "Alias": local,
        "PrimarySmtpAddress": address,
        "EmailAddresses": [f"SMTP:{address}", *(f"smtp:{one}" for one in more)],
        "RecipientTypeDetails": kind,
        "RecipientType": "UserMailbox",
    }
    return row | ({"ExternalEmailAddress": f"SMTP:{external}"} if external else {})


def connector(name: str = CONNECTOR, **more: Any) -> Row:
    """Our connector as a set-up leaves it."""
    row = {
        "Name": name,
        "Guid": f"guid-{name}",
        "Comment": commented("text", [SHARED]),
        "Enabled": True,
        "UseMXRecord": False,
        "IsTransportRuleScoped": True,
        "RecipientDomains": [],
        "SmartHosts": ["192.0.2.10"],
        "IsValidated": True,
    }
    return row | more


def rule(name: str = RULE, **more: Any) -> Row:
    """Our routing rule as a set-up leaves it."""
    row = {
        "Name": name,
        "Guid": f"guid-{name}",
        "Comments": commented("text", [SHARED]),
        "State": "Enabled",
        "Mode": "Enforce",
        "Priority": 0,
        "RecipientDomainIs": [SHARED],
        "ExceptIfSentToMemberOf": [GROUP],
        "RouteMessageOutboundConnector": CONNECTOR,
        "WhenChanged": "2026-03-01T08:00:00.0000000",
    }
    return row | more


def stranger(name: str, **more: Any) -> Row:
    """Somebody else's rule."""
    return {"Name": name, "Guid": f"guid-{name}", "Comments": None, "State": "Enabled", "Mode": "Enforce", "Priority": 0, **more}


def group(line: Line | None = None, **more: Any) -> Row:
    """Our group as a set-up leaves it."""
    text = description([SHARED], line or Line({SHARED: "Authoritative"}))
    row = {"Name": "Migrated Users", "Guid": "guid-group", "PrimarySmtpAddress": GROUP, "Description": [text]}
    return row | {"EmailAddresses": [f"SMTP:{GROUP}"]} | more


def snapshot(
    wanted: Inputs,
    *,
    domains: Sequence[Row] = DOMAINS,
    connectors: Sequence[Row] = (),
    rules: Sequence[Row] = (),
    groups: Sequence[Row] = (),
    members: Sequence[Row] = (),
    recipients: Sequence[Row] = (),
    inbound: Sequence[Row] = (),
    remote: Sequence[Row] = (),
    organization: Mapping[str, Any] | None = None,
    now: str = NOW,
) -> Snapshot:
    """What a tenant with these rows shows."""
    answers = {
        "domains": domains,
        "connectors": connectors,
        "rules": rules,
        "group_by_address": groups,
        "members": members,
        "recipients": recipients,
        "inbound": inbound,
        "remote": remote,
        "organization": [dict(organization or {})],
    }
    return build(wanted, {name: Reply([dict(row) for row in rows], date=now) for name, rows in answers.items()})


def case(step: str = "setup", *, options: Mapping[str, Any] | None = None, files: Mapping[str, str] = FILES, **rows: Any) -> Situation:
    """A moment for guards and plans: options of the inputs, and rows of the tenant."""
    more = {name: rows.pop(name) for name in ("check_mode", "told", "final") if name in rows}
    wanted = inputs(step, files, **(options or {}))
    return Situation(wanted, snapshot(wanted, **rows), step, **more)


def found(guard: str, moment: Situation) -> list[Finding]:
    """The findings of one guard, as the table of guards would let it judge."""
    return [finding for finding in evaluate(moment, tuple(row for row in TABLE if row.id == guard)).all if finding.id == guard]


def standing(**more: Any) -> dict[str, Any]:
    """The rows of a finished set-up."""
    return {"connectors": [connector()], "rules": [rule()], "groups": [group()], **more}
