"""Speaking to the exchange and the hub on the operator's behalf, at their own ports, as the service ``publisher``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from campus_base.errors import CampusError
from campus_base.pinned import PinnedAdapter
from extensions.courses.names import grader_of
from extensions.exchange.client import Client
from hub_config.exchange import PUBLISHER_TOKEN, exchange_inside_url
from hub_config.exchange import exchange as exchange_daemon
from hub_config.paths import Paths
from hub_config.roles import EXCHANGE
from hub_config.site import Site

_SECONDS = 30


class NotReached(CampusError):
    """A part of Campus that does not answer, or does not know us."""

    def __init__(self, who: str, detail: str) -> None:
        super().__init__(
            "not-reached",
            f"{who} does not answer as it should.",
            "Run ./campus status to see what runs, ./campus up to start it, then this again.",
            detail,
        )


def publisher_token(paths: Paths) -> str:
    try:
        return paths.secret(PUBLISHER_TOKEN).read_text().strip()
    except OSError as error:
        raise NotReached("Campus", f"{paths.secret(PUBLISHER_TOKEN)}: {error.strerror}") from error


def hub_certificate(paths: Paths) -> tuple[str, str]:
    """The hub's own certificate, and its key (JupyterHub.init_internal_ssl)."""
    own = paths.internal_certificates / "hub-internal" / "hub-internal"
    return f"{own}.crt", f"{own}.key"


def exchange_certificate(site: Site, paths: Paths) -> str:
    return str(exchange_daemon(site, paths).certificate(EXCHANGE))


def exchange(site: Site, paths: Paths) -> Client:
    """The exchange, in which the publisher is an instructor of every course. Raises NotReached."""
    return Client(
        exchange_inside_url(site, paths),
        publisher_token(paths),
        certificate=hub_certificate(paths),
        pinned=exchange_certificate(site, paths),
    )


def ask_hub(method: str, path: str, site: Site, paths: Paths, body: dict[str, Any] | None = None) -> requests.Response:
    """The hub's answer (JupyterHub's REST API), whatever its status. Raises NotReached."""
    at = site.addresses
    address = f"https://{at.hub_ip}:{at.hub_port}{urlsplit(at.public_url).path}/hub/api/{path}"
    certificate = hub_certificate(paths)
    headers = {"Authorization": f"token {publisher_token(paths)}"}
    try:
        with requests.Session() as web:
            web.trust_env = False
            # The hub alone hears the token, not whose session listens at its port meanwhile.
            web.mount("https://", PinnedAdapter())
            web.cert, web.verify = certificate, certificate[0]
            return web.request(
                method, address, json=body, headers=headers, timeout=_SECONDS, allow_redirects=False
            )
    except (requests.RequestException, OSError) as error:
        raise NotReached("The hub", f"{method} {path}: {error}") from error


def enter_grader(course: str, site: Site, paths: Paths) -> None:
    """Make a course's grader known to the hub. Raises NotReached."""
    answer = ask_hub("PUT", f"campus/graders/{course}", site, paths)
    if answer.status_code != requests.codes.ok:
        raise NotReached("The hub", f"entering {grader_of(course)}: {answer.status_code} {answer.text[:500]}")
