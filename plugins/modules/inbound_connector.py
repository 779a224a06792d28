#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage an inbound connector."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inbound_connector
short_description: Manage an inbound connector of an Exchange organization
version_added: 0.1.0
description:
  - Creates, changes and removes an inbound connector with C(New-), C(Set-) and C(Remove-InboundConnector).
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
      - The connector's name, at most 64 characters. Left out, a new connector is named by O(identity). Another name renames an
        existing one. Parameter C(Name).
    type: str
  enabled:
    description:
      - Whether the connector is used. Parameter C(Enabled).
    type: bool
  comment:
    description:
      - A remark. Parameter C(Comment).
      - An empty string clears it.
    type: str
  connector_type:
    description:
      - Whether mail comes from a partner or from an Exchange organization of one's own. Parameter C(ConnectorType).
    type: str
    choices:
      - Partner
      - OnPremises
  connector_source:
    description:
      - How the connector came about. V(Default) is also what the service shows as C(AdminUI) or leaves empty. Parameter
        C(ConnectorSource).
    type: str
  sender_domains:
    description:
      - The domains whose mail the connector takes, as V(contoso.com), V(smtp:contoso.com;1) with its cost, or V(*). A new
        connector needs it. Parameter C(SenderDomains).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  sender_ip_addresses:
    description:
      - "The addresses that mail comes from: IPv4, single or in CIDR form from /24 to /32. They count with
        O(restrict_domains_to_ip_addresses=true) on a partner's connector. Parameter C(SenderIPAddresses)."
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  restrict_domains_to_ip_addresses:
    description:
      - Whether mail of the sender domains is refused when it comes from other addresses than O(sender_ip_addresses). With V(*) in
        O(sender_domains) it refuses all mail from any other address (U17). Parameter C(RestrictDomainsToIPAddresses).
    type: bool
  restrict_domains_to_certificate:
    description:
      - Whether mail of the sender domains is refused without the certificate of O(tls_sender_certificate_name), which must be
        given with it. Parameter C(RestrictDomainsToCertificate).
    type: bool
  tls_sender_certificate_name:
    description:
      - The name that the sender's certificate must bear. Parameter C(TlsSenderCertificateName).
      - An empty string clears it.
    type: str
  require_tls:
    description:
      - Whether TLS is required. It has a meaning for partners' connectors only. Parameter C(RequireTls).
    type: bool
  associated_accepted_domains:
    description:
      - Accepted domains that the connector is for. Parameter C(AssociatedAcceptedDomains).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  cloud_services_mail_enabled:
    description:
      - Whether headers of the service are kept for an Exchange organization of one's own. Parameter C(CloudServicesMailEnabled).
    type: bool
  treat_messages_as_internal:
    description:
      - Whether mail counts as internal. V(true) needs O(connector_type=OnPremises) and excludes
        O(cloud_services_mail_enabled=true). Parameter C(TreatMessagesAsInternal).
    type: bool
  trusted_organizations:
    description:
      - Other Microsoft 365 organizations that are trusted. It excludes every other option, and cannot be given when the connector
        is created. Parameter C(TrustedOrganizations).
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  ef_skip_ips:
    description:
      - "Enhanced filtering: the addresses that are passed over, each a single one, a range C(a-b) or a network in CIDR form. Used
        with O(ef_skip_last_ip=false). Parameter C(EFSkipIPs)."
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  ef_skip_last_ip:
    description:
      - "Enhanced filtering: whether only the last address is passed over. Parameter C(EFSkipLastIP)."
    type: bool
  ef_skip_mail_gateway:
    description:
      - Parameter C(EFSkipMailGateway). No source that this collection knows says what it means.
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  ef_test_mode:
    description:
      - Parameter C(EFTestMode). No source that this collection knows says what it means.
    type: bool
  ef_users:
    description:
      - "Enhanced filtering: the recipients that it is limited to; none stands for all. Parameter C(EFUsers)."
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  client_host_names:
    description:
      - Parameter C(ClientHostNames). No source that this collection knows says what it means.
      - It can be set only when the object is created.
      - V([]) clears it.
    type: list
    elements: str
  scan_and_drop_recipients:
    description:
      - Parameter C(ScanAndDropRecipients). No source that this collection knows says what it means.
      - A list replaces what is there. A dictionary with the lists C(add) and C(remove) changes it. V([]) clears it.
    type: raw
  state:
    description:
      - V(present) creates the connector or changes it. V(absent) removes it; that it is gone already is no error.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: mailops.exchange.inbound_connector_info
"""

EXAMPLES = r"""
- name: Take mail from the foreign system, with enhanced filtering
  mailops.exchange.inbound_connector:
    identity: Inbound from Shared Namespace
    connector_type: Partner
    sender_domains:
      - '*'
    sender_ip_addresses:
      - 203.0.113.10
    require_tls: false
    ef_skip_last_ip: true

- name: Remove the connector
  mailops.exchange.inbound_connector:
    identity: Inbound from Shared Namespace
    state: absent
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: Remove-InboundConnector
      parameters:
        Identity: Inbound from Shared Namespace
        Confirm: false
object:
  description: The connector as the service shows it after the task, none when it is absent.
  returned: success
  type: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import (
    ADDRESS,
    BOOL,
    DOMAIN,
    HOST,
    NAME,
    PHRASE,
    RANGE,
    SENDER_DOMAIN,
    SENDER_RANGE,
    SOURCE,
    many,
)
from ansible_collections.mailops.exchange.plugins.module_utils._nouns import check_inbound
from ansible_collections.mailops.exchange.plugins.module_utils._resource import NAME_PROPERTY, NEW, Property, Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

PROPERTIES = (
    NAME_PROPERTY,
    Property("Enabled", BOOL),
    Property("Comment"),
    Property("ConnectorType", NAME, choices=("Partner", "OnPremises")),
    Property("ConnectorSource", SOURCE),
    Property("SenderDomains", many(SENDER_DOMAIN, edits=True)),
    Property("SenderIPAddresses", many(SENDER_RANGE, edits=True)),
    Property("RestrictDomainsToIPAddresses", BOOL),
    Property("RestrictDomainsToCertificate", BOOL),
    Property("TlsSenderCertificateName", NAME),
    Property("RequireTls", BOOL),
    Property("AssociatedAcceptedDomains", many(DOMAIN, edits=True), verified=False),
    Property("CloudServicesMailEnabled", BOOL),
    Property("TreatMessagesAsInternal", BOOL),
    Property("TrustedOrganizations", many(DOMAIN, edits=True), verified=False),
    Property("EFSkipIPs", many(RANGE, edits=True), verified=False),
    Property("EFSkipLastIP", BOOL),
    Property("EFSkipMailGateway", many(HOST, edits=True), verified=False),
    Property("EFTestMode", BOOL),
    Property("EFUsers", many(ADDRESS, edits=True), verified=False),
    Property("ClientHostNames", many(HOST), on=NEW, verified=False),
    Property("ScanAndDropRecipients", many(PHRASE, edits=True), verified=False),
)
SPEC = Managed(
    Resource(
        "InboundConnector",
        PROPERTIES,
        create_needs=("SenderDomains",),
        needs=(("RestrictDomainsToCertificate", True, "TlsSenderCertificateName"),),
        defaults={"Enabled": True},
        check=check_inbound,
    )
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
