"""A Jupyter server extension that admits apps on Unix sockets only, and keeps a person's credentials from them.

jupyter-server-proxy's own extension also serves ``/proxy/PORT`` and its kin, which hand a person's cookies to whoever
listens on that port of a shared node (GHSA-q52h-2389-h4hv); it stays off.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from jupyter_server_proxy.api import IconHandler, ServersInfoHandler
from jupyter_server_proxy.config import (
    ServerProcess,
    ServerProxy,
    get_entrypoint_server_processes,
    make_handlers,
)
from tornado.web import HTTPError

from extensions.apps import index, starting, store
from extensions.apps.ours import KIT_APPS, ours

CREDENTIALS = ("Cookie", "Authorization", "X-XSRFToken")
_HARMLESS = ("GET", "HEAD", "OPTIONS")


class WithoutCredentials:
    """Mixed into a proxy handler: the app sees the request, not who could act as the person.

    What another site's page sends is refused here, for all apps alike (a websocket's handshake by Tornado, which asks
    ``check_origin``). So an app need not know at which address the browser sees it, and is not told its Origin.
    """

    async def prepare(self, *arguments: Any, **named: Any) -> None:
        await super().prepare(*arguments, **named)  # type: ignore[misc]
        own: Any = self
        if own.request.method not in _HARMLESS and not own.check_origin():
            raise HTTPError(403, "this is sent by the session's own pages only")

    def proxy_request_headers(self) -> Any:
        headers = super().proxy_request_headers()  # type: ignore[misc]
        for name in (*CREDENTIALS, "Origin"):
            headers.pop(name, None)
        return headers

    def add_header(self, name: str, value: Any) -> None:
        # A cookie that the app never gets back could only take the place of one of the site's.
        if name.lower() != "set-cookie":
            super().add_header(name, value)  # type: ignore[misc]

    def set_header(self, name: str, value: Any) -> None:
        if name.lower() != "set-cookie":
            super().set_header(name, value)  # type: ignore[misc]


def admitted(apps: list[ServerProcess], log: Any) -> list[ServerProcess]:
    """The apps that listen on a Unix socket; each of the others is named in the log."""
    kept = [app for app in apps if app.unix_socket]
    for app in apps:
        if app not in kept:
            log.warning("The app %s is left out: it must listen on a Unix socket (unix_socket = True).", app.name)
    return kept


def handlers(base_url: str, apps: list[ServerProcess]) -> list[tuple[Any, ...]]:
    """Tornado handlers of these apps, without credentials."""

    def private(handler: type) -> type:
        if not hasattr(handler, "proxy_request_headers"):
            return handler
        return type(f"Private{handler.__name__}", (WithoutCredentials, handler), {})

    return [(path, private(handler), *rest) for path, handler, *rest in make_handlers(base_url, apps)]


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    base_url = server_app.web_app.settings["base_url"]
    configured = [*ServerProxy(parent=server_app).servers.values(), *get_entrypoint_server_processes()]
    apps = admitted(configured, server_app.log)
    apps += ours(base_url, {app.name for app in apps})
    _tell_kernels()
    icons = {
        a.name: a.launcher_entry.icon_path for a in apps if a.launcher_entry.enabled and a.launcher_entry.icon_path
    }
    server_app.web_app.add_handlers(
        ".*",
        [
            *index.handlers(url_path_join(base_url, KIT_APPS)),
            *starting.handlers(base_url, {app.name: app.launcher_entry.title or app.name for app in apps}),
            *handlers(base_url, apps),
            (
                url_path_join(base_url, "server-proxy/servers-info"),
                ServersInfoHandler,
                {"server_processes": apps},
            ),
            (url_path_join(base_url, "server-proxy/icon/(.*)"), IconHandler, {"icons": icons}),
        ],
    )


def _tell_kernels() -> None:
    """What is started in this session, its jobs included, keeps experiments where the apps look for them."""
    home = Path.home()
    os.environ.setdefault("MLFLOW_TRACKING_URI", store.tracking_uri(home))
    # Where a new experiment's files go; the client reads it, too (mlflow 3, tracking/_tracking_service/utils.py).
    os.environ.setdefault("_MLFLOW_SERVER_ARTIFACT_ROOT", str(store.artifacts(home)))
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
