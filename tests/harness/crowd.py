# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large tenant as a snapshot shows it: many kinds of recipients, overlapping rules, nested groups, and waves to move them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = "example.com"
ROUTING = "contoso.mail.onmicrosoft.com"
TIME = "2026-03-01T12:00:00Z"
LONG_AGO = "2026-01-01T00:00:00Z"
GROUP, DYNAMIC = "MailUniversalDistributionGroup", "DynamicDistributionGroup"
COMPANY = 2  # the number of the groups that hold everybody
# Kind of recipient: its share of a hundred, RecipientTypeDetails in the tenant (none: no object), entry in the source's list
# (none: no entry).
KINDS: dict[str, tuple[int, str, str]] = {
    "stub": (56, "UserMailbox", "mailbox"),
    "pilot": (6, "UserMailbox", ""),
    "noobj": (6, "", "mailbox"),
    "mailuser": (5, "MailUser", "mailbox"),
    "other": (4, "UserMailbox", ""),
    "guest": (3, "GuestMailUser", ""),
    "room": (4, "RoomMailbox", ""),
    "shared": (4, "SharedMailbox", ""),
    "m365group": (2, "GroupMailbox", ""),
    "folder": (1, "PublicFolder", ""),
    "list": (2, "", "list"),
    "alias": (4, "", "alias"),
    "group": (1, GROUP, ""),
    "dynamic": (1, DYNAMIC, ""),
    "resource": (1, "", "resource"),
}


@dataclass(frozen=True)
class Crowd:
    """A snapshot as the modules keep it, and the folder with source.csv and waves.csv."""

    snapshot: dict[str, Any]
    folder: Path

    @property
    def options(self) -> dict[str, Any]:
        """Options of the tools."""
        return {
            "domains": [SHARED],
            "smart_hosts": ["192.0.2.10"],
            "source_ip_ranges": ["192.0.2.10"],
            "source_file": str(self.folder / "source.csv"),
            "waves_file": str(self.folder / "waves.csv"),
            "validation_recipients": [f"noobj0@{SHARED}"],
            "seed_group": True,
            "forwarding_backend": "postfix",
            "forwarding_host": "mail.example.com",
            "snapshot": self.snapshot,
            "known": {"mx": {SHARED: "source"}},
        }


def people(count: int, kinds: Collection[str] = tuple(KINDS), most: int = 0) -> Iterator[tuple[str, str]]:
    """Kind and name, in the shares of KINDS, spread evenly, and of each kind `most` at most."""
    wheel = [kind for kind, (share, _object, _entry) in KINDS.items() if kind in kinds for _unused in range(share)]
    numbers = dict.fromkeys(KINDS, 0)
    for place in range(count):
        kind = wheel[(place * 37) % len(wheel)]
        if not most or numbers[kind] < most:
            yield kind, f"{kind}{numbers[kind]}"
            numbers[kind] += 1


def _row(kind: str, name: str) -> dict[str, Any]:
    domain = {"other": "other.example.net", "guest": ROUTING}.get(kind, SHARED)
    address = f"{name}@{domain}"
    details = KINDS[kind][1]
    row = {
        "Name": name,
        "Alias": name,
        "Guid": f"guid-{name}",
        "PrimarySmtpAddress": address,
        "EmailAddresses": [f"SMTP:{address}", f"smtp:{name}@{ROUTING}"],
        "RecipientTypeDetails": details,
        "WhenChangedUTC": LONG_AGO,
    }
    outside = {"mailuser": f"SMTP:{address}", "guest": f"SMTP:{name}@elsewhere.example"}
    return {**row, "ExternalEmailAddress": outside[kind]} if kind in outside else row


def _groups(held: list[dict[str, Any]], stubs: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Members per group: ten people, and every other group holds the one before it. Of both kinds one holds the whole company."""
    members: dict[str, list[dict[str, Any]]] = {}
    rows = {row["PrimarySmtpAddress"]: row for row in held}
    for kind in (GROUP, DYNAMIC):
        groups = [row for row in held if row["RecipientTypeDetails"] == kind]
        for number, group in enumerate(groups):
            few = [stubs[(number * 11 + step) % len(stubs)] for step in range(10)] if stubs else []
            inner = [groups[number - 1]] if number % 2 and kind == GROUP else []
            members[group["PrimarySmtpAddress"]] = [*(rows[one] for one in (stubs if number == COMPANY else few)), *inner]
    return members


def _open(held: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The groups of a kind, which take mail of strangers."""
    return [{**row, "RequireSenderAuthenticationEnabled": False} for row in held if row["RecipientTypeDetails"] == kind]


def _rules(groups: list[str]) -> list[dict[str, Any]]:
    """Five rules that overlap ours: by domain, by words, by group, by a predicate that nobody evaluates, and a redirect."""
    common = {"State": "Enabled", "Mode": "Enforce", "RecipientAddressType": "Resolved", "WhenChanged": LONG_AGO}
    named: list[dict[str, Any]] = [
        {"Name": "Disclaimer", "SentToScope": "InOrganization", "SetHeaderName": "X-Seen", "SetHeaderValue": "1"},
        {"Name": "Quarantine words", "SubjectContainsWords": ["invoice overdue"], "Quarantine": True},
        {"Name": "Rooms stay", "RecipientAddressMatchesPatterns": ["^room[0-9]+@"], "StopRuleProcessing": True},
        {"Name": "Lists are held", "SentToMemberOf": groups[1:2], "FromScope": "NotInOrganization", "StopRuleProcessing": True},
        {"Name": "Old colleague", "SentTo": [f"stub1@{SHARED}"], "RedirectMessageTo": [f"stub1@{SHARED}"]},
    ]
    return [{**common, **rule, "Guid": f"guid-rule-{place}", "Priority": place} for place, rule in enumerate(named)]


def crowd(folder: Path, count: int, waves: int, kinds: Collection[str] = tuple(KINDS), most: int = 0) -> Crowd:
    """`count` recipients of these kinds, of each `most` at most; everybody who has a mailbox on both sides is in one of the waves."""
    known = list(people(count, kinds, most))
    held = [_row(kind, name) for kind, name in known if KINDS[kind][1]]
    stubs = [f"{name}@{SHARED}" for kind, name in known if kind == "stub"]
    listed = [(f"{name}@{SHARED}", KINDS[kind][2]) for kind, name in known if KINDS[kind][2]]
    owners = iter(stubs)
    lines = [f"{address},{kind},{next(owners) if kind == 'alias' else ''},source" for address, kind in listed]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.csv").write_text("\n".join(["address,kind,owner,home", *lines]) + "\n")
    per = -(-len(stubs) // waves)
    moves = [f"{address},wave{place // per + 1:02}" for place, address in enumerate(stubs)]
    (folder / "waves.csv").write_text("\n".join(["user,wave", *moves]) + "\n")
    members = _groups(held, stubs)
    domains = [
        {"DomainName": "contoso.onmicrosoft.com", "DomainType": "Authoritative", "InitialDomain": True},
        {"DomainName": ROUTING, "DomainType": "Authoritative", "IsCoexistenceDomain": True},
        {"DomainName": SHARED, "DomainType": "Authoritative"},
        {"DomainName": "other.example.net", "DomainType": "Authoritative"},
    ]
    rows = {
        "domains": domains,
        "organization": [{"Name": "contoso", "DisablePlusAddressInRecipients": False}],
        "phishing": [{"IsDefault": True, "HonorDmarcPolicy": True}],
        "spam": [{"AutoForwardingMode": "Automatic"}],
        "rules": _rules(list(members)),
        "recipients": held,
        "groups": _open(held, GROUP),
        "dynamic_groups": _open(held, DYNAMIC),
    }
    data = {"form": 1, "first": TIME, "last": TIME, "open": [], "unsettled": [], "rows": rows, "members": members, "observed": {}}
    return Crowd(data, folder)
