"""A Jupyter server extension: the pages ``campus/kit`` and ``campus/first-hour``."""

from __future__ import annotations

from typing import Any

from jupyter_server.utils import url_path_join

from extensions.kits.session.handlers import HANDLERS


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    base_url = server_app.web_app.settings["base_url"]
    found = [(url_path_join(base_url, "campus", name), handler) for name, handler in HANDLERS.items()]
    server_app.web_app.add_handlers(".*", found)


_load_jupyter_server_extension = load
