# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A step's plan: the parameters of every object to write, as options of the cmdlet modules. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError
from ansible_collections.mailops.exchange.plugins.module_utils._session import NOW, Row
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold, is_empty

from . import _objects as objects
from ._findings import Situation
from ._marks import DESCRIPTION_LIMIT, UNKNOWN, BrokenLineError, Line, commented, description, made_at, read_line
from ._scope import exceptions, pattern, seed
from ._snapshot import Thing

Plan = dict[str, Any]

CONNECTOR_TEXT = "TransportRule Scoped Connector for shared namespace {}"
RULE_TEXT = "Redirect in-org mail to Foreign Server except for members of a specific group"
# One rule may hold 8 KB; the patterns of its exceptions must leave room for the rest.
PATTERN_BUDGET = 6000
# By the order, the step of a teardown that makes the domains final.
FINAL = {"documented": "dismantle", "loop_free": "teardown"}
LISTS = (
    "domains_first",
    "domains",
    "groups",
    "members",
    "connectors",
    "rules",
    "inbound_rules",
    "inbound_connectors",
    "waits",
)


def plan(case: Situation) -> Plan:
    """What the step writes. Every list is there, most are empty; raises InputError for what no override can heal."""
    problems = faults(case)
    if problems:
        raise InputError(problems)
    made: Plan = {name: [] for name in LISTS}
    made.update(STEPS[case.step](case) if case.step in STEPS else {})
    return made


def faults(case: Situation) -> list[str]:
    """What makes the step impossible, whatever risks are accepted."""
    inputs, snapshot = case.inputs, case.snapshot
    found = [
        f"coexistence_domains: '{domain}' is no accepted domain of the tenant; it has {', '.join(sorted(snapshot.domains))}."
        for domain in inputs.domains
        if domain not in snapshot.domains
    ]
    setting = case.step in {"preflight", "setup", "enforce"}
    if case.step in {"setup", "enforce"}:
        found += hindrances(case)
    group = snapshot.group(inputs.group_address)
    if case.step in {"cutover", "rollback"} and group is None:
        found.append(f"coexistence_group_address: the tenant has no group {inputs.group_address}; run the set-up first.")
    if setting:
        found += _line_faults(case)
        length = sum(len(pattern(address)) for address in inputs.tenant_addresses)
        if length > PATTERN_BUDGET:
            found.append(f"coexistence_tenant_addresses: {length} characters of patterns do not fit into one rule; name fewer.")
    return found


def hindrances(case: Situation) -> list[str]:
    """What must be done to the tenant before a set-up, whatever risks are accepted: a set-up refuses, a preflight shows the rest first."""
    dehydrated = "The tenant is dehydrated and takes no rules; run Enable-OrganizationCustomization once and wait an hour."
    return [dehydrated] if case.snapshot.dehydrated else []


def _line_faults(case: Situation) -> list[str]:
    found = []
    for group in objects.mine(case.inputs, case.snapshot, objects.GROUP):
        try:
            read_line(group.comment)
        except BrokenLineError as error:
            found.append(f"group '{group.name}': its Description was cut or edited, {error}; restore the text, or tear down and set up.")
    # The teardown adds when each rule was asked to stop: there must be room for that from the beginning.
    full = line(case)
    stops = {one.name: objects.stamp(objects.clock(case.snapshot)) for one in objects.of(case.inputs, objects.RULE)}
    length = len(description(case.inputs.domains, Line(full.former, full.mx, stops, objects.stamp(objects.clock(case.snapshot)))))
    if not found and length > DESCRIPTION_LIMIT:
        found.append(
            f"coexistence_domains: the group's Description would hold {length} characters, {DESCRIPTION_LIMIT} fit;"
            " share fewer domains or sources in one set-up, or give shorter names."
        )
    return found


def line(case: Situation) -> Line:
    """The group's line after a set-up: former types once seen stay, stops are over."""
    inputs, snapshot = case.inputs, case.snapshot
    known = objects.line_of(inputs, snapshot)
    fresh = {
        domain: UNKNOWN if snapshot.domains[domain].type != "Authoritative" else "Authoritative"
        for domain in inputs.domains
        if domain in snapshot.domains
    }
    former = {domain: known.former.get(domain, kind) for domain, kind in fresh.items()}
    return Line(former, {**known.mx, **case.mx}, moved=known.moved)


def setup(case: Situation) -> Plan:
    """Domains, group, its seed, connectors: everything that acts on no mail yet."""
    inputs = case.inputs
    proposed = seed(inputs, case.snapshot)
    names = [one.found.primary for one in proposed.members]
    joining = names if inputs.raw["seed_group"] else []
    return {
        "domains": [{"identity": domain, "domain_type": "InternalRelay"} for domain in inputs.domains],
        "groups": [_group(case, changing=bool(joining))],
        "members": [{"identity": inputs.group_address, "members": joining}] if joining else [],
        "connectors": [_connector(case, one) for one in objects.of(inputs, objects.CONNECTOR)],
        "proposed_seed": names,
        "ambiguous": [{"recipient": one.found.shown, "why": one.why} for one in proposed.ambiguous],
        "cannot_be_members": [{"recipient": one.found.shown, "why": one.why} for one in proposed.cannot],
    }


def _group(case: Situation, *, changing: bool) -> Plan:
    """The group. changing: members join it, which its line notes, since later steps wait for them."""
    inputs = case.inputs
    noted = line(case)
    if changing:
        noted = replace(noted, moved=NOW if case.check_mode else objects.stamp(objects.clock(case.snapshot)))
    there = case.snapshot.group(inputs.group_address)
    made: Plan = {
        "identity": inputs.group_address,
        "primary_smtp_address": inputs.group_address,
        "description": description(inputs.domains, noted),
    }
    if there is None:
        made["name"] = inputs.text("group_name")
    if inputs.group_owners:
        made["managed_by"] = list(inputs.group_owners)
    if not inputs.literal:
        made.update(member_join_restriction="Closed", member_depart_restriction="Closed", hidden_from_address_lists_enabled=True)
    return made


def _connector(case: Situation, one: objects.Expected) -> Plan:
    """The method's connector; empty values are those that it sets to nothing."""
    made: Plan = {
        "identity": one.name,
        "enabled": True,
        "connector_type": "Partner",
        "all_accepted_domains": False,
        "is_transport_rule_scoped": True,
        "cloud_services_mail_enabled": False,
        "comment": commented(CONNECTOR_TEXT.format(", ".join(one.domains)), one.domains),
        "tls_settings": "",
        "tls_domain": "",
        "use_mx_record": False,
        "recipient_domains": [],
        "smart_hosts": list(one.source.smart_hosts),
    }
    recipients = case.inputs.validated_by(one.source)
    if recipients:
        made["validation_recipients"] = list(recipients)
    return made


def enforce(case: Situation) -> Plan:
    """The rules, and the way in for what the source sends."""
    inputs = case.inputs
    handling = inputs.text("spam_handling")
    rules = objects.of(inputs, objects.INBOUND_RULE) if handling == "transport_rule" else ()
    connectors = objects.of(inputs, objects.INBOUND_CONNECTOR) if handling == "enhanced_filtering" else ()
    return {
        "rules": [_rule(case, one) for one in objects.of(inputs, objects.RULE)],
        "inbound_rules": [_inbound_rule(case, one) for one in rules],
        "inbound_connectors": [_inbound_connector(one) for one in connectors],
    }


def _rule(case: Situation, one: objects.Expected) -> Plan:
    inputs = case.inputs
    there = objects.find(inputs, case.snapshot, one)
    connector = one.source.named(inputs.text("connector_name"))
    group = [fold(inputs.group_address)]
    made: Plan = {
        "identity": one.name,
        "route_message_outbound_connector": connector,
        "stop_rule_processing": False,
        "mode": "Enforce",
        "comments": commented(RULE_TEXT, one.domains, made_at(there.comment) if there else _planned_at(case)),
        "rule_error_action": inputs.text("rule_error_action"),
        "sender_address_location": "Header",
    }
    keep = _managed(there.row if there else {})
    keep(made, "sent_to_scope", "SentToScope", "InOrganization" if inputs.literal else "")
    keep(made, "recipient_domain_is", "RecipientDomainIs", [] if inputs.literal else list(one.domains))
    keep(made, "sent_to_member_of", "SentToMemberOf", group if inputs.pending else [])
    keep(made, "except_if_sent_to_member_of", "ExceptIfSentToMemberOf", [] if inputs.pending else group)
    spared = list(exceptions(inputs, one.source, case.snapshot).domains)
    keep(made, "except_if_recipient_domain_is", "ExceptIfRecipientDomainIs", spared)
    patterns = [pattern(address) for address in inputs.tenant_addresses]
    keep(made, "except_if_recipient_address_matches_patterns", "ExceptIfRecipientAddressMatchesPatterns", patterns)
    if inputs.rule_priority is not None:
        # Priorities are unique: the rules of several sources stand one after the other.
        made["priority"] = inputs.rule_priority + objects.of(inputs, objects.RULE).index(one)
    return _scored(made, case, there)


def _planned_at(case: Situation) -> str:
    """When this is planned, by the service's clock; empty where it did not tell."""
    return objects.stamp(objects.clock(case.snapshot)) if case.snapshot.now else ""


def _managed(row: Row) -> Callable[[Plan, str, str, Any], None]:
    """A property with nothing to say is written only where the object shows something to clear."""

    def keep(made: Plan, option: str, shown: str, value: Any) -> None:
        if not is_empty(value) or not is_empty(row.get(shown)):
            made[option] = value

    return keep


def _scored(made: Plan, case: Situation, there: Thing | None) -> Plan:
    """The parts that both rules share. A new rule is enabled by itself, as the method leaves it."""
    if there is not None:
        made["enabled"] = True
    if case.inputs.rule_scl is not None:
        made["set_scl"] = case.inputs.rule_scl
    return made


def _inbound_rule(case: Situation, one: objects.Expected) -> Plan:
    made: Plan = {
        "identity": one.name,
        "sender_ip_ranges": list(one.source.source_ip_ranges),
        "stop_rule_processing": False,
        "rule_error_action": "Ignore",
        "sender_address_location": "Header",
        "comments": commented("", one.domains),
    }
    return _scored(made, case, objects.find(case.inputs, case.snapshot, one))


def _inbound_connector(one: objects.Expected) -> Plan:
    return {
        "identity": one.name,
        "connector_type": "Partner",
        "sender_domains": ["*"],
        "sender_ip_addresses": list(one.source.source_ip_ranges),
        "ef_skip_last_ip": True,
        "require_tls": False,
        "comment": commented("", one.domains),
        "enabled": True,
    }


def final_types(case: Situation) -> dict[str, tuple[str, str]]:
    """Per domain the type that a teardown leaves, and why it is that one."""
    inputs = case.inputs
    former = objects.line_of(inputs, case.snapshot).former
    found = {}
    for domain in inputs.domains:
        if inputs.final_domain_type:
            found[domain] = (inputs.final_domain_type, "coexistence_final_domain_type says so")
        elif former.get(domain, UNKNOWN) != UNKNOWN:
            found[domain] = (former[domain], "it was that before the set-up")
        else:
            found[domain] = ("Authoritative", "what it was before the set-up is not known")
    return found


def teardown(case: Situation) -> Plan:
    """Stop the rules and note since when; nothing is removed yet. In the loop-free order the domains become final before.

    A rule that was disabled sends nothing to the source any more: what nobody has would loop from then until the domains are final.
    """
    inputs, snapshot = case.inputs, case.snapshot
    noted = told(case)
    known = objects.line_of(inputs, snapshot)
    groups = []
    for group in objects.mine(inputs, snapshot, objects.GROUP):
        if (noted and dict(known.stops) != noted) or case.mx:
            text = description(inputs.domains, replace(known, mx={**known.mx, **case.mx}, stops=noted or known.stops))
            groups.append({"identity": str(group.row.get("PrimarySmtpAddress") or group.name), "description": text})
    return {
        "groups": groups,
        "rules": [{"identity": rule.name, "enabled": False} for rule in objects.mine(inputs, snapshot, objects.RULE) if rule.enabled],
        "domains_first": _final_domains(case) if inputs.text("teardown_order") == "loop_free" else [],
        "waits": _waits(case),
        "told": noted,
        "final": {domain: kind for domain, (kind, _why) in final_types(case).items()},
        "final_lines": _final_lines(case),
    }


def _final_lines(case: Situation) -> list[str]:
    """Per domain which type it has in the end, and why."""
    lines = []
    for domain, (kind, why) in final_types(case).items():
        now = case.snapshot.domains[domain].type if domain in case.snapshot.domains else ""
        end = f"stays {kind}" if fold(now) == fold(kind) else f"{now} now, becomes {kind}"
        lines.append(f"{domain}: {end}, because {why}")
    return lines


def told(case: Situation) -> dict[str, str]:
    """Since when each routing rule was asked to stop, as the line holds it: a known time, or now."""
    now = objects.clock(case.snapshot)
    fresh = NOW if case.check_mode else objects.stamp(now)
    known = {**case.told, **objects.line_of(case.inputs, case.snapshot).stops}
    found = {}
    for name, stopped in objects.stops(case.inputs, case.snapshot, case.told).items():
        if stopped is None or (stopped == now and name not in known):
            found[name] = fresh
        else:
            found[name] = known.get(name, objects.stamp(stopped))
    return found


def _waits(case: Situation) -> list[Plan]:
    """One wait for all rules: from its own start when one is stopped only now, else from the latest stop."""
    latency = int(case.inputs.raw["rule_latency"])
    times = list(objects.stops(case.inputs, case.snapshot, case.told).values())
    if not times or not latency:
        return []
    known = [time for time in times if time is not None]
    now = objects.clock(case.snapshot)
    if len(known) == len(times) and not objects.remaining(max(known), latency, now):
        return []
    since = objects.stamp(max(known)) if len(known) == len(times) and max(known) < now else ""
    return [{"since": since, "seconds": latency, "for": "the disabled rules to stop acting"}]


def remove(case: Situation) -> Plan:
    """The rules, and what was for mail of the foreign system."""
    inputs, snapshot = case.inputs, case.snapshot
    gone = {objects.RULE: "rules", objects.INBOUND_RULE: "inbound_rules", objects.INBOUND_CONNECTOR: "inbound_connectors"}
    made: Plan = {name: [] for name in gone.values()}
    for one, thing in objects.present(inputs, snapshot, *gone):
        made[gone[one.noun]].append({"identity": thing.name, "state": "absent"})
    return made


def dismantle(case: Situation) -> Plan:
    """Connectors, group, and in the documented order the domains last."""
    inputs, snapshot = case.inputs, case.snapshot
    connectors = [{"identity": thing.name, "state": "absent"} for thing in objects.mine(inputs, snapshot, objects.CONNECTOR)]
    groups = [
        {"identity": str(thing.row.get("PrimarySmtpAddress") or thing.name), "state": "absent"}
        for thing in objects.mine(inputs, snapshot, objects.GROUP)
    ]
    last = _final_domains(case) if inputs.text("teardown_order") == "documented" else []
    return {"connectors": connectors, "groups": groups, "domains": last}


def _final_domains(case: Situation) -> list[Plan]:
    final: Mapping[str, str] = case.final or {domain: kind for domain, (kind, _why) in final_types(case).items()}
    return [{"identity": domain, "domain_type": kind} for domain, kind in final.items() if domain in case.inputs.domains]


def _preflight(case: Situation) -> Plan:
    """What a set-up would write, and what must be done before."""
    return {**setup(case), "hindrances": hindrances(case)}


STEPS: Mapping[str, Callable[[Situation], Plan]] = {
    "preflight": _preflight,
    "setup": setup,
    "enforce": enforce,
    "teardown": teardown,
    "remove": remove,
    "dismantle": dismantle,
}
