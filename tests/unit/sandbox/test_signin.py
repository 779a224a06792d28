# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in: an unmodified azure-identity against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from sandbox import Sandbox

SCOPE = "https://outlook.office365.com/.default"
BIN = Path(__file__).resolve().parents[2] / "sandbox" / "bin"


def options(sandbox: Sandbox, authority: str = "") -> dict[str, Any]:
    """What points azure-identity at the sandbox."""
    return {
        "authority": authority or sandbox.ready["authorities"][0],
        "disable_instance_discovery": True,
        "connection_verify": sandbox.ready["ca_cert"],
    }


def works(sandbox: Sandbox, token: str) -> bool:
    """Say whether the API takes a token."""
    entry = sandbox.tenant()
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{entry['endpoint']}/adminapi/beta/{entry['organization']}/InvokeCommand",
            verify=sandbox.ready["ca_cert"],
            json={"CmdletInput": {"CmdletName": "Get-EtrLimits"}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
    return answer.status_code == 200


def take(credential: Any) -> str:
    """Get a token and close the credential."""
    with credential:
        return str(credential.get_token(SCOPE).token)


@pytest.mark.parametrize("name", ["organization", "tenant_id"])
def test_client_secret(sandbox: Sandbox, name: str) -> None:
    """A secret signs in, the tenant named by domain or id."""
    entry = sandbox.tenant()
    before = len(sandbox.tokens())
    token = take(ClientSecretCredential(entry[name], entry["client_id"], entry["client_secret"], **options(sandbox)))
    assert works(sandbox, token)
    (issued,) = sandbox.tokens()[before:]
    assert (issued["credential"], issued["client_id"], issued["tenant"]) == ("client_secret", entry["client_id"], entry["organization"])


def test_certificate(sandbox: Sandbox) -> None:
    """A registered certificate signs in."""
    entry = sandbox.tenant()
    token = take(CertificateCredential(entry["organization"], entry["client_id"], entry["certificate_path"], **options(sandbox)))
    assert works(sandbox, token)
    assert sandbox.tokens()[-1]["credential"] == "certificate"


def test_expired_certificate(sandbox: Sandbox) -> None:
    """An expired certificate is refused by its code."""
    entry = sandbox.tenant()
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS700027.*expired"):
        take(CertificateCredential(entry["organization"], entry["client_id"], entry["expired_certificate_path"], **options(sandbox)))


def test_foreign_certificate(sandbox: Sandbox) -> None:
    """Another application's certificate is refused."""
    entry, other = sandbox.tenant(), sandbox.tenant("contoso.onmicrosoft.com")
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS700027.*not registered"):
        take(CertificateCredential(entry["organization"], entry["client_id"], other["certificate_path"], **options(sandbox)))


def test_workload_identity(sandbox: Sandbox, tmp_path: Path) -> None:
    """A federated token signs in; a wrong one does not."""
    entry = sandbox.tenant()
    arguments = {"tenant_id": entry["organization"], "client_id": entry["client_id"], **options(sandbox)}
    assert works(sandbox, take(WorkloadIdentityCredential(token_file_path=entry["federated_token_file"], **arguments)))
    wrong = tmp_path / "wrong"
    wrong.write_text("no.such.token", encoding="utf-8")
    with pytest.raises(ClientAuthenticationError, match="AADSTS50027"):
        take(WorkloadIdentityCredential(token_file_path=str(wrong), **arguments))


def test_managed_identity(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An App Service identity signs in; a wrong header does not."""
    entry = sandbox.tenant()
    monkeypatch.setenv("IDENTITY_ENDPOINT", entry["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", entry["identity_header"])
    assert works(sandbox, take(ManagedIdentityCredential()))
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(ClientAuthenticationError):
        take(ManagedIdentityCredential())


def test_virtual_machine_identity(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata form signs in."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", sandbox.ready["control"])
    assert works(sandbox, take(ManagedIdentityCredential(client_id=sandbox.tenant()["client_id"])))


def test_azure_cli(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Azure command line's stand-in signs in."""
    monkeypatch.setenv("PATH", str(BIN), prepend=":")
    monkeypatch.setenv("SANDBOX_CONTROL", sandbox.ready["control"])
    assert works(sandbox, take(AzureCliCredential(tenant_id=sandbox.tenant()["tenant_id"])))
    monkeypatch.setenv("SANDBOX_CONTROL", "")
    with pytest.raises(ClientAuthenticationError, match="az login"):
        take(AzureCliCredential())


@pytest.mark.parametrize(
    ("change", "code"),
    [({"client_secret": "wrong"}, "AADSTS7000215"), ({"client_id": "11111111-1111-1111-1111-111111111111"}, "AADSTS700016")],
)
def test_refused(sandbox: Sandbox, change: dict[str, str], code: str) -> None:
    """A wrong secret and an unknown application are refused by their codes."""
    entry = {**sandbox.tenant(), **change}
    with pytest.raises(ClientAuthenticationError, match=code):
        take(ClientSecretCredential(entry["organization"], entry["client_id"], entry["client_secret"], **options(sandbox)))


def test_unknown_tenant(sandbox: Sandbox) -> None:
    """A tenant that does not exist is refused at discovery and at the token endpoint."""
    base = sandbox.ready["authorities"][0]
    with requests.Session() as session:
        session.trust_env, session.verify = False, sandbox.ready["ca_cert"]
        for answer in (
            session.get(f"{base}/nobody.example/v2.0/.well-known/openid-configuration", timeout=30),
            session.post(f"{base}/nobody.example/oauth2/v2.0/token", data={"client_id": "x"}, timeout=30),
        ):
            assert answer.status_code == 400
            assert answer.json()["error_codes"] == [90002]


def test_instance_discovery(sandbox: Sandbox) -> None:
    """Instance discovery names the host itself."""
    base = sandbox.ready["authorities"][0]
    with requests.Session() as session:
        session.trust_env, session.verify = False, sandbox.ready["ca_cert"]
        answer = session.get(f"{base}/common/discovery/instance", timeout=30).json()
    assert answer["metadata"][0]["preferred_network"] == base.removeprefix("https://")


def test_second_authority(sandbox: Sandbox) -> None:
    """The same tenant signs in at another address, and the token says where."""
    entry = sandbox.tenant()
    second = sandbox.ready["authorities"][1]
    token = take(ClientSecretCredential(entry["organization"], entry["client_id"], entry["client_secret"], **options(sandbox, second)))
    assert works(sandbox, token)
    assert sandbox.tokens()[-1]["authority"] == second


def test_other_refusals(sandbox: Sandbox) -> None:
    """The token endpoint's other refusals keep the service's codes."""
    entry = sandbox.tenant()
    url = f"{entry['authority']}/{entry['organization']}/oauth2/v2.0/token"
    form = {"client_id": entry["client_id"], "client_secret": entry["client_secret"], "grant_type": "client_credentials", "scope": SCOPE}
    with requests.Session() as session:
        session.trust_env, session.verify = False, sandbox.ready["ca_cert"]
        seen = {
            code: session.post(url, data={**form, **change}, timeout=30).json()["error_codes"]
            for code, change in (
                (70003, {"grant_type": "password"}),
                (1002012, {"scope": "https://graph.microsoft.com/.default"}),
                (900144, {"client_assertion": "x"}),
            )
        }
        del form["client_secret"]
        seen[7000218] = session.post(url, data=form, timeout=30).json()["error_codes"]
    assert seen == {code: [code] for code in seen}
