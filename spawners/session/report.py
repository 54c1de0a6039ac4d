"""Telling the hub the port, over mutual TLS, until it has heard."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request

_PATIENCE = 1800  # seconds: a hub may be restarted or upgraded meanwhile
_PAUSES = (0.2, 0.5, 1, 2, 5)  # seconds between tries, the last one repeated


class HubRefused(Exception):
    """The hub does not want this session (any more), or could not be told in time."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The secret goes to the hub, and nowhere that something between sends it."""

    def redirect_request(self, *_: object) -> None:
        return None


def report_port(port: int, url: str, secret: str, folder: str) -> None:
    """Report to ``url``; ``folder`` holds the certificate. Raises HubRefused."""
    try:
        context = ssl.create_default_context(cafile=f"{folder}/authorities.pem")
        context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
    except (OSError, ssl.SSLError) as error:
        raise HubRefused(f"the session's certificate can't be used ({error})") from None
    request = urllib.request.Request(  # noqa: S310 - the hub's own address
        url,
        json.dumps({"port": port}).encode(),
        {"Authorization": f"Campus {secret}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect()
    )
    deadline = time.monotonic() + _PATIENCE
    tries = 0
    while True:
        try:
            with opener.open(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            if 400 <= error.code < 500:
                raise HubRefused(f"the hub refused it ({error.code})") from None
            problem = f"the hub answers {error.code}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"the hub cannot be reached ({error})"
        if time.monotonic() > deadline:
            raise HubRefused(problem)
        time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
        tries += 1
