# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a Postfix instance that stands in for a foreign host: main.cf, master.cf, and plain-text maps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .addresses import domain_of
from .hoststate import CATCH_ALL, RELAY, HostState

# Forwards stand in a map of their own, first in the list: the others' entries are never touched.
MAPS = ("coexistence", "aliases", "mailboxes", "transport", "senders")
NO_MAPPING = "receive_override_options=no_address_mappings"

# What does not depend on the host.
FIXED = {
    "compatibility_level": "3.6",
    "command_directory": "/usr/sbin",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "mydestination": "",
    "mynetworks": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "smtp_dns_support_level": "disabled",
    "smtpd_peername_lookup": "no",
    "recipient_delimiter": "+",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_client_event_limit_exceptions": "",
    "anvil_rate_time_unit": "60s",
    "smtp_tls_security_level": "none",
    "smtpd_tls_security_level": "none",
    "smtpd_error_sleep_time": "0",
    "notify_classes": "",
    "hopcount_limit": "50",
    "in_flow_delay": "0",
    "queue_run_delay": "10s",
    "minimal_backoff_time": "10s",
    "default_process_limit": "20",
    # Messages that a system keeps waiting must not keep those behind them: each has a process of its own.
    "initial_destination_concurrency": "100",
    "default_destination_concurrency_limit": "100",
}


@dataclass(frozen=True)
class Ports:
    """Where the instance listens, where its mailboxes are, and who relays the rest: address:port."""

    door: str
    own_door: str
    sink: str
    relay: str


def maps(state: HostState, ports: Ports, tenants: Mapping[str, str], relay_to: str) -> dict[str, str]:
    """Return each map's text. ``tenants``: domains of tenants and their doors; ``relay_to``: the door for unknown addresses."""
    forwards, aliases = [], []
    for mailbox, forward in sorted(state.forwards.items()):
        kept = f"{mailbox}, " if forward.keep or state.modes.keep_copy else ""
        forwards.append(f"{mailbox} {kept}{forward.to}")
    if not state.modes.aliases_beside:
        aliases += [f"{alias} {owner}" for alias, owner in sorted(state.aliases.items())]
    aliases += [f"{address} {', '.join(members)}" for address, members in sorted(state.lists.items()) if members]
    beside = state.aliases if state.modes.aliases_beside else ()
    boxes = sorted({*state.mailboxes, *beside, *(address for address, members in state.lists.items() if not members)})
    transport = [f"{domain} smtp:[{_host(door)}]:{_port(door)}" for domain, door in sorted(tenants.items()) if domain not in state.domains]
    if state.modes.unknown == CATCH_ALL:
        aliases += [f"{box} {box}" for box in boxes]
        aliases += [f"@{domain} {state.catch_all}" for domain in sorted(state.domains)]
        aliases.append(f"{state.catch_all} {state.catch_all}")
        boxes.append(state.catch_all)
    if state.modes.unknown == RELAY:
        transport += [f"{box} smtp:[{_host(ports.sink)}]:{_port(ports.sink)}" for box in boxes]
        transport += [f"{domain} smtp:[{_host(relay_to)}]:{_port(relay_to)}" for domain in sorted(state.domains)]
    senders = [f"{domain} REJECT 5.7.1 one of ours, from outside" for domain in sorted(state.domains) if state.modes.reject_own_domain]
    texts = {
        "coexistence": forwards,
        "aliases": aliases,
        "mailboxes": [f"{box} {box}" for box in boxes],
        "transport": transport,
        "senders": senders,
    }
    return {name: "".join(line + "\n" for line in lines) for name, lines in texts.items()}


def main_cf(place: Path, state: HostState, ports: Ports) -> str:
    """Return main.cf."""
    modes = state.modes
    boxes = "" if modes.unknown == RELAY else f"texthash:{place}/mailboxes"
    values = FIXED | {
        "queue_directory": f"{place}/queue",
        "data_directory": f"{place}/data",
        "maillog_file": f"{place}/log/mail.log",
        "maillog_file_prefixes": str(place),
        "myhostname": state.names[0],
        "myorigin": min(state.domains),
        "smtp_bind_address": _host(ports.door),
        "virtual_mailbox_domains": ", ".join(sorted(state.domains)),
        "virtual_mailbox_maps": boxes,
        "virtual_alias_maps": f"texthash:{place}/coexistence, texthash:{place}/aliases",
        "virtual_transport": f"smtp:[{_host(ports.sink)}]:{_port(ports.sink)}",
        "transport_maps": f"texthash:{place}/transport",
        "relayhost": f"[{_host(ports.relay)}]:{_port(ports.relay)}",
        "smtpd_client_message_rate_limit": str(modes.rate_limited or 0),
    }
    if modes.local_only == "all":
        values["receive_override_options"] = "no_address_mappings"
    return "".join(f"{name} = {value}\n" for name, value in values.items())


def master_cf(state: HostState, ports: Ports) -> str:
    """Return master.cf: two doors and the services that delivery needs; no chroot."""
    modes = state.modes
    own = f" -o {NO_MAPPING}" if modes.local_only else ""
    deferring = " -o smtpd_client_restrictions=defer" if modes.rate_limited == 0 else ""
    lines = [
        f"{ports.door} inet n - n - - smtpd -o smtpd_sender_restrictions=check_sender_access,texthash:$config_directory/senders{deferring}",
        f"{ports.own_door} inet n - n - - smtpd -o mynetworks=127.0.0.0/8 -o smtpd_client_message_rate_limit=0{own}",
        f"pickup unix n - n 2 1 pickup{own}",
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "verify unix - - n - 1 verify",
        "flush unix n - n 1000? 0 flush",
        "proxymap unix - - n - - proxymap",
        "smtp unix - - n - 100 smtp",
        "relay unix - - n - - smtp",
        "showq unix n - n - - showq",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "anvil unix - - n - 1 anvil",
        "scache unix - - n - 1 scache",
        "postlog unix-dgram n - n - 1 postlogd",
    ]
    return "".join(line + "\n" for line in lines)


def check(state: HostState) -> None:
    """Refuse what Postfix cannot be made to do here. Raises ValueError."""
    if state.modes.footer:
        raise ValueError("footer: Postfix changes no bodies; use the built-in host")
    if state.removed:
        raise ValueError("removed: a removed host is no running Postfix; use the built-in host")
    strange = sorted(address for address in {*state.mailboxes, *state.aliases, *state.lists} if domain_of(address) not in state.domains)
    if strange:
        raise ValueError(f"{strange[0]} lies in none of the host's domains {sorted(state.domains)}")


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0]


def _port(endpoint: str) -> str:
    return endpoint.rpartition(":")[2]
