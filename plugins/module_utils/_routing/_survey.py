# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What was looked at before a set-up, in lines: who takes the mail, what DNS publishes, the policies that matter. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import _objects as objects
from ._evidence import Full
from ._findings import Verdict
from ._plan import hindrances
from ._status import mx_line
from ._world import TENANT, Mx

WORDS = {True: "yes", False: "no", None: "not known"}


def survey(seen: Full, verdict: Verdict) -> list[str]:
    """One line for each thing that was looked at, then what the guards say of it."""
    lines = [f"As of {seen.snapshot.now}, by the service's clock"]
    for domain in seen.inputs.domains:
        accepted = seen.world.domains.get(domain)
        lines.append(f"domain      {domain}: {accepted.type if accepted else 'no accepted domain'}, {mx_line(seen, domain)}")
        lines += [f"MX TTL      {domain}: {_lives(seen.world.mx[domain])}"] if domain in seen.world.mx else []
        lines.append(f"records     {domain}: {_records(seen, domain)}")
        lines.append(f"IPv6        {domain}: {_ipv6(seen, domain)}")
    lines += [*_policies(seen), f"rules       {_rules(seen)}"]
    return [*lines, *(f"{_word(finding.blocks, finding in verdict.accepted)} {finding}" for finding in verdict.all)]


def exchangers(seen: Full) -> list[dict[str, Any]]:
    """Per domain who holds its MX (empty where that is not known, with `why`), who did before and until when, and the seconds it lives."""
    found = []
    for domain in seen.inputs.domains:
        mx = seen.world.mx.get(domain)
        why = "" if mx else seen.evidence.unread.get(f"mx {domain}") or "nobody was asked"
        one = mx or Mx("")
        known = {"holder": one.holder, "before": one.before, "until": one.until, "ttl": one.ttl, "held": one.held}
        found.append({"domain": domain, **known, "why": why})
    return found


def _lives(mx: Mx) -> str:
    own = "not told by its own name servers" if mx.ttl is None else f"{mx.ttl} s at its own name servers"
    held = "no resolver told how long it holds it" if mx.held is None else f"resolvers hold it for {mx.held} s at most"
    return f"{own}, and {held}"


def _word(blocks: bool, accepted: bool) -> str:
    return "accepted:" if accepted else "refuses:" if blocks else "tells:"


def _records(seen: Full, domain: str) -> str:
    published = seen.evidence.dns.get(domain)
    if published is None:
        reason = seen.evidence.unread.get(f"records {domain}")
        return f"not read{f' ({reason})' if reason else ''}"
    spf = ", ".join(f"{_side(name)} {WORDS[there]}" for name, there in published.spf.items())
    dkim = ", ".join(f"{_side(name)} {WORDS[there]}" for name, there in published.dkim.items())
    more = f", and {', '.join(published.others)}" if published.others else ""
    return f"SPF allows {spf}{more}; DKIM: {dkim}; DMARC: {published.policy or 'no policy'}"


def _side(name: str) -> str:
    return "the tenant" if name == TENANT else name


def _ipv6(seen: Full, domain: str) -> str:
    known, reason = seen.evidence.ipv6.get(domain), seen.evidence.unread.get(f"ipv6 {domain}")
    if known is None:
        return f"not read{f' ({reason})' if reason else ', since nobody is known by an IPv4 address'}"
    return "takes mail over IPv6" if known else "takes mail over IPv4 only"


def _policies(seen: Full) -> Iterator[str]:
    held = seen.world.policies
    direct = "on: own senders from outside need a connector" if held.reject_direct_send else "off"
    yield f"policy      RejectDirectSend is {direct}"
    yield f"policy      DMARC rejects of senders are honoured: {WORDS[held.honor_dmarc]}"
    yield f"policy      mailboxes may forward to outside: {WORDS[held.auto_forward]}"
    needed = "".join(f"; {line}" for line in hindrances(seen.situation))
    yield f"tenant      takes rules: {WORDS[not seen.snapshot.dehydrated]}{needed}"


def _rules(seen: Full) -> str:
    """Foreign rules that can change where a message goes."""
    own = {one.name.casefold() for noun in (objects.RULE, objects.INBOUND_RULE) for one in objects.of(seen.inputs, noun)}
    names = [f"'{rule.name}' ({rule.priority})" for rule in seen.world.ordered if rule.enabled and rule.name.casefold() not in own]
    return f"other rules that can change a route: {', '.join(names)}" if names else "no other rule can change a route"
