# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything: the gates, and every folder of tests on the oldest and the newest ansible-core."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tools import environments, interpreters, lint, suite
from tools.environments import LINT, NEWEST, OLDEST

# Folders whose tests compare times, or keep a bound with workers of their own: each runs alone on the machine.
TIMED = ("tests/benchmarks", "tests/killed")
# Proofs by mail and by prediction: what they show hangs on the emulated service and Postfix, so one core plays each; which one does
# evens out what both have to do.
PROOFS: dict[environments.Environment, tuple[str, ...]] = {
    OLDEST: ("tests/differential", "tests/mail", "tests/rehearsal", "tests/states"),
    NEWEST: ("tests/story",),
}
# How plain code grows is the same on either core, what a task costs is not. Every kill once, on the core of most execution environments.
ALONE: dict[environments.Environment, tuple[str, ...]] = {
    OLDEST: ("tests/benchmarks/test_ratio.py", "tests/killed"),
    NEWEST: ("tests/benchmarks",),
}


def missing() -> list[str]:
    """One line for each interpreter that is needed and not there."""
    problems = []
    for version in sorted({environment.python for environment in (OLDEST, NEWEST, LINT)}):
        try:
            interpreters.find(version)
        except interpreters.Missing as problem:
            problems.append(str(problem))
    return problems


def both(arguments: list[str]) -> list[suite.Outcome]:
    """Every folder on the oldest and the newest core: side by side, one core of the machine each; what is timed runs alone.

    One begins where the other ends, so that the heaviest tests of both do not meet.
    """
    cores = (OLDEST, NEWEST)
    environments.ready_all(cores)
    outcomes = [suite.run(environment, ALONE[environment], []) for environment in cores if not arguments]
    apart = tuple(folder for folder in suite.folders() if folder not in (*TIMED, *suite.FAST, *sum(PROOFS.values(), ())))
    orders = ((*suite.FAST, *apart, *PROOFS[OLDEST]), (*suite.FAST, *PROOFS[NEWEST], *reversed(apart)))
    with ThreadPoolExecutor(len(cores)) as pool:
        runs = [pool.submit(suite.run, core, order, arguments, len(cores)) for core, order in zip(cores, orders, strict=True)]
        return outcomes + [done.result() for done in runs]


def main(arguments: list[str]) -> int:
    """Arguments go to pytest. Everything runs, whatever failed before; 1 if anything did."""
    problems = missing()
    if problems:
        print(*problems, sep="\n")
        print(f"test-all: {len(problems)} interpreters are missing, nothing ran")
        return 1
    started = time.monotonic()
    findings = lint.run([])
    outcomes = both(arguments)
    parts = [f"{findings} findings", *(outcome.line for outcome in outcomes)]
    print(f"test-all: {'; '.join(parts)}; {time.monotonic() - started:.0f} s in all")
    return 1 if findings or any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
