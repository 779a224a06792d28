# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What every back end of forwards shares: the declared forwards, their guards, and what a change did. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._values import in_one_line

PRESENT, ABSENT, EXACT, READ = "present", "absent", "exact", "read"
STATES = (PRESENT, ABSENT, EXACT, READ)
# Guards that a back end of forwards may be told to go past, each with what it is about.
RISKS = {
    "S3": "somebody else's forward stands in the way",
    "S9": "the mailbox that keeps a copy is nearly full",
    "S11": "the host does not take the domain's mail as local",
}
LONGEST = 254  # characters of an address, by the standard

ROW: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "routing_address": {"type": "str"},
    "keep_copy": {"type": "bool"},
    "owner": {"type": "str"},
}
ARGUMENTS: dict[str, Any] = {
    "forwards": {"type": "list", "elements": "dict", "required": True, "options": ROW},
    "state": {"type": "str", "choices": list(STATES), "default": PRESENT},
    "keep_copy": {"type": "bool", "default": False},
    "routing_domain": {"type": "str"},
    "accept_risks": {"type": "list", "elements": "str", "choices": list(RISKS), "default": []},
}

_ADDRESS = re.compile(r"[a-z0-9_][a-z0-9._'&+=~-]*@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


@dataclass(frozen=True, order=True)
class Forward:
    """One address's forward. target: where it leads, empty where only the address matters; keep: a copy stays in the mailbox."""

    address: str
    target: str = ""
    keep: bool = False

    @property
    def row(self) -> dict[str, Any]:
        """The forward as an option's row."""
        return {"address": self.address, "routing_address": self.target, "keep_copy": self.keep}

    @property
    def line(self) -> str:
        """The forward as a line of a diff."""
        return f"{self.address} -> {self.target}{' (and a copy)' if self.keep else ''}\n"


class ForwardingError(Exception):
    """Forwards cannot be switched: every problem, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(in_one_line(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Wanted:
    """What was declared. ours: domains whose addresses are targets of ours, by which an old forward of ours is known.

    aliases: which of the addresses are aliases, each with the mailbox that it leads to at the source.
    """

    forwards: tuple[Forward, ...]
    state: str
    ours: frozenset[str]
    risks: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_address(self) -> dict[str, Forward]:
        """The forwards by their addresses."""
        return {forward.address: forward for forward in self.forwards}

    def without(self, addresses: Collection[str]) -> Wanted:
        """The same without some addresses."""
        return replace(self, forwards=tuple(one for one in self.forwards if one.address not in addresses))

    def is_ours(self, target: str) -> bool:
        """Whether a forward to this target may be one of ours."""
        return domain_of(target) in self.ours


def plain(text: Any) -> str:
    """An address without prefix, brackets, blanks and capitals."""
    found = str(text or "").strip().lower().removeprefix("smtp:")
    return found.strip().lstrip("<").rstrip(">").strip()


def domain_of(address: str) -> str:
    """The part behind the last @."""
    return address.rpartition("@")[2]


def is_address(text: str) -> bool:
    """Whether the text is an address that every back end can carry unquoted."""
    return len(text) <= LONGEST and bool(_ADDRESS.fullmatch(text)) and ".." not in text and ".@" not in text


def wanted(params: Mapping[str, Any]) -> Wanted:
    """The declared forwards. Raises ForwardingError with every problem of the input at once."""
    state, keep = str(params["state"]), bool(params["keep_copy"])
    domain = plain(params.get("routing_domain")).lstrip("@")
    found: dict[str, Forward] = {}
    problems: list[str] = []
    for number, row in enumerate(params["forwards"], 1):
        kept = row.get("keep_copy")
        forward = Forward(plain(row["address"]), plain(row.get("routing_address")), keep if kept is None else bool(kept))
        problems += [f"forwards, row {number}: {text}" for text in _faults(forward, state, domain)]
        before = found.setdefault(forward.address, forward)
        if before != forward:
            problems.append(
                f"forwards, row {number}: {forward.address} stands twice, with '{before.target}' and '{forward.target}'"
                f"{'' if before.target != forward.target else ' and different keep_copy'}; leave one row (S7)."
            )
    if state == EXACT and not params["forwards"]:
        problems.append(
            "state exact without a forward would end every forward of ours, as an export that failed does;"
            " to end them, give their addresses with state absent."
        )
    targets = {forward.target for forward in found.values()}
    problems += [
        f"forwards: {name} is an address and a target; a forward of a forward is not followed once, so leave one."
        for name in sorted(targets & set(found))
    ]
    if problems:
        raise ForwardingError(problems)
    ours = {domain_of(target) for target in targets if target} | ({domain} if domain else set())
    owners = {plain(row["address"]): plain(row["owner"]) for row in params["forwards"] if row.get("owner")}
    return Wanted(tuple(sorted(found.values())), state, frozenset(ours), frozenset(params["accept_risks"]), owners)


def _faults(forward: Forward, state: str, domain: str) -> Iterable[str]:
    address, target = forward.address, forward.target
    if not is_address(address):
        yield _unreadable(address, "address")
    if not target:
        if state not in (ABSENT, READ):
            yield f"'{address}' has no routing_address; give the address in the tenant's routing domain (S7)."
        return
    if not is_address(target):
        yield _unreadable(target, f"routing_address of {address}")
    elif domain_of(target) == domain_of(address):
        yield f"{address} would be forwarded to {target}, its own domain: that mail comes back; name the routing domain (S1)."
    elif domain and domain_of(target) != domain:
        yield f"{address} would be forwarded to {target}, outside the routing domain {domain}; correct the target or routing_domain (S1)."


def _unreadable(text: str, what: str) -> str:
    if text.startswith("@"):
        return f"{what} '{text}' is a whole domain: a catch-all takes mail for nobody; list the users (S6)."
    if text and "@" not in text:
        return f"{what} '{text}' has no @: a bare name or domain would take a whole domain's mail; give a full address (S6)."
    return f"{what} '{text}' is not a plain address such as user@example.com; correct it."


def seen(asked: Wanted, now: Mapping[str, Forward], header: str) -> dict[str, Any]:
    """The result of a reading: nothing changed, and what each address that was asked about shows, by whomever it was set."""
    found = [{**now.get(name, Forward(name)).row, "on": name in now} for name in sorted(asked.by_address)]
    known = {name: forward for name, forward in now.items() if name in asked.by_address}
    return {**report(known, known, asked, header), "found": found}


def leading(address: str, targets: Sequence[str], asked: Wanted, *, keep: bool = False) -> Forward | None:
    """The forward that an address shows, one of ours before any other; None without one."""
    others = sorted((target for target in targets if target != address), key=lambda target: not asked.is_ours(target))
    return Forward(address, others[0], keep or address in targets) if others else None


def state_after(before: Mapping[str, Forward], asked: Wanted) -> dict[str, Forward]:
    """Our forwards after the change, by address."""
    if asked.state == EXACT:
        return asked.by_address
    if asked.state == PRESENT:
        return {**before, **asked.by_address}
    return {name: forward for name, forward in before.items() if name not in asked.by_address}


def counts(before: Mapping[str, Forward], after: Mapping[str, Forward], asked: Wanted) -> dict[str, int]:
    """How many addresses were switched on, switched off, changed, and left as they were among those asked about."""
    both = set(before) & set(after)
    changed = sum(1 for name in both if before[name] != after[name])
    moved = (set(before) ^ set(after)) | {name for name in both if before[name] != after[name]}
    return {
        "switched_on": len(set(after) - set(before)),
        "switched_off": len(set(before) - set(after)),
        "changed": changed,
        "unchanged": sum(1 for name in asked.by_address if name not in moved),
    }


def diff(before: Mapping[str, Forward], after: Mapping[str, Forward], header: str) -> dict[str, str]:
    """Our own entries before and after; those that stay as they are left out."""
    names = sorted(name for name in set(before) | set(after) if before.get(name) != after.get(name))
    return {
        "before": "".join(before[name].line for name in names if name in before),
        "after": "".join(after[name].line for name in names if name in after),
        "before_header": header,
        "after_header": header,
    }


def restore(before: Mapping[str, Forward], after: Mapping[str, Forward]) -> list[dict[str, Any]]:
    """Options that undo the change, one entry a task, in their order."""
    back = [before[name].row for name in sorted(before) if after.get(name) != before[name]]
    off = [after[name].row for name in sorted(after) if name not in before]
    steps = [{"state": PRESENT, "forwards": back}, {"state": ABSENT, "forwards": off}]
    return [step for step in steps if step["forwards"]]


def report(before: Mapping[str, Forward], after: Mapping[str, Forward], asked: Wanted, header: str) -> dict[str, Any]:
    """The part of a result that all back ends share."""
    return {
        "counts": counts(before, after, asked),
        "diff": diff(before, after, header),
        "restore": restore(before, after),
        "forwards": [after[name].row for name in sorted(after)],
    }
