# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The guards: one table. Each is a function of its situation; none reads, writes or waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ._findings import REPORTS, Finding, Situation, Verdict, judge, judged_as, needed
from ._guards_objects import u9, u10, u14, u18, u19, u20, u23, u24
from ._guards_people import u4, u7, u21, u27, u30
from ._guards_way import u5, u6


@dataclass(frozen=True)
class Guard:
    """One guard: its id, the steps that it judges, its function, and the inputs that it is a function of, by NEEDS' names."""

    id: str
    steps: frozenset[str]
    function: Callable[[Situation], Iterable[Finding]]
    needs: frozenset[str]


def _guard(name: str, steps: str, function: Callable[[Situation], Iterable[Finding]], needs: str) -> Guard:
    return Guard(name, frozenset(steps.split()), function, needed(needs))


TABLE: tuple[Guard, ...] = (
    _guard("U4", "preflight setup enforce unforward rollback", u4, "snapshot, source list"),
    _guard("U5", "preflight setup enforce cutover forward unforward rollback mx status", u5, "snapshot"),
    _guard("U6", "preflight setup enforce", u6, "snapshot, validation recipients"),
    _guard("U7", "cutover forward unforward rollback", u7, "snapshot, wave"),
    _guard("U9", "preflight setup enforce cutover forward mx teardown dismantle status", u9, "snapshot"),
    _guard("U10", "preflight setup enforce cutover forward mx dismantle status", u10, "snapshot"),
    _guard("U14", "restored", u14, "snapshot"),
    _guard("U18", "preflight setup enforce cutover status", u18, "snapshot"),
    _guard("U19", "preflight setup enforce cutover unforward rollback teardown remove dismantle status", u19, "snapshot"),
    _guard("U20", "remove dismantle", u20, "times"),
    _guard("U21", "preflight setup enforce", u21, "snapshot"),
    _guard("U23", "preflight setup enforce cutover status", u23, "snapshot"),
    _guard("U24", "preflight setup enforce cutover status", u24, "snapshot"),
    _guard("U27", "preflight setup enforce cutover forward mx status", u27, "snapshot"),
    _guard("U30", "preflight setup enforce cutover status", u30, "snapshot"),
)


def evaluate(case: Situation, table: tuple[Guard, ...] = TABLE) -> Verdict:
    """Every guard of the step. A report refuses nothing: there every finding is told."""
    findings = [finding for guard in table if judged_as(case.step) in guard.steps for finding in guard.function(case)]
    if case.step in REPORTS:
        findings = [replace(finding, blocks=False) for finding in findings]
    return judge(findings, case.inputs.accepted)
