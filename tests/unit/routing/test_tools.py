# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools: one reading, guards before writes, nothing written in check mode, waiting by the service's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import forwarding, plan_info, wave
from ansible_collections.mailops.exchange.plugins.module_utils._foretell import check_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError, Refused
from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Exists,
    Failed,
    Forbidden,
    NotFound,
    Reply,
    Row,
    TimedOut,
)
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, parse_date
from ansible_collections.mailops.exchange.plugins.module_utils._waiting import wait
from harness.coexistence import timeless

from .tenant import DOMAINS, GROUP, NOW, OPTIONS, ROUTING, group, mailbox, standing

PEOPLE = [mailbox(f"{name}@example.com") for name in ("anna", "bert", "cleo")]


@dataclass
class Tenant:
    """Answers reads from rows by noun, applies membership, and keeps its own clock."""

    rows: dict[str, list[Row]]
    check_mode: bool = False
    now: str = NOW
    sent: list[Cmdlet] = field(default_factory=list)
    trips: int = 0
    overlays: list[tuple[str, list[str], list[Row]]] = field(default_factory=list)
    errors: dict[str, ExchangeError] = field(default_factory=dict)

    def call(self, cmdlet: Cmdlet) -> Reply:
        (answer,) = self.call_many([cmdlet])
        if isinstance(answer, ExchangeError):
            raise answer
        return answer

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        self.trips += 1
        return [self._answer(cmdlet) for cmdlet in cmdlets]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        assert self.check_mode
        self.overlays.append((noun, list(identities), list(rows)))

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise Failed("this tenant asks nothing outside", cmdlet=name)

    def _answer(self, cmdlet: Cmdlet) -> Reply | ExchangeError:
        assert cmdlet.reads or not self.check_mode
        self.sent.append(cmdlet)
        who = str(cmdlet.parameters.get("Member", cmdlet.name))
        if who in self.errors:
            return self.errors[who]
        if not cmdlet.reads:
            return self._write(cmdlet)
        rows = self.rows.get(cmdlet.noun, [])
        asked = cmdlet.parameters.get("Identity")
        if asked and cmdlet.noun == "DistributionGroup":
            rows = [row for row in rows if fold(asked) in {fold(row["Name"]), fold(row["PrimarySmtpAddress"])}]
            if not rows:
                return NotFound("no such group")
        return Reply([dict(row) for row in rows], date=self.now)

    def _write(self, cmdlet: Cmdlet) -> Reply | ExchangeError:
        if cmdlet.noun == "DistributionGroup":
            self.rows["DistributionGroup"][0]["Description"] = [cmdlet.parameters["Description"]]
            return Reply(date=self.now)
        members = self.rows["DistributionGroupMember"]
        address = cmdlet.parameters["Member"]
        inside = [row for row in members if row["PrimarySmtpAddress"] == address]
        if cmdlet.verb == "Add":
            if inside:
                return Exists("a member already")
            members.extend(row for row in PEOPLE if row["PrimarySmtpAddress"] == address)
        else:
            members[:] = [row for row in members if row not in inside]
        return Reply(date=self.now)

    @property
    def writes(self) -> list[tuple[str, Any]]:
        return [(call.name, call.parameters.get("Member")) for call in self.sent if not call.reads]


# The note in the group that a wave begins with.
NOTED = ("Set-DistributionGroup", None)


def tenant(members: Sequence[Row] = (), *, check_mode: bool = False, **more: Any) -> Tenant:
    """A finished set-up with three people."""
    rows = standing(**more)
    nouns = {
        "AcceptedDomain": list(DOMAINS),
        "OutboundConnector": rows["connectors"],
        "TransportRule": rows["rules"],
        "DistributionGroup": rows["groups"],
        "DistributionGroupMember": list(members),
        "Recipient": PEOPLE,
        "OrganizationConfig": [{"Name": "contoso"}],
    }
    return Tenant(nouns, check_mode)


def context(session: Tenant, **more: Any) -> Context:
    """A context that never really sleeps."""
    return Context(session, check_mode=session.check_mode, sleep=lambda _seconds: None, **{"patience": 0.0, **more})


def options(**more: Any) -> dict[str, Any]:
    """Options of a tool."""
    return {**OPTIONS, "source_file": None, "state": "moved", **more}


def test_a_wave_moves_in_one_go_and_a_second_run_writes_nothing() -> None:
    session = tenant()
    first = wave(options(users=["anna@example.com", "bert@example.com"]), context(session))
    assert first["changed"] is True
    # One reading, one for what the group notes by now, the note with a look before and after it, the writes, a look at the result.
    assert session.trips == 7
    assert session.writes == [
        NOTED,
        ("Add-DistributionGroupMember", "anna@example.com"),
        ("Add-DistributionGroupMember", "bert@example.com"),
    ]
    assert first["counts"] == {"moved": 2, "kept": 0, "refused": 0}
    assert first["moved"][0] == {"user": "anna@example.com", "routing_address": f"anna@{ROUTING}"}
    assert first["diff"]["after"]["members"] == ["anna@example.com", "bert@example.com"]
    second = wave(options(users=["anna@example.com", "bert@example.com"]), context(session))
    assert (second["changed"], second["calls"], second["counts"]["kept"]) == (False, [], 2)


def test_a_rollback_undoes_a_wave() -> None:
    session = tenant(PEOPLE[:2])
    with pytest.raises(Refused, match="nothing shows that the forwards of 1 users are off"):
        wave(options(users=["anna@example.com"], state="returned"), context(session))
    assert session.writes == []
    back = wave(options(users=["anna@example.com"], state="returned", forwards=[]), context(session))
    assert session.writes == [NOTED, ("Remove-DistributionGroupMember", "anna@example.com")]
    assert back["diff"]["after"]["members"] == ["bert@example.com"]


def test_one_refused_user_refuses_the_wave_and_accepting_moves_the_rest() -> None:
    users = ["anna@example.com", "gone@example.com"]
    session = tenant()
    with pytest.raises(Refused) as caught:
        wave(options(users=users), context(session))
    assert session.writes == []
    assert [one["user"] for one in caught.value.details["refused"]] == ["gone@example.com"]
    heard: list[str] = []
    done = wave(options(users=users, accept_risks=["U7"]), context(session, warn=heard.append))
    assert session.writes == [NOTED, ("Add-DistributionGroupMember", "anna@example.com")]
    assert [one["user"] for one in done["refused"]] == ["gone@example.com"]
    assert done["accepted"] == ["U7"]
    assert any(line.startswith("accepted: U7 gone@example.com") for line in heard)


def test_check_mode_says_the_same_calls_and_writes_nothing() -> None:
    dry, real = tenant(PEOPLE[2:], check_mode=True), tenant(PEOPLE[2:])
    users = ["anna@example.com", "cleo@example.com"]
    announced, made = (wave(options(users=users), context(session))["calls"] for session in (dry, real))
    assert timeless(announced) == timeless(made)
    assert dry.writes == []
    noted, (noun, identities, rows) = dry.overlays[0], dry.overlays[-1]
    assert noted[0] == "DistributionGroup"
    assert (noun, identities[0]) == ("DistributionGroupMember", GROUP)
    assert [row["PrimarySmtpAddress"] for row in rows] == ["cleo@example.com", "anna@example.com"]


def test_a_user_who_was_added_meanwhile_is_no_error_and_another_failure_names_its_reason() -> None:
    session = tenant()
    session.errors = {"anna@example.com": Forbidden("not yours", cmdlet="Add-DistributionGroupMember")}
    with pytest.raises(Failed) as caught:
        wave(options(users=["anna@example.com", "bert@example.com"]), context(session))
    assert "1 of 2 changes" in str(caught.value)
    assert "anna@example.com" in str(caught.value)
    assert "not yours" in str(caught.value)
    assert [call["parameters"].get("Member") for call in caught.value.made] == [None, "bert@example.com"]


def test_a_write_whose_answer_was_lost_is_settled_by_looking() -> None:
    session = tenant()

    class Lost(Tenant):
        def _write(self, cmdlet: Cmdlet) -> Reply | ExchangeError:
            answer = super()._write(cmdlet)
            return answer if isinstance(answer, Exists) else Failed("connection lost", uncertain=True)

    lost = Lost(session.rows)
    made = wave(options(users=["anna@example.com"]), context(lost, patience=60.0))
    assert [call["parameters"].get("Member") for call in made["calls"]] == [None, "anna@example.com"]


def test_a_read_that_failed_is_never_taken_for_absent() -> None:
    for name in ("Get-TransportRule", "Get-Recipient", "Get-DistributionGroup"):
        session = tenant()
        session.errors = {name: Forbidden("no role", cmdlet=name)}
        with pytest.raises(Forbidden):
            plan_info({**options(), "step": "setup"}, context(session))


def test_a_refused_plan_returns_no_plan() -> None:
    with pytest.raises(Refused) as caught:
        plan_info({**options(), "step": "setup"}, context(tenant()))
    assert "plan" not in caught.value.details
    assert {finding["id"] for finding in caught.value.details["findings"] if finding["blocks"]} == {"U4"}
    assert caught.value.details["summary"]["refused"] == 1


def test_a_plan_hands_its_inputs_and_stops_to_the_next_step() -> None:
    session = tenant(connectors=[], rules=[], groups=[])
    first = plan_info({**options(), "step": "teardown"}, context(session))
    assert first["plan"]["declared"]["final"] == {"example.com": "Authoritative"}
    second = plan_info({"declared": first["plan"]["declared"], "step": "restored", "forwards": []}, context(session))
    assert [finding["blocks"] for finding in second["findings"]] == [False], "that the SPF record was not read is told"
    asked = plan_info({"declared": first["plan"]["declared"], "step": "dismantle"}, context(session))
    assert asked["plan"]["asked"] == [], "nothing keeps forwards that could be read"


def test_the_status_is_one_screen_and_reads_no_directory() -> None:
    session = tenant(PEOPLE[:1])
    shown = plan_info({**options(), "step": "status"}, context(session))
    text = "\n".join(shown["screen"])
    assert "Coexistence: enabled, priority 0, changed 2026-03-01T08:00:00Z (4 h ago), surely acts since 2026-03-01T09:00:00Z" in text
    assert "1 members found" in text
    assert "Get-Recipient" not in {call.name for call in session.sent}
    assert session.trips == 1


def test_the_status_says_that_the_membership_may_not_act_yet() -> None:
    session = tenant(PEOPLE[:1], groups=[group(Line({"example.com": "Authoritative"}, moved="2026-03-01T11:30:00Z"))])
    text = "\n".join(plan_info({**options(), "step": "status"}, context(session))["screen"])
    assert "1 members found, changed at 2026-03-01T11:30:00Z, may need until 2026-03-01T12:30:00Z to act" in text


def test_the_status_says_of_the_policies_what_the_check_says_and_names_what_it_did_not_look_at() -> None:
    session = tenant(PEOPLE[:1])
    session.rows["OrganizationConfig"] = [{"Name": "contoso", "RejectDirectSend": True}]
    strange = "alone@example.com"
    session.rows["Recipient"] = [*PEOPLE, mailbox(strange)]
    status = plan_info({**options(), "step": "status"}, context(session))
    full = check_info({**options(), "step": "status"}, context(session))
    ids = [{one["id"] for one in found["findings"]} for found in (status, full)]
    assert "U15" in ids[0] & ids[1]
    assert ids[0] == ids[1]
    (told,) = [one for one in status["findings"] if one["id"] == "U28"]
    assert "not looked at" in told["why"]
    assert "mailops.exchange.check with coexistence_step=status" in told["remedy"]
    relay = plan_info({**options(foreign_unknown="relay"), "step": "status"}, context(session))
    (told,) = [one for one in relay["findings"] if one["id"] == "U32"]
    assert "mail to unknown addresses loops" in told["why"], "whom the tenant has was not read"


def test_a_plan_hears_of_a_host_that_is_off_and_names_a_row_that_is_none() -> None:
    def who(**more: Any) -> set[str]:
        with pytest.raises(Refused) as refused:
            plan_info({**options(**more), "step": "sources_off"}, context(tenant(PEOPLE[:1])))
        return {one["who"] for one in refused.value.details["findings"] if one["id"] == "U13"}

    assert who() == {"example.com", "the source"}
    assert who(known={"off": "source"}) == {"example.com"}
    session = tenant(PEOPLE[:1])
    with pytest.raises(InputError, match="has no address"):
        plan_info({**options(forwards=[{"on": False}]), "step": "sources_off"}, context(session))
    assert session.trips == 0


@dataclass
class Clock:
    """The service's time passes only while somebody sleeps, faster than ours by `rate`."""

    session: Tenant
    rate: float = 1.0
    slept: list[float] = field(default_factory=list)
    ours: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ours += seconds
        then = parse_date(NOW)
        assert then is not None
        self.session.now = then.fromtimestamp(then.timestamp() + self.ours * self.rate, tz=then.tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")

    def context(self) -> Context:
        return Context(self.session, sleep=self.sleep, monotonic=lambda: self.ours)


WAIT = {"since": "", "seconds": 3600, "reason": "a rule", "interval": 60.0, "timeout": 14400}


# The clock shows whole seconds, so that an hour is over for sure when it shows a second more.
@pytest.mark.parametrize(
    ("since", "rate", "slept"), [("", 1.0, 3601), ("", 1000.0, 60), ("2026-03-01T11:30:00Z", 1.0, 1801), ("2026-03-01T10:00:00Z", 1.0, 0)]
)
def test_a_wait_ends_by_the_services_clock(since: str, rate: float, slept: float) -> None:
    clock = Clock(tenant(), rate)
    done = wait({**WAIT, "since": since}, clock.context())
    assert sum(clock.slept) == slept
    assert done["changed"] is False


def test_a_clock_that_stands_still_ends_the_wait_with_a_reason() -> None:
    clock = Clock(tenant(), 0.0)
    with pytest.raises(TimedOut, match="waiting for 2026-03-01T13:00:00Z"):
        wait({**WAIT, "timeout": 120}, clock.context())


@pytest.mark.parametrize(("seconds", "timeout"), [(30, 10), (3600, 10), (3600, 100)])
def test_a_wait_lasts_no_longer_than_its_timeout_whatever_the_interval(seconds: int, timeout: int) -> None:
    clock = Clock(tenant())
    with pytest.raises(TimedOut):
        wait({**WAIT, "seconds": seconds, "timeout": timeout}, clock.context())
    assert clock.ours == timeout


def test_a_wait_is_announced_in_check_mode() -> None:
    session = tenant(check_mode=True)
    heard: list[str] = []
    done = wait(WAIT, context(session, progress=heard.append))
    assert done["announced"] is True
    assert session.sent == []
    assert heard == ["would wait 3600 s and make 0 probes for a rule; taken as passed"]


def test_a_forwarding_list_of_everyone_who_moved(tmp_path: Path) -> None:
    dest = tmp_path / "list.csv"
    session = tenant(PEOPLE[:2])
    made = forwarding(options(dest=str(dest)), context(session))
    assert made["changed"] is True
    assert dest.read_text() == f"address,routing_address\nanna@example.com,anna@{ROUTING}\nbert@example.com,bert@{ROUTING}\n" == made["csv"]
    assert forwarding(options(dest=str(dest)), context(session))["changed"] is False
    assert session.writes == []


def test_a_forwarding_list_names_whom_it_cannot_list(tmp_path: Path) -> None:
    session = tenant(PEOPLE[:2], check_mode=True)
    made = forwarding(options(users=["cleo@example.com", "gone@example.com"], dest=str(tmp_path / "x.csv")), context(session))
    assert [row["address"] for row in made["rows"]] == ["cleo@example.com"]
    assert [one["user"] for one in made["missing"]] == ["gone@example.com"]
    assert list(tmp_path.iterdir()) == []


def test_a_forwarding_list_needs_a_place_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        forwarding(options(dest=str(tmp_path / "no" / "list.csv")), context(tenant()))
