"""The fork server: it has loaded what notebooks import, and forks a kernel into a room of its own for each of them.

Run within the outer wall, with the descriptor of a listening Unix socket as argument, and as standard input a pipe with
which it ends. It stays single-threaded, since a fork copies one thread only, and opens no connection: what a kernel
inherits from it holds nothing but modules.

Each connection begins with a frame: ``{"load": [MODULE, ...]}``, answered with ``{"unfit": MODULE or null}``, or what
``room.py`` describes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

from extensions.grading.sandbox import frames, inner, kernel, linux, room
from extensions.grading.sandbox.limits import Limits


def main(listener: socket.socket) -> None:
    """Serve until killed."""
    linux.die_with_pipe(_standard_input())
    listener.set_inheritable(False)
    warm = kernel.WarmKernel()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        with connection:
            answer(connection, listener, warm)


def answer(connection: socket.socket, listener: socket.socket, warm: kernel.WarmKernel) -> None:
    """What one of those who ask wants. Where that fails, it is told, and the others are served on."""
    try:
        # Whoever asks sends the whole frame at once; only graders can ask.
        request = frames.receive(connection)
        if "load" in request:
            frames.send(connection, {"unfit": warm.load(request["load"])})
        elif request and os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            room.serve(connection, request, warm.become)
    except OSError as error:  # no more processes or memory just now, or it has gone
        with contextlib.suppress(OSError):
            frames.send(connection, {"event": "refused", "reason": error.strerror or str(error)})


def once() -> None:
    """One room, asked for on standard input, for a kernel that is another program."""
    connection = socket.socket(fileno=_standard_input())
    room.serve(connection, frames.receive(connection), kernel.execute)


def _standard_input() -> int:
    """What is standard input, which no program inherits from here on."""
    taken = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return taken


def try_it() -> None:
    """Make a room and leave it; a failure ends with its traceback."""
    inner.separate()
    if (first := os.fork()) == 0:
        inner.furnish(Limits())
        inner.seal()
        inner.shut()
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]))


if __name__ == "__main__":
    match sys.argv[1]:
        case "--once":
            once()
        case "--try":
            try_it()
        case descriptor:
            main(socket.socket(fileno=int(descriptor)))
