"""A proxy that lacks routes gets them back: JupyterHub's own client before a stand-in for its API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.objects import Hub
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from hub_config import routes
from hub_config.routes import WatchedProxy

LACKS = "The proxy lacks routes; giving it all of them"
ALL = {
    "/": "https://127.0.0.1:8081",
    "/user/alice": "https://10.0.0.1:49152",
    "/user/bob/lab": "https://10.0.0.2:49153",
    "/services/home": "http://127.0.0.1:9000",
}


class Proxy:
    """The proxy's API, as configurable-http-proxy serves it; it forgets its routes when it is started anew."""

    def __init__(self) -> None:
        self.routes: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.fails: Callable[[RequestHandler], None] = lambda _: None
        proxy = self

        class Routes(RequestHandler):
            def prepare(self) -> None:
                proxy.asked.append((self.request.method or "", self.request.path))
                if self.request.headers.get("Authorization") != "token for-the-test":
                    raise HTTPError(403)
                proxy.fails(self)

            def get(self, path: str) -> None:
                self.write(proxy.routes)

            def post(self, path: str) -> None:
                proxy.routes[path or "/"] = json.loads(self.request.body)
                self.set_status(201)

            def delete(self, path: str) -> None:
                del proxy.routes[path or "/"]
                self.set_status(204)

        self.server = HTTPServer(Application([("/api/routes(/.*)?", Routes)]))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.listener.setblocking(False)
        self.server.add_sockets([self.listener])

    async def stop(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()

    @property
    def targets(self) -> dict[str, str]:
        return {path.rstrip("/") or "/": route["target"] for path, route in self.routes.items()}

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.asked if method != "GET"]

    @property
    def looks(self) -> int:
        return len(self.asked) - len(self.changes)


def server(user: str, name: str, target: str, **more: Any) -> Any:
    spec = f"/user/{user}/{name}/" if name else f"/user/{user}/"
    facts = {"ready": True, "pending": None, "proxy_spec": spec, "server": SimpleNamespace(host=target)}
    return SimpleNamespace(**facts | more, _log_name=f"{user}:{name}")


class Served:
    """A hub's client of the proxy, with two people's sessions and a service."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        hub = Hub(base_url="/hub/", ip="127.0.0.1", port=8081, proto="https", routespec="/")
        app = SimpleNamespace(hub=hub, internal_ssl=False, subdomain_host="")
        self.users: dict[str, Any] = {
            "alice": SimpleNamespace(name="alice", spawners={"": server("alice", "", ALL["/user/alice"])}),
            "bob": SimpleNamespace(
                name="bob",
                spawners={
                    "": server("bob", "", "", ready=False, pending="spawn"),
                    "lab": server("bob", "lab", ALL["/user/bob/lab"]),
                    "old": server("bob", "old", "", ready=False),
                },
            ),
        }
        home = SimpleNamespace(
            name="home", proxy_spec="/services/home/", server=SimpleNamespace(host=ALL["/services/home"])
        )
        self.services = {"home": home, "culler": SimpleNamespace(name="culler", server=None)}
        url = f"http://127.0.0.1:{proxy.port}"
        self.client = WatchedProxy(app=app, hub=hub, api_url=url, auth_token="for-the-test", should_start=False)

    async def begin(self) -> None:
        """What the hub does when it has started."""
        await self.client.check_routes(self.users, self.services)
        assert self.proxy.targets == ALL
        self.proxy.asked.clear()

    async def looked(self, times: int) -> None:
        before = self.proxy.looks
        async with asyncio.timeout(5):
            while self.proxy.looks < before + times:
                await asyncio.sleep(0.001)

    async def restored(self) -> None:
        async with asyncio.timeout(5):
            while self.proxy.targets != ALL:
                await asyncio.sleep(0.001)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(routes, "_LOOK_SECONDS", 0.005)
    proxy = Proxy()
    served = Served(proxy)
    yield served
    if served.client._watch:
        served.client._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await served.client._watch
    await proxy.stop()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and "Adding missing" not in r.msg]


async def test_nothing_is_watched_before_the_hub_knows_its_sessions(served: Served) -> None:
    await asyncio.sleep(0.02)
    assert served.proxy.asked == []


async def test_a_proxy_that_kept_its_routes_is_only_looked_at(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    await served.begin()
    await served.looked(3)
    assert served.proxy.changes == []
    assert warnings(caplog) == []


async def test_a_proxy_that_was_started_anew_gets_everybodys_route_back(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await served.begin()
    for times in (1, 2):
        served.proxy.routes.clear()
        await served.restored()
        assert served.proxy.routes["/user/bob/lab"] | {"target": ""} == {
            "user": "bob",
            "server_name": "lab",
            "jupyterhub": True,
            "target": "",
        }
        await served.looked(2)
        assert warnings(caplog) == [LACKS] * times
    # A session that is starting, or has ended, has none.
    assert sorted({path.rstrip("/") for _, path in served.proxy.changes}) == [
        *("/api/routes", "/api/routes/services/home", "/api/routes/user/alice", "/api/routes/user/bob/lab")
    ]


@pytest.mark.parametrize("missing", sorted(ALL.keys() - {"/services/home"}))
async def test_one_route_that_is_missing_is_given_back(
    missing: str, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await served.begin()
    del served.proxy.routes[next(path for path in served.proxy.routes if path.rstrip("/") == missing.rstrip("/"))]
    await served.restored()
    await served.looked(2)
    assert warnings(caplog) == [LACKS]
    assert [(method, path.rstrip("/")) for method, path in served.proxy.changes] == [
        ("POST", f"/api/routes{missing}".rstrip("/"))
    ]


async def test_a_session_that_the_hub_finds_again_gets_its_route(served: Served) -> None:
    bob = served.users["bob"].spawners
    found = bob.pop("lab")
    served.users["bob"].spawners["lab"] = server("bob", "lab", "", ready=False, pending="spawn")
    await served.client.check_routes(served.users, served.services)
    await served.looked(2)
    assert "/user/bob/lab" not in served.proxy.targets
    bob["lab"] = found
    await served.restored()


async def test_sessions_of_later_get_theirs_too(served: Served) -> None:
    await served.begin()
    served.users["carol"] = SimpleNamespace(name="carol", spawners={"": server("carol", "", "https://10.0.0.3:1024")})
    del served.users["alice"]
    served.proxy.routes.clear()
    async with asyncio.timeout(5):
        while "/user/carol" not in served.proxy.targets:
            await asyncio.sleep(0.001)
    assert "/user/alice" not in served.proxy.targets


async def test_routes_of_somebody_else_are_left_alone(served: Served) -> None:
    await served.begin()
    served.proxy.routes = {"/theirs": {"target": "http://127.0.0.1:1"}}
    async with asyncio.timeout(5):
        while len(served.proxy.routes) < len(ALL) + 1:
            await asyncio.sleep(0.001)
    assert served.proxy.targets == {**ALL, "/theirs": "http://127.0.0.1:1"}


async def test_one_watch_is_enough(served: Served) -> None:
    await served.begin()
    watch = served.client._watch
    await asyncio.gather(*(served.client.check_routes(served.users, served.services) for _ in range(3)))
    assert served.client._watch is watch


def refuses(handler: RequestHandler) -> None:
    raise HTTPError(403)


def talks_nonsense(handler: RequestHandler) -> None:
    if handler.request.method == "GET":
        handler.finish("no JSON")


def hangs_up(handler: RequestHandler) -> None:
    handler.request.connection.stream.close()  # type: ignore[attr-defined]


def is_broken(handler: RequestHandler) -> None:
    raise HTTPError(500)


def takes_no_routes(handler: RequestHandler) -> None:
    if handler.request.method == "POST":
        raise HTTPError(400)


@pytest.mark.filterwarnings("ignore:code property is deprecated")  # JupyterHub's own
@pytest.mark.parametrize("failure", [refuses, talks_nonsense, hangs_up, is_broken, takes_no_routes])
async def test_after_a_failure_it_goes_on(
    failure: Callable[[RequestHandler], None], served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await served.begin()
    served.proxy.routes.clear()
    served.proxy.fails = failure
    before = len(served.proxy.asked)
    async with asyncio.timeout(5):
        while len(served.proxy.asked) < before + 3:
            await asyncio.sleep(0.001)
    assert served.proxy.routes == {}
    assert served.client._watch
    assert not served.client._watch.done()
    served.proxy.fails = lambda _: None
    await served.restored()
    assert LACKS in warnings(caplog)


async def test_a_proxy_that_is_away_for_a_while_is_found_again(served: Served) -> None:
    await served.begin()
    await served.proxy.stop()
    served.proxy.routes.clear()
    await asyncio.sleep(0.05)
    served.proxy.start()
    await served.restored()


async def test_a_hub_whose_first_look_fails_watches_from_the_next_one_on(served: Served) -> None:
    served.proxy.fails = refuses
    with pytest.raises(Exception, match="403"):
        await served.client.check_routes(served.users, served.services)
    served.proxy.fails = lambda _: None
    await served.begin()
    served.proxy.routes.clear()
    await served.restored()
