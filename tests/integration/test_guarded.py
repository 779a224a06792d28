# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards cannot be walked past: not by ignore_errors, by a tag, by beginning in the middle, or by text instead of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.coexistence import ABANDONED, CLOCK_RATE, survey, variables
from harness.play import Player, outside
from harness.tenant import Sandbox
from tools.roles import flat

ROLES = Path(__file__).resolve().parents[2] / "roles"
READS = {"mailops.exchange.coexistence_plan_info", "ansible.builtin.set_stats", "ansible.builtin.assert"}


def tasks(role: str) -> list[dict[str, Any]]:
    """The tasks of a role."""
    return flat(yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Refusal:
    """A role, the variables with which a guard refuses it, and the words of the refusal. standing: a set-up was there before."""

    role: str
    extra: dict[str, Any]
    words: str
    standing: bool = False


REFUSALS = {
    "set-up without a source list": Refusal("coexistence_setup", {"coexistence_source_file": ""}, "U4"),
    "set-up without a validation": Refusal("coexistence_setup", {"coexistence_validation_recipients": ""}, "U6"),
    "set-up under a name that is taken": Refusal(
        "coexistence_setup", {"coexistence_inbound_rule_name": "test rule", "coexistence_rule_name": "External"}, "U19"
    ),
    "wave with an unknown user": Refusal("coexistence_cutover", {"coexistence_users": "nobody@example.com"}, "U7", standing=True),
    "rollback of an unknown user": Refusal("coexistence_rollback", {"coexistence_users": "nobody@example.com"}, "U7", standing=True),
    "teardown of other domains": Refusal(
        "coexistence_teardown", {"coexistence_domains": "example.com,subdomain.example.com"}, "U19", standing=True
    ),
}


@pytest.fixture
def refused(request: pytest.FixtureRequest, sandbox: Sandbox, tenant_folder: Path) -> Iterator[tuple[Refusal, dict[str, Any]]]:
    """A tenant on which the role must be refused, and its variables."""
    refusal: Refusal = REFUSALS[request.param]
    good = variables(tenant_folder)
    if refusal.standing:
        request.getfixturevalue("standing")
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    if "coexistence_rule_name" in refusal.extra:
        name = taken_name(sandbox)
        refusal = Refusal(refusal.role, {"coexistence_rule_name": name}, refusal.words)
    sandbox.control("DELETE", "/calls")
    yield refusal, good | refusal.extra
    assert sandbox.writes() == []


def taken_name(sandbox: Sandbox) -> str:
    """The name of a rule that is not ours."""
    (tenant,) = sandbox.state()["tenants"].values()
    return str(tenant["objects"]["TransportRule"][0]["Name"])


every_refusal = pytest.mark.parametrize("refused", list(REFUSALS), indirect=True)
# One for each shape of role: two guards, a guard that writes, four guards.
one_refusal_a_shape = pytest.mark.parametrize(
    "refused", ["set-up without a source list", "wave with an unknown user", "teardown of other domains"], indirect=True
)


@every_refusal
def test_a_refusal_says_why_and_writes_nothing(player: Player, refused: tuple[Refusal, dict[str, Any]]) -> None:
    refusal, extra = refused
    run = player.run(f"mailops.exchange.{refusal.role.removeprefix('coexistence_')}", extra)
    assert run.code != 0
    assert refusal.words in run.failures[0]
    assert "coexistence_accept_risks" in run.failures[0]


@one_refusal_a_shape
def test_ignored_errors_of_a_play_lead_nowhere(player: Player, refused: tuple[Refusal, dict[str, Any]]) -> None:
    refusal, extra = refused
    book = player.tasks([{"include_role": {"name": f"mailops.exchange.{refusal.role}"}}], hosts="exchange_tenants", ignore_errors=True)
    assert refusal.words in player.run(book, extra).failures[0]


@one_refusal_a_shape
def test_no_tag_alone_leads_past_a_guard(player: Player, refused: tuple[Refusal, dict[str, Any]]) -> None:
    refusal, extra = refused
    tags = sorted({tag for task in tasks(refusal.role) for tag in task.get("tags", []) if tag != "always"})
    assert tags
    for tag in tags:
        run = player.run(f"mailops.exchange.{refusal.role.removeprefix('coexistence_')}", extra, "--tags", tag)
        assert run.code != 0, (tag, run.output)


@one_refusal_a_shape
def test_beginning_at_any_writing_task_finds_nothing_to_write_with(player: Player, refused: tuple[Refusal, dict[str, Any]]) -> None:
    refusal, extra = refused
    names = [task["name"] for task in tasks(refusal.role) if not READS & set(task)]
    assert names
    book = player.tasks([], hosts="exchange_tenants", ignore_errors=True, roles=[{"role": f"mailops.exchange.{refusal.role}"}])
    for name in names:
        run = player.run(book, extra, "--start-at-task", name)
        assert run.failures, (name, run.output)


def test_the_rules_tag_alone_does_not_write_a_rule_without_its_connector(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    run = player.run("mailops.exchange.setup", variables(tenant_folder), "--tags", "coexistence_rules")
    assert "U5" in run.failures[0], run.output
    assert sandbox.writes() == []


@pytest.mark.parametrize("tag", ["coexistence_rules", "coexistence_connector", "coexistence_group", "coexistence_domains"])
def test_no_tag_alone_removes_what_an_enabled_rule_needs(player: Player, sandbox: Sandbox, standing: dict[str, Any], tag: str) -> None:
    run = player.run("mailops.exchange.teardown", standing | ABANDONED, "--tags", tag)
    assert "U20" in run.failures[0], run.output
    assert sandbox.writes() == []


def test_a_rule_that_still_acts_keeps_its_connector(player: Player, sandbox: Sandbox, standing: dict[str, Any]) -> None:
    extra = standing | ABANDONED | {"coexistence_effect_timeout": 1}
    first = player.run("mailops.exchange.teardown", extra)
    assert "after 1 s the service's clock shows" in first.output
    sandbox.control("DELETE", "/calls")
    book = player.tasks([], hosts="exchange_tenants", ignore_errors=True, roles=[{"role": "mailops.exchange.coexistence_teardown"}])
    again = player.run(book, extra)
    assert again.code != 0
    assert "after 1 s the service's clock shows" in again.output
    past = player.run("mailops.exchange.teardown", extra, "--tags", "coexistence_connector")
    assert "U20" in past.failures[0], past.output
    assert sandbox.writes() == []
    sandbox.control("PUT", "/clock", {"advance": 3601})
    assert player.run("mailops.exchange.teardown", extra).code == 0


def texts(folder: Path, ready: Mapping[str, Any]) -> dict[str, str]:
    """Every variable of the roles as text: the defaults, what leads outside, and what the tenant needs."""
    defaults = yaml.safe_load((ROLES / "coexistence_setup" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    known = {key: "" if value is None else value for key, value in defaults.items()}
    ways = {name: value for name, value in outside(ready).items() if name.startswith("coexistence_")}
    overrides = [f"{name}={goal}" for name, goal in ways["coexistence_smtp_overrides"].items()]
    return survey(known | ways | {"coexistence_smtp_overrides": overrides} | variables(folder))


def test_every_role_takes_every_variable_as_text(player: Player, sandbox: Sandbox, tenant_folder: Path) -> None:
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    for playbook in ("preflight", "setup", "cutover", "rollback", "status", "teardown"):
        wave = {"coexistence_wave": "wave1"} if playbook in {"cutover", "rollback"} else {}
        given_up = survey(ABANDONED) if playbook == "teardown" else {}
        run = player.run(f"mailops.exchange.{playbook}", texts(tenant_folder, sandbox.ready) | wave | given_up)
        assert run.code == 0, run.output
        assert [text for text in run.warnings if not text.startswith(("told: ", "accepted: "))] == []


@pytest.mark.parametrize("no", ["false", "no", "False"])
def test_a_no_as_text_is_a_no(player: Player, sandbox: Sandbox, tenant_folder: Path, no: str) -> None:
    run = player.run("mailops.exchange.setup", texts(tenant_folder, sandbox.ready) | {"coexistence_seed_group": no})
    assert "U4" in run.failures[0]
    assert sandbox.writes() == []
