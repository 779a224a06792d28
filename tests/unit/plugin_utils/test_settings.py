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
        "max_attempts": -1,
        "timeout": -5,
    }
    with pytest.raises(InvalidParameter) as caught:
        settings_from(wrong)
    for word in ("two words", "client_id", "client_secret", "http://plain.example", "login.example", "max_attempts", "timeout"):
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
