# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Where a test system's mailboxes hold a message. A real tenant and a real foreign host offer nothing of the kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Failed, InvalidParameter, Unavailable
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_settings import truth

try:
    import requests
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

TIMEOUT = 30.0
Row = dict[str, Any]


def run(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
    """Ask `url` (http or https) for the message `id`; timeout in seconds.

    Answers {found: [{place, address, time}]}, place being `tenant`, `source` or `outside`. Raises InvalidParameter, Unavailable, Failed.
    """
    if MISSING:
        raise Unavailable(f"{MISSING} on the controller.", cmdlet="mailbox", remedy="Install the collection's requirements.txt there.")
    url, wanted = str(parameters.get("url") or ""), str(parameters.get("id") or "")
    if not url.startswith(("http://", "https://")) or not wanted:
        raise InvalidParameter(f"'{url}' with the message '{wanted}' cannot be asked.", cmdlet="mailbox", remedy="Give url and id.")
    verify = truth(options.get("validate_certs")) is not False and (str(options.get("ca_cert") or "") or True)
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, params={"id": wanted}, timeout=float(parameters.get("timeout") or TIMEOUT), verify=verify)
            rows = answer.json() if answer.ok else None
    except requests.exceptions.JSONDecodeError as error:
        raise Failed(f"{url} answered no JSON.", cmdlet="mailbox") from error
    except requests.RequestException as error:
        raise Unavailable(f"{url} cannot be asked: {type(error).__name__}.", cmdlet="mailbox") from error
    if not isinstance(rows, list):
        raise Failed(f"{url} answered {answer.status_code} {answer.reason}.", cmdlet="mailbox")
    return {"found": [_place(row) for row in rows if str(row.get("id", wanted)) == wanted]}


def _place(row: Mapping[str, Any]) -> Row:
    return {
        "place": str(row.get("system") or row.get("place") or ""),
        "address": str(row.get("mailbox") or row.get("address") or ""),
        "time": str(row.get("time") or ""),
    }
