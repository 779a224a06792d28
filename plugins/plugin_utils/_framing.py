# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What travels on the keeper's sockets: eight bytes of length, big endian, then JSON-RPC as core's own client speaks it."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path
from typing import Any

LENGTH = struct.Struct("!Q")
LARGEST = 1 << 30


class RemoteError(Exception):
    """The keeper answered with an error of its own, not of the service."""


def send(connection: socket.socket, message: Any) -> None:
    """Write one message."""
    data = json.dumps(message).encode()
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> Any:
    """Read one message; None when the other side has closed; raises ValueError for what is no message."""
    head = _exactly(connection, LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > LARGEST:
        raise ValueError(f"a message of {length} bytes is refused")
    data = _exactly(connection, length)
    return None if data is None else json.loads(data)


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def request(path: Path, method: str, params: dict[str, Any], timeout: float | None = None) -> Any:
    """Ask once. Raises OSError when nobody listens or answers, RemoteError when the keeper refuses. timeout in seconds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        send(connection, {"jsonrpc": "2.0", "id": method, "method": method, "params": [[params], {}]})
        answer = receive(connection)
    if answer is None:
        raise ConnectionResetError("the keeper closed the connection without an answer")
    if "error" in answer:
        raise RemoteError(str(answer["error"].get("data") or answer["error"]["message"]))
    return answer["result"]


def listens(path: Path) -> bool:
    """True when somebody accepts connections at the path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
