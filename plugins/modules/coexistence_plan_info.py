#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan a step of a coexistence."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_plan_info
short_description: Judge and plan a step of a coexistence
version_added: 0.1.0
description:
  - Reads the tenant once, lets the guards of the step judge what they see, and returns the parameters of every object to write.
  - When a guard refuses, the module fails with every finding and returns no plan, so that there is nothing to write with.
  - Reads only.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
  - mailops.exchange.foresight
options:
  step:
    description:
      - The step to judge and plan.
      - V(preflight) judges what V(setup) would do. V(setup) makes domains, group and connectors ready, V(enforce) the rules.
      - V(cutover) and V(rollback) judge a wave. V(forward) plans the forwards of a wave that has moved, V(unforward) takes them off
        before it goes back. V(returned) lists what reached the tenant mailboxes of a wave that is back, and judges nothing.
      - V(mx) judges the move of the MX to the tenant, V(mx_back) the way back, V(sources_off) the end of forwards and host.
      - V(teardown) stops the rules, V(remove) removes them, V(dismantle) removes the rest, V(restored) looks for leftovers.
      - V(verify) plans probes of every class of recipients, V(reconcile) finds who has slipped since the last wave.
      - V(status) refuses nothing and returns one screen.
    type: str
    required: true
    choices:
      - preflight
      - setup
      - enforce
      - cutover
      - forward
      - unforward
      - rollback
      - returned
      - mx
      - mx_back
      - teardown
      - remove
      - dismantle
      - sources_off
      - restored
      - verify
      - reconcile
      - status
seealso:
  - module: mailops.exchange.coexistence_wave
"""

EXAMPLES = r"""
- name: See what a set-up would do
  mailops.exchange.coexistence_plan_info:
    step: preflight
    domains: [example.com]
    smart_hosts: [192.0.2.10]
    source_ip_ranges: [192.0.2.10]
    source_file: source.csv
    validation_recipients: [postmaster@example.com]
  register: coexistence_preflight_plan
"""

RETURN = r"""
plan:
  description:
    - The parameters of every object to write, in lists named after the modules that take them; absent when a guard refused.
    - C(declared) holds the variables for the next step.
  returned: when no guard refused
  type: dict
findings:
  description:
    - Every finding of the guards, with C(id), C(who), C(why), C(remedy), and whether it C(blocks).
    - The C(id) C(policy) is no guard's; it tells of a policy of the tenant.
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
screen:
  description:
    - The state as lines of text, for O(step=status); what was looked at, for O(step=preflight); what was found, for O(step=verify) and
      O(step=reconcile). Empty for every other step.
  returned: when no guard refused; for O(step=preflight) also when one did
  type: list
  elements: str
mx:
  description:
    - Who answers for each C(domain), for O(step=preflight) - C(holder) (C(tenant), a source's name or another host; empty where it is not
      known, with C(why)), C(before) and C(until) (what some resolvers still hold), C(ttl) and C(held) (seconds that the record lives at the
      domain's own name servers, and the longest that a resolver holds it; null where nobody told).
  returned: for O(step=preflight), also when a guard refused
  type: list
  elements: dict
time_plan:
  description:
    - What comes when, by the service's clock, and who switches the forwards; empty when nobody moves and nothing is waited for.
  returned: for O(step=cutover) and O(step=unforward), when no guard refused
  type: list
  elements: str
arrived:
  description:
    - What reached the tenant mailbox of each user who goes back, by the message trace since the group was made (at most 90 days), with
      C(user), C(count), C(first) and C(last). Probes are left aside; what arrived in the last minutes may not be in the trace yet.
    - Where the trace cannot be read C(count) is null, and C(why) says the reason.
  returned: for O(step=unforward), when no guard refused, and for O(step=returned), where it is empty in check mode
  type: list
  elements: dict
moved:
  description: Always empty, since a wave that is refused is refused whole.
  returned: for O(step=cutover), O(step=unforward) and O(step=rollback), when a guard refused
  type: list
  elements: dict
kept:
  description: Always empty, likewise.
  returned: for O(step=cutover), O(step=unforward) and O(step=rollback), when a guard refused
  type: list
  elements: dict
refused:
  description: One entry for each finding that refuses, with C(user) (whom or what it is about) and C(reasons).
  returned: for O(step=cutover), O(step=unforward) and O(step=rollback), when a guard refused
  type: list
  elements: dict
step:
  description: The step.
  returned: when the tenant was read
  type: str
now:
  description: The service's time of the reading, in UTC.
  returned: when the tenant was read
  type: str
  sample: "2026-01-31T12:00:00Z"
calls:
  description: Always empty; nothing is written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import plan_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import FORESIGHT
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import STEPS
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(plan_info, {**FORESIGHT, "step": {"type": "str", "required": True, "choices": list(STEPS)}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
