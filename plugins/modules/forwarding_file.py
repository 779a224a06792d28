#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write forwards as a file for somebody else to import."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forwarding_file
short_description: Write forwards as a file for a provider or for Google Workspace
version_added: 0.1.0
description:
  - Writes the full wanted state of the forwards, sorted, in the form that the importing side reads; the file itself is the record
    from which the next run goes on.
  - V(csv) has the columns C(address), C(forward_to), C(keep_copy), C(action) and C(effective). V(google) has the lines of a recipient
    address map, which holds 5000 at most; whether originals are kept is a box of the map and not in the file.
  - Who imports the file, and when, this module cannot know. The forwards act only once the provider has taken the file in, or a person
    has entered its lines into the address map, which takes effect up to 24 hours later. What came of it only a dump shows; see O(dump)
    and M(mailops.exchange.forwarding_plan_info).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.forwarding
options:
  dest:
    description:
      - The file with the full wanted state. Its folder must exist. Needed unless O(state=read).
      - With O(state=read) only its time counts - a O(dump) that is older than the last switch shows nothing. Keep it where that is kept.
    type: path
  format:
    description: The form of the file.
    type: str
    choices: [csv, google]
    default: csv
  delta:
    description: A file that gets what changed since the last run, when something did. V(format=csv) lists removals in it too.
    type: path
  effective:
    description: When the forwards shall act, for the column C(effective) of V(format=csv).
    type: str
    default: ''
  dump:
    description:
      - With O(state=read), what the source exports of its forwards, in either form. Never the file at O(dest), which says what was
        asked for.
      - Without it, or while it is not there, it is unknown which forwards are on.
    type: path
seealso:
  - module: mailops.exchange.forwarding_list
notes:
  - Runs where the task runs; with C(delegate_to=localhost) that is the controller.
"""

EXAMPLES = r"""
- name: Write the lines for the provider
  mailops.exchange.forwarding_file:
    dest: /srv/coexistence/forwards.csv
    delta: /srv/coexistence/forwards-delta.csv
    forwards:
      - address: user@example.com
        routing_address: user@contoso.mail.onmicrosoft.com
  delegate_to: localhost
"""

RETURN = r"""
found:
  description:
    - What the dump shows of every address of O(forwards), with C(address), C(routing_address), C(keep_copy), and whether a forward is
      C(on).
    - Empty, with a warning, without a dump. No address counts as on or as off then.
  returned: with O(state=read)
  type: list
  elements: dict
forwards:
  description: Every forward of the file after the change, in the form of O(forwards).
  returned: success
  type: list
  elements: dict
removed:
  description: Forwards that the file had and that must be removed at the source, in the form of O(forwards).
  returned: success
  type: list
  elements: dict
msg:
  description:
    - What a covering note says, with each file's lines and SHA-256, and when the forwards act; or, with O(state=read), what the dump shows.
  returned: success
  type: str
files:
  description: What a covering note says of C(full) and C(delta), each with C(path), C(lines) and C(sha256).
  returned: success
  type: dict
counts:
  description:
    - Addresses that were C(switched_on), C(switched_off) or C(changed) in the file, and those asked about that stayed C(unchanged).
    - With O(state=read) also how many are C(unknown).
  returned: success
  type: dict
restore:
  description: Options for this module that undo the change, one entry for each task, in their order.
  returned: success
  type: list
  elements: dict
commands:
  description: Every change, as C(write) with a file.
  returned: always
  type: list
  elements: dict
problems:
  description: Every problem, one line each.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_host import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_plan import FILE, write


def main() -> None:
    """Run on the controller."""
    run(FILE, write)


if __name__ == "__main__":
    main()
