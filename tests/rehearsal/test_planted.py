# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good plan hurts nobody in any state; one fault planted in it is found: who, how, why, in which state, and by which guard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._rehearsal import rehearsal_info
from harness.crowd import ROUTING, SHARED, Crowd, crowd

from .measure import alone

# Nobody stays behind at the source, so that a teardown hurts nobody either.
KINDS = ("stub", "pilot", "other", "guest", "room", "shared", "m365group", "group")
Options = dict[str, Any]


def good(folder: Path) -> tuple[Crowd, Options]:
    """A small crowd, and a plan for it that leaves nobody out."""
    made = crowd(folder, 90, 3, KINDS)
    rows = made.snapshot["rows"]
    rows["rules"] = rows["rules"][:1]
    groups = [row["PrimarySmtpAddress"] for row in rows["recipients"] if row["RecipientTypeDetails"] == "GroupMailbox"]
    return made, {**made.options, "tenant_addresses": groups}


def rehearsed(options: Options) -> Options:
    return rehearsal_info({"limit": 20, **options}, alone())


@pytest.mark.parametrize("order", ["documented", "loop_free"])
@pytest.mark.parametrize("mx", ["last", "first"])
@pytest.mark.parametrize("membership", ["migrated", "pending"])
def test_a_good_plan_hurts_nobody(tmp_path: Path, mx: str, order: str, membership: str) -> None:
    _made, options = good(tmp_path)
    result = rehearsed({**options, "mx": mx, "teardown_order": order, "membership": membership})
    assert result["summary"]["newly_hurt"] == dict.fromkeys(("split", "bounced", "loop", "lost"), 0), result["screen"]
    assert result["summary"]["hurting_states"] == 0
    # A group of those who have not moved routes nobody else: with the MX at the tenant, addresses that nobody has would loop.
    assert result["summary"]["refusing"] == (["U1"] if membership == "pending" else [])
    assert all(state["order"].startswith(order) == (place > 5) for place, state in enumerate(ends(result))), "the chosen order comes last"


def ends(result: Options) -> list[Options]:
    return [state for state in result["states"] if state["order"]]


def recipient(made: Crowd, address: str) -> Options:
    found: Options = next(row for row in made.snapshot["rows"]["recipients"] if row["PrimarySmtpAddress"] == address)
    return found


def without_routing_address(made: Crowd, _options: Options) -> None:
    row = recipient(made, f"stub3@{SHARED}")
    row["EmailAddresses"] = row["EmailAddresses"][:1]


def without_mailbox(made: Crowd, _options: Options) -> None:
    rows = made.snapshot["rows"]["recipients"]
    rows.remove(recipient(made, f"stub3@{SHARED}"))
    for members in made.snapshot["members"].values():
        members[:] = [row for row in members if row in rows]


def in_no_wave(made: Crowd, _options: Options) -> None:
    file = made.folder / "waves.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("stub3@")))


def only_at_the_source(made: Crowd, _options: Options) -> None:
    with (made.folder / "source.csv").open("a") as file:
        file.write(f"left-behind@{SHARED},mailbox,,source\n")


def refusing_domain(made: Crowd, _options: Options) -> None:
    next(row for row in made.snapshot["rows"]["domains"] if row["DomainName"] == ROUTING)["SendingToDomainDisabled"] = True


def told(**more: Any) -> Callable[[Crowd, Options], None]:
    return lambda _made, options: options.update(more)


@dataclass(frozen=True)
class Planted:
    """plant: what is wrong with the plan. state: how the title of the first state that hurts begins. who: the first who is hurt.

    how: the outcome. origins: where mail comes from that is hurt. why: words of the reason. guard: one that refuses; empty for none.
    """

    plant: Callable[[Crowd, Options], None]
    state: str
    who: str
    how: str
    origins: frozenset[str]
    why: str
    guard: str


OLD_PATH = frozenset({"internet", "source", "program"})
AT_SOURCE = frozenset({"source", "program"})
INSIDE = frozenset({"tenant"})
OUTSIDE = frozenset({"internet"})
LEFT = "last sync done before the 21 forwards that no back end switches are on"
PLANTED = {
    "forwards left to people": Planted(
        told(forwarding_backend="none"), LEFT, "stub0", "split", OLD_PATH, "leaves by the MX of example.com, which is the source", ""
    ),
    "the same with the MX first": Planted(
        told(forwarding_backend="none", mx="first"), LEFT, "stub0", "split", AT_SOURCE, "the source has stub0@example.com (mailbox)", ""
    ),
    "a user without a routing address": Planted(
        without_routing_address, "last sync done", "stub3", "split", OLD_PATH, "leaves by the MX of example.com, which is the source", "U7"
    ),
    "a user without a mailbox": Planted(
        without_mailbox, "last sync done", "stub3", "split", OLD_PATH, "the source has stub3@example.com (mailbox)", "U7"
    ),
    "a routing domain that takes no mail": Planted(
        refusing_domain, "forwards on, last sync to come", "stub0", "bounced", OLD_PATH, "SendingToDomainDisabled", "U7"
    ),
    "cloud mailboxes outside the group": Planted(
        told(seed_group=False), "rules on, may not act yet", "pilot0", "bounced", INSIDE, "sends it to connector", "U4"
    ),
    "groups that cannot be members": Planted(
        told(tenant_addresses=None), "rules on, may not act yet", "m365group0", "bounced", INSIDE, "sends it to connector", "U4"
    ),
    "a user in no wave": Planted(in_no_wave, "rules off, may still act", "stub3", "split", OUTSIDE, "which is the tenant", "U2"),
    "a user without an object": Planted(
        only_at_the_source, "rules off, may still act", "left-behind", "loop", OUTSIDE | INSIDE, "is the tenant itself", "U3"
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, name: str) -> None:
    fault = PLANTED[name]
    made, options = good(tmp_path)
    fault.plant(made, options)
    result = rehearsed(options)
    state = next(state for state in result["states"] if state["fresh"] and not state["order"].endswith("for comparison"))
    assert state["state"] == fault.state
    hurt = [one for one in state["who"] if one["fresh"]]
    assert {one["outcome"] for one in hurt} == {fault.how}
    assert f"{fault.who}@{SHARED}" in {one["first"][0] for one in hurt}
    assert {origin for one in hurt for origin in one["origins"]} == fault.origins
    assert any(fault.why in one["why"] for one in hurt), hurt
    until = result["states"][: state["number"]]
    assert fault.guard in {guard["id"] for one in until for guard in one["guards"] if guard["blocks"]} | {""}
    shown = " ".join(result["screen"])
    assert fault.who in shown
    assert f"newly hurt {state['fresh'][fault.how]} {fault.how}" in shown
