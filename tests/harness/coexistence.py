# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The coexistence of a generated tenant as extra variables, and its steps in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.compare import TIME

# The service's clock runs this much faster than ours, so that an hour of a rule's latency is over in a second.
CLOCK_RATE = 3600
# A coexistence that ends before everybody has moved hurts those who have not, as it was before it began.
ABANDONED: dict[str, Any] = {"coexistence_accept_risks": ["U2", "U3"]}
STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("setup", {}),
    ("cutover", {"coexistence_wave": "wave1"}),
    ("rollback", {"coexistence_wave": "wave1"}),
    ("teardown", ABANDONED),
)


def people(folder: Path, *kinds: str) -> list[str]:
    """The addresses of the generated people of these kinds."""
    listed = json.loads((folder / "people.json").read_text())["people"]
    return [person["address"] for person in listed if person["kind"] in kinds]


def variables(folder: Path) -> dict[str, Any]:
    """Extra variables for the tenant that was generated into this folder."""
    return {
        "coexistence_domain": "example.com",
        "coexistence_smart_hosts": "192.0.2.10",
        "coexistence_source_ip_ranges": "192.0.2.10/32",
        "coexistence_source_file": str(folder / "source.csv"),
        "coexistence_waves_file": str(folder / "waves.csv"),
        "coexistence_seed_group": True,
        # These receive in the tenant and cannot be members of the group.
        "coexistence_tenant_addresses": people(folder, "m365group", "folder"),
        "coexistence_validation_recipients": people(folder, "noobj")[:1],
        "coexistence_effect_interval": 0.2,
    }


def survey(extra: dict[str, Any]) -> dict[str, str]:
    """Every value as a survey gives it: text, lists with commas."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    return {key: text(value) for key, value in extra.items()}


def timeless(value: Any) -> Any:
    """A value in which every time reads `<now>`."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [timeless(item) for item in value]
    return TIME.sub("<now>", value) if isinstance(value, str) else value


def same_calls(announced: list[tuple[str, dict[str, Any]]], made: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """One line for each place where two lists of calls differ, times apart."""
    problems = [] if len(announced) == len(made) else [f"{len(announced)} announced, {len(made)} made"]
    for number, (one, other) in enumerate(zip(announced, made, strict=False)):
        if one[0] != other[0] or timeless(one[1]) != timeless(other[1]):
            problems.append(f"{number}: {one[0]} {one[1]} / {other[0]} {other[1]}")
    return problems
