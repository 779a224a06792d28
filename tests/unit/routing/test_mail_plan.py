# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step asks of mail: waits and probes from what is known, forwards by their host, and what comes when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _mail_plan as mail
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._plan import plan
from ansible_collections.mailops.exchange.plugins.module_utils._routing._waves import check

from .tenant import DOMAINS, NOW, ROUTING, SHARED, case, group, mailbox, rule, standing

PEOPLE = [mailbox("anna@example.com"), mailbox("bert@example.com")]
USERS = {"users": ["anna@example.com", "bert@example.com"]}
ANNA = "anna@example.com"
SENDERS = {"probe_sender": "probe@example.com", "probe_outside_sender": "me@outside.example"}
CHANGED = "2026-03-01T08:00:00.0000000"


def moment(step: str = "forward", *, changed: str = CHANGED, options: dict[str, Any] | None = None, **rows: Any) -> Situation:
    """A finished set-up whose rule was changed at a time."""
    known = {"recipients": PEOPLE, **standing(rules=[rule(WhenChanged=changed)]), **rows}
    return case(step, options={**USERS, **SENDERS, **(options or {})}, **known)


def planned(situation: Situation) -> dict[str, Any]:
    return mail.mail_plan(situation, plan(situation))


@pytest.mark.parametrize(
    ("changed", "moved", "since"),
    [
        (CHANGED, "", None),  # four hours ago: the probes alone
        ("2026-03-01T18:00:00", "", None),  # nothing is known to have changed: the probes alone
        (CHANGED, "2026-03-01T11:30:00Z", "2026-03-01T11:30:00Z"),
        ("2026-03-01T11:45:00", "2026-03-01T11:30:00Z", "2026-03-01T11:45:00Z"),
        ("2026-03-01T18:00:00", "2026-03-01T11:30:00Z", "2026-03-01T11:30:00Z"),  # another zone's time
        (CHANGED, NOW, ""),  # just now: from the wait's own start
        (CHANGED, "<now>", ""),
    ],
)
def test_a_membership_is_waited_for_from_the_latest_change(changed: str, moved: str, since: str | None) -> None:
    found = mail.waits(moment(changed=changed), moved, [{"recipient": "a"}], "the membership to act")
    assert [(one["since"], one["seconds"]) for one in found] == [("", 0) if since is None else (since, 3600)]
    assert [(one["probes"], one["patient"]) for one in found] == [([{"recipient": "a"}], True)], "a time that is over proves nothing"
    assert (mail.waits(moment(changed=changed), moved, [], "nobody to probe") == []) == (since is None)


def test_probes_of_a_membership_go_to_some_users_and_to_all_where_asked() -> None:
    situation = moment("cutover", options={"probe_sample": 1})
    users = check(situation.inputs, situation.snapshot)
    (one,) = mail.membership(situation, users, back=False)
    assert (one["origin"], one["recipient"], one["place"], one["sender"]) == ("tenant", "anna@example.com", "tenant", "probe@example.com")
    every = moment("rollback", options={"probe_sample": 0})
    assert [probe["place"] for probe in mail.membership(every, check(every.inputs, every.snapshot), back=True)] == ["source", "source"]


LISTED = {"source.csv": "address,kind,owner,home\n" + "".join(f"{name}@example.com,mailbox,,source\n" for name in ("anna", "bert", "carl"))}


@pytest.mark.parametrize(
    ("changed", "more", "wanted"),
    [
        ("2026-03-01T11:45:00", {}, ["carl@example.com"]),
        ("2026-03-01T08:00:00", {}, []),  # acts since longer than the longest wait: it needs no proof any more
        ("2026-03-01T18:00:00", {}, ["carl@example.com"]),  # another zone's time tells nothing
        ("2026-03-01T11:45:00", {"rules": [rule(WhenChanged="2026-03-01T11:45:00", State="Disabled")]}, []),
        ("2026-03-01T11:45:00", {"recipients": PEOPLE}, []),  # nobody stays who could tell
        ("2026-03-01T11:45:00", {"members": [mailbox("carl@example.com")]}, []),
    ],
)
def test_a_young_rule_is_shown_to_act_by_somebody_who_stays(changed: str, more: dict[str, Any], wanted: list[str]) -> None:
    everybody = [*PEOPLE, mailbox("carl@example.com"), mailbox("dora@example.com")]  # dora is in no list of the source
    situation = moment("cutover", changed=changed, files=LISTED, **{"recipients": everybody, **more})
    users = check(situation.inputs, situation.snapshot)
    found = mail.staying(situation, users)
    assert [one["recipient"] for one in found] == wanted
    assert all((one["origin"], one["place"]) == ("tenant", "source") for one in found)
    reasons = [wait["for"] for wait in mail.effect(situation, "", users, back=False)]
    assert reasons == [*(["the rules to act"] if wanted else []), "the membership to act"], "until then the wave's own probes show nothing"
    for nobody_moves in (mail.effect(situation, "", users, back=True), mail.effect(situation, "", [], back=False)):
        assert "the rules to act" not in [wait["for"] for wait in nobody_moves]


def test_a_probe_from_outside_has_another_sender_and_none_where_none_is_named() -> None:
    assert mail.sender(moment(), "internet", ANNA) == {"sender": "me@outside.example"}
    assert mail.sender(moment(options={"probe_sender": "", "probe_outside_sender": "None"}), "tenant", ANNA) == {}
    assert mail.sender(moment(options={"probe_outside_sender": ""}), "internet", ANNA) == {}


def test_of_several_senders_the_one_in_the_recipients_domain_is_taken() -> None:
    several = moment(options={"probe_sender": "probe@other.example, probe@example.com"})
    assert mail.sender(several, "tenant", ANNA) == {"sender": "probe@example.com"}
    assert mail.sender(several, "tenant", "x@third.example") == {"sender": "probe@other.example"}


def test_a_connector_is_not_validated_with_an_address_of_another_source() -> None:
    (source,) = moment(options={"validation_recipients": [ANNA]}).inputs.sources
    inputs = moment(options={"validation_recipients": [ANNA, "postmaster@vendor.example"]}).inputs
    other = replace(source, name="other", domains=("other.example",))
    both = replace(inputs, sources=(source, other))
    assert both.validated_by(both.sources[0]) == (ANNA, "postmaster@vendor.example")
    assert both.validated_by(other) == ("postmaster@vendor.example",)


def test_the_source_is_known_by_the_hosts_declared_and_by_those_of_our_connector() -> None:
    for declared, hosts in ((None, ["192.0.2.10"]), (["mail.old.example"], ["mail.old.example", "192.0.2.10"])):
        situation = moment("rollback", options={"smart_hosts": declared})
        assert mail.probe(situation, "internet", ANNA, "source")["smart_hosts"] == hosts


def test_the_way_out_is_probed_to_an_address_that_only_the_source_has() -> None:
    (named,) = mail.way_out(moment("setup", rules=[]))
    assert (named["recipient"], named["place"]) == ("postmaster@example.com", "source")
    (listed,) = mail.way_out(moment("setup", rules=[], options={"validation_recipients": None}))
    assert listed["recipient"] == "noobj@example.com"
    held = {"validation_recipients": ["anna@example.com"], "source_file": None}
    assert mail.way_out(moment("setup", rules=[], options=held)) == []
    assert mail.way_out(moment("setup")) == [], "a rule that acts is proof enough"


def test_stopped_rules_are_probed_by_an_address_that_nobody_has() -> None:
    (one,) = mail.stopped(moment("teardown"), frozenset())
    assert (one["recipient"], one["place"], one["avoid"]) == (f"{mail.NOBODY}@{SHARED}", "", "source")
    assert mail.stopped(moment("teardown", rules=[]), frozenset()) == []
    catching = moment("teardown", options={"foreign_unknown": "catch_all"})
    assert mail.stopped(catching, frozenset()) == [], "by its MX the source gets such mail without any rule"
    assert len(mail.stopped(catching, frozenset({SHARED}))) == 1


def test_forwards_lead_to_the_routing_address_by_the_host_that_keeps_them() -> None:
    hosted = {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}
    made = planned(moment("forward", options=hosted, members=PEOPLE))
    wanted = [{"address": f"{name}@example.com", "routing_address": f"{name}@{ROUTING}"} for name in ("anna", "bert")]
    assert made["forwards"] == wanted
    (way,) = made["ways"]
    assert (way["backend"], way["host"], way["state"]) == ("postfix", "mail.old.example", "on")
    assert way["forwards"] == [{**one, "keep_copy": False} for one in wanted]
    (bridge,) = planned(moment("forward", options={**hosted, "forward_keep_copy": True}, members=PEOPLE))["ways"]
    assert [one["keep_copy"] for one in bridge["forwards"]] == [True, True]
    assert [probe["place"] for wait in made["waits"] for probe in wait["probes"]] == ["tenant", "tenant"]
    back = planned(moment("unforward", options=hosted, members=PEOPLE))
    assert [(way["state"], len(way["forwards"])) for way in back["ways"]] == [("off", 2)]
    for step, place in (("forward", "tenant"), ("unforward", "source")):
        for moved, origin in ((frozenset(), "internet"), (frozenset({SHARED}), "source")):
            situation = moment(step, options=hosted, members=PEOPLE)
            (wait,) = mail.mail_plan(situation, plan(situation), moved)["waits"]
            met = {(one["origin"], one["place"], one["sender"]) for one in wait["probes"]}
            assert met == {(origin, place, "me@outside.example")}, "outside mail meets a forward only while the MX is at the source"
    assert [probe["place"] for wait in back["waits"] for probe in wait["probes"]] == ["source", "source"]
    bare = planned(moment("forward", members=PEOPLE))
    assert (bare["forwards"], bare["ways"], bare["waits"]) == (wanted, [], [])


def test_whoever_switches_forwards_off_nobody_leaves_before_probes_show_it() -> None:
    for backend in ("none", "csv", "postfix"):
        options = {"forwarding_backend": backend, "forwarding_host": "mail.old.example"}
        (wait,) = planned(moment("unforward", options=options, members=PEOPLE))["waits"]
        assert [(one["place"], one["recipient"]) for one in wait["probes"]] == [("source", one) for one in sorted(USERS["users"])]
        assert (wait["patient"], wait["remedy"]) == (backend == "postfix", mail.LOOK_AT_FORWARDS), "people's work is looked at once"


def test_a_host_is_asked_before_a_wave_is_written_and_read_back_before_one_returns() -> None:
    asked: dict[str, Any] = {}
    for backend in ("none", "csv", "postfix"):
        own = {"forwarding_backend": backend, "forwarding_host": "mail.old.example"}
        back = moment("unforward", options=own, members=PEOPLE)
        asked[backend] = [(way["state"], len(way["forwards"])) for one in planned(back)["asked"] for way in one["ways"]]
        ahead = planned(replace(back, check_mode=True))["asked"]
        assert bool(ahead) == (backend == "csv"), "a check run switches nothing; what somebody takes in shows as much as it will"
    assert asked == {"none": [], "csv": [("read", 2)], "postfix": [("read", 2)]}, "what a file's dump shows counts too"
    options = {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}
    ahead, later = (planned(moment(step, options=options, members=PEOPLE))["ways"] for step in ("cutover", "forward"))
    assert ahead == later, "what is asked before is what is switched later"
    nobody = {**options, "users": [*USERS["users"], "nobody@example.com"]}
    (way,) = planned(moment("cutover", options=nobody, members=PEOPLE))["ways"]
    assert [one["address"] for one in way["forwards"]] == sorted(USERS["users"])


def test_several_sources_are_read_back_in_one_run_of_the_role() -> None:
    """A second run of it would leave its results alone, and nothing would show the forwards of the first source."""
    second = "bert@other.example.net"
    own = {"old": {"forwarding_backend": "csv"}, "older": {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}}
    hosts = {"old": (SHARED, "192.0.2.10"), "older": ("other.example.net", "192.0.2.11")}
    sources = [{"name": name, "domains": [of], "smart_hosts": [host], **own[name]} for name, (of, host) in hosts.items()]
    options = {
        "sources": sources,
        "domains": [SHARED, "other.example.net"],
        "smart_hosts": [],
        "source_ip_ranges": [],
        "users": [ANNA, second],
    }
    people = [mailbox(ANNA), mailbox(second)]
    made = planned(moment("unforward", options=options, recipients=people, members=people))
    assert [[(way["name"], way["backend"], way["state"]) for way in one["ways"]] for one in made["asked"]] == [
        [("old", "csv", "read"), ("older", "postfix", "read")]
    ]


@pytest.mark.parametrize(
    ("backend", "outside", "words"),
    [
        ("postfix", "", "when the source shows that their forwards are off"),
        ("csv", "", "when a dump taken after the change shows it (source_forwarding_dump)"),
        ("csv", "me@outside.example", "(source_forwarding_dump) or probes from outside show that mail stays at the source"),
        ("google", "", "when you accept U8, since nothing can show it: coexistence_probe_outside_sender is empty"),
        ("none", "me@outside.example", "when probes from outside show that mail stays at the source"),
        ("none", "", "when you accept U8, since nothing can show it: coexistence_probe_outside_sender is empty"),
    ],
)
def test_the_time_plan_of_a_rollback_names_only_what_can_show_that_the_forwards_are_off(backend: str, outside: str, words: str) -> None:
    own = {"forwarding_backend": backend, "forwarding_host": "mail.old.example", "probe_outside_sender": outside}
    lines = mail.time_plan(moment("unforward", options=own, members=PEOPLE), 2, sorted(USERS["users"]), back=True)
    (line,) = [text for text in lines if "leave the group" in text]
    assert line.endswith(words)


@pytest.mark.parametrize(("backend", "probed"), [("postfix", 1), ("csv", 2), ("google", 2), ("none", 2)])
def test_each_user_who_goes_back_is_probed_where_no_role_reads_the_forwards(backend: str, probed: int) -> None:
    own = {"forwarding_backend": backend, "forwarding_host": "mail.old.example", "probe_sample": 1}
    (wait,) = planned(moment("unforward", options=own, members=PEOPLE))["waits"]
    assert [one["place"] for one in wait["probes"]] == ["source"] * probed


def test_forwards_that_somebody_takes_in_from_a_file_are_looked_at_once() -> None:
    (wait,) = planned(moment("forward", options={"forwarding_backend": "csv"}, members=PEOPLE))["waits"]
    assert (wait["patient"], wait["remedy"]) == (False, mail.LOOK_AT_FORWARDS)


@pytest.mark.parametrize(
    ("stops", "state", "waits"),
    [
        ({}, "Enabled", [("", 3600)]),
        ({"Coexistence": "2026-03-01T11:30:00Z"}, "Disabled", [("2026-03-01T11:30:00Z", 3600)]),
        ({"Coexistence": "2026-03-01T09:00:00Z"}, "Disabled", [("", 0)]),  # over: the probe alone
    ],
)
def test_a_teardown_waits_for_its_stop_and_probes_before_a_rule_goes(
    stops: dict[str, str], state: str, waits: list[tuple[str, int]]
) -> None:
    held = group(Line({SHARED: "Authoritative"}, stops=stops))
    made = planned(moment("teardown", groups=[held], rules=[rule(State=state, WhenChanged=CHANGED)]))
    assert [(one["since"], one["seconds"]) for one in made["waits"]] == waits
    assert all(one["probes"][0]["avoid"] == "source" for one in made["waits"])


def test_other_steps_ask_nothing_of_mail() -> None:
    for step in ("enforce", "remove", "dismantle", "status"):
        made = planned(moment(step, domains=DOMAINS))
        assert (made["forwards"], made["ways"], made["waits"]) == ([], [], [])
    assert mail.proof([], "nothing") == []


def test_the_time_plan_says_what_comes_when_in_both_directions() -> None:
    there, back = (mail.time_plan(moment("cutover"), 2, USERS["users"], back=way) for way in (False, True))
    assert there[0].endswith("2 users join the group")
    assert there[1].startswith("2026-03-01T13:00:00Z  the membership acts")
    assert "2026-03-01T16:00:00Z at the latest" in there[1], "time and probes share one bound"
    assert there[-1].startswith("last"), "the last sync comes after the forwards, whoever switches them"
    assert back[1].startswith("then")
    assert "2 users leave the group, when probes" in back[1]
    assert back[2].startswith("2026-03-01T13:00:00Z")
    late = mail.time_plan(moment("cutover"), 0, USERS["users"], back=False, since="2026-03-01T11:30:00Z")
    assert late[1].startswith("2026-03-01T12:30:00Z"), "a wait that goes on counts from where it began"


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("none", "2 forwards are yours to switch {} at the source (coexistence_forwarding_backend is none)"),
        ("postfix", "2 forwards are switched {} at the source, and probed from outside"),
        ("google", "2 forwards go into the file for google: have it taken in, then run again"),
    ],
)
def test_the_time_plan_says_who_switches_the_forwards(backend: str, words: str) -> None:
    case_ = moment("cutover", options={"forwarding_backend": backend, "forwarding_host": "mail.old.example"})
    for back in (False, True):
        lines = mail.time_plan(case_, 2, USERS["users"], back=back)
        assert [line for line in lines if line.endswith(words.format("off" if back else "on"))], lines
