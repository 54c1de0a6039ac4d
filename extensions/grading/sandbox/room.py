"""A submission's room: its first process makes it, starts the kernel in it, and ends with it.

Asked over a stream socket: a frame (``frames.py``) with what to start, then the submission's files as a tar. It answers
"ready", with the folder of the kernel's sockets as a file descriptor and its own number as credentials, and at the end
"ended". While it runs it takes ``{"signal": N}``, and ``{"pack": BYTES}``, which ends it and is answered with a tar of
what it leaves. When the socket closes, everything in the room ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import stat
import tarfile
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from extensions.grading.sandbox import frames, inner, linux
from extensions.grading.sandbox.limits import Limits

CONNECTION_FILE = "/home/.connection.json"
_SOCKETS = tuple(f"k-{number}" for number in range(1, 6))  # as Jupyter names them, by address and port
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.002
_LOG_BYTES = 4000
_MOST_DESCRIPTORS = 2**20

Become = Callable[[dict[str, Any]], None]
"""Becomes the kernel that the request names; never returns."""


def serve(connection: socket.socket, request: dict[str, Any], become: Become) -> NoReturn:
    """Make a room for what the other end asks for, wait until it has ended, and exit."""
    _finally_exit(lambda: _serve(connection, request, become))


def _serve(connection: socket.socket, request: dict[str, Any], become: Become) -> None:
    files = frames.receive_bytes(connection)
    limits = Limits(**request["limits"])
    if request["processors"]:
        os.sched_setaffinity(0, request["processors"])
    try:
        inner.separate()
    except OSError as error:
        frames.send(connection, {"event": "refused", "reason": str(error)})
        return
    first = os.fork()
    if first == 0:
        _finally_exit(lambda: _be_first(connection, request, files, limits, become))
    connection.close()
    os.waitpid(first, 0)


def _finally_exit(body: Callable[[], None]) -> NoReturn:
    """Run what a forked process is for; it never gets back to where it was forked."""
    try:
        body()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _be_first(connection: socket.socket, request: dict[str, Any], files: bytes, limits: Limits, become: Become) -> None:
    """Process 1 of the room."""
    try:
        inner.furnish(limits)
        inner.die_first()
        limits.apply()
    except OSError as error:
        frames.send(connection, {"event": "refused", "reason": str(error)})
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(files)) as tar:
            tar.extractall(inner.HOME)  # noqa: S202 - within the walls already
        _write_connection(request["connection"])
    except (OSError, tarfile.TarError) as error:
        frames.send(connection, {"event": "ended", "status": 0, "log": f"Its files do not fit: {error}"})
        return
    said, says = os.pipe()
    woken = _wake_on_death()
    kernel = os.fork()
    if kernel == 0:
        _finally_exit(lambda: _be_kernel(connection, says, request, become))
    os.close(says)
    linux.hide_from_siblings()
    keeper = _Keeper(connection, kernel, said, woken)
    if keeper.wait_for_sockets():
        inner.seal()
        inner.shut()
        if not are_sockets(inner.SOCKETS):
            log = "What its sockets' names stand for are no sockets."
            frames.send(connection, {"event": "ended", "status": 0, "log": log})
            return
        folder = os.open(inner.SOCKETS, os.O_PATH | os.O_DIRECTORY)
        frames.send(connection, {"event": "ready"}, [folder])
        os.close(folder)
        keeper.watch_over()


def are_sockets(folder: str) -> bool:
    """Whether the kernel's sockets are that: a link in their place would lead the grader out of the room."""
    try:
        return all(stat.S_ISSOCK(os.lstat(f"{folder}/{name}").st_mode) for name in _SOCKETS)
    except OSError:
        return False


def _write_connection(connection: dict[str, Any]) -> None:
    with open(CONNECTION_FILE, "w") as file:
        json.dump({**connection, "transport": "ipc", "ip": f"{inner.SOCKETS}/k"}, file)


def _wake_on_death() -> int:
    """A descriptor that becomes readable when a child has ended; it is for select alone."""
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def _be_kernel(connection: socket.socket, says: int, request: dict[str, Any], become: Become) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.close()
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDONLY)
    for standard, descriptor in enumerate((nothing, says, says)):
        os.dup2(descriptor, standard)
    os.closerange(3, _MOST_DESCRIPTORS)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(inner.HOME)
    inner.shut()
    become(request)


class _Keeper:
    """What the first process does while the kernel runs."""

    def __init__(self, connection: socket.socket, kernel: int, said: int, woken: int) -> None:
        self._connection = connection
        self._kernel = kernel
        self._said = [said]
        self._woken = woken
        self._last_words = b""
        os.set_blocking(said, False)

    def wait_for_sockets(self) -> bool:
        """Until the kernel listens; False where it ended first, or nobody waits for it any more."""
        deadline = time.monotonic() + _START_SECONDS
        while not set(_SOCKETS).issubset(os.listdir(inner.SOCKETS)):
            if not self._look(_LOOK_SECONDS) or time.monotonic() > deadline:
                return False
        return True

    def watch_over(self) -> None:
        """Until the kernel has ended, or the other end has gone: what is left in the room then ends too."""
        while self._look(None):
            pass

    def _look(self, seconds: float | None) -> bool:
        """Take orders, listen, bury the dead. False where all is over."""
        heard: list[socket.socket | int] = [self._connection, self._woken, *self._said]
        ready, _, _ = select.select(heard, [], [], seconds)
        self._listen()
        if self._connection in ready:
            order = frames.receive(self._connection)
            if "signal" in order:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._kernel, order["signal"])
            else:
                if "pack" in order:
                    self._pack(order["pack"])
                return False
        if self._woken in ready:
            os.read(self._woken, 4096)
            for ended, status in _dead():
                if ended == self._kernel:
                    self._listen()
                    words = self._last_words.decode(errors="replace")
                    frames.send(self._connection, {"event": "ended", "status": status, "log": words})
                    return False
        return True

    def _pack(self, most: int) -> None:
        """End everything, and send the files that are left as a tar; none where it is more than ``most`` bytes."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # all others: this is process 1
        buffer = io.BytesIO()
        with contextlib.suppress(OSError), tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(inner.HOME, arcname=".", filter=lambda member: member if member.isreg() or member.isdir() else None)
        files = buffer.getvalue() if buffer.tell() <= most else b""
        frames.send(self._connection, {"event": "packed"})
        frames.send_bytes(self._connection, files)

    def _listen(self) -> None:
        for said in self._said:
            with contextlib.suppress(BlockingIOError):
                words = os.read(said, 65536)  # once: whoever writes without end is not listened to without end
                self._last_words = (self._last_words + words)[-_LOG_BYTES:]
                if not words:  # nobody can write to it any more
                    self._said.clear()


def _dead() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended
