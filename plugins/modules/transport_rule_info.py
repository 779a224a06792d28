#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read transport rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: transport_rule_info
short_description: Read the transport rules of an Exchange organization
version_added: 0.1.0
description:
  - Reads one or all transport rules with C(Get-TransportRule).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  identity:
    description:
      - The rule, its name or its GUID. Left out, all rules are read. Parameter C(Identity).
    type: str
  state:
    description:
      - Only rules in this state. Parameter C(State).
    type: str
    choices:
      - Enabled
      - Disabled
  dlp_policy:
    description:
      - Only rules of this policy for data loss prevention. Parameter C(DlpPolicy).
    type: str
  exclude_condition_action_details:
    description:
      - Parameter C(ExcludeConditionActionDetails). No source that this collection knows says what it means.
    type: bool
  filter:
    description:
      - A filter in the service's own language. Parameter C(Filter).
    type: str
  result_size:
    description:
      - The most objects to read, a number or V(Unlimited). Left out, all are read. Parameter C(ResultSize).
    type: str
seealso:
  - module: mailops.exchange.transport_rule
"""

EXAMPLES = r"""
- name: Read all of them
  mailops.exchange.transport_rule_info:
  register: found

- name: Read one
  mailops.exchange.transport_rule_info:
    identity: Coexistence
"""

RETURN = r"""
objects:
  description: The rules as the service shows them, none when the one asked for does not exist.
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
from ansible_collections.mailops.exchange.plugins.module_utils._kinds import BOOL, NAME
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

PARAMETERS = (
    Property("State", NAME, choices=("Enabled", "Disabled")),
    Property("DlpPolicy"),
    Property("ExcludeConditionActionDetails", BOOL),
    Property("Filter"),
    Property("ResultSize"),
)
SPEC = Info("TransportRule", PARAMETERS)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
