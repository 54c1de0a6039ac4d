"""What a service's log has of requests."""

from __future__ import annotations

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import HTTPError, RequestHandler

from extensions.daemon import Service


class Page(RequestHandler):
    def get(self, name: str) -> None:
        if name == "gone":
            raise HTTPError(404)
        self.finish(name)

    post = get


async def test_who_only_looks_is_not_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tornado.access")
    listener, port = bind_unused_port(address="127.0.0.1")
    server = HTTPServer(Service([("/(.*)", Page)]))
    server.add_socket(listener)
    web = AsyncHTTPClient(force_instance=True)
    for method, name in (("GET", "there"), ("HEAD", "there"), ("GET", "gone"), ("POST", "there")):
        body = b"" if method == "POST" else None
        await web.fetch(f"http://127.0.0.1:{port}/{name}", method=method, body=body, raise_error=False)
    server.stop()
    web.close()
    lines = [" ".join(record.getMessage().split()[:3]) for record in caplog.records if record.name == "tornado.access"]
    assert lines == ["405 HEAD /there", "404 GET /gone", "200 POST /there"]
