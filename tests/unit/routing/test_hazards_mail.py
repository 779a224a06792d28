# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards of what comes in and who sends: each says what it is there for, and is silent where nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Probe, Published
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    Inbound,
    Policies,
    Predicate,
    Rule,
    SenderDomain,
    World,
)

from . import tenant
from .tenant import mailbox
from .test_hazards_order import ONE_WAVE, full, refuses, said
from .worlds import HOST, OLD, SHARED, forward, rule, source, world

ENHANCED = Inbound("in", senders=(SHARED,), ranges=(HOST,), restrict="ip", enhanced=True)
SCL = Rule("inbound", conditions=(Predicate("SenderIpRanges", (HOST,)),), scl="-1")


def dns(**more: object) -> Evidence:
    """A healthy domain but for what is named."""
    healthy = Published(spf={"tenant": True, OLD: True}, dkim={"tenant": True, OLD: True}, others=())
    return Evidence(dns={SHARED: replace(healthy, **more)}, forwards_read=True)  # type: ignore[arg-type] # each test names one field


def test_u14_tells_that_nobody_read_the_forwards() -> None:
    clean = world(sources=(source(),))
    (one,) = said("U14", full("restored", clean))
    assert (one.who, one.why, one.blocks) == (OLD, "whether its forwards are still on was not read", False)
    assert "coexistence_forwarding_backend" in one.remedy
    (by_file,) = said("U14", full("restored", clean, options={"forwarding_backend": "csv"}))
    assert "source_forwarding_dump" in by_file.remedy
    for seen in (Evidence(forwards_read=True), Evidence(forwards_off=frozenset({f"stub@{SHARED}"}))):
        assert not said("U14", full("restored", clean, seen))
    assert said("U14", full("restored", clean, Evidence(forwards_off=frozenset({"stub@other.example"}))))


def test_u14_leftovers_at_the_source() -> None:
    def left(found: World, **more: object) -> list[tuple[str, bool]]:
        seen = replace(dns(**more), forwards_read=True)
        return [(finding.who, finding.blocks) for finding in said("U14", full("restored", found, seen))]

    assert left(world()) == [(f"migrated@{SHARED}", True)]
    assert left(change.off(world(), [OLD])) == []
    clean = world(sources=(source(),))
    assert left(clean, spf={"tenant": True, OLD: False}) == []
    assert left(clean) == [], "a source that takes the mail as before may send as well"
    moved = change.mx_at(clean, [SHARED])
    assert left(moved) == [(SHARED, True)]
    assert left(moved, spf={"tenant": True, OLD: False}) == []


def test_u14_tells_what_was_not_read_at_the_source() -> None:
    clean = world(sources=(source(),))
    unread = Evidence(unread={f"records {SHARED}": "no answer"})
    told = said("U14", full("restored", clean, unread))
    assert [(finding.who, finding.blocks) for finding in told] == [(OLD, False), (SHARED, False)]
    assert "no answer" in told[1].why
    assert not said("U14", full("restored", change.off(clean, [OLD]), dns())), "a host that is off forwards nothing"
    hosted = {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}
    assert "coexistence_source_file" in said("U14", full("restored", clean, options=hosted))[0].remedy, "nobody is known to be asked for"


def test_an_spf_record_that_does_not_tell_is_told_by_u14_and_u29() -> None:
    vague = dns(spf={"tenant": True, OLD: None}, others=("include:_spf.old.example",))
    seen = replace(vague, forwards_read=True)
    for guard, step in (("U14", "restored"), ("U29", "mx")):
        (told,) = said(guard, full(step, change.mx_at(world(sources=(source(),)), [SHARED]), seen))
        assert "is not known: it names include:_spf.old.example" in told.why
        assert (told.who, told.blocks) == (SHARED, False)


@pytest.mark.parametrize(
    ("inbound", "blocked"),
    [
        ((), True),
        ((replace(ENHANCED, enabled=False),), True),
        ((ENHANCED,), False),
        ((replace(ENHANCED, ranges=("198.51.100.1",)),), True),
        ((Inbound("in", senders=("*",)),), True),  # it asks for no address, so nothing shows that it matches
        ((Inbound("gateway", senders=("*",), ranges=("198.51.100.1",), enhanced=True),), True),
        ((Inbound("in", senders=("*",), ranges=(HOST,)),), False),
        ((Inbound("in", senders=(f"*.{SHARED}",), ranges=(HOST,)),), False),
        ((Inbound("in", senders=("else.example",)),), True),
        ((Inbound("in", partner=False, ranges=(HOST,), senders=("*",)),), False),
        ((Inbound("in", partner=False, ranges=(HOST,), senders=("else.example",)),), True),
    ],
)
def test_u15_reject_direct_send_needs_a_connector(inbound: tuple[Inbound, ...], blocked: bool) -> None:
    strict = world(policies=Policies(reject_direct_send=True), inbound=inbound)
    assert refuses("U15", full("enforce", strict)) == blocked
    assert not said("U15", full("enforce", replace(strict, policies=Policies())))
    assert not said("U15", full("setup", strict, options={"spam_handling": "enhanced_filtering"}))


@pytest.mark.parametrize("step", ["preflight", "setup", "enforce"])
def test_u15_goes_on_by_its_own_remedy(step: str) -> None:
    strict = world(policies=Policies(reject_direct_send=True), inbound=())
    assert not said("U15", full(step, strict, options={"spam_handling": "enhanced_filtering"}))
    assert said("U15", full("status", strict, options={"spam_handling": "enhanced_filtering"})), "what is planned later is not there yet"


@pytest.mark.parametrize("step", ["preflight", "setup", "enforce"])
def test_u16_sees_what_is_planned_beside_what_stands(step: str) -> None:
    turned = full(step, world(rules=(rule(), SCL)), options={"spam_handling": "enhanced_filtering"})
    (found,) = said("U16", turned)
    assert (found.blocks, found.who) == (True, tenant.INBOUND)
    assert "remove rule 'inbound'" in found.remedy.casefold()
    back = full(step, world(rules=(rule(),), inbound=(ENHANCED,)))
    (found,) = said("U16", back)
    assert (found.blocks, found.who) == (True, "in")
    assert "remove inbound connector 'in'" in found.remedy.casefold()
    assert not said("U16", full(step, world(rules=(rule(),)), options={"spam_handling": "enhanced_filtering"}))


CERTIFIED = Inbound("by name", senders=(SHARED,), certificate="*.host.example", restrict="certificate", enhanced=True)


def test_u15_a_connector_by_certificate_may_match_and_does_where_the_certificate_is_told() -> None:
    strict = world(policies=Policies(reject_direct_send=True), inbound=(CERTIFIED,))
    (told,) = said("U15", full("enforce", strict))
    assert (told.blocks, told.who) == (False, OLD)
    assert "*.host.example" in told.why
    assert "by name" in told.why
    assert not said("U15", full("enforce", replace(strict, sources=(source(certificate="mx.host.example"),))))
    assert refuses("U15", full("enforce", replace(strict, sources=(source(certificate="mx.other.example"),))))
    assert refuses("U15", full("enforce", replace(strict, inbound=(replace(CERTIFIED, senders=("else.example",)),))))


def test_u16_tells_where_only_a_certificate_says_whether_it_is_the_same_mail() -> None:
    both = world(rules=(rule(), SCL), inbound=(CERTIFIED,))
    assert [finding.blocks for finding in said("U16", full("status", both))] == [False]
    known = replace(both, sources=(source(certificate="mx.host.example"),))
    assert [finding.blocks for finding in said("U16", full("enforce", known, options={"spam_handling": "none"}))] == [True]


def test_u16_one_of_enhanced_filtering_and_scl() -> None:
    both = world(rules=(rule(), SCL), inbound=(ENHANCED,))
    none = {"spam_handling": "none"}
    assert refuses("U16", full("setup", both, options=none))
    assert refuses("U16", full("setup", replace(both, rules=(rule(),))))
    for alone in (replace(both, rules=(rule(),)), replace(both, inbound=()), replace(both, rules=(rule(), replace(SCL, enabled=False)))):
        assert not said("U16", full("setup", alone, options=none))
    unasked = replace(both, inbound=(Inbound("in", senders=("*",), enhanced=True),))
    assert refuses("U16", full("setup", unasked, options=none)), "a match by the sender's domain alone is not ruled out"
    other = replace(SCL, conditions=(Predicate("SenderIpRanges", ("198.51.100.0/24",)),))
    assert not said("U16", full("setup", replace(both, rules=(other,)), options=none))


SAME = [
    ((), (), "blocks"),
    ((Predicate("FromScope", ("notinorganization",)),), (), "blocks"),
    ((Predicate("SenderDomainIs", (SHARED,)),), (), "blocks"),
    ((Predicate("HeaderContainsWords", ("X-Old", "1")),), (), "tells"),
    ((Predicate("SenderDomainIs", ("partner.example",)),), (), "tells"),
    ((Predicate("FromScope", ("inorganization",)),), (), ""),
    ((), (Predicate("SenderIpRanges", (HOST,)),), ""),
    ((), (Predicate("SenderIpRanges", ("198.51.100.0/24",)),), "blocks"),
]


@pytest.mark.parametrize(("conditions", "exceptions", "wanted"), SAME)
def test_u16_whatever_a_rule_asks_for(conditions: tuple[Predicate, ...], exceptions: tuple[Predicate, ...], wanted: str) -> None:
    passing = Rule("allow", conditions=conditions, exceptions=exceptions, scl="-1")
    found = said("U16", full("setup", world(rules=(rule(), passing), inbound=(ENHANCED,)), options={"spam_handling": "none"}))
    assert ["blocks" if finding.blocks else "tells" for finding in found] == ([wanted] if wanted else [])
    out = replace(passing, route="anywhere")
    assert not said("U16", full("setup", world(rules=(rule(), out), inbound=(ENHANCED,)), options={"spam_handling": "none"}))


def test_u17_a_restriction_that_shuts_others_out() -> None:
    everybody = world(inbound=(replace(ENHANCED, senders=("*",)),))
    assert [finding.why[:35] for finding in said("U17", full("setup", everybody))] == ["it takes mail of every sender from "]
    among = world(inbound=(replace(ENHANCED, senders=(SHARED, "*")),))
    assert "every sender" in said("U17", full("setup", among, dns()))[0].why
    below = world(inbound=(replace(ENHANCED, senders=(f"*.{SHARED}",)),))
    assert refuses("U17", full("setup", below))
    assert not said("U17", full("setup", below, dns()))
    own = world(inbound=(ENHANCED,))
    assert refuses("U17", full("setup", own))
    assert refuses("U17", full("setup", own, dns(others=("include:newsletter.example",))))
    assert not said("U17", full("setup", own, dns()))
    assert not said("U17", full("setup", world(inbound=(replace(ENHANCED, restrict=""),))))


def test_u22_ipv6_while_the_source_is_known_by_ipv4() -> None:
    on = Evidence(ipv6={SHARED: True})
    assert [finding.blocks for finding in said("U22", full("status", world(rules=(SCL,)), on))] == [False]
    assert said("U22", full("status", world(inbound=(ENHANCED,)), on))
    assert said("U22", full("setup", world(), on))
    assert not said("U22", full("status", world(), on))
    assert not said("U22", full("setup", world(), Evidence(ipv6={SHARED: False})))


@pytest.mark.parametrize(
    ("probe", "blocked"),
    [
        (Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "arrived", "source"), False),
        (Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "arrived", "tenant"), True),
        (Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "refused", why="550 own domain"), True),
        (Probe("tenant", "a@contoso.onmicrosoft.com", f"stub@{SHARED}", "arrived", "source"), True),
        (Probe("internet", f"a@{SHARED}", f"stub@{SHARED}", "arrived", "source"), True),
        (Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "not probed"), True),
    ],
)
def test_u25_a_probe_with_an_own_sender_must_arrive_at_the_source(probe: Probe, blocked: bool) -> None:
    case = full("enforce", world(), Evidence(probes=(probe,)), rules=[])
    assert refuses("U25", case) == blocked
    assert probe.why in "".join(finding.why for finding in said("U25", case))
    assert refuses("U25", full("enforce", world(), rules=[]))
    assert not said("U25", full("enforce", world())), "a rule that acts has been proved"
    audit = full("enforce", world(), rules=[tenant.rule(Mode="Audit")])
    assert refuses("U25", audit), "a dry run has proved nothing"


@pytest.mark.parametrize(
    ("probes", "blocked"),
    [
        ([Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "announced", "source")], False),
        ([Probe("tenant", "a@contoso.onmicrosoft.com", f"stub@{SHARED}", "announced", "source")], True),
        ([Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "not probed", why="there is no submission account")], True),
        ([], False),
    ],
)
def test_u25_in_check_mode_a_probe_that_would_be_made_counts_and_one_that_cannot_be_does_not(probes: list[Probe], blocked: bool) -> None:
    case = full("enforce", world(), Evidence(probes=tuple(probes)), rules=[])
    checked = replace(case, situation=replace(case.situation, check_mode=True))
    assert refuses("U25", checked) == blocked
    assert all(probe.why in finding.why for finding in said("U25", checked) for probe in probes)


def test_u25_names_the_sender_whose_domain_is_none_of_the_sources() -> None:
    strange = Probe("tenant", "probe@contoso.onmicrosoft.com", f"stub@{SHARED}", "arrived", "source")
    (finding,) = said("U25", full("enforce", world(), Evidence(probes=(strange,)), rules=[]))
    assert "was not made (it is from probe@contoso.onmicrosoft.com)" in finding.why
    assert "coexistence_probe_sender" in finding.remedy


@pytest.mark.parametrize(("result", "blocks"), [("not probed", False), ("refused", True), ("arrived", None)])
def test_u25_asks_for_the_new_host_of_a_connector_in_use(result: str, blocks: bool | None) -> None:
    probe = Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", result, "source", why="no account")
    told = said("U25", full("enforce", world(), Evidence(probes=(probe,))))
    assert [finding.blocks for finding in told] == ([] if blocks is None else [blocks])


@pytest.mark.parametrize(("recipient", "blocked"), [("postmaster@example.com", False), ("stub@example.com", True)])
def test_u25_in_check_mode_refuses_where_no_probe_can_be_planned(recipient: str, blocked: bool) -> None:
    held = [tenant.mailbox("stub@example.com")]
    case = full("enforce", world(), options={"validation_recipients": [recipient], "source_file": None}, recipients=held, rules=[])
    assert refuses("U25", replace(case, situation=replace(case.situation, check_mode=True))) == blocked


@pytest.mark.parametrize(
    ("step", "options", "whose"),
    [
        ("cutover", ONE_WAVE, f"the forwards of 1 users (stub@{SHARED}) break SPF"),
        ("preflight", {"waves_file": "waves.csv"}, f"the forwards of 1 users (stub@{SHARED}) break SPF"),
        ("preflight", {}, "forwards break SPF"),
    ],
)
def test_u26_says_whose_forwards_and_how_many(step: str, options: Mapping[str, Any], whose: str) -> None:
    (told,) = said("U26", full(step, world(), options=options))
    assert told.why.startswith(whose)


def test_u26_forwards_and_dmarc() -> None:
    told = said("U26", full("cutover", world(), options=ONE_WAVE))
    assert [finding.blocks for finding in told] == [False]
    through = Probe("internet", "a@out.example", f"migrated@{SHARED}", "arrived", "tenant", forwarded=True)
    passed, held = Evidence(probes=(through,)), Evidence(probes=(replace(through, told_by="filter"),))
    strict = {"out.example": SenderDomain(reject=True)}
    assert said("U26", full("cutover", world(senders=strict), held, options=ONE_WAVE)), "mail that the filter took has not passed"
    for policy, silent in ((SenderDomain(reject=True), True), (SenderDomain(), False)):
        judged = full("cutover", world(senders={"out.example": policy}), passed, options=ONE_WAVE)
        assert (not said("U26", judged)) == silent
    assert said("U26", full("cutover", world(), passed, options=ONE_WAVE)), "what the sender publishes is not known"
    for other in (ENHANCED, replace(ENHANCED, senders=("*",), ranges=("198.51.100.1",), restrict="")):
        assert said("U26", full("cutover", world(inbound=(other,)), options=ONE_WAVE)), "outsiders' mail from this source does not match"
    for cured in (
        world(inbound=(replace(ENHANCED, senders=("*",)),)),
        world(policies=Policies(honor_dmarc=False)),
        world(policies=Policies(trusted_sealers=frozenset({OLD}))),
    ):
        assert not said("U26", full("cutover", cured, options=ONE_WAVE))


def test_u28_names_those_that_nobody_knows_by_kind() -> None:
    shown = [
        mailbox(f"newhire@{SHARED}"),
        mailbox(f"meeting@{SHARED}", "RoomMailbox"),
        mailbox(f"stub@{SHARED}"),
        mailbox("x@other.example.net"),
    ]
    found = said("U28", full("status", world(), recipients=shown))
    assert [finding.who for finding in found] == [f"meeting@{SHARED}", f"newhire@{SHARED}"]
    assert all(not finding.blocks for finding in found)
    spared = {"tenant_addresses": [f"newhire@{SHARED}", f"meeting@{SHARED}"]}
    assert not said("U28", full("status", world(), recipients=shown, options=spared))
    assert not said("U28", full("status", world(), recipients=shown, members=shown))
    for step in ("preflight", "setup"):
        assert said("U28", full(step, world(), recipients=shown))
        assert not said("U28", full(step, world(), recipients=shown, options={"seed_group": True})), "this set-up puts them there"
    assert [finding.who for finding in said("U28", full("status", world(), options={"source_file": ""}))] == ["the source list"]


def test_u28_advises_no_harm_where_the_group_holds_those_not_moved() -> None:
    found = said("U28", full("status", world(pending=True), recipients=[mailbox(f"new@{SHARED}")], options={"membership": "pending"}))
    assert [finding.who for finding in found] == [f"new@{SHARED}"]
    assert "Put them into the group, or" not in found[0].remedy
    assert "coexistence_tenant_addresses" not in found[0].remedy


def test_u29_spf_and_dkim_of_both_sides() -> None:
    assert not said("U29", full("setup", world(), dns()))
    assert [finding.why for finding in said("U29", full("setup", world(), dns(spf={"tenant": False, OLD: True})))] == [
        f"its SPF record does not allow the tenant to send, and both sides send as {SHARED}"
    ]
    assert not said("U29", full("setup", world(), dns(dkim={"tenant": True})))
    strict = said("U29", full("setup", world(), dns(dkim={"tenant": True}, policy="reject")))
    assert [OLD in finding.why for finding in strict] == [True]
    assert said("U29", full("setup", world()))[0].why.startswith("its SPF, DKIM and DMARC records were not read")
    assert not refuses("U29", full("setup", world()))


@pytest.mark.parametrize(("mode", "count"), [("reject", 0), ("relay", 1), ("catch_all", 1)])
def test_u32_unknown_addresses_at_the_source(mode: str, count: int) -> None:
    host = source(forwards=forward("migrated"), modes=frozenset({mode, "keep_copy"}))
    found = said("U32", full("setup", world(sources=(host,))))
    assert len(found) == count
    assert not any(finding.blocks for finding in found)


@pytest.mark.parametrize(
    ("mode", "listed", "why"),
    [
        ("relay", True, "mail to all but the 12 addresses that either side knows loops (5.4.14)"),
        ("relay", False, "mail to unknown addresses loops (5.4.14)"),
        (
            "catch_all",
            True,
            f"and to 6 addresses that only the tenant knows (folder@{SHARED}, m365group@{SHARED}, movers@{SHARED} and 3 more) ends",
        ),
        ("catch_all", False, "mail to unknown addresses ends there unseen"),
    ],
)
def test_u32_says_whose_mail_and_how_many(mode: str, listed: bool, why: str) -> None:
    known = {} if listed else {"addresses": None}
    (told,) = said("U32", full("setup", world(sources=(source(modes=frozenset({mode}), **known),))))
    assert why in told.why
