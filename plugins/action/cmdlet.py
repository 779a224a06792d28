# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin that meta/runtime.yml routes every module of this collection to."""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils._action import ActionModule

__all__ = ["ActionModule"]
