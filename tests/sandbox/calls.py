# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a cmdlet: what the handlers see, and the generic Get, New, Set and Remove."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import rows
from .binding import Edit
from .errors import ServiceError
from .filters import matches
from .nouns import Noun
from .store import Row, Table
from .tenant import Tenant

# Parameters that steer a call and are no properties.
STEERING = {
    "Identity",
    "Confirm",
    "WhatIf",
    "Force",
    "BypassSecurityGroupManagerCheck",
    "IgnoreNamingPolicy",
    "ForceUpgrade",
    "UpdateMemberCount",
    "ResetMigrationToUnifiedGroup",
    "ResultSize",
    "CopyOwnerToMember",
    "MakeDefault",
    "ApplyMandatoryProperties",
    "UpdateEnforcedTimestamp",
    "Password",
    "RoomMailboxPassword",
}


@dataclass
class Call:
    """A bound call. ``changed``: whether the store was written; ``limit``: rows that ResultSize allows, None for all."""

    tenant: Tenant
    cmdlet: str
    noun: Noun
    parameters: dict[str, Any]
    client_id: str
    warnings: list[str] = field(default_factory=list)
    changed: bool = False

    @property
    def table(self) -> Table:
        """Return the table that holds the noun's objects."""
        return self.tenant.tables[self.noun.store]

    @property
    def identity(self) -> str:
        """Return the identity asked for, "" when none was."""
        return str(self.parameters.get("Identity") or "")

    def flag(self, name: str) -> bool:
        """Return a switch."""
        return self.parameters.get(name) is True

    def warn(self, english: str, german: str) -> None:
        """Add a warning in the caller's language."""
        self.warnings.append(german if self.tenant.parameters.culture == "de" else english)


Handler = Callable[[Call], list[Row]]


def belongs(noun: Noun, row: Row) -> bool:
    """Say whether an object of the table is one of this noun's."""
    return not noun.types or str(row.get("RecipientTypeDetails")) in noun.types


def candidates(call: Call, identity: str, moment: datetime | None, noun: Noun | None = None) -> list[Row]:
    """Return the objects that an identity names; ``*`` at an end is a wildcard."""
    kind = noun or call.noun
    table = call.tenant.tables[kind.store]
    if "*" in identity and identity != "*":
        pattern = identity.casefold().replace("[", "[[]")
        return [
            row
            for row in table.rows(moment)
            if belongs(kind, row)
            and any(fnmatch.fnmatchcase(str(row.get(key, "")).casefold(), pattern) for key in ("Name", "Identity", "DisplayName"))
        ]
    found = [row for row in table.find(_plain(identity), moment) if belongs(kind, row)]
    exact = [row for row in found if identity.casefold() in (str(row["Guid"]), str(row.get("Name", "")).casefold())]
    return exact if len(exact) == 1 else found


def _plain(identity: str) -> str:
    head, slash, tail = identity.rpartition("/")
    return tail if slash and "." in head else identity.removeprefix("SMTP:").removeprefix("smtp:")


def resolve(call: Call, identity: str = "", noun: Noun | None = None, moment: datetime | None = None) -> Row:
    """Return the one object that an identity names, for a write. Raises not found and ambiguous."""
    wanted = identity or call.identity
    found = candidates(call, wanted, moment or call.tenant.write_moment(), noun)
    table = call.tenant.tables[(noun or call.noun).store]
    current = [row for old in found if (row := table.get(str(old["_key"]))) is not None]
    return only(call, wanted, current)


def only(call: Call, identity: str, found: list[Row]) -> Row:
    """Return the only object found. Raises not found and ambiguous in the tenant's forms."""
    if not found:
        raise ServiceError("not_found", identity=identity, status=call.tenant.parameters.not_found_status)
    if len(found) > 1:
        raise ServiceError(
            "ambiguous", identity=identity, type_name=f"Microsoft.Exchange.Configuration.Tasks.{call.tenant.parameters.ambiguous_type}"
        )
    return found[0]


def get(call: Call) -> list[Row]:
    """Read one object, or all."""
    moment = call.tenant.read_moment()
    if call.identity:
        found = candidates(call, call.identity, moment)
        if "*" in call.identity:
            return found
        if found or not call.tenant.parameters.unknown_identity_returns_all:
            return [only(call, call.identity, found)]
    chosen = [row for row in call.table.rows(moment) if belongs(call.noun, row)]
    wanted = str(call.parameters.get("Filter") or "")
    return [row for row in chosen if matches(wanted, row)] if wanted else chosen


def apply(row: Row, parameters: dict[str, Any], skip: set[str]) -> Row:
    """Return a copy with the given properties written; a list edit is applied to the present list."""
    new = copy.copy(row)
    for name, value in parameters.items():
        if name not in skip:
            new[name] = value.apply(list(row.get(name) or [])) if isinstance(value, Edit) else value
    return new


def save(call: Call, old: Row, new: Row) -> bool:
    """Write a changed object; an unchanged one makes the service's warning. Returns whether it was written."""
    if _comparable(old) == _comparable(new):
        name = str(old.get("Identity") or old.get("Name"))
        call.warn(
            f"The command completed successfully but no settings of '{name}' have been modified.",
            f"Der Befehl wurde erfolgreich abgeschlossen, aber es wurden keine Einstellungen von '{name}' geändert.",
        )
        return False
    rows.touch(new, call.tenant.now())
    call.tenant.put(call.noun.store, new)
    call.changed = True
    return True


def _comparable(row: Row) -> Row:
    return {key: sorted(value, key=str) if isinstance(value, list) else value for key, value in row.items()}


def insert(call: Call, new: Row) -> None:
    """Write a new object."""
    call.tenant.put(call.noun.store, new)
    call.changed = True


def delete(call: Call, row: Row) -> None:
    """Remove an object."""
    call.tenant.remove(call.noun.store, str(row["_key"]))
    call.changed = True


def set_(call: Call) -> list[Row]:
    """Change one object's properties."""
    old = next(iter(call.table.rows())) if call.noun.singleton and not call.identity else resolve(call)
    save(call, old, apply(old, call.parameters, STEERING))
    return []


def remove(call: Call) -> list[Row]:
    """Delete one object."""
    delete(call, resolve(call))
    return []


def check_name(call: Call, name: str, own: str = "") -> None:
    """Refuse a name that is too long, empty or taken by another object of the noun."""
    if not name.strip():
        raise ServiceError("transformation", parameter="Name", reason="The value is empty.")
    if len(name) > call.noun.name_limit:
        raise ServiceError(
            "transformation",
            parameter="Name",
            reason=f"The length of the property is too long. The maximum length is {call.noun.name_limit} and the length "
            f"of the value provided is {len(name)}.",
        )
    for row in call.table.rows():
        if belongs(call.noun, row) and str(row.get("Name", "")).casefold() == name.casefold() and row["_key"] != own:
            raise ServiceError("exists", identity=name, status=call.tenant.parameters.exists_status)
