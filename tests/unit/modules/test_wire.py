# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module: its parameter is seen on the wire, a second run writes nothing, and neither does check mode.

The tasks are generated from the tables and run against the sandbox, which refuses what the service refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._resource import NEW, SET, Property, Resource
from ansible_collections.mailops.exchange.plugins.module_utils._session import Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import is_empty

from .bench import Bench, resource_of
from .samples import BESIDE, CONNECTOR, GROUP, OTHER_GROUP, PERSON, sample

SUBJECT = "Subject of the test"
BASE: dict[str, dict[str, Any]] = {
    "accepted_domain": {"identity": "example.com"},
    "transport_rule": {"identity": SUBJECT, "comments": "made by a test", "prepend_subject": "[base] ", "enabled": True},
    "outbound_connector": {"identity": SUBJECT, "connector_type": "Partner", "use_mx_record": True},
    "inbound_connector": {"identity": SUBJECT, "connector_type": "Partner", "sender_domains": ["first.example"]},
    "distribution_group": {"identity": SUBJECT, "managed_by": [PERSON], "primary_smtp_address": "subject@example.com"},
}


def options() -> Iterator[tuple[str, Property]]:
    for name in BASE:
        for prop in resource_of(name).properties:
            yield name, prop


def partners(found: Resource, prop: Property, row: Mapping[str, Any]) -> dict[str, Any]:
    """What must be given beside an option."""
    beside: dict[str, Any] = dict(BESIDE.get((found.noun, prop.parameter), {}))
    for group in found.together:
        if prop.parameter in group:
            for other in (p for p in found.properties if p.parameter in group and p is not prop):
                beside[other.option] = sample(found.noun, other, row.get(other.parameter))
    return beside


# What an option that is for new objects alone is given with.
FRESH: dict[str, Any] = {"identity": "Another subject", "primary_smtp_address": "another-subject@example.com"}


def base(name: str, prop: Property) -> dict[str, Any]:
    """The task around one option; an option that excludes all others has none."""
    if prop.option == "trusted_organizations":
        return {"identity": SUBJECT}
    fresh = prop.on == NEW and prop.pair is None
    return {**BASE[name], **{key: FRESH[key] for key in FRESH if fresh and key in BASE[name]}}


@pytest.fixture(scope="module")
def ready(transport: Bench) -> Bench:
    """What the values name, and one object of each noun. Kept for all tests of this file."""
    transport.sandbox.reset()
    for address in (GROUP, OTHER_GROUP):
        transport.done("distribution_group", identity=address.partition("@")[0], primary_smtp_address=address, managed_by=[PERSON])
    transport.done("outbound_connector", identity=CONNECTOR, connector_type="Partner")
    for number in range(2):
        transport.done("transport_rule", identity=f"Filler {number}", set_scl=-1, comments="makes room for priorities")
    for name, task in BASE.items():
        transport.done(name, **task)
    transport.sandbox.ask("POST", "/keep", {})
    return transport


@pytest.fixture
def bench(ready: Bench) -> Bench:
    """The same, as it was kept."""
    ready.sandbox.ask("POST", "/back", {})
    ready.warnings.clear()
    return ready


ALL = list(options())
NAMES = [f"{name}.{prop.option}" for name, prop in ALL]


@pytest.mark.parametrize(("name", "prop"), ALL, ids=NAMES)
def test_the_parameter_is_on_the_wire_and_a_second_run_writes_nothing(bench: Bench, name: str, prop: Property) -> None:
    found = resource_of(name)
    row: Row = dict(found.defaults)
    if prop.on != NEW or prop.pair is not None:
        row = bench.row(found.noun, BASE[name]["identity"])
    value = sample(found.noun, prop, prop.current(row))
    task = {**base(name, prop), prop.option: value, **partners(found, prop, row)}
    if prop.read is None and prop.on != NEW:
        task |= {"display_name": "Something that changes"}
    if prop.option in {"email_addresses", "windows_email_address"}:
        task.pop("primary_smtp_address", None)
    announced = bench.done(name, check=True, **task)
    before = len(bench.writes())
    result = bench.done(name, **task)
    writes = bench.writes()[before:]
    assert result["changed"]
    assert _seen(prop, value, writes), f"{prop.parameter} is not in {writes}"
    assert [(call["cmdlet"], set(call["parameters"])) for call in announced["calls"]] == [(c, set(p)) for c, p in writes]
    assert announced["calls"] == result["calls"]
    again = bench.done(name, **task)
    assert not again["changed"], again["calls"]
    assert len(bench.writes()) == before + len(writes)
    assert not bench.warnings


CLEARABLE = [
    (name, prop)
    for name, prop in ALL
    if prop.read is not None
    and prop.kind.ansible in {"str", "list", "raw"}
    and prop.on != NEW
    and (not prop.choices or prop.clears or prop.kind.many)
    and (name, prop.option)
    not in {
        *((name, "name") for name in BASE),
        ("distribution_group", "alias"),
        ("distribution_group", "display_name"),
        ("distribution_group", "primary_smtp_address"),
        ("distribution_group", "windows_email_address"),
        ("distribution_group", "email_addresses"),
        ("distribution_group", "managed_by"),
        ("inbound_connector", "connector_source"),
        ("inbound_connector", "sender_domains"),
        ("outbound_connector", "last_validation_timestamp"),
    }
]


@pytest.mark.parametrize(("name", "prop"), CLEARABLE, ids=[f"{name}.{prop.option}" for name, prop in CLEARABLE])
def test_what_can_be_cleared_is_cleared_once(bench: Bench, name: str, prop: Property) -> None:
    found = resource_of(name)
    row = bench.row(found.noun, BASE[name]["identity"])
    task = {**base(name, prop), prop.option: sample(found.noun, prop, prop.current(row)), **partners(found, prop, row)}
    bench.done(name, **task)
    group = next((names for names in found.together if prop.parameter in names), (prop.parameter,))
    nothing = {p.option: [] if p.kind.many else "" for p in found.properties if p.parameter in group}
    before = len(bench.writes())
    assert bench.done(name, **{**task, **nothing})["changed"]
    (write,) = bench.writes()[before:]
    assert is_empty(write[1][prop.parameter])
    assert not bench.done(name, **{**task, **nothing})["changed"]
    assert len(bench.writes()) == before + 1


EDITS = [(name, prop) for name, prop in ALL if prop.kind.edits and prop.option != "email_addresses"]


@pytest.mark.parametrize(("name", "prop"), EDITS, ids=[f"{name}.{prop.option}" for name, prop in EDITS])
def test_lists_are_edited_by_what_is_missing_alone(bench: Bench, name: str, prop: Property) -> None:
    found = resource_of(name)
    start = {**BASE[name], **BESIDE.get((found.noun, prop.parameter), {})}
    bench.done(name, **start)
    start = start if prop.option != "trusted_organizations" else base(name, prop)
    (value,) = sample(found.noun, prop, None)
    before = len(bench.writes())
    task = {**start, prop.option: {"add": [value], "remove": ["192.0.2.77"]}}
    if prop.option == "managed_by":
        task[prop.option] = {"add": [value], "remove": []}
    bench.done(name, **task)
    (write,) = bench.writes()[before:]
    sent = write[1][prop.parameter]
    assert {key: items for key, items in sent.items() if "@" not in key} == {"Add": [value]}
    assert not bench.done(name, **task)["changed"]
    assert bench.done(name, **{**task, prop.option: {"remove": [value]}})["changed"]


def _seen(prop: Property, value: Any, writes: list[tuple[str, dict[str, Any]]]) -> bool:
    if prop.pair:
        return any(write[0] in prop.pair for write in writes)
    verbs = {NEW: ("New-",), SET: ("Set-",)}.get(prop.on, ("New-", "Set-"))
    sent = [parameters[prop.parameter] for cmdlet, parameters in writes if cmdlet.startswith(verbs) and prop.parameter in parameters]
    return any(prop.kind.same(value, one) for one in sent)
