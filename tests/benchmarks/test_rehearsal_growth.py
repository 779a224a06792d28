# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal of a hundred thousand recipients costs beside one of a thousand, in processor time and in memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from rehearsal.measure import apart

COUNTS = (1_000, 10_000, 100_000)
# Few, so that the largest crowd takes a minute and not ten: a wave more adds the same states to each of them.
WAVES = 2
# What caches and small numbers may add to a growth in step with the crowd.
TOLERANCE = 1.25


@pytest.mark.timeout(400)
def test_a_rehearsal_grows_no_faster_than_its_crowd(
    tree: Path, checkout: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = {count: apart(tree, checkout, tmp_path / str(count), count, WAVES) for count in COUNTS}
    assert {(one["states"], one["waves"]) for one in found.values()} == {(found[COUNTS[0]]["states"], WAVES)}
    assert [one["recipients"] for one in found.values()] == list(COUNTS)
    seconds = [later["busy"] / earlier["busy"] for earlier, later in pairwise(found.values())]
    # What the interpreter holds by itself is in every peak, so what each further recipient adds is compared.
    added = [(found[more]["megabytes"] - found[less]["megabytes"]) / (more - less) for less, more in pairwise(COUNTS)]
    memory = added[1] / added[0]
    few, _some, many = found.values()
    record_property(
        "figure",
        f"rehearsals of {', '.join(map(str, COUNTS))} recipients in {WAVES} waves: {few['busy']:.1f} s to {many['busy']:.1f} s, "
        f"each tenfold step {', '.join(f'{step:.1f}' for step in seconds)} times; {few['megabytes']:.0f} MB to {many['megabytes']:.0f} MB, "
        f"each further recipient {1024 * added[0]:.1f} kB and then {1024 * added[1]:.1f} kB",
    )
    assert max(seconds) <= 10 * TOLERANCE, seconds
    assert memory <= TOLERANCE, added
