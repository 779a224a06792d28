#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch forwards of a Zimbra host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zimbra_forwarding
short_description: Forward users of a Zimbra host to their routing addresses
version_added: 0.1.0
description:
  - Sets C(zimbraMailForwardingAddress), which users neither see nor change, and reads it back; only then
    C(zimbraPrefMailLocalDeliveryDisabled) ends the local copy. The way back goes in reverse, so that mail is never without a place.
  - A forward counts as ours when its target lies in the domain of a target of O(forwards) or in O(routing_domain).
    With O(state=absent) each row gives its target, or O(routing_domain) is given.
  - A redirect in the user's own filter (C(zimbraMailSieveScript)) is a second forward that no attribute shows, and is refused (S3).
  - All users of a task share a few calls of C(zmprov), in its batch mode. What that prints is not trusted; every account is read again.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.forwarding
  - mailops.exchange.forwarding.host
options:
  zmprov:
    description: The program.
    type: path
    default: /opt/zimbra/bin/zmprov
seealso:
  - module: mailops.exchange.forwarding_list
"""

EXAMPLES = r"""
- name: Forward a wave
  mailops.exchange.zimbra_forwarding:
    routing_domain: contoso.mail.onmicrosoft.com
    forwards:
      - address: user@example.com
        routing_address: user@contoso.mail.onmicrosoft.com
  become: true
  become_user: zimbra
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
  description: Every change, as C(command) with its words. Lines of one step are sent in one batch.
  returned: always
  type: list
  elements: dict
problems:
  description: Every problem, one line each.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_host import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_zimbra import OPTIONS, work


def main() -> None:
    """Run on the mail host."""
    run(OPTIONS, work)


if __name__ == "__main__":
    main()
