# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated Exchange Online tenant: sign-in, admin REST API, store, faults, clock. It shares no code with the collection."""

from __future__ import annotations

from .server import ControlError, Sandbox, running

__all__ = ["ControlError", "Sandbox", "running"]
