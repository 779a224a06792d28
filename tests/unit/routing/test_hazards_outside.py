# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards of what lies outside the tenant: each source is judged by its own probes, and what nobody could read is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, MxChange, Probe
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Foreign, Mx, Predicate, SenderDomain, World

from . import tenant
from .test_hazards_order import ONE_WAVE, full, said
from .worlds import GROUP, OLD, RULE, SHARED, SISTER, rule, source, world

MOVED = MxChange("2026-02-20T11:00:00Z", 3600, "tenant")
TWO = {
    "domains": [SHARED, SISTER],
    "smart_hosts": None,
    "source_ip_ranges": None,
    "sources": [
        {"name": "one", "domains": [SHARED], "smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]},
        {"name": "two", "domains": [SISTER], "smart_hosts": ["192.0.2.20"], "source_ip_ranges": ["192.0.2.20"]},
    ],
}


def two(**more: Any) -> World:
    """Two foreign systems with a domain each, the MX of both at the tenant."""
    hosts = (source(), Foreign("two", frozenset({SISTER}), addresses={}))
    found = world(sources=(replace(hosts[0], name="one"), hosts[1]), **more)
    return change.mx_at(found, [SHARED, SISTER])


def inside(domain: str, **more: Any) -> Probe:
    """A probe from inside a source that reached the tenant by itself."""
    return replace(Probe("source", f"a@{domain}", f"pilot@{domain}", "arrived", "tenant"), **more)


# U1
def gateway(**more: Any) -> World:
    """The MX at the tenant, our rule gone, and somebody else's rule that routes some mail."""
    other = replace(rule(), name="gateway", exceptions=(), **more)
    return change.mx_at(world(rules=(other,)), [SHARED])


@pytest.mark.parametrize("step", ["setup", "mx", "cutover", "status"])
@pytest.mark.parametrize(
    "condition",
    [
        Predicate("FromScope", ("inorganization",)),
        Predicate("SubjectContainsWords", ("signature",)),
        Predicate("SenderDomainIs", (SHARED,)),
        Predicate("RecipientDomainIs", ("else.example",)),
    ],
)
def test_u1_is_not_silenced_by_a_rule_that_does_not_route_unknown_addresses(step: str, condition: Predicate) -> None:
    options = ONE_WAVE if step == "cutover" else {}
    for lately in ({}, {"was": replace(rule(), name="gateway", exceptions=(), enabled=False), "edited": True}):
        found = said("U1", full(step, gateway(conditions=(condition,), **lately), options=options))
        assert [(finding.who, finding.blocks) for finding in found] == [(SHARED, step != "status")], lately


def test_u1_knows_the_route_of_a_rule_that_takes_everything_and_tells_where_a_reading_decides() -> None:
    assert not said("U1", full("cutover", gateway(conditions=()), options=ONE_WAVE))
    method = change.mx_at(world(rules=(rule("organization"),)), [SHARED])
    (told,) = said("U1", full("cutover", method, options=ONE_WAVE))
    assert told.blocks is False
    assert "what SentToScope InOrganization asks for" in told.why
    fresh = change.mx_at(world(rules=(replace(rule(), was=replace(rule(), enabled=False), until="13:00"),)), [SHARED])
    (told,) = said("U1", full("cutover", fresh, options=ONE_WAVE))
    assert (told.blocks, "loop" in told.why) == (False, True)
    relaying = change.mx_at(world(sources=(source(modes=frozenset({"relay"})),)), [SHARED])
    assert not said("U1", full("cutover", relaying, options=ONE_WAVE)), "a host that relays back is U32's"


@pytest.mark.parametrize("step", ["preflight", "setup", "cutover", "unforward", "rollback", "status"])
def test_u1_says_that_nobody_knows_who_takes_the_mail(step: str) -> None:
    options = ONE_WAVE if step in {"cutover", "unforward", "rollback"} else {}
    found = said("U1", full(step, world(mx={}), Evidence(unread={f"mx {SHARED}": "no answer"}), options=options))
    assert [(finding.who, finding.blocks) for finding in found] == [(SHARED, False)]
    assert "no answer" in found[0].why


# U2
def test_u2_advises_no_harm_where_the_group_holds_those_not_moved() -> None:
    pending = rule(conditions=(Predicate("SentToMemberOf", (GROUP,)),), exceptions=())
    found = change.mx_at(world(members=("stub",), pending=True, rules=(pending,)), [SHARED])
    remedies = [finding.remedy for finding in said("U2", full("teardown", found)) if "stub" in finding.who]
    assert remedies
    assert all(remedy.startswith("Move them, take them out of the group") for remedy in remedies)


SAFE = ("migrated", "pilot", "room", "shared", "m365group", "folder")


def test_u2_lets_no_mx_move_while_a_membership_may_not_act() -> None:
    member = next(party for party in world().parties if party.primary == f"migrated@{SHARED}")
    group = next(party for party in world().parties if GROUP in party.addresses)
    room = next(party for party in world().parties if party.primary == f"room@{SHARED}")
    fresh = world(members=SAFE, moving={(group.id, member.id): "13:00", (group.id, room.id): "13:00"})
    found = [finding for finding in said("U2", full("mx", fresh)) if finding.blocks]
    assert [(finding.who, finding.remedy) for finding in found] == [(one.primary, "Wait until 13:00.") for one in (member, room)]
    assert all("their membership may not act yet" in finding.why for finding in found)
    assert not [finding for finding in said("U2", full("mx", world(members=SAFE))) if finding.blocks]
    assert not [finding for finding in said("U2", full("teardown", fresh)) if "membership" in finding.why], (
        "the room bounces at the source whoever counts"
    )


# U13
def test_u13_a_probe_shows_its_own_source_alone() -> None:
    seen = Evidence({SHARED: MOVED, SISTER: MOVED}, (inside(SHARED),))
    assert [finding.who for finding in said("U13", full("sources_off", two(), seen, options=TWO))] == ["two"]
    both = replace(seen, probes=(inside(SHARED), inside(SISTER)))
    assert not said("U13", full("sources_off", two(), both, options=TWO))
    report = replace(seen, probes=(inside(SHARED), inside(SISTER, sender="")))
    assert not said("U13", full("sources_off", two(), report, options=TWO)), "a report has no sender: then its recipient tells"
    across = replace(seen, probes=(inside(SHARED), inside(SHARED, recipient=f"x@{SISTER}")))
    assert [finding.who for finding in said("U13", full("sources_off", two(), across, options=TWO))] == ["two"]


def test_u13_says_how_a_host_is_declared_off_and_that_an_mx_was_not_read() -> None:
    seen = Evidence({SHARED: MOVED})
    (found,) = said("U13", full("sources_off", change.mx_at(world(), [SHARED]), seen))
    assert "known" in found.remedy
    unread = Evidence(unread={f"mx {SHARED}": "no answer"})
    findings = said("U13", full("sources_off", world(mx={}), unread))
    assert any("no answer" in finding.why and finding.blocks for finding in findings)


# U26
def test_u26_a_probe_shows_the_forwards_of_its_own_source_alone() -> None:
    passed = Probe("internet", "a@out.example", f"x@{SHARED}", "arrived", "tenant", forwarded=True)
    known = {"out.example": SenderDomain(reject=True)}
    told = said("U26", full("cutover", two(senders=known), Evidence(probes=(passed,)), options={**TWO, **ONE_WAVE}))
    assert [finding.who for finding in told] == ["two"]


# U31
@pytest.mark.parametrize(
    ("step", "held", "unread", "told"),
    [
        ("mx_back", {}, {f"mx {SHARED}": "no answer"}, True),
        ("mx_back", {SHARED: Mx("tenant")}, {}, True),
        ("mx_back", {SHARED: Mx(OLD)}, {}, False),
        ("mx", {}, {f"mx {SHARED}": "no answer"}, True),
        ("mx", {SHARED: Mx(OLD)}, {}, False),
    ],
)
def test_u31_says_that_nobody_knows_when_the_mx_moved(step: str, held: Mapping[str, Mx], unread: Mapping[str, str], told: bool) -> None:
    found = said("U31", full(step, world(mx=held), Evidence(unread=unread)))
    assert [(finding.who, finding.blocks) for finding in found] == ([(SHARED, False)] if told else [])
    assert all(why in finding.why for finding in found for why in unread.values())


def test_u31_a_teardown_that_is_undone_without_name_servers_is_told() -> None:
    begun = tenant.group(Line({SHARED: "Authoritative"}, stops={RULE: "2026-03-01T10:00:00Z"}))
    unread = Evidence(unread={f"mx {SHARED}": "no answer"})
    assert said("U31", full("setup", world(mx={}), unread, rules=[], groups=[begun]))
    assert not said("U31", full("setup", world(mx={}), unread, rules=[])), "a set-up is no way back; U1 tells of the MX"
