# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers of cmdlets that do more than the generic Get, Set and Remove; one module for each family of nouns."""

from __future__ import annotations

from ..calls import Handler
from .connectors import CONNECTORS
from .domains import DOMAINS
from .groups import GROUP_HANDLERS
from .organization import ORGANIZATION_HANDLERS
from .recipients import RECIPIENT_HANDLERS
from .rules import RULES

HANDLERS: dict[str, Handler] = {**DOMAINS, **CONNECTORS, **RULES, **RECIPIENT_HANDLERS, **GROUP_HANDLERS, **ORGANIZATION_HANDLERS}
