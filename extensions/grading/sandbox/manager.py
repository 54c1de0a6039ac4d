"""A kernel manager whose kernels run in rooms, whatever their kernelspec says, and a client that trusts none."""

from __future__ import annotations

import time
from copy import deepcopy
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Callable, Integer, Type, default

from extensions.lab.client import HearingClient

PROVISIONER = "campus-sandbox"


class TooMuchOutput(Exception):
    """A kernel sent more than its submission may print and show."""


class CountedChannel(AsyncZMQSocketChannel):
    """The channel of outputs. Raises TooMuchOutput from ``get_msg``."""

    left = 0
    """Bytes that may still come."""
    on_excess: Any = None

    async def _recv(self, **kwargs: Any) -> dict[str, Any]:
        assert self.socket is not None
        parts = await self.socket.recv_multipart(**kwargs)
        self.left -= sum(map(len, parts))
        if self.left < 0:
            self.on_excess()
            raise TooMuchOutput
        _, message = self.session.feed_identities(parts)
        return self.session.deserialize(message)


class SandboxedClient(HearingClient):
    """A client of a kernel that may do anything with its sockets."""

    output_bytes = Integer(20 * 2**20, help="What the kernel may send as output.")
    on_excess = Callable(help="Called when it sends more.")
    iopub_channel_class = Type(CountedChannel)

    @default("context")
    def _context_default(self) -> zmq.asyncio.Context:
        self._created_context = True
        context = zmq.asyncio.Context()
        context.maxmsgsize = self.output_bytes
        return context

    def start_channels(self, **channels: bool) -> None:
        """Shell and output only: nobody is there to answer ``input``, and the room says itself whether it lives."""
        super().start_channels(stdin=False, hb=False, control=False)
        self.iopub_channel.left = self.output_bytes
        self.iopub_channel.on_excess = self.on_excess
        self._losses = self.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)

    @property
    def too_much(self) -> bool:
        """Whether it sent more than it may, in all."""
        return self.iopub_channel.left < 0

    @property
    def cut_off(self) -> bool:
        """Whether its outputs are cut off: it ended, or sent at once more than it may."""
        return bool(zmq.Socket.shadow(self._losses).poll(0))

    def stop_channels(self) -> None:
        """Close what was opened; asking for the other channels would open them."""
        if self._iopub_channel is not None:
            self._iopub_channel.socket.disable_monitor()
        for channel in (self._shell_channel, self._iopub_channel):
            if channel is not None:
                channel.stop()
        if self._created_context:
            self.context.destroy(linger=0)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Until the kernel answers and its outputs arrive here. Raises RuntimeError."""
        deadline = time.monotonic() + (timeout or 60)
        asked = set()
        while time.monotonic() < deadline and await self.is_alive():
            asked.add(self.kernel_info())
            try:
                answer = await self.shell_channel.get_msg(timeout=1)
                while answer["msg_type"] != "kernel_info_reply":
                    answer = await self.shell_channel.get_msg(timeout=1)
                # That it is idle after the question is the last thing it says before it is asked something else.
                while not self._is_idle(await self.iopub_channel.get_msg(timeout=0.2), asked):
                    pass
            except Empty:
                continue
            self._handle_kernel_info_reply(answer)
            return
        raise RuntimeError("The kernel does not answer.")

    @staticmethod
    def _is_idle(message: dict[str, Any], asked: set[str]) -> bool:
        state = message["content"].get("execution_state")
        return state == "idle" and message["parent_header"].get("msg_id") in asked


class SandboxedKernelManager(AsyncKernelManager):
    """Starts every kernel with our provisioner."""

    files: bytes | None = None
    """A tar of what lies in its folder at the start; None for the files of the folder it is started in."""
    client_factory = Type(SandboxedClient)  # no setting may name another

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernelspec, but for who starts it."""
        spec = deepcopy(super().kernel_spec)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER, "config": {}}}
        spec.interrupt_mode = "signal"
        return spec

    def write_connection_file(self, **kwargs: Any) -> None:
        """None: the address is a descriptor of this process, which means nothing to another."""

    def client(self, **kwargs: Any) -> SandboxedClient:
        """A client that takes as much output as the limits say."""
        limits, room = self.provisioner.settings.limits, self.provisioner.room
        return super().client(output_bytes=limits.output_mib * 2**20, on_excess=room.end, **kwargs)
