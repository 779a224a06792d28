# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world needs of a foreign host, whichever program it is."""

from __future__ import annotations

from typing import Protocol

from .hoststate import HostState


class Endpoint(Protocol):
    """A listening address."""

    @property
    def endpoint(self) -> str:
        """Return address:port."""


class Backend(Protocol):
    """A foreign host: the built-in one or Postfix."""

    backend: str
    loopback: str

    @property
    def state(self) -> HostState:
        """Return the state that the host acts by."""

    def own(self) -> HostState:
        """Return a copy of the state, without what others wrote into the host's files."""

    @property
    def config_directory(self) -> str:
        """Return where its configuration lies, "" for the built-in one."""

    @property
    def door(self) -> Endpoint:
        """Return where the outside comes in."""

    @property
    def own_door(self) -> Endpoint:
        """Return where the host's own people come in."""

    @property
    def front(self) -> Endpoint:
        """Return where clients that are none of this world come in in place of the door."""

    @property
    def own_front(self) -> Endpoint:
        """Return where they come in in place of the own door."""

    async def start(self) -> None:
        """Open the doors."""

    async def stop(self) -> None:
        """Close everything."""

    async def apply(self, state: HostState) -> None:
        """Act by another state from now on. Raises ValueError, and stays as it was, for what the back end cannot do."""

    def drop(self) -> None:
        """Drop what is under way."""

    async def reset(self, state: HostState) -> None:
        """Take another state and forget what is under way."""

    async def switch(self, *, up: bool) -> None:
        """Switch the host on or off."""

    async def local(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Hand a message over as one of the host's own programs does; return an error text or ""."""

    async def queued(self) -> set[tuple[str, str]]:
        """Return the copies, as message id and recipient, that lie in a queue which the account does not see."""

    def busy(self) -> int:
        """Count what is under way now."""

    async def flush(self) -> None:
        """Try everything again now."""
