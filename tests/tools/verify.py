# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything: the gates, and every folder of tests on the oldest and the newest ansible-core."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue

from tools import environments, interpreters, lint, suite
from tools.environments import LINT, NEWEST, OLDEST

# Folders whose tests compare times, or keep a bound with workers of their own: each runs alone on the machine.
TIMED = ("tests/benchmarks", "tests/killed")
# Proofs by mail and by prediction: what they show hangs on the emulated service and Postfix, so one core plays each. The longest first.
PROOFS = ("tests/story", "tests/differential", "tests/states", "tests/mail", "tests/rehearsal")
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


def lane(core: environments.Environment, apart: tuple[str, ...], proofs: SimpleQueue[str], lanes: int) -> list[suite.Outcome]:
    """The fast tests and the folders apart on a core; then whichever proof nobody has begun, as long as there is one."""
    outcomes = [suite.run(core, (*suite.FAST, *apart), [], lanes)]
    with suppress(Empty):
        while True:
            outcomes.append(suite.run(core, (proofs.get_nowait(),), [], lanes))
    return outcomes


def both(arguments: list[str]) -> list[suite.Outcome]:
    """Every folder on the oldest and the newest core, side by side; each proof on whichever is free. What is timed runs alone before.

    With arguments for pytest, those on either core and nothing else.
    """
    cores = (OLDEST, NEWEST)
    environments.ready_all(cores)
    outcomes = [suite.run(environment, ALONE[environment], []) for environment in cores if not arguments]
    apart = tuple(folder for folder in suite.folders() if folder not in (*TIMED, *suite.FAST, *PROOFS))
    # One begins where the other ends, so that the heaviest tests of both do not meet.
    orders = {OLDEST: apart, NEWEST: tuple(reversed(apart))}
    proofs: SimpleQueue[str] = SimpleQueue()
    for folder in PROOFS:
        proofs.put(folder)
    with ThreadPoolExecutor(len(cores)) as pool:
        if arguments:
            return [run.result() for run in [pool.submit(suite.run, core, (), arguments, len(cores)) for core in cores]]
        runs = [pool.submit(lane, core, orders[core], proofs, len(cores)) for core in cores]
        return [*outcomes, *(outcome for done in runs for outcome in done.result())]


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
