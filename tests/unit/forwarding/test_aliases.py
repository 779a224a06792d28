# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's aliases: whoever takes in a file needs a line for each address; a mail system's own alias leads to the mailbox there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _mail_plan as mail
from unit.routing import tenant

from .bench import run

ANNA, BERT, INFO = "anna@example.com", "bert@example.com", "info@example.com"
ROUTING = tenant.ROUTING
LISTED = """address,kind,owner,home
anna@example.com,mailbox,,source
bert@example.com,mailbox,,source
info@example.com,alias,Anna@Example.com,source
anna+news@example.com,alias,anna@example.com,source
bert@other.example,alias,bert@example.com,source
carl@example.com,alias,carl.long@example.com,source
team@example.com,list,anna@example.com,source
"""


def ways(backend: str, *users: str, on: bool = True, listed: str = LISTED, **more: Any) -> list[dict[str, Any]]:
    """What a step asks of the source for users that move."""
    people = [tenant.mailbox(name) for name in (ANNA, BERT, INFO)]
    host = {} if backend in ("csv", "google") else {"forwarding_host": "mail.old.example"}
    options = {"users": list(users), "forwarding_backend": backend, **host, **more}
    case = tenant.case("forward", options=options, files={"source.csv": listed}, recipients=people, **tenant.standing())
    return mail.ways(case, mail.forwards(case), on=on)


def lines(way: dict[str, Any]) -> dict[str, str]:
    """Address and target of every row."""
    return {row["address"]: row["routing_address"] for row in way["forwards"]}


@pytest.mark.parametrize("backend", ["csv", "google"])
@pytest.mark.parametrize("on", [True, False])
def test_a_file_has_a_line_for_each_address_of_a_user_in_both_directions(backend: str, on: bool) -> None:
    (way,) = ways(backend, ANNA, BERT, on=on, forward_keep_copy=True)
    anna = f"anna@{ROUTING}"
    assert lines(way) == {ANNA: anna, BERT: f"bert@{ROUTING}", INFO: anna, "anna+news@example.com": anna}
    assert (way["state"], {row["keep_copy"] for row in way["forwards"]}) == ("on" if on else "off", {True})
    assert [row["address"] for row in way["forwards"]][:2] == [ANNA, BERT], "the mailboxes come first: some of the first are probed"


@pytest.mark.parametrize("backend", ["zimbra", "cpanel"])
def test_a_mail_system_is_given_the_mailboxes_alone(backend: str) -> None:
    (way,) = ways(backend, ANNA, BERT)
    assert sorted(lines(way)) == [ANNA, BERT]


@pytest.mark.parametrize("on", [True, False])
def test_postfix_is_told_the_aliases_and_whose_they_are_and_asked_back_for_mailboxes_alone(on: bool) -> None:
    (way,) = ways("postfix", ANNA, BERT, on=on)
    assert {row["address"]: row.get("owner") for row in way["forwards"]} == {
        ANNA: None,
        BERT: None,
        INFO: ANNA,
        "anna+news@example.com": ANNA,
    }
    assert lines(way)[INFO] == f"anna@{ROUTING}"
    assert (mail.read_back(way)["state"], sorted(lines(mail.read_back(way)))) == ("read", [ANNA, BERT])


def test_a_file_is_told_who_of_its_source_was_moved_before() -> None:
    people = [tenant.mailbox(name) for name in (ANNA, BERT, "room@example.com")]
    options = {"users": [ANNA], "forwarding_backend": "csv", "forwarding_host": "mail.old.example"}
    shown = {"recipients": people, "members": people, **tenant.standing()}
    case = tenant.case("forward", options=options, files={"source.csv": LISTED}, **shown)
    (on,), (off,) = (mail.ways(case, mail.forwards(case), on=way) for way in (True, False))
    assert (on["standing"], "standing" in off) == ([BERT], False), "not of the run, and the room is not at the source"
    (host,) = ways("postfix", ANNA)
    assert "standing" not in host


def test_an_address_that_is_named_itself_stands_once() -> None:
    read_there = LISTED.replace("Anna@Example.com,source", "Anna@Example.com,tenant")
    (way,) = ways("csv", ANNA, INFO, listed=read_there)
    assert [row["address"] for row in way["forwards"]] == [ANNA, INFO, "anna+news@example.com"]
    assert lines(way)[INFO] == f"info@{ROUTING}", "who has a mailbox in the tenant is no alias there"
    (alone,) = ways("csv", ANNA, INFO)
    assert lines(alone)[INFO] == f"anna@{ROUTING}", "as long as the list has it read by another, its mail is that one's"


def test_an_alias_in_another_sources_domain_is_that_sources_line() -> None:
    hosts: dict[str, Any] = {"smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]}
    first = {"name": "one", "domains": ["example.com"], **hosts}
    second = {"name": "two", "domains": ["other.example"], "smart_hosts": ["192.0.2.20"], "source_ip_ranges": ["192.0.2.20"]}
    whole: dict[str, Any] = {
        "domains": ["example.com", "other.example"],
        "sources": [first, second],
        "smart_hosts": None,
        "source_ip_ranges": None,
    }
    one, two = ways("csv", BERT, **whole)
    assert (lines(one), lines(two)) == ({BERT: f"bert@{ROUTING}"}, {"bert@other.example": f"bert@{ROUTING}"})
    second |= {"forwarding_backend": "postfix", "forwarding_host": "mail.old.example"}
    one, two = ways("csv", BERT, **whole)
    assert (one["backend"], two["backend"], lines(two)) == ("csv", "postfix", {"bert@other.example": f"bert@{ROUTING}"})
    second["forwarding_backend"] = "zimbra"
    (alone,) = ways("csv", BERT, **whole)
    assert alone["name"] == "one"


@pytest.mark.parametrize(("backend", "told"), [("postfix", True), ("zimbra", False), ("csv", False)])
def test_the_plan_names_the_aliases_of_a_postfix_host(backend: str, told: bool) -> None:
    people = [tenant.mailbox(name) for name in (ANNA, BERT, INFO)]
    options = {"users": [ANNA, BERT], "forwarding_backend": backend, "forwarding_host": "mail.old.example"}
    case = tenant.case("cutover", options=options, files={"source.csv": LISTED}, recipients=people, **tenant.standing())
    there, back = (mail.time_plan(case, 2, [ANNA, BERT], back=way) for way in (False, True))
    words = f"each alias that virtual_alias_maps do not lead on gets a line of its own: anna+news@example.com, {INFO}"
    assert any(line.endswith(words) for line in there) is told, there
    assert not any("virtual_alias_maps" in line for line in back)


def test_the_role_hands_on_whose_alias_a_row_is() -> None:
    (way,) = ways("postfix", ANNA)
    judged = run("forwarding_plan_info", way=way)
    assert not judged.get("failed"), judged
    (task,) = judged["plan"]["postfix"]
    assert {row["address"]: row.get("owner") for row in task["forwards"]} == {ANNA: None, INFO: ANNA, "anna+news@example.com": ANNA}
