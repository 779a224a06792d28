# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding: what a cmdlet takes, and the service's refusal of everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.binding import Edit, bytes_text, convert
from sandbox.catalogue import Parameter, signature
from sandbox.errors import ServiceError
from sandbox.nouns import NOUNS

from .conftest import HASHTABLE

if TYPE_CHECKING:
    from .conftest import Client

DOMAIN = "Set-AcceptedDomain"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "kind"),
    [
        (DOMAIN, {"Identity": "example.com", "Foo": 1}, "AmbiguousParameterSetException"),
        (DOMAIN, {"Identity": "example.com", "Name": "server only"}, "AmbiguousParameterSetException"),
        (DOMAIN, {"Identity": "example.com", "identity": "twice"}, "AmbiguousParameterSetException"),
        (DOMAIN, {"DomainType": "Authoritative"}, "AmbiguousParameterSetException"),
        ("New-OutboundConnector", {}, "AmbiguousParameterSetException"),
        ("New-InboundConnector", {"Name": "x"}, "AmbiguousParameterSetException"),
        ("Validate-OutboundConnector", {"Identity": "x"}, "AmbiguousParameterSetException"),
        ("Set-Mailbox", {"DisplayName": "x"}, "AmbiguousParameterSetException"),
        ("New-DynamicDistributionGroup", {"Name": "x"}, "AmbiguousParameterSetException"),
        ("Get-HostedConnectionFilterPolicy", {"ResultSize": "Unlimited"}, "AmbiguousParameterSetException"),
        (DOMAIN, {"Identity": "example.com", "DomainType": "Wrong"}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "DomainType": ""}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "DomainType": None}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "DomainType": True}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": None, "DomainType": "Authoritative"}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "MatchSubDomains": "true"}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "MatchSubDomains": 1}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": "example.com", "MatchSubDomains": None}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": ["example.com"]}, "ParameterTransformationException"),
        (DOMAIN, {"Identity": {"a": 1}}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "Priority": "first"}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "SetSCL": 12}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "ActivationDate": "soon"}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "MessageSizeOver": "big"}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "RecipientDomainIs": [["a"]]}, "ParameterTransformationException"),
        ("New-TransportRule", {"Name": "x", "RecipientDomainIs": ["a.example", "A.example"]}, "ParameterTransformationException"),
        ("New-OutboundConnector", {"Name": "x", "TlsDomain": "no domain"}, "ParameterTransformationException"),
        ("New-OutboundConnector", {"Name": "x", "LinkForModifiedConnector": "no id"}, "ParameterTransformationException"),
        ("New-DistributionGroup", {"Name": "x", "PrimarySmtpAddress": "no address"}, "ParameterTransformationException"),
        ("Set-Mailbox", {"Identity": "user0002", "ForwardingSmtpAddress": "smtp:no address"}, "ParameterTransformationException"),
        ("Set-Mailbox", {"Identity": "user0002", "RetainDeletedItemsFor": "a while"}, "ParameterTransformationException"),
        ("Set-Mailbox", {"Identity": "user0002", "EmailAddresses": {"add": ["x@example.com"]}}, "ParameterTransformationException"),
        (
            "Set-Mailbox",
            {"Identity": "user0002", "EmailAddresses": {"@odata.type": HASHTABLE, "put": ["x"]}},
            "ParameterTransformationException",
        ),
    ],
)
def test_refused(tenant: Client, cmdlet: str, parameters: dict[str, Any], kind: str) -> None:
    """Wrong names, sets and values are refused with the service's type, and nothing is written."""
    answer = tenant.post(cmdlet, parameters)
    assert answer.status_code == 400
    assert f".{kind}|" in answer.json()["error"]["details"][0]["message"]
    assert tenant.sandbox.calls(applied=1) == []


def test_wrong_member_names_all(tenant: Client) -> None:
    """A wrong enumeration member lists the right ones; an unknown parameter is named at the end."""
    assert "Authoritative, ExternalRelay, InternalRelay" in tenant.refused(DOMAIN, Identity="example.com", DomainType="Wrong")
    assert tenant.refused(DOMAIN, Identity="example.com", Foo=1).endswith("Invalid cmdlet parameters specified. Foo")


@pytest.mark.parametrize("value", ["internalrelay", "Int", "InternalRelay"])
def test_a_unique_beginning_is_enough(tenant: Client, value: str) -> None:
    """Enumerations bind by a unique beginning and without case; names of parameters have no case."""
    tenant.rows("Set-accepteddomain", identity="EXAMPLE.com", domaintype=value)
    assert tenant.row("Get-AcceptedDomain", Identity="example.com")["DomainType"] == "InternalRelay"


def test_an_ambiguous_beginning_is_not(tenant: Client) -> None:
    """A beginning that two members share is refused."""
    assert "Unable to match" in tenant.refused("Set-RemoteDomain", Identity="Default", ContentType="Mime")


def test_what_if(tenant: Client) -> None:
    """WhatIf, also by its alias, changes nothing."""
    for name in ("WhatIf", "wi"):
        tenant.rows(DOMAIN, Identity="example.com", DomainType="InternalRelay", **{name: True})
    assert tenant.sandbox.calls(applied=1) == []


def test_lists(tenant: Client) -> None:
    """A scalar is a list of one; null and the empty table clear; Add and Remove edit without case."""

    def hosts(value: Any) -> list[str]:
        tenant.rows("Set-InboundConnector", Identity="inbound connector test 1", EFSkipIPs=value)
        found: list[str] = tenant.row("Get-InboundConnector", Identity="inbound connector test 1")["EFSkipIPs"]
        return found

    assert hosts("a") == ["a"]
    assert hosts({"@odata.type": HASHTABLE, "Add": ["B", "A"], "Remove": []}) == ["a", "B"]
    assert hosts({"@odata.type": HASHTABLE, "add": "c", "remove": ["A"]}) == ["B", "c"]
    assert hosts({"@odata.type": HASHTABLE}) == []
    assert hosts(["x", "y"]) == ["x", "y"]
    assert hosts(None) == []


@given(st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)))
def test_edits(present: list[str], add: list[str], remove: list[str]) -> None:
    """An edit adds what is missing, removes what is named, and keeps the order of what stays."""
    result = Edit(add, remove).apply(present)
    gone = {entry.casefold() for entry in remove}
    kept = [entry for entry in present if entry.casefold() not in gone]
    assert result[: len(kept)] == kept
    assert {entry.casefold() for entry in add} <= {entry.casefold() for entry in result}
    assert not (gone - {entry.casefold() for entry in add}) & {entry.casefold() for entry in result}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("99GB", "99 GB (106,300,440,576 bytes)"),
        ("10 MB", "10 MB (10,485,760 bytes)"),
        ("256 KB (262,144 bytes)", "256 KB (262,144 bytes)"),
        ("8192", "8 KB (8,192 bytes)"),
    ],
)
def test_sizes(written: str, read: str) -> None:
    """Sizes read back with their bytes."""
    assert convert(Parameter("Size", "ByteQuantifiedSize", (), False, None, frozenset()), written) == read


@given(st.integers(min_value=1, max_value=1 << 50))
def test_bytes_are_exact(count: int) -> None:
    """The bytes in brackets are exact whatever the unit."""
    assert bytes_text(count).endswith(f"({count:,} bytes)")


def test_every_noun_is_in_the_catalogue() -> None:
    """Every cmdlet of the noun table exists in the reference, in the cloud."""
    for noun in NOUNS.values():
        for verb in noun.verbs.split():
            assert signature(f"{verb}-{noun.name}") is not None, f"{verb}-{noun.name}"


def test_null_is_kept_for_what_can_be_unset() -> None:
    """A nullable flag takes null."""
    known = signature("Set-RemoteDomain")
    assert known is not None
    assert convert(known.parameters["tnefenabled"], None) is None
    with pytest.raises(ServiceError):
        convert(known.parameters["isinternal"], None)
