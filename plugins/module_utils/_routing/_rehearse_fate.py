# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The fate of one recipient in one state. A group's is the worst of its members', each looked at alone. Pure.

The worst over all readings of the worst over all members is the worst over all members of the worst over all readings:
so members that nothing tells apart are asked once, and their questions do not multiply.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from ._checks import domain_of
from ._outcomes import OUTCOMES, entry_of, worst
from ._predict import Prediction, predict
from ._world import EXPANDED, Party, World

MATCHES = "rule matches: "


@dataclass(frozen=True)
class Fate:
    """prediction: the routes on which no rule matches whose predicates are not evaluated; its verdict is their worst.

    beyond: rules whose predicates are not evaluated and that make it worse where they match.
    """

    prediction: Prediction
    beyond: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """What is counted."""
        return self.prediction.verdict


def fate_of(found: Prediction) -> Fate:
    """The fate that a prediction shows."""
    by_rule = {key for route in found.routes for key in route.assumed if key.startswith(MATCHES)}
    if not by_rule:
        return Fate(found)
    plain = tuple(route for route in found.routes if not any(route.assumed.get(key) == "matches" for key in by_rule))
    if not plain:
        return Fate(found)
    known = worst(route.outcome for route in found.routes)
    cut = found.verdict if OUTCOMES.index(found.verdict) > OUTCOMES.index(known) else ""
    verdict = worst([*(route.outcome for route in plain), *([cut] if cut else [])])
    worse = [route for route in found.routes if OUTCOMES.index(route.outcome) > OUTCOMES.index(verdict)]
    rules = {key.removeprefix(MATCHES) for route in worse for key in by_rule if route.assumed.get(key) == "matches"}
    return Fate(replace(found, routes=plain, verdict=verdict), tuple(sorted(rules)))


def joined(fates: Iterable[Fate]) -> Fate:
    """The worst of several, with the rules of all."""
    found = tuple(fates)
    bad = max(found, key=lambda fate: OUTCOMES.index(fate.outcome))
    return Fate(bad.prediction, tuple(sorted({rule for fate in found for rule in fate.beyond})))


@dataclass(frozen=True)
class Leaf:
    """One end of a group: the groups on the way, from the outermost, and the member."""

    path: tuple[Party, ...]
    member: Party


def group_of(world: World, address: str) -> Party | None:
    """The group that an address is, when its members are known and there are any."""
    party = world.by_address.get(address)
    return party if party and party.kind in EXPANDED and party.members else None


def ends_of(world: World, address: str, group: Party, signs: Mapping[str, Hashable]) -> dict[Hashable, Leaf]:
    """The ends of the group with an address, one for each fate; one that leads back is left out, as the service does.

    Equal are those of whom the outside sees the same group, with the same doors on the way, and whose sign is the same. signs: by address.
    """
    source = world.source_of(domain_of(address))
    listed = source is not None and (entry_of(source, address) is not None or address in source.forwards)
    own = address if listed else (domain_of(address), group.kind)
    found: dict[Hashable, Leaf] = {}
    waiting: list[tuple[Party, ...]] = [(group,)]
    while waiting:
        path = waiting.pop()
        met, doors = {one.id for one in path}, tuple(one.outsiders for one in path)
        for member in (world.by_id[one] for one in path[-1].members or () if one not in met and one in world.by_id):
            if member.members and member.kind in EXPANDED:
                waiting.append((*path, member))
            else:
                key = own, doors, signs.get(member.primary, member.id)
                if key not in found:
                    found[key] = Leaf(path, member)
    return found


def narrowed(world: World, leaf: Leaf) -> World:
    """The same world with each group on the way reduced to the way; rules still see the whole groups."""
    steps = [*leaf.path[1:], leaf.member]
    groups = [replace(group, members=(step.id,)) for group, step in zip(leaf.path, steps, strict=True)]
    made = replace(world)
    made.__dict__.update(
        by_id=ChainMap({group.id: group for group in groups}, dict_of(world.by_id)),
        by_address=ChainMap({address: group for group in groups for address in group.addresses}, dict_of(world.by_address)),
    )
    for name in ("members", "nested", "ordered", "shared", "headers"):
        made.__dict__[name] = getattr(world, name)
    return made


def dict_of(found: Mapping[str, Party]) -> dict[str, Party]:
    """The mapping itself where it is a dict."""
    return found if isinstance(found, dict) else dict(found)


def predicted(world: World, senders: Iterable[str], address: str, origin: str) -> Fate:
    """One recipient that is no group: the worst by any of the senders."""
    return joined(fate_of(predict(world, sender, address, origin)) for sender in senders)
