# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the trace: whole windows, no row twice, within the rate; and the same through a sandbox that really routes mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _trace
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Failed, Reply, Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import parse_date
from ansible_collections.mailops.exchange.plugins.plugin_utils._tools.pace import Paces
from unit.modules.bench import Bench
from unit.sandbox_mail.flow import SHARED, Flow

NOW = datetime(2026, 3, 31, 12, tzinfo=timezone.utc)


def row(number: int, minutes: float, recipient: str = "a@example.com", status: str = "Delivered") -> Row:
    """A row received so many minutes ago."""
    return {
        "MessageTraceId": f"trace-{number}",
        "MessageId": f"<{number}@example.com>",
        "Received": (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.1234567"),
        "RecipientAddress": recipient,
        "Status": status,
    }


class Service:
    """Answers trace requests from rows, pages of `page` rows, each window's newest first; some rows come twice."""

    check_mode = False

    def __init__(self, rows: Sequence[Row] = (), page: int = 3, twice: bool = False) -> None:
        self.rows = sorted(sorted(rows, key=lambda one: str(one["RecipientAddress"])), key=lambda one: str(one["Received"]), reverse=True)
        self.page, self.twice = page, twice
        self.asked: list[Mapping[str, Any]] = []
        self.time = 0.0
        self.slept: list[float] = []
        self._paces = Paces(lambda: self.time)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert name == "pace"
        return dict(self._paces.run(parameters))

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        return [self.call(cmdlet) for cmdlet in cmdlets]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        raise AssertionError(noun)

    def call(self, cmdlet: Cmdlet) -> Reply:
        date = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
        if cmdlet.name != "Get-MessageTraceV2":
            return Reply([{"Event": "Send", "MessageTraceId": cmdlet.parameters.get("MessageTraceId")}], date=date)
        asked = cmdlet.parameters
        self.asked.append(asked)
        start, end = (str(asked[name]).replace("Z", "") for name in ("StartDate", "EndDate"))
        days = (parse_date(end) or NOW) - (parse_date(start) or NOW)
        assert days <= timedelta(days=10)
        after = asked.get("StartingRecipientAddress", "")
        held = [one for one in self.rows if start <= one["Received"] <= end]
        held = [one for one in held if one["Received"] != end or one["RecipientAddress"] >= after]
        chosen = held[: self.page]
        warnings = ["Weitere Ergebnisse: StartingRecipientAddress und EndDate"] if len(held) > self.page else []
        return Reply([*chosen, *(chosen[:1] if self.twice else [])], warnings, date)


def ask(service: Service, **params: Any) -> dict[str, Any]:
    heard: list[str] = []
    context = Context(service, warn=heard.append, sleep=service.sleep, monotonic=lambda: service.time)
    return {**_trace.trace_info(params, context), "heard": heard}


def test_windows_of_ten_days_newest_first() -> None:
    start = NOW - timedelta(days=25)
    found = list(_trace.windows(start, NOW))
    assert [(last - first).days for first, last in found] == [10, 10, 5]
    assert (found[0][1], found[-1][0]) == (NOW, start)
    assert all(later[0] == earlier[1] for later, earlier in pairwise(found))


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("page", [2, 3, 5])
def test_every_row_comes_once_over_pages_and_windows(page: int, twice: bool) -> None:
    rows = [row(number, number * 700) for number in range(40)]
    rows += [{**rows[7], "RecipientAddress": f"{name}@example.com"} for name in "bcd"]
    found = ask(Service(rows, page, twice), start=(NOW - timedelta(days=60)).isoformat(), limit=0)
    assert sorted(_trace.key_of(one) for one in found["rows"]) == sorted(_trace.key_of(one) for one in rows)
    assert (found["counts"]["rows"], found["counts"]["messages"], found["truncated"]) == (43, 40, False)
    assert sum(window["rows"] for window in found["windows"]) == 43
    assert found["heard"] == []


def test_many_recipients_in_the_same_instant_do_not_end_it_early() -> None:
    rows = [row(1, 5, f"r{number:02}@example.com") for number in range(9)]
    service = Service(rows, page=4)
    assert ask(service)["counts"]["rows"] == 9
    assert service.asked[1]["EndDate"].endswith(".1234567Z")


def test_a_service_that_repeats_itself_does_not_go_on_for_ever() -> None:
    class Stuck(Service):
        def call(self, cmdlet: Cmdlet) -> Reply:
            reply = super().call(cmdlet)
            return Reply(self.rows[:3], ["StartingRecipientAddress"], reply.date) if cmdlet.name == "Get-MessageTraceV2" else reply

    found = ask(Stuck([row(number, number) for number in range(5)]))
    assert found["truncated"]
    assert "the service repeats" in found["heard"][0]


def test_a_limit_keeps_the_newest_and_says_so() -> None:
    service = Service([row(number, number * 60) for number in range(20)])
    found = ask(service, limit=4)
    assert [one["MessageTraceId"] for one in found["rows"]] == [f"trace-{number}" for number in range(4)]
    assert (found["truncated"], found["requests"]) == (True, 2)
    assert "the limit of 4 rows" in found["heard"][0]


def test_the_rate_is_kept_by_waiting() -> None:
    service = Service([row(number, number * 5, status="Failed" if number % 2 else "Delivered") for number in range(240)], page=2)
    found = ask(service, limit=0)
    assert found["counts"]["by_status"] == {"Delivered": 120, "Failed": 120}
    assert found["requests"] > 200
    assert [round(seconds) for seconds in service.slept] == [305, 305]


def test_the_pace_is_shared_and_lets_go() -> None:
    now = [0.0]
    paces = Paces(lambda: now[0])
    asked = {"key": "trace", "limit": 2, "seconds": 10}
    assert [paces.run(asked)["wait"] for _unused in range(3)] == [0, 0, 10]
    assert paces.run({**asked, "key": "other"})["wait"] == 0
    now[0] = 4
    assert paces.run(asked)["wait"] == 6
    now[0] = 10
    assert [paces.run(asked)["wait"] for _unused in range(3)] == [0, 0, 10]


def test_only_what_the_service_still_has_is_asked_for() -> None:
    service = Service()
    found = ask(service, start="2020-01-01T00:00:00Z")
    assert "90 days" in found["heard"][0]
    oldest = min(parse_date(asked["StartDate"]) or NOW for asked in service.asked)
    assert timedelta(days=89) < NOW - oldest < timedelta(days=90)
    assert len(found["windows"]) == 9


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"start": "yesterday"}, "start: 'yesterday' is not a time"),
        ({"end": "never"}, "end: 'never' is not a time"),
        ({"start": "2026-03-30", "end": "2026-03-29"}, "is not before the end"),
        ({"start": "2027-01-01"}, "is not before the end"),
        ({"start": "2020-01-01", "end": "2020-01-09"}, "longer ago than the 90 days"),
    ],
)
def test_times_that_cannot_be(params: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(Service(), **params)
    assert text in str(caught.value)


def test_filters_are_the_cmdlets_own() -> None:
    service = Service()
    ask(service, sender=["a@example.com"], recipient=["*@example.com"], status=["Failed"], subject="probe", message_id=None)
    asked = service.asked[0]
    assert {name: asked[name] for name in ("SenderAddress", "RecipientAddress", "Status", "Subject", "SubjectFilterType")} == {
        "SenderAddress": ["a@example.com"],
        "RecipientAddress": ["*@example.com"],
        "Status": ["Failed"],
        "Subject": "probe",
        "SubjectFilterType": "Contains",
    }
    assert "MessageId" not in asked


class Detailed(Service):
    """Remembers what the detail is asked with."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows, page=50)
        self.details: list[Mapping[str, Any]] = []

    def call(self, cmdlet: Cmdlet) -> Reply:
        if cmdlet.name == "Get-MessageTraceDetailV2":
            self.details.append(cmdlet.parameters)
        return super().call(cmdlet)


def test_the_detail_is_asked_for_the_days_around_the_message_within_what_the_service_takes() -> None:
    old = NOW - timedelta(days=90) + timedelta(hours=2)
    service = Detailed([row(1, 3 * 24 * 60), row(2, 5), {**row(3, 0), "Received": old.strftime("%Y-%m-%dT%H:%M:%S")}])
    ask(service, detail=True, start=(NOW - timedelta(days=90)).isoformat())
    spans = {asked["MessageTraceId"]: (asked["StartDate"], asked["EndDate"]) for asked in service.details}
    assert spans == {
        "trace-1": ("2026-03-27T12:00:00Z", "2026-03-29T12:00:00Z"),
        "trace-2": ("2026-03-30T11:55:00Z", "2026-03-31T12:00:01Z"),
        "trace-3": ("2025-12-31T12:05:00Z", "2026-01-01T14:00:00Z"),
    }


def test_a_row_without_a_time_is_asked_about_without_one() -> None:
    service = Detailed([])
    tracer = _trace.Tracer(service, sleep=service.sleep)
    assert tracer.details([{**row(1, 0), "Received": None}])
    assert set(service.details[0]) == {"MessageTraceId", "RecipientAddress"}


def test_an_answer_without_a_time_is_an_error() -> None:
    with pytest.raises(Failed, match="bears no time"):
        _trace.now_of(Reply())


def test_values_of_an_event() -> None:
    event = {"Data": '<root><MEP Name="ConnectorName" String="Out &amp; in"/><MEP Name="Size" Integer="7"/></root>'}
    assert _trace.data_of(event) == {"ConnectorName": "Out & in", "Size": "7"}
    assert _trace.connector_of(event) == "Out & in"
    assert _trace.connector_of({"Data": None}) == ""


@pytest.fixture
def bench(flow: Flow) -> Any:
    """A session with the sandbox's tenant."""
    made = Bench(flow.sandbox)
    yield made
    made.close()


def test_against_the_sandbox(flow: Flow, bench: Bench) -> None:
    flow.coexist("migrated")
    flow.sandbox.parameters(trace_duplicates=True)
    flow.send("noobj", origin="tenant")
    flow.send("migrated", "stub", origin="tenant")
    flow.account()
    found = bench.done("message_trace_info", detail=True)
    assert found["counts"]["by_status"]["Delivered"] == found["counts"]["rows"]
    assert found["counts"]["by_connector"] == {"Out": 2}
    assert len({_trace.key_of(one) for one in found["rows"]}) == len(found["rows"])
    assert {event["Event"] for event in found["details"]} >= {"Receive", "Send external"}
    some = bench.done("message_trace_info", check=True, recipient=[f"*@{SHARED}"], message_id=[found["rows"][0]["MessageId"]])
    assert 0 < some["counts"]["rows"] <= 2
    assert (some["changed"], some["calls"]) == (False, [])
    assert bench.writes() == []
