# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control site: plain HTTP on loopback, for tests only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import snapshot
from .api import Api
from .clock import Clock, parse, stamp
from .faults import Faults
from .journal import Journal
from .signin import SignIn
from .tenant import Tenant
from .tokens import Mint

if TYPE_CHECKING:
    from .mail.routes import MailControl


class Control:
    """Handlers that look at and change the sandbox itself. ``ready`` is the line that the server printed."""

    def __init__(
        self, tenants: list[Tenant], sign_in: SignIn, mint: Mint, clock: Clock, faults: Faults, journal: Journal, api: Api
    ) -> None:
        """Keep the parts."""
        self._tenants, self._sign_in, self._mint = tenants, sign_in, mint
        self._clock, self._faults, self._journal, self._api = clock, faults, journal, api
        self.ready: dict[str, Any] = {}
        self.mail: MailControl | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the control site."""
        return [
            web.get("/", self.show_ready),
            web.get("/state", self.get_state),
            web.put("/state", self.put_state),
            web.get("/calls", self.get_calls),
            web.delete("/calls", self.clear_calls),
            web.get("/tokens", self.get_tokens),
            web.post("/tokens", self.make_token),
            web.delete("/tokens", self.revoke_tokens),
            web.get("/messages", self.get_messages),
            web.get("/faults", self.get_faults),
            web.put("/faults", self.put_faults),
            web.post("/release", self.release),
            web.get("/clock", self.get_clock),
            web.put("/clock", self.put_clock),
            web.put("/parameters", self.put_parameters),
            web.get("/parameters", self.get_parameters),
            web.put("/results", self.put_results),
            web.delete("/pages", self.drop_pages),
            web.post("/keep", self.keep),
            web.post("/back", self.back),
            web.post("/reset", self.reset),
        ]

    def _chosen(self, name: str | None) -> list[Tenant]:
        """Return the tenants meant: one by name, or all. Raises HTTPNotFound."""
        if not name:
            return self._tenants
        tenant = self._sign_in.find(name)
        if tenant is None:
            raise web.HTTPNotFound(text=f"no tenant {name}")
        return [tenant]

    async def show_ready(self, request: web.Request) -> web.Response:
        """Return the ready line."""
        return web.json_response(self.ready)

    async def get_state(self, request: web.Request) -> web.Response:
        """Return every object of every tenant (or of ?tenant=), what acts, the parameters, the clock, and the mail side's state."""
        return web.json_response(
            {
                "clock": stamp(self._clock.now()),
                "tenants": {tenant.organization: snapshot.dump(tenant) for tenant in self._chosen(request.query.get("tenant"))},
                **({"mail": await self.mail.show()} if self.mail else {}),
            }
        )

    async def put_state(self, request: web.Request) -> web.Response:
        """Change objects: {tenant, noun, objects} replaces, add adds; {tenant, noun, identity, set} changes one, remove removes it."""
        changes = await _json(request)
        said: dict[str, Any] = {}
        for change in changes if isinstance(changes, list) else [changes]:
            if self.mail is not None and self.mail.concerns(change):
                try:
                    said.update(await self.mail.change(change))
                except (KeyError, ValueError, TypeError) as error:
                    raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error
                continue
            for tenant in self._chosen(change.get("tenant")):
                try:
                    snapshot.change(tenant, change)
                except (KeyError, ValueError) as error:
                    raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error
        return web.json_response(said)

    async def get_calls(self, request: web.Request) -> web.Response:
        """Return the calls; the query filters."""
        return web.json_response(self._journal.select(dict(request.query)))

    async def clear_calls(self, request: web.Request) -> web.Response:
        """Forget the calls so far."""
        self._journal.clear()
        return web.json_response({})

    async def get_tokens(self, request: web.Request) -> web.Response:
        """Return the tokens issued, oldest first (without the tokens themselves)."""
        return web.json_response(self._mint.issued)

    async def make_token(self, request: web.Request) -> web.Response:
        """Issue a token outside the token endpoint: {tenant, client_id?}; the Azure command line stands on it."""
        wanted = await _json(request)
        tenant = self._chosen(wanted.get("tenant"))[0]
        client_id = str(wanted.get("client_id") or tenant.clients[0].client_id)
        return web.json_response(self._mint.issue(tenant, client_id, "azure_cli", "azure_cli"))

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """Make all tokens invalid."""
        self._mint.revoke()
        return web.json_response({})

    async def get_messages(self, request: web.Request) -> web.Response:
        """Return the account of all messages; none without mail."""
        return await self.mail.messages(request) if self.mail is not None else web.json_response([])

    async def get_faults(self, request: web.Request) -> web.Response:
        """Return the faults with their counts and held calls."""
        return web.json_response([rule.dump() for rule in self._faults.rules])

    async def put_faults(self, request: web.Request) -> web.Response:
        """Replace all faults."""
        try:
            self._faults.replace(await _json(request))
        except (ValueError, AttributeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response([rule.dump() for rule in self._faults.rules])

    async def release(self, request: web.Request) -> web.Response:
        """Let held calls go: {id?, then: continue | drop}."""
        wanted = await _json(request)
        return web.json_response({"released": self._faults.free(wanted.get("id"), str(wanted.get("then", "continue")))})

    async def get_clock(self, request: web.Request) -> web.Response:
        """Return the sandbox's time and pace."""
        return web.json_response({"now": stamp(self._clock.now()), "rate": self._clock.rate})

    async def put_clock(self, request: web.Request) -> web.Response:
        """Change the clock: {set: ISO time}, {advance: seconds}, {rate: seconds a second}."""
        wanted = await _json(request)
        if "set" in wanted:
            self._clock.set(parse(str(wanted["set"])))
        if "advance" in wanted:
            self._clock.advance(float(wanted["advance"]))
        if "rate" in wanted:
            self._clock.run(float(wanted["rate"]))
        return await self.get_clock(request)

    async def get_parameters(self, request: web.Request) -> web.Response:
        """Return each tenant's parameters."""
        return web.json_response({tenant.organization: tenant.parameters.dump() for tenant in self._chosen(request.query.get("tenant"))})

    async def put_parameters(self, request: web.Request) -> web.Response:
        """Change parameters of all tenants, or of {tenant}."""
        wanted = dict(await _json(request))
        for tenant in self._chosen(wanted.pop("tenant", None)):
            try:
                tenant.parameters.update(wanted)
            except (KeyError, TypeError) as error:
                raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error
        return web.json_response({})

    async def put_results(self, request: web.Request) -> web.Response:
        """Set what a cmdlet answers: {tenant?, cmdlet, rows}; rows null takes it back."""
        wanted = await _json(request)
        for tenant in self._chosen(wanted.get("tenant")):
            tenant.results.pop(str(wanted["cmdlet"]).lower(), None)
            if wanted.get("rows") is not None:
                tenant.results[str(wanted["cmdlet"]).lower()] = list(wanted["rows"])
        return web.json_response({})

    async def drop_pages(self, request: web.Request) -> web.Response:
        """Make every page link stale."""
        self._api.pages.forget()
        return web.json_response({})

    async def keep(self, request: web.Request) -> web.Response:
        """Keep all objects as they are now, to come back to them."""
        for tenant in self._tenants:
            tenant.keep()
        if self.mail is not None:
            await self.mail.keep()
        return web.json_response({})

    async def back(self, request: web.Request) -> web.Response:
        """Back to the objects that were kept; faults and calls are forgotten, the clock goes on."""
        try:
            for tenant in self._tenants:
                tenant.back()
            if self.mail is not None:
                await self.mail.back()
        except LookupError as error:
            raise web.HTTPConflict(text=str(error)) from error
        self._faults.replace([])
        self._journal.clear()
        return web.json_response({})

    async def reset(self, request: web.Request) -> web.Response:
        """Back to the start: objects, parameters, faults, calls, clock. {tenant} resets only that tenant's objects and parameters."""
        wanted = await _json(request) if request.can_read_body else {}
        for tenant in self._chosen(wanted.get("tenant")):
            tenant.reset()
        if not wanted.get("tenant"):
            self._faults.replace([])
            self._journal.clear()
            self._api.pages.forget()
            self._clock.reset()
            if self.mail is not None:
                await self.mail.reset()
        return web.json_response({})


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"no JSON: {error}") from error
