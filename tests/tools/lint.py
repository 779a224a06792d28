# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the gates on a copy of the checkout: `python3 -m tools.lint [words of gate names]`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import artefact, environments, interpreters, shares
from tools.bench import Bench
from tools.environments import LINT, NEWEST, OLDEST, ROOT
from tools.gates import GATES, Gate

# Enough to see what is wrong; the rest is in the log.
SHOWN = 40


@dataclass(frozen=True)
class Result:
    """A gate's findings and the time it took."""

    gate: Gate
    findings: list[str]
    seconds: float


def _run(gate: Gate, bench: Bench) -> Result:
    started = time.monotonic()
    findings = gate.run(bench)
    result = Result(gate, findings, time.monotonic() - started)
    print(f"{'red' if findings else 'ok':4} {gate.name:32} {result.seconds:6.1f} s", flush=True)
    return result


def _report(results: list[Result]) -> int:
    log = ROOT / "build" / "lint.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        for result in results:
            if result.findings:
                out.write(f"== {result.gate.name}\n" + "\n".join(result.findings) + "\n")
                print(f"\n== {result.gate.name}", *result.findings[:SHOWN], sep="\n")
                if len(result.findings) > SHOWN:
                    print(f"… and {len(result.findings) - SHOWN} lines more in {log.relative_to(ROOT)}")
    return sum(len(result.findings) for result in results)


def run(words: list[str]) -> int:
    """Runs the gates whose names hold one of the words (all without words); the number of findings."""
    gates = [gate for gate in GATES if not words or any(word in gate.name for word in words)]
    if not gates:
        raise SystemExit(f"no gate is named so; there are: {', '.join(gate.name for gate in GATES)}.")
    environments.ready_all((LINT, OLDEST, NEWEST))
    started = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="exchange-lint-"))
    try:
        bench = Bench(work, LINT)
        artefact.copy(bench.copy)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            results = list(pool.map(lambda gate: _run(gate, bench), gates))
    finally:
        shutil.rmtree(work)
    findings = _report(results)
    seconds = time.monotonic() - started
    shares.record("lint and sanity", seconds)
    print(f"lint: {len(results)} gates, {findings} findings, {seconds:.0f} s")
    return findings


if __name__ == "__main__":
    try:
        sys.exit(1 if run(sys.argv[1:]) else 0)
    except interpreters.Missing as problem:
        raise SystemExit(str(problem)) from None
