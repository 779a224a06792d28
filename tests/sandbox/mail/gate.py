# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What control does to messages at doors: letters are held back while probes pass, and whoever sends a certain probe is ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from ..faults import Faults
from .door import Arrival
from .letters import read

PROBE = "<probe."
ENDED = "421 4.3.2 the sender was ended"


class Gate:
    """One for all doors of a world. ``open``: while it is not set, letters wait at the tenants' doors. ``faults``: control's rules."""

    def __init__(self, external: Callable[[str], bool]) -> None:
        """``external``: whether a client is none of the world."""
        self._external = external
        self.open = asyncio.Event()
        self.open.set()
        self.faults = Faults()

    async def before(self, arrival: Arrival, node: str, *, tenant: bool) -> str:
        """Answer DATA in place of the door; "" lets the message in, at once or when letters may pass again."""
        probe = read(arrival.content).id.startswith(PROBE)
        if tenant and not probe:
            await self.open.wait()
        return ENDED if probe and self._ended("before", arrival, node) else ""

    def after(self, arrival: Arrival, node: str) -> str:
        """Answer DATA in place of the door, which has taken the message; "" lets it say so."""
        probe = read(arrival.content).id.startswith(PROBE)
        return ENDED if probe and self._ended("after", arrival, node) else ""

    def _ended(self, phase: str, arrival: Arrival, node: str) -> bool:
        """Count a probe that enters the world, and end its sender if a rule says so."""
        if not self._external(arrival.peer):
            return False
        call = {"cmdlet": "probe", "parameters": {}, "tenant": node, "write": False, "client_id": "", "probe": True}
        ended = [rule for rule in self.faults.rules if rule.takes(phase, call)]
        for rule in ended:
            os.kill(int(rule.action["kill"]), getattr(signal, str(rule.action.get("signal", "SIGKILL"))))
        return bool(ended)
