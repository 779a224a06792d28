# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_forwarding through main(): on, off, exact, refused, undone. The same tests run on the real programs in tests/mail."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_tables import MARK

from .bench import ROUTING, Machine, line, row

KINDS = ("hash", "btree", "texthash")


@pytest.mark.parametrize("kind", KINDS)
def test_on_again_and_off_leaves_every_byte_as_it_was(machine: Machine, kind: str) -> None:
    before, names = machine.bytes(), machine.files()
    result = machine.done(row("user1"), row("user2", keep_copy=True), type=kind)
    assert result["changed"]
    assert machine.path.read_text(encoding="utf-8") == MARK + line("user1") + line("user2", keep=True)
    assert machine.answers("user1", kind) == f"user1@{ROUTING}"
    assert machine.answers("user2", kind) == f"user2@example.com, user2@{ROUTING}"
    assert f"virtual_alias_maps = {kind}:{machine.path},\n    hash:{machine.folder}/virtual\n" in machine.main_cf.read_text()
    again = machine.done(row("user1"), row("user2", keep_copy=True), type=kind)
    assert (again["changed"], again["commands"]) == (False, [])
    assert again["counts"] == {"switched_on": 0, "switched_off": 0, "changed": 0, "unchanged": 2}
    assert machine.done(row("user1"), row("user2"), type=kind, state="absent")["counts"]["switched_off"] == 2
    assert machine.bytes() == before
    assert machine.files() == names


def test_the_check_run_tells_what_the_run_does_and_writes_nothing(machine: Machine) -> None:
    steps: list[tuple[list[dict[str, Any]], str]] = [
        ([row("user1"), row("user2")], "present"),
        ([row("user1", keep_copy=True)], "present"),
        ([row("user3")], "exact"),
        ([row("user3")], "absent"),
        ([row("user3")], "absent"),
    ]
    for rows, state in steps:
        before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir() if path.is_file()}
        check = machine.done(*rows, state=state, check=True)
        assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir() if path.is_file()}
        real = machine.done(*rows, state=state)
        for key in ("changed", "commands", "diff", "counts", "restore", "forwards"):
            assert check[key] == real[key], key


def test_the_diff_shows_our_entries_alone(machine: Machine) -> None:
    machine.done(row("user1"), row("user2"))
    diff = machine.done(row("user2", keep_copy=True), row("user3"), state="exact")["diff"]
    assert diff["before"] == f"user1@example.com -> user1@{ROUTING}\nuser2@example.com -> user2@{ROUTING}\n"
    assert diff["after"] == f"user2@example.com -> user2@{ROUTING} (and a copy)\nuser3@example.com -> user3@{ROUTING}\n"


def test_restore_undoes_a_change(machine: Machine) -> None:
    machine.done(row("user1"), row("user2"))
    before = machine.bytes()
    result = machine.done(row("user2", keep_copy=True), row("user3"), state="exact")
    assert result["counts"] == {"switched_on": 1, "switched_off": 1, "changed": 1, "unchanged": 0}
    for step in result["restore"]:
        machine.done(*step["forwards"], state=step["state"])
    assert machine.bytes() == before


def test_lines_of_others_in_our_map_stay(machine: Machine) -> None:
    machine.done(row("user1"), row("user2"))
    several = "# a note\nteam@example.com a@example.com,\n   b@example.com, c@example.com\n"
    theirs = f"{several}help@example.com a@example.com\nlocal@example.com a\n"
    text = machine.path.read_text(encoding="utf-8")
    machine.path.write_text(text.replace(line("user2"), theirs + line("user2")), encoding="utf-8")
    result = machine.done(row("user2"), state="exact")
    assert result["others"] == ["help@example.com", "local@example.com", "team@example.com"]
    assert machine.path.read_text(encoding="utf-8") == MARK + theirs + line("user2")
    machine.done(row("user2"), state="absent")
    assert machine.path.read_text(encoding="utf-8") == MARK + theirs
    assert str(machine.path) in machine.main_cf.read_text(encoding="utf-8"), "their line still acts"


def test_a_map_that_its_index_does_not_show_is_built_again(machine: Machine) -> None:
    machine.done(row("user1"))
    machine.path.write_text(MARK + line("user1") + line("user2"), encoding="utf-8")
    assert machine.answers("user2") == ""
    result = machine.done(row("user1"))
    assert result["changed"]
    assert machine.answers("user2") == f"user2@{ROUTING}"
    machine.path.with_name("coexistence.db").unlink()
    assert machine.done(row("user1"))["changed"]
    machine.path.with_name("coexistence.db").write_bytes(b"cut")
    assert machine.done(row("user1"))["changed"]
    assert machine.answers("user1") == f"user1@{ROUTING}"
    assert not machine.done(row("user1"))["changed"]


def test_owner_and_mode_stay(machine: Machine) -> None:
    old = os.umask(0o077)
    try:
        machine.done(row("user1"))
        assert {oct(machine.folder.joinpath(name).stat().st_mode & 0o777) for name in ("coexistence", "coexistence.db")} == {"0o644"}
        machine.path.chmod(0o640)
        machine.done(row("user2"))
    finally:
        os.umask(old)
    assert oct(machine.path.stat().st_mode & 0o777) == "0o640"


def test_main_cf_without_a_list_of_maps(machine: Machine) -> None:
    text = machine.main_cf.read_text(encoding="utf-8").split("# theirs")[0].rstrip("\n")
    for form in (text, f"{text}\n"):
        machine.main_cf.write_text(form, encoding="utf-8")
        machine.done(row("user1"))
        assert f"\nvirtual_alias_maps = hash:{machine.path} $virtual_maps" in machine.main_cf.read_text(encoding="utf-8")
        machine.done(row("user1"), state="absent")
        assert machine.main_cf.read_text(encoding="utf-8") == form


def test_a_map_that_somebody_listed_stays_listed_and_there(machine: Machine) -> None:
    text = machine.main_cf.read_text(encoding="utf-8").replace("hash:", f"hash:{machine.path} hash:", 1)
    machine.main_cf.write_text(text, encoding="utf-8")
    machine.done(row("user1"))
    machine.done(row("user1"), state="absent")
    assert machine.main_cf.read_text(encoding="utf-8") == text
    assert machine.path.read_text(encoding="utf-8") == MARK
    assert machine.answers("user1") == ""
    assert not machine.done(row("user1"), state="absent")["changed"]


def test_a_map_that_nobody_lists_is_told(machine: Machine) -> None:
    result = machine.done(row("user1"), listed=False)
    assert "does not name hash:" in str(result["warnings"])
    assert str(machine.path) not in machine.main_cf.read_text(encoding="utf-8")


REFUSED: list[tuple[list[dict[str, Any]], dict[str, Any], list[str]]] = [
    ([row("user1"), {"address": "user1@example.com", "routing_address": f"other@{ROUTING}"}], {}, ["stands twice", "(S7)"]),
    ([{"address": "@example.com", "routing_address": f"a@{ROUTING}"}], {}, ["catch-all", "(S6)"]),
    ([{"address": "example.com", "routing_address": f"a@{ROUTING}"}], {}, ["has no @", "(S6)"]),
    ([{"address": "a b@example.com", "routing_address": "|cmd@x.example"}], {}, ["row 1: address 'a b@example.com'", "'|cmd@x.example'"]),
    ([{"address": "a@example.com", "routing_address": "b@example.com"}], {}, ["that mail comes back", "(S1)"]),
    ([row("user1")], {"routing_domain": "other.mail.onmicrosoft.com"}, ["outside the routing domain", "(S1)"]),
    ([{"address": "a@example.com"}], {}, ["has no routing_address", "(S7)"]),
    ([row("user1"), {"address": f"user1@{ROUTING}", "routing_address": "a@b.example"}], {}, ["a forward of a forward"]),
    ([row("out")], {}, ["is forwarded to somebody@elsewhere.example by hash:", "accept_risks: [S3]"]),
    ([row("info")], {}, ["info@example.com is forwarded to user1@example.com by hash:", "accept_risks: [S3]"]),
    ([row("team")], {}, ["team@example.com is forwarded to anna@example.com, bert by hash:", "accept_risks: [S3]"]),
]


@pytest.mark.parametrize(("rows", "more", "said"), REFUSED, ids=[case[2][0] for case in REFUSED])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_refused_with_nothing_written(
    machine: Machine, rows: list[dict[str, Any]], more: dict[str, Any], said: list[str], check: bool
) -> None:
    before = machine.bytes()
    result = machine.task(*rows, check=check, **more)
    assert result["failed"]
    for part in said:
        assert part in result["msg"]
    assert "\n" not in result["msg"]
    assert (result["changed"], result["commands"]) == (False, [])
    assert machine.bytes() == before


def test_a_type_that_is_not_to_be_had_names_those_that_are(machine: Machine) -> None:
    use = "use one of hash, btree, texthash (source_forwarding_type of the role)"
    said = machine.task(row("user1"), type="lmdb")["msg"]
    assert said == f"type lmdb is not to be had here; {use}, or install the package postfix-lmdb."


def test_an_instance_whose_own_type_cannot_be_read_back_is_told_to_name_another(machine: Machine) -> None:
    machine.main_cf.write_text(machine.main_cf.read_text(encoding="utf-8") + "default_database_type = cdb\n", encoding="utf-8")
    said = machine.task(row("user1"))["msg"]
    assert said == "type cdb cannot be read back; use one of hash, btree, texthash (source_forwarding_type of the role)."
    assert not machine.task(row("user1"), type="texthash").get("failed")


def test_every_problem_of_the_input_at_once(machine: Machine) -> None:
    result = machine.task({"address": "x"}, {"address": "@y"}, row("user1"), row("user1", keep_copy=True))
    assert len(result["problems"]) == 5
    assert all(f"row {number}" in result["msg"] for number in (1, 2, 4))


def test_a_risk_can_be_accepted(machine: Machine) -> None:
    machine.done(row("out"), row("team"), accept_risks=["S3"])
    assert machine.answers("out") == f"out@{ROUTING}"
    assert machine.answers("team") == f"team@{ROUTING}"


def test_a_line_that_leads_to_the_address_itself_or_where_we_lead_is_no_strangers(machine: Machine) -> None:
    machine.done(row("own"), row("same"))
    assert machine.answers("own") == f"own@{ROUTING}"
    assert not machine.done(row("own"), row("same"))["changed"]
    moved = machine.task({**row("same"), "routing_address": f"other@{ROUTING}"})
    assert f"same@example.com is forwarded to same@{ROUTING} by hash:" in moved["msg"]


def test_a_file_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.path.write_text("somebody@example.com else@example.com\n", encoding="utf-8")
    assert "was not made by this module" in machine.task(row("user1"))["msg"]
    assert machine.path.read_text(encoding="utf-8") == "somebody@example.com else@example.com\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("example.com anything\n", "takes a whole domain's mail"),
        ("@example.com all@example.com\n", "takes a whole domain's mail"),
        ("user1@example.com\n", "has no value"),
        (line("user2") + line("user2"), "only the first acts"),
        ("user1@example.com a@x.example, b@x.example\n", "has a line of another form"),
        ("user1@example.com anna@example.com\n", "has a line of another form"),
    ],
)
def test_what_must_not_stand_in_our_map_is_refused(machine: Machine, text: str, said: str) -> None:
    machine.done(row("user9"))
    with machine.path.open("a", encoding="utf-8") as out:
        out.write(text)
    before = machine.bytes()
    assert said in machine.task(row("user1"))["msg"]
    assert machine.bytes() == before


def test_a_map_that_comes_before_ours_and_wins_is_refused(machine: Machine) -> None:
    text = machine.main_cf.read_text(encoding="utf-8").replace(
        f"{machine.folder}/virtual", f"{machine.folder}/virtual, hash:{machine.path}"
    )
    machine.main_cf.write_text(text, encoding="utf-8")
    assert "comes before" in machine.task(row("info"))["msg"]
    machine.done(row("user1"))
    assert machine.main_cf.read_text(encoding="utf-8") == text


def alias(user: str, owner: str, **more: Any) -> dict[str, Any]:
    """A row for an alias of a mailbox."""
    return row(user, routing_address=f"{owner}@{ROUTING}", owner=f"{owner}@example.com", **more)


def test_an_alias_gets_a_line_where_no_other_map_leads_it_on(machine: Machine) -> None:
    rows = [row("user1"), alias("info", "user1"), alias("post", "user1")]
    check = machine.done(*rows, check=True)
    result = machine.done(*rows)
    assert (check["diff"], check["aliases"]) == (result["diff"], ["info@example.com"])
    assert machine.path.read_text(encoding="utf-8") == MARK + f"post@example.com user1@{ROUTING}\n" + line("user1")
    assert result["aliases"] == ["info@example.com"], "the map 'virtual' leads it to user1, whose line then acts"
    assert [text for text in result["warnings"] if "S8" in text] == []
    assert not machine.done(*rows)["changed"]
    assert not machine.done(*rows, state="exact")["changed"]
    off = machine.done(*rows, state="absent")
    assert (off["counts"]["switched_off"], off["forwards"], off["aliases"]) == (2, [], [])


@pytest.mark.parametrize(("user", "owner"), [("out", "user1"), ("team", "user1")])
def test_an_alias_that_others_lead_elsewhere_stays_and_is_told(machine: Machine, user: str, owner: str) -> None:
    result = machine.done(row(owner), alias(user, owner))
    assert result["aliases"] == [f"{user}@example.com"]
    (told,) = (text for text in result["warnings"] if "S8" in text)
    assert f"{user}@example.com is an alias of {owner}@example.com by the list" in told
    assert machine.answers(user) == ""


def test_an_alias_in_a_local_name_or_of_itself(machine: Machine) -> None:
    result = machine.done(row("bert"), alias("team", "bert"), alias("own", "bert"))
    assert result["aliases"] == ["team@example.com"]
    assert [text for text in result["warnings"] if "S8" in text] == [], "team leads to bert by his name alone"
    assert machine.answers("own") == f"bert@{ROUTING}", "that a name stands for itself leads it nowhere"


def test_a_map_of_others_that_cannot_be_asked_stops_everything(machine: Machine) -> None:
    machine.folder.joinpath("virtual.db").unlink()
    result = machine.task(row("user1"))
    assert "what it says of the users is unknown" in result["msg"]
    assert result["commands"] == []
