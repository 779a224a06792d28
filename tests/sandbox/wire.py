# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire form of answers: envelope, side keys, headers, and the answers that are not JSON."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from .clock import Clock, stamp

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}.*")
FORBIDDEN = b"\x00" * 64


@dataclass
class Answer:
    """One answer: JSON, raw bytes, or a connection that is dropped."""

    status: int
    content: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        if self.raw is not None:
            return self.raw
        return b"" if self.content is None else json.dumps(self.content, ensure_ascii=False, separators=(",", ":")).encode()


def envelope(base: str, tenant: str, rows: list[dict[str, Any]], warnings: list[str], next_link: str = "") -> dict[str, Any]:
    """Build the body of a successful answer. ``base`` is the endpoint's URL with its version."""
    content: dict[str, Any] = {
        "@odata.context": f"{base}/{tenant}/$metadata#Collection(Exchange.GenericHashTable)",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": warnings,
    }
    if next_link:
        content["@odata.nextLink"] = next_link
    content["value"] = [annotated(row) for row in rows]
    return content


def annotated(row: dict[str, Any]) -> dict[str, Any]:
    """Put the type annotations before the properties that have them."""
    result: dict[str, Any] = {}
    for key, value in row.items():
        for suffix, text in _annotations(value):
            result[f"{key}@{suffix}"] = text
        result[key] = value
    return result


def _annotations(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, list):
        return (("odata.type", "#Collection(String)"),)
    if isinstance(value, bool):
        return ()
    if isinstance(value, int):
        return (("data.type", "System.Int32"),)
    if isinstance(value, str):
        if GUID.fullmatch(value):
            return (("data.type", "System.Guid"), ("odata.type", "#Guid"))
        if TIME.fullmatch(value):
            return (("data.type", "System.DateTime"),)
    return ()


def headers(clock: Clock, *, status: int = 200) -> dict[str, str]:
    """Return the headers that every answer of the service carries."""
    identifier = str(uuid.uuid4())
    common = {
        "Date": clock.header(),
        "Request-Id": identifier,
        "X-Exchangeversion": "15.20.9000.0",
        "X-Concurrencycount": "0",
        "X-Combinedapponlyconcurrencycount": "0",
        "X-Calculatedbetarget": "BY1PR09MB0001.NAMPR09.PROD.OUTLOOK.COM",
        "X-Feserver": "BYAPR09CA0001",
        "Ms-Cv": identifier[:8],
        "Restrict-Access-Confirm": "1",
        "Rate-Limit-Limit": "30000",
        "Rate-Limit-Remaining": "29997",
        "Rate-Limit-Reset": stamp(clock.now() + timedelta(seconds=16))[:23] + "Z",
    }
    if status == 200:
        common.update({"Odata-Version": "4.0", "Preference-Applied": 'odata.include-annotations="*"'})
    return common


def preferences(*texts: str) -> dict[str, str]:
    """Read Prefer headers: names in lower case, values without spaces."""
    found: dict[str, str] = {}
    for text in texts:
        for part in re.split(r"[;,]", text):
            name, _unused, value = part.partition("=")
            if name.strip():
                found[name.strip().lower()] = value.strip()
    return found


def forbidden(diagnostics: bool) -> Answer:
    """A 403: a run of NUL bytes; the reason, if any, stands in a header."""
    found = {"x-ms-diagnostics": '2000003;reason="The user or application has no role for this cmdlet.";error_category="invalid_grant"'}
    return Answer(403, raw=FORBIDDEN, headers=found if diagnostics else {})


def unauthorised(reason: str) -> Answer:
    """A 401 with an empty body."""
    return Answer(
        401,
        raw=b"",
        headers={
            "WWW-Authenticate": 'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", error="invalid_token"',
            "x-ms-diagnostics": f'2000008;reason="{reason}";error_category="invalid_token"',
        },
    )


def too_many(status: int) -> Answer:
    """The plain-text answer over the concurrency limit."""
    text = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again."
    return Answer(status, raw=text.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
