"""Apps inside a session: jupyter-server-proxy's named servers, and nothing else of it."""

from extensions.apps.extension import load

_load_jupyter_server_extension = load


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.apps"}]
