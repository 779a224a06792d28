# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""One marked message and what became of it. It is sent once: what may have been taken is followed, never sent again."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ._probe_follow import Course, Follower, Pace, belongs
from ._probe_letter import BOUNCE, KINDS, letter
from ._probe_turns import Result, Sight, Steps, together
from ._routing import _checks as checks
from ._routing._evidence import MISSING, NOT_PROBED, REFUSED
from ._routing._outside import Outside, is_service, outside_of
from ._runner import Context, InputError
from ._session import ExchangeError
from ._trace import CLOCK, now_of
from ._values import host_key

INTERNET, SOURCE, TENANT = "internet", "source", "tenant"
ORIGINS = (INTERNET, SOURCE, TENANT)
ANNOUNCED, SENT = "announced", "sent"
# What told that a message was refused while it was handed over.
HOST = "host"
NO_ACCOUNT = "there is no submission account: set ansible_exchange_submission_user and ansible_exchange_submission_password"
TIMES = {"timeout": 300.0, "interval": 10.0}
HAND_OVER = 60.0
# Stages at which a host judges the message; before them the origin itself could not be had.
JUDGED = frozenset({"mail", "rcpt", "data"})


@dataclass(frozen=True)
class Wanted:
    """What to send. hosts: of the foreign system, plain and folded, for the origin `source`, and to know it by; networks: likewise."""

    origin: str
    kind: str
    sender: str
    recipient: str
    hosts: tuple[str, ...]
    networks: tuple[str, ...]
    port: int
    outside: Outside
    timeout: float
    interval: float
    follow: bool


@dataclass(frozen=True)
class Handed:
    """What became of the handing over. answer: of the tool `smtp`, None where there was nobody to hand it to; then trouble says why.

    entered: the side that took it, `tenant` or `source`, empty for another host.
    """

    answer: Result | None = None
    entered: str = ""
    trouble: str = ""


def mail_probe(params: Mapping[str, Any], context: Context) -> Result:
    """Send one marked message and follow it; see the module of this name for what it answers. Raises InputError, ExchangeError."""
    wanted = wanted_of(params)
    if context.check_mode:
        context.progress(f"would send a {wanted.kind} probe from {wanted.origin} to {wanted.recipient}; announced")
        return _result(wanted, ANNOUNCED, "in check mode nothing is sent")
    sight = Sight(context)
    return together([steps(wanted, context, sight)], context, sight.turn)[0]


def steps(wanted: Wanted, context: Context, sight: Sight) -> Steps:
    """The same for one of many under way, which look through one sight; outside of check mode."""
    return (yield from _Probe(wanted, context, sight).run())


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """The options, checked; raises InputError with every problem at once."""
    outside, problems = outside_of(params)
    origin, kind = str(params.get("origin") or INTERNET), str(params.get("kind") or KINDS[0])
    for name, value, known in (("origin", origin, ORIGINS), ("kind", kind, KINDS)):
        if value not in known:
            problems.append(f"{name}: '{value}' is none of {', '.join(known)}.")
    recipient, sender = str(params.get("recipient") or "").strip(), str(params.get("sender") or "").strip()
    if checks.address_fault(recipient):
        problems.append(f"recipient: '{recipient}' {checks.address_fault(recipient)}.")
    if sender and checks.address_fault(sender):
        problems.append(f"sender: '{sender}' {checks.address_fault(sender)}.")
    if not sender and origin != TENANT and kind != BOUNCE:
        problems.append(f"sender: is empty; a probe from {origin} needs one.")
    given = [str(host_key(host)) for host in (*checks.items(params.get("host")), *checks.items(params.get("smart_hosts")))]
    # A network among smart hosts names no host that could be asked.
    hosts, networks = (checks.unique(host for host in given if ("/" in host) == wide) for wide in (False, True))
    if problems:
        raise InputError(problems)
    timeout, interval = (float(params[name] if params.get(name) is not None else default) for name, default in TIMES.items())
    port, followed = int(params.get("port") or 25), params.get("follow") is not False
    return Wanted(origin, kind, sender, recipient, hosts, networks, port, outside, timeout, interval, followed)


class _Probe:
    """One probe on its way."""

    def __init__(self, wanted: Wanted, context: Context, sight: Sight) -> None:
        self._wanted, self._context, self._sight = wanted, context, sight
        self._mark = uuid.uuid4().hex
        self._from = ""
        self._deadline = context.monotonic() + wanted.timeout
        self._started = now_of(context.session.call(CLOCK))

    @property
    def _id(self) -> str:
        return f"<probe.{self._mark}@{self._from.rpartition('@')[2]}>"

    def run(self) -> Steps:
        """Hand it over, follow it, and say what became of it."""
        handed = yield from self._hand_over()
        answer = handed.answer
        if answer is None:
            return self._told(NOT_PROBED, handed.trouble, None)
        if not answer["accepted"] and not answer["uncertain"]:
            judged = answer["stage"] in JUDGED and answer["code"]
            return self._told(REFUSED if judged else NOT_PROBED, said(answer), answer) | {"told_by": HOST if judged else ""}
        if not self._wanted.follow:
            return self._told(SENT if answer["accepted"] else MISSING, said(answer), answer)
        self._context.progress(f"the probe to {self._wanted.recipient} was handed to {answer['host']}")
        inside = self._wanted.origin == SOURCE
        way = (self._id, self._wanted.recipient, handed.entered, said(answer), answer["uncertain"], self._started)
        course = Course(*way, *self._foreign, inside)
        pace = Pace(self._deadline, self._wanted.interval)
        end = yield from Follower(course, self._context, self._wanted.outside.mailbox_url, pace, self._sight).run()
        return {**self._told(end.result, end.why, answer), **end.more()}

    def _hand_over(self) -> Generator[float, None, Handed]:
        wanted = self._wanted
        self._from = wanted.sender or f"postmaster@{wanted.recipient.rpartition('@')[2]}"
        if wanted.origin == TENANT:
            return (yield from self._submit())
        if wanted.origin == SOURCE:
            hosts, trouble = wanted.hosts, "no host of the foreign system is named: give host or smart_hosts"
        else:
            hosts, trouble = self._exchangers()
        return (yield from self._by_smtp(hosts)) if hosts else Handed(trouble=trouble)

    def _submit(self) -> Generator[float, None, Handed]:
        """By authenticated submission; without a sender the account itself is one."""
        account = self._context.session.tool("account", {})
        if not account["ready"]:
            return Handed(trouble=NO_ACCOUNT)
        if not self._wanted.sender and self._wanted.kind != BOUNCE:
            self._from = str(account["user"])
        outside = self._wanted.outside
        where = {"submission": True, "submission_host": outside.submission_host, "submission_port": outside.submission_port}
        return Handed((yield from self._patient([where])), TENANT)

    def _exchangers(self) -> tuple[tuple[str, ...], str]:
        """The MX of the recipient's domain, best first, or why there is none."""
        domain = self._wanted.recipient.rpartition("@")[2].casefold()
        asked = {"domains": [domain], "name_servers": list(self._wanted.outside.name_servers), "policies": False}
        found = self._context.session.tool("dns", asked)["domains"][domain]
        if found["error"]:
            return (), f"the MX of {domain} could not be read: {found['error']}"
        hosts = tuple(one["host"] for one in found["mx"] if one["host"] != ".")
        return hosts, "" if hosts else f"{domain} has no MX ({found['status']})"

    def _by_smtp(self, hosts: Sequence[str]) -> Generator[float, None, Handed]:
        answer = yield from self._patient([{"host": host, "port": self._wanted.port} for host in hosts])
        return Handed(answer, self._side(str(answer["host"])))

    def _patient(self, ways: Sequence[Mapping[str, Any]]) -> Steps:
        """One way after the other, as mail servers do, until one gives a final answer; all again later, while they say "later"."""
        while True:
            answer: Result = {}
            for way in ways:
                said_ = self._smtp(way)
                if said_["accepted"] or said_["uncertain"] or said_["code"] >= 500:
                    return said_
                # That one host cannot be reached takes nothing back of what another said.
                answer = said_ if said_["code"] or not answer.get("code") else answer
            left = self._deadline - self._context.monotonic()
            if not 400 <= answer["code"] < 500 or left <= 0:
                return answer
            self._context.progress(f"{answer['host']} puts the probe off: {said(answer)}")
            yield min(self._wanted.interval, left)

    def _side(self, host: str) -> str:
        """The side that a host belongs to: the service's own names, the foreign hosts by name or address; empty for another one."""
        if self._wanted.origin == SOURCE:
            return SOURCE
        if is_service(host):
            return TENANT
        theirs, _unknown = self._foreign
        return SOURCE if belongs([host], theirs) or belongs(self._keys([host])[0], theirs) else ""

    @cached_property
    def _foreign(self) -> tuple[frozenset[str], str]:
        """Names, addresses and networks of the foreign system, and why some are not known."""
        if not (self._wanted.hosts or self._wanted.networks):
            return frozenset(), "give smart_hosts to know its hosts by"
        found, unknown = self._keys(self._wanted.hosts)
        return found | frozenset(self._wanted.networks), unknown

    def _keys(self, hosts: Iterable[str]) -> tuple[frozenset[str], str]:
        """Hosts and their addresses as keys, and what could not be read: it must not stop a probe that is sent already."""
        asked = {"hosts": sorted({str(host_key(host)) for host in hosts}), "name_servers": list(self._wanted.outside.name_servers)}
        try:
            found = self._context.session.tool("dns", asked)["hosts"] if any(map(_named, asked["hosts"])) else {}
        except ExchangeError as error:
            return frozenset(asked["hosts"]), f"the addresses of {', '.join(asked['hosts'])} could not be read: {error.text}"
        addresses = (str(host_key(address)) for one in found.values() for address in one["addresses"])
        lacking = (f"{name} has no address ({one['error'] or 'none is published'})" for name, one in found.items() if not one["addresses"])
        return frozenset((*asked["hosts"], *addresses)), "; ".join(lacking)

    def _smtp(self, where: Mapping[str, Any]) -> Result:
        wanted = self._wanted
        bounce = wanted.kind == BOUNCE
        text = letter(wanted.kind, self._mark, self._id, self._from, wanted.recipient, self._started)
        asked = {
            **where,
            "mail_from": "" if bounce else self._from,
            "recipient": wanted.recipient,
            "message": text,
            "overrides": dict(wanted.outside.smtp_overrides),
            "timeout": HAND_OVER,
        }
        try:
            return self._context.session.tool("smtp", asked)
        except ExchangeError as error:
            if not error.uncertain:
                raise
            # The keeper is gone while it spoke to the host: what may have been sent is followed.
            host = str(where.get("host") or where.get("submission_host") or "")
            return {"stage": "data", "code": 0, "text": error.text, "accepted": False, "uncertain": True, "host": host}

    def _told(self, result: str, why: str, answer: Result | None) -> Result:
        made = _result(self._wanted, result, why)
        if answer is not None:
            sender = "" if self._wanted.kind == BOUNCE else self._from
            made |= {"id": self._id, "sender": sender, "host": answer["host"], "stage": answer["stage"]}
        return made


def _named(host: str) -> bool:
    """True for a name, false for an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def said(answer: Mapping[str, Any]) -> str:
    """The other side's words, with the place where they were said."""
    code = f"{answer['code']} " if answer["code"] else ""
    return f"{code}{answer['text']} (at {answer['stage']}, {answer['host']})"


def _result(wanted: Wanted, result: str, why: str) -> Result:
    return {
        "changed": False,
        "calls": [],
        "result": result,
        "why": why,
        "origin": wanted.origin,
        "kind": wanted.kind,
        "sender": wanted.sender if wanted.kind != BOUNCE else "",
        "recipient": wanted.recipient,
        "place": "",
        "told_by": "",
        "forwarded": False,
        "places": [],
        "rows": [],
        "seconds": 0,
        "id": "",
        "host": "",
        "stage": "",
    }
