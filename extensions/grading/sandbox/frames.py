"""Frames on a stream socket: four bytes of length, then JSON or plain bytes."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
LONGEST = 2**31


def send(connection: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send JSON, and file descriptors with it. Raises OSError."""
    body = json.dumps(message).encode()
    data = _LENGTH.pack(len(body)) + body
    sent = socket.send_fds(connection, [data], list(descriptors)) if descriptors else 0
    connection.sendall(data[sent:])


def send_bytes(connection: socket.socket, body: bytes) -> None:
    """Raises OSError, and ValueError for more than fits a frame."""
    if len(body) > LONGEST:
        raise ValueError(f"{len(body)} bytes are more than a frame holds")
    connection.sendall(_LENGTH.pack(len(body)))
    connection.sendall(body)


def receive(connection: socket.socket) -> dict[str, Any]:
    """The next JSON; empty where the other end has closed. Raises OSError, ValueError."""
    body = receive_bytes(connection)
    return json.loads(body) if body else {}


def receive_bytes(connection: socket.socket) -> bytes:
    """The next frame; empty where the other end has closed before it, or within it. Raises OSError."""
    length = _exactly(connection, _LENGTH.size)
    return _exactly(connection, _LENGTH.unpack(length)[0]) if length else b""


def body(connection: socket.socket, length: bytes) -> dict[str, Any]:
    """The JSON of a frame whose length was read already. Raises OSError, ValueError."""
    return json.loads(_exactly(connection, _LENGTH.unpack(length)[0]))


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 2**20))
        if not part:
            return b""
        parts += part
    return bytes(parts)
