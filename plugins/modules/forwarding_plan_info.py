#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what shall be forwarded at the source."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forwarding_plan_info
short_description: Judge declared forwards, and say what to switch
version_added: 0.1.0
description:
  - Checks every declared forward at once and returns the options of the one module that switches them, in lists that tasks loop over.
    The role P(mailops.exchange.source_forwarding#role) takes what it writes from this result alone.
  - Reads a dump of the source back and says which of the declared forwards are on, missing or strange.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.forwarding
options:
  backend:
    description: The kind of source system.
    type: str
    choices: [postfix, zimbra, cpanel, csv, google]
  way:
    description:
      - One of C(plan.ways) of M(mailops.exchange.coexistence_plan_info), which names back end, host, state and forwards, and in
        C(options) what its source has for itself.
      - Given instead of O(backend), O(state), O(forwards) and O(list_file).
    type: dict
  ways:
    description: Several of these at once.
    type: list
    elements: dict
    default: []
  forwards:
    description: The forwards, such as the C(rows) of M(mailops.exchange.forwarding_list).
    required: false
    default: []
  list_file:
    description: A file with forwards, such as M(mailops.exchange.forwarding_list) writes, beside O(forwards).
    type: path
  dump:
    description:
      - What the source exports of its forwards, as CSV with the columns C(address) and C(forward_to), perhaps C(keep_copy) and C(action),
        or with two columns and no header.
      - With O(state=read), V(csv) and V(google) read it alone; without it whether a forward is on is unknown. O(dest) is no dump.
    type: path
  confirm:
    description: Whether to fail unless O(dump), taken after O(dest) was written, shows every declared forward as declared.
    type: bool
    default: false
  path:
    description: See M(mailops.exchange.postfix_forwarding).
    type: path
    default: /etc/postfix/coexistence
  type:
    description: See M(mailops.exchange.postfix_forwarding).
    type: str
    choices: [hash, btree, lmdb, texthash]
  config_directory:
    description: See M(mailops.exchange.postfix_forwarding).
    type: path
  listed:
    description: See M(mailops.exchange.postfix_forwarding).
    type: bool
    default: true
  reload:
    description: See M(mailops.exchange.postfix_forwarding).
    type: bool
    default: true
  zmprov:
    description: See M(mailops.exchange.zimbra_forwarding).
    type: path
    default: /opt/zimbra/bin/zmprov
  account:
    description: See M(mailops.exchange.cpanel_forwarding).
    type: str
  domains:
    description: See M(mailops.exchange.cpanel_forwarding).
    type: list
    elements: str
    default: []
  set_local:
    description: See M(mailops.exchange.cpanel_forwarding).
    type: bool
    default: false
  uapi:
    description: See M(mailops.exchange.cpanel_forwarding).
    type: path
    default: /usr/local/cpanel/bin/uapi
  dest:
    description: See M(mailops.exchange.forwarding_file).
    type: path
  delta:
    description: See M(mailops.exchange.forwarding_file).
    type: path
  effective:
    description: See M(mailops.exchange.forwarding_file).
    type: str
    default: ''
seealso:
  - module: mailops.exchange.forwarding_list
notes:
  - Runs where the task runs; with C(delegate_to=localhost) that is the controller, where the files are.
"""

EXAMPLES = r"""
- name: See whether the provider did what was asked
  mailops.exchange.forwarding_plan_info:
    backend: csv
    dest: /srv/coexistence/forwards.csv
    list_file: /srv/coexistence/wave1.csv
    dump: /srv/coexistence/dump.csv
    confirm: true
  delegate_to: localhost
"""

RETURN = r"""
plan:
  description: >-
    For each of C(postfix), C(zimbra), C(cpanel) and C(file) a list of the options of its module, and beside them C(host), the
    inventory's name of its mail host or empty: one entry for the back end, or for each way that has it, none for the others.
  returned: success
  type: dict
host:
  description: The inventory's name of the mail host on which the back end runs, as O(way) names it; else empty. Of O(ways) the first's.
  returned: success
  type: str
declared:
  description: How many forwards are declared.
  returned: success
  type: int
dump:
  description: >-
    What the dump shows: C(on), C(missing) and C(strange) forwards, the last with C(address) and C(why); C(known) is false without a
    dump, or with one that is older than O(dest), and C(confirmed) true when nothing differs. With O(state=absent), C(on) are those that
    are still on.
  returned: success
  type: dict
commands:
  description: Always empty; nothing is written.
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
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_plan import PLAN, plan


def main() -> None:
    """Run on the controller."""
    run(PLAN, plan)


if __name__ == "__main__":
    main()
