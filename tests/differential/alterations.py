# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case changes in the small world before its letter is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .foreign_rules import rule
from .scenario import TENANT, Row, Scenario
from .small import ONE, SUB
from .states import GROUP

Change = Callable[[Scenario], None]


def nothing(made: Scenario) -> None:
    """The finished set-up."""


def every(*changes: Change) -> Change:
    """Several changes."""

    def change(made: Scenario) -> None:
        for one in changes:
            one(made)

    return change


def above(**more: Any) -> Change:
    """A rule of somebody else above ours."""
    return lambda made: made.rows("TransportRule").insert(0, rule("Theirs", **more))


def below(**more: Any) -> Change:
    """A rule of somebody else below ours."""
    return lambda made: made.rows("TransportRule").append(rule("Theirs", **more))


def ours(**more: Any) -> Change:
    """Our rules, changed."""

    def change(made: Scenario) -> None:
        for row in made.rows("TransportRule"):
            row.update(more)

    return change


def scope_organization(made: Scenario) -> None:
    """The first rule reaches the whole organization."""
    row = made.rows("TransportRule")[0]
    del row["RecipientDomainIs"]
    row["SentToScope"] = "InOrganization"


def one_domain(made: Scenario) -> None:
    """The first rule names the upper domain alone, and there is a source user below it."""
    made.rows("TransportRule")[0]["RecipientDomainIs"] = [ONE]
    made.listed.append((f"noobj2@{SUB}", "mailbox", "", "source"))


def no_rules(made: Scenario) -> None:
    """Nothing routes."""
    made.drop("TransportRule")


def no_connectors(made: Scenario) -> None:
    """The rules name what is not there."""
    made.drop("OutboundConnector")


def at_tenant(*domains: str) -> Change:
    """The MX of domains is the tenant."""
    return lambda made: made.mx.update(dict.fromkeys(domains, TENANT))


def moved_lately(made: Scenario) -> None:
    """The MX of the first domain moved; resolvers may hold the former one."""
    made.mx_before[ONE], made.mx[ONE] = "first", TENANT


def flags(*names: str, unknown: str = "reject") -> Change:
    """How the first host behaves."""

    def change(made: Scenario) -> None:
        made.hosts[0].flags.update(names)
        made.hosts[0].unknown = unknown

    return change


def joins(address: str) -> Change:
    """One more member of the group of the migrated."""
    return lambda made: made.row("DistributionGroup", GROUP)["_members"].append(address)


def team(*addresses: str) -> Change:
    """Who is in the tenant's own group."""
    return lambda made: made.row("DistributionGroup", "team1").update({"_members": list(addresses)})


def dynamic(*aliases: str) -> Change:
    """Who passes the filter of the tenant's dynamic group."""
    text = " -or ".join(f"(Alias -eq '{one}')" for one in aliases)
    return lambda made: made.row("DynamicDistributionGroup", "dynamic1").update({"RecipientFilter": text})


def mailbox(name: str, **more: Any) -> Change:
    """A mailbox, changed."""
    return lambda made: made.row("Mailbox", name).update(more)


def inbound(**more: Any) -> Change:
    """An inbound connector for what the hosts send."""

    def change(made: Scenario) -> None:
        addresses = [host.address for host in made.hosts]
        base: Row = {
            "Name": "In",
            "Enabled": True,
            "ConnectorType": "Partner",
            "SenderDomains": ["smtp:*;1"],
            "SenderIPAddresses": addresses,
        }
        made.rows("InboundConnector").append({**base, **more})

    return change


def strict(domain: str) -> Change:
    """A sender's domain asks to reject what fails DMARC, and signs nothing."""
    return lambda made: made.strict.add(domain)


def lately(cmdlet: str, name: str, **parameters: Any) -> Change:
    """A cmdlet on a rule a moment ago."""
    return lambda made: made.late.append((cmdlet, {"Identity": name, **parameters}))


def at_list(*addresses: str) -> Change:
    """Members of the source's list."""
    return lambda made: made.hosts[0].lists.update({f"list1@{ONE}": list(addresses)})


def removed(made: Scenario) -> None:
    """The first host is gone for good."""
    made.hosts[0].removed = True


def forwards_off(made: Scenario) -> None:
    """The forwards are off; those who moved read in the tenant."""
    for host in made.hosts:
        host.forwards.clear()
    made.listed = [(one, kind, owner, TENANT if one in made.moved else home) for one, kind, owner, home in made.listed]


def pending(made: Scenario) -> None:
    """The group holds who is still to come, and the rules name it."""
    made.pending = True
    made.row("DistributionGroup", GROUP)["_members"] = [f"alias1@{ONE}"]
    for row in made.rows("TransportRule"):
        row["SentToMemberOf"] = row.pop("ExceptIfSentToMemberOf")
