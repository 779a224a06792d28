# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cpanel_forwarding through main(): never twice, never beside an unmentioned mailbox, always read back."""

from __future__ import annotations

from typing import Any

import pytest

from .bench import ROUTING, Mailboxes, row


def forwarders(cpanel: Mailboxes, domain: str = "example.com") -> list[list[str]]:
    """A domain's forwarders."""
    found: list[list[str]] = cpanel.state["domains"][domain]["forwarders"]
    return sorted(found)


THEIRS = ["out@example.com", "a@elsewhere.example"]


def test_on_again_and_off(cpanel: Mailboxes) -> None:
    before = cpanel.state
    result = cpanel.done(row("user1"), row("user2", keep_copy=True))
    assert result["commands"][0]["command"][1:] == [
        "--user=acme",
        "--output=json",
        "Email",
        "add_forwarder",
        "domain=example.com",
        "email=user1@example.com",
        "fwdopt=fwd",
        f"fwdemail=user1@{ROUTING}",
    ]
    assert forwarders(cpanel) == [THEIRS, ["user1@example.com", f"user1@{ROUTING}"], ["user2@example.com", f"user2@{ROUTING}"]]
    again = cpanel.done(row("user1"), row("user2", keep_copy=True))
    assert (again["changed"], again["counts"]["unchanged"]) == (False, 2)
    assert cpanel.done(row("user1"), row("user2"), state="absent")["counts"]["switched_off"] == 2
    assert cpanel.state == before


def test_the_check_run_tells_what_the_run_does(cpanel: Mailboxes) -> None:
    for rows, state in (([row("user1")], "present"), ([row("user2", keep_copy=True)], "exact"), ([row("user2")], "absent")):
        before = cpanel.state
        check = cpanel.done(*rows, state=state, check=True)
        assert cpanel.state == before
        real = cpanel.done(*rows, state=state)
        assert real["changed"]
        for key in ("changed", "commands", "diff", "counts", "restore", "forwards"):
            assert check[key] == real[key], key


def test_restore_undoes_a_change(cpanel: Mailboxes) -> None:
    cpanel.done(row("user1"))
    before = forwarders(cpanel)
    result = cpanel.done(row("user2", keep_copy=True), state="exact")
    assert result["counts"] == {"switched_on": 1, "switched_off": 1, "changed": 0, "unchanged": 0}
    cpanel.restored(result)
    assert forwarders(cpanel) == before


def test_a_new_routing_address_replaces_the_old_one(cpanel: Mailboxes) -> None:
    cpanel.done(row("user1"))
    result = cpanel.done({"address": "user1@example.com", "routing_address": f"renamed@{ROUTING}"})
    assert [command["command"][4] for command in result["commands"]] == ["add_forwarder", "delete_forwarder"]
    assert forwarders(cpanel) == [THEIRS, ["user1@example.com", f"renamed@{ROUTING}"]]


def test_signs_of_an_address_are_encoded(cpanel: Mailboxes) -> None:
    cpanel.done({"address": "a+b&c@example.com", "routing_address": f"a+b@{ROUTING}"})
    assert ["a+b&c@example.com", f"a+b@{ROUTING}"] in forwarders(cpanel)
    cpanel.done({"address": "a+b&c@example.com", "routing_address": f"a+b@{ROUTING}"}, state="absent")
    assert forwarders(cpanel) == [THEIRS]


def test_mail_routing_is_made_local_when_that_is_asked_for(cpanel: Mailboxes) -> None:
    other = {"address": "a@other.example", "routing_address": f"a@{ROUTING}"}
    assert "mail routing is 'auto'" in cpanel.task(other)["msg"]
    checked = cpanel.done(other, set_local=True, check=True)
    real = cpanel.done(other, set_local=True)
    assert checked["commands"] == real["commands"]
    assert "set_always_accept" in real["commands"][0]["command"]
    assert cpanel.state["domains"]["other.example"]["mxcheck"] == "local"
    assert not cpanel.done(other, set_local=True)["changed"]


REFUSED: list[tuple[list[dict[str, Any]], dict[str, Any], str]] = [
    ([row("out")], {}, "is forwarded to a@elsewhere.example already"),
    ([row("user2")], {}, "has a mailbox here, which gets every message too"),
    ([row("user3", keep_copy=True)], {}, "is 97.5 % full"),
    ([{"address": "a@other.example", "routing_address": f"a@{ROUTING}"}], {}, "(S11)"),
    ([{"address": "a@third.example", "routing_address": f"a@{ROUTING}"}], {}, "You do not own the domain"),
    ([row("user1")], {"account": "nobody"}, "no answer of UAPI but 'Usage:"),
    ([{"address": "user1@example.com"}], {"state": "absent"}, "forwards of ours are not told from others"),
    ([], {"state": "exact", "routing_domain": ROUTING, "domains": ["example.com"]}, "would end every forward of ours"),
]


@pytest.mark.parametrize(("rows", "more", "said"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refused_with_nothing_written(cpanel: Mailboxes, rows: list[dict[str, Any]], more: dict[str, Any], said: str) -> None:
    before = cpanel.state
    result = cpanel.task(*rows, **more)
    assert said in result["msg"]
    assert "\n" not in result["msg"]
    assert (result["changed"], result["commands"], cpanel.state) == (False, [], before)


def test_the_refused_mailbox_names_the_variable_that_works_in_a_wave_and_by_itself(cpanel: Mailboxes) -> None:
    (said,) = cpanel.task(row("user2", keep_copy=False), keep_copy=True)["problems"]
    for name in ("keep_copy: true", "source_forwarding_keep_copy", "in a wave coexistence_forward_keep_copy", "delete the mailbox"):
        assert name in said


def test_risks_can_be_accepted(cpanel: Mailboxes) -> None:
    other = {"address": "a@other.example", "routing_address": f"a@{ROUTING}"}
    cpanel.done(row("out"), row("user3", keep_copy=True), other, accept_risks=["S3", "S9", "S11"])
    assert len(forwarders(cpanel)) == 3
    kept = row("user1")
    cpanel.done(kept, state="exact", routing_domain=ROUTING, domains=["example.com", "other.example"])
    assert (forwarders(cpanel), forwarders(cpanel, "other.example")) == ([THEIRS, list(kept.values())[:2]], [])


@pytest.mark.parametrize(
    ("deaf", "said"), [("add_forwarder", "shows no forward after add_forwarder"), ("delete_forwarder", "after delete")]
)
def test_what_does_not_read_back_ends_the_task(cpanel: Mailboxes, deaf: str, said: str) -> None:
    cpanel.done(row("user1"))
    cpanel.put({**cpanel.state, "deaf": [deaf]})
    result = cpanel.task({"address": "user1@example.com", "routing_address": f"renamed@{ROUTING}"})
    assert said in result["msg"].replace(f"user1@example.com shows user1@{ROUTING}", "shows no forward")
    assert ["user1@example.com", f"user1@{ROUTING}"] in forwarders(cpanel), "the old forward stays until the new one reads back"


def test_routing_that_stays_as_it_was_ends_the_task(cpanel: Mailboxes) -> None:
    cpanel.put({**cpanel.state, "deaf": ["set_always_accept"]})
    result = cpanel.task({"address": "a@other.example", "routing_address": f"a@{ROUTING}"}, set_local=True)
    assert "still reads 'auto'" in result["msg"]
    assert forwarders(cpanel, "other.example") == []


def test_a_forward_of_ours_to_a_former_routing_address_goes_off_too(cpanel: Mailboxes) -> None:
    before = cpanel.state
    cpanel.done({**row("user1"), "routing_address": f"former@{ROUTING}"})
    assert cpanel.done(row("user1"), state="absent")["counts"]["switched_off"] == 1
    assert cpanel.state == before
    assert not cpanel.done(row("user1"), state="absent")["changed"]
