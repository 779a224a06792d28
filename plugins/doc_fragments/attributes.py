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
    membership: mailops.exchange.exchange
notes:
  - Runs on hosts with C(ansible_connection=mailops.exchange.rest), in the playbook's own process; nothing is copied anywhere.
"""
