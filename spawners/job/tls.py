"""How the hub speaks TLS to sessions: one context for all of them.

JupyterHub makes a new one for every start, and reads the system's authorities into it: 30 ms of the hub's one thread
and a megabyte, of which the allocator gives little back (measured with Debian's 140 authorities).
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

import jupyterhub.user


@cache
def session_context(key: str, certificate: str, cafile: str | None = None) -> ssl.SSLContext:
    """To speak to sessions as the hub, with those PEM files; who is no session of its ``cafile`` is not believed.

    Raises OSError where a file can't be read.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=cafile)
    context.load_cert_chain(certificate, key)
    return context


def share_context() -> None:
    """Let JupyterHub's own wait for a session (jupyterhub.user.User._wait_up) use it, too."""

    def shared(key: str, certificate: str, cafile: str | None = None) -> Any:
        return session_context(key, certificate, cafile)

    jupyterhub.user.make_ssl_context = shared
