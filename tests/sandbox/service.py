# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a cmdlet: signature, binding, role, handler, read-back form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import readback
from .binding import bind
from .calls import Call, Handler, get, remove, set_
from .catalogue import signature
from .errors import ServiceError
from .handlers import HANDLERS
from .nouns import BY_LOWER, Noun
from .store import Row
from .tenant import Tenant

GENERIC: dict[str, Handler] = {"Get": get, "Set": set_, "Remove": remove}


class Forbidden(Exception):
    """A cmdlet that the caller does not have; ``unknown`` when the sandbox has none of that name."""

    def __init__(self, *, unknown: bool) -> None:
        """Keep whether it is unknown."""
        self.unknown = unknown
        super().__init__("unknown" if unknown else "not in the role")


@dataclass
class Outcome:
    """What a cmdlet returned."""

    rows: list[Row]
    warnings: list[str]
    changed: bool


def writes(cmdlet: str) -> bool:
    """Say whether a cmdlet does more than read; Validate- does: it sends mail."""
    return not cmdlet.lower().startswith("get-")


def run(tenant: Tenant, cmdlet: str, given: dict[str, Any], client_id: str) -> Outcome:
    """Run one cmdlet. Raises ServiceError and Forbidden."""
    verb, _unused, name = cmdlet.partition("-")
    known, noun = signature(cmdlet), BY_LOWER.get(name.lower())
    if known is None or noun is None or verb.lower() not in noun.verbs.lower().split():
        raise Forbidden(unknown=True)
    _check_role(tenant, known.name)
    verb = known.name.partition("-")[0]
    call = Call(tenant, known.name, noun, _bound(tenant, known.name, given), client_id)
    _check_hydration(call)
    if call.flag("WhatIf"):
        return Outcome([], [], changed=False)
    handler = HANDLERS.get(known.name) or GENERIC[verb]
    found = handler(call)
    rows = [readback.shown(call, row) if "_noun" in row else row for row in _limited(call, found)]
    return Outcome(rows, call.warnings, call.changed)


def _bound(tenant: Tenant, cmdlet: str, given: dict[str, Any]) -> dict[str, Any]:
    known = signature(cmdlet)
    if known is None:
        raise Forbidden(unknown=True)
    try:
        return bind(known, given)
    except ServiceError as error:
        if error.kind in ("missing_parameter", "parameter_set") and tenant.parameters.binding_type != "AmbiguousParameterSetException":
            error.type = error.type.rpartition(".")[0] + "." + tenant.parameters.binding_type
        raise


def _check_role(tenant: Tenant, cmdlet: str) -> None:
    refused = {name.lower() for name in tenant.parameters.forbidden_cmdlets}
    if tenant.parameters.role != "exchange_administrator" or cmdlet.lower() in refused or (tenant.parameters.read_only and writes(cmdlet)):
        raise Forbidden(unknown=False)


def _check_hydration(call: Call) -> None:
    if not call.noun.hydrated or not writes(call.cmdlet):
        return
    if any(row.get("IsDehydrated") for row in call.tenant.tables["OrganizationConfig"].rows()):
        raise ServiceError("dehydrated")


def _limited(call: Call, rows: list[Row]) -> list[Row]:
    """Apply ResultSize (or its default) and warn about what was left out."""
    if not call.cmdlet.startswith("Get-"):
        return rows
    given = str(call.parameters.get("ResultSize") or call.noun.result_size or "Unlimited")
    if not given.isdigit() or len(rows) <= int(given):
        return rows
    if "ResultSize" in call.parameters:
        call.warn(
            "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.",
            "Es sind mehr Ergebnisse verfügbar, als angezeigt werden. Erhöhen Sie den Wert des Parameters ResultSize.",
        )
    else:
        call.warn(
            f"By default, only the first {given} items are returned. Use the ResultSize parameter to specify the number of items returned. "
            'To return all items, specify "-ResultSize Unlimited". Be aware that, depending on the actual number of items, returning all '
            "items can take a long time and consume a large amount of memory.",
            f"Standardmäßig werden nur die ersten {given} Elemente zurückgegeben. Verwenden Sie den Parameter ResultSize.",
        )
    return rows[: int(given)]


def noun_of(name: str) -> Noun:
    """Return a noun by name. Raises KeyError."""
    return BY_LOWER[name.lower()]
