# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project under continuous mail: set-up, three waves, a rollback, the MX move and the teardown, by real playbooks with their waits."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, final

from harness import account
from harness.account import FAR, WAVES, One, Span, Times
from harness.coexistence import people
from harness.letters import FRIEND, GAP, OUTSIDER, Crowd, Letters
from harness.play import Player, Run, host, inventory, outside
from harness.project import Project
from harness.shape import Shape, forwarding, hands
from harness.tenant import Sandbox

KINDS = {
    "pilot": 2,
    "migrated": 2,
    "stub": 6,
    "alias": 3,
    "noobj": 3,
    "mailuser": 2,
    "nobody": 1,
    "other": 1,
    "guest": 1,
    "room": 1,
    "shared": 1,
    "m365group": 1,
    "folder": 1,
    "list": 1,
}
# Seconds of the service's clock: how long the roles wait by time, and how long resolvers hold an MX; and how much faster it runs than ours.
TIME, TTL = 3600, 3600
RATE = 360
# Between two steps; whatever changed before acts by then, also where the service becomes slower.
BETWEEN = 6 * TIME
# What the service is like during a step. Of several servers some are done early, so that a probe may see those and only the time
# protects; where the service is slower than the time that the roles wait, only the probe does.
USUAL = {"rule_latency": 1800, "membership_latency": 1500, "servers": 1}
UNEVEN = {"rule_latency": 3000, "membership_latency": 3000, "servers": 4}
SLOW = 5400
LATE = {"rule_latency": SLOW, "membership_latency": SLOW, "servers": 1}
SERVICE = {"wave1": UNEVEN, "wave2": LATE, "teardown": UNEVEN}
# Where a story is tight, each wait of a role is needed: without it mail loops. In the first wave the service's clock is slow beside what a
# role needs for its tasks, so that its probe finds the quickest servers long before the last one acts, and only the time protects. In the
# second the service is later than the role knows, by more than the role needs for its tasks, and only the probe does.
TIGHT_RATE = 80
TIGHT: dict[str, dict[str, int]] = {
    "wave1": {"rule_latency": 3000, "membership_latency": 3500, "servers": 4},
    "wave2": {"rule_latency": BETWEEN, "membership_latency": BETWEEN, "servers": 1},
}
STEPS = ("setup", "wave1", "wave2", "rollback", "wave3", "mx", "teardown")
FIRST = ("setup", "mx", "wave1", "wave2", "rollback", "wave3", "teardown")
LEAST = 2000  # messages


@dataclass(frozen=True)
class Plan:
    """One way to play the story. `cut` leaves waits out: time, probe, drain; `only` plays some steps; `tight`: each wait is needed.

    foreign: `postfix`, on whose hosts the roles switch the forwards, or `builtin`, where the project's own hands do.
    """

    foreign: str = "builtin"
    shape: Shape = field(default_factory=Shape)
    mx: str = "last"
    order: str = "documented"
    cut: Collection[str] = ()
    rate: float = 40
    each: int = 20
    least: int = LEAST
    only: tuple[str, ...] = ()
    tight: bool = True

    def service(self, step: str) -> dict[str, int]:
        """The service's parameters during a step."""
        return (TIGHT if self.tight else {}).get(step) or SERVICE.get(step, USUAL)

    def clock(self, step: str) -> int:
        """How much faster than ours the service's clock runs during a step."""
        return TIGHT_RATE if self.tight and step == "wave1" else RATE

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in their order; `only` some of them."""
        every = FIRST if self.mx == "first" else STEPS
        return tuple(step for step in every if not self.only or step in self.only)


@dataclass
class Told:
    """What the story found: its figures, and one line for each thing that must not be."""

    copies: list[One] = field(default_factory=list)
    messages: int = 0  # those of the steps, without probes
    problems: list[str] = field(default_factory=list)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    announced: int = 0
    gap: float = 0.0  # the longest time without mail, in real seconds
    at_work: dict[str, list[Span]] = field(default_factory=dict)  # by step, when its playbooks ran, by the service's clock
    shares: dict[str, float] = field(default_factory=dict)  # by step, the part of its messages that was sent then


class StepFailedError(Exception):
    """A playbook ended in an error; the text names it and what its tasks said."""


def until_failure(steps: Sequence[str], play: Callable[[str], None]) -> list[str]:
    """Play the steps in turn up to the first that fails; one line for that one."""
    for step in steps:
        try:
            play(step)
        except (StepFailedError, TimeoutError) as error:
            return [f"{step}: {error}"]
    return []


@final
class Story(AbstractContextManager["Story"]):
    """`with Story(plan, tree, folder) as story: told = story.play()`."""

    def __init__(self, plan: Plan, tree: Path, folder: Path) -> None:
        """Generate the tenant and write its waves; nothing runs yet."""
        self.plan, self.tree, self.folder = plan, tree, folder
        self.tenant = plan.shape.tenant(folder / "tenant", KINDS)
        self.sisters = sisters(self.tenant, plan.shape.named)
        self.listed: list[dict[str, str]] = json.loads((self.tenant / "people.json").read_text(encoding="utf-8"))["people"]
        self.waves = self._waves()
        self.told = Told()
        self.sandbox = Sandbox([self.tenant], "--mail", "--foreign", plan.foreign)

    def __enter__(self) -> Story:
        """Start the sandbox; mail begins to flow with `play`."""
        self.sandbox.__enter__()
        entry = self.sandbox.tenants[0]
        (self.folder / "play").mkdir()
        sight = outside(self.sandbox.ready)
        if "probe" in self.plan.cut:
            # What is read of DNS is no probe.
            sight = {"coexistence_name_servers": sight["coexistence_name_servers"]}
        else:
            sight["coexistence_probe_sender"] = [f"probe@{domain}" for domain in self.plan.shape.named]
        hosts = {entry["organization"]: host(entry, self.sandbox.ready["ca_cert"], **sight)}
        known = inventory(hosts)
        known["all"]["hosts"] = hands(self.sandbox.ready) if self.by_role else {}
        self.player = Player(self.tree, self.folder / "play", known)
        sources = {domain: one["name"] for one in self.sandbox.ready["foreign"] for domain in one["domains"]}
        self.project = Project(self.sandbox, self.tenant, entry["routing_domain"], self._some("pilot")[0], sources, self.plan.cut)
        self.letters = Letters(self.sandbox, self._crowd(), self.plan.rate, each=self.plan.each)
        self.times = Times()
        members = [*self.waves["wave1"][:1], *self._some("noobj")[:1]]
        self.members = dict.fromkeys(self._some("list"), members)
        for name, domains in ((one["name"], one["domains"]) for one in self.sandbox.ready["foreign"]):
            lists = {address: found for address, found in self.members.items() if address.partition("@")[2] in domains}
            self.sandbox.control("PUT", "/state", {"foreign": {"name": name, "lists": lists}})
        return self

    def __exit__(self, *unused: object) -> None:
        """End the sandbox."""
        self.sandbox.__exit__(*unused)

    @property
    def by_role(self) -> bool:
        """Whether the roles switch the forwards, on hosts that they reach."""
        return self.plan.foreign == "postfix"

    def _some(self, *kinds: str) -> list[str]:
        return people(self.tenant, *kinds)

    def _waves(self) -> dict[str, list[str]]:
        """Who moves when: those with a mailbox in turn, and those without one in the last wave."""
        path = self.tenant / "waves.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [(row["user"], row["wave"]) for row in csv.DictReader(stream)]
        rows += [(address, WAVES[-1]) for address in self._some("noobj", "mailuser")]
        path.write_text("".join(f"{user},{wave}\n" for user, wave in [("user", "wave"), *rows]), encoding="utf-8")
        return {wave: [user for user, own in rows if own == wave] for wave in WAVES}

    def _crowd(self) -> Crowd:
        late = self._some("noobj", "mailuser")
        aliases = self._some("alias")
        found = {kind: self._some(kind) for kind in KINDS if kind not in ("stub", "alias", "other", "guest")}
        found |= {wave: [address for address in own if address not in (*late, *aliases)] for wave, own in self.waves.items()}
        found["alias"] = [text for one in aliases for text in (one, one.replace("@", ".second@"), one.replace("@", "+news@"))]
        found["alias"] += self.sisters
        boxes = self.sandbox.state()["tenants"][self.sandbox.tenants[0]["organization"]]["objects"]["Mailbox"]
        others = [str(row["PrimarySmtpAddress"]).lower() for row in boxes if row["Alias"] in self._aliases("other")]
        found |= {"other": others, "guest": [f"{alias}@guests.example.net" for alias in self._aliases("guest")], "outside": [FRIEND]}
        inside = [*found["pilot"], *found["migrated"]]
        return Crowd(found, {"internet": [OUTSIDER], "tenant": inside, "source": found["noobj"], "local": found["wave3"]})

    def _aliases(self, kind: str) -> list[str]:
        return [person["alias"] for person in self.listed if person["kind"] == kind]

    # The steps.

    def play(self) -> Told:
        """Every step in order under mail, up to the first that fails; what came of it."""
        self.letters.step = self.plan.steps[0]
        with self.letters:
            self.told.problems = until_failure(self.plan.steps, self._step)
        self._judge()
        return self.told

    def _step(self, step: str) -> None:
        self.letters.step = step
        self.sandbox.control("PUT", "/clock", {"rate": self.plan.clock(step), "advance": BETWEEN})
        self.sandbox.control("PUT", "/parameters", self.plan.service(step))
        self._wave(step) if step in WAVES else getattr(self, f"_{step}")()
        self.letters.enough()

    def extra(self) -> dict[str, Any]:
        """The extra variables of every playbook."""
        waits: dict[str, Any] = {"coexistence_rule_latency": 1} if "time" in self.plan.cut else {}
        waits |= {"coexistence_accept_risks": ["U25"]} if "probe" in self.plan.cut else {}
        order = {"coexistence_teardown_order": self.plan.order, "coexistence_mx": self.plan.mx}
        own = self.plan.shape.variables(self.tenant)
        switched = forwarding(own.get("coexistence_sources", [])) if self.by_role else {}
        return own | switched | order | waits

    def run(self, playbook: str, **more: Any) -> Run:
        """One playbook; its warnings are kept. Raises StepFailedError."""
        begun = self.project.now()
        done = self.player.run(f"mailops.exchange.{playbook}", self.extra() | more)
        self.told.at_work.setdefault(self.letters.step, []).append((begun, self.project.now()))
        if done.code != 0:
            raise StepFailedError(f"{playbook} failed: {'; '.join(done.failures) or done.output}")
        self.told.warnings.setdefault(playbook, []).extend(done.warnings)
        return done

    def _setup(self) -> None:
        self.run("setup")
        self.times.relay = self.project.called("Set-AcceptedDomain", DomainType="InternalRelay")
        self.times.acts = self.project.after(self.project.called("New-TransportRule"), USUAL["rule_latency"])
        # As whoever is not sure runs it again, before the rule acts; so more of this step's mail meets playbooks, however quick they are.
        self.run("setup")
        self.project.until(self.times.acts)
        self.project.probe(self.waves["wave1"][:1], "source", origin="tenant")

    def _wave(self, wave: str) -> None:
        users = self.waves[wave] + (self.waves["wave2"] if wave == "wave3" else [])
        if wave == "wave3":
            self._license()
        project = self.project
        project.sync(users, last=False)
        self._span(self.times.early, users, project.now())
        # So that mail is under way to a mailbox as its forward comes on, however quick the machine is.
        project.busy(users[:1])
        # One probe tells of the quickest server as well as three do, and sooner.
        self.run("cutover", coexistence_users=users, **({"coexistence_probe_sample": 1} if self.plan.tight and wave == "wave1" else {}))
        if self.by_role:
            begun, forwarded = project.switched()
        else:
            project.until(project.after(project.called("Add-DistributionGroupMember"), TIME))
            project.probe(users, "tenant", origin="tenant")
            begun = project.now()
            project.forward(users, on=True)
            forwarded = project.now()
            project.probe(users, "tenant")
        self._close(self.times.early, users, forwarded)
        self._span(self.times.healed, users, begun)
        project.busy(())
        project.drained(forwarded)
        self._close(self.times.healed, users, project.now())
        project.sync(users, last=True)
        project.at_home(users, "tenant")

    def _license(self) -> None:
        """Who has no mailbox in the tenant yet gets one; the source's list becomes the tenant's."""
        self.project.license(self._some("noobj", "mailuser"), replaced=self._some("mailuser"))
        for address, members in self.members.items():
            self.project.list_in_tenant(address, members)

    def _rollback(self) -> None:
        users, project = self.waves["wave2"], self.project
        self._span(self.times.early, users, project.now())
        project.at_home(users, "source")
        if self.by_role:
            self.run("rollback", coexistence_users=users)
        else:
            project.forward(users, on=False)
            project.probe(users, "source", origin="source")
            self.run("rollback", coexistence_users=users)
            project.until(project.after(project.called("Remove-DistributionGroupMember"), TIME))
            project.probe(users, "source", origin="tenant")
        self._close(self.times.early, users, project.now())

    def _mx(self) -> None:
        self.times.moved = self.project.now()
        self.project.move_mx(self.project.sources, "tenant")
        # From the last of several domains on.
        self.times.settled = self.project.after(self.project.now(), TTL)
        self.project.until(self.times.settled)

    def _teardown(self) -> None:
        self.project.spf(self.project.sources)
        # Public folders are announced: that the edge of this tenant knows them is a reading, and the one that is played here.
        # The source's people go on to write, so its forwards stay on; a project takes them off before it is done.
        self.run("teardown", coexistence_accept_risks=["U3", *(["U14"] if self.by_role else [])])
        self.times.stopped = self.project.called("Disable-TransportRule", first=True)
        self.times.final = self.project.called("Set-AcceptedDomain", DomainType="Authoritative")

    # When a wave's mail may lie where its reader does not look yet.

    def _addresses(self, users: list[str]) -> list[str]:
        lists = [address for address, members in self.members.items() if set(members) & set(users)]
        names = tuple(user.partition("@")[0] + mark for user in users for mark in ("@", ".second@", "+news@"))
        alike = [one for one in self.letters.crowd.recipients["alias"] if one.startswith(names)]
        return list(dict.fromkeys([*users, *alike, *lists]))

    def _span(self, spans: dict[str, list[tuple[datetime, datetime]]], users: list[str], begin: datetime) -> None:
        for address in self._addresses(users):
            spans.setdefault(address, []).append((begin, begin + FAR))

    def _close(self, spans: dict[str, list[tuple[datetime, datetime]]], users: list[str], end: datetime) -> None:
        for address in self._addresses(users):
            spans[address][-1] = (spans[address][-1][0], end)

    def _judge(self) -> None:
        self.sandbox.control("POST", "/queue", {})
        found = self.sandbox.control("GET", "/messages?settle=60")
        told, plan, letters, times = self.told, self.plan, self.letters, self.times
        told.copies = [one for one in account.copies(found["messages"], letters.crowd) if one.step != "probe"]
        messages = account.tagged(found["messages"], plan.steps)
        ours = account.copies(messages, letters.crowd)
        told.messages, told.gap = len(messages), letters.gap
        told.announced = sum(1 for one in told.copies if account.announced(one, times))
        told.problems += account.sums(found) + account.problems(told.copies, times, order=plan.order)
        told.problems += account.balance(messages, ours, times, sent=letters.sent, copies=letters.counts.total())
        told.problems += account.too_few(ours, letters.crowd, plan.steps, each=plan.each, messages=told.messages, least=plan.least)
        told.problems += account.mixed(messages, plan.steps)
        told.problems += account.untold(told.warnings, letters.crowd, plan.shape.named, order=plan.order, steps=plan.steps)
        told.problems += account.vacuous(ours, times, order=plan.order, steps=plan.steps)
        told.shares = account.shares(messages, told.at_work)
        # Nobody's DNS is written by a playbook.
        told.problems += account.idle(told.shares, [step for step in plan.steps if step != "mx"])
        told.problems += [f"{told.gap:.1f} s without mail, {GAP} at most are continuous"] if told.gap > GAP else []


def sisters(folder: Path, domains: Sequence[str]) -> list[str]:
    """Give whoever is of the kind `alias` an address in each other shared domain too; returns those addresses."""
    boxes, lists = folder / "Get-Mailbox.json", folder / "source.csv"
    content = json.loads(boxes.read_text(encoding="utf-8"))
    owners = people(folder, "alias")
    made: dict[str, str] = {}
    for owner in owners:
        name, _unused, own = owner.partition("@")
        more = {f"{name}@{domain}": owner for domain in domains if domain != own}
        row = next(row for row in content["value"] if row["PrimarySmtpAddress"] == owner)
        row["EmailAddresses"] += [f"smtp:{address}" for address in more]
        made |= more
    boxes.write_text(json.dumps(content), encoding="utf-8")
    with lists.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{address},alias,{owner},source\n" for address, owner in made.items())
    return list(made)
