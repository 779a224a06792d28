# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of this collection supports."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that run against a tenant."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Only reads are sent, and C(calls) tells what would be written.
  diff_mode:
    support: full
    description: Shows each property before and after.
  async:
    support: none
    description: The module runs in the playbook's own process, so C(async) is refused.
  become:
    support: none
    description: Rights come from the tenant's credential, so C(become) is refused.
  action_group:
    support: full
    description: Use C(group/mailops.exchange.exchange) in C(module_defaults) to set options of all modules.
    membership:
      - mailops.exchange.exchange
notes:
  - Runs on hosts with C(ansible_connection=mailops.exchange.rest), in the playbook's own process; nothing is copied anywhere.
"""

    INFO = r"""
options: {}
attributes:
  idempotent:
    support: full
    description: Only reads are sent, so nothing ever changes.
"""

    MANAGED = r"""
options: {}
attributes:
  idempotent:
    support: full
    description: A second run changes nothing and writes nothing.
notes:
  - What an option leaves out is not managed. What is given is compared with what the service shows, whatever the case, order,
    prefix or unit in which that is spelled, and only what differs is written.
  - An empty string clears a text, a number, a time or a choice, and an empty list clears a list, where the option's description says so.
  - An object that is not there is created, unless the task means one that is, by C(add) or C(remove), by a GUID, or a group by an
    address; then it fails.
  - After a write the object is read until it shows the write; an error or a warning names what it does not show in time.
"""
