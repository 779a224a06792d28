# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account: every message that was sent, what became of each of its copies, and the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from .addresses import normal
from .letters import Read
from .members import Needs
from .outcomes import Copy, End, Place, outcome

INTERNET, TENANT, SOURCE, REPORT = "internet", "tenant", "source", "report"


@dataclass
class Sent:
    """One message. ``origin``: internet, tenant, source, local, or report for what the mail systems themselves send."""

    id: str
    sender: str
    origin: str
    kind: str
    subject: str
    time: str
    copies: dict[str, Copy] = field(default_factory=dict)


class Ledger:
    """All messages by id. Only the mail side's own loop writes it."""

    def __init__(self, now: Callable[[], datetime], person: Callable[[str], str] = normal) -> None:
        """Keep the clock. ``person``: the name of whoever has an address."""
        self._now, self._person = now, person
        self.messages: dict[str, Sent] = {}
        self._refused = 0

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()

    def stamp(self) -> str:
        """Return the time now."""
        return self._now().isoformat()

    def register(self, read: Read, sender: str, asked: list[str], origin: str) -> Sent:
        """Enter a message, or more recipients of one that is known."""
        found = self.messages.get(read.id)
        if found is None:
            kind = read.kind
            origin = REPORT if kind in ("ndr", "oof", "journal") else origin
            found = self.messages[read.id] = Sent(read.id, sender, origin, kind, read.first("Subject"), self.stamp())
        for address in asked:
            found.copies.setdefault(normal(address), Copy(normal(address)))
        return found

    def refused(self, sender: str, asked: str, origin: str, node: str, reply: str) -> None:
        """Enter what was refused before it had an id: it bounced."""
        self._refused += 1
        id_ = f"<refused-{self._refused}@{node}>"
        copy = Copy(normal(asked), [f"{node} refused"])
        self.messages[id_] = Sent(id_, sender, origin, "mail", "", self.stamp(), {copy.asked: copy})
        self.end(id_, asked, "bounced", node, reply)

    def copy(self, id_: str, asked: str) -> Copy:
        """Return a copy; what a rule or a host added beside the sender's recipients gets a copy that is not accounted."""
        found = self.messages.get(id_)
        if found is None or not asked:
            return Copy(normal(asked))
        return found.copies.setdefault(normal(asked), Copy(normal(asked)))

    def known(self, id_: str, asked: str) -> bool:
        """Say whether a copy is entered."""
        found = self.messages.get(id_)
        return found is not None and normal(asked) in found.copies

    def hop(self, id_: str, asked: str, text: str) -> None:
        """Note a hop."""
        self.copy(id_, asked).hops.append(text)

    def live(self, id_: str, asked: str, change: int) -> None:
        """Count a copy as under way, or no longer."""
        self.copy(id_, asked).live += change

    def deferred(self, id_: str, asked: str) -> None:
        """Note that a copy was put off."""
        self.copy(id_, asked).deferred += 1

    def leads(self, id_: str, asked: str, needs: Needs) -> None:
        """Note to whom a group or a list leads a copy."""
        self.copy(id_, asked).needs |= needs

    def place(self, id_: str, asked: str, place: Place, meant: str | None = None) -> None:
        """Note that a copy lies in a mailbox; ``meant``: the address that led there, where the mailbox is another's ("": unknown)."""
        copy = self.copy(id_, asked)
        if copy.needs:
            place.person = self._person(place.mailbox if meant is None else meant) if meant != "" else ""
        copy.places.append(place)
        copy.hops.append(f"{place.node}: mailbox {place.mailbox}")

    def end(self, id_: str, asked: str, what: str, node: str, text: str, status: str = "", address: str = "") -> None:
        """Note another end, of whoever has ``address``; the same end told twice (by a host and by its report) counts once."""
        copy = self.copy(id_, asked)
        status = status or next((word for word in text.split() if word[:2] in ("4.", "5.")), "")
        people = [self._person(address or asked)] if copy.needs else []
        for end in copy.ends:
            if end.outcome == what and (end.status == status or end.node == node):
                end.people += people
                return
        copy.ends.append(End(what, node, status, text, self.stamp(), people))
        copy.hops.append(f"{node}: {what} {text}")

    def account(self, queued: Collection[tuple[str, str]] = (), since: int = 0) -> dict[str, Any]:
        """Return messages (from a number on), sums by outcome, and whether anything is under way.

        ``queued``: the copies, as message id and recipient, of which a host that keeps its own queue still holds a branch.
        """
        rows, sums, reports, moving = [], Counter[str](), Counter[str](), 0
        for number, sent in enumerate(list(self.messages.values())):
            copies = []
            for copy in list(sent.copies.values()):
                result = outcome(copy, queued=(sent.id, copy.asked) in queued)
                moving += bool(copy.live)
                (reports if sent.origin == REPORT else sums)[result] += 1
                copies.append(_row(copy, result))
            if number >= since:
                rows.append(
                    {
                        "number": number,
                        "id": sent.id,
                        "sender": sent.sender,
                        "origin": sent.origin,
                        "kind": sent.kind,
                        "subject": sent.subject,
                        "time": sent.time,
                        "copies": copies,
                    }
                )
        return {"messages": rows, "sums": dict(sums), "sent": sum(sums.values()), "reports": dict(reports), "moving": moving}


def _row(copy: Copy, result: str) -> dict[str, Any]:
    return {
        "recipient": copy.asked,
        "outcome": result,
        "hops": list(copy.hops),
        "places": [asdict(place) for place in copy.places],
        "ends": [asdict(end) for end in copy.ends],
        "deferred": copy.deferred,
    }
