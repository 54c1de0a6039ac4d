"""What the process is told, by environment: hub_config.exchange sets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from extensions.exchange.names import Limits


@dataclass(frozen=True)
class Settings:
    """``JUPYTERHUB_…`` variables are read by jupyterhub.services.auth itself, those of TLS here, too."""

    folder: Path
    """Where files, database and keys are; this account's alone."""
    port: int
    prefix: str
    public_url: str
    """The service's own, as people reach it, with a slash at its end."""
    site_name: str
    """Who issues certificates."""
    database: str
    """SQLAlchemy's address, with password; SQLite in the folder where it is empty."""
    upload_bytes: int
    person_bytes: int
    key: str
    certificate: str
    authorities: str
    """PEM files; whoever connects must have a certificate of these authorities. Empty without TLS."""

    @property
    def limits(self) -> Limits:
        return Limits(upload=self.upload_bytes, file=self.upload_bytes)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'exchange.sqlite'}"


def read_settings(env: Mapping[str, str] = os.environ) -> Settings:
    """Raises KeyError, ValueError for what is missing or no number."""
    return Settings(
        folder=Path(env["CAMPUS_EXCHANGE_FOLDER"]),
        port=int(env["CAMPUS_EXCHANGE_PORT"]),
        prefix=env["JUPYTERHUB_SERVICE_PREFIX"],
        public_url=env["CAMPUS_EXCHANGE_PUBLIC_URL"],
        site_name=unquote(env["CAMPUS_EXCHANGE_SITE_NAME"]),
        database=env.get("CAMPUS_EXCHANGE_DATABASE", ""),
        upload_bytes=int(env["CAMPUS_EXCHANGE_UPLOAD_BYTES"]),
        person_bytes=int(env["CAMPUS_EXCHANGE_PERSON_BYTES"]),
        key=env.get("JUPYTERHUB_SSL_KEYFILE", ""),
        certificate=env.get("JUPYTERHUB_SSL_CERTFILE", ""),
        authorities=env.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
    )
