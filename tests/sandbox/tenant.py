# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tenant: its objects, its clients, its parameters, and its time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import rows
from .clock import Clock
from .parameters import Parameters
from .store import Row, Table

if TYPE_CHECKING:
    from .mail.side import TenantMail

# Every kind of recipient lies in one table, as in the directory.
RECIPIENTS = (
    "Mailbox",
    "MailUser",
    "MailContact",
    "DistributionGroup",
    "UnifiedGroup",
    "DynamicDistributionGroup",
    "MailPublicFolder",
    "User",
)
SETTINGS = (
    "AcceptedDomain",
    "RemoteDomain",
    "OutboundConnector",
    "InboundConnector",
    "TransportRule",
    "OrganizationConfig",
    "TransportConfig",
    "HostedConnectionFilterPolicy",
    "OrganizationRelationship",
)


@dataclass
class Client:
    """An app registration: its secrets, certificate files and federated token."""

    client_id: str
    client_secret: str = ""
    certificates: list[Path] = field(default_factory=list)
    federated_token: str = ""
    secret_expired: bool = False


class Tenant:
    """State of one organisation. Reads and writes go through ``table`` and ``moment``."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Read a tenant directory. Raises OSError, ValueError or KeyError when it is not one."""
        self.directory = directory
        self.clock = clock
        self.mail: TenantMail | None = None  # set by the mail side
        self.about: dict[str, Any] = json.loads((directory / "tenant.json").read_text(encoding="utf-8"))
        self.organization: str = self.about["organization"]
        self.tenant_id: str = self.about["tenant_id"]
        self.clients = [
            Client(
                entry["client_id"],
                entry.get("client_secret", ""),
                [directory / name for name in entry.get("certificates", ())],
                entry.get("federated_token", ""),
                entry.get("secret_expired", False),
            )
            for entry in self.about["clients"]
        ]
        self.parameters = Parameters()
        self.tables: dict[str, Table] = {}
        self._kept: dict[str, Table] = {}
        self.results: dict[str, list[Row]] = {}  # answers that control sets: message traces, validations
        self.in_flight = 0
        self.writes = 0
        self.reset()

    def reset(self) -> None:
        """Back to what the directory says."""
        self.parameters = Parameters()
        self.parameters.update(self.about.get("parameters", {}))
        self.results = {}
        self.tables = {name: Table(rows.identities) for name in (*SETTINGS, "Recipient")}
        for noun in SETTINGS:
            self.load(noun, self._file(noun))
        self.load("Recipient", [{**row, "_noun": noun} for noun in RECIPIENTS for row in self._file(noun)])

    def keep(self) -> None:
        """Keep the objects as they are, for ``back``."""
        self._kept = {name: table.copy() for name, table in self.tables.items()}

    def back(self) -> None:
        """Return to the objects that were kept. Raises LookupError when none were."""
        if not self._kept:
            raise LookupError(f"{self.organization}: nothing was kept")
        self.tables = {name: table.copy() for name, table in self._kept.items()}

    def load(self, table: str, objects: list[Row]) -> None:
        """Replace a table by objects in the captures' form."""
        prepared = [rows.loaded(self, table, row) for row in objects]
        self.tables[table].load(prepared, datetime.min.replace(tzinfo=self.clock.now().tzinfo))
        if table == "Recipient":
            self._link_members()

    def now(self) -> datetime:
        """Return the service's time."""
        return self.clock.now()

    def read_moment(self) -> datetime | None:
        """Return the moment whose state a read sees; None: now."""
        return self.now() - timedelta(seconds=self.parameters.replication_lag) if self.parameters.replication_lag else None

    def write_moment(self) -> datetime | None:
        """Return the moment in whose state a write looks for its object; None: now."""
        return self.now() - timedelta(seconds=self.parameters.write_lag) if self.parameters.write_lag else None

    def horizon(self) -> timedelta:
        """Return how much of the past must stay readable."""
        known = self.parameters
        lags = (known.replication_lag, known.write_lag, known.rule_latency, known.membership_latency, known.dynamic_refresh)
        return timedelta(seconds=max(lags))

    def put(self, table: str, row: Row) -> None:
        """Write an object."""
        self.writes += 1
        self.tables[table].put(row, self.now(), self.horizon())

    def remove(self, table: str, key: str) -> None:
        """Delete an object."""
        self.writes += 1
        self.tables[table].remove(key, self.now(), self.horizon())

    def acting_rules(self, share: float = 1.0) -> list[Row]:
        """Return the rules that transport acts on now: those of some time ago, in order; ``share``: of the latency, for one server."""
        moment = self.now() - timedelta(seconds=self.parameters.rule_latency * share)
        return sorted(self.tables["TransportRule"].rows(moment), key=lambda row: int(row["Priority"]))

    def acting_members(self) -> dict[str, list[str]]:
        """Return each group's members as transport sees them: group key to recipient keys."""
        moment = self.now() - timedelta(seconds=self.parameters.membership_latency)
        return {row["_key"]: list(row["_members"]) for row in self.tables["Recipient"].rows(moment) if "_members" in row}

    def domains(self) -> set[str]:
        """Return the accepted domains, in lower case."""
        return {str(row["DomainName"]).lower() for row in self.tables["AcceptedDomain"].rows()}

    def new_id(self, *parts: str) -> str:
        """Make a new GUID that is the same in every run with the same history."""
        return str(uuid.uuid5(uuid.UUID(self.tenant_id), "/".join((*parts, str(self.writes)))))

    def client(self, client_id: str) -> Client | None:
        """Find an app registration."""
        return next((entry for entry in self.clients if entry.client_id == client_id), None)

    def _file(self, noun: str) -> list[Row]:
        path = self.directory / f"Get-{noun}.json"
        if not path.exists():
            return []
        raw = json.loads(path.read_text(encoding="utf-8"))
        return list(raw["value"] if isinstance(raw, dict) else raw)

    def _link_members(self) -> None:
        table = self.tables["Recipient"]
        for row in table.rows():
            if "_members" in row:
                row["_members"] = [self._member(name) for name in row["_members"]]

    def _member(self, name: str) -> str:
        found = self.tables["Recipient"].find(name)
        if len(found) != 1:
            raise ValueError(f"{self.directory}: group member {name!r} names {len(found)} recipients, not one")
        return str(found[0]["_key"])


def recipients(tenant: Tenant, moment: datetime | None) -> Iterator[Row]:
    """Return every recipient and user."""
    return tenant.tables["Recipient"].rows(moment)
