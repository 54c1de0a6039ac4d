"""What a session's server imports late, or not at all: it would double the time of every start."""

from __future__ import annotations

import contextlib
import gc
import os
import ssl
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

# Named by what a session imports, and used by nothing that it does at its start, or ever.
_LATE = (
    # The hub's database and pages, through jupyterhub.log, .scopes and .utils: for functions that the hub alone calls.
    "jupyterhub.handlers",
    "jupyterhub.handlers.pages",
    "jupyterhub.orm",
    "jupyterhub.roles",
    "sqlalchemy",
    "sqlalchemy.exc",
    # JupyterLab's installer of extensions and its lists of them, languages, and kernels behind a gateway.
    "babel",
    "jupyterlab.extensions.pypi",
    "requests",
    "websocket",
)
# What their importers do without where it is not installed: another resolver, httpx's command line, and the check of
# some formats of JSON Schema (a duration, a colour, an address), which are taken as they come then.
_OPTIONAL = ("aiodns", "fqdn", "httpx._main", "isoduration", "rfc3986_validator", "uri_template", "webcolors")


class _Late(ModuleType):
    """Stands for a module until something of it is used.

    While lean imports last, what is taken from it is a class: to be told from what a session has, or to be called,
    which calls the real one.
    """

    __path__: list[str] = []  # noqa: RUF012 - what makes a module a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        return type(name, (Exception,), {"__new__": lambda _, *a, **k: getattr(self, name)(*a, **k)})


def _authorities_later(context: ssl.SSLContext) -> None:
    """In place of SSLContext.set_default_verify_paths: read the machine's authorities at the first connection."""

    def first(wrap: str) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            context.set_default_verify_paths()
            for each in ("wrap_bio", "wrap_socket"):
                vars(context).pop(each, None)  # another thread may be here, too
            return getattr(context, wrap)(*args, **kwargs)

        return wrapped

    for each in ("wrap_bio", "wrap_socket"):
        setattr(context, each, first(each))


@contextlib.contextmanager
def lean_imports() -> Iterator[None]:
    """While this lasts, imports leave out what a start has no use for; afterwards all can be imported as ever."""
    absent: dict[str, ModuleType | None] = {**{n: _Late(n) for n in _LATE}, **dict.fromkeys(_OPTIONAL)}
    left_out = {name: module for name, module in absent.items() if name not in sys.modules}
    sys.modules.update(left_out)  # type: ignore[arg-type]
    path = os.environ.get("PATH", "")
    # JupyterLab runs node when it is imported, to ask for yarn's settings; only what builds extensions needs them.
    os.environ["PATH"] = os.devnull
    # aiohttp makes contexts for addresses of the internet when it is imported.
    ssl.SSLContext.set_default_verify_paths = _authorities_later  # type: ignore[assignment,method-assign]
    gc.disable()  # what is imported stays: to look through it again and again finds nothing
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        del ssl.SSLContext.set_default_verify_paths  # the inherited one again
        os.environ["PATH"] = path
        for name in left_out:
            del sys.modules[name]
