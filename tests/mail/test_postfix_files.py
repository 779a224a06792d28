# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Postfix instance that others change: their map acts, the account knows, and control leaves it alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox import Sandbox, running
from unit.sandbox_mail.flow import ROUTING, Flow


@pytest.fixture(scope="module")
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox with Postfix."""
    with running([directory], mail="postfix") as found:
        yield found


def folder(flow: Flow) -> Path:
    """The instance's configuration."""
    return Path(flow.sandbox.ready["foreign"][0]["config_directory"])


def theirs(flow: Flow, kind: str, *names: str) -> None:
    """Write a map of somebody else's that forwards these people, and have the instance look into it first."""
    place = folder(flow)
    text = place / "theirs"
    rows = [f"{flow.who[name]}   {flow.who[name].split('@')[0]}@{ROUTING}\n" for name in names]
    text.write_text("# theirs\n" + "".join(rows), encoding="utf-8")
    if kind == "hash":
        subprocess.run(["postmap", "-c", str(place), f"hash:{text}"], check=True)
    before = subprocess.run(["postconf", "-c", str(place), "-h", "virtual_alias_maps"], check=True, capture_output=True, text=True)
    rest = before.stdout.strip().replace(f"{kind}:{text}, ", "")
    subprocess.run(["postconf", "-c", str(place), "-e", f"virtual_alias_maps={kind}:{text}, {rest}"], check=True)
    subprocess.run(["postfix", "-c", str(place), "reload"], check=True, stderr=subprocess.DEVNULL)


def forwards(flow: Flow) -> set[str]:
    """Who is forwarded, by the account."""
    return set(flow.sandbox.ask("GET", "/state")["mail"]["foreign"][0]["forwards"])


@pytest.mark.parametrize("kind", ["texthash", "hash"])
def test_a_map_of_somebody_elses(flow: Flow, kind: str) -> None:
    stub = flow.who["stub"]
    flow.coexist("stub")
    theirs(flow, kind, "stub")
    assert flow.outcome("stub", origin="local") == "delivered"
    (place_,) = flow.copies(flow.send("stub"))[stub]["places"]
    assert (place_["system"], place_["reads"]) == ("tenant", "tenant")
    flow.mail(foreign={"mailboxes": {"add": [f"new@{stub.split('@')[1]}"]}})
    assert flow.outcome("stub") == "delivered"
    assert flow.sandbox.ask("GET", "/state")["mail"]["foreign"][0]["forwards"][stub]["to"].endswith(ROUTING)
    flow.sandbox.reset()
    assert stub not in flow.sandbox.ask("GET", "/state")["mail"]["foreign"][0]["forwards"]
    (place_,) = flow.copies(flow.send("stub"))[stub]["places"]
    assert (place_["system"], place_["reads"]) == ("source", "source")


def test_what_others_forward_ends_with_their_map(flow: Flow) -> None:
    flow.coexist("stub", "stub2", "stub3")
    before, (theirs_, ours, both) = forwards(flow), (flow.who[name] for name in ("stub", "stub2", "stub3"))
    theirs(flow, "texthash", "stub", "stub3")
    flow.forward("stub2")
    flow.mail(foreign={"lists": {flow.who["list"]: [flow.who["noobj"]]}})
    assert forwards(flow) - before == {theirs_, ours, both}
    assert theirs_ not in (folder(flow) / "coexistence").read_text(encoding="utf-8")
    theirs(flow, "texthash", "stub3")
    assert forwards(flow) - before == {ours, both}
    (place_,) = flow.copies(flow.send("stub"))[theirs_]["places"]
    assert place_["system"] == "source"
    flow.forward("stub2", on=False)
    theirs(flow, "texthash")
    assert forwards(flow) == before


def test_what_comes_back_are_the_forwards_of_control_alone(flow: Flow) -> None:
    before = forwards(flow)
    theirs(flow, "texthash", "stub")
    flow.forward("stub2")
    flow.sandbox.ask("POST", "/keep")
    theirs(flow, "texthash")
    flow.forward("stub2", on=False)
    flow.sandbox.ask("POST", "/back")
    assert forwards(flow) - before == {flow.who["stub2"]}, "those of somebody else's map are theirs to bring back"


def test_one_branch_in_the_queue_is_no_delivery_and_one_that_vanished_is_a_loss(flow: Flow) -> None:
    list_, members = flow.who["list"], [flow.who["noobj"], flow.who["stub"]]
    tagged = flow.who["stub"].replace("@", "+20@")
    flow.coexist("stub")
    flow.forward("stub")
    flow.mail(foreign={"lists": {list_: members}})
    flow.mail(door={"tenant": "", "up": False})
    ids = [flow.send(list_, "noobj2", tagged), flow.send(list_, origin="local")]
    expected = {list_: "delayed", flow.who["noobj2"]: "delivered", tagged: "delayed"}
    assert {name: copy["outcome"] for name, copy in flow.copies(ids[0]).items()} == expected
    assert len(flow.copies(ids[0])[list_]["places"]) == 1
    assert flow.copies(ids[1])[list_]["outcome"] == "delayed"
    subprocess.run(["postsuper", "-c", str(folder(flow)), "-d", "ALL"], check=True, stderr=subprocess.DEVNULL)
    expected = {list_: "lost", flow.who["noobj2"]: "delivered", tagged: "lost"}
    assert {name: copy["outcome"] for name, copy in flow.copies(ids[0]).items()} == expected
    assert flow.copies(ids[1])[list_]["outcome"] == "lost"
    flow.mail(door={"tenant": "", "up": True})
    assert flow.outcome("stub") == "delivered"


def test_a_message_without_a_sender_that_fails_has_bounced(flow: Flow) -> None:
    flow.relay()
    flow.forward("noobj")
    assert flow.copies(flow.send("noobj", sender="<>", kind="ndr"))[flow.who["noobj"]]["outcome"] == "bounced"
