# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Who holds a domain's MX, what resolvers still hold, and since when: what name servers said, as values of the world. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, host_key

from . import _objects as objects
from ._evidence import MxChange, settles
from ._findings import Situation
from ._outside import is_service
from ._snapshot import Thing
from ._world import TENANT, Mx
from ._world_of import NAMELESS

# What a null MX says (RFC 7505).
NOBODY = "nobody (null MX)"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Home:
    """A foreign system as its hosts show it. domains: those that it serves. hosts: names and addresses of its smart hosts, as keys."""

    name: str
    domains: tuple[str, ...]
    hosts: frozenset[Any]


def smart_hosts(case: Situation) -> dict[str, tuple[str, ...]]:
    """Per source its smart hosts: those declared, and those that our connector shows."""
    found = {}
    for one in objects.of(case.inputs, objects.CONNECTOR):
        thing: Thing | None = objects.find(case.inputs, case.snapshot, one)
        shown = sorted(thing.folds("SmartHosts")) if thing else []
        hosts = [str(host_key(host)) for host in (*one.source.smart_hosts, *shown)]
        # A network names no host that could be asked about.
        found[one.source.name or NAMELESS] = tuple(dict.fromkeys(host for host in hosts if "/" not in host))
    return found


def homes(case: Situation, resolved: Mapping[str, Row]) -> list[Home]:
    """The foreign systems with the addresses of their hosts. resolved: the `hosts` of the tool `dns`."""
    named = smart_hosts(case)
    found = []
    for source in case.inputs.sources:
        name = source.name or NAMELESS
        hosts = named.get(name, ())
        addresses = [address for host in hosts for address in (resolved.get(host) or {}).get("addresses") or ()]
        found.append(Home(name, source.domains, frozenset(map(host_key, (*hosts, *addresses)))))
    return found


def side_of(host: str, addresses: Iterable[str], known: Sequence[Home], domain: str) -> str:
    """Whose a mail exchanger is: `tenant`, a source by name, or the host itself."""
    if host == ".":
        return NOBODY
    if is_service(host):
        return TENANT
    keys = {host_key(host), *map(host_key, addresses)}
    near = sorted(known, key=lambda home: domain not in home.domains)
    return next((home.name for home in near if keys & home.hosts), fold(host))


def sides(
    answer: Row, addresses: Mapping[str, Sequence[str]], known: Sequence[Home], domain: str, *, further: bool = False
) -> tuple[str, ...]:
    """Who answers by one server's word: those of the best preference, or further ones too; none where the domain has no MX."""
    pairs = list(answer.get("mx") or ())
    best = min((one["preference"] for one in pairs), default=0)
    hosts = [str(one["host"]) for one in pairs if further or one["preference"] == best]
    return tuple(dict.fromkeys(side_of(host, addresses.get(host, ()), known, domain) for host in hosts))


def _beside(row: Row, held: Mx, known: Sequence[Home], domain: str) -> tuple[str, ...]:
    """Whom the MX names beside its holder: by the domain's own servers, and by resolvers that know the former one no more."""
    answers = [row, *(answer for answer in (row.get("resolvers") or {}).values() if not answer.get("error"))]
    named = [side for answer in answers for side in sides(answer, row.get("addresses") or {}, known, domain, further=True)]
    gone = {held.holder, held.before} if held.until else {held.holder}
    return tuple(dict.fromkeys(side for side in named if side not in gone and side != NOBODY))


@dataclass(frozen=True)
class Seen:
    """What was seen of one domain. mx: None where nobody could tell. change: the newest one. why: what is not known."""

    mx: Mx | None = None
    change: MxChange | None = None
    why: str = ""


def seen_of(case: Situation, domain: str, row: Row, known: Sequence[Home]) -> Seen:
    """One domain's answer of the tool `dns`, held against what the group's line notes."""
    found = _seen(case, domain, row, known)
    if found.mx is None:
        return found
    beside = _beside(row, found.mx, known, domain)
    return replace(found, mx=replace(found.mx, beside=beside, ttl=_longest(row, "authoritative"), held=_longest(row, "resolvers")))


def _longest(row: Row, servers: str) -> int | None:
    """The longest time to live, in seconds, that some of these servers told; None for none."""
    return max((int(one["ttl"]) for one in (row.get(servers) or {}).values() if not one.get("error") and "ttl" in one), default=None)


def _seen(case: Situation, domain: str, row: Row, known: Sequence[Home]) -> Seen:
    noted = noted_of(case, domain)
    if row.get("error"):
        return Seen(None, noted, str(row["error"]))
    addresses = row.get("addresses") or {}
    held = sides(row, addresses, known, domain)
    if not held:
        return Seen(None, noted, f"it has no MX ({row.get('status')})")
    resolvers = [answer for answer in (row.get("resolvers") or {}).values() if not answer.get("error")]
    now = objects.clock(case.snapshot)
    ttl = max([int(row.get("ttl") or 0), *(int(answer.get("ttl") or 0) for answer in resolvers)])
    change = _changed(case, domain, held[0], ttl, noted)
    for answer in sorted(resolvers, key=lambda one: -int(one.get("ttl") or 0)):
        other = [side for side in sides(answer, addresses, known, domain) if side not in held]
        if other:
            until = objects.stamp(now + timedelta(seconds=int(answer["ttl"])))
            return Seen(Mx(held[0], other[0], until), change)
    return Seen(_under_way(held, change, now), change)


def _under_way(held: Sequence[str], change: MxChange | None, now: datetime) -> Mx:
    """Two hosts of one preference that lead to two sides are both asked; so is the former one until nobody can hold it.

    A change without a noted time counts by what the resolvers show, or a step that waits for its end would never see it.
    """
    over = settles(change) if change and not change.fresh and change.before not in {"", held[0]} else None
    if change and over and now < over:
        return Mx(held[0], change.before, objects.stamp(over))
    return Mx(held[0], held[1] if len(held) > 1 else "")


def noted_of(case: Situation, domain: str) -> MxChange | None:
    """The change that the group's line notes, with the holder before it as far as the sides tell."""
    text = objects.line_of(case.inputs, case.snapshot).mx.get(domain, "")
    change = MxChange.read(text.replace(NOW, objects.stamp(objects.clock(case.snapshot))))
    return replace(change, before=_other(case, domain, change.holder)) if change else None


def _own(case: Situation, domain: str) -> str:
    """The source that serves a domain; empty for none."""
    return next((source.name or NAMELESS for source in case.inputs.sources if domain in source.domains), "")


def _other(case: Situation, domain: str, holder: str) -> str:
    """Between a tenant and a source an MX moves from one to the other; who was before a third one is not noted."""
    own = _own(case, domain)
    return own if holder == TENANT else TENANT if _key(holder) == _key(own) else ""


def _changed(case: Situation, domain: str, holder: str, ttl: int, noted: MxChange | None) -> MxChange | None:
    """The newest change: the noted one while its holder still stands, else one that is seen now.

    An MX at its source needs no note: so it is before anything of ours is there. Where nothing of ours was there to see
    it before, nobody knows who held it.
    """
    if noted is not None and _key(noted.holder) == _key(holder):
        return replace(noted, holder=holder)
    own = _own(case, domain)
    if noted is None and holder == own:
        return None
    watched = any(True for _unused in objects.present(case.inputs, case.snapshot, objects.GROUP))
    before = noted.holder if noted else own if watched else ""
    at = objects.stamp(objects.clock(case.snapshot))
    return MxChange(at, max(ttl, noted.ttl if noted else 0), holder, before, fresh=True)


def _key(holder: str) -> str:
    """Names as the line can tell them apart."""
    return fold(holder).replace("_", " ")


def notes(case: Situation, changes: Mapping[str, MxChange]) -> dict[str, str]:
    """What the group's line shall hold of changes that it does not note yet; in check mode their time is `<now>`."""
    fresh = {domain: change for domain, change in changes.items() if change.fresh}
    return {domain: replace(change, at=NOW if case.check_mode else change.at).noted for domain, change in fresh.items()}
