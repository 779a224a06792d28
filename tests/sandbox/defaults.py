# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new object reads back when nothing was given: data only."""

from __future__ import annotations

import json
from typing import Any

from .catalogue import FIXTURES, signature

NIL = "00000000-0000-0000-0000-000000000000"

OUTBOUND: dict[str, Any] = {
    "Enabled": True,
    "UseMXRecord": True,
    "Comment": "",
    "ConnectorType": "Partner",
    "ConnectorSource": "Default",
    "RecipientDomains": [],
    "SmartHosts": [],
    "TlsDomain": None,
    "TlsSettings": None,
    "IsTransportRuleScoped": False,
    "RouteAllMessagesViaOnPremises": False,
    "CloudServicesMailEnabled": False,
    "AllAcceptedDomains": False,
    "SenderRewritingEnabled": False,
    "TestMode": False,
    "LinkForModifiedConnector": NIL,
    "ValidationRecipients": [],
    "IsValidated": False,
    "LastValidationTimestamp": None,
    "MtaStsMode": "Opportunistic",
    "SmtpDaneMode": "Opportunistic",
}

INBOUND: dict[str, Any] = {
    "Enabled": True,
    "ConnectorType": "Partner",
    "ConnectorSource": "Default",
    "Comment": "",
    "SenderIPAddresses": [],
    "SenderDomains": [],
    "TrustedOrganizations": [],
    "ClientHostNames": [],
    "AssociatedAcceptedDomains": [],
    "RequireTls": True,
    "RestrictDomainsToIPAddresses": False,
    "RestrictDomainsToCertificate": False,
    "CloudServicesMailEnabled": False,
    "TreatMessagesAsInternal": False,
    "TlsSenderCertificateName": None,
    "EFTestMode": False,
    "ScanAndDropRecipients": [],
    "EFSkipLastIP": False,
    "EFSkipIPs": [],
    "EFSkipMailGateway": [],
    "EFUsers": [],
}

REMOTE_DOMAIN: dict[str, Any] = {
    "IsInternal": False,
    "TargetDeliveryDomain": False,
    "ByteEncoderTypeFor7BitCharsets": "Undefined",
    "CharacterSet": None,
    "NonMimeCharacterSet": None,
    "AllowedOOFType": "External",
    "AutoReplyEnabled": True,
    "AutoForwardEnabled": True,
    "DeliveryReportEnabled": True,
    "NDREnabled": True,
    "MeetingForwardNotificationEnabled": False,
    "ContentType": "MimeHtmlText",
    "DisplaySenderName": True,
    "PreferredInternetCodePageForShiftJis": "Undefined",
    "RequiredCharsetCoverage": None,
    "TNEFEnabled": None,
    "LineWrapSize": "Unlimited",
    "TrustedMailOutboundEnabled": False,
    "TrustedMailInboundEnabled": False,
    "UseSimpleDisplayName": False,
    "NDRDiagnosticInfoEnabled": True,
    "MessageCountThreshold": 2147483647,
}

ORGANIZATION: dict[str, Any] = {
    "IsDehydrated": False,
    "RejectDirectSend": False,
    "DisablePlusAddressInRecipients": False,
    "AutoForwardingMode": "Automatic",
}

# Senders' lists that hold recipients: read back as ids or names, and once more with display names when asked for.
SENDER_LISTS = (
    "AcceptMessagesOnlyFrom",
    "AcceptMessagesOnlyFromDLMembers",
    "AcceptMessagesOnlyFromSendersOrMembers",
    "RejectMessagesFrom",
    "RejectMessagesFromDLMembers",
    "RejectMessagesFromSendersOrMembers",
    "BypassModerationFromSendersOrMembers",
    "GrantSendOnBehalfTo",
    "ModeratedBy",
)

RECIPIENT: dict[str, Any] = {
    "HiddenFromAddressListsEnabled": False,
    "RequireSenderAuthenticationEnabled": False,
    "ModerationEnabled": False,
    "SendModerationNotifications": "Always",
    "MailTip": None,
    "MailTipTranslations": [],
    "SimpleDisplayName": "",
    "IsDirSynced": False,
    "EmailAddressPolicyEnabled": False,
    "PoliciesIncluded": [],
    "PoliciesExcluded": ["{26491cfc-9e50-4857-861b-0cb8df22b5d7}"],
    "MaxSendSize": "Unlimited",
    "MaxReceiveSize": "Unlimited",
    "AddressListMembership": [],
    "UMDtmfMap": [],
    **{name: [] for name in SENDER_LISTS},
    **{f"CustomAttribute{number}": "" for number in range(1, 16)},
    **{f"ExtensionCustomAttribute{number}": [] for number in range(1, 6)},
}

GROUP: dict[str, Any] = {
    "GroupType": "Universal",
    "RecipientType": "MailUniversalDistributionGroup",
    "RecipientTypeDetails": "MailUniversalDistributionGroup",
    "ManagedBy": ["Organization Management"],
    "MemberJoinRestriction": "Closed",
    "MemberDepartRestriction": "Open",
    "RequireSenderAuthenticationEnabled": True,
    "ReportToManagerEnabled": False,
    "ReportToOriginatorEnabled": True,
    "SendOofMessageToOriginatorEnabled": False,
    "BypassNestedModerationEnabled": False,
    "Description": [],
    "BccBlocked": False,
    "HiddenGroupMembershipEnabled": False,
    "MigrationToUnifiedGroupInProgress": False,
    "Notes": "",
}

MAILBOX: dict[str, Any] = {
    "RecipientType": "UserMailbox",
    "RecipientTypeDetails": "UserMailbox",
    "ForwardingAddress": None,
    "ForwardingSmtpAddress": None,
    "DeliverToMailboxAndForward": False,
    "AccountDisabled": False,
    "ArchiveStatus": "None",
    "ArchiveName": [],
    "ArchiveGuid": NIL,
    "AuditEnabled": True,
    "AuditLogAgeLimit": "90.00:00:00",
    "RetainDeletedItemsFor": "14.00:00:00",
    "RecipientLimits": "500",
    "ProhibitSendQuota": "99 GB (106,300,440,576 bytes)",
    "ProhibitSendReceiveQuota": "100 GB (107,374,182,400 bytes)",
    "IssueWarningQuota": "98 GB (105,226,698,752 bytes)",
    "RulesQuota": "256 KB (262,144 bytes)",
    "MaxSendSize": "35 MB (36,700,160 bytes)",
    "MaxReceiveSize": "36 MB (37,748,736 bytes)",
    "LitigationHoldEnabled": False,
    "LitigationHoldDuration": "Unlimited",
    "LitigationHoldOwner": "",
    "MailboxPlan": None,
    "IsMailboxEnabled": True,
    "IsShared": False,
    "IsResource": False,
    "ResourceCapacity": None,
    "ResourceCustom": [],
    "UsageLocation": "Ireland",
    "MessageCopyForSentAsEnabled": False,
    "MessageCopyForSendOnBehalfEnabled": False,
    "RetentionHoldEnabled": False,
    "RetentionPolicy": "Default MRM Policy",
    "RoleAssignmentPolicy": "Default Role Assignment Policy",
    "SharingPolicy": "Default Sharing Policy",
    "Languages": [],
    "Office": "",
}

MAIL_USER: dict[str, Any] = {
    "RecipientType": "MailUser",
    "RecipientTypeDetails": "MailUser",
    "ExternalEmailAddress": None,
    "MessageFormat": "Mime",
    "MessageBodyFormat": "TextAndHtml",
    "UsePreferMessageFormat": True,
    "UseMapiRichTextFormat": "UseDefaultSettings",
    "MacAttachmentFormat": "BinHex",
    "RecipientLimits": "Unlimited",
    "ExchangeGuid": NIL,
    "ArchiveGuid": NIL,
}

MAIL_CONTACT: dict[str, Any] = {
    "RecipientType": "MailContact",
    "RecipientTypeDetails": "MailContact",
    "ExternalEmailAddress": None,
    "MessageFormat": "Mime",
    "MessageBodyFormat": "TextAndHtml",
    "UsePreferMessageFormat": True,
    "UseMapiRichTextFormat": "UseDefaultSettings",
    "MacAttachmentFormat": "BinHex",
    "MaxRecipientPerMessage": "Unlimited",
}

UNIFIED_GROUP: dict[str, Any] = {
    "RecipientType": "MailUniversalDistributionGroup",
    "RecipientTypeDetails": "GroupMailbox",
    "AccessType": "Private",
    "ManagedBy": [],
    "Notes": "",
    "RequireSenderAuthenticationEnabled": True,
    "SubscriptionEnabled": True,
    "GroupMemberCount": 1,
    "GroupExternalMemberCount": 0,
    "AutoSubscribeNewMembers": False,
    "AlwaysSubscribeMembersToCalendarEvents": False,
    "HiddenGroupMembershipEnabled": False,
    "Classification": "",
    "IsMembershipDynamic": False,
}

DYNAMIC_GROUP: dict[str, Any] = {
    "RecipientType": "DynamicDistributionGroup",
    "RecipientTypeDetails": "DynamicDistributionGroup",
    "RecipientFilter": "",
    "IncludedRecipients": None,
    "ManagedBy": None,
    "Notes": "",
    "RequireSenderAuthenticationEnabled": True,
    "ReportToManagerEnabled": False,
    "ReportToOriginatorEnabled": True,
    "SendOofMessageToOriginatorEnabled": False,
    "RecipientFilterType": "Custom",
    "DirectMembershipOnly": False,
}

FOLDER: dict[str, Any] = {
    "RecipientType": "PublicFolder",
    "RecipientTypeDetails": "PublicFolder",
    "DeliverToMailboxAndForward": False,
    "ForwardingAddress": None,
    "RequireSenderAuthenticationEnabled": False,
}

USER: dict[str, Any] = {"RecipientType": "User", "RecipientTypeDetails": "User"}

# What Get-Recipient shows of any recipient.
RECIPIENT_PROPERTIES = (
    "Name",
    "Identity",
    "Id",
    "Alias",
    "DisplayName",
    "PrimarySmtpAddress",
    "EmailAddresses",
    "ExternalEmailAddress",
    "RecipientType",
    "RecipientTypeDetails",
    "ExternalDirectoryObjectId",
    "HiddenFromAddressListsEnabled",
    "ManagedBy",
    "WindowsLiveID",
    "FirstName",
    "LastName",
    "Company",
    "Department",
    "Office",
    "Title",
    "ArchiveStatus",
    "ArchiveGuid",
    "ExchangeGuid",
    "UsageLocation",
    "RequireSenderAuthenticationEnabled",
    "EmailAddressPolicyEnabled",
    "PoliciesIncluded",
    "PoliciesExcluded",
    "IsDirSynced",
    *(f"CustomAttribute{number}" for number in range(1, 16)),
    "DistinguishedName",
    "OrganizationalUnit",
    "OrganizationalUnitRoot",
    "OrganizationId",
    "WhenChanged",
    "WhenCreated",
    "WhenChangedUTC",
    "WhenCreatedUTC",
    "WhenMailboxCreated",
    "ExchangeObjectId",
    "ExchangeVersion",
    "Guid",
    "ObjectCategory",
    "ObjectClass",
    "OriginatingServer",
    "IsValid",
    "ObjectState",
)

USER_PROPERTIES = (*RECIPIENT_PROPERTIES, "UserPrincipalName", "AccountDisabled", "MicrosoftOnlineServicesID", "UserAccountControl")


def rule() -> dict[str, Any]:
    """Return a new transport rule's properties: those of the captured rule, unset."""
    captured = json.loads((FIXTURES / "captures" / "scuba_transport_rule.json").read_text(encoding="utf-8"))["value"][0]
    known = signature("New-TransportRule")
    parameters = known.parameters if known else {}
    row = {
        key: (False if isinstance(value, bool) and key.lower() in parameters else None if key.lower() in parameters else value)
        for key, value in captured.items()
    }
    row.update(
        {
            "State": "Enabled",
            "Mode": "Enforce",
            "RuleErrorAction": "Ignore",
            "SenderAddressLocation": "Header",
            "RecipientAddressType": "Resolved",
            "RuleSubType": "None",
            "Conditions": None,
            "Exceptions": None,
            "Actions": None,
            "Description": "",
            "CreatedBy": "Microsoft Exchange",
            "Size": 0,
        }
    )
    for key in ("Identity", "Name", "DistinguishedName", "Guid", "ImmutableId", "WhenChanged", "OrganizationId"):
        del row[key]
    return row
