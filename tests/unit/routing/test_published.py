# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What domains publish: SPF per side and who else may send, DKIM, DMARC; what was not read is never "there is none"."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._published import Side, published, unread

OLD = "old host"
SIDE = Side(OLD, ("192.0.2.10", "192.0.2.16-192.0.2.17"), frozenset({"mail.old.example"}))
OURS = "include:spf.protection.outlook.com"


def row(spf: str | None = f"v=spf1 ip4:192.0.2.0/24 {OURS} -all", **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"error": "", "errors": {}, "status": "found", "spf": spf, "dmarc": None, "dmarc_of": "example.com"}
    return {**known, "dkim": {"selector1": None, "selector2": "v=DKIM1; p=abc"}, **more}


@pytest.mark.parametrize(
    ("text", "tenant", "source", "others"),
    [
        (f"v=spf1 ip4:192.0.2.0/24 {OURS} -all", True, True, ()),
        (f"v=spf1 ip4:192.0.2.10 ip4:192.0.2.16/31 {OURS.upper()}. ~all", True, True, ()),
        (f"v=spf1 ip4:192.0.2.10 {OURS} -all", True, False, ()),
        (f"v=spf1 {OURS} -all", True, False, ()),
        ("v=spf1 ip4:192.0.2.0/24 -all", False, True, ()),
        ("v=spf1 ip4:192.0.2.0/24 include:_spf.other.example -all", None, True, ("include:_spf.other.example",)),
        (f"v=spf1 include:_spf.other.example {OURS} -all", True, None, ("include:_spf.other.example",)),
        ("v=spf1 redirect=_spf.other.example", None, None, ("redirect=_spf.other.example",)),
        (f"v=spf1 a:mail.old.example {OURS} -all", True, True, ()),
        (f"v=spf1 a {OURS} -all", True, None, ("a",)),
        (f"v=spf1 a/24 mx:other.example {OURS} -all", True, None, ("a/24", "mx:other.example")),
        (f"v=spf1 ip4:192.0.2.0/24 ip4:203.0.113.9 {OURS} -all", True, True, ("ip4:203.0.113.9",)),
        (f"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 {OURS} -all", True, True, ("ip6:2001:db8::/32",)),
        (f"v=spf1 ip4:192.0.2.0/24 ip4:nonsense {OURS} -all", True, True, ("ip4:nonsense",)),
        (f"v=spf1 -ip4:192.0.2.0/24 ?{OURS} -all", False, False, ()),
        ("v=spf1 +all", True, True, ("anybody",)),
        ("v=spf1 exists:%{i}.other.example -all", None, None, ("exists:%{i}.other.example",)),
        ("v=spf1 -all", False, False, ()),
        (None, False, False, ("anybody, since there is no SPF record,",)),
    ],
)
def test_whom_a_record_lets_send(text: str | None, tenant: bool | None, source: bool | None, others: tuple[str, ...]) -> None:
    found = published(row(text), [SIDE], "example.com")
    assert found is not None
    assert (found.spf["tenant"], found.spf[OLD], found.others) == (tenant, source, others)


THEIRS = "_spf.old.example"


@pytest.mark.parametrize(
    ("included", "source", "others"),
    [
        ({THEIRS: "v=spf1 ip4:192.0.2.0/24 -all"}, True, ()),
        ({THEIRS: "v=spf1 ip4:198.51.100.0/24 -all"}, False, (f"include:{THEIRS}",)),
        ({THEIRS: f"v=spf1 include:{THEIRS} -all"}, False, ()),
        ({THEIRS: "v=spf1 include:more.example", "more.example": "v=spf1 ip4:192.0.2.0/24 ip4:203.0.113.9"}, True, (f"include:{THEIRS}",)),
        ({THEIRS: "v=spf1 include:unread.example"}, None, (f"include:{THEIRS}",)),
        ({THEIRS: "v=spf1 mx -all"}, None, (f"include:{THEIRS}",)),
        ({THEIRS: "v=spf1 +all"}, True, ("anybody",)),
        ({THEIRS: "v=spf1 redirect=more.example", "more.example": "v=spf1 ip4:192.0.2.0/24"}, True, ()),
        ({THEIRS: "v=spf1 -all redirect=more.example", "more.example": "v=spf1 ip4:192.0.2.0/24"}, False, ()),
        ({}, None, (f"include:{THEIRS}",)),
    ],
)
def test_whom_the_records_let_send_to_which_a_record_leads(included: dict[str, str], source: bool | None, others: tuple[str, ...]) -> None:
    found = published(row(f"v=spf1 include:{THEIRS}. {OURS} -all", spf_of=included), [SIDE], "example.com")
    assert found is not None
    assert (found.spf["tenant"], found.spf[OLD], tuple(one.rstrip(".") for one in found.others or ())) == (True, source, others)


def test_the_holder_of_the_mx_may_send_by_that_name() -> None:
    text = f"v=spf1 mx {OURS} -all"
    for there in (True, False, None):
        found = published(row(text), [Side(OLD, ("192.0.2.10",), mx=there)], "example.com")
        assert found is not None
        assert (found.spf[OLD], found.others) == (there, ())


def test_a_side_whose_addresses_nobody_knows_is_not_told_to_be_missing() -> None:
    found = published(row(f"v=spf1 {OURS} -all"), [Side(OLD, ())], "example.com")
    assert found is not None
    assert found.spf[OLD] is None


@pytest.mark.parametrize(
    ("text", "zone", "policy"),
    [
        ("v=DMARC1; p=reject; sp=none", "example.com", "reject"),
        ("v=DMARC1; P = Reject", "example.com", "reject"),
        ("v=DMARC1; p=reject; sp=quarantine", "parent.example", "quarantine"),
        ("v=DMARC1; p=reject", "parent.example", "reject"),
        (None, "example.com", ""),
    ],
)
def test_the_policy_is_the_domains_own_or_its_parents_for_subdomains(text: str | None, zone: str, policy: str) -> None:
    found = published(row(dmarc=text, dmarc_of=zone), [], "example.com")
    assert found is not None
    assert found.policy == policy


def test_dkim_is_there_with_a_key_and_nobody_knows_the_sources_selector() -> None:
    for dkim, there in (({"a": "p=x"}, True), ({"a": None}, False), ({}, None)):
        found = published(row(dkim=dkim), [SIDE], "example.com")
        assert found is not None
        assert (found.dkim["tenant"], found.dkim[OLD]) == (there, None)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"error": "no answer within 1.5 s"}, "1.5 s"),
        (row(status="nxdomain"), "do not know the domain"),
        (row(errors={"spf": "two records"}), "two records"),
        (row(errors={"dmarc": "SERVFAIL"}), "SERVFAIL"),
        (row(errors={"dkim selector1": "timeout"}), "timeout"),
        ({key: value for key, value in row().items() if key != "dmarc"}, "dmarc"),
    ],
)
def test_what_could_not_be_read_is_no_record_at_all(answer: dict[str, Any], word: str) -> None:
    assert published(answer, [SIDE], "example.com") is None
    assert word in unread(answer)


def test_an_error_about_something_else_does_not_hide_the_records() -> None:
    assert unread(row(errors={"ns": "no name servers", "ipv6 mx.example": "timeout"})) == ""
