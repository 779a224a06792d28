# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal of ten thousand recipients in twenty waves: its states, its time and its memory. The benchmark shows how both grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .measure import apart

COUNT, WAVES = 10_000, 20
# Bounds that tell a rehearsal which hangs from one which is slow.
SECONDS, MEGABYTES = 60, 500
# What caches and small numbers may add to a growth in step with the crowd.
TOLERANCE = 1.25


def test_ten_thousand_recipients_in_twenty_waves(
    tree: Path, checkout: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    small, large = (apart(tree, checkout, tmp_path / str(count), count, WAVES) for count in (COUNT // 10, COUNT))
    assert (large["recipients"], large["waves"], large["rules"]) == (COUNT, WAVES, 5)
    assert large["kinds"] >= 12
    assert large["nested"] >= 10
    assert (large["twice"] > 0, large["through"] > 0) == (True, True), "rules overlap, and one reaches people through a group in a group"
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
