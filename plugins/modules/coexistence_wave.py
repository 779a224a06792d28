#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a wave of users, or bring it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_wave
short_description: Move a wave of users of a coexistence
version_added: 0.1.0
description:
  - Checks every user of a wave against the tenant, and only when nothing refuses changes the membership of all of them in one go.
  - One refused user refuses the wave, unless V(U7) is among O(accept_risks); then the rest moves and the refused are returned.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
options:
  state:
    description: V(moved) sends the users' mail to their mailboxes in the tenant, V(returned) back to the foreign system.
    type: str
    choices: [moved, returned]
    default: moved
seealso:
  - module: mailops.exchange.forwarding_list
"""

EXAMPLES = r"""
- name: Move the first wave
  mailops.exchange.coexistence_wave:
    domains: [example.com]
    waves_file: waves.csv
    wave: "1"

- name: Bring one user back at two in the morning
  mailops.exchange.coexistence_wave:
    domains: [example.com]
    users: [user@example.com]
    state: returned
    forwards: [] # the forward is off, which you saw yourself; else U8 refuses, since mail would loop
"""

RETURN = r"""
moved:
  description: Users whose membership changed, with C(user) and C(routing_address).
  returned: when the tenant was read
  type: list
  elements: dict
kept:
  description: Users who were where they should be already.
  returned: when the tenant was read
  type: list
  elements: dict
refused:
  description: Users who were not moved, with C(user), C(place), the line of the waves file where there is one, and C(reasons).
  returned: when the tenant was read
  type: list
  elements: dict
counts:
  description: How many users were moved, kept and refused.
  returned: success
  type: dict
time_plan:
  description:
    - What comes when, by the service's clock, and who switches the forwards; empty when nobody moves and nothing is waited for, and when
      O(declared) comes from an earlier task of the role, which printed it.
  returned: success
  type: list
  elements: str
waits:
  description: What to wait for before the next step, as options of M(mailops.exchange.coexistence_wait).
  returned: success
  type: list
  elements: dict
declared:
  description: The variables of the run, with C(users) reduced to those who moved or had moved, for O(declared) of later tasks.
  returned: success
  type: dict
lists:
  description: The forwarding list to write, if O(forwarding_file) was given, with C(dest) and C(declared).
  returned: success
  type: list
  elements: dict
findings:
  description: Every finding of the guards, with C(id), C(who), C(why), C(remedy), and whether it C(blocks).
  returned: when the tenant was read
  type: list
  elements: dict
accepted:
  description: The guards whose refusals were accepted.
  returned: when the tenant was read
  type: list
  elements: str
summary:
  description: Figures of the step; no addresses.
  returned: when the tenant was read
  type: dict
arrived:
  description:
    - What reached the tenant mailbox of each user who goes back, by the message trace since the group was made (at most 90 days), with
      C(user), C(count), C(first) and C(last); read before anything is written. Probes are left aside.
    - Where the trace cannot be read C(count) is null, and C(why) says the reason.
  returned: for O(state=returned), unless O(declared) comes from a task that listed it
  type: list
  elements: dict
step:
  description: The step, V(cutover) or V(rollback).
  returned: when the tenant was read
  type: str
now:
  description: The service's time of the reading, in UTC.
  returned: when the tenant was read
  type: str
calls:
  description: Every write, as C(cmdlet) and C(parameters).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import wave
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import ARGUMENT_SPEC
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(wave, {**ARGUMENT_SPEC, "state": {"type": "str", "choices": ["moved", "returned"], "default": "moved"}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
