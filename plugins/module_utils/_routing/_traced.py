# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What the message trace means: what still leaves by the connectors, how much goes to unknown addresses, who got mail here. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, is_empty, parse_date

from . import _objects as objects
from ._checks import domain_of
from ._evidence import Trace
from ._findings import Situation
from ._plan import final_types
from ._snapshot import GROUPS, Recipient, holders
from ._waves import Checked
from ._world import INTERNAL_RELAY, plain

WINDOW = timedelta(days=2)
# How the ids of our own probes begin.
PROBES = "<probe."
# States of mail that reached a mailbox, with its folder of junk and its quarantine, from which mail is released into it.
ARRIVED = frozenset({"Delivered", "FilteredAsSpam", "Quarantined"})


def closing(case: Situation, types: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The shared domains that a teardown makes Authoritative and that are not yet. types: of the domains, by default the snapshot's."""
    final = finals(case)
    return tuple(domain for domain in relayed(case, types) if fold(final.get(domain, "Authoritative")) == "authoritative")


def finals(case: Situation) -> Mapping[str, str]:
    """Per shared domain the type that a teardown leaves: what its first task decided, or would decide now."""
    return case.final or {domain: kind for domain, (kind, _why) in final_types(case).items()}


def relayed(case: Situation, types: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The shared domains that are InternalRelay."""
    shown = types or {name: fold(domain.type) for name, domain in case.snapshot.domains.items()}
    return tuple(domain for domain in case.inputs.domains if shown.get(domain) == INTERNAL_RELAY)


def trace_of(case: Situation, rows: Iterable[Row]) -> Trace:
    """rows: what left by the hosts of our connectors, and what failed on its way to the shared domains; each once."""
    people, listed = holders(case.snapshot), case.inputs.source_list or {}
    inside = {identity for member in case.snapshot.members for identity in member.ids}
    # Who relays unknown addresses back reads none of that mail.
    stopped, relays = _stopped(case), case.inputs.text("foreign_unknown") == "relay"
    unknown: Counter[str] = Counter()
    connectors: Counter[str] = Counter()
    for row in rows:
        address = fold(row.get("RecipientAddress") or "")
        if domain_of(address) not in case.inputs.domains or str(row.get("MessageId") or "").startswith(PROBES):
            continue
        found = people.get(address) or people.get(plain(address)) or []
        known = bool(found) or address in listed or plain(address) in listed
        unknown[domain_of(address)] += not known
        left = fold(row.get("Status")) == "delivered"
        late = stopped is not None and (parse_date(row.get("Received")) or stopped) > stopped
        read = not any(_moved(case, one, inside) for one in found) if known else not relays
        if left and (late or read):
            connectors.update(one.name for one in objects.of(case.inputs, objects.CONNECTOR) if domain_of(address) in one.source.domains)
    return Trace(WINDOW / timedelta(days=1), dict(+unknown), dict(connectors))


def _moved(case: Situation, found: Recipient, inside: set[str]) -> bool:
    """A person whom the rule spares by now; a group is expanded before the rule looks."""
    if found.kind in GROUPS or found.addresses & set(case.inputs.tenant_addresses):
        return True
    return bool(found.ids & inside) != case.inputs.pending


def _stopped(case: Situation) -> datetime | None:
    """Since when every routing rule has surely stopped acting; None while one may still act."""
    times = list(objects.stops(case.inputs, case.snapshot, case.told).values())
    if not times or any(time is None for time in times):
        return None
    latency = timedelta(seconds=int(case.inputs.raw["rule_latency"]))
    return max(time for time in times if time is not None) + latency


def own_addresses(one: Checked) -> frozenset[str]:
    """Every address by which a user's mailbox in the tenant may get mail."""
    return one.found.addresses | {one.user.address} if one.found else frozenset({one.user.address})


def arrivals(going: Sequence[Checked], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Per user how many messages reached the mailbox in the tenant, and when the first and the last came; probes left aside.

    What left for another host says so by its ToIP. A message to two addresses of one user counts once.
    """
    here = {fold(state) for state in ARRIVED}
    users = {address: one.user.address for one in going for address in own_addresses(one)}
    times: dict[str, dict[str, datetime]] = {}
    for row in rows:
        at = parse_date(row.get("Received"))
        if at is None or fold(row.get("Status")) not in here or not is_empty(row.get("ToIP")):
            continue
        if not str(row.get("MessageId") or "").startswith(PROBES):
            known = times.setdefault(users.get(fold(row.get("RecipientAddress") or ""), ""), {})
            known[str(row.get("MessageId"))] = min(at, known.get(str(row.get("MessageId")), at))
    found = []
    for one in going:
        own = times.get(one.user.address, {})
        span = [objects.stamp(moment) for moment in (min(own.values()), max(own.values()))] if own else ["", ""]
        found.append({"user": one.user.address, "count": len(own), "first": span[0], "last": span[1]})
    return found


def arrived_lines(found: Sequence[Mapping[str, Any]], since: str) -> list[str]:
    """The same for a terminal."""
    unknown = [one for one in found if one["count"] is None]
    if unknown:
        return [f"what reached the tenant mailboxes of {len(unknown)} users since {since} is not known: {unknown[0]['why']}"]
    got = [one for one in found if one["count"]]
    total, what = sum(one["count"] for one in got), ": copy them back" if got else ""
    head = f"since {since}, {total} messages reached the tenant mailboxes of {len(got)} of {len(found)} users{what}"
    return [head, *(f"  {one['user']}: {one['count']}, first {one['first']}, last {one['last']}" for one in got)]
