# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook killed at each write, probe and command on the source's host, and run again: `make story FULL=1`. Postfix needs root."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from harness.crash import ACTS, LETTERS, Figures, shared
from harness.crew import crew, every


def told(text: str) -> None:
    """Show at once what is done: the whole takes its time."""
    print(text, flush=True)


def faults(figures: Figures) -> list[str]:
    """What was not done: a kind of act that no playbook has, a kill that is missing, a message that nobody counted."""
    acts = sum(sum(counts.values()) for counts in figures.acts.values())
    rows = [
        (all(figures.acts[act] for act in ACTS), f"no playbook did any of {', '.join(act for act in ACTS if not figures.acts[act])}"),
        (figures.kills == 2 * acts, f"{figures.kills} kills of {acts} acts, each of which has two moments"),
        (figures.messages == LETTERS * figures.kills, f"{figures.messages} messages of {figures.kills} kills, {LETTERS} each"),
    ]
    return [text for holds, text in rows if not holds]


def main() -> int:
    """Play them all; 0 when no kill hurts. Raises AssertionError at the first that does."""
    parser = argparse.ArgumentParser(prog="killed")
    parser.add_argument("--foreign", choices=("postfix", "builtin"), default="postfix")
    given = parser.parse_args()
    tree = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
    with (
        tempfile.TemporaryDirectory(prefix="mailops-killed-") as name,
        crew(tree, Path(name), foreign=given.foreign, probed=True) as workers,
    ):
        figures, seconds = shared(workers, every(workers[0].sandbox.folders[0]), told)
    for act, counts in figures.acts.items():
        print(f"  {act:10} {', '.join(f'{title} {number}' for title, number in counts.items())}")
    print(f"killed: {given.foreign}, {figures.line}, {seconds:.0f} s")
    wrong = faults(figures)
    print(*(f"killed: {line}" for line in wrong), sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
