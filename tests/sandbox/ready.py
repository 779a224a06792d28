# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ready line: what a client needs to find and to enter each tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .tenant import Tenant

HOST = "127.0.0.1"


def ready_line(tenants: list[Tenant], port: int, control: int, authority: Path, listen: list[str], place: Path) -> dict[str, Any]:
    """Build the line. ``place`` is a directory for the federated tokens' files."""
    return {
        "control": f"http://{HOST}:{control}",
        "ca_cert": str(authority),
        "dns": None,
        "tenants": [_entry(tenant, f"https://{HOST}:{port}", f"http://{HOST}:{control}", place) for tenant in tenants],
        "hosts": {},
        "authorities": [f"https://{address}:{port}" for address in (HOST, *listen)],
    }


def _entry(tenant: Tenant, site: str, control: str, place: Path) -> dict[str, Any]:
    client, about = tenant.clients[0], tenant.about
    federated = place / f"{tenant.tenant_id}.token"
    federated.write_text(client.federated_token, encoding="utf-8")
    return {
        "organization": tenant.organization,
        "endpoint": site,
        "authority": site,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "certificate_path": str(client.certificates[0].resolve()) if client.certificates else None,
        "smtp": None,
        "tenant_id": tenant.tenant_id,
        "shared_domain": about.get("shared_domain"),
        "routing_domain": about.get("routing_domain"),
        "expired_certificate_path": str((tenant.directory / "expired.pem").resolve()),
        "federated_token_file": str(federated),
        "identity_endpoint": f"{control}/msi/token",
        "identity_header": about.get("identity_header"),
        "directory": str(tenant.directory.resolve()),
        "clients": [
            {
                "client_id": entry.client_id,
                "client_secret": entry.client_secret,
                "certificates": [str(path.resolve()) for path in entry.certificates],
            }
            for entry in tenant.clients
        ],
    }
