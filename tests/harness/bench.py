# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tenant with mail that is brought into any state of a project: what stands there, real steps towards a state, and letters in it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.coexistence import CLOCK_RATE, variables
from harness.letters import OUTSIDER
from harness.play import Player, Run
from harness.tenant import Sandbox

SHARED, GROUP = "example.com", "Migrated@example.com"
# Several of those who are written to from inside, so that nobody writes to himself.
KINDS = {
    "pilot": 2,
    "stub": 3,
    "noobj": 3,
    "mailuser": 1,
    "migrated": 2,
    "nobody": 1,
    "other": 1,
    "guest": 1,
    "room": 1,
    "shared": 1,
    "m365group": 1,
    "folder": 1,
    "list": 1,
}
# Whoever sends as this domain asks to reject what fails DMARC, and does not sign.
STRICT = "strict.example"
# Longer than anything that a rule or a membership takes to act.
LONG = 3 * 3600
ORIGINS = {"internet": "internet", "tenant": "tenant", "source": "source", "program": "local"}
SETTLE = 20  # real seconds
Row = dict[str, Any]


@dataclass
class Bench:
    """`start()` or `standing()` comes first; then changes by control, real playbooks, and letters.

    who: the first person of each kind by its name, further ones with a number: stub, stub2 …
    """

    sandbox: Sandbox
    player: Player
    who: dict[str, str] = field(default_factory=dict)
    _stood: bool = False
    _numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Learn who is who."""
        entry = self.sandbox.tenants[0]
        self.organization, self.routing = str(entry["organization"]), str(entry["routing_domain"])
        self.ways = {name: value for name, value in self._host().items() if name.startswith("coexistence_")}
        listed = json.loads((self.sandbox.folders[0] / "people.json").read_text(encoding="utf-8"))["people"]
        boxes = {row["Alias"]: str(row["PrimarySmtpAddress"]).lower() for row in self.rows("Mailbox")}
        for kind, group in itertools.groupby(sorted(listed, key=lambda one: (one["kind"], one["address"])), key=lambda one: one["kind"]):
            for number, person in enumerate(group, 1):
                name = str(kind) if number == 1 else f"{kind}{number}"
                guest = f"{person['alias']}@guests.example.net"
                self.who[name] = boxes[person["alias"]] if kind == "other" else guest if kind == "guest" else person["address"]

    def _host(self) -> Mapping[str, Any]:
        hosts = self.player.inventory["all"]["children"]["exchange_tenants"]["hosts"]
        return dict(hosts[self.sandbox.tenants[0]["organization"]])

    # Where a row begins.

    def start(self) -> None:
        """The tenant before the project. Its pilots were never at the source, which knows no such addresses."""
        self.sandbox.reset()
        pilots = [self.who["pilot"], self.who["pilot2"]]
        self.mail(foreign={"forwards": dict.fromkeys(pilots), "mailboxes": {"remove": pilots}})

    def standing(self) -> None:
        """The tenant after a set-up whose rules act; nobody else has moved. The set-up itself is played once."""
        if not self._stood:
            self.start()
            done = self.play("setup")
            assert done.code == 0, done.output
            self.clock(advance=LONG)
            self.sandbox.keep()
            self._stood = True
        self.sandbox.back()
        # Parameters are not among what was kept.
        self.sandbox.control("PUT", "/parameters", DEFAULTS)

    # The service.

    def now(self) -> datetime:
        """The time by the service's clock."""
        return datetime.fromisoformat(str(self.sandbox.control("GET", "/clock")["now"]).replace("0Z", "+00:00"))

    def clock(self, **change: Any) -> None:
        """Change the service's clock."""
        self.sandbox.control("PUT", "/clock", change)

    def at_once(self, **parameters: Any) -> None:
        """From now on rules and members act at once, and disputed facts are as told."""
        self.sandbox.control("PUT", "/parameters", {"rule_latency": 0, "membership_latency": 0, **parameters})

    def rows(self, noun: str) -> list[Row]:
        """The tenant's objects of a noun, as they read."""
        return list(self.sandbox.state()["tenants"][self.organization]["objects"][noun])

    # What others do to the tenant, and what lies outside it.

    def put(self, noun: str, **change: Any) -> None:
        """Change objects as nobody over the API could."""
        self.sandbox.control("PUT", "/state", {"tenant": self.organization, "noun": noun, **change})

    def mail(self, **change: Any) -> None:
        """Change foreign host, DNS or readers."""
        self.sandbox.control("PUT", "/state", change)

    def mx(self, to: str, ttl: int | None = None) -> None:
        """Move the shared domain's MX. ttl: 0 has everybody see it at once."""
        self.mail(mx={"domain": SHARED, "to": to, **({} if ttl is None else {"ttl": ttl})})

    def modes(self, **modes: Any) -> None:
        """Change the foreign host's modes."""
        self.mail(foreign={"modes": modes})

    def forward(self, *names: str, on: bool = True) -> None:
        """Switch the forwards of people."""
        goals = {self.who[name]: {"to": self.goal(name)} if on else None for name in names}
        self.mail(foreign={"forwards": goals})

    def goal(self, name: str) -> str:
        """The routing address of a person."""
        return f"{self.who[name].partition('@')[0]}@{self.routing}"

    def strict(self) -> str:
        """Publish a policy of rejecting; an address of that domain."""
        self.mail(record={"name": f"_dmarc.{STRICT}", "type": "TXT", "texts": ["v=DMARC1; p=reject"]})
        self.mail(record={"name": STRICT, "type": "TXT", "texts": ["v=spf1 ip4:198.51.100.30 -all"]})
        return f"boss@{STRICT}"

    def relay(self, kind: str = "InternalRelay") -> None:
        """Set the shared domain's type."""
        self.put("AcceptedDomain", identity=SHARED, set={"DomainType": kind})

    def pending(self, *names: str) -> None:
        """The rule names the group, whose members are those who are still to come: these people."""
        self.change("TransportRule", "ExceptIfSentToMemberOf", SentToMemberOf=[GROUP], ExceptIfSentToMemberOf=None)
        self.members(*names)

    def members(self, *names: str) -> None:
        """Make the group's members these people."""
        self.put("DistributionGroup", identity=GROUP, set={"_members": [self.who[name] for name in names]})

    def change(self, noun: str, key: str, **values: Any) -> None:
        """Change every object of a noun that has a property of this name set."""
        for row in self.rows(noun):
            if row.get(key):
                self.put(noun, identity=row["Name"], set=values)

    def drop(self, noun: str, key: str) -> None:
        """Remove every object of a noun that has a property of this name set."""
        for row in self.rows(noun):
            if row.get(key):
                self.put(noun, identity=row["Name"], remove=True)

    def drop_group(self) -> None:
        """Remove the group."""
        self.put("DistributionGroup", identity=GROUP, remove=True)

    def disable(self, rule: str) -> None:
        """Disable a rule over the API, as an administrator would: it acts until the service has taken note."""
        task = {"mailops.exchange.transport_rule": {"identity": rule, "enabled": False}}
        done = self.player.run(self.player.tasks([task]))
        assert done.code == 0, done.output

    def mailbox(self, name: str) -> None:
        """Give somebody of whom nobody has heard a mailbox."""
        address, kind = f"{name}@{SHARED}", "UserMailbox"
        self.who[name] = address
        row = {"Name": name, "Alias": name, "DisplayName": name, "RecipientType": kind, "RecipientTypeDetails": kind}
        texts = [f"SMTP:{address}", f"smtp:{self.goal(name)}"]
        self.put("Mailbox", add=[{**row, "PrimarySmtpAddress": address, "WindowsEmailAddress": address, "EmailAddresses": texts}])

    def listing(self, *lines: str) -> str:
        """The source's list with further lines, as a file of its own."""
        file = self.player.folder / "longer.csv"
        text = (self.sandbox.folders[0] / "source.csv").read_text(encoding="utf-8")
        file.write_text("\n".join([text.rstrip("\n"), *lines, ""]), encoding="utf-8")
        return str(file)

    def lose(self, name: str) -> None:
        """Take somebody's licence: of the mailbox a mail user is left that is still in the group."""
        address = self.who[name]
        alias, kind = address.partition("@")[0], "MailUser"
        members = self.sandbox.state()["tenants"][self.organization]["members"][GROUP]
        self.put("Mailbox", identity=address, remove=True)
        row = {"Name": alias, "Alias": alias, "DisplayName": alias, "RecipientType": kind, "RecipientTypeDetails": kind}
        more = {"PrimarySmtpAddress": address, "EmailAddresses": [f"SMTP:{address}"], "ExternalEmailAddress": f"SMTP:{address}"}
        self.put("MailUser", add=[{**row, **more}])
        self.put("DistributionGroup", identity=GROUP, set={"_members": members})

    def organization_wide(self) -> None:
        """The routing rule reaches the whole organization."""
        self.change("TransportRule", "RouteMessageOutboundConnector", SentToScope="InOrganization", RecipientDomainIs=None)

    # Real steps.

    def extra(self, **more: Any) -> dict[str, Any]:
        """The variables of every step."""
        return variables(self.sandbox.folders[0]) | more

    def play(self, playbook: str, *options: str, rate: float = CLOCK_RATE, **more: Any) -> Run:
        """One of the collection's playbooks, under a clock that makes hours short."""
        self.clock(rate=rate)
        run = self.player.run(f"mailops.exchange.{playbook}", self.extra(**more), *options)
        self.clock(rate=1)
        return run

    def step(self, step: str, *further: Row, **more: Any) -> Run:
        """A step in a play of one's own: it is judged as `judged`, and further tasks follow only if nothing refuses it."""
        given = {**self.ways, **self.extra(**more)}
        options = {name.removeprefix("coexistence_"): value for name, value in given.items()}
        task = {"mailops.exchange.coexistence_plan_info": {**options, "step": step}, "register": "judged"}
        return self.player.run(self.player.tasks([task, *further]))

    def switch(self, name: str, **more: Any) -> Run:
        """The second half of a cutover, of one person: judge, and write the forward into the provider's file."""
        role = {
            "include_role": {"name": "mailops.exchange.source_forwarding"},
            "vars": {"source_forwarding_way": "{{ way }}", "source_forwarding_dest": str(self.file)},
            "loop": "{{ judged.plan.ways }}",
            "loop_control": {"loop_var": "way"},
        }
        self.file.unlink(missing_ok=True)
        return self.step("forward", role, coexistence_users=[self.who[name]], coexistence_forwarding_backend="csv", **more)

    @property
    def file(self) -> Path:
        """The file that a provider switches forwards by."""
        return self.player.folder / "forwards.csv"

    # Letters.

    def letter(self, origin: str, name: str, mail: str = "mail", **more: Any) -> Row:
        """One message to a person, from somebody at home at its origin; mail: its kind. A bounce has no sender."""
        inside = self.who["pilot2"] if name != "pilot2" else self.who["pilot"]
        senders = {"internet": OUTSIDER, "tenant": inside, "source": self.who["noobj2"], "program": self.who["noobj2"]}
        id_ = f"<{next(iter(self._numbers))}@letters.example>"
        known = {"origin": ORIGINS[origin], "sender": senders[origin], "recipients": [self.who[name]], "id": id_}
        kind = {"bounce": {"kind": "ndr", "sender": "", "from": f"postmaster@{self.organization}"}}.get(mail, {"kind": mail})
        return {**known, **kind, **more}

    def outcomes(self, letters: Sequence[Row]) -> list[str]:
        """Send letters; what became of each, when nothing moves any more but what was put off."""
        self.sandbox.control("POST", "/messages", list(letters))
        found = self.sandbox.control("GET", f"/messages?settle={SETTLE}")
        assert found["settled"], found["sums"]
        assert sum(found["sums"].values()) == found["sent"]
        rows = {row["id"]: row for row in found["messages"]}
        return [rows[letter["id"]]["copies"][0]["outcome"] for letter in letters]

    def sync(self, name: str) -> int:
        """The last sync of somebody's mailbox: how many messages it copied."""
        return int(self.sandbox.control("PUT", "/state", {"sync": {"people": [self.who[name]], "last": True}})["copied"])

    def sums(self) -> dict[str, int]:
        """How many letters ended how, probes among them."""
        return {name: number for name, number in self.sandbox.control("GET", "/messages")["sums"].items() if number}


# Facts as they are unless a row says something else.
DEFAULTS: dict[str, Any] = {
    "rule_latency": 1800,
    "membership_latency": 0,
    "sent_to_scope_reading": "a",
    "dmarc_domain": "shared",
    "missing_connector": "stuck",
    "edge_directory": "whole",
    "rules_on_reports": True,
    "mail_user_lookup": "once",
}
