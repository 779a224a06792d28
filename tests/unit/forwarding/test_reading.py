# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State read of every back end: what addresses show, by whomever it was set, and nothing is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_plan import BACKENDS
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import FORWARDING

from .bench import ROUTING, Machine, Mailboxes, row, run


def told(result: dict[str, Any]) -> dict[str, str]:
    """Where each address leads; what is off leads nowhere."""
    assert not result.get("failed"), result["msg"]
    assert (result["changed"], result["commands"], result["restore"]) == (False, [], [])
    assert all(one["on"] == bool(one["routing_address"]) for one in result["found"])
    return {one["address"].partition("@")[0]: one["routing_address"] for one in result["found"]}


def test_zimbra_shows_ours_others_none_and_no_account(zimbra: Mailboxes) -> None:
    zimbra.done(row("user1"))
    before = zimbra.state["accounts"]
    rows = [row("user1"), row("user2"), row("first"), row("out"), row("gone")]
    result = zimbra.task(*rows, state="read")
    ours = f"user1@{ROUTING}"
    assert told(result) == {"first": ours, "gone": "", "out": "a@elsewhere.example", "user1": ours, "user2": ""}
    assert {one["keep_copy"] for one in result["found"] if one["routing_address"] == ours} == {False}
    assert zimbra.state["accounts"] == before
    assert told(zimbra.task(*rows, state="read", check=True)) == told(result)


def test_a_zimbra_that_does_not_answer_is_no_account_without_a_forward(zimbra: Mailboxes) -> None:
    place = Path(zimbra.options["zmprov"])
    place.rename(place.with_name("away"))
    assert zimbra.task(row("user1"), state="read")["failed"]
    assert zimbra.task(row("no such account"), state="read")["failed"]


def test_postfix_shows_what_its_maps_answer_and_keeps_its_files(machine: Machine) -> None:
    machine.done(row("user1"), row("user2", keep_copy=True))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir() if path.is_file()}
    result = machine.task(row("user1"), row("user2"), row("user3"), row("out"), state="read")
    shown = {"out": "somebody@elsewhere.example", "user1": f"user1@{ROUTING}", "user2": f"user2@{ROUTING}", "user3": ""}
    assert told(result) == shown
    assert [one["address"] for one in result["found"] if one["keep_copy"]] == ["user2@example.com"]
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir() if path.is_file()}


def test_postfix_without_our_map_has_no_forward_and_a_broken_map_is_an_error(machine: Machine) -> None:
    assert told(machine.task(row("user1"), state="read")) == {"user1": ""}
    machine.done(row("user1"))
    machine.path.with_name("coexistence.db").unlink()
    assert "cannot be asked" in machine.task(row("user1"), state="read")["msg"]


def test_cpanel_shows_its_forwarders(cpanel: Mailboxes) -> None:
    cpanel.done(row("user1"))
    before = cpanel.state["domains"]
    result = cpanel.task(row("user1"), row("user2"), row("out"), state="read")
    assert told(result) == {"out": "a@elsewhere.example", "user1": f"user1@{ROUTING}", "user2": ""}
    assert cpanel.state["domains"] == before


def test_what_was_asked_for_tells_nothing_of_a_forward_and_a_dump_does(tmp_path: Path) -> None:
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    asked: dict[str, Any] = {"forwards": [row("user1"), row("user2")], "state": "read"}
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    dump.write_text(f"user2@example.com,user2@{ROUTING}\n", encoding="utf-8")
    said = ""
    for where in ({}, {"dest": str(file)}, {"dump": str(tmp_path / "none.csv")}):
        unread = run("forwarding_file", **{**asked, **where})
        assert (unread["found"], unread["forwards"], unread["changed"], unread["files"]) == ([], [], False, {})
        assert unread["counts"] == {"switched_on": 0, "switched_off": 0, "changed": 0, "unchanged": 0, "unknown": 2}
        (said,) = unread["warnings"]
        assert said == unread["msg"]
        for part in ("2 addresses", "unknown", "ask for a dump taken after the change", "source_forwarding_dump", "(S14)"):
            assert part in said
    assert "none.csv is not there" in said
    read = run("forwarding_file", dest=str(file), dump=str(dump), **asked)
    assert told(read) == {"user1": "", "user2": f"user2@{ROUTING}"}
    assert (read["counts"]["unknown"], read["warnings"]) == (0, [])
    assert read["msg"] == f"{dump} shows 1 of 2 addresses forwarded."


def test_a_dump_that_is_older_than_the_file_shows_nothing_of_what_came_of_it(tmp_path: Path) -> None:
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    dump.write_text("address,forward_to\n", encoding="utf-8")
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    asked: dict[str, Any] = {"dest": str(file), "dump": str(dump), "forwards": [row("user1")], "state": "read"}
    written = file.stat().st_mtime_ns
    for taken, unknown in ((written - 1, 1), (written, 0), (written + 1, 0)):
        os.utime(dump, ns=(taken, taken))
        result = run("forwarding_file", **asked)
        assert (result["counts"]["unknown"], bool(result["found"])) == (unknown, not unknown)
        assert [f"{dump} is older than {file}" in text for text in result["warnings"]] == [True] * unknown


def test_a_file_that_is_written_again_without_a_change_of_forwards_keeps_its_time(tmp_path: Path) -> None:
    file = tmp_path / "forwards.csv"
    dump = tmp_path / "dump.csv"
    dump.write_text("address,forward_to\n", encoding="utf-8")
    os.utime(dump, ns=(1, 1))
    asked: dict[str, Any] = {"dest": str(file), "dump": str(dump), "forwards": [row("user1")]}
    run("forwarding_file", dest=str(file), forwards=[row("user1")], state="absent")
    assert run("forwarding_file", state="read", **asked)["counts"]["unknown"] == 1, "a file that is new has no line of anybody"
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    switched = file.stat().st_mtime_ns
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    os.utime(file, ns=(switched, switched))
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    assert file.stat().st_mtime_ns == switched


def test_a_dump_that_is_older_than_the_file_confirms_nothing(tmp_path: Path) -> None:
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    dump.write_text(f"user1@example.com,user1@{ROUTING}\n", encoding="utf-8")
    asked: dict[str, Any] = {"backend": "csv", "dest": str(file), "dump": str(dump), "forwards": [row("user1")]}
    assert run("forwarding_plan_info", **asked, confirm=True)["dump"]["confirmed"]
    os.utime(dump, ns=(1, 1))
    assert run("forwarding_plan_info", **asked)["dump"]["known"] is False
    refused = run("forwarding_plan_info", **asked, confirm=True)
    assert refused["failed"]
    assert "is older than" in refused["msg"]


@pytest.mark.parametrize("name", ["dest", "delta"])
def test_our_own_file_is_no_dump(tmp_path: Path, name: str) -> None:
    file = tmp_path / "forwards.csv"
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    (tmp_path / "link.csv").symlink_to(file)
    paths = {"dest": str(tmp_path / "whole.csv"), name: str(file)}
    options: dict[str, Any] = {**paths, "dump": str(tmp_path / "link.csv"), "forwards": [row("user1")]}
    for result in (run("forwarding_file", state="read", **options), run("forwarding_plan_info", backend="csv", **options)):
        assert result["failed"]
        assert f"is the file that is written here ({name})" in result["msg"]


@pytest.mark.parametrize("backend", ["csv", "google"])
def test_the_plan_hands_a_dump_on_to_be_read_and_needs_no_file_for_it(tmp_path: Path, backend: str) -> None:
    dump = tmp_path / "dump.csv"
    dump.write_text(f"user2@example.com,user2@{ROUTING}\n", encoding="utf-8")
    asked: dict[str, Any] = {"backend": backend, "forwards": [row("user1"), row("user2")], "state": "read"}
    for where in ({}, {"dest": ""}, {"dest": "/srv/forwards.csv"}):
        (options,) = run("forwarding_plan_info", **{**asked, **where}, dump=str(dump), confirm=True)["plan"]["file"]
        names = options.keys() & {"dest", "dump", "forwards", "state", "format"}
        assert told(run("forwarding_file", **{name: options[name] for name in names})) == {"user1": "", "user2": f"user2@{ROUTING}"}
    (options,) = run("forwarding_plan_info", **asked)["plan"]["file"]
    assert "dump" not in options
    written = run("forwarding_plan_info", **{**asked, "state": "present"}, dest="/srv/forwards.csv", dump=str(dump))
    assert "dump" not in written["plan"]["file"][0], "a task that writes reads no dump"


def test_several_ways_are_read_in_one_task_each_on_its_host() -> None:
    ways = [
        {"backend": "zimbra", "host": "mail1", "state": "read", "forwards": [row("user1")]},
        {"backend": "cpanel", "host": "mail2", "state": "read", "forwards": [row("user2"), row("user3")]},
        {"backend": "zimbra", "host": "", "state": "on", "forwards": [row("user4")]},
    ]
    result = run("forwarding_plan_info", ways=ways)
    assert not result.get("failed"), result["msg"]
    assert [(one["host"], one["state"]) for one in result["plan"]["zimbra"]] == [("mail1", "read"), ("", "present")]
    assert [(one["host"], len(one["forwards"])) for one in result["plan"]["cpanel"]] == [("mail2", 2)]
    assert (result["plan"]["postfix"], result["plan"]["file"], result["declared"]) == ([], [], 4)
    assert "way is no entry" in run("forwarding_plan_info", ways=[*ways, {"backend": "zimbra"}])["msg"]


def test_a_way_has_options_of_its_own() -> None:
    """Two accounts on one cPanel host, and a second file beside the one that the role names."""
    panel = {"backend": "cpanel", "host": "panel", "state": "on"}
    ways = [
        {**panel, "forwards": [row("user1")], "options": {"account": "east", "set_local": "true"}},
        {**panel, "forwards": [row("user2")], "options": {"account": "west", "domains": "west.example.com,west.example.net"}},
        {"backend": "csv", "host": "", "state": "on", "forwards": [row("user3")], "options": {"dest": "/srv/east.csv"}},
        {"backend": "google", "host": "", "state": "on", "forwards": [row("user4")], "options": {}},
    ]
    result = run("forwarding_plan_info", ways=ways, account="all", dest="/srv/map.csv")
    assert not result.get("failed"), result["msg"]
    east, west = result["plan"]["cpanel"]
    assert (east["account"], east["set_local"], east["domains"]) == ("east", True, [])
    assert (west["account"], west["set_local"], west["domains"]) == ("west", False, ["west.example.com", "west.example.net"])
    assert [(one["dest"], one["format"]) for one in result["plan"]["file"]] == [("/srv/east.csv", "csv"), ("/srv/map.csv", "google")]
    bad = run("forwarding_plan_info", ways=[{**ways[0], "options": {"acount": "east", "set_local": "perhaps"}}])
    assert bad["failed"]
    assert "acount" in bad["msg"]
    assert "set_local" in bad["msg"]


def test_what_a_source_may_have_for_itself_is_what_its_module_takes_and_the_way_does_not_say() -> None:
    said = {"forwards", "state", "keep_copy", "routing_domain", "format"}
    for backend, names in FORWARDING.items():
        risks = {"accept_risks"} if backend in {"csv", "google"} else set()
        assert set(names) == set(BACKENDS[backend]) - said - risks, backend
