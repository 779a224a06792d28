# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport of tests: its service, its answers, and pauses that are noted instead of slept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Reply
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest import RestTransport

from .service import Answer, Request, Script, Service

GET = Cmdlet("Get-AcceptedDomain", {"Identity": "example.com"})
SET = Cmdlet("Set-AcceptedDomain", {"Identity": "example.com", "DomainType": "InternalRelay"})


@contextmanager
def transport(script: Script, folder: Path, **options: Any) -> Iterator[tuple[RestTransport, Service, list[float]]]:
    """A transport, its service, and the pauses that it made instead of sleeping."""
    pauses: list[float] = []
    with Service(script, folder) as service, closing(RestTransport(service.options(**options), sleep=pauses.append)) as made:
        yield made, service, pauses


def one(made: RestTransport, cmdlet: Cmdlet) -> Reply | ExchangeError:
    (result,) = made.call_many([cmdlet])
    return result


def failure(made: RestTransport, cmdlet: Cmdlet) -> ExchangeError:
    result = one(made, cmdlet)
    assert isinstance(result, ExchangeError)
    return result


def answers(*found: Answer) -> Script:
    """Answer these in turn, the last one for ever."""
    left = list(found)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


def batch(script: Script) -> Script:
    """A service that answers each call of a batch by the script, and single calls too."""

    def answer(request: Request) -> Answer:
        if not request.path.endswith("$batch"):
            return script(request)
        parts = []
        for item in request.body["requests"]:
            lowered = {name.lower(): value for name, value in item["headers"].items()}
            inner = script(Request(item["url"], lowered, item["body"]))
            parts.append({"id": item["id"], "status": inner.status, "headers": inner.headers, "body": inner.body})
        return Answer(body={"responses": list(reversed(parts))})

    return answer
