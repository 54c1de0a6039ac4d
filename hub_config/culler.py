"""The idle culler as Campus runs it: jupyterhub-idle-culler, which asks the hub what is idle.

The hub decides (spawners.idle), since it also announces the end to the session's page: the two must not differ.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from typing import Any
from urllib.parse import quote

from jupyterhub_idle_culler import IdleCuller
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

_SERVES_SECONDS = 5.0


class Arbiter:
    """The culler's arbiter (2.0): whether this server, as JupyterHub's API shows it, may be ended now.

    One list serves for a pass over the sessions, since each question is a connection that hub and culler have to make;
    who is in it is asked about just before the end, as its person may have come back. Raises HTTPClientError or OSError
    where the hub does not say; the culler then logs it and leaves the session alone.
    """

    def __init__(self) -> None:
        self._asked = -math.inf
        self._list: asyncio.Future[dict[str, Any]]

    async def __call__(self, *, server: dict[str, Any], **_: Any) -> bool:
        if time.monotonic() - self._asked > _SERVES_SECONDS:
            self._asked = time.monotonic()
            self._list = asyncio.ensure_future(_ask("GET", "campus/idle"))
        if server["full_name"] not in (await self._list)["idle"]:
            return False
        person, _, name = server["full_name"].partition("/")
        return bool((await _ask("POST", f"users/{quote(person)}/servers/{quote(name)}/campus/idle"))["idle"])


async def _ask(method: str, path: str) -> dict[str, Any]:
    request = HTTPRequest(
        f"{os.environ['JUPYTERHUB_API_URL']}/{path}",
        method=method,
        headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
        body="" if method == "POST" else None,
    )
    # The culler has set up the client before: certificates and deadline are its defaults.
    answer = await AsyncHTTPClient().fetch(request)
    return json.loads(answer.body)


if __name__ == "__main__":
    IdleCuller.launch_instance(cull_arbiter_hook=Arbiter())
