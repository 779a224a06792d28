# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Forwarders of a cPanel account by UAPI. Adding is not idempotent there, so everything is read first and read back after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _forwarding_accounts as parts
from ._forwarding import ABSENT, ARGUMENTS, READ, Forward, ForwardingError, Wanted, domain_of, leading, report, seen, wanted
from ._forwarding_accounts import Domain
from ._forwarding_host import Host

OPTIONS: dict[str, Any] = {
    **ARGUMENTS,
    "account": {"type": "str"},
    "domains": {"type": "list", "elements": "str", "default": []},
    "set_local": {"type": "bool", "default": False},
    "uapi": {"type": "path", "default": "/usr/local/cpanel/bin/uapi"},
}


class Panel:
    """UAPI of one account."""

    def __init__(self, host: Host, program: str, account: str) -> None:
        self.host = host
        self._start = [host.program(program), *([f"--user={account}"] if account else []), "--output=json"]

    def ask(self, *words: str) -> Any:
        """The data of a call that reads. Raises ForwardingError."""
        done = self.host.ask([*self._start, *words])
        return parts.data(done.out or done.err, f"uapi {' '.join(words)}")

    def do(self, words: Sequence[str]) -> None:
        """A call that writes. Raises ForwardingError."""
        done = self.host.do([*self._start, *words])
        if done is not None:
            parts.data(done.out or done.err, f"uapi {' '.join(words)}")

    def domain(self, name: str) -> Domain:
        """What the host says of a domain."""
        return Domain(
            name,
            parts.forwarders(self.ask(*parts.words("Email", "list_forwarders", domain=name)) or []),
            parts.mailboxes(self.ask(*parts.words("Email", "list_pops_with_disk", domain=name)) or []),
            parts.routing(self.ask(*parts.words("Email", "list_mxs", domain=name)) or [], name),
        )


def work(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Switch forwards. Raises ForwardingError, OSError."""
    asked = wanted(params)
    if not asked.ours and asked.forwards:
        raise ForwardingError(["give each routing_address, or routing_domain: without, forwards of ours are not told from others."])
    panel = Panel(host, str(params["uapi"]), str(params.get("account") or ""))
    names = sorted({domain_of(forward.address) for forward in asked.forwards} | {name.strip().lower() for name in params["domains"]})
    domains = {name: panel.domain(name) for name in names}
    if asked.state == READ:
        return seen(asked, _shown(domains, asked), "cpanel")
    problems = [] if asked.state == ABSENT else parts.cpanel_refusals(domains, asked, bool(params["set_local"]))
    if problems:
        raise ForwardingError(problems)
    before = parts.cpanel_now(domains, asked)
    if asked.state != ABSENT and params["set_local"]:
        _make_local(panel, domains, asked)
    add, drop = parts.cpanel_steps(domains, asked)
    for calls in (add, drop):
        for words in calls:
            panel.do(words)
        _read_back(panel, domains, calls)
    after = _after(before, domains, add, drop)
    return report(before, after, asked, "cpanel")


def _shown(domains: Mapping[str, Domain], asked: Wanted) -> dict[str, Forward]:
    """By address the forwarder that the host shows, one of ours before any other."""
    found = {}
    for name in asked.by_address:
        domain = domains[domain_of(name)]
        targets = [target for address, target in domain.forwarders if address == name]
        forward = leading(name, targets, asked, keep=name in (domain.mailboxes or {}))
        if forward:
            found[name] = forward
    return found


def _make_local(panel: Panel, domains: Mapping[str, Domain], asked: Wanted) -> None:
    for name in sorted({domain_of(forward.address) for forward in asked.forwards}):
        if domains[name].routing == "local":
            continue
        panel.do(parts.words("Email", "set_always_accept", domain=name, mxcheck="local"))
        read = "local" if panel.host.check else panel.domain(name).routing
        if read != "local":
            raise ForwardingError([f"{name}: mail routing still reads '{read}' after it was set to local; set it in the panel (S11)."])


def _read_back(panel: Panel, domains: Mapping[str, Domain], calls: Sequence[Sequence[str]]) -> None:
    """Hold what the host shows against what was written, before anything else is. Raises ForwardingError."""
    if panel.host.check or not calls:
        return
    pairs = {pair for name in domains for pair in panel.domain(name).forwarders}
    wrong = []
    for words in calls:
        address, target = parts.pair(words)
        if ((address, target) in pairs) != (words[1] == "add_forwarder"):
            shown = ", ".join(sorted(one for name, one in pairs if name == address)) or "no forward"
            wrong.append(f"{address} shows {shown} after {words[1]} {target}; nothing further was done, look at it in the panel.")
    if wrong:
        raise ForwardingError(wrong)


def _after(
    before: Mapping[str, Forward], domains: Mapping[str, Domain], add: Sequence[Sequence[str]], drop: Sequence[Sequence[str]]
) -> dict[str, Forward]:
    """Our forwards after the calls."""
    after = dict(before)
    for words in drop:
        address, target = parts.pair(words)
        if after.get(address, Forward(address)).target == target:
            del after[address]
    for words in add:
        address, target = parts.pair(words)
        boxes = domains[domain_of(address)].mailboxes or {}
        after[address] = Forward(address, target, address in boxes)
    return after
