# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One generated world: a tenant's rows, foreign hosts, DNS, who reads where, and the letters. Plain data, known to neither side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Reading = Mapping[str, str]

ORGANIZATION = "contoso.onmicrosoft.com"
ROUTING = "contoso.mail.onmicrosoft.com"
TENANT = "tenant"
OUTSIDER = "sender@outside.example.org"
STRICT = "strict.example"


@dataclass
class Host:
    """A foreign host. modes: as the sandbox's control names them; ``rate_limited`` says that it has a limit at all."""

    name: str
    address: str
    domains: list[str]
    unknown: str = "reject"
    flags: set[str] = field(default_factory=set)
    lists: dict[str, list[str]] = field(default_factory=dict)
    forwards: dict[str, tuple[str, bool]] = field(default_factory=dict)
    footer: str = ""
    removed: bool = False

    @property
    def exchanger(self) -> str:
        """The name of its mail exchanger, and of its certificate."""
        return f"mx.{self.name}.example"


@dataclass(frozen=True)
class Letter:
    """A message to one or more recipients. kind: of the first recipient; what: mail, calendar, bounce, oof or journal."""

    kind: str
    recipients: tuple[str, ...]
    origin: str
    sender: str
    what: str = "mail"


@dataclass
class Scenario:
    """A world. state: a row of the table of states. late: cmdlets run a moment ago, which may not act yet.

    edited: the rule that one of them gave other conditions. moved: source mailboxes that forward; synced: those whose last sync is done.
    """

    seed: int
    state: str
    hosts: list[Host]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    listed: list[tuple[str, str, str, str]] = field(default_factory=list)
    scope: str = "domain"
    pending: bool = False
    group: str = ""
    mx: dict[str, str] = field(default_factory=dict)
    mx_before: dict[str, str] = field(default_factory=dict)
    records: list[Row] = field(default_factory=list)
    strict: set[str] = field(default_factory=set)
    signed: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    synced: set[str] = field(default_factory=set)
    late: list[tuple[str, Row]] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    edited: str = ""
    hidden: set[str] = field(default_factory=set)
    entries: int = 3
    people: dict[str, list[str]] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    reading: dict[str, str] = field(default_factory=dict)

    @property
    def domains(self) -> list[str]:
        """Every shared domain."""
        return [domain for host in self.hosts for domain in host.domains]

    def host_of(self, address: str) -> Host | None:
        """The host that serves an address's domain."""
        domain = address.rpartition("@")[2]
        return next((host for host in self.hosts if domain in host.domains), None)

    def rows(self, noun: str) -> list[Row]:
        """The rows of a noun."""
        return self.tables.setdefault(noun, [])

    def row(self, noun: str, name: str) -> Row:
        """One row by name. Raises KeyError."""
        for row in self.rows(noun):
            if row["Name"] == name:
                return row
        raise KeyError(name)

    def drop(self, noun: str) -> None:
        """No more rows of a noun."""
        self.tables[noun] = []
