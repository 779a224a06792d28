# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a finished set-up is turned into each state of the table of states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from .foreign_rules import rule
from .people import Maker
from .scenario import ORGANIZATION, ROUTING, STRICT, TENANT, Scenario

GROUP = "Migrated Users"


@dataclass(frozen=True)
class Plan:
    """What a state asks of the set-up before it is changed. scope: empty leaves it to chance. seeded: who is cloud-only is in the group.

    closed: the tenant refuses its own senders from outside.
    """

    scope: str = ""
    seeded: bool | None = None
    pending: bool | None = False
    moved: bool = False
    strict: bool = False
    closed: bool = False


Change = Callable[[Scenario, Random], None]


def nothing(scenario: Scenario, random: Random) -> None:
    """The finished set-up is the state."""


def rules_off(scenario: Scenario, random: Random) -> None:
    """No rule of ours acts: disabled, or not there."""
    if random.random() < 0.5:
        scenario.drop("TransportRule")
    for row in scenario.rows("TransportRule"):
        row["State"] = "Disabled"


def no_rules(scenario: Scenario, random: Random) -> None:
    """The rules are gone."""
    scenario.drop("TransportRule")


def primary_elsewhere(scenario: Scenario, random: Random) -> None:
    """A stub's primary address is in the initial domain."""
    row = scenario.row("Mailbox", "stub1")
    address, primary = str(row["PrimarySmtpAddress"]), f"stub1@{ORGANIZATION}"
    row["EmailAddresses"] = [f"SMTP:{primary}", f"smtp:{address}", f"smtp:stub1@{ROUTING}"]
    row["PrimarySmtpAddress"] = primary


def group_empty(scenario: Scenario, random: Random) -> None:
    """Nobody is in the group."""
    scenario.row("DistributionGroup", GROUP)["_members"] = []


def group_gone(scenario: Scenario, random: Random) -> None:
    """There is no group."""
    scenario.tables["DistributionGroup"] = [row for row in scenario.rows("DistributionGroup") if row["Name"] != GROUP]


def connectors_gone(scenario: Scenario, random: Random) -> None:
    """There is no connector of ours, or it is switched off."""
    if random.random() < 0.5:
        scenario.drop("OutboundConnector")
    for row in scenario.rows("OutboundConnector"):
        row["Enabled"] = False


def connectors_by_mx(scenario: Scenario, random: Random) -> None:
    """The connectors follow the MX."""
    for row in scenario.rows("OutboundConnector"):
        row.update(UseMXRecord=True, SmartHosts=[])


def flagged(name: str) -> Change:
    """The first host, and sometimes all of them, in a mode."""

    def change(scenario: Scenario, random: Random) -> None:
        for host in scenario.hosts if random.random() < 0.3 else scenario.hosts[:1]:
            host.flags.add(name)

    return change


def relays_back(scenario: Scenario, random: Random) -> None:
    """The first host hands unknown addresses to the tenant."""
    scenario.hosts[0].unknown = "relay"


def stub_in_group(scenario: Scenario, random: Random) -> None:
    """A stub is a member, its forward is not on; the membership may be fresh."""
    if random.random() < 0.4:
        scenario.late.append(("Add-DistributionGroupMember", {"Identity": scenario.group, "Member": "stub1"}))
        scenario.moving.add(scenario.people["stub"][0])
    else:
        scenario.row("DistributionGroup", GROUP)["_members"].append(scenario.people["stub"][0])


def bare_address(scenario: Scenario, random: Random) -> None:
    """A migrated mailbox lacks the routing address."""
    row = scenario.row("Mailbox", "migrated1")
    row["EmailAddresses"] = [text for text in row["EmailAddresses"] if ROUTING not in text]


def forward_without_mailbox(scenario: Scenario, random: Random) -> None:
    """A source user without object is forwarded."""
    address = scenario.people["noobj"][0]
    scenario.hosts[0].forwards[address] = (f"noobj1@{ROUTING}", False)


def _rules_just_off(scenario: Scenario) -> None:
    """The first rule was disabled a moment ago, and may still act; the others are long off."""
    for number, row in enumerate(scenario.rows("TransportRule")):
        if number:
            row["State"] = "Disabled"
        else:
            scenario.late.append(("Disable-TransportRule", {"Identity": row["Name"], "Confirm": False}))


def connector_gone_rule_acting(scenario: Scenario, random: Random) -> None:
    """Rule off, then the connector at once."""
    _rules_just_off(scenario)
    scenario.drop("OutboundConnector")


def group_gone_rule_acting(scenario: Scenario, random: Random) -> None:
    """Rule off, then the group at once."""
    _rules_just_off(scenario)
    group_gone(scenario, random)


def authoritative(scenario: Scenario, random: Random) -> None:
    """No rules, and the shared domains are the tenant's alone; the first host caught what nobody has."""
    no_rules(scenario, random)
    for row in scenario.rows("AcceptedDomain"):
        row["DomainType"] = "Authoritative"
    scenario.hosts[0].unknown = "catch_all"
    scenario.people["caught"] = scenario.people["nobody"][:1]


def newcomer(scenario: Scenario, random: Random) -> None:
    """A new hire has a mailbox on both sides and a forward, and is not in the group."""
    maker, address = Maker(scenario, random), f"newcomer1@{scenario.domains[0]}"
    maker.mailbox("newcomer1", address)
    maker.listed(address)
    maker.forward(address)
    scenario.people["newcomer"] = [address]


def left_over(scenario: Scenario, random: Random) -> None:
    """After a teardown: no routing rule, but a rule that spares the hosts' mail the filter, and their connectors in both directions."""
    authoritative(scenario, random)
    addresses = [host.address for host in scenario.hosts]
    scenario.rows("TransportRule").append(rule("Old inbound", SenderIpRanges=addresses, SetSCL=-1))
    old = {"Name": "Old way in", "Enabled": True, "ConnectorType": "Partner", "SenderDomains": ["smtp:*;1"]}
    scenario.rows("InboundConnector").append({**old, "SenderIPAddresses": addresses})


def _late_mx(scenario: Scenario) -> None:
    """The first domain's MX moved a moment ago."""
    domain = scenario.domains[0]
    scenario.mx_before[domain] = scenario.mx[domain]
    scenario.mx[domain] = TENANT


def forwards_off(scenario: Scenario, random: Random) -> None:
    """The forwards are off, although those who moved read in the tenant and some still hold the former MX."""
    _late_mx(scenario)
    for host in scenario.hosts:
        host.forwards.clear()
    gone = scenario.moved | scenario.synced
    scenario.listed = [(address, kind, owner, "tenant" if address in gone else home) for address, kind, owner, home in scenario.listed]


def host_off(scenario: Scenario, random: Random) -> None:
    """The first host is removed, and some still hold the former MX."""
    _late_mx(scenario)
    scenario.hosts[0].removed = True


def lost_licence(scenario: Scenario, random: Random) -> None:
    """A migrated user's mailbox is gone."""
    scenario.tables["Mailbox"] = [row for row in scenario.rows("Mailbox") if row["Name"] != "migrated1"]
    address = scenario.people["migrated"][0]
    for row in scenario.rows("DistributionGroup"):
        row["_members"] = [member for member in row["_members"] if member != address]


def mail_user_left(scenario: Scenario, random: Random) -> None:
    """Of a migrated user's mailbox a mail user is left, which is still in the group."""
    address = scenario.people["migrated"][0]
    scenario.tables["Mailbox"] = [row for row in scenario.rows("Mailbox") if row["Name"] != "migrated1"]
    left = Maker(scenario, random).recipient("MailUser", "migrated1", address, (), "MailUser", "MailUser")
    left["ExternalEmailAddress"] = f"SMTP:{address}"


# By the id of the state.
STATES: Mapping[str, tuple[Plan, Change]] = {
    "licences_first": (Plan(), rules_off),
    "no_route": (Plan(moved=True), no_rules),
    "scope_organization": (Plan(scope="organization", seeded=False), nothing),
    "primary_elsewhere": (Plan(scope="domain"), primary_elsewhere),
    "rule_before_group": (Plan(seeded=False), group_empty),
    "no_connector": (Plan(), connectors_gone),
    "connector_by_mx": (Plan(moved=True), connectors_by_mx),
    "refuses_own_domain": (Plan(pending=None), flagged("reject_own_domain")),
    "rate_limited": (Plan(pending=None), flagged("rate_limited")),
    "forward_before_group": (Plan(scope="domain", seeded=False), group_empty),
    "forward_before_group_organization": (Plan(scope="organization", seeded=False), group_empty),
    "group_before_forward": (Plan(), stub_in_group),
    "forward_without_address": (Plan(), bare_address),
    "forward_without_mailbox": (Plan(), forward_without_mailbox),
    "dmarc_reject": (Plan(strict=True), nothing),
    "mx_moved_organization": (Plan(scope="organization", moved=True), nothing),
    "mx_moved_domain": (Plan(scope="domain", moved=True), nothing),
    "connector_gone_rule_acting": (Plan(), connector_gone_rule_acting),
    "group_gone_rule_acting": (Plan(seeded=False), group_gone_rule_acting),
    "group_gone": (Plan(seeded=False), group_gone),
    "documented_teardown": (Plan(moved=True), no_rules),
    "authoritative_early": (Plan(moved=True), authoritative),
    "forwards_off_early": (Plan(), forwards_off),
    "host_off_early": (Plan(), host_off),
    "new_room": (Plan(seeded=False), newcomer),
    "lost_licence": (Plan(scope="domain"), lost_licence),
    "lost_licence_mx_moved": (Plan(scope="domain", moved=True), mail_user_left),
    "leftovers": (Plan(moved=True, closed=True), left_over),
    "relays_back": (Plan(), relays_back),
}

__all__ = ["GROUP", "STATES", "STRICT", "Plan"]
