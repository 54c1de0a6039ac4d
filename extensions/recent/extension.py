"""A Jupyter server extension: tells the hub which notebooks were saved last."""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.services.contents.manager import ContentsManager

from extensions.clock.hub import ask_hub
from extensions.recent.saved import Saved


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    if "JUPYTERHUB_API_URL" not in os.environ:  # by itself, as tests have it: there is nobody to tell
        return

    async def tell(report: dict[str, Any]) -> None:
        await ask_hub("recent", report, frozenset(), "Home does not learn which notebooks were saved last.")

    saved = Saved(tell, server_app.log)

    async def changed(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        saved.hear(data)

    server_app.event_logger.add_listener(schema_id=ContentsManager.event_schema_id, listener=changed)


_load_jupyter_server_extension = load
