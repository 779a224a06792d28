# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""From an answer that is no success to the typed error. Pure. Decides by status, id and type; texts are localised."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Ambiguous,
    Cmdlet,
    ExchangeError,
    Exists,
    Failed,
    Forbidden,
    InvalidParameter,
    NotFound,
    Throttled,
    TimedOut,
    Unauthorised,
    Unavailable,
)

from .rest_wire import Response

BY_ID: dict[str, type[ExchangeError]] = {
    "ex9e65a2": Ambiguous,
    "ex6f9304": NotFound,
    "ex41baf5": NotFound,
    "exbddc58": NotFound,
    "ex94914c": NotFound,
}
# The last part of a type's name, in lower case.
BY_TYPE: dict[str, type[ExchangeError]] = {
    "managementobjectambiguousexception": Ambiguous,
    "managementobjectnotfoundexception": NotFound,
    "membernotfoundexception": NotFound,
    "memberalreadyexistsexception": Exists,
    "adobjectalreadyexistsexception": Exists,
    "proxyaddressexistsexception": Exists,
    "ambiguousparametersetexception": InvalidParameter,
    "parameterbindingexception": InvalidParameter,
    "parametertransformationexception": InvalidParameter,
    "validationexception": InvalidParameter,
    "commandnotfoundexception": Forbidden,
}
BY_STATUS: dict[int, type[ExchangeError]] = {
    401: Unauthorised,
    403: Forbidden,
    408: TimedOut,
    429: Throttled,
    502: Unavailable,
    503: Unavailable,
    504: TimedOut,
}
REMEDIES = {
    "invalidoperationindehydratedcontextexception": (
        "The tenant was never customised: run Enable-OrganizationCustomization once (mailops.exchange.cmdlet can), then run again."
    ),
    "unabletowritetoaadexception": (
        "Run again in some minutes; if it stays, the object is mastered on-premises and must be changed there."
    ),
}
# The one answer that the service gives as plain text, and the only sign of this limit.
CONCURRENCY = "you have reached the maximum number of concurrent requests"
NO_REASON_403 = (
    "The service gave no reason: a role given minutes ago may not act yet (wait and run again), the application may lack the permission "
    "Exchange.ManageAsApp or a role that holds the cmdlet, or no such cmdlet exists."
)
SIGN_IN_401 = (
    "Check that the application has the permission Exchange.ManageAsApp with admin consent, holds a role such as Exchange Administrator, "
    "and belongs to this organization."
)


@dataclass(frozen=True)
class Told:
    """What an error's body says: id, the exception's full type, text."""

    error_id: str = ""
    error_type: str = ""
    text: str = ""
    typed: bool = False
    bare: bool = False

    @property
    def short_type(self) -> str:
        """The last part of the type, in lower case."""
        return self.error_type.rpartition(".")[2].casefold()


# What the service says under the type of a missing object when there are several.
MULTIPLE = "matches multiple entries"


def error_of(cmdlet: Cmdlet, response: Response) -> ExchangeError:
    """The typed error of an answer whose status is no success."""
    told = read_body(response)
    kind = kind_of(response, told)
    text = told.text or f"the service answered {response.status} without a reason"
    remedy = REMEDIES.get(told.short_type, "")
    if kind is Forbidden and response.status == 403 and not told.text:
        text, remedy = _forbidden(response)
    if kind is Unauthorised:
        text = f"the service refused the token: {told.text or response.headers.get('www-authenticate', '') or 'no reason given'}"
        remedy = SIGN_IN_401
    return kind(
        text,
        cmdlet=cmdlet.name,
        identity=cmdlet.identity,
        error_id=told.error_id,
        error_type=told.error_type,
        request_id=response.request_id,
        remedy=remedy,
    )


def kind_of(response: Response, told: Told) -> type[ExchangeError]:
    """The family member: by id, by type, by form, by status; the text decides only the one plain-text limit, and that many are not none."""
    if told.error_id.casefold() in BY_ID:
        return BY_ID[told.error_id.casefold()]
    if told.short_type in BY_TYPE:
        # Several objects of one name come under the type of none: they must not count as absent.
        several = BY_TYPE[told.short_type] is NotFound and MULTIPLE in told.text.casefold()
        return Ambiguous if several else BY_TYPE[told.short_type]
    if told.short_type.endswith("existsexception"):
        return Exists
    if limited(response):
        return Throttled
    if told.bare and response.status == 400:
        return InvalidParameter
    if response.status in BY_STATUS:
        return BY_STATUS[response.status]
    return Failed if told.typed or response.status < 500 else Unavailable


def limited(response: Response) -> bool:
    """True for the plain-text answer of the limit on concurrent requests."""
    return response.text.lstrip('\x00 \r\n\t"').casefold().startswith(CONCURRENCY)


def read_body(response: Response) -> Told:
    """What the body says, in any of the forms that the service is known to use."""
    try:
        error = json.loads(response.text)["error"]
        inner = _insensitive(_insensitive(error, "innererror") or {}, "internalexception") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Told(text=_plain(response.text), error_type=response.headers.get("x-exceptiontype", ""))
    details = [str(item.get("message") or "") for item in error.get("details") or [] if isinstance(item, dict)]
    error_id, error_type, text, bare = _fields(details[0] if details else str(error.get("message") or ""))
    header = response.headers.get("x-exceptiontype", "")
    return Told(
        error_id=error_id,
        error_type=error_type or str(inner.get("type") or "") or header,
        text=str(inner.get("message") or "") or text or str(error.get("message") or ""),
        typed=True,
        bare=bare,
    )


def _fields(message: str) -> tuple[str, str, str, bool]:
    """Split `id|type|text`; either of the first two may be empty, and a plain text has no bars."""
    parts = message.split("|", 2)
    if len(parts) == 3 and re.fullmatch(r"(Ex)?\w*", parts[0]) and re.fullmatch(r"[\w.+`]*", parts[1]):
        return parts[0], parts[1], parts[2], not parts[0] and not parts[1]
    if len(parts) >= 2 and not parts[0]:
        return "", "", "|".join(parts[1:]), False
    return "", "", message, False


def _insensitive(mapping: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in mapping.items() if key.casefold() == name), None)


def _plain(text: str) -> str:
    """A plain-text or HTML body as one short line; empty for a run of NUL bytes."""
    text = text.replace("\x00", "")
    if "<" in text and ">" in text:
        text = html.unescape(re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text))
    return " ".join(text.split())[:300]


def _forbidden(response: Response) -> tuple[str, str]:
    diagnostics = response.headers.get("x-ms-diagnostics", "")
    found = re.search(r'reason="([^"]*)"', diagnostics)
    if diagnostics:
        return f"the service refuses this cmdlet: {found.group(1) if found else diagnostics}", ""
    return "the service refuses this cmdlet", NO_REASON_403
