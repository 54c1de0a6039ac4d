"""The hub's database and cookie secret."""

from __future__ import annotations

from hub_config.paths import Paths
from hub_config.secret_file import read_secret
from hub_config.site import Site


def external_database_url(site: Site) -> str:
    """SQLAlchemy's address of the site's database, password included. Empty where it has none.

    Raises CampusError without its password file.
    """
    if not site.database.url:
        return ""
    from sqlalchemy import make_url  # most commands and services do without

    url = make_url(site.database.url)
    if site.database.password_file:
        remedy = "Write the password there, or correct database.password_file."
        url = url.set(password=read_secret(site.database.password_file, remedy))
    return url.render_as_string(hide_password=False)


def database_url(site: Site, paths: Paths) -> str:
    """SQLAlchemy's address of the hub's database. Raises CampusError without its password file."""
    return external_database_url(site) or f"sqlite:///{paths.hub_state / 'jupyterhub.sqlite'}"


def update_state(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.db_url = database_url(site, paths)
    c.JupyterHub.cookie_secret_file = str(paths.secret("cookie-secret"))
