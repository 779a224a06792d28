# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Equality and normalisation of Exchange values.

What is written and what is read back differ in case, order, prefixes, brackets, units and in how "nothing" is spelled.
Each key is that under which two spellings of one value are the same. Keys are compared, never texts. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Hashable, Sequence
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
_SUFFIX = re.compile(r"_[A-Za-z]{0,16}[0-9]{14}$")
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


def in_one_line(problems: Sequence[str]) -> str:
    """Several sentences as one line; each but the last without its full stop."""
    return "; ".join([*(text.removesuffix(".") for text in problems[:-1]), *problems[-1:]])


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


def proxy_key(value: Any) -> tuple[str, str, bool]:
    """A proxy address: `SMTP:` in capitals is the primary one; other types keep their prefix."""
    prefix, colon, rest = str(value).strip().partition(":")
    if not colon:
        return "smtp", fold(prefix), False
    return prefix.casefold(), fold(rest), prefix == "SMTP"


def proxy_entry(value: Any) -> Hashable:
    """A proxy address, whether it is the primary one or not."""
    return proxy_key(value)[:2]


def proxy_leads(value: Any) -> bool:
    """Whether a proxy address is written as the primary one."""
    return proxy_key(value)[2]


def proxy_follows(value: Any) -> str:
    """A proxy address as one that is not the primary one."""
    return f"smtp:{str(value).strip()[5:]}" if proxy_leads(value) else str(value)


def group_name_key(value: Any) -> Hashable:
    """A group's name: the suffix that the service may put behind a new one, such as `_Full20240913183055`, does not count."""
    return fold(_SUFFIX.sub("", str(value).strip()))


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
