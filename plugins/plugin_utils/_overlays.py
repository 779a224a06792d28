# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Planned states laid over reads in check mode. Pure: knows neither sockets nor the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, NotFound, Row

# The properties by which a row is recognised as one of an overlay's identities.
NAMES = ("Identity", "Name", "Guid", "PrimarySmtpAddress", "DomainName")
# Parameters that narrow a list: a planned object is not known to match them.
NARROWING = frozenset({"filter", "anr", "recipienttypedetails", "recipienttype", "organizationalunit", "usertypefilter", "managedby"})
# Parameters that narrow a list to the objects whose property of that name has the value.
EQUAL = {"state": "State", "istransportrulescoped": "IsTransportRuleScoped", "dlppolicy": "DlpPolicy"}
# Nouns whose rows are parts of the named object, never found without it.
ALWAYS_NAMED = frozenset({"distributiongroupmember"})


@dataclass(frozen=True)
class Overlay:
    """The planned rows of one object, and every name it is known by, folded for comparison."""

    identities: frozenset[str]
    rows: tuple[Row, ...]


def fold(value: Any) -> str:
    """The form in which two names of an object are compared."""
    return str(value).strip().casefold()


def named(cmdlet: Cmdlet) -> str:
    """The folded Identity of a read, empty when it asks for all. Parameter names are not case-sensitive."""
    for name, value in cmdlet.parameters.items():
        if name.casefold() == "identity" and value not in (None, ""):
            return fold(value)
    return ""


def narrowed(cmdlet: Cmdlet) -> bool:
    """True when the read asks for a part of the list only."""
    return any(name.casefold() in NARROWING for name in cmdlet.parameters)


def fits(cmdlet: Cmdlet, row: Mapping[str, Any]) -> bool:
    """Whether a planned row is among those that the read asks for."""
    asked = {EQUAL[name.casefold()]: value for name, value in cmdlet.parameters.items() if name.casefold() in EQUAL}
    return all(fold(row.get(name)) == fold(value) for name, value in asked.items())


class Overlays:
    """The overlays of one session, by noun."""

    def __init__(self) -> None:
        self._by_noun: dict[str, list[Overlay]] = {}

    def lay(self, noun: str, identities: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add an overlay; one that shares a name with it is replaced."""
        names = frozenset(fold(identity) for identity in identities if str(identity).strip())
        kept = [overlay for overlay in self._by_noun.get(noun.casefold(), []) if not overlay.identities & names]
        self._by_noun[noun.casefold()] = [*kept, Overlay(names, tuple(dict(row) for row in rows))]

    def drop(self, noun: str) -> None:
        """Forget every overlay of a noun: a real write has overtaken the plan."""
        self._by_noun.pop(noun.casefold(), None)

    def answer(self, cmdlet: Cmdlet) -> list[Row] | None:
        """The planned rows of the object that the read names, or None when the service must answer. Raises NotFound."""
        name = named(cmdlet)
        for overlay in self._by_noun.get(cmdlet.noun.casefold(), []):
            if name and name in overlay.identities:
                if not overlay.rows and cmdlet.noun.casefold() not in ALWAYS_NAMED:
                    raise NotFound("the object would be gone by now", cmdlet=cmdlet.name, identity=cmdlet.identity)
                return [dict(row) for row in overlay.rows]
        return None

    def merge(self, cmdlet: Cmdlet, rows: Sequence[Row]) -> list[Row]:
        """The rows of a read of all, with every planned object replaced, removed or added."""
        overlays = self._by_noun.get(cmdlet.noun.casefold(), [])
        if named(cmdlet) or not overlays or cmdlet.noun.casefold() in ALWAYS_NAMED:
            return list(rows)
        merged: list[Row] = []
        placed: set[int] = set()
        for row in rows:
            match = next((overlay for overlay in overlays if overlay.identities & _names(row)), None)
            if match is None:
                merged.append(row)
            elif id(match) not in placed:
                merged += [dict(planned) for planned in match.rows if fits(cmdlet, planned)]
                placed.add(id(match))
        if not narrowed(cmdlet):
            new = (planned for overlay in overlays if id(overlay) not in placed for planned in overlay.rows)
            merged += [dict(planned) for planned in new if fits(cmdlet, planned)]
        return merged


def _names(row: Row) -> set[str]:
    return {fold(row[name]) for name in NAMES if row.get(name) not in (None, "")}
