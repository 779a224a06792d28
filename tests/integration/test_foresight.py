# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that only look and predict: the worker and main() say the same, and neither writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness.coexistence import survey, variables
from harness.play import Player
from harness.tenant import Sandbox

from .test_paths import bare, probed

__all__ = ["probed"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")


def options(folder: Path, **more: Any) -> dict[str, Any]:
    known = {"mx": {"example.com": "source"}}
    files = {"source_file": str(folder / "source.csv"), "waves_file": str(folder / "waves.csv")}
    return {"domains": ["example.com"], "smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"], "known": known, **files, **more}


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("coexistence_snapshot_info", {}),
        ("mail_route_info", {"addresses": ["user0002@example.com"]}),
        ("mail_route_info", {"all": True, "origin": "tenant"}),
        ("mail_route_info", {"addresses": ["no address"]}),
        ("coexistence_check_info", {"step": "mx"}),
    ],
)
def test_worker_and_main_say_the_same(player: Player, probed: Path, sandbox: Sandbox, module: str, more: dict[str, Any]) -> None:
    player.collections = probed
    arguments = options(sandbox.folders[0], **more)
    task = {"mailops.exchange.both_paths": {"module": module, "arguments": arguments}}
    run = player.run(player.tasks([{**task, "check_mode": check} for check in (False, True)]))
    assert run.code == 0, run.output
    for event in run.results:
        worker, main = (json.loads(TIME.sub("<time>", json.dumps(bare(event["result"][path])))) for path in ("worker", "main"))
        assert worker == main
        assert worker["failed"] is ("no address" in str(more))
    assert sandbox.writes() == []


def test_the_rehearsal_reads_the_tenant_once_prints_a_screen_and_writes_nothing(player: Player, sandbox: Sandbox, tmp_path: Path) -> None:
    extra = variables(sandbox.folders[0]) | {"coexistence_known": {"mx": {"example.com": "source"}}}
    real = player.run("mailops.exchange.rehearse", extra)
    assert real.code == 0, real.output
    assert sandbox.writes() == []
    reads = len(sandbox.calls())
    assert "1. now: as it is: nobody newly hurt" in real.output
    assert "newly hurt at worst: split 0" in real.output
    as_text = survey(variables(sandbox.folders[0])) | {"coexistence_known": json.dumps(extra["coexistence_known"])}
    typed = player.run("mailops.exchange.rehearse", as_text)
    assert typed.code == 0, typed.output
    assert "newly hurt at worst: split 0" in typed.output
    file = str(tmp_path / "snapshot.json")
    options = {"domain": "example.com", "source_file": extra["coexistence_source_file"], "dest": file}
    kept = player.run(player.tasks([{"mailops.exchange.coexistence_snapshot_info": options}]))
    assert kept.code == 0, kept.output
    before = len(sandbox.calls())
    given = player.run("mailops.exchange.rehearse", {**extra, "coexistence_snapshot": file}, "--check")
    assert given.code == 0, given.output
    assert "newly hurt at worst: split 0" in given.output
    assert len(sandbox.calls()) == before
    assert reads < 25
