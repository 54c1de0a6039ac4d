"""A Jupyter server extension: a session's pages and JupyterLab's buttons for assignments, and nbgrader's own pages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from jupyter_server.utils import url_path_join

from extensions.coursework import answers, handlers, nbgraders
from extensions.coursework.helper import Helper

_GRADER = "CAMPUS_GRADER_OF"


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    settings = server_app.web_app.settings
    if _GRADER in os.environ:
        from nbgrader.server_extensions.formgrader import load_jupyter_server_extension

        load_jupyter_server_extension(server_app)
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
    if _GRADER in os.environ:
        from extensions.coursework.graders import switch_on

        switch_on(server_app.web_app.settings)


_load_jupyter_server_extension = load
_start_jupyter_server_extension = start
