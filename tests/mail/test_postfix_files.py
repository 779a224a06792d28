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


@pytest.mark.parametrize("kind", ["texthash", "hash"])
def test_a_map_of_somebody_elses(flow: Flow, kind: str) -> None:
    place = Path(flow.sandbox.ready["foreign"][0]["config_directory"])
    stub = flow.who["stub"]
    flow.coexist("stub")
    text = place / "theirs"
    text.write_text(f"# theirs\n{stub}   {stub.split('@')[0]}@{ROUTING}\n", encoding="utf-8")
    if kind == "hash":
        subprocess.run(["postmap", "-c", str(place), f"hash:{text}"], check=True)
    before = subprocess.run(["postconf", "-c", str(place), "-h", "virtual_alias_maps"], check=True, capture_output=True, text=True)
    change = f"virtual_alias_maps={kind}:{text}, {before.stdout.strip()}"
    subprocess.run(["postconf", "-c", str(place), "-e", change], check=True)
    subprocess.run(["postfix", "-c", str(place), "reload"], check=True, stderr=subprocess.DEVNULL)
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
