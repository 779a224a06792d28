# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal of ten thousand recipients: its states, its time and its memory, and that both grow no faster than the crowd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COUNT, WAVES = 10_000, 20
# Bounds that tell a rehearsal which hangs from one which is slow.
SECONDS, MEGABYTES = 60, 500
# What caches and small numbers may add to a growth in step with the crowd.
TOLERANCE = 1.25


def measured(tree: Path, checkout: Path, folder: Path, count: int, waves: int = WAVES) -> dict[str, Any]:
    """One rehearsal in a process of its own."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(checkout / "tests"), str(tree)])}
    command = [sys.executable, "-B", "-m", "rehearsal.measure", str(folder), str(count), str(waves)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=5 * SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_ten_thousand_recipients_in_twenty_waves(
    tree: Path, checkout: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    small, large = (measured(tree, checkout, tmp_path / str(count), count) for count in (COUNT // 10, COUNT))
    assert (large["recipients"], large["waves"], large["rules"]) == (COUNT, WAVES, 5)
    assert large["kinds"] >= 12
    assert large["nested"] >= 10
    # Now and set-up, each wave in four states, the MX, either order of a teardown with its rules off, the end.
    assert large["states"] == small["states"] == 4 + 4 * WAVES + 2 + 2 * (2 + 4) + 1
    assert large["screen"] <= 60
    assert large["seconds"] <= SECONDS
    assert large["megabytes"] <= MEGABYTES
    growth = large["busy"] / small["busy"]
    assert growth <= 10 * TOLERANCE
    record_property(
        "figure",
        f"{large['states']} states of {WAVES} waves, {COUNT} recipients of {large['kinds']} kinds in {large['classes']} classes, "
        f"{large['rules']} rules, {large['groups']} groups of which {large['nested']} hold others, "
        f"{large['seconds']:.1f} s and {large['megabytes']:.0f} MB, {growth:.1f} times those of {COUNT // 10}",
    )


@pytest.mark.timeout(400)
def test_a_hundred_times_the_recipients_take_a_hundred_times_as_long_at_most(
    tree: Path, checkout: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    small, large = (measured(tree, checkout, tmp_path / str(count), count, 2) for count in (COUNT // 10, COUNT * 10))
    growth = large["busy"] / small["busy"]
    assert (large["recipients"], large["states"]) == (COUNT * 10, small["states"])
    assert growth <= 100 * TOLERANCE
    record_property("figure", f"{COUNT * 10} recipients in 2 waves {large['seconds']:.0f} s, {growth:.0f} times those of {COUNT // 10}")
