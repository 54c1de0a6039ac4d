"""``./campus render-job``: what a session would be submitted with, drawn up by the very code that submits it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import User
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from traitlets.config import Config

from campus_base.errors import CampusError
from hub_config.installed import installed_site
from hub_config.paths import Paths
from hub_config.sessions import update_sessions
from spawners.allowed.request import SessionRequest, check_request
from spawners.cluster.watch import ClusterWatch
from spawners.job.certificates import FILES
from spawners.job.submission import job_environment, job_request
from spawners.refusal import SessionRefused
from spawners.spawner import CampusSpawner


class _IdleWatch(ClusterWatch):
    """Asks Slurm nothing, and so cancels nothing that it does not know."""

    def ensure_running(self) -> None:
        pass


class _Draftsman(CampusSpawner):
    """Draws up what a start would submit, and submits nothing."""

    @property
    def watch(self) -> ClusterWatch:
        return _IdleWatch(self.watch_settings)

    async def draw(self, request: SessionRequest) -> Iterator[str]:
        account = await self.account()
        self.cert_paths = await self.move_certs(dict.fromkeys(FILES, ""))
        job, environment = job_request(self, request, account), job_environment(self, request, account, "")
        return self.watch.slurm.drawing(job, environment, f"{account.pw_name} (uid {account.pw_uid})")


def render_job(paths: Paths, user: str, size: str, minutes: str | None) -> Iterator[str]:
    """Lines that show what a session of this person and size would be submitted with; no value of a variable.

    Raises CampusError: there is no such account, or the site has no such size or not for so long.
    """
    site = installed_site(paths)
    config = Config()
    update_sessions(config, site, paths)
    request = check_request({"size": size, "minutes": minutes}, config.CampusSpawner.offer, None)

    async def draw() -> Iterator[str]:
        engine = create_engine("sqlite://")  # in memory: the hub's own is not touched
        orm.Base.metadata.create_all(engine)
        with Session(engine) as database:
            person, server = orm.User(name=user), orm.Server(base_url=f"/user/{user}/")
            database.add_all((person, server))
            database.flush()
            spawner = User(person, {"config": config})._new_spawner("", _Draftsman, hub=Hub())
            spawner.server = Server(orm_server=server)
            return await spawner.draw(request)

    try:
        return asyncio.run(draw())
    except SessionRefused as error:
        if isinstance(error.__cause__, CampusError):
            raise error.__cause__ from None
        raise CampusError(
            error.reason,
            f"There is no account {user} for people on this cluster.",
            "Name a person's account, as getent passwd shows them; docs/operators.md says which numbers those have.",
        ) from None
