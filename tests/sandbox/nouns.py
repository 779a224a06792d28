# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noun table: one row for each kind of object that a cmdlet can name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import defaults


@dataclass(frozen=True)
class Noun:
    """A kind of object. ``types``: the RecipientTypeDetails that belong to it, for recipients."""

    name: str
    verbs: str = "Get Set"
    table: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    container: str = ""
    object_class: str = ""
    object_category: str = ""
    types: frozenset[str] = frozenset()
    result_size: int = 0
    singleton: bool = False
    hydrated: bool = False  # writing needs a customised organisation
    name_limit: int = 64

    @property
    def store(self) -> str:
        """Return the table that holds it."""
        return self.table or self.name


TRANSPORT = "CN=Transport Settings,CN=Configuration,"
ALL = "Get New Set Remove"
MAILBOXES = frozenset({"UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox", "SchedulingMailbox", "DiscoveryMailbox"})
MAIL_USERS = frozenset({"MailUser", "GuestMailUser"})
GROUPS = frozenset({"MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList"})
FOLDERS = frozenset({"PublicFolder"})
RECIPIENT_BASE = defaults.RECIPIENT

_TABLE = (
    Noun("AcceptedDomain", "Get Set", container="CN=Accepted Domains," + TRANSPORT),
    Noun("IPv6StatusForAcceptedDomain", "Get", table="AcceptedDomain"),
    Noun("IPv6ForAcceptedDomain", "Enable Disable", table="AcceptedDomain"),
    Noun(
        "RemoteDomain",
        ALL,
        defaults=defaults.REMOTE_DOMAIN,
        container="CN=Internet Message Formats,CN=Global Settings,CN=Configuration,",
        object_class="msExchDomainContentConfig",
        object_category="ms-Exch-Domain-Content-Config",
    ),
    Noun(
        "OutboundConnector",
        ALL + " Validate",
        defaults=defaults.OUTBOUND,
        container=TRANSPORT,
        object_class="msExchSMTPOutboundConnector",
        object_category="ms-Exch-SMTP-Outbound-Connector",
        hydrated=True,
    ),
    Noun(
        "InboundConnector",
        ALL,
        defaults=defaults.INBOUND,
        container=TRANSPORT,
        object_class="msExchSMTPInboundConnector",
        object_category="ms-Exch-SMTP-Inbound-Connector",
        hydrated=True,
    ),
    Noun(
        "TransportRule",
        ALL + " Enable Disable",
        defaults=defaults.rule(),
        container="CN=TransportVersioned,CN=Rules," + TRANSPORT,
        hydrated=True,
    ),
    Noun("EtrLimits", "Get", table="TransportRule"),
    Noun("OrganizationConfig", "Get Set", defaults=defaults.ORGANIZATION, singleton=True),
    Noun("OrganizationCustomization", "Enable", table="OrganizationConfig"),
    Noun("TransportConfig", "Get Set", singleton=True),
    Noun("AntiPhishPolicy", "Get"),
    Noun("HostedOutboundSpamFilterPolicy", "Get"),
    Noun("ArcConfig", "Get"),
    Noun("HostedConnectionFilterPolicy", "Get Set", container="CN=Hosted Connection Filter," + TRANSPORT),
    Noun("OrganizationRelationship", "Get Set Remove", container="CN=Federation,CN=Configuration,"),
    Noun("DistributionGroup", ALL, table="Recipient", defaults=defaults.GROUP, types=GROUPS, result_size=1000),
    Noun("DistributionGroupMember", "Get Add Remove Update", table="Recipient", types=GROUPS, result_size=1000),
    Noun(
        "Recipient",
        "Get",
        table="Recipient",
        types=MAILBOXES | MAIL_USERS | GROUPS | FOLDERS | {"MailContact", "GroupMailbox", "DynamicDistributionGroup"},
        result_size=1000,
    ),
    Noun("Mailbox", ALL, table="Recipient", defaults=defaults.MAILBOX, types=MAILBOXES, result_size=1000),
    Noun("MailUser", ALL, table="Recipient", defaults=defaults.MAIL_USER, types=MAIL_USERS, result_size=1000),
    Noun("MailContact", ALL, table="Recipient", defaults=defaults.MAIL_CONTACT, types=frozenset({"MailContact"}), result_size=1000),
    Noun("UnifiedGroup", ALL, table="Recipient", defaults=defaults.UNIFIED_GROUP, types=frozenset({"GroupMailbox"}), result_size=1000),
    Noun(
        "DynamicDistributionGroup",
        ALL,
        table="Recipient",
        defaults=defaults.DYNAMIC_GROUP,
        types=frozenset({"DynamicDistributionGroup"}),
        result_size=1000,
    ),
    Noun("DynamicDistributionGroupMember", "Get", table="Recipient", types=frozenset({"DynamicDistributionGroup"}), result_size=1000),
    Noun("MailPublicFolder", "Get", table="Recipient", defaults=defaults.FOLDER, types=FOLDERS, result_size=1000),
    Noun("User", "Get Set", table="Recipient", defaults=defaults.USER, types=MAILBOXES | MAIL_USERS | {"User"}, result_size=1000),
    Noun("Group", "Get", table="Recipient", types=GROUPS, result_size=1000),
    Noun("MessageTraceV2", "Get", result_size=1000),
    Noun("MessageTraceDetailV2", "Get"),
)
NOUNS = {noun.name: noun for noun in _TABLE}
BY_LOWER = {name.lower(): noun for name, noun in NOUNS.items()}
