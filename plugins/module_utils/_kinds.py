# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The forms of Exchange values: how to check what a user gives, what to send, and when two spellings are the same. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._values import (
    _DISPLAY,
    EMPTY,
    address_key,
    as_list,
    attribute_words_key,
    bool_key,
    costed_domain_key,
    date_key,
    domain_key,
    fold,
    group_name_key,
    group_type_key,
    host_key,
    is_empty,
    number_key,
    parse_date,
    proxy_entry,
    proxy_follows,
    proxy_key,
    proxy_leads,
    range_key,
    room_list_key,
    size_key,
    source_key,
    span_key,
    text_key,
    tip_key,
)


def _check_date(value: str) -> str | None:
    return None if parse_date(value) else "is not a time such as 2026-01-31T12:00:00Z"


def _check_size(value: str) -> str | None:
    known = isinstance(size_key(value), int) or fold(value) == "unlimited"
    return None if known else "is not a size such as 10MB"


def _check_number(value: str) -> str | None:
    return None if isinstance(number_key(value), int) else "is not a whole number"


def _check_range(value: str) -> str | None:
    return None if isinstance(range_key(value), tuple) else "is not an IP address, a range a-b or a network in CIDR form"


def _check_sender(value: str) -> str | None:
    try:
        net = ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        return "is not an IPv4 address or a network in CIDR form"
    if net.version != 4:
        return "is IPv6; the service takes IPv4 only"
    return None if net.prefixlen >= 24 else "is wider than /24; name it in parts of /24 to /32"


def _check_host(value: str) -> str | None:
    plain = value.strip()
    if re.search(r"\]:\d+$", plain) or (plain.count(":") == 1 and plain.rpartition(":")[2].isdigit()):
        return "has a port; the service connects to smart hosts on port 25 only: leave the port out"
    return None


def _as_text(value: Any) -> Any:
    return str(value)


def _as_address(value: Any) -> Any:
    """An address as it is sent, without the display name that a read object may show beside it."""
    shown = _DISPLAY.match(str(value).strip())
    return shown.group(1) if shown else str(value)


def _as_date(value: Any) -> Any:
    """A time with its zone, so that the service cannot take it for another one's."""
    found = parse_date(value)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else str(value)


def _as_number(value: Any) -> Any:
    return int(str(value))


@dataclass(frozen=True)
class Rank:
    """Entries of which one leads. entry: what an entry is, whatever its rank. leads: whether it is the first. follow: it as another one."""

    entry: Callable[[Any], Hashable]
    leads: Callable[[Any], bool]
    follow: Callable[[Any], Any]

    def one_each(self, items: Iterable[Any]) -> list[Any]:
        """Every entry once; of its doubles the one that leads."""
        found: dict[Hashable, Any] = {}
        for item in items:
            name = self.entry(item)
            if name not in found or self.leads(item):
                found[name] = item
        return list(found.values())


@dataclass(frozen=True)
class Kind:
    """One form of value.

    ansible: the option's type in an argument spec. key: the form in which two values are compared. send: what goes on
    the wire. check: a user's value to the fault found, or None. many: a list of such values, order and doubles do not
    count. edits: the option also takes {add, remove}. refers: the noun whose objects the values name; empty for none.
    clear: what is sent to unset it. empty: the key of nothing. keeps: in a list that is replaced, the entries that stay
    although they are not named. show: the form in which a read object shows a value, where that is another one. rank: where
    one of the entries leads.
    """

    ansible: str = "str"
    key: Callable[[Any], Hashable] = text_key
    send: Callable[[Any], Any] = _as_text
    check: Callable[[str], str | None] | None = None
    many: bool = False
    edits: bool = False
    refers: str = ""
    clear: Any = None
    empty: Hashable = EMPTY
    keeps: Callable[[Any], bool] | None = None
    show: Callable[[Any], Any] | None = None
    rank: Rank | None = None

    def keys(self, value: Any) -> Hashable:
        """The key of a whole value: `empty` for nothing, a frozenset for a list."""
        if self.many:
            return frozenset(self.key(item) for item in as_list(value)) or self.empty
        return self.empty if is_empty(value) else self.key(value)

    def wire(self, value: Any) -> Any:
        """What is sent: a list without doubles, the cleared form, or the value itself."""
        if self.many:
            seen: dict[Hashable, Any] = {}
            for item in as_list(value):
                seen.setdefault(self.key(item), self.send(item))
            return list(seen.values()) or self.clear
        return self.clear if is_empty(value) else self.send(value)

    def faults(self, value: Any) -> list[str]:
        """What is wrong with a user's value, one phrase each."""
        found = []
        for item in as_list(value):
            fault = self.check(str(item)) if self.check else None
            if fault:
                found.append(f"'{item}' {fault}")
        return found

    def same(self, wanted: Any, read: Any, directory: Mapping[str, str] | None = None) -> bool:
        """True when the two are the same value; `directory` maps folded identities to one canonical id each."""
        one, other = self.keys(wanted), self.keys(read)
        if one == other or not self.refers or not directory:
            return one == other
        return _resolved(one, directory) == _resolved(other, directory)


def _resolved(keys: Hashable, directory: Mapping[str, str]) -> frozenset[str]:
    parts: Iterable[Hashable] = keys if isinstance(keys, frozenset) else (keys,)
    return frozenset(directory.get(str(part), str(part)) for part in parts if part != EMPTY)


def _plain(value: Any) -> Any:
    return value


def many(kind: Kind, *, edits: bool = False, null: bool = False) -> Kind:
    """A list of `kind`; `edits` for the service's multi-valued properties, `null` where null is what empties such a one."""
    return Kind(
        ansible="raw" if edits else "list",
        key=kind.key,
        send=kind.send,
        check=kind.check,
        many=True,
        edits=edits,
        refers=kind.refers,
        keeps=kind.keeps,
        rank=kind.rank,
        clear=[] if edits and not null else None,
    )


def _other_address_type(value: Any) -> bool:
    """True for a proxy address that is no SMTP address: the service keeps SPO, SIP and X500 ones of its own."""
    prefix, colon = str(value).partition(":")[:2]
    return bool(colon) and prefix.strip().casefold() != "smtp"


def _group_type_shown(value: Any) -> str:
    return "Universal, SecurityEnabled" if group_type_key(value) == "security" else "Universal"


def _room_list_shown(value: Any) -> str:
    return "RoomList" if value else "MailUniversalDistributionGroup"


TEXT = Kind(clear="")
PHRASE = Kind()  # text as written, cleared by null
GROUP_NAME = Kind(key=group_name_key)
NAME = Kind(key=fold)  # also words, header names and choices: their case does not count
BOOL = Kind("bool", bool_key, _plain, empty=False)
NUMBER = Kind("int", number_key, _as_number)
LOOSE_NUMBER = Kind("str", number_key, _as_number, _check_number)  # text, so that "" can clear it
GUID = Kind(key=lambda value: fold(value).strip("{}"))
DOMAIN = Kind(key=domain_key)
SENDER_DOMAIN = Kind(key=costed_domain_key)
ADDRESS = Kind(key=address_key)
PROXY = Kind(key=proxy_key, keeps=_other_address_type, rank=Rank(proxy_entry, proxy_leads, proxy_follows))
HOST = Kind(key=host_key, check=_check_host)
RANGE = Kind(key=range_key, check=_check_range)
SENDER_RANGE = Kind(key=range_key, check=_check_sender)
SIZE = Kind(key=size_key, check=_check_size)
SPAN = Kind(key=span_key)
DATE = Kind(key=date_key, send=_as_date, check=_check_date)
GROUP_TYPE = Kind(key=group_type_key, show=_group_type_shown)
ROOM_LIST = Kind("bool", room_list_key, _plain, empty=False, show=_room_list_shown)
SOURCE = Kind(key=source_key, empty="default")
TIP = Kind(key=tip_key, clear="")
ATTRIBUTE_WORDS = Kind(key=attribute_words_key)
RECIPIENT = Kind(key=address_key, send=_as_address, refers="Recipient")
CONNECTOR = Kind(key=fold, refers="OutboundConnector")
