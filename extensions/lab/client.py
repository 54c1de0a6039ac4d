"""A client of kernels that hears every answer."""

from __future__ import annotations

from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type


class HearingChannel(AsyncZMQSocketChannel):
    """Looks for what has come each time that it sent.

    jupyter_client (8.10, ``Session.send``) sends behind the back of the socket that somebody waits at, which takes
    away the one sign of a message that came meanwhile (zmq_getsockopt(3), ZMQ_FD). nbclient does that for every output
    widget while it waits for the end of a cell, and then waits for ever.
    """

    def send(self, msg: dict[str, Any]) -> None:
        super().send(msg)
        assert self.socket is not None
        self.socket.get(zmq.EVENTS)  # wakes who waits (zmq.asyncio.Socket.get)


class HearingClient(AsyncKernelClient):
    """For whoever runs notebooks outside of JupyterLab: Voilà, the check of a kit, grading."""

    shell_channel_class = Type(HearingChannel)


SETTINGS = {"AsyncKernelManager": {"client_factory": f"{__name__}.{HearingClient.__name__}"}}
"""The configuration by which a kernel manager makes it."""
