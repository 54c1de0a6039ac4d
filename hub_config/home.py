"""Home's process: where it is reached, what it is told, and what a person's sign-in there may be used for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from hub_config.courses.on_submit import options
from hub_config.exchange import exchange_inside_url
from hub_config.own_service import OwnService
from hub_config.paths import Paths
from hub_config.roles import EXCHANGE, HOME
from hub_config.site import Site, memory_mib

TOKEN = "home-token"  # noqa: S105 - a file's name
# Of what the person may do: no more than what its pages show and offer.
MAY_ASK_FOR = (f"access:services!service={EXCHANGE}", "read:servers!user", "delete:servers!user", "read:groups")


def home(site: Site, paths: Paths) -> OwnService:
    """The daemon that serves the pages of courses, and the one that people land on."""
    return OwnService(
        name=HOME,
        site=site,
        paths=paths,
        account=site.daemons.home_account,
        port=site.addresses.home_port,
        module="extensions.home",
        token=TOKEN,
        peers=(EXCHANGE,),
    )


def home_entry(site: Site, paths: Paths) -> dict[str, Any]:
    """It, as one of JupyterHub's services."""
    return home(site, paths).entry(oauth_client_allowed_scopes=list(MAY_ASK_FOR))


def home_environment(site: Site, paths: Paths) -> dict[str, str]:
    """All that it is told; its token is in it."""
    own = home(site, paths)
    return {
        "CAMPUS_HOME_FOLDER": str(own.state),
        "CAMPUS_HOME_PORT": str(own.port),
        "CAMPUS_HOME_SITE": quote(site.name),  # a setting of supervisord's has no way to hold a quotation mark
        "CAMPUS_HOME_SIZES": quote(json.dumps(_sizes(site))),
        "CAMPUS_HOME_GRADER_OPTIONS": urlencode({f"opt-{name}": value for name, value in options(site).items()}),
        "CAMPUS_HOME_KITS": str(paths.kit_catalogue),
        "CAMPUS_HOME_ANNOUNCEMENTS": str(paths.announcements),
        "CAMPUS_EXCHANGE_URL": exchange_inside_url(site, paths),
        **own.environment(),
    }


def _sizes(site: Site) -> list[dict[str, Any]]:
    """What Home compares sizes by (extensions.home.settings.Size); memory in MiB."""
    return [
        {
            "name": size.name,
            "title": size.title,
            "gpus": size.gpus,
            "shards": size.shards,
            "memory_mib": memory_mib(size.memory),
        }
        for size in site.sizes
    ]
