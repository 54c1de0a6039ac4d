"""From a Site to a configured JupyterHub: the parts, in order, and nothing else."""

from __future__ import annotations

from hub_config.auth import update_authentication
from hub_config.memory import update_memory
from hub_config.network import update_network
from hub_config.pages import update_pages
from hub_config.paths import Paths
from hub_config.roles import update_roles
from hub_config.services import update_services
from hub_config.sessions import update_sessions
from hub_config.site import Site
from hub_config.state import update_state

PARTS = (
    update_memory,
    update_network,
    update_state,
    update_authentication,
    update_roles,
    update_sessions,
    update_services,
    update_pages,
)


def configure(c, site: Site, paths: Paths) -> None:
    """Set all of JupyterHub's configuration on ``c``."""
    for update in PARTS:
        update(c, site, paths)
