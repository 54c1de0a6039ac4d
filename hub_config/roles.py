"""What each role may do: a table. What stands in no row is denied, and nobody is JupyterHub's admin."""

from __future__ import annotations

from typing import Any

from hub_config.access import group_of
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_people import Role

CULLER = "idle-culler"

# Added to what everybody has, JupyterHub's ``self``: one's own sessions, activity and tokens.
# The names are explained in JupyterHub's "Available scopes"; {group} is the Campus group.
PEOPLE: dict[Role, tuple[str, ...]] = {
    "trainee": (),
    "startup": (),
    "instructor": ("read:groups!group={group}",),
    "operator": (
        "admin-ui",
        "list:users",
        "read:users",
        "read:servers",
        "start:servers",
        "delete:servers",
        "list:groups",
        "read:groups",
        "read:hub",
        "read:metrics",
    ),
}
SERVICES: dict[str, tuple[str, ...]] = {
    CULLER: ("list:users", "read:servers", "delete:servers"),
}


def roles(site: Site) -> list[dict[str, Any]]:
    """JupyterHub's roles for this site; a group that one names is made by JupyterHub where it is missing."""
    wanted = {group_of(rule): PEOPLE[rule.role] for rule in site.rules()}
    found: list[dict[str, Any]] = [
        {
            # A role's name ends in a letter or digit; a course's need not.
            "name": f"{group}-role",
            "description": f"Campus: {group}",
            "scopes": [scope.format(group=group) for scope in scopes],
            "groups": [group],
        }
        for group, scopes in sorted(wanted.items())
        if scopes
    ]
    if site.culling.enabled:
        found.append(
            {
                "name": CULLER,
                "description": "Campus: stops idle sessions",
                "scopes": list(SERVICES[CULLER]),
                "services": [CULLER],
            }
        )
    return found


def update_roles(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.load_roles = roles(site)
