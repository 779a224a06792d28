# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about objects: rules, connectors, the group, and the order in which they may come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.mailops.exchange.plugins.module_utils._values import as_list, fold, host_key, is_empty

from . import _objects as objects
from ._checks import domain_of, under
from ._findings import MAKING, Finding, Situation
from ._inputs import Source
from ._marks import marked_domains
from ._scope import exceptions
from ._snapshot import Thing, addresses_of
from ._waves import at_source, check, move

_MEMBERS = (
    "FromMemberOf SentToMemberOf BetweenMemberOf1 BetweenMemberOf2 AnyOfToHeaderMemberOf AnyOfCcHeaderMemberOf AnyOfToCcHeaderMemberOf"
)
_ACTIONS = """
RedirectMessageTo RejectMessageReasonText RejectMessageEnhancedStatusCode SmtpRejectMessageRejectText
SmtpRejectMessageRejectStatusCode DeleteMessage Quarantine Disconnect RouteMessageOutboundConnector ModerateMessageByUser
ModerateMessageByManager StopRuleProcessing
"""
_CONDITIONS = """
ADComparisonAttribute AnyOfCcHeader AnyOfCcHeaderMemberOf AnyOfRecipientAddressContainsWords
AnyOfRecipientAddressMatchesPatterns AnyOfToCcHeader AnyOfToCcHeaderMemberOf AnyOfToHeader AnyOfToHeaderMemberOf
AttachmentContainsWords AttachmentExtensionMatchesWords AttachmentHasExecutableContent AttachmentIsPasswordProtected
AttachmentIsUnsupported AttachmentMatchesPatterns AttachmentNameMatchesPatterns AttachmentProcessingLimitExceeded
AttachmentPropertyContainsWords AttachmentSizeOver BetweenMemberOf1 ContentCharacterSetContainsWords From
FromAddressContainsWords FromAddressMatchesPatterns FromMemberOf FromScope HasClassification HasNoClassification
HeaderContainsMessageHeader HeaderMatchesMessageHeader ManagerAddresses MessageSizeOver MessageTypeMatches
RecipientADAttributeContainsWords RecipientADAttributeMatchesPatterns RecipientAddressContainsWords
RecipientAddressMatchesPatterns RecipientDomainIs RecipientInSenderList SCLOver SenderADAttributeContainsWords
SenderADAttributeMatchesPatterns SenderDomainIs SenderInRecipientList SenderIpRanges SenderManagementRelationship SentTo
SentToMemberOf SentToScope SubjectContainsWords SubjectMatchesPatterns SubjectOrBodyContainsWords
SubjectOrBodyMatchesPatterns WithImportance
"""
# Properties of a rule that name groups, that decide about a message, and that narrow the rule to some mail.
MEMBER_PREDICATES = tuple(_MEMBERS.split())
DECIDES = tuple(_ACTIONS.split())
BY_VALUE = {  # those that redirect or reject by their value: the value, and what must be set beside it
    "AddManagerAsRecipientType": ("redirect", "AddManagerAsRecipientType"),
    "ApplyHtmlDisclaimerFallbackAction": ("reject", "ApplyHtmlDisclaimerText"),
    "NotifySender": ("reject", "NotifySender"),
}
CONDITIONS = tuple(_CONDITIONS.split())


def _set(rule: Thing, name: str) -> bool:
    """True when a rule's property is there and says something: false is nothing, 0 is something."""
    value = rule.row.get(name)
    return value is not False and not is_empty(value)


KEEP_NAME = "Set coexistence_rule_name to the name that it has, or give it its name back."
# The steps after which mail is to follow the group.
MOVING = frozenset({"cutover", "forward"})
# Those of a way back.
RETURNING = frozenset({"unforward", "rollback"})


def _acting(rule: Thing) -> bool:
    return rule.enabled and fold(rule.row.get("Mode") or "Enforce") == "enforce"


def _our_rules(case: Situation) -> dict[str, Thing]:
    """Our routing rules that stand, by GUID."""
    return {rule.guid: rule for rule in objects.mine(case.inputs, case.snapshot, objects.RULE)}


def u5(case: Situation) -> Iterator[Finding]:
    """A rule without its connector, which is the one that it really names; a connector that follows the MX, or takes all outbound mail."""
    for one in objects.of(case.inputs, objects.CONNECTOR):
        if case.step not in {"preflight", "setup"}:  # which write it
            yield from _u5_connector(case, one)
        if case.step in MOVING:
            for rule in _held(case, one.source):
                if not rule.enabled:
                    why = "the rule is disabled, so mail from the tenant passes by the source and no probe shows who has moved"
                    yield Finding("U5", rule.name, why, "Run the set-up again, which enables it, before anybody is moved or forwarded.")
        if case.step in RETURNING:
            yield from _u5_back(case, one.source)
        yield from _u5_hosts(case, one.source)


def _u5_back(case: Situation, source: Source) -> Iterator[Finding]:
    """No rule acts, while the group stands: nothing leads who leaves it back to the source."""
    if case.snapshot.group(case.inputs.group_address) is None or any(_acting(rule) for rule in _held(case, source)):
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
    for rule in _standing(case, one.source):
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
        elif any(rule.enabled for rule in _held(case, source)):
            why = f"it leads to {theirs} now, and the set-up leads it to {declared} at once, with the mail of everybody not moved yet"
            yield Finding("U5", shown, why, "Correct coexistence_smart_hosts unless that host takes their mail already.", blocks=False)


def strangers(case: Situation, source: Source) -> Iterator[tuple[str, list[str]]]:
    """A source's connector that leads to hosts which nobody declared: its name and those hosts."""
    declared = {host_key(host) for host in source.smart_hosts}
    for one, connector in objects.present(case.inputs, case.snapshot, objects.CONNECTOR):
        hosts = [str(host) for host in as_list(connector.row.get("SmartHosts")) if host_key(host) not in declared]
        if one.source == source and hosts and connector.row.get("UseMXRecord") is False:
            yield connector.name, hosts


def _standing(case: Situation, source: Source) -> Iterator[Thing]:
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


def u9(case: Situation) -> Iterator[Finding]:
    """The group removed or renamed before the rule, or gone from it."""
    group = case.inputs.group_address
    if case.step == "teardown":
        # Seen before the first write, since the teardown of other objects would leave this one alone.
        for rule in _other_names(case):
            why = f"the rule bears the mark of {', '.join(case.inputs.domains)} under another name than {case.inputs.raw['rule_name']}"
            yield Finding("U9", rule.name, why, KEEP_NAME)
        return
    for rule in case.snapshot.rules:
        held = {item for name in MEMBER_PREDICATES for key in (name, f"ExceptIf{name}") for item in rule.folds(key)}
        if case.step == "dismantle" and fold(group) in held:
            yield Finding("U9", rule.name, f"the rule still refers to the group {group}", "Remove the rule first, or its reference.")
    for rule in _our_rules(case).values() if case.step in MAKING else ():
        named = rule.folds("ExceptIfSentToMemberOf") | rule.folds("SentToMemberOf")
        if named and fold(group) not in named:
            why = f"the rule refers to the group {', '.join(sorted(named))}, declared is {group}"
            yield Finding("U9", rule.name, why, "Keep the group's address while the rule stands, or tear down first.")
    if case.step not in {*MAKING, "dismantle"}:
        yield from _u9_moved(case)


def _other_names(case: Situation) -> Iterator[Thing]:
    """Enabled routing rules with our mark that no declared name means: ours, renamed or misspelt."""
    known = {fold(one.name) for one in objects.of(case.inputs, objects.RULE)}
    for rule in case.snapshot.rules:
        if _marked(case, rule) and rule.enabled and rule.folds("RouteMessageOutboundConnector") and fold(rule.name) not in known:
            yield rule


def _marked(case: Situation, rule: Thing) -> bool:
    return bool((marked_domains(rule.comment) or frozenset()) & set(case.inputs.domains))


def _u9_moved(case: Situation) -> Iterator[Finding]:
    """An enabled rule that does not ask for our group: it takes the mail of those who moved, and a forward comes back to it."""
    key = "SentToMemberOf" if case.inputs.pending else "ExceptIfSentToMemberOf"
    group = case.snapshot.group(case.inputs.group_address)
    ours = {fold(case.inputs.group_address)} | (addresses_of(group.row) if group else frozenset())
    for rule in _our_rules(case).values():
        named = rule.folds(key)
        if rule.enabled and not named & ours:
            held = f"it holds {', '.join(sorted(named))}" if named else "it holds no group"
            why = f"the rule's {key} lacks {case.inputs.group_address} ({held}), so who moved is sent out, or loops"
            yield Finding("U9", rule.name, why, "Run the set-up again, which names the group, before anybody is moved or forwarded.")


def u10(case: Situation) -> Iterator[Finding]:
    """The connector removed or renamed before the rule."""
    names = {fold(one.name): one.name for one in objects.of(case.inputs, objects.CONNECTOR)}
    for rule in case.snapshot.rules:
        held = rule.folds("RouteMessageOutboundConnector") & set(names)
        for name in sorted(held) if case.step == "dismantle" else ():
            yield Finding("U10", rule.name, f"the rule still routes to the connector {names[name]}", "Remove the rule first.")
    ours = _our_rules(case)
    for rule in ours.values() if case.step != "dismantle" else ():
        held = rule.folds("RouteMessageOutboundConnector")
        if held and not held & set(names):
            why = f"the rule routes to the connector {', '.join(sorted(held))}, declared is {', '.join(names.values())}"
            yield Finding("U10", rule.name, why, "Keep the connector's name while the rule stands, or tear down first.")


def u14(case: Situation) -> Iterator[Finding]:
    """Leftovers: an object with our mark or name, a domain that was not restored, a reference to something removed."""
    inputs, snapshot = case.inputs, case.snapshot
    named = {(one.noun, fold(one.name)) for one in objects.expected(inputs)}
    for noun in (objects.GROUP, objects.CONNECTOR, objects.RULE, objects.INBOUND_CONNECTOR):
        for thing in objects.kin(snapshot, noun):
            by_mark = bool((marked_domains(thing.comment) or frozenset()) & set(inputs.domains))
            rule = noun == objects.RULE and (objects.INBOUND_RULE, fold(thing.name)) in named
            if by_mark or rule or (noun, fold(thing.name)) in named or fold(inputs.group_address) in addresses_of(thing.row):
                yield Finding("U14", thing.name, f"this {noun} is left over", "Run the teardown again, or remove it by hand.")
    for domain, wanted in case.final.items():
        found = snapshot.domains.get(domain)
        if found and found.type != wanted:
            yield Finding("U14", domain, f"the domain is {found.type}, it was to become {wanted}", "Run the teardown again.")
    gone = replace(case, step="dismantle")
    yield from (replace(finding, id="U14") for finding in (*u9(gone), *u10(gone)))


def u18(case: Situation) -> Iterator[Finding]:
    """An enabled routing rule without a scoping condition: it takes all mail."""
    mended = set(_our_rules(case)) if case.step in MAKING else set()
    for rule in case.snapshot.rules:
        routes = rule.enabled and _set(rule, "RouteMessageOutboundConnector") and rule.guid not in mended
        if routes and not any(_set(rule, name) for name in CONDITIONS):
            why = "the enabled rule routes mail and has no condition, so it takes all of it"
            yield Finding("U18", rule.name, why, "Disable it, or give it a condition.")


def u19(case: Situation) -> Iterator[Finding]:
    """An object under our name without our mark, or mastered on premises."""
    inputs, snapshot = case.inputs, case.snapshot
    for one in objects.expected(inputs):
        thing = objects.find(inputs, snapshot, one)
        skipped = one.noun == objects.INBOUND_CONNECTOR and not _inbound_matters(case)
        if thing is None or skipped or (one.noun == objects.INBOUND_RULE and not _rule_matters(case)):
            continue
        marked = marked_domains(thing.comment)
        if marked is None:
            why = f"this {one.noun} bears our name but not our mark, so it is somebody else's"
            yield Finding("U19", thing.name, why, f"Rename it, or choose another name for the {one.noun}.")
        elif marked != frozenset(one.domains):
            why = f"this {one.noun} is marked for {', '.join(sorted(marked))}, declared is {', '.join(one.domains)}"
            yield Finding("U19", thing.name, why, "Declare the same domains, or tear down the other set-up first.")
        if thing.synced:
            why = f"this {one.noun} is mastered on premises and refuses writes"
            yield Finding("U19", thing.name, why, f"Choose another name for the {one.noun}.")
    yield from _u19_address(case)


def _inbound_matters(case: Situation) -> bool:
    return case.step in {"teardown", "remove", "dismantle"} or case.inputs.text("spam_handling") == "enhanced_filtering"


def _rule_matters(case: Situation) -> bool:
    return case.step in {"teardown", "remove", "dismantle"} or case.inputs.text("spam_handling") == "transport_rule"


def _u19_address(case: Situation) -> Iterator[Finding]:
    """The group's address or name in somebody else's hands, or the name and the address on two groups."""
    address, name = fold(case.inputs.group_address), fold(case.inputs.text("group_name"))
    group = case.snapshot.group(address)
    own = (
        {fold(group.row.get(key)) for key in ("Guid", "ExchangeObjectId", "ExternalDirectoryObjectId", "PrimarySmtpAddress")}
        if group
        else set()
    )
    for found in case.snapshot.recipients:
        if address in found.addresses and not found.ids & own:
            why = f"{found.shown} ({found.kind}) holds the group's address"
            yield Finding("U19", case.inputs.group_address, why, "Choose another coexistence_group_address, or take it from that object.")
        elif group is None and found.kind == "groupmailbox" and name in {fold(found.row.get(key) or "") for key in ("Name", "DisplayName")}:
            why = "a Microsoft 365 group has the group's name, which then means two groups"
            yield Finding("U19", found.shown, why, "Choose another coexistence_group_name, or rename that group.")
    for other in case.snapshot.groups:
        if group and other.guid != group.guid:
            why = f"the group of that name is not the one that holds {case.inputs.group_address}"
            yield Finding("U19", other.name, why, "Choose another coexistence_group_name.")


def u20(case: Situation) -> Iterator[Finding]:
    """Connector or group removed before the disabled rule has stopped acting."""
    now = objects.clock(case.snapshot)
    latency = int(case.inputs.raw["rule_latency"])
    for name, stopped in objects.stops(case.inputs, case.snapshot, case.told).items():
        if stopped is None:
            yield Finding("U20", name, "the rule is still enabled", "Run the teardown from its beginning, which disables it and waits.")
            continue
        left = objects.remaining(stopped, latency, now)
        if left and not case.check_mode:
            why = f"the rule was asked to stop at {objects.stamp(stopped)} and may act for {left} s more"
            yield Finding("U20", name, why, "Run the teardown again, which waits for it.")


def u23(case: Situation) -> Iterator[Finding]:
    """The scope reaches another accepted domain that no exception can spare; once the rule stands, one that its exceptions do not spare."""
    for one in objects.of(case.inputs, objects.RULE):
        found = exceptions(case.inputs, one.source, case.snapshot)
        rule = next(_standing(case, one.source), None)
        if rule is None and case.step not in MAKING:
            continue
        for domain, shared in found.impossible:
            why = f"the rule reaches {domain}, and an exception for it would except the shared {shared} too"
            remedy = f"Share {domain} as well, or use coexistence_rule_scope domain without it."
            yield Finding("U23", one.name, why, remedy, blocks=case.step in MAKING)
        spared = rule.folds("ExceptIfRecipientDomainIs") if rule else frozenset(found.domains)
        for domain in found.domains:
            if not any(under(domain, above) for above in spared):
                why = f"the rule reaches {domain}, an accepted domain that it does not except, so mail from the tenant to it is sent out"
                yield Finding("U23", one.name, why, "Run the set-up again, which adds the exception.", blocks=False)


def u24(case: Situation) -> Iterator[Finding]:
    """An enabled rule above one of ours that can decide about the same mail first; any other routing rule."""
    ours = _our_rules(case)
    own_inbound = {rule.guid for rule in objects.mine(case.inputs, case.snapshot, objects.INBOUND_RULE)}
    for rule in case.snapshot.rules:
        seen = [source for source in case.inputs.sources if not _apart(case, rule, source)]
        if rule.guid in ours or rule.guid in own_inbound or not _acting(rule) or not seen:
            continue
        actions = [name for name in DECIDES if _set(rule, name)] + _by_value(rule)
        if "RouteMessageOutboundConnector" in actions:
            why = f"another enabled rule (priority {rule.priority}) routes mail that may be the same"
            if _marked(case, rule) and fold(rule.name) in {fold(one.named(case.inputs.text("rule_name"))) for one in seen}:
                continue  # by its name it is ours, and its mark is what U19 tells of
            if _marked(case, rule):
                why = f"it bears the mark of these domains under another name than {case.inputs.raw['rule_name']}"
            yield Finding("U24", rule.name, why, KEEP_NAME if _marked(case, rule) else "Disable it, or narrow it to other domains.")
        elif actions and rule.priority < max(_place(case, source) for source in seen):
            why = f"an enabled rule above ours (priority {rule.priority}) can decide first: {', '.join(actions)}"
            yield Finding("U24", rule.name, why, "Set coexistence_rule_priority to 0, or move that rule down.")


def _by_value(rule: Thing) -> list[str]:
    """Actions that keep some mail from its recipient by their value. No prediction counts them: they say nothing of everybody's mail."""
    return [
        f"{name} {rule.row[name]}"
        for name, (value, beside) in BY_VALUE.items()
        if fold(rule.row.get(name) or "").startswith(value) and _set(rule, beside)
    ]


def _place(case: Situation, source: Source) -> int:
    """The priority of a source's rule, as it stands or as the step writes it; a new one comes last."""
    if case.inputs.rule_priority is not None and case.step in MAKING:
        return case.inputs.rule_priority
    held = objects.present(case.inputs, case.snapshot, objects.RULE)
    return next((rule.priority for one, rule in held if one.source == source), len(case.snapshot.rules))


def _apart(case: Situation, rule: Thing, source: Source) -> bool:
    """True when the rule cannot see mail to the domains of a source."""
    shared = source.domains
    if case.inputs.literal:
        return fold(rule.row.get("SentToScope") or "") == "notinorganization"
    only = [fold(item) for item in as_list(rule.row.get("RecipientDomainIs"))]
    if only and not any(under(domain, one) or under(one, domain) for one in only for domain in shared):
        return True
    spared = [fold(item) for item in as_list(rule.row.get("ExceptIfRecipientDomainIs"))]
    return bool(spared) and all(any(under(domain, one) for one in spared) for domain in shared)
