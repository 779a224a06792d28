# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The connection's options as the REST transport uses them: clouds, addresses, limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter

# A tenant id or a domain; nothing else may become a part of an address.
ORGANIZATION = re.compile(r"[0-9a-zA-Z]([0-9a-zA-Z.-]{0,251}[0-9a-zA-Z])?")


@dataclass(frozen=True)
class Cloud:
    """Where a national cloud answers."""

    endpoint: str
    authority: str
    others: tuple[str, ...] = ()


# others: further names of the service's own hosts, at which it answers alike and to which its links to later pages may lead.
CLOUDS = {
    "public": Cloud("https://outlook.office365.com", "https://login.microsoftonline.com", ("outlook.office.com",)),
    "gcc_high": Cloud("https://outlook.office365.us", "https://login.microsoftonline.us"),
    "dod": Cloud("https://outlook-dod.office365.us", "https://login.microsoftonline.us"),
    "china": Cloud("https://outlook.office365.cn", "https://login.partner.microsoftonline.cn", ("partner.outlook.cn",)),
}
# Hosts that are a resource of their own: a token is asked for them by their own name.
RESOURCES = frozenset({"partner.outlook.cn"})
# How a truth may be written; core itself takes any other word for false, which must not switch a check off.
TRUE, FALSE = frozenset({"true", "yes", "on", "y", "t", "1"}), frozenset({"false", "no", "off", "n", "f", "0"})
PROXIES = frozenset({"http", "https", "socks5", "socks5h"})

# Which options a kind of credential cannot do without.
NEEDED = {
    "client_secret": ("client_id", "client_secret"),
    "certificate": ("client_id", "certificate_path"),
    "managed_identity": (),
    "workload_identity": (),
    "azure_cli": (),
}


@dataclass(frozen=True)
class Settings:
    """Options, complete and checked. timeout: seconds that one call may take, attempts and waits included."""

    organization: str
    credential: str
    endpoint: str
    authority: str
    own_authority: bool
    scope: str
    client_id: str
    client_secret: str
    certificate_path: str
    certificate_password: str
    timeout: float
    max_attempts: int
    concurrency: int
    validate_certs: bool
    ca_cert: str
    proxy: str
    known_hosts: frozenset[str] = frozenset()

    @property
    def base(self) -> str:
        """The address below which this organisation's cmdlets are."""
        return f"{self.endpoint}/adminapi/beta/{self.organization}"

    @property
    def host(self) -> str:
        """The service's host, for messages."""
        return urlsplit(self.endpoint).netloc

    @property
    def through(self) -> str:
        """The proxy of the options, for messages: its host alone, for its address may hold a password."""
        return f" through the proxy {urlsplit(self.proxy).netloc.rpartition('@')[2]}" if self.proxy else ""

    def serves(self, link: str) -> bool:
        """True for an address of the service itself or of its regional backends; nobody else is shown the token."""
        try:
            target = urlsplit(link)
            host, port = (target.hostname or "").casefold(), target.port or 443
        except ValueError:
            return False
        own = urlsplit(self.endpoint)
        ours = {(str(own.hostname).casefold(), own.port or 443), *((name, 443) for name in self.known_hosts)}
        return target.scheme == "https" and any((host == name or host.endswith(f".{name}")) and port == known for name, known in ours)

    @property
    def login_host(self) -> str:
        """The sign-in's host, for messages."""
        return urlsplit(self.authority).netloc


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Complete the options by the cloud's addresses; raises InvalidParameter naming every option that is missing or wrong."""
    cloud = CLOUDS.get(_text(options, "cloud") or "public")
    if cloud is None:
        raise InvalidParameter(
            f"ansible_exchange_cloud is '{options['cloud']}', which is no known cloud.", remedy=f"Choose one of {', '.join(CLOUDS)}."
        )
    endpoint = (_text(options, "endpoint") or cloud.endpoint).rstrip("/")
    asked = str(urlsplit(endpoint).hostname)
    hosts = {str(urlsplit(cloud.endpoint).hostname), *cloud.others}
    checked = truth(options.get("validate_certs"))
    settings = Settings(
        organization=_text(options, "organization"),
        credential=_text(options, "credential") or "client_secret",
        endpoint=endpoint,
        authority=(_text(options, "authority") or cloud.authority).rstrip("/"),
        own_authority=bool(_text(options, "authority")),
        scope=f"{endpoint if asked in RESOURCES else cloud.endpoint}/.default",
        client_id=_text(options, "client_id"),
        client_secret=_text(options, "client_secret"),
        certificate_path=_text(options, "certificate_path"),
        certificate_password=_text(options, "certificate_password"),
        timeout=float(_number(options, "timeout", 600)),
        max_attempts=int(_number(options, "max_attempts", 6)),
        concurrency=int(_number(options, "concurrency", 4)),
        validate_certs=checked is not False,
        ca_cert=_text(options, "ca_cert"),
        proxy=_text(options, "proxy"),
        # Only a session with the cloud's own host follows its links to the other ones.
        known_hosts=frozenset(hosts) if asked in hosts else frozenset(),
    )
    problems = list(_problems(settings))
    if checked is None:
        problems.append(f"ansible_exchange_validate_certs is '{options['validate_certs']}', which is neither true nor false")
    if problems:
        raise InvalidParameter(f"The connection to '{settings.organization}' cannot be made: {'; '.join(problems)}.")
    return settings


def _problems(settings: Settings) -> list[str]:
    if settings.credential not in NEEDED:
        return [f"ansible_exchange_credential is '{settings.credential}', which is none of {', '.join(NEEDED)}"]
    problems = [
        f"ansible_exchange_{name} is not set, and the credential {settings.credential} needs it"
        for name in NEEDED[settings.credential]
        if not getattr(settings, name)
    ]
    if not ORGANIZATION.fullmatch(settings.organization):
        problems.append(f"ansible_exchange_organization is '{settings.organization}', which is neither a tenant id nor a domain")
    for name in ("endpoint", "authority"):
        address = urlsplit(getattr(settings, name))
        if address.scheme != "https" or not address.netloc:
            problems.append(f"ansible_exchange_{name} is '{getattr(settings, name)}', which does not begin with https://")
    if settings.proxy and not _is_proxy(settings.proxy):
        text = "is no address such as http://proxy.example:3128; in a password of it write /, ?, # and @ as %2F, %3F, %23 and %40"
        problems.append(f"ansible_exchange_proxy {text}")
    if settings.timeout <= 0:
        problems.append(f"ansible_exchange_timeout is {settings.timeout:g}, but must be more than 0 seconds")
    problems += [
        f"ansible_exchange_{name} is {getattr(settings, name)}, but must be at least 1"
        for name in ("max_attempts", "concurrency")
        if getattr(settings, name) < 1
    ]
    return problems


def truth(value: Any) -> bool | None:
    """A truth, true for nothing at all; None for a word that is none."""
    if value is None or isinstance(value, bool):
        return value is not False
    word = str(value).strip().casefold()
    return True if word in TRUE or not word else False if word in FALSE else None


def _is_proxy(text: str) -> bool:
    try:
        found = urlsplit(text)
        return found.scheme in PROXIES and bool(found.hostname) and found.port != 0 and "@" not in found.path + found.query + found.fragment
    except ValueError:
        return False


def _number(options: Mapping[str, Any], name: str, default: float) -> float:
    """An option's number; nothing given is the default, and zero is a number."""
    value = options.get(name)
    return default if value in (None, "") else float(str(value))


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    return "" if value is None else str(value)
