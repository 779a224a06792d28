# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: who joins, who leaves, who stays, under either meaning of membership; and the addresses of forwards."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._mail_plan import forwards
from ansible_collections.mailops.exchange.plugins.module_utils._routing._scope import exceptions, pattern, reached
from ansible_collections.mailops.exchange.plugins.module_utils._routing._snapshot import (
    Recipient,
    recipient,
    routing_address,
    routing_domain,
)
from ansible_collections.mailops.exchange.plugins.module_utils._routing._waves import check, forwarding, move
from hypothesis import given
from hypothesis import strategies as st

from .tenant import DOMAINS, FILES, ROUTING, SHARED, case, domain, found, inputs, mailbox, snapshot, standing

PEOPLE = [mailbox(f"{name}@example.com") for name in ("anna", "bert", "cleo")]


def moved(users: list[str], members: list[str], *, back: bool, pending: bool) -> tuple[tuple[str, ...], ...]:
    """Who joins, leaves and stays."""
    inside = [row for row in PEOPLE if row["PrimarySmtpAddress"] in members]
    options = {"users": users, "membership": "pending" if pending else "migrated"}
    moment = case("cutover", options=options, **standing(recipients=PEOPLE, members=inside))
    plan = move(moment.inputs, moment.snapshot, check(moment.inputs, moment.snapshot), back=back)
    return plan.join, plan.leave, tuple(one.user.address for one in plan.kept)


ALL = [row["PrimarySmtpAddress"] for row in PEOPLE]


@given(st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL), min_size=1), st.booleans(), st.booleans())
def test_a_wave_puts_everyone_on_the_right_side_and_touches_nobody_else(
    members: set[str], users: set[str], back: bool, pending: bool
) -> None:
    join, leave, kept = moved(sorted(users), sorted(members), back=back, pending=pending)
    after = (members | set(join)) - set(leave)
    inside = back == pending
    assert all((user in after) == inside for user in users)
    assert members - users == after - users
    assert set(join) | set(leave) | set(kept) == users
    assert not set(join) & members
    assert set(leave) <= members
    assert moved(sorted(users), sorted(after), back=back, pending=pending) == ((), (), tuple(sorted(users)))


def test_a_refused_user_stays_where_the_others_move() -> None:
    moment = case("cutover", options={"users": ["anna@example.com", "gone@example.com"]}, **standing(recipients=PEOPLE))
    plan = move(moment.inputs, moment.snapshot, check(moment.inputs, moment.snapshot))
    assert plan.join == ("anna@example.com",)
    assert [one.user.address for one in plan.refused] == ["gone@example.com"]


def test_a_user_is_found_under_any_address_and_named_by_the_primary_one() -> None:
    people = [mailbox("anna@example.com", also=["a.smith@example.com"])]
    moment = case("cutover", options={"users": ["A.Smith@example.com"]}, **standing(recipients=people))
    (one,) = check(moment.inputs, moment.snapshot)
    assert one.found is not None
    assert one.found.primary == "anna@example.com"
    assert one.routing == f"anna@{ROUTING}"
    assert forwarding(moment.inputs, moment.snapshot, one.found) == ("anna@example.com", f"anna@{ROUTING}")


LIST = "address,kind,owner,home\n"
BOX, OTHER_BOX = f"stub@{SHARED},mailbox,,source\n", f"boss@{SHARED},mailbox,,source\n"


@pytest.mark.parametrize(
    ("listed", "user", "address"),
    [
        (None, f"stub@{SHARED}", f"stub@{SHARED}"),
        (None, f"anna.maier@{SHARED}", f"anna.maier@{SHARED}"),
        (None, f"stub@{ROUTING}", f"anna.maier@{SHARED}"),
        (BOX, f"stub@{SHARED}", f"stub@{SHARED}"),
        (BOX, f"anna.maier@{SHARED}", f"stub@{SHARED}"),
        (BOX + f"anna.maier@{SHARED},alias,stub@{SHARED},source\n", f"anna.maier@{SHARED}", f"stub@{SHARED}"),
        (BOX + f"a@{SHARED},mailbox,,source\n", f"stub@{SHARED}", f"stub@{SHARED}"),
        (f"a@{SHARED},forward,x@elsewhere.example,source\n{BOX}", f"a@{SHARED}", f"stub@{SHARED}"),
        (f"a@{SHARED},resource,,source\n", f"stub@{SHARED}", f"a@{SHARED}"),
        (f"old@{SHARED},mailbox,,source\nstub@{SHARED},alias,Old@{SHARED},source\n", f"stub@{SHARED}", f"old@{SHARED}"),
        (OTHER_BOX + f"stub@{SHARED},alias,boss@{SHARED},source\n", f"stub@{SHARED}", ""),
        (f"stub@{SHARED},alias,somebody,source\n", f"stub@{SHARED}", ""),
        (f"stub@{SHARED},list,,source\n", f"stub@{SHARED}", ""),
        (f"stub@{SHARED},list,,tenant\n", f"stub@{SHARED}", f"anna.maier@{SHARED}"),
        (OTHER_BOX, f"stub@{SHARED}", f"anna.maier@{SHARED}"),
    ],
)
def test_the_forward_goes_on_the_mailbox_that_the_source_has(listed: str | None, user: str, address: str) -> None:
    people = [mailbox(f"anna.maier@{SHARED}", also=[f"stub@{SHARED}", f"a@{SHARED}", f"stub@{ROUTING}"]), mailbox(f"boss@{SHARED}")]
    options = {"users": [user], "source_file": "source.csv" if listed else None}
    moment = case("cutover", options=options, files={"source.csv": LIST + (listed or "")}, **standing(recipients=people))
    (one,) = check(moment.inputs, moment.snapshot)
    assert one.found is not None
    assert forwarding(moment.inputs, moment.snapshot, one.found)[0] == address
    assert [row["address"] for row in forwards(moment)] == ([address] if address else [])
    assert [finding.who for finding in found("U7", moment)] == ([] if address else [user]), "who has no mailbox there is refused"


@pytest.mark.parametrize(("second", "refused"), [("anna.two@example.com,2", True), ("bert@example.com,2", False)])
def test_the_same_mailbox_in_two_waves_by_two_addresses_is_refused(second: str, refused: bool) -> None:
    person = mailbox("anna@example.com")
    person["EmailAddresses"] = [*person["EmailAddresses"], "smtp:anna.two@example.com"]
    options = {"waves_file": "waves.csv", "wave": "1"}
    files = {**FILES, "waves.csv": f"user,wave\nanna@example.com,1\n{second}\n"}
    moment = case("cutover", options=options, files=files, **standing(recipients=[person, mailbox("bert@example.com")]))
    (one,) = check(moment.inputs, moment.snapshot)
    assert [why for why, _remedy in one.faults] == ["is the same mailbox as anna.two@example.com of wave '2' on line 3"] * refused


def test_who_has_no_address_in_a_shared_domain_is_refused() -> None:
    outside = mailbox(f"stub@{ROUTING}")
    moment = case("cutover", options={"users": [f"stub@{ROUTING}"]}, **standing(recipients=[outside, mailbox(f"boss@{SHARED}")]))
    (finding,) = found("U7", moment)
    assert "has no address in a shared domain, so nothing would be forwarded to it" in finding.why


def test_the_waves_name_the_mailbox_where_the_run_names_nobody() -> None:
    waves = {"waves.csv": f"user,wave\nstub@{SHARED},1\n"}
    people = [mailbox(f"anna.maier@{SHARED}", also=[f"stub@{SHARED}"])]
    moment = case("status", options={"waves_file": "waves.csv", "source_file": None}, files=waves, **standing(recipients=people))
    assert forwarding(moment.inputs, moment.snapshot, moment.snapshot.recipients[0])[0] == f"stub@{SHARED}"


def test_a_waves_line_is_named() -> None:
    options = {"waves_file": "waves.csv", "wave": "1"}
    moment = case("cutover", options=options, **standing())
    assert check(moment.inputs, moment.snapshot)[0].who == "stub@example.com (waves.csv line 2)"


@pytest.mark.parametrize(
    ("rows", "declared", "name", "words"),
    [
        (DOMAINS, None, ROUTING, "coexistence domain"),
        (DOMAINS[:1], None, "contoso.onmicrosoft.com", "initial domain"),
        (DOMAINS, "other.example.net", "other.example.net", "declared"),
        (DOMAINS, "absent.example", "", "no accepted domain"),
        (DOMAINS[2:], None, "", "neither"),
        ([*DOMAINS, domain("b.mail.onmicrosoft.com", IsCoexistenceDomain=True)], None, "", "name one"),
    ],
)
def test_the_routing_domain_is_read_and_never_computed(rows: list[Any], declared: str | None, name: str, words: str) -> None:
    wanted = inputs(routing_domain=declared)
    shown, why = routing_domain(wanted, snapshot(wanted, domains=rows))
    assert shown == name
    assert words in why


def test_the_alias_decides_between_several_routing_addresses() -> None:
    row = mailbox("anna@example.com", also=[f"a@{ROUTING}"])
    assert routing_address(recipient(row), ROUTING) == f"anna@{ROUTING}"
    assert routing_address(recipient(row | {"Alias": "a"}), ROUTING) == f"a@{ROUTING}"
    assert routing_address(recipient(mailbox("anna@example.com", routing=False)), ROUTING) == ""


LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(lambda parts: ".".join([*parts, "example"]))


@given(st.sets(LABELS, min_size=1, max_size=4), st.sets(LABELS, max_size=8), st.booleans())
def test_exceptions_spare_every_foreign_domain_and_no_shared_one(shared: set[str], others: set[str], organization: bool) -> None:
    options: dict[str, Any] = {"domains": sorted(shared), "rule_scope": "organization" if organization else "domain"}
    wanted = inputs(**options)
    seen = snapshot(wanted, domains=[domain(name) for name in sorted(shared | others)])
    spared = exceptions(wanted, wanted.sources[0], seen)
    blocked = {name for name, _shared in spared.impossible}
    for name in sorted(shared | others):
        someone = Recipient(f"x@{name}", frozenset(), "usermailbox", "", "", "", frozenset())
        hit = reached(wanted, wanted.sources[0], spared, someone)
        assert hit or name not in shared
        assert not hit or name in shared or name in blocked or any(name.endswith("." + one) for one in blocked)


def test_a_pattern_matches_its_address_alone() -> None:
    assert pattern("team+x@example.com") == r"^team\+x@example\.com$"
    assert SHARED in pattern("a@example.com").replace("\\", "")
