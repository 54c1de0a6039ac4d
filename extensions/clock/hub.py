"""What this session asks of the hub, with its own token: more time, and what its idleness leads to."""

from __future__ import annotations

import json
import os
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from campus_base.errors import CampusError

_DEADLINE = 60.0  # seconds: for more time, Slurm is asked twice


async def ask_hub(what: str, wish: dict[str, Any], expected: frozenset[str], trouble: str) -> dict[str, Any]:
    """POST ``wish`` to the hub's ``campus/WHAT`` of this session (spawners.api.start); returns its answer, an object.

    Raises CampusError: the hub's own refusal, or ``trouble``, a sentence, where the answer is not as expected.
    """
    env = os.environ
    url = f"{env['JUPYTERHUB_API_URL']}/users/{env['JUPYTERHUB_USER']}/servers/{env.get('JUPYTERHUB_SERVER_NAME', '')}"
    request = HTTPRequest(
        f"{url}/campus/{what}",
        method="POST",
        headers={"Authorization": f"token {env['JUPYTERHUB_API_TOKEN']}", "Content-Type": "application/json"},
        body=json.dumps(wish),
        client_key=env.get("JUPYTERHUB_SSL_KEYFILE"),
        client_cert=env.get("JUPYTERHUB_SSL_CERTFILE"),
        ca_certs=env.get("JUPYTERHUB_SSL_CLIENT_CA"),
        request_timeout=_DEADLINE,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        said = json.loads(answer.body or b"{}")
    except (HTTPClientError, OSError, ValueError) as error:
        raise _silent(trouble, str(error)) from error
    if answer.code == 409 and isinstance(said, dict):
        raise CampusError(said["code"], said["message"], said["remedy"])
    if answer.code not in (200, 202) or not isinstance(said, dict) or not expected <= said.keys():
        raise _silent(trouble, f"the hub answers {answer.code}")
    return said


def _silent(trouble: str, detail: str) -> CampusError:
    return CampusError("hub-silent", trouble, "Save your work, and try again in a minute.", detail)
