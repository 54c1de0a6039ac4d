"""Time is visible: what is left of a session's time and memory, and how idle it is, for JupyterLab and for the hub."""

from extensions.clock.extension import load, start

_load_jupyter_server_extension = load
_start_jupyter_server_extension = start


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.clock"}]
