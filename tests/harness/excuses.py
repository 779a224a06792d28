# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kill may do to a letter, by the playbook that is killed: who it was for, where it came from, and why it may end so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.letters import ORIGINS

# Kinds: `moving` are the first wave, `stub` are those with a mailbox in the tenant who stay.
NOBODY = "nobody"


@dataclass(frozen=True)
class Excuse:
    """An outcome of letters to these kinds of people from these origins, and its reason."""

    outcome: str
    kinds: tuple[str, ...]
    origins: tuple[str, ...]
    why: str


INSIDE = ("tenant",)
WITHOUT_RULE = (
    Excuse("split", ("moving", "stub"), INSIDE, "no rule acts, and they read at the source: announced by U2 or accepted"),
    Excuse("bounced", ("noobj",), INSIDE, "an Authoritative domain does not know who has no object in the tenant"),
)
BEFORE_FORWARD = Excuse("early", ("moving",), INSIDE, "they are in the group, and their forward is not on yet")
AFTER_FORWARD = Excuse(
    "early", ("moving",), ORIGINS, "it was under way to the tenant when the forward went off, or they are still in the group"
)
HANDED_OVER = Excuse("healed", ("moving",), ORIGINS, "the source had routed it to the mailbox when the forward came on")
# Those whose forwards are lost, with the MX at the tenant; and the one who is forwarded and no longer in the group.
SLIPPED = (
    Excuse("early", ("moving",), ("internet", "tenant"), "the MX is the tenant's, and their forward is lost until it is mended"),
    Excuse("loop", ("migrated",), ORIGINS, "out of the group, and forwarded: until the group is mended and acts"),
)
# By playbook; whatever is not here is only ever delivered.
OF: dict[str, tuple[Excuse, ...]] = {
    "preflight": WITHOUT_RULE,
    "rehearse": WITHOUT_RULE,
    "setup": WITHOUT_RULE,
    "cutover": (BEFORE_FORWARD, HANDED_OVER),
    "rollback": (AFTER_FORWARD,),
    "teardown": WITHOUT_RULE,
}


def excused(excuses: Iterable[Excuse], kind: str, origin: str, outcome: str) -> bool:
    """Say whether a letter may end so. Nobody's address bounces, whoever writes to it; everybody else's mail is delivered."""
    if outcome == ("bounced" if kind == NOBODY else "delivered"):
        return True
    return any(outcome == one.outcome and kind in one.kinds and origin in one.origins for one in excuses)
