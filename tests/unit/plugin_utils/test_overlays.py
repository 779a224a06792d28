# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned states over reads."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, NotFound, Row
from ansible_collections.mailops.exchange.plugins.plugin_utils._overlays import Overlays
from hypothesis import given
from hypothesis import strategies as st

RULES: list[Row] = [{"Name": "A", "Guid": "1"}, {"Name": "B", "Guid": "2"}]
ALL = Cmdlet("Get-TransportRule")


def laid(*identities: str, rows: list[Row], noun: str = "TransportRule") -> Overlays:
    overlays = Overlays()
    overlays.lay(noun, identities, rows)
    return overlays


@pytest.mark.parametrize("identity", ["B", "b", " B ", "2"])
def test_a_planned_object_is_found_by_each_of_its_names(identity: str) -> None:
    overlays = laid("b", "2", rows=[{"Name": "B", "State": "Disabled"}])
    assert overlays.answer(Cmdlet("Get-TransportRule", {"identity": identity})) == [{"Name": "B", "State": "Disabled"}]


def test_others_are_the_services_matter() -> None:
    overlays = laid("b", rows=[{"Name": "B"}])
    assert overlays.answer(Cmdlet("Get-TransportRule", {"Identity": "A"})) is None
    assert overlays.answer(Cmdlet("Get-RemoteDomain", {"Identity": "b"})) is None
    assert overlays.answer(ALL) is None


def test_a_removed_object_is_gone() -> None:
    overlays = laid("B", rows=[])
    with pytest.raises(NotFound) as caught:
        overlays.answer(Cmdlet("Get-TransportRule", {"Identity": "b"}))
    assert caught.value.identity == "b"
    assert overlays.merge(ALL, RULES) == [RULES[0]]


def test_a_changed_object_keeps_its_place_and_a_new_one_comes_last() -> None:
    overlays = laid("A", rows=[{"Name": "A", "Priority": 1}])
    overlays.lay("transportrule", ["C"], [{"Name": "C"}])
    assert overlays.merge(ALL, RULES) == [{"Name": "A", "Priority": 1}, RULES[1], {"Name": "C"}]


def test_a_narrowed_list_gains_nothing() -> None:
    overlays = laid("C", rows=[{"Name": "C"}])
    assert overlays.merge(Cmdlet("Get-TransportRule", {"Filter": "x"}), RULES) == RULES


def test_a_named_read_is_not_merged() -> None:
    overlays = laid("C", rows=[{"Name": "C"}])
    assert overlays.merge(Cmdlet("Get-TransportRule", {"Identity": "A"}), RULES[:1]) == RULES[:1]


def test_a_later_plan_replaces_an_earlier_one_that_shares_a_name() -> None:
    overlays = laid("A", "1", rows=[])
    overlays.lay("TransportRule", ["1", "renamed"], [{"Name": "renamed"}])
    assert overlays.merge(ALL, RULES) == [{"Name": "renamed"}, RULES[1]]
    assert overlays.answer(Cmdlet("Get-TransportRule", {"Identity": "A"})) is None


def test_members_belong_to_their_group_and_may_be_none() -> None:
    overlays = laid("Group", rows=[], noun="DistributionGroupMember")
    assert overlays.answer(Cmdlet("Get-DistributionGroupMember", {"Identity": "group"})) == []
    assert overlays.merge(Cmdlet("Get-DistributionGroupMember"), RULES) == RULES


def test_a_real_write_of_the_noun_ends_the_plan() -> None:
    overlays = laid("A", rows=[])
    overlays.drop("transportRULE")
    assert overlays.merge(ALL, RULES) == RULES


def test_rows_are_copies() -> None:
    overlays = laid("A", rows=[{"Name": "A"}])
    found = overlays.answer(Cmdlet("Get-TransportRule", {"Identity": "A"}))
    assert found is not None
    found[0]["Name"] = "spoilt"
    assert overlays.answer(Cmdlet("Get-TransportRule", {"Identity": "A"})) == [{"Name": "A"}]


@given(st.lists(st.sampled_from("ABCDE"), unique=True), st.dictionaries(st.sampled_from("ABCDEF"), st.booleans()))
def test_merging_is_what_the_writes_would_have_done(real: list[str], planned: dict[str, bool]) -> None:
    overlays = Overlays()
    for name, stays in planned.items():
        overlays.lay("TransportRule", [name], [{"Name": name, "Planned": True}] if stays else [])
    merged = [row["Name"] for row in overlays.merge(ALL, [{"Name": name} for name in real])]
    assert len(merged) == len(set(merged))
    assert set(merged) == (set(real) | {name for name, stays in planned.items() if stays}) - {
        n for n, stays in planned.items() if not stays
    }
