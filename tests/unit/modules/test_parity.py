# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, documentation and the cmdlets' parameter tables say the same; what is left out stands in omissions.yml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mailops.exchange.plugins.module_utils._resource import BOTH, NEW, SET
from ansible_collections.mailops.exchange.plugins.module_utils._values import to_option

from .bench import module, resource_of, spec_of

UNIT = Path(__file__).resolve().parents[1]
TABLES: dict[str, Any] = json.loads((UNIT.parent / "fixtures/cmdlets.json").read_text(encoding="utf-8"))
OMISSIONS: dict[str, Any] = yaml.safe_load((UNIT / "omissions.yml").read_text(encoding="utf-8"))

MANAGED = {
    "accepted_domain": ("Set-AcceptedDomain",),
    "transport_rule": ("New-TransportRule", "Set-TransportRule", "Remove-TransportRule", "Enable-TransportRule", "Disable-TransportRule"),
    "outbound_connector": ("New-OutboundConnector", "Set-OutboundConnector", "Remove-OutboundConnector"),
    "inbound_connector": ("New-InboundConnector", "Set-InboundConnector", "Remove-InboundConnector"),
    "distribution_group": ("New-DistributionGroup", "Set-DistributionGroup", "Remove-DistributionGroup"),
    "distribution_group_member": (
        "Add-DistributionGroupMember",
        "Remove-DistributionGroupMember",
        "Update-DistributionGroupMember",
    ),
}
READING = {
    "accepted_domain_info": ("Get-AcceptedDomain",),
    "transport_rule_info": ("Get-TransportRule",),
    "outbound_connector_info": ("Get-OutboundConnector",),
    "inbound_connector_info": ("Get-InboundConnector",),
    "distribution_group_info": ("Get-DistributionGroup",),
    "distribution_group_member_info": ("Get-DistributionGroupMember",),
}
NOUNS = {**MANAGED, **READING}
# The one option that stands for two parameters, one for each cmdlet.
SAME = {("distribution_group_member", "Member"): "members"}
# Options that no cmdlet has.
OWN = {"state"}
TRUTHS = {"$true", "$false", "$null"}


def parameters(name: str) -> dict[str, dict[str, Any]]:
    """The Exchange Online parameters of a module's cmdlets."""
    found: dict[str, dict[str, Any]] = {}
    for cmdlet in NOUNS[name]:
        for parameter, entry in TABLES[cmdlet]["parameters"].items():
            if entry["in"] in {"cloud", "both"}:
                known = found.setdefault(parameter, entry)
                if len(entry.get("choices", ())) > len(known.get("choices", ())):
                    found[parameter] = entry
    return found


def left_out(name: str) -> set[str]:
    return set(OMISSIONS["everywhere"]) | set(OMISSIONS["parameters"][name])


def option_of(name: str, parameter: str) -> str:
    return SAME.get((name, parameter), to_option(parameter))


def fitting(kind: str) -> set[str]:
    """The option types that can carry a parameter of this type."""
    if kind in {"Boolean", "SwitchParameter"}:
        return {"bool"}
    if kind == "Int32":
        return {"int"}
    if kind in {"MultiValuedProperty", "ProxyAddressCollection"}:
        return {"raw", "list"}
    return {"list", "raw"} if kind.endswith("[]") else {"str"}


def documentation(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(module(name).DOCUMENTATION)
    return found


@pytest.mark.parametrize("name", NOUNS)
def test_every_parameter_is_an_option_or_left_out_for_a_reason(name: str) -> None:
    options = set(spec_of(name).argument_spec)
    lacking = [p for p in parameters(name) if option_of(name, p) not in options and p not in left_out(name)]
    assert not lacking, "options that lack"
    made_up = options - {option_of(name, p) for p in parameters(name)} - OWN
    assert not made_up, "options that no cmdlet has"


@pytest.mark.parametrize("name", NOUNS)
def test_every_omission_is_true_and_has_a_reason(name: str) -> None:
    options, known = set(spec_of(name).argument_spec), parameters(name)
    for parameter, reason in OMISSIONS["parameters"][name].items():
        assert parameter in known, f"{parameter} is no parameter of {NOUNS[name]}"
        assert option_of(name, parameter) not in options, f"{parameter} is an option"
        assert str(reason).startswith(("Reserved.", "Deprecated.", "Server-only")), parameter
    for parameter, entry in OMISSIONS["choices"].get(name, {}).items():
        assert set(entry["left_out"]) <= set(known[parameter]["choices"]), parameter
        assert entry["reason"]


def test_the_omissions_know_every_module() -> None:
    assert set(OMISSIONS["parameters"]) == set(NOUNS)
    assert set(OMISSIONS["choices"]) <= set(NOUNS)


@pytest.mark.parametrize("name", NOUNS)
def test_every_option_has_the_type_and_the_choices_of_its_parameter(name: str) -> None:
    spec = spec_of(name).argument_spec
    odd = []
    for parameter, entry in parameters(name).items():
        if parameter in left_out(name):
            continue
        option = spec[option_of(name, parameter)]
        other = OMISSIONS["types"].get(name, {}).get(parameter, {}).get("type")
        if option["type"] not in ({other} if other else fitting(entry["type"])) and option_of(name, parameter) != "members":
            odd.append(f"{parameter}: {entry['type']} as {option['type']}")
        dropped = set(OMISSIONS["choices"].get(name, {}).get(parameter, {}).get("left_out", ()))
        wanted = set(entry.get("choices", ())) - TRUTHS - dropped
        if set(option.get("choices", ())) - {""} != wanted:
            odd.append(f"{parameter}: {sorted(wanted)} as {option.get('choices')}")
        if "$null" in entry.get("choices", ()) and "" not in option["choices"]:
            odd.append(f"{parameter}: cannot be cleared")
    assert not odd


@pytest.mark.parametrize("name", NOUNS)
def test_the_documentation_has_the_options_of_the_spec(name: str) -> None:
    spec, told = spec_of(name).argument_spec, documentation(name)["options"]
    assert set(told) == set(spec)
    for option, entry in spec.items():
        said: Mapping[str, Any] = told[option]
        for key in ("type", "elements", "choices", "aliases", "default", "required"):
            assert said.get(key) == entry.get(key), f"{option}: {key}"


@pytest.mark.parametrize("name", NOUNS)
def test_the_documentation_names_each_parameter(name: str) -> None:
    told = documentation(name)["options"]
    silent = [
        parameter
        for parameter in parameters(name)
        if parameter not in left_out(name) and f"C({parameter})" not in " ".join(told[option_of(name, parameter)]["description"])
    ]
    assert not silent


@pytest.mark.parametrize("name", NOUNS)
def test_the_documentation_is_complete(name: str) -> None:
    found = documentation(name)
    tasks, returned = yaml.safe_load(module(name).EXAMPLES), yaml.safe_load(module(name).RETURN)
    assert found["module"] == name
    assert "mailops.exchange.attributes" in found["extends_documentation_fragment"], "check mode and diff"
    assert found["author"] == ["The mailops.exchange authors (!UNKNOWN)"]
    assert any(f"mailops.exchange.{name}" in task for task in tasks)
    assert set(returned) >= ({"objects"} if name in READING else {"calls"})
    for task in tasks:
        options = task.get(f"mailops.exchange.{name}") or {}
        assert set(options) <= set(spec_of(name).argument_spec), task["name"]


@pytest.mark.parametrize("name", [name for name, cmdlets in MANAGED.items() if cmdlets[0].startswith("New-")])
def test_each_property_is_sent_by_the_cmdlets_that_take_it(name: str) -> None:
    new, change = (TABLES[cmdlet]["parameters"] for cmdlet in MANAGED[name][:2])
    for prop in resource_of(name).properties:
        takers = {on for on, table in ((NEW, new), (SET, change)) if table.get(prop.parameter, {}).get("in") in {"cloud", "both"}}
        assert ({NEW, SET} if prop.on == BOTH else {prop.on}) == takers, prop.parameter
