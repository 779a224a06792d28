# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What DNS says of domains: the MX at their own name servers and at resolvers, SPF, DKIM, DMARC; and the addresses of hosts.

Names of mail exchangers are read, never computed. What could not be read stands under `errors` and never counts as absent.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter, Unavailable

from .dns_wire import FOUND, MISSING, Answer, Asker, Server, Silences, host_of, parents, server_of, system_servers

SELECTORS = ("selector1", "selector2")
TIMEOUT = 5.0
AT_ONCE = 8
MOST_SERVERS = 4
# Receivers look up no more than so many names of one record (RFC 7208).
MOST_INCLUDES = 10
# The include of the service itself, which says nothing of anybody else.
SERVICE = (".protection.outlook.com", ".protection.office365.us", ".protection.partner.outlook.cn")
# The keeper's: it lives as long as a run.
SILENT = Silences()
Row = dict[str, Any]


def run(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
    """Ask about `domains` and `hosts`.

    parameters: domains, hosts (names or addresses), name_servers (address:port; none: the system's), selectors (DKIM), policies
    (false: the MX alone), resolve (true: the addresses of every mail exchanger too, under each domain's `addresses`), timeout
    (seconds for each attempt), recall (true: a server that kept silent for an earlier task is not waited for again).

    Answers {servers, domains: {domain: ...}, hosts: {host: {addresses, ipv6, error}}}. Raises
    InvalidParameter for a name server that is none.
    """
    del options  # the tenant's own trust and proxy have no part in DNS
    if MISSING:
        raise Unavailable(f"{MISSING} on the controller.", cmdlet="dns", remedy="Install the collection's requirements.txt there.")
    given = tuple(server_of(str(text)) for text in parameters.get("name_servers") or ())
    servers, trouble = (given, "") if given else system_servers()
    asker = Asker(float(parameters.get("timeout") or TIMEOUT), SILENT if parameters.get("recall") is True else None)
    selectors = None if parameters.get("policies") is False else tuple(str(one) for one in parameters.get("selectors") or SELECTORS)
    domains = [_name(text) for text in parameters.get("domains") or ()]
    hosts = [str(text) for text in parameters.get("hosts") or ()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        resolve = parameters.get("resolve") is True
        about = list(pool.map(lambda domain: _Domain(asker, servers, trouble, domain).all(selectors, resolve=resolve), domains))
        found = list(pool.map(lambda host: addresses(asker, servers, trouble, host), hosts))
        # Zones of others come last: one that is out of order must not silence a server for what matters.
        patience = float(parameters.get("timeout") or TIMEOUT)
        for row, led in zip(about, pool.map(lambda row: included(patience, servers, str(row.get("spf") or "")), about), strict=True):
            row.update({"spf_of": led} if "spf" in row else {})
    return {
        "servers": [str(server) for server in servers],
        "domains": dict(zip(domains, about, strict=True)),
        "hosts": dict(zip(hosts, found, strict=True)),
    }


def _name(text: Any) -> str:
    name = host_of(str(text))
    if not name.isascii() or any(not label or len(label) > 63 for label in name.split(".")) or len(name) > 253:
        raise InvalidParameter(f"'{text}' is no domain.", remedy="Write international domains in their xn-- form.", cmdlet="dns")
    return name


def addresses(asker: Asker, servers: Sequence[Server], trouble: str, host: str) -> Row:
    """A host's addresses, both families; ipv6: whether it has one, None where that could not be read."""
    try:
        literal = ipaddress.ip_address(host.strip("[]"))
        return {"addresses": [str(literal)], "ipv6": literal.version == 6, "error": ""}
    except ValueError:
        name = _name(host)
    if trouble:
        return {"addresses": [], "ipv6": None, "error": trouble}
    four, six = asker.first(servers, name, "A"), asker.first(servers, name, "AAAA")
    return {
        "addresses": [*four.records, *six.records],
        "ipv6": six.status == FOUND if six.told else None,
        "error": "; ".join(dict.fromkeys(one.error for one in (four, six) if one.error)),
    }


def included(patience: float, servers: Sequence[Server], text: str) -> dict[str, str]:
    """By name the SPF records that one leads to, with those that these lead to; without those that could not be read.

    patience: seconds for each attempt. Each name is asked for anew: that nobody answers for one says nothing of the next.
    """
    found, asked, waiting = dict[str, str](), set[str](), _led(text)
    for name in waiting:
        if name in asked or len(asked) == MOST_INCLUDES:
            continue
        asked.add(name)
        answer = Asker(patience).first(servers, name, "TXT")
        texts = [one for one in answer.records if _version(one) == "v=spf1"]
        if answer.told and len(texts) == 1:
            found[name] = texts[0]
            waiting += _led(texts[0])
    return found


class _Domain:
    """The questions about one domain."""

    def __init__(self, asker: Asker, servers: Sequence[Server], trouble: str, domain: str) -> None:
        self._asker, self._servers, self._trouble, self._domain = asker, servers, trouble, domain
        self._errors: dict[str, str] = {}

    def all(self, selectors: Sequence[str] | None, *, resolve: bool = False) -> Row:
        """Everything about it; without selectors, the MX alone. error: why its MX is not known; then there is no `mx`."""
        if self._trouble:
            return {"error": self._trouble, "errors": {"mx": self._trouble}, "authoritative": {}, "resolvers": {}}
        own, others = self._exchangers()
        best = next((answer for answer in (*own.values(), *others.values()) if answer.told), None)
        made: Row = {
            "authoritative": {server: shown(answer) for server, answer in own.items()},
            "resolvers": {server: shown(answer) for server, answer in others.items()},
            "error": "",
        }
        if best is not None:
            made |= shown(best)
            made["ipv6"] = {} if selectors is None else self._ipv6([one["host"] for one in made["mx"]])
        else:
            made["error"] = "; ".join(dict.fromkeys(answer.error for answer in (*own.values(), *others.values())))
        if resolve:
            made["addresses"] = self._addresses([*own.values(), *others.values()])
        if selectors is not None:
            self._policy(made, selectors)
        return {**made, "errors": self._errors}

    def _exchangers(self) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """The MX as each server tells it: those that answer with authority, and the others."""
        asked = {str(server): self._asker.ask(server, self._domain, "MX") for server in self._servers}
        own = {name: answer for name, answer in asked.items() if answer.authoritative}
        others = {name: answer for name, answer in asked.items() if not answer.authoritative}
        return own or self._at_home(), others

    def _at_home(self) -> dict[str, Answer]:
        """The MX at the domain's own name servers, which the resolvers name."""
        names: tuple[str, ...] = ()
        for zone in parents(self._domain):
            answer = self._asker.first(self._servers, zone, "NS")
            if not answer.told:
                self._errors["ns"] = answer.error
                return {}
            names = answer.records
            if names:
                break
        if not names:
            self._errors["ns"] = f"no name servers are named for {self._domain}"
        found = {}
        for name in sorted(names)[:MOST_SERVERS]:
            known = self._asker.first(self._servers, name, "A")
            if not known.records:
                found[name] = Answer("unreachable", error=known.error or f"the name server {name} has no address")
                continue
            answer = self._asker.ask(Server(known.records[0]), self._domain, "MX")
            lame = Answer("lame", error=f"{name} does not answer for {self._domain} with authority")
            found[name] = lame if answer.told and not answer.authoritative else answer
        return found

    def _addresses(self, answers: Sequence[Answer]) -> dict[str, list[str]]:
        """The addresses of every mail exchanger that any server names; without those that could not be asked about."""
        found = {}
        for host in sorted({text.split()[1] for answer in answers for text in answer.records} - {"."}):
            known = addresses(self._asker, self._servers, "", host)
            if known["error"]:
                self._errors[f"address {host}"] = known["error"]
            else:
                found[host] = known["addresses"]
        return found

    def _ipv6(self, hosts: Sequence[str]) -> dict[str, bool]:
        """By mail exchanger, whether it has an IPv6 address; without those that could not be asked about."""
        found = {}
        for host in hosts:
            answer = self._asker.first(self._servers, host, "AAAA")
            if answer.told:
                found[host] = answer.status == FOUND
            else:
                self._errors[f"ipv6 {host}"] = answer.error
        return found

    def _policy(self, made: Row, selectors: Sequence[str]) -> None:
        """SPF, DMARC and DKIM: text, or None where there is none; left out where it could not be read."""
        self._text(made, "spf", self._domain, "v=spf1")
        for zone in parents(self._domain):
            self._text(made, "dmarc", f"_dmarc.{zone}", "v=dmarc1")
            made["dmarc_of"] = zone
            if made.get("dmarc") or "dmarc" in self._errors:
                break
        made["dkim"] = {}
        for selector in selectors:
            answer = self._asker.first(self._servers, f"{selector}._domainkey.{self._domain}", "TXT")
            if answer.told:
                made["dkim"][selector] = next(iter(answer.records), None)
            else:
                self._errors[f"dkim {selector}"] = answer.error

    def _text(self, made: Row, what: str, name: str, version: str) -> None:
        """One policy record. Two of them count as none at every receiver, so they are an error here."""
        answer = self._asker.first(self._servers, name, "TXT")
        found = [text for text in answer.records if _version(text) == version]
        if not answer.told:
            self._errors[what] = answer.error
        elif len(found) > 1:
            self._errors[what] = f"{name} has {len(found)} records of {version}, which receivers take as a fault"
        else:
            made[what] = next(iter(found), None)
        if what in self._errors:
            made.pop(what, None)


def _version(text: str) -> str:
    return text.casefold().split(";")[0].split(" ")[0].strip()


def _led(text: str) -> list[str]:
    """The names to which the terms of an SPF record lead, but for the service's own and for what is filled in for each message (%)."""
    found = []
    for term in text.casefold().split()[1:]:
        name = re.sub(r"^\+?(?:include:|redirect=)", "", term).rstrip(".")
        if name != term.rstrip(".") and "%" not in name and not name.endswith(SERVICE):
            found.append(name)
    return found


def shown(answer: Answer) -> Row:
    """One server's answer about the MX: {mx, ttl, status}, or {error, status}."""
    if not answer.told:
        return {"status": answer.status, "error": answer.error}
    pairs = sorted((int(text.split()[0]), text.split()[1]) for text in answer.records)
    return {"status": answer.status, "ttl": answer.ttl, "mx": [{"host": host, "preference": number} for number, host in pairs]}
