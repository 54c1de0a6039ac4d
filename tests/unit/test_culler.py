"""The idle culler as Campus runs it: a pass of jupyterhub-idle-culler where the hub calls a session idle."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.web import Application, RequestHandler

from hub_config.culler import cull

SESSIONS = {"anna": ["", "second"], "bob": [""]}


class Hub(RequestHandler):
    """JupyterHub's API, as far as the culler uses it; knows which sessions are idle, None where it cannot say.

    ``back`` are those whose people came back after the list was made; ``silent`` gives no list.
    """

    idle: dict[str, bool | None]
    stopped: list[str]
    tokens: set[str | None]
    asked: list[str]
    back: set[str]
    silent: bool

    def prepare(self) -> None:
        self.tokens.add(self.request.headers.get("Authorization"))

    def get(self, path: str) -> None:
        def server(person: str, name: str) -> dict[str, object]:
            seen = {"ready": True, "pending": None, "started": "2020-01-01", "last_activity": "2020-01-01"}
            return {"name": name, "full_name": f"{person}/{name}", "url": "/", **seen}

        self.asked.append(path)
        if path == "campus/idle":
            if self.silent:
                self.set_status(503)
            self.finish({"idle": [one for one, idle in self.idle.items() if idle is not False]})
            return
        people = [{"name": p, "servers": {n: server(p, n) for n in names}} for p, names in SESSIONS.items()]
        self.finish(json.dumps(people if path == "users" else {"version": "6.1.1"}))

    def post(self, path: str) -> None:
        self.asked.append(path)
        person, _, name = path.removeprefix("users/").removesuffix("/campus/idle").partition("/servers/")
        idle = self.idle[f"{person}/{name}"] and f"{person}/{name}" not in self.back
        if idle is None:
            self.set_status(503)
        self.finish({"idle": idle})

    def delete(self, path: str) -> None:
        self.stopped.append(path)
        self.set_status(204)


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[type[Hub]]:
    Hub.idle, Hub.stopped, Hub.tokens = {"anna/": False, "anna/second": False, "bob/": False}, [], set()
    Hub.asked, Hub.back, Hub.silent = [], set(), False
    server = Application([("/hub/api/(.*)", Hub)]).listen(0, "127.0.0.1")
    (listener,) = server._sockets.values()
    monkeypatch.setenv("JUPYTERHUB_API_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/hub/api")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "the-cullers")
    yield Hub
    server.stop()
    AsyncHTTPClient.configure(None)


async def look() -> None:
    """What the culler does every minute."""
    await cull(
        url=os.environ["JUPYTERHUB_API_URL"],
        api_token="the-cullers",
        inactive_limit=600,
        logger=logging.getLogger("culler"),
        cull_arbiter=None,
        ssl_enabled=False,
    )


async def test_what_the_hub_calls_idle_is_stopped_and_nothing_else(hub: type[Hub]) -> None:
    """JupyterHub's own activity, years ago here, decides nothing."""
    await look()
    assert hub.stopped == []
    hub.idle["anna/second"] = True
    await look()
    assert hub.stopped == ["users/anna/servers/second"]
    hub.idle["bob/"] = True
    await look()
    assert hub.stopped[1:] == ["users/anna/servers/second", "users/bob/server"]
    assert hub.tokens == {"token the-cullers"}


async def test_a_pass_in_which_nothing_is_idle_is_one_question(hub: type[Hub]) -> None:
    await look()
    assert hub.asked == ["campus/idle"]
    hub.idle["bob/"] = True
    await look()
    assert hub.asked[1:] == ["campus/idle", "", "users", "users/bob/servers//campus/idle"]


async def test_who_came_back_since_the_list_was_made_is_left_alone(hub: type[Hub]) -> None:
    hub.idle["bob/"], hub.back = True, {"bob/"}
    await look()
    assert hub.stopped == []


async def test_where_the_hub_gives_no_list_all_are_left_alone(hub: type[Hub], caplog: pytest.LogCaptureFixture) -> None:
    hub.idle["bob/"], hub.silent = True, True
    await look()
    assert hub.stopped == []
    assert "HTTP 503" in caplog.text
    assert "the-cullers" not in caplog.text


async def test_where_the_hub_does_not_say_the_session_is_left_alone(
    hub: type[Hub], caplog: pytest.LogCaptureFixture
) -> None:
    hub.idle |= {"anna/": None, "anna/second": True, "bob/": True}
    await look()
    assert hub.stopped == ["users/anna/servers/second", "users/bob/server"]
    assert "Error processing anna" in caplog.text
