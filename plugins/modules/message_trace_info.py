#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the message trace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: message_trace_info
short_description: Read the message trace
version_added: 0.1.0
description:
  - Reads what became of messages, in windows of at most ten days, page after page, and returns each row once.
  - The service takes 100 requests in five minutes. All tasks of a run share that rate, and wait where it asks for it.
  - The service keeps the trace for 90 days.
  - Reads only.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
options:
  start:
    description: The beginning, such as V(2026-01-31T12:00:00Z); without a zone it is UTC. Left empty, two days before O(end).
    type: str
  end:
    description: The end; left empty, the service's time now.
    type: str
  sender:
    description: Only messages from these addresses; V(*@example.com) names a domain.
    type: list
    elements: str
  recipient:
    description: Only rows of these recipients; V(*@example.com) names a domain.
    type: list
    elements: str
  message_id:
    description: Only messages with these Message-IDs, with their angle brackets.
    type: list
    elements: str
  status:
    description: Only rows with one of these states.
    type: list
    elements: str
    choices: [Delivered, Expanded, Failed, FilteredAsSpam, GettingStatus, Pending, Quarantined]
  subject:
    description: Only messages whose subject contains this text.
    type: str
  detail:
    description:
      - Whether to read the events of each row too, which name the connector.
      - That is one more request for each row, so narrow the rows first.
    type: bool
    default: false
  limit:
    description: How many rows to read at most, the newest first; V(0) reads all.
    type: int
    default: 1000
seealso:
  - module: mailops.exchange.mail_probe
"""

EXAMPLES = r"""
- name: See what failed for a domain in the last two weeks
  mailops.exchange.message_trace_info:
    start: "{{ '%Y-%m-%dT%H:%M:%SZ' | ansible.builtin.strftime(now().timestamp() - 14 * 86400, utc=true) }}"
    recipient: ["*@example.com"]
    status: [Failed]
  register: failed_mail

- name: See by which connector one message left
  mailops.exchange.message_trace_info:
    message_id: ["<4711@example.com>"]
    detail: true
  register: one_message
"""

RETURN = r"""
rows:
  description: One row for each recipient of each entry into the tenant, newest first, in the service's own spelling.
  returned: success
  type: list
  elements: dict
details:
  description: With O(detail), the events of the rows; C(Data) is a mapping of its named values.
  returned: success
  type: list
  elements: dict
counts:
  description:
    - How many C(rows) and different C(messages), the rows C(by_status) and, with O(detail), C(by_connector).
  returned: success
  type: dict
  sample: {"rows": 2, "messages": 1, "by_status": {"Delivered": 2}, "by_connector": {}}
windows:
  description: The windows that were read, each with C(start), C(end), C(rows) and C(requests).
  returned: success
  type: list
  elements: dict
truncated:
  description: Whether there are more rows than were read.
  returned: success
  type: bool
requests:
  description: How many trace requests were made.
  returned: success
  type: int
now:
  description: The service's time at the beginning, in UTC.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
calls:
  description: Always empty; nothing is written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._trace import trace_info

LIST = {"type": "list", "elements": "str"}
STATES = ["Delivered", "Expanded", "Failed", "FilteredAsSpam", "GettingStatus", "Pending", "Quarantined"]

SPEC = Tool(
    trace_info,
    {
        "start": {"type": "str"},
        "end": {"type": "str"},
        "sender": LIST,
        "recipient": LIST,
        "message_id": LIST,
        "status": {**LIST, "choices": STATES},
        "subject": {"type": "str"},
        "detail": {"type": "bool", "default": False},
        "limit": {"type": "int", "default": 1000},
    },
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
