# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The guards that need the world, DNS, probes or the trace, in one table; and all guards of a step together.

Beside the steps of the other guards there are: `mx` (before the MX moves to the tenant), `mx_back` (before it moves back),
`forward` (before a wave's forwards are switched on), `authoritative` (before the domains become Authoritative), and
`sources_off` (before forwards or the host are taken away).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from . import _guards
from ._evidence import Full
from ._findings import REPORTS, Finding, Verdict, judge, judged_as, needed
from ._hazards_final import u3, u11, u12
from ._hazards_forwards import u8
from ._hazards_mail import forwards_out, u14, u15, u16, u17, u22, u25, u26, u28, u29, u32
from ._hazards_order import u1, u2, u13, u20, u31
from ._plan import FINAL

STEPS = ("mx", "mx_back", "forward", "authoritative", "sources_off")


@dataclass(frozen=True)
class Hazard:
    """One guard: its id, the steps that it judges, its function, and the inputs that it is a function of, by NEEDS' names."""

    id: str
    steps: frozenset[str]
    function: Callable[[Full], Iterable[Finding]]
    needs: frozenset[str]


def _hazard(name: str, steps: str, function: Callable[[Full], Iterable[Finding]], needs: str) -> Hazard:
    return Hazard(name, frozenset(steps.split()), function, needed(needs))


TABLE: tuple[Hazard, ...] = (
    _hazard("U1", "preflight setup mx cutover unforward rollback teardown status", u1, "snapshot, mx"),
    _hazard("U2", "preflight setup enforce mx teardown", u2, "snapshot, source list, mx"),
    _hazard("U3", "teardown authoritative", u3, "snapshot, source list"),
    _hazard("U8", "forward unforward rollback", u8, "times, probe"),
    _hazard("U11", "teardown", u11, "trace"),
    _hazard("U12", "teardown authoritative", u12, "trace"),
    _hazard("U13", "sources_off", u13, "mx history, probe"),
    _hazard("U14", "restored", u14, "source list, dns"),
    _hazard("U15", "preflight setup enforce cutover status", u15, "snapshot"),
    _hazard("U16", "preflight setup enforce status", u16, "snapshot"),
    _hazard("U17", "preflight setup enforce status", u17, "snapshot, dns"),
    _hazard("U20", "remove", u20, "probe"),
    _hazard("U22", "preflight setup status", u22, "snapshot"),
    _hazard("U25", "enforce", u25, "probe"),
    _hazard("U26", "preflight cutover forward", u26, "snapshot, probe"),
    _hazard("U28", "preflight setup enforce cutover mx status", u28, "snapshot, source list"),
    _hazard("U29", "preflight setup cutover mx status", u29, "dns"),
    _hazard("U31", "preflight setup mx mx_back status", u31, "mx history"),
    _hazard("U32", "preflight setup mx status", u32, "source mode"),
)


def _within(case: Full) -> tuple[str, ...]:
    """The step of a teardown that makes the domains Authoritative is judged for that too."""
    return ("authoritative",) if case.step == FINAL[case.inputs.text("teardown_order")] else ()


def findings(case: Full, table: tuple[Hazard, ...] = TABLE) -> tuple[Finding, ...]:
    """What the guards of this table say of the step. A report refuses nothing."""
    steps = frozenset({judged_as(case.step), *_within(case)})
    found = tuple(finding for hazard in table if steps & hazard.steps for finding in hazard.function(case))
    return tuple(replace(finding, blocks=False) for finding in found) if case.step in REPORTS else found


def notes(case: Full) -> tuple[Finding, ...]:
    """What no guard is for, and a look at the tenant tells all the same."""
    return tuple(forwards_out(case)) if case.step in {"preflight", "status"} else ()


def evaluate(case: Full) -> Verdict:
    """Every guard of the step, those of the tenant's objects and those of mail flow, as one verdict."""
    return judge([*_guards.evaluate(case.situation).all, *findings(case), *notes(case)], case.inputs.accepted)
