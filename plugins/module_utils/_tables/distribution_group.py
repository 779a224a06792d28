# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The parameters of distribution groups. Data only."""

from __future__ import annotations

from .._kinds import ADDRESS, BOOL, GROUP_NAME, GROUP_TYPE, NAME, PHRASE, PROXY, RECIPIENT, ROOM_LIST, TIP, many
from .._resource import NEW, SET, Property

PEOPLE, TEXTS, PROXIES = many(RECIPIENT, edits=True), many(PHRASE, edits=True), many(PROXY, edits=True)

PROPERTIES = (
    Property("Name", GROUP_NAME, limit=64),
    Property("Alias", NAME, limit=64),
    Property("DisplayName"),
    Property("Description"),
    Property("Type", GROUP_TYPE, choices=("Distribution", "Security"), on=NEW, read="GroupType"),
    Property("PrimarySmtpAddress", ADDRESS),
    Property("EmailAddresses", PROXIES, on=SET),
    Property("WindowsEmailAddress", ADDRESS, on=SET),
    Property("ManagedBy", PEOPLE, read="ManagedByWithDisplayName", read_with="IncludeManagedByWithDisplayNames"),
    Property("Members", many(RECIPIENT), on=NEW, read=None),
    Property("CopyOwnerToMember", BOOL, on=NEW, read=None),
    Property("MemberJoinRestriction", NAME, choices=("Open", "Closed", "ApprovalRequired")),
    Property("MemberDepartRestriction", NAME, choices=("Open", "Closed")),
    Property("HiddenFromAddressListsEnabled", BOOL, on=SET),
    Property("HiddenGroupMembershipEnabled", BOOL, verified=False),
    Property("RequireSenderAuthenticationEnabled", BOOL),
    Property("RoomList", ROOM_LIST, read="RecipientTypeDetails", verified=False),
    Property("BccBlocked", BOOL),
    Property("Notes", on=NEW, read=None),
    Property("OrganizationalUnit", PHRASE, on=NEW, read=None),
    # Who may write to it
    Property(
        "AcceptMessagesOnlyFrom",
        PEOPLE,
        on=SET,
        read="AcceptMessagesOnlyFromWithDisplayNames",
        read_with="IncludeAcceptMessagesOnlyFromWithDisplayNames",
    ),
    Property(
        "AcceptMessagesOnlyFromDLMembers",
        PEOPLE,
        on=SET,
        read="AcceptMessagesOnlyFromDLMembersWithDisplayNames",
        read_with="IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames",
    ),
    Property(
        "AcceptMessagesOnlyFromSendersOrMembers",
        PEOPLE,
        on=SET,
        read="AcceptMessagesOnlyFromSendersOrMembersWithDisplayNames",
        read_with="IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames",
    ),
    Property("RejectMessagesFrom", PEOPLE, on=SET),
    Property("RejectMessagesFromDLMembers", PEOPLE, on=SET),
    Property("RejectMessagesFromSendersOrMembers", PEOPLE, on=SET),
    Property(
        "GrantSendOnBehalfTo",
        PEOPLE,
        on=SET,
        read="GrantSendOnBehalfToWithDisplayNames",
        read_with="IncludeGrantSendOnBehalfToWithDisplayNames",
    ),
    # Moderation and reports
    Property("ModerationEnabled", BOOL),
    Property("ModeratedBy", PEOPLE, read="ModeratedByWithDisplayNames", read_with="IncludeModeratedByWithDisplayNames"),
    Property(
        "BypassModerationFromSendersOrMembers",
        PEOPLE,
        on=SET,
        read="BypassModerationFromSendersOrMembersWithDisplayNames",
        read_with="IncludeBypassModerationFromSendersOrMembersWithDisplayNames",
    ),
    Property("BypassNestedModerationEnabled", BOOL),
    Property("SendModerationNotifications", NAME, choices=("Always", "Internal", "Never")),
    Property("ReportToManagerEnabled", BOOL, on=SET),
    Property("ReportToOriginatorEnabled", BOOL, on=SET),
    Property("SendOofMessageToOriginatorEnabled", BOOL, on=SET),
    Property("MailTip", TIP, on=SET, verified=False),
    Property("MailTipTranslations", TEXTS, on=SET, verified=False),
    Property("SimpleDisplayName", on=SET),
    # Attributes of the administrator's own
    Property("CustomAttribute1", on=SET),
    Property("CustomAttribute2", on=SET),
    Property("CustomAttribute3", on=SET),
    Property("CustomAttribute4", on=SET),
    Property("CustomAttribute5", on=SET),
    Property("CustomAttribute6", on=SET),
    Property("CustomAttribute7", on=SET),
    Property("CustomAttribute8", on=SET),
    Property("CustomAttribute9", on=SET),
    Property("CustomAttribute10", on=SET),
    Property("CustomAttribute11", on=SET),
    Property("CustomAttribute12", on=SET),
    Property("CustomAttribute13", on=SET),
    Property("CustomAttribute14", on=SET),
    Property("CustomAttribute15", on=SET),
    Property("ExtensionCustomAttribute1", TEXTS, on=SET),
    Property("ExtensionCustomAttribute2", TEXTS, on=SET),
    Property("ExtensionCustomAttribute3", TEXTS, on=SET),
    Property("ExtensionCustomAttribute4", TEXTS, on=SET),
    Property("ExtensionCustomAttribute5", TEXTS, on=SET),
    # These ride on a change and cause none
    Property("BypassSecurityGroupManagerCheck", BOOL, on=SET, read=None),
    Property("IgnoreNamingPolicy", BOOL, read=None),
    Property("ForceUpgrade", BOOL, on=SET, read=None),
    Property("ResetMigrationToUnifiedGroup", BOOL, on=SET, read=None),
    Property("UpdateMemberCount", BOOL, on=SET, read=None),
)
DEFAULTS = {
    "GroupType": "Universal",
    "RecipientTypeDetails": "MailUniversalDistributionGroup",
    "RequireSenderAuthenticationEnabled": True,
    "HiddenFromAddressListsEnabled": False,
}
# Parameters that cannot be combined in one command.
EXCLUSIVE = (
    ("email_addresses", "primary_smtp_address"),
    ("accept_messages_only_from_senders_or_members", "accept_messages_only_from"),
    ("accept_messages_only_from_senders_or_members", "accept_messages_only_from_dl_members"),
)
