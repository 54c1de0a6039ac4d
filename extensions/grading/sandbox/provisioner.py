"""The kernel provisioner ``campus-sandbox``: a kernel in a room of its own, with a copy of its folder's files."""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import sys
import tarfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Instance, List, Unicode, default

from extensions.grading.sandbox import rooms
from extensions.grading.sandbox.inner import HOME
from extensions.grading.sandbox.room import CONNECTION_FILE
from extensions.grading.settings import Sandbox

_PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
# nbgrader's own: the notebooks hold the hidden tests again, and the secret names the feedback's file.
_WITHHELD = (".ipynb", "submission_secret.txt")


class SandboxProvisioner(KernelProvisionerBase):
    """Never starts a kernel elsewhere: where no sandbox can be made, it raises CampusError."""

    server = Unicode(help="Socket of the fork server for Python kernels; empty to start each one anew.").tag(
        config=True
    )
    processors = List(help="The processors that kernels keep to.").tag(config=True)
    settings = Instance(Sandbox)
    room: rooms.Room | None = None

    @default("settings")
    def _default_settings(self) -> Sandbox:
        return Sandbox(parent=self)

    @default("processors")
    def _default_processors(self) -> list[int]:
        here = sorted(os.sched_getaffinity(0))
        return random.sample(here, min(self.settings.cpus, len(here)))

    @property
    def has_process(self) -> bool:
        return self.room is not None

    async def poll(self) -> int | None:
        if self.room is None or self.room.over():
            return 0 if self.room is None else self.room.status
        return None

    async def wait(self) -> int | None:
        while (status := await self.poll()) is None:  # noqa: ASYNC110 - as often as jupyter_client looks
            await asyncio.sleep(0.05)
        return status

    async def send_signal(self, signum: int) -> None:
        if self.room and signum != 0:
            self.room.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        if self.room:
            self.room.kill()

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        if self.room:
            self.room.close()
            self.room = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        arguments = kwargs.pop("extra_arguments", [])
        return await super().pre_launch(cmd=[*self.kernel_spec.argv, *arguments], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Raises CampusError where the room cannot be made."""
        session = self.parent.session
        connection = {name: number for number, name in enumerate(_PORTS, 1)}
        connection |= {"key": session.key.decode(), "signature_scheme": session.signature_scheme}
        request = {"connection": connection, "environment": self._environment(), "processors": self.processors}
        files = self.parent.files or packed(Path(kwargs.get("cwd") or "."))
        limits = self.settings.limits
        warm = self.server and "ipykernel_launcher" in cmd
        if warm:
            self.room = rooms.forked(self.server, request, files, limits)
        else:
            self.room = rooms.alone({**request, "argv": self._argv(cmd)}, files, limits)
        address = f"/proc/self/fd/{self.room.sockets}/k"
        self.connection_info = {**connection, "key": session.key, "transport": "ipc", "ip": address}
        return self.connection_info

    def _argv(self, cmd: list[str]) -> list[str]:
        """A kernelspec's command (jupyter_client, "Kernel specs") as it is behind the wall."""
        words = [w.format(connection_file=CONNECTION_FILE, resource_dir=self.kernel_spec.resource_dir) for w in cmd]
        return [sys.executable if words[0] in ("python", "python3") else words[0], *words[1:]]

    def _environment(self) -> dict[str, str]:
        threads = {f"{name}_NUM_THREADS": str(self.settings.cpus) for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
        kept = {name: os.environ[name] for name in ("NBGRADER_EXECUTION",) if name in os.environ}
        return {
            "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": HOME,
            "USER": "student",
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",  # noqa: S108 - the room's own
            **threads,
            **kept,
            **self.kernel_spec.env,
        }


def packed(folder: Path) -> bytes:
    """The plain files of a folder as a tar; links and the like, and what is nbgrader's own, are left out."""

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        withheld = "/" not in member.name and member.name.endswith(_WITHHELD)
        return member if (member.isfile() or member.isdir()) and not withheld else None

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, arcname=entry.name, filter=wanted)
    return buffer.getvalue()
