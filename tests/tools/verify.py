# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything: the gates, and every folder of tests on the oldest and the newest ansible-core."""

from __future__ import annotations

import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from queue import Empty, SimpleQueue

from tools import environments, interpreters, lint, suite
from tools.environments import LINT, NEWEST, OLDEST

CORES = (OLDEST, NEWEST)
RATIO, GROWTH, KILLED = "tests/benchmarks/test_ratio.py", "tests/benchmarks/test_growth.py", "tests/killed"
# What a task costs differs between the cores. It is a ratio within one run, and so are the figures of rehearsals, which go beside it on
# the other processor.
REHEARSED = ("tests/benchmarks/test_rehearsal_growth.py", "tests/rehearsal")
# How plain code grows is the same on either core, and wants the whole machine; so does a bound that is kept with workers of its own: every
# kill once, on the core of most execution environments.
ALONE: tuple[tuple[environments.Environment, tuple[str, ...]], ...] = ((NEWEST, (GROWTH,)), (OLDEST, (KILLED,)))
# Proofs by mail and by prediction: what they show hangs on the emulated service and Postfix, so one core plays each. The longest first.
PROOFS = (
    "tests/story/test_story.py",
    "tests/differential",
    "tests/story/test_waits.py",
    "tests/states",
)
# And those that wait for Postfix nearly all the time, so that they go beside the others.
WAITING = ("tests/mail",)
# Workers of each core for everything else: more than there are processors, since tests of waits have some of them waiting.
WORKERS = 2


def missing() -> list[str]:
    """One line for each interpreter that is needed and not there."""
    problems = []
    for version in sorted({environment.python for environment in (OLDEST, NEWEST, LINT)}):
        try:
            interpreters.find(version)
        except interpreters.Missing as problem:
            problems.append(str(problem))
    return problems


def shared() -> tuple[str, ...]:
    """The folders that either core plays, without the fast one: those of which no other stage takes a part."""
    named = (*suite.FAST, *PROOFS, *WAITING, RATIO, *REHEARSED, *(path for _core, paths in ALONE for path in paths))
    taken = {"/".join(path.split("/")[:2]) for path in named}
    return tuple(folder for folder in suite.folders() if folder not in taken)


def prove(core: environments.Environment, proofs: SimpleQueue[str]) -> list[suite.Outcome]:
    """Whichever proof nobody has begun, as long as there is one."""
    outcomes = []
    with suppress(Empty):
        while True:
            outcomes.append(suite.run(core, (proofs.get_nowait(),), [], len(CORES)))
    return outcomes


def timed(pool: ThreadPoolExecutor) -> list[suite.Outcome]:
    """What is timed or bounded, before anything else loads the machine."""
    rehearsed = pool.submit(suite.run, NEWEST, REHEARSED, [], len(CORES))
    ratios = [suite.run(core, (RATIO,), [], len(CORES)) for core in CORES]
    return [*ratios, rehearsed.result(), *(suite.run(core, paths, []) for core, paths in ALONE)]


def both(arguments: list[str]) -> list[suite.Outcome]:
    """What is timed; every other folder on the oldest and the newest core, side by side; each proof on whichever is free first.

    With arguments for pytest, those on either core and nothing else.
    """
    environments.ready_all(CORES)
    with ThreadPoolExecutor(len(CORES) + 1) as pool:
        if arguments:
            return [run.result() for run in [pool.submit(suite.run, core, (), arguments, len(CORES)) for core in CORES]]
        outcomes = timed(pool)
        # The few long files before the many short ones, which then fill what is left of either worker's time. One core begins where the
        # other ends, so that the heaviest tests of both do not meet.
        heavy = shared()
        orders = {OLDEST: (*heavy, *suite.FAST), NEWEST: (*reversed(heavy), *suite.FAST)}
        lanes = {pool.submit(suite.run, core, orders[core], [], len(CORES), WORKERS): core for core in CORES}
        proofs: SimpleQueue[str] = SimpleQueue()
        for folder in PROOFS:
            proofs.put(folder)
        later: list[Future[list[suite.Outcome]]] = []
        for lane in as_completed(lanes):
            if not later:
                later.append(pool.submit(lambda: [suite.run(OLDEST, WAITING, [], len(CORES))]))
            later.append(pool.submit(prove, lanes[lane], proofs))
            outcomes.append(lane.result())
        return [*outcomes, *(outcome for done in later for outcome in done.result())]


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
    broken = [f"failed on {outcome.environment.name}: {line}" for outcome in outcomes for line in outcome.broken]
    print("\n".join([*broken, f"test-all: {'; '.join(parts)}; {time.monotonic() - started:.0f} s in all"]))
    return 1 if findings or any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
