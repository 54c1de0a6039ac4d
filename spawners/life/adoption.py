"""A hub that came back finds its sessions in the database: each goes on as the start that it was."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from jupyterhub.utils import exponential_backoff

from spawners.life.readiness import until_up_again
from spawners.refusal import SessionRefused

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

_STOPPING = 60.0  # seconds that a stop may take until the session counts as one that goes on


async def adopt(spawner: CampusSpawner) -> int | None:
    """Wait until the session is up, and return None; its exit status (1) where it is over. Raises nothing.

    JupyterHub checks its sessions when it comes back, and lets nobody see or stop one that it checks. A session in the
    queue may be there for hours, so meanwhile it is shown as what it is: a start, with its progress and a way out.
    """
    while True:
        finishing = asyncio.ensure_future(until_up_again(spawner))
        spawner._spawn_future = asyncio.ensure_future(_until_checked(spawner, finishing))
        spawner._spawn_future.add_done_callback(partial(_over, spawner, finishing))
        spawner._spawn_pending = True
        await asyncio.wait([finishing])
        spawner._spawn_pending = False
        if not finishing.cancelled():
            error = finishing.exception()
            if error is None:
                return None
            if isinstance(error, SessionRefused):
                spawner.log.info("Session of %s ended while the hub was away: %s", spawner._log_name, error)
                return 1
            # Nobody said that it is over: JupyterHub would stop a session of which it hears this.
            spawner.log.error("Session of %s could not be looked at; again", spawner._log_name, exc_info=error)
            await spawner.watch.news(spawner.watch.interval)
            continue
        # JupyterHub cancelled the start and is about to stop the session, which it does not do to one that it checks.
        spawner._check_pending = False
        with contextlib.suppress(TimeoutError):
            # At once: the next start of this server must not be taken for the one that is checked here.
            async with asyncio.timeout(_STOPPING):
                await spawner.cleared.wait()
            return 1
        spawner._check_pending = True


def _over(spawner: CampusSpawner, finishing: asyncio.Future[None], done: asyncio.Future[None]) -> None:
    """As JupyterHub does with a start that is over (handlers/base.py): only a failure is still to be shown."""
    if done.cancelled():
        finishing.cancel()
    if done.cancelled() or done.exception() is None:
        spawner._spawn_future = None


async def _until_checked(spawner: CampusSpawner, finishing: asyncio.Future[None]) -> None:
    """What stands for the start: over when the session can be used, or with the reason why it cannot."""
    await finishing
    await exponential_backoff(lambda: not spawner._check_pending, "JupyterHub's check", timeout=spawner.start_timeout)
