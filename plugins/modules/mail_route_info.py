#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say where mail goes, and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_route_info
short_description: Say where mail goes, and why
version_added: 0.1.0
description:
  - Predicts from the tenant as it is where mail to an address goes, because of what, since when, and when that will change.
  - Where a fact is disputed or a change may not act yet, every reading is walked, and the worst is the verdict.
  - Whose membership of the group changed is noted nowhere, only when. Until that is long enough ago, its members count as just joined, and
    whoever is asked about by O(addresses) or named in O(users) as just joined or gone.
  - Mail to a group is followed to its members, of whom one stands for all that nothing tells from it. Its verdict is the worst of theirs.
  - With O(all), it does so for everybody, in counts and lists by outcome.
  - Sends no mail and writes nothing.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
  - mailops.exchange.foresight
  - mailops.exchange.foresight.snapshot
options:
  addresses:
    description: The addresses that mail is sent to; text with commas is taken too.
    type: list
    elements: str
  all:
    description: Everybody instead of O(addresses) - every recipient of the tenant and every address of O(source_file).
    type: bool
    default: false
  sender:
    description: Who sends; left out, an outsider from the internet and a colleague from everywhere else.
    type: str
  origin:
    description:
      - Where the mail begins - V(internet), V(tenant) (a signed-in sender), V(source) (a sender of the foreign system), or V(program)
        (a program on the foreign host that looks at no MX record). Left out, each of them.
    type: str
    choices: [internet, tenant, source, program]
  kind:
    description: An ordinary message, a meeting request, or a report with an empty sender.
    type: str
    choices: [mail, calendar, report]
    default: mail
  limit:
    description: How many addresses each list shows.
    type: int
    default: 10
seealso:
  - module: mailops.exchange.coexistence_snapshot_info
"""

EXAMPLES = r"""
- name: Ask where a user's mail goes
  mailops.exchange.mail_route_info:
    domains: [example.com]
    smart_hosts: [192.0.2.10]
    source_file: source.csv
    addresses: [user@example.com]
  register: route

- name: Count who would be hurt now
  mailops.exchange.mail_route_info:
    domains: [example.com]
    smart_hosts: [192.0.2.10]
    source_file: source.csv
    all: true
    origin: internet
"""

RETURN = r"""
routes:
  description:
    - For each address and origin the C(verdict) (the worst outcome), what it C(means), C(text) (one sentence), C(ways) (each possible
      end, the worst first, with C(where), C(outcome), C(if), C(because) and every decision under C(way)), C(since) and C(will_change).
  returned: when O(addresses) is given
  type: list
  elements: dict
counts:
  description: Pairs of recipient and origin by outcome, from the best to the worst.
  returned: when O(all) is set
  type: dict
  sample: {"delivered": 120, "bounced": 2}
origins:
  description:
    - For each origin C(counts), C(lists) of the first addresses by outcome, and C(classes) of recipients with one fate and its reason.
    - C(places) counts recipients by where their mail ends, as does C(where) of a class - C(tenant), C(source), C(outside), an outcome by
      itself such as C(bounced), or C(several) where readings or the members of a list differ.
  returned: when O(all) is set
  type: dict
recipients:
  description: How many addresses were predicted.
  returned: when O(all) is set
  type: int
hurt:
  description: How many of them would be split, bounced, looped or lost under some reading.
  returned: success
  type: int
screen:
  description: The same as lines of text.
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

from ansible_collections.mailops.exchange.plugins.module_utils._foretell import route_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import GIVEN, ROUTE
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(route_info, {**GIVEN, **ROUTE}, {"required_one_of": [("addresses", "all")]})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
