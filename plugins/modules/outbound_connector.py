#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage an outbound connector."""

from __future__ import annotations

DOCUMENTATION = r"""
module: outbound_connector
short_description: Manage an outbound connector of an Exchange organization
version_added: 0.1.0
description:
  - Creates, changes, validates and removes an outbound connector with C(New-), C(Set-), C(Validate-) and
    C(Remove-OutboundConnector).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.managed
options:
  identity:
    description:
      - The connector, its name or its GUID. Parameter C(Identity), and C(Name) of a new one when O(name) is left out.
    type: str
    required: true
  name:
    description:
      - The connector's name, at most 64 characters and unique. Left out, a new connector is named by O(identity). Another name
        renames an existing one; do not rely on rules to follow. Parameter C(Name).
    type: str
  enabled:
    description:
      - Whether the connector is used. A new connector is by default. Parameter C(Enabled).
    type: bool
  comment:
    description:
      - A remark. Parameter C(Comment).
      - An empty string clears it.
    type: str
  connector_type:
    description:
      - Whether mail goes to a partner or to an Exchange organization of one's own. Parameter C(ConnectorType).
    type: str
    choices:
      - Partner
      - OnPremises
  connector_source:
    description:
      - How the connector came about. V(Default) is also what the service shows as C(AdminUI) or leaves empty. Parameter
        C(ConnectorSource).
    type: str
    choices:
      - Default
      - HybridWizard
      - Migrated
  use_mx_record:
    description:
      - Whether mail goes to the MX of the recipient's domain. V(false) needs O(smart_hosts). A new connector is V(true) by
        default. Parameter C(UseMXRecord).
    type: bool
  smart_hosts:
    description:
      - "Where mail goes when O(use_mx_record=false): host names, IPv4 addresses or networks in CIDR form, without a port.
        Parameter C(SmartHosts)."
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  recipient_domains:
    description:
      - The domains that the connector serves; C(*.) in front stands for all subdomains, C(*) for all domains. A connector for
        rules alone needs none. Parameter C(RecipientDomains).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  is_transport_rule_scoped:
    description:
      - Whether the connector is used only by rules that name it. A new connector is V(false) by default. Parameter
        C(IsTransportRuleScoped).
    type: bool
  all_accepted_domains:
    description:
      - Whether the connector is used for all accepted domains. V(true) needs O(connector_type=OnPremises). Parameter
        C(AllAcceptedDomains).
    type: bool
  route_all_messages_via_on_premises:
    description:
      - Whether all mail leaves by the on-premises organization. V(true) needs O(connector_type=OnPremises); on another connector
        V(false) is not sent. Parameter C(RouteAllMessagesViaOnPremises).
    type: bool
  sender_rewriting_enabled:
    description:
      - Whether senders are rewritten. V(true) needs O(connector_type=OnPremises); on another connector V(false) is not sent.
        Parameter C(SenderRewritingEnabled).
    type: bool
  cloud_services_mail_enabled:
    description:
      - Whether headers of the service are kept for an Exchange organization of one's own. Parameter C(CloudServicesMailEnabled).
    type: bool
  tls_settings:
    description:
      - What TLS must show. Empty, TLS is used where it is offered. Parameter C(TlsSettings).
      - An empty string clears it.
    type: str
    choices:
      - EncryptionOnly
      - CertificateValidation
      - DomainValidation
      - ''
  tls_domain:
    description:
      - The domain that the certificate must bear; it has a meaning only with O(tls_settings=DomainValidation). Parameter
        C(TlsDomain).
      - An empty string clears it.
    type: str
  mta_sts_mode:
    description:
      - The use of MTA-STS. A new connector is V(Opportunistic) by default. Parameter C(MtaStsMode).
    type: str
    choices:
      - Opportunistic
      - None
  smtp_dane_mode:
    description:
      - The use of DANE. A new connector is V(Opportunistic) by default. Parameter C(SmtpDaneMode).
    type: str
    choices:
      - Opportunistic
      - Mandatory
      - None
  test_mode:
    description:
      - Whether the connector is in test mode. Reads without C(IncludeTestModeConnectors) hide such a connector; this module finds
        it. Parameter C(TestMode).
    type: bool
  link_for_modified_connector:
    description:
      - Parameter C(LinkForModifiedConnector). No source that this collection knows says what it means.
      - It can be set only when the object is created.
    type: str
  validation_recipients:
    description:
      - Addresses in the connector's domain to which the validation sends mail. Parameter C(ValidationRecipients).
      - With any given, a connector that was made or changed or is not validated is validated with C(Validate-OutboundConnector),
        and then C(IsValidated) and C(LastValidationTimestamp) are set, because the service does not do that by itself.
      - A validation that fails is an error and leaves C(IsValidated) as it was. In check mode it is announced and not run.
      - No source shows the form of the answer. One that says neither that it passed nor that it failed counts as passed, with a warning.
      - V([]) clears it.
    type: list
    elements: str
  is_validated:
    description:
      - Says by hand whether the connector is validated. When given, the module does not validate. Parameter C(IsValidated).
    type: bool
  last_validation_timestamp:
    description:
      - Says by hand when the connector was validated, such as V(2026-01-31T12:00:00Z). When given, the module does not validate.
        Parameter C(LastValidationTimestamp).
    type: str
  state:
    description:
      - V(present) creates the connector or changes it. V(absent) removes it; that it is gone already is no error.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: mailops.exchange.outbound_connector_info
"""

EXAMPLES = r"""
- name: The way out for mail to people who are not migrated yet
  mailops.exchange.outbound_connector:
    identity: Shared Name Space with External Entity TRSC
    enabled: true
    connector_type: Partner
    all_accepted_domains: false
    is_transport_rule_scoped: true
    cloud_services_mail_enabled: false
    comment: TransportRule Scoped Connector for shared namespace example.com
    tls_settings: ''
    tls_domain: ''
    use_mx_record: false
    recipient_domains: []
    smart_hosts:
      - mail.foreign.example
    validation_recipients:
      - postmaster@example.com

- name: Add a second smart host
  mailops.exchange.outbound_connector:
    identity: Shared Name Space with External Entity TRSC
    smart_hosts:
      add:
        - mail2.foreign.example

- name: Remove the connector
  mailops.exchange.outbound_connector:
    identity: Shared Name Space with External Entity TRSC
    state: absent
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: Set-OutboundConnector
      parameters:
        Identity: Shared Name Space with External Entity TRSC
        SmartHosts:
          Add:
            - mail2.foreign.example
object:
  description: The connector as the service shows it after the task, none when it is absent.
  returned: success
  type: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import ADDRESS, BOOL, DATE, DOMAIN, GUID, HOST, NAME, SOURCE, many
from ansible_collections.mailops.exchange.plugins.module_utils._nouns import check_outbound, judge_validation, unvalidated, validation
from ansible_collections.mailops.exchange.plugins.module_utils._resource import NAME_PROPERTY, NEW, SET, Property, Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

ON_PREMISES = ("ConnectorType", "OnPremises")
PROPERTIES = (
    NAME_PROPERTY,
    Property("Enabled", BOOL),
    Property("Comment"),
    Property("ConnectorType", NAME, choices=("Partner", "OnPremises")),
    Property("ConnectorSource", SOURCE, choices=("Default", "HybridWizard", "Migrated")),
    Property("UseMXRecord", BOOL),
    Property("SmartHosts", many(HOST, edits=True, null=True)),
    Property("RecipientDomains", many(DOMAIN, edits=True, null=True)),
    Property("IsTransportRuleScoped", BOOL),
    Property("AllAcceptedDomains", BOOL),
    Property("RouteAllMessagesViaOnPremises", BOOL, where=ON_PREMISES),
    Property("SenderRewritingEnabled", BOOL, where=ON_PREMISES),
    Property("CloudServicesMailEnabled", BOOL),
    Property("TlsSettings", NAME, choices=("EncryptionOnly", "CertificateValidation", "DomainValidation"), clears=True),
    Property("TlsDomain", DOMAIN),
    Property("MtaStsMode", NAME, choices=("Opportunistic", "None")),
    Property("SmtpDaneMode", NAME, choices=("Opportunistic", "Mandatory", "None")),
    Property("TestMode", BOOL),
    Property("LinkForModifiedConnector", GUID, on=NEW),
    Property("ValidationRecipients", many(ADDRESS), on=SET),
    Property("IsValidated", BOOL, on=SET),
    Property("LastValidationTimestamp", DATE, on=SET),
)
SPEC = Managed(
    Resource(
        "OutboundConnector",
        PROPERTIES,
        needs=(("UseMXRecord", False, "SmartHosts"),),
        reads=({}, {"IncludeTestModeConnectors": True}),
        defaults={"Enabled": True, "UseMXRecord": True, "IsTransportRuleScoped": False, "IsValidated": False},
        check=check_outbound,
        beside=unvalidated,
        finish=validation,
        judge=judge_validation,
    )
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
