# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The names under which one object can be asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ._session import Row
from ._values import as_list, fold, is_empty

# Under these an object can be asked for; a row is believed only when it bears the asked identity under one of them.
IDENTITIES = (
    "Identity",
    "Name",
    "Id",
    "Guid",
    "ExchangeObjectId",
    "ExternalDirectoryObjectId",
    "ImmutableId",
    "DistinguishedName",
    "Alias",
    "DisplayName",
    "PrimarySmtpAddress",
    "WindowsLiveID",
    "DomainName",
)


def bears(row: Row, identity: str) -> bool:
    """True when a read object is the one asked for, and not one of all that an unknown identity can return."""
    asked = fold(identity).strip("{}")
    names = {fold(row[key]) for key in IDENTITIES if not is_empty(row.get(key))}
    names |= {fold(address).removeprefix("smtp:") for address in as_list(row.get("EmailAddresses"))}
    return asked in names or asked.removeprefix("smtp:") in names


def identities(identity: str, rows: Sequence[Row | None]) -> list[str]:
    """Every name under which these states of one object can be asked for, without doubles."""
    names = {fold(identity): identity}
    for row in rows:
        for key in IDENTITIES if row else ():
            value = (row or {}).get(key)
            if isinstance(value, str) and not is_empty(value):
                names.setdefault(fold(value), value)
    return list(names.values())
