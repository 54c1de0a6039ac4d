"""JupyterHub's single-user server on a socket that is bound already."""

from __future__ import annotations

import socket

from spawners.session.lean import lean_imports

with lean_imports():
    import jupyterlab.labapp  # noqa: F401 - here, where it is lean; the server loads it as an extension
    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser.extension import JupyterHubSingleUser
    from tornado import netutil  # type: ignore[attr-defined]

    # Else made for the first connection, whatever that brings along; other versions make it when they are imported.
    if callable(make := getattr(netutil, "_client_ssl_defaults", None)):
        make()


class SessionServer(ServerApp):
    """A Jupyter server that takes the socket it is given instead of looking for a free port."""

    listener: socket.socket

    def _find_http_port(self) -> None:
        self.port = self.listener.getsockname()[1]

    def _bind_http_server_tcp(self) -> bool:
        self.http_server.add_socket(self.listener)
        return True


async def _hub_is_told(_: JupyterHubSingleUser) -> None:
    """In place of JupyterHub's look for its hub, which ends a session that finds none for a minute.

    The hub is told of the session meanwhile, with more patience (spawners.session.report).
    """


def serve(listener: socket.socket) -> None:
    """Serve until the job ends."""
    JupyterHubSingleUser.check_hub_version = _hub_is_told
    SessionServer.listener = listener
    # Set, not subclassed: Jupyter Server finds a starting extension by its class's own package.
    JupyterHubSingleUser.serverapp_class = SessionServer
    JupyterHubSingleUser.launch_instance([])
