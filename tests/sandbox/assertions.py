# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client assertions: signed by a registered certificate that has not expired, or the federated token itself."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .tenant import Client


class AssertionRefused(Exception):
    """A refused assertion and its AADSTS code."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the code."""
        self.code = code
        super().__init__(text)


@lru_cache(maxsize=256)
def certificate(path: Path) -> x509.Certificate:
    """Read the certificate of a PEM file that may also hold its key."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def verify(assertion: str, client: Client, base: str) -> str:
    """Return the credential's kind. Raises AssertionRefused. ``base`` is the authority's URL."""
    if client.federated_token and assertion == client.federated_token:
        return "workload_identity"
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError as error:
        raise AssertionRefused(50027, f"JWT token is invalid or malformed. {error}") from error
    found = next((entry for entry in map(certificate, client.certificates) if _answers(entry, header)), None)
    if found is None:
        raise AssertionRefused(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application. "
            f"[Reason - The key was not found., Please visit the Azure Portal for app '{client.client_id}'.]",
        )
    print_ = found.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the service names certificates by their SHA-1 thumbprint
    if found.not_valid_after_utc < datetime.now(timezone.utc):
        raise AssertionRefused(
            700027,
            "The certificate with identifier used to sign the client assertion is expired on application. "
            f"[Reason - The key used is expired., Thumbprint of key used by client: '{print_}', "
            f"Found key 'Start={found.not_valid_before_utc:%m/%d/%Y}, End={found.not_valid_after_utc:%m/%d/%Y}'.]",
        )
    _check(assertion, found, client, base)
    return "certificate"


def _answers(entry: x509.Certificate, header: dict[str, Any]) -> bool:
    prints = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303 - x5t is a SHA-1 thumbprint by its standard
    return any(
        header.get(name, "").rstrip("=") == base64.urlsafe_b64encode(entry.fingerprint(kind)).decode().rstrip("=")
        for name, kind in prints.items()
        if header.get(name)
    )


def _check(assertion: str, entry: x509.Certificate, client: Client, base: str) -> None:
    public: Any = entry.public_key()
    try:
        claims = jwt.decode(
            assertion, public, algorithms=["RS256", "PS256"], options={"verify_aud": False, "require": ["exp", "aud", "jti"]}
        )
    except jwt.PyJWTError as error:
        raise AssertionRefused(700027, f"Client assertion failed signature validation. [Reason - {error}]") from error
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise AssertionRefused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    if not str(claims["aud"]).startswith(base):
        raise AssertionRefused(700023, f"Client assertion audience claim does not match the authority. Audience: '{claims['aud']}'.")
