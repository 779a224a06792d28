# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What zmprov and uapi print, and which attributes and forwarders to write in which order. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from ._forwarding import ABSENT, EXACT, Forward, ForwardingError, Wanted, domain_of, plain

FORWARD, LOCAL, OWN, STATUS = (
    "zimbraMailForwardingAddress",
    "zimbraPrefMailLocalDeliveryDisabled",
    "zimbraPrefMailForwardingAddress",
    "zimbraMailStatus",
)
ATTRIBUTES = (FORWARD, OWN, LOCAL, STATUS)
LONGEST_FORWARD = 256  # characters of a value of zimbraMailForwardingAddress
SIEVE = "zimbraMailSieveScript"
# A Sieve script's comments, strings (1: quoted, 2: of several lines), words and signs.
_TOKEN = re.compile(
    r"#[^\n]*|/\*.*?(?:\*/|\Z)"
    r'|"((?:\\.|[^"\\])*)(?:"|\Z)'
    r"|text:[ \t]*(?:#[^\n]*)?\r?\n(.*?)(?:^\.\r?$|\Z)"
    r"|:?\w+|[{};]",
    re.DOTALL | re.MULTILINE,
)
# A wave's rows say keep_copy themselves, so that the role's own variable does not reach them.
COPIES = "keep_copy: true (of the role source_forwarding_keep_copy, in a wave coexistence_forward_keep_copy)"
FULL = 95.0  # per cent of a mailbox from which on it soon refuses mail


@dataclass(frozen=True)
class Account:
    """A Zimbra account. targets: the administrators' forwards; own: the user's; silent: nothing is put into the mailbox."""

    name: str
    targets: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    silent: bool = False
    status: str = ""

    def forward(self, asked: Wanted, address: str = "") -> Forward | None:
        """The forward of ours that it has, if any."""
        target = next((one for one in self.targets if asked.is_ours(one)), "")
        return Forward(address or self.name, target, not self.silent) if target else None


def accounts(output: str) -> dict[str, Account]:
    """What `zmprov ga` prints of any number of accounts, by name. Prompts of the batch mode are left aside."""
    found: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in output.splitlines():
        text = line.removeprefix("prov> ").rstrip()
        header = re.fullmatch(r"# name (\S+@\S+)", text)
        if header:
            current = found.setdefault(header[1].lower(), {})
            continue
        name, colon, rest = text.partition(":")
        if colon and name in ATTRIBUTES:
            current.setdefault(name, []).append(rest.strip())
    return {name: _account(name, values) for name, values in found.items()}


def _account(name: str, values: Mapping[str, Sequence[str]]) -> Account:
    own = [plain(part) for text in values.get(OWN, ()) for part in text.split(",")]
    return Account(
        name,
        tuple(plain(text) for text in values.get(FORWARD, ()) if plain(text)),
        tuple(part for part in own if part),
        [text.upper() for text in values.get(LOCAL, ())][-1:] == ["TRUE"],
        (list(values.get(STATUS, ())) or [""])[-1].lower(),
    )


def refusals(account: Account, forward: Forward, asked: Wanted) -> list[str]:
    """What forbids to forward an account."""
    found = []
    if account.status not in ("", "enabled"):
        found.append(f"{account.name}: zimbraMailStatus is {account.status}, so no forward acts; enable the account's mail first.")
    if len(forward.target) > LONGEST_FORWARD:
        found.append(f"{account.name}: {forward.target} is longer than {LONGEST_FORWARD} characters; use a shorter routing address.")
    theirs = [one for one in (*account.targets, *account.own) if not asked.is_ours(one)]
    if theirs and "S3" not in asked.risks:
        found.append(
            f"{account.name} is forwarded to {', '.join(theirs)} already; end that first, or accept_risks: [S3] to leave it beside."
        )
    return found


def scripts(output: str, names: Sequence[str]) -> dict[str, str]:
    """What `zmprov ga NAME zimbraMailSieveScript` prints for each of these names, in their order; one that it says nothing of is missing.

    A user may write what looks like a header into the script: only names that were asked for count, each after the one before.
    """
    lines = [re.sub(r"^(?:prov> )+", "", line).rstrip() for line in output.splitlines()]
    starts: dict[str, int] = {}
    begin = 0
    for name in names:
        at = next((at for at in range(begin, len(lines)) if _heads(lines, at, name)), None)
        if at is not None:
            starts[name] = at
            begin = at + 1
    ends = [*list(starts.values())[1:], len(lines)]
    texts = {name: "\n".join(lines[at + 1 : end]) for (name, at), end in zip(starts.items(), ends, strict=False)}
    return {name: text.removeprefix(f"{SIEVE}:").strip() for name, text in texts.items()}


def _heads(lines: Sequence[str], at: int, name: str) -> bool:
    """Whether a line is the header of an account, which its script follows, or nothing."""
    after = lines[at + 1] if at + 1 < len(lines) else ""
    return lines[at].lower() == f"# name {name}" and (not after or after.startswith((f"{SIEVE}:", "# name ")))


def redirects(script: str) -> tuple[str, ...]:
    """Where a Sieve script may redirect mail to; a rule that its user has switched off (disabled_if) does not count."""
    found: list[str] = []
    taking: list[str] | None = None
    off, disabling = [False], False
    for token in _TOKEN.finditer(script):
        word, text = token[0].lower(), token[1] if token[1] is not None else token[2]
        if text is not None:
            taking = taking if taking is None else [*taking, plain(re.sub(r"\\(.)", r"\1", text))]
        elif word == "redirect" and not off[-1]:
            taking = []
        elif word == "disabled_if":
            disabling = True
        elif word == "{":
            off, disabling = [*off, off[-1] or disabling], False
        elif word in (";", "}"):
            found += [] if taking is None else taking or ["somebody"]
            taking = None
            off = off[:-1] if word == "}" and len(off) > 1 else off
    found += [] if taking is None else taking or ["somebody"]
    return tuple(dict.fromkeys(found))


def zimbra_on(account: Account, forward: Forward, asked: Wanted) -> tuple[list[str], list[str]]:
    """The commands of two steps: the forward, and only when it reads back what becomes of the copy."""
    first = [] if forward.target in account.targets else [f"ma {account.name} +{FORWARD} {forward.target}"]
    second = [f"ma {account.name} -{FORWARD} {one}" for one in account.targets if asked.is_ours(one) and one != forward.target]
    if account.silent == forward.keep:
        second.insert(0, f"ma {account.name} {LOCAL} {'FALSE' if forward.keep else 'TRUE'}")
    return first, second


def zimbra_off(account: Account, forward: Forward, asked: Wanted) -> tuple[list[str], list[str]]:
    """The same for the way back: mail reaches the mailbox again, and only when that reads back the forward goes."""
    gone = [one for one in account.targets if one == forward.target or asked.is_ours(one)]
    first = [f"ma {account.name} {LOCAL} FALSE"] if gone and account.silent else []
    return first, [f"ma {account.name} -{FORWARD} {one}" for one in gone]


def expected(account: Account, commands: Iterable[str]) -> Account:
    """The account after commands of ours."""
    targets, silent = list(account.targets), account.silent
    for command in commands:
        _ma, name, attribute, text = command.split(" ")
        if name != account.name:
            continue
        if attribute == LOCAL:
            silent = text == "TRUE"
        elif attribute.startswith("+"):
            targets.append(text)
        else:
            targets.remove(text)
    return Account(account.name, tuple(targets), account.own, silent, account.status)


# cPanel


@dataclass(frozen=True)
class Domain:
    """A domain of a cPanel account: (address, target) of each forwarder, mailboxes with the share that is used, and mail routing."""

    name: str
    forwarders: tuple[tuple[str, str], ...] = ()
    mailboxes: Mapping[str, float | None] | None = None
    routing: str = ""


def data(output: str, what: str) -> Any:
    """The data of an answer of uapi. Raises ForwardingError with the service's own reason."""
    try:
        result = json.loads(output)["result"]
    except (ValueError, KeyError, TypeError) as error:
        said = " ".join(output.split())[:200] or "nothing"
        raise ForwardingError(
            [f"{what}: no answer of UAPI but '{said}'; run the task on the cPanel host as root or as the account."]
        ) from error
    if result.get("status") != 1:
        why = "; ".join(str(text) for text in result.get("errors") or ["no reason given"])
        raise ForwardingError([f"{what}: {why}; correct that and run again."])
    return result.get("data")


def forwarders(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """(address, target) of every row of list_forwarders; a comma list is several."""
    pairs = ((plain(row.get("dest")), plain(part)) for row in rows for part in str(row.get("forward", "")).split(","))
    return tuple(dict.fromkeys(pair for pair in pairs if all(pair)))


def mailboxes(rows: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """The share in per cent that each mailbox uses; None where it has no limit or the answer does not say."""
    found: dict[str, float | None] = {}
    for row in rows:
        said = str(row.get("diskusedpercent_float") or row.get("diskusedpercent") or "").rstrip("%")
        found[plain(row.get("email"))] = float(said) if re.fullmatch(r"\d+(\.\d+)?", said) else None
    return found


def routing(rows: Iterable[Mapping[str, Any]], domain: str) -> str:
    """How the host treats the domain's mail: local, remote, secondary or auto; "" when the answer does not say."""
    return next((str(row.get("mxcheck") or "").lower() for row in rows if plain(row.get("domain")) == domain), "")


def words(module: str, function: str, **values: str) -> list[str]:
    """A call's words; UAPI wants its values encoded as in an address of the web."""
    return [module, function, *(f"{name}={quote(text, safe='@')}" for name, text in values.items())]


def pair(call: Sequence[str]) -> tuple[str, str]:
    """The address and the target that a call writes."""
    values = {name: unquote(text) for name, _equals, text in (word.partition("=") for word in call[2:])}
    return (values["email"], values["fwdemail"]) if "email" in values else (values["address"], values["forwarder"])


def cpanel_now(domains: Mapping[str, Domain], asked: Wanted) -> dict[str, Forward]:
    """The forwards of ours that are on."""
    found: dict[str, Forward] = {}
    for domain in domains.values():
        for address, target in domain.forwarders:
            if asked.is_ours(target):
                found.setdefault(address, Forward(address, target, address in (domain.mailboxes or {})))
    return found


def cpanel_refusals(domains: Mapping[str, Domain], asked: Wanted, set_local: bool) -> list[str]:
    """What forbids to switch the forwards on."""
    found = []
    for name in sorted({domain_of(forward.address) for forward in asked.forwards}):
        how = domains[name].routing
        if how != "local" and not set_local and "S11" not in asked.risks:
            found.append(
                f"{name}: mail routing is '{how or 'unknown'}', so forwards may be passed by; set_local: true makes it local (S11)."
            )
    for forward in asked.forwards:
        found += _cpanel_faults(domains[domain_of(forward.address)], forward, asked)
    return found


def _cpanel_faults(domain: Domain, forward: Forward, asked: Wanted) -> Iterable[str]:
    name = forward.address
    theirs = [target for address, target in domain.forwarders if address == name and not asked.is_ours(target)]
    if theirs and "S3" not in asked.risks:
        yield f"{name} is forwarded to {', '.join(theirs)} already; end that first, or accept_risks: [S3] to leave it beside."
    boxes = domain.mailboxes or {}
    if name in boxes and not forward.keep:
        yield f"{name} has a mailbox here, which gets every message too; {COPIES} accepts that, or delete the mailbox after the last sync."
    used = boxes.get(name)
    if used is not None and used >= FULL and "S9" not in asked.risks:
        yield f"{name}: the mailbox is {used:g} % full; when it refuses mail the forward gets none either: raise its quota (S9)."


def cpanel_steps(domains: Mapping[str, Domain], asked: Wanted) -> tuple[list[list[str]], list[list[str]]]:
    """The calls of two steps: what is added, and only when it reads back what is taken away."""
    add: list[list[str]] = []
    drop: list[list[str]] = []
    pairs = [pair for domain in domains.values() for pair in domain.forwarders]
    if asked.state != ABSENT:
        missing = [forward for forward in asked.forwards if (forward.address, forward.target) not in pairs]
        add = [
            words("Email", "add_forwarder", domain=domain_of(one.address), email=one.address, fwdopt="fwd", fwdemail=one.target)
            for one in missing
        ]
    for address, target in pairs:
        wish = asked.by_address.get(address)
        ours = asked.is_ours(target)
        if asked.state == ABSENT:
            gone = wish is not None and (target == wish.target or ours)
        else:
            gone = ours and (wish.target != target if wish else asked.state == EXACT)
        if gone:
            drop.append(words("Email", "delete_forwarder", address=address, forwarder=target))
    return add, drop
