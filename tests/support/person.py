"""A person at Campus, over HTTP as a browser would: signs in, starts a session, runs code in a kernel."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


def wait_for(what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value that ``look`` gives; fails naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return found


class Person:
    """Signed in with a password; ``token`` is their own, with their own permissions."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self.name = name
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.get(f"{url}/hub/login")
        # To the home page, which starts nothing.
        login = f"{url}/hub/login?next=%2Fhub%2Fhome"
        form = {"username": name, "password": password, "_xsrf": self._xsrf()}
        answer = self.web.post(login, data=form)
        answer.raise_for_status()
        assert answer.url == f"{url}/hub/home", "the sign-in was refused"
        made = self.web.post(
            f"{url}/hub/api/users/{name}/tokens", json={"note": "test"}, headers={"X-XSRFToken": self._xsrf()}
        )
        made.raise_for_status()
        self.token: str = made.json()["token"]

    def _xsrf(self) -> str:
        return next(c.value or "" for c in self.web.cookies if c.name == "_xsrf" and c.path == "/hub/")

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """A request with this person's token, to any path of the site."""
        headers = {"Authorization": f"token {self.token}", **arguments.pop("headers", {})}
        return requests.request(
            method, f"{self.url}{path}", headers=headers, timeout=60, allow_redirects=False, **arguments
        )

    def api(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.request(method, f"/hub/api{path}", **arguments)

    def servers(self) -> dict[str, dict[str, Any]]:
        return self.api("GET", f"/users/{self.name}").json()["servers"]

    def server(self) -> dict[str, Any] | None:
        return self.servers().get("")

    def ask(self, **options: Any) -> requests.Response:
        return self.api("POST", f"/users/{self.name}/server", json={"user_options": options} if options else None)

    def ask_without_waiting(self, **options: Any) -> None:
        """Ask for a session that will wait: the hub answers after its slow_spawn_timeout, or is gone before."""
        thread = threading.Thread(target=self._ask_until_cut_off, kwargs=options, daemon=True)
        thread.start()
        wait_for("the request to arrive", self.server)

    def _ask_until_cut_off(self, **options: Any) -> None:
        with contextlib.suppress(requests.RequestException):
            self.ask(**options)

    def submit_form(self, **fields: str) -> requests.Response:
        """The spawn page's form, as the browser sends it."""
        self.web.get(f"{self.url}/hub/spawn")
        return self.web.post(f"{self.url}/hub/spawn", data={**fields, "_xsrf": self._xsrf()})

    def refusal(self, **options: Any) -> str:
        """What the person is told when a start fails, at once or later."""
        answer = self.ask(**options)
        if answer.status_code != 202:
            assert answer.status_code >= 400, answer.text
            return answer.json()["message"]
        wait_for("the start to fail", lambda: self.server() is None)
        return self.failure()

    def progress(self) -> str:
        """What the pending page hears first of Slurm, after JupyterHub's own word."""
        with self.web.get(f"{self.url}/hub/api/users/{self.name}/server/progress", stream=True, timeout=30) as events:
            lines = (line for line in events.iter_lines(decode_unicode=True) if line.startswith("data: "))
            return [next(lines), next(lines)][1]

    def failure(self) -> str:
        """What the pending page says about the last start."""
        return html.unescape(self.web.get(f"{self.url}/hub/spawn-pending/{self.name}").text)

    def start(self, **options: Any) -> Session:
        """Start a session and wait until it is ready."""
        answer = self.ask(**options)
        assert answer.status_code in (201, 202), answer.text

        def ready() -> bool:
            server = self.server()
            assert server, "the session failed to start"
            return server["ready"]

        wait_for("the session", ready)
        return self.session()

    def session(self) -> Session:
        return Session(self)

    def stop(self, name: str = "") -> None:
        path = f"/users/{self.name}/servers/{name}" if name else f"/users/{self.name}/server"
        answer = self.api("DELETE", path, json={"remove": True} if name else None)
        assert answer.status_code in (202, 204, 404, 400), answer.text
        wait_for("the session to stop", lambda: name not in self.servers())


class Session:
    """A running session of a person."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.path = f"/user/{person.name}"

    def state(self) -> dict[str, Any]:
        server = self.person.server()
        assert server
        return server

    def kernel(self) -> Kernel:
        answer = self.person.request("POST", f"{self.path}/api/kernels", json={"name": "python3"})
        assert answer.status_code == 201, answer.text
        return Kernel(self, answer.json()["id"])


class Kernel:
    """A kernel; every run opens its own websocket, as a reloaded page would."""

    def __init__(self, session: Session, kernel_id: str) -> None:
        self.session = session
        self.id = kernel_id

    def info(self) -> dict[str, Any]:
        return self.session.person.request("GET", f"{self.session.path}/api/kernels/{self.id}").json()

    def run(self, code: str, seconds: float = 60) -> str:
        """What the code printed. Raises AssertionError on an exception, TimeoutError when it does not end."""
        return asyncio.run(asyncio.wait_for(self._run(code), seconds))

    async def _run(self, code: str) -> str:
        person = self.session.person
        address = f"ws://{urlsplit(person.url).netloc}{self.session.path}/api/kernels/{self.id}/channels"
        socket = await websocket_connect(
            HTTPRequest(f"{address}?session_id={uuid.uuid4()}", headers={"Authorization": f"token {person.token}"})
        )
        ours = str(uuid.uuid4())
        header = {
            "msg_id": ours,
            "msg_type": "execute_request",
            "username": "",
            "session": ours,
            "version": "5.3",
        }
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "allow_stdin": False,
            "stop_on_error": True,
        }
        await socket.write_message(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                }
            )
        )
        printed = ""
        while True:
            raw = await socket.read_message()
            if raw is None:
                raise ConnectionError("the kernel's websocket closed")
            message = json.loads(raw)
            if message["parent_header"].get("msg_id") != ours:
                continue
            match message["msg_type"]:
                case "stream":
                    printed += message["content"]["text"]
                case "error":
                    raise AssertionError("\n".join(message["content"]["traceback"]))
                case "status" if message["content"]["execution_state"] == "idle":
                    socket.close()
                    return printed
