"""Services that the hub runs beside itself."""

from __future__ import annotations

import sys
from typing import Any

from campus_base.manifest import duration_seconds
from hub_config.exchange import exchange, publisher
from hub_config.home import home_entry
from hub_config.paths import Paths
from hub_config.roles import CULLER
from hub_config.site import Site


def update_services(c, site: Site, paths: Paths) -> None:
    """Set the services; what each may do stands in hub_config.roles."""
    own = [exchange(site, paths).entry(), home_entry(site, paths), publisher(paths)]
    c.JupyterHub.services = own + ([culler(site, paths)] if site.culling.enabled else [])


def culler(site: Site, paths: Paths) -> dict[str, Any]:
    """jupyterhub-idle-culler (hub_config.culler); its token comes by environment from the hub, which starts it."""
    return {
        "name": CULLER,
        "command": [
            # It ends with a hub that is killed, which starts another when it is back (setpriv(1)).
            *("setpriv", "--pdeathsig=TERM"),
            *(sys.executable, "-P", "-s", "-m", "hub_config.culler"),
            # None: it would run a file of that name that lies in the folder where the hub was started.
            "--config=",
            f"--cull-every={duration_seconds(site.culling.every)}",
            "--ssl-enabled=true",
            f"--internal-certs-location={paths.internal_certificates}",
        ],
    }
