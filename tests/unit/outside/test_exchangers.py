# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a mail exchanger is where there are several sources, what resolvers still hold, and how long a record lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._observe import gather
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import MxChange
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Mx
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import NAMELESS
from ansible_collections.mailops.exchange.plugins.module_utils._session import Row
from unit.routing.tenant import NOW, SHARED, case, domain, standing

from .test_observe import AT_SOURCE, AT_TENANT, RELAYED, Outside, about, answer, context, look


def test_a_smart_host_by_name_is_the_source_and_several_sources_are_told_apart() -> None:
    sources = [
        {"name": "one", "domains": [SHARED], "smart_hosts": [AT_SOURCE], "source_ip_ranges": ["192.0.2.10"]},
        {"name": "two", "domains": ["two.example"], "smart_hosts": ["gate.filter.example"], "source_ip_ranges": ["198.51.100.7"]},
    ]
    more = {"smart_hosts": None, "source_ip_ranges": None, "domains": [SHARED, "two.example"], "sources": sources}
    situation = case("mx", options=more, **standing(domains=[*RELAYED, domain("two.example", "InternalRelay")]))
    session = Outside({SHARED: about("gate.filter.example"), "two.example": about("gate.filter.example")})
    observed, evidence = gather(situation, context(session))
    assert observed.mx == {SHARED: Mx("two"), "two.example": Mx("two")}
    assert evidence.mx_changes[SHARED].holder == "two", "its own source does not hold it"
    assert "two.example" not in evidence.mx_changes


def test_what_a_resolver_still_holds_counts_until_its_time_is_over() -> None:
    stale = {"old:53": answer(AT_SOURCE, ttl=600), "lame:53": {"status": "timeout", "error": "silent"}, "new:53": answer(AT_TENANT)}
    _case, mx, evidence = look(Outside({SHARED: about(AT_TENANT, ttl=300, resolvers=stale)}))
    assert mx == Mx("tenant", NAMELESS, "2026-03-01T12:10:00Z")
    assert evidence.mx_changes[SHARED] == MxChange(NOW, 3600, "tenant", NAMELESS, fresh=True)


def test_a_further_host_that_a_resolver_alone_still_shows_is_kept_and_a_null_mx_is_none() -> None:
    noted = Line(mx={SHARED: "tenant 60 2026-02-01T00:00:00Z"})
    held = about(AT_TENANT)
    spare = [{"host": AT_TENANT, "preference": 10}, {"host": AT_SOURCE, "preference": 20}]
    held["resolvers"] = {"192.0.2.53": {"mx": spare, "ttl": 600}}
    assert look(Outside({SHARED: held}), line=noted)[1] == Mx("tenant", beside=(NAMELESS,))
    held["resolvers"] = {"192.0.2.53": {"mx": [{"host": AT_SOURCE, "preference": 10}], "ttl": 600}}
    assert look(Outside({SHARED: held}), line=noted)[1] == Mx("tenant", NAMELESS, "2026-03-01T12:10:00Z"), "it runs out by itself"
    held["resolvers"] = {"192.0.2.53": {"mx": [{"host": ".", "preference": 0}], "ttl": 600}}
    mx = look(Outside({SHARED: held}), line=noted)[1]
    assert mx is not None
    assert mx.beside == ()


@pytest.mark.parametrize(("before", "now", "waits"), [(7200, 300, 7200), (60, 3600, 3600)])
def test_a_change_waits_for_the_longer_life_of_the_former_and_the_newer_record(before: int, now: int, waits: int) -> None:
    noted = Line(mx={SHARED: f"tenant {before} 2026-02-01T00:00:00Z"})
    _case, _mx, evidence = look(Outside({SHARED: about(AT_SOURCE, ttl=now)}), line=noted)
    change = evidence.mx_changes[SHARED]
    assert (change.holder, change.before, change.ttl, change.fresh) == (NAMELESS, "tenant", waits, True)


@pytest.mark.parametrize(
    ("own", "resolvers", "found"),
    [
        ({"ns1": answer(AT_SOURCE, ttl=3600), "ns2": answer(AT_SOURCE, ttl=7200)}, {"old:53": answer(AT_SOURCE, ttl=600)}, (7200, 600)),
        ({"ns1": {"status": "lame", "error": "lame"}}, {"a": answer(AT_SOURCE, ttl=60), "b": answer(AT_TENANT, ttl=900)}, (None, 900)),
        ({"ns1": answer(AT_SOURCE, ttl=300)}, {"old:53": {"status": "timeout", "error": "silent"}}, (300, None)),
        ({}, {}, (None, None)),
    ],
)
def test_how_long_the_mx_lives_is_told_by_its_own_servers_and_by_what_resolvers_hold(
    own: Mapping[str, Row], resolvers: Mapping[str, Row], found: tuple[int | None, int | None]
) -> None:
    mx = look(Outside({SHARED: about(AT_SOURCE, authoritative=own, resolvers=resolvers)}), "preflight")[1]
    assert mx is not None
    assert (mx.ttl, mx.held) == found
    assert replace(mx, ttl=1, held=2) == mx, "how long a record lives does not tell who answers"
