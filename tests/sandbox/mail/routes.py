# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail side's part of the control site."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from .changes import KEYS
from .courier import Crashed
from .side import MailSide


class MailControl:
    """Handlers beside the sandbox's own; ``GET /messages`` and ``PUT /state`` come through these from there."""

    def __init__(self, side: MailSide) -> None:
        """Keep the mail side."""
        self.side = side

    def routes(self) -> list[web.RouteDef]:
        """Return the additional routes."""
        return [web.post("/messages", self.post), web.get("/mailbox", self.mailbox), web.post("/queue", self.queue)]

    async def messages(self, request: web.Request) -> web.Response:
        """Return the account; ?since=N: messages from number N on; ?settle=S: wait S real seconds at most until all is quiet."""
        since, settle = int(request.query.get("since", 0)), float(request.query.get("settle", 0))
        try:
            return web.json_response(await self.side.ask(self.side.messages(since, settle)))
        except Crashed as error:
            raise web.HTTPInternalServerError(text=str(error)) from error

    async def post(self, request: web.Request) -> web.Response:
        """Send a message or a list of them: {origin, sender, recipients, ...}; return their ids."""
        try:
            return web.json_response({"ids": await self.side.ask(self.side.post(json.loads(await request.read())))})
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error

    async def mailbox(self, request: web.Request) -> web.Response:
        """Return what lies in the mailboxes of ?address=, wherever they are; or, with ?id=, which of all mailboxes hold that message."""
        if "id" in request.query:
            return web.json_response(await self.side.ask(self.side.holding(request.query["id"])))
        return web.json_response(await self.side.ask(self.side.mailbox(request.query.get("address", ""))))

    async def queue(self, request: web.Request) -> web.Response:
        """Try everything that waits, now."""
        await self.side.ask(self.side.world.flush())
        return web.json_response({})

    @staticmethod
    def concerns(change: dict[str, Any]) -> bool:
        """Say whether a change of the state is the mail side's."""
        return any(key in change for key in KEYS)

    async def change(self, change: dict[str, Any]) -> dict[str, Any]:
        """Apply a change of the mail side. Raises ValueError and KeyError."""
        return await self.side.ask(self.side.change(change))

    async def show(self) -> dict[str, Any]:
        """Return the mail side's state."""
        return await self.side.ask(self.side.show())

    async def keep(self) -> None:
        """Keep DNS, hosts and readers as they are."""
        await self.side.ask(self.side.keep())

    async def back(self) -> None:
        """Back to what was kept. Raises LookupError when nothing was."""
        await self.side.ask(self.side.back())

    async def reset(self) -> None:
        """Back to the start."""
        await self.side.ask(self.side.world.reset())
