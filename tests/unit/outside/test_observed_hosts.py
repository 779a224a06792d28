# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as a look at the outside knows them: whom an SPF record names by the MX, and the addresses of a network."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import NAMELESS
from unit.routing.tenant import SHARED, connector

from .test_observe import AT_SOURCE, AT_TENANT, STOPPED, Outside, about, look


@pytest.mark.parametrize(
    ("hosts", "allowed"),
    [
        ([AT_SOURCE], True),
        ([AT_TENANT], False),
        (["."], False),
        (["gate.filter.example"], None),  # nobody knows whose it is
    ],
)
def test_an_mx_in_an_spf_record_is_the_sources_where_the_mx_names_it(hosts: list[str], allowed: bool | None) -> None:
    row = about(*hosts, spf="v=spf1 mx include:spf.protection.outlook.com -all")
    found = look(Outside({SHARED: row}))[2].dns[SHARED]
    assert found.spf[NAMELESS] is allowed


@pytest.mark.parametrize(("host", "asked"), [("192.0.2.16/30", 4), ("192.0.0.0/16", 0)])
def test_each_address_of_a_smart_host_that_is_a_network_is_asked_for(host: str, asked: int) -> None:
    session = Outside()
    own = [connector(SmartHosts=[host])]
    evidence = look(session, "dismantle", rules=[], connectors=own, told=STOPPED, options={"smart_hosts": [host]})[2]
    addresses = [parameters["ToIP"] for name, parameters in session.asked if name == "Get-MessageTraceV2"]
    assert addresses == [f"192.0.2.{number}" for number in range(16, 16 + asked)]
    assert (evidence.trace is None) == (not asked)
    assert asked or host in evidence.unread["trace"]
