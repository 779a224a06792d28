# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests against the installed artefact: `python3 -m tools.suite [LABEL [FOLDER ...]] [-- ARGUMENTS]`."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree as ET

from tools import artefact, environments, interpreters, shares
from tools.environments import ROOT, Environment

FAST = ("tests/unit",)
# Which share of the hour a folder of tests belongs to; other folders count as the rest.
SHARE = {"unit": "unit", "integration": "integration", "isolation": "integration", "killed": "integration", "molecule": "molecule"}
SHARE |= dict.fromkeys(("mail", "story", "differential", "rehearsal", "states"), "mail")  # the proofs


@dataclass(frozen=True)
class Outcome:
    """What one run of pytest counted."""

    environment: Environment
    passed: int
    failed: int
    skipped: int
    seconds: float
    # What tests measured and told by record_property("figure", ...).
    figures: tuple[str, ...] = ()
    # Each that failed: its name, and the first line of the reason.
    broken: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The closing line."""
        where = f"ansible-core {self.environment.locked('ansible-core')}, Python {self.environment.python}"
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return ", ".join([counts, *self.figures, f"on {where}, {self.seconds:.0f} s"])


def folders() -> tuple[str, ...]:
    """Every folder directly under tests/ that holds tests, the fast ones first."""
    found = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").glob("*/**/test_*.py")}
    return (*FAST, *sorted(found - set(FAST)))


def workplace(name: str) -> tuple[Path, TextIO]:
    """A folder under build/ that no other run uses, and the open file that keeps it so."""
    base = Path(os.environ.get("BUILD") or ROOT / "build").resolve()
    for number in range(1, 100):
        work = base / (name if number == 1 else f"{name}.{number}")
        work.mkdir(parents=True, exist_ok=True)
        handle = (work / "in-use").open("w", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
        else:
            return work, handle
    raise SystemExit(f"a hundred runs use {base}: end some of them.")


def _broken(case: ET.Element) -> str:
    reason = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
    if reason is None:
        return ""
    return f"{case.get('classname')}::{case.get('name')}: {' '.join((reason.get('message') or '').split())[:300]}"


def _count(environment: Environment, report: Path, seconds: float, lanes: int) -> Outcome:
    cases = list(ET.parse(report).getroot().iter("testcase"))
    spent: dict[str, float] = {}
    for case in cases:
        folder = (case.get("classname") or "").removeprefix("tests.").partition(".")[0]
        share = SHARE.get(folder, "rest")
        spent[share] = spent.get(share, 0.0) + float(case.get("time") or 0)
    for share, part in spent.items():
        shares.record(share, part / lanes)
    broken = tuple(line for case in cases if (line := _broken(case)))
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    figures = tuple(found.get("value", "") for case in cases for found in case.iter("property") if found.get("name") == "figure")
    return Outcome(environment, len(cases) - len(broken) - skipped, len(broken), skipped, seconds, figures, broken)


def _shared(workers: int) -> tuple[str, ...]:
    return ("-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder") if workers > 1 else ()


def run(environment: Environment, paths: tuple[str, ...], arguments: list[str], lanes: int = 1, workers: int = 1) -> Outcome:
    """One run of pytest in the environment, on a tree built for it; raises SystemExit when pytest could not even start.

    arguments: in place of the paths. lanes: how many runs share the machine; with more than one, what pytest prints is shown whole at
    the end. workers: processes that share the paths' files.
    """
    environments.ready(environment)
    work, handle = workplace(environment.name)
    with handle:
        started = time.monotonic()
        tree = artefact.install(environment, work)
        report = work / "report.xml"
        report.unlink(missing_ok=True)
        variables = environments.variables(environment, work) | {"ANSIBLE_COLLECTIONS_PATH": str(tree)}
        command = [str(environment.bin / "python"), "-m", "pytest", f"--junitxml={report}", *(arguments or (*paths, *_shared(workers)))]
        kept = subprocess.PIPE if lanes > 1 else None
        done = subprocess.run(
            command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=kept, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.stdout:
            print(done.stdout, flush=True)
        if not report.is_file():
            raise SystemExit(f"pytest ended with {done.returncode} and no report on {environment.name}.")
        outcome = _count(environment, report, time.monotonic() - started, lanes if arguments else lanes * workers)
    if done.returncode != 0 and not outcome.failed:
        raise SystemExit(f"pytest ended with {done.returncode}: {outcome.line}")
    return outcome


def main(arguments: list[str]) -> int:
    """On the newest core of the Python at hand; the label begins the closing line, what stands behind `--` goes to pytest."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    label, *folders_named = arguments[:cut] or ["test"]
    environment = environments.NEWEST_BY_PYTHON[interpreters.at_hand().version]
    # The fast tests share nothing but the processors, and some of them wait; whoever asks for some wants to see one after the other.
    workers = 1 if folders_named else 1 + (os.cpu_count() or 1)
    outcome = run(environment, tuple(folders_named) or FAST, arguments[cut + 1 :], workers=workers)
    print("\n".join([*(f"failed: {line}" for line in outcome.broken), f"{label}: {outcome.line}"]))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except interpreters.Missing as problem:
        raise SystemExit(str(problem)) from None
