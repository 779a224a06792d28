# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What a step asks of mail: waits, probes, forwards at the sources, and the time plan. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._values import parse_date

from . import _objects as objects
from ._checks import domain_of, unique
from ._evidence import counted
from ._exchangers import smart_hosts
from ._findings import Situation
from ._guards_way import strangers
from ._inputs import Inputs, Source
from ._snapshot import Thing, holders
from ._waves import BOXES, Checked, at_source, check, forwarding
from ._world_of import NAMELESS

Plan = dict[str, Any]

# Nobody has this name; what becomes of its mail shows whether a rule still acts.
NOBODY = "mailops-probe-of-no-mailbox"
# Back ends that a role switches and reads back; the others write a file for somebody else, or leave it to people (none).
SWITCHED = frozenset({"postfix", "zimbra", "cpanel"})
NONE, GOOGLE = "none", "google"
# What to do when probes do not show what they were made for.
LOOK = "Look at the rules and at the group, then run again: what was done is kept."
OFF = "the forwards to be off"
LOOK_AT_FORWARDS = "Look at the forwards at the source, then run again: what was done is kept."


def acting_since(case: Situation, moved: str) -> datetime | None:
    """From when the membership and the rules that use it are as they are now; None when nothing is known to have changed.

    What changed the group and is not noted may have been a membership.
    """
    now = objects.clock(case.snapshot)
    times = [objects.moment(moved, now) if moved else None, objects.unnoted(case.inputs, case.snapshot)]
    times += [parse_date(rule.row.get("WhenChanged")) for rule in objects.mine(case.inputs, case.snapshot, objects.RULE)]
    return max((time for time in times if time and time <= now), default=None)


def waits(case: Situation, moved: str, probes: Sequence[Plan], reason: str) -> list[Plan]:
    """The wait until a membership acts, counted from when it was changed, and its probes; those alone when that is long enough ago.

    A time that is over proves nothing: the service may take longer, and a run that gave up on its probes is run again.
    """
    since, latency = acting_since(case, moved), int(case.inputs.raw["rule_latency"])
    now = objects.clock(case.snapshot)
    if since is None or not objects.remaining(since, latency, now):
        return proof(probes, reason)
    counted = objects.stamp(since) if since < now else ""
    return [{**_wait(probes, reason), "since": counted, "seconds": latency}]


def sender(case: Situation, origin: str, recipient: str) -> Plan:
    """Who a probe is from: inside, an address in the recipient's domain if one is named; left out, the submission account."""
    if origin == "internet":
        named = [case.inputs.text("probe_outside_sender").strip()]
    else:
        named = sorted(case.inputs.probe_senders, key=lambda address: domain_of(address) != domain_of(recipient))
    return {"sender": named[0]} if named and named[0] not in {"", "None"} else {}


def sample(case: Situation) -> int | None:
    """How many people are probed, since each probe is a message in somebody's mailbox; None for all."""
    return int(case.inputs.raw["probe_sample"]) or None


def probe(case: Situation, origin: str, recipient: str, place: str, **more: Any) -> Plan:
    """One probe. place: where it must arrive, `tenant` or `source`; avoid: where it must not.

    The source is known by its smart hosts; steps that need not name them find them on our connector.
    """
    own = [source for source in case.inputs.sources if domain_of(recipient) in source.domains]
    shown = smart_hosts(case)
    hosts = unique(host for one in own or case.inputs.sources for host in (*one.smart_hosts, *shown.get(one.name or NAMELESS, ())))
    known: Plan = {"origin": origin, "kind": "mail", "recipient": recipient, "place": place, "smart_hosts": list(hosts)}
    return {**known, **sender(case, origin, recipient), **more}


def way_out(case: Situation) -> list[Plan]:
    """Per source a probe from the tenant to an address that only the source knows (U25).

    None where a rule acts already, unless the step leads its connector to another host.
    """
    held = holders(case.snapshot)
    standing = {one.name for one, rule in objects.present(case.inputs, case.snapshot, objects.RULE) if rule.enforced}
    found = []
    for source in case.inputs.sources:
        if source.named(case.inputs.text("rule_name")) in standing and not any(strangers(case, source)):
            continue
        named = [address.casefold() for address in case.inputs.validation_recipients if domain_of(address) in source.domains]
        listed = [entry.address for entry in (case.inputs.source_list or {}).values() if _reads_there(source, entry.address, entry.kind)]
        unheld = [address for address in (*named, *sorted(listed)) if address not in held]
        if unheld:
            found.append(probe(case, "tenant", unheld[0], "source"))
    return found


def _reads_there(source: Source, address: str, kind: str) -> bool:
    return kind == "mailbox" and domain_of(address) in source.domains


def membership(case: Situation, users: Sequence[Checked], *, back: bool) -> list[Plan]:
    """Probes from the tenant to users whose membership changed: each must arrive where the user reads from now on."""
    chosen = [one.user.address for one in users][: sample(case)]
    return [probe(case, "tenant", address, "source" if back else "tenant") for address in chosen]


def effect(case: Situation, moved: str, users: Sequence[Checked], *, back: bool) -> list[Plan]:
    """The waits of a wave, one after the other: for rules that may not act yet, and for the membership."""
    rules = proof(staying(case, users), "the rules to act") if users and not back else []
    return rules + waits(case, moved, membership(case, users, back=back), "the membership to act")


def staying(case: Situation, users: Sequence[Checked]) -> list[Plan]:
    """Per rule that may not act yet a probe from the tenant to somebody who stays at the source: only a rule that acts takes it there.

    Such a rule leaves mail in the tenant, as a membership that acts does: by the wave's own people the two cannot be told apart.
    """
    young = [one for one, rule in objects.present(case.inputs, case.snapshot, objects.RULE) if rule.enabled and _young(case, rule)]
    if not young:
        return []
    inside = {identity for member in case.snapshot.members for identity in member.ids}
    going = {one.found for one in users}
    at_source = {one.address for one in (case.inputs.source_list or {}).values() if (one.kind, one.home) == ("mailbox", "source")}
    stay = sorted(
        one.primary
        for one in case.snapshot.recipients
        if one.live and one.primary in at_source and one not in going and bool(one.ids & inside) == case.inputs.pending
    )
    named = (next((address for address in stay if domain_of(address) in one.domains), "") for one in young)
    return [probe(case, "tenant", address, "source") for address in named if address]


def _young(case: Situation, rule: Thing) -> bool:
    """True unless a rule is known to have been as it is for longer than a role waits at most."""
    changed, now = parse_date(rule.row.get("WhenChanged")), objects.clock(case.snapshot)
    return not changed or changed > now or now - changed < timedelta(seconds=int(case.inputs.raw["effect_timeout"]))


def forwarded(case: Situation, addresses: Iterable[str], place: str, moved: frozenset[str], *, every: bool = False) -> list[Plan]:
    """Probes to users whose forward was switched, by the way that meets it. moved: domains whose MX is at the tenant. every: no sample.

    Where the MX is at the tenant, outside mail never meets the forward: the probe is then handed to the foreign host itself.
    """
    found = []
    for address in list(addresses)[: None if every else sample(case)]:
        origin = "source" if domain_of(address) in moved else "internet"
        found.append({**probe(case, "internet", address, place), "origin": origin})
    return found


def stopped(case: Situation, moved: frozenset[str]) -> list[Plan]:
    """Probes from the tenant to an address that nobody has: a routing rule that still acts sends it to the source (U20).

    None in the loop-free order: domains that are final refuse such an address before any rule sees it. None either where such mail ends
    at the source without any rule: it holds the MX (the domain is not among `moved`), and takes unknown addresses.
    """
    final = case.inputs.text("teardown_order") == "loop_free"
    if final or not any(objects.present(case.inputs, case.snapshot, objects.RULE)):
        return []
    refuses = case.inputs.text("foreign_unknown") == "reject"
    telling = [domain for domain in case.inputs.domains if refuses or domain in moved]
    return [probe(case, "tenant", f"{NOBODY}@{domain}", "", avoid="source") for domain in telling]


def backend_of(inputs: Inputs, source: Source) -> str:
    """What keeps the forwards of a source: its own back end, or that of all."""
    return source.forwarding_backend or inputs.text("forwarding_backend")


def ways(case: Situation, forwards: Sequence[Plan], *, on: bool) -> list[Plan]:
    """Forwards by the host that keeps them: one entry for each source that names a back end; for a file and for Postfix with a row for
    each alias."""
    found = []
    keep = bool(case.inputs.raw["forward_keep_copy"])
    named = {str(one["address"]).casefold(): one for one in forwards}
    listed = (case.inputs.source_list or {}).values()
    owned = [(entry, named.get(entry.owner.casefold())) for entry in listed if entry.kind == "alias" and entry.address not in named]
    aliases = [{**one, "address": entry.address, "owner": one["address"]} for entry, one in owned if one]
    for source in case.inputs.sources:
        backend = backend_of(case.inputs, source)
        # A file is taken in address by address (S8), and Postfix leads on only the aliases of some of its maps. On the other systems an
        # alias leads to its mailbox, whose forward then acts.
        rows_of = forwards if backend in SWITCHED - {"postfix"} else [*forwards, *aliases]
        own = [one for one in rows_of if domain_of(str(one["address"])) in source.domains]
        host = source.forwarding_host or str(case.inputs.raw.get("forwarding_host") or "")
        if own and backend != NONE:
            name = source.name or "the source"
            rows = [{**one, "keep_copy": keep} for one in own]
            way = {"name": name, "backend": backend, "host": host, "state": "on" if on else "off", "forwards": rows}
            standing = _standing(case, source, {str(one["address"]) for one in own}) if on and backend not in SWITCHED else []
            found.append({**way, "options": dict(source.forwarding_options), **({"standing": standing} if standing else {})})
    return found


def _standing(case: Situation, source: Source, own: Collection[str]) -> list[str]:
    """The mailboxes of a source whose people are in the group already: the file of the earlier waves has their lines."""
    if case.inputs.pending or case.inputs.source_list is None:
        return []
    addresses = {at_source(case.inputs, case.snapshot, member) for member in case.snapshot.members}
    boxes = (case.inputs.source_list[address] for address in addresses - {""} if address in case.inputs.source_list)
    return sorted(one.address for one in boxes if one.kind in BOXES and domain_of(one.address) in source.domains and one.address not in own)


def read_back(way: Plan) -> Plan:
    """A way that reads back what its mailboxes show; where an alias leads is no forward of anybody."""
    return {**way, "state": "read", "forwards": [one for one in way["forwards"] if "owner" not in one]}


def together(ways_: Sequence[Plan]) -> list[Plan]:
    """Ways to read in one run of the role, whose results a second run would take the place of; nothing without any."""
    return [{"name": ", ".join(way["name"] for way in ways_), "ways": list(ways_)}] if ways_ else []


def one_form(switched: Sequence[Plan]) -> list[str]:
    """What is wrong with ways that would write one file in two forms."""
    files: dict[str, dict[str, str]] = {}
    for way in switched:
        if way["backend"] not in SWITCHED:
            files.setdefault(str(way["options"].get("dest") or ""), {})[str(way["backend"])] = str(way["name"])
    problems = []
    for dest, forms in files.items():
        told = " and ".join(f"'{name}' ({backend})" for backend, name in sorted(forms.items()))
        why = f"the forwards of {told} would go into one file ({dest or 'source_forwarding_dest'}) in two forms, the later over the earlier"
        if len(forms) > 1:
            problems.append(f"coexistence_sources: {why}; give each of them a dest of its own in its forwarding_options.")
    return problems


def time_plan(case: Situation, users: int, addresses: Sequence[str], *, back: bool, since: str = "") -> list[str]:
    """What happens when, before it starts: one line for each step with the earliest time, by the service's clock.

    users: how many join or leave the group; addresses: all of the run, whose forwards are switched; since: of a wait that goes on.
    """
    now, latency = objects.clock(case.snapshot), timedelta(seconds=int(case.inputs.raw["rule_latency"]))
    longest = timedelta(seconds=int(case.inputs.raw["effect_timeout"]))
    acts, latest = objects.stamp((parse_date(since) or now) + latency), objects.stamp(now + longest)
    if back:
        return [
            *(f"now                   {text}" for text in _hands(case, addresses, "off")),
            f"then                  {users} users leave the group, when {_shows_off(case, addresses)}",
            f"{acts}  mail from the tenant reaches them at the source, at the latest {latest}",
            "until then            mail from the tenant may still land in their tenant mailboxes: copy it back",
        ]
    return [
        f"now                   {users} users join the group",
        f"{acts}  the membership acts (probes go on until {latest} at the latest)",
        *(f"then                  {text}" for text in _hands(case, addresses, "on")),
        "last                  with the forwards on: run the last sync of their mailboxes, and stop it; they read in the tenant from here",
    ]


def _shows_off(case: Situation, addresses: Sequence[str]) -> str:
    """What shows that forwards are off, of what can be had."""
    backends = {backend_of(case.inputs, source) for source in map(case.inputs.source_of, map(domain_of, addresses)) if source}
    files, probed = backends - {*SWITCHED, NONE, GOOGLE}, bool(sender(case, "internet", ""))
    ways_ = ["the source shows that their forwards are off"] if backends & SWITCHED else []
    ways_ += ["a dump taken after the change shows it (source_forwarding_dump)"] if files else []
    ways_ += ["probes from outside show that mail stays at the source"] if probed else []
    unproven = "you accept U8, since nothing can show it: coexistence_probe_outside_sender is empty"
    return " or ".join(ways_) or unproven


def _hands(case: Situation, addresses: Sequence[str], state: str) -> list[str]:
    """Who switches how many forwards."""
    backends = Counter(backend_of(case.inputs, source) for source in map(case.inputs.source_of, map(domain_of, addresses)) if source)
    roles = sum(backends[name] for name in SWITCHED)
    files = {name: number for name, number in backends.items() if name not in {*SWITCHED, NONE}}
    found = [f"{roles} forwards are switched {state} at the source, and probed from outside"] if roles else []
    found += [f"{number} forwards go into the file for {name}: have it taken in, then run again" for name, number in sorted(files.items())]
    aliases = sorted(_aliases(case, addresses)) if state == "on" else []
    if aliases:
        found.append(f"each alias that virtual_alias_maps do not lead on gets a line of its own: {counted(aliases)}")
    if backends[NONE]:
        found.append(f"{backends[NONE]} forwards are yours to switch {state} at the source (coexistence_forwarding_backend is none)")
    return found


def _aliases(case: Situation, addresses: Sequence[str]) -> Iterator[str]:
    """Aliases of these mailboxes on a Postfix host, which leads them on by itself, or not."""
    owners = {address.casefold() for address in addresses}
    for entry in (case.inputs.source_list or {}).values():
        source = case.inputs.source_of(domain_of(entry.address))
        if entry.kind == "alias" and entry.owner.casefold() in owners and source and backend_of(case.inputs, source) == "postfix":
            yield entry.address


def forwards(case: Situation, *, movable: bool = False) -> list[Plan]:
    """Per user of the run the forward that the source shall have: `address` leads to `routing_address`.

    movable: only of users against whom nothing speaks.
    """
    found = []
    for one in check(case.inputs, case.snapshot):
        if movable and one.faults:
            continue
        address, routing = forwarding(case.inputs, case.snapshot, one.found) if one.found else ("", "")
        if address and routing:
            found.append({"address": address, "routing_address": routing})
    return found


def _wait(probes: Sequence[Plan], reason: str, *, patient: bool = True, remedy: str = LOOK) -> Plan:
    return {"since": "", "seconds": 0, "for": reason, "probes": list(probes), "patient": patient, "remedy": remedy}


def proof(probes: Sequence[Plan], reason: str, *, patient: bool = True, remedy: str = LOOK) -> list[Plan]:
    """A wait by probes alone; none without any. patient: they are made until they show what they are made for."""
    return [_wait(probes, reason, patient=patient, remedy=remedy)] if probes else []


def _on(case: Situation, moved: frozenset[str]) -> Plan:
    """Forwards to switch on. What a role switches is probed until it acts; what somebody takes in from a file is looked at once."""
    wanted = forwards(case)
    switched = ways(case, wanted, on=True)
    waits_ = []
    for patient in (True, False):
        own = [str(one["address"]) for way in switched if (way["backend"] in SWITCHED) == patient for one in way["forwards"]]
        probes = forwarded(case, own, "tenant", moved)
        waits_ += proof(probes, "the forwards to lead to the tenant", patient=patient, remedy=LOOK_AT_FORWARDS)
    return {"forwards": wanted, "ways": switched, "waits": waits_}


def _off(case: Situation, moved: frozenset[str]) -> Plan:
    """Forwards to switch off. Whoever switches them: nobody leaves the group before it is read back (`asked`), or probes show it.

    Where no role reads them back, each user is probed, since the forwards of some tell nothing of the others'.
    """
    wanted = forwards(case)
    switched = ways(case, wanted, on=False)
    # A check run switches nothing, so that only what somebody else takes in or switches shows as much as it will.
    read = [read_back(way) for way in switched if not (case.check_mode and way["backend"] in SWITCHED)]
    shown = {str(one["address"]) for way in switched if way["backend"] in SWITCHED for one in way["forwards"]}
    rest = [str(one["address"]) for one in wanted if str(one["address"]) not in shown]
    few = forwarded(case, [str(one["address"]) for one in wanted if str(one["address"]) in shown], "source", moved)
    asked = proof(few, OFF, remedy=LOOK_AT_FORWARDS)
    # What somebody else takes in or switches is looked at once: it is off by now, or the wave does not go back in this run.
    asked += proof(forwarded(case, rest, "source", moved, every=True), OFF, patient=False, remedy=LOOK_AT_FORWARDS)
    return {"forwards": wanted, "ways": switched, "waits": asked, "asked": together(read)}


def _stops(known: Sequence[Plan], probes: Sequence[Plan]) -> list[Plan]:
    """The wait of a teardown with its probes; a rule whose time is over is still probed before it goes."""
    timed = [{**_wait(probes, str(one["for"])), **one} for one in known]
    return timed or proof(probes, "the disabled rules to stop acting")


def mail_plan(case: Situation, made: Plan, moved: frozenset[str] = frozenset()) -> Plan:
    """A step's plan with what the step asks of mail, in lists that the roles loop over; most are empty.

    moved: the domains whose MX is at the tenant.
    """
    empty: Plan = {"forwards": [], "ways": []}
    steps: Mapping[str, Callable[[], Plan]] = {
        "setup": lambda: {"waits": proof(way_out(case), "proof that the foreign system takes mail of the tenant", patient=False)},
        "cutover": lambda: {"ways": ways(case, forwards(case, movable=True), on=True)},
        "forward": lambda: _on(case, moved),
        "unforward": lambda: _off(case, moved),
        "teardown": lambda: {"waits": _stops(made["waits"], stopped(case, moved))},
    }
    return {**made, **empty, **(steps[case.step]() if case.step in steps else {})}
