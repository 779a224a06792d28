# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of states as the routing facts tell it, written down apart from the code, and where the project decided otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OUTSIDE, INSIDE = ("internet",), ("tenant",)
OLD_SIDE = ("source", "program")
EVERYWHERE = (*OUTSIDE, *INSIDE, *OLD_SIDE)
ENTERS = (*OUTSIDE, *INSIDE)  # comes to the tenant, wherever the MX is


@dataclass(frozen=True)
class Fate:
    """Who, by whose mail, ends how, under which reading; of which kinds of messages.

    told: the facts' own word where the project's outcome is another one; why: the reason, or who stands for whom.
    """

    who: str
    origins: tuple[str, ...]
    ends: str
    reading: Mapping[str, str] = field(default_factory=dict)
    mail: str = "mail"
    told: str = ""
    why: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the facts' table. states: those of the code that carry it. blocks: at least one of its guards refuses the step."""

    says: str
    fates: tuple[Fate, ...]
    guards: str
    states: str
    blocks: bool = True


def scope(reading: str) -> Mapping[str, str]:
    """A reading of SentToScope."""
    return {"sent_to_scope": reading}


STUCK, PASSED_OVER = {"missing_connector": "stuck"}, {"missing_connector": "ignored"}
ACT, SPARE = {"system_mail": "acts"}, {"system_mail": "spared"}
NO_OUTCOME = "the facts name the way alone; a rule without its connector is one of the disputed ones"

LINES: tuple[Line, ...] = (
    Line("licences before the rule acts", (Fate("stub", INSIDE, "split"),), "U2", "licences_first", blocks=False),
    Line("InternalRelay, the MX at the tenant, no route", (Fate("noobj nobody", ENTERS, "loop"),), "U1", "no_route"),
    Line(
        "rule on, the whole organization",
        (Fate("other pilot room shared guest m365group folder", INSIDE, "bounced"),),
        "U4 U23",
        "scope_organization",
    ),
    Line("rule on, by domain, a primary address elsewhere", (Fate("stub", INSIDE, "split"),), "U21", "primary_elsewhere"),
    Line(
        "rule on before the group acts",
        (
            Fate("migrated", INSIDE, "loop"),
            Fate("pilot", INSIDE, "bounced", told="sent out", why="a pilot has no forward yet, as one who is about to move"),
        ),
        "U4 U8",
        "rule_before_group",
    ),
    Line(
        "rule before connector, or a connector that follows the MX",
        (
            Fate("stub", INSIDE, "delayed", STUCK, told="wrong way out", why=NO_OUTCOME),
            Fate("stub", INSIDE, "split", PASSED_OVER, told="wrong way out", why=NO_OUTCOME),
            Fate("stub noobj", INSIDE, "loop", told="wrong way out", why="the MX is the tenant itself"),
        ),
        "U5",
        "no_connector connector_by_mx",
    ),
    Line(
        "the host refuses its own domain, or limits the rate",
        (Fate("stub noobj mailuser", INSIDE, "bounced"), Fate("stub noobj", INSIDE, "delayed", {"rate_limit": "defers"})),
        "U25",
        "refuses_own_domain rate_limited",
    ),
    Line(
        "forward before group",
        (
            Fate("migrated", EVERYWHERE, "loop"),
            Fate("migrated", EVERYWHERE, "delivered", scope("a"), told="a detour", why="the returning mail is not authenticated"),
            Fate("migrated", EVERYWHERE, "loop", scope("b")),
            Fate("migrated", EVERYWHERE, "loop", scope("c")),
        ),
        "U8",
        "forward_before_group forward_before_group_organization",
    ),
    Line(
        "group before forward",
        (
            Fate("stub", (*OUTSIDE, *OLD_SIDE), "delivered", told="healed", why="it is read where it always was until the forward is on"),
            Fate("stub", INSIDE, "early"),
        ),
        "",
        "group_before_forward",
        blocks=False,
    ),
    Line(
        "forward before the routing address, or without a mailbox",
        (Fate("migrated noobj", OUTSIDE, "bounced"),),
        "U7",
        "forward_without_address forward_without_mailbox",
    ),
    Line(
        "forward with senders that ask to reject",
        (
            Fate(
                "migrated", OUTSIDE, "bounced", {"dmarc_domain": "routing"}, why="under the other reading the MX at the source spares them"
            ),
        ),
        "U26",
        "dmarc_reject",
        blocks=False,
    ),
    Line(
        "MX moved, the whole organization, some outside the group",
        (
            Fate("stub", OUTSIDE, "split", scope("a")),
            Fate("noobj nobody", OUTSIDE, "loop", scope("a")),
            Fate("stub", OUTSIDE, "delivered", scope("b")),
            Fate("noobj nobody", OUTSIDE, "loop", scope("b")),
            Fate("stub noobj", OUTSIDE, "delivered", scope("c")),
            Fate("nobody", OUTSIDE, "bounced", scope("c")),
        ),
        "U2",
        "mx_moved_organization",
    ),
    Line(
        "MX moved, by domain, some outside the group",
        (
            *(Fate("stub noobj mailuser list", EVERYWHERE, "delivered", mail=mail) for mail in ("mail", "calendar")),
            *(Fate("nobody", OUTSIDE, "bounced", mail=mail) for mail in ("mail", "calendar")),
            *(Fate("stub noobj mailuser list", EVERYWHERE, "delivered", ACT, mail=mail) for mail in ("bounce", "oof")),
            *(
                fate
                for mail in ("bounce", "oof")
                for why in ("the facts hold that rules may leave reports alone; then nothing routes them",)
                for fate in (
                    Fate("stub", ENTERS, "split", SPARE, mail, told="right under every reading", why=why),
                    Fate("noobj mailuser list", ENTERS, "loop", SPARE, mail, told="right under every reading", why=why),
                )
            ),
        ),
        "U2",
        "mx_moved_domain",
        blocks=False,
    ),
    Line(
        "rules removed, then connector or group at once",
        (
            Fate("stub noobj", INSIDE, "delayed", STUCK),
            Fate("stub", INSIDE, "split", PASSED_OVER, told="stuck", why="a rule without its connector may be as if not there"),
            Fate("pilot", INSIDE, "bounced", told="sent out", why="the host does not know a pilot"),
            Fate("migrated", INSIDE, "loop", told="sent out", why="the host forwards whoever moved"),
        ),
        "U20",
        "connector_gone_rule_acting group_gone_rule_acting",
    ),
    Line(
        "group removed while the rule stands",
        (Fate("pilot", INSIDE, "bounced", told="sent out", why="the host does not know a pilot"), Fate("migrated", INSIDE, "loop")),
        "U9",
        "group_gone",
    ),
    Line(
        "rules removed, InternalRelay, the MX at the tenant",
        (Fate("nobody noobj", OUTSIDE, "loop"),),
        "U11",
        "documented_teardown",
        blocks=False,
    ),
    Line(
        "Authoritative while an address needs mail",
        (
            Fate("noobj list caught", ENTERS, "bounced"),
            Fate("folder", OUTSIDE, "bounced", {"edge_blocking": "hidden"}, why="the edge may know public folders"),
        ),
        "U3",
        "authoritative_early",
    ),
    Line(
        "forwards or host removed while the old path carries mail",
        (
            Fate("migrated", OUTSIDE, "split", told="lost", why="it lies in a mailbox at the source that nobody reads any more"),
            Fate("migrated", OUTSIDE, "lost"),
        ),
        "U13",
        "forwards_off_early host_off_early",
    ),
    Line(
        "new hire, room, lost licence in week three",
        (
            Fate("room pilot", INSIDE, "bounced"),
            Fate("newcomer", EVERYWHERE, "loop"),
            Fate("migrated", OUTSIDE, "bounced"),
            Fate("migrated", ENTERS, "loop"),
        ),
        "U27 U28",
        "new_room lost_licence lost_licence_mx_moved",
        blocks=False,
    ),
    Line(
        "what is left behind",
        (Fate("migrated", OLD_SIDE, "delivered", told="a standing hole", why="the old host still passes for a colleague"),),
        "U14",
        "leftovers",
    ),
    Line("the host relays unknown addresses back", (Fate("nobody", EVERYWHERE, "loop"),), "U32", "relays_back", blocks=False),
)
