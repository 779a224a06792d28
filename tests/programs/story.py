# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project under continuous mail, and what became of every message: `make story`, or `make story ARGS='--foreign builtin --mx first'`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness import account
from harness.letters import ORIGINS
from harness.shape import Shape
from harness.story import Plan, Story, Told

SHOWN = 20
NO_ROOT = (
    "story: the proof is the one on a real Postfix, which needs root. Run it as root; or play it on the built-in host, which shows the "
    "same without proving anything of Postfix: make story ARGS='--foreign builtin'"
)
NO_PROOF = "builtin (no proof on Postfix)"


def chosen(wanted: str, *, root: bool) -> str:
    """The foreign host to play on. Raises SystemExit when it cannot be had: nothing takes its place unasked."""
    if wanted == "postfix" and not root:
        raise SystemExit(NO_ROOT)
    return wanted


def line(plan: Plan, told: Told, seconds: float) -> str:
    """The closing line, from what was counted."""
    found = Counter(one.outcome for one in told.copies)
    known = Counter(one.outcome for one in told.copies if one.kind != account.UNKNOWN)
    pairs = Counter((one.step, one.origin, one.kind) for one in told.copies if one.step in plan.steps)
    parts = [f"{told.messages} messages", f"{len(told.copies)} copies", f"{len(pairs)} of sender, recipient and step"]
    parts += [f"each at least {min(pairs.values(), default=0)} times"]
    parts += [f"{name} {found[name]}" for name in account.OUTCOMES if found[name]]
    parts += [f"lost {found['lost']}, looped {known['loop']}, split {known['split'] - told.announced} beside {told.announced} announced"]
    parts += [f"unknown addresses looped {found['loop'] - known['loop']}"]
    parts += [f"{min(told.shares.values(), default=0):.0%} of a step's messages at least while its playbooks ran"]
    parts += [f"at most {told.gap:.1f} s without mail", f"{len(told.problems)} problems"]
    shape = f"{plan.shape.domains} domains, {plan.shape.sources} sources"
    host = NO_PROOF if plan.foreign == "builtin" else plan.foreign
    cut = f", without waiting by {' and '.join(plan.cut)}" if plan.cut else ""
    return f"story: {host}, {shape}, mx {plan.mx}, {plan.order}{cut}: {', '.join(parts)}, {seconds:.0f} s"


def show(told: Told) -> None:
    """Outcomes by step, and by origin."""
    for step, counts in account.by_step(told.copies).items():
        print(f"  {step:10} {', '.join(f'{name} {number}' for name, number in sorted(counts.items()))}")
    for origin in ORIGINS:
        counts = Counter(one.outcome for one in told.copies if one.origin == origin)
        print(f"  {origin:10} {', '.join(f'{name} {number}' for name, number in sorted(counts.items()))}")
    for text in told.problems[:SHOWN]:
        print(f"  {text}")


def main() -> int:
    """Play one plan; 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(prog="story")
    parser.add_argument("--foreign", choices=("postfix", "builtin"), default="postfix", help="postfix needs root, and is the proof")
    parser.add_argument("--mx", choices=("last", "first"), default="last")
    parser.add_argument("--order", choices=("documented", "loop_free"), default="documented")
    parser.add_argument("--domains", type=int, choices=(1, 2), default=1)
    parser.add_argument("--sources", type=int, choices=(1, 2), default=1, help="two sources keep one of two domains each")
    parser.add_argument("--rate", type=float, default=40, help="messages a second")
    parser.add_argument(
        "--cut",
        action="append",
        default=[],
        choices=("time", "probe", "drain"),
        help="leave a wait out; without one of the roles, time or probe, the story is red",
    )
    given = parser.parse_args()
    foreign = chosen(given.foreign, root=os.geteuid() == 0)
    shape = Shape(max(given.domains, given.sources), given.sources)
    plan = Plan(foreign, shape, given.mx, given.order, given.cut, given.rate)
    started = time.monotonic()
    tree = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
    with tempfile.TemporaryDirectory(prefix="mailops-story-") as name, Story(plan, tree, Path(name)) as story:
        told = story.play()
    show(told)
    print(line(plan, told, time.monotonic() - started))
    return 1 if told.problems else 0


if __name__ == "__main__":
    sys.exit(main())
