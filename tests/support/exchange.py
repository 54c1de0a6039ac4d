"""The exchange's real process on loopback, before a stand-in for the hub that knows whose token is whose."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from tests.support.person import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
PREFIX = "/services/exchange/"
ACCESS = ["access:services!service=exchange", "access:services!service=home"]


class Hub:
    """Answers ``/hub/api/user``: a token is its owner's name; who is in which groups stands in ``groups``.

    ``more`` answers what else is asked: method, path and the asker's name -> status and body.
    """

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.services: set[str] = {"publisher", "other"}
        self.without_scope: set[str] = {"nosy"}
        self.silent = False
        self.more: Callable[[str, str, str], tuple[int, Any]] = lambda method, path, name: (403, {})
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                name = self.headers.get("Authorization", "").removeprefix("token ")
                status, body = 200, hub.model(name)
                if hub.silent:
                    status = 503
                elif not name:
                    status = 403
                elif self.path != "/hub/api/user":
                    status, body = hub.more(self.command, self.path, name)
                self.send_response(status)
                self.end_headers()
                if status != 204:
                    self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def model(self, name: str) -> dict[str, Any]:
        kind = "service" if name in self.services else "user"
        scopes = [] if name in self.without_scope else ACCESS
        return {"kind": kind, "name": name, "groups": self.groups.get(name, []), "scopes": scopes}

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hub/api"


def tar(files: Mapping[str, bytes]) -> bytes:
    """A plain tar of these files."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return body.getvalue()


def untar(body: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None
            found[entry.name] = content.read()
    return found


def key() -> str:
    return uuid.uuid4().hex


class Exchange:
    """The process, its folder, and requests to it."""

    def __init__(self, folder: Path, hub: Hub, python: str = sys.executable, **settings: str) -> None:
        self.folder, self.hub, self.python = folder, hub, python
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.settings = settings
        self.program = ("-m", "extensions.exchange.service")
        self.url = f"http://127.0.0.1:{self.port}{PREFIX}api/v1"
        self.web = requests.Session()
        self.web.trust_env = False

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CHECKOUT),
            "CAMPUS_EXCHANGE_FOLDER": str(self.folder),
            "CAMPUS_EXCHANGE_PORT": str(self.port),
            "CAMPUS_EXCHANGE_PUBLIC_URL": f"http://127.0.0.1:{self.port}{PREFIX}",
            "CAMPUS_EXCHANGE_SITE_NAME": "Campus%20%22under%22%20test",
            "CAMPUS_EXCHANGE_UPLOAD_BYTES": "1000000",
            "CAMPUS_EXCHANGE_PERSON_BYTES": "1000000000",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_NAME": "exchange",
            "JUPYTERHUB_API_URL": self.hub.api,
            "JUPYTERHUB_API_TOKEN": "exchange",
            "JUPYTERHUB_CLIENT_ID": "service-exchange",
            **self.settings,
        }

    def start(self) -> None:
        self.log = open(self.folder.parent / f"{self.folder.name}.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [self.python, "-P", "-s", *self.program], env=self.environment(), stdout=self.log, stderr=self.log
        )
        wait_for("the exchange", self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder.parent / f"{self.folder.name}.log").read_text()
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{PREFIX}health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(20)
        self.log.close()

    def ask(self, who: str, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {"Authorization": f"token {who}", **arguments.pop("headers", {})}
        return self.web.request(method, self.url + path, headers=headers, timeout=60, **arguments)

    def put(self, who: str, path: str, body: Any) -> Any:
        answer = self.ask(who, "PUT", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, who: str, path: str) -> Any:
        answer = self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, who: str, method: str, path: str, body: bytes, **params: str) -> requests.Response:
        """An upload; ``key`` is made where it is not given."""
        return self.ask(
            who, method, path, data=body, params={"key": key(), **params}, headers={"Content-Type": "application/x-tar"}
        )

    def release(self, course: str, name: str, files: Mapping[str, bytes] | None = None, **policy: Any) -> None:
        """Released by the course's grader account."""
        path, who = f"/courses/{course}/assignments/{name}", f"grader-{course}"
        if policy:
            self.put(who, path, {"title": name, **policy})
        answer = self.send(who, "PUT", f"{path}/files", tar(files or {"p1.ipynb": b"{}"}), replace="1")
        assert answer.status_code == 200, answer.text

    def submit(self, who: str, course: str, name: str, files: Mapping[str, bytes], **params: str) -> requests.Response:
        return self.send(who, "POST", f"/courses/{course}/assignments/{name}/submissions", tar(files), **params)

    def submitted(self, who: str, course: str, name: str, files: Mapping[str, bytes] | None = None) -> dict[str, Any]:
        """The receipt."""
        answer = self.submit(who, course, name, files or {"p1.ipynb": b"mine"})
        assert answer.status_code == 201, answer.text
        return answer.json()


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Exchange]:
    """An exchange of one's own, and its hub."""
    hub = Hub()
    exchange = Exchange(folder, hub, **settings)
    exchange.start()
    try:
        yield exchange
    finally:
        if exchange.process.poll() is None:
            exchange.kill(signal.SIGTERM)
        hub.server.shutdown()
        hub.server.server_close()
