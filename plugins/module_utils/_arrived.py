# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What reached the tenant mailboxes of a wave that goes back, by the message trace; read before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ._routing import _objects as objects
from ._routing import _traced as traced
from ._routing import _waves as waves
from ._routing._findings import Situation
from ._runner import Context
from ._session import ExchangeError, Row
from ._trace import DAYS_A_QUERY, DAYS_BACK, MARGIN, TICK, Tracer, key_of
from ._values import parse_date

# Addresses of one query; queries of one run, which is a quarter of an hour at the service's rate; rows of one query.
ADDRESSES, REQUESTS, ROWS = 100, 300, 50_000


def arrived(case: Situation, context: Context) -> list[dict[str, Any]]:
    """Per user who goes back what the tenant mailbox got, on the screen too: `user`, `count`, `first`, `last`.

    Of those too who are back already: mail may have come until the end of their membership acted.
    What cannot be read has a count of None and says `why`; it never counts as nothing.
    """
    move = waves.move(case.inputs, case.snapshot, waves.check(case.inputs, case.snapshot), back=True)
    going = [*move.moved, *move.kept]
    if not going:
        return []
    since = begun(case)
    try:
        rows, why = _rows(case, context, going, since)
    except ExchangeError as error:
        rows, why = [], str(error)
    found = traced.arrivals(going, rows) if not why else [{"user": one.user.address, "count": None, "why": why} for one in going]
    for line in traced.arrived_lines(found, objects.stamp(since)):
        context.progress(line)
    return found


def begun(case: Situation) -> datetime:
    """From when the trace is read: from when the group was made, but no longer ago than the service keeps the trace."""
    now = objects.clock(case.snapshot)
    group = case.snapshot.group(case.inputs.group_address)
    made = parse_date(group.row.get("WhenCreatedUTC") or group.row.get("WhenCreated")) if group else None
    oldest = now - timedelta(days=DAYS_BACK) + MARGIN
    return max(oldest, made) if made and made <= now else oldest


def _rows(case: Situation, context: Context, going: Sequence[waves.Checked], since: datetime) -> tuple[list[Row], str]:
    """What was delivered to any of their addresses; or why that cannot be told."""
    addresses = sorted({address for one in going for address in traced.own_addresses(one)})
    parts = [addresses[at : at + ADDRESSES] for at in range(0, len(addresses), ADDRESSES)]
    now = objects.clock(case.snapshot) + TICK
    windows = -(-(now - since) // timedelta(days=DAYS_A_QUERY))
    if len(parts) * windows > REQUESTS:
        return (
            [],
            f"{len(addresses)} addresses take {len(parts) * windows} queries of the trace, more than {REQUESTS}; roll back fewer at once",
        )
    tracer, found = Tracer.of(context), dict[tuple[str, str], Row]()
    for part in parts:
        read = tracer.read(since, now, {"RecipientAddress": part, "Status": sorted(traced.ARRIVED)}, ROWS)
        if read.truncated:
            return [], f"the trace shows more than can be read: {read.truncated}"
        found.update({key_of(row): row for row in read.rows})
    return list(found.values()), ""
