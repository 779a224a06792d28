# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The options that every coexistence tool takes: the role variables, without their prefix. Data only."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "str"}
LIST: dict[str, Any] = {"type": "list", "elements": "str"}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "str", "choices": list(values), "default": values[0]}


# By back end of forwards: which options of its module a source may have for itself.
FORWARDING: dict[str, tuple[str, ...]] = {
    "postfix": ("accept_risks", "path", "type", "config_directory", "listed", "reload"),
    "zimbra": ("accept_risks", "zmprov"),
    "cpanel": ("accept_risks", "account", "domains", "set_local", "uapi"),
    "csv": ("dest", "delta", "effective", "dump"),
    "google": ("dest", "delta", "effective", "dump"),
}

# Numbers are text or taken as they come: an empty survey field is no number.
VARIABLES: dict[str, Any] = {
    "domain": TEXT,
    "domains": LIST,
    "smart_hosts": LIST,
    "source_ip_ranges": LIST,
    "sources": {"type": "raw"},
    "source_file": {"type": "path"},
    "waves_file": {"type": "path"},
    "wave": TEXT,
    "users": LIST,
    "group_name": {"type": "str", "default": "Migrated Users"},
    "group_address": TEXT,
    "group_owners": LIST,
    "connector_name": {"type": "str", "default": "Shared Name Space with External Entity TRSC"},
    "rule_name": {"type": "str", "default": "Coexistence"},
    "inbound_rule_name": {"type": "str", "default": "Inbound from Shared Namespace"},
    "validation_recipients": LIST,
    "routing_domain": TEXT,
    "rule_scope": _choice("domain", "organization"),
    "rule_scl": TEXT,
    "rule_priority": TEXT,
    "rule_error_action": _choice("Ignore", "Defer"),
    "membership": _choice("migrated", "pending"),
    "tenant_addresses": LIST,
    "spam_handling": _choice("transport_rule", "enhanced_filtering", "none"),
    "mx": _choice("last", "first"),
    "design": _choice("tenant_routed", "hybrid", "secondary_domain"),
    "teardown_order": _choice("documented", "loop_free"),
    "seed_group": {"type": "bool", "default": False},
    "final_domain_type": TEXT,
    "foreign_unknown": _choice("reject", "relay", "catch_all"),
    "accept_risks": LIST,
    "forwarding_file": {"type": "path"},
    "forwarding_backend": _choice("none", "postfix", "zimbra", "cpanel", "csv", "google"),
    "forwarding_host": TEXT,
    "probe_sender": LIST,
    "probe_outside_sender": TEXT,
    "probe_sample": {"type": "raw", "default": 3},
    "reconcile_fix": LIST,
    "forward_keep_copy": {"type": "bool", "default": False},
    "name_servers": LIST,
    "smtp_overrides": {"type": "raw"},
    "submission_host": TEXT,
    "submission_port": TEXT,
    "mailbox_url": TEXT,
    "rule_latency": {"type": "raw", "default": 3600},
    "effect_timeout": {"type": "raw", "default": 14400},
    "effect_interval": {"type": "raw", "default": 60.0},
}

# `declared` is what an earlier step returned: the same variables, already read and checked there. `probes` and `forwards`
# are what earlier tasks saw: results of probes, and forwards that are on at a source.
DECLARED: dict[str, Any] = {
    "declared": {"type": "dict"},
    "probes": {"type": "list", "elements": "dict"},
    "forwards": {"type": "list", "elements": "dict"},
}

STEPS = (
    "preflight",
    "setup",
    "enforce",
    "cutover",
    "forward",
    "unforward",
    "rollback",
    "returned",
    "mx",
    "mx_back",
    "teardown",
    "remove",
    "dismantle",
    "sources_off",
    "restored",
    "verify",
    "reconcile",
    "status",
)

ARGUMENT_SPEC: dict[str, Any] = {**VARIABLES, **DECLARED}
