"""TensorBoard over the person's event files, on a Unix socket."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from tensorboard import default, program
from werkzeug.serving import ThreadedWSGIServer

from extensions.apps.serve.leash import leash, private_folder
from extensions.apps.store import event_logs


class _OnSocket(ThreadedWSGIServer):
    """What TensorBoard calls a server (tensorboard.program.TensorBoardServer), at werkzeug's ``unix://`` address."""

    def __init__(self, app: Any, flags: Any) -> None:
        super().__init__(f"unix://{flags.host}", 0, app)

    def log(self, type: str, message: str, *args: Any) -> None:
        if type != "info":  # a line for each request
            super().log(type, message, *args)

    def get_url(self) -> str:
        return self.host

    def print_serving_message(self) -> None:
        pass


def main() -> None:
    leash()
    board = program.TensorBoard(plugins=default.get_plugins(), server_class=_OnSocket)
    # Its fast loader is a program of its own that listens on loopback, where others of the node may connect.
    board.configure(logdir=str(private_folder(event_logs(Path.home()))), host=sys.argv[1], load_fast="false")
    board.launch()  # unlike main(), which also writes a note for others into /tmp
    signal.pause()


if __name__ == "__main__":
    main()
