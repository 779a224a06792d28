# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's mail side: router, SMTP front doors, foreign hosts, movable DNS, message trace, and the account of every message."""

from __future__ import annotations
