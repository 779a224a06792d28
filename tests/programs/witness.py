# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who receives where in the demo: by the product's own prediction, and by a batch of real messages from every origin to every kind."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import account
from harness.coexistence import people
from harness.letters import ORIGINS, OUTSIDER, Crowd
from harness.play import Player, Run
from harness.tenant import Sandbox

# What people send to: kinds that a generated tenant has, and how many of each get mail.
KINDS = (
    *("pilot", "stub", "noobj", "mailuser", "migrated", "nobody", "room", "shared"),
    *("m365group", "folder", "list", "alias", "nested", "dynamic", "resource"),
)
EACH = 2
HARM = ("lost", "loop", "split")
# Whom neither side knows, and whose members the service shows to nobody: the only ones that may loop as announced, or be unknown.
NOBODY, DYNAMIC = "nobody", "dynamic"
PLACES = ("tenant", "source")
SETTLE = 60  # real seconds: a hang bound
WIDTH = 150
Row = dict[str, Any]


@dataclass
class Judge:
    """Counts what became of mail.

    announced: findings of the step that wrote last; predicted: outcomes by origin and address; alike: by origin and address, everybody
    whose mail from there goes the same way.
    """

    announced: Sequence[Mapping[str, Any]] = ()
    predicted: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    alike: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    total: Counter[str] = field(default_factory=Counter)

    def count(self, copies: Sequence[account.One]) -> list[str]:
        """Lines for the screen: counts by outcome, and whatever fared worse than announced or other than predicted."""
        told = [one for one in copies if one.outcome in HARM and self._told(one)]
        harmed = [one for one in copies if one.outcome in HARM and one not in told]
        surprises = [one for one in copies if not self._expected(one)]
        counts = Counter(one.outcome for one in copies)
        self.total.update(messages=len(copies), told=len(told), surprises=len(surprises))
        self.total.update(one.outcome for one in harmed)
        text = ", ".join(f"{counts[name]} {name}" for name in account.OUTCOMES if counts[name])
        apart = f" ({len(told)} of them announced: {', '.join(sorted({one.outcome for one in told}))})" if told else ""
        return [
            f"  {len(copies)} messages from {len(ORIGINS)} origins: {text}{apart}",
            *(f"    not so: {one}" for one in (*harmed, *surprises)),
        ]

    def _told(self, one: account.One) -> bool:
        """Whether the step announced this end of mail from there: to this very recipient, or to each of a group's members whom it hurts.

        No announcement excuses a loop of mail for somebody who exists.
        """
        if one.outcome == "loop" and one.kind != NOBODY:
            return False
        said = [found for found in self.announced if f"mail from {one.origin} would end as {one.outcome}:" in str(found["why"])]
        people = frozenset[str]().union(*(self._people(str(found["who"]), one.origin) for found in said))
        return one.recipient in people or (bool(one.astray) and people.issuperset(one.astray))

    def _people(self, who: str, origin: str) -> frozenset[str]:
        """Whom a finding is about: the few that it names, and those whose mail goes like theirs if they are no more than it counts."""
        listed, _unused, more = who.partition(" and ")
        named = frozenset(listed.split(", "))
        every = named.union(*(self.alike.get((origin, name), frozenset()) for name in named))
        return every if len(every) <= len(named) + int(more.partition(" ")[0] or 0) else named

    def _expected(self, one: account.One) -> bool:
        """Whether a message fared as predicted: mail to an address that neither side knows bounces.

        `unknown` predicts nothing, but of a group whose members nobody can read.
        """
        origin = "program" if one.origin == "local" else one.origin
        predicted = self.predicted.get((origin, one.recipient), frozenset({"bounced"}))
        return one.outcome in predicted or ("unknown" in predicted and one.kind == DYNAMIC)

    def figures(self) -> str:
        """For the closing line."""
        found = self.total
        harm = f"lost {found['lost']}, looped {found['loop']}, split {found['split']}"
        return f"{found['messages']} messages: {harm} beside {found['told']} announced"

    @property
    def problems(self) -> int:
        """How many messages fared worse than announced, or other than predicted."""
        return sum(self.total[outcome] for outcome in (*HARM, "surprises"))


@dataclass
class Witness:
    """Looks and sends. `extra`: the project's variables; `wave`: who moves, the first of whom is told about in words."""

    sandbox: Sandbox
    player: Player
    extra: Mapping[str, Any]
    wave: Sequence[str]
    insist: Callable[[bool, str, Run], None]
    judge: Judge = field(default_factory=Judge)

    def __post_init__(self) -> None:
        """Prepare the two looks, and choose who gets mail."""
        options = {name.removeprefix("coexistence_"): value for name, value in self.extra.items()}
        names = ("name_servers", "smtp_overrides")
        common = {**options, **{name: f"{{{{ coexistence_{name} }}}}" for name in names}, "known": {"forwards": "{{ forwards }}"}}
        asked = ({"all": True, "limit": 1000}, {"addresses": [self.wave[0]]})
        book = [{"name": "Predict", "mailops.exchange.mail_route_info": {**common, **more}} for more in asked]
        self.book = self.player.tasks(book, hosts="exchange_tenants")
        self.crowd = _crowd(self.sandbox.folders[0], self.wave)

    def look(self) -> None:
        """Print who receives where now, by prediction."""
        (host,) = self.sandbox.state()["mail"]["foreign"]
        forwards = {address: one["to"] for address, one in host["forwards"].items()}
        run = self.player.run(self.book, {"forwards": forwards})
        self.insist(run.code == 0, "the way of mail cannot be predicted", run)
        every, one = (event["result"] for event in run.results)
        groups = [(origin, group) for origin, tally in every["origins"].items() for group in tally["classes"]]
        self.judge.predicted = {(origin, one): frozenset(group["outcomes"]) for origin, group in groups for one in group["first"]}
        self.judge.alike = {(origin, one): frozenset(group["first"]) for origin, group in groups for one in group["first"]}
        told = [route["text"] for route in one["routes"] if route["origin"] in ("internet", "tenant")]
        print(*_table(every), *(line for text in told for line in _wrap(text, 2)), sep="\n")

    def after(self, title: str, run: Run, *, unchanged: bool) -> None:
        """Who receives where after a step, and mail that shows it. What wrote nothing changed nobody's way."""
        if unchanged:
            print("  who receives where: as before, since nothing was written")
        else:
            self.judge.announced = [finding for event in run.results for finding in event["result"].get("findings") or ()]
            self.look()
        self.sandbox.control("POST", "/messages", [self._letter(title, *pair) for pair in self._pairs()])
        found = self.sandbox.control("GET", f"/messages?settle={SETTLE}")
        copies = [one for one in account.copies(found["messages"], self.crowd) if one.step == _tag(title)]
        wrong = account.sums(found)
        self.insist(not wrong and len(copies) == len(self._pairs()), f"the account of mail after {title} is wrong: {wrong}", run)
        print(*self.judge.count(copies), sep="\n")

    def _pairs(self) -> list[tuple[str, str]]:
        return [(origin, address) for origin in ORIGINS for found in self.crowd.recipients.values() for address in found]

    def _letter(self, title: str, origin: str, address: str) -> Row:
        (sender, *_unused) = self.crowd.senders[origin]
        return {"origin": origin, "sender": sender, "recipients": [address], "subject": f"{_tag(title)} {origin}"}


def _tag(title: str) -> str:
    return title.replace(" ", "-")


def _crowd(folder: Path, wave: Sequence[str]) -> Crowd:
    """Some of each kind, and all who move."""
    found: dict[str, Sequence[str]] = {kind: [one for one in people(folder, kind) if one not in wave][:EACH] for kind in KINDS}
    found |= {"wave": list(wave), "alias": [one.replace("@", ".second@") for one in people(folder, "alias")]}
    inside, colleagues = found["pilot"], found["noobj"]
    return Crowd(found, {"internet": [OUTSIDER], "tenant": inside, "source": colleagues, "local": colleagues})


def _wrap(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4), break_on_hyphens=False)


def _table(every: Row) -> list[str]:
    """Per origin how many receive where; then which kinds receive where mail from the tenant goes."""
    lines = [f"  {'who receives where':20}{'tenant':>8}{'source':>8}  elsewhere"]
    for origin, tally in every["origins"].items():
        places = tally["places"]
        rest = ", ".join(f"{number} {place}" for place, number in places.items() if place not in PLACES) or "nobody"
        lines.append(f"    from {origin:15}{places.get('tenant', 0):>8}{places.get('source', 0):>8}  {rest}")
    for place in PLACES:
        kinds: Counter[str] = Counter()
        for group in every["origins"]["tenant"]["classes"]:
            kinds[group["kind"]] += group["recipients"] if group["where"] == place else 0
        text = "; ".join(f"{number} {kind}" for kind, number in (+kinds).most_common())
        lines += _wrap(f"from tenant to {place}: {text or 'nobody'}", 4)
    return lines
