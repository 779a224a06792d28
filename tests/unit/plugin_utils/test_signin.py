# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by every kind of credential, unmodified azure-identity against the sandbox; refusals in one line with a remedy."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_settings import settings_from
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_signin import TokenSource, claims_of
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.tenant import Sandbox, generate

from .service import TENANT, Answer, Request, Service, rows, token

GET = Cmdlet("Get-OrganizationConfig")
ORGANIZATION = "contoso.onmicrosoft.com"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One tenant."""
    folder = tmp_path_factory.mktemp("tenant") / "contoso"
    generate(folder, users=2, organization=ORGANIZATION)
    with Sandbox([folder]) as sandbox:
        yield sandbox


@pytest.fixture
def options(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Options of the tenant, by client secret; nothing of this machine's environment."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    entry = sandbox.tenants[0]
    taken = ("organization", "endpoint", "authority", "client_id", "client_secret")
    more = {"timeout": 20, "max_attempts": 2, "concurrency": 2, "validate_certs": True, "credential": "client_secret"}
    return {**{name: entry[name] for name in taken}, "ca_cert": sandbox.ready["ca_cert"], **more}


def ask(options: dict[str, Any]) -> Reply | ExchangeError:
    with closing(RestTransport(options, sleep=lambda _seconds: None)) as transport:
        (result,) = transport.call_many([GET])
    return result


def works(options: dict[str, Any], sandbox: Sandbox) -> str:
    """The kind of credential that the service saw."""
    before = len(sandbox.control("GET", "/tokens"))
    assert isinstance(ask(options), Reply)
    (issued,) = sandbox.control("GET", "/tokens")[before:]
    return str(issued["credential"])


def refusal(options: dict[str, Any]) -> ExchangeError:
    result = ask(options)
    assert isinstance(result, ExchangeError)
    assert "\n" not in str(result)
    assert str(options.get("client_secret") or "never") not in str(result)
    return result


def test_client_secret(options: dict[str, Any], sandbox: Sandbox) -> None:
    assert works(options, sandbox) == "client_secret"


def test_the_tenants_id_names_it_as_well(options: dict[str, Any], sandbox: Sandbox) -> None:
    assert works({**options, "organization": sandbox.tenants[0]["tenant_id"]}, sandbox) == "client_secret"


def test_certificate(options: dict[str, Any], sandbox: Sandbox) -> None:
    path = sandbox.tenants[0]["certificate_path"]
    assert works({**options, "credential": "certificate", "certificate_path": path, "client_secret": None}, sandbox) == "certificate"


def test_workload_identity(options: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", sandbox.tenants[0]["federated_token_file"])
    found = works({**options, "credential": "workload_identity", "client_secret": None}, sandbox)
    assert found in {"workload_identity", "federated", "federated_token"}


def test_managed_identity(options: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = sandbox.tenants[0]
    monkeypatch.setenv("IDENTITY_ENDPOINT", entry["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", entry["identity_header"])
    assert works({**options, "credential": "managed_identity", "client_secret": None}, sandbox) == "managed_identity"


def test_azure_cli(options: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Path(__file__).resolve().parents[2] / "sandbox" / "bin"
    monkeypatch.setenv("PATH", f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("SANDBOX_CONTROL", sandbox.ready["control"])
    assert works({**options, "credential": "azure_cli", "client_secret": None}, sandbox) == "azure_cli"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_authorities_do_not_replace_the_option(
    options: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, sandbox.tenants[0]["certificate_path"])
    assert works(options, sandbox) == "client_secret"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"client_secret": "another-made-up-secret"}, "AADSTS7000215", "ansible_exchange_client_secret"),
        ({"client_id": "99999999-9999-9999-9999-999999999999"}, "AADSTS700016", "ansible_exchange_client_id"),
        ({"organization": "unknown.example"}, "", "unknown.example"),
    ],
)
def test_a_refused_sign_in(options: dict[str, Any], change: dict[str, Any], code: str, words: str) -> None:
    error = refusal({**options, **change})
    assert (error.kind, error.cmdlet) == ("unauthorised", "Get-OrganizationConfig")
    assert code in error.error_id
    assert words in str(error)
    assert "Trace ID" not in str(error)


def test_an_expired_certificate_says_when(options: dict[str, Any], sandbox: Sandbox) -> None:
    path = sandbox.tenants[0]["expired_certificate_path"]
    error = refusal({**options, "credential": "certificate", "certificate_path": path})
    assert error.kind == "unauthorised"
    assert f"The certificate {path} expired on 20" in error.text
    assert "Upload" in error.remedy or "clock" in error.remedy


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_a_certificate_that_cannot_be_read(options: dict[str, Any], tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "application.pem"
    if content is not None:
        path.write_text(content)
    error = refusal({**options, "credential": "certificate", "certificate_path": str(path)})
    assert error.kind == "unauthorised"
    assert str(path) in error.text
    assert "PKCS12" in error.remedy


@pytest.mark.parametrize(("locked", "password"), [(True, ""), (True, "wrong"), (False, "needless")])
def test_a_certificates_password_that_does_not_fit_is_told_as_that(
    options: dict[str, Any], sandbox: Sandbox, tmp_path: Path, locked: bool, password: str
) -> None:
    text = Path(sandbox.tenants[0]["certificate_path"]).read_bytes()
    key = serialization.load_pem_private_key(text, None)
    how = serialization.BestAvailableEncryption(b"right") if locked else serialization.NoEncryption()
    certificate = x509.load_pem_x509_certificate(text).public_bytes(serialization.Encoding.PEM)
    path = tmp_path / "application.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how) + certificate)
    given = {**options, "credential": "certificate", "certificate_path": str(path), "certificate_password": password}
    error = refusal(given)
    assert (error.kind, error.uncertain) == ("unauthorised", False)
    assert str(path) in error.text
    assert "assword" in error.text + error.remedy


@pytest.mark.parametrize(
    ("credential", "word"),
    [("azure_cli", "az login"), ("workload_identity", "AZURE_FEDERATED_TOKEN_FILE"), ("managed_identity", "managed identity")],
)
def test_a_credential_that_is_not_there(
    options: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, credential: str, word: str
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.tenants[0]["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", "a-wrong-header")
    error = refusal({**options, "credential": credential, "client_secret": None})
    assert error.kind == "unauthorised"
    assert word in str(error)


@pytest.mark.parametrize(
    ("authority", "word"), [("https://127.0.0.1:9", "Connection refused"), ("https://nowhere.invalid", "nowhere.invalid")]
)
def test_an_unreachable_sign_in(options: dict[str, Any], authority: str, word: str) -> None:
    error = refusal({**options, "authority": authority})
    assert error.kind == "unavailable"
    assert word in error.text
    assert "ansible_exchange_proxy" in error.remedy


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_sign_in_service_that_is_out_of_order_is_no_refusal(tmp_path: Path, status: int) -> None:
    with Service(lambda _request: rows(), tmp_path, sign_in=lambda _request: Answer(status, body="<html>busy</html>")) as service:
        error = ask({**service.options(max_attempts=1), "credential": "client_secret"})
    assert isinstance(error, ExchangeError)
    assert error.kind == "unavailable", error
    assert str(status) in str(error)
    assert "secret" not in error.remedy


def test_a_strange_authority_of_certificates(options: dict[str, Any], sandbox: Sandbox) -> None:
    error = refusal({**options, "ca_cert": sandbox.tenants[0]["certificate_path"]})
    assert error.kind == "unavailable"
    assert "certificate" in error.text
    assert "ansible_exchange_ca_cert" in error.remedy


def test_a_token_of_another_tenant_is_not_used(sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    entry = sandbox.tenants[0]
    monkeypatch.setenv("IDENTITY_ENDPOINT", entry["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", entry["identity_header"])
    before = len(sandbox.calls())
    error = refusal({**options, "credential": "managed_identity", "organization": TENANT})
    assert entry["tenant_id"] in error.text
    assert len(sandbox.calls()) == before


def test_no_role(options: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.control("PUT", "/parameters", {"role": "none"})
    try:
        error = refusal(options)
    finally:
        sandbox.reset()
    assert error.kind in {"unauthorised", "forbidden"}
    assert "Exchange.ManageAsApp" in str(error)


def test_a_revoked_token_is_renewed(options: dict[str, Any], sandbox: Sandbox) -> None:
    with closing(RestTransport(options)) as transport:
        assert isinstance(transport.call_many([GET])[0], Reply)
        sandbox.control("DELETE", "/tokens")
        assert isinstance(transport.call_many([GET])[0], Reply)


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    lifetimes = [200, 3600]

    def sign_in(_request: Request) -> Answer:
        seconds = lifetimes.pop(0)
        return Answer(body={"access_token": token(serial=seconds), "expires_in": seconds, "token_type": "Bearer"})

    with Service(lambda _request: rows(), tmp_path, sign_in) as service:
        source = TokenSource(settings_from(service.options()))
        first, second, third = source.token(), source.token(), source.token()
    assert first.value != second.value == third.value
    assert second.ends > time.time() + 3000


def test_a_persons_token_is_anchored_as_a_persons(tmp_path: Path) -> None:
    def sign_in(_request: Request) -> Answer:
        return Answer(body={"access_token": token(scp="Exchange.Manage"), "expires_in": 3600, "token_type": "Bearer"})

    with Service(lambda _request: rows(), tmp_path, sign_in) as service:
        with closing(RestTransport(service.options(organization="contoso.example"))) as transport:
            transport.call_many([GET])
        assert service.requests[0].headers["x-anchormailbox"].startswith("UPN:SystemMailbox{")
        assert service.requests[0].headers["x-anchormailbox"].endswith("@contoso.example")


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a.!!!.c", "a.W10.c"])
def test_an_unreadable_token_has_no_claims(text: str) -> None:
    assert claims_of(text) == {}
