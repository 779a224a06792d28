# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What control does to messages: letters are held back on their way while probes pass, and whoever sends a certain probe is ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from ..faults import Faults
from .door import Arrival
from .letters import Read, read

PROBE = "<probe."
ENDED = "421 4.3.2 the sender was ended"


def is_probe(mail: Read) -> bool:
    """Say whether a message is a probe of the collection's, and not somebody's letter."""
    return mail.id.startswith(PROBE)


class Gate:
    """One for all of a world. ``open``: while it is not set, letters wait at the tenants' doors and before the hosts' mailboxes.

    ``faults``: control's rules.
    """

    def __init__(self, external: Callable[[str], bool]) -> None:
        """``external``: whether a client is none of the world."""
        self._external = external
        self.open = asyncio.Event()
        self.open.set()
        self.faults = Faults()

    async def passes(self, mail: Read) -> None:
        """Wait until letters may pass; probes pass at once."""
        if not is_probe(mail):
            await self.open.wait()

    async def before(self, arrival: Arrival, node: str, *, holds: bool) -> str:
        """Answer DATA in place of the door; "" lets the message in. ``holds``: a letter waits here until letters may pass."""
        mail = read(arrival.content)
        if holds:
            await self.passes(mail)
        return ENDED if is_probe(mail) and self._ended("before", arrival, node) else ""

    def after(self, arrival: Arrival, node: str) -> str:
        """Answer DATA in place of the door, which has taken the message; "" lets it say so."""
        return ENDED if is_probe(read(arrival.content)) and self._ended("after", arrival, node) else ""

    def _ended(self, phase: str, arrival: Arrival, node: str) -> bool:
        """Count a probe that enters the world, and end its sender if a rule says so."""
        if not self._external(arrival.peer):
            return False
        call = {"cmdlet": "probe", "parameters": {}, "tenant": node, "write": False, "client_id": "", "probe": True}
        ended = [rule for rule in self.faults.rules if rule.takes(phase, call)]
        for rule in ended:
            os.kill(int(rule.action["kill"]), getattr(signal, str(rule.action.get("signal", "SIGKILL"))))
        return bool(ended)
