# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the mail side with the wanted kind of foreign host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..clock import Clock
from ..tenant import Tenant
from .side import MailSide
from .world import builtin


@contextmanager
def started(tenants: Sequence[Tenant], clock: Clock, back_end: str) -> Iterator[MailSide]:
    """Run the mail side. Raises what its start raises, for example where Postfix is missing."""
    if back_end == "postfix":
        from .postfix import postfix

        side = MailSide(tenants, clock, postfix)
    else:
        side = MailSide(tenants, clock, builtin)
    try:
        yield side
    finally:
        side.stop()
