"""The hub's part: accounts that grade courses are JupyterHub's users, and their sessions know what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub.apihandlers import APIHandler
from tornado.web import HTTPError

from extensions.courses.names import COURSE, course_of, grader_of
from hub_config.roles import ENTER_GRADERS, GRADERS

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

VARIABLE = "CAMPUS_GRADER_OF"
"""In a grader's session, the course; nowhere else."""


def tell_course(spawner: CampusSpawner) -> None:
    """JupyterHub's hook before a session starts."""
    if course := course_of(spawner.user.name):
        spawner.environment = {**spawner.environment, VARIABLE: course}
        # Only its instructors may enter it, and they come from pages of ours: they are not asked once more.
        spawner.user.settings["oauth_no_confirm_list"].add(spawner.oauth_client_id)


class GraderHandler(APIHandler):
    """``PUT`` makes a course's grader a user of the hub, in the group of graders; once more changes nothing."""

    async def put(self, course: str) -> None:
        if not self.has_scope(ENTER_GRADERS):  # needs_scope knows JupyterHub's own scopes only
            raise HTTPError(403)
        name = grader_of(course)
        user = self.user_from_username(name)
        if user.admin:
            raise HTTPError(409, f"{name} is JupyterHub's admin; take that away first.")
        user.sync_groups({GRADERS})
        self.finish({"name": name})


# Regular expression, below the hub's own path -> handler (JupyterHub.extra_handlers).
HANDLERS = [(rf"/api/campus/graders/({COURSE})", GraderHandler)]
