# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards of order: each refuses what it is there for, and is silent where nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _guards
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full, MxChange, Probe, counted
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Finding
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards import STEPS, TABLE, evaluate, findings, notes
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import GUARDS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._mail_plan import NOBODY
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Connector,
    Mx,
    Party,
    Policies,
    Predicate,
    Rule,
    World,
)

from . import tenant, worlds
from .worlds import CONNECTOR, HOST, OLD, RULE, SHARED, rule, source, world

NONE: Mapping[str, Any] = MappingProxyType({})
ONE_WAVE = {"users": [f"stub@{SHARED}"]}
NOOBJ = f"noobj@{SHARED}"
AT_TENANT = change.mx_at(world(), [SHARED])


def full(step: str, found: World, evidence: Evidence = Evidence(), *, options: Mapping[str, Any] = NONE, **more: Any) -> Full:  # noqa: B008 - a frozen value without state
    """A moment: the situation of a finished set-up, a world, and what was seen."""
    return Full(tenant.case(step, options=options, **tenant.standing(**more)), found, evidence)


def said(guard: str, case: Full) -> list[Finding]:
    """The findings of one guard, as its table would let it judge."""
    return [finding for finding in findings(case) if finding.id == guard]


def refuses(guard: str, case: Full) -> bool:
    """True when the guard blocks; it must say something sensible then."""
    found = said(guard, case)
    assert all(finding.who and finding.why and finding.remedy.endswith(".") and "\n" not in str(finding) for finding in found)
    return any(finding.blocks for finding in found)


def test_every_guard_has_its_place() -> None:
    assert {row.id for row in TABLE} | {row.id for row in _guards.TABLE} == set(GUARDS)
    known = set(STEPS) | {step for row in _guards.TABLE for step in row.steps} | {"teardown", "restored"}
    assert {step for row in TABLE for step in row.steps} <= known


def test_the_status_step_refuses_nothing_and_risks_are_accepted_by_name() -> None:
    lost = change.mx_at(world(rules=()), [SHARED])
    assert refuses("U1", full("cutover", lost, options=ONE_WAVE))
    assert said("U1", full("status", lost))
    assert not refuses("U1", full("status", lost))
    verdict = evaluate(full("cutover", lost, options={**ONE_WAVE, "accept_risks": ["U1"]}))
    assert "U1" in {finding.id for finding in verdict.accepted}
    assert "U1" not in {finding.id for finding in verdict.refusing}


# U1
@pytest.mark.parametrize("step", ["preflight", "setup", "mx", "cutover", "status"])
def test_u1_no_route_while_the_mx_is_the_tenant(step: str) -> None:
    options = ONE_WAVE if step == "cutover" else NONE
    lost = change.mx_at(world(rules=()), [SHARED])
    assert said("U1", full(step, lost, options=options))
    assert not said("U1", full(step, change.mx_at(world(), [SHARED]), options=options))


def test_u1_knows_a_route_from_none() -> None:
    arrived = change.mx_at(world(rules=()), [SHARED])
    assert not said("U1", full("cutover", world(rules=()), options=ONE_WAVE))
    assert not said("U1", full("cutover", change.authoritative(arrived, [SHARED]), options=ONE_WAVE))
    direct = replace(arrived, connectors=(Connector("c", hosts=(HOST,), domains=(SHARED,), scoped=False),))
    assert not said("U1", full("cutover", direct, options=ONE_WAVE))
    follows = replace(arrived, connectors=(Connector("c", use_mx=True, domains=(SHARED,), scoped=False),))
    assert refuses("U1", full("cutover", follows, options=ONE_WAVE))
    closed = change.authoritative(arrived, [SHARED])
    assert refuses("U1", full("setup", closed))
    one = rule(conditions=(Predicate("SentTo", (f"stub@{SHARED}",)),))
    assert refuses("U1", full("cutover", change.mx_at(world(rules=(one,)), [SHARED]), options=ONE_WAVE))
    for broken in ({"connectors": ()}, {"rules": (replace(rule(), enabled=False),)}, {"connectors": (Connector(CONNECTOR, use_mx=True),)}):
        assert refuses("U1", full("cutover", change.mx_at(world(**broken), [SHARED]), options=ONE_WAVE))


@pytest.mark.parametrize("step", ["preflight", "setup", "cutover", "status"])
@pytest.mark.parametrize(
    ("answer", "blocks", "words"),
    [
        (Mx(OLD, "tenant", beside=("tenant",)), True, "its MX is the tenant"),  # two of one preference
        (Mx(OLD, beside=("tenant",)), False, "its MX names the tenant as a further host"),
        (Mx(OLD, "tenant", "13:00"), False, "some still hold the tenant as its MX"),
        (Mx(OLD, "tenant"), False, "some still hold the tenant as its MX"),
        (Mx(OLD, beside=("gate.filter.example",)), None, ""),
    ],
)
def test_u1_minds_a_tenant_that_is_one_of_several_hosts(step: str, answer: Mx, blocks: bool | None, words: str) -> None:
    options = ONE_WAVE if step == "cutover" else NONE
    found = said("U1", full(step, world(rules=(), mx={SHARED: answer}), options=options))
    assert [finding.blocks for finding in found] == ([] if blocks is None else [blocks and step != "status"])
    assert all(finding.why.startswith(words) for finding in found)
    assert not said("U1", full(step, world(mx={SHARED: answer}), options=options)), "the rule is a route"


# U2
def test_u2_lets_the_mx_go_first_with_the_domain_scope_and_says_so() -> None:
    safe = world(members=("migrated", "pilot", "room", "shared", "m365group", "folder"))
    found = said("U2", full("mx", safe))
    assert [finding.blocks for finding in found] == [False]
    assert "stay right only while the rule" in found[0].why


def test_u2_refuses_the_mx_move_with_the_organization_scope() -> None:
    hurt = said("U2", full("mx", world(rules=(rule("organization"),))))
    assert {"loop", "split"} <= {finding.why.split(" would end as ")[1].split(":")[0] for finding in hurt if finding.blocks}
    assert any("what SentToScope InOrganization asks for" in finding.why for finding in hurt)


def test_u2_refuses_a_teardown_with_somebody_outside_and_lets_everyone_moved_go() -> None:
    everyone = [name for name, (kind, _unused) in worlds.KINDS.items() if kind]
    still = full("teardown", change.mx_at(world(), [SHARED]))
    names = " ".join(finding.who for finding in said("U2", still))
    assert refuses("U2", still)
    assert f"stub@{SHARED}" in names
    assert f"migrated@{SHARED}" not in names
    moved = {f"{name}@{SHARED}": worlds.forward(name)[f"{name}@{SHARED}"] for name in everyone}
    addresses = {address: one for address, one in (source().addresses or {}).items() if address.split("@")[0] in everyone}
    host = source(addresses=addresses, forwards=moved)
    done = change.mx_at(world(members=everyone, sources=(host,)), [SHARED])
    assert not said("U2", full("teardown", done))


@pytest.mark.parametrize(
    ("found", "evidence", "words"),
    [
        (world(), Evidence(), "its MX is not the tenant"),
        (AT_TENANT, Evidence(), "nobody saw when its MX moved"),
        (AT_TENANT, Evidence(mx_changes={SHARED: MxChange("2026-03-01T11:50:00Z", 3600, "tenant", OLD)}), "until 2026-03-04"),
        (AT_TENANT, Evidence(mx_changes={SHARED: MxChange("2026-02-01T00:00:00Z", 3600, "tenant", OLD)}), ""),
    ],
)
def test_u1_tells_a_teardown_of_mail_that_still_comes_by_the_source(found: World, evidence: Evidence, words: str) -> None:
    somebody = [tenant.mailbox(f"migrated@{SHARED}")]
    told = said("U1", full("teardown", found, evidence, members=somebody, recipients=somebody))
    assert [(words in finding.why, finding.blocks) for finding in told] == [(True, False)] * bool(words)
    assert not said("U1", full("teardown", found, evidence)), "nobody is here whom forwards would have to reach"


def test_u2_of_a_teardown_foresees_the_chosen_order() -> None:
    """Whom only the source knows loops between the rules' end and Authoritative; with the domain Authoritative first the mail bounces."""
    only = {NOOBJ: (source().addresses or {})[NOOBJ]}
    everyone = change.mx_at(world(sources=(source(addresses=only),)), [SHARED])
    ends: dict[str, dict[str, str]] = {}
    for order in ("documented", "loop_free"):
        found = said("U2", full("teardown", everyone, options={"teardown_order": order}))
        ends[order] = {who: one.why.split(" would end as ")[1].split(":")[0] for one in found for who in one.who.split(", ")}
    assert {ends["documented"][NOOBJ], ends["loop_free"][NOOBJ]} == {"loop", "bounced"}
    assert ends["loop_free"].keys() <= ends["documented"].keys(), "what the types alone do to somebody is U3's to say"


def test_u2_tells_last_of_those_whose_mail_ends_so_already() -> None:
    found = [finding.why.endswith("so it does now, before this step") for finding in said("U2", full("teardown", world()))]
    assert found == sorted(found)
    assert set(found) == {False, True}
    assert not any("so it does now" in finding.why for finding in said("U2", full("teardown", change.mx_at(world(), [SHARED]))))


def test_u2_with_a_group_of_those_not_moved_yet() -> None:
    pending = rule(conditions=(Predicate("SentToMemberOf", (worlds.GROUP,)),), exceptions=())
    found = change.mx_at(world(members=("stub",), pending=True, rules=(pending,)), [SHARED])
    names = " ".join(finding.who for finding in said("U2", full("teardown", found)))
    assert f"stub@{SHARED}" in names
    assert f"migrated@{SHARED}" not in names
    split = change.rules_off(replace(found, sources=(source(),)), [RULE])
    assert "stub" in " ".join(finding.who for finding in said("U2", full("setup", split)))
    assert "migrated" not in " ".join(finding.who for finding in said("U2", full("setup", split)))


def test_u2_is_unknown_without_the_list_and_announced_before_the_rule_acts() -> None:
    blind = said("U2", full("mx", world(sources=(source(addresses=None),))))
    assert any(finding.who == "the source list" and finding.blocks for finding in blind)
    early = said("U2", full("setup", change.rules_off(world(), [RULE])))
    assert [(finding.blocks, finding.who) for finding in early] == [(False, f"stub@{SHARED}")]
    assert not said("U2", full("setup", world()))


MARKING = tuple(
    Rule(f"mark {number}", priority=number, sets=(f"x-{number}", "1"), conditions=(Predicate("SubjectContainsWords", ("x",)),))
    for number in range(10)
)
SAFE = ("migrated", "pilot", "room", "shared", "m365group", "folder")


def reading(headers: int, value: str) -> Rule:
    """Our rule, but for messages that carry one of the first headers with a value."""
    held = tuple(Predicate("HeaderContainsWords", (value,), f"x-{number}") for number in range(headers))
    return rule(priority=99, exceptions=(*rule().exceptions, *held))


@pytest.mark.parametrize(("headers", "routes"), [(0, 1), (1, 2), (3, 8)])
def test_rules_open_branches_by_the_headers_that_some_rule_reads(headers: int, routes: int) -> None:
    safe = world(members=SAFE, rules=(*MARKING, reading(headers, "2")))
    assert [finding.blocks for finding in said("U2", full("mx", safe))] == [False]
    assert len(worlds.ask(safe, "stub", "tenant").routes) == routes
    assert len(worlds.ask(replace(safe, rules=(*MARKING, reading(headers, "1"))), "stub", "tenant").outcomes) == min(routes, 2)


def test_u2_names_the_list_only_where_it_is_what_is_missing() -> None:
    (many,) = said("U2", full("mx", world(members=SAFE, rules=(*MARKING, reading(10, "2")))))
    assert many.blocks
    assert f"colleague@{SHARED}" in many.who
    assert "mail_route_info" in many.remedy
    assert "coexistence_source_file" not in many.remedy


# U20
def test_u20_wants_no_probe_that_a_disabled_rule_still_sends_out() -> None:
    out = Evidence(probes=(Probe("tenant", f"a@{SHARED}", f"{NOBODY}@{SHARED}", "arrived", "source"),))
    assert refuses("U20", full("remove", world(), out))
    assert not said("U20", full("remove", world(), Evidence(probes=(replace(out.probes[0], result="refused", place=""),))))


# U13, U31
MOVED = MxChange("2026-02-26T11:00:00Z", 3600, "tenant", OLD)
REACHED = Probe("source", f"a@{SHARED}", f"pilot@{SHARED}", "arrived", "tenant")


@pytest.mark.parametrize(
    ("found", "seen", "blocked"),
    [
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: MOVED}, (REACHED,)), False),
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: MOVED}, off=frozenset({OLD})), False),
        (change.off(change.mx_at(world(), [SHARED]), [OLD]), Evidence({SHARED: MOVED}), False),
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: replace(MOVED, at="2026-02-26T11:30:00Z")}, (REACHED,)), True),
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: replace(MOVED, at="yesterday")}, (REACHED,)), True),
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: MOVED}), True),
        (change.mx_at(world(), [SHARED]), Evidence({SHARED: MOVED}, (replace(REACHED, forwarded=True),)), True),
        (change.mx_at(world(), [SHARED]), Evidence({}, (REACHED,)), True),
        (world(), Evidence({SHARED: MOVED}, (REACHED,)), True),
        (world(mx={SHARED: Mx("tenant", beside=(OLD,))}), Evidence({SHARED: MOVED}, (REACHED,)), True),
        (world(mx={SHARED: Mx("tenant", OLD, beside=(OLD,))}), Evidence({SHARED: MOVED}, off=frozenset({OLD})), True),
        (world(mx={SHARED: Mx("tenant", OLD)}), Evidence({SHARED: MOVED}, (REACHED,)), True),
        (world(mx={SHARED: Mx("tenant", beside=("gate.filter.example",))}), Evidence({SHARED: MOVED}, (REACHED,)), False),
    ],
)
def test_u13_the_old_path_must_be_empty(found: World, seen: Evidence, blocked: bool) -> None:
    assert refuses("U13", full("sources_off", found, seen)) == blocked


def test_u31_the_newer_mx_must_have_run_out() -> None:
    fresh = Evidence({SHARED: replace(MOVED, at="2026-03-01T11:30:00Z")})
    assert refuses("U31", full("mx_back", world(), fresh))
    assert not said("U31", full("mx_back", world(), Evidence({SHARED: replace(MOVED, at="2026-03-01T10:30:00Z")})))
    assert not said("U31", full("mx_back", world(), Evidence({SHARED: replace(MOVED, holder=OLD, at="2026-03-01T11:30:00Z")})))
    begun = tenant.group(Line({SHARED: "Authoritative"}, stops={RULE: "2026-03-01T10:00:00Z"}))
    assert refuses("U31", full("setup", world(), fresh, rules=[], groups=[begun])), "a teardown that began is undone"
    assert not said("U31", full("setup", world(), fresh, rules=[])), "a set-up that was interrupted goes on"
    assert not said("U31", full("setup", world(), fresh, groups=[begun]))
    disabled = [tenant.rule(State="Disabled")]
    assert refuses("U31", full("setup", world(), fresh, rules=disabled, groups=[begun])), "nor does a rule that only stands"


def test_u31_tells_who_still_sends_by_a_former_mx() -> None:
    both = world(mx={SHARED: Mx("tenant", OLD, "2026-03-01T13:00:00Z")})
    for step in ("preflight", "status"):
        (told,) = said("U31", full(step, both))
        assert (told.blocks, told.who) == (False, SHARED)
        assert f"{OLD} until 2026-03-01T13:00:00Z" in told.why
    assert not said("U31", full("mx_back", both, Evidence({SHARED: MOVED})))
    assert not said("U31", full("preflight", change.mx_at(world(), [SHARED])))


def test_what_nobody_could_read_is_told_with_its_reason() -> None:
    seen = Evidence(unread={f"mx {SHARED}": "no answer", f"records {SHARED}": "no answer", f"ipv6 {SHARED}": "no role", "trace": "no role"})
    for guard, step, word in (("U1", "preflight", "no answer"), ("U29", "preflight", "no answer"), ("U22", "preflight", "no role")):
        told = [finding for finding in said(guard, full(step, world(), seen)) if not finding.blocks]
        assert [finding.who for finding in told] == [SHARED]
        assert word in told[0].why
    assert "(no role)" in said("U12", full("authoritative", world(), seen))[0].why


def test_u13_says_how_a_host_is_declared_off() -> None:
    (found,) = said("U13", full("sources_off", change.mx_at(world(), [SHARED]), Evidence({SHARED: MOVED})))
    assert "coexistence_known: {off: [source]}" in found.remedy


def test_u13_says_how_a_change_that_was_only_just_seen_is_noted() -> None:
    now = Evidence({SHARED: MxChange("2026-03-01T12:00:00Z", 3600, "tenant", OLD, fresh=True)}, (REACHED,))
    (found,) = said("U13", full("sources_off", change.mx_at(world(), [SHARED]), now))
    assert "coexistence_reconcile" in found.remedy
    (noted,) = said("U13", full("sources_off", change.mx_at(world(), [SHARED]), replace(now, mx_changes={SHARED: MOVED})))[:1] or (None,)
    assert noted is None


def test_a_forward_to_outside_that_the_policy_refuses_is_told() -> None:
    blocked = Policies(auto_forward=False)
    out = Party("out", f"out@{SHARED}", frozenset({f"out@{SHARED}"}), "usermailbox", forward_smtp="me@elsewhere.example")
    inside = Party("in", f"in@{SHARED}", frozenset({f"in@{SHARED}"}), "usermailbox", forward_smtp=f"pilot@{SHARED}")
    people = (*worlds.parties(), out, inside)
    (told,) = notes(full("preflight", world(parties=people, policies=blocked)))
    assert (told.who, told.blocks) == (f"out@{SHARED}", False)
    assert "5.7.520" in told.why
    assert not notes(full("preflight", world(parties=people)))
    assert not notes(full("preflight", world(policies=blocked)))
    assert not notes(full("setup", world(parties=people, policies=blocked)))


def test_names_are_counted() -> None:
    assert counted(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert counted(["a"]) == "a"


def test_a_person_under_a_secondary_address_counts_as_in_the_group() -> None:
    people = [one for one in worlds.parties(("migrated",)) if one.id != "migrated"]
    both = Party("migrated", f"migrated@{SHARED}", frozenset({f"migrated@{SHARED}", f"m@{SHARED}"}))
    names = " ".join(finding.who for finding in said("U2", full("teardown", change.mx_at(world(parties=(*people, both)), [SHARED]))))
    assert f"m@{SHARED}" not in names
