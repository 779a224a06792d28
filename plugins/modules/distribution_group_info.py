#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read distribution groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: distribution_group_info
short_description: Read the distribution groups of an Exchange organization
version_added: 0.1.0
description:
  - Reads one or all distribution groups with C(Get-DistributionGroup).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  identity:
    description:
      - The group, its name, an address of it, or its GUID. Left out, all groups are read. It cannot be given together with O(anr)
        or O(managed_by). Parameter C(Identity).
    type: str
  anr:
    description:
      - A text that is looked for in names and addresses. It cannot be given together with O(identity) or O(managed_by). Parameter
        C(Anr).
    type: str
  filter:
    description:
      - A filter in the service's own language. Parameter C(Filter).
    type: str
  managed_by:
    description:
      - Only groups with this owner. It cannot be given together with O(identity) or O(anr). Parameter C(ManagedBy).
    type: str
  organizational_unit:
    description:
      - Parameter C(OrganizationalUnit). No source that this collection knows says what it means.
    type: str
  recipient_type_details:
    description:
      - Only groups of these types. Parameter C(RecipientTypeDetails).
    type: list
    elements: str
    choices:
      - MailNonUniversalGroup
      - MailUniversalDistributionGroup
      - MailUniversalSecurityGroup
      - RoomList
  sort_by:
    description:
      - The property by which the rows are sorted. Parameter C(SortBy).
    type: str
  include_accept_messages_only_from_dl_members_with_display_names:
    description:
      - Whether the property C(AcceptMessagesOnlyFromDLMembersWithDisplayNames) is filled with addresses and names. Parameter
        C(IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames).
    type: bool
  include_accept_messages_only_from_senders_or_members_with_display_names:
    description:
      - Whether the property C(AcceptMessagesOnlyFromSendersOrMembersWithDisplayNames) is filled with addresses and names.
        Parameter C(IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames).
    type: bool
  include_accept_messages_only_from_with_display_names:
    description:
      - Whether the property C(AcceptMessagesOnlyFromWithDisplayNames) is filled with addresses and names. Parameter
        C(IncludeAcceptMessagesOnlyFromWithDisplayNames).
    type: bool
  include_bypass_moderation_from_senders_or_members_with_display_names:
    description:
      - Whether the property C(BypassModerationFromSendersOrMembersWithDisplayNames) is filled with addresses and names. Parameter
        C(IncludeBypassModerationFromSendersOrMembersWithDisplayNames).
    type: bool
  include_grant_send_on_behalf_to_with_display_names:
    description:
      - Whether the property C(GrantSendOnBehalfToWithDisplayNames) is filled with addresses and names. Parameter
        C(IncludeGrantSendOnBehalfToWithDisplayNames).
    type: bool
  include_managed_by_with_display_names:
    description:
      - Whether the property C(ManagedByWithDisplayName) is filled with addresses and names. Parameter
        C(IncludeManagedByWithDisplayNames).
    type: bool
  include_moderated_by_with_display_names:
    description:
      - Whether the property C(ModeratedByWithDisplayNames) is filled with addresses and names. Parameter
        C(IncludeModeratedByWithDisplayNames).
    type: bool
  result_size:
    description:
      - The most objects to read, a number or V(Unlimited). Left out, all are read. Parameter C(ResultSize).
    type: str
seealso:
  - module: mailops.exchange.distribution_group
"""

EXAMPLES = r"""
- name: Read all of them
  mailops.exchange.distribution_group_info:
  register: found

- name: Read one
  mailops.exchange.distribution_group_info:
    identity: migrated@example.com
"""

RETURN = r"""
objects:
  description: The groups as the service shows them, none when the one asked for does not exist.
  returned: success
  type: list
  elements: dict
calls:
  description: Always empty, because nothing is written.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Info
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import BOOL, NAME, many
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

PARAMETERS = (
    Property("Anr"),
    Property("Filter"),
    Property("ManagedBy"),
    Property("OrganizationalUnit"),
    Property(
        "RecipientTypeDetails",
        many(NAME),
        choices=("MailNonUniversalGroup", "MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList"),
    ),
    Property("SortBy"),
    Property("IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames", BOOL),
    Property("IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames", BOOL),
    Property("IncludeAcceptMessagesOnlyFromWithDisplayNames", BOOL),
    Property("IncludeBypassModerationFromSendersOrMembersWithDisplayNames", BOOL),
    Property("IncludeGrantSendOnBehalfToWithDisplayNames", BOOL),
    Property("IncludeManagedByWithDisplayNames", BOOL),
    Property("IncludeModeratedByWithDisplayNames", BOOL),
    Property("ResultSize"),
)
SPEC = Info("DistributionGroup", PARAMETERS, rules={"mutually_exclusive": (("identity", "anr", "managed_by"),)})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
