"""Start a session: bind, report, serve. Run by the job script as ``python -I -m spawners.session``.

The port is bound before it is reported and never let go, so nobody can slip in between; the report goes out while
JupyterLab is still being imported, so the hub is ready as soon as the session is.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading

from spawners.session.private import make_private_folder
from spawners.session.report import HubRefused, report_port


def _bind(address: str) -> socket.socket:
    """A listening TCP socket on a port that the kernel chose."""
    listener = socket.create_server((address, 0), backlog=128)
    listener.setblocking(False)
    return listener


def _report_or_die(port: int, url: str, secret: str, folder: str) -> None:
    try:
        report_port(port, url, secret, folder)
    except HubRefused as error:
        # A session that its hub does not want would hold its GPU for nobody.
        print(f"campus: {error}; this session ends.", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(3)


def main() -> None:
    secret = os.environ.pop("CAMPUS_SESSION_SECRET")
    url = os.environ.pop("CAMPUS_SESSION_REPORT")
    folder = make_private_folder(os.environ)
    address, prefix = os.environ["JUPYTERHUB_SERVICE_URL"].split("://", 1)[1].split("/", 1)
    listener = _bind(address.rsplit(":", 1)[0])
    port = listener.getsockname()[1]
    os.environ["JUPYTERHUB_SERVICE_URL"] = f"https://{address.rsplit(':', 1)[0]}:{port}/{prefix}"
    threading.Thread(target=_report_or_die, args=(port, url, secret, str(folder)), daemon=True).start()

    from spawners.session.server import serve

    serve(listener)


if __name__ == "__main__":
    main()
