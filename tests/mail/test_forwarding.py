# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_forwarding on a real Postfix: its programs, its maps, and the mail that follows them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox import Sandbox, running
from unit.forwarding import test_postfix as table
from unit.forwarding import test_reading as reading
from unit.forwarding.bench import Machine, run
from unit.forwarding.test_postfix_kill import shot
from unit.sandbox_mail.flow import ROUTING, SHARED, Flow

# The tests of the unit folder, on the real programs.
test_on_again_and_off_leaves_every_byte_as_it_was = table.test_on_again_and_off_leaves_every_byte_as_it_was
test_the_check_run_tells_what_the_run_does_and_writes_nothing = table.test_the_check_run_tells_what_the_run_does_and_writes_nothing
test_restore_undoes_a_change = table.test_restore_undoes_a_change
test_lines_of_others_in_our_map_stay = table.test_lines_of_others_in_our_map_stay
test_a_map_that_its_index_does_not_show_is_built_again = table.test_a_map_that_its_index_does_not_show_is_built_again
test_owner_and_mode_stay = table.test_owner_and_mode_stay
test_main_cf_without_a_list_of_maps = table.test_main_cf_without_a_list_of_maps
test_a_map_that_somebody_listed_stays_listed_and_there = table.test_a_map_that_somebody_listed_stays_listed_and_there
test_a_map_that_nobody_lists_is_told = table.test_a_map_that_nobody_lists_is_told
test_refused_with_nothing_written = table.test_refused_with_nothing_written
test_what_must_not_stand_in_our_map_is_refused = table.test_what_must_not_stand_in_our_map_is_refused
test_a_map_that_comes_before_ours_and_wins_is_refused = table.test_a_map_that_comes_before_ours_and_wins_is_refused
test_a_map_of_others_that_cannot_be_asked_stops_everything = table.test_a_map_of_others_that_cannot_be_asked_stops_everything
test_an_alias_gets_a_line_where_no_other_map_leads_it_on = table.test_an_alias_gets_a_line_where_no_other_map_leads_it_on
test_what_its_maps_answer_is_shown = reading.test_postfix_shows_what_its_maps_answer_and_keeps_its_files
test_a_map_that_cannot_be_asked_is_an_error = reading.test_postfix_without_our_map_has_no_forward_and_a_broken_map_is_an_error


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An instance that does not run, with the real programs."""
    return Machine(tmp_path / "postfix", tmp_path)


@pytest.fixture(scope="module")
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox with a real Postfix that runs."""
    with running([directory], mail="postfix") as found:
        yield found


class Host:
    """The running instance, and where its mail goes."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.folder = Path(flow.sandbox.ready["foreign"][0]["config_directory"])
        self.path = self.folder / "ours"
        self.before = self.files()

    def row(self, name: str, **more: Any) -> dict[str, Any]:
        """A person's forward."""
        address = self.flow.address(name)
        return {"address": address, "routing_address": f"{address.split('@')[0]}@{ROUTING}", **more}

    def options(self, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A task's options."""
        return {"config_directory": str(self.folder), "path": str(self.path), "type": "hash", "forwards": list(rows), **more}

    def done(self, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        """One task that must not fail."""
        result = run("postfix_forwarding", **self.options(*rows, **more))
        assert not result.get("failed"), result["msg"]
        return result

    def places(self, name: str, **more: Any) -> list[str]:
        """Send one message and return the systems that it was placed in."""
        return sorted(place["system"] for place in self.flow.copies(self.flow.send(name, **more))[self.flow.address(name)]["places"])

    def files(self) -> dict[str, bytes]:
        """Every file of the instance's configuration."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture
def host(flow: Flow) -> Iterator[Host]:
    """The instance, its forwards off at the end."""
    flow.coexist("stub", "stub2", "stub3")
    found = Host(flow)
    yield found
    found.done(*map(found.row, ("stub", "stub2", "stub3")), state="absent")
    assert found.files() == found.before


@pytest.mark.parametrize("kind", ["hash", "texthash"])
def test_mail_follows_a_forward_and_comes_back_with_it(host: Host, kind: str) -> None:
    assert host.places("stub") == ["source"]
    host.done(host.row("stub"), host.row("stub2", keep_copy=True), type=kind)
    for origin in ("internet", "source", "local", "tenant"):
        assert host.places("stub", origin=origin) == ["tenant"], origin
    assert host.places("stub2") == ["source", "tenant"]
    assert host.places("noobj") == ["source"]
    assert not host.done(host.row("stub"), host.row("stub2", keep_copy=True), type=kind)["changed"]
    host.done(host.row("stub2"), type=kind)
    assert host.places("stub2") == ["tenant"]
    host.done(host.row("stub"), state="absent", type=kind)
    assert (host.places("stub"), host.places("stub2")) == (["source"], ["tenant"])
    host.done(host.row("stub2"), state="absent", type=kind)
    assert host.files() == host.before
    assert host.places("stub2") == ["source"]


@pytest.mark.parametrize("beside", [True, False])
def test_mail_to_an_alias_follows_its_mailbox_wherever_the_host_keeps_the_alias(host: Host, beside: bool) -> None:
    """In virtual_alias_maps Postfix leads it on by itself; as a second name of the mailbox it stays, but for a line of its own."""
    name = f"second@{SHARED}"
    owner, source = host.row("stub"), host.flow.sandbox.ready["foreign"][0]["name"]
    row = {"address": name, "routing_address": owner["routing_address"], "owner": owner["address"]}
    known = {"name": source, "aliases": {"add": {name: owner["address"]}}, "modes": {"aliases_beside": beside}}
    host.flow.mail(foreign=known)
    host.before = host.files()
    try:
        assert host.places(name) == ["source"]
        host.done(owner)
        assert host.places(name) == (["source"] if beside else ["tenant"])
        result = host.done(owner, row)
        assert result["aliases"] == ([] if beside else [name])
        assert host.places(name) == ["tenant"]
        host.done(owner, row, state="absent")
        assert host.places(name) == ["source"]
    finally:
        host.flow.mail(foreign={**known, "aliases": {"remove": [name]}, "modes": {"aliases_beside": False}})
        host.before = host.files()


def test_restored_mail_goes_where_it_went(host: Host) -> None:
    host.done(host.row("stub"))
    back = host.done(host.row("stub2"), state="exact")["restore"]
    assert (host.places("stub"), host.places("stub2")) == (["source"], ["tenant"])
    for step in back:
        host.done(*step["forwards"], state=step["state"])
    assert (host.places("stub"), host.places("stub2")) == (["tenant"], ["source"])


def test_killed_at_each_write_mail_follows_the_old_map_or_the_new(host: Host) -> None:
    host.done(host.row("stub"))
    theirs = f"# a note\nteam@example.com   {host.flow.address('stub3')},\n   away@out.example.org\n"
    host.path.write_text(f"{host.path.read_text(encoding='utf-8')}{theirs}", encoding="utf-8")
    subprocess.run(["postmap", "-c", str(host.folder), f"hash:{host.path}"], check=True)
    beside = {name: text for name, text in host.files().items() if host.path.name not in name}
    number = 1
    while shot(host.options(host.row("stub2"), state="exact"), number):
        asked = ["postmap", "-c", str(host.folder), "-q", "-", f"hash:{host.path}"]
        names = "".join(f"{name}\n" for name in (*map(host.flow.address, ("stub", "stub2")), "team@example.com"))
        said = subprocess.run(asked, input=names, capture_output=True, text=True, check=False)
        assert not said.stderr
        team = f"team@example.com\t{host.flow.address('stub3')},   away@out.example.org\n"
        old, new = (f"{host.row(name)['address']}\t{host.row(name)['routing_address']}\n{team}" for name in ("stub", "stub2"))
        assert said.stdout in (old, new), number
        assert theirs in host.path.read_text(encoding="utf-8"), number
        assert beside.items() <= host.files().items(), number
        assert host.places("stub") == (["tenant"] if said.stdout == old else ["source"])
        assert host.places("stub2") == (["source"] if said.stdout == old else ["tenant"])
        host.done(host.row("stub"), state="exact")
        number += 1
    assert number > 8, "the writes were not seen"
    assert host.files().items() >= beside.items()
    host.path.write_text(host.path.read_text(encoding="utf-8").replace(theirs, ""), encoding="utf-8")
    assert (host.places("stub"), host.places("stub2")) == (["source"], ["tenant"])


def test_a_map_of_the_instances_own_that_forwards_elsewhere_is_refused(host: Host) -> None:
    aliases = host.folder / "aliases"
    kept = aliases.read_text(encoding="utf-8")
    aliases.write_text(f"{kept}{host.flow.address('stub3')} away@out.example.org\n", encoding="utf-8")
    try:
        result = run("postfix_forwarding", **host.options(host.row("stub3")))
        assert "is forwarded to away@out.example.org by texthash:" in result["msg"]
        assert not host.path.exists()
    finally:
        aliases.write_text(kept, encoding="utf-8")
