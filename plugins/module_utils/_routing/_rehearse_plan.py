# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The whole plan as states: what comes after what, how long each lasts, and which guards judge the way into it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ansible_collections.mailops.exchange.plugins.module_utils._session import Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from . import _changes as change
from . import _objects as objects
from . import _rehearse_setup as simulated
from ._checks import domain_of
from ._evidence import Evidence, Full, MxChange, Trace
from ._files import WaveUser
from ._findings import Situation
from ._inputs import Inputs
from ._outcomes import person_of
from ._people import ORIGINS
from ._plan import FINAL, final_types
from ._rehearse_setup import Shown
from ._waves import forwarding
from ._world import AUTHORITATIVE, TENANT, Forward, World
from ._world_of import Observed, world_of

# What an MX record is taken to live, in seconds, where that was not read; and how long a sending host keeps what it could not hand over.
TTL = 3600
QUEUE = 72 * 3600
# How long the entries of a Google recipient map take until they surely act.
GOOGLE = 24 * 3600
ORDERS = ("documented", "loop_free")
# The order that is not the chosen one is played too.
COMPARED = ", for comparison"
OURS = (objects.RULE, objects.INBOUND_RULE, objects.INBOUND_CONNECTOR)


@dataclass(frozen=True)
class State:
    """One state. wait: seconds that it lasts at least, for what. judged: the moment of the step that leads here; None for none.

    origins: where mail can begin; a host that is off sends none.
    touched: ids and addresses whose mail alone can go another way than in the state before; None: everybody's.
    shape: what tells recipients apart may be new (rules, group); else only the ways are.
    """

    step: str
    title: str
    world: World
    wait: int = 0
    wait_for: str = ""
    judged: Full | None = None
    touched: frozenset[str] | None = None
    shape: bool = False
    wave: str = ""
    order: str = ""
    origins: tuple[str, ...] = ORIGINS


@dataclass
class Plot:
    """Where the story stands: the tenant as it would show itself, its world, the time, the evidence."""

    case: Situation
    shown: Shown
    rows: Mapping[str, Sequence[Row]]
    members: Mapping[str, Sequence[Row]]
    observed: Observed
    evidence: Evidence
    world: World

    @property
    def inputs(self) -> Inputs:
        """What was declared."""
        return self.case.inputs

    @property
    def latency(self) -> int:
        """Seconds until a change surely acts."""
        return int(self.inputs.raw["rule_latency"])

    def now(self) -> str:
        """The story's time."""
        return self.shown.snapshot.now

    def later(self, seconds: int) -> None:
        """Time passes."""
        moment = objects.clock(self.shown.snapshot) + timedelta(seconds=seconds)
        self.shown = replace(self.shown, snapshot=replace(self.shown.snapshot, now=objects.stamp(moment)))

    def moment(self, step: str, users: Sequence[WaveUser] = (), order: str = "") -> Full:
        """What the guards of a step would see now."""
        raw = {**self.inputs.raw, "teardown_order": order} if order else self.inputs.raw
        inputs = replace(self.inputs, users=tuple(users), raw=raw)
        case = replace(self.case, inputs=inputs, snapshot=self.shown.snapshot, step=step, check_mode=True)
        # Nobody can read the trace of a time to come. By prediction a connector carries nothing when its rule has stopped.
        last = step in {"remove", "dismantle"} or step == FINAL[inputs.text("teardown_order")]
        evidence = replace(self.evidence, trace=Trace(1.0)) if last else self.evidence
        return Full(case, self.world, evidence)

    def again(self) -> World:
        """The world of the tenant as it shows itself now."""
        rows = {**self.rows, "domains": self.shown.domains}
        return world_of(self.shown.snapshot, self.inputs, rows, self.members, self.observed)

    def sources(self) -> tuple[str, ...]:
        """The foreign systems."""
        return tuple(source.name for source in self.world.sources)


def story(plot: Plot) -> Iterator[State]:
    """Every state of the plan, from the tenant as it is to the last one."""
    yield State("now", "as it is", plot.world, shape=True)
    yield from _set_up(plot)
    if plot.inputs.text("mx") == "first":
        yield from _mx(plot)
    for wave in dict.fromkeys(user.wave for user in plot.inputs.waves):
        yield from _wave(plot, wave, [user for user in plot.inputs.waves if user.wave == wave])
    if plot.inputs.text("mx") != "first":
        yield from _mx(plot)
    chosen = plot.inputs.text("teardown_order")
    for order in sorted(ORDERS, key=lambda one: one == chosen):
        yield from _teardown(replace(plot), order, chosen=order == chosen)
    ended = _dismantled(plot, chosen)
    yield State(
        "sources_off",
        "forwards off, the foreign host switched off",
        change.off(ended.world, plot.sources()),
        judged=ended.moment("sources_off"),
        origins=("internet", "tenant"),
    )


def _set_up(plot: Plot) -> Iterator[State]:
    judged = plot.moment("setup")
    plot.shown = simulated.after_setup(plot.case, plot.shown)
    plot.world = plot.again()
    yield State("setup", "domains relay, group and connectors are there, no rule yet", plot.world, judged=judged, shape=True)
    judged = plot.moment("enforce")
    plot.shown = simulated.after_enforce(plot.case, plot.shown, plot.now())
    plot.world = plot.again()
    names = [one.name for one in objects.of(plot.inputs, objects.RULE)]
    yield State("enforce", "rules on, may not act yet", plot.world, plot.latency, "the rules to act", judged, shape=True)
    plot.later(plot.latency)
    plot.world = change.rules_on(plot.world, names)
    yield State("enforce", "rules on and acting", plot.world)


def _users(plot: Plot, users: Sequence[WaveUser]) -> tuple[frozenset[str], dict[str, Forward]]:
    """The ids of a wave's users, and their forwards."""
    found = {one.primary: one for one in plot.shown.snapshot.recipients}
    ids, forwards = set[str](), dict[str, Forward]()
    keep = str(plot.inputs.raw.get("forward_keep_copy") or "").casefold() in {"true", "yes", "1"}
    for user in users:
        party = person_of(plot.world, user.address).party
        if party is None:
            continue
        ids.add(party.id)
        recipient = found.get(party.primary)
        address, target = forwarding(plot.inputs, plot.shown.snapshot, recipient) if recipient else ("", "")
        if address and target:
            forwards[fold(address)] = Forward(fold(target), keep)
    return frozenset(ids), forwards


def _wave(plot: Plot, wave: str, users: Sequence[WaveUser]) -> Iterator[State]:
    ids, forwards = _users(plot, users)
    addresses = [user.address for user in users]
    group = plot.world.by_address.get(plot.world.group)
    touched = ids | frozenset(addresses) | frozenset(forwards) | frozenset({group.id} if group else ())
    change_of = change.left if plot.inputs.pending else change.joined
    judged = plot.moment("cutover", users)
    before = plot.world
    plot.world = change_of(before, ids, settled=False)
    wait = "the membership to act"
    yield State("cutover", f"{len(users)} users in the group, may not act yet", plot.world, plot.latency, wait, judged, touched, wave=wave)
    plot.later(plot.latency)
    join, leave = ((), addresses) if plot.inputs.pending else (addresses, ())
    snapshot = plot.shown.snapshot
    plot.shown = replace(plot.shown, snapshot=replace(snapshot, members=simulated.members_after(snapshot, join, leave)))
    plot.world = change_of(before, ids)
    slow = GOOGLE if any(_backend(plot.inputs, address) == "google" for address in forwards) else 0
    wait = "the provider's map of forwards to act" if slow else ""
    yield State("cutover", "in the group and effective, no forward yet", plot.world, slow, wait, touched=touched, wave=wave)
    plot.later(slow)
    for state in _forwarded(plot, users, forwards):
        yield replace(state, touched=touched, wave=wave)


def _forwarded(plot: Plot, users: Sequence[WaveUser], forwards: Mapping[str, Forward]) -> Iterator[State]:
    """Forwards and the last sync. A wave is told to read in the tenant with its last sync, whether its forwards are on or not."""
    addresses = [user.address for user in users]
    judged: Full | None = plot.moment("forward", users)
    switched = {address: forward for address, forward in forwards.items() if _backend(plot.inputs, address) != "none"}
    if len(switched) < len(forwards):
        title = f"last sync done before the {len(forwards) - len(switched)} forwards that no back end switches are on"
        forgotten = change.forwarded(plot.world, switched)
        yield State("forward", title, _settled(forgotten, addresses), judged=judged)
        judged = None
    plot.world = change.forwarded(plot.world, forwards)
    yield State("forward", "forwards on, last sync to come", plot.world, 0, "the last sync", judged)
    plot.world = _settled(plot.world, addresses)
    yield State("forward", "last sync done", plot.world)


def _backend(inputs: Inputs, address: str) -> str:
    """What switches the forward of an address at its source."""
    own = next((source.forwarding_backend for source in inputs.sources if domain_of(address) in source.domains), "")
    return own or inputs.text("forwarding_backend")


def _settled(world: World, addresses: Sequence[str]) -> World:
    """The same after the last sync of these people, who read in the tenant from here."""
    return replace(change.synced(world, addresses), reads={**world.reads, **dict.fromkeys(addresses, "tenant")})


def _mx(plot: Plot) -> Iterator[State]:
    judged, domains, known = plot.moment("mx"), plot.inputs.domains, plot.evidence.mx_changes
    ttl = max((known[domain].ttl for domain in domains if domain in known), default=0) or TTL
    seen = {
        domain: MxChange(plot.now(), ttl, TENANT, plot.world.mx[domain].holder if domain in plot.world.mx else "") for domain in domains
    }
    plot.world = change.mx_at(plot.world, domains, settled=False)
    yield State("mx", "MX moved, some resolvers hold the former one", plot.world, ttl, "the former MX to expire", judged)
    plot.later(ttl)
    plot.evidence = replace(plot.evidence, mx_changes={**plot.evidence.mx_changes, **seen})
    plot.world = change.mx_at(plot.world, domains)
    yield State("mx", "MX at the tenant", plot.world, QUEUE, "late senders on the old path")
    plot.later(QUEUE)


def _stopped(plot: Plot, order: str, judged: Full | None) -> Iterator[State]:
    names = [one.name for one in objects.of(plot.inputs, objects.RULE)]
    plot.shown = simulated.stopped(plot.shown, names, plot.now())
    before = plot.world
    plot.world = change.rules_off(before, names, settled=False)
    yield State("teardown", "rules off, may still act", plot.world, plot.latency, "the rules to stop acting", judged, order=order)
    plot.later(plot.latency)
    plot.world = change.rules_off(before, names)
    yield State("teardown", "rules off and not acting", plot.world, order=order)


def _final(plot: Plot) -> World:
    """Domains of the types that a teardown leaves."""
    world = plot.world
    for domain, (kind, _why) in final_types(plot.moment("teardown").situation).items():
        world = change.typed(world, [domain], fold(kind))
    return world


def _without_rules(plot: Plot) -> World:
    gone = {fold(one.name) for one in objects.of(plot.inputs, objects.RULE)}
    return replace(plot.world, rules=tuple(rule for rule in plot.world.rules if fold(rule.name) not in gone))


def _teardown(plot: Plot, order: str, *, chosen: bool) -> Iterator[State]:
    """One order, each removal a state. The other one is played too, to be compared."""
    say = order if chosen else f"{order}{COMPARED}"
    judged: Full | None = plot.moment("teardown", order=order)
    if order == "loop_free":
        plot.world = _final(plot)
        yield State("teardown", _typed(plot), plot.world, judged=judged, order=say)
        judged = None
    yield from _stopped(plot, say, judged)
    judged = plot.moment("remove", order=order)
    plot.world = _without_rules(plot)
    plot.shown = simulated.without(plot.shown, plot.case, *OURS)
    yield State("remove", "rules removed", plot.world, judged=judged, order=say)
    judged = plot.moment("dismantle", order=order)
    names = [fold(one.name) for one in objects.of(plot.inputs, objects.CONNECTOR)]
    plot.world = change.without_connectors(plot.world, names)
    yield State("dismantle", "connectors removed", plot.world, judged=judged, order=say)
    final = _final(plot)
    plot.world = change.without_group(plot.world)
    yield State("dismantle", "group removed", plot.world, order=say)
    if order == "documented":
        plot.world = replace(plot.world, domains=final.domains)
        yield State("dismantle", _typed(plot), plot.world, order=say)


def _typed(plot: Plot) -> str:
    kinds = sorted({plot.world.domains[domain].type for domain in plot.inputs.domains if domain in plot.world.domains})
    return f"domains are {' and '.join('Authoritative' if kind == AUTHORITATIVE else 'InternalRelay' for kind in kinds)}"


def _dismantled(plot: Plot, order: str) -> Plot:
    """The end of the chosen order."""
    ended = replace(plot)
    for _state in _teardown(ended, order, chosen=True):
        pass
    return ended
