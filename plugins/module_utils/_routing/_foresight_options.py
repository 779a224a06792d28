# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The options of the tools that only look and predict, beside the variables of a coexistence. Data only."""

from __future__ import annotations

from typing import Any

from ._options import ARGUMENT_SPEC

FORESIGHT: dict[str, Any] = {**ARGUMENT_SPEC, "known": {"type": "raw"}}
GIVEN: dict[str, Any] = {**FORESIGHT, "snapshot": {"type": "raw"}}
# Every step that some guard judges.
_CHECKED = """
preflight setup enforce cutover forward unforward rollback mx mx_back teardown remove dismantle authoritative sources_off restored status
"""
CHECKED = tuple(_CHECKED.split())
ROUTE: dict[str, Any] = {
    "addresses": {"type": "list", "elements": "str"},
    "all": {"type": "bool", "default": False},
    "sender": {"type": "str"},
    "origin": {"type": "str", "choices": ["internet", "tenant", "source", "program"]},
    "kind": {"type": "str", "choices": ["mail", "calendar", "report"], "default": "mail"},
    "limit": {"type": "int", "default": 10},
}
