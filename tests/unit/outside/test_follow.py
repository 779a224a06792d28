# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the trace's rows and their details say of a probe, as the service may show them: late, without events, filtered, by any host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _probing
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Failed, Reply, Row
from ansible_collections.mailops.exchange.plugins.module_utils._waiting import wait

NOW = "2026-03-01T12:00:00Z"
ANNA, HOST, NAME = "anna@example.com", "192.0.2.10", "mail.old.example"
TAKEN = {"stage": "accepted", "code": 250, "text": "taken", "accepted": True, "uncertain": False}


def event(name: str, detail: str = "", data: str = "") -> Row:
    return {"Event": name, "Detail": detail or f"it says {name}", "Date": "2026-03-01T12:00:00", "Data": data}


RECEIVE, SPAM = event("Receive"), event("Spam")
DELIVER, SEND, FAIL = event("Deliver"), event("Send external"), event("Fail", "550 no")
BY_CONNECTOR = event("Send external", data='<root><MEP Name="ConnectorName" String="Out"/></root>')
Looks = Sequence[Sequence[Row]]


@dataclass
class Service:
    """One row of the trace, whose detail grows from look to look; the last stays. mx, addresses: what DNS says, None for no answer."""

    row: Row | None
    details: Looks = ((),)
    mx: str = NAME
    addresses: Mapping[str, list[str]] | None = field(default_factory=lambda: {NAME: [HOST]})
    check_mode: bool = False
    asked: list[list[str]] = field(default_factory=list)
    looks: int = 0
    seconds: float = 0.0

    def call(self, cmdlet: Cmdlet) -> Reply:
        rows: list[Row] = []
        if cmdlet.name == "Get-MessageTraceV2" and self.row is not None:
            base = {"MessageTraceId": "1", "RecipientAddress": ANNA, "Received": "2026-03-01T12:00:00", "ToIP": None}
            # The service spells what it names with brackets, without, or in another case.
            rows = [{**base, "MessageId": str(named).strip("<>").upper(), **self.row} for named in cmdlet.parameters["MessageId"]]
        elif cmdlet.name == "Get-MessageTraceDetailV2":
            rows = [dict(one) for one in self.details[min(self.looks, len(self.details) - 1)]]
            self.looks += 1
        return Reply(rows, date=NOW)

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        return [self.call(one) for one in cmdlets]

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        raise AssertionError(f"a probe plans nothing: {noun} {identities} {rows}")

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if name == "pace":
            return {"wait": 0}
        if name == "account":
            return {"ready": True, "user": "probe@example.com"}
        if name == "smtp":
            return {**TAKEN, "host": parameters.get("host", "smtp.example")}
        domains = {one: {"error": "", "status": "found", "mx": [{"host": self.mx}]} for one in parameters.get("domains", ())}
        return {"domains": domains, "hosts": self._resolved(list(parameters.get("hosts", ())))}

    def _resolved(self, hosts: list[str]) -> dict[str, dict[str, Any]]:
        self.asked.append(hosts)
        if self.addresses is None and hosts:
            raise Failed("dnspython is not there", cmdlet="dns")
        known = {one: (self.addresses or {}).get(one, [one] if one[0].isdigit() else []) for one in hosts}
        return {one: {"addresses": found, "error": "" if found else "SERVFAIL"} for one, found in known.items()}

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Late(Service):
    """Every message is delivered, and the trace shows it so many seconds after the first was sent."""

    def __init__(self, late: float) -> None:
        super().__init__({"Status": "Delivered"}, [[RECEIVE, DELIVER]])
        self.late = late
        self.calls: Counter[str] = Counter()

    def now(self) -> float:
        return self.seconds

    def call(self, cmdlet: Cmdlet) -> Reply:
        self.calls[cmdlet.name] += 1
        reply = super().call(cmdlet)
        seen = cmdlet.name != "Get-MessageTraceV2" or self.seconds >= self.late
        rows = [{**row, "MessageTraceId": row["MessageId"]} if "MessageId" in row else row for row in reply.rows]
        return Reply(rows if seen else [], date=NOW)


class Seen(Late):
    """As a test system is: its mailbox shows every message at once, and the trace later."""

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"found": [{"address": ANNA, "place": "tenant"}]} if name == "mailbox" else super().tool(name, parameters)


def followed(service: Service, **options: Any) -> dict[str, Any]:
    """A probe by the trace alone, from inside the tenant unless told otherwise."""
    wanted = {"origin": "tenant", "sender": "probe@example.com", "recipient": ANNA, "smart_hosts": [HOST], "timeout": 60, "interval": 10}
    context = Context(service, sleep=service.sleep, monotonic=lambda: service.seconds)
    return _probing.mail_probe({**wanted, **options}, context)


def shown(found: Mapping[str, Any]) -> tuple[str, str, str]:
    return found["result"], found["place"], found["told_by"]


HERE, THERE, OUT = ("arrived", "tenant", "trace"), ("arrived", "source", "trace"), ("arrived", "", "trace")
FILTERED, NOWHERE = ("arrived", "tenant", "filter"), ("missing", "", "")
ROWS: list[tuple[str, Row, Looks, tuple[str, str, str]]] = [
    ("a mailbox took it", {"Status": "Delivered"}, [[RECEIVE, DELIVER]], HERE),
    ("the events come later than the status", {"Status": "Delivered"}, [[], [], [RECEIVE, DELIVER]], HERE),
    ("some of the events come later", {"Status": "Delivered"}, [[RECEIVE], [RECEIVE, BY_CONNECTOR]], THERE),
    ("no event ever comes", {"Status": "Delivered"}, [[]], NOWHERE),
    ("only that it was received", {"Status": "Delivered"}, [[RECEIVE]], NOWHERE),
    ("it left for the source, without events yet", {"Status": "Delivered", "ToIP": HOST}, [[]], THERE),
    ("it left for another host, without events yet", {"Status": "Delivered", "ToIP": "198.51.100.1"}, [[]], NOWHERE),
    ("it left for another host", {"Status": "Delivered", "ToIP": "198.51.100.1"}, [[SEND]], OUT),
    ("it left by a connector", {"Status": "Delivered", "ToIP": "198.51.100.1"}, [[BY_CONNECTOR]], THERE),
    ("junk in a mailbox", {"Status": "FilteredAsSpam"}, [[], [SPAM, DELIVER]], HERE),
    ("junk, wherever it lies", {"Status": "FilteredAsSpam"}, [[SPAM]], FILTERED),
    ("junk without any event", {"Status": "FilteredAsSpam"}, [[]], FILTERED),
    ("quarantine", {"Status": "Quarantined"}, [[RECEIVE, SPAM]], FILTERED),
    ("junk that left for the source", {"Status": "FilteredAsSpam", "ToIP": HOST}, [[SPAM]], THERE),
    ("junk that was rejected", {"Status": "FilteredAsSpam"}, [[SPAM, FAIL]], ("refused", "", "trace")),
    ("refused", {"Status": "Failed"}, [[FAIL]], ("refused", "", "trace")),
    ("refused by the source, by its MX perhaps", {"Status": "Failed", "ToIP": HOST}, [[FAIL]], ("refused", "", "trace")),
    ("refused by the source, by a connector", {"Status": "Failed", "ToIP": HOST}, [[BY_CONNECTOR, FAIL]], ("refused", "source", "trace")),
]


@pytest.mark.parametrize(("row", "details", "wanted"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS])
def test_what_a_row_of_the_trace_says(row: Row, details: Looks, wanted: tuple[str, str, str]) -> None:
    found = followed(Service(row, details))
    assert shown(found) == wanted, found["why"]
    assert found["why"]
    assert "\n" not in found["why"]


def test_a_detail_that_tells_the_end_is_read_once_and_one_that_does_not_again() -> None:
    late = Service({"Status": "Delivered"}, [[], [RECEIVE], [RECEIVE, SEND]])
    assert shown(followed(late)) == OUT
    assert late.looks == 3, "the same end is looked at twice, its detail is not"
    never = Service({"Status": "Delivered", "ToIP": "198.51.100.1"})
    why = followed(never, smart_hosts=[NAME], timeout=5)["why"]
    assert never.looks > 2
    assert "the detail does not tell where it went; it left for 198.51.100.1" in why


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        (HOST, THERE),
        (f"[{HOST}]", THERE),
        (f"{HOST}/32", THERE),
        ("192.0.2.0/28", THERE),
        ("192.0.2.16/28", OUT),
        ("no/network", OUT),
        (NAME, THERE),
        (f"{NAME.upper()}.", THERE),
        ("mail.another.example", OUT),
        ("198.51.100.1", OUT),
    ],
)
def test_the_source_is_known_by_name_address_or_network(host: str, wanted: tuple[str, str, str]) -> None:
    service = Service({"Status": "Delivered", "ToIP": HOST}, [[SEND]])
    found = followed(service, smart_hosts=[host])
    assert shown(found) == wanted
    assert (HOST in found["why"]) == (wanted == OUT), "a host that is not known is named"


@pytest.mark.parametrize(("addresses", "text"), [({}, f"{NAME} has no address (SERVFAIL)"), (None, "dnspython is not there")])
def test_a_host_whose_address_cannot_be_read_is_told_and_stops_nothing(addresses: dict[str, list[str]] | None, text: str) -> None:
    found = followed(Service({"Status": "Delivered", "ToIP": HOST}, [[SEND]], addresses=addresses), smart_hosts=[NAME])
    assert shown(found) == OUT
    assert f"whether {HOST} is the foreign system's is not known" in found["why"]
    assert text in found["why"]


def test_addresses_alone_need_no_name_server() -> None:
    service = Service({"Status": "Delivered", "ToIP": HOST}, [[SEND]], addresses=None)
    assert shown(followed(service)) == THERE
    assert service.asked == []


@pytest.mark.parametrize(
    ("hosts", "mx", "wanted"),
    [
        ([HOST], NAME, ("arrived", "source", "silence")),
        ([NAME], NAME, ("arrived", "source", "silence")),
        (["198.51.100.1"], NAME, NOWHERE),
        ([], NAME, NOWHERE),
        ([], "example-com.mail.protection.outlook.com", NOWHERE),
    ],
)
def test_what_a_host_keeps_is_at_the_source_only_where_it_is_known_as_its_host(
    hosts: list[str], mx: str, wanted: tuple[str, str, str]
) -> None:
    found = followed(Service(None, mx=mx), origin="internet", sender="me@outside.example", smart_hosts=hosts)
    assert shown(found) == wanted
    assert ("give smart_hosts" in found["why"]) == (not hosts and mx == NAME)


@pytest.mark.parametrize(
    ("origin", "late", "wanted", "seconds"),
    [
        ("source", 20, ("arrived", "tenant", "mailbox"), 31),
        ("source", 90, NOWHERE, 60),
        ("internet", 1, ("arrived", "tenant", "mailbox"), 2),
        ("internet", 90, ("arrived", "tenant", "mailbox"), 2),
        ("tenant", 90, ("arrived", "tenant", "mailbox"), 0),
    ],
)
def test_a_mailbox_may_show_it_before_the_trace_tells_its_way(
    origin: str, late: float, wanted: tuple[str, str, str], seconds: float
) -> None:
    service = Seen(late)
    found = followed(service, origin=origin, sender="me@example.com", mailbox_url="http://127.0.0.1:1/mailbox")
    assert shown(found) == wanted
    assert service.seconds <= seconds
    assert ("the trace does not tell whether by a forward" in found["why"]) == (wanted == NOWHERE)


def test_many_probes_share_one_reading_of_the_clock_and_of_the_trace_a_look() -> None:
    """Twelve that take five minutes to be seen ask no oftener than one alone, which keeps them within the trace's rate."""
    asked: dict[int, Counter[str]] = {}
    for many in (1, 12):
        service = Late(300)
        probes = [{"origin": "tenant", "recipient": f"user{number}@example.com", "place": "tenant"} for number in range(many)]
        context = Context(service, sleep=service.sleep, monotonic=service.now)
        done = wait({"reason": "them", "probes": probes, "interval": 10.0, "timeout": 600}, context)
        assert [one["told_by"] for one in done["probes"]] == ["trace"] * many
        assert service.seconds < 320
        asked[many] = service.calls
    trace, detail, clock = "Get-MessageTraceV2", "Get-MessageTraceDetailV2", "Get-OrganizationConfig"
    assert asked[12][trace] == asked[1][trace] <= 35
    assert (asked[1][detail], asked[12][detail]) == (1, 12)
    assert asked[12][clock] == asked[1][clock] + 11, "each notes when it began"
