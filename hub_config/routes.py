"""The hub's side of a proxy that lives on its own: what it lacks it gets within seconds.

It lacks everything when it was started anew, and a session that the hub found again after a restart of its own.
"""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import Instance

from spawners.cluster.watch import WatchSettings, shared_watch

_LOOK_SECONDS = 2.0


class WatchedProxy(ConfigurableHTTPProxy):
    """JupyterHub looks after the routes of a proxy that it did not start itself every five minutes only."""

    cluster_watch = Instance(WatchSettings, allow_none=True, help="The watch of Slurm to start with the hub.").tag(
        config=True
    )
    _watch: asyncio.Task[None] | None = None

    async def check_routes(self, user_dict: Any, service_dict: Any, routes: Any = None) -> None:
        """JupyterHub's hook, first called when the hub knows which sessions there are."""
        await super().check_routes(user_dict, service_dict, routes)
        if self._watch is None:
            self._watch = asyncio.create_task(self._restore(user_dict, service_dict))
            # Not earlier: a job whose session is not known yet would be taken for nobody's.
            if self.cluster_watch:
                shared_watch(self.cluster_watch).ensure_running()

    async def _restore(self, user_dict: Any, service_dict: Any) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                routes = await self.get_all_routes()
                wanted = {self.app.hub.routespec} | {
                    spawner.proxy_spec
                    for user in user_dict.values()
                    for spawner in user.spawners.values()
                    if spawner.ready
                }
                wanted |= {service.proxy_spec for service in service_dict.values() if service.server}
                if not wanted <= routes.keys():
                    self.log.warning("The proxy lacks routes; giving it all of them")
                    await super().check_routes(user_dict, service_dict, routes)
            except Exception as error:  # whatever a proxy that is starting answers: it is asked again
                self.log.debug("The proxy does not answer: %s", error)
