"""The grader's end of a room: ask for one, signal it, end it. ``room.py`` is the other end."""

from __future__ import annotations

import array
import contextlib
import dataclasses
import os
import select
import signal
import socket
import struct
import subprocess
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.sandbox import frames, outer
from extensions.grading.sandbox.limits import Limits

_ANSWER_SECONDS = 150.0
_CREDENTIALS = struct.Struct("3i")


class RoomFailed(CampusError):
    """A room could not be made, or its kernel did not start."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(
            "no-room",
            f"The sandbox for a notebook could not be made: {reason}.",
            "Run python -m extensions.grading.sandbox on this node; it says what is missing.",
            detail=log,
        )


class KernelEnded(RoomFailed):
    """A kernel ended before it listened; ``detail`` is what it wrote."""


@dataclasses.dataclass
class Room:
    """One running room."""

    connection: socket.socket
    process: int
    """Number of its first process; ends with all others of the room."""
    descriptor: int
    """The same, as a pidfd."""
    limits: Limits
    sockets: int
    """Folder of the kernel's sockets, as a file descriptor; they are named k-1 to k-5."""
    status: int | None = None
    """How the kernel ended, as waitpid(2) says it; 0 too where the room ended before it could tell."""
    log: str = ""
    """The end of what it wrote to its own standard output and error, not to its cells. Not to be trusted."""

    def over(self) -> bool:
        """Whether it has ended; ``status`` is then set."""
        if self.status is None and select.select([self.connection], [], [], 0)[0]:
            try:
                last = frames.receive(self.connection)
            except OSError:
                last = {}
            self.status, self.log = last.get("status", 0), last.get("log", "")
        return self.status is not None

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and what it started in its process group."""
        with contextlib.suppress(OSError):
            frames.send(self.connection, {"signal": number})

    def pack(self, most: int) -> bytes | None:
        """End it, and take its files as a tar, for another room to unpack; None where there is none to be had."""
        try:
            frames.send(self.connection, {"pack": most})
            answer = frames.receive(self.connection)
            return frames.receive_bytes(self.connection) or None if answer.get("event") == "packed" else None
        except OSError:
            return None

    def end(self) -> None:
        """Kill everything in it, and wait for nothing. Any thread may."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def kill(self) -> None:
        """Kill everything in it, and wait until it has ended."""
        self.end()
        select.select([self.descriptor], [], [], _ANSWER_SECONDS)  # readable when the process has ended (pidfd_open(2))
        self.over()

    def close(self) -> None:
        """End it where it still runs, and let go of it."""
        self.kill()
        self.connection.close()
        for descriptor in (self.descriptor, self.sockets):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def start(connection: socket.socket, request: dict[str, Any], files: bytes, limits: Limits) -> Room:
    """A room at the other end of ``connection``, its kernel listening.

    Args:
        request: ``connection`` (Jupyter's connection info: ports and key), ``environment``, ``processors``, which it
            keeps to, and, for another program than the warm kernel, ``argv``.
        files: a tar of what lies in its folder at the start.

    Raises:
        RoomFailed: it could not be made.
    """
    connection.settimeout(_ANSWER_SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    try:
        frames.send(connection, {**request, "limits": dataclasses.asdict(limits)})
        frames.send_bytes(connection, files)
        answer, descriptors, process = _answer(connection)
    except OSError as error:
        connection.close()
        raise RoomFailed(str(error)) from error
    if answer.get("event") != "ready":
        connection.close()
        if answer.get("event") == "ended":
            raise KernelEnded("its kernel ended at once", answer["log"])
        raise RoomFailed(answer.get("reason", "it ended at once"))
    return Room(connection, process, os.pidfd_open(process), limits, descriptors[0])


def _answer(connection: socket.socket) -> tuple[dict[str, Any], list[int], int]:
    """The first frame, with the descriptors and the number of the process that sent it (unix(7))."""
    space = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(struct.calcsize("i"))
    first, ancillary, _, _ = connection.recvmsg(4, space, socket.MSG_WAITALL)
    if not first:
        return {}, [], 0
    descriptors, process = array.array("i"), 0
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data)
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            process = _CREDENTIALS.unpack(data)[0]
    return frames.body(connection, first), list(descriptors), process


def alone(request: dict[str, Any], files: bytes, limits: Limits) -> Room:
    """A room behind an outer wall of its own, for a kernel of any language. Raises CampusError."""
    ours, theirs = socket.socketpair()
    argv = outer.command([*outer.SERVER, "--once"])
    with theirs:
        subprocess.Popen(argv, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env={})
    return start(ours, request, files, limits)


def forked(server: str, request: dict[str, Any], files: bytes, limits: Limits) -> Room:
    """A room for a warm kernel of the fork server that listens at ``server``. Raises RoomFailed."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(server)
    except OSError as error:
        connection.close()
        raise RoomFailed(f"the fork server does not answer ({error.strerror})") from error
    return start(connection, request, files, limits)
