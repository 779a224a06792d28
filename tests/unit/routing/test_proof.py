# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes and forwards that earlier tasks saw, as one reader takes them for every tool."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Probe
from ansible_collections.mailops.exchange.plugins.module_utils._routing._proof import Proof, proof_of
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Forward
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError

ANNA, BERT = "anna@example.com", "bert@example.com"


def test_a_list_of_forwards_is_all_that_is_on() -> None:
    found = proof_of({"forwards": [{"address": "SMTP:Anna@Example.com", "routing_address": "<Anna@x.example>", "keep_copy": True}]})
    assert found.on == {ANNA: Forward("anna@x.example", keep=True)}
    seen = found.added(Evidence())
    assert (seen.forwards_read, seen.forwards_off) == (True, frozenset())
    assert proof_of({"forwards": []}).added(Evidence()).forwards_read is True
    assert proof_of({}) == Proof()
    assert proof_of({}).added(Evidence(forwards_read=True)).forwards_read is True


def test_what_single_addresses_show_is_on_or_off() -> None:
    rows = [
        {"address": ANNA, "routing_address": "anna@x.example", "on": True},
        {"address": "Bert@example.com", "routing_address": "", "on": False},
        {"address": "cleo@example.com", "routing_address": "cleo@x.example", "on": "False"},
    ]
    found = proof_of({"forwards": rows})
    assert set(found.on) == {ANNA}
    seen = found.added(Evidence(forwards_off=frozenset({"dora@example.com"})))
    assert seen.forwards_off == {BERT, "cleo@example.com", "dora@example.com"}
    assert seen.forwards_read is False, "who was not asked about is not known"


def test_the_same_address_off_and_on_is_on() -> None:
    rows = [{"address": ANNA, "on": False}, {"address": ANNA, "routing_address": "anna@x.example", "on": True}]
    found = proof_of({"forwards": rows})
    assert (set(found.on), found.off) == ({ANNA}, frozenset())


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({}, "has no address"),
        ({"routing_address": "a@x.example"}, "has no address"),
        ({"address": ANNA}, f"{ANNA} has no routing_address"),
        ({"address": ANNA, "on": True, "routing_address": ""}, f"{ANNA} has no routing_address"),
        ("anna", "'anna' is no row"),
    ],
)
def test_a_row_that_is_none_is_named_with_its_remedy(row: Any, word: str) -> None:
    with pytest.raises(InputError) as caught:
        proof_of({"forwards": [row, {"address": BERT}]})
    assert len(caught.value.problems) == 2
    assert word in caught.value.problems[0]
    assert all(line.startswith("forwards: ") and line.endswith(".") and "\n" not in line for line in caught.value.problems)


def test_probes_are_folded_and_added() -> None:
    probe = {"origin": "Tenant", "sender": "A@Example.com", "recipient": "Bert@Example.com", "result": "arrived", "place": "source"}
    found = proof_of({"probes": [probe]})
    assert found.probes == (Probe("tenant", "a@example.com", BERT, "arrived", "source"),)
    assert found.added(Evidence(probes=found.probes)).probes == found.probes * 2
