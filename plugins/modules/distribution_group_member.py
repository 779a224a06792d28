#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the members of a distribution group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: distribution_group_member
short_description: Manage the members of a distribution group
version_added: 0.1.0
description:
  - Adds and removes any number of members of a distribution group in one task, with C(Add-), C(Remove-) and
    C(Update-DistributionGroupMember).
  - The members are read once; what does not name a member by its primary address is looked up, all at once. An identity that is
    unknown or that means several recipients is an error, and every such one is named before anything is written.
  - Microsoft 365 groups and public folders cannot be members and are refused.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
options:
  identity:
    description:
      - The group, its name, an address of it, or its GUID. Parameter C(Identity).
    type: str
    required: true
    aliases:
      - group
  members:
    description:
      - Whom it is about, each by any identity that means one recipient. Parameters C(Member) and C(Members).
    type: list
    elements: str
    required: true
    aliases:
      - member
  state:
    description:
      - V(present) adds those who are not members yet. V(absent) removes those who are. V(exact) adds and removes until the group
        has these members and no others; with V([]) it empties the group. An empty entry, as an empty variable gives, is refused.
      - Somebody who is a member already, or is none any more, is no error. With V(absent), neither is a recipient or a group that
        does not exist.
    type: str
    choices:
      - present
      - absent
      - exact
    default: present
  bypass_security_group_manager_check:
    description:
      - Lets a caller who is not an owner change the membership. It needs the role Organization Management or Security Group
        Creation and Membership. Parameter C(BypassSecurityGroupManagerCheck).
    type: bool
seealso:
  - module: mailops.exchange.distribution_group_member_info
  - module: mailops.exchange.distribution_group
"""

EXAMPLES = r"""
- name: Move a wave
  mailops.exchange.distribution_group_member:
    identity: migrated@example.com
    members:
      - user0001@example.com
      - user0002@example.com
    bypass_security_group_manager_check: true

- name: Bring one user back
  mailops.exchange.distribution_group_member:
    identity: migrated@example.com
    members:
      - user0002@example.com
    state: absent

- name: Exactly these and nobody else
  mailops.exchange.distribution_group_member:
    identity: migrated@example.com
    members: "{{ migrated }}"
    state: exact
"""

RETURN = r"""
calls:
  description: The cmdlets that were run, or in check mode would be run, to make the change, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - cmdlet: Add-DistributionGroupMember
      parameters:
        Identity: migrated@example.com
        Member: user0001@example.com
added:
  description: Who became a member, as named in the task.
  returned: success
  type: list
  elements: str
removed:
  description: Who was a member and is none any more, by primary address where there is one.
  returned: success
  type: list
  elements: str
count:
  description: How many members the group has after the task.
  returned: success
  type: int
"""

from ansible_collections.mailops.exchange.plugins.module_utils._membership import OPTIONS, manage
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(manage, OPTIONS)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
