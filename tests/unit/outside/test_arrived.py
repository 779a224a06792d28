# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reached the tenant mailboxes of a wave that goes back: what counts, from when it is read, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _arrived as arrived
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _objects as objects
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _traced as traced
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Situation
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Forbidden, Reply, Row
from unit.routing.tenant import NOW, ROUTING, case, group, mailbox, standing

ANNA, BERT = "anna@example.com", "bert@example.com"
PEOPLE = (mailbox(ANNA), mailbox(BERT))
MADE = "2026-02-27T12:00:00Z"


def moment(people: Sequence[Row] = PEOPLE, **more: Any) -> Situation:
    """A wave that goes back, two days after its group was made."""
    users = [str(row["PrimarySmtpAddress"]) for row in people]
    rows = {"groups": [group(WhenCreatedUTC=MADE)], "recipients": people, "members": people, **more}
    return case("unforward", options={"users": users}, **standing(**rows))


def row(recipient: str, at: str, number: int = 1, **more: Any) -> Row:
    """One row of the trace."""
    known = {"MessageId": f"<{number}@example>", "MessageTraceId": f"{number}-{recipient}", "RecipientAddress": recipient}
    return {**known, "Received": f"2026-02-28T{at}:00", "Status": "Delivered", "ToIP": None, **more}


@dataclass
class Tracing:
    """A session that answers the trace."""

    rows: Sequence[Row] = ()
    error: ExchangeError | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    check_mode: bool = True

    def tool(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The pace of the trace."""
        assert (name, parameters["key"]) == ("pace", "trace")
        return {"wait": 0.0}

    def call(self, cmdlet: Cmdlet) -> Reply:
        """One query."""
        self.asked.append(cmdlet.parameters)
        if self.error:
            raise self.error
        return Reply([one for one in self.rows if one["RecipientAddress"] in cmdlet.parameters["RecipientAddress"]], date=NOW)

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        """Nothing else is asked."""
        raise AssertionError(f"the trace alone is read, not {cmdlets}")

    def overlay(self, noun: str, identities: Sequence[str], rows: Sequence[Row]) -> None:
        """Nothing is planned."""
        raise AssertionError(f"a look lays nothing over {noun}: {identities} {rows}")


def look(session: Tracing, situation: Situation | None = None) -> dict[str, Any]:
    """By user what was found."""
    told = Context(session, check_mode=True, sleep=lambda _seconds: None, progress=session.shown.append)
    return {one["user"]: one for one in arrived.arrived(situation or moment(), told)}


COUNTED: list[tuple[str, list[Row], tuple[int, str, str]]] = [
    ("nothing", [], (0, "", "")),
    ("one", [row(ANNA, "08:00")], (1, "08:00", "08:00")),
    ("the first and the last of three", [row(ANNA, at, n) for n, at in enumerate(("09:30", "08:00", "11:00"))], (3, "08:00", "11:00")),
    ("one message to two addresses", [row(ANNA, "08:00"), row(f"anna@{ROUTING}", "08:01")], (1, "08:00", "08:00")),
    ("by the routing address", [row(f"Anna@{ROUTING}".lower(), "08:00")], (1, "08:00", "08:00")),
    ("junk", [row(ANNA, "08:00", Status="FilteredAsSpam")], (1, "08:00", "08:00")),
    ("quarantine", [row(ANNA, "08:00", Status="Quarantined")], (1, "08:00", "08:00")),
    ("what left for the source", [row(ANNA, "08:00", ToIP="192.0.2.10")], (0, "", "")),
    ("what failed", [row(ANNA, "08:00", Status="Failed")], (0, "", "")),
    ("our probes", [row(ANNA, "08:00", MessageId="<probe.1@example.com>")], (0, "", "")),
    ("mail to somebody else", [row("cleo@example.com", "08:00")], (0, "", "")),
]


@pytest.mark.parametrize(("rows", "expected"), [one[1:] for one in COUNTED], ids=[one[0] for one in COUNTED])
def test_what_counts_as_mail_that_reached_the_mailbox(rows: list[Row], expected: tuple[int, str, str]) -> None:
    session = Tracing(rows)
    found = look(session)
    count, first, last = expected
    span = [f"2026-02-28T{at}:00Z" if at else "" for at in (first, last)]
    assert found[ANNA] == {"user": ANNA, "count": count, "first": span[0], "last": span[1]}
    assert found[BERT]["count"] == 0
    assert session.shown[0].startswith(f"since {MADE}, {count} messages reached the tenant mailboxes of {min(count, 1)} of 2 users")
    assert session.shown[1:] == ([f"  {ANNA}: {count}, first {span[0]}, last {span[1]}"] if count else [])


def test_a_trace_that_cannot_be_read_is_not_known_and_never_zero() -> None:
    session = Tracing(error=Forbidden("no permission", cmdlet="Get-MessageTraceV2"))
    found = look(session)
    assert {one["count"] for one in found.values()} == {None}
    assert "no permission" in found[ANNA]["why"]
    (line,) = session.shown
    assert line.startswith(f"what reached the tenant mailboxes of 2 users since {MADE} is not known: ")


@pytest.mark.parametrize("members", [PEOPLE, PEOPLE[1:], []])
def test_who_is_back_already_is_asked_about_too(members: list[dict[str, Any]]) -> None:
    """Mail may have come until the end of their membership acted: the list of a run that is run again holds it."""
    found = look(Tracing([row(ANNA, "08:00")]), moment(members=members))
    assert {user: one["count"] for user, one in found.items()} == {ANNA: 1, BERT: 0}


@pytest.mark.parametrize(
    ("created", "days"),
    [({"WhenCreatedUTC": MADE}, 2), ({"WhenCreated": MADE}, 2), ({}, 90), ({"WhenCreatedUTC": "2020-01-01T00:00:00Z"}, 90)],
)
def test_the_trace_is_read_from_when_the_group_was_made_and_no_longer_than_it_is_kept(created: dict[str, Any], days: int) -> None:
    situation = moment(groups=[group(**created)])
    session = Tracing()
    look(session, situation)
    since, now = arrived.begun(situation), objects.clock(situation.snapshot)
    assert timedelta(days=days) - timedelta(minutes=6) <= now - since <= timedelta(days=days)
    assert len(session.asked) == (1 if days == 2 else 9)
    assert min(str(one["StartDate"]) for one in session.asked) == objects.stamp(since)


def test_many_users_are_asked_about_in_parts_and_too_many_are_not_known() -> None:
    many = [mailbox(f"user{number}@example.com") for number in range(120)]
    session = Tracing([row("user7@example.com", "08:00")])
    found = look(session, moment(many))
    assert (found["user7@example.com"]["count"], len(found), len(session.asked)) == (1, 120, 3)
    assert max(len(one["RecipientAddress"]) for one in session.asked) == arrived.ADDRESSES
    crowd = [mailbox(f"user{number}@example.com") for number in range(1700)]
    refused = Tracing()
    told = look(refused, moment(crowd, groups=[group()]))
    assert (refused.asked, {one["count"] for one in told.values()}) == ([], {None})
    assert f"more than {arrived.REQUESTS}" in refused.shown[0]


def test_lines_name_everybody_who_got_mail() -> None:
    found = [{"user": f"u{number}", "count": number, "first": "a", "last": "b"} for number in range(3)]
    assert traced.arrived_lines(found, "T")[0] == "since T, 3 messages reached the tenant mailboxes of 2 of 3 users: copy them back"
    assert len(traced.arrived_lines(found, "T")) == 3
