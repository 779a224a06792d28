# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave that goes back is told first, per user, what its mailboxes in the tenant got meanwhile; what cannot be read is never nothing."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import pytest
from harness.coexistence import CLOCK_RATE, people
from harness.letters import OUTSIDER
from harness.play import Player, Run
from harness.project import Project
from harness.tenant import Sandbox

SETTLE = 60


@pytest.fixture
def moved(sandbox: Sandbox, player: Player, standing: dict[str, Any]) -> dict[str, Any]:
    """The variables of a tenant whose first wave has moved."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    plan = standing | {"coexistence_wave": "wave1"}
    run = player.run("mailops.exchange.cutover", plan)
    assert run.code == 0, run.output
    return plan


def wave(sandbox: Sandbox) -> list[str]:
    """The users of the first wave."""
    lines = (sandbox.folders[0] / "waves.csv").read_text(encoding="utf-8").splitlines()
    return sorted(line.partition(",")[0] for line in lines if line.endswith(",wave1"))


def deliver(sandbox: Sandbox, project: Project, *letters: tuple[str, str]) -> list[datetime]:
    """Send one message after another, each by origin and recipient; when each was in the mailbox at the latest, by the service's clock."""
    times = [project.now()]
    for origin, recipient in letters:
        sender = OUTSIDER if origin == "internet" else project.prober
        sandbox.control("POST", "/messages", {"origin": origin, "sender": sender, "recipients": [recipient], "subject": "hello"})
        found = sandbox.control("GET", f"/messages?settle={SETTLE}")["messages"]
        assert [place["system"] for row in found if row["subject"] == "hello" for copy in row["copies"] for place in copy["places"]]
        sandbox.control("PUT", "/clock", {"advance": 3600})
        times.append(project.now())
    return times


def lists(run: Run) -> list[list[dict[str, Any]]]:
    """What each task that lists found: before anything is written, and when the membership has ended."""
    return [event["result"]["arrived"] for event in run.results if event["result"].get("arrived")]


def listed(run: Run) -> list[dict[str, Any]]:
    """What the first of them found."""
    return lists(run)[0]


def test_a_rollback_lists_what_reached_the_tenant_mailboxes_before_it_writes(
    sandbox: Sandbox, player: Player, moved: dict[str, Any]
) -> None:
    entry, users = sandbox.tenants[0], wave(sandbox)
    sources = {domain: one["name"] for one in sandbox.ready["foreign"] for domain in one["domains"]}
    project = Project(sandbox, sandbox.folders[0], entry["routing_domain"], people(sandbox.folders[0], "pilot")[0], sources)
    project.forward(users, on=True)
    times = deliver(sandbox, project, ("internet", users[0]), ("tenant", users[0]))
    project.forward(users, on=False)
    # This one stays at the source, and is not to be copied back.
    deliver(sandbox, project, ("internet", users[1]))
    run = player.run("mailops.exchange.rollback", moved)
    assert run.code == 0, run.output
    found = {one["user"]: one for one in listed(run)}
    assert {user: one["count"] for user, one in found.items()} == {user: 2 if user == users[0] else 0 for user in users}
    first, last = (datetime.fromisoformat(found[users[0]][name].replace("Z", "+00:00")) for name in ("first", "last"))
    assert times[0].replace(microsecond=0) <= first <= times[1] <= last <= times[2]
    line = f"{users[0]}: 2, first {found[users[0]]['first']}, last {found[users[0]]['last']}"
    assert line in run.output
    assert run.output.count(f"2 messages reached the tenant mailboxes of 1 of {len(users)} users: copy them back") == 2, "and at the end"
    assert lists(run)[1] == lists(run)[0]
    assert run.output.index(line) < run.output.index("TASK [mailops.exchange.coexistence_rollback : Check the whole wave")
    again = player.run("mailops.exchange.rollback", moved)
    assert (again.code, line in again.output) == (0, True), "who is back already is listed too"


def test_what_is_early_while_a_wave_goes_back_is_listed_at_the_end(sandbox: Sandbox, player: Player, moved: dict[str, Any]) -> None:
    entry, (user, *_rest) = sandbox.tenants[0], wave(sandbox)
    project = Project(sandbox, sandbox.folders[0], entry["routing_domain"], people(sandbox.folders[0], "pilot")[0], {})
    sandbox.faults({"match": {"cmdlet": "Remove-DistributionGroupMember", "phase": "before"}, "action": {"hold": True}})
    runs: list[Run] = []
    rollback = threading.Thread(target=lambda: runs.append(player.run("mailops.exchange.rollback", moved)))
    rollback.start()
    try:
        end = time.monotonic() + SETTLE
        while not sandbox.control("GET", "/faults")[0]["holding"]:
            assert time.monotonic() < end, "nobody leaves the group"
            time.sleep(0.05)
        deliver(sandbox, project, ("tenant", user))
    finally:
        sandbox.faults()
        rollback.join()
    (run,) = runs
    assert run.code == 0, run.output
    before, after = ({one["user"]: one["count"] for one in found} for found in lists(run))
    assert (before[user], after[user]) == (0, 1)


def test_a_trace_that_cannot_be_read_is_not_taken_for_no_mail(sandbox: Sandbox, player: Player, moved: dict[str, Any]) -> None:
    sandbox.faults({"match": {"cmdlet": "Get-MessageTraceV2"}, "action": {"error": "forbidden"}, "times": 0})
    writes = len(sandbox.writes())
    run = player.run("mailops.exchange.rollback", moved, "--check")
    assert run.code == 0, run.output
    assert {one["count"] for one in listed(run)} == {None}
    assert len(lists(run)) == 1, "a check run brings nobody back"
    assert all(one["why"] for one in listed(run))
    assert f"of {len(wave(sandbox))} users since " in run.output
    assert "is not known: " in run.output
    assert "messages reached" not in run.output
    assert len(sandbox.writes()) == writes
