# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Who is a member, who shall be, and the calls that lead there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ._session import Cmdlet, Row
from ._values import address_key, fold, is_empty

NOUN = "DistributionGroupMember"
# The most entries that one Update-DistributionGroupMember takes.
MOST_AT_ONCE = 10_000
# By these a row is one recipient and no other. A plain user has no PrimarySmtpAddress.
SURE = ("PrimarySmtpAddress", "WindowsLiveID", "ExternalDirectoryObjectId", "Guid", "ExchangeObjectId", "DistinguishedName")
REFUSED = {
    "groupmailbox": "is a Microsoft 365 group, which cannot be a member of a distribution group: add its members instead",
    "publicfolder": "is a public folder, which cannot be a member: leave it out",
}


def keys(row: Row) -> set[str]:
    """Every name that is this recipient and no other."""
    return {str(address_key(row[name])) for name in SURE if not is_empty(row.get(name))}


def shown(row: Row) -> str:
    """The name by which a recipient is told to people and to the service."""
    for name in ("PrimarySmtpAddress", "WindowsLiveID", "ExternalDirectoryObjectId", "Guid", "Identity"):
        if not is_empty(row.get(name)):
            return str(row[name])
    return str(row.get("Name", ""))


def unlisted(wanted: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """The identities that no member bears for sure, so that the directory must say whom they mean."""
    known = set().union(*(keys(row) for row in rows)) if rows else set()
    return [name for name in wanted if str(address_key(name)) not in known]


def distinct(names: Iterable[str]) -> list[str]:
    """The names without blanks and doubles, in their order."""
    found: dict[str, str] = {}
    for name in names:
        if not is_empty(name):
            found.setdefault(str(address_key(name)), str(name).strip())
    return list(found.values())


def unsuitable(recipient: Row) -> str:
    """Why a recipient cannot be a member; empty when it can."""
    kinds = (fold(recipient.get("RecipientTypeDetails")), fold(recipient.get("RecipientType")))
    return next((REFUSED[kind] for kind in kinds if kind in REFUSED), "")


@dataclass(frozen=True)
class Change:
    """The way from one membership to another.

    add: identities as given. remove: members. final: the rows afterwards. wanted: everybody, when nobody else may be in.
    expected, gone: the names of those who are added and removed, one set each.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    final: tuple[Row, ...] = ()
    wanted: tuple[str, ...] = ()
    expected: tuple[frozenset[str], ...] = ()
    gone: tuple[frozenset[str], ...] = ()


def change(wanted: Sequence[str], found: Mapping[str, Row], rows: Sequence[Row], state: str) -> Change:
    """What must be added and removed.

    wanted: distinct identities. found: the recipient behind each identity that no member bears for sure. rows: the
    members. state: present, absent, exact. An identity of `absent` that the directory does not know is no member.
    """
    people = [(name, _person(name, found)) for name in wanted]
    asked = {key for name, person in people for key in person}
    if state == "present":
        leaving: list[Row] = []
    else:
        leaving = [row for row in rows if keys(row).isdisjoint(asked) == (state == "exact")]
    there = {key for row in rows for key in keys(row)}
    joining: dict[str, frozenset[str]] = {}
    for name, person in people if state != "absent" else ():
        if there.isdisjoint(person):
            joining[name] = frozenset(person)
            there |= person
    out = {id(row) for row in leaving}
    stay = [row for row in rows if id(row) not in out] + [found.get(name, {"Identity": name}) for name in joining]
    return Change(
        add=tuple(joining),
        remove=tuple(shown(row) for row in leaving),
        final=tuple(stay),
        wanted=tuple(wanted) if state == "exact" else (),
        expected=tuple(joining.values()),
        gone=tuple(frozenset(keys(row)) for row in leaving),
    )


def calls(group: str, todo: Change, *, bypass: bool) -> list[Cmdlet]:
    """The writes, in order: one that replaces the membership where that is allowed, else one a member."""
    extra = {"BypassSecurityGroupManagerCheck": True} if bypass else {}
    if not todo.add and not todo.remove:
        return []
    if 0 < len(todo.wanted) <= MOST_AT_ONCE:
        return [Cmdlet(f"Update-{NOUN}", {"Identity": group, "Members": list(todo.wanted), **extra, "Confirm": False})]
    adds = [Cmdlet(f"Add-{NOUN}", {"Identity": group, "Member": name, **extra}) for name in todo.add]
    return adds + [Cmdlet(f"Remove-{NOUN}", {"Identity": group, "Member": name, **extra, "Confirm": False}) for name in todo.remove]


def missing(todo: Change, rows: Sequence[Row]) -> list[str]:
    """Whom the group does not show as it should: those who are not in yet and those who are still in."""
    there = {key for row in rows for key in keys(row)}
    late = [name for name, person in zip(todo.add, todo.expected, strict=True) if there.isdisjoint(person)]
    return late + [name for name, person in zip(todo.remove, todo.gone, strict=True) if not there.isdisjoint(person)]


def _person(name: str, found: Mapping[str, Row]) -> set[str]:
    return keys(found.get(name, {})) | {str(address_key(name))}
