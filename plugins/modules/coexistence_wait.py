#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait by the service's clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_wait
short_description: Wait by the clock of the service
version_added: 0.1.0
description:
  - Waits until so many seconds have passed on the service's own clock, and shows what is left while it waits.
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
    required: true
  reason:
    description: What is waited for, for the messages.
    type: str
    default: a change to take effect
  interval:
    description: Seconds between two looks at the service's clock.
    type: float
    default: 60.0
  timeout:
    description: Seconds of the controller's clock after which the wait gives up.
    type: int
    default: 14400
"""

EXAMPLES = r"""
- name: Wait until a disabled rule has stopped acting
  mailops.exchange.coexistence_wait:
    seconds: 3600
    reason: the disabled rule to stop acting
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
calls:
  description: Always empty; nothing is written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._coexistence import wait
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(
    wait,
    {
        "since": {"type": "str"},
        "seconds": {"type": "int", "required": True},
        "reason": {"type": "str", "default": "a change to take effect"},
        "interval": {"type": "float", "default": 60.0},
        "timeout": {"type": "int", "default": 14400},
    },
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
