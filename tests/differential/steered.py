# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What chance seldom brings about: some worlds get one of these, with a letter that meets it in place of one by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from .foreign_rules import rule, way
from .people import ELSEWHERE, OTHER
from .scenario import ROUTING, STRICT, Letter, Scenario
from .states import GROUP

# Of a hundred worlds so many are steered, and so many have another number of entries that ends a message.
STEERED, OTHER_ENTRIES = 35, 12
# And in so many a rule was edited a moment ago.
EDITED, EDITED_CONDITION = 2, 0.3


def steer(made: Scenario) -> None:
    """Change a world that was made, or leave it alone."""
    random = Random(f"steered {made.seed}")  # noqa: S311 - made-up worlds, the same for a seed
    if random.randrange(100) < OTHER_ENTRIES:
        made.entries = random.choice((2, 4, 5))
    if random.randrange(100) < STEERED:
        letter = WAYS[random.choice(tuple(WAYS))](made, random)
        if letter:
            made.letters[-1] = letter
    if random.randrange(100) < EDITED:
        _edit(made, random)


def _edit(made: Scenario, random: Random) -> None:
    """Someone whom no rule spared is spared since a moment ago, or a rule named somebody else until then."""
    rules = [row for row in made.rows("TransportRule") if row["State"] == "Enabled"]
    if not rules or any("TransportRule" in cmdlet for cmdlet, _parameters in made.late):
        return
    edited = random.choice(rules)
    kind = random.choice(("folder", "stub", "room", "other"))
    goal = made.people[kind][0]
    option = "SentTo" if random.random() < EDITED_CONDITION and "SentTo" not in edited else "ExceptIfRecipientAddressMatchesPatterns"
    made.late.append(("Set-TransportRule", {"Identity": edited["Name"], option: [goal if option == "SentTo" else f"^{goal}$"]}))
    made.edited = edited["Name"]
    made.letters[0 if len(made.letters) < 2 else -2] = _colleague(made, kind)


def _colleague(made: Scenario, kind: str, address: str = "", sender: str = "pilot") -> Letter:
    return Letter(kind, (address or made.people[kind][0],), "tenant", made.people[sender][0])


def plus(made: Scenario, _random: Random) -> Letter:
    """Nobody knows whether plus addresses are on; one of somebody who moved."""
    made.hidden.add("plus")
    return _colleague(made, "migrated", made.people["migrated"][0].replace("@", "+tag@"))


def outward(made: Scenario, random: Random) -> Letter:
    """Nobody knows whether mailboxes may forward to outside; one that does."""
    made.hidden.add("spam")
    made.row("Mailbox", "forwarder1").update(
        ForwardingSmtpAddress=f"smtp:forwarder1@{ELSEWHERE}", DeliverToMailboxAndForward=random.random() < 0.4
    )
    return _colleague(made, "forwarder")


def rejecting(made: Scenario, _random: Random) -> Letter:
    """Nobody knows whether DMARC rejects are honoured; an unsigned letter that a forward breaks."""
    made.hidden.add("phishing")
    made.strict.add(STRICT)
    made.signed.discard(STRICT)
    return Letter("migrated", (made.people["migrated"][0],), "internet", f"boss@{STRICT}")


def signed(made: Scenario, _random: Random) -> Letter:
    """A letter of a domain that asks to reject what fails DMARC: a forward breaks its SPF, and its signature holds."""
    migrated = made.people["migrated"][0]
    made.strict.add(STRICT)
    made.signed.add(STRICT)
    for host in made.hosts:
        host.footer = ""
    made.reading |= {"honor_dmarc": "on", "dmarc_domain": "routing"}
    return Letter("migrated", (migrated,), "internet", f"boss@{STRICT}")


def readdressed(made: Scenario, _random: Random) -> Letter:
    """A rule above ours redirects a stub's mail to another address of the stub."""
    made.rows("TransportRule").insert(0, rule("Readdress a stub", SentTo=[made.people["stub"][0]], RedirectMessageTo=[f"stub1@{ROUTING}"]))
    return _colleague(made, "stub")


def joining(made: Scenario, _random: Random) -> Letter | None:
    """A stub joined the group a moment ago."""
    stub = made.people["stub"][0]
    groups = [row for row in made.rows("DistributionGroup") if row["Name"] == GROUP]
    if made.pending or made.moving or not groups or stub in groups[0]["_members"]:
        return None
    made.late.append(("Add-DistributionGroupMember", {"Identity": made.group, "Member": "stub1"}))
    made.moving.add(stub)
    return _colleague(made, "stub")


def spared(made: Scenario, _random: Random) -> Letter:
    """Our rules except addresses that cannot be members."""
    kept = [made.people[kind][0] for kind in ("folder", "m365group")]
    for row in made.rows("TransportRule"):
        if row["Name"].startswith("Coexistence"):
            row["ExceptIfRecipientAddressMatchesPatterns"] = [f"^{address.replace('.', chr(92) + '.')}$" for address in kept]
    return _colleague(made, "folder")


def listed(made: Scenario, random: Random) -> Letter:
    """A rule that looks at the addresses in the headers."""
    name = random.choice(("AnyOfToCcHeader", "AnyOfToHeaderMemberOf", "AnyOfToCcHeaderMemberOf"))
    goal = made.people["team" if name.endswith("MemberOf") else "stub"][0]
    made.rows("TransportRule").insert(0, rule("Any listed", **{name: [goal]}, **way(random)))
    return Letter("other", (made.people["other"][0], made.people["stub"][0]), "tenant", made.people["pilot"][0])


def by_sender(made: Scenario, random: Random) -> Letter:
    """A rule that looks at the sender, in the header, in the envelope or in both."""
    where = random.choice(("Header", "Envelope", "HeaderOrEnvelope"))
    patterns = [r"^pilot\d@", r"^sender@"]
    made.rows("TransportRule").insert(
        0, rule("From patterns", FromAddressMatchesPatterns=patterns, **way(random)) | {"SenderAddressLocation": where}
    )
    return _colleague(made, "stub", sender=random.choice(("pilot", "migrated")))


def headed(made: Scenario, random: Random) -> Letter:
    """A rule that looks for a pattern in a header which the rule above it sets."""
    mark = rule("Set a mark", RecipientDomainIs=[OTHER], SetHeaderName="X-Mark", SetHeaderValue="yes, seen")
    look = rule("Look for the mark", HeaderMatchesMessageHeader="X-Mark", HeaderMatchesPatterns=["^yes"], **way(random))
    made.tables["TransportRule"] = [mark, look, *made.rows("TransportRule")]
    return _colleague(made, random.choice(("other", "stub")))


def rivals(made: Scenario, _random: Random) -> Letter | None:
    """A rule above ours sends a stub's mail to another host than ours does."""
    stub = made.people["stub"][0]
    ends = tuple(f"({host.name})" for host in made.hosts if host is not made.host_of(stub))
    others = [row["Name"] for row in made.rows("OutboundConnector") if row["Name"].endswith(ends)]
    if not others:
        return None
    made.rows("TransportRule").insert(0, rule("Another way", SentTo=[stub], RouteMessageOutboundConnector=others[0]))
    return _colleague(made, "stub")


WAYS: Mapping[str, Callable[[Scenario, Random], Letter | None]] = {
    "plus": plus,
    "outward": outward,
    "rejecting": rejecting,
    "signed": signed,
    "readdressed": readdressed,
    "joining": joining,
    "spared": spared,
    "listed": listed,
    "by_sender": by_sender,
    "headed": headed,
    "rivals": rivals,
}
