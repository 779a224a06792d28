# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards of the end: what an Authoritative domain bounces, what loops before, and whose mail the connector still carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _changes as change
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full, Trace
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Address

from . import tenant, worlds
from .test_hazards_order import full, refuses, said
from .worlds import OLD, SHARED, source, world


# U3
def test_u3_authoritative_while_an_address_has_no_recipient() -> None:
    found = said("U3", full("authoritative", world()))
    assert [finding.who for finding in found] == [
        f"colleague@{SHARED}, list@{SHARED}, noobj@{SHARED}",
        f"folder@{SHARED}",
        f"mailuser@{SHARED}",
    ]
    assert all(finding.blocks for finding in found)
    assert not said("U3", Full(tenant.case("authoritative", final={SHARED: "InternalRelay"}), world()))
    assert [finding.who for finding in said("U3", full("teardown", world(sources=(source(addresses=None),), parties=())))] == [
        "the source list"
    ]
    known = world(sources=(source(addresses={}),), parties=(worlds.party("pilot"),))
    assert not said("U3", full("authoritative", known))
    tagged = replace(known, sources=(source(addresses={f"pilot+news@{SHARED}": Address(f"pilot@{SHARED}")}),))
    assert not said("U3", full("authoritative", tagged))


def test_u3_asks_nothing_of_a_domain_that_shall_go_on_relaying() -> None:
    for order in ("documented", "loop_free"):
        stays = {"teardown_order": order, "final_domain_type": "InternalRelay"}
        assert not said("U3", full("teardown", world(), options=stays))
        assert said("U3", full("teardown", world(), options={"teardown_order": order}))


# U1
@pytest.mark.parametrize("order", ["documented", "loop_free"])
@pytest.mark.parametrize(("final", "moved", "blocked"), [("InternalRelay", True, True), ("InternalRelay", False, False), ("", True, False)])
def test_u1_a_domain_that_relays_on_without_a_route(order: str, final: str, moved: bool, blocked: bool) -> None:
    found = change.mx_at(world(), [SHARED]) if moved else world()
    case = full("teardown", found, options={"teardown_order": order, "final_domain_type": final})
    assert refuses("U1", case) == blocked
    refusing = [one for one in said("U1", case) if one.blocks]
    assert all("for good" in one.why and "coexistence_final_domain_type" in one.remedy for one in refusing)


def test_u3_a_host_that_catches_all_without_saying_so_in_its_list() -> None:
    def caught(*modes: str, **addresses: Address) -> list[tuple[str, bool]]:
        host = source(addresses=addresses, modes=frozenset(modes))
        found = world(sources=(host,), parties=(worlds.party("pilot"),))
        return [(finding.who, finding.blocks) for finding in said("U3", full("teardown", found, options={"teardown_order": "loop_free"}))]

    assert caught("reject") == caught("relay") == []
    assert caught("catch_all") == [(OLD, True)]
    for row in (f"@{SHARED}", f"*@{SHARED}"):
        assert caught("catch_all", **{row: Address(row, "catch_all")}) == [(row, True)], "its own row says it"
    assert caught("catch_all", **{"@other.example": Address("@other.example", "catch_all")}) == [(OLD, True)]


@pytest.mark.parametrize(
    ("external", "kind", "blocked"),
    [
        (f"gone@{SHARED}", "mailuser", True),
        (f"gone@{SHARED}", "mailcontact", True),
        (f"pilot@{SHARED}", "mailuser", False),
        (f"pilot+x@{SHARED}", "mailuser", False),
        ("gone@elsewhere.example", "mailuser", False),
        ("", "usermailbox", False),
    ],
)
def test_u3_a_mail_user_that_leads_back_into_the_domain(external: str, kind: str, blocked: bool) -> None:
    people = (worlds.party("pilot"), worlds.party("leads", kind, external=external))
    found = said("U3", full("authoritative", world(sources=(source(addresses={}),), parties=people)))
    assert [(finding.who, finding.blocks) for finding in found] == ([(f"leads@{SHARED}", True)] if blocked else [])


# U11, U12
def test_u11_tells_how_many_messages_a_day_will_loop() -> None:
    seen = Evidence(trace=Trace(7, unknown={SHARED: 70}))
    found = said("U11", full("teardown", world(), seen))
    assert [finding.blocks for finding in found] == [False]
    assert "about 10 messages a day" in found[0].why
    assert "would loop, were its MX the tenant, which it is not now" in found[0].why
    assert said("U11", full("teardown", change.mx_at(world(), [SHARED]), seen))[0].why.endswith("to unknown addresses loop")
    assert "unread number" in said("U11", full("teardown", world()))[0].why
    assert not said("U11", full("teardown", world(), seen, options={"teardown_order": "loop_free"}))
    assert not said("U11", full("teardown", change.authoritative(world(), [SHARED]), seen))


def test_u12_wants_an_empty_connector() -> None:
    assert refuses("U12", full("authoritative", world()))
    assert refuses("U12", full("authoritative", world(), Evidence(trace=Trace(2, connectors={tenant.CONNECTOR: 3}))))
    assert not said("U12", full("authoritative", world(), Evidence(trace=Trace(2, connectors={"another": 3}))))
    for order in ("documented", "loop_free"):
        begins = full("teardown", world(), Evidence(trace=Trace(2, connectors={tenant.CONNECTOR: 3})), options={"teardown_order": order})
        assert refuses("U12", begins), "before the first rule stops, in either order"
        unread = full("teardown", world(), options={"teardown_order": order})
        assert refuses("U12", unread) == (order == "loop_free"), "the step that closes the domains wants it read"
        failed = full("teardown", world(), Evidence(unread={"trace": "Forbidden"}), options={"teardown_order": order})
        assert refuses("U12", failed), "what cannot be read now cannot be read when the rules are gone"


def test_u12_asks_nothing_of_domains_that_stay_or_are_what_they_shall_be() -> None:
    assert not said("U12", full("authoritative", change.authoritative(world(), [SHARED])))
    stays = full("authoritative", world())
    final = replace(stays.situation, final={SHARED: "InternalRelay"})
    assert not said("U12", replace(stays, situation=final))
