# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of dynamic groups: whoever passed the filter when all such groups were refreshed last."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .errors import ServiceError
from .filters import matches
from .store import Row
from .tenant import RECIPIENTS, Tenant

NOUN = "DynamicDistributionGroup"
MAIL_ENABLED = frozenset(RECIPIENTS) - {"User"}
START = datetime(1970, 1, 1, tzinfo=timezone.utc)


def period(tenant: Tenant) -> int:
    """Return the number of the refresh period that it is now."""
    return int((tenant.now() - START).total_seconds() // _length(tenant))


def members(tenant: Tenant, row: Row) -> list[Row]:
    """Return a dynamic group's members as of its last refresh; a filter that the sandbox cannot read names nobody."""
    moment = START + timedelta(seconds=period(tenant) * _length(tenant))
    wanted = str(row.get("RecipientFilter") or "")
    return [one for one in tenant.tables["Recipient"].rows(moment) if one["_noun"] in MAIL_ENABLED and wanted and _passes(wanted, one)]


def _length(tenant: Tenant) -> float:
    return max(1.0, tenant.parameters.dynamic_refresh)


def _passes(wanted: str, row: Row) -> bool:
    try:
        return matches(wanted, row)
    except ServiceError:
        return False
