# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Guards about what comes in and who sends: connectors, filters, DNS, the foreign host, leftovers at the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from . import _objects as objects
from ._checks import domain_of, under
from ._evidence import ANNOUNCED, ARRIVED, FILTER, NOT_PROBED, Full, Probe, Published, counted
from ._findings import MAKING, Finding
from ._mail_plan import NONE, SWITCHED, backend_of, way_out
from ._outcomes import entry_of
from ._predicates import covers
from ._scope import seed
from ._snapshot import EXPANDED, Recipient
from ._tenant import for_sender, may_prove, proves
from ._world import MAILBOXES, TENANT, Foreign, Inbound, Rule

OWN_SENDERS = "Let the foreign host take own-domain senders from the tenant, and run again."
NO_PROBE = (
    "Give the connection a submission account (ansible_exchange_submission_user), coexistence_probe_sender and an address that the source"
    " has and the tenant does not (coexistence_validation_recipients), so that it is probed."
)
NO_BACKEND = "Name what keeps them in coexistence_forwarding_backend to have them read, or look there yourself."
NO_NAMES = "Name whose they are in coexistence_source_file or coexistence_waves_file to have them read, or look there yourself."
NO_DUMP = "Give a dump taken now (source_forwarding_dump), or look there yourself."
# A sender's domain that no connector names, as an outsider's.
ANYBODY = "sender.invalid"
# What no guard is for, and is told all the same.
POLICY = "policy"
# What becomes of somebody new, by what the group holds.
JOIN = "Put them into the group, or into coexistence_tenant_addresses; or correct the source list."
STAY = "Put into the group who of them is read at the source, and into the source list."
NO_LIST = "Give the source's addresses in coexistence_source_file."


def u14(case: Full) -> Iterator[Finding]:
    """Leftovers at the source: forwards still on, the SPF include of the source."""
    for source in case.world.sources:
        names = sorted(address for address in source.forwards if domain_of(address) in case.inputs.domains)
        if names and not _off(case, source):
            why = f"{len(names)} forwards are still on at {source.name or 'the source'}"
            yield Finding("U14", counted(names), why, "Take them off once no mail comes by the old path, or switch the host off.")
        elif not (names or _off(case, source) or _read(case, source)):
            why = "whether its forwards are still on was not read"
            remedy = NO_BACKEND if _backends(case, source) <= {NONE} else NO_DUMP if _backends(case, source) - SWITCHED else NO_NAMES
            yield Finding("U14", source.name or "the source", why, remedy, blocks=False)
        for domain in sorted(source.domains & frozenset(case.inputs.domains)):
            published = case.evidence.dns.get(domain)
            if published and published.spf.get(source.name) and not _holds(case, source, domain):
                why = f"its SPF record still allows {source.name or 'the source'} to send"
                yield Finding("U14", domain, why, "Take the source out of the record.")
            elif published and published.spf.get(source.name, False) is None and not _holds(case, source, domain):
                why = f"whether its SPF record still allows {source.name or 'the source'} to send is not known: {_vague(published)}"
                yield Finding("U14", domain, why, "Look who stands behind it, and take the source out of the record.", blocks=False)
            elif published is None and f"records {domain}" in case.evidence.unread:
                unread = case.evidence.unread[f"records {domain}"]
                why = f"whether its SPF record still allows {source.name or 'the source'} to send is not known: {unread}"
                yield Finding("U14", domain, why, "Name coexistence_name_servers that can be asked.", blocks=False)


def _vague(published: Published) -> str:
    """What in a record does not tell whom it lets send."""
    return f"it names {', '.join(published.others)}" if published.others else "no known address of the source can be held against it"


def _read(case: Full, source: Foreign) -> bool:
    """Whether the forwards of a source were read: all that there are, or those of addresses there, which are then off."""
    return case.evidence.forwards_read or any(domain_of(address) in source.domains for address in case.evidence.forwards_off)


def _backends(case: Full, source: Foreign) -> set[str]:
    """What keeps the forwards of a source."""
    return {backend_of(case.inputs, one) for one in case.inputs.sources if source.domains.intersection(one.domains)}


def _holds(case: Full, source: Foreign, domain: str) -> bool:
    """The source takes the domain's mail, as before the set-up: then it may send as well."""
    answer = case.world.mx.get(domain)
    return answer is not None and answer.holder == source.name


def _off(case: Full, source: Foreign) -> bool:
    return source.off or source.name in case.evidence.off


def u15(case: Full) -> Iterator[Finding]:
    """RejectDirectSend without an inbound connector that the source matches; told where that hangs on a certificate nobody knows."""
    if not case.world.policies.reject_direct_send:
        return
    planned = case.step in MAKING and case.inputs.text("spam_handling") == "enhanced_filtering"
    for source in case.world.sources if not planned else ():
        enabled = [one for one in case.world.inbound if one.enabled]
        if all(any(_takes(case, one, source, domain) for one in enabled) for domain in source.domains):
            continue
        who, maybe = source.name or "the source", next((one for one in enabled if _may_match(case, one, source)), None)
        if maybe:
            asked = f"the certificate {maybe.certificate}, which inbound connector '{maybe.name}' asks for"
            why = f"RejectDirectSend is on, and whether it shows {asked}, is not known; if not, its own senders are refused (5.7.68)"
            yield Finding("U15", who, why, "Look at the certificate that its mail host sends with.", blocks=False)
        else:
            why = "RejectDirectSend is on and no inbound connector matches this source, so its own senders are refused (5.7.68)"
            remedy = "Use coexistence_spam_handling enhanced_filtering, or make an inbound connector by certificate for its domains."
            yield Finding("U15", who, why, remedy)


def _takes(case: Full, one: Inbound, source: Foreign, sender: str) -> bool:
    """Mail of a sender's domain from this source matches the connector: by address or certificate, never by the domain alone."""
    return for_sender(one, sender) and proves(case.world, one, source.name)


def _by_domain(one: Inbound, source: Foreign) -> bool:
    """A connector that asks for neither address nor certificate: that the sender's domain alone makes it match is not ruled out."""
    asks = bool(one.ranges or one.certificate or one.restrict)
    return one.partner and not asks and all(for_sender(one, domain) for domain in source.domains)


def _may_match(case: Full, one: Inbound, source: Foreign) -> bool:
    return may_prove(case.world, one, source.name) and all(for_sender(one, domain) for domain in source.domains)


def u16(case: Full) -> Iterator[Finding]:
    """Enhanced filtering together with SCL -1 for the same mail, both as they stand and as the step will make them."""
    making = case.inputs.text("spam_handling") if case.step in MAKING else ""
    for source in case.world.sources:
        filters = [one for one in case.world.inbound if one.enabled and one.enhanced]
        sure = [one.name for one in filters if proves(case.world, one, source.name) or _by_domain(one, source)]
        enhanced = sure + [one.name for one in filters if one.name not in sure and _may_match(case, one, source)]
        seeing = [(rule.name, _sees(rule, source)) for rule in case.world.rules if rule.enabled and rule.scl == "-1" and not rule.route]
        certain = [name for name, sees in seeing if sees]
        passing = certain + [name for name, sees in seeing if sees is None]
        if making == "transport_rule":
            passing.append(source_rule(case, source))
            certain.append(source_rule(case, source))
        elif making == "enhanced_filtering":
            sure.append(source_rule(case, source))
            enhanced.append(source_rule(case, source))
        if enhanced and passing:
            why = f"enhanced filtering is on for the mail that rule '{passing[0]}' gives SCL -1; the service asks for one of the two"
            yield Finding("U16", enhanced[0], why, _one_of(making, enhanced[0], passing[0]), blocks=bool(sure and certain))


def _one_of(making: str, connector: str, rule: str) -> str:
    """How one of the two goes. making: what the step will write."""
    if making == "transport_rule":
        return f"Remove inbound connector '{connector}', or use coexistence_spam_handling enhanced_filtering."
    if making == "enhanced_filtering":
        return f"Remove rule '{rule}', or use coexistence_spam_handling transport_rule."
    return f"Keep one: remove rule '{rule}', or take enhanced filtering off inbound connector '{connector}'."


def source_rule(case: Full, source: Foreign) -> str:
    """The name that a set-up gives to the SCL rule of a source, or to its inbound connector."""
    declared = next((one for one in case.inputs.sources if one.name == source.name), case.inputs.sources[0])
    return declared.named(case.inputs.text("inbound_rule_name"))


def _sees(rule: Rule, source: Foreign) -> bool | None:
    """Whether a rule meets mail that comes from a source; None where a condition does not tell."""
    certain = True
    for one in rule.conditions:
        if one.name == "SenderIpRanges":
            if all(covers(one.values, sent) is False for sent in source.ranges):
                return False
        elif one.name == "FromScope":
            # Nothing from outside is authenticated.
            if fold("".join(one.values)) == "inorganization":
                return False
        elif one.name != "SenderDomainIs" or not any(under(domain, name) for domain in source.domains for name in one.values):
            certain = False
    spared = [one for one in rule.exceptions if one.name == "SenderIpRanges"]
    if source.ranges and any(all(covers(one.values, sent) is True for sent in source.ranges) for one in spared):
        return False
    return True if certain else None


def u17(case: Full) -> Iterator[Finding]:
    """A connector that takes its senders from its own hosts only, for everybody or for a domain that others send as."""
    for one in case.world.inbound:
        if not (one.enabled and one.partner and one.restrict):
            continue
        if "*" in one.senders:
            why = f"it takes mail of every sender from its own {one.restrict} only, so all other mail is refused (5.7.51)"
            yield Finding("U17", one.name, why, "Name the source's domains in SenderDomains, or lift the restriction.")
        for domain in (domain for domain in case.inputs.domains if "*" not in one.senders and for_sender(one, domain)):
            published = case.evidence.dns.get(domain)
            others = published.others if published else None
            if others is None or others:
                who = counted(others) if others else "nobody read its SPF record, so other services"
                why = f"it takes {domain} from its own {one.restrict} only, and {who} may send as {domain} too: refused (5.7.51)"
                yield Finding("U17", one.name, why, "Lift the restriction, or let those services send another way.")


def u22(case: Full) -> Iterator[Finding]:
    """IPv6 on for a domain while the source is matched by its IPv4 addresses."""
    by_rule = any(one.name == "SenderIpRanges" for rule in case.world.rules if rule.enabled for one in rule.conditions)
    by_connector = any(one.enabled and one.ranges for one in case.world.inbound)
    planned = case.step in {"preflight", "setup"} and any(source.source_ip_ranges for source in case.inputs.sources)
    if not (by_rule or by_connector or planned):
        return
    for domain in case.inputs.domains:
        if case.evidence.ipv6.get(domain):
            why = "takes mail over IPv6, and the source is known by its IPv4 addresses only"
            remedy = "Disable-IPv6ForAcceptedDomain for it, or know the source by its certificate."
            yield Finding("U22", domain, why, remedy, blocks=False)
        elif case.evidence.unread.get(f"ipv6 {domain}"):
            why = f"whether it takes mail over IPv6 was not read: {case.evidence.unread[f'ipv6 {domain}']}"
            yield Finding("U22", domain, why, "Let it be read, or look with Get-IPv6StatusForAcceptedDomain.", blocks=False)


def u25(case: Full) -> Iterator[Finding]:
    """Enforcing before a probe from the tenant, with a sender in the shared domain, arrived at the source; a rule that acts is one.

    In check mode a probe that would be made counts as one that arrived; where none is told of, as in a rehearsal, one that can be planned.
    """
    check = case.situation.check_mode
    standing = {one.name for one, rule in objects.present(case.inputs, case.snapshot, objects.RULE) if rule.enforced}
    for source in case.inputs.sources:
        there = [one for one in case.evidence.probes if one.origin == "tenant" and domain_of(one.recipient) in source.domains]
        # A rule that acts has shown it, unless its connector leads to a new host, which is then probed.
        acts = source.named(case.inputs.text("rule_name")) in standing
        if acts and not there:
            continue
        if check and not there and any(domain_of(str(one["recipient"])) in source.domains for one in way_out(case.situation)):
            continue
        tried = [one for one in there if domain_of(one.sender) in source.domains]
        if any(one.place == "source" and one.result == (ANNOUNCED if check else ARRIVED) for one in tried):
            continue
        why, remedy = _not_taken(there, tried)
        domains = ", ".join(source.domains)
        said = f"a probe from the tenant with a sender in {domains} {why}; the host may refuse its own domain"
        yield Finding("U25", source.name or "the source", said, remedy, blocks=not acts or any(one.result != NOT_PROBED for one in there))


def _not_taken(there: Sequence[Probe], tried: Sequence[Probe]) -> tuple[str, str]:
    """What became of the probes to a source, of which some were `tried` with a sender of its own, and what to do."""
    if tried:
        last = tried[-1]
        return f"{last.result}{': ' + last.why if last.why else ''}", NO_PROBE if last.result == NOT_PROBED else OWN_SENDERS
    senders = sorted({one.sender for one in there if one.sender})
    if senders:
        return f"was not made (it is from {', '.join(senders)})", "Name an address of the domain in coexistence_probe_sender."
    return "was not made", NO_PROBE


def u26(case: Full) -> Iterator[Finding]:
    """A forwarding wave while DMARC rejects are honoured and nothing shows that forwards pass."""
    planned = case.step == "preflight" and case.inputs.text("spam_handling") == "enhanced_filtering"
    if case.world.policies.honor_dmarc is False or planned:
        return
    for source in case.world.sources:
        enhanced = any(one.enabled and one.enhanced and _takes(case, one, source, ANYBODY) for one in case.world.inbound)
        passed = any(_passed(case, one, source) for one in case.evidence.probes)
        if enhanced or source.name in case.world.policies.trusted_sealers or passed:
            continue
        why = f"{_forwarded(case, source)} break SPF, and DMARC rejects are honoured: outsiders with p=reject may get bounces (5.7.509)"
        cures = "Use coexistence_spam_handling enhanced_filtering, trust the source's ARC seal, or probe a forward"
        remedy = f"{cures} from a sender that is known to ask for p=reject."
        yield Finding("U26", source.name or "the source", why, remedy, blocks=False)


def _passed(case: Full, probe: Probe, source: Foreign) -> bool:
    """A probe from outside, of a sender that asks to reject what fails DMARC, that this source forwarded, and that no filter took."""
    published = case.world.senders.get(domain_of(probe.sender))
    forwarded = probe.origin == "internet" and probe.forwarded and probe.result == ARRIVED and probe.told_by != FILTER
    return forwarded and published is not None and published.reject and domain_of(probe.recipient) in source.domains


def _forwarded(case: Full, source: Foreign) -> str:
    """Whose forwards a step is about: the users of the run, or else of all waves."""
    users = [user.address for user in case.inputs.users or case.inputs.waves if domain_of(user.address) in source.domains]
    return f"the forwards of {len(users)} users ({counted(users)})" if users else "forwards"


def forwards_out(case: Full) -> Iterator[Finding]:
    """No guard of its own: mailboxes of the tenant that forward to outside while the policy for automatic forwards refuses that."""
    if case.world.policies.auto_forward is not False:
        return
    names = []
    for party in case.world.parties:
        goal = party.forward_smtp or party.forward
        target = case.world.party(goal)
        address = target.external or target.primary if target else goal
        if party.kind in MAILBOXES and "@" in address and case.world.accepted(domain_of(address)) is None:
            names.append(party.primary)
    if names:
        why = f"{len(names)} mailboxes forward to outside, and the policy for automatic forwards refuses it (5.7.520)"
        remedy = "Allow it for them in an outbound spam policy (AutoForwardingMode On), or take the forwards off."
        yield Finding(POLICY, counted(sorted(names)), why, remedy, blocks=False)


def u28(case: Full) -> Iterator[Finding]:
    """A recipient in a shared domain that neither the group nor the source list knows, nor this set-up puts into the group.

    A status that reads no directory says so.
    """
    if not case.snapshot.directory:
        why = "was not looked at: who is new, who else holds the group's address, whose mailbox forwards to outside"
        remedy = "Run mailops.exchange.check with coexistence_step=status, which reads it."
        yield Finding("U28", "the directory", why, remedy, blocks=False)
        return
    if case.inputs.source_list is None:
        yield Finding("U28", "the source list", "without it nobody can tell who is new", NO_LIST, blocks=False)
        return
    inside = {identity for member in case.snapshot.members for identity in member.ids}
    kinds: dict[str, list[str]] = {}
    seeds = case.step in {"preflight", "setup"} and bool(case.inputs.raw["seed_group"])
    coming = {one.found for one in seed(case.inputs, case.snapshot).members} if seeds else set[Recipient]()
    for found in case.snapshot.recipients:
        if found.kind not in EXPANDED and not found.ids & inside and found not in coming and _stranger(case, found):
            kinds.setdefault(found.kind, []).append(found.shown)
    for kind, names in sorted(kinds.items()):
        verb = "recipients ({}) in a shared domain are" if len(names) > 1 else "recipient ({}) in a shared domain is"
        why = f"{len(names)} {verb.format(kind)} neither in the group nor in the source list, so perhaps new"
        remedy = STAY if case.inputs.pending else JOIN
        yield Finding("U28", counted(sorted(names)), why, remedy, blocks=False)


def _stranger(case: Full, found: Recipient) -> bool:
    shared = [address for address in found.addresses if domain_of(address) in case.inputs.domains]
    listed = any(entry_of(source, address) for address in shared for source in case.world.sources if domain_of(address) in source.domains)
    return bool(shared) and not listed and not any(address in case.inputs.tenant_addresses for address in shared)


def u29(case: Full) -> Iterator[Finding]:
    """SPF that lacks one of the two sides; DKIM missing on one side at p=reject."""
    for domain in case.inputs.domains:
        published = case.evidence.dns.get(domain)
        if published is None:
            unread = case.evidence.unread.get(f"records {domain}")
            why = f"its SPF, DKIM and DMARC records were not read{f': {unread}' if unread else ''}"
            yield Finding("U29", domain, why, "Name coexistence_name_servers that can be asked.", blocks=False)
            continue
        sides = {TENANT: "the tenant", **{one.name: one.name or "the source" for one in case.world.sources if domain in one.domains}}
        for side, name in sides.items():
            if published.spf.get(side) is False:
                why = f"its SPF record does not allow {name} to send, and both sides send as {domain}"
                yield Finding("U29", domain, why, f"Add {name} to the record.", blocks=False)
            elif published.spf.get(side, False) is None:
                why = f"whether its SPF record allows {name} to send is not known: {_vague(published)}"
                yield Finding("U29", domain, why, "Look who stands behind it, since both sides send as the domain.", blocks=False)
            if published.policy == "reject" and published.dkim.get(side) is not True:
                why = f"it asks to reject what fails DMARC, and {name} is not known to sign with DKIM"
                yield Finding("U29", domain, why, f"Switch DKIM on at {name}, or lower the policy for the time of the move.", blocks=False)


def u32(case: Full) -> Iterator[Finding]:
    """The source relays unknown addresses back, or catches all."""
    for source in case.world.sources:
        held = {address for party in case.world.parties for address in party.addresses if domain_of(address) in source.domains}
        listed = {address for address in source.addresses or () if not address.startswith(("@", "*"))}
        counts = source.addresses is not None and case.snapshot.directory
        rest = f"all but the {len(held | listed)} addresses that either side knows" if counts else "unknown addresses"
        alone = sorted(held - listed) if counts else []
        people = f" and to {len(alone)} addresses that only the tenant knows ({counted(alone)})" if alone else ""
        texts = {
            "relay": f"relays unknown addresses back to the tenant: mail to {rest} loops (5.4.14)",
            "catch_all": f"catches all: mail to {rest}{people} ends there unseen",
        }
        for mode in sorted(source.modes & texts.keys()):
            remedy = "Let it refuse unknown addresses (coexistence_foreign_unknown reject)."
            yield Finding("U32", source.name or "the source", texts[mode], remedy, blocks=False)
