# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generated worlds are made of, counted without playing them."""

from __future__ import annotations

from collections import Counter

import pytest

from .generator import scenario
from .people import OTHER
from .scenario import ORGANIZATION, ROUTING, Scenario
from .states import STATES
from .test_differential import WORLDS

# Who can be hurt, by the routing facts.
KINDS = (
    "pilot stub noobj mailuser migrated nobody other guest room shared m365group folder list alias team dynamic".split()  # noqa: SIM905 - reads better
)
ROUTES = "RouteMessageOutboundConnector"
LEAST, LEAST_STEERED = 20, 3
# Conditions and exceptions of rules that are put into some of the worlds on purpose.
STEERED = (
    *("ExceptIfRecipientAddressMatchesPatterns", "AnyOfToCcHeader", "AnyOfToHeaderMemberOf", "AnyOfToCcHeaderMemberOf"),
    *("FromAddressMatchesPatterns", "HeaderMatchesPatterns"),
)


@pytest.fixture(scope="module")
def worlds() -> list[Scenario]:
    """Every world, made and not played."""
    return [scenario(seed) for seed in range(WORLDS)]


def spans(made: Scenario) -> tuple[bool, bool]:
    """Whether one object has addresses in two shared domains; and in domains of two hosts."""
    objects = [row["EmailAddresses"] for noun in ("Mailbox", "MailUser") for row in made.rows(noun)]
    held = [{text.rpartition("@")[2] for text in texts} & set(made.domains) for texts in objects]
    homes = [{host.name for one in domains if (host := made.host_of(f"x@{one}"))} for domains in held]
    return any(len(domains) > 1 for domains in held), any(len(names) > 1 for names in homes)


def test_every_number_of_domains_and_hosts_comes_often(worlds: list[Scenario]) -> None:
    domains, hosts = Counter(len(made.domains) for made in worlds), Counter(len(made.hosts) for made in worlds)
    assert (set(domains), set(hosts)) == ({1, 2, 3, 4}, {1, 2, 3})
    assert min(*domains.values(), *hosts.values()) >= LEAST, (domains, hosts)
    assert all(len(set(made.domains)) == len(made.domains) for made in worlds), "a domain has one host"


def test_subdomains_and_aliases_across_domains_come_often(worlds: list[Scenario]) -> None:
    below = [made for made in worlds if any(one.endswith(f".{other}") for one in made.domains for other in made.domains)]
    found = [spans(made) for made in worlds]
    assert len(below) >= LEAST
    assert sum(several for several, _unused in found) >= LEAST
    assert sum(hosts for _unused, hosts in found) >= LEAST
    written = [one for made in worlds for letter in made.letters for one in letter.recipients if letter.kind in {"alias", "sister"}]
    assert sum("+" in one for one in written) >= LEAST
    assert sum(".second@" in one for one in written) >= LEAST
    teams = [one for made in worlds for letter in made.letters for one in letter.recipients if letter.kind == "team"]
    assert sum("+" in one for one in teams) >= LEAST_STEERED


def test_rules_of_others_stand_above_ours(worlds: list[Scenario]) -> None:
    above: Counter[str] = Counter()
    for made in worlds:
        rows = sorted(made.rows("TransportRule"), key=lambda row: row["Priority"])
        first = next((place for place, row in enumerate(rows) if row["Name"].startswith("Coexistence")), 0)
        above.update(row["Name"] for row in rows[:first])
    assert above.total() >= 10 * LEAST
    assert len(above) >= LEAST, "of many kinds"


def test_what_chance_seldom_brings_comes_too(worlds: list[Scenario]) -> None:
    assert {made.entries for made in worlds} == {2, 3, 4, 5}
    names = Counter(name for made in worlds for row in made.rows("TransportRule") for name, value in row.items() if value)
    assert [name for name in STEERED if names[name] < LEAST_STEERED] == []
    places = Counter(str(row["SenderAddressLocation"]) for made in worlds for row in made.rows("TransportRule"))
    assert min(places[place] for place in ("Header", "Envelope", "HeaderOrEnvelope")) > 0
    same = Counter(str(made.rows("TransportRule")) for made in worlds if made.rows("TransportRule"))
    assert len(same) >= WORLDS // 2, "worlds differ"


def test_every_kind_of_recipient_is_there_and_is_written_to_in_every_state(worlds: list[Scenario]) -> None:
    assert all(set(KINDS) <= set(made.people) and all(made.people.values()) for made in worlds)
    assert {made.state for made in worlds} == set(STATES)
    written = Counter(letter.kind for made in worlds for letter in made.letters)
    assert [kind for kind in KINDS if written[kind] < LEAST] == []
    known = {ORGANIZATION, ROUTING, OTHER, "cloud.one.example"}
    assert all(
        one.rpartition("@")[2] in known | set(made.domains) for made in worlds for letter in made.letters for one in letter.recipients
    )
