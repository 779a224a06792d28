# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one action plugin under the name of the module that every role begins with.

A strategy looks for a plugin of the task's own name before it forks the worker. What is imported here is then there in all workers of the
run; else each would compile the coexistence's code anew, since collections are never cached as bytecode.
"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.modules import coexistence_plan_info
from ansible_collections.mailops.exchange.plugins.plugin_utils._action import ActionModule

__all__ = ["ActionModule", "coexistence_plan_info"]
