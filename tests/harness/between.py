# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between group and forward: the state without a guard, in every way to plan a coexistence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.bench import Bench
from harness.state_rows import CLOUD, Move, mx_moved, organization, then

SCOPES: tuple[Mapping[str, str], ...] = tuple({"sent_to_scope": reading} for reading in "abc")
REPORTED: tuple[Mapping[str, str], ...] = ({"system_mail": "acts"}, {"system_mail": "spared"})


def one_in(bench: Bench) -> None:
    """A stub is in the group of those who moved."""
    bench.members(*CLOUD, "stub")


def one_out(bench: Bench) -> None:
    """The rule names a group of those who are still to come, which a stub has left."""
    bench.pending("stub2", "stub3", "mailuser")


ASKED = tuple({**scope, **reported} for scope in SCOPES for reported in REPORTED)
# The ways to plan a coexistence in which a wave can stand between group and forward, with the readings that its mail is asked under.
BETWEEN: Mapping[str, tuple[Move, Sequence[Mapping[str, str]]]] = {
    "the MX at the source": (one_in, REPORTED),
    "the MX first": (then(one_in, mx_moved), REPORTED),
    "scope organization": (then(one_in, organization), ASKED),
    "scope organization, the MX first": (then(one_in, organization, mx_moved), ASKED),
    "pending": (one_out, REPORTED),
    "pending, the MX first": (then(one_out, mx_moved), REPORTED),
}
