#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage a transport rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: transport_rule
short_description: Manage a transport rule of an Exchange organization
version_added: 0.1.0
description:
  - Creates, changes and removes a transport rule (a mail flow rule) with C(New-), C(Set-), C(Enable-), C(Disable-) and
    C(Remove-TransportRule).
  - A new or changed rule may take half an hour or longer until it acts, and a removed one may act on for as long.
  - A task that would leave an enabled rule which routes messages to a connector without any condition is refused, because all mail
    would go there. A new rule needs an action.
  - Conditions must all be met; exceptions and actions are those of the rule. A rule is at most 8 KB, an organization has at most
    300 rules.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.managed
options:
  identity:
    description:
      - The rule, its name or its GUID. Parameter C(Identity), and C(Name) of a new one when O(name) is left out.
    type: str
    required: true
  name:
    description:
      - The rule's name, at most 64 characters and unique. Left out, a new rule is named by O(identity). Another name renames an
        existing rule. Parameter C(Name).
    type: str
  enabled:
    description:
      - Whether the rule acts. An existing rule is switched by C(Enable-TransportRule) and C(Disable-TransportRule). Parameter
        C(Enabled).
    type: bool
  priority:
    description:
      - The place in the order in which rules act, V(0) first. A new rule is the last one by default. The priorities of the rules
        behind shift along. Parameter C(Priority).
    type: int
  comments:
    description:
      - A remark, at most 1024 characters. Parameter C(Comments).
      - An empty string clears it.
    type: str
  mode:
    description:
      - Whether the rule acts or only reports. A new rule is V(Enforce) by default. Parameter C(Mode).
    type: str
    choices:
      - Audit
      - AuditAndNotify
      - Enforce
  rule_error_action:
    description:
      - What happens to a message when the rule cannot be worked out. A new rule is V(Ignore) by default. Parameter
        C(RuleErrorAction).
    type: str
    choices:
      - Ignore
      - Defer
  rule_sub_type:
    description:
      - Parameter C(RuleSubType). No source that this collection knows says what it means.
    type: str
    choices:
      - Dlp
      - None
  sender_address_location:
    description:
      - Where conditions on the sender look for the address. A new rule is V(Header) by default. Parameter
        C(SenderAddressLocation).
    type: str
    choices:
      - Header
      - Envelope
      - HeaderOrEnvelope
  recipient_address_type:
    description:
      - Whether conditions on recipients look at the address as it was written or at the one that it stands for. A new rule is
        V(Resolved) by default. Parameter C(RecipientAddressType).
    type: str
    choices:
      - Original
      - Resolved
  stop_rule_processing:
    description:
      - Action. Whether rules behind this one are passed over for messages that match. Parameter C(StopRuleProcessing).
    type: bool
  activation_date:
    description:
      - From when the rule acts. A time without a zone is UTC. Parameter C(ActivationDate).
      - An empty string clears it.
    type: str
  expiry_date:
    description:
      - Until when the rule acts. A time without a zone is UTC. Parameter C(ExpiryDate).
      - An empty string clears it.
    type: str
  dlp_policy:
    description:
      - The policy for data loss prevention that the rule belongs to. Parameter C(DlpPolicy).
      - An empty string clears it.
    type: str
  use_legacy_regex:
    description:
      - Parameter C(UseLegacyRegex). No source that this collection knows says what it means.
      - It can be set only when the object is created.
    type: bool
  ad_comparison_attribute:
    description:
      - Condition. The directory attribute of sender and recipient that is compared. Parameter C(ADComparisonAttribute).
      - An empty string clears it.
    type: str
  ad_comparison_operator:
    description:
      - Condition. How the two are compared. Parameter C(ADComparisonOperator).
      - An empty string clears it.
    type: str
    choices:
      - Equal
      - NotEqual
      - ''
  any_of_cc_header:
    description:
      - Condition. Any of these people is in the Cc line. Parameter C(AnyOfCcHeader).
      - V([]) clears it.
    type: list
    elements: str
  any_of_cc_header_member_of:
    description:
      - Condition. The Cc line holds a member of any of these groups. Parameter C(AnyOfCcHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  any_of_recipient_address_contains_words:
    description:
      - Condition. Any recipient's address contains one of these words. Parameter C(AnyOfRecipientAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  any_of_recipient_address_matches_patterns:
    description:
      - Condition. Any recipient's address matches one of these regular expressions. Parameter
        C(AnyOfRecipientAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  any_of_to_cc_header:
    description:
      - Condition. Any of these people is in the To or Cc line. Parameter C(AnyOfToCcHeader).
      - V([]) clears it.
    type: list
    elements: str
  any_of_to_cc_header_member_of:
    description:
      - Condition. The To or Cc line holds a member of any of these groups. Parameter C(AnyOfToCcHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  any_of_to_header:
    description:
      - Condition. Any of these people is in the To line. Parameter C(AnyOfToHeader).
      - V([]) clears it.
    type: list
    elements: str
  any_of_to_header_member_of:
    description:
      - Condition. The To line holds a member of any of these groups. Parameter C(AnyOfToHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  attachment_contains_words:
    description:
      - Condition. An attachment contains one of these words. Parameter C(AttachmentContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  attachment_extension_matches_words:
    description:
      - Condition. An attachment's file extension is one of these words. Parameter C(AttachmentExtensionMatchesWords).
      - V([]) clears it.
    type: list
    elements: str
  attachment_has_executable_content:
    description:
      - Condition. An attachment holds executable content. Parameter C(AttachmentHasExecutableContent).
    type: bool
  attachment_is_password_protected:
    description:
      - Condition. An attachment is protected by a password. Parameter C(AttachmentIsPasswordProtected).
    type: bool
  attachment_is_unsupported:
    description:
      - Condition. An attachment is of a kind that the service cannot look into. Parameter C(AttachmentIsUnsupported).
    type: bool
  attachment_matches_patterns:
    description:
      - Condition. An attachment's text matches one of these regular expressions. Parameter C(AttachmentMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  attachment_name_matches_patterns:
    description:
      - Condition. An attachment's name matches one of these regular expressions. Parameter C(AttachmentNameMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  attachment_processing_limit_exceeded:
    description:
      - Condition. Looking into the attachments hit a limit of the service. Parameter C(AttachmentProcessingLimitExceeded).
    type: bool
  attachment_property_contains_words:
    description:
      - Condition. A property of an attachment contains words, each entry as C(PROPERTY:WORD,WORD). Parameter
        C(AttachmentPropertyContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  attachment_size_over:
    description:
      - Condition. An attachment is at least this big. Parameter C(AttachmentSizeOver).
      - An empty string clears it.
    type: str
  between_member_of1:
    description:
      - Condition. The message goes between a member of this group and one of the group in O(between_member_of2), in either
        direction. Parameter C(BetweenMemberOf1).
      - V([]) clears it.
    type: list
    elements: str
  between_member_of2:
    description:
      - Condition. The message goes between a member of this group and one of the group in O(between_member_of1), in either
        direction. Parameter C(BetweenMemberOf2).
      - V([]) clears it.
    type: list
    elements: str
  content_character_set_contains_words:
    description:
      - Condition. The message uses one of these character sets. Parameter C(ContentCharacterSetContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  from:
    description:
      - Condition. The message is from one of these people. Parameter C(From).
      - V([]) clears it.
    type: list
    elements: str
  from_address_contains_words:
    description:
      - Condition. The sender's address contains one of these words. Parameter C(FromAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  from_address_matches_patterns:
    description:
      - Condition. The sender's address matches one of these regular expressions. Parameter C(FromAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  from_member_of:
    description:
      - Condition. The sender is a member of one of these groups. Parameter C(FromMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  from_scope:
    description:
      - Condition. Where the sender is. Parameter C(FromScope).
      - An empty string clears it.
    type: str
    choices:
      - InOrganization
      - NotInOrganization
      - ''
  has_classification:
    description:
      - Condition. The message bears this classification. Parameter C(HasClassification).
      - An empty string clears it.
    type: str
  has_no_classification:
    description:
      - Condition. The message bears no classification. Parameter C(HasNoClassification).
    type: bool
  header_contains_message_header:
    description:
      - Condition. The header field in which the words of O(header_contains_words) are looked for. Parameter
        C(HeaderContainsMessageHeader).
      - An empty string clears it.
    type: str
  header_contains_words:
    description:
      - Condition. The header field of O(header_contains_message_header) contains one of these words. Parameter
        C(HeaderContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  header_matches_message_header:
    description:
      - Condition. The header field in which the patterns of O(header_matches_patterns) are looked for. Parameter
        C(HeaderMatchesMessageHeader).
      - An empty string clears it.
    type: str
  header_matches_patterns:
    description:
      - Condition. The header field of O(header_matches_message_header) matches one of these regular expressions. Parameter
        C(HeaderMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  manager_addresses:
    description:
      - Condition. One of these people is the manager of the one that O(manager_for_evaluated_user) names. Parameter
        C(ManagerAddresses).
      - V([]) clears it.
    type: list
    elements: str
  manager_for_evaluated_user:
    description:
      - Condition. Whose manager O(manager_addresses) looks at. Parameter C(ManagerForEvaluatedUser).
      - An empty string clears it.
    type: str
    choices:
      - Recipient
      - Sender
      - ''
  message_size_over:
    description:
      - Condition. The message is at least this big. Parameter C(MessageSizeOver).
      - An empty string clears it.
    type: str
  message_type_matches:
    description:
      - Condition. The message is of this type. Parameter C(MessageTypeMatches).
      - An empty string clears it.
    type: str
    choices:
      - OOF
      - AutoForward
      - Encrypted
      - Calendaring
      - PermissionControlled
      - Voicemail
      - Signed
      - ApprovalRequest
      - ReadReceipt
      - ''
  recipient_ad_attribute_contains_words:
    description:
      - Condition. A directory attribute of a recipient contains words, each entry as C(ATTRIBUTE:WORD,WORD). Parameter
        C(RecipientADAttributeContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  recipient_ad_attribute_matches_patterns:
    description:
      - Condition. A directory attribute of a recipient matches regular expressions, each entry as C(ATTRIBUTE:PATTERN,PATTERN).
        Parameter C(RecipientADAttributeMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  recipient_address_contains_words:
    description:
      - Condition. A recipient's address contains one of these words. Parameter C(RecipientAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  recipient_address_matches_patterns:
    description:
      - Condition. A recipient's address matches one of these regular expressions. Parameter C(RecipientAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  recipient_domain_is:
    description:
      - Condition. A recipient's address is in one of these domains or in a subdomain of one. Parameter C(RecipientDomainIs).
      - V([]) clears it.
    type: list
    elements: str
  recipient_in_sender_list:
    description:
      - Parameter C(RecipientInSenderList). No source that this collection knows says what it means.
      - V([]) clears it.
    type: list
    elements: str
  scl_over:
    description:
      - Condition. The spam confidence level is this or higher. Parameter C(SCLOver).
      - An empty string clears it.
    type: str
  sender_ad_attribute_contains_words:
    description:
      - Condition. A directory attribute of the sender contains words, each entry as C(ATTRIBUTE:WORD,WORD). Parameter
        C(SenderADAttributeContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  sender_ad_attribute_matches_patterns:
    description:
      - Condition. A directory attribute of the sender matches regular expressions, each entry as C(ATTRIBUTE:PATTERN,PATTERN).
        Parameter C(SenderADAttributeMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  sender_domain_is:
    description:
      - Condition. The sender's address is in one of these domains or in a subdomain of one. Parameter C(SenderDomainIs).
      - V([]) clears it.
    type: list
    elements: str
  sender_in_recipient_list:
    description:
      - Parameter C(SenderInRecipientList). No source that this collection knows says what it means.
      - V([]) clears it.
    type: list
    elements: str
  sender_ip_ranges:
    description:
      - Condition. The message came from one of these addresses, each a single one, a range C(a-b) or a network in CIDR form.
        Parameter C(SenderIpRanges).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  sender_management_relationship:
    description:
      - Condition. What the sender is to the recipient. Parameter C(SenderManagementRelationship).
      - An empty string clears it.
    type: str
    choices:
      - Manager
      - DirectReport
      - ''
  sent_to:
    description:
      - Condition. The message goes to one of these people. Parameter C(SentTo).
      - V([]) clears it.
    type: list
    elements: str
  sent_to_member_of:
    description:
      - Condition. The message goes to a member of one of these groups. When such a group is deleted later, the rule silently does
        nothing for it. Parameter C(SentToMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  sent_to_scope:
    description:
      - Condition. Where the recipient is. Parameter C(SentToScope).
      - An empty string clears it.
    type: str
    choices:
      - InOrganization
      - NotInOrganization
      - ''
  subject_contains_words:
    description:
      - Condition. The subject contains one of these words. Parameter C(SubjectContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  subject_matches_patterns:
    description:
      - Condition. The subject matches one of these regular expressions. Parameter C(SubjectMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  subject_or_body_contains_words:
    description:
      - Condition. The subject or the body contains one of these words. Parameter C(SubjectOrBodyContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  subject_or_body_matches_patterns:
    description:
      - Condition. The subject or the body matches one of these regular expressions. Parameter C(SubjectOrBodyMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  with_importance:
    description:
      - Condition. The message is marked with this importance. Parameter C(WithImportance).
      - An empty string clears it.
    type: str
    choices:
      - Low
      - Normal
      - High
      - ''
  except_if_ad_comparison_attribute:
    description:
      - Exception. The directory attribute of sender and recipient that is compared. Parameter C(ExceptIfADComparisonAttribute).
      - An empty string clears it.
    type: str
  except_if_ad_comparison_operator:
    description:
      - Exception. How the two are compared. Parameter C(ExceptIfADComparisonOperator).
      - An empty string clears it.
    type: str
    choices:
      - Equal
      - NotEqual
      - ''
  except_if_any_of_cc_header:
    description:
      - Exception. Any of these people is in the Cc line. Parameter C(ExceptIfAnyOfCcHeader).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_cc_header_member_of:
    description:
      - Exception. The Cc line holds a member of any of these groups. Parameter C(ExceptIfAnyOfCcHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_recipient_address_contains_words:
    description:
      - Exception. Any recipient's address contains one of these words. Parameter C(ExceptIfAnyOfRecipientAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_recipient_address_matches_patterns:
    description:
      - Exception. Any recipient's address matches one of these regular expressions. Parameter
        C(ExceptIfAnyOfRecipientAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_to_cc_header:
    description:
      - Exception. Any of these people is in the To or Cc line. Parameter C(ExceptIfAnyOfToCcHeader).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_to_cc_header_member_of:
    description:
      - Exception. The To or Cc line holds a member of any of these groups. Parameter C(ExceptIfAnyOfToCcHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_to_header:
    description:
      - Exception. Any of these people is in the To line. Parameter C(ExceptIfAnyOfToHeader).
      - V([]) clears it.
    type: list
    elements: str
  except_if_any_of_to_header_member_of:
    description:
      - Exception. The To line holds a member of any of these groups. Parameter C(ExceptIfAnyOfToHeaderMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_contains_words:
    description:
      - Exception. An attachment contains one of these words. Parameter C(ExceptIfAttachmentContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_extension_matches_words:
    description:
      - Exception. An attachment's file extension is one of these words. Parameter C(ExceptIfAttachmentExtensionMatchesWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_has_executable_content:
    description:
      - Exception. An attachment holds executable content. Parameter C(ExceptIfAttachmentHasExecutableContent).
    type: bool
  except_if_attachment_is_password_protected:
    description:
      - Exception. An attachment is protected by a password. Parameter C(ExceptIfAttachmentIsPasswordProtected).
    type: bool
  except_if_attachment_is_unsupported:
    description:
      - Exception. An attachment is of a kind that the service cannot look into. Parameter C(ExceptIfAttachmentIsUnsupported).
    type: bool
  except_if_attachment_matches_patterns:
    description:
      - Exception. An attachment's text matches one of these regular expressions. Parameter C(ExceptIfAttachmentMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_name_matches_patterns:
    description:
      - Exception. An attachment's name matches one of these regular expressions. Parameter
        C(ExceptIfAttachmentNameMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_processing_limit_exceeded:
    description:
      - Exception. Looking into the attachments hit a limit of the service. Parameter
        C(ExceptIfAttachmentProcessingLimitExceeded).
    type: bool
  except_if_attachment_property_contains_words:
    description:
      - Exception. A property of an attachment contains words, each entry as C(PROPERTY:WORD,WORD). Parameter
        C(ExceptIfAttachmentPropertyContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_attachment_size_over:
    description:
      - Exception. An attachment is at least this big. Parameter C(ExceptIfAttachmentSizeOver).
      - An empty string clears it.
    type: str
  except_if_between_member_of1:
    description:
      - Exception. The message goes between a member of this group and one of the group in O(except_if_between_member_of2), in
        either direction. Parameter C(ExceptIfBetweenMemberOf1).
      - V([]) clears it.
    type: list
    elements: str
  except_if_between_member_of2:
    description:
      - Exception. The message goes between a member of this group and one of the group in O(except_if_between_member_of1), in
        either direction. Parameter C(ExceptIfBetweenMemberOf2).
      - V([]) clears it.
    type: list
    elements: str
  except_if_content_character_set_contains_words:
    description:
      - Exception. The message uses one of these character sets. Parameter C(ExceptIfContentCharacterSetContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_from:
    description:
      - Exception. The message is from one of these people. Parameter C(ExceptIfFrom).
      - V([]) clears it.
    type: list
    elements: str
  except_if_from_address_contains_words:
    description:
      - Exception. The sender's address contains one of these words. Parameter C(ExceptIfFromAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_from_address_matches_patterns:
    description:
      - Exception. The sender's address matches one of these regular expressions. Parameter C(ExceptIfFromAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_from_member_of:
    description:
      - Exception. The sender is a member of one of these groups. Parameter C(ExceptIfFromMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  except_if_from_scope:
    description:
      - Exception. Where the sender is. Parameter C(ExceptIfFromScope).
      - An empty string clears it.
    type: str
    choices:
      - InOrganization
      - NotInOrganization
      - ''
  except_if_has_classification:
    description:
      - Exception. The message bears this classification. Parameter C(ExceptIfHasClassification).
      - An empty string clears it.
    type: str
  except_if_has_no_classification:
    description:
      - Exception. The message bears no classification. Parameter C(ExceptIfHasNoClassification).
    type: bool
  except_if_header_contains_message_header:
    description:
      - Exception. The header field in which the words of O(except_if_header_contains_words) are looked for. Parameter
        C(ExceptIfHeaderContainsMessageHeader).
      - An empty string clears it.
    type: str
  except_if_header_contains_words:
    description:
      - Exception. The header field of O(except_if_header_contains_message_header) contains one of these words. Parameter
        C(ExceptIfHeaderContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_header_matches_message_header:
    description:
      - Exception. The header field in which the patterns of O(except_if_header_matches_patterns) are looked for. Parameter
        C(ExceptIfHeaderMatchesMessageHeader).
      - An empty string clears it.
    type: str
  except_if_header_matches_patterns:
    description:
      - Exception. The header field of O(except_if_header_matches_message_header) matches one of these regular expressions.
        Parameter C(ExceptIfHeaderMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_manager_addresses:
    description:
      - Exception. One of these people is the manager of the one that O(except_if_manager_for_evaluated_user) names. Parameter
        C(ExceptIfManagerAddresses).
      - V([]) clears it.
    type: list
    elements: str
  except_if_manager_for_evaluated_user:
    description:
      - Exception. Whose manager O(except_if_manager_addresses) looks at. Parameter C(ExceptIfManagerForEvaluatedUser).
      - An empty string clears it.
    type: str
    choices:
      - Recipient
      - Sender
      - ''
  except_if_message_size_over:
    description:
      - Exception. The message is at least this big. Parameter C(ExceptIfMessageSizeOver).
      - An empty string clears it.
    type: str
  except_if_message_type_matches:
    description:
      - Exception. The message is of this type. Parameter C(ExceptIfMessageTypeMatches).
      - An empty string clears it.
    type: str
    choices:
      - OOF
      - AutoForward
      - Encrypted
      - Calendaring
      - PermissionControlled
      - Voicemail
      - Signed
      - ApprovalRequest
      - ReadReceipt
      - ''
  except_if_recipient_ad_attribute_contains_words:
    description:
      - Exception. A directory attribute of a recipient contains words, each entry as C(ATTRIBUTE:WORD,WORD). Parameter
        C(ExceptIfRecipientADAttributeContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_recipient_ad_attribute_matches_patterns:
    description:
      - Exception. A directory attribute of a recipient matches regular expressions, each entry as C(ATTRIBUTE:PATTERN,PATTERN).
        Parameter C(ExceptIfRecipientADAttributeMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_recipient_address_contains_words:
    description:
      - Exception. A recipient's address contains one of these words. Parameter C(ExceptIfRecipientAddressContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_recipient_address_matches_patterns:
    description:
      - Exception. A recipient's address matches one of these regular expressions. Parameter
        C(ExceptIfRecipientAddressMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_recipient_domain_is:
    description:
      - Exception. A recipient's address is in one of these domains or in a subdomain of one. Parameter
        C(ExceptIfRecipientDomainIs).
      - V([]) clears it.
    type: list
    elements: str
  except_if_recipient_in_sender_list:
    description:
      - Parameter C(ExceptIfRecipientInSenderList). No source that this collection knows says what it means.
      - V([]) clears it.
    type: list
    elements: str
  except_if_scl_over:
    description:
      - Exception. The spam confidence level is this or higher. Parameter C(ExceptIfSCLOver).
      - An empty string clears it.
    type: str
  except_if_sender_ad_attribute_contains_words:
    description:
      - Exception. A directory attribute of the sender contains words, each entry as C(ATTRIBUTE:WORD,WORD). Parameter
        C(ExceptIfSenderADAttributeContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_sender_ad_attribute_matches_patterns:
    description:
      - Exception. A directory attribute of the sender matches regular expressions, each entry as C(ATTRIBUTE:PATTERN,PATTERN).
        Parameter C(ExceptIfSenderADAttributeMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_sender_domain_is:
    description:
      - Exception. The sender's address is in one of these domains or in a subdomain of one. Parameter C(ExceptIfSenderDomainIs).
      - V([]) clears it.
    type: list
    elements: str
  except_if_sender_in_recipient_list:
    description:
      - Parameter C(ExceptIfSenderInRecipientList). No source that this collection knows says what it means.
      - V([]) clears it.
    type: list
    elements: str
  except_if_sender_ip_ranges:
    description:
      - Exception. The message came from one of these addresses, each a single one, a range C(a-b) or a network in CIDR form.
        Parameter C(ExceptIfSenderIpRanges).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  except_if_sender_management_relationship:
    description:
      - Exception. What the sender is to the recipient. Parameter C(ExceptIfSenderManagementRelationship).
      - An empty string clears it.
    type: str
    choices:
      - Manager
      - DirectReport
      - ''
  except_if_sent_to:
    description:
      - Exception. The message goes to one of these people. Parameter C(ExceptIfSentTo).
      - V([]) clears it.
    type: list
    elements: str
  except_if_sent_to_member_of:
    description:
      - Exception. The message goes to a member of one of these groups. When such a group is deleted later, the rule silently does
        nothing for it. Parameter C(ExceptIfSentToMemberOf).
      - V([]) clears it.
    type: list
    elements: str
  except_if_sent_to_scope:
    description:
      - Exception. Where the recipient is. Parameter C(ExceptIfSentToScope).
      - An empty string clears it.
    type: str
    choices:
      - InOrganization
      - NotInOrganization
      - ''
  except_if_subject_contains_words:
    description:
      - Exception. The subject contains one of these words. Parameter C(ExceptIfSubjectContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_subject_matches_patterns:
    description:
      - Exception. The subject matches one of these regular expressions. Parameter C(ExceptIfSubjectMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_subject_or_body_contains_words:
    description:
      - Exception. The subject or the body contains one of these words. Parameter C(ExceptIfSubjectOrBodyContainsWords).
      - V([]) clears it.
    type: list
    elements: str
  except_if_subject_or_body_matches_patterns:
    description:
      - Exception. The subject or the body matches one of these regular expressions. Parameter
        C(ExceptIfSubjectOrBodyMatchesPatterns).
      - V([]) clears it.
    type: list
    elements: str
  except_if_with_importance:
    description:
      - Exception. The message is marked with this importance. Parameter C(ExceptIfWithImportance).
      - An empty string clears it.
    type: str
    choices:
      - Low
      - Normal
      - High
      - ''
  add_manager_as_recipient_type:
    description:
      - Action. Adds the sender's manager as this kind of recipient. Parameter C(AddManagerAsRecipientType).
      - An empty string clears it.
    type: str
    choices:
      - To
      - Cc
      - Bcc
      - Redirect
      - ''
  add_to_recipients:
    description:
      - Action. Adds these people to the To line. Parameter C(AddToRecipients).
      - V([]) clears it.
    type: list
    elements: str
  apply_classification:
    description:
      - Action. Puts this classification on the message. Parameter C(ApplyClassification).
      - An empty string clears it.
    type: str
  apply_html_disclaimer_fallback_action:
    description:
      - Action. What happens when the disclaimer cannot be put into the message. Parameter C(ApplyHtmlDisclaimerFallbackAction).
      - An empty string clears it.
    type: str
    choices:
      - Wrap
      - Ignore
      - Reject
      - ''
  apply_html_disclaimer_location:
    description:
      - Action. Where the disclaimer goes. Parameter C(ApplyHtmlDisclaimerLocation).
      - An empty string clears it.
    type: str
    choices:
      - Append
      - Prepend
      - ''
  apply_html_disclaimer_text:
    description:
      - Action. The disclaimer, HTML. Parameter C(ApplyHtmlDisclaimerText).
      - An empty string clears it.
    type: str
  apply_ome:
    description:
      - Action. Encrypts the message and its attachments. Parameter C(ApplyOME).
    type: bool
  apply_rights_protection_customization_template:
    description:
      - Action. The branding template for encrypted messages. Parameter C(ApplyRightsProtectionCustomizationTemplate).
      - An empty string clears it.
    type: str
  apply_rights_protection_template:
    description:
      - Action. Protects the message by this rights template. Parameter C(ApplyRightsProtectionTemplate).
      - An empty string clears it.
    type: str
  blind_copy_to:
    description:
      - Action. Adds these people to the Bcc line. Parameter C(BlindCopyTo).
      - V([]) clears it.
    type: list
    elements: str
  copy_to:
    description:
      - Action. Adds these people to the Cc line. Parameter C(CopyTo).
      - V([]) clears it.
    type: list
    elements: str
  delete_message:
    description:
      - Action. Drops the message without telling anybody. Parameter C(DeleteMessage).
    type: bool
  disconnect:
    description:
      - Parameter C(Disconnect). No source that this collection knows says what it means.
    type: bool
  generate_incident_report:
    description:
      - Action. Who gets a report of a message that matches. Parameter C(GenerateIncidentReport).
      - An empty string clears it.
    type: str
  generate_notification:
    description:
      - Action. The text of a notification to the recipients. Parameter C(GenerateNotification).
      - An empty string clears it.
    type: str
  incident_report_content:
    description:
      - Action. What the report of O(generate_incident_report) holds. Parameter C(IncidentReportContent).
      - V([]) clears it.
    type: list
    elements: str
    choices:
      - Sender
      - Recipients
      - Subject
      - CC
      - BCC
      - Severity
      - RuleDetections
      - FalsePositive
      - IdMatch
      - AttachOriginalMail
  log_event_text:
    description:
      - Parameter C(LogEventText). No source that this collection knows says what it means.
      - An empty string clears it.
    type: str
  moderate_message_by_manager:
    description:
      - Action. The sender's manager must approve the message. Parameter C(ModerateMessageByManager).
    type: bool
  moderate_message_by_user:
    description:
      - Action. These people must approve the message. Parameter C(ModerateMessageByUser).
      - V([]) clears it.
    type: list
    elements: str
  prepend_subject:
    description:
      - Action. Puts this text before the subject. Parameter C(PrependSubject).
      - An empty string clears it.
    type: str
  quarantine:
    description:
      - Action. Puts the message into quarantine. Parameter C(Quarantine).
    type: bool
  redirect_message_to:
    description:
      - Action. Sends the message to these people instead, at most 10. Parameter C(RedirectMessageTo).
      - V([]) clears it.
    type: list
    elements: str
  reject_message_enhanced_status_code:
    description:
      - Action. The status code with which the message is refused. Parameter C(RejectMessageEnhancedStatusCode).
      - An empty string clears it.
    type: str
  reject_message_reason_text:
    description:
      - Action. The text with which the message is refused. Parameter C(RejectMessageReasonText).
      - An empty string clears it.
    type: str
  remove_header:
    description:
      - Action. Removes this header field. Parameter C(RemoveHeader).
      - An empty string clears it.
    type: str
  remove_ome:
    description:
      - Action. Takes the message encryption of the older kind off the message. Parameter C(RemoveOME).
    type: bool
  remove_omev2:
    description:
      - Action. Takes the message encryption off the message. Parameter C(RemoveOMEv2).
    type: bool
  remove_rms_attachment_encryption:
    description:
      - Action. Takes the rights encryption off attachments. Parameter C(RemoveRMSAttachmentEncryption).
    type: bool
  route_message_outbound_connector:
    description:
      - Action. Sends the message out by this connector; its name, distinguished name or GUID. Do not rely on a rule to follow
        when its connector is renamed. Parameter C(RouteMessageOutboundConnector).
      - An empty string clears it.
    type: str
  route_message_outbound_require_tls:
    description:
      - Action. The message goes out over TLS only. Parameter C(RouteMessageOutboundRequireTls).
    type: bool
  set_audit_severity:
    description:
      - Action. The severity under which a match is noted. Parameter C(SetAuditSeverity).
      - An empty string clears it.
    type: str
    choices:
      - DoNotAudit
      - Low
      - Medium
      - High
      - ''
  set_header_name:
    description:
      - Action. The header field that is set to O(set_header_value). Parameter C(SetHeaderName).
      - An empty string clears it.
    type: str
  set_header_value:
    description:
      - Action. What the header field of O(set_header_name) is set to. Parameter C(SetHeaderValue).
      - An empty string clears it.
    type: str
  set_scl:
    description:
      - Action. Sets the spam confidence level; V(-1) keeps the message from being taken for spam. Parameter C(SetSCL).
      - An empty string clears it.
    type: str
  smtp_reject_message_reject_status_code:
    description:
      - Parameter C(SmtpRejectMessageRejectStatusCode). No source that this collection knows says what it means.
      - An empty string clears it.
    type: str
  smtp_reject_message_reject_text:
    description:
      - Parameter C(SmtpRejectMessageRejectText). No source that this collection knows says what it means.
      - An empty string clears it.
    type: str
  state:
    description:
      - V(present) creates the rule or changes it. V(absent) removes it; that it is gone already is no error.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: mailops.exchange.transport_rule_info
  - module: mailops.exchange.outbound_connector
"""

EXAMPLES = r"""
- name: Send mail for people who are not migrated out by the connector
  mailops.exchange.transport_rule:
    identity: Coexistence
    recipient_domain_is:
      - example.com
    except_if_sent_to_member_of:
      - migrated@example.com
    route_message_outbound_connector: Shared Name Space with External Entity TRSC
    set_scl: -1
    stop_rule_processing: false
    mode: Enforce
    comments: Redirect in-org mail to Foreign Server except for members of a specific group
    rule_error_action: Ignore
    sender_address_location: Header

- name: Do not take mail that the foreign system forwards for spam
  mailops.exchange.transport_rule:
    identity: Inbound from Shared Namespace
    sender_ip_ranges:
      - 203.0.113.10
    set_scl: -1

- name: Add an exception, and leave the others as they are
  mailops.exchange.transport_rule:
    identity: Inbound from Shared Namespace
    except_if_sender_ip_ranges:
      add:
        - 203.0.113.99

- name: Switch a rule off
  mailops.exchange.transport_rule:
    identity: Coexistence
    enabled: false

- name: Remove a rule
  mailops.exchange.transport_rule:
    identity: Coexistence
    state: absent
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: Disable-TransportRule
      parameters:
        Identity: Coexistence
        Confirm: false
object:
  description: The rule as the service shows it after the task, none when it is absent.
  returned: success
  type: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._nouns import check_rule
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._tables.transport_rule import DEFAULTS, PROPERTIES, TOGETHER

SPEC = Managed(Resource("TransportRule", PROPERTIES, together=TOGETHER, defaults=DEFAULTS, check=check_rule, ordered="Priority"))


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
