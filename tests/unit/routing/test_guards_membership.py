# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the group at the beginning, under either meaning of membership, and what is advised about the others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._scope import seed

from .tenant import case, found, mailbox, standing

PENDING = {"membership": "pending"}


@pytest.mark.parametrize(
    ("guard", "step", "rows", "options"),
    [
        ("U4", "setup", {"recipients": [mailbox("stub@example.com")]}, {}),
        ("U4", "enforce", standing(recipients=[mailbox("stub@example.com", "GroupMailbox")]), {}),
        ("U4", "setup", {"recipients": [mailbox("new@example.com", also=["stub@example.com"])]}, {}),
        ("U21", "setup", {"recipients": [mailbox("stub@contoso.onmicrosoft.com", also=["stub@example.com"])]}, {}),
        ("U4", "rollback", standing(recipients=[mailbox("alone@example.com")]), {"users": ["alone@example.com"]}),
    ],
)
def test_with_those_not_moved_in_the_group_nothing_harmful_is_advised(
    guard: str, step: str, rows: dict[str, Any], options: dict[str, Any]
) -> None:
    findings = found(guard, case(step, options={**PENDING, **options}, **rows))
    assert findings
    for finding in findings:
        assert "coexistence_tenant_addresses" not in finding.remedy, "an exception would keep mail from where it is read"
        assert "out of the group its mail" not in finding.why


def test_those_not_moved_are_seeded_and_what_cannot_be_a_member_is_told_how_to_go_on() -> None:
    (stub,) = found("U4", case("setup", options=PENDING, recipients=[mailbox("stub@example.com")]))
    assert "coexistence_seed_group" in stub.remedy
    assert "would leave its mail in the tenant" in stub.why
    (group_,) = found("U4", case("setup", options=PENDING, recipients=[mailbox("stub@example.com", "GroupMailbox")]))
    assert "coexistence_membership migrated" in group_.remedy
    (unclear,) = found("U4", case("setup", options=PENDING, recipients=[mailbox("new@example.com", also=["stub@example.com"])]))
    assert "into the group by hand if it is read at the source" in unclear.remedy


SEEDED = [
    mailbox("contact@example.com", "MailContact", external="someone@elsewhere.net"),
    mailbox("user@example.com", "MailUser", external="someone@elsewhere.net"),
    mailbox("guest@example.com", "GuestMailUser", external="guest@elsewhere.net"),
    mailbox("booking@example.com", "SchedulingMailbox"),
    mailbox("team@example.com", "TeamMailbox"),
]


@pytest.mark.parametrize("scope", ["domain", "organization"])
def test_whom_the_seed_puts_into_the_group_refuses_no_wave(scope: str) -> None:
    options = {"seed_group": True, "rule_scope": scope}
    moment = case("setup", options=options, recipients=SEEDED)
    assert not found("U4", moment)
    names = {one.found.primary for one in seed(moment.inputs, moment.snapshot).members}
    assert names == {row["PrimarySmtpAddress"] for row in SEEDED}
    people = [mailbox("stub@example.com"), *SEEDED]
    wave = case("cutover", options={**options, "users": ["stub@example.com"]}, **standing(recipients=people, members=SEEDED))
    assert not found("U27", wave)


@pytest.mark.parametrize(
    "row",
    [
        mailbox("lost@example.com", "MailUser"),
        mailbox("back@example.com", "MailUser", external="back@example.com"),
        mailbox("deep@example.com", "MailContact", external="deep@sub.example.com"),
        mailbox("far@example.com", "RemoteUserMailbox"),
    ],
)
def test_who_leads_back_into_a_shared_domain_or_nowhere_still_refuses_one(row: dict[str, Any]) -> None:
    rows = standing(recipients=[mailbox("stub@example.com"), row], members=[row])
    assert [finding.blocks for finding in found("U27", case("cutover", options={"users": ["stub@example.com"]}, **rows))] == [True]


@pytest.mark.parametrize(("listed", "unlisted"), [("stub@exmaple.com", True), ("stub@example.com", False), ("@example.com", False)])
def test_a_list_that_says_nothing_of_a_domain_makes_nobody_there_cloud_only(listed: str, unlisted: bool) -> None:
    kind = "catch_all" if listed.startswith("@") else "mailbox"
    files = {"source.csv": f"address,kind,owner,home\n{listed},{kind},,source\n", "waves.csv": "user,wave\n"}
    seen = case("enforce", files=files, **standing(recipients=[mailbox("alone@example.com")]))
    proposed = seed(seen.inputs, seen.snapshot)
    assert ([one.found.primary for one in proposed.ambiguous] == ["alone@example.com"]) == unlisted
    assert ([one.found.primary for one in proposed.members] == ["alone@example.com"]) == (not unlisted)
    (finding,) = found("U4", seen)
    assert finding.blocks
    assert ("the source list holds no address of example.com at all" in finding.why) == unlisted
