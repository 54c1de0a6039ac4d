"""A slurmrestd for tests: real HTTP on a socket, with answers that a real one gave (tests/unit/slurmrestd)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

RECORDED = Path(__file__).parents[1] / "unit" / "slurmrestd"


@dataclass(frozen=True)
class Asked:
    """One request, as it came in."""

    method: str
    path: str
    person: str
    token: str
    body: Any


class Restd:
    """Answers ``METHOD PATH`` (without the version); whatever it was not told to answer is an error of the test."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version = version
        self.socket = folder / "restd.socket"
        self.recorded: dict[str, Any] = json.loads((RECORDED / f"{version}.json").read_text())
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[Asked] = []
        self.hangs = False
        self.only = ""
        """The one account that the token is good for; empty where it may act for everybody."""
        self._ending = asyncio.Event()
        self.answer("GET /openapi/v3", "openapi")

    def answer(self, what: str, answer: str | bytes | dict[str, Any] | list[Any], status: int = 200) -> None:
        """Give a recorded answer by its name, or this body."""
        if isinstance(answer, str):
            status, answer = self.recorded[answer]["status"], self.recorded[answer]["body"]
        self.answers[what] = status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    async def handle(self, request: web.Request) -> web.Response:
        headers = request.headers
        raw = await request.text()
        path = request.path.replace(f"/{self.version}/", "/*/")
        person, token = headers["X-SLURM-USER-NAME"], headers["X-SLURM-USER-TOKEN"]
        self.asked.append(Asked(request.method, path, person, token, json.loads(raw) if raw else None))
        if self.hangs:
            await self._ending.wait()
        if self.only and person != self.only:
            self.answer(f"{request.method} {path}", "refused-token")
        status, body = self.answers[f"{request.method} {path}"]
        body = body.replace(b"THE TOKEN", token.encode())
        return web.Response(status=status, body=body, headers={"Location": "/elsewhere"} if status == 302 else None)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Restd]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        await web.UnixSite(runner, str(self.socket)).start()
        try:
            yield self
        finally:
            self._ending.set()
            await runner.cleanup()
