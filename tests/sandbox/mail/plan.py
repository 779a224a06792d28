# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mail side consists of, read from the tenants' directories: public addresses and names, and the loopback ones behind them."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..tenant import Tenant
from .hoststate import HostState
from .zone import NAME_SERVER, OUTSIDE_MX, Zone

OUTSIDE_LOOPBACK, OUTSIDE_ADDRESS = "127.0.0.30", "198.51.100.30"
SENDERS_LOOPBACK, SENDERS_ADDRESS = "127.0.0.31", "198.51.100.31"
INSIDE_ADDRESS = "10.0.0.31"  # where people inside a foreign system sit
TENANT_LOOPBACK, TENANT_ADDRESS = "127.0.1.", "203.0.113."
HOST_LOOPBACK = "127.0.2."
SPF_NAME = "spf.protection.outlook.com"
DEFAULT_SOURCE: dict[str, Any] = {"name": "source", "addresses": ["192.0.2.10"], "names": ["mx.source.example", "mail.old-host.example"]}
TTL = 3600


@dataclass
class Settings:
    """``mail.json`` of a tenant's directory; everything has a default.

    ``sources``: [{name, addresses, names, domains, modes, lists}]; ``mx``: {domain: source | tenant}; ``ttl``: of MX records;
    ``records``: [{name, type, texts, ttl}]; ``group``: the address of the group that says who is migrated (``pending``: who is not), where
    the routing rules do not show it.
    """

    sources: list[dict[str, Any]] = field(default_factory=list)
    mx: dict[str, str] = field(default_factory=dict)
    ttl: int = TTL
    records: list[dict[str, Any]] = field(default_factory=list)
    group: str = ""
    pending: bool = False


def settings(tenant: Tenant) -> Settings:
    """Read a tenant's settings. Raises OSError, ValueError or TypeError."""
    path = tenant.directory / "mail.json"
    found = Settings(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Settings()
    if not found.sources and tenant.about.get("shared_domain"):
        found.sources = [{**DEFAULT_SOURCE, "domains": [tenant.about["shared_domain"]]}]
    return found


def states(tenants: list[Tenant]) -> list[HostState]:
    """Return the foreign hosts of all tenants; the same address in two directories is one host."""
    found: dict[str, HostState] = {}
    for tenant in tenants:
        for source in settings(tenant).sources:
            addresses = [str(text) for text in source["addresses"]]
            state = next((entry for entry in found.values() if set(entry.addresses) & set(addresses)), None)
            if state is None:
                names = [str(text).lower() for text in source.get("names", [f"mx.{source['name']}.example"])]
                state = found[addresses[0]] = HostState(str(source["name"]), addresses, names)
            state.domains |= {str(domain).lower() for domain in source["domains"]}
            state.change({"modes": source.get("modes"), "lists": source.get("lists")})
            routing = str(tenant.about.get("routing_domain") or tenant.organization)
            state.load(_rows(tenant.directory / str(source.get("file", "source.csv"))), routing)
            state.change({"lists": source.get("lists")})
    return list(found.values())


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def exchanger(domain: str) -> str:
    """Return the service's MX name for a domain."""
    return f"{domain.lower().replace('.', '-')}.mail.protection.outlook.com"


def fill(zone: Zone, tenants: list[Tenant], hosts: list[HostState]) -> None:
    """Write the records of a start: shared domains at their source, others at the tenant."""
    zone.clear()
    zone.put(OUTSIDE_MX, "A", [OUTSIDE_ADDRESS])
    zone.put(NAME_SERVER, "A", ["127.0.0.1"])
    zone.put(SPF_NAME, "TXT", [f"v=spf1 ip4:{TENANT_ADDRESS}0/24 -all"])
    for host in hosts:
        for name in host.names:
            zone.put(name, "A", host.addresses)
    done: set[str] = set()
    for number, tenant in enumerate(tenants, 1):
        own = settings(tenant)
        for row in list(tenant.tables["AcceptedDomain"].rows()):
            domain = str(row["DomainName"]).lower()
            if domain in done:
                continue
            done.add(domain)
            zone.put(exchanger(domain), "A", [f"{TENANT_ADDRESS}{number}"])
            at = [entry for entry in hosts if domain in entry.domains]
            first = [f"10 {at[0].names[0]}."] if at and own.mx.get(domain, "source") == "source" else [f"0 {exchanger(domain)}."]
            zone.put(domain, "MX", first, own.ttl)
            addresses = "".join(f"ip4:{address} " for entry in at for address in entry.addresses)
            zone.put(domain, "TXT", [f"v=spf1 {addresses}include:{SPF_NAME} -all"])
        for record in own.records:
            zone.put(record["name"], record["type"], record["texts"], int(record.get("ttl", TTL)))
