"""A Jupyter server extension that admits apps on Unix sockets only, and keeps a person's credentials from them.

jupyter-server-proxy's own extension also serves ``/proxy/PORT`` and its kin, which hand a person's cookies to whoever
listens on that port of a shared node (GHSA-q52h-2389-h4hv); it stays off.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.utils import url_path_join
from jupyter_server_proxy.api import IconHandler, ServersInfoHandler
from jupyter_server_proxy.config import (
    ServerProcess,
    ServerProxy,
    get_entrypoint_server_processes,
    make_handlers,
)

CREDENTIALS = ("Cookie", "Authorization", "X-XSRFToken")


class WithoutCredentials:
    """Mixed into a proxy handler: the app sees the request, not who could act as the person."""

    def proxy_request_headers(self) -> Any:
        headers = super().proxy_request_headers()  # type: ignore[misc]
        for name in CREDENTIALS:
            headers.pop(name, None)
        return headers


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
    configured = list(ServerProxy(parent=server_app).servers.values())
    apps = admitted([*configured, *get_entrypoint_server_processes()], server_app.log)
    icons = {
        a.name: a.launcher_entry.icon_path for a in apps if a.launcher_entry.enabled and a.launcher_entry.icon_path
    }
    server_app.web_app.add_handlers(
        ".*",
        [
            *handlers(base_url, apps),
            (
                url_path_join(base_url, "server-proxy/servers-info"),
                ServersInfoHandler,
                {"server_processes": apps},
            ),
            (url_path_join(base_url, "server-proxy/icon/(.*)"), IconHandler, {"icons": icons}),
        ],
    )
