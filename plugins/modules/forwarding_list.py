#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List which address of the source is forwarded to which routing address."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forwarding_list
short_description: List addresses and their routing addresses
version_added: 0.1.0
description:
  - Lists for each user the address at the foreign system and the address in the tenant's routing domain that its forward leads to.
  - The address is the mailbox that the source's list has of the user; without a list the one that the wave names, else the primary one.
  - Lists the users that are named by O(users) or O(wave), or else every mailbox in the group.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
attributes:
  diff_mode:
    support: full
    description: Shows the file before and after.
options:
  dest:
    description: A file on the controller that gets the list as CSV; left out, none is written.
    type: path
seealso:
  - module: mailops.exchange.coexistence_wave
"""

EXAMPLES = r"""
- name: Write the list of the first wave
  mailops.exchange.forwarding_list:
    domains: [example.com]
    waves_file: waves.csv
    wave: "1"
    dest: forwarding.csv
"""

RETURN = r"""
rows:
  description: The list, each with C(address) and C(routing_address).
  returned: success
  type: list
  elements: dict
csv:
  description: The list as CSV text.
  returned: success
  type: str
missing:
  description: Users that cannot be listed, with C(user) and C(why).
  returned: success
  type: list
  elements: dict
calls:
  description: Always empty; nothing is written to the tenant.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import forwarding
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import ARGUMENT_SPEC
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(forwarding, {**ARGUMENT_SPEC, "dest": {"type": "path"}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
