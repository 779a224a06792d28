# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service: discovery, the token endpoint, managed identities."""

from __future__ import annotations

import time
import uuid
from typing import Any

from aiohttp import web

from .assertions import AssertionRefused, verify
from .tenant import Client, Tenant
from .tokens import Mint

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = ("https://outlook.office365.com/.default", "https://ps.compliance.protection.outlook.com/.default")
CLOUD_SCOPES = (
    "https://outlook.office365.us/.default",
    "https://outlook-dod.office365.us/.default",
    "https://partner.outlook.cn/.default",
    "https://outlook.office365.cn/.default",
)


class SignIn:
    """Handlers of the login host. ``find`` returns the tenant of a name or id, or None."""

    def __init__(self, tenants: list[Tenant], mint: Mint) -> None:
        """Serve these tenants."""
        self._tenants = tenants
        self._mint = mint

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the HTTPS site."""
        return [
            web.get("/common/discovery/instance", self.instance),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration),
            web.get("/{tenant}/.well-known/openid-configuration", self.configuration),
            web.post("/{tenant}/oauth2/v2.0/token", self.token),
        ]

    def managed_routes(self) -> list[web.RouteDef]:
        """Return the routes of the plain HTTP site on loopback."""
        return [web.get("/msi/token", self.app_service), web.get("/metadata/identity/oauth2/token", self.metadata)]

    def find(self, name: str) -> Tenant | None:
        """Return the tenant with this id or domain; a domain that two tenants hold names none."""
        wanted = name.lower()
        exact = [tenant for tenant in self._tenants if wanted in (tenant.tenant_id, tenant.organization.lower())]
        found = exact or [tenant for tenant in self._tenants if wanted in tenant.domains()]
        return found[0] if len(found) == 1 else None

    async def instance(self, request: web.Request) -> web.Response:
        """Answer instance discovery: every host is its own authority."""
        host = request.host
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"https://{host}/common/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def configuration(self, request: web.Request) -> web.Response:
        """Answer tenant discovery."""
        name = request.match_info["tenant"]
        tenant = self.find(name)
        if tenant is None:
            return _refusal(
                400,
                "invalid_tenant",
                90002,
                f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
            )
        base = f"https://{request.host}/{tenant.tenant_id}"
        return web.json_response(
            {
                "token_endpoint": f"https://{request.host}/{name}/oauth2/v2.0/token",
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "EU",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """Answer a client-credentials request."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        name, client_id = request.match_info["tenant"], form.get("client_id", "")
        tenant = self.find(name)
        if tenant is None:
            return _refusal(400, "invalid_request", 90002, f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID.")
        client = tenant.client(client_id)
        if client is None:
            return _refusal(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{tenant.organization}'. This can happen if the application has not been installed by the administrator of the "
                "tenant or consented to by any user in the tenant.",
            )
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("scope", "").split(" ")[0] not in (*SCOPES, *CLOUD_SCOPES):
            return _refusal(400, "invalid_scope", 1002012, f"The provided value for scope {form.get('scope')} is not valid.")
        credential, refusal = _credential(form, client, f"https://{request.host}")
        if refusal is not None:
            return refusal
        return web.json_response(self._mint.issue(tenant, client_id, credential, f"https://{request.host}"))

    async def app_service(self, request: web.Request) -> web.Response:
        """Answer an App Service's request for its managed identity."""
        secret = request.headers.get("X-IDENTITY-HEADER", "")
        tenant = next((tenant for tenant in self._tenants if tenant.about.get("identity_header") == secret), None)
        if tenant is None:
            return web.json_response({"statusCode": 401, "message": "The identity header is wrong."}, status=401)
        return self._managed(request, tenant)

    async def metadata(self, request: web.Request) -> web.Response:
        """Answer a virtual machine's request; the client id names the tenant, without one the first tenant answers."""
        if request.headers.get("Metadata", "").lower() != "true":
            return web.json_response(
                {"error": "invalid_request", "error_description": "Required metadata header not specified"}, status=400
            )
        wanted = request.query.get("client_id")
        tenant = next((tenant for tenant in self._tenants if not wanted or tenant.client(wanted)), None)
        if tenant is None:
            return web.json_response({"error": "invalid_request", "error_description": "Identity not found"}, status=400)
        return self._managed(request, tenant)

    def _managed(self, request: web.Request, tenant: Tenant) -> web.Response:
        client_id = request.query.get("client_id") or tenant.clients[0].client_id
        issued = self._mint.issue(tenant, client_id, "managed_identity", "managed")
        lifetime = int(issued["expires_in"])
        return web.json_response(
            {
                "access_token": issued["access_token"],
                "token_type": "Bearer",
                "client_id": client_id,
                "expires_in": str(lifetime),
                "expires_on": str(int(time.time()) + lifetime),
                "resource": request.query.get("resource", ""),
            }
        )


def _credential(form: dict[str, str], client: Client, base: str) -> tuple[str, web.Response | None]:
    """Check the secret or the assertion; return the credential's kind, or the refusal."""
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION:
            return "", _refusal(400, "invalid_request", 900144, "The request body must contain the parameter 'client_assertion_type'.")
        try:
            return verify(form["client_assertion"], client, base), None
        except AssertionRefused as error:
            return "", _refusal(401, "invalid_client", error.code, str(error))
    if "client_secret" not in form:
        return "", _refusal(
            401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        )
    if not client.client_secret or form["client_secret"] != client.client_secret:
        return "", _refusal(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            f"client secret value, not the client secret ID, for a secret added to app '{client.client_id}'.",
        )
    if client.secret_expired:
        return "", _refusal(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client.client_id}' are expired. Visit "
            "the Azure portal to create new keys for your app.",
        )
    return "client_secret", None


def _refusal(status: int, error: str, code: int, text: str) -> web.Response:
    trace, correlation, moment = str(uuid.uuid4()), str(uuid.uuid4()), time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    content: dict[str, Any] = {
        "error": error,
        "error_description": f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}",
        "error_codes": [code],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return web.json_response(content, status=status)
