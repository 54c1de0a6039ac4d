"""A real session, from its own environment, as an account that does not own it, before a small stand-in for a hub."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from hub_config.paths import Paths
from tests.support.course import Course
from tests.support.exchange import running as exchange_running
from tests.support.person import wait_for
from tests.support.taught import ASSIGNMENT, Taught

NOBODY = 65534
TOKEN = {"Authorization": "token alices-token"}
SERVE = """
import socket, sys
from spawners.session.server import serve
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.setblocking(False)
serve(listener)
"""


class Hub(BaseHTTPRequestHandler):
    """Says that alice's token is alice's, and nothing else."""

    def do_GET(self) -> None:
        alice = {"name": "alice", "kind": "user", "groups": [], "scopes": ["access:servers!user=alice"]}
        known = self.headers.get("Authorization", "").endswith("alices-token")
        body = json.dumps(alice if self.path.endswith("/user") and known else {"version": "6.1.1"}).encode()
        self.send_response(200 if known or not self.path.endswith("/user") else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Session:
    """Alice's session: its address, its log, its processes."""

    def __init__(
        self, environment: Path, folder: Path, hub_port: int, config: dict[str, Any], more: dict[str, str]
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment, self.folder, self.log = environment, folder, folder / "log"
        self.url = f"http://127.0.0.1:{self.port}/user/alice"
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        home = self.home = folder / "home"
        (home / ".jupyter").mkdir(parents=True)
        (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps(config))
        account: dict[str, Any] = {}
        if os.getuid() == 0:
            account = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        hub = f"http://127.0.0.1:{hub_port}/hub/api"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(environment / "bin" / "python"), "-I", "-c", SERVE, str(self.port)],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={
                    "PATH": f"{environment}/bin:/usr/local/bin:/usr/bin:/bin",
                    "HOME": str(home),
                    "LANG": "C.UTF-8",
                    "JUPYTER_RUNTIME_DIR": str(self.runtime),
                    "JUPYTERHUB_API_TOKEN": "alices-token",
                    "JUPYTERHUB_API_URL": hub,
                    "JUPYTERHUB_ACTIVITY_URL": f"{hub}/users/alice/activity",
                    "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-alice",
                    "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!user=alice"]',
                    "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/",
                    "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}/user/alice/",
                    "JUPYTERHUB_USER": "alice",
                    **more,
                },
                **account,
            )

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.url}/api", timeout=5).ok
        except requests.ConnectionError:
            return False

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {**TOKEN, **arguments.pop("headers", {})}
        arguments = {"timeout": 30, "allow_redirects": False, **arguments}
        return requests.request(method, f"{self.url}{path}", headers=headers, **arguments)

    def page_config(self) -> dict[str, Any]:
        page = self.request("GET", "/lab").text
        return json.loads(page.split('type="application/json">', 1)[1].split("</script>", 1)[0])

    def processes(self) -> list[psutil.Process]:
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def listening(self) -> list[int]:
        """The TCP ports on which the session's processes listen, the server's own left out."""
        found = [c for p in self.processes() for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        return [c.laddr.port for c in found if c.laddr.port != self.port]

    async def run(self, kernel: str, code: str) -> str:
        """Run code in a kernel; what it printed."""
        url = f"{self.url.replace('http', 'ws')}/api/kernels/{kernel}/channels"
        channels = await websocket_connect(HTTPRequest(url, headers=TOKEN))
        content = {"code": code, "silent": False}
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s"}
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
        }
        await channels.write_message(json.dumps(message))
        printed = ""
        while text := await channels.read_message():
            answer = json.loads(text)
            if answer["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            assert answer["msg_type"] != "error", answer["content"]
            printed += answer["content"].get("text", "")
            if answer["content"].get("execution_state") == "idle":
                break
        channels.close()
        return printed

    def stop(self) -> None:
        processes = self.processes()
        self.process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            process.kill()
        self.process.wait(10)


@pytest.fixture(scope="session")
def environment() -> Path:
    """The session environment to test."""
    return Paths(Path(os.environ["CAMPUS_PREFIX"])).session_env.resolve()


@contextmanager
def running(environment: Path, config: dict[str, Any] | None = None, **more: str) -> Iterator[Session]:
    """A session whose owner has this Jupyter configuration in the home folder, and ``more`` in the environment."""
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    # Short, as a session's own is: the path of a Unix socket may have 107 bytes at most (unix(7)).
    with tempfile.TemporaryDirectory(prefix="campus-", dir="/tmp") as folder:
        session = Session(environment, Path(folder), hub.server_port, config or {}, more)
        try:
            wait_for("the session", session.is_up)
            yield session
        finally:
            if session.process.poll() is None:
                session.stop()
            hub.shutdown()
            hub.server_close()


@pytest.fixture(scope="module")
def session(environment: Path) -> Iterator[Session]:
    with running(environment) as session:
        yield session


@pytest.fixture
def kernel(session: Session) -> Iterator[str]:
    """The id of a fresh Python kernel."""
    answer = session.request("POST", "/api/kernels", json={"name": "python3"})
    answer.raise_for_status()
    yield answer.json()["id"]
    session.request("DELETE", f"/api/kernels/{answer.json()['id']}")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A folder that every account can pass through."""
    with tempfile.TemporaryDirectory(prefix="campus-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def prepared(environment: Path, base: Path) -> Path:
    """A course's folder with the assignment generated, to copy."""
    course = Course(environment, base / "prepared")
    course.configure("c.CourseDirectory.course_id = 'dl'\n")
    course.generate(ps1=ASSIGNMENT)
    return course.root


@pytest.fixture
def taught(
    environment: Path, base: Path, prepared: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Taught]:
    home = base / request.node.name
    shutil.copytree(prepared, home / "course")
    with exchange_running(tmp_path / "state") as exchange:
        yield Taught(Course(environment, home), exchange)
