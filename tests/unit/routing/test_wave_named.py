# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: whom a run is about, who is refused, and what it notes beside other runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import plan_info, wave
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line, read_line
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError, Refused
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply

from .tenant import NOW, group, mailbox
from .test_tools import Tenant, context, options, tenant


@dataclass
class Shared(Tenant):
    """Beside this run another one notes its own change of the membership, once the tenant was read."""

    noted: str = ""

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Reply | ExchangeError]:
        found = super().call_many(cmdlets)
        if self.trips == 1:
            self.rows["DistributionGroup"] = [group(Line({"example.com": "Authoritative"}, moved=self.noted))]
        return found


@pytest.mark.parametrize(("noted", "kept"), [("2026-03-01T12:00:09Z", "2026-03-01T12:00:09Z"), ("2026-03-01T11:59:00Z", NOW), ("", NOW)])
def test_a_change_that_another_run_noted_later_is_not_noted_back(noted: str, kept: str) -> None:
    session = Shared(tenant().rows, noted=noted)
    wave(options(users=["anna@example.com"]), context(session))
    found = read_line(session.rows["DistributionGroup"][0]["Description"])
    assert found == Line({"example.com": "Authoritative"}, moved=kept)


@pytest.mark.parametrize(
    ("users", "named", "told"),
    [(["anna@example.com"], "wave1", 1), (["anna@example.com"], "", 0), (["anna@example.com"], None, 0), ("", "1", 0)],
)
def test_users_beside_a_wave_are_told(tmp_path: Path, users: Any, named: Any, told: int) -> None:
    (tmp_path / "waves.csv").write_text("user,wave\nbert@example.com,1\n", encoding="utf-8")
    heard: list[str] = []
    given = {"users": users, "wave": named, "waves_file": str(tmp_path / "waves.csv") if named == "1" else None}
    wave(options(**given), context(tenant(), warn=heard.append))
    both = [line for line in heard if "are both given" in line]
    assert len(both) == told
    assert all("coexistence_users (anna@example.com)" in line and "coexistence_wave (wave1)" in line for line in both)


def test_who_is_refused_is_named_by_the_bare_address_beside_the_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "waves.csv"
    path.write_text("user,wave\nanna@example.com,1\ngone@example.com,1\n", encoding="utf-8")
    given = options(users=None, wave="1", waves_file=str(path))
    with pytest.raises(Refused) as caught:
        wave(given, context(tenant()))
    done = wave({**given, "accept_risks": ["U7"]}, context(tenant()))
    for made in (caught.value.details["refused"], done["refused"]):
        assert [(one["user"], one["place"]) for one in made] == [("gone@example.com", f"{path} line 3")]


def two_files(**more: Any) -> dict[str, Any]:
    """A wave of two people whose forwards go into a file each kind. more: by source, what it has for itself."""
    shared = {"smart_hosts": ["192.0.2.10"], "source_ip_ranges": ["192.0.2.10"]}
    kinds = {"example.com": "csv", "other.example.net": "google"}
    sources = [
        {"name": kind, "domains": [name], "forwarding_backend": kind, **shared, **more.get(kind, {})} for name, kind in kinds.items()
    ]
    given = options(domains=list(kinds), sources=sources, smart_hosts=None, source_ip_ranges=None, step="cutover")
    users = ["anna@example.com", "dora@other.example.net"]
    session = tenant()
    session.rows["Recipient"] = [*session.rows["Recipient"], mailbox("dora@other.example.net")]
    return plan_info({**given, "accept_risks": ["U5", "U19", "U24"], "users": users}, context(session))


def test_two_sources_do_not_write_one_file_in_two_forms() -> None:
    with pytest.raises(InputError, match=r"'csv' \(csv\) and 'google' \(google\) would go into one file"):
        two_files()


def test_a_source_may_have_a_file_of_its_own() -> None:
    found = two_files(google={"forwarding_options": {"dest": "/srv/map.csv"}})["plan"]["ways"]
    assert [(way["name"], way["options"]) for way in found] == [("csv", {}), ("google", {"dest": "/srv/map.csv"})]
