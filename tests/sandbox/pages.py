# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Page links: later pages of an answer, for the same body and mailbox anchor, for a while."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from .errors import ServiceError
from .tenant import Tenant

BACKEND = "BY1PR09MB0001.NAMPR09.PROD.OUTLOOK.COM"
MAXIMUM = 1000


@dataclass
class _Rest:
    rows: list[dict[str, Any]]
    body: str
    anchor: str
    tenant: str
    born: float


class Pages:
    """What is left of long answers, by token."""

    def __init__(self) -> None:
        """Start empty."""
        self._rests: dict[str, _Rest] = {}

    def split(self, tenant: Tenant, rows: list[dict[str, Any]], size: int, body: Any, anchor: str) -> tuple[list[dict[str, Any]], str]:
        """Return the first page and the token of the rest ("" when there is none)."""
        if len(rows) <= size:
            return rows, ""
        token = base64.urlsafe_b64encode(f"{BACKEND}/{secrets.token_hex(12)}".encode()).decode()
        self._rests[token] = _Rest(rows[size:], _canonical(body), anchor, tenant.tenant_id, time.monotonic())
        return rows[:size], token

    def next(self, tenant: Tenant, token: str, size: int, body: Any, anchor: str) -> tuple[list[dict[str, Any]], str]:
        """Return another page and the next token. Raises ServiceError for a stale or foreign link. A link works repeatedly."""
        rest = self._rests.get(token)
        known = tenant.parameters
        if (
            rest is None
            or rest.tenant != tenant.tenant_id
            or rest.body != _canonical(body)
            or time.monotonic() - rest.born > known.page_expiry
        ):
            raise ServiceError("stale_page")
        if known.anchor_required and (not anchor or anchor != rest.anchor):
            raise ServiceError("stale_page")
        return self.split(tenant, rest.rows, size, body, anchor)

    def forget(self) -> None:
        """Make every link stale."""
        self._rests.clear()


def page_size(preferred: str) -> int:
    """Return the page size that a Prefer header asks for, at most 1000."""
    return max(1, min(int(preferred), MAXIMUM)) if preferred.isdigit() else MAXIMUM


def _canonical(body: Any) -> str:
    return json.dumps(body, sort_keys=True)
