#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage an accepted domain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accepted_domain
short_description: Change an accepted domain of an Exchange organization
version_added: 0.1.0
description:
  - Changes the settings of an accepted domain with C(Set-AcceptedDomain).
  - In Exchange Online a domain comes and goes with its verification in Microsoft 365, so this module neither creates nor removes one.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.managed
options:
  identity:
    description:
      - The domain, its name or its GUID. Parameter C(Identity).
    type: str
    required: true
    aliases:
      - domain_name
  domain_type:
    description:
      - Who is responsible for the recipients of the domain. Parameter C(DomainType).
      - V(Authoritative) refuses mail for unknown recipients.
      - V(InternalRelay) accepts mail for unknown recipients and relays it, which a shared address space needs.
    type: str
    choices:
      - Authoritative
      - InternalRelay
  match_sub_domains:
    description:
      - Whether subdomains of the domain are accepted too. Parameter C(MatchSubDomains).
    type: bool
  sending_from_domain_disabled:
    description:
      - Whether sending from addresses of the domain is disabled. Parameter C(SendingFromDomainDisabled).
    type: bool
  sending_to_domain_disabled:
    description:
      - Whether sending to addresses of the domain is disabled. Parameter C(SendingToDomainDisabled).
      - On the routing domain this stops every forward to it.
    type: bool
  outbound_only:
    description:
      - Parameter C(OutboundOnly). It can be given for authoritative and internal relay domains only.
    type: bool
  mail_flow_region:
    description:
      - Parameter C(MailFlowRegion). No source that this collection knows says what it means.
      - An empty string clears it.
    type: str
  can_have_cloud_cache:
    description:
      - Parameter C(CanHaveCloudCache). No source that this collection knows says what it means.
    type: bool
  enable_nego2_authentication:
    description:
      - Parameter C(EnableNego2Authentication). No source that this collection knows says what it means.
    type: bool
seealso:
  - module: mailops.exchange.accepted_domain_info
"""

EXAMPLES = r"""
- name: Relay mail for people whose mailbox is not in the tenant yet
  mailops.exchange.accepted_domain:
    identity: example.com
    domain_type: InternalRelay

- name: Refuse mail for unknown recipients again
  mailops.exchange.accepted_domain:
    identity: example.com
    domain_type: Authoritative
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: Set-AcceptedDomain
      parameters:
        Identity: example.com
        DomainType: InternalRelay
object:
  description: The domain as the service shows it after the task.
  returned: success
  type: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Managed
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import BOOL, NAME
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property, Resource
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

PROPERTIES = (
    Property("DomainType", NAME, choices=("Authoritative", "InternalRelay")),
    Property("MatchSubDomains", BOOL),
    Property("SendingFromDomainDisabled", BOOL),
    Property("SendingToDomainDisabled", BOOL),
    Property("OutboundOnly", BOOL),
    Property("MailFlowRegion"),
    Property("CanHaveCloudCache", BOOL),
    Property("EnableNego2Authentication", BOOL),
)
SPEC = Managed(
    Resource(
        "AcceptedDomain",
        PROPERTIES,
        verbs=frozenset({"Set"}),
        missing="Add and verify the domain in the Microsoft 365 admin center first, or correct its spelling.",
        identity_aliases=("domain_name",),
    )
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
