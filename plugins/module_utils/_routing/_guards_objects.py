# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about objects: rules, connectors, the group, and the order in which they may come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.mailops.exchange.plugins.module_utils._values import as_list, fold, is_empty

from . import _objects as objects
from ._checks import under
from ._findings import MAKING, Finding, Situation
from ._guards_way import standing
from ._inputs import Source
from ._marks import marked_domains
from ._scope import exceptions
from ._snapshot import Thing, addresses_of

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


def _our_rules(case: Situation) -> dict[str, Thing]:
    """Our routing rules that stand, by GUID."""
    return {rule.guid: rule for rule in objects.mine(case.inputs, case.snapshot, objects.RULE)}


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
        rule = next(standing(case, one.source), None)
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
        if rule.guid in ours or rule.guid in own_inbound or not rule.enforced or not seen:
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
