"""A Jupyter server extension: a session's pages and JupyterLab's buttons for assignments, and nbgrader's own pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_server.utils import url_path_join

from extensions.coursework import answers, handlers, nbgraders
from extensions.coursework.helper import Helper

# Plug-ins of nbgrader's for who writes and grades a course; they are switched off in page_config.json.
_GRADERS = ("@jupyter/nbgrader:create-assignment", "@jupyter/nbgrader:formgrader")


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    settings = server_app.web_app.settings
    helper = Helper(server_app.root_dir, server_app.log)
    routes: dict[str, Mapping[str, type]] = {
        "": nbgraders.HANDLERS,
        "campus": handlers.HANDLERS,
        "campus/coursework": answers.HANDLERS,
    }
    found = [
        (url_path_join(settings["base_url"], folder, name), handler, {"helper": helper})
        for folder, named in routes.items()
        for name, handler in named.items()
    ]
    server_app.web_app.add_handlers(".*", found)


async def start(server_app: Any) -> None:
    """Called by Jupyter Server once all its extensions are loaded."""
    if "CAMPUS_GRADER_OF" in os.environ:
        settings = server_app.web_app.settings
        settings["page_config_hook"] = _with_graders_pages(settings.get("page_config_hook"))


def _with_graders_pages(before: Callable[[Any, dict[str, Any]], dict[str, Any]] | None) -> Any:
    """JupyterLab's page with nbgrader's plug-ins for graders; ``before`` is what else changes it."""

    def hook(handler: Any, page: dict[str, Any]) -> dict[str, Any]:
        page = before(handler, page) if before else page
        off = page.get("disabledExtensions", [])
        return page | {"disabledExtensions": [name for name in off if name not in _GRADERS]}

    return hook


_load_jupyter_server_extension = load
_start_jupyter_server_extension = start
