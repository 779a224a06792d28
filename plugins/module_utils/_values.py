# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Equality and normalisation of Exchange values.

What is written and what is read back differ in case, order, prefixes, brackets, units and in how "nothing" is spelled.
A Kind knows one form of value: how to check what a user gives, what to send, and the key under which two spellings are
the same. Keys are compared, never texts. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

EMPTY: tuple[()] = ()

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")
_GUID = re.compile(r"^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$", re.IGNORECASE)
_BYTES = re.compile(r"\(([0-9][0-9.,\s]*) bytes\)", re.IGNORECASE)
_SIZE = re.compile(r"^\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*(B|KB|MB|GB|TB|BYTES)?\s*$", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "BYTES": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SPAN = re.compile(r"^(-)?(?:([0-9]{1,6})\.)?([0-9]{1,6}):([0-9]{1,6})(?::([0-9]{1,6})(?:\.([0-9]+))?)?$")
_ISO_SPAN = re.compile(r"^P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})(?:\.[0-9]+)?S)?)?$", re.IGNORECASE)
_JSON_DATE = re.compile(r"^/Date\((-?[0-9]{1,14})\)/$")
_DISPLAY = re.compile(r"^\(([^,()]+),.*\)$", re.DOTALL)


def to_option(parameter: str) -> str:
    """The option name of a cmdlet parameter: `EFSkipIPs` gives `ef_skip_ips`, `SetSCL` gives `set_scl`."""
    plain = parameter.replace("IPs", "Ips").replace("OMEv2", "Omev2")
    return "_".join(_WORDS.findall(plain)).lower()


def is_empty(value: Any) -> bool:
    """True for each way in which the service spells "nothing": null, an empty list, an empty text, a null GUID."""
    if isinstance(value, (list, tuple, set)):
        return all(is_empty(item) for item in value)
    if isinstance(value, str):
        return value.strip() in {"", "<>", "00000000-0000-0000-0000-000000000000"}
    return value is None


def as_list(value: Any) -> list[Any]:
    """A value as a list: nothing gives [], one thing gives a list of one. Empty items are dropped."""
    items = list(value) if isinstance(value, (list, tuple, set)) else [value]
    return [item for item in items if not is_empty(item)]


def is_guid(value: Any) -> bool:
    """True for a GUID in its dashed form, with or without braces."""
    return isinstance(value, str) and bool(_GUID.match(value.strip()))


def fold(value: Any) -> str:
    """Case and outer blanks do not count in names, domains and addresses."""
    return str(value).strip().casefold()


def text_key(value: Any) -> Hashable:
    """Text counts as written, but for line endings and for a list of one string (as a group's Description reads)."""
    if isinstance(value, (list, tuple)):
        value = "\n".join(str(item) for item in value)
    return str(value).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def domain_key(value: Any) -> Hashable:
    """A domain: `smtp:` before it, a cost after it and a final dot do not count."""
    return fold(value).removeprefix("smtp:").partition(";")[0].rstrip(".")


def costed_domain_key(value: Any) -> Hashable:
    """A sender domain with its cost: `contoso.com` is `smtp:contoso.com;1`."""
    plain = fold(value).removeprefix("smtp:")
    name, cost = (*plain.split(";", 1), "")[:2]
    return name.rstrip("."), int(cost) if re.fullmatch(r"[0-9]{1,6}", cost.strip()) else 1


def address_key(value: Any) -> Hashable:
    """An address or identity: `smtp:` before it, and the `(smtp@x,Display Name)` form around it, do not count."""
    plain = str(value).strip()
    shown = _DISPLAY.match(plain)
    return fold(shown.group(1) if shown else plain).removeprefix("smtp:").strip("{}")


def proxy_key(value: Any) -> Hashable:
    """A proxy address: `SMTP:` in capitals is the primary one; other types keep their prefix."""
    prefix, colon, rest = str(value).strip().partition(":")
    if not colon:
        return "smtp", fold(prefix), False
    return prefix.casefold(), fold(rest), prefix == "SMTP"


def host_key(value: Any) -> Hashable:
    """A smart host: brackets around an address, a final dot and case do not count."""
    plain = fold(value).strip("[]").rstrip(".")
    try:
        return str(ipaddress.ip_interface(plain)).removesuffix("/32").removesuffix("/128")
    except ValueError:
        return plain


def range_key(value: Any) -> Hashable:
    """Addresses: one, a range `a-b`, or CIDR, as the pair of the first and the last number and the family."""
    plain = fold(value).strip("[]")
    try:
        if "-" in plain:
            first, last = (ipaddress.ip_address(part.strip()) for part in plain.split("-", 1))
            return int(first), int(last), first.version
        net = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return plain
    return int(net.network_address), int(net.broadcast_address), net.version


def size_key(value: Any) -> Hashable:
    """A size in bytes: `10MB`, `10 MB (10,485,760 bytes)`, a number, or `unlimited`."""
    plain = str(value).strip()
    exact = _BYTES.search(plain)
    if exact:
        return int(re.sub(r"[^0-9]", "", exact.group(1)))
    found = _SIZE.match(plain)
    if not found:
        return plain.casefold()
    return int(float(found.group(1).replace(",", "")) * _UNITS[(found.group(2) or "").upper()])


def span_key(value: Any) -> Hashable:
    """A time span in seconds: `14` days, `14.00:00:00`, `P14D`."""
    plain = str(value).strip()
    if re.fullmatch(r"[0-9]{1,6}", plain):
        return timedelta(days=int(plain)).total_seconds()
    found = _SPAN.match(plain)
    if found:
        sign, days, hours, minutes, seconds = found.groups()[:5]
        span = timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
        return -span.total_seconds() if sign else span.total_seconds()
    iso = _ISO_SPAN.match(plain)
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    return plain.casefold()


def parse_date(value: Any) -> datetime | None:
    """A time of the service as an aware UTC datetime, whole seconds; without a zone it is UTC. None when it is no time."""
    plain = str(value).strip()
    stamp = _JSON_DATE.match(plain)
    if stamp:
        return datetime.fromtimestamp(int(stamp.group(1)) // 1000, tz=timezone.utc)
    plain = re.sub(r"\.\d+", "", plain).replace("Z", "+00:00").replace("z", "+00:00")
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return found.astimezone(timezone.utc).replace(microsecond=0)


def date_key(value: Any) -> Hashable:
    """A moment, in whole seconds; a text that is no time is itself."""
    found = parse_date(value)
    return found.timestamp() if found else fold(value)


def bool_key(value: Any) -> Hashable:
    """A truth: the service's `true`, PowerShell's `$true`, and its Enabled/Disabled of a rule's State."""
    if isinstance(value, bool):
        return value
    return fold(value).lstrip("$") in {"true", "enabled", "yes", "1"}


def number_key(value: Any) -> Hashable:
    """A whole number, whether it comes as one or as text (`"-1"`, `"500"`)."""
    try:
        return int(str(value).strip())
    except ValueError:
        return fold(value)


def group_type_key(value: Any) -> Hashable:
    """A group's type: written `Security`, read `Universal, SecurityEnabled`."""
    return "security" if "security" in fold(value) else "distribution"


def source_key(value: Any) -> Hashable:
    """A connector's source: the portal's `AdminUI` is `Default`."""
    plain = fold(value)
    return "default" if plain == "adminui" else plain


def room_list_key(value: Any) -> Hashable:
    """Whether a group is a room list: written as a truth, read as `RoomList` in RecipientTypeDetails."""
    return value if isinstance(value, bool) else fold(value) == "roomlist"


def tip_key(value: Any) -> Hashable:
    """A mail tip: the HTML page that the service may wrap it in does not count."""
    return " ".join(re.sub(r"</?(?:html|body)[^<>]*>", " ", str(value), flags=re.IGNORECASE).split())


def attribute_words_key(value: Any) -> Hashable:
    """`Department:Sales,Support`: an attribute and its words, in any order."""
    name, words = (*str(value).split(":", 1), "")[:2]
    return fold(name), frozenset(fold(word) for word in words.split(",") if word.strip())


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
class Kind:
    """One form of value.

    ansible: the option's type in an argument spec. key: the form in which two values are compared. send: what goes on
    the wire. check: a user's value to the fault found, or None. many: a list of such values, order and doubles do not
    count. edits: the option also takes {add, remove}. refers: the noun whose objects the values name; empty for none.
    clear: what is sent to unset it. empty: the key of nothing. keeps: in a list that is replaced, the entries that stay
    although they are not named. show: the form in which a read object shows a value, where that is another one.
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
NAME = Kind(key=fold)  # also words, header names and choices: their case does not count
BOOL = Kind("bool", bool_key, _plain, empty=False)
NUMBER = Kind("int", number_key, _as_number)
LOOSE_NUMBER = Kind("str", number_key, _as_number, _check_number)  # text, so that "" can clear it
GUID = Kind(key=lambda value: fold(value).strip("{}"))
DOMAIN = Kind(key=domain_key)
SENDER_DOMAIN = Kind(key=costed_domain_key)
ADDRESS = Kind(key=address_key)
PROXY = Kind(key=proxy_key, keeps=_other_address_type)
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
