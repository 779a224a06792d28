# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that switch forwards on a mail host share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of ordinary modules: they run on the host, with nothing but Python there."""

    DOCUMENTATION = r"""
options:
  forwards:
    description: The forwards, such as the C(rows) of M(mailops.exchange.forwarding_list).
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The user's address at the source.
        type: str
        required: true
      routing_address:
        description: Where the user's mail shall go. May be left out only to switch a forward off.
        type: str
      keep_copy:
        description: Whether this user's old mailbox gets a copy; left out, as O(keep_copy) says.
        type: bool
      owner:
        description:
          - The mailbox that this address is an alias of. M(mailops.exchange.postfix_forwarding) writes no line for an alias that another
            map leads on; the others take the row like any.
        type: str
  state:
    description:
      - V(present) switches these forwards on and leaves every other as it is.
      - V(absent) switches them off.
      - V(exact) switches them on and every other forward of ours off. Without any forward it is refused.
      - V(read) writes nothing and returns what these addresses show, by whomever it was set.
    type: str
    choices: [present, absent, exact, read]
    default: present
  keep_copy:
    description: Whether the old mailboxes get a copy of what is forwarded. A bridge only, since the old mailbox then goes on growing.
    type: bool
    default: false
  routing_domain:
    description: The tenant's routing domain. When it is given, a forward to any other domain is refused.
    type: str
  accept_risks:
    description:
      - Guards whose refusals are accepted.
      - V(S3) is a forward of somebody else for the same address, V(S9) a mailbox that keeps a copy and is nearly full,
        V(S11) a host that does not take the domain's mail as its own. Not every back end has each of them.
    type: list
    elements: str
    choices: [S3, S9, S11]
    default: []
attributes:
  check_mode:
    support: full
    description: Nothing is written, and C(commands) tells what would be.
  diff_mode:
    support: full
    description: Shows the forwards that change, before and after, and nobody else's entries.
  idempotent:
    support: full
    description: A second run changes nothing and writes nothing.
  async:
    support: full
    description: Can be run with C(async).
notes:
  - Addresses are compared without regard to case, brackets and C(smtp:) prefixes, and written in lower case.
"""

    HOST = r"""
options: {}
attributes:
  become:
    support: full
    description: Needs the rights of the mail system's administrator on the host.
requirements:
  - Python 3.10 or newer on the mail host, and nothing else
notes:
  - Runs on the mail host itself, not on a host of the tenant.
"""
