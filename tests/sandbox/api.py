# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin REST API: InvokeCommand, $batch and page links over HTTP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from aiohttp import web

from .clock import Clock, stamp
from .errors import ServiceError, body
from .faults import Faults
from .journal import Journal
from .nouns import NOUNS
from .pages import Pages, page_size
from .service import Forbidden, run, writes
from .signin import SignIn
from .tenant import Tenant
from .tokens import Mint, Token, TokenError
from .wire import JSON_TYPE, Answer, envelope, forbidden, headers, preferences, too_many, unauthorised

BATCH_LIMIT = 10
MORE = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."


@dataclass
class Ask:
    """One request for a cmdlet, alone or in a batch."""

    tenant: Tenant
    token: Token
    base: str
    name: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    batch: str = ""


class Api:
    """Handlers of the API host."""

    def __init__(self, sign_in: SignIn, mint: Mint, clock: Clock, faults: Faults, journal: Journal) -> None:
        """Keep the parts that a request needs."""
        self._sign_in, self._mint, self._clock, self._faults, self._journal = sign_in, mint, clock, faults, journal
        self.pages = Pages()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the HTTPS site."""
        path = "/{api:(?i:adminapi)}/{version}/{tenant}/"
        return [web.get(path + "EXOModuleFile", self.module_file), web.post(path + "{endpoint}", self.handle)]

    async def module_file(self, request: web.Request) -> web.Response:
        """Answer with the cmdlets that the caller may use."""
        tenant = self._sign_in.find(request.match_info["tenant"])
        token = self._token(request.headers.get("Authorization", ""), tenant)
        if isinstance(token, Answer) or tenant is None:
            return self._respond(request, token if isinstance(token, Answer) else unauthorised("No such tenant."))
        refused = {name.lower() for name in tenant.parameters.forbidden_cmdlets}
        names = [f"{verb}-{noun.name}" for noun in NOUNS.values() for verb in noun.verbs.split()]
        allowed = ",".join(sorted(name for name in names if name.lower() not in refused))
        return self._respond(request, Answer(200, {"value": [{"exportedCmdlets": allowed}]}))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        version, endpoint = request.match_info["version"], request.match_info["endpoint"]
        answer = Answer(404, raw=b"")
        if version in ("beta", "v1.0") and endpoint in ("InvokeCommand", "$batch"):
            answer = await self._checked(request, endpoint)
        if answer.drop:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError
        return self._respond(request, answer)

    def _respond(self, request: web.Request, answer: Answer) -> web.Response:
        status = answer.status
        known = {**headers(self._clock, status=status), **answer.headers}
        if answer.content is not None:
            known.setdefault("Content-Type", JSON_TYPE)
        response = web.Response(status=status, body=answer.encoded(), headers=known)
        if "gzip" in request.headers.get("Accept-Encoding", "") and answer.content is not None:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _checked(self, request: web.Request, endpoint: str) -> Answer:
        """Check the token, the tenant and the body; then run."""
        name = request.match_info["tenant"]
        tenant = self._sign_in.find(name)
        token = self._token(request.headers.get("Authorization", ""), tenant)
        if isinstance(token, Answer) or tenant is None:
            return token if isinstance(token, Answer) else unauthorised("No such tenant.")
        try:
            content = json.loads(await request.read() or b"null")
        except ValueError:
            return self._refuse(tenant, ServiceError("bad_request", reason="The request body is no JSON."))
        base = f"https://{request.host}/adminapi/{request.match_info['version']}"
        ask = Ask(tenant, token, base, name, parse_qs(request.rel_url.raw_query_string), _folded(dict(request.headers)), content)
        tenant.in_flight += 1
        try:
            if tenant.parameters.max_concurrency and tenant.in_flight > tenant.parameters.max_concurrency:
                return too_many(tenant.parameters.concurrency_status)
            if tenant.parameters.latency:
                await asyncio.sleep(tenant.parameters.latency)
            return await (self._batch(ask) if endpoint == "$batch" else self._one(ask))
        finally:
            tenant.in_flight -= 1

    def _token(self, header: str, tenant: Tenant | None) -> Token | Answer:
        """Check a token against the tenant of the request; return it, or the refusal."""
        try:
            token = self._mint.check(header)
        except TokenError as error:
            return unauthorised(str(error))
        if tenant is None or token.tenant_id != tenant.tenant_id:
            return unauthorised("The token's tenant is not the tenant of the request.")
        if "Exchange.ManageAsApp" not in token.roles or tenant.parameters.role == "none":
            return unauthorised("The token holds no role for Exchange.")
        return token

    async def _batch(self, ask: Ask) -> Answer:
        items = ask.body.get("requests") if isinstance(ask.body, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            return self._refuse(ask.tenant, ServiceError("bad_request", reason="The batch holds no list of requests."))
        if not 1 <= len(items) <= BATCH_LIMIT:
            return self._refuse(
                ask.tenant, ServiceError("bad_request", reason=f"A batch holds 1 to {BATCH_LIMIT} requests, not {len(items)}.")
            )
        identifiers = [str(item.get("id", "")) for item in items]
        if "" in identifiers or len(set(identifiers)) < len(identifiers):
            return self._refuse(ask.tenant, ServiceError("bad_request", reason="Every request of a batch needs an id of its own."))
        responses: list[dict[str, Any]] = []
        failed = False
        for item in items:
            parts = _folded({str(key): str(value) for key, value in (item.get("headers") or {}).items()})
            wanted = preferences(ask.headers.get("prefer", ""), parts.get("prefer", ""))
            if failed and "odata.continue-on-error" not in wanted:
                responses.append({"id": item["id"], "status": 424, "body": None})
                continue
            answer = await self._item(ask, item, parts)
            if answer.drop:
                return answer
            failed = failed or answer.status >= 400
            shown = answer.content if answer.raw is None else answer.raw.decode()
            responses.append(
                {
                    "id": item["id"],
                    "status": answer.status,
                    "headers": {**headers(self._clock, status=answer.status), **answer.headers},
                    "body": shown,
                }
            )
        return Answer(200, {"responses": responses})

    async def _item(self, ask: Ask, item: dict[str, Any], parts: dict[str, str]) -> Answer:
        """Run one request of a batch; it may carry a token and an anchor of its own."""
        url = urlsplit(str(item.get("url", "")))
        path = [part for part in url.path.split("/") if part]
        tenant = self._sign_in.find(path[-2]) if len(path) >= 2 and path[-1] == "InvokeCommand" else None
        if str(item.get("method", "")).upper() != "POST" or tenant is not ask.tenant:
            return self._refuse(
                ask.tenant, ServiceError("bad_request", reason="A request of a batch must POST to InvokeCommand of its tenant.")
            )
        token: Token | Answer = self._token(parts["authorization"], ask.tenant) if "authorization" in parts else ask.token
        if isinstance(token, Answer):
            return token
        merged = {**{key: value for key, value in ask.headers.items() if key != "prefer"}, **parts}
        merged["prefer"] = ", ".join(text for text in (ask.headers.get("prefer", ""), parts.get("prefer", "")) if text)
        return await self._one(Ask(ask.tenant, token, ask.base, ask.name, parse_qs(url.query), merged, item.get("body"), str(item["id"])))

    async def _one(self, ask: Ask) -> Answer:
        """Run one cmdlet, with the faults before and after it."""
        asked = ask.body.get("CmdletInput") if isinstance(ask.body, dict) else None
        if not isinstance(asked, dict) or not isinstance(asked.get("CmdletName"), str) or not isinstance(asked.get("Parameters", {}), dict):
            return self._refuse(ask.tenant, ServiceError("bad_request", reason="The body holds no valid CmdletInput."))
        cmdlet, given = asked["CmdletName"], asked.get("Parameters", {})
        note = self._journal.note(
            {
                "tenant": ask.tenant.organization,
                "cmdlet": cmdlet,
                "parameters": given,
                "write": writes(cmdlet),
                "status": None,
                "applied": False,
                "client_id": ask.token.client_id,
                "token_id": ask.token.id,
                "batch": ask.batch,
                "page": "$skiptoken" in ask.query,
                "request_id": ask.headers.get("client-request-id", ""),
                "connection_id": ask.headers.get("connection-id", ""),
                "anchor": ask.headers.get("x-anchormailbox", ""),
                "time": stamp(self._clock.now()),
            }
        )
        answer = await self._faults.apply("before", note)
        if answer is None:
            answer = self._execute(ask, cmdlet, given, note)
            answer = await self._faults.apply("after", note) or answer
        note["status"] = "dropped" if answer.drop else answer.status
        return answer

    def _execute(self, ask: Ask, cmdlet: str, given: dict[str, Any], note: dict[str, Any]) -> Answer:
        tenant = ask.tenant
        wanted = preferences(ask.headers.get("prefer", ""))
        size, anchor = page_size(wanted.get("odata.maxpagesize", "")), ask.headers.get("x-anchormailbox", "")
        try:
            if "$skiptoken" in ask.query:
                page, token = self.pages.next(tenant, ask.query["$skiptoken"][0], size, ask.body, anchor)
                warnings: list[str] = []
            else:
                outcome = run(tenant, cmdlet, given, ask.token.client_id)
                note["applied"], warnings = outcome.changed, outcome.warnings
                page, token = self.pages.split(tenant, _selected(outcome.rows, ask.query), size, ask.body, anchor)
        except Forbidden as error:
            note["unknown"] = error.unknown
            note["error"] = "forbidden"
            return forbidden(tenant.parameters.forbidden_diagnostics)
        except ServiceError as error:
            note["error"] = error.kind
            return self._refuse(tenant, error)
        if tenant.parameters.empty_body and not page:
            return Answer(200, raw=b"")
        link = ""
        if token:
            select = f"$select={quote(ask.query['$select'][0])}&" if "$select" in ask.query else ""
            link = f"{ask.base}/{ask.name}/InvokeCommand?{select}$skiptoken={token}"
            warnings = [*warnings, MORE]
        return Answer(200, envelope(ask.base, tenant.tenant_id, page, warnings, link))

    @staticmethod
    def _refuse(tenant: Tenant, error: ServiceError) -> Answer:
        known = tenant.parameters
        form = "full" if known.error_ids else "idless"
        if error.kind == "parameter_set" and known.parameter_set_form == "bare":
            form = "bare"
        return Answer(
            error.status, body(error, culture=known.culture, form=form), headers={} if form == "bare" else {"X-ExceptionType": error.type}
        )


def _folded(values: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in values.items()}


def _selected(rows: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    if "$select" not in query:
        return rows
    wanted = {name.strip().lower() for name in query["$select"][0].split(",")}
    return [{key: value for key, value in row.items() if key.lower() in wanted} for row in rows]
