# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the minutes of a run went: each tool notes its seconds, `python3 -m tools.shares` prints the table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

NOTES = Path(__file__).resolve().parents[2] / "build" / "shares.jsonl"

# Minutes on two cores, of the 60 that a whole run may take; the rest of the hour is reserve.
BUDGET = {"set-up": 8, "lint and sanity": 5, "unit": 2, "integration": 10, "molecule": 5, "mail": 18, "rest": 6}


def record(share: str, seconds: float) -> None:
    """Notes seconds under a name of BUDGET."""
    if share not in BUDGET:
        raise KeyError(share)
    NOTES.parent.mkdir(exist_ok=True)
    with NOTES.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"share": share, "seconds": round(seconds, 2)}) + "\n")


def spent() -> dict[str, float]:
    """Seconds by share since the notes were cleared."""
    total = dict.fromkeys(BUDGET, 0.0)
    if NOTES.exists():
        for line in NOTES.read_text(encoding="utf-8").splitlines():
            note = json.loads(line)
            total[note["share"]] += note["seconds"]
    return total


def main(arguments: list[str]) -> None:
    """`clear` forgets the notes; without an argument, prints minutes spent and allowed."""
    if arguments == ["clear"]:
        NOTES.unlink(missing_ok=True)
        return
    for share, seconds in spent().items():
        over = "  OVER" if seconds > 60 * BUDGET[share] else ""
        print(f"{share:16} {seconds / 60:5.1f} of {BUDGET[share]:2} minutes{over}")


if __name__ == "__main__":
    main(sys.argv[1:])
