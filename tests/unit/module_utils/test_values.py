# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are spelled differently when written and when read back."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _values as v
from hypothesis import given
from hypothesis import strategies as st

SAME: list[tuple[v.Kind, Any, Any]] = [
    (v.TEXT, "a\nb", "a\r\nb"),
    (v.TEXT, "", None),
    (v.TEXT, "one line", ["one line"]),
    (v.TEXT, "", []),
    (v.NAME, "Authoritative", "authoritative"),
    (v.BOOL, False, None),
    (v.BOOL, True, "Enabled"),
    (v.BOOL, False, "Disabled"),
    (v.BOOL, True, "$true"),
    (v.NUMBER, 500, "500"),
    (v.LOOSE_NUMBER, "-1", -1),
    (v.DOMAIN, "Contoso.com", "smtp:contoso.com;1"),
    (v.SENDER_DOMAIN, "contoso.com", "smtp:contoso.com;1"),
    (v.SENDER_DOMAIN, "*", "smtp:*;1"),
    (v.ADDRESS, "smtp:A@b.c", "a@B.c"),
    (v.RECIPIENT, "a@b.c", "(a@b.c,Last, First)"),
    (v.HOST, "192.0.2.1", "[192.0.2.1]"),
    (v.HOST, "192.0.2.1/32", "192.0.2.1"),
    (v.HOST, "Mail.Example.COM.", "mail.example.com"),
    (v.RANGE, "192.0.2.0/24", "192.0.2.0-192.0.2.255"),
    (v.RANGE, "192.0.2.1", "192.0.2.1/32"),
    (v.SIZE, "99GB", "99 GB (106,300,440,576 bytes)"),
    (v.SIZE, "10MB", 10485760),
    (v.SIZE, "unlimited", "Unlimited"),
    (v.SPAN, "14", "14.00:00:00"),
    (v.SPAN, "P14D", "14.00:00:00"),
    (v.DATE, "2026-07-24T18:59:12Z", "2026-07-24T18:59:12.0000000"),
    (v.DATE, "2026-07-24T20:59:12+02:00", "2026-07-24T18:59:12.0000000Z"),
    (v.DATE, "2026-03-03T01:15:23Z", "/Date(1772500523000)/"),
    (v.DATE, "2021-05-06 14:30:00z", "2021-05-06T14:30:00.0000000+00:00"),
    (v.GROUP_TYPE, "Security", "Universal, SecurityEnabled"),
    (v.GROUP_TYPE, "Distribution", "Universal"),
    (v.ATTRIBUTE_WORDS, "Department:Sales,Support", "department:Support,sales"),
    (v.GUID, "{F88DBC64-6D11-4FE3-AACA-9E3A6B313EA7}", "f88dbc64-6d11-4fe3-aaca-9e3a6b313ea7"),
    (v.SOURCE, "Default", ""),
    (v.SOURCE, "Default", "AdminUI"),
    (v.SOURCE, "default", None),
    (v.TIP, "Read this", "<html>\r\n<body>\r\nRead this\r\n</body>\r\n</html>\r\n"),
    (v.ROOM_LIST, True, "RoomList"),
    (v.ROOM_LIST, False, "MailUniversalDistributionGroup"),
    (v.ROOM_LIST, False, None),
    (v.many(v.ADDRESS), ["a@b.c", "B@b.c", "a@B.c"], ["smtp:b@b.c", "smtp:a@b.c"]),
    (v.many(v.ADDRESS), [], None),
    (v.many(v.ADDRESS), "", []),
]
DIFFERENT: list[tuple[v.Kind, Any, Any]] = [
    (v.TEXT, "Text", "text"),
    (v.TEXT, "x", None),
    (v.BOOL, True, None),
    (v.NUMBER, 0, None),
    (v.SOURCE, "HybridWizard", ""),
    (v.ROOM_LIST, True, "MailUniversalDistributionGroup"),
    (v.TIP, "Read this", "<html><body>Read that</body></html>"),
    (v.SENDER_DOMAIN, "contoso.com", "smtp:contoso.com;2"),
    (v.PROXY, "SMTP:a@b.c", "smtp:a@b.c"),
    (v.HOST, "192.0.2.1/25", "192.0.2.1"),
    (v.RANGE, "192.0.2.0/24", "192.0.2.0/25"),
    (v.SIZE, "10MB", "10 KB (10,240 bytes)"),
    (v.SPAN, "14", "14:00:00"),
    (v.GROUP_TYPE, "Security", "Universal"),
    (v.many(v.ADDRESS), ["a@b.c"], ["a@b.c", "b@b.c"]),
]


@pytest.mark.parametrize(("kind", "wanted", "read"), SAME)
def test_two_spellings_of_one_value_are_the_same(kind: v.Kind, wanted: Any, read: Any) -> None:
    assert kind.same(wanted, read), (kind.keys(wanted), kind.keys(read))


@pytest.mark.parametrize(("kind", "wanted", "read"), DIFFERENT)
def test_different_values_differ(kind: v.Kind, wanted: Any, read: Any) -> None:
    assert not kind.same(wanted, read)


@pytest.mark.parametrize("nothing", [None, [], "", "  ", [""], [None], "<>", "00000000-0000-0000-0000-000000000000"])
def test_every_spelling_of_nothing_is_nothing(nothing: Any) -> None:
    assert v.is_empty(nothing)
    assert v.TEXT.same("", nothing)
    assert v.many(v.NAME).same([], nothing)


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
        (v.HOST, "mail.example.com:587", "port"),
        (v.HOST, "192.0.2.1:25", "port"),
        (v.HOST, "[192.0.2.1]:25", "port"),
        (v.RANGE, "192.0.2.0/99", "network"),
        (v.SIZE, "ten", "size"),
        (v.DATE, "tomorrow", "time"),
        (v.LOOSE_NUMBER, "many", "number"),
    ],
)
def test_a_bad_value_is_named_with_its_fault(kind: v.Kind, value: str, part: str) -> None:
    (fault,) = kind.faults(value)
    assert value in fault
    assert part in fault


def test_every_fault_of_a_list_is_found() -> None:
    assert len(v.many(v.HOST).faults(["a:1", "good.example", "b:2"])) == 2


def test_doubles_are_not_sent_twice_because_the_service_refuses_them() -> None:
    assert v.many(v.ADDRESS).wire(["A@b.c", "a@B.c", "c@b.c"]) == ["A@b.c", "c@b.c"]


def test_an_emptied_list_is_sent_in_the_form_that_its_kind_clears_with() -> None:
    assert v.many(v.ADDRESS, edits=True).wire([]) == []
    assert v.many(v.ADDRESS).wire([]) is None
    assert v.TEXT.wire("") == ""
    assert v.NAME.wire("") is None


@pytest.mark.parametrize("value", ["2026-01-31T12:00:00", "2026-01-31 13:00:00+01:00", "2026-01-31T12:00:00Z"])
def test_times_are_sent_with_their_zone(value: str) -> None:
    assert v.DATE.wire(value) == "2026-01-31T12:00:00Z"


def test_two_names_of_one_recipient_are_the_same_by_the_directory() -> None:
    kind = v.many(v.RECIPIENT)
    guid = "0b6c7f3a-8a74-4dd0-a3f5-2f0f5a5d8f00"
    assert not kind.same(["owner@example.com"], [guid])
    assert kind.same(["owner@example.com"], [guid], {"owner@example.com": guid, guid: guid})
    assert not kind.same(["owner@example.com"], [guid], {"owner@example.com": "other", guid: guid})


KINDS = [v.TEXT, v.NAME, v.DOMAIN, v.SENDER_DOMAIN, v.ADDRESS, v.PROXY, v.HOST, v.RANGE, v.SIZE, v.SPAN, v.DATE, v.RECIPIENT]
WORDS = st.text(alphabet=string.printable, max_size=40)


@given(st.sampled_from(KINDS), WORDS)
def test_keys_never_fail_and_a_value_is_the_same_as_itself(kind: v.Kind, text: str) -> None:
    assert kind.same(text, text)
    assert kind.same(kind.wire(text), text) or v.is_empty(text)


@given(st.sampled_from(KINDS), st.lists(WORDS, max_size=6), st.randoms())
def test_the_order_of_a_list_and_its_doubles_do_not_count(kind: v.Kind, items: list[str], random: Any) -> None:
    mixed = items + items[:2]
    random.shuffle(mixed)
    assert v.many(kind).same(items, mixed)


@given(st.sampled_from(KINDS), WORDS, WORDS)
def test_equality_is_symmetric(kind: v.Kind, one: str, other: str) -> None:
    assert kind.same(one, other) == kind.same(other, one)


@given(st.ip_addresses(v=4), st.integers(min_value=8, max_value=32))
def test_a_network_equals_the_range_of_its_addresses(address: Any, bits: int) -> None:
    import ipaddress

    net = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    assert v.RANGE.same(str(net), f"{net.network_address}-{net.broadcast_address}")
