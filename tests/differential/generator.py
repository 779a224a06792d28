# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds from seeds: domains, hosts, people, the method's objects, a state of the table of states, and letters."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from . import foreign_rules, letters, states, steered
from .people import KINDS, OTHER, Maker
from .scenario import ORGANIZATION, ROUTING, STRICT, TENANT, Host, Row, Scenario

SHARED = ("one.example", "sub.one.example", "two.example", "three.example")
CLOUD = "cloud.one.example"
NAMES = ("first", "second", "third")
# What the tenant's rows do not show in a part of the worlds.
HIDDEN = {"plus": 0.1, "address_type": 0.1, "phishing": 0.5, "spam": 0.5}
CONNECTOR, RULE = "Shared Name Space with External Entity TRSC", "Coexistence"


def scenario(seed: int, kept: Sequence[str] = tuple(states.STATES)) -> Scenario:
    """The world of a seed; neighbouring seeds have neighbouring states."""
    random = Random(seed)  # noqa: S311 - made-up worlds, the same for a seed
    state = kept[seed % len(kept)]
    plan, change = states.STATES[state]
    made = Scenario(seed, state, _hosts(random))
    made.scope = plan.scope or random.choice(("domain", "domain", "organization"))
    made.pending = plan.pending if plan.pending is not None else random.random() < 0.5
    made.group = f"migrated@{made.domains[0]}"
    _domains(made, random)
    _people(made, random)
    _mx(made, random, moved=plan.moved)
    _set_up(made, random, seeded=random.random() < 0.5 if plan.seeded is None else plan.seeded)
    change(made, random)
    _surroundings(made, random)
    _senders(made, random, strict=plan.strict, closed=plan.closed)
    letters.write(made, random)
    steered.steer(made)
    for number, row in enumerate(made.rows("TransportRule")):
        row["Priority"] = number
    made.rows("OrganizationConfig")[0]["DisablePlusAddressInRecipients"] = made.reading["plus_addressing"] == "off"
    return made


def _hosts(random: Random) -> list[Host]:
    domains = list(SHARED[: random.randint(1, 4)])
    count = min(len(domains), random.choice((1, 1, 2, 3)))
    hosts = [Host(NAMES[number], f"192.0.2.{10 * number + 10}", domains[number::count]) for number in range(count)]
    for host in hosts:
        host.unknown = random.choice(("reject", "reject", "reject", "relay", "catch_all"))
        host.flags |= {flag for flag in ("reject_own_domain", "keep_copy", "local_only", "rate_limited") if random.random() < 0.06}
        host.footer = "-- a footer" if random.random() < 0.2 else ""
    return hosts


def _domains(made: Scenario, random: Random) -> None:
    rows = made.rows("AcceptedDomain")

    def add(name: str, kind: str = "Authoritative", **more: bool) -> Row:
        row: Row = {"Name": name, "Identity": name, "DomainName": name, "DomainType": kind, "MatchSubDomains": False, **more}
        rows.append(row)
        return row

    add(ORGANIZATION, InitialDomain=True, Default=True)
    add(ROUTING, IsCoexistenceDomain=True)["SendingToDomainDisabled"] = random.random() < 0.03
    add(OTHER)
    add(CLOUD)
    for domain in made.domains:
        add(domain, "InternalRelay")["MatchSubDomains"] = random.random() < 0.1


def _people(made: Scenario, random: Random) -> None:
    maker = Maker(made, random)
    for kind in KINDS:
        maker.person(kind, 1, made.domains[0])
        if random.random() < 0.5:
            maker.person(kind, 2, random.choice(made.domains))
    if random.random() < 0.2:
        maker.mailbox("branch", f"branch@{CLOUD}")
        made.people["other"].append(f"branch@{CLOUD}")


def _mx(made: Scenario, random: Random, *, moved: bool) -> None:
    for host in made.hosts:
        for domain in host.domains:
            chance = random.random()
            made.mx[domain] = TENANT if moved and (domain == made.domains[0] or chance < 0.7) else host.name


def _set_up(made: Scenario, random: Random, *, seeded: bool) -> None:
    members = sorted(made.moved)
    cloud = [address for kind in ("pilot", "room", "shared") for address in made.people[kind]] if seeded else []
    if made.pending:
        members, cloud = made.people["stub"], []
    group: Row = {
        "Name": states.GROUP,
        "PrimarySmtpAddress": made.group,
        "EmailAddresses": [f"SMTP:{made.group}"],
        "RecipientType": "MailUniversalDistributionGroup",
        "RecipientTypeDetails": "MailUniversalDistributionGroup",
        "RequireSenderAuthenticationEnabled": True,
        "_members": [*dict.fromkeys([*members, *cloud])],
    }
    if random.random() < 0.15:
        group["_members"].append(made.people[random.choice(("team", "dynamic"))][0])
    made.rows("DistributionGroup").append(group)
    for host in made.hosts:
        made.rows("OutboundConnector").append(_connector(f"{CONNECTOR} ({host.name})", [host.address]))
    literal = made.scope == "organization"
    ordered = [*made.hosts[1:], made.hosts[0]] if literal else made.hosts
    for host in ordered:
        made.rows("TransportRule").append(_rule(made, host, random, literal=literal and host is made.hosts[0]))


def _connector(name: str, hosts: list[str], **more: object) -> Row:
    base: Row = {"Name": name, "Enabled": True, "UseMXRecord": False, "SmartHosts": hosts, "IsTransportRuleScoped": True}
    return {**base, "RecipientDomains": [], **more}


def _rule(made: Scenario, host: Host, random: Random, *, literal: bool) -> Row:
    where: Row = {"SentToScope": "InOrganization"} if literal else {"RecipientDomainIs": list(host.domains)}
    who: Row = {"SentToMemberOf": [made.group]} if made.pending else {"ExceptIfSentToMemberOf": [made.group]}
    spared = [name for name in (CLOUD, *made.domains) if name not in host.domains] if not literal else []
    below = [name for name in spared if any(name.endswith(f".{domain}") for domain in host.domains)]
    if below and random.random() < 0.7:
        who["ExceptIfRecipientDomainIs"] = below
    more: Row = {"SetSCL": -1, "StopRuleProcessing": random.random() < 0.3}
    if random.random() < 0.15:
        more["RuleErrorAction"] = "Defer"
    name = f"{RULE} ({host.name})"
    return foreign_rules.rule(name, RouteMessageOutboundConnector=f"{CONNECTOR} ({host.name})", **where, **who, **more)


def _surroundings(made: Scenario, random: Random) -> None:
    """What else a tenant has: others' rules and connectors, inbound connectors, policies."""
    above = foreign_rules.chosen(made, random)
    if random.random() < 0.07:
        above.append(foreign_rules.unevaluated(made, random))
    made.tables["TransportRule"] = [*above, *made.rows("TransportRule")]
    connectors = made.rows("OutboundConnector")
    if any(row.get("RouteMessageOutboundConnector") == foreign_rules.GATEWAY for row in above) and random.random() < 0.8:
        connectors.append(_connector(foreign_rules.GATEWAY, [random.choice(made.hosts).address]))
    if random.random() < 0.1:
        domains = [random.choice([*made.domains, "*.example"])]
        connectors.append(
            _connector("By domain", [random.choice(made.hosts).address], IsTransportRuleScoped=False, RecipientDomains=domains)
        )
    if len(made.hosts) > 1 and random.random() < 0.1 and connectors and connectors[0]["SmartHosts"]:
        connectors[0]["SmartHosts"] = [host.address for host in made.hosts[:2]]
    if random.random() < 0.35:
        made.rows("InboundConnector").append(_inbound(made, random))
    internal = ["partner.example"] if random.random() < 0.1 else []
    made.tables["RemoteDomain"] = [
        {"Name": name, "DomainName": name, "IsInternal": name != "*", "AutoForwardEnabled": True} for name in ("*", *internal)
    ]


def _inbound(made: Scenario, random: Random) -> Row:
    base: Row = {"Name": "In", "Enabled": random.random() < 0.9, "ConnectorType": "Partner", "SenderDomains": ["smtp:*;1"]}
    addresses = [host.address for host in made.hosts]
    kinds: tuple[Row, ...] = (
        {"SenderIPAddresses": addresses},
        {"SenderIPAddresses": addresses, "EFSkipLastIP": True},
        {"SenderIPAddresses": addresses, "SenderDomains": [f"smtp:{made.domains[0]};1"], "RestrictDomainsToIPAddresses": True},
        {"TlsSenderCertificateName": made.hosts[0].exchanger},
        {"SenderIPAddresses": addresses, "ConnectorType": "OnPremises", "TreatMessagesAsInternal": True},
    )
    return {**base, **random.choice(kinds)}


def _senders(made: Scenario, random: Random, *, strict: bool, closed: bool) -> None:
    made.strict.add(STRICT)
    if random.random() < 0.15:
        made.strict.add(made.domains[0])
    if not strict and random.random() < 0.5:
        made.signed.add(STRICT)
    made.tables["OrganizationConfig"] = [
        {
            "Name": ORGANIZATION,
            "Identity": ORGANIZATION,
            "RejectDirectSend": random.random() < 0.12 or closed,
            "DisablePlusAddressInRecipients": False,
            "IsDehydrated": False,
        }
    ]
    made.hidden |= {name for name, chance in HIDDEN.items() if random.random() < chance}
    if "address_type" in made.hidden:
        for row in made.rows("TransportRule"):
            row["RecipientAddressType"] = None
