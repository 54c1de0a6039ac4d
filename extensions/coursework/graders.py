"""What nbgrader has for who writes and grades a course: in sessions of a course's grader, and in no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Switched off in page_config.json.
_PLUGINS = ("@jupyter/nbgrader:create-assignment", "@jupyter/nbgrader:formgrader")
_Hook = Callable[[Any, dict[str, Any]], dict[str, Any]]


def switch_on(settings: dict[str, Any]) -> None:
    """JupyterLab gets the plug-ins, and may show nbgrader's formgrader in a frame of its own."""
    from nbgrader.server_extensions.formgrader.base import BaseHandler

    settings["page_config_hook"] = _with_plugins(settings.get("page_config_hook"))
    # Set, not subclassed: nbgrader registers its own handlers. JupyterHub refuses every frame.
    BaseHandler.content_security_policy = "frame-ancestors 'self'"


def _with_plugins(before: _Hook | None) -> _Hook:
    """JupyterLab's page with the plug-ins; ``before`` is what else changes it."""

    def hook(handler: Any, page: dict[str, Any]) -> dict[str, Any]:
        page = before(handler, page) if before else page
        off = page.get("disabledExtensions", [])
        return page | {"disabledExtensions": [name for name in off if name not in _PLUGINS]}

    return hook
