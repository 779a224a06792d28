#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch forwards of a cPanel host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cpanel_forwarding
short_description: Forward users of a cPanel host to their routing addresses
version_added: 0.1.0
description:
  - Adds and deletes e-mail forwarders by UAPI, reads them first since adding twice forwards twice, and reads them back after.
  - A mailbox of the same name gets every message too, and cPanel has no switch for that. So a user with a mailbox is refused
    unless C(keep_copy) is true, which accepts it. In a wave that is C(coexistence_forward_keep_copy), by which each row says it itself.
  - A forward counts as ours when its target lies in the domain of a target of O(forwards) or in O(routing_domain).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.forwarding
  - mailops.exchange.forwarding.host
options:
  account:
    description: The cPanel account that owns the domains, when the task runs as root; left out, the task runs as the account itself.
    type: str
  domains:
    description: Domains to look at beside those of O(forwards), for O(state=exact).
    type: list
    elements: str
    default: []
  set_local:
    description: Whether to set a domain's mail routing to local when it is not. Otherwise such a domain is refused.
    type: bool
    default: false
  uapi:
    description: The program.
    type: path
    default: /usr/local/cpanel/bin/uapi
seealso:
  - module: mailops.exchange.forwarding_list
notes:
  - Forwarded mail counts against the hourly limit of outgoing mail of the domain, beyond which mail is deferred or discarded (S10). UAPI
    does not show that limit, so nothing here reads it. Have it raised in WHM before a wave.
"""

EXAMPLES = r"""
- name: Forward a wave, old mailboxes get a copy
  mailops.exchange.cpanel_forwarding:
    account: acme
    keep_copy: true
    forwards:
      - address: user@example.com
        routing_address: user@contoso.mail.onmicrosoft.com
  become: true
"""

RETURN = r"""
found:
  description:
    - What every address of O(forwards) shows, with C(address), C(routing_address), C(keep_copy), and whether a forward is C(on).
  returned: with O(state=read)
  type: list
  elements: dict
forwards:
  description: The forwards of ours that were looked at and are on after the change, in the form of O(forwards).
  returned: success
  type: list
  elements: dict
counts:
  description: Addresses that were C(switched_on), C(switched_off) or C(changed), and those asked about that stayed C(unchanged).
  returned: success
  type: dict
restore:
  description: Options for this module that undo the change, one entry for each task, in their order.
  returned: success
  type: list
  elements: dict
commands:
  description: Every change, as C(command) with its words.
  returned: always
  type: list
  elements: dict
problems:
  description: Every problem, one line each.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_cpanel import OPTIONS, work
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_host import main as run


def main() -> None:
    """Run on the mail host."""
    run(OPTIONS, work)


if __name__ == "__main__":
    main()
