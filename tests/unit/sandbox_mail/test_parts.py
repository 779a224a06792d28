# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts on their own: outcomes, what a foreign host knows, Postfix's files and log, letters and reports."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sandbox.mail.hoststate import Final, Forward, HostState
from sandbox.mail.letters import Failure, prepend, read, report, reported, without, write
from sandbox.mail.outcomes import ORDER, Copy, End, Place, outcome
from sandbox.mail.postfix_files import Ports, check, main_cf, maps, master_cf
from sandbox.mail.postfix_log import Log
from sandbox.mail.postfix_queue import ACTIVE, Branch, Envelope, envelope, files, held
from sandbox.mail.postfix_read import forwards, parameter, paths, table
from sandbox.mail.trace import Trace

SHARED = "shared.example"
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
PORTS = Ports("127.0.2.1:1", "127.0.2.1:2", "127.0.2.1:3", "127.0.0.30:4")


def place(system: str, reads: str, reader: str = "r", **more: Any) -> Place:
    """Make a place."""
    return Place(system, "node", "box", reader, reads, "t", **more)


@pytest.mark.parametrize(
    ("places", "ends", "live", "result"),
    [
        ([place("source", "source")], [], 0, "delivered"),
        ([place("tenant", "tenant")], [], 0, "delivered"),
        ([place("outside", "outside")], [], 0, "delivered"),
        ([place("source", "tenant")], [], 0, "healed"),
        ([place("source", "tenant", synced=True)], [], 0, "split"),
        ([place("tenant", "source", wave=True)], [], 0, "early"),
        ([place("tenant", "source")], [], 0, "split"),
        ([place("source", "tenant"), place("tenant", "tenant")], [], 0, "duplicate"),
        ([place("source", "tenant", synced=True), place("tenant", "tenant", synced=True)], [], 0, "delivered"),
        ([place("source", "source", "a"), place("tenant", "source", "b")], [], 0, "split"),
        ([place("source", "source"), place("source", "source")], [], 0, "duplicate"),
        ([place("tenant", "tenant"), place("tenant", "tenant")], [], 0, "duplicate"),
        ([place("outside", "outside"), place("outside", "outside")], [], 0, "duplicate"),
        ([place("source", "source", "a"), place("source", "source", "b")], [], 0, "delivered"),
        ([place("tenant", "source"), place("tenant", "source")], [], 0, "split"),
        ([place("tenant", "source", wave=True), place("tenant", "source", wave=True)], [], 0, "duplicate"),
        ([], ["bounced"], 0, "bounced"),
        ([], ["loop"], 0, "loop"),
        ([], ["lost"], 0, "lost"),
        ([], [], 0, "lost"),
        ([], [], 1, "delayed"),
        ([place("source", "source")], ["bounced"], 0, "bounced"),
        ([place("source", "source", "a")], ["loop"], 1, "loop"),
    ],
)
def test_outcomes(places: list[Place], ends: list[str], live: int, result: str) -> None:
    assert outcome(Copy("a@b", [], places, [End(name, "n", "", "", "t") for name in ends], live)) == result


def test_a_queue_elsewhere_counts_as_delay_and_every_outcome_has_its_rank() -> None:
    assert outcome(Copy("a@b"), queued=True) == "delayed"
    assert outcome(Copy("a@b", [], [place("source", "source")]), queued=True) == "delayed"
    assert outcome(Copy("a@b", [], [], [End("bounced", "n", "", "", "t")]), queued=True) == "bounced"
    assert len(ORDER) == len(set(ORDER)) == 9


def state(**modes: Any) -> HostState:
    """Make a host of shared.example."""
    found = HostState("host", ["192.0.2.10"], ["mx.source.example"], {SHARED})
    rows = [
        {"address": f"Stub@{SHARED}", "kind": "mailbox", "owner": "", "home": "source"},
        {"address": f"second@{SHARED}", "kind": "alias", "owner": f"stub@{SHARED}", "home": "source"},
        {"address": f"moved@{SHARED}", "kind": "forward", "owner": f"moved@{SHARED}", "home": "tenant"},
        {"address": f"room@{SHARED}", "kind": "resource", "owner": "", "home": "source"},
        {"address": f"all@{SHARED}", "kind": "list", "owner": "", "home": "source"},
        {"address": "x@elsewhere.example", "kind": "mailbox", "owner": "", "home": "source"},
    ]
    found.load(rows, "t.example")
    found.change({"modes": modes, "lists": {f"all@{SHARED}": [f"stub@{SHARED}", f"moved@{SHARED}"]}})
    return found


@pytest.mark.parametrize(
    ("address", "modes", "finals"),
    [
        ("stub", {}, ["mailbox stub"]),
        ("second", {}, ["mailbox stub"]),
        ("stub+x", {}, ["mailbox stub"]),
        ("room", {}, ["mailbox room"]),
        ("moved", {}, ["forward moved@t.example"]),
        ("moved+x", {}, ["forward moved+x@t.example"]),
        ("moved", {"keep_copy": True}, ["mailbox moved", "forward moved@t.example"]),
        ("moved", {"local_only": "all"}, ["mailbox moved"]),
        ("moved", {"local_only": True}, ["forward moved@t.example"]),
        ("all", {}, ["mailbox stub", "forward moved@t.example"]),
        ("nobody", {}, ["unknown nobody"]),
        ("nobody", {"unknown": "relay"}, ["relay nobody"]),
        ("nobody", {"unknown": "catch_all"}, ["mailbox catch-all"]),
    ],
)
def test_where_an_address_leads_at_the_foreign_host(address: str, modes: dict[str, Any], finals: list[str]) -> None:
    found = state(**modes).expand(f"{address}@{SHARED}", own=False)
    assert [f"{final.kind} {final.address}".removesuffix(f"@{SHARED}") for final in found] == finals


def test_what_starts_at_the_host_can_stay_there_and_other_domains_go_away() -> None:
    host = state(local_only="own")
    assert host.expand(f"moved@{SHARED}", own=True) == [Final("mailbox", f"moved@{SHARED}")]
    assert host.expand("a@out.example", own=True) == [Final("away", "a@out.example")]
    assert not host.knows("x@elsewhere.example")


def test_changes_of_a_host() -> None:
    host = state()
    host.change({"mailboxes": {"add": [f"New@{SHARED}"], "remove": [f"moved@{SHARED}"]}})
    host.change({"aliases": {"add": {f"n2@{SHARED}": f"new@{SHARED}"}, "remove": [f"second@{SHARED}"]}})
    host.change({"forwards": {f"n2@{SHARED}": {"to": "new@t.example", "keep": True}}})
    assert host.forwards == {f"new@{SHARED}": Forward("new@t.example", True)}
    assert not host.knows(f"second@{SHARED}")
    assert not host.knows(f"moved@{SHARED}")
    for wrong in ({"modes": {"unknown": "x"}}, {"modes": {"x": 1}}, {"forwards": {f"gone@{SHARED}": None}}):
        with pytest.raises(ValueError, match=r"x|gone"):
            host.change(wrong)


def test_postfix_maps_follow_the_modes() -> None:
    tenants = {"t.example": "127.0.1.1:25", SHARED: "127.0.1.1:25"}
    plain = maps(state(), PORTS, tenants, "127.0.1.1:25")
    assert plain["coexistence"] == f"moved@{SHARED} moved@t.example\n"
    assert f"second@{SHARED} stub@{SHARED}\n" in plain["aliases"]
    assert plain["transport"] == "t.example smtp:[127.0.1.1]:25\n"
    assert plain["senders"] == ""
    assert "moved" in maps(state(keep_copy=True), PORTS, tenants, "")["coexistence"].split(" ", 1)[1].split(",")[0]
    assert f"@{SHARED} catch-all@{SHARED}\n" in maps(state(unknown="catch_all"), PORTS, tenants, "")["aliases"]
    assert f"{SHARED} smtp:[127.0.1.1]:25\n" in maps(state(unknown="relay"), PORTS, tenants, "127.0.1.1:25")["transport"]
    assert maps(state(reject_own_domain=True), PORTS, tenants, "")["senders"].startswith(f"{SHARED} REJECT")


def test_postfix_configuration_follows_the_modes() -> None:
    place_ = Path("place")
    assert "virtual_mailbox_maps = texthash:place/mailboxes\n" in main_cf(place_, state(), PORTS)
    assert "virtual_mailbox_maps = \n" in main_cf(place_, state(unknown="relay"), PORTS)
    assert "smtpd_client_message_rate_limit = 7\n" in main_cf(place_, state(rate_limited=7), PORTS)
    assert "no_address_mappings" in main_cf(place_, state(local_only="all"), PORTS)
    assert "no_address_mappings" in master_cf(state(local_only="own"), PORTS)
    assert "smtpd_client_restrictions=defer" in master_cf(state(rate_limited=0), PORTS)
    with pytest.raises(ValueError, match="footer"):
        check(state(footer="x"))


def test_postfix_files_are_read_as_postfix_reads_them() -> None:
    text = "# x = y\nvirtual_alias_maps = texthash:/a/one,\n  hash:$config_directory/two, proxy:mysql:/x\nmyorigin = a\nmyorigin = b\n"
    assert paths(text, Path("/c")) == [Path("/a/one"), Path("/c/two")]
    assert parameter(text, "myorigin") == "b"
    assert parameter(text, "none") == ""
    entries = table("# note\n\nA@d.example\tx@t.example\na@d.example second@t.example\nb@d.example b@d.example,\n  B@T.example\nempty\n")
    assert entries == {"a@d.example": ["x@t.example"], "b@d.example": ["b@d.example", "b@t.example"]}
    found = forwards(["a@d.example", "b@d.example", "c@d.example"], [{"a@d.example": ["q@d.example"]}, entries], {"d.example"})
    assert found == {"b@d.example": Forward("b@t.example", True)}


def test_postfix_log(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    log = Log(path)
    log.read()
    assert log.queued == {}
    head = "Feb  3 04:05:06 host postfix"
    path.write_text(
        f"{head}/smtpd[1]: A1: client=unknown[127.0.0.9]\n{head}/cleanup[2]: A1: message-id=<m@x>\n{head}/qmgr[3]: A1: from=<s@x>, size=1\n"
        f"{head}/smtp[4]: A1: to=<new@t>, orig_to=<Old@d>, relay=x[1]:2, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)\n"
        f"{head}/smtpd[1]: NOQUEUE: reject: RCPT from unknown[127.0.0.9]: 550 5.1.1 <g@d>: User unknown; from=<s@x> to=<g@d> proto=ESMTP\n"
        f"{head}/pickup[5]: B2: uid=0 from=<root>\nhalf a li",
        encoding="utf-8",
    )
    log.read()
    assert (log.queued["A1"].client, log.queued["A1"].message_id, log.queued["A1"].sender) == ("127.0.0.9", "<m@x>", "s@x")
    assert log.queued["A1"].branches == {("old@d", "new@t"): ("sent", "2.0.0", "250 ok")}
    assert log.queued["A1"].recipients == ["old@d"]
    assert (log.queued["A1"].accepted, log.queued["A1"].removed, log.queued["A1"].expired) == (True, False, False)
    assert log.queued["B2"].client == "pickup"
    assert not log.queued["B2"].accepted
    assert (log.refusals[0].recipient, log.refusals[0].reply) == ("g@d", "550 5.1.1 <g@d>: User unknown")
    log.read()
    assert len(log.refusals) == 1
    later = "to=<b@t>, orig_to=<Old@d>, relay=none, delay=0.1, delays=0/0/0/0, dsn=4.4.1, status=deferred (connect)"
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"ne\n{head}/smtp[4]: A1: {later}\n{head}/qmgr[3]: A1: from=<s@x>, status=expired, returned to sender\n")
        stream.write(f"{head}/postsuper[9]: B2: removed\n{head}/qmgr[3]: A1: removed\n")
    log.read()
    found = log.queued["A1"]
    assert (found.pending("old@d", "new@t"), found.pending("old@d", "b@t"), found.pending("other@d", "c@t")) == (False, True, True)
    assert (found.recipients, found.expired, found.removed, log.queued["B2"].removed) == (["old@d"], True, True, False)


def record(kind: str, text: str) -> bytes:
    """Make one record of a queue file."""
    length, size = len(text.encode()), b""
    while True:
        size += bytes([length & 127 | (128 if length > 127 else 0)])
        length >>= 7
        if not length:
            return kind.encode() + size + text.encode()


def test_a_queue_file_tells_whom_it_still_serves(tmp_path: Path) -> None:
    rows = [("C", "x" * 300), ("A", "dsn_orig_rcpt=rfc822;All@d"), ("O", "all@d"), ("D", "done@t"), ("A", "dsn_orig_rcpt=rfc822;All@d")]
    rows += [
        ("O", "all@d"),
        ("R", "New@t"),
        ("O", "x@d"),
        ("R", "x@t"),
        ("R", "plain@d"),
        ("M", ""),
        ("N", "Subject: s"),
        ("N", "Message-ID:"),
    ]
    rows += [("L", " <i@"), ("N", "x>"), ("N", ""), ("N", "Message-ID: <body@x>"), ("X", ""), ("E", ""), ("R", "after@the.end")]
    content = b"".join(record(*row) for row in rows)
    found = envelope(content)
    assert found.message_id == "<i@x>"
    assert found.branches == [Branch("new@t", "all@d", "all@d"), Branch("x@t", "x@d", "x@d"), Branch("plain@d", "plain@d", "plain@d")]
    assert envelope(content[:330]) == Envelope()
    for name in ("active", "deferred/A"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "deferred" / "A" / "A1").write_bytes(content)
    (tmp_path / "active" / "B2").write_bytes(record("R", "b@d"))
    assert {name: len(one.branches) for name, one in held(tmp_path).items()} == {"A1": 3, "B2": 1}
    assert [path.name for path in files(tmp_path, ACTIVE)] == ["B2"]


def test_letters_lose_and_gain_headers() -> None:
    content = write([("X-A", "1"), ("Message-ID", "<i@x>"), ("X-Long", "a\r\n b")], "body\nline")
    assert read(without(content, ["x-a", "x-long"])).headers == (("Message-ID", "<i@x>"),)
    assert read(prepend(content, [("X-Top", "t")])).headers[0] == ("X-Top", "t")
    assert read(content).body.rstrip("\n") == "body\nline"
    assert without(content, []) == content


def test_a_report_tells_what_it_is_about() -> None:
    original = read(write([("Message-ID", "<i@x>"), ("Subject", "s"), ("From", "a@x")], "b"))
    content = report(
        "mx.example", "a@x", [Failure("new@t", "old@d", "5.1.1", "no such user"), Failure("b@t", "b@t", "5.7.1", "no")], original, NOW, 1
    )
    assert read(content).kind == "ndr"
    about, failures = reported(content)
    assert about == "<i@x>"
    assert [(failure.asked, failure.status) for failure in failures] == [("old@d", "5.1.1"), ("b@t", "5.7.1")]
    assert reported(write([("Subject", "x")], "b")) == ("", [])


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ([("Content-Type", "text/plain")], "mail"),
        ([("Content-Type", "text/calendar; method=REQUEST")], "calendar"),
        ([("Auto-Submitted", "auto-replied (vacation)")], "oof"),
        ([("X-MS-Journal-Report", "")], "journal"),
        ([("Content-Type", 'multipart/report; report-type="delivery-status"')], "ndr"),
    ],
)
def test_kinds_of_letters(headers: list[tuple[str, str]], kind: str) -> None:
    assert read(write(headers, "x")).kind == kind


def test_a_trace_goes_on_from_the_row_that_was_last() -> None:
    trace = Trace("00000000-0000-0000-0000-000000000001")
    for number in range(4):
        trace.open("<i@x>", 1, "s@x", f"r{number}@x", "s", 1, "192.0.2.1", NOW)
    window = {"StartDate": "2026-02-03T00:00:00Z", "EndDate": "2026-02-03T04:05:06Z"}
    rows, warnings = trace.read({**window, "StartingRecipientAddress": "R2@x", "ResultSize": 2}, NOW, 100)
    assert [row["RecipientAddress"] for row in rows] == ["r2@x", "r3@x"]
    assert warnings == []
    rows, warnings = trace.read({**window, "ResultSize": 2}, NOW, 100)
    assert [row["RecipientAddress"] for row in rows] == ["r0@x", "r1@x"]
    assert len(warnings) == 1
