# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a planner or a tool says to a tenant, and what it hears: Cmdlet, Reply, the error family, Session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]

# What `calls` shows for a time that only the real run will know.
NOW = "<now>"


@dataclass(frozen=True)
class Cmdlet:
    """One call of one cmdlet. `parameters` are JSON values under the cmdlet's own parameter names.

    select: the properties that the service shall answer, for reads of many objects; none means all.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The part before the dash, as `Get` of `Get-Mailbox`."""
        return self.name.partition("-")[0]

    @property
    def noun(self) -> str:
        """The part after the dash, as `Mailbox` of `Get-Mailbox`."""
        return self.name.partition("-")[2]

    @property
    def reads(self) -> bool:
        """True for Get- cmdlets alone: the only ones that check mode may send."""
        return self.verb.casefold() == "get"

    @property
    def identity(self) -> str:
        """The object that the call is about, for messages; empty when it names none."""
        value = self.parameters.get("Identity", self.parameters.get("Name", ""))
        return "" if value is None else str(value)

    def to_dict(self) -> dict[str, Any]:
        """The form that crosses the keeper's socket."""
        data = {"name": self.name, "parameters": dict(self.parameters)}
        return {**data, "select": list(self.select)} if self.select else data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cmdlet:
        """The inverse of to_dict; raises KeyError when the name is missing."""
        return cls(str(data["name"]), dict(data.get("parameters") or {}), tuple(data.get("select") or ()))


@dataclass(frozen=True)
class Reply:
    """One answer of the service.

    rows: the objects, without the wire's side keys; empty when the cmdlet prints nothing.
    warnings: the service's own words.
    date: the service's clock at the answer, UTC, `2026-01-31T12:00:00Z`; empty when a call was not made.
    """

    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    date: str = ""
    request_id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The form that crosses the keeper's socket."""
        return {"rows": self.rows, "warnings": self.warnings, "date": self.date, "request_id": self.request_id}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reply:
        """The inverse of to_dict."""
        return cls(list(data["rows"]), list(data["warnings"]), str(data["date"]), str(data["request_id"]))


class ExchangeError(Exception):
    """A call that failed. Its string is one line: what, on which object, the service's reason, the remedy.

    uncertain: a write may have been applied although no answer came; only a fresh read can tell.
    """

    kind = "failed"
    default_remedy = ""

    def __init__(
        self,
        text: str,
        *,
        cmdlet: str = "",
        identity: str = "",
        error_id: str = "",
        error_type: str = "",
        request_id: str = "",
        remedy: str = "",
        uncertain: bool = False,
    ) -> None:
        super().__init__(text)
        self.text = " ".join(text.split())
        self.cmdlet = cmdlet
        self.identity = identity
        self.error_id = error_id
        self.error_type = error_type
        self.request_id = request_id
        self.remedy = remedy or self.default_remedy
        self.uncertain = uncertain
        # What the task had written before it failed, in the form of a result's `calls`.
        self.made: list[dict[str, Any]] = []

    def __str__(self) -> str:
        where = " ".join(part for part in (self.cmdlet, f"'{self.identity}'" if self.identity else "") if part)
        marks = ", ".join(
            part for part in (self.error_id, self.error_type, f"request {self.request_id}" if self.request_id else "") if part
        )
        line = f"{where}: {self.text}" if where else self.text
        if marks:
            line = f"{line} [{marks}]"
        if self.uncertain:
            line = f"{line} It is not known whether the change was applied."
        return f"{line} {self.remedy}" if self.remedy else line

    def to_dict(self) -> dict[str, Any]:
        """The form that crosses the keeper's socket."""
        return {
            "kind": self.kind,
            "text": self.text,
            "cmdlet": self.cmdlet,
            "identity": self.identity,
            "error_id": self.error_id,
            "error_type": self.error_type,
            "request_id": self.request_id,
            "remedy": self.remedy,
            "uncertain": self.uncertain,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ExchangeError:
        """The error of the family member named by `kind`; an unknown kind becomes Failed."""
        fields = {key: value for key, value in data.items() if key not in {"kind", "text"}}
        return ERRORS.get(str(data.get("kind")), Failed)(str(data.get("text", "")), **fields)


class NotFound(ExchangeError):
    """The object does not exist; the only error that means absent."""

    kind = "not_found"


class Ambiguous(ExchangeError):
    """The identity matches several objects."""

    kind = "ambiguous"
    default_remedy = "Name it by its GUID or its primary address."


class Exists(ExchangeError):
    """The object, member or address is there already."""

    kind = "exists"


class InvalidParameter(ExchangeError):
    """The service refused a parameter's name, value or combination."""

    kind = "invalid_parameter"


class Forbidden(ExchangeError):
    """Signed in, but the role does not hold the cmdlet."""

    kind = "forbidden"
    default_remedy = (
        "Give the application the permission Exchange.ManageAsApp and the role Exchange Administrator; "
        "a role given minutes ago may not act yet."
    )


class Unauthorised(ExchangeError):
    """The sign-in was refused."""

    kind = "unauthorised"


class Throttled(ExchangeError):
    """The service asked to slow down for longer than the attempts allowed."""

    kind = "throttled"
    default_remedy = "Run again later, or lower ansible_exchange_concurrency."


class Unavailable(ExchangeError):
    """The service could not be reached or answered with a fault of its own."""

    kind = "unavailable"


class TimedOut(ExchangeError):
    """No answer within ansible_exchange_timeout."""

    kind = "timed_out"


class Failed(ExchangeError):
    """Anything that fits no other kind."""

    kind = "failed"


ERRORS: dict[str, type[ExchangeError]] = {
    error.kind: error
    for error in (
        NotFound,
        Ambiguous,
        Exists,
        InvalidParameter,
        Forbidden,
        Unauthorised,
        Throttled,
        Unavailable,
        TimedOut,
        Failed,
    )
}


class Session(Protocol):
    """What planners and tools see of a tenant."""

    check_mode: bool

    def call(self, cmdlet: Cmdlet) -> Reply:
        """Run one cmdlet; raises the typed ExchangeError."""

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        """Run calls that do not depend on each other; answers in the order asked, each with its own fate."""

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        """In check mode, let later reads of `noun` by any of `identities` see `rows` (none: absent)."""

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what lies outside the tenant: `dns`, `smtp`, `mailbox`, or `pace` for leave to ask; raises the typed ExchangeError.

        In check mode only what reads is asked; `smtp` is refused, because the caller is to announce it.
        """
