"""The idle culler as Campus runs it: jupyterhub-idle-culler, which asks the hub what is idle.

The hub decides (spawners.life.idle), since it also announces the end to the session's page: the two must not differ.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any
from urllib.parse import quote

import jupyterhub_idle_culler
from jupyterhub_idle_culler import IdleCuller, cull_idle, make_ssl_context
from tornado.httpclient import AsyncHTTPClient, HTTPRequest


async def cull(**options: Any) -> None:
    """One pass, with ``cull_idle``'s options. Raises nothing: what went wrong is logged, and the next pass follows.

    The culler's own begins with everybody's sessions, which hub and culler then hold; here only where one of them is
    idle.
    """
    try:
        ask = partial(_ask, _context(options["internal_certs_location"]) if options["ssl_enabled"] else None)
        idle = frozenset((await ask("GET", "campus/idle"))["idle"])
        if idle:
            await cull_idle(**options | {"cull_arbiter": partial(_may_end, ask, idle)})
    except Exception:  # what the event loop logs of one has the options in it, with the token
        options["logger"].exception("A look for idle sessions went wrong; the next one follows")


@cache
def _context(folder: str) -> ssl.SSLContext:
    own = f"{folder}/hub-internal/hub-internal"
    return make_ssl_context(f"{own}.key", f"{own}.crt", f"{folder}/hub-ca/hub-ca.crt")


async def _may_end(
    ask: Callable[[str, str], Awaitable[dict[str, Any]]], idle: frozenset[str], *, server: dict[str, Any], **_: Any
) -> bool:
    """The culler's arbiter (2.0): whether this server, as JupyterHub's API shows it, may be ended now.

    Who is idle is asked about just before the end, as its person may have come back. Raises HTTPClientError or OSError
    where the hub does not say; the culler then logs it and leaves the session alone.
    """
    if server["full_name"] not in idle:
        return False
    person, _slash, name = server["full_name"].partition("/")
    return bool((await ask("POST", f"users/{quote(person)}/servers/{quote(name)}/campus/idle"))["idle"])


async def _ask(context: ssl.SSLContext | None, method: str, path: str) -> dict[str, Any]:
    request = HTTPRequest(
        f"{os.environ['JUPYTERHUB_API_URL']}/{path}",
        method=method,
        headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
        body="" if method == "POST" else None,
        ssl_options=context,
        request_timeout=60,
    )
    # Of its own: cull_idle gives certificates to the one that all share, unless somebody used that before.
    client = AsyncHTTPClient(force_instance=True)
    try:
        return json.loads((await client.fetch(request)).body)
    finally:
        client.close()


if __name__ == "__main__":
    jupyterhub_idle_culler.cull_idle = cull
    IdleCuller.launch_instance()
