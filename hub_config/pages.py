"""What the hub's own pages look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub_config.home import home
from hub_config.paths import Paths
from hub_config.site import Site
from spawners.api.sessions import shown
from spawners.spawner import CampusSpawner

TEMPLATES = Path(__file__).parent / "templates"


def _shown(_: object) -> Callable[[CampusSpawner], dict[str, Any]]:
    """JupyterHub calls a variable that can be called, with who asks."""
    return shown


def update_pages(c, site: Site, paths: Paths) -> None:
    own = home(site, paths)
    address = f"{own.host}{own.prefix}"
    c.JupyterHub.default_url = address  # where people land
    variables = {"site_name": site.name, "campus_home": address, "shown": _shown}
    if site.authentication.method == "demo":
        variables["announcement_login"] = (
            "A demo site: <code>./campus status</code> lists its accounts and their passwords."
        )
    c.JupyterHub.template_vars = variables
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    c.JupyterHub.logo_file = str(TEMPLATES / "campus.svg")
