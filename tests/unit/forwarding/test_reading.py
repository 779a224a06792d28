# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State read of every back end: what addresses show, by whomever it was set, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_a_file_or_a_dump_in_its_place_is_read(tmp_path: Path) -> None:
    file, dump = tmp_path / "forwards.csv", tmp_path / "dump.csv"
    asked: dict[str, Any] = {"forwards": [row("user1"), row("user2")], "state": "read"}
    unread = run("forwarding_file", dest=str(file), **asked)
    assert (unread["found"], unread["changed"]) == ([], False)
    assert "which forwards are on is unknown" in unread["warnings"][0]
    run("forwarding_file", dest=str(file), forwards=[row("user1")])
    assert told(run("forwarding_file", dest=str(file), **asked)) == {"user1": f"user1@{ROUTING}", "user2": ""}
    dump.write_text(f"user2@example.com,user2@{ROUTING}\n", encoding="utf-8")
    plan = run("forwarding_plan_info", backend="csv", dest=str(file), dump=str(dump), confirm=True, **asked)
    (options,) = plan["plan"]["file"]
    assert told(run("forwarding_file", **{name: options[name] for name in ("dest", "forwards", "state", "format")})) == {
        "user1": "",
        "user2": f"user2@{ROUTING}",
    }


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
