"""What the process is told, by environment: hub_config.home sets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote


@dataclass(frozen=True)
class Settings:
    """``JUPYTERHUB_…`` variables are read by jupyterhub.services.auth itself, those that are here, too."""

    folder: Path
    """Where the key of its cookies is; this account's alone."""
    port: int
    prefix: str
    """Path of its own addresses, with a slash at both ends."""
    base: str
    """Path of all of the hub's addresses, likewise."""
    hub_host: str
    """Origin of the hub's pages; empty where it is this service's own."""
    hub_api: str
    exchange_api: str
    site_name: str
    sizes: tuple[str, ...]
    """The session sizes that the site offers, the usual one first."""
    grader_options: str
    """What a grader's session is started with, as the query of an address."""
    announcements: Path
    key: str
    certificate: str
    authorities: str
    """PEM files; whoever connects must have a certificate of these authorities. Empty without TLS."""

    @property
    def hub(self) -> str:
        """Where the hub's pages are."""
        return f"{self.hub_host}{self.base}hub/"


def read_settings(env: Mapping[str, str] = os.environ) -> Settings:
    """Raises KeyError, ValueError for what is missing or no number."""
    return Settings(
        folder=Path(env["CAMPUS_HOME_FOLDER"]),
        port=int(env["CAMPUS_HOME_PORT"]),
        prefix=env["JUPYTERHUB_SERVICE_PREFIX"],
        base=env["JUPYTERHUB_BASE_URL"],
        hub_host=env.get("JUPYTERHUB_HOST", ""),
        hub_api=env["JUPYTERHUB_API_URL"],
        exchange_api=env["CAMPUS_EXCHANGE_URL"],
        site_name=unquote(env["CAMPUS_HOME_SITE"]),
        sizes=tuple(env["CAMPUS_HOME_SIZES"].split()),
        grader_options=env["CAMPUS_HOME_GRADER_OPTIONS"],
        announcements=Path(env["CAMPUS_HOME_ANNOUNCEMENTS"]),
        key=env.get("JUPYTERHUB_SSL_KEYFILE", ""),
        certificate=env.get("JUPYTERHUB_SSL_CERTFILE", ""),
        authorities=env.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
    )
