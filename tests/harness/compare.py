# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares two states of tenants by all properties but ids and times, which no two runs share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# What differs between two objects made alike: ids, times, and texts that hold them.
VOLATILE = re.compile(
    r"(Guid|^Id$|ObjectId|ImmutableId|^When|Timestamp$|DistinguishedName|LegacyExchangeDN|ExternalDirectoryObjectId|^Size$|RuleVersion"
    r"|NameHashGuid|OriginatingServer|LastModifiedBy)"
)


TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; objects of a list are named by their Name or Identity, other items sorted."""
    if isinstance(value, dict):
        for key in sorted(value):
            if not VOLATILE.search(key):
                yield from flat(value[key], f"{path}/{key}")
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in sorted(value, key=_name):
            yield from flat(item, f"{path}[{_name(item)}]")
        yield f"{path}#", len(value)
    elif isinstance(value, list):
        yield path, sorted(TIME.sub("<time>", str(item)) for item in value)
    else:
        yield path, TIME.sub("<time>", value) if isinstance(value, str) else value


def _name(item: dict[str, Any]) -> str:
    return str(item.get("PrimarySmtpAddress") or item.get("Name") or item.get("Identity") or sorted(item.items(), key=str))


def differences(one: Any, other: Any) -> list[str]:
    """One line for each leaf that differs."""
    left, right = dict(flat(one)), dict(flat(other))
    return [
        f"{key}: {left.get(key)!r} / {right.get(key)!r}" for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)
    ]
