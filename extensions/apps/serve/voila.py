"""Voilà over the person's kits: each renders its app, on a Unix socket, with kernels as everywhere in a session."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.netutil import bind_unix_socket
from traitlets.config import Config
from voila.app import Voila

from extensions.apps.serve.leash import leash, private_folder
from extensions.apps.store import kits

_CULL = 600  # seconds until the kernel of an app that nobody looks at any more ends
_WAKE_SECONDS = 2.0
_WAKES = 60  # of one kernel, while its app comes up; later they would count as use


class KitApps(Voila):
    """Voilà at an address that the session's proxy hands on whole; it takes its socket, and no port."""

    socket: str

    def init_handlers(self) -> list[Any]:
        """Without the lists of files: the page of kits' apps is the session's own (extensions.apps.index)."""
        return [h for h in super().init_handlers() if h[0] != self.server_url and not _lists_files(h[0])]

    def listen(self) -> None:
        server = HTTPServer(self.app)
        server.add_socket(bind_unix_socket(self.socket, mode=0o600))
        self.ioloop = IOLoop.current()
        self._woken: dict[str, tuple[Any, int]] = {}
        PeriodicCallback(self._wake_kernels, _WAKE_SECONDS * 1000).start()
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def _wake_kernels(self) -> None:
        """Ask each new kernel something now and then.

        ipykernel 7 may overlook a request that comes while it sends a reply, until another comes (its issue 1554); an
        app in twelve stood still at that.
        """
        for name in self.kernel_manager.list_kernel_ids():
            kernel = self.kernel_manager.get_kernel(name)
            if name not in self._woken and kernel.ready.done():
                self._woken[name] = kernel.connect_shell(), 0
            socket, times = self._woken.get(name, (None, _WAKES))
            if times < _WAKES:
                kernel.session.send(socket, "kernel_info_request")
                self._woken[name] = socket, times + 1
            if times == _WAKES - 1:
                socket.close(linger=0)


def _lists_files(route: str) -> bool:
    return "/voila/tree" in route or "/voila/api/contents" in route


def configuration(base_url: str, folder: Path) -> Config:
    """``base_url`` is the public path of the app, with a slash at both ends."""
    shown = {"strip_sources": True, "show_tracebacks": False, "file_allowlist": [r".*\.(png|svg)"]}
    server = {
        "base_url": base_url,
        "root_dir": str(folder),
        "connection_dir_root": os.environ["JUPYTER_RUNTIME_DIR"],
        "open_browser": False,
        "log_level": "WARN",
        "config_file_paths": [],
    }
    return Config(
        {
            "Voila": server,
            "VoilaConfiguration": shown,
            "KernelManager": {"transport": "ipc"},
            "MappingKernelManager": {"cull_idle_timeout": _CULL, "cull_interval": 60},
        }
    )


def main() -> None:
    leash()
    KitApps.socket = sys.argv[1]
    folder = private_folder(kits(Path.home()))
    app = KitApps(config=configuration(sys.argv[2], folder))
    app.initialize([])
    app.start()


if __name__ == "__main__":
    main()
