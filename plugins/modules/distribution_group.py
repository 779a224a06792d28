#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage a distribution group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: distribution_group
short_description: Manage a distribution group of an Exchange organization
version_added: 0.1.0
description:
  - Creates, changes and removes a distribution group or a mail-enabled security group with C(New-), C(Set-) and
    C(Remove-DistributionGroup).
  - Owners and other people can be named by any identity; they are compared as objects, not as texts.
  - A group that is synchronised from an on-premises directory is refused, because it can only be changed there.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.managed
options:
  identity:
    description:
      - The group, its name, an address of it, or its GUID. Parameter C(Identity), and C(Name) of a new one when O(name) is left
        out.
    type: str
    required: true
  name:
    description:
      - The group's name, at most 64 characters and unique. Left out, a new group is named by O(identity). Another name renames an
        existing one. Parameter C(Name).
    type: str
  alias:
    description:
      - The alias, at most 64 characters. Parameter C(Alias).
    type: str
  display_name:
    description:
      - The name that people see. Parameter C(DisplayName).
    type: str
  description:
    description:
      - A description. Parameter C(Description).
      - An empty string clears it.
    type: str
  type:
    description:
      - Whether it is for mail alone or also for permissions. A new group is V(Distribution) by default. Parameter C(Type).
      - It can be set only when the object is created.
    type: str
    choices:
      - Distribution
      - Security
  primary_smtp_address:
    description:
      - The primary address. It cannot be given together with O(email_addresses). Parameter C(PrimarySmtpAddress).
    type: str
  email_addresses:
    description:
      - "All addresses: the primary one as V(SMTP:address), the others as V(smtp:address). Addresses of other types that are not
        named, such as C(X500:), C(SIP:) and C(SPO:), stay. It cannot be given together with O(primary_smtp_address). Parameter
        C(EmailAddresses)."
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
      - To remove one it may be written either way. What is added as V(SMTP:address) becomes the primary one, and the former one stays
        as another.
    type: raw
  windows_email_address:
    description:
      - Parameter C(WindowsEmailAddress). No source that this collection knows says what it means.
    type: str
  managed_by:
    description:
      - The owners, by any identity. A group must have one; an application that creates groups should name them. Parameter
        C(ManagedBy).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  members:
    description:
      - The members of a new group. Use M(mailops.exchange.distribution_group_member) for an existing one. Parameter C(Members).
      - It is used when the group is created, and cannot be read back.
    type: list
    elements: str
  copy_owner_to_member:
    description:
      - Makes the owners members of the new group. Parameter C(CopyOwnerToMember).
      - It is used when the group is created, and cannot be read back.
    type: bool
  member_join_restriction:
    description:
      - Who may join. Parameter C(MemberJoinRestriction).
    type: str
    choices:
      - Open
      - Closed
      - ApprovalRequired
  member_depart_restriction:
    description:
      - Who may leave. V(Open) is refused for security groups. Parameter C(MemberDepartRestriction).
    type: str
    choices:
      - Open
      - Closed
  hidden_from_address_lists_enabled:
    description:
      - Whether the group is hidden from address lists. Parameter C(HiddenFromAddressListsEnabled).
    type: bool
  hidden_group_membership_enabled:
    description:
      - Whether the members are hidden. Parameter C(HiddenGroupMembershipEnabled).
    type: bool
  require_sender_authentication_enabled:
    description:
      - Whether only senders of the organization may write to it. A new group is V(true) by default, which refuses mail from
        outside. Parameter C(RequireSenderAuthenticationEnabled).
    type: bool
  room_list:
    description:
      - Makes it a list of rooms. No source says how to turn that back. Parameter C(RoomList).
    type: bool
  bcc_blocked:
    description:
      - Parameter C(BccBlocked). No source that this collection knows says what it means.
    type: bool
  notes:
    description:
      - Parameter C(Notes). No source that this collection knows says what it means.
      - It is used when the group is created, and cannot be read back.
    type: str
  organizational_unit:
    description:
      - Parameter C(OrganizationalUnit). No source that this collection knows says what it means.
      - It is used when the group is created, and cannot be read back.
    type: str
  accept_messages_only_from:
    description:
      - The only people who may write to it. Parameter C(AcceptMessagesOnlyFrom).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  accept_messages_only_from_dl_members:
    description:
      - The only groups whose members may write to it. Parameter C(AcceptMessagesOnlyFromDLMembers).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  accept_messages_only_from_senders_or_members:
    description:
      - The only people, and groups whose members, may write to it. It cannot be given together with O(accept_messages_only_from)
        or O(accept_messages_only_from_dl_members). Parameter C(AcceptMessagesOnlyFromSendersOrMembers).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  reject_messages_from:
    description:
      - People who may not write to it. Parameter C(RejectMessagesFrom).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  reject_messages_from_dl_members:
    description:
      - Groups whose members may not write to it. Parameter C(RejectMessagesFromDLMembers).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  reject_messages_from_senders_or_members:
    description:
      - People, and groups whose members, may not write to it. Parameter C(RejectMessagesFromSendersOrMembers).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  grant_send_on_behalf_to:
    description:
      - Who may send on behalf of the group. Parameter C(GrantSendOnBehalfTo).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  moderation_enabled:
    description:
      - Whether messages to the group must be approved. Parameter C(ModerationEnabled).
    type: bool
  moderated_by:
    description:
      - Who approves. Parameter C(ModeratedBy).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  bypass_moderation_from_senders_or_members:
    description:
      - Whose messages need no approval. Parameter C(BypassModerationFromSendersOrMembers).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  bypass_nested_moderation_enabled:
    description:
      - Parameter C(BypassNestedModerationEnabled). No source that this collection knows says what it means.
    type: bool
  send_moderation_notifications:
    description:
      - Who is told when a message is not approved. Parameter C(SendModerationNotifications).
    type: str
    choices:
      - Always
      - Internal
      - Never
  report_to_manager_enabled:
    description:
      - Whether delivery reports go to the owner. Parameter C(ReportToManagerEnabled).
    type: bool
  report_to_originator_enabled:
    description:
      - Whether delivery reports go to the sender. Parameter C(ReportToOriginatorEnabled).
    type: bool
  send_oof_message_to_originator_enabled:
    description:
      - Whether senders get automatic replies of members. Parameter C(SendOofMessageToOriginatorEnabled).
    type: bool
  mail_tip:
    description:
      - A hint that people see before they write to it. Parameter C(MailTip).
      - An empty string clears it.
    type: str
  mail_tip_translations:
    description:
      - The hint in other languages, each entry as C(LANGUAGE:TEXT). Parameter C(MailTipTranslations).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  simple_display_name:
    description:
      - A name in plain characters. Parameter C(SimpleDisplayName).
      - An empty string clears it.
    type: str
  custom_attribute1:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute1).
      - An empty string clears it.
    type: str
  custom_attribute2:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute2).
      - An empty string clears it.
    type: str
  custom_attribute3:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute3).
      - An empty string clears it.
    type: str
  custom_attribute4:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute4).
      - An empty string clears it.
    type: str
  custom_attribute5:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute5).
      - An empty string clears it.
    type: str
  custom_attribute6:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute6).
      - An empty string clears it.
    type: str
  custom_attribute7:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute7).
      - An empty string clears it.
    type: str
  custom_attribute8:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute8).
      - An empty string clears it.
    type: str
  custom_attribute9:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute9).
      - An empty string clears it.
    type: str
  custom_attribute10:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute10).
      - An empty string clears it.
    type: str
  custom_attribute11:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute11).
      - An empty string clears it.
    type: str
  custom_attribute12:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute12).
      - An empty string clears it.
    type: str
  custom_attribute13:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute13).
      - An empty string clears it.
    type: str
  custom_attribute14:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute14).
      - An empty string clears it.
    type: str
  custom_attribute15:
    description:
      - A text of the administrator's own. Parameter C(CustomAttribute15).
      - An empty string clears it.
    type: str
  extension_custom_attribute1:
    description:
      - A list of the administrator's own. Parameter C(ExtensionCustomAttribute1).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  extension_custom_attribute2:
    description:
      - A list of the administrator's own. Parameter C(ExtensionCustomAttribute2).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  extension_custom_attribute3:
    description:
      - A list of the administrator's own. Parameter C(ExtensionCustomAttribute3).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  extension_custom_attribute4:
    description:
      - A list of the administrator's own. Parameter C(ExtensionCustomAttribute4).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  extension_custom_attribute5:
    description:
      - A list of the administrator's own. Parameter C(ExtensionCustomAttribute5).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  bypass_security_group_manager_check:
    description:
      - Lets a caller who is not an owner change or remove the group. It needs the role Organization Management or Security Group
        Creation and Membership. Parameter C(BypassSecurityGroupManagerCheck).
      - It is sent along with a change and causes none by itself.
    type: bool
  ignore_naming_policy:
    description:
      - Lets the name break the group naming policy. Parameter C(IgnoreNamingPolicy).
      - It is sent along with a change and causes none by itself.
    type: bool
  force_upgrade:
    description:
      - Parameter C(ForceUpgrade). No source that this collection knows says what it means.
      - It is sent along with a change and causes none by itself.
    type: bool
  reset_migration_to_unified_group:
    description:
      - Parameter C(ResetMigrationToUnifiedGroup). No source that this collection knows says what it means.
      - It is sent along with a change and causes none by itself.
    type: bool
  update_member_count:
    description:
      - Parameter C(UpdateMemberCount). No source that this collection knows says what it means.
      - It is sent along with a change and causes none by itself.
    type: bool
  state:
    description:
      - V(present) creates the group or changes it. V(absent) removes it; that it is gone already is no error.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: mailops.exchange.distribution_group_info
  - module: mailops.exchange.distribution_group_member
"""

EXAMPLES = r"""
- name: The group that says who is migrated
  mailops.exchange.distribution_group:
    identity: Migrated Users
    primary_smtp_address: migrated@example.com
    managed_by:
      - admin@example.com
    member_join_restriction: Closed
    member_depart_restriction: Closed
    hidden_from_address_lists_enabled: true

- name: Add an owner
  mailops.exchange.distribution_group:
    identity: migrated@example.com
    managed_by:
      add:
        - helpdesk@example.com
    bypass_security_group_manager_check: true

- name: Remove the group
  mailops.exchange.distribution_group:
    identity: migrated@example.com
    state: absent
    bypass_security_group_manager_check: true
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: New-DistributionGroup
      parameters:
        Name: Migrated Users
        PrimarySmtpAddress: migrated@example.com
object:
  description: The group as the service shows it after the task, none when it is absent.
  returned: success
  type: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._nouns import check_group, given_members
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._tables.distribution_group import DEFAULTS, EXCLUSIVE, PROPERTIES

SPEC = Managed(
    Resource(
        "DistributionGroup",
        PROPERTIES,
        defaults=DEFAULTS,
        check=check_group,
        on_remove=("BypassSecurityGroupManagerCheck",),
        parts="DistributionGroupMember",
        given=given_members,
        addressed=True,
    ),
    rules={"mutually_exclusive": EXCLUSIVE},
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
