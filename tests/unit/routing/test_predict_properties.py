# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds in every world: no exception, the verdict is the worst reading, classes equal single predictions."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._routing._classes import predict_all, tally
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outcomes import HURTS, MEANING, OUTCOMES, worst
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import Prediction, predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._readings import FACTS, Oracle, explore
from ansible_collections.mailops.exchange.plugins.module_utils._routing._route import ORIGINS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import (
    MODES,
    Accepted,
    Address,
    Connector,
    Foreign,
    Forward,
    Inbound,
    Mx,
    Party,
    Policies,
    Predicate,
    Rule,
    SenderDomain,
    World,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .worlds import HOST, OLD, OTHER, OUTSIDER, ROUTING, SHARED, SISTER, ask, group, party, rule, source, world

NAMES = [f"user{number}" for number in range(5)]
DOMAINS = [SHARED, SISTER, OTHER, ROUTING, f"sub.{SHARED}"]
ADDRESSES = [f"{name}@{domain}" for name in (*NAMES, "team", "inner", "nobody", "user0+x") for domain in DOMAINS]
KINDS = ["usermailbox", "mailuser", "guestmailuser", "roommailbox", "groupmailbox", "publicfolder", "mailcontact"]
GROUPS = ["team@" + SHARED, "inner@" + SHARED, "gone@" + SHARED]
address = st.sampled_from(ADDRESSES)
some = st.lists(address, max_size=3).map(tuple)


@st.composite
def predicates(draw: st.DrawFn) -> Predicate:
    name, values = draw(
        st.sampled_from(
            [
                ("RecipientDomainIs", tuple(DOMAINS)),
                ("SentToScope", ("inorganization", "notinorganization", "externalpartner")),
                ("FromScope", ("inorganization", "notinorganization")),
                ("SentToMemberOf", tuple(GROUPS)),
                ("AnyOfToHeaderMemberOf", tuple(GROUPS)),
                ("SentTo", tuple(ADDRESSES)),
                ("AnyOfToHeader", tuple(ADDRESSES)),
                ("RecipientAddressContainsWords", ("user1", SHARED, "user")),
                ("RecipientAddressMatchesPatterns", ("^user[0-2]@", "x@", "(a+)+")),
                ("AnyOfRecipientAddressMatchesPatterns", ("^user[0-2]@",)),
                ("SenderDomainIs", (SHARED, "outside.example.org")),
                ("SenderIpRanges", (HOST, "192.0.2.0/24", "2001:db8::/32")),
                ("SubjectContainsWords", ("secret",)),
                ("HeaderContainsWords", ("yes",)),
                ("MessageTypeMatches", ("oof", "calendaring", "signed")),
            ]
        )
    )
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
    return Predicate(name, tuple(chosen), "x-loop" if name == "HeaderContainsWords" else "")


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    made = Rule(
        name,
        priority=draw(st.integers(0, 3)),
        enabled=draw(st.sampled_from([True, True, False])),
        conditions=tuple(draw(st.lists(predicates(), max_size=2))),
        exceptions=tuple(draw(st.lists(predicates(), max_size=2))),
        route=draw(st.sampled_from(["", "out", "out", "gone"])),
        stop=draw(st.booleans()),
        ends=draw(st.sampled_from(["", "", "", "reject", "delete", "moderate", "quarantine"])),
        redirect=draw(st.sampled_from([(), (), (ADDRESSES[0],)])),
        sets=draw(st.sampled_from([("", ""), ("x-loop", "yes")])),
        original=draw(st.sampled_from([False, True, None])),
        defer=draw(st.booleans()),
    )
    was = draw(st.sampled_from([None, None, replace(made, enabled=not made.enabled)]))
    return replace(made, was=was, until="13:00" if was else "")


@st.composite
def objects(draw: st.DrawFn) -> tuple[Party, ...]:
    found = []
    for name in NAMES:
        kind = draw(st.sampled_from([*KINDS, "usermailbox", "usermailbox", ""]))
        if not kind:
            continue
        held = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=3, unique=True))
        found.append(
            Party(
                name,
                f"{name}@{held[0]}",
                frozenset(f"{name}@{domain}" for domain in held),
                kind,
                external=draw(st.sampled_from(["", f"{name}@{SHARED}", "x@elsewhere.example", ADDRESSES[0]])),
                forward=draw(st.sampled_from(["", "", "", "user0", "gone"])),
                forward_smtp=draw(st.sampled_from(["", "", "", f"{name}@{SISTER}", "x@elsewhere.example"])),
                keep=draw(st.booleans()),
            )
        )
    members = st.lists(st.sampled_from([*NAMES, "inner", "team"]), max_size=4, unique=True).map(tuple)
    for name in ("team", "inner"):
        kind = draw(st.sampled_from(["mailuniversaldistributiongroup", "dynamicdistributiongroup"]))
        held_by = draw(st.one_of(members, st.none())) if kind.startswith("dynamic") else draw(members)
        own = f"{name}@{SHARED}"
        found.append(Party(name, own, frozenset({own}), kind, members=held_by, outsiders=draw(st.booleans())))
    return tuple(found)


@st.composite
def hosts(draw: st.DrawFn, name: str, host: str, domains: list[str]) -> Foreign:
    listed = draw(st.lists(st.sampled_from([one for one in ADDRESSES if one.rpartition("@")[2] in domains]), max_size=6, unique=True))
    entries = {
        one: Address(
            one,
            draw(st.sampled_from(["mailbox", "mailbox", "alias", "list", "forward", "resource"])),
            owner=draw(st.sampled_from(["", *listed])),
            home=draw(st.sampled_from(["source", "source", "tenant"])),
            members=draw(some),
        )
        for one in listed
    }
    targets = st.builds(Forward, st.sampled_from([*ADDRESSES, "x@elsewhere.example"]), st.booleans())
    return Foreign(
        name,
        frozenset(domains),
        hosts=frozenset({host}),
        ranges=(host,),
        addresses=draw(st.sampled_from([entries, entries, None])),
        forwards=draw(st.dictionaries(st.sampled_from(listed or ADDRESSES), targets, max_size=3)),
        modes=draw(st.frozensets(st.sampled_from(sorted(MODES)), max_size=3)),
        off=draw(st.sampled_from([False, False, False, True])),
    )


optional = st.sampled_from([True, False, None])
connectors = st.builds(
    Connector,
    st.sampled_from(["out", "wide"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(HOST,), ("192.0.2.20",), (HOST, "192.0.2.20"), ("203.0.113.1",), ()]),
    st.sampled_from([(), ("*",), (SHARED,), (f"*.{SHARED}",)]),
    st.booleans(),
    st.booleans(),
)
inbounds = st.builds(
    Inbound,
    st.just("in"),
    st.booleans(),
    st.booleans(),
    st.sampled_from([("*",), (SHARED,)]),
    st.sampled_from([(), (HOST,)]),
    st.just(""),
    st.sampled_from(["", "ip", "certificate"]),
    st.booleans(),
    st.booleans(),
)
organizations = st.builds(Policies, st.booleans(), optional, optional, optional, st.sampled_from([frozenset(), frozenset({OLD})]))
published = st.builds(SenderDomain, st.booleans(), st.sampled_from([frozenset({"internet"}), frozenset({OLD})]), st.booleans())


@st.composite
def worlds(draw: st.DrawFn) -> World:
    kinds = st.sampled_from(["authoritative", "internalrelay"])
    chosen = draw(st.lists(st.sampled_from(DOMAINS[:4]), unique=True))
    accepted = {one: Accepted(one, draw(kinds), subdomains=draw(st.booleans())) for one in chosen}
    holders = st.sampled_from(["tenant", OLD, "new host", "somebody"])
    answers = st.builds(Mx, holders, st.sampled_from(["", "tenant", OLD]))
    pairs = st.tuples(st.sampled_from(["team", "inner"]), st.sampled_from(NAMES))
    return World(
        domains=accepted,
        parties=draw(objects()),
        rules=tuple(draw(rules(f"rule {number}")) for number in range(draw(st.integers(0, 3)))),
        connectors=tuple(draw(st.lists(connectors, max_size=2))),
        inbound=tuple(draw(st.lists(inbounds, max_size=1))),
        sources=(draw(hosts(OLD, HOST, [SHARED])), draw(hosts("new host", "192.0.2.20", [SISTER]))),
        mx=draw(st.dictionaries(st.sampled_from(DOMAINS), answers, max_size=4)),
        remote_internal=draw(st.sampled_from([frozenset(), frozenset({"elsewhere.example"})])),
        policies=draw(organizations),
        senders=draw(st.dictionaries(st.sampled_from([SHARED, "outside.example.org"]), published, max_size=2)),
        group=GROUPS[0],
        pending=draw(st.booleans()),
        moving=draw(st.dictionaries(pairs, st.just("13:00"), max_size=2)),
        reads=draw(st.dictionaries(address, st.sampled_from(["source", "tenant"]), max_size=1)),
        synced=draw(st.frozensets(address, max_size=4)),
    )


senders = st.sampled_from([OUTSIDER, f"user0@{SHARED}", f"user1@{SISTER}", ""])
origins = st.sampled_from(ORIGINS)
kinds = st.sampled_from(["mail", "calendar", "bounce", "oof", "journal"])
others = st.one_of(some, st.none())


def summary(prediction: Prediction) -> tuple[Any, ...]:
    """What two predictions of one class must share: every reading's outcome, and the verdict."""
    return prediction.verdict, sorted(route.outcome for route in prediction.routes)


@settings(max_examples=60, deadline=None)
@given(worlds(), senders, address, origins, kinds, others)
def test_every_world_has_a_verdict_that_is_the_worst_of_its_readings(
    found: World, sender: str, recipient: str, origin: str, kind: str, more: tuple[str, ...] | None
) -> None:
    prediction = predict(found, sender, recipient, origin, kind=kind, others=more)
    assert prediction.outcomes <= set(OUTCOMES)
    assert prediction.verdict in {worst(prediction.outcomes), "unknown"}
    assert prediction.worst.outcome == worst(prediction.outcomes)
    assert prediction.hurts == (prediction.verdict in HURTS)
    assert all(route.endings for route in prediction.routes)
    assert prediction.sentence().startswith(f"{recipient} from {origin}: {prediction.verdict}, {MEANING[prediction.verdict]}")
    for route in prediction.routes:
        assert prediction.under(route.assumed) == (route,)
        again = predict(replace(found, facts=route.assumed), sender, recipient, origin, kind=kind, others=more)
        assert again.outcomes == {route.outcome}


@settings(max_examples=30, deadline=None)
@given(worlds(), senders, origins, kinds, others)
def test_the_prediction_of_a_class_is_that_of_each_of_its_recipients(
    found: World, sender: str, origin: str, kind: str, more: tuple[str, ...] | None
) -> None:
    classes = predict_all(found, sender, ADDRESSES, origin, kind=kind, others=more)
    assert sorted(one for found_class in classes for one in found_class.recipients) == sorted(ADDRESSES)
    for one_class in classes:
        for recipient in one_class.recipients:
            single = predict(found, sender, recipient, origin, kind=kind, others=more)
            assert summary(single) == summary(one_class.prediction), (recipient, one_class.recipients)


@settings(max_examples=60, deadline=None)
@given(worlds(), senders, address, origins)
def test_a_rule_below_all_others_that_decides_nothing_changes_nothing(found: World, sender: str, recipient: str, origin: str) -> None:
    idle = Rule("idle", priority=99, stop=True, conditions=(Predicate("SubjectContainsWords", ("x",)),), scl="-1")
    more = replace(found, rules=(*found.rules, idle))
    assert summary(predict(more, sender, recipient, origin)) == summary(predict(found, sender, recipient, origin))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_every_combination_of_answers_is_walked_once(widths: list[int]) -> None:
    def run(oracle: Oracle) -> tuple[str, ...]:
        return tuple(oracle.ask(f"q{place}", tuple("abcd"[:width])) for place, width in enumerate(widths))

    found = explore(run, {})
    total = 1
    for width in widths:
        total *= width
    assert len({result for _unused, result in found.found}) == len(found.found) == total
    assert found.complete
    assert explore(run, {}, limit=1).complete == (total == 1)


def test_known_facts_are_not_asked() -> None:
    strict = world(rules=(rule("organization"),))
    open_ = ask(replace(strict, mx={SHARED: Mx("tenant")}), "stub", "internet")
    assert {route.assumed["sent_to_scope"] for route in open_.routes} == {"a", "b", "c"}
    known = ask(replace(strict, mx={SHARED: Mx("tenant")}, facts={"sent_to_scope": "b"}), "stub", "internet")
    assert [(dict(route.assumed), route.outcome) for route in known.routes] == [({}, "delivered")]
    assert all(fact.id == key and len(fact.readings) > 1 for key, fact in FACTS.items())


def alike(found: World, one: str, other: str) -> bool:
    """True when two recipients are of one class."""
    return len(predict_all(found, OUTSIDER, [f"{one}@{SHARED}", f"{other}@{SHARED}"], "tenant")) == 1


def test_what_decides_a_route_tells_recipients_apart() -> None:
    twins = world(parties=(*world().parties, party("one"), party("two")))
    both = {f"{name}@{SHARED}": Address(f"{name}@{SHARED}") for name in ("one", "two")}
    twins = replace(twins, sources=(source(addresses=both),))
    assert alike(twins, "one", "two")
    forwards = {f"{name}@{SHARED}": Forward(f"{name}@{ROUTING}", keep=name == "two") for name in ("one", "two")}
    assert not alike(replace(twins, sources=(source(addresses=both, forwards=forwards),)), "one", "two")
    assert not alike(replace(twins, moving={("group movers", "two"): "13:00"}), "one", "two")
    assert not alike(replace(twins, synced=frozenset({f"two@{SHARED}"})), "one", "two")
    assert not alike(replace(twins, reads={f"two@{SHARED}": "tenant"}), "one", "two")
    asked = rule(exceptions=(Predicate("SentToMemberOf", (GROUPS[0],)),))
    other = replace(twins, parties=(*twins.parties, group("team", ("one", "two"))), rules=(asked,))
    assert alike(other, "one", "two")
    assert not alike(replace(other, moving={("group team", "two"): "13:00"}), "one", "two")
    named = [("SentTo", f"two@{ROUTING}"), ("RecipientAddressContainsWords", "two"), ("AnyOfToHeader", f"two@{SHARED}")]
    for name, value in named:
        assert not alike(replace(twins, rules=(Rule("only", ends="reject", conditions=(Predicate(name, (value,)),)),)), "one", "two")
    assert not alike(replace(twins, rules=(Rule("only", redirect=(f"two@{ROUTING}",)),)), "one", "two")
    assert not alike(replace(twins, sources=(source(addresses={f"one@{SHARED}": Address(f"one@{SHARED}")}),)), "one", "two")
    tenant_home = {**both, f"two@{SHARED}": Address(f"two@{SHARED}", home="tenant")}
    assert not alike(replace(twins, sources=(source(addresses=tenant_home),)), "one", "two")


def crowd(size: int) -> tuple[World, list[str]]:
    """A world with many people of a dozen kinds."""
    kinds_ = ["usermailbox", "usermailbox", "sharedmailbox", "roommailbox", "mailuser", ""]
    people, entries, forwards, moved = [], {}, {}, []
    for number in range(size):
        name, kind = f"person{number:06}", kinds_[number % 6]
        own = f"{name}@{SHARED}"
        if kind:
            people.append(party(name, kind, external=own if kind == "mailuser" else ""))
        if number % 5:
            entries[own] = Address(own, "mailbox" if number % 7 else "list")
        if number % 3 == 0 and kind == "usermailbox":
            moved.append(name)
            forwards[own] = Forward(f"{name}@{ROUTING}")
    start = world(members=moved)
    host = source(addresses=entries, forwards=forwards)
    return replace(start, parties=(*start.parties, *people), sources=(host,)), [f"person{number:06}@{SHARED}" for number in range(size)]


def test_ten_thousand_recipients_are_predicted_in_well_under_a_second() -> None:
    found, recipients = crowd(10_000)
    begun = time.process_time()
    classes = predict_all(found, OUTSIDER, recipients, "tenant")
    spent = time.process_time() - begun
    assert sum(len(one_class.recipients) for one_class in classes) == 10_000
    assert 6 <= len(classes) <= 40
    counts = {outcome: len(held) for outcome, held in tally(classes).items()}
    assert sum(counts.values()) == 10_000
    assert list(counts) == ["delivered", "bounced"]
    # A bound against hanging and against growth with the square; the figure itself is far below on any machine.
    assert spent < 5
