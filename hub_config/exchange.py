"""The exchange's process: where it is reached, and what it is told."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

from hub_config.own_service import OwnService
from hub_config.paths import Paths
from hub_config.roles import EXCHANGE, HOME, PUBLISHER
from hub_config.site import Site, memory_mib
from hub_config.state import external_database_url

TOKEN = "exchange-token"  # noqa: S105 - a file's name
PUBLISHER_TOKEN = "publisher-token"  # noqa: S105
_MIB = 1024 * 1024


def exchange(site: Site, paths: Paths) -> OwnService:
    """The daemon that keeps courses and submissions."""
    return OwnService(
        name=EXCHANGE,
        site=site,
        paths=paths,
        account=site.daemons.exchange_account,
        port=site.addresses.exchange_port,
        module="extensions.exchange.service",
        token=TOKEN,
        peers=(HOME,),
    )


def exchange_url(site: Site, paths: Paths) -> str:
    """Where people and sessions reach the API, without a slash at its end."""
    return f"{exchange(site, paths).url}api/v1"


def exchange_inside_url(site: Site, paths: Paths) -> str:
    """The API at the exchange's own port, behind the proxy, for who has a certificate."""
    return f"{exchange(site, paths).inside_url}api/v1"


def publisher(paths: Paths) -> dict[str, Any]:
    """In whose name courses are published and graded, as one of JupyterHub's services; the hub runs it."""
    return {
        "name": PUBLISHER,
        "api_token": paths.secret(PUBLISHER_TOKEN).read_text().strip(),
        "display": False,
        # It ends with a hub that is killed, which starts another when it is back (setpriv(1)).
        "command": [
            *("setpriv", "--pdeathsig=TERM", sys.executable, "-P", "-s", "-m", "hub_config.courses.on_submit"),
        ],
        "environment": {"CAMPUS_PREFIX": str(paths.prefix)},
    }


def exchange_environment(site: Site, paths: Paths) -> dict[str, str]:
    """All that it is told; the token and the database's password are in it."""
    own = exchange(site, paths)
    return {
        "CAMPUS_EXCHANGE_FOLDER": str(own.state),
        "CAMPUS_EXCHANGE_PORT": str(own.port),
        "CAMPUS_EXCHANGE_PUBLIC_URL": own.url,
        "CAMPUS_EXCHANGE_SITE_NAME": quote(site.name),  # as in hub_config.home
        "CAMPUS_EXCHANGE_DATABASE": external_database_url(site),
        "CAMPUS_EXCHANGE_UPLOAD_BYTES": str(memory_mib(site.exchange.upload) * _MIB),
        "CAMPUS_EXCHANGE_PERSON_BYTES": str(memory_mib(site.exchange.person) * _MIB),
        **own.environment(),
    }
