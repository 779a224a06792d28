# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The admin REST API's form of a call and of an answer. Pure: dicts and text, no network."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Reply, Row

PAGE_SIZE = 1000
BATCH_SIZE = 10
HASHTABLE = "#Exchange.GenericHashTable"
ARBITRATION = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
# This one cmdlet is served by another arbitration mailbox.
OTHER_ARBITRATION = {"set-adminauditlogconfig": "SystemMailbox{8cc370d3-822a-4ab8-a926-bb94bd0641a9}"}


@dataclass(frozen=True)
class Response:
    """An HTTP answer: header names in lower case, the body as text."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def request_id(self) -> str:
        """The service's name for the request, for its support."""
        return self.headers.get("request-id") or self.headers.get("x-ms-request-id") or self.headers.get("client-request-id") or ""


class NotAnEnvelope(ValueError):
    """A success whose body is not what the service answers."""


def encode(value: Any) -> Any:
    """A parameter's value on the wire: every table names its type, or the service cannot bind it."""
    if isinstance(value, Mapping):
        return {"@odata.type": HASHTABLE, **{str(key): encode(item) for key, item in value.items() if key != "@odata.type"}}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def body_of(cmdlet: Cmdlet) -> dict[str, Any]:
    """The body of one call."""
    parameters = {name: encode(value) for name, value in cmdlet.parameters.items()}
    return {"CmdletInput": {"CmdletName": cmdlet.name, "Parameters": parameters}}


def url_of(base: str, cmdlet: Cmdlet) -> str:
    """The address of one call."""
    return f"{base}/InvokeCommand" + (f"?$select={quote(','.join(cmdlet.select), safe=',')}" if cmdlet.select else "")


def anchor(cmdlet: str, tenant: str, delegated: bool) -> str:
    """The mailbox by which the service finds the backend that answers; the same on every page."""
    mailbox = OTHER_ARBITRATION.get(cmdlet.casefold(), ARBITRATION)
    return f"{'UPN' if delegated else 'APP'}:{mailbox}@{tenant}"


def headers_of(cmdlet: str, token: str, anchored: str, connection: str) -> dict[str, str]:
    """The headers of one call; a call and its later pages carry the same but for the request's own id."""
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json; odata.metadata=minimal",
        "X-CmdletName": cmdlet,
        "Prefer": f"odata.maxpagesize={PAGE_SIZE}",
        "X-AnchorMailbox": anchored,
        "X-ResponseFormat": "json",
        "X-ClientApplication": "mailops.exchange",
        "connection-id": connection,
        "client-request-id": str(uuid.uuid4()),
    }


def batch_of(base: str, cmdlets: Sequence[Cmdlet], headers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The body of a batch: each call with its own headers, named by its place."""
    return {
        "requests": [
            {"id": str(place), "method": "POST", "url": url_of(base, cmdlet), "headers": dict(own), "body": body_of(cmdlet)}
            for place, (cmdlet, own) in enumerate(zip(cmdlets, headers, strict=True))
        ]
    }


def split_batch(response: Response, count: int) -> list[Response]:
    """Each call's own answer, in order; raises NotAnEnvelope when the answer does not hold one for each."""
    try:
        by_id = {str(item["id"]): item for item in json.loads(response.text)["responses"]}
        items = [by_id[str(place)] for place in range(count)]
        return [_item(item, response.headers) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnEnvelope("the answer to a batch does not hold an answer to each of its calls") from error


def _item(item: Mapping[str, Any], outer: Mapping[str, str]) -> Response:
    own = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    body = item.get("body")
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    kept = {name: outer[name] for name in ("date", "request-id") if name in outer}
    return Response(int(item["status"]), {**kept, **own}, text)


def reply_of(response: Response) -> tuple[Reply, str]:
    """The rows and the link to the next page, empty when this is the last. Raises NotAnEnvelope."""
    date, request = service_date(response.headers), response.request_id
    if not response.text.strip():
        return Reply([], [], date, request), ""
    try:
        envelope = json.loads(response.text)
    except ValueError as error:
        raise NotAnEnvelope("the answer is not JSON") from error
    if not isinstance(envelope, dict):
        raise NotAnEnvelope("the answer is not an object")
    if "error" in envelope or (envelope and not any(name == "value" or "@" in name for name in envelope)):
        # What an answer that is none of the service's leaves out is not absent.
        raise NotAnEnvelope("the answer holds neither rows nor the service's own marks")
    value = envelope.get("value") or []
    rows = [row if isinstance(row, dict) else {"value": row} for row in (value if isinstance(value, list) else [value])]
    warnings = [str(text) for text in envelope.get("@adminapi.warnings") or []]
    return Reply([clean(row) for row in rows], warnings, date, request), str(envelope.get("@odata.nextLink") or "")


def clean(row: Mapping[str, Any]) -> Row:
    """A row without the wire's side keys."""
    return {name: _cleaned(value) for name, value in row.items() if "@" not in name}


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def service_date(headers: Mapping[str, str]) -> str:
    """The service's clock, UTC, `2026-01-31T12:00:00Z`; empty when the answer does not tell."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
