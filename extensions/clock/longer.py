"""More time for this session: asked of the hub, which knows what the size and Slurm allow."""

from __future__ import annotations

import json
import os
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from campus_base.errors import CampusError

_DEADLINE = 60.0  # seconds: Slurm is asked twice


async def ask_hub(minutes: int) -> dict[str, Any]:
    """Ask the hub to let this session run so many minutes longer: ``{"end": epoch seconds}``. Raises CampusError."""
    env = os.environ
    url = f"{env['JUPYTERHUB_API_URL']}/users/{env['JUPYTERHUB_USER']}/servers/{env.get('JUPYTERHUB_SERVER_NAME', '')}"
    request = HTTPRequest(
        f"{url}/campus/extend",
        method="POST",
        headers={"Authorization": f"token {env['JUPYTERHUB_API_TOKEN']}", "Content-Type": "application/json"},
        body=json.dumps({"minutes": minutes}),
        client_key=env.get("JUPYTERHUB_SSL_KEYFILE"),
        client_cert=env.get("JUPYTERHUB_SSL_CERTFILE"),
        ca_certs=env.get("JUPYTERHUB_SSL_CLIENT_CA"),
        request_timeout=_DEADLINE,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        said = json.loads(answer.body or b"null")
    except (HTTPClientError, OSError, ValueError) as error:
        raise _silent(str(error)) from error
    if answer.code == 409 and isinstance(said, dict):
        raise CampusError(said["code"], said["message"], said["remedy"])
    if answer.code != 200 or not isinstance(said, dict) or "end" not in said:
        raise _silent(f"the hub answers {answer.code}")
    return said


def _silent(detail: str) -> CampusError:
    return CampusError(
        "hub-silent",
        "The session could not be given more time now.",
        "Save your work, and try again in a minute.",
        detail,
    )
