# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zimbra_forwarding through main(): the orders that lose nothing, what is refused, what is read back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _forwarding_accounts as parts

from .bench import ROUTING, Mailboxes, row

FORWARD, LOCAL = "zimbraMailForwardingAddress", "zimbraPrefMailLocalDeliveryDisabled"


def values(zimbra: Mailboxes, user: str) -> dict[str, list[str]]:
    """A user's attributes that say something."""
    found = zimbra.state["accounts"][f"{user}@example.com"]
    return {name: one for name, one in found.items() if name in (FORWARD, LOCAL) and one and one != ["FALSE"]}


@pytest.mark.parametrize("prompt", [False, True])
@pytest.mark.parametrize("stops", [False, True])
def test_on_again_and_off(zimbra: Mailboxes, prompt: bool, stops: bool) -> None:
    zimbra.put({**zimbra.state, "prompt": prompt, "stops": stops})
    result = zimbra.done(row("user1"), row("user2", keep_copy=True))
    assert result["counts"] == {"switched_on": 2, "switched_off": 0, "changed": 0, "unchanged": 0}
    assert [command["command"][1:] for command in result["commands"]] == [
        ["ma", "user1@example.com", f"+{FORWARD}", f"user1@{ROUTING}"],
        ["ma", "user2@example.com", f"+{FORWARD}", f"user2@{ROUTING}"],
        ["ma", "user1@example.com", LOCAL, "TRUE"],
    ]
    assert values(zimbra, "user1") == {FORWARD: [f"user1@{ROUTING}"], LOCAL: ["TRUE"]}
    assert values(zimbra, "user2") == {FORWARD: [f"user2@{ROUTING}"]}
    again = zimbra.done(row("user1"), row("user2", keep_copy=True))
    assert (again["changed"], again["counts"]["unchanged"]) == (False, 2)
    off = zimbra.done(row("user1"), row("user2"), state="absent")
    assert next(command["command"][2:4] for command in off["commands"]) == ["user1@example.com", LOCAL]
    assert values(zimbra, "user1") == values(zimbra, "user2") == {}
    assert "silent" not in zimbra.state, "no moment in which mail was neither kept nor forwarded"


def test_the_check_run_tells_what_the_run_does(zimbra: Mailboxes) -> None:
    for rows, state in (([row("user1"), row("user2")], "present"), ([row("user2", keep_copy=True)], "exact"), ([row("user2")], "absent")):
        before = zimbra.state["accounts"]
        check = zimbra.done(*rows, state=state, check=True)
        assert zimbra.state["accounts"] == before
        real = zimbra.done(*rows, state=state)
        assert real["changed"]
        for key in ("changed", "commands", "diff", "counts", "restore", "forwards"):
            assert check[key] == real[key], key


def test_restore_undoes_a_change(zimbra: Mailboxes) -> None:
    zimbra.done(row("user1"), row("user2", keep_copy=True))
    before = {user: values(zimbra, user) for user in ("user1", "user2", "user3")}
    result = zimbra.done(row("user2"), row("user3"), state="exact")
    assert result["counts"] == {"switched_on": 1, "switched_off": 1, "changed": 1, "unchanged": 0}
    assert values(zimbra, "user1") == {}
    zimbra.restored(result)
    assert {user: values(zimbra, user) for user in ("user1", "user2", "user3")} == before
    assert "silent" not in zimbra.state


def test_a_new_routing_address_replaces_the_old_one(zimbra: Mailboxes) -> None:
    zimbra.done(row("user1"))
    zimbra.done({"address": "user1@example.com", "routing_address": f"renamed@{ROUTING}"})
    assert values(zimbra, "user1") == {FORWARD: [f"renamed@{ROUTING}"], LOCAL: ["TRUE"]}
    assert "silent" not in zimbra.state


def test_an_alias_stands_for_its_account(zimbra: Mailboxes) -> None:
    zimbra.done({"address": "first@example.com", "routing_address": f"user1@{ROUTING}"}, row("user1"))
    assert values(zimbra, "user1") == {FORWARD: [f"user1@{ROUTING}"], LOCAL: ["TRUE"]}
    said = zimbra.task({"address": "first@example.com", "routing_address": f"other@{ROUTING}"}, row("user1"))["msg"]
    assert "are both user1@example.com, and differ" in said


def test_many_users_share_a_few_calls(zimbra: Mailboxes) -> None:
    accounts = {f"u{number}@example.com": {"zimbraMailStatus": ["enabled"]} for number in range(200)}
    zimbra.put({"accounts": accounts})
    zimbra.done(*(row(f"u{number}") for number in range(200)))
    assert zimbra.state["calls"] == 6, "read, read the filters, write, read, write, read"


REFUSED: list[tuple[list[dict[str, Any]], dict[str, Any], str]] = [
    ([row("out")], {}, "is forwarded to a@elsewhere.example, b@c.example already"),
    ([row("closed")], {}, "zimbraMailStatus is disabled"),
    ([row("nobody")], {}, "zmprov shows no account"),
    ([row("user1"), {"address": "x"}], {}, "has no @"),
    ([{"address": "user1@example.com"}], {"state": "absent"}, "forwards of ours are not told from others"),
    ([], {"state": "exact", "routing_domain": ROUTING}, "would end every forward of ours"),
    ([row("user1")], {"zmprov": "/no/such/zmprov"}, "is not on this host"),
]


@pytest.mark.parametrize(("rows", "more", "said"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refused_with_nothing_written(zimbra: Mailboxes, rows: list[dict[str, Any]], more: dict[str, Any], said: str) -> None:
    before = copy.deepcopy(zimbra.state["accounts"])
    result = zimbra.task(*rows, row("user2"), **more) if rows and "state" not in more else zimbra.task(*rows, **more)
    assert said in result["msg"]
    assert "\n" not in result["msg"]
    assert (result["changed"], result["commands"], zimbra.state["accounts"]) == (False, [], before)


def test_a_forward_that_does_not_read_back_leaves_local_delivery_on(zimbra: Mailboxes) -> None:
    zimbra.put({**zimbra.state, "deaf": [FORWARD]})
    result = zimbra.task(row("user1"), row("user2"))
    assert "user1@example.com: forwards read ''" in result["msg"]
    assert "nothing further was done" in result["msg"]
    assert result["changed"]
    assert values(zimbra, "user1") == values(zimbra, "user2") == {}


def test_local_delivery_that_does_not_come_back_keeps_the_forward(zimbra: Mailboxes) -> None:
    zimbra.done(row("user1"))
    zimbra.put({**zimbra.state, "deaf": [LOCAL]})
    assert "local delivery off" in zimbra.task(row("user1"), state="absent")["msg"]
    assert values(zimbra, "user1") == {FORWARD: [f"user1@{ROUTING}"], LOCAL: ["TRUE"]}


def test_a_risk_can_be_accepted_and_the_others_forward_stays(zimbra: Mailboxes) -> None:
    state = zimbra.state
    state["accounts"]["user1@example.com"][FORWARD] = ["x@elsewhere.example"]
    zimbra.put(state)
    zimbra.done(row("user1"), accept_risks=["S3"])
    assert values(zimbra, "user1")[FORWARD] == ["x@elsewhere.example", f"user1@{ROUTING}"]
    zimbra.done(row("user1"), state="absent")
    assert values(zimbra, "user1") == {FORWARD: ["x@elsewhere.example"]}


SIEVE = "zimbraMailSieveScript"
HIDDEN = """require ["fileinto", "copy", "reject", "tag", "flag", "variables", "log", "enotify"];

# name user2@example.com
if anyof (header :contains ["subject"] "redirect \\"no@x.example\\";") {
    fileinto "redirect";
    redirect :copy "Home@Elsewhere.example";
    stop;
}
"""
QUIET = """require ["fileinto", "enotify"];

# redirect "no@x.example";
/* redirect "no@x.example"; */
disabled_if anyof (header :contains ["subject"] "x") {
    if true { redirect "no@x.example"; }
}
if true {
    notify text:
redirect "no@x.example";
..
.
;
    keep;
}
"""


def filtered(zimbra: Mailboxes, **scripts: str) -> None:
    """Give users filters of their own."""
    state = zimbra.state
    for user, script in scripts.items():
        state["accounts"][f"{user}@example.com"][SIEVE] = [script]
    zimbra.put(state)


@pytest.mark.parametrize("prompt", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_a_redirect_of_the_users_own_filter_is_refused_and_named(zimbra: Mailboxes, prompt: bool, keep: bool) -> None:
    filtered(zimbra, user1=HIDDEN, user2=QUIET)
    zimbra.put({**zimbra.state, "prompt": prompt})
    before = zimbra.state["accounts"]
    for check in (True, False):
        result = zimbra.task(row("user2"), row("user1"), row("user3"), keep_copy=keep, check=check)
        (said,) = result["problems"]
        assert said.startswith("user1@example.com: a filter of the user redirects mail to home@elsewhere.example")
        assert "accept_risks: [S3]" in said
        assert (result["changed"], result["commands"], zimbra.state["accounts"]) == (False, [], before)
    zimbra.done(row("user2"), row("user3"))


def test_a_filters_redirect_can_be_accepted_and_stays(zimbra: Mailboxes) -> None:
    filtered(zimbra, user1=HIDDEN)
    zimbra.done(row("user1"), accept_risks=["S3"])
    assert zimbra.state["accounts"]["user1@example.com"][SIEVE] == [HIDDEN]
    assert not zimbra.done(row("user1"), accept_risks=["S3"])["changed"]
    zimbra.done(row("user1"), state="absent")
    assert values(zimbra, "user1") == {}


def test_a_filter_that_cannot_be_read_is_none_without_a_redirect(zimbra: Mailboxes) -> None:
    zimbra.put({**zimbra.state, "hidden": [SIEVE]})
    result = zimbra.task(row("user1"), row("user2"))
    assert [problem.partition(":")[0] for problem in result["problems"]] == ["user1@example.com", "user2@example.com"]
    assert "PERM_DENIED" in result["msg"]
    assert "(S14)" in result["msg"]
    assert result["commands"] == []


SCRIPTS: list[tuple[str, tuple[str, ...]]] = [
    ("", ()),
    (HIDDEN, ("home@elsewhere.example",)),
    (QUIET, ()),
    ('REDIRECT "a@b.example";redirect "a@b.example"; if x { Redirect :copy :list "c@d.example"; }', ("a@b.example", "c@d.example")),
    ('disabled_if x { redirect "a@b.example"; } redirect "c@d.example";', ("c@d.example",)),
    ('redirect "a\\"b@c.example";', ('a"b@c.example',)),
    ('redirect ["a@b.example", "c@d.example"];', ("a@b.example", "c@d.example")),
    ("redirect text:\na@b.example\n.\n;", ("a@b.example",)),
    ('} redirect "a@b.example"', ("a@b.example",)),
    ("redirect ;", ("somebody",)),
    ('redirect "open@b.example', ("open@b.example",)),
]


@pytest.mark.parametrize(("script", "targets"), SCRIPTS, ids=[str(number) for number in range(len(SCRIPTS))])
def test_the_redirects_of_a_script(script: str, targets: tuple[str, ...]) -> None:
    assert parts.redirects(script) == targets


def test_scripts_are_told_apart_by_the_accounts_asked_for_whatever_stands_in_them() -> None:
    printed = f"prov> # name a@x.example\n{SIEVE}: # name c@x.example\n# name d@x.example\nprov> # name c@x.example\n\n"
    assert parts.scripts(printed, ["a@x.example", "c@x.example"]) == {
        "a@x.example": "# name c@x.example\n# name d@x.example",
        "c@x.example": "",
    }
    assert parts.scripts("", ["a@x.example"]) == {}


def test_a_forward_of_ours_to_a_former_routing_address_goes_off_too(zimbra: Mailboxes) -> None:
    zimbra.done({**row("user1"), "routing_address": f"former@{ROUTING}"})
    off = zimbra.done(row("user1"), state="absent")
    assert off["counts"]["switched_off"] == 1
    assert values(zimbra, "user1") == {}
    assert not zimbra.done(row("user1"), state="absent")["changed"]
