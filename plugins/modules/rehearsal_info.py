#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Play the whole plan of a coexistence by prediction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_info
short_description: Play the whole plan of a coexistence by prediction
version_added: 0.1.0
description:
  - Plays every state of the plan on a snapshot of your tenant by prediction alone - set-up, each wave of O(waves_file), the MX move, the
    teardown in both orders - with its intermediate states and how long each lasts.
  - Lists for each state who would be hurt, how and why, and the guards that say so. Whoever is hurt as badly already today is counted
    apart.
  - A wave is taken to read in the tenant from its last sync on. Where nothing switches the forwards (O(forwarding_backend=none)), a state
    shows a last sync that came before them.
  - A rule whose predicates are not evaluated counts as not matching; what it would make worse is counted under C(other_rules).
  - Waits, probes, the validation of connectors and the message trace of days to come are taken as passed. An MX record is taken to live
    for an hour where that cannot be read.
  - Sends no mail and writes nothing.
  - The playbook C(mailops.exchange.rehearse) takes O(known) from the variable C(coexistence_known), O(snapshot) from
    C(coexistence_snapshot) and O(limit) from C(coexistence_rehearsal_limit), and every other option from the variable of the roles.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
  - mailops.exchange.foresight
  - mailops.exchange.foresight.snapshot
options:
  limit:
    description: How many classes each state lists, and how many addresses each of them.
    type: int
    default: 10
seealso:
  - module: mailops.exchange.coexistence_snapshot_info
  - module: mailops.exchange.mail_route_info
"""

EXAMPLES = r"""
- name: Rehearse the whole plan
  mailops.exchange.rehearsal_info:
    domains: [example.com]
    smart_hosts: [192.0.2.10]
    source_ip_ranges: [192.0.2.10]
    source_file: source.csv
    waves_file: waves.csv
    known:
      mx:
        example.com: source
  register: rehearsal

- name: Show it
  ansible.builtin.debug:
    var: rehearsal.screen

# By the playbook, where the name servers cannot be asked:
# ansible-playbook mailops.exchange.rehearse -e '{"coexistence_known": {"mx": {"example.com": "source"}}}'
"""

RETURN = r"""
states:
  description:
    - Every state in its order, with C(number), C(step), C(state), C(wave), C(order) of the teardown, C(wait) in seconds and C(wait_for).
    - C(counts) counts pairs of recipient and origin by outcome. C(hurt) counts all that are hurt, C(newly) those that were better off
      before the plan, by outcome, C(fresh) those of them that were better off in the state before.
    - C(who) lists classes that can be hurt, with C(origins), C(outcome), C(kind), C(recipients), C(new), C(fresh), C(first) and C(why).
    - C(nobody) lists one address of each shared domain that nobody has, where its mail loops, is lost or split, with C(address),
      C(outcome), C(origins), C(new), C(fresh) and C(why). It is none of the recipients and is counted nowhere else.
    - C(guards) lists the findings of the step that leads here.
  returned: success
  type: list
  elements: dict
summary:
  description:
    - Counts of states, recipients, classes, of who is newly hurt at worst by outcome, the guards that refuse, waits and seconds.
    - C(nobody) counts by outcome the states in which the plan leads mail to an address that nobody has astray.
  returned: success
  type: dict
line:
  description: The same in one line.
  returned: success
  type: str
screen:
  description: At most sixty lines of text, the last of which is the line of figures; before them what is missing.
  returned: success
  type: list
  elements: str
now:
  description: The service's time of the reading, in UTC.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
calls:
  description: Always empty; nothing is written to the tenant.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._rehearsal import rehearsal_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import GIVEN
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(rehearsal_info, {**GIVEN, "limit": {"type": "int", "default": 10}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
