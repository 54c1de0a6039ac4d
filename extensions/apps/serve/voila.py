"""Voilà over the person's kits: each renders its app, on a Unix socket, with kernels as everywhere in a session."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_unix_socket
from traitlets.config import Config
from voila.app import Voila

from extensions.apps.serve.leash import leash, private_folder
from extensions.apps.store import kits
from extensions.lab.client import SETTINGS

_CULL = 600  # seconds until the kernel of an app that nobody looks at any more ends


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
        try:
            self.ioloop.start()
        finally:
            self.stop()


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
            **SETTINGS,
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
