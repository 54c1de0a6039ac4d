"""The proxy accepts a session's certificate only from the user whose route it is: real proxy, real TLS."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from certipy import Certipy

from hub_config.packages import locked_node_modules
from tests.support.person import wait_for

PIN = Path(__file__).resolve().parents[2] / "hub_config" / "proxy" / "pin.mjs"
TOKEN = {"Authorization": "token for-the-test"}
PEOPLE = ("user-alice", "user-mallory")
# user-service is what JupyterHub calls the services that it starts.
OTHERS = ("hub-internal", "user-service", "proxy")


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("CAMPUS_NODE_MODULES"):
        return Path(given)
    if not shutil.which("npm"):
        pytest.skip("needs Node.js; ./campus test (without unit) installs it")
    return locked_node_modules(tmp_path_factory.mktemp("node"), dict(os.environ))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certipy:
    store = Certipy(store_dir=str(tmp_path_factory.mktemp("certificates")))
    store.create_ca("notebooks-ca")
    for name in PEOPLE + OTHERS:
        store.create_signed_pair(name, "notebooks-ca", alt_names=["IP:127.0.0.1"])
    return store


def files(store: Certipy, name: str) -> tuple[str, str]:
    record = store.store.get_record(name)
    return record["files"]["cert"], record["files"]["key"]


class Server:
    """A TLS server with somebody's certificate; keeps every byte it receives."""

    def __init__(self, store: Certipy, name: str, *, resets: bool = False) -> None:
        """With ``resets``, it answers a websocket's handshake and then resets the connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files(store, name))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = b""
        self._context, self._resets = context, resets
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            plain, _ = self.listener.accept()
            with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as peer:
                self._answer(peer)

    def _answer(self, peer: ssl.SSLSocket) -> None:
        request = peer.recv(65536)
        self.received += request
        if b"upgrade: websocket" not in request.lower():
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            return
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        if self._resets:
            reset(peer)


def reset(connection: socket.socket) -> None:
    """Close without a farewell: the other side sees ECONNRESET (socket(7), SO_LINGER of zero)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Proxy:
    """configurable-http-proxy with the pin, as JupyterHub's internal_ssl runs it."""

    def __init__(self, node_modules: Path, store: Certipy, log: Path, *options: str) -> None:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            self.port, self.api = one.getsockname()[1], two.getsockname()[1]
        certificate, key = files(store, "proxy")
        authority = store.store.get_record("notebooks-ca")["files"]["cert"]
        program = node_modules / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *("node", f"--import={PIN}", str(program), "--ip=127.0.0.1", f"--port={self.port}"),
                    *("--api-ip=127.0.0.1", f"--api-port={self.api}", f"--client-ssl-key={key}"),
                    *(f"--client-ssl-cert={certificate}", f"--client-ssl-ca={authority}", *options),
                ],
                env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "for-the-test"},
                stdout=out,
                stderr=out,
            )

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"http://127.0.0.1:{self.api}/api/routes", headers=TOKEN, timeout=5).ok
        except requests.ConnectionError:
            return False

    def route(self, path: str, server: Server, **data: str) -> str:
        """Add a route as JupyterHub does; returns its URL."""
        body = {"target": f"https://127.0.0.1:{server.port}", **data}
        url = f"http://127.0.0.1:{self.api}/api/routes{path}"
        requests.post(url, json=body, headers=TOKEN, timeout=5).raise_for_status()
        return f"http://127.0.0.1:{self.port}{path}/"

    def session(self, user: str, server: Server) -> str:
        return self.route(f"/user/{user}", server, user=user, server_name="")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def proxy(node_modules: Path, certificates: Certipy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    hub = Server(certificates, "hub-internal")
    log = tmp_path_factory.mktemp("log") / "proxy.log"
    proxy = Proxy(node_modules, certificates, log, f"--error-target=https://127.0.0.1:{hub.port}/hub/error")
    try:
        wait_for("the proxy", proxy.is_up)
        yield proxy
        assert proxy.process.poll() is None, log.read_text()
    finally:
        proxy.stop()


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Cookie": "session=precious", **headers}, timeout=10)


def test_the_persons_own_session_answers(proxy, certificates):
    answer = get(proxy.session("alice", Server(certificates, "user-alice")))
    assert (answer.status_code, answer.text) == (200, "hi")


def test_under_the_public_name_too(proxy, certificates):
    """The certificate names the node, never the site that the browser asked for."""
    url = proxy.session("alice", Server(certificates, "user-alice"))
    assert get(url, Host="campus.example.org").status_code == 200


def test_somebody_elses_session_gets_nothing(proxy, certificates):
    impostor = Server(certificates, "user-mallory")
    answer = get(proxy.session("alice", impostor))
    assert (answer.status_code, answer.text) == (503, "hi")  # the hub's error page
    assert impostor.received == b""


def test_a_dead_sessions_port_may_be_anothers_by_now(proxy, certificates):
    """A dead session's route stays until the hub looks; the port's new owner has a route of their own."""
    server = Server(certificates, "user-mallory")
    dead = proxy.session("alice", server)
    alive = proxy.session("mallory", server)
    assert get(dead).status_code == 503
    assert server.received == b""
    assert get(alive).status_code == 200


@pytest.mark.parametrize("name", ["hub-internal", "user-service"])
def test_the_hub_and_its_services_answer(proxy, certificates, name):
    assert get(proxy.route("/hub", Server(certificates, name))).status_code == 200


def test_a_person_is_not_the_hub(proxy, certificates):
    impostor = Server(certificates, "user-mallory")
    assert get(proxy.route("/hub", impostor)).status_code == 503
    assert impostor.received == b""


def test_a_session_without_tls_gets_nothing(proxy, certificates):
    server = Server(certificates, "user-alice")
    url = proxy.route("/user/alice", server, user="alice", target=f"http://127.0.0.1:{server.port}")
    assert get(url).status_code == 500
    assert server.received == b""


def upgrade(url: str, then=lambda client: None) -> bytes:
    host, _, path = url.removeprefix("http://").partition("/")
    with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=10) as client:
        client.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Cookie: session=precious\r\n\r\n".encode()
        )
        answer = client.recv(4096)
        then(client)
        return answer


def test_websockets_too(proxy, certificates):
    assert b"101" in upgrade(proxy.session("alice", Server(certificates, "user-alice")))
    impostor = Server(certificates, "user-mallory")
    assert b"503" in upgrade(proxy.session("alice", impostor))
    assert impostor.received == b""


def test_a_reset_websocket_does_not_end_the_proxy(proxy, certificates):
    broken = proxy.session("alice", Server(certificates, "user-alice", resets=True))
    for _ in range(20):
        upgrade(broken, then=reset)
        upgrade(broken)
    assert get(proxy.session("alice", Server(certificates, "user-alice"))).status_code == 200
    assert proxy.process.poll() is None, proxy.log.read_text()


def test_an_unknown_proxy_does_not_start(certificates, tmp_path):
    package = tmp_path / "configurable-http-proxy"
    (package / "bin").mkdir(parents=True)
    (package / "lib").mkdir()
    (package / "package.json").write_text('{"type": "module"}')
    (package / "bin" / "configurable-http-proxy").write_text("process.exit(0);")
    (package / "index.js").write_text("export class ConfigurableProxy {}")
    (package / "lib" / "store.js").write_text("export class MemoryStore {}")
    proxy = Proxy(tmp_path, certificates, tmp_path / "log")
    assert proxy.process.wait(10) == 1
    assert "The proxy does not start" in proxy.log.read_text()


def test_routes_kept_elsewhere_are_refused(node_modules, certificates, tmp_path):
    proxy = Proxy(node_modules, certificates, tmp_path / "log", "--storage-backend=elsewhere")
    assert proxy.process.wait(10) == 1
    assert "kept in memory" in proxy.log.read_text()
