# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a guard says, and the moment that it judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._inputs import Inputs
from ._snapshot import Snapshot

# These steps refuse nothing: what they find is told, as the state's own guards see it.
REPORTS = frozenset({"status", "verify", "reconcile"})
# Steps that are judged with what a set-up writes.
MAKING = frozenset({"preflight", "setup", "enforce"})


# What a guard is a function of. times: of rules and of the group. wave: the users of the run. mx history: changes seen, with their times.
NEEDS = frozenset(
    {"snapshot", "source list", "source mode", "wave", "validation recipients", "times", "mx", "mx history", "dns", "trace", "probe"}
)


def needed(text: str) -> frozenset[str]:
    """The inputs of a row of a table; raises ValueError for a word that is none."""
    found = frozenset(text.split(", "))
    if not found <= NEEDS:
        raise ValueError(f"'{', '.join(sorted(found - NEEDS))}' is no input of a guard")
    return found


def judged_as(step: str) -> str:
    """The step whose guards judge a step."""
    return "status" if step in REPORTS else step


@dataclass(frozen=True)
class Finding:
    """One thing wrong. who: the object. why: what happens. remedy: what to do. blocks: refuses, or only tells."""

    id: str
    who: str
    why: str
    remedy: str
    blocks: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The form in a result."""
        return {"id": self.id, "who": self.who, "why": self.why, "remedy": self.remedy, "blocks": self.blocks}

    def __str__(self) -> str:
        return f"{self.id} {self.who}: {self.why}. {self.remedy}"


@dataclass(frozen=True)
class Situation:
    """What guards are functions of. told: rule stops that an earlier step of this run saw, by rule name.

    final: the domain types that a teardown restores. check_mode: waits and validations count as passed. mx: per domain what
    the group's line shall note of its MX beyond what it notes.
    """

    inputs: Inputs
    snapshot: Snapshot
    step: str
    check_mode: bool = False
    told: Mapping[str, str] = field(default_factory=dict)
    final: Mapping[str, str] = field(default_factory=dict)
    mx: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Every finding of a step, by what becomes of it."""

    refusing: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    told: tuple[Finding, ...]

    @property
    def all(self) -> tuple[Finding, ...]:
        """Every finding."""
        return self.refusing + self.accepted + self.told


def judge(findings: Iterable[Finding], accepted: frozenset[str]) -> Verdict:
    """Sort findings: those of accepted guards go on and are repeated in the output."""
    everything = tuple(findings)
    blocking = [finding for finding in everything if finding.blocks]
    return Verdict(
        tuple(finding for finding in blocking if finding.id not in accepted),
        tuple(finding for finding in blocking if finding.id in accepted),
        tuple(finding for finding in everything if not finding.blocks),
    )


def refusal(verdict: Verdict, step: str, shown: int = 3) -> str:
    """One line: the count of findings per guard, the first few of them, and the one override."""
    ids = list(dict.fromkeys(finding.id for finding in verdict.refusing))
    counts = ", ".join(f"{guard} ({sum(finding.id == guard for finding in verdict.refusing)})" for guard in ids)
    first = [next(finding for finding in verdict.refusing if finding.id == guard) for guard in ids[:shown]]
    texts = " | ".join(str(finding) for finding in first)
    more = len(verdict.refusing) - len(first)
    rest = f" | {more} more under findings." if more else ""
    return f"The step {step} is refused by {counts}: {texts}{rest} To go on all the same: coexistence_accept_risks: [{', '.join(ids)}]."
