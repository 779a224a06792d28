# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What earlier tasks saw and hand on: results of probes, and forwards at the sources. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError
from ansible_collections.mailops.exchange.plugins.module_utils._values import address_key, bool_key, is_empty

from ._evidence import Evidence, Probe
from ._world import Forward

GIVE = "give the rows of forwarding_list, or what a forwarding module found"


@dataclass(frozen=True)
class Proof:
    """on: forwards by the address of the mailbox. off: addresses that were read and are not forwarded.

    whole: the forwards are all that are on, even if there are none.
    """

    probes: tuple[Probe, ...] = ()
    on: Mapping[str, Forward] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    whole: bool = False

    def added(self, evidence: Evidence) -> Evidence:
        """The evidence with this beside what it holds."""
        return replace(
            evidence,
            probes=(*evidence.probes, *self.probes),
            forwards_read=evidence.forwards_read or self.whole,
            forwards_off=evidence.forwards_off | self.off,
        )


def proof_of(params: Mapping[str, Any]) -> Proof:
    """The options `probes` and `forwards`; raises InputError with every row that is none.

    A row with `on` is what one address shows; rows without are a list of every forward that is on.
    """
    rows, on, off = params.get("forwards"), dict[str, Forward](), set[str]()
    problems = []
    for row in rows or ():
        address = _address(row, "address")
        shown = bool_key(row["on"]) is True if address and "on" in row else True
        target = _address(row, "routing_address")
        if not address:
            problems.append(f"forwards: '{row}' {'has no address' if isinstance(row, Mapping) else 'is no row'}; {GIVE}.")
        elif shown and not target:
            problems.append(f"forwards: {address} has no routing_address, so nobody can tell where it leads; {GIVE}.")
        elif shown:
            on[address] = Forward(target, bool_key(row.get("keep_copy") or False) is True)
        else:
            off.add(address)
    if problems:
        raise InputError(problems)
    probes = tuple(Probe.read(row) for row in params.get("probes") or ())
    single = any("on" in row for row in rows or ())
    return Proof(probes, on, frozenset(off - on.keys()), whole=rows is not None and not single)


def _address(row: Any, name: str) -> str:
    """An address of a row without prefix and brackets, folded; empty for none."""
    value = row.get(name) if isinstance(row, Mapping) else None
    return "" if is_empty(value) else str(address_key(value)).lstrip("<").rstrip(">")
