# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens: issued for one tenant and one client, signed, checked, revocable. Real time, as TLS."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt

from .tenant import Tenant

AUDIENCE = "https://outlook.office365.com"


@dataclass(frozen=True)
class Token:
    """A checked token."""

    id: str
    tenant_id: str
    client_id: str
    roles: tuple[str, ...]


class TokenError(Exception):
    """A token that the API refuses; the text says why."""


class Mint:
    """Issues and checks tokens; remembers what it issued."""

    def __init__(self) -> None:
        """Start with a new signing key."""
        self._key = secrets.token_bytes(32)
        self._revoked: set[str] = set()
        self.issued: list[dict[str, Any]] = []

    def issue(self, tenant: Tenant, client_id: str, credential: str, authority: str) -> dict[str, Any]:
        """Return the token endpoint's answer."""
        lifetime = int(tenant.parameters.token_lifetime)
        now = int(time.time())
        identifier = str(uuid.uuid4())
        roles = [] if tenant.parameters.role == "none" else ["Exchange.ManageAsApp"]
        claims = {
            "aud": AUDIENCE,
            "iss": f"{authority}/{tenant.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "uti": identifier,
            "tid": tenant.tenant_id,
            "appid": client_id,
            "roles": roles,
        }
        self.issued.append(
            {
                "id": identifier,
                "tenant": tenant.organization,
                "client_id": client_id,
                "credential": credential,
                "authority": authority,
                "issued": now,
                "expires": now + lifetime,
            }
        )
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": jwt.encode(claims, self._key, algorithm="HS256"),
        }

    def check(self, header: str) -> Token:
        """Check an Authorization header. Raises TokenError."""
        scheme, _unused, text = header.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise TokenError("No bearer token was given.")
        try:
            claims = jwt.decode(text.strip(), self._key, algorithms=["HS256"], audience=AUDIENCE)
        except jwt.PyJWTError as error:
            raise TokenError(f"The token is invalid: {error}.") from error
        if claims["uti"] in self._revoked:
            raise TokenError("The token was revoked.")
        return Token(claims["uti"], claims["tid"], claims["appid"], tuple(claims["roles"]))

    def revoke(self) -> None:
        """Make every token issued so far invalid."""
        self._revoked.update(entry["id"] for entry in self.issued)
