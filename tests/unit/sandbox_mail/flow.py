# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running sandbox with mail, and the moves of a coexistence project as one line each."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from sandbox import Sandbox

SHARED, ROUTING = "example.com", "tqhjy.mail.onmicrosoft.com"
GROUP = f"migrated@{SHARED}"
HOST = "192.0.2.10"
OUTSIDER = "sender@out.example.org"
KINDS = {
    "pilot": 1,
    "stub": 3,
    "noobj": 1,
    "mailuser": 1,
    "migrated": 1,
    "nobody": 1,
    "other": 1,
    "guest": 1,
    "room": 1,
    "shared": 1,
    "m365group": 1,
    "folder": 1,
    "list": 1,
    "alias": 1,
    "onmicrosoft": 1,
}


class Flow:
    """The first person of each kind by ``who[kind]``; further stubs are stub2, stub3."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        """Read who is who."""
        self.sandbox, self.organization = sandbox, str(sandbox.tenant()["organization"])
        self.who: dict[str, str] = {}
        for person in json.loads((directory / "people.json").read_text(encoding="utf-8"))["people"]:
            number = sum(1 for name in self.who if name.rstrip("0123456789") == person["kind"] or name == person["kind"])
            self.who[person["kind"] + (str(number + 1) if number else "")] = person["address"]
        boxes = {row["Alias"]: str(row["PrimarySmtpAddress"]) for row in sandbox.state()["objects"]["Mailbox"]}
        self.who["other"] = boxes[self.who["other"].split("@")[0]]
        self.who["guest"] = self.who["guest"].split("@")[0] + "@guests.example.net"

    def address(self, name: str) -> str:
        """Return a person's address, or the text if it is one."""
        return name if "@" in name else self.who[name]

    def send(self, *to: str, origin: str = "internet", sender: str = "", **more: Any) -> str:
        """Send one message and return its id."""
        senders = {"internet": OUTSIDER, "tenant": self.who["pilot"], "source": self.who["noobj"], "local": self.who["noobj"]}
        wanted = {"origin": origin, "sender": sender or senders[origin], "recipients": [self.address(name) for name in to], **more}
        ids: list[str] = self.sandbox.ask("POST", "/messages", wanted)["ids"]
        return ids[0]

    def account(self, settle: float = 20) -> dict[str, Any]:
        """Return the account when all is quiet."""
        found: dict[str, Any] = self.sandbox.ask("GET", f"/messages?settle={settle}")
        assert found["settled"], found["sums"]
        assert (
            sum(found["sums"].values())
            == found["sent"]
            == sum(len(row["copies"]) for row in found["messages"] if row["origin"] != "report")
        )
        return found

    def copies(self, id_: str) -> dict[str, dict[str, Any]]:
        """Return a message's copies by recipient."""
        row = next(entry for entry in self.account()["messages"] if entry["id"] == id_)
        return {copy["recipient"]: copy for copy in row["copies"]}

    def outcome(self, *to: str, **more: Any) -> str:
        """Send one message and return its outcome, or the outcomes in order."""
        found = self.copies(self.send(*to, **more))
        return " ".join(found[self.address(name).lower()]["outcome"] for name in to)

    def outcomes(self, name: str, **more: Any) -> tuple[str, str, str]:
        """Return the outcomes for one recipient of mail from the internet, from inside the tenant, from inside the source."""
        return (
            self.outcome(name, **more),
            self.outcome(name, origin="tenant", **more),
            self.outcome(name, origin="source", **more),
        )

    def mail(self, **change: Any) -> Any:
        """Change the mail side."""
        return self.sandbox.ask("PUT", "/state", change)

    def modes(self, **modes: Any) -> None:
        """Change the foreign host's modes."""
        self.mail(foreign={"modes": modes})

    def put(self, noun: str, **change: Any) -> None:
        """Change objects of the (first) tenant."""
        self.sandbox.put(noun, tenant=self.organization, **change)

    def relay(self, kind: str = "InternalRelay") -> None:
        """Set the shared domain's type."""
        self.put("AcceptedDomain", identity=SHARED, set={"DomainType": kind})

    def group(self, *members: str) -> None:
        """Make the group anew with these members."""
        row = {
            "Name": "Migrated Users",
            "PrimarySmtpAddress": GROUP,
            "EmailAddresses": [f"SMTP:{GROUP}"],
            "RecipientTypeDetails": "MailUniversalDistributionGroup",
            "_members": [self.address(name) for name in members],
        }
        self.put("DistributionGroup", objects=[row])

    def connector(self, **changes: Any) -> None:
        """Make the way out."""
        row = {"Name": "Out", "Enabled": True, "UseMXRecord": False, "SmartHosts": [HOST], "IsTransportRuleScoped": True, **changes}
        self.put("OutboundConnector", objects=[row])

    def rules(self, *rows: dict[str, Any]) -> None:
        """Replace all rules."""
        base = {"State": "Enabled", "Mode": "Enforce", "RuleErrorAction": "Ignore"}
        self.put("TransportRule", objects=[{"Priority": number, **base, **row} for number, row in enumerate(rows)])

    def coexist(self, *members: str, scope: str = "domain", **changes: Any) -> None:
        """Set up: relayed domain, group, connector, routing rule."""
        self.relay()
        self.group(*members)
        self.connector()
        where = {"RecipientDomainIs": [SHARED]} if scope == "domain" else {"SentToScope": "InOrganization"}
        self.rules(
            {
                "Name": "Coexistence",
                **where,
                "RouteMessageOutboundConnector": "Out",
                "ExceptIfSentToMemberOf": [GROUP],
                "SetSCL": -1,
                **changes,
            }
        )

    def forward(self, name: str, *, on: bool = True, keep: bool = False) -> None:
        """Switch a person's forward at the source."""
        address = self.address(name)
        goal = {"to": f"{address.split('@')[0]}@{ROUTING}", "keep": keep}
        self.mail(foreign={"forwards": {address: goal if on else None}})

    def moved(self, name: str, **keep: Any) -> None:
        """Finish a person's move: forward on, last sync done."""
        self.forward(name, **keep)
        self.mail(sync={"people": [self.address(name)], "last": True})

    def mx(self, to: str, **more: Any) -> None:
        """Move the shared domain's MX."""
        self.mail(mx={"domain": SHARED, "to": to, **more})

    def sums(self) -> Counter[str]:
        """Return the sums by outcome."""
        return Counter(self.account()["sums"])
