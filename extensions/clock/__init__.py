"""Time is visible: what is left of a session's time and memory, and how idle it is, for JupyterLab and for the hub."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.clock.extension"}]
