"""Output of a kernel's forked processes over a Unix socket, beside the kernel's own.

ipykernel has a TCP port on loopback for it, to which every account of a shared node can connect.
"""

from __future__ import annotations

import os
from typing import Any

import zmq
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream

_LINGER = 3000  # milliseconds that a forked process waits for its last output to be taken (as ipykernel)


class PrivatePipe(IOPubThread):
    """ipykernel's output thread (7.4, ``iostream.py``); a kernel that speaks TCP keeps the TCP port."""

    def _setup_pipe_in(self) -> None:
        self._address = f"{self.socket.getsockopt_string(zmq.LAST_ENDPOINT)}-forked"
        if not self._address.startswith("ipc://"):
            super()._setup_pipe_in()
            return
        self._pipe_uuid = os.urandom(16)
        pipe = self.socket.context.socket(zmq.PULL)
        pipe.linger = 0
        pipe.bind(self._address)
        self._pipe_in = ZMQStream(pipe, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> Any:
        if not self._address.startswith("ipc://"):
            return super()._setup_pipe_out()
        context = zmq.Context()  # a context does not outlive a fork
        pipe = context.socket(zmq.PUSH)
        pipe.linger = _LINGER
        pipe.connect(self._address)
        return context, pipe
