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

CORES = (OLDEST, NEWEST)
# Folders whose tests compare times, or keep a bound with workers of their own: nothing else runs meanwhile.
TIMED = ("tests/benchmarks", "tests/killed")
# What a task costs beside one of nothing, on either core. How plain code grows is the same on both, and counted in processor time: one
# process each, so that they go side by side on two processors.
RATIO = ("tests/benchmarks/test_ratio.py",)
GROWTH = ("tests/benchmarks/test_growth.py", "tests/benchmarks/test_rehearsal_growth.py")
# Every kill once, on the core of most execution environments, by two workers.
KILLED = ("tests/killed",)
# Proofs by mail and by prediction: what they show hangs on the emulated service and Postfix, so one core plays each. The longest first.
PROOFS = ("tests/story", "tests/differential", "tests/states", "tests/mail", "tests/rehearsal")


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


def timed() -> list[suite.Outcome]:
    """What compares times, and then the kills."""
    with ThreadPoolExecutor(2) as pool:
        growth = pool.submit(suite.run, NEWEST, GROWTH, [], 2)
        ratios = [suite.run(core, RATIO, [], 2) for core in CORES]
        return [*ratios, growth.result(), suite.run(OLDEST, KILLED, [])]


def both(arguments: list[str]) -> list[suite.Outcome]:
    """Every folder on the oldest and the newest core, side by side; each proof on whichever is free. What is timed runs before.

    With arguments for pytest, those on either core and nothing else.
    """
    environments.ready_all(CORES)
    if arguments:
        with ThreadPoolExecutor(len(CORES)) as pool:
            return [run.result() for run in [pool.submit(suite.run, core, (), arguments, len(CORES)) for core in CORES]]
    outcomes = timed()
    apart = tuple(folder for folder in suite.folders() if folder not in (*TIMED, *suite.FAST, *PROOFS))
    # One begins where the other ends, so that the heaviest tests of both do not meet.
    orders = {OLDEST: apart, NEWEST: tuple(reversed(apart))}
    proofs: SimpleQueue[str] = SimpleQueue()
    for folder in PROOFS:
        proofs.put(folder)
    with ThreadPoolExecutor(len(CORES)) as pool:
        runs = [pool.submit(lane, core, orders[core], proofs, len(CORES)) for core in CORES]
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
