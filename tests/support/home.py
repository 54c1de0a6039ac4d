"""Home's real process on loopback, before the stand-in for the hub and a real exchange."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import requests

from tests.support.exchange import CHECKOUT, Exchange
from tests.support.person import wait_for

PREFIX = "/services/home/"
SIZES = [
    {"name": "cpu", "title": "No GPU", "gpus": 0, "shards": 0, "memory_mib": 4096},
    {"name": "slice", "title": "A slice of a GPU", "gpus": 0, "shards": 1, "memory_mib": 4096},
    {"name": "gpu1", "title": "One GPU", "gpus": 1, "shards": 0, "memory_mib": 8192},
    {"name": "gpu4", "title": "Four GPUs", "gpus": 4, "shards": 0, "memory_mib": 32768},
]
NO_SESSION: dict[str, Any] = {
    "name": "",
    "state": "none",
    "size": None,
    "title": None,
    "start": None,
    "end": None,
    "waiting": None,
    "ended": None,
}


class Home:
    """The process, and requests to it; a token is its owner's name."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.sessions: dict[str, list[dict[str, Any]]] = {}
        """What the hub says of somebody's; ``end`` is in so many seconds here."""
        self.recent: dict[str, list[dict[str, Any]]] = {}
        """Whose notebooks were saved last, as the hub says it."""
        self.gpu_hours = {"month": 0.0, "total": 0.0}
        self.asked: list[tuple[str, str, str]] = []
        """What the hub was asked besides who somebody is."""
        self.reset()
        self.folder = exchange.folder.parent / "home"
        self.folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{PREFIX}"
        self.kits = self.folder / "kits"
        self.announcements = self.folder / "announcements.toml"

    def reset(self) -> None:
        """As after the start, for another test."""
        self.sessions.clear()
        self.recent.clear()
        self.gpu_hours = {"month": 0.0, "total": 0.0}
        self.asked.clear()
        self.exchange.hub.more = self._hub

    def _hub(self, method: str, path: str, name: str) -> tuple[int, Any]:
        self.asked.append((method, path, name))
        if (method, path) in (("GET", f"/hub/api/users/{name}/campus/{what}") for what in ("sessions", "home")):
            found = self.sessions.get(name, [NO_SESSION])
            said: dict[str, Any] = {
                "sessions": [one | {"end": one["end"] and time.time() + one["end"]} for one in found]
            }
            more = {"recent": self.recent.get(name, []), "gpu_hours": self.gpu_hours}
            return 200, said | (more if path.endswith("home") else {})
        return (202, None) if method == "DELETE" and path.startswith(f"/hub/api/users/{name}/") else (403, {})

    def start(self) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CHECKOUT),
            "CAMPUS_HOME_FOLDER": str(self.folder),
            "CAMPUS_HOME_PORT": str(self.port),
            "CAMPUS_HOME_SITE": "Campus%20%22%3Cb%3E",
            "CAMPUS_HOME_SIZES": quote(json.dumps(SIZES)),
            "CAMPUS_HOME_KITS": str(self.kits),
            "CAMPUS_HOME_GRADER_OPTIONS": "opt-size=cpu&opt-memory=4096M",
            "CAMPUS_HOME_ANNOUNCEMENTS": str(self.announcements),
            "CAMPUS_EXCHANGE_URL": self.exchange.url,
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_SERVICE_NAME": "home",
            "JUPYTERHUB_API_URL": self.exchange.hub.api,
            "JUPYTERHUB_API_TOKEN": "home",
            "JUPYTERHUB_CLIENT_ID": "service-home",
        }
        self.log = (self.folder.parent / "home.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "extensions.home"], env=env, stdout=self.log, stderr=self.log
        )
        wait_for("Home", self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder.parent / "home.log").read_text()
        try:
            return requests.get(f"{self.url}health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.log.close()

    def ask(self, who: str, method: str, path: str = "", **arguments: Any) -> requests.Response:
        headers = {"Authorization": f"token {who}", **arguments.pop("headers", {})} if who else {}
        arguments = {"allow_redirects": False, "timeout": 30, **arguments}
        return requests.request(method, f"{self.url}{path}", headers=headers, **arguments)

    def get(self, who: str, path: str = "", **headers: str) -> str:
        """The page."""
        answer = self.ask(who, "GET", path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, who: str, path: str, **fields: Any) -> str:
        """Sends a form, and what the page after it says."""
        with requests.Session() as web:
            web.headers["Authorization"] = f"token {who}"
            files = {name: value for name, value in fields.items() if isinstance(value, bytes)}
            data = {name: value for name, value in fields.items() if name not in files}
            answer = web.post(f"{self.url}{path}", data=data, files=files or None, timeout=30)
            assert answer.status_code == 200, answer.text
            assert answer.history, "no redirect after the form"
            found = re.search(r'<div class="alert alert-(?:success|danger)"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
            return text(found.group(1)) if found else ""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text(page: str) -> str:
    """What a person reads of some HTML, in one line."""
    parser = _Text()
    parser.feed(page)
    return " ".join(" ".join(parser.words).split())


@contextmanager
def at_home(exchange: Exchange) -> Iterator[Home]:
    home = Home(exchange)
    home.start()
    try:
        yield home
    finally:
        home.stop()
