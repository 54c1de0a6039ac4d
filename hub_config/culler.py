"""The idle culler as Campus runs it: jupyterhub-idle-culler, which asks the hub about each session.

The hub decides (spawners.idle), since it also announces the end to the session's page: the two must not differ.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import quote

from jupyterhub_idle_culler import IdleCuller
from tornado.httpclient import AsyncHTTPClient, HTTPRequest


async def may_end(*, server: dict[str, Any], **_: Any) -> bool:
    """The culler's arbiter (2.0): whether this server, as JupyterHub's API shows it, may be ended now.

    Raises HTTPClientError or OSError where the hub does not say; the culler then logs it and leaves the session alone.
    """
    person, _, name = server["full_name"].partition("/")
    request = HTTPRequest(
        f"{os.environ['JUPYTERHUB_API_URL']}/users/{quote(person)}/servers/{quote(name)}/campus/idle",
        method="POST",
        headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
        body="",
    )
    # The culler has set up the client before: certificates and deadline are its defaults.
    answer = await AsyncHTTPClient().fetch(request)
    return bool(json.loads(answer.body)["idle"])


if __name__ == "__main__":
    IdleCuller.launch_instance(cull_arbiter_hook=may_end)
