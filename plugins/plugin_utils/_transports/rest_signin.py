# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Tokens by azure-identity: every kind of credential, one token per session, refusals in one line with a remedy."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import ExchangeError, TimedOut, Unauthorised, Unavailable

from .rest_http import CONNECT_SECONDS, missing, proxies_for, reason, verification
from .rest_settings import Settings

if TYPE_CHECKING:
    from azure.identity import (
        AzureCliCredential,
        CertificateCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    Credential = (
        AzureCliCredential | CertificateCredential | ClientSecretCredential | ManagedIdentityCredential | WorkloadIdentityCredential
    )

# A token is renewed this many seconds before it ends.
MARGIN = 300

REMEDIES = {
    "AADSTS7000215": "Set ansible_exchange_client_secret to the value (not the id) of a secret of this very application.",
    "AADSTS7000222": "The client secret has expired: make a new one and set ansible_exchange_client_secret to its value.",
    "AADSTS700016": "Check ansible_exchange_client_id, and that the application is registered in, or consented to by, this organization.",
    "AADSTS90002": "Check ansible_exchange_organization (tenant id or verified domain) and ansible_exchange_cloud.",
    "AADSTS900023": "Check ansible_exchange_organization: it must be a tenant id or a verified domain.",
    "AADSTS700027": "Upload the certificate's public half to the application, and check that it has not expired.",
    "AADSTS700024": "Check this machine's clock, and that the certificate or federated token has not expired.",
    "AADSTS7000218": "Set ansible_exchange_client_secret, or choose another ansible_exchange_credential.",
    "AADSTS70021": "Check the application's federated credential: issuer, subject and audience must be those of the token file.",
    "AADSTS500011": "Give the application the permission Exchange.ManageAsApp of 'Office 365 Exchange Online'.",
    "AADSTS53003": "A Conditional Access policy blocks this sign-in: exclude the application or run from an allowed address.",
}
UNKNOWN = "Check the credential options of the host, then the organization's sign-in log."


@dataclass(frozen=True)
class Token:
    """An access token. ends: seconds since 1970. tenant: of the claims, empty when unreadable. delegated: it acts for a person."""

    value: str
    ends: float
    tenant: str
    delegated: bool


class TokenSource:
    """The session's one token, renewed when it is about to end or when the service refused it. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._token: Token | None = None

    def token(self, refused: str = "") -> Token:
        """A token other than the refused one; raises the typed error of a sign-in that failed."""
        with self._lock:
            token = self._token
            if token is None or token.value == refused or token.ends - MARGIN < time.time():
                token = self._token = self._fresh()
            return token

    def _fresh(self) -> Token:
        """Sign in with a new credential object, because an old one would answer from its cache."""
        try:
            from azure.core.exceptions import AzureError  # here, because the import takes longer than many a task
        except ImportError as error:
            raise missing(str(error)) from error
        settings = self._settings
        try:
            with make_credential(settings) as credential:
                answer = credential.get_token(settings.scope)
        except (AzureError, ValueError, TypeError, OSError) as error:
            raise refusal(settings, error) from error
        claims = claims_of(answer.token)
        tenant = str(claims.get("tid") or "")
        if tenant and is_guid(settings.organization) and tenant.casefold() != settings.organization.casefold():
            raise Unauthorised(
                f"the credential {settings.credential} belongs to the organization {tenant}, not to {settings.organization}.",
                remedy="Set ansible_exchange_organization to the credential's own, or choose another credential.",
            )
        return Token(answer.token, float(answer.expires_on), tenant, "scp" in claims)


def make_credential(settings: Settings) -> Credential:
    """The azure-identity credential of the options."""
    from azure import identity  # here, because the import takes longer than many a task

    tenant, kind = settings.organization, settings.credential
    if kind == "azure_cli":
        return identity.AzureCliCredential(tenant_id=tenant, process_timeout=int(min(settings.timeout, 60)))
    common = _pipeline(settings)
    if kind == "managed_identity":
        return identity.ManagedIdentityCredential(client_id=settings.client_id or None, **common)
    common["proxies"] = proxies_for(settings, settings.authority)
    common["authority"] = settings.authority
    # An authority of one's own is unknown to the public discovery, which need not be reachable either.
    common["disable_instance_discovery"] = settings.own_authority
    if kind == "certificate":
        password = settings.certificate_password or None
        return identity.CertificateCredential(tenant, settings.client_id, settings.certificate_path, password=password, **common)
    if kind == "workload_identity":
        return identity.WorkloadIdentityCredential(tenant_id=tenant, client_id=settings.client_id or None, **common)
    return identity.ClientSecretCredential(tenant, settings.client_id, settings.client_secret, **common)


def _pipeline(settings: Settings) -> dict[str, Any]:
    """What every sign-in over the network shares; environment settings stay out, so that they cannot replace the trust."""
    return {
        "use_env_settings": False,
        "connection_verify": verification(settings),
        "connection_timeout": min(CONNECT_SECONDS, settings.timeout),
        "read_timeout": min(60.0, settings.timeout),
        "retry_total": min(settings.max_attempts, 4) - 1,
        "retry_backoff_factor": 0.5,
        "retry_backoff_max": 8,
        "timeout": settings.timeout,
    }


def claims_of(token: str) -> dict[str, Any]:
    """The claims inside a token; empty when it is not of a readable form, which the service alone must judge."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


def is_guid(text: str) -> bool:
    """True for a tenant's id."""
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def refusal(settings: Settings, error: Exception) -> ExchangeError:
    """The typed error of a sign-in that failed: one line, with the code that its service gave."""
    unreached = _unreached(settings, error)
    if unreached is not None:
        return unreached
    if settings.credential == "certificate" and isinstance(error, (OSError, ValueError, TypeError)):
        return Unauthorised(
            f"the certificate {settings.certificate_path} cannot be used: {_first(str(error))}",
            remedy="Set ansible_exchange_certificate_path to a PEM or PKCS12 file that holds the certificate and its RSA key, "
            "and ansible_exchange_certificate_password to its password.",
        )
    status = _status(error)
    message = str(error)
    found = re.search(r"AADSTS\d+", message)
    code = found.group(0) if found else ""
    if not code and (status == 429 or status >= 500):
        text = f"{settings.login_host} answered {status} to the sign-in {_who(settings)}: it is out of order or asked too often."
        return Unavailable(text, remedy="Run again in some minutes.")
    ended = _expiry(settings) if settings.credential == "certificate" and code in {"AADSTS700027", "AADSTS700024"} else ""
    return Unauthorised(
        f"the sign-in {_who(settings)} was refused: {_first(message[found.start() :] if found else message)}{ended}",
        error_id=code,
        remedy=REMEDIES.get(code) or _remedy_of_kind(settings),
    )


def _status(error: BaseException | None) -> int:
    """The status of the sign-in service's answer; 0 where nothing shows one. An answer that is no JSON hides behind a refusal."""
    while error is not None:
        found = getattr(getattr(error, "response", None), "status_code", None)
        if found:
            return int(found)
        error = error.__cause__ or error.__context__
    return 0


def _unreached(settings: Settings, error: BaseException | None) -> ExchangeError | None:
    """The error when the sign-in service gave no answer at all; azure-identity hides that inside a refusal."""
    from azure.core.exceptions import (
        ServiceRequestError,
        ServiceRequestTimeoutError,
        ServiceResponseError,
        ServiceResponseTimeoutError,
    )

    cause = error
    while cause is not None:
        if isinstance(cause, (ServiceRequestTimeoutError, ServiceResponseTimeoutError)):
            return TimedOut(
                f"{settings.login_host} did not answer{settings.through} the sign-in {_who(settings)}.", remedy=_reach(settings)
            )
        if isinstance(cause, (ServiceRequestError, ServiceResponseError)) or (
            isinstance(cause, OSError) and settings.credential == "client_secret"
        ):
            text = f"the sign-in {_who(settings)} could not reach {settings.login_host}{settings.through}: {reason(cause).rstrip('.')}."
            return Unavailable(text, remedy=_reach(settings))
        cause = cause.__cause__
    return None


def _who(settings: Settings) -> str:
    application = f"of application {settings.client_id} " if settings.client_id else ""
    return f"{application}to {settings.organization} by {settings.credential}"


def _reach(settings: Settings) -> str:
    return f"Check that https://{settings.login_host} is reachable from here, ansible_exchange_proxy and ansible_exchange_ca_cert."


def _remedy_of_kind(settings: Settings) -> str:
    return {
        "managed_identity": "Run where a managed identity is assigned, and name a user-assigned one by ansible_exchange_client_id.",
        "workload_identity": "Set AZURE_FEDERATED_TOKEN_FILE in the environment of ansible-playbook, and ansible_exchange_client_id.",
        "azure_cli": "Install the Azure CLI and run 'az login' as the user that runs ansible-playbook.",
    }.get(settings.credential, UNKNOWN)


def _first(message: str) -> str:
    """The reason without the trace that the sign-in service appends."""
    line = " ".join(message.split()).removeprefix("Authentication failed: ")
    line = re.sub(r" See the troubleshooting guide for more information: \S+", "", line)
    return re.split(r" (?=Trace ID:|Correlation ID:|Content: \{|To mitigate this issue)", line)[0].rstrip(". ") + "."


def _expiry(settings: Settings) -> str:
    """When the certificate ended, if that is what is wrong with it."""
    from datetime import datetime, timezone
    from pathlib import Path

    from azure.identity._credentials.certificate import get_client_credential
    from cryptography import x509

    try:
        held = get_client_credential(settings.certificate_path, password=settings.certificate_password or None)
        begin = str(held["private_key"]).index("-----BEGIN CERTIFICATE-----")
        certificate = x509.load_pem_x509_certificate(str(held["private_key"])[begin:].encode())
    except (ValueError, TypeError, OSError):
        return ""
    end = certificate.not_valid_after_utc
    if end > datetime.now(timezone.utc):
        return ""
    return f" The certificate {Path(settings.certificate_path)} expired on {end:%Y-%m-%d}."
