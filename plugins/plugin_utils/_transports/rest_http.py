# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""One HTTP request: trust, proxies, and whether a request that got no answer may have reached the service."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._session import Unavailable

from .rest_settings import Settings
from .rest_wire import Response

try:
    import requests
    import requests.adapters
    import requests.utils
    import urllib3.exceptions
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

    class Adapter(requests.adapters.HTTPAdapter):
        """Connections that notice a silent other side: a firewall that forgot an idle one must not cost a call all its time."""

        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            """The pool of direct connections."""
            super().init_poolmanager(*args, socket_options=socket_options(), **more)

        def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
            """The pool through a proxy."""
            return super().proxy_manager_for(proxy, **({} if proxy.startswith("socks") else {"socket_options": socket_options()}), **more)


CONNECT_SECONDS = 30.0
# Below this many seconds a request is not begun any more.
LEAST_SECONDS = 0.05
# Reasons of OpenSSL that only a handshake has.
HANDSHAKE = frozenset({"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "SSLV3_ALERT_HANDSHAKE_FAILURE"})


# A connection that was there and ended.
CUT = (http.client.HTTPException, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError)


@dataclass(frozen=True)
class NoAnswer:
    """A request without an answer. sent: it may have reached the service. timed_out: the time was up. fatal: no use to repeat."""

    text: str
    sent: bool
    timed_out: bool = False
    fatal: bool = False


def socket_options() -> list[tuple[int, int, int]]:
    """What every connection is told, as far as this system has it: to ask after half a minute of silence, and to give up in a minute."""
    found = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
    return found + [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in wanted.items() if hasattr(socket, name)]


def verification(settings: Settings) -> bool | str:
    """What the service's certificate is held against: nothing, the given authority, or the system's as the environment names it."""
    if not settings.validate_certs:
        return False
    return settings.ca_cert or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def proxies_for(settings: Settings, url: str) -> dict[str, str]:
    """The proxies for one address: the option's, or those of the environment."""
    if settings.proxy:
        return {"http": settings.proxy, "https": settings.proxy}
    return dict(requests.utils.get_environ_proxies(url, no_proxy=None))


class Http:
    """Requests of one session: a pool of connections, at most `concurrency` requests at a time. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        if MISSING:
            raise missing(MISSING)
        self._settings = settings
        self._slots = threading.BoundedSemaphore(settings.concurrency)
        self._session = requests.Session()
        # The environment must neither replace the certificate authority nor, by a netrc file, the token.
        self._session.trust_env = False
        adapter = Adapter(pool_maxsize=settings.concurrency, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        if not settings.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def post(self, url: str, headers: Mapping[str, str], body: Any, deadline: float) -> Response | NoAnswer:
        """Send once and wait until `deadline` (of time.monotonic) at most."""
        with self._slots:
            left = deadline - time.monotonic()
            if left < LEAST_SECONDS:
                return NoAnswer("there was no time left to send it", sent=False, timed_out=True)
            try:
                answer = self._session.post(
                    url,
                    data=json.dumps(body).encode(),
                    headers=dict(headers),
                    timeout=(min(CONNECT_SECONDS, left), left),
                    verify=verification(self._settings),
                    proxies=proxies_for(self._settings, url),
                    allow_redirects=False,
                )
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                return unanswered(error)
            except OSError as error:  # a certificate authority's file that cannot be read, before anything is sent
                return NoAnswer(str(error), sent=False, fatal=True)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, lowered, answer.content.decode("utf-8", errors="replace"))

    def close(self) -> None:
        """Close the pool."""
        self._session.close()


def missing(text: str) -> Unavailable:
    """The error for a Python package that is not there."""
    return Unavailable(
        f"a Python package is missing on the controller: {text}.",
        remedy=f"Install azure-identity and requests for {sys.executable}, which runs ansible-playbook.",
    )


def unanswered(error: Exception) -> NoAnswer:
    """What a client's exception says about the request."""
    text = reason(error)
    if isinstance(error, requests.exceptions.SSLError):
        # A connection that is cut later breaks TLS too; only what the handshake alone can say came before the request.
        before = isinstance(innermost(error), ssl.SSLCertVerificationError) or getattr(innermost(error), "reason", "") in HANDSHAKE
        return NoAnswer(text, sent=not before, fatal=before)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NoAnswer(text, sent=False, timed_out=True)
    if isinstance(error, requests.exceptions.Timeout):
        return NoAnswer(text, sent=True, timed_out=True)
    if isinstance(error, requests.exceptions.ProxyError):
        # A connection that was cut after the request is called a proxy's fault too: only what never came so far was not sent.
        return NoAnswer(text, sent=isinstance(innermost(error), CUT))
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)):
        return NoAnswer(text, sent=False, fatal=True)
    cause = error.args[0] if error.args else None
    wrapped = getattr(cause, "reason", cause)
    before = isinstance(wrapped, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError))
    return NoAnswer(text, sent=not before)


def reason(error: BaseException) -> str:
    """The innermost cause in words, without the addresses that wrap it (a proxy's may hold a password)."""
    last = innermost(error)
    return getattr(last, "strerror", None) or str(last) or type(last).__name__


def innermost(error: BaseException) -> BaseException:
    """The exception that all others were made from."""
    seen: list[BaseException] = []
    current: Any = error
    while isinstance(current, BaseException) and current not in seen:
        seen.append(current)
        inner = getattr(current, "reason", None) or getattr(current, "inner_exception", None)
        if not isinstance(inner, BaseException):
            inner = next((part for part in reversed(current.args) if isinstance(part, BaseException)), None)
        current = inner or current.__cause__ or current.__context__
    return seen[-1]
