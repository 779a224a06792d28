# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for others and the dumps that come back: what is written is read again as it was, whatever a spreadsheet did to it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _forwarding_files as files
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding import Forward, ForwardingError, Wanted
from hypothesis import given
from hypothesis import strategies as st

from .bench import ROUTING, row, run

NAMES = st.from_regex(r"[a-z0-9_][a-z0-9'&+=~-]{0,12}", fullmatch=True)
FORWARDS = st.dictionaries(NAMES, st.booleans(), max_size=12).map(
    lambda found: tuple(sorted(Forward(f"{name}@example.com", f"{name}@{ROUTING}", keep) for name, keep in found.items()))
)
MARKS = ("\ufeff", "")
ENDS = ("\n", "\r\n")


def wanted(forwards: tuple[Forward, ...], state: str = "present") -> Wanted:
    """Declared forwards."""
    return Wanted(forwards, state, frozenset({ROUTING}))


@given(FORWARDS, st.sampled_from(MARKS), st.sampled_from(ENDS), st.sampled_from(",;\t"), st.booleans(), st.randoms(use_true_random=False))
def test_a_dump_in_our_form_shows_what_was_written(
    forwards: tuple[Forward, ...], mark: str, end: str, sign: str, loud: bool, random: Any
) -> None:
    header, *lines = files.vendor(forwards).splitlines()
    random.shuffle(lines)
    text = end.join([header, *lines, ""]).replace(",", sign)
    shown = files.read(mark + (text.upper() if loud else text), "dump")
    found = files.compare(shown, wanted(forwards))
    assert found == {"on": [forward.row for forward in forwards], "missing": [], "strange": []}
    assert files.as_forwards(shown, "dump", keep=False) == {forward.address: forward for forward in forwards}


@given(FORWARDS, st.sampled_from(MARKS), st.sampled_from(ENDS))
def test_the_lines_of_an_address_map_show_what_was_written(forwards: tuple[Forward, ...], mark: str, end: str) -> None:
    same = tuple(Forward(one.address, one.target) for one in forwards)
    text = files.google(same)
    assert text.splitlines() == [f"{one.address},{one.target}" for one in same]
    found = files.compare(files.read(mark + text.replace("\n", end), "dump"), wanted(same))
    assert [entry["address"] for entry in found["on"]] == [one.address for one in same]


@given(FORWARDS, FORWARDS)
def test_each_declared_forward_is_on_missing_or_strange(declared: tuple[Forward, ...], there: tuple[Forward, ...]) -> None:
    found = files.compare(files.read(files.vendor(there), "dump"), wanted(declared, "exact"))
    known = {forward.address: forward for forward in there}
    assert [entry["address"] for entry in found["missing"]] == [one.address for one in declared if one.address not in known]
    assert [entry["address"] for entry in found["on"]] == [one.address for one in declared if known.get(one.address) == one]
    told = {one.address for one in declared} | set(known)
    assert sum(len(entries) for entries in found.values()) == len(told)


@given(FORWARDS)
def test_no_cell_is_a_formula(forwards: tuple[Forward, ...]) -> None:
    cells = [cell for line in files.vendor(forwards).splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    problems: list[str] = []
    shown: dict[str, files.Shown] = {}
    try:
        shown = files.read(text, "dump")
    except ForwardingError as error:
        problems = error.problems
    assert all(problem.startswith("dump, line ") for problem in problems)
    assert all("@" in address and one.targets for address, one in shown.items())


STRANGE: list[tuple[str, str]] = [
    (f"address,forward_to\nuser1@example.com,else@{ROUTING}\n", "leads to else@"),
    (f"user1@example.com,user1@{ROUTING}\nuser1@example.com,b@c.example\n", "leads to several: b@c.example, "),
    (f"address;routing_address;keep_copy\nuser1@example.com;user1@{ROUTING};yes\n", "keeps a copy"),
]


@pytest.mark.parametrize(("text", "why"), STRANGE)
def test_what_is_strange(text: str, why: str) -> None:
    (entry,) = files.compare(files.read(text, "dump"), wanted((Forward("user1@example.com", f"user1@{ROUTING}"),)))["strange"]
    assert entry["why"].startswith(why)


def test_every_line_that_cannot_be_read_is_named() -> None:
    rows = ["x,y@z.example,,", "a@b.example,,,", "a@b.example,c@d.example,maybe,", "a@b.example,c@d.example,,drop"]
    text = "\n".join(["address,forward_to,keep_copy,action", *rows, ""])
    with pytest.raises(ForwardingError) as refused:
        files.read(text, "dump")
    assert [problem.split(":")[0] for problem in refused.value.problems] == [f"dump, line {number}" for number in (2, 3, 4, 5)]


def test_a_map_has_its_limits() -> None:
    many = [Forward(f"u{number}@example.com", f"u{number}@{ROUTING}") for number in range(5001)]
    with pytest.raises(ForwardingError, match="5001 forwards are more than the 5000 lines"):
        files.google(many)
    assert len(files.google(many[:5000]).splitlines()) == 5000
    with pytest.raises(ForwardingError, match="for all or for none"):
        files.google([many[0], Forward("a@example.com", f"a@{ROUTING}", keep=True)])


def write(folder: Path, *rows: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    """One task of forwarding_file."""
    options = {"dest": str(folder / "forwards.csv"), "delta": str(folder / "delta.csv"), "forwards": list(rows), **more}
    result = run("forwarding_file", check, **options)
    assert not result.get("failed"), result["msg"]
    return result


def test_the_file_is_the_full_state_and_the_delta_what_changed(tmp_path: Path) -> None:
    write(tmp_path, row("user1"), row("user2"))
    check = write(tmp_path, row("user2", keep_copy=True), row("user3"), state="exact", effective="2026-01-31", check=True)
    result = write(tmp_path, row("user2", keep_copy=True), row("user3"), state="exact", effective="2026-01-31")
    assert {name: check[name] for name in ("commands", "files", "diff", "counts")} == {
        name: result[name] for name in ("commands", "files", "diff", "counts")
    }
    full = (tmp_path / "forwards.csv").read_text(encoding="utf-8")
    assert full.splitlines() == [
        "address,forward_to,keep_copy,action,effective",
        f"user2@example.com,user2@{ROUTING},true,set,2026-01-31",
        f"user3@example.com,user3@{ROUTING},false,set,2026-01-31",
    ]
    assert (tmp_path / "delta.csv").read_text(encoding="utf-8") == full + f"user1@example.com,user1@{ROUTING},false,remove,2026-01-31\n"
    assert result["files"]["full"] == {
        "path": str(tmp_path / "forwards.csv"),
        "lines": 3,
        "sha256": hashlib.sha256(full.encode()).hexdigest(),
    }
    assert [entry["address"] for entry in result["removed"]] == ["user1@example.com"]
    assert not write(tmp_path, row("user2", keep_copy=True), row("user3"), state="exact", effective="2026-01-31")["changed"]


@pytest.mark.parametrize("form", ["csv", "google"])
def test_on_and_off_leaves_the_file_as_it_was(tmp_path: Path, form: str) -> None:
    write(tmp_path, row("user1"), format=form)
    before = (tmp_path / "forwards.csv").read_bytes()
    write(tmp_path, row("user2"), format=form)
    result = write(tmp_path, row("user2"), state="absent", format=form)
    assert (tmp_path / "forwards.csv").read_bytes() == before
    (step,) = result["restore"]
    write(tmp_path, *step["forwards"], state=step["state"], format=form)
    assert f"user2@example.com,user2@{ROUTING}" in (tmp_path / "forwards.csv").read_text(encoding="utf-8")


TAKEN = {"csv": "once the provider has taken it in", "google": "once a person has entered it into the recipient address map"}


@pytest.mark.parametrize("form", ["csv", "google"])
def test_the_message_names_the_file_and_says_what_it_does_not_do(tmp_path: Path, form: str) -> None:
    check = write(tmp_path, row("user1"), row("user2"), format=form, check=True)
    made = write(tmp_path, row("user1"), row("user2"), format=form)
    again = write(tmp_path, row("user1"), row("user2"), format=form)
    for told, verb in ((check, "would have"), (made, "has"), (again, "has")):
        full = told["files"]["full"]
        assert told["msg"].startswith(f"{full['path']} {verb} {full['lines']} lines, SHA-256 {full['sha256']}")
        assert f"forwards act only {TAKEN[form]}" in told["msg"]
        assert ("up to 24 hours" in told["msg"]) == (form == "google")
        assert "source_forwarding_dump" in told["msg"]
        assert ("delta.csv" in told["msg"]) == ("delta" in told["files"]) == (told is not again)
        assert "\n" not in told["msg"]
    full = (tmp_path / "forwards.csv").read_bytes()
    assert made["files"]["full"]["lines"] == full.count(b"\n")


def test_what_is_written_needs_a_place() -> None:
    result = run("forwarding_file", forwards=[row("user1")])
    assert result["failed"]
    assert "dest is empty" in result["msg"]


PLAN: dict[str, Any] = {"backend": "csv", "dest": "/srv/forwards.csv"}


def test_the_plan_names_one_back_end(tmp_path: Path) -> None:
    listed = tmp_path / "wave.csv"
    listed.write_text(f"address,routing_address\nuser2@example.com,user2@{ROUTING}\n", encoding="utf-8")
    for backend, key in (("postfix", "postfix"), ("zimbra", "zimbra"), ("cpanel", "cpanel"), ("csv", "file"), ("google", "file")):
        result = run("forwarding_plan_info", **{**PLAN, "backend": backend}, forwards=[row("user1")], list_file=str(listed))
        assert [name for name, entries in result["plan"].items() if entries] == [key]
        (options,) = result["plan"][key]
        assert [entry["address"] for entry in options["forwards"]] == ["user1@example.com", "user2@example.com"]
        assert result["dump"] == {"known": False, "confirmed": False, "on": [], "missing": [], "strange": []}
        assert not result["changed"]


WAY = {"backend": "zimbra", "host": "mail.example.com", "state": "off", "name": "the source"}


def test_what_a_step_asks_for_stands_for_the_rest(tmp_path: Path) -> None:
    ways = {**WAY, "forwards": [row("user1")]}
    result = run("forwarding_plan_info", **PLAN, way=ways, forwards=[row("user2")], state="exact", list_file=str(tmp_path / "none"))
    (options,) = result["plan"]["zimbra"]
    assert (options["state"], result["host"], result["plan"]["file"]) == ("absent", "mail.example.com", [])
    assert [entry["address"] for entry in options["forwards"]] == ["user1@example.com"]
    on = run("forwarding_plan_info", **PLAN, way={**ways, "state": "on"})
    assert on["plan"]["zimbra"][0]["state"] == "present"
    assert run("forwarding_plan_info", **PLAN, forwards=[row("user1")])["host"] == ""


def test_a_file_that_lacks_the_earlier_waves_is_told(tmp_path: Path) -> None:
    dest = tmp_path / "forwards.csv"
    way = {"backend": "csv", "host": "", "state": "on", "name": "a", "forwards": [row("user9")], "options": {}}
    way["standing"] = [f"user{number}@example.com" for number in range(8)]
    (told,) = run("forwarding_plan_info", way=way, dest=str(dest))["warnings"]
    assert "has no line for 8 who are in the group already (user0@example.com, " in told
    assert "user4@example.com and 3 more" in told
    write(tmp_path, *(row(f"user{number}") for number in range(7)))
    (told,) = run("forwarding_plan_info", way=way, dest=str(dest))["warnings"]
    assert "has no line for 1 who are in the group already (user7@example.com)" in told
    write(tmp_path, row("user7"))
    assert not run("forwarding_plan_info", way=way, dest=str(dest)).get("warnings")
    assert not run("forwarding_plan_info", way={**way, "state": "off"}, dest=str(tmp_path / "none.csv")).get("warnings")


@pytest.mark.parametrize("text", ["", "\ufeff\r\n", " \n"])
def test_an_empty_dump_is_no_proof_that_nobody_is_forwarded(tmp_path: Path, text: str) -> None:
    with pytest.raises(ForwardingError, match=r"dump is empty; a dump that shows no forward has at least the line of its columns \(S14\)"):
        files.dumped(text, "dump")
    assert files.dumped("address,forward_to\n", "dump") == {}


def test_a_dump_confirms_or_not(tmp_path: Path) -> None:
    dump = tmp_path / "dump.csv"
    dump.write_text(f"user1@example.com,user1@{ROUTING}\n", encoding="utf-8")
    asked: dict[str, Any] = {**PLAN, "dump": str(dump)}
    assert run("forwarding_plan_info", **asked, forwards=[row("user1")], confirm=True)["dump"]["confirmed"]
    both = run("forwarding_plan_info", **asked, forwards=[row("user1"), row("user2")])["dump"]
    assert (both["known"], both["confirmed"], len(both["on"]), len(both["missing"])) == (True, False, 1, 1)
    said = run("forwarding_plan_info", **asked, forwards=[row("user1"), row("user2")], confirm=True)["msg"]
    assert "shows 1 forwards not on as declared: user2@example.com" in said
    assert "still on" in run("forwarding_plan_info", **asked, forwards=[row("user1")], state="absent", confirm=True)["msg"]
    assert run("forwarding_plan_info", **asked, forwards=[row("user2")], state="absent", confirm=True)["dump"]["confirmed"]
    assert "(S14)" in run("forwarding_plan_info", **PLAN, forwards=[row("user1")], confirm=True)["msg"]


CSV = {"name": "a", "state": "on", "forwards": [row("user1")]}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"backend": "csv", "forwards": [row("user1")]}, "dest is empty"),
    ({"backend": "postfix"}, "no forward is declared"),
    ({"forwards": [row("user1")]}, "backend is empty"),
    ({"way": {"backend": "postfix", "state": "on"}}, "way is no entry of the plan of a step"),
    ({"way": {"backend": "none", "state": "on", "forwards": []}}, "way is no entry of the plan of a step"),
    ({"backend": "postfix", "list_file": "/no/such/file"}, "list_file: /no/such/file is not there"),
    ({**PLAN, "forwards": [row("user1")], "dump": "/no/such/file"}, "dump: /no/such/file is not there"),
    ({"ways": [{**CSV, "backend": name} for name in ("csv", "google")], "dest": "forwards"}, "would be written as csv and as google"),
    ({**PLAN, "state": "exact"}, "would end every forward of ours"),
    ({**PLAN, "forwards": [{"address": "x"}, {"address": "@y"}]}, "(S6)"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_the_plan_refuses_in_one_line(options: dict[str, Any], said: str) -> None:
    result = run("forwarding_plan_info", **options)
    assert result["failed"]
    assert said in result["msg"]
    assert "\n" not in result["msg"]
