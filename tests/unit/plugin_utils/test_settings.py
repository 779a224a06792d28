# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options become addresses and limits; every wrong one is named at once."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import InvalidParameter
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_settings import settings_from

MINIMAL = {"organization": "contoso.example", "client_id": "id", "client_secret": "a-long-made-up-secret"}


@pytest.mark.parametrize(
    ("cloud", "host", "login"),
    [
        ("public", "outlook.office365.com", "login.microsoftonline.com"),
        ("gcc_high", "outlook.office365.us", "login.microsoftonline.us"),
        ("dod", "outlook-dod.office365.us", "login.microsoftonline.us"),
        ("china", "outlook.office365.cn", "login.partner.microsoftonline.cn"),
    ],
)
def test_clouds(cloud: str, host: str, login: str) -> None:
    settings = settings_from({**MINIMAL, "cloud": cloud})
    assert (settings.host, settings.login_host) == (host, login)
    assert settings.base == f"https://{host}/adminapi/beta/contoso.example"
    assert settings.scope == f"https://{host}/.default"
    assert not settings.own_authority


def test_overridden_addresses_keep_the_clouds_scope() -> None:
    settings = settings_from({**MINIMAL, "endpoint": "https://front.example:8443/", "authority": "https://login.example/"})
    assert settings.base == "https://front.example:8443/adminapi/beta/contoso.example"
    assert settings.scope == "https://outlook.office365.com/.default"
    assert (settings.authority, settings.own_authority) == ("https://login.example", True)


def test_every_problem_is_named_at_once() -> None:
    wrong = {
        "organization": "two words",
        "endpoint": "http://plain.example",
        "authority": "login.example",
        "max_attempts": 0,
        "concurrency": "0",
        "timeout": 0,
    }
    with pytest.raises(InvalidParameter) as caught:
        settings_from(wrong)
    for word in (
        "two words",
        "client_id",
        "client_secret",
        "http://plain.example",
        "login.example",
        "max_attempts",
        "concurrency",
        "timeout",
    ):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("credential", "missing"),
    [
        ("client_secret", {"client_id", "client_secret"}),
        ("certificate", {"client_id", "certificate_path"}),
        ("managed_identity", set()),
        ("workload_identity", set()),
        ("azure_cli", set()),
    ],
)
def test_what_each_credential_needs(credential: str, missing: set[str]) -> None:
    if not missing:
        assert settings_from({"organization": "contoso.example", "credential": credential}).credential == credential
        return
    with pytest.raises(InvalidParameter) as caught:
        settings_from({"organization": "contoso.example", "credential": credential})
    assert {name for name in ("client_id", "client_secret", "certificate_path") if f"{name} is not set" in str(caught.value)} == missing


def test_unknown_cloud_and_credential() -> None:
    with pytest.raises(InvalidParameter, match="'moon'"):
        settings_from({**MINIMAL, "cloud": "moon"})
    with pytest.raises(InvalidParameter, match="'key'"):
        settings_from({**MINIMAL, "credential": "key"})


@pytest.mark.parametrize(
    ("given", "checked"),
    [(None, True), ("", True), (True, True), ("yes", True), ("True", True), (False, False), ("false", False), ("0", False)],
)
def test_certificates_are_checked_unless_it_is_said_plainly(given: object, checked: bool) -> None:
    assert settings_from({**MINIMAL, "validate_certs": given}).validate_certs is checked


@pytest.mark.parametrize("given", ["Ture", "yes please", "enabled", "none"])
def test_a_mistyped_truth_switches_no_check_off(given: str) -> None:
    with pytest.raises(InvalidParameter, match=f"ansible_exchange_validate_certs is '{given}'"):
        settings_from({**MINIMAL, "validate_certs": given})


@pytest.mark.parametrize(
    "proxy", ["http://user:s3cr/et@127.0.0.1:9", "http://user:s3cr#et@p", "http://u:s3cr?@p", "p:3128", "http://:3128", "http://p:x"]
)
def test_a_proxy_that_is_no_address_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        settings_from({**MINIMAL, "proxy": proxy})
    assert "ansible_exchange_proxy is no address" in str(caught.value)
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["http://proxy.example:3128", "https://user:s3cr%2Fet@proxy.example:3128", "socks5h://127.0.0.1:1080"])
def test_a_proxy_is_told_by_its_host_alone(proxy: str) -> None:
    assert settings_from({**MINIMAL, "proxy": proxy}).through.removeprefix(" through the proxy ") in {
        "proxy.example:3128",
        "127.0.0.1:1080",
    }


LINKS = [
    ("https://outlook.office365.com/adminapi/x", True),
    ("https://outlook.office365.com:443/adminapi/x", True),
    ("https://outlook.office.com/adminapi/x", True),
    ("https://eurprd01.outlook.office365.com/adminapi/x", True),
    ("http://outlook.office365.com/adminapi/x", False),
    ("https://outlook.office365.com:8443/adminapi/x", False),
    ("https://outlook.office365.com.evil.example/x", False),
    ("https://evil-outlook.office.com/x", False),
    ("https://outlook.office365.us/x", False),
    ("https://outlook.office365.com:port/x", False),
]


@pytest.mark.parametrize(("link", "serves"), LINKS)
def test_later_pages_lie_at_the_service_by_any_of_its_names(link: str, serves: bool) -> None:
    assert settings_from(MINIMAL).serves(link) is serves
    elsewhere = settings_from({**MINIMAL, "endpoint": "https://front.example:8443"})
    assert not elsewhere.serves(link)
    assert elsewhere.serves("https://front.example:8443/next")


def test_a_host_that_is_a_resource_of_its_own_is_asked_for_by_its_own_name() -> None:
    settings = settings_from({**MINIMAL, "cloud": "china", "endpoint": "https://partner.outlook.cn"})
    assert settings.scope == "https://partner.outlook.cn/.default"
