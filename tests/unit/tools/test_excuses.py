# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of the kills: what a playbook never announces is found, whoever is hurt by it and wherever it was killed."""

from __future__ import annotations

import pytest
from harness import excuses
from harness.account import OUTCOMES
from harness.crash import FORMER, Step, known
from harness.letters import ORIGINS
from harness.play import Run

KINDS = ("moving", "stub", "noobj", "pilot", "migrated", "nobody")
STEPS = ("preflight", "rehearse", "setup", "verify", "status", "check", "cutover", "reconcile", "rollback", "teardown")


def may(step: str, kind: str, origin: str, outcome: str) -> bool:
    return excuses.excused(Step(step).excuses, kind, origin, outcome)


@pytest.mark.parametrize("step", STEPS)
def test_who_lives_in_the_tenant_is_never_hurt_and_nobody_only_bounces(step: str) -> None:
    for origin in ORIGINS:
        for kind in ("pilot", "migrated"):
            assert [name for name in OUTCOMES if may(step, kind, origin, name)] == ["delivered"]
        assert [name for name in OUTCOMES if may(step, "nobody", origin, name)] == ["bounced"]
        for kind in KINDS:
            assert not any(may(step, kind, origin, name) for name in ("lost", "loop", "delayed", "duplicate"))


@pytest.mark.parametrize(
    ("step", "kind", "origin", "outcome", "fine"),
    [
        ("setup", "stub", "tenant", "split", True),
        ("setup", "stub", "internet", "split", False),
        ("setup", "stub", "tenant", "bounced", False),
        ("setup", "noobj", "tenant", "bounced", True),
        ("setup", "noobj", "internet", "bounced", False),
        ("cutover", "moving", "tenant", "early", True),
        ("cutover", "moving", "tenant", "split", False),
        ("cutover", "stub", "tenant", "early", False),
        ("cutover", "noobj", "tenant", "bounced", False),
        ("rollback", "moving", "source", "early", True),
        ("rollback", "moving", "tenant", "split", False),
        ("verify", "stub", "tenant", "split", False),
        ("teardown", "stub", "tenant", "split", True),
    ],
)
def test_what_a_playbook_announces_and_no_more(step: str, kind: str, origin: str, outcome: str, fine: bool) -> None:
    assert may(step, kind, origin, outcome) == fine


def test_the_probes_of_a_run_are_those_that_a_host_took() -> None:
    taken, refused = {"stage": "accepted", "id": "<probe.1@d>"}, {"stage": "rcpt", "id": "<probe.2@d>"}
    options = {"probes": [{**taken, "id": "<probe.0@d>"}]}
    result = {"results": [{"probes": [taken, refused, {"result": "not probed"}], "invocation": options}], "invocation": options}
    run = Run(0, "", [{"event": "ok", "result": result}, {"event": "skipped", "result": {**taken, "id": "<probe.3@d>"}}])
    assert run.probes == {"<probe.1@d>"}


@pytest.mark.parametrize(
    ("name", "act", "nth", "phase", "nameless"),
    [
        ("setup", "writes", 1, "before", False),
        ("setup", "writes", 1, "after", True),
        ("setup", "writes", 2, "before", True),
        ("setup", "writes", 2, "after", False),
        ("setup", "probes", 1, "after", False),
        ("cutover", "writes", 1, "after", False),
    ],
)
def test_only_between_the_first_two_writes_of_a_set_up_a_former_type_is_lost(
    name: str, act: str, nth: int, phase: str, nameless: bool
) -> None:
    assert Step(name).nameless({act: True, "nth": nth, "phase": phase}) == nameless
    assert known([{"Description": f"x {FORMER[1]}"}]) == [{"Description": f"x {FORMER[0]}"}]
