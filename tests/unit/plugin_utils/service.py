# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service on loopback that answers exactly what a test scripts, with TLS by an authority of its own."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

TENANT = "0f0e0d0c-1111-2222-3333-444455556666"
DATE = "Sat, 31 Jan 2026 12:00:00 GMT"


@dataclass(frozen=True)
class Request:
    """One request as it came: the path without the host, header names in lower case, the body parsed where it is JSON."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What to answer. body: a dict is sent as JSON. drop: close the connection without a word; rude: not even TLS's own goodbye."""

    status: int = 200
    body: Any = field(default_factory=lambda: {"value": []})
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    rude: bool = False
    delay: float = 0.0


Script = Callable[[Request], Answer]


def rows(*found: Mapping[str, Any], **more: Any) -> Answer:
    """A success with these rows."""
    return Answer(body={"value": list(found), **more})


def refused(status: int, message: str, kind: str = "", **headers: str) -> Answer:
    """An error of the service: `id|type|text` in details, the type inside too."""
    detail = {"code": "Client", "target": "", "message": message}
    inner = {"message": "Invalid Operation", "internalexception": {"message": message.rpartition("|")[2], "type": kind}}
    error = {"code": "BadRequest", "message": "Invalid Operation", "details": [detail], "innererror": inner if kind else {}}
    return Answer(status, {"error": error}, headers)


def token(tenant: str = TENANT, serial: int = 0, **claims: Any) -> str:
    """An unsigned token: the service alone would check a signature."""
    body = base64.urlsafe_b64encode(json.dumps({"tid": tenant, "jti": serial, **claims}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{body}.signature"


@final
class Service(AbstractContextManager["Service"]):
    """The token endpoint answers by itself; everything else is the script's. `requests` holds what came, tokens apart."""

    def __init__(self, script: Script, folder: Path, sign_in: Script | None = None) -> None:
        self.script, self.sign_in = script, sign_in or self._token
        self.requests: list[Request] = []
        self.sign_ins: list[Request] = []
        self._lock = threading.Lock()
        self.ca_cert = str(folder / "ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = certificates(str(folder))
        context.load_cert_chain(chain)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Service:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def options(self, **more: Any) -> dict[str, Any]:
        """Connection options that lead here."""
        return {
            "organization": TENANT,
            "endpoint": self.url,
            "authority": self.url,
            "client_id": "11111111-aaaa-bbbb-cccc-222222222222",
            "client_secret": "a-long-made-up-secret-value",
            "ca_cert": self.ca_cert,
            "timeout": 20,
            "max_attempts": 4,
            "concurrency": 4,
            "validate_certs": True,
            **more,
        }

    def _token(self, request: Request) -> Answer:
        tenant = request.path.split("/")[1]
        return Answer(body={"access_token": token(tenant, len(self.sign_ins)), "expires_in": 3600, "token_type": "Bearer"})

    def answer(self, request: Request) -> Answer:
        """Keep the request and ask the script."""
        if "openid-configuration" in request.path:
            tenant = request.path.split("/")[1]
            base = f"{self.url}/{tenant}"
            return Answer(
                body={
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                }
            )
        kept, script = (self.sign_ins, self.sign_in) if "/oauth2/" in request.path else (self.requests, self.script)
        with self._lock:
            kept.append(request)
        return script(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            connection: ssl.SSLSocket
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                text = self.rfile.read(length).decode()
                body = json.loads(text) if text.startswith("{") else text
                self._send(service.answer(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)))

            def do_GET(self) -> None:
                self._send(service.answer(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, "")))

            def _send(self, answer: Answer) -> None:
                time.sleep(answer.delay)
                if answer.drop:
                    self.close_connection = True
                    leave(self.connection, rude=answer.rude)
                else:
                    respond(self, answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler


def leave(connection: ssl.SSLSocket, *, rude: bool) -> None:
    """Close a connection, rudely without TLS's goodbye."""
    if rude:
        os.close(connection.detach())
    else:
        connection.close()


def respond(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Send a whole answer."""
    data = answer.body if isinstance(answer.body, bytes) else None
    if data is None:
        data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
    handler.send_response_only(answer.status)
    names = {name.replace("_", "-"): value for name, value in answer.headers.items()}
    for name, value in {"Date": DATE, "Request-Id": "request-1", **names}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
    handler.wfile.flush()


@cache
def certificates(folder: str) -> str:
    """Write ca.pem and server.pem into the folder; the path of the second."""
    ca_key, ca = _certificate("test authority", None, None)
    key, leaf = _certificate("127.0.0.1", ca, ca_key)
    Path(folder, "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    path = Path(folder, "server.pem")
    path.write_bytes(pem_key(key) + leaf.public_bytes(serialization.Encoding.PEM))
    return str(path)


def pem_key(key: rsa.RSAPrivateKey) -> bytes:
    """A key as text, unprotected."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _certificate(
    name: str, ca: x509.Certificate | None, ca_key: rsa.RSAPrivateKey | None, days: int = 7
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.now(timezone.utc) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=14))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca is None, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca is None:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        assert ca_key is not None
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = builder.add_extension(issuer, critical=False).add_extension(names, critical=False)
    return key, builder.sign(ca_key or key, hashes.SHA256())


def application_certificate(folder: Path, days: int = 7) -> Path:
    """A file with a certificate and its key for sign-in, ending in `days` days."""
    key, certificate = _certificate("application", None, None, days)
    path = folder / f"application{days}.pem"
    path.write_bytes(pem_key(key) + certificate.public_bytes(serialization.Encoding.PEM))
    return path
