#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait by the service's clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_wait
short_description: Wait by the clock of the service, and by probes
version_added: 0.1.0
description:
  - Waits until so many seconds have passed on the service's own clock, and shows what is left while it waits.
  - Then makes probes until they arrive where they should.
  - In check mode the wait is announced and taken as passed.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
options:
  since:
    description: The moment from which O(seconds) are counted, such as V(2026-01-31T12:00:00Z); left empty, the start of the wait.
    type: str
  seconds:
    description: How long to wait, in seconds of the service's clock.
    type: int
    default: 0
  reason:
    description: What is waited for, for the messages.
    type: str
    default: a change to take effect
  probes:
    description:
      - Probes to make when the time is over, as options of M(mailops.exchange.mail_probe), each with the C(place) at which it must
        arrive, V(tenant) or V(source), or with C(avoid), the place at which it must not.
      - Each is made again every O(interval) until it shows that. A probe that cannot be had is not waited for.
    type: list
    elements: dict
  patient:
    description: Whether probes are made again; V(false) makes each once and returns what became of it.
    type: bool
    default: true
  remedy:
    description: What to do when the probes do not show it in time, for the message; left out, to look at rules and group.
    type: str
  interval:
    description:
      - Seconds between two looks at the service's clock, and between two rounds of probes.
      - Left out, C(effect_interval) of O(declared).
    type: float
  timeout:
    description: Seconds of the controller's clock after which the wait gives up; left out, C(effect_timeout) of O(declared).
    type: int
  declared:
    description: What M(mailops.exchange.coexistence_plan_info) returned as C(plan.declared), for the settings of probes.
    type: dict
"""

EXAMPLES = r"""
- name: Wait until a disabled rule has stopped acting
  mailops.exchange.coexistence_wait:
    seconds: 3600
    reason: the disabled rule to stop acting

- name: Wait until mail from inside reaches a user in the tenant
  mailops.exchange.coexistence_wait:
    reason: the membership to act
    probes:
      - origin: tenant
        recipient: user@example.com
        place: tenant
"""

RETURN = r"""
waited:
  description: Seconds that passed on the service's clock.
  returned: success
  type: int
until:
  description: The moment that was waited for, in UTC.
  returned: success
  type: str
announced:
  description: Whether the wait was only announced, in check mode.
  returned: success
  type: bool
probes:
  description: What became of each probe, as M(mailops.exchange.mail_probe) tells it, C(result), C(place), C(told_by) and C(why) among it.
  returned: success
  type: list
  elements: dict
left:
  description: The probes that do not show what they were made for, one line each.
  returned: success
  type: list
  elements: str
calls:
  description: Always empty; nothing is written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._waiting import wait

SPEC = Tool(
    wait,
    {
        "since": {"type": "str"},
        "seconds": {"type": "int", "default": 0},
        "reason": {"type": "str", "default": "a change to take effect"},
        "probes": {"type": "list", "elements": "dict"},
        "patient": {"type": "bool", "default": True},
        "remedy": {"type": "str"},
        "interval": {"type": "float"},
        "timeout": {"type": "int"},
        "declared": {"type": "dict"},
    },
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
