# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Forwards of Zimbra accounts: an attribute that users neither see nor change, and no local copy once the forward reads back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ._forwarding import ABSENT, ARGUMENTS, EXACT, READ, Forward, ForwardingError, Wanted, leading, report, seen, wanted
from ._forwarding_accounts import (
    ATTRIBUTES,
    FORWARD,
    SIEVE,
    Account,
    accounts,
    expected,
    redirects,
    refusals,
    scripts,
    zimbra_off,
    zimbra_on,
)
from ._forwarding_host import Done, Host

# How zmprov says that there is no such account.
MISSING = "NO_SUCH_ACCOUNT"
OPTIONS: dict[str, Any] = {**ARGUMENTS, "zmprov": {"type": "path", "default": "/opt/zimbra/bin/zmprov"}}


class Zimbra:
    """zmprov: one call for many lines, since each call starts a Java machine. Its exit code says nothing: everything is read back."""

    def __init__(self, host: Host, program: str) -> None:
        self.host = host
        self.program = host.program(program)

    def _batch(self, commands: Sequence[str], writes: bool) -> Done | None:
        handle, path = tempfile.mkstemp(dir=self.host.module.tmpdir)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write("".join(f"{command}\n" for command in commands))
            if not writes:
                return self.host.ask([self.program, "-f", path])
            shown = [{"command": [self.program, *command.split(" ")]} for command in commands]
            self.host.commands += shown
            return None if self.host.check else self.host.ask([self.program, "-f", path])
        finally:
            os.unlink(path)

    def read(self, addresses: Sequence[str], *, gone: bool = False) -> dict[str, Account]:
        """The accounts of addresses. One that is asked for by another address is asked for by itself. Raises ForwardingError.

        gone: whether an account may be missing.
        """
        names = sorted(set(addresses))
        if not names:
            return {}
        wish = " ".join(ATTRIBUTES)
        done = self._batch([f"ga {name} {wish}" for name in names], writes=False)
        known = accounts(done.out if done else "")
        found, problems = {}, []
        for name in names:
            if name in known:
                found[name] = known[name]
                continue
            one = self.host.ask([self.program, "ga", name, *ATTRIBUTES])
            told = list(accounts(one.out).values())
            if len(told) == 1:
                found[name] = told[0]
            elif not (gone and MISSING in one.why):
                problems.append(f"{name}: zmprov shows no account: {one.why}; correct the address, and run the task as the user zimbra.")
        if problems:
            raise ForwardingError(problems)
        return found

    def redirected(self, names: Sequence[str]) -> list[str]:
        """Accounts whose own filter sends mail on, which no attribute shows, one line each; and those whose filter cannot be read (S14).

        The scripts are read by themselves, since their users may write anything into them.
        """
        if not names:
            return []
        asked = sorted(names)
        done = self._batch([f"ga {name} {SIEVE}" for name in asked], writes=False)
        known, why = (scripts(done.out, asked), done.why[:200]) if done else ({}, "")
        found = []
        for name in asked:
            goals = ", ".join(redirects(known.get(name, "")))
            if name not in known:
                found.append(f"{name}: {SIEVE} cannot be read, so nobody knows where it redirects: {why}; run the task as zimbra (S14).")
            elif goals:
                what = f"{name}: a filter of the user redirects mail to {goals}, a second forward"
                found.append(f"{what}; have the user end it, or accept_risks: [S3] to leave it beside.")
        return found

    def forwarded(self) -> list[str]:
        """The names of all accounts that an administrator's forward is set for."""
        done = self.host.ask([self.program, "sa", f"({FORWARD}=*)"])
        if done.code != 0 or done.err.strip():
            raise ForwardingError([f"zmprov sa: {done.why}; run the task as the user zimbra on the mail host."])
        return [line.removeprefix("prov> ").strip().lower() for line in done.out.splitlines() if "@" in line]

    def write(self, commands: Sequence[str], before: Mapping[str, Account]) -> dict[str, Account]:
        """Send commands and read back what they changed. Raises ForwardingError when an account does not show it."""
        after = {name: expected(account, commands) for name, account in before.items()}
        if not commands:
            return after
        done = self._batch(commands, writes=True)
        if done is None:
            return after
        seen = self.read(sorted(before))
        wrong = [
            f"{name}: forwards read '{', '.join(seen[name].targets)}', local delivery {'off' if seen[name].silent else 'on'}, "
            f"and not what was written: {done.why}; nothing further was done, run again."
            for name, want in after.items()
            if (set(seen[name].targets), seen[name].silent) != (set(want.targets), want.silent)
        ]
        if wrong:
            raise ForwardingError(wrong)
        return seen


def _requests(asked: Wanted, found: Mapping[str, Account]) -> dict[str, Forward]:
    """The forward of each account; two addresses of one account are one forward. Raises ForwardingError."""
    requests: dict[str, Forward] = {}
    problems = []
    for forward in asked.forwards:
        name = found[forward.address].name
        first = requests.setdefault(name, forward)
        if (first.target, first.keep) != (forward.target, forward.keep):
            problems.append(f"{first.address} and {forward.address} are both {name}, and differ; leave one row (S7).")
    if problems:
        raise ForwardingError(problems)
    return requests


def work(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Switch forwards. Raises ForwardingError, OSError."""
    asked = wanted(params)
    zimbra = Zimbra(host, str(params["zmprov"]))
    if asked.state == READ:
        return seen(asked, shown(zimbra, asked), "zimbra")
    _known_by(asked)
    read = zimbra.read([forward.address for forward in asked.forwards])
    requests = _requests(asked, read)
    found = {account.name: account for account in read.values()}
    if asked.state == EXACT:
        found |= {account.name: account for account in zimbra.read([name for name in zimbra.forwarded() if name not in found]).values()}
    before = {name: forward for name, account in found.items() if (forward := account.forward(asked))}
    on = {} if asked.state == ABSENT else requests
    off = requests if asked.state == ABSENT else {name: before[name] for name in before if name not in requests and asked.state == EXACT}
    problems = [text for name, forward in on.items() for text in refusals(found[name], forward, asked)]
    problems += zimbra.redirected(list(on)) if "S3" not in asked.risks else []
    if problems:
        raise ForwardingError(problems)
    steps = [zimbra_on(found[name], forward, asked) for name, forward in on.items()]
    steps += [zimbra_off(found[name], forward, asked) for name, forward in off.items()]
    for number in (0, 1):
        found = zimbra.write([command for step in steps for command in step[number]], found)
    after = {name: forward for name, account in found.items() if (forward := account.forward(asked))}
    return report(before, after, asked, "zimbra")


def shown(zimbra: Zimbra, asked: Wanted) -> dict[str, Forward]:
    """By address the forward that its account has, an administrator's before the user's own."""
    found = {}
    for name, account in zimbra.read(list(asked.by_address), gone=True).items():
        forward = leading(name, (*account.targets, *account.own), asked, keep=not account.silent)
        if forward:
            found[name] = forward
    return found


def _known_by(asked: Wanted) -> None:
    """Without an own file it must be clear which forwards are ours. Raises ForwardingError."""
    if asked.state == ABSENT and not asked.ours and asked.forwards:
        raise ForwardingError(["give each routing_address, or routing_domain: without, forwards of ours are not told from others."])
