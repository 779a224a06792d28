# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What no tenant shows, as plain data: kept with a snapshot, or told by whoever asks. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError
from ansible_collections.mailops.exchange.plugins.module_utils._values import fold

from . import _checks as checks
from ._evidence import Evidence, MxChange, Published
from ._inputs import Inputs
from ._readings import FACTS
from ._world import MODES, TENANT, Forward, Mx
from ._world_of import NAMELESS, Observed

KEYS = ("mx", "forwards", "moving", "synced", "unsynced", "modes", "off", "certificates", "dmarc", "facts")
POLICIES = ("none", "quarantine", "reject")
# How one writes the only source of a set-up, which needs no name.
SOURCE = "source"


def observed_to(seen: Observed) -> dict[str, Any]:
    """The form that is kept with a snapshot."""
    return {
        "forwards": {address: {"target": one.target, "keep": one.keep} for address, one in sorted(seen.forwards.items())},
        "mx": {domain: _mx_to(one) for domain, one in sorted(seen.mx.items())},
        "moving": dict(seen.moving),
        "synced": sorted(seen.synced),
        "unsynced": sorted(seen.unsynced),
        "modes": {name: sorted(modes) for name, modes in seen.modes.items()},
        "certificates": dict(seen.certificates),
        "dns": {domain: _published_to(one) for domain, one in seen.dns.items()},
        "dmarc": dict(seen.dmarc),
        "off": sorted(seen.off),
        "facts": dict(seen.facts),
    }


def _mx_to(one: Mx) -> dict[str, Any]:
    return {"holder": one.holder, "before": one.before, "until": one.until, "beside": list(one.beside)}


def _mx_from(one: Mapping[str, Any]) -> Mx:
    return Mx(one["holder"], one["before"], one["until"], tuple(one.get("beside") or ()))


def _published_to(one: Published) -> dict[str, Any]:
    others = None if one.others is None else list(one.others)
    return {"spf": dict(one.spf), "dkim": dict(one.dkim), "others": others, "policy": one.policy}


def observed_from(data: Mapping[str, Any]) -> Observed:
    """The inverse of observed_to; raises ValueError for anything else."""
    try:
        return Observed(
            forwards={address: Forward(one["target"], one["keep"] is True) for address, one in _table(data, "forwards").items()},
            mx={domain: _mx_from(one) for domain, one in _table(data, "mx").items()},
            moving=dict(_table(data, "moving")),
            synced=frozenset(data.get("synced") or ()),
            unsynced=frozenset(data.get("unsynced") or ()),
            modes={name: frozenset(modes) for name, modes in _table(data, "modes").items()},
            certificates=dict(_table(data, "certificates")),
            dns={domain: _published_from(one) for domain, one in _table(data, "dns").items()},
            dmarc=dict(_table(data, "dmarc")),
            off=frozenset(data.get("off") or ()),
            facts=dict(_table(data, "facts")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"what it holds of the outside is incomplete ({error})") from error


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = data.get(name) or {}
    return found


def _published_from(one: Mapping[str, Any]) -> Published:
    others = None if one["others"] is None else tuple(one["others"])
    return Published(dict(one["spf"]), dict(one["dkim"]), others, str(one["policy"]))


def evidence_to(evidence: Evidence) -> dict[str, Any]:
    """What is kept with a snapshot for the guards, beside what was observed. The trace is not: it tells of the days before it is read."""
    changes = {
        domain: {"at": one.at, "ttl": one.ttl, "holder": one.holder, "before": one.before, "fresh": one.fresh}
        for domain, one in sorted(evidence.mx_changes.items())
    }
    return {
        "mx_changes": changes,
        "ipv6": dict(evidence.ipv6),
        "forwards_read": evidence.forwards_read,
        "forwards_off": sorted(evidence.forwards_off),
        "unread": dict(evidence.unread),
    }


def evidence_from(data: Mapping[str, Any] | None, inputs: Inputs, seen: Observed) -> Evidence:
    """The inverse; of a snapshot that keeps none, what it does not tell counts as not read. Raises ValueError for anything else."""
    if data is None:
        missing = [f"ipv6 {domain}" for domain in inputs.domains]
        missing += [f"mx {domain}" for domain in inputs.domains if domain not in seen.mx]
        return Evidence(dns=dict(seen.dns), unread=dict.fromkeys(missing, "the snapshot does not tell it; take a new one"))
    try:
        changes = {
            domain: MxChange(str(one["at"]), int(one["ttl"]), str(one["holder"]), str(one["before"]), fresh=one["fresh"] is True)
            for domain, one in _table(data, "mx_changes").items()
        }
        return Evidence(
            mx_changes=changes,
            dns=dict(seen.dns),
            ipv6={domain: value is True for domain, value in _table(data, "ipv6").items()},
            forwards_read=data.get("forwards_read") is True,
            forwards_off=frozenset(data.get("forwards_off") or ()),
            unread=dict(_table(data, "unread")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"what it holds for the guards is incomplete ({error})") from error


def heard(params: Mapping[str, Any], inputs: Inputs, seen: Observed, evidence: Evidence) -> Evidence:
    """The evidence once the option `known` has spoken: an MX that it tells is no unread one, a source that is off was declared so."""
    said = {f"mx {domain}" for domain in told(params, inputs, Observed()).mx}
    unread = {about: why for about, why in evidence.unread.items() if about not in said}
    return replace(evidence, off=evidence.off | seen.off, unread=unread)


def told(params: Mapping[str, Any], inputs: Inputs, seen: Observed) -> Observed:
    """What was observed, with what the option `known` says in its place; raises InputError with every problem."""
    reader = _Told(inputs)
    value = reader.mapping(params.get("known"))
    for odd in sorted(set(value) - set(KEYS)):
        reader.say(f"'{odd}' is unknown; known are {', '.join(KEYS)}.")
    found = replace(
        seen,
        mx={**seen.mx, **reader.mx(value.get("mx"))},
        forwards={**seen.forwards, **reader.forwards(value.get("forwards"))},
        moving={**seen.moving, **reader.pairs("moving", value.get("moving"), checks.address_fault)},
        synced=seen.synced | reader.addresses("synced", value.get("synced")),
        unsynced=seen.unsynced | reader.addresses("unsynced", value.get("unsynced")),
        modes={**seen.modes, **reader.modes(value.get("modes"))},
        off=seen.off | frozenset(reader.holder(name) for name in checks.items(value.get("off"))),
        dmarc={**seen.dmarc, **reader.dmarc(value.get("dmarc"))},
        certificates={**seen.certificates, **reader.certificates(value.get("certificates"))},
        facts={**seen.facts, **reader.facts(value.get("facts"))},
    )
    if reader.problems:
        raise InputError(reader.problems)
    return found


class _Told:
    """Reads the option and keeps what is wrong, one line each."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.problems: list[str] = []

    def say(self, text: str) -> None:
        self.problems.append(f"known: {text}")

    def mapping(self, value: Any) -> Mapping[str, Any]:
        if checks.blank(value):
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError as error:
                self.say(f"is text but not JSON ({error}); give a mapping.")
                return {}
        if isinstance(value, Mapping):
            return value
        self.say(f"is '{value}'; give a mapping with {', '.join(KEYS)}.")
        return {}

    def holder(self, name: str) -> str:
        """A source by its name, or by `source` where there is only one; anything else is another host."""
        only = len(self.inputs.sources) == 1 and fold(name) == SOURCE
        return (self.inputs.sources[0].name or NAMELESS) if only else name if fold(name) != TENANT else TENANT

    def mx(self, value: Any) -> dict[str, Mx]:
        found = {}
        for domain, entry in self.mapping(value).items():
            shown = entry if isinstance(entry, Mapping) else {"holder": entry}
            if checks.domain_fault(str(domain)) or not shown.get("holder"):
                self.say(f"mx: '{domain}: {entry}' is not a domain and who answers for it (tenant, source, or a source's name).")
                continue
            before = str(shown.get("before") or "")
            until = str(shown.get("until") or "")
            found[fold(domain)] = Mx(self.holder(str(shown["holder"])), self.holder(before) if before else "", until)
        return found

    def forwards(self, value: Any) -> dict[str, Forward]:
        """A mapping of address to target, or a list of mappings as a forwarding list has them."""
        rows = value if isinstance(value, (list, tuple)) else [{"address": a, "target": t} for a, t in self.mapping(value).items()]
        found = {}
        for row in rows:
            shown = row if isinstance(row, Mapping) else {}
            if shown.get("on") is False:
                continue  # what one address shows, and it is not forwarded
            address, target = str(shown.get("address") or ""), str(shown.get("target") or shown.get("routing_address") or "")
            if checks.address_fault(address) or checks.address_fault(target):
                self.say(f"forwards: '{row}' names no address and where it leads; give address: target.")
                continue
            found[fold(address)] = Forward(fold(target), shown.get("keep") is True)
        return found

    def pairs(self, name: str, value: Any, fault: Callable[[str], str | None]) -> dict[str, str]:
        found = {}
        for key, entry in self.mapping(value).items():
            reason = fault(str(key))
            if reason:
                self.say(f"{name}: '{key}' {reason}.")
            found[fold(key)] = str(entry or "")
        return found

    def addresses(self, name: str, value: Any) -> frozenset[str]:
        found = frozenset(fold(item) for item in checks.items(value))
        for odd in sorted(address for address in found if checks.address_fault(address)):
            self.say(f"{name}: '{odd}' {checks.address_fault(odd)}.")
        return found

    def modes(self, value: Any) -> dict[str, frozenset[str]]:
        found = {}
        for name, entry in self.mapping(value).items():
            modes = frozenset(fold(item) for item in checks.items(entry))
            for odd in sorted(modes - MODES):
                self.say(f"modes: '{odd}' is none of {', '.join(sorted(MODES))}.")
            found[self.holder(str(name))] = modes
        return found

    def dmarc(self, value: Any) -> dict[str, str]:
        """What domains ask for where mail in their name fails DMARC."""
        found = {}
        for domain, entry in self.mapping(value).items():
            if checks.domain_fault(str(domain)) or fold(entry or "") not in POLICIES:
                self.say(f"dmarc: '{domain}: {entry}' is not a domain and its policy ({', '.join(POLICIES)}).")
                continue
            found[fold(domain)] = fold(entry)
        return found

    def certificates(self, value: Any) -> dict[str, str]:
        """The name in the certificate that a source's mail host sends with."""
        found = {}
        for name, entry in self.mapping(value).items():
            if checks.blank(entry):
                self.say(f"certificates: '{name}' has none; give the name in the certificate that its mail host sends with.")
                continue
            found[self.holder(str(name))] = fold(entry)
        return found

    def facts(self, value: Any) -> dict[str, str]:
        found = {}
        for name, entry in self.mapping(value).items():
            fact = FACTS.get(str(name))
            if fact is None or str(entry) not in fact.readings:
                readings = f"readings of {name} are {', '.join(fact.readings)}" if fact else f"facts are {', '.join(sorted(FACTS))}"
                self.say(f"facts: '{name}: {entry}' is unknown; {readings}.")
                continue
            found[str(name)] = str(entry)
        return found


__all__ = ["KEYS", "evidence_from", "evidence_to", "heard", "observed_from", "observed_to", "told"]
