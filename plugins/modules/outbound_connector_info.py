#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read outbound connectors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: outbound_connector_info
short_description: Read the outbound connectors of an Exchange organization
version_added: 0.1.0
description:
  - Reads one or all outbound connectors with C(Get-OutboundConnector).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  identity:
    description:
      - The connector, its name or its GUID. Left out, all connectors are read. Parameter C(Identity).
    type: str
  is_transport_rule_scoped:
    description:
      - Only connectors that are, or are not, used by rules alone. Parameter C(IsTransportRuleScoped).
    type: bool
  include_test_mode_connectors:
    description:
      - "Whether connectors in test mode are read, or only those: sources differ. Left out, both ways are read and put together.
        Parameter C(IncludeTestModeConnectors)."
    type: bool
  result_size:
    description:
      - The most objects to read, a number or V(Unlimited). Left out, all are read. Parameter C(ResultSize).
    type: str
seealso:
  - module: mailops.exchange.outbound_connector
"""

EXAMPLES = r"""
- name: Read all of them
  mailops.exchange.outbound_connector_info:
  register: found

- name: Read one
  mailops.exchange.outbound_connector_info:
    identity: Shared Name Space with External Entity TRSC
"""

RETURN = r"""
objects:
  description: The connectors as the service shows them, none when the one asked for does not exist.
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
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import BOOL
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

PARAMETERS = (
    Property("IsTransportRuleScoped", BOOL),
    Property("IncludeTestModeConnectors", BOOL),
    Property("ResultSize"),
)
SPEC = Info("OutboundConnector", PARAMETERS, reads=({}, {"IncludeTestModeConnectors": True}))


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
