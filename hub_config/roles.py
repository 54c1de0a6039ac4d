"""What each role may do: a table. What stands in no row is denied, and nobody is JupyterHub's admin."""

from __future__ import annotations

from typing import Any

from extensions.courses.names import grader_of
from hub_config.access import group_of
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_people import Role

CULLER = "idle-culler"
EXCHANGE = "exchange"
HOME = "home"
PUBLISHER = "publisher"
GRADERS = "graders"
"""JupyterHub's group of the accounts that grade courses."""
ENTER_GRADERS = "custom:campus:graders"
"""Our own scope: to make an account that grades a course known to the hub (hub_config.courses.hub_side)."""
_TO_EXCHANGE = f"access:services!service={EXCHANGE}"
_TO_HOME = f"access:services!service={HOME}"

# JupyterHub's own roles that differ here: everybody's, and that of the token in each session.
EVERYBODY: dict[str, tuple[str, ...]] = {
    "user": ("self", _TO_EXCHANGE, _TO_HOME),
    "server": ("users:activity!user", "access:servers!server", _TO_EXCHANGE),
}
# Added to what everybody has.
# The names are explained in JupyterHub's "Available scopes"; {group} is the Campus group, {grader} the account that
# grades the course: its instructors start, open and stop its session, and nobody signs in as it.
PEOPLE: dict[Role, tuple[str, ...]] = {
    "trainee": (),
    "startup": (),
    "instructor": (
        "read:groups!group={group}",
        "servers!user={grader}",
        "access:servers!user={grader}",
        "read:users:name!user={grader}",
    ),
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
_WORK = {CULLER: "stops idle sessions", PUBLISHER: "publishes courses and has them graded"}
SERVICES: dict[str, tuple[str, ...]] = {
    CULLER: ("list:users", "read:servers", "delete:servers"),
    PUBLISHER: (_TO_EXCHANGE, ENTER_GRADERS, f"servers!group={GRADERS}"),
}


def roles(site: Site) -> list[dict[str, Any]]:
    """JupyterHub's roles for this site; a group that one names is made by JupyterHub where it is missing."""
    wanted = {group_of(rule): (PEOPLE[rule.role], grader_of(rule.course or "")) for rule in site.rules()}
    found: list[dict[str, Any]] = [
        {
            # A role's name ends in a letter or digit; a course's need not.
            "name": f"{group}-role",
            "description": f"Campus: {group}",
            "scopes": [scope.format(group=group, grader=grader) for scope in scopes],
            "groups": [group],
        }
        for group, (scopes, grader) in sorted(wanted.items())
        if scopes
    ]
    found += [{"name": name, "scopes": list(scopes)} for name, scopes in EVERYBODY.items()]
    found += [
        {
            "name": service,
            "description": f"Campus: {_WORK[service]}",
            "scopes": list(scopes),
            "services": [service],
        }
        for service, scopes in SERVICES.items()
        if service != CULLER or site.culling.enabled
    ]
    return found


def update_roles(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.custom_scopes = {
        ENTER_GRADERS: {"description": "Make the accounts that grade courses known to the hub."}
    }
    c.JupyterHub.load_roles = roles(site)
