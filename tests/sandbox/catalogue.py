# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameter tables of the service's cmdlets, read from the fixture ``cmdlets.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
# The page puts RejectDirectSend into a set whose mandatory parameter belongs to another feature: it is set alone in practice.
NOT_MANDATORY = {("Set-OrganizationConfig", "ShortenEventScopeDefault")}
# Documented names of identity kinds, units or prefixes: no closed list of values.
OPEN_CHOICES = ("Unlimited", "ByteQuantifiedSize", "ProxyAddressCollection", "Word[]", "IdParameter")


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type, closed choices (none: open), and the sets it belongs to (None: all)."""

    name: str
    type: str
    choices: tuple[str, ...]
    nullable: bool
    sets: frozenset[int] | None
    mandatory: frozenset[int]

    @property
    def many(self) -> bool:
        """Whether it takes a list."""
        return self.type.endswith("[]") or self.type in ("MultiValuedProperty", "ProxyAddressCollection")

    @property
    def flag(self) -> bool:
        """Whether it takes true or false."""
        return self.type in ("Boolean", "SwitchParameter", "System.Boolean")


@dataclass(frozen=True)
class Signature:
    """One cmdlet: parameters by lower-case name or alias, and the numbers of the sets that exist in the cloud."""

    name: str
    parameters: dict[str, Parameter]
    sets: frozenset[int]
    names: tuple[str, ...] = field(default=())


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """Return the raw tables by lower-case cmdlet name."""
    raw = json.loads((FIXTURES / "cmdlets.json").read_text(encoding="utf-8"))
    return {name.lower(): (name, table) for name, table in raw.items() if name != "_about"}


@lru_cache(maxsize=512)
def signature(cmdlet: str) -> Signature | None:
    """Return a cmdlet that exists in the cloud, by name in any case; else None."""
    name, table = catalogue().get(cmdlet.lower(), ("", None))
    if table is None or table["in"] == "server":
        return None
    parameters: dict[str, Parameter] = {}
    gone: set[int] = set()
    for key, entry in table["parameters"].items():
        if entry["in"] == "server":
            gone.update(entry.get("mandatory_in", ()))
            continue
        parameter = _parameter(name, key, entry)
        for alias in (key, *entry.get("aliases", ())):
            parameters[alias.lower()] = parameter
    every = frozenset(range(len(table["parameter_sets"])))
    return Signature(name, parameters, every - gone or every, tuple(table["parameter_sets"]))


def _parameter(cmdlet: str, name: str, entry: dict[str, Any]) -> Parameter:
    choices = tuple(choice for choice in entry.get("choices", ()) if not choice.startswith("$"))
    kind = entry["type"]
    if any(kind.endswith(open_kind) for open_kind in OPEN_CHOICES) or choices == ("Name", "Alias", "GUID"):
        choices = ()
    mandatory = () if (cmdlet, name) in NOT_MANDATORY else entry.get("mandatory_in", ())
    sets = frozenset(entry["sets"]) if entry.get("sets") else None
    return Parameter(name, kind, choices, "$null" in entry.get("choices", ()), sets, frozenset(mandatory))
