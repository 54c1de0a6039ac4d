"""What JupyterHub works out for a request goes with the request.

It caches three methods of its handlers by functools.lru_cache, each of which so holds the last 128 requests with all
that is theirs until as many others come: their bodies, of up to 100 MB from anybody at all (tornado.httpserver,
max_buffer_size), and the TLS state of their connections.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from jupyterhub.apihandlers import APIHandler
from jupyterhub.handlers import BaseHandler


def keep_on_the_request() -> None:
    """Let each handler keep its own answers. Raises AttributeError where JupyterHub caches them no more."""
    for name in ("get_token", "get_scope_filter"):
        setattr(BaseHandler, name, _kept(vars(BaseHandler)[name].__wrapped__))
    APIHandler.accepts_pagination = property(_kept(vars(APIHandler)["accepts_pagination"].fget.__wrapped__))


def _kept(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def kept(self: Any, *args: Any) -> Any:
        known = vars(self).setdefault("_campus_known", {})
        asked = (method.__name__, *args)
        if asked not in known:
            known[asked] = method(self, *args)
        return known[asked]

    return kept
