#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the members of a distribution group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: distribution_group_member_info
short_description: Read the members of a distribution group
version_added: 0.1.0
description:
  - Reads all members of a distribution group with C(Get-DistributionGroupMember).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  identity:
    description:
      - The group, its name, an address of it, or its GUID. Parameter C(Identity).
    type: str
    required: true
  include_soft_deleted_objects:
    description:
      - Parameter C(IncludeSoftDeletedObjects). No source that this collection knows says what it means.
    type: bool
  result_size:
    description:
      - The most objects to read, a number or V(Unlimited). Left out, all are read. Parameter C(ResultSize).
    type: str
seealso:
  - module: mailops.exchange.distribution_group_member
"""

EXAMPLES = r"""
- name: Read the members
  mailops.exchange.distribution_group_member_info:
    identity: migrated@example.com
  register: migrated

- name: Show their addresses
  ansible.builtin.debug:
    msg: "{{ migrated.objects | map(attribute='PrimarySmtpAddress') | list }}"
"""

RETURN = r"""
objects:
  description: The members as the service shows them.
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
    Property("IncludeSoftDeletedObjects", BOOL),
    Property("ResultSize"),
)
SPEC = Info("DistributionGroupMember", PARAMETERS, required=True)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
