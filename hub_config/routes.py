"""The hub's side of a proxy that lives on its own: when it was started anew, it gets its routes back at once."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

_LOOK_SECONDS = 2.0


class WatchedProxy(ConfigurableHTTPProxy):
    """JupyterHub looks after the routes of a proxy that it did not start itself every five minutes only."""

    _watch: asyncio.Task[None] | None = None

    async def check_routes(self, user_dict: Any, service_dict: Any, routes: Any = None) -> None:
        """JupyterHub's hook, first called when the hub knows which sessions there are."""
        await super().check_routes(user_dict, service_dict, routes)
        if self._watch is None:
            self._watch = asyncio.create_task(self._restore(user_dict, service_dict))

    async def _restore(self, user_dict: Any, service_dict: Any) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                routes = await self.get_all_routes()
                if self.app.hub.routespec not in routes:
                    self.log.warning("The proxy was started anew; giving it its routes back")
                    await super().check_routes(user_dict, service_dict, routes)
            except Exception as error:  # whatever a proxy that is starting answers: it is asked again
                self.log.debug("The proxy does not answer: %s", error)
