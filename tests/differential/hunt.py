# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays worlds until one disagrees, on whatever predictor and sandbox the path names: `python -m differential.hunt FOLDER FIRST COUNT`.

Those from FIRST to COUNT come before those from the beginning.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .experiment import run


def main(folder: str, first: str, count: str) -> None:
    """Print one line of JSON: worlds played, and the first disagreement or an empty text."""
    report = run([*range(int(first), int(count)), *range(int(first))], Path(folder), first=True)
    print(json.dumps({"worlds": report.worlds, "found": str(report.disagreements[0]) if report.disagreements else ""}))


if __name__ == "__main__":
    main(*sys.argv[1:])
