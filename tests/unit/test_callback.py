from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.apihandlers import default_handlers
from jupyterhub.objects import Hub
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import Session
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from spawners.job.callback import PATH, Expected, SessionReportHandler, digest, serve_callback
from spawners.spawner import CampusSpawner

GOOD = b'{"port": 49152}'


class Waiting:
    """A spawner that waits for its session."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    def session_reported(self, port: int) -> bool:
        """As the spawner's: the first report is the one that counts."""
        if not self.ports:
            self.ports.append(port)
        return port in self.ports


class Served:
    """The handler behind a real server, with as much of a hub's settings as it asks for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.session = Waiting()
        self.secret = Expected.new_secret(self.session)

    async def post(self, body: bytes = GOOD, method: str = "POST", **headers: str) -> HTTPResponse:
        headers = headers or {"Authorization": f"Campus {self.secret}"}
        url = f"http://127.0.0.1:{self.port}/hub{PATH}"
        return await AsyncHTTPClient().fetch(
            url,
            method=method,
            body=None if method == "GET" else body,
            headers=headers,
            raise_error=False,
        )

    async def stream(self, head: str, *pieces: bytes) -> bytes:
        """What is answered to a request that may end before it is whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        start = f"POST /hub{PATH} HTTP/1.1\r\nHost: hub\r\nAuthorization: Campus {self.secret}\r\n{head}\r\n\r\n"
        answer = b""
        with contextlib.suppress(ConnectionError):
            for piece in (start.encode(), *pieces):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            answer = await reader.read()
        writer.close()
        return answer


def empty_database() -> Session:
    """A hub's database. JupyterHub's own way to make one sets up logging anew, and caplog would see nothing."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    orm.register_foreign_keys(engine)
    orm.Base.metadata.create_all(engine)
    return Session(engine, expire_on_commit=False)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(Expected, "_waiting", {})
    db = empty_database()
    app = Application(
        [(f"/hub{PATH}", SessionReportHandler)],
        db=db,
        hub=Hub(base_url="/hub/"),
        cookie_secret=b"x" * 32,
        xsrf_cookies=True,
    )
    listener, port = bind_unused_port()
    server = HTTPServer(app)
    server.add_sockets([listener])
    yield Served(port)
    server.stop()
    await server.close_all_connections()
    db.close()


# ------------------------------------------------------------------------------------------------ reports


@pytest.mark.parametrize("port", [1024, 49152, 65535])
async def test_a_report_is_heard_and_answered(port: int, served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = await served.post(json.dumps({"port": port}).encode())
    assert (answer.code, answer.body) == (204, b"")
    assert served.session.ports == [port]
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"\xff",
        b"{'port': 49152}",
        b'{"port": 49152',
        b"null",
        b"49152",
        b"[49152]",
        b'"port"',
        b"{}",
        b'{"Port": 49152}',
        b'{"port": null}',
        b'{"port": true}',
        b'{"port": "49152"}',
        b'{"port": 49152.0}',
        b'{"port": 4.9152e4}',
        b'{"port": [49152]}',
        b'{"port": NaN}',
        b'{"port": Infinity}',
        b'{"port": 0}',
        b'{"port": 1023}',
        b'{"port": 65536}',
        b'{"port": -49152}',
        b'{"port": ' + b"9" * 1000 + b"}",
        b'{"port": 49152, "host": "10.0.0.1"}',
        b'{"port": 49152, "job_id": 1}',
        b'{"port": 49152, "": null}',
        b"port=49152",
        pytest.param(b"[" * 1000, id="nested deeply"),
    ],
)
async def test_any_other_body_is_refused_and_leaves_the_secret_as_it_was(body: bytes, served: Served) -> None:
    answer = await served.post(body)
    assert answer.code == 400
    assert json.loads(answer.body)["message"] == 'A report is {"port": NUMBER}, from 1024 to 65535.'
    assert served.session.ports == []
    assert (await served.post()).code == 204


# ------------------------------------------------------------------------------------------------ secrets


async def test_a_report_whose_answer_was_lost_may_come_again(served: Served) -> None:
    codes = [(await served.post()).code for _ in range(3)]
    assert codes == [204, 204, 204]
    assert served.session.ports == [49152]


async def test_a_secret_is_good_for_one_port(served: Served) -> None:
    assert (await served.post()).code == 204
    other = await served.post(b'{"port": 49153}')
    assert other.code == 403
    assert json.loads(other.body)["message"] == "No session waits for this report."
    assert (await served.post()).code == 204
    assert served.session.ports == [49152]


async def test_of_many_reports_at_once_one_is_heard(served: Served) -> None:
    ports = range(50000, 50008)
    answers = await asyncio.gather(*(served.post(b'{"port": %d}' % port) for port in ports))
    assert sorted(a.code for a in answers) == [204] + [403] * 7
    (heard,) = (port for port, a in zip(ports, answers, strict=True) if a.code == 204)
    assert served.session.ports == [heard]


@pytest.mark.parametrize("known", [0, 49152])
async def test_the_spawner_itself_takes_one_port(known: int, served: Served) -> None:
    """With the real session_reported; after a restart of the hub the port is known from its database."""
    commits: list[int] = []
    spawner: Any = SimpleNamespace(port_reported=known, report=asyncio.Event())
    spawner.commit = lambda: commits.append(spawner.port_reported)
    spawner.session_reported = partial(CampusSpawner.session_reported, spawner)
    Expected.add(digest(served.secret), spawner)
    assert [(await served.post()).code for _ in range(2)] == [204, 204]
    assert (await served.post(b'{"port": 49153}')).code == 403
    assert spawner.port_reported == 49152
    assert commits == ([] if known else [49152])
    assert spawner.report.is_set() is not bool(known)


@pytest.mark.parametrize(
    "credentials",
    [
        "{secret}",
        "Campus",
        "Campus ",
        "Campus wrong",
        "Campus {secret}x",
        "Campus  {secret}",
        "Campus {start}",
        "Campus {digest}",
        "campus {secret}",
        "Bearer {secret}",
        "token {secret}",
        "Basic {secret}",
        "Campus größe",
    ],
)
async def test_no_other_credentials_do(credentials: str, served: Served) -> None:
    secret = served.secret
    given = credentials.format(secret=secret, start=secret[:-1], digest=digest(secret))
    answer = await served.post(Authorization=given)
    assert answer.code == 403
    assert set(json.loads(answer.body)) == {"status", "message"}
    assert served.session.ports == []
    assert (await served.post()).code == 204


@pytest.mark.parametrize("body", [GOOD, b"no JSON", b"x" * 100_000])
async def test_without_credentials_nothing_is_told(body: bytes, served: Served) -> None:
    answer = await served.post(body, Accept="application/json")
    assert answer.code == 403
    assert json.loads(answer.body)["message"] == "This address is for starting sessions only."


@pytest.mark.parametrize("authorization", ["Campus wrong", "Campus ", "Bearer x"])
@pytest.mark.parametrize("length", [len(GOOD), 100_000])
async def test_a_refusal_leaves_the_connection_for_the_next_request(
    authorization: str, length: int, served: Served
) -> None:
    """The proxy sends the requests of other people over the same connections."""
    body = GOOD.ljust(length)
    head = f"POST /hub{PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: {length}\r\nAuthorization: "
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    for credentials, status in (
        (authorization, b"4"),
        (f"Campus {served.secret}", b"413 " if length > 1024 else b"204"),
    ):
        writer.write(f"{head}{credentials}\r\n\r\n".encode() + body)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert answer.startswith(b"HTTP/1.1 " + status)
        if found := re.search(rb"Content-Length: (\d+)", answer):
            await reader.readexactly(int(found[1]))
    writer.close()


async def test_a_request_from_another_site_needs_the_secret_and_nothing_more(served: Served) -> None:
    origin = {"Origin": "https://evil.example.org", "Cookie": "_xsrf=x"}
    assert (await served.post(**origin)).code == 403
    assert (await served.post(**origin, Authorization=f"Campus {served.secret}")).code == 204


async def test_other_methods_report_nothing(served: Served) -> None:
    for method in ("GET", "PUT", "PATCH"):
        assert (await served.post(method=method)).code == 405
    assert served.session.ports == []
    assert (await served.post()).code == 204


async def test_each_session_has_a_secret_of_its_own(served: Served) -> None:
    other = Waiting()
    secret = Expected.new_secret(other)
    assert secret != served.secret
    assert (await served.post(b'{"port": 50000}', Authorization=f"Campus {secret}")).code == 204
    assert (await served.post()).code == 204
    assert (other.ports, served.session.ports) == ([50000], [49152])


async def test_a_session_that_ended_is_expected_no_more(served: Served) -> None:
    Expected.drop(digest(served.secret))
    Expected.drop(digest(served.secret))
    assert (await served.post()).code == 403
    assert served.session.ports == []


async def test_after_a_restart_the_digest_that_was_kept_is_enough(served: Served) -> None:
    again = Waiting()
    Expected.drop(digest(served.secret))
    Expected.add(digest(served.secret), again)
    assert (await served.post()).code == 204
    assert again.ports == [49152]


# ------------------------------------------------------------------------------------------------ long bodies


async def test_a_report_of_the_longest_length_is_heard(served: Served) -> None:
    assert (await served.post(GOOD.ljust(1024))).code == 204


def _chunks(*pieces: bytes) -> list[bytes]:
    return [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b"")]


LONG = {
    "one byte": ("Content-Length: 1025", GOOD.ljust(1025)),
    "10 MB": ("Content-Length: 10000000", GOOD.ljust(100_000), *([b" " * 100_000] * 99)),
    "10 MB in chunks": ("Transfer-Encoding: chunked", *_chunks(GOOD.ljust(100_000), *([b" " * 100_000] * 99))),
}


@pytest.mark.parametrize("head_and_body", LONG.values(), ids=LONG)
async def test_a_longer_body_is_refused_in_words_and_reports_nothing(
    head_and_body: tuple[str, bytes], served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    head, *body = head_and_body
    answer = await served.stream(f"{head}\r\nConnection: close", *body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"] == "A report is short."
    assert not [r for r in caplog.records if r.exc_info]
    assert served.session.ports == []
    assert (await served.post()).code == 204


async def test_half_a_body_reports_nothing(served: Served) -> None:
    await served.stream("Content-Length: 100", GOOD)
    assert served.session.ports == []
    assert (await served.post()).code == 204


# ------------------------------------------------------------------------------------------------ the hub's handlers


IMPORTED = """
import spawners.spawner, batchspawner.api
from jupyterhub import app, apihandlers
assert app.apihandlers is apihandlers
print(*(path for path, *_ in apihandlers.default_handlers))
print(*(h.__name__ for _, h, *_ in apihandlers.default_handlers))
"""


def test_the_hub_serves_this_address_and_not_batchspawners() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    paths, names = (line.split() for line in done.stdout.splitlines())
    assert paths.count(PATH) == 1
    assert names.count("SessionReportHandler") == 1
    assert "/api/users" in paths
    assert not [x for x in paths + names if "batch" in x.lower()]


def test_serving_it_again_changes_nothing() -> None:
    before = list(default_handlers)
    try:
        default_handlers.append(("/api/batchspawner", object))
        serve_callback()
        once = list(default_handlers)
        serve_callback()
        assert default_handlers == once
        assert default_handlers[-1] == (PATH, SessionReportHandler)
        assert "/api/batchspawner" not in [h[0] for h in default_handlers]
        assert {h[0] for h in before} <= {h[0] for h in default_handlers} | {"/api/batchspawner"}
    finally:
        default_handlers[:] = before
