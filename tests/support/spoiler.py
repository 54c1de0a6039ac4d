"""A proxy before the exchange that passes some requests on and spoils the answers of those after them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

REFUSED = {"code": "closed", "message": "Submissions were taken until noon.", "remedy": "Ask your instructor."}
# Status and body; of the last two no whole answer arrives.
SPOILT: dict[str, tuple[int, bytes]] = {
    "404": (404, b'{"code": "not-found", "message": "There is no such thing.", "remedy": "Check the name."}'),
    "refused": (409, json.dumps(REFUSED).encode()),
    "broken": (500, b"<html>Internal error</html>"),
    "a page": (200, b"<html>Sign in</html>"),
    "half JSON": (200, b'{"files": ['),
    "an empty object": (200, b"{}"),
    "elsewhere": (302, b""),
    "cut off": (200, b""),
    "silent": (0, b""),
}


class Spoiler:
    """``passed`` requests go through, ``spoilt`` more are answered by ``how``; None for all."""

    def __init__(self, target: str) -> None:
        self.passed, self.spoilt, self.how = 10**6, 0, ""
        self.methods: list[str] = []
        spoiler = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                number = len(spoiler.methods)
                spoiler.methods.append(self.command)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                spoilt = spoiler.passed <= number < spoiler.passed + spoiler.spoilt
                self.close_connection = True
                if not spoilt or spoiler.how == "cut off":
                    headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                    real = requests.request(self.command, target + self.path, data=body, headers=headers, timeout=30)
                    status, content = real.status_code, real.content
                if spoilt and spoiler.how != "cut off":
                    status, content = SPOILT[spoiler.how]
                if not status:
                    return
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/hub/login")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if spoilt and spoiler.how == "cut off" else content)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def spoiling(self, how: str, passed: int, spoilt: int = 10**6) -> Iterator[None]:
        """``methods`` are those of the requests that came meanwhile."""
        self.how, self.passed, self.spoilt, self.methods = how, passed, spoilt, []
        yield
        self.passed = 10**6
