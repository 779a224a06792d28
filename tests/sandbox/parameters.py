# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is disputed or unverified about the service, as parameters of a tenant. Each is changed by PUT /parameters."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from .mail.readings import FACTS

READINGS = {fact.name: fact.readings for fact in FACTS}


@dataclass
class Parameters:
    """Seconds are of the sandbox's clock unless said otherwise."""

    # Time
    replication_lag: float = 0  # reads see the state of so many seconds ago
    write_lag: float = 0  # writes look for their object in the state of so many seconds ago
    rule_latency: float = 1800  # transport acts on the rules of so many seconds ago
    membership_latency: float = 0  # transport sees the members of so many seconds ago
    page_expiry: float = 1800  # real seconds that a page link lives
    token_lifetime: float = 3599  # real seconds
    latency: float = 0  # real seconds that each request takes
    # Errors
    culture: str = "en"  # language of texts: en, de
    error_ids: bool = True  # False: the id before the first bar is empty
    not_found_status: int = 404  # 400, 404 or 500 by age of the service
    exists_status: int = 400  # 400 or 409
    ambiguous_type: str = "ManagementObjectAmbiguousException"  # or ManagementObjectNotFoundException
    binding_type: str = "AmbiguousParameterSetException"  # or ParameterBindingException, for missing parameters and sets
    parameter_set_form: str = "bare"  # bare: "||text"; full: id and type given
    forbidden_diagnostics: bool = True  # a 403 carries x-ms-diagnostics
    role: str = "exchange_administrator"  # or app_role_only (403), none (401)
    forbidden_cmdlets: tuple[str, ...] = ()  # outside the caller's role: 403
    read_only: bool = False  # refuse every cmdlet but Get-, with 403
    max_concurrency: int = 0  # requests at a time; 0: no limit
    concurrency_status: int = 429  # status of the plain-text answer over that limit
    # Reads
    anchor_required: bool = True  # a later page needs the first page's X-AnchorMailbox
    unknown_identity_returns_all: bool = False  # documented caution of most Get cmdlets
    test_mode_filter: str = "only"  # IncludeTestModeConnectors true returns test-mode ones only, or "all"
    empty_body: bool = False  # an answer without rows has an empty body
    # Read-back forms that no public output shows
    smart_host_brackets: bool = False  # an IP smart host reads [1.2.3.4]
    scl_as_string: bool = False  # SetSCL and SCLOver read "-1"
    sender_ip_ranges_form: str = "as_written"  # or "cidr": a single address reads 1.2.3.4/32
    rule_sizes_with_bytes: bool = True  # 10MB reads 10 MB (10,485,760 bytes)
    rule_when_changed_zone: str = ""  # "", "Z" or "+00:00"
    rule_unset_lists: str = "null"  # or "empty": [] for unset predicates
    rule_rename_follows_connector: bool = False  # a renamed connector is re-pointed in rules
    disable_changes_time: bool = True  # Enable-/Disable-TransportRule moves WhenChanged
    priority_shift_changes_time: bool = False  # a shift by another rule moves WhenChanged
    managed_by_form: str = "guid"  # or "name"
    forwarding_address_form: str = "guid"  # or "name"
    ip_allow_list_form: str = "as_written"  # or "cidr"
    connector_source_default: str = "Default"  # or AdminUI, or ""
    remote_domain_charset_unset: str = "null"  # or "empty": an unset character set of a new remote domain
    # Connectors
    connector_in_use_refused: bool = False  # a connector that a rule routes to can't be removed
    onpremises_inbound_disabled: bool = False  # new inbound connectors of type OnPremises start disabled
    # Groups
    description_limit: int = 1024  # a group's description is cut after so many characters
    group_suffix: str = ""  # appended to the Name of a new group, as the portal does
    manager_check: bool = False  # an app that is not in ManagedBy needs BypassSecurityGroupManagerCheck
    group_members_limit: int = 100000
    # Transport (used by mail flow)
    servers: int = 1  # of transport, in turn; each acts on rules and members a share of the latency later than the one before
    sent_to_scope_reading: str = "a"
    nested_groups_count: bool = True
    loop_entries: int = 3
    rules_on_reports: bool = True
    dmarc_domain: str = "shared"
    missing_connector: str = "stuck"
    rules_after_redirect: bool = False
    mail_user_lookup: str = "once"
    edge_directory: str = "whole"
    plus_groups: bool = True
    unset_address_type: str = "Resolved"
    two_connectors: str = "first"
    unevaluated_match: bool = False
    honor_dmarc: bool = True
    trusted_sealers: tuple[str, ...] = ()  # domains whose ARC seal is believed
    dynamic_refresh: float = 86400  # dynamic groups are as they were at the last multiple of so many seconds
    retry_interval: float = 300  # a message that was put off is tried again after so many seconds
    queue_lifetime: float = 86400  # and comes back as undeliverable after so many
    trace_rate: int = 100  # message trace requests in five minutes
    trace_duplicates: bool = False  # a trace answer serves some rows twice

    def update(self, values: dict[str, Any]) -> None:
        """Change some. Raises KeyError for an unknown name, TypeError for a wrong type."""
        kinds = {field.name: type(getattr(Parameters(), field.name)) for field in fields(self)}
        for name, value in values.items():
            kind = kinds[name]
            wanted = tuple(value) if kind is tuple else float(value) if kind is float and isinstance(value, int) else value
            if not isinstance(wanted, (int, float) if kind in (int, float) else kind):
                raise TypeError(f"{name}: {value!r} is no {kind.__name__}")
            if wanted not in READINGS.get(name, (wanted,)):
                raise TypeError(f"{name}: {value!r} is none of the readings {READINGS[name]}")
            setattr(self, name, wanted)

    def dump(self) -> dict[str, Any]:
        """Return all as JSON values."""
        return asdict(self)
