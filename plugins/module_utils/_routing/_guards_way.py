# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about the way to the source: the rule that acts, the connector that it names, the hosts of that, its validation."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.mailops.exchange.plugins.module_utils._values import as_list, fold, host_key

from . import _objects as objects
from ._checks import domain_of
from ._findings import MAKING, Finding, Situation
from ._inputs import Source
from ._snapshot import Thing
from ._waves import at_source, check, move

# The steps after which mail is to follow the group.
MOVING = frozenset({"cutover", "forward"})
# Those of a way back.
RETURNING = frozenset({"unforward", "rollback"})


def u5(case: Situation) -> Iterator[Finding]:
    """A rule without its connector, which is the one that it really names; a connector that follows the MX, or takes all outbound mail."""
    for one in objects.of(case.inputs, objects.CONNECTOR):
        if case.step not in {"preflight", "setup"}:  # which write it
            yield from _u5_connector(case, one)
        if case.step in MOVING:
            for rule in _held(case, one.source):
                if not rule.enforced:
                    state = "in Mode Audit" if rule.enabled else "disabled"
                    why = f"the rule is {state}, so mail from the tenant passes by the source and no probe shows who has moved"
                    yield Finding("U5", rule.name, why, "Run the set-up again, which enables it, before anybody is moved or forwarded.")
        if case.step in RETURNING:
            yield from _u5_back(case, one.source)
        yield from _u5_hosts(case, one.source)


def _u5_back(case: Situation, source: Source) -> Iterator[Finding]:
    """No rule acts, while the group stands: nothing leads who leaves it back to the source."""
    if case.snapshot.group(case.inputs.group_address) is None or any(rule.enforced for rule in _held(case, source)):
        return
    moved = move(case.inputs, case.snapshot, check(case.inputs, case.snapshot), back=True).moved
    going = [one for one in moved if one.found and domain_of(at_source(case.inputs, case.snapshot, one.found)) in source.domains]
    if going:
        why = f"no such rule acts, so mail from the tenant to {len(going)} users who go back would stay in mailboxes that they do not read"
        remedy = "Run the set-up again, which makes or enables the rule, before anybody goes back."
        yield Finding("U5", source.named(case.inputs.text("rule_name")), why, remedy)


def _u5_connector(case: Situation, one: objects.Expected) -> Iterator[Finding]:
    remedy = "Run the set-up again, which corrects it."
    names = {fold(one.name): one.name}
    for rule in standing(case, one.source):
        names = {name: names.get(name, name) for name in sorted(rule.folds("RouteMessageOutboundConnector"))}
        if not names:
            yield Finding("U5", rule.name, "the rule names no connector, so it routes nothing", remedy)
    for name, shown in names.items():
        connector = next((thing for thing in case.snapshot.connectors if fold(thing.name) == name), None)
        if connector is not None:
            yield from (Finding("U5", shown, why, remedy) for why in _amiss(connector))
        elif _missed(case, name):
            yield Finding("U5", shown, "there is no such connector for the rule to route to", "Run the set-up, which makes it.")


def _missed(case: Situation, connector: str) -> bool:
    """Whether a connector that is not there is missed: by a rule that routes to it, or by a step that needs a whole set-up."""
    group = case.snapshot.group(case.inputs.group_address)
    needed = case.step == "enforce" or (case.step in MOVING and group is not None)
    return needed or any(connector in rule.folds("RouteMessageOutboundConnector") for rule in case.snapshot.rules)


def _u5_hosts(case: Situation, source: Source) -> Iterator[Finding]:
    """Hosts of a standing connector that nobody declared; a set-up leads it to the declared ones, with the mail that it carries."""
    declared = ", ".join(source.smart_hosts)
    for shown, hosts in strangers(case, source):
        theirs = ", ".join(hosts)
        if case.step not in MAKING:
            remedy = "Run the set-up again, which corrects it, or declare that host in coexistence_smart_hosts."
            yield Finding("U5", shown, f"the connector leads to {theirs}, declared is {declared}", remedy)
        elif any(rule.enforced for rule in _held(case, source)):
            why = f"it leads to {theirs} now, and the set-up leads it to {declared} at once, with the mail of everybody not moved yet"
            yield Finding("U5", shown, why, "Correct coexistence_smart_hosts unless that host takes their mail already.", blocks=False)


def strangers(case: Situation, source: Source) -> Iterator[tuple[str, list[str]]]:
    """A source's connector that leads to hosts which nobody declared: its name and those hosts."""
    declared = {host_key(host) for host in source.smart_hosts}
    for one, connector in objects.present(case.inputs, case.snapshot, objects.CONNECTOR):
        hosts = [str(host) for host in as_list(connector.row.get("SmartHosts")) if host_key(host) not in declared]
        if one.source == source and hosts and connector.row.get("UseMXRecord") is False:
            yield connector.name, hosts


def standing(case: Situation, source: Source) -> Iterator[Thing]:
    """The enabled rule of a source; none in the steps that write it anew."""
    return (rule for rule in _held(case, source) if rule.enabled and case.step not in MAKING)


def _held(case: Situation, source: Source) -> Iterator[Thing]:
    """The rule of a source, enabled or not."""
    return (rule for one, rule in objects.present(case.inputs, case.snapshot, objects.RULE) if one.source == source)


def _amiss(connector: Thing) -> Iterator[str]:
    """What is wrong with a connector that a rule routes to."""
    if not connector.enabled:
        yield "the rule's connector is disabled"
    if connector.row.get("UseMXRecord") is not False:
        yield "the connector follows the MX record (UseMXRecord) instead of the smart hosts"
    if connector.row.get("IsTransportRuleScoped") is not True and "*" in connector.folds("RecipientDomains"):
        yield "the connector is not scoped to rules and takes all outbound mail (*)"


def u6(case: Situation) -> Iterator[Finding]:
    """Enforcing with a connector never validated."""
    for one in objects.of(case.inputs, objects.CONNECTOR):
        connector = objects.find(case.inputs, case.snapshot, one)
        validated = connector is not None and connector.row.get("IsValidated") is True
        will_be = bool(case.inputs.validated_by(one.source)) and (case.step != "enforce" or case.check_mode)
        if not validated and not will_be:
            why = "is not validated as it stands, so nobody knows whether the foreign system takes its mail"
            yield Finding("U6", one.name, why, "Name addresses of the foreign system in coexistence_validation_recipients.")
