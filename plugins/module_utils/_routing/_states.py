# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The states that a coexistence can be in, who is hurt in each, and the guard against it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ANY = ("internet", "tenant", "source", "program")
NET, INSIDE, OLD_HOST = ("internet",), ("tenant",), ("source", "program")
# Kinds of messages: what people write, and what systems do, which rules may leave alone.
WRITTEN, REPORTS = ("mail", "calendar"), ("bounce", "oof")


@dataclass(frozen=True)
class Hurt:
    """Kinds of recipients, from which origins, and what becomes of their mail; reading: only under these answers.

    Kinds beside those of people: caught, an address that only the source's catch-all takes; newcomer, new and forwarded already.
    can: the outcome is one of several that the state's own uncertainty allows. mail: of these kinds of messages.
    """

    kinds: tuple[str, ...]
    origins: tuple[str, ...]
    outcome: str
    reading: Mapping[str, str] = field(default_factory=dict)
    can: bool = False
    mail: tuple[str, ...] = ("mail",)


@dataclass(frozen=True)
class State:
    """A state. guards: which findings it brings. blocks: they refuse the step that leads there; else they tell, or there are none."""

    id: str
    says: str
    hurts: tuple[Hurt, ...]
    guards: tuple[str, ...]
    blocks: bool = True


SCOPE_A, SCOPE_B, SCOPE_C = ({"sent_to_scope": reading} for reading in "abc")
STUCK, PASSED_OVER = {"missing_connector": "stuck"}, {"missing_connector": "ignored"}
RULES_ACT, RULES_SPARE = {"system_mail": "acts"}, {"system_mail": "spared"}

STATES: tuple[State, ...] = (
    State("licences_first", "licences before the rule acts", (Hurt(("stub",), INSIDE, "split"),), ("U2",), blocks=False),
    State(
        "no_route",
        "InternalRelay, the MX already at the tenant, no route for the domain",
        (Hurt(("noobj", "nobody"), (*NET, *INSIDE), "loop"),),
        ("U1",),
    ),
    State(
        "scope_organization",
        "the rule is on and reaches the whole organization",
        (Hurt(("other", "pilot", "room", "shared", "guest", "m365group", "folder"), INSIDE, "bounced"),),
        ("U4", "U23"),
    ),
    State(
        "primary_elsewhere",
        "the rule is on and looks at domains; a primary address is elsewhere",
        (Hurt(("stub",), INSIDE, "split"),),
        ("U21",),
    ),
    State(
        "rule_before_group",
        "the rule is on before the group is filled and effective",
        (Hurt(("pilot",), INSIDE, "bounced"), Hurt(("migrated",), INSIDE, "loop")),
        ("U4", "U8"),
    ),
    State(
        "no_connector",
        "the rule is on without its connector",
        (Hurt(("stub",), INSIDE, "delayed", STUCK), Hurt(("stub",), INSIDE, "split", PASSED_OVER)),
        ("U5",),
    ),
    State("connector_by_mx", "the connector follows the MX, which is the tenant", (Hurt(("stub", "noobj"), INSIDE, "loop"),), ("U5",)),
    State(
        "refuses_own_domain",
        "the foreign host refuses senders of its own domain",
        (Hurt(("stub", "noobj", "mailuser"), INSIDE, "bounced"),),
        ("U25",),
    ),
    State(
        "rate_limited",
        "the foreign host limits the rate",
        (Hurt(("stub", "noobj"), INSIDE, "delayed", {"rate_limit": "defers"}),),
        ("U25",),
    ),
    State("forward_before_group", "forward before group, the rule looks at domains", (Hurt(("migrated",), ANY, "loop"),), ("U8",)),
    State(
        "forward_before_group_organization",
        "forward before group, the rule reaches the whole organization",
        (
            Hurt(("migrated",), ANY, "delivered", SCOPE_A),
            Hurt(("migrated",), ANY, "loop", SCOPE_B),
            Hurt(("migrated",), ANY, "loop", SCOPE_C),
        ),
        ("U8",),
    ),
    State(
        "group_before_forward",
        "group before forward",
        (Hurt(("stub",), (*NET, *OLD_HOST), "delivered"), Hurt(("stub",), INSIDE, "early")),
        (),
        blocks=False,
    ),
    State(
        "forward_without_address",
        "forward before the mailbox carries the routing address",
        (Hurt(("migrated",), ANY[:1], "bounced"),),
        ("U7",),
    ),
    State("forward_without_mailbox", "forward without a mailbox", (Hurt(("noobj",), NET, "bounced"),), ("U7",)),
    State(
        "dmarc_reject",
        "forward with senders that publish p=reject",
        (Hurt(("migrated",), NET, "bounced", {"dmarc_domain": "routing"}),),
        ("U26",),
        blocks=False,
    ),
    State(
        "mx_moved_organization",
        "the MX moved, the rule reaches the whole organization, some outside the group",
        (
            Hurt(("stub",), NET, "split", SCOPE_A),
            Hurt(("noobj", "nobody"), NET, "loop", SCOPE_A),
            Hurt(("stub",), NET, "delivered", SCOPE_B),
            Hurt(("noobj", "nobody"), NET, "loop", SCOPE_B),
            Hurt(("stub", "noobj"), NET, "delivered", SCOPE_C),
            Hurt(("nobody",), NET, "bounced", SCOPE_C),
        ),
        ("U2",),
    ),
    State(
        "mx_moved_domain",
        "the MX moved, the rule looks at domains, some outside the group: right but for reports, where rules leave them alone",
        (
            Hurt(("stub", "noobj", "mailuser", "list"), ANY, "delivered", mail=WRITTEN),
            Hurt(("nobody",), NET, "bounced", mail=WRITTEN),
            Hurt(("stub", "noobj", "mailuser", "list"), ANY, "delivered", RULES_ACT, mail=REPORTS),
            Hurt(("stub",), (*NET, *INSIDE), "split", RULES_SPARE, mail=REPORTS),
            Hurt(("noobj", "mailuser", "list"), (*NET, *INSIDE), "loop", RULES_SPARE, mail=REPORTS),
        ),
        ("U2",),
        blocks=False,
    ),
    State(
        "connector_gone_rule_acting",
        "rules removed, then the connector at once, the rule still acting",
        (Hurt(("stub", "noobj"), INSIDE, "delayed", STUCK, can=True), Hurt(("stub",), INSIDE, "split", PASSED_OVER, can=True)),
        ("U20",),
    ),
    State(
        "group_gone_rule_acting",
        "rules removed, then the group at once, the rule still acting",
        (Hurt(("pilot",), INSIDE, "bounced", can=True), Hurt(("migrated",), INSIDE, "loop", can=True)),
        ("U20",),
    ),
    State(
        "group_gone",
        "the group removed while the rule stands",
        (Hurt(("pilot",), INSIDE, "bounced"), Hurt(("migrated",), INSIDE, "loop")),
        ("U9",),
    ),
    State(
        "documented_teardown",
        "rules removed, the domain InternalRelay, the MX at the tenant",
        (Hurt(("nobody", "noobj"), NET, "loop"),),
        ("U11",),
        blocks=False,
    ),
    State(
        "authoritative_early",
        "Authoritative while an address needs mail that is no recipient",
        (
            Hurt(("noobj", "list"), (*NET, *INSIDE), "bounced"),
            Hurt(("caught",), (*NET, *INSIDE), "bounced"),
            Hurt(("folder",), NET, "bounced", {"edge_blocking": "hidden"}),
        ),
        ("U3",),
    ),
    State(
        "forwards_off_early",
        "forwards removed while the old path still carries mail",
        (Hurt(("migrated",), NET, "split", can=True),),
        ("U13",),
    ),
    State(
        "host_off_early", "the host removed while the old path still carries mail", (Hurt(("migrated",), NET, "lost", can=True),), ("U13",)
    ),
    State(
        "new_room",
        "a room or a new hire in week three; a newcomer is a hire whom the source forwards already",
        (Hurt(("room", "pilot"), INSIDE, "bounced"), Hurt(("newcomer",), ANY, "loop")),
        ("U28",),
        blocks=False,
    ),
    State("lost_licence", "a lost licence in week three", (Hurt(("migrated",), NET, "bounced"),), ("U27",), blocks=False),
    State(
        "lost_licence_mx_moved",
        "a lost licence in week three, of which a mail user is left, the MX at the tenant",
        (Hurt(("migrated",), (*NET, *INSIDE), "loop"),),
        ("U27",),
        blocks=False,
    ),
    State(
        "leftovers",
        "an SCL -1 rule, an SPF include, a connector left behind: the old host still passes for a colleague where nobody else does",
        (Hurt(("migrated",), OLD_HOST, "delivered"),),
        ("U14",),
    ),
    State("relays_back", "the foreign host relays unknown addresses back", (Hurt(("nobody",), ANY, "loop"),), ("U32",), blocks=False),
)
