"""The hub's database and cookie secret."""

from __future__ import annotations

from sqlalchemy import make_url

from hub_config.paths import Paths
from hub_config.site import Site


def database_url(site: Site, paths: Paths) -> str:
    """SQLAlchemy's address of the hub's database, password included. Raises OSError without its password file."""
    if not site.database.url:
        return f"sqlite:///{paths.hub_state / 'jupyterhub.sqlite'}"
    url = make_url(site.database.url)
    if site.database.password_file:
        url = url.set(password=site.database.password_file.read_text().strip())
    return url.render_as_string(hide_password=False)


def update_state(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.db_url = database_url(site, paths)
    c.JupyterHub.cookie_secret_file = str(paths.secret("cookie-secret"))
