"""From a submitted job to a session that can be used: placed by Slurm, reported by itself, and answering."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from jupyterhub.utils import wait_for_http_server

from spawners import metrics
from spawners.cluster.watch import TICK
from spawners.job.tls import session_context
from spawners.life import usage
from spawners.life.ending import is_over, raise_if_over, refusal

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner


async def until_up(spawner: CampusSpawner) -> str:
    """Wait until the session is placed and answers. Returns its URL; raises SessionRefused."""
    url = await until_placed(spawner)
    try:
        async with asyncio.timeout(spawner.http_timeout):
            await _until_answer_or_over(spawner, url)
    except TimeoutError:
        raise await refusal(spawner) from None
    return url


async def until_placed(spawner: CampusSpawner) -> str:
    """Wait until the session has reported, and Slurm has said where it runs. Its URL; raises SessionRefused."""
    watch = spawner.watch
    while True:
        await raise_if_over(spawner)
        job = spawner.job()
        node = watch.picture.nodes.get(job.node) if job else None
        if spawner.port_reported and node:
            break
        if not spawner.port_reported:
            await first_of(watch.news(watch.interval * 2), spawner.report.wait())
        elif not (await watch.refresh() and (job := spawner.job()) and job.node in watch.picture.nodes):
            await watch.know()  # the node may be a new one
            await watch.news(TICK)
    spawner.node = node.name
    spawner.ended = None
    spawner.commit()
    metrics.started(spawner.submitted, job)
    usage.keep([spawner])
    return f"https://{node.address}:{spawner.port_reported}"


async def until_up_again(spawner: CampusSpawner) -> None:
    """Finish what the start of an earlier hub had begun. Raises SessionRefused where the session is over.

    A session that does not answer now may be suspended, or its node out of reach: it is waited for until Slurm says
    that it is over. One whose place is known already needs no word of Slurm's.
    """
    server = spawner.server
    known = spawner.node and server.port == spawner.port_reported
    url = f"https://{server.ip}:{server.port}" if known else await until_placed(spawner)
    await _until_answer_or_over(spawner, url)
    server.proto, address = url.split("://")
    server.ip, port = address.rsplit(":", 1)
    server.port = int(port)
    spawner.user.db.commit()


async def _until_answer_or_over(spawner: CampusSpawner, url: str) -> None:
    """Until the session's server answers. Raises SessionRefused where the session is over before that."""
    await first_of(_until_answer(spawner, url), _until_over(spawner))
    await raise_if_over(spawner)


async def _until_answer(spawner: CampusSpawner, url: str) -> None:
    settings = spawner.user.settings
    context = session_context(settings["internal_ssl_key"], settings["internal_ssl_cert"], settings["internal_ssl_ca"])
    while True:
        with contextlib.suppress(TimeoutError):
            await wait_for_http_server(f"{url}{spawner.server.base_url}api", spawner.http_timeout, context)
            metrics.usable(spawner.submitted)
            return


async def _until_over(spawner: CampusSpawner) -> None:
    while not is_over(spawner):
        await spawner.watch.news(spawner.watch.interval)


async def first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait for whichever comes first, and drop the rest. Raises what the first raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
