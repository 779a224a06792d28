# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire: envelope, side keys, headers, every form of error."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from .conftest import Client

INVALID = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"


def test_envelope(tenant: Client) -> None:
    """A clean answer has its context, an empty array of warnings, and annotated rows; no link."""
    answer = tenant.post("Get-AcceptedDomain", {"Identity": "example.com"})
    content = answer.json()
    assert list(content) == ["@odata.context", "adminapi.warnings@odata.type", "@adminapi.warnings", "value"]
    assert content["@adminapi.warnings"] == []
    assert content["@odata.context"].endswith(f"/{tenant.entry['tenant_id']}/$metadata#Collection(Exchange.GenericHashTable)")
    assert answer.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["Request-Id"])
    assert answer.headers["Rate-Limit-Limit"] == "30000"


def test_side_keys(tenant: Client) -> None:
    """Ids, numbers, times and lists carry their types before them."""
    row = tenant.post("Get-AcceptedDomain", {"Identity": "example.com"}).json()["value"][0]
    assert (row["Guid@data.type"], row["Guid@odata.type"]) == ("System.Guid", "#Guid")
    assert row["ObjectClass@odata.type"] == "#Collection(String)"
    assert row["WhenChanged@data.type"] == "System.DateTime"
    keys = list(row)
    assert keys.index("Guid@data.type") < keys.index("Guid")
    rule = tenant.post("Get-TransportRule").json()["value"][0]
    assert rule["Priority@data.type"] == "System.Int32"


def test_times_have_both_forms(tenant: Client) -> None:
    """Seven decimals; one zone as an offset, one as a letter; none on a rule."""
    row = tenant.row("Get-RemoteDomain", Identity="Default")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", row["WhenChanged"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", row["WhenChangedUTC"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", tenant.rows("Get-TransportRule")[0]["WhenChanged"])


@pytest.mark.parametrize("body", [{"CmdletName": "Get-AcceptedDomain"}, {"CmdletName": "get-accepteddomain", "Parameters": {}}])
def test_parameters_may_be_absent(tenant: Client, body: dict[str, Any]) -> None:
    """Absent and empty parameters are the same; names of cmdlets have no case."""
    answer = tenant.session.post(f"{tenant.base}/InvokeCommand", json={"CmdletInput": body}, timeout=30)
    assert len(answer.json()["value"]) == 7


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": null}}', b'{"CmdletInput": {"CmdletName": 7}}'],
)
def test_bad_body(tenant: Client, body: bytes) -> None:
    """Null parameters are not the same as none; what is no request is refused."""
    answer = tenant.session.post(f"{tenant.base}/InvokeCommand", data=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["innererror"]["type"] == INVALID


def test_versions_and_names(tenant: Client) -> None:
    """Both versions answer; the tenant may be named by id or by any of its own domains; other paths are unknown."""
    host, body = tenant.entry["endpoint"], {"CmdletInput": {"CmdletName": "Get-EtrLimits"}}
    for path in (
        f"/adminapi/v1.0/{tenant.organization}",
        f"/AdminApi/beta/{tenant.entry['tenant_id']}",
        "/adminapi/beta/tqhjy.mail.onmicrosoft.com",
    ):
        assert tenant.session.post(f"{host}{path}/InvokeCommand", json=body, timeout=30).status_code == 200
    assert tenant.session.post(f"{host}/adminapi/v9/{tenant.organization}/InvokeCommand", json=body, timeout=30).status_code == 404
    assert tenant.session.post(f"{host}/adminapi/beta/{tenant.organization}/Nothing", json=body, timeout=30).status_code == 404


def test_null_identity_is_none(tenant: Client) -> None:
    """A read with a null identity returns everything, as the reference warns."""
    assert len(tenant.rows("Get-AcceptedDomain", Identity=None)) == 7


def test_select(tenant: Client) -> None:
    """$select narrows the properties."""
    answer = tenant.post(
        "Get-AcceptedDomain", {"Identity": "example.com"}, url=f"{tenant.base}/InvokeCommand?$select=DomainName,domaintype"
    )
    assert answer.json()["value"] == [{"DomainName": "example.com", "DomainType": "Authoritative"}]


def test_no_gzip_unless_asked(tenant: Client) -> None:
    """A client that takes no gzip gets none."""
    answer = tenant.post("Get-EtrLimits", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers


def test_unchanged_warns(tenant: Client) -> None:
    """A write that changes nothing says so and is not counted as applied."""
    tenant.rows("Set-AcceptedDomain", Identity="example.com", DomainType="InternalRelay")
    heard = tenant.call("Set-AcceptedDomain", Identity="example.com", DomainType="InternalRelay")
    assert heard.warnings == ["The command completed successfully but no settings of 'example.com' have been modified."]
    assert [call["applied"] for call in tenant.sandbox.calls(writes=1)] == [True, False]


def test_localised(tenant: Client) -> None:
    """Texts come in the caller's language; ids and types do not change."""
    english = tenant.call("Get-Mailbox", Identity="nobody@example.com").error
    tenant.sandbox.parameters(culture="de")
    german = tenant.call("Get-Mailbox", Identity="nobody@example.com").error
    assert english[:2] == german[:2] == ("Ex6F9304", "ManagementObjectNotFoundException")
    assert "konnte nicht" in german[2]
    tenant.call("Set-AcceptedDomain", Identity="example.com", DomainType="Authoritative")
    assert "keine Einstellungen" in tenant.call("Set-AcceptedDomain", Identity="example.com", DomainType="Authoritative").warnings[0]


@pytest.mark.parametrize(
    ("status", "code", "where"), [(404, "NotFound", "Context"), (400, "BadRequest", "Client"), (500, "InternalServerError", "Client")]
)
def test_not_found_forms(tenant: Client, status: int, code: str, where: str) -> None:
    """A missing object has the status of the service's age, and always the same id and type."""
    tenant.sandbox.parameters(not_found_status=status)
    heard = tenant.call("Get-TransportRule", Identity="nothing")
    error = heard.response.json()["error"]
    assert (heard.status, error["code"], error["details"][0]["code"]) == (status, code, where)
    assert heard.error[:2] == ("Ex6F9304", "ManagementObjectNotFoundException")
    assert error["innererror"]["internalexception"]["type"].endswith("ManagementObjectNotFoundException")
    assert heard.response.headers["X-ExceptionType"].endswith("ManagementObjectNotFoundException")


@pytest.mark.parametrize("kind", ["ManagementObjectAmbiguousException", "ManagementObjectNotFoundException"])
def test_ambiguous(tenant: Client, kind: str) -> None:
    """An ambiguous identity has its own id, under either type."""
    tenant.sandbox.parameters(ambiguous_type=kind)
    for name in ("user0002", "user0005"):
        tenant.sandbox.put("Mailbox", identity=name, set={"DisplayName": "Twin"}, tenant=tenant.organization)
    heard = tenant.call("Get-Mailbox", Identity="Twin")
    assert heard.error[:2] == ("Ex9E65A2", kind)
    assert "matches multiple entries" in heard.error[2]


def test_without_id_and_bare(tenant: Client) -> None:
    """Ids can be missing; a wrong set of parameters comes without id and type."""
    bare = tenant.post("Get-Recipient", {"Identity": "x", "Anr": "y"})
    assert bare.json()["error"]["details"][0]["message"].startswith("||Parameter set cannot be resolved")
    tenant.sandbox.parameters(error_ids=False, parameter_set_form="full", binding_type="ParameterBindingException")
    full = tenant.call("Get-Recipient", Identity="x", Anr="y")
    assert full.error[:2] == ("", "ParameterBindingException")
    assert full.response.json()["error"]["details"][0]["message"].startswith("|Microsoft.")


def test_forbidden(tenant: Client) -> None:
    """An unknown cmdlet, a server cmdlet and one outside the role: NUL bytes, with and without diagnostics."""
    for cmdlet in ("Get-Nothing", "New-AcceptedDomain", "Get-SendConnector", "nonsense"):
        answer = tenant.post(cmdlet)
        assert (answer.status_code, set(answer.content)) == (403, {0})
        assert answer.headers["x-ms-diagnostics"].startswith("2000003;")
    assert len(tenant.sandbox.calls(unknown=1)) == 4
    tenant.sandbox.parameters(forbidden_cmdlets=["Get-AcceptedDomain"], forbidden_diagnostics=False)
    answer = tenant.post("Get-AcceptedDomain")
    assert answer.status_code == 403
    assert "x-ms-diagnostics" not in answer.headers
    assert tenant.sandbox.calls()[-1]["unknown"] is False


def test_roles(tenant: Client) -> None:
    """An application role alone is 403; no role at all is 401."""
    tenant.sandbox.parameters(role="app_role_only")
    assert tenant.post("Get-AcceptedDomain").status_code == 403
    tenant.sandbox.parameters(role="none")
    tenant.sign_in()
    assert tenant.post("Get-AcceptedDomain").status_code == 401


def test_read_only(tenant: Client) -> None:
    """A sandbox that only reads refuses every other cmdlet, and keeps the call."""
    tenant.sandbox.parameters(read_only=True)
    assert tenant.post("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"}).status_code == 403
    assert tenant.rows("Get-AcceptedDomain", Identity="example.com")[0]["DomainType"] == "Authoritative"
    assert [(call["status"], call["applied"]) for call in tenant.sandbox.calls(writes=1)] == [(403, False)]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic abc"])
def test_no_token(tenant: Client, header: str) -> None:
    """Without a good token: 401, an empty body, a challenge."""
    answer = tenant.post("Get-AcceptedDomain", headers={"Authorization": header})
    assert (answer.status_code, answer.content) == (401, b"")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    assert tenant.sandbox.calls() == []


def test_foreign_token(tenant: Client, other: Client) -> None:
    """A token of another tenant is refused, alone and in a batch."""
    foreign = str(other.session.headers["Authorization"])
    assert tenant.post("Get-AcceptedDomain", headers={"Authorization": foreign}).status_code == 401
    answer = tenant.batch(("Get-AcceptedDomain", {}), item_headers={"Authorization": foreign})
    assert [item["status"] for item in answer.json()["responses"]] == [401]
    shared = tenant.session.post(
        f"{tenant.entry['endpoint']}/adminapi/beta/example.com/InvokeCommand",
        timeout=30,
        json={"CmdletInput": {"CmdletName": "Get-AcceptedDomain"}},
    )
    assert shared.status_code == 401, "a domain that two tenants hold names neither"


def test_revoked_and_expired(tenant: Client) -> None:
    """A revoked or expired token is 401; a new one works."""
    tenant.sandbox.ask("DELETE", "/tokens")
    assert tenant.post("Get-EtrLimits").status_code == 401
    tenant.sandbox.parameters(token_lifetime=-10)
    tenant.sign_in()
    assert tenant.post("Get-EtrLimits").status_code == 401
    tenant.sandbox.parameters(token_lifetime=3599)
    tenant.sign_in()
    assert tenant.post("Get-EtrLimits").status_code == 200


def test_date_follows_the_clock(tenant: Client) -> None:
    """The Date header is the sandbox's own time."""
    tenant.sandbox.clock(set="2031-05-06T07:08:09Z")
    moment = parsedate_to_datetime(tenant.post("Get-EtrLimits").headers["Date"])
    assert (moment.year, moment.month, moment.hour) == (2031, 5, 7)


def test_module_file(tenant: Client) -> None:
    """The caller's cmdlets can be asked for."""
    tenant.sandbox.parameters(forbidden_cmdlets=["Set-AcceptedDomain"])
    answer = tenant.session.get(f"{tenant.base}/EXOModuleFile?Version=3.9.2", headers={"CommandName": "*"}, timeout=30)
    names = answer.json()["value"][0]["exportedCmdlets"].split(",")
    assert "Get-AcceptedDomain" in names
    assert "Set-AcceptedDomain" not in names
    assert tenant.session.get(f"{tenant.base}/EXOModuleFile", headers={"Authorization": "x"}, timeout=30).status_code == 401


def test_concurrency_limit(tenant: Client) -> None:
    """Over the limit the answer is plain text."""
    tenant.sandbox.parameters(max_concurrency=-1)
    answer = tenant.post("Get-EtrLimits")
    assert answer.status_code == 429
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("You have reached the maximum number of concurrent requests per tenant")


def test_empty_body(tenant: Client) -> None:
    """An answer without rows can have no body at all."""
    tenant.sandbox.parameters(empty_body=True)
    answer = tenant.post("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_certificate_is_of_our_authority(tenant: Client) -> None:
    """The server's certificate is good for localhost too, and for nobody who does not know the authority."""
    url = tenant.base.replace("127.0.0.1", "localhost") + "/InvokeCommand"
    assert tenant.session.post(url, json={"CmdletInput": {"CmdletName": "Get-EtrLimits"}}, timeout=30).status_code == 200
    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.post(url, json={}, timeout=30)
