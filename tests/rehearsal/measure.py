# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rehearsal in a process of its own, since a process remembers its largest memory: `python -m rehearsal.measure FOLDER COUNT WAVES`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._rehearsal import rehearsal_info
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context
from harness.crowd import Crowd, crowd

Row = dict[str, Any]
SECONDS = 300  # after which a rehearsal hangs


class NoSession:
    """Fails whatever asks the tenant: a snapshot that was given is all there is."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the rehearsal asked the tenant: {name}")


def alone() -> Context:
    """A context in which nothing can be asked."""
    session: Any = NoSession()
    return Context(session)


def peak() -> float:
    """The most memory that this process ever held, in megabytes."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kilobytes) / 1024


def made_of(made: Crowd) -> dict[str, int]:
    """What is in the crowd, counted in its snapshot and its files."""
    rows, members = made.snapshot["rows"], made.snapshot["members"]
    listed = [line.split(",") for line in (made.folder / "source.csv").read_text(encoding="utf-8").splitlines()[1:]]
    objects = {row["PrimarySmtpAddress"]: row["RecipientTypeDetails"] for row in rows["recipients"]}
    entries = {address: kind for address, kind, *_rest in listed}
    kinds = {(objects.get(address, ""), entries.get(address, "")) for address in {*objects, *entries}}
    moves = (made.folder / "waves.csv").read_text(encoding="utf-8").splitlines()[1:]
    nested = [group for group, inside in members.items() if any(row["PrimarySmtpAddress"] in members for row in inside)]
    met = overlaps(rows["rules"], members, {*objects, *entries})
    return {
        "kinds": len(kinds),
        "twice": sum(len(names) > 1 for names, _nested in met.values()),
        "through": sum(nested for _names, nested in met.values()),
        "rules": len(rows["rules"]),
        "groups": len(members),
        "nested": len(nested),
        "waves": len({line.rpartition(",")[2] for line in moves}),
    }


def overlaps(rules: list[Row], members: dict[str, list[Row]], people: set[str]) -> dict[str, tuple[set[str], bool]]:
    """By address the rules that single somebody out, and whether one of them does so through a group in a group alone."""

    def inside(group: str) -> set[str]:
        own = {row["PrimarySmtpAddress"] for row in members[group]}
        return own.union(*(inside(one) for one in own if one in members))

    found: dict[str, tuple[set[str], bool]] = {}
    for one in people:
        direct = {rule["Name"] for rule in rules if one in rule.get("SentTo", ())}
        direct |= {rule["Name"] for rule in rules for pattern in rule.get("RecipientAddressMatchesPatterns", ()) if re.search(pattern, one)}
        named = [(rule["Name"], group) for rule in rules for group in rule.get("SentToMemberOf", ())]
        held = {rule for rule, group in named if one in {row["PrimarySmtpAddress"] for row in members[group]}}
        nested = {rule for rule, group in named if one in inside(group)} - held
        found[one] = (direct | held | nested, bool(nested))
    return found


def measured(folder: Path, count: int, waves: int) -> dict[str, object]:
    """Counts, the line of the result, seconds of the clock and of the processor, megabytes."""
    made = crowd(folder, count, waves)
    begun, busy = time.monotonic(), time.process_time()
    result = rehearsal_info({**made.options, "limit": 10}, alone())
    seconds = {"seconds": time.monotonic() - begun, "busy": time.process_time() - busy}
    return {**made_of(made), **result["summary"], **seconds, "megabytes": peak(), "line": result["line"], "screen": len(result["screen"])}


def apart(tree: Path, checkout: Path, folder: Path, count: int, waves: int) -> dict[str, Any]:
    """One rehearsal in a process of its own."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(checkout / "tests"), str(tree)])}
    command = [sys.executable, "-B", "-m", "rehearsal.measure", str(folder), str(count), str(waves)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
