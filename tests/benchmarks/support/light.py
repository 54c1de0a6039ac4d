"""The smallest honest session: to hub and Slurm it is one, and it has no JupyterLab. For benchmarks of the hub.

``python -I light.py spawners.session`` is Campus's own session program (private folder, certificate, report) with what
follows in JupyterLab's place; ``python -I light.py stock`` tells a stock batchspawner its port as
``batchspawner-singleuser`` does. Both answer their health, over TLS where they have a certificate, and tell the hub
that they are in use every five minutes, as JupyterHub's single-user server does; Campus's reports its use as well.
"""

from __future__ import annotations

import datetime
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time
import types
import urllib.request

ACTIVITY_SECONDS = 300  # jupyterhub/singleuser/extension.py, hub_activity_interval
HEADERS = {"Authorization": f"token {os.environ.get('JUPYTERHUB_API_TOKEN', '')}", "Content-Type": "application/json"}


class Health(http.server.BaseHTTPRequestHandler):
    """Any address answers as ``/api`` of a Jupyter server does."""

    def do_GET(self) -> None:
        body = b'{"version": "0.0.0"}'
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is worth a line."""


class Server(http.server.ThreadingHTTPServer):
    """Serves on a socket that listens already; its handshakes are made in the threads of their connections."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        super().__init__(("", 0), Health, bind_and_activate=False)
        self.socket.close()
        self.socket, self.context = listener, context

    def finish_request(self, request, client_address) -> None:
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address) -> None:
        """Whoever has no certificate gets no answer."""


def client_context() -> ssl.SSLContext | None:
    """The session's certificate, as a client; None where it has none."""
    if "JUPYTERHUB_SSL_KEYFILE" not in os.environ:
        return None
    context = ssl.create_default_context(cafile=os.environ["JUPYTERHUB_SSL_CLIENT_CA"])
    context.load_cert_chain(os.environ["JUPYTERHUB_SSL_CERTFILE"], os.environ["JUPYTERHUB_SSL_KEYFILE"])
    return context


def server_context() -> ssl.SSLContext | None:
    """The session's certificate, as a server that asks for its clients'; None where it has none."""
    if "JUPYTERHUB_SSL_KEYFILE" not in os.environ:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.environ["JUPYTERHUB_SSL_CLIENT_CA"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(os.environ["JUPYTERHUB_SSL_CERTFILE"], os.environ["JUPYTERHUB_SSL_KEYFILE"])
    return context


def tell(url: str, what: dict[str, object]) -> bytes:
    """POST to the hub; its answer. Raises OSError."""
    request = urllib.request.Request(url, json.dumps(what).encode(), HEADERS)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=client_context())
    )
    with opener.open(request, timeout=30) as answer:
        return answer.read()


def stay_active() -> None:
    name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    while True:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        try:
            tell(
                os.environ["JUPYTERHUB_ACTIVITY_URL"], {"servers": {name: {"last_activity": now}}, "last_activity": now}
            )
        except OSError as error:
            print(f"the hub was not told: {error}", file=sys.stderr, flush=True)
        time.sleep(ACTIVITY_SECONDS)


def report_use() -> None:
    """As extensions.clock.idle does, as often as Campus's hub asks."""
    env = os.environ
    url = f"{env['JUPYTERHUB_API_URL']}/users/{env['JUPYTERHUB_USER']}/servers/{env.get('JUPYTERHUB_SERVER_NAME', '')}"
    while True:
        again = 60.0
        try:
            again = json.loads(tell(f"{url}/campus/use", {"idle": 0.0, "gpu_idle": None}))["again"]
        except OSError as error:
            print(f"the hub was not told: {error}", file=sys.stderr, flush=True)
        time.sleep(again)


def serve(listener: socket.socket) -> None:
    """Serve until the job ends."""
    listener.setblocking(True)
    if sys.argv[1] != "stock":
        threading.Thread(target=report_use, daemon=True).start()
    threading.Thread(target=stay_active, daemon=True).start()
    Server(listener, server_context()).serve_forever()


def main() -> None:
    if sys.argv[1] == "stock":
        listener = socket.create_server(("0.0.0.0", 0), backlog=128)
        tell(f"{os.environ['JUPYTERHUB_API_URL']}/batchspawner", {"port": listener.getsockname()[1]})
        serve(listener)
        return
    instead = types.ModuleType("spawners.session.server")
    instead.serve = serve  # type: ignore[attr-defined]
    sys.modules[instead.__name__] = instead
    from spawners.session.__main__ import main as session

    session()


if __name__ == "__main__":
    main()
