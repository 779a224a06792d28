# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The predictor's side: rows read back from the sandbox's store, the world that they show, and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timezone
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._routing import _reads, _snapshot
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Published
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import Inputs, parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import Prediction, predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Foreign, Forward, Mx, World
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import Observed, member_calls, world_of
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, NotFound, Reply
from sandbox import service
from sandbox.errors import ServiceError
from sandbox.tenant import Tenant

from .scenario import TENANT, Letter, Row, Scenario

STEP = "preflight"
PLUS = ("DisablePlusAddressInRecipients", "AllowPlusAddressInRecipients")


class Reads:
    """A tenant's cmdlets, in process: what is hidden in a world is not shown."""

    def __init__(self, tenant: Tenant, scenario: Scenario) -> None:
        """Keep the tenant."""
        self._tenant, self._scenario = tenant, scenario

    def reply(self, cmdlet: Cmdlet) -> Reply | NotFound:
        """One cmdlet's answer."""
        given = {name: value for name, value in cmdlet.parameters.items() if value is not None}
        try:
            rows = service.run(self._tenant, cmdlet.name, given, "client").rows
        except ServiceError as error:
            if error.kind != "not_found":
                raise
            return NotFound(str(error), cmdlet=cmdlet.name)
        shown = [{key: value for key, value in row.items() if not (key in PLUS and "plus" in self._scenario.hidden)} for row in rows]
        return Reply(shown, date=self._tenant.now().astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def rows(self, cmdlet: Cmdlet) -> list[Row]:
        """The rows of a cmdlet; none where it found nothing."""
        answer = self.reply(cmdlet)
        return [dict(row) for row in answer.rows] if isinstance(answer, Reply) else []


def inputs(scenario: Scenario) -> Inputs:
    """What an administrator would declare for this world."""
    text = "\n".join(["address,kind,owner,home", *(",".join(row) for row in scenario.listed)])
    return parse(
        {
            "domains": scenario.domains,
            "sources": [
                {"name": host.name, "domains": host.domains, "smart_hosts": [host.address], "source_ip_ranges": [host.address]}
                for host in scenario.hosts
            ],
            "source_file": "source.csv",
            "group_address": scenario.group,
            "membership": "pending" if scenario.pending else "migrated",
            "rule_scope": scenario.scope,
        },
        STEP,
        lambda _unused: text,
    )


def world(scenario: Scenario, tenant: Tenant, dumps: Sequence[Mapping[str, Any]], synced: set[str]) -> World:
    """The world that the tenant's rows, the hosts' dumps and DNS show."""
    declared, reads = inputs(scenario), Reads(tenant, scenario)
    answers = {name: reads.reply(cmdlet) for name, cmdlet in _snapshot.calls(declared, STEP).items()}
    found = _snapshot.build(declared, {name: answer for name, answer in answers.items() if isinstance(answer, Reply)})
    rows = {name: reads.rows(cmdlet) for name, cmdlet in _reads.CALLS.items() if name not in {"phishing", "spam", "sealers"}}
    rows |= _policies(scenario)
    members = {address: reads.rows(cmdlet) for address, cmdlet in member_calls(found, rows, declared).items()}
    made = world_of(found, declared, rows, members, _observed(scenario, dumps, synced, frozenset(declared.source_list or ())))
    return replace(made, entries=scenario.entries, sources=tuple(_completed(scenario, source) for source in made.sources))


def _policies(scenario: Scenario) -> dict[str, list[Row]]:
    """The policies that this world shows; the others stay open questions."""
    found: dict[str, list[Row]] = {}
    if "phishing" not in scenario.hidden:
        found["phishing"] = [{"IsDefault": True, "HonorDmarcPolicy": scenario.reading["honor_dmarc"] == "on"}]
    if "spam" not in scenario.hidden:
        found["spam"] = [{"AutoForwardingMode": "On" if scenario.reading["auto_forward"] == "allowed" else "Off"}]
    return found


def fixed(scenario: Scenario) -> set[str]:
    """Questions that this world's rows answer."""
    shown = {"phishing": "honor_dmarc", "spam": "auto_forward", "plus": "plus_addressing"}
    return {fact for name, fact in shown.items() if name not in scenario.hidden}


def _sends(scenario: Scenario, domain: str) -> dict[str, bool | None]:
    """Whom a shared domain's SPF record names: the tenant, and the host that serves it."""
    return {TENANT: True, **{host.name: domain in host.domains for host in scenario.hosts}}


def _observed(scenario: Scenario, dumps: Sequence[Mapping[str, Any]], synced: set[str], listed: frozenset[str]) -> Observed:
    forwards = {
        address: Forward(str(forward["to"]), bool(forward["keep"])) for dump in dumps for address, forward in dump["forwards"].items()
    }
    sides = {"tenant": True, **{host.name: True for host in scenario.hosts}}
    dns = {
        domain: Published(
            _sends(scenario, domain), dict.fromkeys(sides, domain in scenario.signed), (), "reject" if domain in scenario.strict else ""
        )
        if domain in scenario.domains
        else Published(dkim={"outside": domain in scenario.signed}, policy="reject")
        for domain in {*scenario.domains, *scenario.strict}
    }
    return Observed(
        forwards=forwards,
        mx={domain: Mx(holder, scenario.mx_before.get(domain, "")) for domain, holder in scenario.mx.items()},
        moving=dict.fromkeys(scenario.moving, "soon"),
        synced=frozenset(synced),
        unsynced=listed - synced,
        modes={host.name: frozenset({host.unknown, *host.flags, *(["footer"] if host.footer else [])}) for host in scenario.hosts},
        certificates={host.name: host.exchanger for host in scenario.hosts},
        dns=dns,
        off=frozenset(host.name for host in scenario.hosts if host.removed),
    )


def _completed(scenario: Scenario, source: Foreign) -> Foreign:
    """What an administrator knows beside the list: members of lists."""
    host = next(one for one in scenario.hosts if one.name == source.name)
    known = dict(source.addresses or {})
    for address, members in host.lists.items():
        known[address] = replace(known[address], members=tuple(members))
    return replace(source, addresses=known)


def predictions(known: World, letter: Letter) -> dict[str, Prediction]:
    """One prediction for each recipient of a letter."""
    return {
        recipient: predict(
            known,
            letter.sender,
            recipient,
            letter.origin,
            kind=letter.what,
            others=tuple(one for one in letter.recipients if one != recipient),
        )
        for recipient in letter.recipients
    }
