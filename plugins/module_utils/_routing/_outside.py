# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What is declared about the way to things outside the tenant: name servers, SMTP hosts, submission. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _checks as checks

# The ends of the names under which the service takes mail, of every cloud. Names are read from DNS and never computed.
SERVICE = (
    ".mail.protection.outlook.com",
    ".mx.microsoft",
    ".mail.protection.office365.us",
    ".mail.protection.partner.outlook.cn",
)


def is_service(host: str) -> bool:
    """True for a name of the service's front door."""
    return host.casefold().rstrip(".").endswith(SERVICE)


@dataclass(frozen=True)
class Outside:
    """smtp_overrides: folded name or address to host:port. submission_host, submission_port: empty and 0 for the service's own."""

    name_servers: tuple[str, ...] = ()
    smtp_overrides: Mapping[str, str] = field(default_factory=dict)
    submission_host: str = ""
    submission_port: int = 0
    mailbox_url: str = ""


def outside_of(raw: Mapping[str, Any], prefix: str = "") -> tuple[Outside, list[str]]:
    """The options as one value, and what is wrong with them, one line each. prefix: what the options' names begin with."""
    problems: list[str] = []

    def say(option: str, text: str) -> None:
        problems.append(f"{prefix}{option}: {text}")

    servers = checks.unique(checks.items(raw.get("name_servers")))
    for server in servers:
        if server_fault(server):
            say("name_servers", f"'{server}' {server_fault(server)}.")
    overrides, faults = read_overrides(raw.get("smtp_overrides"))
    for text in faults:
        say("smtp_overrides", text)
    host = "" if checks.blank(raw.get("submission_host")) else str(raw["submission_host"]).strip()
    if host and host_fault(host):
        say("submission_host", f"'{host}' {host_fault(host)}.")
    url = "" if checks.blank(raw.get("mailbox_url")) else str(raw["mailbox_url"]).strip()
    if url and not re.match(r"https?://[^/\s]", url):
        say("mailbox_url", f"'{url}' is no address of a page; it begins with http:// or https://.")
    port = _port(raw.get("submission_port"))
    if port is None:
        say("submission_port", f"'{raw.get('submission_port')}' is no port (1 to 65535); leave it empty for 587.")
    return Outside(servers, overrides, host, port or 0, url), problems


def _port(value: Any) -> int | None:
    """A port; 0 for nothing; None for what is none."""
    try:
        found = checks.whole(value)
    except ValueError:
        return None
    return 0 if found is None else found if 0 < found < 65536 else None


def server_fault(value: str) -> str | None:
    """What is wrong with a name server: an address, with a port or without."""
    host, port = split(value)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "is no name server such as 192.0.2.53:53: give its address, not its name"
    return None if port is None or _port(port) else "has a port that is none (1 to 65535)"


def host_fault(value: str) -> str | None:
    """What is wrong with a host: a name or an address, without a port."""
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        if checks.domain_fault(value.rstrip(".")) is not None and value.casefold() != "localhost":
            return "is no host name or address (a port is given apart)"
    return None


def split(value: str) -> tuple[str, str | None]:
    """Host and port of `host`, `host:port`, `[address]:port` or a bare IPv6 address; None where there is no port."""
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        return host, rest[1:] if bracket and rest.startswith(":") else None
    host, colon, port = value.rpartition(":")
    return (host, port) if colon and ":" not in host else (value, None)


def read_overrides(value: Any) -> tuple[dict[str, str], list[str]]:
    """A mapping, JSON text of one, or `name=host:port` in lines or with commas; with what is wrong, one phrase each."""
    pairs, problems = _pairs(value)
    found: dict[str, str] = {}
    for name, target in pairs:
        key = name.strip().casefold().strip("[]").rstrip(".")
        host, port = split(target.strip())
        if not key or host_fault(key):
            problems.append(f"'{name}' is no host name or address; write name=host:port.")
        elif not host or host_fault(host) or not _port(port):
            problems.append(f"'{target}' for '{name}' is no host:port such as 127.0.0.1:2525.")
        elif found.setdefault(key, target.strip()) != target.strip():
            problems.append(f"'{name}' stands there twice; keep one.")
    return found, problems


def _pairs(value: Any) -> tuple[list[tuple[str, str]], list[str]]:
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError as error:
            return [], [f"is text but not JSON ({error}); give {{name: 'host:port'}} or lines of name=host:port."]
    if isinstance(value, Mapping):
        return [(str(name), str(target)) for name, target in value.items()], []
    pairs = [tuple(item.split("=", 1)) for item in checks.items(value)]
    wrong = [f"'{pair[0]}' is no name=host:port." for pair in pairs if len(pair) != 2]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2], wrong
