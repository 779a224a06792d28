# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each row of the table of states: what stands before the harm, the real step that leads to it, and the harm itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.bench import LONG, SHARED, Bench
from harness.play import Run

RULE, CONNECTOR = "Coexistence", "Shared Name Space with External Entity TRSC"
ROUTES = "RouteMessageOutboundConnector"
# A rule that was disabled acts for so long, which is less than what has passed since the set-up.
ACTING = LONG - 3600
LOOKED_UP: tuple[Mapping[str, str], ...] = ({"mail_user": "once"}, {"mail_user": "again"})
ABANDONED = ("U2", "U3")
OURS = "[mailops.exchange example.com]"

Move = Callable[[Bench], None]


@dataclass(frozen=True)
class Attempt:
    """A real step. guards: the ids that it must name. names: who, by names of the bench or as they are. says: how many, in words.

    count: so many findings are told, where each names one. blocks: where this step is refused or told apart from the state's others.
    judged: why nothing of ours would write after this judgement; empty for a step that writes once nothing refuses it.
    """

    run: Callable[[Bench], Run]
    guards: tuple[str, ...]
    names: tuple[str, ...]
    says: tuple[str, ...] = ()
    count: int = 0
    blocks: bool | None = None
    judged: str = ""


@dataclass(frozen=True)
class Row:
    """before: what stands. attempts: steps towards the harm. harm: what they would have led to, after `before` or anew.

    people: who stands for a kind. letter: more of each message. readings: each is played, where the row leaves it open.
    spared: what stands before is better than the harm for some of the row's mail. better: for these kinds above all.
    mends: each takes the harm away by itself, for all of the row's mail, once `before` stands anew.
    """

    before: Move
    attempts: tuple[Attempt, ...]
    harm: Move
    people: Mapping[str, str] = field(default_factory=dict)
    letter: Mapping[str, Any] = field(default_factory=dict)
    readings: Sequence[Mapping[str, str]] = ({},)
    spared: bool = True
    better: tuple[str, ...] = ()
    mends: tuple[Move, ...] = ()


def then(*moves: Move) -> Move:
    """One move after the other."""

    def all_of_them(bench: Bench) -> None:
        for move in moves:
            move(bench)

    return all_of_them


def start(bench: Bench) -> None:
    bench.start()
    bench.at_once()


def standing(bench: Bench) -> None:
    bench.standing()
    bench.at_once()


def nothing(bench: Bench) -> None:
    """The state is what stands already."""


def no_rule(bench: Bench) -> None:
    bench.drop("TransportRule", ROUTES)


def no_connector(bench: Bench) -> None:
    bench.drop("OutboundConnector", "SmartHosts")


def no_group(bench: Bench) -> None:
    bench.drop_group()


def nobody_in(bench: Bench) -> None:
    bench.members()


def by_mx(bench: Bench) -> None:
    bench.change("OutboundConnector", "SmartHosts", UseMXRecord=True)


def mx_moved(bench: Bench) -> None:
    bench.mx("tenant", ttl=0)


def mx_moving(bench: Bench) -> None:
    bench.mx("tenant", ttl=3600)


def relayed(bench: Bench) -> None:
    bench.relay()


def organization(bench: Bench) -> None:
    bench.organization_wide()


def nobody_spared(bench: Bench) -> None:
    """The rule excepts no address by itself."""
    bench.change("TransportRule", ROUTES, ExceptIfRecipientAddressMatchesPatterns=None)


def not_yet(bench: Bench) -> None:
    """Somebody is about to move: not in the group, and not forwarded."""
    bench.members(*(name for name in CLOUD if name != "migrated"))
    bench.forward("migrated", on=False)


def forwarded(bench: Bench) -> None:
    bench.forward("migrated")


CLOUD = ("pilot", "pilot2", "migrated", "migrated2", "room", "shared")


def elsewhere(bench: Bench) -> None:
    """A stub's primary address is in the initial domain."""
    address = bench.who["stub"]
    primary = f"{address.partition('@')[0]}@{bench.organization}"
    texts = [f"SMTP:{primary}", f"smtp:{address}", f"smtp:{bench.goal('stub')}"]
    bench.put("Mailbox", identity=address, set={"EmailAddresses": texts, "PrimarySmtpAddress": primary})


def bare(bench: Bench) -> None:
    """The mailbox of somebody who is about to move lacks the routing address."""
    address = bench.who["migrated"]
    bench.put("Mailbox", identity=address, set={"EmailAddresses": [f"SMTP:{address}"]})


def joined(bench: Bench) -> None:
    bench.members(*CLOUD)


def strict(bench: Bench) -> None:
    bench.strict()


def routing_honoured(bench: Bench) -> None:
    bench.at_once(dmarc_domain="routing")


def mode(**modes: Any) -> Move:
    return lambda bench: bench.modes(**modes)


def disabled(bench: Bench) -> None:
    """The rule was disabled a moment ago, and transport acts on it for a while."""
    bench.disable(RULE)


def still_acting(bench: Bench) -> None:
    bench.at_once(rule_latency=ACTING)


def authoritative(bench: Bench) -> None:
    bench.relay("Authoritative")


def reads_in_tenant(bench: Bench) -> None:
    bench.mail(people={bench.who["migrated"]: {"reads": "tenant"}})
    bench.forward("migrated", on=False)


def host_gone(bench: Bench) -> None:
    bench.mail(foreign={"removed": True})


def hired(bench: Bench) -> None:
    """A room, a new colleague, and one whom the source forwards already: neither the group nor the source's list knows them."""
    bench.members(*(name for name in CLOUD if name != "room"))
    bench.mailbox("hire")
    bench.mailbox("newcomer")
    bench.mail(foreign={"mailboxes": {"add": [bench.who["newcomer"]]}})
    bench.forward("newcomer")


def licences_lost(bench: Bench) -> None:
    for name in ("migrated", "migrated2"):
        bench.lose(name)


def letters_to_nobody(bench: Bench) -> None:
    """What the trace counts."""
    bench.outcomes([bench.letter("internet", "nobody") for _unused in range(6)])
    bench.clock(advance=60)


def source_gone_from_dns(bench: Bench) -> None:
    bench.mail(record={"name": SHARED, "type": "TXT", "texts": ["v=spf1 include:spf.protection.outlook.com -all"]})


def left_over(bench: Bench) -> None:
    """A rule that spares the source's mail the filter, and connectors, under other names than ours but with our mark.

    The tenant refuses its own senders from outside, and its domain asks to reject what fails DMARC.
    """
    rule = {"Name": "Old inbound", "Priority": 5, "State": "Enabled", "Mode": "Enforce", "SetSCL": -1, "SenderIpRanges": ["192.0.2.10"]}
    out = {"Name": "Old way out", "Enabled": True, "UseMXRecord": False, "SmartHosts": ["192.0.2.10"], "IsTransportRuleScoped": True}
    bench.put("TransportRule", add=[{**rule, "Comments": OURS}])
    bench.put("OutboundConnector", add=[{**out, "Comment": OURS}])
    way_in = {"Name": "Old way in", "Enabled": True, "ConnectorType": "Partner", "SenderDomains": ["smtp:*;1"]}
    bench.put("InboundConnector", add=[{**way_in, "SenderIPAddresses": ["192.0.2.10"], "Comment": OURS}])
    bench.put("OrganizationConfig", identity=bench.rows("OrganizationConfig")[0]["Name"], set={"RejectDirectSend": True})
    bench.mail(record={"name": f"_dmarc.{SHARED}", "type": "TXT", "texts": ["v=DMARC1; p=reject"]})


def way_in_gone(bench: Bench) -> None:
    bench.put("InboundConnector", identity="Old way in", remove=True)


def setup(guards: str, names: str, *options: str, says: tuple[str, ...] = (), **more: Any) -> Attempt:
    return Attempt(lambda bench: bench.play("setup", *options, **more), tuple(guards.split()), tuple(names.split()), says)


def wave(guards: str, name: str, says: tuple[str, ...] = ()) -> Attempt:
    """The cutover of one person."""
    return Attempt(lambda bench: bench.play("cutover", coexistence_users=[bench.who[name]]), tuple(guards.split()), (name,), says)


def forwarding(name: str, **more: Any) -> Attempt:
    """The second half of a cutover, of one person."""
    return Attempt(lambda bench: bench.switch(name, **more), ("U8",), (name,))


def teardown(guards: str, *names: str, accepted: Sequence[str] = ABANDONED, says: tuple[str, ...] = (), **more: Any) -> Attempt:
    return Attempt(
        lambda bench: bench.play("teardown", coexistence_accept_risks=list(accepted), **more), tuple(guards.split()), names, says
    )


def at_once(part: str, guards: str, *names: str, accepted: Sequence[str] = ABANDONED) -> Attempt:
    """Only this part of a teardown, without waiting for anything."""
    options = ("--tags", f"coexistence_{part}")
    return Attempt(
        lambda bench: bench.play("teardown", *options, rate=1, coexistence_accept_risks=list(accepted)), tuple(guards.split()), names
    )


def step(name: str, guards: str, *names: str, judged: str, says: tuple[str, ...] = (), **more: Any) -> Attempt:
    """A step that no role takes by itself. judged: why."""
    return Attempt(lambda bench: bench.step(name, **more), tuple(guards.split()), names, says, judged=judged)


def reconcile(guards: str, *names: str, says: tuple[str, ...] = (), count: int = 0) -> Attempt:
    return Attempt(lambda bench: bench.play("reconcile"), tuple(guards.split()), names, says, count)


def wave_beside(guards: str, *names: str) -> Attempt:
    """The cutover of a stub, which is refused because of others."""
    return Attempt(lambda bench: bench.play("cutover", coexistence_users=[bench.who["stub"]]), tuple(guards.split()), names, blocks=True)


def with_catch_all(bench: Bench) -> Run:
    """A teardown by a source list that knows of the catch-all."""
    listed = bench.listing(f"*@{SHARED},catch_all,,source")
    return bench.play("teardown", coexistence_accept_risks=["U2"], coexistence_source_file=listed)


def of_another(bench: Bench) -> Run:
    """A set-up for the whole organization whose scope reaches a domain that cannot be excepted."""
    domain = bench.who["other"].partition("@")[2]
    return bench.play("setup", coexistence_rule_scope="organization", coexistence_domain=domain)


LITERAL: dict[str, Any] = {"coexistence_rule_scope": "organization"}
BARE_LITERAL: dict[str, Any] = {**LITERAL, "coexistence_seed_group": False, "coexistence_tenant_addresses": []}
STALE = {"resolver": "stale"}
RELAYS = ("told: U32 the source: relays", "mail to all but the 17 addresses that either side knows loops")
DNS = "nobody's DNS is written by us: the MX is moved by hand after this judgement"
SOURCE = "forwards as a whole and the host are taken away by hand at the source after this judgement; no role does that"


ROWS: Mapping[str, Row] = {
    "licences_first": Row(start, (setup("U2", "stub stub2 stub3", says=("to 3 addresses",)),), start),
    "no_route": Row(then(start, mx_moved), (setup("U1", SHARED),), relayed),
    "scope_organization": Row(
        start,
        (
            setup("U4", "pilot pilot2 migrated room shared guest m365group folder", **BARE_LITERAL),
            Attempt(of_another, ("U23",), (RULE,)),
        ),
        then(standing, nobody_in, nobody_spared, organization),
    ),
    "primary_elsewhere": Row(then(standing, no_rule, elsewhere), (setup("U21", "stub"),), then(standing, elsewhere), spared=False),
    "rule_before_group": Row(
        then(standing, no_rule, nobody_in),
        (setup("U4", "pilot migrated", coexistence_seed_group=False), forwarding("migrated")),
        then(standing, nobody_in),
    ),
    "no_connector": Row(
        then(standing, no_rule, no_connector), (setup("U5", "", "--tags", "coexistence_rules"),), then(standing, no_connector)
    ),
    "connector_by_mx": Row(
        then(standing, no_rule, by_mx), (setup("U5", "", "--tags", "coexistence_rules"),), then(standing, by_mx, mx_moved)
    ),
    "refuses_own_domain": Row(
        then(standing, no_rule, mode(reject_own_domain=True)), (setup("U25", SHARED),), then(standing, mode(reject_own_domain=True))
    ),
    # Whether a letter that was put off arrives is known when its time in the queue is over; the clock hurries towards that.
    "rate_limited": Row(
        then(standing, no_rule, mode(rate_limited=0)), (setup("U25", SHARED, rate=86400),), then(standing, mode(rate_limited=0))
    ),
    "forward_before_group": Row(then(standing, not_yet), (forwarding("migrated"),), forwarded),
    "forward_before_group_organization": Row(then(standing, organization, not_yet), (forwarding("migrated", **LITERAL),), forwarded),
    "group_before_forward": Row(standing, (wave("", "stub"),), nothing),
    "forward_without_address": Row(then(standing, not_yet, bare), (wave("U7", "migrated"),), then(joined, forwarded)),
    "forward_without_mailbox": Row(standing, (wave("U7", "noobj"),), lambda bench: bench.forward("noobj")),
    "dmarc_reject": Row(
        then(standing, strict, routing_honoured),
        (wave("U26", "stub", says=("the forwards of 1 users",)),),
        lambda bench: bench.forward("stub"),
        people={"migrated": "stub"},
        letter={"sender": "boss@strict.example"},
    ),
    "mx_moved_organization": Row(
        then(standing, organization),
        (step("mx", "U2", "stub", "noobj", "list", judged=DNS, **LITERAL), teardown("U2", "stub", "mailuser", accepted=("U3",), **LITERAL)),
        mx_moved,
    ),
    "mx_moved_domain": Row(
        standing,
        (step("mx", "U2", "stub", judged=DNS, says=("10 addresses outside the group",)),),
        mx_moved,
        readings=LOOKED_UP,
    ),
    "connector_gone_rule_acting": Row(then(standing, disabled), (at_once("connector", "U20", RULE),), then(still_acting, no_connector)),
    "group_gone_rule_acting": Row(then(standing, disabled), (at_once("group", "U20", RULE),), then(still_acting, no_group)),
    "group_gone": Row(standing, (at_once("group", "U9", RULE, accepted=(*ABANDONED, "U20")),), no_group),
    "documented_teardown": Row(
        then(standing, mx_moved, source_gone_from_dns, letters_to_nobody),
        (teardown("U11", SHARED, says=("about 3 messages a day",)),),
        then(standing, mx_moved, no_rule),
    ),
    "authoritative_early": Row(
        then(standing, mx_moved, mode(unknown="catch_all")),
        (teardown("U3", "noobj", "folder", accepted=("U2",)), Attempt(with_catch_all, ("U3",), (f"*@{SHARED}",))),
        then(no_rule, authoritative),
        people={"caught": "nobody"},
        better=("noobj", "list", "caught"),
    ),
    "forwards_off_early": Row(
        then(standing, mx_moving), (step("sources_off", "U13", SHARED, judged=SOURCE),), reads_in_tenant, letter=STALE
    ),
    "host_off_early": Row(then(standing, mx_moving), (step("sources_off", "U13", SHARED, judged=SOURCE),), host_gone, letter=STALE),
    "new_room": Row(
        then(standing, hired),
        (reconcile("U28", "room", "hire", "newcomer", says=("1 recipient (roommailbox)", "2 recipients (usermailbox)")),),
        nothing,
        people={"pilot": "hire"},
        spared=False,
    ),
    "lost_licence": Row(
        then(standing, licences_lost),
        (reconcile("U27", "migrated", "migrated2", count=2), wave_beside("U27", "migrated", "migrated2")),
        nothing,
        spared=False,
    ),
    "lost_licence_mx_moved": Row(
        then(standing, licences_lost, mx_moved),
        (reconcile("U27", "migrated", "migrated2", count=2),),
        nothing,
        readings=LOOKED_UP,
        spared=False,
    ),
    "leftovers": Row(
        then(start, mx_moved, left_over),
        (teardown("U14", "Old inbound", "Old way out", "Old way in", SHARED),),
        nothing,
        spared=False,
        mends=(way_in_gone, source_gone_from_dns),
    ),
    "relays_back": Row(standing, (setup("U32", "", says=RELAYS, coexistence_foreign_unknown="relay"),), mode(unknown="relay")),
}
