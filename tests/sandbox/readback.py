# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-back forms: what a Get cmdlet shows of a stored object."""

from __future__ import annotations

from .calls import Call
from .store import Row


def shown(call: Call, row: Row) -> Row:
    """Return the object's public form under the tenant's parameters."""
    return {key: value for key, value in row.items() if not key.startswith("_")}
