"""What JupyterHub keeps in memory of requests and of permissions: less than by its defaults.

It caches three methods of its handlers by functools.lru_cache, each of which so holds the last 128 requests with all
that is theirs until as many others come: their bodies, of up to 100 MB from anybody at all (tornado.httpserver,
max_buffer_size), and the TLS state of their connections.

Of permissions it keeps 1,024 answers to each of ten questions (jupyterhub._memoize), some kilobytes each, and several
for every session. Sessions report in turn: where they are too many for a cache, it is full, and of no use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from jupyterhub import scopes
from jupyterhub._memoize import LRUCache
from jupyterhub.apihandlers import APIHandler
from jupyterhub.handlers import BaseHandler

from hub_config.paths import Paths
from hub_config.site import Site

_PERMISSIONS = 256


def update_memory(c, site: Site, paths: Paths) -> None:
    keep_on_the_request()
    remember_fewer_permissions()


def keep_on_the_request() -> None:
    """Let each handler keep its own answers. Raises AttributeError where JupyterHub caches them no more."""
    for name in ("get_token", "get_scope_filter"):
        setattr(BaseHandler, name, _kept(vars(BaseHandler)[name].__wrapped__))
    APIHandler.accepts_pagination = property(_kept(vars(APIHandler)["accepts_pagination"].fget.__wrapped__))


def remember_fewer_permissions() -> list[LRUCache]:
    """Of each question the last 256 answers; returns the caches. To be called before the first is asked."""
    functions = [function for function in vars(scopes).values() if callable(function)]
    cells = [cell.cell_contents for function in functions for cell in getattr(function, "__closure__", None) or ()]
    caches = [cell for cell in cells if isinstance(cell, LRUCache)]
    for cache in caches:
        cache.maxsize = _PERMISSIONS
    return caches


def _kept(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def kept(self: Any, *args: Any) -> Any:
        known = vars(self).setdefault("_campus_known", {})
        asked = (method.__name__, *args)
        if asked not in known:
            known[asked] = method(self, *args)
        return known[asked]

    return kept
