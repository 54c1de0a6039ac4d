"""What a session's server does not import: it would double the time of every start, and take memory for good."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

# The hub's database and pages: JupyterHub's single-user server imports them through jupyterhub.log, .scopes and .utils,
# for functions that the hub alone calls.
_OF_THE_HUB = (
    "jupyterhub.handlers",
    "jupyterhub.handlers.pages",
    "jupyterhub.orm",
    "jupyterhub.roles",
    "sqlalchemy",
    "sqlalchemy.exc",
)
# What their importers do without where it is not installed: another resolver, and httpx's command line.
_OPTIONAL = ("aiodns", "httpx._main")


class _Unused(ModuleType):
    """Stands for a module of which only classes are named, to be told from what a session has."""

    __path__: list[str] = []  # noqa: RUF012 - what makes a module a package

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


@contextlib.contextmanager
def lean_imports() -> Iterator[None]:
    """While this lasts, imports leave out what a session has no use for; afterwards all can be imported as ever."""
    absent: dict[str, ModuleType | None] = {**{n: _Unused(n) for n in _OF_THE_HUB}, **dict.fromkeys(_OPTIONAL)}
    before = {name: sys.modules[name] for name in absent if name in sys.modules}
    path = os.environ.get("PATH", "")
    sys.modules.update({n: m for n, m in absent.items() if n not in before})  # type: ignore[misc]
    # JupyterLab runs node when it is imported, to ask for yarn's settings; only what builds extensions needs them.
    os.environ["PATH"] = os.devnull
    try:
        yield
    finally:
        os.environ["PATH"] = path
        for name in absent.keys() - before.keys():
            del sys.modules[name]
