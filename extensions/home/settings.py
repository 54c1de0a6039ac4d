"""What the process is told, by environment: hub_config.home sets it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote


@dataclass(frozen=True)
class Size:
    """A session size that the site offers, as far as sizes are compared by it; memory in MiB."""

    name: str
    title: str
    gpus: int
    shards: int
    """Slices of one GPU, in place of whole ones."""
    memory_mib: int


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
    sizes: tuple[Size, ...]
    """The session sizes that the site offers, the usual one first."""
    grader_options: str
    """What a grader's session is started with, as the query of an address."""
    kits: Path
    """The catalogue of starter kits, a folder for each; it may be missing."""
    announcements: Path
    key: str
    certificate: str
    authorities: str
    """PEM files; whoever connects must have a certificate of these authorities. Empty without TLS."""

    @property
    def hub(self) -> str:
        """Where the hub's pages are."""
        return f"{self.hub_host}{self.base}hub/"

    def size(self, name: str | None) -> Size:
        """The size of that name, the site's first where it offers none."""
        return next((size for size in self.sizes if size.name == name), self.sizes[0])


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
        sizes=tuple(Size(**size) for size in json.loads(unquote(env["CAMPUS_HOME_SIZES"]))),
        grader_options=env["CAMPUS_HOME_GRADER_OPTIONS"],
        kits=Path(env["CAMPUS_HOME_KITS"]),
        announcements=Path(env["CAMPUS_HOME_ANNOUNCEMENTS"]),
        key=env.get("JUPYTERHUB_SSL_KEYFILE", ""),
        certificate=env.get("JUPYTERHUB_SSL_CERTFILE", ""),
        authorities=env.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
    )
