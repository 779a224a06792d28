#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a snapshot of a tenant to predict from."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coexistence_snapshot_info
short_description: Take a snapshot of a tenant to predict from
version_added: 0.1.0
description:
  - Reads everything that a prediction of mail routing needs, in as few round trips as it takes, stamped with the service's time.
  - Objects that changed while the reading went on are read again. At the end everything is listed once more, members of groups too, and
    what differs is read anew, at most three times; then it is told.
  - The snapshot can be given to M(mailops.exchange.mail_route_info), M(mailops.exchange.coexistence_check_info) and
    M(mailops.exchange.rehearsal_info), which then read nothing.
  - Members of dynamic groups are those that the service counted last, which it does once a day. Where they must not be read, that is
    told in RV(open), and mail to such a group is unknown.
  - It holds names and addresses of every recipient, so O(dest) is written for its owner alone.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.coexistence
  - mailops.exchange.foresight
attributes:
  diff_mode:
    support: none
    description: A snapshot is one long line of everything; compare two files by a tool for JSON.
options:
  dest:
    description: A file on the controller that gets the snapshot as JSON, instead of the result. It is written whole or not at all.
    type: path
seealso:
  - module: mailops.exchange.mail_route_info
  - module: mailops.exchange.rehearsal_info
"""

EXAMPLES = r"""
- name: Keep everything that a rehearsal needs
  mailops.exchange.coexistence_snapshot_info:
    domains: [example.com]
    source_file: source.csv
    dest: snapshot.json
"""

RETURN = r"""
snapshot:
  description: Everything that was read, as plain data; absent when O(dest) took it.
  returned: when O(dest) is left out
  type: dict
dest:
  description: The file that took the snapshot.
  returned: when O(dest) is given
  type: str
first:
  description: The service's time of the first answer, in UTC.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
last:
  description: The service's time of the last answer, in UTC.
  returned: success
  type: str
counts:
  description: Objects by kind.
  returned: success
  type: dict
open:
  description: What could not be read, one line each; a prediction then walks every reading of it.
  returned: success
  type: list
  elements: str
unsettled:
  description: Objects that changed each time that they were read.
  returned: success
  type: list
  elements: str
calls:
  description: Always empty; nothing is written to the tenant.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._foretell import snapshot_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import FORESIGHT
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Tool(snapshot_info, {**FORESIGHT, "dest": {"type": "path"}})


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
