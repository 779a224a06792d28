# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen outside the tenant: who holds the MX and since when, what the trace means; and nothing is asked that no guard reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import wave
from ansible_collections.mailops.exchange.plugins.module_utils._observe import gather, to_note
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, MxChange
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import STEPS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Mx
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import NAMELESS
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Failed, Forbidden, Reply, Row
from unit.routing.tenant import CONNECTOR, DOMAINS, NOW, RULE, SHARED, case, connector, domain, group, mailbox, rule, standing, stranger
from unit.routing.test_tools import Tenant, options, tenant

AT_TENANT = "example-com.mail.protection.outlook.com"
AT_SOURCE = "mx.source.example"
WHERE = {AT_SOURCE: ["192.0.2.10"], AT_TENANT: ["203.0.113.1"], "gate.filter.example": ["198.51.100.7"]}
RELAYED = [domain(SHARED, "InternalRelay"), *(row for row in DOMAINS if row["Name"] != SHARED)]
STOPPED = {RULE: "2026-03-01T08:00:00Z"}
WAVE = {"users": ["anna@example.com"]}


def answer(*hosts: str, ttl: int = 3600, **more: Any) -> Row:
    """What one server says of the MX."""
    return {"status": "found", "ttl": ttl, "mx": [{"host": host, "preference": 10} for host in hosts], **more}


def about(*hosts: str, ttl: int = 3600, resolvers: Mapping[str, Row] | None = None, **more: Any) -> Row:
    """What the tool says of one domain."""
    records = {"spf": "v=spf1 ip4:192.0.2.10 include:spf.protection.outlook.com -all", "dmarc": None, "dkim": {"selector1": None}}
    kept = {"resolvers": dict(resolvers or {}), "authoritative": {}, "addresses": WHERE, "error": "", "errors": {}}
    return {**answer(*hosts, ttl=ttl), **kept, **records, **more}


@dataclass
class Outside:
    """A session that counts what it is asked."""

    rows: Mapping[str, Row] = field(default_factory=lambda: {SHARED: about(AT_SOURCE)})
    traced: Sequence[Row] = ()
    errors: Mapping[str, ExchangeError] = field(default_factory=dict)
    check_mode: bool = False
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if name == "pace":
            return {"wait": 0.0}
        self.asked.append((name, parameters))
        if name in self.errors:
            raise self.errors[name]
        hosts = {
            host: {"addresses": WHERE.get(host, [] if "." not in host or host[0].isalpha() else [host])} for host in parameters["hosts"]
        }
        return {"domains": {name: self.rows[name] for name in parameters["domains"]}, "hosts": hosts}

    def call(self, cmdlet: Cmdlet) -> Reply:
        self.asked.append((cmdlet.name, cmdlet.parameters))
        if cmdlet.name in self.errors:
            raise self.errors[cmdlet.name]
        failed = "Status" in cmdlet.parameters
        return Reply([dict(row) for row in self.traced if (row["Status"] == "Failed") == failed], date=NOW)

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        self.asked += [(cmdlet.name, cmdlet.parameters) for cmdlet in cmdlets]
        return [
            self.errors.get(cmdlet.name) or Reply([{"Domain": cmdlet.parameters["Domain"], "Status": "Enabled"}], date=NOW)
            for cmdlet in cmdlets
        ]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        raise AssertionError("a look lays nothing over")

    @property
    def names(self) -> list[str]:
        return [name for name, _parameters in self.asked]


def context(session: Outside) -> Context:
    return Context(session, check_mode=session.check_mode, warn=session.said.append, sleep=lambda _seconds: None)


def look(session: Outside, step: str = "mx", line: Line | None = None, **more: Any) -> tuple[Situation, Mx | None, Evidence]:
    """The situation, who holds the MX, and the evidence."""
    rows = {**standing(groups=[group(line)], domains=RELAYED), **more}
    situation = case(step, **rows)
    observed, evidence = gather(situation, context(session))
    return situation, observed.mx.get(SHARED), evidence


# Who holds the MX.
@pytest.mark.parametrize(
    ("hosts", "holder"),
    [
        ([AT_TENANT], "tenant"),
        (["example-com.abc.mx.microsoft"], "tenant"),
        ([AT_SOURCE], NAMELESS),
        (["192.0.2.10"], NAMELESS),
        (["gate.filter.example"], "gate.filter.example"),
        (["unknown.example"], "unknown.example"),
        (["."], "nobody (null MX)"),
    ],
)
def test_a_holder_is_the_tenant_a_source_by_name_or_address_or_the_host(hosts: list[str], holder: str) -> None:
    _case, mx, evidence = look(Outside({SHARED: about(*hosts)}))
    assert mx is not None
    assert mx.holder == holder
    assert mx.before == "", "no resolver shows another one"
    assert (SHARED in evidence.mx_changes) == (holder != NAMELESS)


def test_the_best_preference_counts_and_two_of_one_preference_are_both_asked() -> None:
    spare = about(AT_TENANT)
    spare["mx"] = [{"host": AT_TENANT, "preference": 10}, {"host": AT_SOURCE, "preference": 20}]
    assert look(Outside({SHARED: spare}), line=Line(mx={SHARED: "tenant 60 2026-02-01T00:00:00Z"}))[1] == Mx("tenant", beside=(NAMELESS,))
    assert look(Outside({SHARED: about(AT_SOURCE, AT_TENANT)}))[1] == Mx(NAMELESS, "tenant", beside=("tenant",))


@pytest.mark.parametrize(
    ("row", "word"),
    [({"error": "silent"}, "silent"), (about(status="nxdomain"), "no MX (nxdomain)"), (about(status="empty"), "no MX (empty)")],
)
def test_an_error_and_no_record_leave_the_holder_unknown_with_its_reason(row: Row, word: str) -> None:
    _case, mx, evidence = look(Outside({SHARED: row}))
    assert mx is None
    assert word in evidence.unread[f"mx {SHARED}"]
    assert evidence.mx_changes == {}


def test_a_keeper_that_cannot_ask_leaves_everything_missing() -> None:
    session = Outside(errors={"dns": Failed("no dnspython")})
    _case, mx, evidence = look(session)
    assert (mx, evidence.dns) == (None, {})
    assert {"mx example.com", "records example.com"} == set(evidence.unread)
    assert all("no dnspython" in why for why in evidence.unread.values())


# Changes, and what the line notes of them.
def test_an_mx_at_its_source_needs_no_note_and_one_that_moved_is_a_change_since_it_was_seen() -> None:
    situation, _mx, evidence = look(Outside())
    assert (evidence.mx_changes, to_note(situation, evidence, context(Outside()))) == ({}, {})
    situation, mx, evidence = look(Outside({SHARED: about(AT_TENANT, ttl=1800)}))
    assert mx == Mx("tenant"), "when it moved is not known, and no resolver shows the former one"
    assert evidence.mx_changes[SHARED].before == NAMELESS
    assert to_note(situation, evidence, context(Outside())) == {SHARED: f"tenant 1800 {NOW}"}
    checked = replace(situation, check_mode=True)
    assert to_note(checked, evidence, context(Outside())) == {SHARED: "tenant 1800 <now>"}


def test_a_noted_change_stays_as_it_is_and_a_newer_one_takes_its_place() -> None:
    noted = Line(mx={SHARED: "tenant 3600 2026-03-01T11:30:00Z"})
    situation, mx, evidence = look(Outside({SHARED: about(AT_TENANT)}), line=noted)
    assert mx == Mx("tenant", NAMELESS, "2026-03-01T12:30:00Z")
    assert to_note(situation, evidence, context(Outside())) == {}
    situation, mx, evidence = look(Outside(), line=noted)
    assert mx == Mx(NAMELESS)
    assert to_note(situation, evidence, context(Outside())) == {SHARED: f"{NAMELESS.replace(' ', '_')} 3600 {NOW}"}
    back = Line(mx={SHARED: f"{NAMELESS.replace(' ', '_')} 3600 2026-03-01T11:30:00Z"})
    assert look(Outside(), line=back)[1] == Mx(NAMELESS, "tenant", "2026-03-01T12:30:00Z")
    over = Line(mx={SHARED: "tenant 3600 2026-03-01T10:30:00Z"})
    assert look(Outside({SHARED: about(AT_TENANT)}), line=over)[1] == Mx("tenant")


def test_names_with_blanks_and_underscores_are_the_same_after_the_note() -> None:
    for holder in (NAMELESS, "nobody (null MX)", "my_host.example"):
        change = MxChange(NOW, 60, holder)
        assert MxChange.read(change.noted) is not None
    null = Line(mx={SHARED: MxChange("2026-02-01T00:00:00Z", 60, "nobody (null MX)").noted})
    assert not look(Outside({SHARED: about(".")}), line=null)[2].mx_changes[SHARED].fresh


def test_where_nothing_of_ours_was_there_to_see_it_nobody_is_said_to_have_held_it() -> None:
    situation, mx, evidence = look(Outside({SHARED: about(AT_TENANT)}), "setup", groups=[], rules=[], connectors=[])
    assert mx == Mx("tenant")
    assert evidence.mx_changes[SHARED].before == ""
    assert to_note(situation, evidence, context(Outside())) == {SHARED: f"tenant 3600 {NOW}"}


def test_a_note_of_check_mode_is_read_as_now() -> None:
    noted = Line(mx={SHARED: "tenant 3600 <now>"})
    assert look(Outside({SHARED: about(AT_TENANT)}), line=noted)[2].mx_changes[SHARED].at == NOW


def test_a_line_that_was_cut_is_left_alone_and_a_full_one_is_told() -> None:
    situation, _mx, evidence = look(
        Outside({SHARED: about(AT_TENANT)}), groups=[group(Description=["[mailops.exchange example.com] {cut"])]
    )
    assert to_note(situation, evidence, context(Outside())) == {}
    session = Outside()
    long = Line({SHARED: "x" * 800})
    situation, _mx, evidence = look(Outside({SHARED: about(AT_TENANT)}), line=long)
    assert to_note(situation, evidence, context(session)) == {}
    assert "no room" in session.said[0]


# The trace.
def row(recipient: str, status: str = "Delivered", at: str = "2026-03-01T07:00:00", id_: str = "<a@example.org>") -> Row:
    return {"MessageTraceId": f"{recipient}{at}{id_}", "MessageId": id_, "RecipientAddress": recipient, "Status": status, "Received": at}


PEOPLE = [mailbox("anna@example.com"), mailbox("bert@example.com"), mailbox("all@example.com", "MailUniversalDistributionGroup")]


def traced(step: str, *rows: Row, **more: Any) -> Evidence:
    known = {"members": PEOPLE[:1], "recipients": PEOPLE, "told": STOPPED, **more}
    return look(Outside(traced=rows), step, **{"rules": [], **known})[2]


def test_the_connector_carries_what_goes_to_people_who_are_not_moved() -> None:
    late = "2026-03-01T11:00:00"
    seen = traced(
        "dismantle",
        row("bert@example.com"),
        row("stub@example.com"),  # in the source list, without an object
        row("anna@example.com"),  # moved since
        row("all@example.com"),  # expanded before the rule looks
        row("caught@example.com"),  # nobody listed it, and the host took it
        row("nobody@example.com", "Failed"),
        row("bert@example.com", id_="<probe.1@example.com>"),
        row("bert@other.example"),
        row("nobody@example.com", at=late),  # the rules had stopped by then
        row("nobody@example.com", at=late, id_="<probe.2@example.com>"),
    )
    assert seen.trace is not None
    assert dict(seen.trace.connectors) == {CONNECTOR: 4}
    assert seen.trace.days == 2


@pytest.mark.parametrize(("mode", "counted"), [("reject", {CONNECTOR: 1}), ("catch_all", {CONNECTOR: 1}), ("relay", {})])
def test_what_the_host_took_for_an_unknown_address_counts_unless_it_relays_it_back(mode: str, counted: dict[str, int]) -> None:
    seen = traced("dismantle", row("caught@example.com"), options={"foreign_unknown": mode})
    assert seen.trace is not None
    assert dict(seen.trace.connectors) == counted


def test_what_left_after_the_rules_had_surely_stopped_counts_whoever_reads_it() -> None:
    late = "2026-03-01T11:00:00"
    rows = [row("anna@example.com", at=late), row("caught@example.com", at=late), row("bert@example.com", "Failed", at=late)]
    seen = traced("dismantle", *rows, options={"foreign_unknown": "relay"})
    assert seen.trace is not None
    assert dict(seen.trace.connectors) == {CONNECTOR: 2}


def test_unknown_addresses_are_those_that_neither_side_has() -> None:
    rows = [
        row("nobody@example.com", "Failed"),
        row("nobody+x@example.com", "Failed"),
        row("stub@example.com", "Failed"),
        row("ghost@example.com"),
    ]
    seen = traced("teardown", *rows, rules=[rule()])
    assert seen.trace is not None
    assert dict(seen.trace.unknown) == {SHARED: 3}


def test_the_trace_is_asked_by_the_hosts_of_our_connectors_in_one_window() -> None:
    session = Outside()
    look(session, "dismantle", rules=[], told=STOPPED)
    (asked,) = [parameters for name, parameters in session.asked if name == "Get-MessageTraceV2"]
    assert asked["ToIP"] == "192.0.2.10"
    assert (asked["StartDate"], asked["EndDate"]) == ("2026-02-27T12:00:01Z", "2026-03-01T12:00:01Z")


@pytest.mark.parametrize(
    ("session", "word"),
    [
        (Outside(errors={"Get-MessageTraceV2": Forbidden("no role")}), "no role"),
        (Outside(errors={"dns": Failed("silent")}), "silent"),
    ],
)
def test_a_trace_that_cannot_be_read_is_missing_with_its_reason(session: Outside, word: str) -> None:
    evidence = look(session, "dismantle", rules=[], told=STOPPED)[2]
    assert evidence.trace is None
    assert word in evidence.unread["trace"]


def test_a_host_whose_address_is_not_known_leaves_the_trace_missing() -> None:
    named = [connector(SmartHosts=["hidden.source.example"])]
    evidence = look(Outside(), "dismantle", rules=[], connectors=named, told=STOPPED, options={"smart_hosts": None})[2]
    assert evidence.trace is None
    assert "hidden.source.example" in evidence.unread["trace"]


# What is asked, and when.
DNS, IPV6, TRACE = "dns", "Get-IPv6StatusForAcceptedDomain", "Get-MessageTraceV2"
ASKED: Mapping[str, list[str]] = {
    "preflight": [DNS, IPV6],
    "setup": [DNS, IPV6],
    "enforce": [DNS],
    "cutover": [DNS],
    "forward": [DNS],
    "unforward": [DNS],
    "rollback": [DNS],
    "returned": [],
    "mx": [DNS],
    "mx_back": [DNS],
    "teardown": [DNS, TRACE, TRACE],
    "remove": [],
    "dismantle": [DNS, TRACE],
    "sources_off": [DNS],
    "restored": [DNS],
    "verify": [DNS],
    "reconcile": [DNS],
    "status": [DNS],
}


@pytest.mark.parametrize("step", STEPS)
def test_only_what_the_guards_of_a_step_read_is_asked_and_once(step: str) -> None:
    session = Outside()
    look(session, step, options=WAVE)
    assert session.names == ASKED[step]
    for name, parameters in session.asked:
        assert name != DNS or 0 < parameters["timeout"] <= 2, "a network without DNS costs little time"


@pytest.mark.parametrize("step", ["teardown", "dismantle"])
def test_a_second_run_asks_no_trace(step: str) -> None:
    session = Outside()
    look(session, step, domains=DOMAINS)
    assert TRACE not in session.names


def test_the_loop_free_order_reads_the_trace_before_the_rules_stop_and_not_after() -> None:
    for step, times in (("teardown", 1), ("remove", 0), ("dismantle", 0)):
        session = Outside()
        look(session, step, options={"teardown_order": "loop_free"})
        assert session.names.count(TRACE) == times


def test_nobody_asks_about_ipv6_where_nobody_is_known_by_an_address() -> None:
    session = Outside()
    look(session, "setup", options={"spam_handling": "none", "source_ip_ranges": None})
    assert IPV6 not in session.names
    evidence = look(Outside(errors={IPV6: Forbidden("no role")}), "setup")[2]
    assert (dict(evidence.ipv6), "no role" in evidence.unread[f"ipv6 {SHARED}"]) == ({}, True)
    assert look(Outside(), "setup")[2].ipv6 == {SHARED: True}


# A wave writes the line anyway.
class Seeing(Tenant):
    """A tenant whose MX has moved to it."""

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of name servers."""
        return Outside({SHARED: about(AT_TENANT)}).tool(name, parameters)


@pytest.mark.parametrize(("check_mode", "at"), [(False, NOW), (True, "<now>")])
def test_a_wave_notes_the_moved_mx_in_the_write_that_it_makes(check_mode: bool, at: str) -> None:
    known = tenant(rules=[rule(WhenChanged="2026-02-20T08:00:00")])
    session = Seeing(known.rows, check_mode)
    made = wave(options(users=WAVE["users"]), Context(session, check_mode=check_mode, sleep=lambda _seconds: None, patience=0.0))
    (noted,) = [call["parameters"]["Description"] for call in made["calls"] if call["cmdlet"] == "Set-DistributionGroup"]
    assert f'"mx":{{"{SHARED}":"tenant 3600 {at}"}}' in noted
    assert f'"moved":"{at}"' in noted
    again = wave(options(users=WAVE["users"]), Context(session, check_mode=check_mode, sleep=lambda _seconds: None, patience=0.0))
    assert again["changed"] is check_mode


@pytest.mark.parametrize("step", ["status", "verify", "reconcile"])
def test_a_report_asks_about_ipv6_where_somebody_is_known_by_an_address_now(step: str) -> None:
    by_rule = stranger("theirs", SenderIpRanges=["192.0.2.10"])
    for more in ({"rules": [rule(), by_rule]}, {"inbound": [{"Name": "in", "Enabled": True, "SenderIPAddresses": ["192.0.2.10"]}]}):
        session = Outside()
        evidence = look(session, step, options=WAVE, **more)[2]
        assert (session.names, evidence.ipv6) == ([DNS, IPV6], {SHARED: True})


def test_a_snapshot_asks_all_that_the_guards_of_a_later_step_read() -> None:
    session = Outside()
    look(session, "snapshot")
    assert session.names == [DNS, IPV6]
