#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch forwards of a Postfix host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_forwarding
short_description: Forward users of a Postfix host to their routing addresses
version_added: 0.1.0
description:
  - Keeps the forwards in a map of its own, which stands first in C(virtual_alias_maps), so that nobody else's file is touched.
  - The new map is built beside the old one, checked, and then put in its place at once; an interruption leaves the old map or the new one.
    Afterwards the map in use is asked for every address.
  - What another map says of an address is overridden by ours. So an address that another map leads to anybody but itself, in whatever
    domain, is refused (S3), such as a list of people, or the name of a local user.
  - An alias, a row with an C(owner), gets a line of its own where no other map of C(virtual_alias_maps) leads it on. Without that line
    mail to an alias of C(alias_maps) (C(/etc/aliases)), or to a second address in C(virtual_mailbox_maps), stays in the old mailbox.
  - When the last forward is switched off, the map and its place in C(main.cf) go too, and C(main.cf) is what it was, byte by byte.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.forwarding
  - mailops.exchange.forwarding.host
options:
  path:
    description:
      - The map's text file. Its folder must exist.
      - A file that this module did not make is refused. Lines of another form that somebody put into the map stay where they are.
    type: path
    default: /etc/postfix/coexistence
  type:
    description:
      - The map's type; left out, what C(postconf -h default_database_type) says.
      - A map of the type C(cdb) cannot be read back whole, so it is refused; name another type then.
    type: str
    choices: [hash, btree, lmdb, texthash]
  config_directory:
    description: The folder of C(main.cf), for an instance other than the default one.
    type: path
  listed:
    description: Whether to put the map first into C(virtual_alias_maps), if it is not in that list.
    type: bool
    default: true
  reload:
    description: Whether to reload Postfix when C(main.cf) or a map of the type C(texthash) changed. Other types need none.
    type: bool
    default: true
seealso:
  - module: mailops.exchange.forwarding_list
"""

EXAMPLES = r"""
- name: Forward a wave
  mailops.exchange.postfix_forwarding:
    routing_domain: contoso.mail.onmicrosoft.com
    forwards:
      - address: user@example.com
        routing_address: user@contoso.mail.onmicrosoft.com
  become: true

- name: Bring one user back at two in the morning
  mailops.exchange.postfix_forwarding:
    state: absent
    forwards:
      - address: user@example.com
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
  description: Every forward of the map after the change, in the form of O(forwards).
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
  description: Every change, as C(command) with its words, or C(write) or C(remove) with a file.
  returned: always
  type: list
  elements: dict
aliases:
  description: Aliases that got no line, since another map leads them on.
  returned: success
  type: list
  elements: str
others:
  description: Addresses in the map whose lines have another form and were left alone.
  returned: success
  type: list
  elements: str
map:
  description: The map as Postfix names it.
  returned: success
  type: str
problems:
  description: Every problem, one line each.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_host import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_postfix import OPTIONS, work


def main() -> None:
    """Run on the mail host."""
    run(OPTIONS, work)


if __name__ == "__main__":
    main()
