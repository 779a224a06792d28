# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are spelled differently when written and when read back."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _kinds as k
from ansible_collections.mailops.exchange.plugins.module_utils import _values as v
from hypothesis import given
from hypothesis import strategies as st

SAME: list[tuple[k.Kind, Any, Any]] = [
    (k.TEXT, "a\nb", "a\r\nb"),
    (k.TEXT, "", None),
    (k.TEXT, "one line", ["one line"]),
    (k.TEXT, "", []),
    (k.NAME, "Authoritative", "authoritative"),
    (k.BOOL, False, None),
    (k.BOOL, True, "Enabled"),
    (k.BOOL, False, "Disabled"),
    (k.BOOL, True, "$true"),
    (k.NUMBER, 500, "500"),
    (k.LOOSE_NUMBER, "-1", -1),
    (k.DOMAIN, "Contoso.com", "smtp:contoso.com;1"),
    (k.SENDER_DOMAIN, "contoso.com", "smtp:contoso.com;1"),
    (k.SENDER_DOMAIN, "*", "smtp:*;1"),
    (k.ADDRESS, "smtp:A@b.c", "a@B.c"),
    (k.RECIPIENT, "a@b.c", "(a@b.c,Last, First)"),
    (k.HOST, "192.0.2.1", "[192.0.2.1]"),
    (k.HOST, "192.0.2.1/32", "192.0.2.1"),
    (k.HOST, "Mail.Example.COM.", "mail.example.com"),
    (k.RANGE, "192.0.2.0/24", "192.0.2.0-192.0.2.255"),
    (k.RANGE, "192.0.2.1", "192.0.2.1/32"),
    (k.SIZE, "99GB", "99 GB (106,300,440,576 bytes)"),
    (k.SIZE, "10MB", 10485760),
    (k.SIZE, "unlimited", "Unlimited"),
    (k.SPAN, "14", "14.00:00:00"),
    (k.SPAN, "P14D", "14.00:00:00"),
    (k.DATE, "2026-07-24T18:59:12Z", "2026-07-24T18:59:12.0000000"),
    (k.DATE, "2026-07-24T20:59:12+02:00", "2026-07-24T18:59:12.0000000Z"),
    (k.DATE, "2026-03-03T01:15:23Z", "/Date(1772500523000)/"),
    (k.DATE, "2021-05-06 14:30:00z", "2021-05-06T14:30:00.0000000+00:00"),
    (k.GROUP_TYPE, "Security", "Universal, SecurityEnabled"),
    (k.GROUP_TYPE, "Distribution", "Universal"),
    (k.ATTRIBUTE_WORDS, "Department:Sales,Support", "department:Support,sales"),
    (k.GUID, "{F88DBC64-6D11-4FE3-AACA-9E3A6B313EA7}", "f88dbc64-6d11-4fe3-aaca-9e3a6b313ea7"),
    (k.SOURCE, "Default", ""),
    (k.SOURCE, "Default", "AdminUI"),
    (k.SOURCE, "default", None),
    (k.TIP, "Read this", "<html>\r\n<body>\r\nRead this\r\n</body>\r\n</html>\r\n"),
    (k.ROOM_LIST, True, "RoomList"),
    (k.ROOM_LIST, False, "MailUniversalDistributionGroup"),
    (k.ROOM_LIST, False, None),
    (k.many(k.ADDRESS), ["a@b.c", "B@b.c", "a@B.c"], ["smtp:b@b.c", "smtp:a@b.c"]),
    (k.many(k.ADDRESS), [], None),
    (k.many(k.ADDRESS), "", []),
]
DIFFERENT: list[tuple[k.Kind, Any, Any]] = [
    (k.TEXT, "Text", "text"),
    (k.TEXT, "x", None),
    (k.BOOL, True, None),
    (k.NUMBER, 0, None),
    (k.SOURCE, "HybridWizard", ""),
    (k.ROOM_LIST, True, "MailUniversalDistributionGroup"),
    (k.TIP, "Read this", "<html><body>Read that</body></html>"),
    (k.SENDER_DOMAIN, "contoso.com", "smtp:contoso.com;2"),
    (k.PROXY, "SMTP:a@b.c", "smtp:a@b.c"),
    (k.HOST, "192.0.2.1/25", "192.0.2.1"),
    (k.RANGE, "192.0.2.0/24", "192.0.2.0/25"),
    (k.SIZE, "10MB", "10 KB (10,240 bytes)"),
    (k.SPAN, "14", "14:00:00"),
    (k.GROUP_TYPE, "Security", "Universal"),
    (k.many(k.ADDRESS), ["a@b.c"], ["a@b.c", "b@b.c"]),
]


@pytest.mark.parametrize(("kind", "wanted", "read"), SAME)
def test_two_spellings_of_one_value_are_the_same(kind: k.Kind, wanted: Any, read: Any) -> None:
    assert kind.same(wanted, read), (kind.keys(wanted), kind.keys(read))


@pytest.mark.parametrize(("kind", "wanted", "read"), DIFFERENT)
def test_different_values_differ(kind: k.Kind, wanted: Any, read: Any) -> None:
    assert not kind.same(wanted, read)


@pytest.mark.parametrize("nothing", [None, [], "", "  ", [""], [None], "<>", "00000000-0000-0000-0000-000000000000"])
def test_every_spelling_of_nothing_is_nothing(nothing: Any) -> None:
    assert v.is_empty(nothing)
    assert k.TEXT.same("", nothing)
    assert k.many(k.NAME).same([], nothing)


@pytest.mark.parametrize(
    ("parameter", "option"),
    [
        ("EFSkipIPs", "ef_skip_ips"),
        ("SetSCL", "set_scl"),
        ("ExceptIfSCLOver", "except_if_scl_over"),
        ("RemoveOMEv2", "remove_omev2"),
        ("RestrictDomainsToIPAddresses", "restrict_domains_to_ip_addresses"),
        ("CustomAttribute10", "custom_attribute10"),
        ("EnableNego2Authentication", "enable_nego2_authentication"),
        ("UseMXRecord", "use_mx_record"),
    ],
)
def test_option_names_are_the_parameters_in_snake_case(parameter: str, option: str) -> None:
    assert v.to_option(parameter) == option


@pytest.mark.parametrize(
    ("kind", "value", "part"),
    [
        (k.HOST, "mail.example.com:587", "port"),
        (k.HOST, "192.0.2.1:25", "port"),
        (k.HOST, "[192.0.2.1]:25", "port"),
        (k.RANGE, "192.0.2.0/99", "network"),
        (k.SIZE, "ten", "size"),
        (k.DATE, "tomorrow", "time"),
        (k.LOOSE_NUMBER, "many", "number"),
    ],
)
def test_a_bad_value_is_named_with_its_fault(kind: k.Kind, value: str, part: str) -> None:
    (fault,) = kind.faults(value)
    assert value in fault
    assert part in fault


def test_every_fault_of_a_list_is_found() -> None:
    assert len(k.many(k.HOST).faults(["a:1", "good.example", "b:2"])) == 2


def test_doubles_are_not_sent_twice_because_the_service_refuses_them() -> None:
    assert k.many(k.ADDRESS).wire(["A@b.c", "a@B.c", "c@b.c"]) == ["A@b.c", "c@b.c"]


def test_an_emptied_list_is_sent_in_the_form_that_its_kind_clears_with() -> None:
    assert k.many(k.ADDRESS, edits=True).wire([]) == []
    assert k.many(k.ADDRESS).wire([]) is None
    assert k.TEXT.wire("") == ""
    assert k.NAME.wire("") is None


@pytest.mark.parametrize("value", ["2026-01-31T12:00:00", "2026-01-31 13:00:00+01:00", "2026-01-31T12:00:00Z"])
def test_times_are_sent_with_their_zone(value: str) -> None:
    assert k.DATE.wire(value) == "2026-01-31T12:00:00Z"


def test_two_names_of_one_recipient_are_the_same_by_the_directory() -> None:
    kind = k.many(k.RECIPIENT)
    guid = "0b6c7f3a-8a74-4dd0-a3f5-2f0f5a5d8f00"
    assert not kind.same(["owner@example.com"], [guid])
    assert kind.same(["owner@example.com"], [guid], {"owner@example.com": guid, guid: guid})
    assert not kind.same(["owner@example.com"], [guid], {"owner@example.com": "other", guid: guid})


KINDS = [k.TEXT, k.NAME, k.DOMAIN, k.SENDER_DOMAIN, k.ADDRESS, k.PROXY, k.HOST, k.RANGE, k.SIZE, k.SPAN, k.DATE, k.RECIPIENT]
WORDS = st.text(alphabet=string.printable, max_size=40)


@given(st.sampled_from(KINDS), WORDS)
def test_keys_never_fail_and_a_value_is_the_same_as_itself(kind: k.Kind, text: str) -> None:
    assert kind.same(text, text)
    assert kind.same(kind.wire(text), text) or v.is_empty(text)


@given(st.sampled_from(KINDS), st.lists(WORDS, max_size=6), st.randoms())
def test_the_order_of_a_list_and_its_doubles_do_not_count(kind: k.Kind, items: list[str], random: Any) -> None:
    mixed = items + items[:2]
    random.shuffle(mixed)
    assert k.many(kind).same(items, mixed)


@given(st.sampled_from(KINDS), WORDS, WORDS)
def test_equality_is_symmetric(kind: k.Kind, one: str, other: str) -> None:
    assert kind.same(one, other) == kind.same(other, one)


@given(st.ip_addresses(v=4), st.integers(min_value=8, max_value=32))
def test_a_network_equals_the_range_of_its_addresses(address: Any, bits: int) -> None:
    import ipaddress

    net = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    assert k.RANGE.same(str(net), f"{net.network_address}-{net.broadcast_address}")


@pytest.mark.parametrize(
    ("problems", "line"),
    [([], ""), (["One."], "One."), (["One.", "Two. Do three."], "One; Two. Do three."), (["one", "two"], "one; two")],
)
def test_several_sentences_are_one_line(problems: list[str], line: str) -> None:
    assert v.in_one_line(problems) == line
