#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the guards of a step speak, without refusing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_check_info
short_description: Let the guards of a step speak
version_added: 0.1.0
description:
  - Evaluates every guard of a step and returns what each would say. Writes nothing.
  - No guard makes it fail; wrong variables do, and for the steps of a set-up a tenant that takes no rules.
  - M(mailops.exchange.coexistence_plan_info) refuses with the same findings.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
  - mailops.exchange.foresight
  - mailops.exchange.foresight.snapshot
options:
  step:
    description: The step that the guards judge.
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
      - mx
      - mx_back
      - teardown
      - remove
      - dismantle
      - authoritative
      - sources_off
      - restored
      - status
seealso:
  - module: mailops.exchange.coexistence_plan_info
"""

EXAMPLES = r"""
- name: Ask who would be hurt if the MX record moved now
  mailops.exchange.coexistence_check_info:
    step: mx
    domains: [example.com]
    smart_hosts: [192.0.2.10]
    source_file: source.csv
  register: check
"""

RETURN = r"""
findings:
  description:
    - Every finding, with C(id), C(who), C(why), C(remedy), whether it C(blocks), and whether it was C(accepted).
    - The C(id) C(policy) is no guard's; it tells of a policy of the tenant.
  returned: success
  type: list
  elements: dict
refused:
  description: Whether the step would be refused.
  returned: success
  type: bool
summary:
  description: Figures of the step; no addresses.
  returned: success
  type: dict
mx:
  description:
    - Who answers for each C(domain), as far as the step asks - C(holder) (C(tenant), a source's name or another host; empty where it is not
      known, with C(why)), C(before) and C(until) (what some resolvers still hold), C(ttl) and C(held) (seconds that the record lives at the
      domain's own name servers, and the longest that a resolver holds it; null where nobody told).
  returned: success
  type: list
  elements: dict
screen:
  description: The findings as lines of text.
  returned: success
  type: list
  elements: str
step:
  description: The step.
  returned: success
  type: str
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

from ansible_collections.mailops.exchange.plugins.module_utils._foretell import check_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import CHECKED, GIVEN
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(check_info, {**GIVEN, "step": {"type": "str", "required": True, "choices": list(CHECKED)}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
