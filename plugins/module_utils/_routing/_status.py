# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The state of a coexistence in figures, and as one screen. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._values import is_empty, parse_date

from . import _objects as objects
from ._evidence import Full
from ._findings import Situation, Verdict
from ._snapshot import Thing

MISSING = "missing"


def summary(case: Situation, verdict: Verdict) -> dict[str, Any]:
    """Figures of a step: counts and ids, no addresses."""
    snapshot = case.snapshot
    return {
        "domains": len(case.inputs.domains),
        "members": len(snapshot.members),
        "recipients": len(snapshot.recipients),
        "refused": len(verdict.refusing),
        "accepted": len(verdict.accepted),
        "told": len(verdict.told),
        "guards": sorted({finding.id for finding in verdict.all}),
    }


def screen(seen: Full, verdict: Verdict) -> list[str]:
    """One screen: domains and MX, group, connectors, rules with age and effect, members wanted and found, findings."""
    case = seen.situation
    inputs, snapshot = case.inputs, case.snapshot
    now = objects.clock(snapshot)
    lines = [f"As of {snapshot.now}, by the service's clock"]
    for domain in inputs.domains:
        found = snapshot.domains.get(domain)
        lines.append(f"domain      {domain}: {found.type if found else MISSING}, {mx_line(seen, domain)}")
    group = snapshot.group(inputs.group_address)
    lines.append(f"group       {group.name if group else inputs.text('group_name')} <{inputs.group_address}>: {_members(case, group)}")
    for one in objects.of(inputs, objects.CONNECTOR):
        lines.append(f"connector   {one.name}: {_connector(objects.find(inputs, snapshot, one))}")
    for noun in (objects.RULE, objects.INBOUND_RULE):
        for one in objects.of(inputs, noun):
            rule = objects.find(inputs, snapshot, one)
            lines.append(f"{noun:<11} {one.name}: {_rule(rule, now, int(inputs.raw['rule_latency']))}")
    for name, noted in sorted(objects.line_of(inputs, snapshot).stops.items()):
        lines.append(f"stop noted  {name}: {noted}")
    lines += [f"{finding}" for finding in verdict.all]
    return lines


def mx_line(seen: Full, domain: str) -> str:
    """Who holds a domain's MX, since when, and who still sends to the former one."""
    answer, change = seen.world.mx.get(domain), seen.evidence.mx_changes.get(domain)
    if answer is None:
        reason = seen.evidence.unread.get(f"mx {domain}")
        return f"MX not read{f' ({reason})' if reason else ''}"
    since = f", seen there since {'now' if change.fresh else change.at}" if change and change.holder == answer.holder else ""
    before = f", some resolvers still hold {answer.before} until {answer.until or 'their TTL is over'}" if answer.before else ""
    return f"MX at {answer.holder}{since}{before}"


def _members(case: Situation, group: Thing | None) -> str:
    if group is None:
        return MISSING
    found = case.snapshot.members
    changed, until = objects.settling(case.inputs, case.snapshot)
    age = f", changed at {changed}, may need until {until} to act" if until else ""
    held = {address for member in found for address in member.addresses}
    wanted = case.inputs.waves
    if not wanted:
        return f"{len(found)} members found{age}"
    inside = sum(user.address in held for user in wanted)
    return f"{len(found)} members found{age}; of {len(wanted)} users in the waves file {inside} are in, {len(wanted) - inside} are not"


def _connector(connector: Thing | None) -> str:
    if connector is None:
        return MISSING
    hosts = ", ".join(sorted(connector.folds("SmartHosts"))) or "no smart hosts"
    when, valid = connector.row.get("LastValidationTimestamp"), connector.row.get("IsValidated") is True
    validated = "validated" if valid else "never validated" if is_empty(when) else "not validated as it stands, last"
    seen = "" if is_empty(when) else f" {when}"
    return f"{'enabled' if connector.enabled else 'disabled'}, to {hosts}, {validated}{seen}"


def _rule(rule: Thing | None, now: datetime, latency: int) -> str:
    if rule is None:
        return MISSING
    state = "enabled" if rule.enabled else "disabled"
    changed = parse_date(rule.row.get("WhenChanged"))
    if changed is None or changed > now:
        return f"{state}, priority {rule.priority}, changed at a time that the service does not tell in its own clock"
    effect = changed + timedelta(seconds=latency)
    verb = "acts" if rule.enabled else "has stopped acting"
    surely = f"surely {verb} since {objects.stamp(effect)}" if effect <= now else f"may need until {objects.stamp(effect)} to take effect"
    return f"{state}, priority {rule.priority}, changed {objects.stamp(changed)} ({_age(now - changed)} ago), {surely}"


def _age(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
