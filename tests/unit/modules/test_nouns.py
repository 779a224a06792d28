# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service refuses is refused before anything is written, with a remedy; against the sandbox, as real tasks."""

from __future__ import annotations

from typing import Any

import pytest

from .bench import Bench
from .samples import OTHER, PERSON

OUT: dict[str, Any] = {"identity": "c", "connector_type": "Partner"}
IN: dict[str, Any] = {"identity": "c", "connector_type": "Partner", "sender_domains": ["a.example"]}
GROUP: dict[str, Any] = {"identity": "g", "primary_smtp_address": "g@example.com", "managed_by": [PERSON]}
RULE: dict[str, Any] = {"identity": "r", "set_scl": "-1"}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("outbound_connector", {**OUT, "use_mx_record": False}, "use_mx_record false needs smart_hosts"),
    ("outbound_connector", {**OUT, "use_mx_record": False, "smart_hosts": ["mail.example:25"]}, "has a port"),
    ("outbound_connector", {**OUT, "sender_rewriting_enabled": True}, "sender_rewriting_enabled needs connector_type: OnPremises"),
    ("outbound_connector", {**OUT, "route_all_messages_via_on_premises": True}, "needs connector_type: OnPremises"),
    ("outbound_connector", {**OUT, "all_accepted_domains": True}, "all_accepted_domains needs connector_type: OnPremises"),
    ("outbound_connector", {**OUT, "name": "n" * 65}, "has 65 characters, the service takes 64"),
    ("inbound_connector", {"identity": "c", "connector_type": "Partner"}, "to create it, give sender_domains"),
    ("inbound_connector", {**IN, "sender_ip_addresses": ["192.0.2.0/23"]}, "'192.0.2.0/23' is wider than /24"),
    ("inbound_connector", {**IN, "sender_ip_addresses": ["2001:db8::1"]}, "'2001:db8::1' is IPv6"),
    ("inbound_connector", {**IN, "sender_ip_addresses": ["192.0.2.1-192.0.2.9"]}, "is not an IPv4 address or a network in CIDR form"),
    ("inbound_connector", {**IN, "treat_messages_as_internal": True}, "treat_messages_as_internal needs connector_type: OnPremises"),
    (
        "inbound_connector",
        {**IN, "connector_type": "OnPremises", "treat_messages_as_internal": True, "cloud_services_mail_enabled": True},
        "exclude each other",
    ),
    ("inbound_connector", {**IN, "restrict_domains_to_certificate": True}, "needs tls_sender_certificate_name"),
    ("inbound_connector", {**IN, "trusted_organizations": ["b.example"]}, "cannot be given when the connector is created"),
    ("distribution_group", {**GROUP, "type": "Security", "member_depart_restriction": "Open"}, "Open is refused for security groups"),
    ("distribution_group", {**GROUP, "managed_by": []}, "a group must have an owner"),
    ("distribution_group", {"identity": "g", "email_addresses": ["smtp:g@example.com"]}, "hold 0 primary addresses"),
    ("distribution_group", {"identity": "g", "email_addresses": ["SMTP:g@example.com", "SMTP:h@example.com"]}, "hold 2 primary addresses"),
    ("transport_rule", {**RULE, "header_contains_words": ["x"]}, "also give header_contains_message_header"),
    ("transport_rule", {**RULE, "apply_html_disclaimer_text": "x"}, "also give apply_html_disclaimer_location"),
    ("transport_rule", {**RULE, "comments": "c" * 1025}, "has 1025 characters, the service takes 1024"),
    ("transport_rule", {**RULE, "sender_ip_ranges": ["192.0.2"]}, "is not an IP address"),
    ("transport_rule", {**RULE, "message_size_over": "many"}, "is not a size such as 10MB"),
    ("transport_rule", {**RULE, "identity": "r" * 65}, "a name has at most 64 characters"),
    ("transport_rule", {**RULE, "identity": " "}, "identity is empty"),
    ("transport_rule", {**RULE, "set_scl": "high"}, "is not a whole number"),
    ("transport_rule", {**RULE, "expiry_date": "tomorrow"}, "is not a time such as"),
]


@pytest.mark.parametrize(("name", "task", "line"), REFUSED, ids=[f"{case[0]}: {case[2]}" for case in REFUSED])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_refused_before_anything_is_written(bench: Bench, name: str, task: dict[str, Any], line: str, check: bool) -> None:
    result = bench.run(name, check=check, **task)
    assert result["failed"]
    assert line in result["msg"]
    assert task["identity"] in result["msg"]
    assert "\n" not in result["msg"]
    assert result["calls"] == []
    assert bench.writes() == []


def test_a_partner_connector_is_never_sent_what_only_on_premises_ones_take(bench: Bench) -> None:
    task: dict[str, Any] = {
        **OUT,
        "sender_rewriting_enabled": False,
        "route_all_messages_via_on_premises": False,
        "all_accepted_domains": False,
    }
    bench.done("outbound_connector", **task)
    ((cmdlet, parameters),) = bench.writes()
    assert cmdlet == "New-OutboundConnector"
    assert parameters == {"Name": "c", "ConnectorType": "Partner", "AllAcceptedDomains": False}
    assert not bench.done("outbound_connector", **task)["changed"]


def test_smart_hosts_travel_with_use_mx_record(bench: Bench) -> None:
    bench.done("outbound_connector", **OUT, smart_hosts=["192.0.2.1"])
    bench.done("outbound_connector", identity="c", use_mx_record=False)
    assert bench.writes()[-1] == ("Set-OutboundConnector", {"Identity": "c", "UseMXRecord": False, "SmartHosts": ["192.0.2.1"]})


@pytest.mark.parametrize("shown", ["AdminUI", "Default", ""])
def test_the_portals_source_is_the_default_one(bench: Bench, shown: str) -> None:
    bench.done("outbound_connector", **OUT)
    bench.sandbox.put("OutboundConnector", identity="c", set={"ConnectorSource": shown})
    assert not bench.done("outbound_connector", **OUT, connector_source="Default")["changed"]
    assert bench.done("outbound_connector", **OUT, connector_source="HybridWizard", check=True)["changed"]


def test_a_connector_in_test_mode_is_found(bench: Bench) -> None:
    bench.done("outbound_connector", **OUT, test_mode=True)
    before = len(bench.writes())
    assert not bench.done("outbound_connector", **OUT, test_mode=True)["changed"]
    assert len(bench.writes()) == before
    assert [row["Name"] for row in bench.done("outbound_connector_info", identity="c")["objects"]] == ["c"]
    assert [row["Name"] for row in bench.done("outbound_connector_info")["objects"]].count("c") == 1


VALIDATED: dict[str, Any] = {**OUT, "use_mx_record": False, "smart_hosts": ["192.0.2.1"], "validation_recipients": [PERSON]}


def test_a_new_connector_is_validated_and_a_second_run_is_silent(bench: Bench) -> None:
    result = bench.done("outbound_connector", **VALIDATED)
    assert [write[0] for write in bench.writes()] == [
        "New-OutboundConnector",
        "Set-OutboundConnector",
        "Validate-OutboundConnector",
        "Set-OutboundConnector",
    ]
    assert result["object"]["IsValidated"] is True
    assert result["calls"][-1]["parameters"]["LastValidationTimestamp"] == "<now>"
    assert bench.writes()[-1][1]["LastValidationTimestamp"].startswith("20")
    assert not bench.done("outbound_connector", **VALIDATED)["changed"]
    assert bench.done("outbound_connector", **{**VALIDATED, "smart_hosts": ["192.0.2.2"]})["changed"]
    assert [write[0] for write in bench.writes()[4:]] == ["Set-OutboundConnector", "Validate-OutboundConnector", "Set-OutboundConnector"]


def test_check_mode_announces_the_validation_and_takes_it_as_passed(bench: Bench) -> None:
    announced = bench.done("outbound_connector", check=True, **VALIDATED)
    assert [call["cmdlet"] for call in announced["calls"]][2] == "Validate-OutboundConnector"
    assert announced["object"]["IsValidated"] is True
    assert not bench.done("outbound_connector", check=True, **VALIDATED)["changed"], "the rest of the check sees it validated"
    assert bench.writes() == []


def test_a_failed_validation_names_the_host_and_leaves_the_connector_unvalidated(bench: Bench) -> None:
    rows = [{"SmartHost": "192.0.2.1", "Status": "Failed", "Detail": "450 4.4.316 Connection refused"}]
    bench.sandbox.ask("PUT", "/results", {"cmdlet": "Validate-OutboundConnector", "rows": rows})
    result = bench.run("outbound_connector", **VALIDATED)
    assert result["failed"]
    assert "Validate-OutboundConnector 'c': the validation failed: 192.0.2.1: 450 4.4.316 Connection refused" in result["msg"]
    assert result["changed"], "the connector was made"
    assert [call["cmdlet"] for call in result["calls"]][-1] == "Validate-OutboundConnector"
    assert bench.row("OutboundConnector", "c")["IsValidated"] is False
    bench.sandbox.ask("PUT", "/results", {"cmdlet": "Validate-OutboundConnector", "rows": None})
    again = bench.done("outbound_connector", **VALIDATED)
    assert [call["cmdlet"] for call in again["calls"]] == ["Validate-OutboundConnector", "Set-OutboundConnector"]


ROUTING: dict[str, Any] = {"identity": "r", "route_message_outbound_connector": "c", "recipient_domain_is": ["a.example"]}


@pytest.mark.parametrize("nothing", [[], "", [""]])
def test_a_rule_that_routes_all_mail_is_never_made(bench: Bench, nothing: Any) -> None:
    """Whether it would be new, enabled, or get its connector now: an empty variable must not send everybody's mail out."""
    bench.done("outbound_connector", **OUT)
    open_rule = {**ROUTING, "recipient_domain_is": nothing}
    new = bench.run("transport_rule", **open_rule)
    bench.done("transport_rule", **open_rule, enabled=False)
    on = bench.run("transport_rule", identity="r", enabled=True)
    bench.done("transport_rule", identity="plain", set_scl=-1)
    routed = bench.run("transport_rule", identity="plain", route_message_outbound_connector="c")
    writes = len(bench.writes())
    for result in (new, on, routed):
        assert result["failed"]
        assert "without a condition, and all mail would go there" in result["msg"]
    assert bench.run("transport_rule", check=True, **open_rule, enabled=True)["failed"]
    assert len(bench.writes()) == writes


def test_a_task_for_a_rule_that_is_there_makes_no_new_one(bench: Bench) -> None:
    """A misspelt name must not become an object."""
    tasks: list[tuple[str, dict[str, Any], str]] = [
        ("transport_rule", {"identity": "Coexistance", "enabled": False}, "a new one needs an action"),
        (
            "transport_rule",
            {"identity": "r", "set_scl": -1, "sender_ip_ranges": {"add": ["192.0.2.1"]}},
            "would add to it or remove from it",
        ),
        ("distribution_group", {"identity": "typo@example.com", "display_name": "x"}, "or give name to create it"),
        (
            "outbound_connector",
            {"identity": "0e9a8a2c-3a1c-4c4e-9d6a-2f6f0f7d8c11", "connector_type": "Partner"},
            "or give name to create it",
        ),
    ]
    for name, task, text in tasks:
        for check in (True, False):
            result = bench.run(name, check=check, **task)
            assert result["failed"]
            assert text in result["msg"]
    assert bench.writes() == []
    made = bench.done("distribution_group", identity="new@example.com", name="New", primary_smtp_address="new@example.com")
    assert made["object"]["PrimarySmtpAddress"] == "new@example.com"


def test_the_last_condition_of_a_routing_rule_is_not_taken(bench: Bench) -> None:
    bench.done("outbound_connector", **OUT)
    bench.done("transport_rule", **ROUTING)
    result = bench.run("transport_rule", identity="r", recipient_domain_is=[])
    assert result["failed"]
    assert "without a condition" in result["msg"]
    assert bench.done("transport_rule", identity="r", recipient_domain_is=[], sent_to_scope="InOrganization")["changed"]
    assert bench.done("transport_rule", identity="r", sent_to_scope="", enabled=False)["changed"], "a disabled rule may lose it"


def test_a_connector_named_by_its_guid_is_the_one_that_reads_back_by_name(bench: Bench) -> None:
    guid = bench.done("outbound_connector", **OUT)["object"]["Guid"]
    bench.done("transport_rule", **ROUTING)
    assert not bench.done("transport_rule", **{**ROUTING, "route_message_outbound_connector": guid})["changed"]


def test_a_synchronised_group_is_refused_with_the_place_to_change_it(bench: Bench) -> None:
    bench.done("distribution_group", **GROUP)
    bench.sandbox.put("DistributionGroup", identity="g", set={"IsDirSynced": True})
    before = len(bench.writes())
    tasks: list[dict[str, Any]] = [{"display_name": "x"}, {"state": "absent"}]
    for task in tasks:
        result = bench.run("distribution_group", identity="g", **task)
        assert "IsDirSynced" in result["msg"]
        assert "change it there" in result["msg"]
    assert not bench.done("distribution_group", identity="g", primary_smtp_address="g@example.com")["changed"]
    assert len(bench.writes()) == before


def test_owners_by_any_name_are_the_same_owners(bench: Bench) -> None:
    bench.done("distribution_group", **GROUP)
    person = bench.row("Recipient", PERSON)
    for name in (PERSON, PERSON.upper(), person["ExternalDirectoryObjectId"], person["Guid"], person["Name"]):
        assert not bench.done("distribution_group", identity="g", managed_by=[name])["changed"], name
        assert not bench.done("distribution_group", identity="g", managed_by={"add": [name]})["changed"], name
    assert bench.done("distribution_group", identity="g", managed_by={"add": [OTHER], "remove": [person["Guid"]]})["changed"]
    assert bench.writes()[-1][1]["ManagedBy"]["Add"] == [OTHER]
    assert bench.writes()[-1][1]["ManagedBy"]["Remove"] == [PERSON]


def test_addresses_of_other_types_stay(bench: Bench) -> None:
    bench.done("distribution_group", **GROUP)
    row = bench.row("DistributionGroup", "g")
    kept = [*row["EmailAddresses"], "X500:/o=x/cn=g", "SIP:g@example.com"]
    bench.sandbox.put("DistributionGroup", identity="g", set={"EmailAddresses": kept})
    task: dict[str, Any] = {"identity": "g", "email_addresses": ["SMTP:g@example.com", "smtp:second@example.com"]}
    bench.done("distribution_group", **task)
    sent = bench.writes()[-1][1]["EmailAddresses"]
    assert {"X500:/o=x/cn=g", "SIP:g@example.com", "smtp:second@example.com"} < set(sent)
    assert not bench.done("distribution_group", **task)["changed"]


def test_the_bypass_rides_on_changes_and_removals(bench: Bench) -> None:
    bench.done("distribution_group", **GROUP)
    bench.done("distribution_group", identity="g", display_name="x", bypass_security_group_manager_check=True)
    assert bench.writes()[-1][1]["BypassSecurityGroupManagerCheck"] is True
    bench.done("distribution_group", identity="g", state="absent", bypass_security_group_manager_check=True)
    assert bench.writes()[-1] == ("Remove-DistributionGroup", {"Identity": "g", "BypassSecurityGroupManagerCheck": True, "Confirm": False})


def test_options_that_exclude_each_other_are_refused(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="mutually exclusive"):
        bench.run("distribution_group", identity="g", email_addresses=["SMTP:g@example.com"], primary_smtp_address="g@example.com")
    with pytest.raises(AssertionError, match="mutually exclusive"):
        bench.run(
            "distribution_group",
            identity="g",
            accept_messages_only_from_senders_or_members=[PERSON],
            accept_messages_only_from=[PERSON],
        )


@pytest.mark.parametrize("name", ["transport_rule", "outbound_connector", "inbound_connector", "distribution_group"])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_what_is_gone_already_is_no_error(bench: Bench, name: str, check: bool) -> None:
    assert not bench.done(name, check=check, identity="nobody ever made this", state="absent")["changed"]
    assert bench.writes() == []


def test_a_check_counts_priorities_as_the_run_does(bench: Bench) -> None:
    for number in range(4):
        bench.done("transport_rule", identity=f"r{number}", set_scl=-1)
    tasks: list[dict[str, Any]] = [
        {"identity": "r3", "priority": 0},
        {"identity": "r0", "priority": 1},
        {"identity": "new", "priority": 0, "set_scl": -1},
        {"identity": "r3", "priority": 1},
        {"identity": "r1", "state": "absent"},
        {"identity": "r2", "priority": 3},
        {"identity": "r0", "priority": 3},
        {"identity": "r2", "priority": 2},
    ]
    before = len(bench.writes())
    announced = [bench.done("transport_rule", check=True, **task)["calls"] for task in tasks]
    assert len(bench.writes()) == before
    assert [bench.done("transport_rule", **task)["calls"] for task in tasks] == announced
    assert [len(calls) for calls in announced] == [1, 1, 1, 0, 1, 1, 1, 0], "what moved by itself is not moved again"


def test_a_check_lists_planned_rules_by_the_state_that_they_would_have(bench: Bench) -> None:
    bench.done("transport_rule", identity="r", set_scl=-1, enabled=False)
    bench.done("transport_rule", check=True, identity="r", enabled=True)
    bench.done("transport_rule", check=True, identity="new", set_scl=-1, enabled=False)
    found = {state: bench.done("transport_rule_info", check=True, state=state)["objects"] for state in ("Enabled", "Disabled")}
    names = {state: {row["Name"] for row in rows} & {"r", "new"} for state, rows in found.items()}
    assert names == {"Enabled": {"r"}, "Disabled": {"new"}}


def test_what_partners_do_not_take_is_switched_off_before_the_connector_becomes_one(bench: Bench) -> None:
    bench.done("outbound_connector", identity="c", connector_type="OnPremises", sender_rewriting_enabled=True)
    task: dict[str, Any] = {**OUT, "sender_rewriting_enabled": False, "comment": "x"}
    announced = bench.done("outbound_connector", check=True, **task)["calls"]
    assert bench.done("outbound_connector", **task)["calls"] == announced
    off, rest = bench.writes()[-2:]
    assert off == ("Set-OutboundConnector", {"Identity": "c", "SenderRewritingEnabled": False})
    assert rest[1] == {"Identity": "c", "ConnectorType": "Partner", "Comment": "x"}
    assert not bench.done("outbound_connector", **task)["changed"]


def test_a_diff_shows_what_the_validation_notes_and_a_state_in_the_same_words(bench: Bench) -> None:
    bench.done("outbound_connector", **{**VALIDATED, "validation_recipients": None})
    for check in (True, False):
        shown = bench.done("outbound_connector", check=check, **VALIDATED)["diff"]
        assert (shown["before"]["is_validated"], shown["after"]["is_validated"]) == (False, True)
    bench.done("transport_rule", identity="r", set_scl=-1, enabled=False)
    shown = bench.done("transport_rule", identity="r", enabled=True)["diff"]
    assert (shown["before"], shown["after"]) == ({"enabled": "Disabled"}, {"enabled": "Enabled"})


def test_no_more_objects_are_listed_than_were_asked_for(bench: Bench) -> None:
    for number in range(3):
        bench.done("outbound_connector", identity=f"c{number}", connector_type="Partner", test_mode=number == 2)
    assert len(bench.done("outbound_connector_info", result_size="1")["objects"]) == 1
    assert len(bench.done("outbound_connector_info")["objects"]) == 3


def test_a_suffix_that_the_service_puts_behind_a_groups_name_is_no_difference(bench: Bench) -> None:
    bench.sandbox.parameters(group_suffix="_FullHTT20240913183055")
    new: dict[str, Any] = {"identity": "migrated@example.com", "name": "Migrated Users", "managed_by": [PERSON]}
    made = bench.done("distribution_group", **new, primary_smtp_address="migrated@example.com")
    assert made["object"]["Name"] == "Migrated Users_FullHTT20240913183055"
    assert not bench.done("distribution_group", **new)["changed"]
    assert not bench.done("distribution_group", identity="Migrated Users", managed_by=[PERSON])["changed"]


ADDRESSES = ["SMTP:g@example.com", "smtp:h@example.com"]
EDITS: list[tuple[dict[str, Any] | list[str], list[str] | str]] = [
    ({"remove": ["H@example.com"]}, ["SMTP:g@example.com"]),
    ({"remove": ["SMTP:h@example.com"]}, ["SMTP:g@example.com"]),
    ({"remove": ["g@example.com"]}, "would hold 0 primary addresses"),
    ({"add": ["SMTP:h@example.com"]}, ["SMTP:h@example.com", "smtp:g@example.com"]),
    ({"add": ["SMTP:i@example.com"]}, ["SMTP:i@example.com", "smtp:g@example.com", "smtp:h@example.com"]),
    ({"add": ["SMTP:h@example.com"], "remove": ["g@example.com"]}, ["SMTP:h@example.com"]),
    ({"add": ["smtp:g@example.com", "SMTP:G@example.com"]}, ADDRESSES),
    ({"add": ["SMTP:i@example.com", "SMTP:j@example.com"]}, "would hold 2 primary addresses"),
    (["SMTP:g@example.com", "smtp:G@example.com", "smtp:h@example.com"], ADDRESSES),
]


@pytest.mark.parametrize(("edit", "wanted"), EDITS)
def test_an_address_is_edited_whether_it_is_the_primary_one_or_not(bench: Bench, edit: Any, wanted: list[str] | str) -> None:
    bench.done("distribution_group", identity="g", managed_by=[PERSON], email_addresses=ADDRESSES)
    task: dict[str, Any] = {"identity": "g", "email_addresses": edit}
    if isinstance(wanted, str):
        refused = bench.run("distribution_group", **task)
        assert refused["failed"]
        assert wanted in refused["msg"]
        return
    announced = bench.done("distribution_group", check=True, **task)
    made = bench.done("distribution_group", **task)
    assert made["calls"] == announced["calls"]
    held = [item for item in made["object"]["EmailAddresses"] if str(item).casefold().startswith("smtp:") and "onmicrosoft" not in item]
    assert sorted(held) == sorted(wanted)
    assert not bench.done("distribution_group", **task)["changed"]


def test_a_validation_that_failed_for_a_changed_connector_is_made_again_until_it_passes(bench: Bench) -> None:
    """The mark of the former host must not stand for the new one."""
    bench.done("outbound_connector", **VALIDATED)
    rows = [{"SmartHost": "mail.nowhere.invalid", "Status": "Failed", "Detail": "450 4.4.316 Connection refused"}]
    bench.sandbox.ask("PUT", "/results", {"cmdlet": "Validate-OutboundConnector", "rows": rows})
    moved = {**VALIDATED, "smart_hosts": ["mail.nowhere.invalid"]}
    for _unused in range(2):
        result = bench.run("outbound_connector", **moved)
        assert result["failed"]
        assert "mail.nowhere.invalid: 450 4.4.316" in result["msg"]
        assert bench.row("OutboundConnector", "c")["IsValidated"] is False
    bench.sandbox.ask("PUT", "/results", {"cmdlet": "Validate-OutboundConnector", "rows": None})
    assert bench.done("outbound_connector", **moved)["object"]["IsValidated"] is True
    assert not bench.done("outbound_connector", **moved)["changed"]
