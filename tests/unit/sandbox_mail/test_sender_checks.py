# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF, the stand-in for DKIM, DMARC, and where the tenant honours it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sandbox.mail.edge import data
from sandbox.mail.model import Message, Session
from sandbox.mail.sender_checks import body_hash, check, dmarc_policy, spf_passes

from .builder import OUTSIDE, ROUTING, SHARED, SMART_HOST, tenant

STRICT = "strict.example"
RECORDS = {
    (STRICT, "TXT"): ["v=spf1 ip4:198.51.100.0/24 include:inc.example -all"],
    (f"_dmarc.{STRICT}", "TXT"): ["v=DMARC1; p=reject; sp=none"],
    (f"s1._domainkey.{STRICT}", "TXT"): ["v=DKIM1; p=x"],
    ("inc.example", "TXT"): ["v=spf1 a:host.example mx ~all"],
    ("host.example", "A"): ["203.0.113.5"],
    ("inc.example", "MX"): ["10 mx.inc.example."],
    ("mx.inc.example", "A"): ["203.0.113.6"],
    ("soft.example", "TXT"): ["v=spf1 ip4:203.0.113.9 redirect=inc.example"],
    (SHARED, "MX"): ["10 mx.source.example."],
    (ROUTING, "MX"): ["10 t-mail.mail.protection.outlook.com."],
}
MOVED = {**RECORDS, (SHARED, "MX"): ["0 shared-example.mail.protection.outlook.com."]}


def lookup(records: dict[tuple[str, str], list[str]] | None = None) -> Any:
    """Return a lookup over fixed records."""
    return lambda name, kind: (RECORDS if records is None else records).get((name, kind), [])


def forwarded(recipient: str, ip: str = SMART_HOST, headers: tuple[tuple[str, str], ...] = (), body: str = "hello") -> Message:
    """Make a strict sender's message as the foreign host passes it on."""
    return Message("<d@test>", f"a@{STRICT}", (recipient,), Session(ip), header_from=f"a@{STRICT}", headers=headers, body=body)


@pytest.mark.parametrize(
    ("domain", "ip", "passes"),
    [
        (STRICT, "198.51.100.9", True),
        (STRICT, "203.0.113.5", True),
        (STRICT, "203.0.113.6", True),
        (STRICT, SMART_HOST, False),
        ("soft.example", "203.0.113.9", True),
        ("soft.example", "203.0.113.5", True),
        ("none.example", OUTSIDE, False),
    ],
)
def test_spf(domain: str, ip: str, passes: bool) -> None:
    assert spf_passes(domain, ip, lookup()) is passes


def test_policy_of_a_domain_and_its_subdomain() -> None:
    assert dmarc_policy(STRICT, lookup()) == "reject"
    assert dmarc_policy(f"news.{STRICT}", lookup()) == "none"
    assert dmarc_policy("none.example", lookup()) == ""


def test_a_forward_breaks_spf_and_a_footer_breaks_the_signature() -> None:
    signature = (("DKIM-Signature", f"v=1; d={STRICT}; s=s1; bh={body_hash('hello')}"),)
    direct = forwarded(f"stub@{SHARED}", OUTSIDE)
    assert (check(direct, lookup()).spf, check(direct, lookup()).rejects) == (True, False)
    assert check(forwarded(f"stub@{SHARED}"), lookup()).rejects
    assert not check(forwarded(f"stub@{SHARED}", headers=signature, body="hello\r\n"), lookup()).rejects
    assert check(forwarded(f"stub@{SHARED}", headers=signature, body="hello\r\n-- \r\nfooter"), lookup()).rejects
    unpublished = (("DKIM-Signature", f"v=1; d={STRICT}; s=other; bh={body_hash('hello')}"),)
    assert check(forwarded(f"stub@{SHARED}", headers=unpublished), lookup()).rejects


@pytest.mark.parametrize(
    ("reading", "recipient", "records", "refused"),
    [
        ("shared", f"moved@{ROUTING}", RECORDS, False),
        ("routing", f"moved@{ROUTING}", RECORDS, True),
        ("shared", f"moved@{ROUTING}", MOVED, True),
        ("routing", f"moved@{ROUTING}", MOVED, True),
        ("shared", f"moved@{SHARED}", RECORDS, False),
        ("routing", f"moved@{SHARED}", RECORDS, False),
        ("shared", f"moved@{SHARED}", MOVED, True),
        ("routing", f"moved@{SHARED}", MOVED, True),
    ],
)
def test_where_dmarc_is_honoured_has_two_readings(
    reading: str, recipient: str, records: dict[tuple[str, str], list[str]], refused: bool
) -> None:
    directory = tenant(facts={"dmarc_domain": reading})
    refusal = data(directory, forwarded(recipient), lookup(records))
    assert (refusal.status if refusal else "") == ("5.7.509" if refused else "")


@pytest.mark.parametrize(
    ("extra", "headers", "refused"),
    [
        ({}, (), True),
        ({"honor_dmarc": False}, (), False),
        ({"trusted_sealers": ("seal.example",)}, (("ARC-Seal", "i=1; d=seal.example; s=a"),), False),
        ({"trusted_sealers": ("seal.example",)}, (("ARC-Seal", "i=1; d=other.example; s=a"),), True),
        ({"inbound": [{"EFSkipLastIP": True}]}, (("Received", f"from a ([{OUTSIDE}]) by mx.source.example"),), False),
        ({"inbound": [{"EFSkipIPs": [SMART_HOST]}]}, (("Received", f"from a ([{OUTSIDE}]) by mx.source.example"),), False),
        ({"inbound": [{"EFSkipLastIP": True}]}, (("Received", "from a ([203.0.113.99]) by mx.source.example"),), True),
        ({"inbound": [{}]}, (("Received", f"from a ([{OUTSIDE}]) by mx.source.example"),), True),
        ({"inbound": [{"EFSkipLastIP": True, "EFUsers": [f"pilot@{SHARED}"]}]}, (("Received", f"from a ([{OUTSIDE}])"),), True),
        ({"inbound": [{"ConnectorType": "OnPremises", "TreatMessagesAsInternal": True}]}, (), False),
    ],
)
def test_what_lets_a_forward_pass(extra: dict[str, Any], headers: tuple[tuple[str, str], ...], refused: bool) -> None:
    base = {"Name": "In", "Enabled": True, "SenderDomains": ["*"], "SenderIPAddresses": [SMART_HOST]}
    if "inbound" in extra:
        extra = {**extra, "inbound": [{**base, **row} for row in extra["inbound"]]}
    refusal = data(tenant(**extra), forwarded(f"moved@{SHARED}", headers=headers), lookup(MOVED))
    assert (refusal is not None) is refused


def test_signed_in_senders_are_not_checked() -> None:
    message = replace(forwarded(f"moved@{SHARED}"), session=Session(SMART_HOST, authenticated=True))
    assert data(tenant(), message, lookup(MOVED)) is None
